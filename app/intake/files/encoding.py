"""Writing tables as CSV and as JSON lines, and what all encoders have in common. .xlsx is in `encoding_xlsx`.

Some rows go in, bytes to send come out, and nothing is kept: memory is the same for a file of any length.
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

ROWS_OF_A_PIECE = 20
"""They take about a millisecond. Then other requests of this process have their turn."""


class Encoder(Protocol):
    """Writes one file: what its calls return, in their order, is the file."""

    media: str

    def sheet(self, title: str, columns: Sequence[str]) -> bytes: ...

    def rows(self, rows: Sequence[Sequence[Cell]]) -> bytes: ...

    def end(self) -> bytes: ...


class Copier(Encoder, Protocol):
    """Also writes back a sheet that somebody sent, row by row."""

    def copy(self, title: str, width: int, *, hidden: bool = False) -> bytes:
        """A sheet of `width` columns, which has no heading but what stands in its rows."""


async def encoded(
    encoder: Encoder, items: Sequence[Item], cells_of: Callable[[Item], Sequence[Cell]]
) -> AsyncIterator[bytes]:
    """Rows in pieces. Between two pieces, other requests have their turn. A thread would not help: it holds the GIL.

    A piece of an .xlsx may be empty: what compresses it gives out its bytes later.
    """
    for start in range(0, len(items), ROWS_OF_A_PIECE):
        yield encoder.rows([cells_of(item) for item in items[start : start + ROWS_OF_A_PIECE]])
        await asyncio.sleep(0)


class Csv:
    """One table. Between cells is `;`, as Excel in Indonesia expects.

    It begins with a BOM: without a BOM, Excel takes UTF-8 for Windows-1252.
    """

    media = "text/csv; charset=utf-8"

    def __init__(self) -> None:
        self._begun = False

    def sheet(self, title: str, columns: Sequence[str]) -> bytes:
        return self.copy(title, len(columns)) + self.rows([columns])

    def copy(self, title: str, width: int, *, hidden: bool = False) -> bytes:  # noqa: ARG002 - CSV has no sheets
        beginning = "" if self._begun else "\ufeff"
        self._begun = True
        return beginning.encode()

    def rows(self, rows: Sequence[Sequence[Cell]]) -> bytes:
        text = StringIO(newline="")
        writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
        writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
        return text.getvalue().encode()

    def end(self) -> bytes:
        return b""


class JsonLines:
    """One table: a JSON object for each row, by the names of the columns."""

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
