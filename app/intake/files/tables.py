"""What is read of a file, whichever its kind: rows of texts, numbered as a spreadsheet numbers them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

Row = tuple[int, list[str | None]]


@dataclass(frozen=True, slots=True)
class Table:
    sheet: str | None
    """None: a CSV file has none."""
    rows: Callable[[], Iterator[Row]]
    """Gives them from the first one on, each time it is called."""
