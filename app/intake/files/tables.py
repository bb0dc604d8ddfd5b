"""A table of a file of any kind: rows of texts, numbered as a spreadsheet numbers them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

NumberedCells = tuple[int, list[str | None]]
"""The number of a row, and its cells."""


@dataclass(frozen=True, slots=True)
class FileTable:
    sheet: str | None
    """None: a CSV file has none."""
    rows: Callable[[], Iterator[NumberedCells]]
    """Each call gives the rows from the first one on."""
