"""A file that would move more than a fifth of its rows changes nothing, unless it was sent with `evenThough: true`."""

from __future__ import annotations

from app.errors import EverybodysError

MOST_MOVED = 1 / 5
"""So many of the rows of a file may move somebody. If more do, `evenThough: true` must be said: perhaps a column has
slipped.
"""


class TooManyMoves(EverybodysError):  # noqa: N818 - an outcome
    """The file would move more than a fifth of its rows, and nobody said that it may."""

    def __init__(self, moved: int, rows: int) -> None:
        super().__init__(f"{moved} of {rows}")
        self.moved, self.rows = moved, rows
