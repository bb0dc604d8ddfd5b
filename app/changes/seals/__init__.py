"""Seals over the logs, by which anybody can tell that a row was changed, left out or put in."""
