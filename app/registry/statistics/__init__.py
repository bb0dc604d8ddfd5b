"""Statistics as they are read."""
