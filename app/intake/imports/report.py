"""The file that was sent, with what became of each row: its own columns in their order, then `hasil` and `keterangan`.

As .xlsx it has sheets more, the summary among them; CSV has room for the rows alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from app.intake.files.columns import written
from app.intake.files.encoding import Cell, Encoder, encoded
from app.intake.files.encoding_xlsx import Xlsx
from app.intake.files.workbooks import Reading, Row

RESULT, EXPLANATION = "hasil", "keterangan"
SHEET = "Hasil"


@dataclass(frozen=True, slots=True)
class Outcome:
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
class Outcomes:
    """Met with the rows as both go by, so that neither is ever there as a whole. Both are in the order of the file."""

    slices: AsyncIterator[Sequence[Outcome]]
    _waiting: dict[int, Outcome] = field(default_factory=dict)
    _told: int = 0

    async def of(self, rows: Sequence[Row]) -> list[Outcome | None]:
        while self._told < rows[-1].number and (more := await anext(self.slices, None)) is not None:
            self._waiting.update((one.number, one) for one in more)
            self._told = max((self._told, *(one.number for one in more)))
        return [self._waiting.pop(row.number, None) for row in rows]


async def report(
    reading: Reading, outcomes: AsyncIterator[Sequence[Outcome]], more: Sequence[Sheet], encoder: Encoder
) -> AsyncIterator[bytes]:
    """`reading` is the same file, read again. A row without an outcome has two empty cells."""
    # A report that is sent again gets new ones.
    kept = [
        place for place, column in enumerate(reading.header.columns) if written(column) not in {RESULT, EXPLANATION}
    ]
    columns = [reading.header.columns[place] for place in kept]
    met = Outcomes(outcomes)
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


def told(row: Row, outcome: Outcome | None, kept: Sequence[int]) -> list[Cell]:
    cells: list[Cell] = [row.cells[place] for place in kept]
    return [*cells, outcome.result, outcome.explanation] if outcome else [*cells, None, None]
