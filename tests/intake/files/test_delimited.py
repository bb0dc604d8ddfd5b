from __future__ import annotations

import pytest

from app.intake.files.file_refusals import FileRefusedError
from tests.intake.sheets import csv_of, person, read, table
from tests.world import nik_of

PEOPLE = [person(1), person(2, data_pemesan="Wéra Nuñez")]
LINES = table(*PEOPLE)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"], ids=["semicolon", "comma", "tab"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"], ids=["crlf", "lf", "cr"])
def test_however_it_was_saved(encoding: str, delimiter: str, newline: str) -> None:
    found = read(csv_of(LINES, delimiter, newline).encode(encoding))
    assert found.header == 1
    assert found.sheet is None
    assert found.columns == LINES[0]
    assert found.rows == [(2, LINES[1]), (3, LINES[2])]


def test_utf_16_of_both_ends_with_a_mark() -> None:
    text = csv_of(LINES)
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        assert read(mark + text.encode(encoding)).rows == [(2, LINES[1]), (3, LINES[2])]


def test_quotes_hold_delimiters_quotes_and_line_breaks() -> None:
    row = list(PEOPLE[0].values())
    row[1] = '"Warga; ""Contoh""\r\nSatu"'
    found = read(csv_of([LINES[0], row, LINES[2]]).encode())
    assert found.column("data_pemesan") == ['Warga; "Contoh"\r\nSatu', "Wéra Nuñez"]
    assert [number for number, _ in found.rows] == [2, 3]


def test_the_line_in_which_excel_names_the_delimiter() -> None:
    found = read(("sep=|\r\n" + csv_of(LINES, "|")).encode())
    assert found.header == 2
    assert found.rows == [(3, LINES[1]), (4, LINES[2])]


def test_no_line_break_at_the_end() -> None:
    assert len(read(csv_of(LINES).rstrip().encode()).rows) == 2


@pytest.mark.parametrize("above", [0, 1, 9])
def test_the_header_is_within_the_first_ten_rows(above: int) -> None:
    found = read(("DATA PEMUDIK GRATIS;;\r\n" * above + csv_of(LINES)).encode())
    assert found.header == above + 1
    assert [number for number, _ in found.rows] == [above + 2, above + 3]


def test_the_eleventh_row_is_no_header() -> None:
    with pytest.raises(FileRefusedError, match="HEADER_NOT_FOUND"):
        read(("DATA PEMUDIK GRATIS;;\r\n" * 10 + csv_of(LINES)).encode())


def test_blank_rows_are_skipped_and_count() -> None:
    lines = [LINES[0], [""], [" "] * 12, LINES[1], [], ["\u00a0", "\t"], LINES[2], [], []]
    assert [number for number, _ in read(csv_of(lines).encode()).rows] == [4, 7]


def test_short_rows_and_long_ones_are_as_wide_as_the_header() -> None:
    lines = [[*LINES[0], "", ""], LINES[1][:3], [*LINES[2], "catatan", "", "", ""]]
    found = read(csv_of(lines).encode())
    assert found.columns == [*LINES[0], ""]
    assert found.rows == [(2, LINES[1][:3] + [None] * 10), (3, [*LINES[2], "catatan"])]


@pytest.mark.parametrize(
    "written", [f"'{nik_of(1)}", f"\t{nik_of(1)}", f'"\t{nik_of(1)}"', f" {nik_of(1)} "], ids=ascii
)
def test_a_nik_keeps_the_marks_that_its_rule_knows(written: str) -> None:
    found = read(csv_of([LINES[0], [written, *LINES[1][1:]]]).encode())
    assert found.column("data_nik") == [written.strip('"')]


@pytest.mark.parametrize("written", ["3,2E+15", "3.20101E+15", "3.201.010.101.909.000"])
def test_a_nik_that_excel_counted_with_comes_as_it_is_written(written: str) -> None:
    assert read(csv_of([LINES[0], [written, *LINES[1][1:]]]).encode()).column("data_nik") == [written]


def test_the_apostrophe_before_a_formula_is_taken_away() -> None:
    assert read(csv_of([LINES[0], [LINES[1][0], "'=1+1", *LINES[1][2:]]]).encode()).column("data_pemesan") == ["=1+1"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \r\n\t",
        b"<html><table><tr><td>data_nik</td></tr></table></html>",
        b"\xef\xbb\xbf <?xml version='1.0'?><data_nik/>",
        b"%PDF-1.7 data_nik;data_pemesan;source",
        b"{\\rtf1 data_nik;data_pemesan;source}",
        b"data_nik;data_pemesan;source\r\n1;\x00;2",
        b"\xff\xfed\x00\x00\xd8 \x00",
        b"\x89PNG\r\n\x1a\n",
        b"data_nik;data_pemesan;source\r\n\x81\x8d;1;2",
    ],
    ids=["nothing", "blanks", "html", "xml", "pdf", "rtf", "nul", "broken-utf-16", "png", "no-windows-1252"],
)
def test_what_is_no_text_is_no_spreadsheet(content: bytes) -> None:
    with pytest.raises(FileRefusedError, match="FILE_NOT_A_SPREADSHEET"):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        csv_of(LINES) + "x" * 1_100_000,
        csv_of(LINES) + ";" * 200 + "x",
        csv_of(LINES) + '"' + "Warga\r\n" * 100_000,
        csv_of(LINES) + "x" * 32_768,
    ],
    ids=["a-long-line", "201-columns", "a-quote-without-end", "a-long-cell"],
)
def test_what_is_too_much_is_refused_as_a_whole(content: str) -> None:
    with pytest.raises(FileRefusedError, match="FILE_TOO_COMPLEX"):
        read(content.encode())


def test_a_million_empty_columns_are_a_blank_row() -> None:
    found = read((csv_of(LINES) + ";" * 1_000_000 + "\r\n" + csv_of([LINES[1]])).encode())
    assert [number for number, _ in found.rows] == [2, 3, 5]
    assert found.columns == LINES[0]


def test_as_much_as_may_be_is_read() -> None:
    long = list(PEOPLE[0].values()) + ["x" * 32_767] + [""] * 186 + ["y"]
    found = read(csv_of([LINES[0], long]).encode())
    assert found.rows == [(2, [cell or None for cell in long])]
