from __future__ import annotations

from io import BytesIO
from pathlib import Path

import httpx
import openpyxl
import pytest
from starlette.applications import Starlette

from app.errors import NikInvalid
from app.intake.files import template, workbooks
from app.intake.files.encoding_xlsx import Xlsx
from app.registry.values import nik, standard
from app.registry.values.standard import direction_of, parse_instant, status_of
from tests.intake.sheets import saved
from tests.world import nik_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def book() -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(template.workbook()))


def test_the_header_is_the_standards_and_stays_in_sight(book: openpyxl.Workbook) -> None:
    assert book.sheetnames == ["Data Pemudik", "Penjelasan"]
    data = book.worksheets[0]
    assert [cell.value for cell in data[1]] == list(standard.COLUMNS)
    assert data.freeze_panes == "B2"
    assert data.max_row == 2


def test_it_says_of_which_version_of_the_standard_it_is(book: openpyxl.Workbook) -> None:
    said = [cell.value for row in book["Penjelasan"].rows for cell in row]
    assert said.count("Standar data: versi 2024-03.") == 1


def test_every_column_is_text_down_to_the_end(book: openpyxl.Workbook) -> None:
    data = book.worksheets[0]
    for column in range(1, 13):
        dimension = data.column_dimensions[openpyxl.utils.get_column_letter(column)]
        assert dimension.number_format == "@"
        assert dimension.width > len(standard.COLUMNS[column - 1])
        assert (data.cell(2, column).number_format, data.cell(2, column).data_type) == ("@", "s")


def test_directions_and_statuses_are_offered(book: openpyxl.Workbook) -> None:
    rules = {str(rule.sqref): rule for rule in book.worksheets[0].data_validations.dataValidation}
    assert {place: rule.formula1 for place, rule in rules.items() if rule.type == "list"} == {
        "H2:H20001": '"Arus mudik,Arus balik"',
        "J2:J20001": '"Terdaftar,Terverifikasi pendaftaran,Terverifikasi keberangkatan"',
        "K2:K20001": '"1,2,3"',
    }
    length = rules["A2:A20001"]
    assert (length.type, length.operator, length.formula1, length.errorStyle) == (
        "textLength",
        "equal",
        "16",
        "warning",
    )
    assert len(rules) == 12
    assert all(rule.prompt for rule in rules.values())


def test_every_column_is_explained(book: openpyxl.Workbook) -> None:
    rows = [[cell.value for cell in row] for row in book["Penjelasan"].rows]
    assert rows[0] == ["kolom", "penjelasan", "contoh"]
    explained = {row[0]: row[1] for row in rows[1:] if row[0]}
    assert list(explained) == [*standard.COLUMNS, *standard.EXTENSIONS]
    assert all(len(text) > 20 for text in explained.values())
    assert "4 Gugur, 5 Batal, 6 Tidak hadir" in explained["status_pemesanan_code"]
    assert any("150.000 baris" in (row[1] or "") for row in rows)


def test_the_example_is_one_that_anybody_could_follow_and_nobody_is() -> None:
    example = template.EXAMPLE
    assert parse_instant(example["tanggal_pendaftaran"])
    assert status_of(example["status_pemesanan_code"], example["status_pemesanan_tittle"]) == "REGISTERED"
    assert direction_of(example["tipe_keberangkatan"]) == "MUDIK"
    refused = nik.parse(example["data_nik"])
    assert isinstance(refused, NikInvalid)
    assert "0000" in refused.message("id")


async def test_sent_as_it_is_it_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(template.workbook())
    async with workbooks.read(tmp_path / "a.xlsx") as found:
        assert (found.header.sheet, found.header.row, found.count) == ("Data Pemudik", 1, 0)
        assert [batch async for batch in found.batches()] == []


async def test_filled_in_below_the_example_it_has_those(book: openpyxl.Workbook, tmp_path: Path) -> None:
    values = template.EXAMPLE | {"data_nik": nik_of(1), "data_pemesan": "Warga Contoh"}
    book.worksheets[0].append(list(values.values()))
    (tmp_path / "a.xlsx").write_bytes(saved(book))
    async with workbooks.read(tmp_path / "a.xlsx") as found:
        [[row]] = [batch async for batch in found.batches()]
        assert (row.number, found.values(row)) == (3, values)


async def test_anybody_may_have_it() -> None:
    transport = httpx.ASGITransport(Starlette(routes=template.routes()))
    async with httpx.AsyncClient(transport=transport, base_url="https://registry.test") as http:
        answer = await http.get("/template.xlsx")
        assert (await http.post("/template.xlsx")).status_code == 405
    assert answer.status_code == 200
    assert answer.content == template.workbook()
    assert answer.headers["content-type"] == Xlsx.media
    assert answer.headers["content-disposition"] == 'attachment; filename="templat-pemudik.xlsx"'
