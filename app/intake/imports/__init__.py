"""The import of a file: its door, its process, its result file."""
