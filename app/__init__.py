"""Pemudik: the shared registry of Indonesia's mudik gratis programmes."""

__version__ = "0.1.0"
