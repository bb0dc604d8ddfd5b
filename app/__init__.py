"""Pemudik: the shared registry of Indonesia's mudik gratis programmes."""
