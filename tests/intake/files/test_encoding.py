from __future__ import annotations

import csv
import json
from io import BytesIO, StringIO

import openpyxl
import pytest

from app.intake.files import encoding_xlsx
from app.intake.files.encoding import Cell, Csv, Encoder, JsonLines
from app.intake.files.encoding_xlsx import Xlsx, letters
from tests.intake.sheets import LIVE, person, read

COLUMNS = [*person(), "catatan"]
ODD = [
    *LIVE,
    "'=1+1",
    "''",
    "'Abdul",
    " Siti\u00a0",
    "\ttab",
    "dua\nbaris",
    "dua\r\nbaris",
    'kata "kutip"; koma, dan <tag> & é 李 😀',
    "_x0041_",
    "_x005F_x0041_",
    "]]>",
]
ROWS: list[list[Cell]] = [[*person(number).values(), note] for number, note in enumerate(ODD)]


def sheet_of(content: bytes) -> openpyxl.worksheet.worksheet.Worksheet:
    return openpyxl.load_workbook(BytesIO(content)).worksheets[0]


@pytest.mark.parametrize("encoder", [Xlsx, Csv])
def test_our_reader_reads_what_was_written(encoder: type[Encoder]) -> None:
    one = encoder()
    slices = [one.sheet("Data", COLUMNS), one.rows(ROWS[:5]), one.rows(ROWS[5:]), one.end()]
    found = read(b"".join(slices))
    assert found.columns == COLUMNS
    assert [cells for _, cells in found.rows] == ROWS


def test_json_lines_are_objects() -> None:
    one = JsonLines()
    content = one.sheet("Data", ["a", "b"]) + one.rows([["=1", 1], ["x", None]]) + one.end()
    assert [json.loads(line) for line in content.decode().splitlines()] == [{"a": "=1", "b": 1}, {"a": "x", "b": None}]


@pytest.mark.parametrize("text", LIVE, ids=ascii)
def test_a_cell_that_begins_like_a_formula_is_a_text(text: str) -> None:
    one = Xlsx()
    sheet = sheet_of(one.sheet("Data", ["a"]) + one.rows([[text]]) + one.end())
    assert (sheet["A2"].data_type, sheet["A2"].number_format, sheet["A2"].value) == (
        "s",
        "@",
        text.replace("\r", "_x000D_"),
    )
    [[cell]] = csv.reader(StringIO(Csv().rows([[text]]).decode(), newline=""), delimiter=";")
    assert cell == f"'{text}"


def test_a_heading_that_begins_like_a_formula_is_a_text_too() -> None:
    one = Xlsx()
    sheet = sheet_of(one.sheet("Data", ["=1+1"]) + one.end())
    assert (sheet["A1"].data_type, sheet["A1"].value) == ("s", "=1+1")
    assert Csv().sheet("Data", ["=1+1"]).decode("utf-8-sig") == "'=1+1\r\n"


def test_csv_is_what_excel_in_indonesia_opens() -> None:
    assert Csv().sheet("Data", ["nama", "kode"]) == b"\xef\xbb\xbfnama;kode\r\n"
    assert Csv().rows([["Siti; binti", 1], [None, 2]]) == b'"Siti; binti";1\r\n;2\r\n'


def test_sheets_with_frozen_headers_and_filters() -> None:
    one = Xlsx()
    content = one.sheet("A & B", ["nama", "kode"]) + one.rows([["Siti", 1], [None, 2]])
    content += one.sheet("Ringkasan", ["hasil"]) + one.end()
    book = openpyxl.load_workbook(BytesIO(content))
    assert book.sheetnames == ["A & B", "Ringkasan"]
    sheet = book["A & B"]
    assert [[cell.value for cell in row] for row in sheet.rows] == [["nama", "kode"], ["Siti", 1], [None, 2]]
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:B3")
    assert sheet["A1"].font.bold
    assert sheet.column_dimensions["A"].width == encoding_xlsx.COLUMN_WIDTH
    assert [cell.value for cell in book["Ringkasan"][1]] == ["hasil"]


def test_nothing_is_kept_between_slices() -> None:
    one = Xlsx()
    sizes = [len(one.sheet("Data", COLUMNS))]
    sizes += [
        len(one.rows([[f"{number} {place}" for place in range(13)] for number in range(5_000)])) for _ in range(4)
    ]
    assert all(size > 10_000 for size in sizes[1:])
    assert max(sizes[1:]) < 2 * min(sizes[1:])


def test_a_table_that_is_longer_than_a_sheet_goes_on_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding_xlsx, "MOST_ROWS_OF_A_SHEET", 4)
    one = Xlsx()
    content = one.sheet("Data", ["kode"]) + b"".join(one.rows([[n], [n + 1]]) for n in (1, 3, 5)) + one.end()
    book = openpyxl.load_workbook(BytesIO(content))
    assert [[[cell.value for cell in row] for row in sheet.rows] for sheet in book.worksheets] == [
        [["kode"], [1], [2]],
        [["kode"], [3], [4]],
        [["kode"], [5], [6]],
    ]
    assert book.sheetnames == ["Data", "Data 2", "Data 3"]


def test_a_text_is_cut_where_excel_would_refuse_the_file() -> None:
    one = Xlsx()
    sheet = sheet_of(one.sheet("Data", ["a"]) + one.rows([["x" * 40_000]]) + one.end())
    assert len(sheet["A2"].value) == 32_767


@pytest.mark.parametrize(
    ("place", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")]
)
def test_letters_of_columns(place: int, name: str) -> None:
    assert letters(place) == name
