"""A table of a file of any kind: rows of texts, numbered as a spreadsheet numbers them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

WHOLE = "--whole"
"""Tells the process that reads to send every row of every sheet."""
NumberedCells = tuple[int, list[str | None]]
"""The number of a row, and its cells."""


@dataclass(frozen=True, slots=True)
class FileTable:
    sheet: str | None
    """None: a CSV file has none."""
    rows: Callable[[], Iterator[NumberedCells]]
    """Each call gives the rows from the first one on."""
    hidden: bool = False
    """A hidden sheet is not read for people. The result names it."""
