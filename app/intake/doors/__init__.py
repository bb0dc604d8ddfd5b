"""The REST addresses: one file for each, and `doors` with the list of all."""
