"""A PostgreSQL for a machine that has none, run without root."""
