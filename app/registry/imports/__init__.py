"""Imports of files as jobs, and whom a whole list does not name."""
