"""What other languages than Python do with the registry: it takes longer, and is seldom touched."""
