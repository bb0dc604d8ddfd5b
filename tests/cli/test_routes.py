"""`pemudik routes`: a year's departures from a file, as CSV and as .xlsx."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from app.config import Settings
from app.db import Database
from app.intake.files.route_file import COLUMNS
from app.vault.vault import open_vault
from tests.cli.conftest import Pemudik
from tests.cli.test_imports import made, query
from tests.intake.sheets import saved
from tests.world import NOW, World

ROUTES = """SELECT name, direction, service, mode, origin_code, destination_code, departs_at::text, quota
    FROM route WHERE organizer_code = 'djka' ORDER BY name"""
ROWS = [
    ["Jakarta - Solo", "Arus mudik", "", "", "pulo-gebang", "tirtonadi", "2026-03-16 09:00", "40"],
    ["Motor Solo", "arus mudik", "Sepeda Motor", "", "pulo-gebang", "tirtonadi", "15/03/2026 07:00", ""],
    ["Solo - Jakarta", "Arus balik", "penumpang", "Kereta api", "tirtonadi", "pulo-gebang", "", "0"],
]


def csv(path: Path, rows: list[list[str]]) -> Path:
    path.write_text("\n".join(";".join(row) for row in [list(COLUMNS), *rows]))
    return path


@pytest.fixture
def world(pemudik: Pemudik, database: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("app.clock.now", lambda: NOW)
    return asyncio.run(made(database, open_vault(Settings().model_copy(update={"home": home}))))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return csv(tmp_path / "rute.csv", ROWS)


def test_routes_are_declared_once_a_year(pemudik: Pemudik, world: World, table: Path) -> None:
    assert pemudik("routes", "load", str(table), "--organizer", "djka").output == "3 routes are as the file says.\n"
    assert query(world, ROUTES) == [
        ("Jakarta - Solo", "MUDIK", "PASSENGER", "BUS", "pulo-gebang", "tirtonadi", "2026-03-16 02:00:00+00", 40),
        ("Motor Solo", "MUDIK", "MOTORCYCLE", "TRUCK", "pulo-gebang", "tirtonadi", "2026-03-15 00:00:00+00", None),
        ("Solo - Jakarta", "BALIK", "PASSENGER", "TRAIN", "tirtonadi", "pulo-gebang", None, 0),
    ]
    changes = query(world, "SELECT count(*) FROM change")
    assert json.loads(pemudik("routes", "load", str(table), "--organizer", "djka", "--json").output)["saved"] == 3
    assert query(world, "SELECT count(*) FROM change") == changes


def test_a_workbook_from_the_template(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    """The example is left out; a real date and a number are read as what they are."""
    file = tmp_path / "rute.xlsx"
    pemudik("routes", "template", str(file))
    book = openpyxl.load_workbook(file)
    assert [cell.value for cell in book["Rute"][1]] == list(COLUMNS)
    book["Rute"].append(ROWS[0])
    file.write_bytes(saved(book))
    assert pemudik("routes", "load", str(file), "--organizer", "djka").output.startswith("1 routes")
    assert [row[0] for row in query(world, ROUTES)] == ["Jakarta - Solo"]


def test_a_template_as_csv(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    file = tmp_path / "rute.CSV"
    pemudik("routes", "template", str(file))
    header, example = file.read_text("utf-8-sig").splitlines()
    assert header.split(";") == list(COLUMNS)
    with file.open("a") as lines:
        lines.write(";".join(ROWS[0]) + "\n")
    assert pemudik("routes", "load", str(file), "--organizer", "djka").output.startswith("1 routes")
    assert example.startswith("Jakarta - Solo;Arus mudik;")


@pytest.mark.parametrize("command", [("routes", "template"), ("template",)])
def test_a_template_overwrites_nothing_unasked(pemudik: Pemudik, tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "rute.xlsx"
    file.write_text("mine")
    said = pemudik(*command, str(file), code=1).stderr
    assert said == f"pemudik: {file} is there already: name another file, or say --force.\n"
    assert file.read_text() == "mine"
    pemudik(*command, str(file), "--force")
    assert file.read_bytes()[:2] == b"PK"


@pytest.mark.parametrize(("command", "kinds"), [(("routes", "template"), ".xlsx or .csv"), (("template",), ".xlsx")])
def test_a_template_of_another_kind_is_refused(
    pemudik: Pemudik, tmp_path: Path, command: tuple[str, ...], kinds: str
) -> None:
    file = tmp_path / "rute.ods"
    assert pemudik(*command, str(file), code=1).stderr == f"pemudik: FILE ends with {kinds}.\n"
    assert not file.exists()


def test_a_row_of_totals_is_no_route(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    for totals in (["JUMLAH", "", "", "", "", "", "", "40"], ["", "", "", "", "", "Total kursi", "", "40"]):
        file = csv(tmp_path / "rute.csv", [ROWS[0], totals])
        assert pemudik("routes", "load", str(file), "--organizer", "djka").output == "1 routes are as the file says.\n"


def test_all_that_is_wrong_with_a_row_is_told(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    file = csv(
        tmp_path / "rute.csv",
        [
            ["", "pulang", "barang", "pesawat", "nowhere", "elsewhere", "besok", "banyak"],
            ["A", "Arus mudik", "", "", "nowhere", "elsewhere", "", ""],
            ["B", "Arus mudik", "", "", "", "tirtonadi", "", ""],
        ],
    )
    result = pemudik("routes", "load", str(file), "--organizer", "djka", "--json", code=1)
    loaded = json.loads(result.stdout)
    assert (loaded["saved"], loaded["notTold"]) == (0, 0)
    assert [(fault["row"], fault["column"]) for fault in loaded["faults"]] == [
        *((2, column) for column in COLUMNS),
        (3, "terminal_asal"),
        (3, "terminal_tujuan"),
        (4, "terminal_asal"),
    ]
    assert loaded["faults"][-1]["message"] == "row 4, terminal_asal: It must not be empty."
    assert loaded["faults"][-2]["message"] == (
        "row 3, terminal_tujuan: There is no such terminal; take a code of the query `terminals`, or declare it by"
        " `saveTerminals`."
    )
    assert query(world, ROUTES) == []


def test_no_more_faults_are_told_than_anybody_reads(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    file = csv(tmp_path / "rute.csv", [["A", "pulang", "barang", "", "x", "y", "", ""]] * 60)
    result = pemudik("routes", "load", str(file), "--organizer", "djka", code=1)
    *faults, last = result.stderr.splitlines()
    assert (len(faults), last) == (200, "pemudik: rute.csv and 40 more.")
    loaded = json.loads(pemudik("routes", "load", str(file), "--organizer", "djka", "--json", code=1).stdout)
    assert (len(loaded["faults"]), loaded["notTold"]) == (200, 40)


def test_all_that_is_wrong_with_the_columns_is_told(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    file = tmp_path / "rute.csv"
    file.write_text("rute_perjalanan;tipe_keberangkatan;Kuota;kuota\nx;y;z;z\n")
    assert pemudik("routes", "load", str(file), "--organizer", "djka", code=1).stderr == (
        "pemudik: These columns are there more than once: kuota. Keep one of each. (COLUMN_REPEATED)\n"
        "pemudik: These columns are missing: terminal_asal, terminal_tujuan. Add them under the very names that the"
        " template has. (COLUMN_MISSING)\n"
    )


def test_every_visible_sheet_is_read(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    """One sheet for each way; what is wrong is told with its sheet. A hidden sheet is no list."""
    file = tmp_path / "rute.xlsx"
    pemudik("routes", "template", str(file))
    book = openpyxl.load_workbook(file)
    book["Rute"].append(ROWS[0])
    for title, row in (("Catatan", ["x"]), ("Balik", ROWS[2]), ("Lama", ROWS[1]), ("Salah", ["", *ROWS[0][1:]])):
        sheet = book.create_sheet(title)
        sheet.append(list(COLUMNS) if len(row) > 1 else row)
        sheet.append(row)
    book["Lama"].sheet_state = "hidden"
    file.write_bytes(saved(book))
    result = pemudik("routes", "load", str(file), "--organizer", "djka", "--json", code=1)
    loaded = json.loads(result.stdout)
    [fault] = loaded["faults"]
    assert (loaded["saved"], fault["sheet"], fault["row"], fault["column"]) == (2, "Salah", 2, "rute_perjalanan")
    assert fault["message"].startswith("sheet Salah, row 2, rute_perjalanan: ")
    assert [row[0] for row in query(world, ROUTES)] == ["Jakarta - Solo", "Solo - Jakarta"]


def test_what_is_no_table_is_refused(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    file = tmp_path / "rute.xls"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1024))
    result = pemudik("routes", "load", str(file), "--organizer", "djka", code=1)
    assert result.stderr.endswith("(FILE_NOT_A_SPREADSHEET)\n")
    assert query(world, ROUTES) == []


def test_good_rows_are_saved_and_the_others_are_told(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    bad = [
        ["A", "pulang", "", "", "pulo-gebang", "tirtonadi", "", ""],
        ["B", "Arus mudik", "barang", "", "pulo-gebang", "tirtonadi", "", ""],
        ["C", "Arus mudik", "", "", "pulo-gebang", "nowhere", "", ""],
        ["D", "Arus mudik", "", "", "pulo-gebang", "tirtonadi", "besok", ""],
        ["E", "Arus mudik", "", "", "pulo-gebang", "tirtonadi", "", "banyak"],
        ["", "Arus mudik", "", "", "pulo-gebang", "tirtonadi", "", ""],
        ["F", "Arus mudik", "", "pesawat", "pulo-gebang", "tirtonadi", "", ""],
    ]
    file = csv(tmp_path / "rute.csv", [*bad, ROWS[0]])
    result = pemudik("routes", "load", str(file), "--organizer", "djka", code=1)
    assert result.stdout == "1 routes are as the file says.\n"
    told = [line.split(": ")[1] for line in result.stderr.splitlines()]
    assert told == [
        "rute.csv row 2, tipe_keberangkatan",
        "rute.csv row 3, layanan",
        "rute.csv row 4, terminal_tujuan",
        "rute.csv row 5, waktu_keberangkatan",
        "rute.csv row 6, kuota",
        "rute.csv row 7, rute_perjalanan",
        "rute.csv row 8, moda",
    ]
    assert [row[0] for row in query(world, ROUTES)] == ["Jakarta - Solo"]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("rute_perjalanan;tipe_keberangkatan;terminal_asal", "COLUMN_MISSING"),
        (f"{';'.join(COLUMNS)};Kuota", "COLUMN_REPEATED"),
        ("a;b;c", "HEADER_NOT_FOUND"),
    ],
)
def test_a_file_without_the_columns_is_refused(
    pemudik: Pemudik, world: World, tmp_path: Path, header: str, code: str
) -> None:
    file = tmp_path / "rute.csv"
    file.write_text(f"{header}\nx;y;z\n")
    said = pemudik("routes", "load", str(file), "--organizer", "djka", code=1).stderr
    assert said.endswith(f"({code})\n")
    if code == "HEADER_NOT_FOUND":
        assert "its header row has rute_perjalanan, tipe_keberangkatan and so on" in said
    assert query(world, ROUTES) == []


def test_what_cannot_be_read_or_written(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    missing = tmp_path / "none" / "rute.csv"
    assert "cannot be read" in pemudik("routes", "load", str(missing), "--organizer", "djka", code=1).stderr
    assert "cannot be written" in pemudik("routes", "template", str(missing), code=1).stderr
    assert BytesIO(pemudik("routes", "template", "-").stdout_bytes).read(2) == b"PK"
