"""A file that would move more than a fifth of its rows changes nothing, unless it was sent with `evenThough: true`."""

from __future__ import annotations

from app.errors import EverybodysError
from app.registry.imports.jobs import Failure

MOST_MOVED = 1 / 5
"""Of the rows of a file. More are moved only `evenThough: true`: perhaps a column has slipped."""


class TooManyMoves(EverybodysError):  # noqa: N818 - an outcome
    """The file would move more than a fifth of its rows, and nobody said that it may."""

    def __init__(self, moved: int, rows: int) -> None:
        super().__init__(f"{moved} of {rows}")
        self.moved, self.rows = moved, rows


def too_many(group: BaseExceptionGroup[TooManyMoves], *, dry_run: bool) -> Failure:
    one: BaseException = group
    while isinstance(one, BaseExceptionGroup):
        one = one.exceptions[0]
    assert isinstance(one, TooManyMoves)  # noqa: S101 - the group holds nothing else
    indonesian, english = (
        ("hasil uji coba ini", "these results") if dry_run else ("dengan dryRun: true", "it with dryRun: true")
    )
    return Failure(
        "TOO_MANY_MOVES",
        f"Berkas ini akan memindahkan {one.moved} dari {one.rows} baris ke rute atau nama lain, lebih dari seperlima;"
        f" tidak ada yang diubah. Periksa {indonesian}, lalu kirim lagi dengan evenThough: true.",
        f"This file would move {one.moved} of {one.rows} rows to another route or name, more than a fifth; nothing was"
        f" changed. Look at {english}, then send it again with evenThough: true.",
    )
