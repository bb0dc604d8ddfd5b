"""NIKs and names at rest, and the keys for that."""
