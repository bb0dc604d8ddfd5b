"""Writing tables as CSV and JSON lines, and what every way of writing has in common: a slice of rows goes in, bytes to
send come out, and nothing is kept. .xlsx is in `encoding_xlsx`.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Callable, Sequence
from io import StringIO
from typing import Protocol, TypeVar

import orjson

from app.intake.files.cells import inert

Cell = str | int | None
Item = TypeVar("Item")

AT_ONCE = 20
"""Rows: a millisecond, after which others have their turn."""


class Encoder(Protocol):
    """Of one file: all that its calls return, in turn, is the file."""

    media: str

    def sheet(self, title: str, columns: Sequence[str]) -> bytes: ...

    def rows(self, rows: Sequence[Sequence[Cell]]) -> bytes: ...

    def end(self) -> bytes: ...


async def encoded(
    encoder: Encoder, items: Sequence[Item], cells_of: Callable[[Item], Sequence[Cell]]
) -> AsyncIterator[bytes]:
    """Rows in pieces, between which the process does what else there is to do. A thread would not leave it more."""
    for start in range(0, len(items), AT_ONCE):
        if piece := encoder.rows([cells_of(item) for item in items[start : start + AT_ONCE]]):
            yield piece
        await asyncio.sleep(0)


class Csv:
    """One table. `;` between cells, as Excel in Indonesia expects it, and a BOM, without which it takes UTF-8 for
    Windows-1252.
    """

    media = "text/csv; charset=utf-8"

    def sheet(self, title: str, columns: Sequence[str]) -> bytes:  # noqa: ARG002 - CSV has no sheets
        return "\ufeff".encode() + self.rows([columns])

    def rows(self, rows: Sequence[Sequence[Cell]]) -> bytes:
        text = StringIO(newline="")
        writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
        writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
        return text.getvalue().encode()

    def end(self) -> bytes:
        return b""


class JsonLines:
    """One table: an object per row, by the names of the columns."""

    media = "application/jsonl"

    def __init__(self) -> None:
        self._columns: Sequence[str] = ()

    def sheet(self, title: str, columns: Sequence[str]) -> bytes:  # noqa: ARG002
        self._columns = columns
        return b""

    def rows(self, rows: Sequence[Sequence[Cell]]) -> bytes:
        objects = (dict(zip(self._columns, row, strict=True)) for row in rows)
        return b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in objects)

    def end(self) -> bytes:
        return b""
