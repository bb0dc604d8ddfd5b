"""Readers of the change log: the feed, its live tail, projections."""
