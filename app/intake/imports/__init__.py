"""The import of a file: its addresses, the process that does it, and the file with its result."""
