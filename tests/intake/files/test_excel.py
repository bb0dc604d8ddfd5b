# ruff: noqa: DTZ001 - spreadsheets know no zones
from __future__ import annotations

from datetime import date, datetime, time
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from openpyxl.chartsheet import Chartsheet

from app.intake.files import reading
from app.intake.files.file_refusals import FileRefusedError
from app.registry.values import standard
from tests.intake.sheets import (
    KNOWN,
    MAIN,
    Read,
    header_row,
    inline,
    package,
    person,
    read,
    saved,
    sheet,
    table,
    xlsx,
)
from tests.world import nik_of

LINES = table(person(1), person(2))


def cell_says(value: object, number_format: str | None = None) -> str | None:
    """What a cell in the last column says."""
    book = openpyxl.Workbook()
    book.active.append([*standard.COLUMNS, "nilai"])
    book.active.append([*LINES[1], value])
    if number_format:
        book.active.cell(2, 13).number_format = number_format
    return read(saved(book)).column("nilai")[0] if value is not None else None


def test_a_table_as_it_is() -> None:
    found = read(xlsx(LINES))
    assert found == Read(1, LINES[0], "Lembar 1", [(2, LINES[1]), (3, LINES[2])])


@pytest.mark.parametrize(
    ("value", "number_format", "says"),
    [
        (datetime(2026, 3, 1, 10, 0, 1), None, "2026-03-01 10:00:01"),
        (datetime(2026, 3, 1, 9, 59, 59, 999_000), None, "2026-03-01 10:00:00"),
        (date(2026, 3, 1), None, "2026-03-01"),
        (46082, "dd/mm/yyyy", "2026-03-01"),
        (46082.5, "[$-421]dd mmmm yyyy hh:mm", "2026-03-01 12:00:00"),
        (time(10, 30), None, "10:30:00"),
        (2, None, "2"),
        (2.0, "0.00", "2"),
        (2, "@", "2"),
        (0.1, None, "0.1"),
        (True, None, "TRUE"),
        ("'2", None, "'2"),
        ("=1+1", None, None),
        ("#N/A", None, None),
        (" Siti\u00a0", None, " Siti\u00a0"),
    ],
    ids=str,
)
def test_what_a_cell_says(value: object, number_format: str | None, says: str | None) -> None:
    assert cell_says(value, number_format) == says


def test_a_formula_says_what_it_came_to() -> None:
    cell = '<c r="M2" t="str"><f>CONCATENATE("Si","ti")</f><v>Siti</v></c><c r="N2"><f>1+1</f><v>2</v></c>'
    found = read(package(sheet=sheet(header_row() + f'<row r="2">{inline("A2", nik_of(1))}{cell}</row>')))
    assert found.rows == [(2, [nik_of(1), *[None] * 11, "Siti", "2"])]


def test_a_nik_that_excel_made_a_number_is_told_apart_from_a_text() -> None:
    found = read(xlsx(table(person(1, data_nik=int(nik_of(1))), person(2, data_nik=f"'{nik_of(2)}"), person(3))))
    assert found.column("data_nik") == ["3.2010101019E+15", f"'{nik_of(2)}", nik_of(3)]


@pytest.mark.parametrize("stored", ["", "<v></v>", "<v/>", "<v>0</v>", "<v>3.2E+15</v>"])
@pytest.mark.parametrize("quote", ['"', "&quot;"])
def test_a_formula_that_is_a_text_says_the_text(stored: str, quote: str) -> None:
    """Programs that write files leave the value of a formula out, or write 0."""
    cells = f'<c r="A2" s="1"><f>{quote}{nik_of(1)}{quote}</f>{stored}</c>{inline("B2", "Warga")}'
    other = f'<c r="C2"><f>1+1</f></c><c r="D2"><f>{quote}A &amp; B{quote}{quote}C{quote}</f>{stored}</c>'
    found = read(package(sheet=sheet(header_row() + f'<row r="2">{cells}{other}</row>')))
    assert found.rows == [(2, [nik_of(1), "Warga", None, 'A & B"C', *[None] * 8])]


def test_a_text_as_a_formula_is_found_on_its_own_sheet_wherever_the_table_begins() -> None:
    book = openpyxl.Workbook()
    book.active.title = "Sampul & isi"
    for title in ("Mudik", "Balik"):
        for _ in range(2):
            (book[title] if title in book else book.create_sheet(title)).append([None])
        for line in table(person(1, data_nik=f'="{nik_of(1 if title == "Mudik" else 2)}"')):
            book[title].append([None, None, *line])
    frames: list[Any] = list(reading.frames(BytesIO(saved(book)), KNOWN))
    assert [frame["batch"][0][1][0] for frame in frames[1:-1]] == [nik_of(1), nik_of(2)]


def test_a_formula_far_into_a_large_sheet_is_found() -> None:
    """The part is looked through in pieces; no cell is lost where one ends."""
    cells = "".join(
        f'<row r="{row}"><c r="A{row}"><f>"{nik_of(row)}"</f></c>{inline(f"B{row}", f"Warga {row}")}</row>'
        for row in range(2, 20_002)
    )
    found = read(package(sheet=sheet(header_row() + cells)))
    assert found.column("data_nik") == [nik_of(row) for row in range(2, 20_002)]


def test_dates_that_count_from_1904() -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for line in table(person(1, tanggal_pendaftaran=datetime(2026, 3, 1, 10, 0))):
        book.active.append(line)
    assert read(saved(book)).column("tanggal_pendaftaran") == ["2026-03-01 10:00:00"]


@pytest.mark.parametrize("above", [1, 9])
def test_the_header_is_anywhere_in_the_first_ten_rows(above: int) -> None:
    found = read(xlsx([["DATA PEMUDIK", None]] * above + LINES))
    assert (found.header, [number for number, _ in found.rows]) == (above + 1, [above + 2, above + 3])
    with pytest.raises(FileRefusedError, match="HEADER_NOT_FOUND"):
        read(xlsx([["DATA PEMUDIK", None]] * 10 + LINES))


def test_a_table_that_begins_elsewhere_than_in_the_corner() -> None:
    book = openpyxl.load_workbook(BytesIO(xlsx([[], [], *([None, None, *line] for line in LINES)])))
    book.active["E5"] = None
    book.active.merge_cells("E4:E5")
    found = read(saved(book))
    assert found == Read(3, LINES[0], "Lembar 1", [(4, LINES[1]), (5, LINES[2])])


def test_blank_rows_are_skipped_and_count() -> None:
    found = read(xlsx([LINES[0], [], [" ", None], LINES[1], [None], LINES[2], [], []]))
    assert [number for number, _ in found.rows] == [4, 6]


def test_every_visible_sheet_with_a_header() -> None:
    book = openpyxl.Workbook()
    book.active.title = "Sampul"
    book.active.append(["Pemudik 2026"])
    for title, number in (("Lama", 7), ("Data", 1), ("Lagi", 8)):
        for line in table(person(number)):
            (book[title] if title in book else book.create_sheet(title)).append(line)
    book["Lama"].sheet_state = "hidden"
    chart: Chartsheet = book.create_chartsheet("Grafik", 0)
    assert chart.title == "Grafik"
    found = read(saved(book))
    assert (found.sheet, found.column("data_nik")) == ("Data", [nik_of(1), nik_of(8)])


def test_a_hidden_sheet_is_not_read() -> None:
    book = openpyxl.Workbook()
    for line in LINES:
        book.create_sheet("Lama").append(line) if "Lama" not in book else book["Lama"].append(line)
    book["Lama"].sheet_state = "veryHidden"
    with pytest.raises(FileRefusedError, match="HEADER_NOT_FOUND"):
        read(saved(book))


def test_a_cell_merged_over_rows_stands_in_each() -> None:
    book = openpyxl.Workbook()
    for line in table(*(person(number) for number in range(1, 6))):
        book.active.append(line)
    for row in range(3, 6):
        book.active.cell(row, 3).value = None
    book.active.merge_cells("C2:C5")
    # It adds up the others, so it is nobody.
    book.active.merge_cells("A8:A9")
    book.active["A8"] = "Jumlah: 5"
    found = read(saved(book))
    assert found.column("rute_perjalanan") == ["Jakarta - Solo"] * 5
    assert [number for number, _ in found.rows] == [2, 3, 4, 5, 6]


def test_a_title_merged_over_the_columns_is_no_header() -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "data_nik"
    book.active.merge_cells("A1:L1")
    for line in LINES:
        book.active.append(line)
    assert read(saved(book)).header == 2


def test_trailing_empty_columns_are_none() -> None:
    lines = [[*LINES[0], None, " ", ""], [*LINES[1], None, None, " "]]
    found = read(xlsx(lines))
    assert (found.columns, found.rows) == (LINES[0], [(2, LINES[1])])


def test_what_stands_under_no_heading_is_kept_aside() -> None:
    found = read(xlsx([LINES[0], [*LINES[1], None, "catatan"]]))
    assert (found.columns, found.rows) == ([*LINES[0], "", ""], [(2, [*LINES[1], None, "catatan"])])


@pytest.mark.parametrize(
    "parts",
    [
        {"sheet": "<worksheet><sheetData><row>"},
        {"sheet": "no xml at all"},
        {"xl/workbook.xml": f'<workbook xmlns="{MAIN}"/>'},
        {"xl/_rels/workbook.xml.rels": "<Relationships/>"},
        {"sheet": sheet('<row r="1"><c r="A1" t="s"><v>99</v></c></row>')},
        {"sheet": sheet('<row r="1"><c r="1A"><v>1</v></c></row>')},
        {"sheet": sheet(header_row() + '<row r="2"><c r="A99999999999999999999"><v>1</v></c></row>')},
    ],
    ids=["cut-off", "no-xml", "no-sheets", "no-relations", "no-such-string", "no-address", "no-such-row"],
)
def test_a_workbook_that_makes_no_sense_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(FileRefusedError) as refused:
        read(package(**parts))
    assert refused.value.refusal.code in {"FILE_DAMAGED", "HEADER_NOT_FOUND", "FILE_TOO_MANY_ROWS"}


def test_a_panic_of_the_library_is_a_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        """As pyo3 names it; its own cannot be imported."""

    def panic(file: object) -> None:
        raise PanicException

    monkeypatch.setattr("app.intake.files.excel.CalamineWorkbook.from_filelike", panic, raising=True)
    with pytest.raises(FileRefusedError, match="FILE_DAMAGED"):
        read(xlsx(LINES))
