"""The sheets of an .xlsx file. calamine reads them after `archives` has found nothing wrong with the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from app.intake.files.cells import as_it_stands, text_of
from app.intake.files.file_refusals import FileDamaged, FileRefusedError
from app.intake.files.tables import FileTable, NumberedCells
from app.intake.files.text_formulas import Texts

PANIC = "PanicException"
"""A bug in calamine raises it. It is not an `Exception`, and it cannot be imported."""


def tables(file: BinaryIO, *, whole: bool = False) -> Iterator[FileTable]:
    """`whole`: cells as they stand, for a file that goes back. Raises `FileRefusedError`."""
    texts = archives.inspect(file)
    file.seek(0)
    try:
        workbook = CalamineWorkbook.from_filelike(file)
        for sheet in workbook.sheets_metadata:
            if sheet.typ == SheetTypeEnum.WorkSheet:
                hidden = sheet.visible != SheetVisibleEnum.Visible
                says = as_it_stands if whole else text_of
                yield table(workbook.get_sheet_by_name(sheet.name), says, texts.get(sheet.name, {}), hidden=hidden)
    except (CalamineError, ValueError, OSError):
        raise FileRefusedError(FileDamaged()) from None
    except BaseException as error:
        if type(error).__name__ == PANIC:
            raise FileRefusedError(FileDamaged()) from None
        raise


def table(
    sheet: CalamineSheet, says: Callable[[object], str | None], texts: Texts, *, hidden: bool = False
) -> FileTable:
    merged, written = merged_downwards(sheet), by_row(texts, sheet)
    return FileTable(sheet.name, lambda: rows(sheet, says, merged, written), hidden)


def rows(
    sheet: CalamineSheet,
    says: Callable[[object], str | None],
    merged: dict[int, dict[int, int]],
    written: dict[int, dict[int, str]],
) -> Iterator[NumberedCells]:
    """A cell that is merged over several rows is repeated in each of them, if the row has another cell.

    `written` are the texts of formulas, whatever value is stored of them.
    """
    repeated: dict[int, tuple[int, str | None]] = {}
    for number, values in enumerate(sheet.iter_rows(), start=1):
        cells = [says(value) for value in values]
        for column, formula in written.get(number, {}).items():
            if column < len(cells):
                cells[column] = formula
        repeated = {column: (last, text) for column, (last, text) in repeated.items() if number <= last}
        if repeated and any(cells):
            for column, (_, text) in repeated.items():
                cells[column] = cells[column] or text
        for column, last in merged.get(number, {}).items():
            if column < len(cells):
                repeated[column] = (last, cells[column])
        yield number, cells


def by_row(texts: Texts, sheet: CalamineSheet) -> dict[int, dict[int, str]]:
    """The texts of formulas by row, then by the column, counted from the first used one."""
    found: dict[int, dict[int, str]] = {}
    first = sheet.start[1] if sheet.start else 0
    for (row, column), text in texts.items():
        if column > first:
            found.setdefault(row, {})[column - 1 - first] = text
    return found


def merged_downwards(sheet: CalamineSheet) -> dict[int, dict[int, int]]:
    """Merged cells by their first row: the column, counted from the first used one, and the last row."""
    found: dict[int, dict[int, int]] = {}
    first = sheet.start[1] if sheet.start else 0
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        if bottom > top and first <= left < first + MOST_COLUMNS:
            found.setdefault(top + 1, {})[left - first] = bottom + 1
    return found
