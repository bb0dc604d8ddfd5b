"""The file that was sent, with the outcome of each row: its sheets, rows and values in their order, and two columns.

Nothing comes back but values: no formula, no style, no macro. An .xlsx report has more sheets, such as the summary. A
CSV report has the sheets with people alone; of a workbook it says sheet and row of each line.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from app.intake.files import columns
from app.intake.files.columns import OWN_SHEETS, written
from app.intake.files.encoding import Cell, Copier, encoded
from app.intake.files.encoding_xlsx import Xlsx
from app.intake.files.workbooks import FileReading, FileRow, FileSheet

RESULT, EXPLANATION = "hasil", "keterangan"
PLACE = ("lembar", "baris")
SHEET = "Hasil"
SUMMARY, MISSING, _ = OWN_SHEETS
TOTALS = "Baris jumlah; tidak dibaca."

Key = tuple[int, int]
"""A sheet's place in the file, from 0, and a row's number in the sheet."""


@dataclass(frozen=True, slots=True)
class RowOutcome:
    number: int
    """The number of the row in its sheet."""
    result: str
    explanation: str | None = None
    sheet: int = 0

    @property
    def key(self) -> Key:
        return self.sheet, self.number


@dataclass(frozen=True, slots=True)
class ReportSheet:
    """One that is added to the file."""

    title: str
    columns: Sequence[str]
    slices: AsyncIterator[Sequence[Sequence[Cell]]]


@dataclass(slots=True)
class RowOutcomes:
    """Finds the outcome of each row. Both come in the order of the file, so that neither is held as a whole."""

    slices: AsyncIterator[Sequence[RowOutcome]]
    _waiting: dict[Key, RowOutcome] = field(default_factory=dict)
    _told: Key = (0, 0)

    async def of(self, rows: Sequence[FileRow]) -> list[RowOutcome | None]:
        last = rows[-1].sheet, rows[-1].number
        while self._told < last and (more := await anext(self.slices, None)) is not None:
            self._waiting.update((one.key, one) for one in more)
            self._told = max((self._told, *(one.key for one in more)))
        return [self._waiting.pop((row.sheet, row.number), None) for row in rows]


class Copy:
    """One sheet of the file as it goes back."""

    def __init__(self, sheet: FileSheet, *, placed: bool) -> None:
        self.sheet = sheet
        self._header = sheet.header
        self._placed = placed and sheet.name is not None
        names = () if sheet.header is None else sheet.header.columns
        # If the file is itself a report, its old outcomes are left out.
        old = {place for place, column in enumerate(names) if written(column) in {RESULT, EXPLANATION}}
        self._kept = [place for place in range(sheet.width) if place not in old]

    @property
    def width(self) -> int:
        return len(self._kept) + (0 if self._header is None else 2) + (2 if self._placed else 0)

    def cells(self, row: FileRow, outcome: RowOutcome | None) -> list[Cell]:
        kept: list[Cell] = [row.cells[place] for place in self._kept]
        if self._header is None:
            return kept
        is_header = row.number == self._header.row
        place: Sequence[Cell] = ()
        if self._placed:
            place = PLACE if is_header else (self.sheet.name, row.number)
        return [*place, *kept, *((RESULT, EXPLANATION) if is_header else self._told(row, outcome))]

    def _told(self, row: FileRow, outcome: RowOutcome | None) -> tuple[str | None, str | None]:
        if outcome is not None:
            return outcome.result, outcome.explanation
        assert self._header is not None  # noqa: S101 - asked before
        is_behind = row.number > self._header.row
        return None, TOTALS if is_behind and columns.is_totals(self._header.names, row.cells) else None


async def report(
    reading: FileReading, outcomes: AsyncIterator[Sequence[RowOutcome]], more: Sequence[ReportSheet], encoder: Copier
) -> AsyncIterator[bytes]:
    """`reading` is the whole file that was sent, read again. A row without an outcome gets two empty cells."""
    met, titles = RowOutcomes(outcomes), Titles()
    waiting = list(enumerate(copies(reading, encoder)))
    copy: Copy | None = None
    async for rows in reading.batches():
        while waiting and waiting[0][0] <= rows[0].sheet:
            copy = waiting.pop(0)[1]
            if copy is not None:
                yield encoder.copy(titles.free(copy.sheet.name or SHEET), copy.width, hidden=copy.sheet.hidden)
        if copy is not None:
            pairs = list(zip(rows, await met.of(rows), strict=True))
            cells_of = copy.cells
            async for piece in encoded(encoder, pairs, lambda pair: cells_of(*pair)):  # noqa: B023 - used at once
                yield piece
    for _, left in waiting:
        if left is not None:
            yield encoder.copy(titles.free(left.sheet.name or SHEET), left.width, hidden=left.sheet.hidden)
    async for piece in added(more, titles, encoder):
        yield piece
    yield encoder.end()


def copies(reading: FileReading, encoder: Copier) -> list[Copy | None]:
    """A copy of each sheet. None: the sheet does not go back."""
    all_of_them = isinstance(encoder, Xlsx)
    return [
        Copy(sheet, placed=not all_of_them)
        if sheet.header is not None or (all_of_them and not (sheet.own and sheet.name in {SUMMARY, MISSING}))
        else None
        for sheet in reading.sheets
    ]


async def added(more: Sequence[ReportSheet], titles: Titles, encoder: Copier) -> AsyncIterator[bytes]:
    for sheet in more if isinstance(encoder, Xlsx) else ():
        yield encoder.sheet(titles.free(sheet.title), sheet.columns)
        async for cells in sheet.slices:
            async for piece in encoded(encoder, cells, lambda row: row):
                yield piece


class Titles:
    """The titles of the sheets of one file. No two may be alike, whatever their letter case."""

    LONGEST = 31
    """Characters: Excel's limit."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def free(self, wanted: str) -> str:
        title, number = wanted[: self.LONGEST], 1
        while title.casefold() in self._taken:
            number += 1
            title = f"{wanted[: self.LONGEST - 5]} ({number})"
        self._taken.add(title.casefold())
        return title
