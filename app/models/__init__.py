"""Vocabularies, and the tables made of them. The program reads the vocabularies; alembic reads the tables."""
