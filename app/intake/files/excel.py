"""The sheets of an .xlsx file. calamine reads them after `archives` has found nothing wrong with the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from app.intake.files import archives
from app.intake.files.archives import MOST_COLUMNS
from app.intake.files.cells import text_of
from app.intake.files.file_refusals import FileDamaged, FileRefusedError
from app.intake.files.tables import FileTable, NumberedCells

PANIC = "PanicException"
"""A bug in calamine raises it. It is not an `Exception`, and it cannot be imported."""


def tables(file: BinaryIO) -> Iterator[FileTable]:
    """Raises `FileRefusedError`."""
    archives.inspect(file)
    file.seek(0)
    try:
        workbook = CalamineWorkbook.from_filelike(file)
        for sheet in workbook.sheets_metadata:
            if sheet.typ == SheetTypeEnum.WorkSheet:
                hidden = sheet.visible != SheetVisibleEnum.Visible
                yield table(workbook.get_sheet_by_name(sheet.name), hidden=hidden)
    except (CalamineError, ValueError, OSError):
        raise FileRefusedError(FileDamaged()) from None
    except BaseException as error:
        if type(error).__name__ == PANIC:
            raise FileRefusedError(FileDamaged()) from None
        raise


def table(sheet: CalamineSheet, *, hidden: bool = False) -> FileTable:
    merged = merged_downwards(sheet)
    return FileTable(sheet.name, lambda: rows(sheet, merged), hidden)


def rows(sheet: CalamineSheet, merged: dict[int, dict[int, int]]) -> Iterator[NumberedCells]:
    """A cell that is merged over several rows is repeated in each of them, if the row has another cell."""
    repeated: dict[int, tuple[int, str | None]] = {}
    for number, values in enumerate(sheet.iter_rows(), start=1):
        cells = [text_of(value) for value in values]
        repeated = {column: (last, text) for column, (last, text) in repeated.items() if number <= last}
        if repeated and any(cells):
            for column, (_, text) in repeated.items():
                cells[column] = cells[column] or text
        for column, last in merged.get(number, {}).items():
            if column < len(cells):
                repeated[column] = (last, cells[column])
        yield number, cells


def merged_downwards(sheet: CalamineSheet) -> dict[int, dict[int, int]]:
    """Merged cells by their first row: the column, counted from the first used one, and the last row."""
    found: dict[int, dict[int, int]] = {}
    first = sheet.start[1] if sheet.start else 0
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if bottom > top and first <= left < first + MOST_COLUMNS:
            found.setdefault(top + 1, {})[left - first] = bottom + 1
    return found
