"""Files of the 12 columns: opened, read, written."""
