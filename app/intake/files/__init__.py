"""Files of the 12 columns: how they are taken, opened, read and written. Nothing here knows what becomes of a row."""
