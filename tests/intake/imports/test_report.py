from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from tempfile import TemporaryFile

import openpyxl
import pytest

from app.intake.files import workbooks
from app.intake.files.encoding import Cell, Copier, Csv
from app.intake.files.encoding_xlsx import Xlsx
from app.intake.imports.report import ReportSheet, RowOutcome, report
from tests.intake.sheets import csv_of, person, read, saved, table, xlsx
from tests.world import nik_of

pytestmark = pytest.mark.anyio

LINES: list[list[str | None]] = [["DATA PEMUDIK"], ["No", *person(), "Catatan ", ""]]
LINES += [[str(number), *person(number).values(), "+A1", None] for number in range(1, 4)]


async def slices(*parts: Sequence[RowOutcome]) -> AsyncIterator[Sequence[RowOutcome]]:
    for part in parts:
        yield part


async def cells(*rows: Sequence[Cell]) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    yield rows


async def made(
    content: bytes, outcomes: AsyncIterator[Sequence[RowOutcome]], encoder: Copier, *more: ReportSheet
) -> bytes:
    with TemporaryFile() as file:
        file.write(content)
        async with workbooks.read(file, whole=True) as reading:
            return b"".join([part async for part in report(reading, outcomes, more, encoder)])


def told() -> AsyncIterator[Sequence[RowOutcome]]:
    return slices(
        [RowOutcome(3, "diterima")],
        [],
        [RowOutcome(5, "ditolak", "NIK tidak sah: harus 16 angka, seperti pada KTP atau KK. (NIK_INVALID)")],
    )


async def test_the_same_file_with_a_verdict_for_each_row() -> None:
    """Also what stands above the header comes back where it was."""
    summary = ReportSheet(
        "Ringkasan", ("hasil", "kode", "jumlah"), cells(("ditolak", "NIK_INVALID", 1), ("diterima", None, 1))
    )
    content = await made(csv_of(LINES).encode(), told(), Xlsx(), summary)
    book = openpyxl.load_workbook(BytesIO(content))
    assert book.sheetnames == ["Hasil", "Ringkasan"]
    assert [[cell.value for cell in row] for row in book["Hasil"].rows] == [
        ["DATA PEMUDIK", *[None] * 15],
        ["No", *person(), "Catatan ", "hasil", "keterangan"],
        ["1", *person(1).values(), "+A1", "diterima", None],
        ["2", *person(2).values(), "+A1", None, None],
        [
            "3",
            *person(3).values(),
            "+A1",
            "ditolak",
            "NIK tidak sah: harus 16 angka, seperti pada KTP atau KK. (NIK_INVALID)",
        ],
    ]
    assert book["Hasil"]["N3"].data_type == "s"
    assert [[cell.value for cell in row] for row in book["Ringkasan"].rows] == [
        ["hasil", "kode", "jumlah"],
        ["ditolak", "NIK_INVALID", 1],
        ["diterima", None, 1],
    ]


async def test_as_csv_it_has_the_rows_alone_and_says_where_they_stand() -> None:
    summary = ReportSheet("Ringkasan", ("hasil",), cells(("ditolak",)))
    content = await made(xlsx(LINES), told(), Csv(), summary)
    found = read(content)
    assert found.columns == ["lembar", "baris", "No", *person(), "Catatan ", "hasil", "keterangan"]
    assert found.column("hasil") == ["diterima", None, "ditolak"]
    assert list(zip(found.column("lembar"), found.column("baris"), strict=True)) == [
        ("Lembar 1", "3"),
        ("Lembar 1", "4"),
        ("Lembar 1", "5"),
    ]
    assert b"'+A1" in content
    assert b"lembar" not in await made(csv_of(LINES).encode(), told(), Csv(), summary)


def bus(number: int, *more: list[str | None]) -> list[list[str | None]]:
    return [["Bus", str(number)], [], list(person()), list(person(number).values()), *more]


async def test_every_sheet_comes_back_as_it_was() -> None:
    """Sheets, order, rows and values; a sheet without people as well, and a hidden one stays hidden."""
    totals: list[str | None] = ["JUMLAH", "1 orang"]
    book = openpyxl.load_workbook(
        BytesIO(xlsx([["Rekap"], ["=1+1", 7]], bus(1, [], totals), [["a", "b", "c", "d"]], bus(2)))
    )
    book["Lembar 3"].sheet_state = "hidden"
    outcomes = slices([RowOutcome(4, "diterima", None, 1), RowOutcome(4, "ditolak", "x", 3)])
    content = await made(saved(book), outcomes, Xlsx(), ReportSheet("LEMBAR 2", ("x",), cells(("y",))))
    found = openpyxl.load_workbook(BytesIO(content))
    assert [(sheet.title, sheet.sheet_state) for sheet in found] == [
        ("Lembar 1", "visible"),
        ("Lembar 2", "visible"),
        ("Lembar 3", "hidden"),
        ("Lembar 4", "visible"),
        ("LEMBAR 2 (2)", "visible"),
    ]
    # The last value of a formula that no program has worked out is none.
    assert [[cell.value for cell in row] for row in found["Lembar 1"].rows] == [["Rekap", None], [None, "7"]]
    assert [[cell.value for cell in row][:2] for row in found["Lembar 2"].rows] == [
        ["Bus", "1"],
        [None, None],
        ["data_nik", "data_pemesan"],
        [nik_of(1), "Warga Contoh 1"],
        [None, None],
        ["JUMLAH", "1 orang"],
    ]
    assert [[cell.value for cell in row][-2:] for row in found["Lembar 2"].rows] == [
        [None, None],
        [None, None],
        ["hasil", "keterangan"],
        ["diterima", None],
        [None, None],
        [None, "Baris jumlah; tidak dibaca."],
    ]
    assert [cell.value for cell in found["Lembar 4"][4]][-2:] == ["ditolak", "x"]
    assert [cell.value for cell in found["Lembar 3"][1]] == ["a", "b", "c", "d"]


async def test_a_report_that_is_sent_again_gets_new_verdicts() -> None:
    first = await made(xlsx(LINES), told(), Xlsx())
    again = await made(first, slices([RowOutcome(5, "tidak_berubah", "")]), Xlsx())
    found = read(again)
    assert found.columns == ["No", *person(), "Catatan ", "hasil", "keterangan"]
    assert found.column("hasil") == [None, None, "tidak_berubah"]
    assert found.column("data_nik") == [nik_of(1), nik_of(2), nik_of(3)]


async def test_verdicts_and_rows_meet_over_many_batches() -> None:
    numbers = range(1, 1_301)
    content = csv_of(table(*(person(number) for number in numbers))).encode()
    # In slices of another size than the batches of the file.
    parts = [[RowOutcome(row, f"hasil {row}") for row in range(start, min(start + 700, 1_302))] for start in (2, 702)]
    found = read(await made(content, slices(*parts), Csv()))
    assert found.column("hasil") == [f"hasil {number + 1}" for number in numbers]
    assert found.column("data_nik") == [nik_of(number) for number in numbers]
