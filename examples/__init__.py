"""Programs of others, as they could look like."""
