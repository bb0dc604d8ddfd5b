"""The file that was sent, with the outcome of each row: its own columns in their order, then `hasil` and `keterangan`.

An .xlsx report has more sheets, such as the summary. A CSV report has only the rows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from app.intake.files.columns import written
from app.intake.files.encoding import Cell, Encoder, encoded
from app.intake.files.encoding_xlsx import Xlsx
from app.intake.files.workbooks import FileReading, FileRow

RESULT, EXPLANATION = "hasil", "keterangan"
SHEET = "Hasil"


@dataclass(frozen=True, slots=True)
class RowOutcome:
    number: int
    """Of the row in the file."""
    result: str
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    title: str
    columns: Sequence[str]
    slices: AsyncIterator[Sequence[Sequence[Cell]]]


@dataclass(slots=True)
class RowOutcomes:
    """Finds the outcome of each row. Both come in the order of the file, so that neither is held as a whole."""

    slices: AsyncIterator[Sequence[RowOutcome]]
    _waiting: dict[int, RowOutcome] = field(default_factory=dict)
    _told: int = 0

    async def of(self, rows: Sequence[FileRow]) -> list[RowOutcome | None]:
        while self._told < rows[-1].number and (more := await anext(self.slices, None)) is not None:
            self._waiting.update((one.number, one) for one in more)
            self._told = max((self._told, *(one.number for one in more)))
        return [self._waiting.pop(row.number, None) for row in rows]


async def report(
    reading: FileReading, outcomes: AsyncIterator[Sequence[RowOutcome]], more: Sequence[Sheet], encoder: Encoder
) -> AsyncIterator[bytes]:
    """`reading` is the file that was sent, read again. A row without an outcome gets two empty cells."""
    # If the file is itself a report, its old outcomes are left out.
    kept = [
        place for place, column in enumerate(reading.header.columns) if written(column) not in {RESULT, EXPLANATION}
    ]
    columns = [reading.header.columns[place] for place in kept]
    met = RowOutcomes(outcomes)
    yield encoder.sheet(SHEET, [*columns, RESULT, EXPLANATION])
    async for rows in reading.batches():
        pairs = list(zip(rows, await met.of(rows), strict=True))
        async for piece in encoded(encoder, pairs, lambda pair: told(*pair, kept)):
            yield piece
    for sheet in more if isinstance(encoder, Xlsx) else ():
        yield encoder.sheet(sheet.title, sheet.columns)
        async for cells in sheet.slices:
            async for piece in encoded(encoder, cells, lambda row: row):
                yield piece
    yield encoder.end()


def told(row: FileRow, outcome: RowOutcome | None, kept: Sequence[int]) -> list[Cell]:
    cells: list[Cell] = [row.cells[place] for place in kept]
    return [*cells, outcome.result, outcome.explanation] if outcome else [*cells, None, None]
