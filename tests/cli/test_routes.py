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
from tests.world import World

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
def world(pemudik: Pemudik, database: Database, home: Path) -> World:
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
    assert pemudik("routes", "load", str(file), "--organizer", "djka", code=1).stderr.endswith(f"({code})\n")
    assert query(world, ROUTES) == []


def test_what_cannot_be_read_or_written(pemudik: Pemudik, world: World, tmp_path: Path) -> None:
    missing = tmp_path / "none" / "rute.csv"
    assert "cannot be read" in pemudik("routes", "load", str(missing), "--organizer", "djka", code=1).stderr
    assert "cannot be written" in pemudik("routes", "template", str(missing), code=1).stderr
    assert BytesIO(pemudik("routes", "template", "-").stdout_bytes).read(2) == b"PK"
