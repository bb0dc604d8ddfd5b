"""`pemudik import` and `pemudik consolidate` on files, as an operator runs them."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app.config import Settings
from app.db import Database
from app.intake.files.workbooks import MOST_BYTES
from app.registry.imports import job_runs
from app.vault.vault import open_vault
from tests import world as worlds
from tests.cli.conftest import Pemudik
from tests.intake.lists import as_csv, as_xlsx, in_status, row
from tests.intake.sheets import table, xlsx
from tests.world import NOW, World, nik_of


@pytest.fixture
def world(pemudik: Pemudik, database: Database, home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("app.clock.now", lambda: NOW)
    vault = open_vault(Settings().model_copy(update={"home": home}))
    return asyncio.run(made(database, vault))


async def made(database: Database, vault: Any) -> World:
    world = await worlds.build(database, vault)
    await world.route()
    await database.dispose()
    return world


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "Peserta Maret.csv"
    file.write_bytes(as_csv([row(1), row(2, **in_status(2))]))
    return file


def query(world: World, sql: str) -> Any:
    async def run() -> Any:
        found = await world.run(sql)
        await world.database.dispose()
        return [tuple(one) for one in found]

    return asyncio.run(run())


def test_a_file_is_imported_and_summed_up(pemudik: Pemudik, world: World, people: Path) -> None:
    said = pemudik("import", str(people), "--organizer", "hubdat").output
    assert said.splitlines()[0].endswith(": 2 rows.")
    assert [line.split() for line in said.splitlines()[1:]] == [
        ["result", "code", "rows"],
        ["diterima", "-", "2"],
        ["standar", "2024-03", "2"],
    ]
    again = json.loads(pemudik("import", str(people), "--organizer", "hubdat", "--json").output)
    assert (again["state"], again["unchanged"], again["new"]) == ("DONE", 2, 0)
    assert query(world, "SELECT organizer_code, client_id, extension FROM import_job") == [("hubdat", None, "csv")] * 2


def test_refused_rows_are_told_by_the_exit_code_and_in_the_result(
    pemudik: Pemudik, world: World, tmp_path: Path
) -> None:
    file, result = tmp_path / "list.xlsx", tmp_path / "result.xlsx"
    file.write_bytes(as_xlsx([row(1), row(2, data_nik="1")]))
    said = pemudik("import", str(file), "--organizer", "hubdat", "--result", str(result), code=1).output
    assert [line.split() for line in said.splitlines()[2:]] == [
        ["diterima", "-", "1"],
        ["ditolak", "-", "1"],
        ["ditolak", "NIK_INVALID", "1"],
        ["baris", "tanpa", "NIK", "yang", "terbaca", "-", "1"],
        ["standar", "2024-03", "2"],
    ]
    sheet = openpyxl.load_workbook(result)["Sheet"]
    assert [line[12] for line in sheet.iter_rows(values_only=True)] == ["hasil", "diterima", "ditolak"]


def test_a_file_moves_and_corrects(pemudik: Pemudik, world: World, people: Path, tmp_path: Path) -> None:
    pemudik("import", str(people), "--organizer", "hubdat")
    file = tmp_path / "corrected.csv"
    file.write_bytes(as_csv([row(1, data_pemesan="Bambang Sutrisno"), row(2, **in_status(2))]))
    later = ("import", str(file), "--organizer", "hubdat", "--changes", "apply")
    assert "(INVALID_VALUE)" in pemudik(*later, "--as-of", "2026-03-03T10:00:00+0700", code=1).stderr
    refused = pemudik(*later, code=1).stderr
    assert "This file would move 1 of 2 rows" in refused
    assert "(TOO_MANY_MOVES)" in refused
    said = pemudik(*later, "--even-though", "--as-of", "2026-03-02T09:00").output
    assert [line.split() for line in said.splitlines()[2:]] == [
        ["diperbarui", "-", "1"],
        ["tidak_berubah", "-", "1"],
        ["standar", "2024-03", "2"],
    ]


def test_a_dry_run_changes_nothing(pemudik: Pemudik, world: World, people: Path) -> None:
    said = pemudik("import", str(people), "--organizer", "hubdat", "--dry-run").output
    assert said.splitlines()[0].endswith(": 2 rows, changed nothing (dry run).")
    assert query(world, "SELECT count(*) FROM registrant") == [(0,)]


def test_what_cannot_be_imported(pemudik: Pemudik, world: World, people: Path, tmp_path: Path) -> None:
    def fails(*words: str) -> str:
        return pemudik(*words, code=1).output.strip()

    assert fails("import", str(tmp_path / "none.csv"), "--organizer", "hubdat").endswith("No such file or directory.")
    assert fails("import", str(people), "--organizer", "nobody") == (
        "pemudik: There is no organizer nobody: see `pemudik organizer list`."
    )
    assert fails("import", str(people), "--organizer", "hubdat", "--result", "x.pdf") == (
        "pemudik: --result ends with .xlsx or .csv."
    )
    assert fails("import", str(people), "--organizer", "hubdat", "--day", "2026-03-02").endswith("(INVALID_VALUE)")
    large = tmp_path / "large.csv"
    large.write_bytes(b"x" * (MOST_BYTES + 1))
    assert fails("import", str(large), "--organizer", "hubdat").endswith("large.csv is larger than 20 MB.")
    pdf = tmp_path / "list.pdf"
    pdf.write_bytes(b"%PDF")
    assert fails("import", str(pdf), "--organizer", "hubdat", "--result", str(tmp_path / "r.csv")).endswith(
        "(FILE_NOT_A_SPREADSHEET)"
    )
    assert not (tmp_path / "r.csv").exists()
    assert fails("consolidate") == "pemudik: Name the --organizer."
    assert fails("consolidate", "--organizer", "hubdat") == (
        "pemudik: Give a FILE to compare, a --day to sum up, or --cancel-missing JOB."
    )


@pytest.mark.parametrize(
    "given", [("--changes", "apply", "--as-of", "0001-01-01"), ("--mode", "snapshot", "--day", "0001-01-01")]
)
def test_a_time_beyond_the_calendar_is_refused(
    pemudik: Pemudik, world: World, people: Path, given: tuple[str, ...]
) -> None:
    said = pemudik("import", str(people), "--organizer", "hubdat", *given, code=1).stderr
    assert said == f"pemudik: {given[2]}: a year is 1900 to 2199.\n"
    assert query(world, "SELECT count(*) FROM import_job") == [(0,)]


def test_a_whole_list_is_compared_and_the_missing_cancelled_when_asked(
    pemudik: Pemudik, world: World, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pemudik("import", str(people), "--organizer", "hubdat")
    monkeypatch.setattr("app.clock.now", lambda: NOW + timedelta(hours=1))
    people.write_bytes(as_csv([row(1)]))
    result = tmp_path / "result.xlsx"
    words = ("consolidate", str(people), "--organizer", "hubdat", "--day", "2026-03-02", "--result", str(result))
    job = json.loads(pemudik(*words, "--json").output)
    assert (job["mode"], job["day"], job["unchanged"], job["missing"]) == ("SNAPSHOT", "2026-03-02", 1, 1)
    absent = list(openpyxl.load_workbook(result)["Tidak ada di berkas"].iter_rows(values_only=True))
    assert absent[1][2:] == ("hubdat", "Terverifikasi pendaftaran", 2)
    assert query(world, "SELECT status FROM registrant ORDER BY status") == [("REGISTERED",), ("VERIFIED",)]

    said = pemudik("consolidate", "--cancel-missing", job["id"]).output
    assert said == "1 of 1 missing are cancelled; the others are not as they were found.\n"
    assert query(world, "SELECT status FROM registrant ORDER BY status") == [("CANCELLED",), ("REGISTERED",)]
    told = json.loads(pemudik("consolidate", "--cancel-missing", job["id"], "--json").output)
    assert told == {"job": job["id"], "missing": 1, "cancelled": 1}


def test_the_missing_of_a_file_that_was_not_read_as_a_whole_are_cancelled_when_it_is_insisted(
    pemudik: Pemudik, world: World, people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pemudik("import", str(people), "--organizer", "hubdat")
    monkeypatch.setattr("app.clock.now", lambda: NOW + timedelta(hours=1))
    file = tmp_path / "list.xlsx"
    file.write_bytes(xlsx(table(row(1)), [[nik_of(2), "Warga 2"]]))
    job = json.loads(pemudik("consolidate", str(file), "--organizer", "hubdat", "--json").output)
    assert (job["missing"], job["unreadSheets"]) == (1, [{"name": "Lembar 2", "rows": 1}])
    before = query(world, "SELECT status FROM registrant ORDER BY status")
    words = ("consolidate", "--cancel-missing", job["id"])
    refused = pemudik(*words, code=1).stderr
    assert refused.startswith(
        "pemudik: 1 rows of this file could not be read (1 other sheets, 0 rows without a legible"
    )
    assert refused.endswith(" (INVALID_VALUE)\n")
    assert query(world, "SELECT status FROM registrant ORDER BY status") == before == [("REGISTERED",), ("VERIFIED",)]
    said = pemudik(*words, "--even-though").output
    assert said == "1 of 1 missing are cancelled; the others are not as they were found.\n"
    assert query(world, "SELECT status FROM registrant ORDER BY status") == [("CANCELLED",), ("REGISTERED",)]


def test_the_days_summary(pemudik: Pemudik, world: World, people: Path) -> None:
    pemudik("import", str(people), "--organizer", "hubdat")
    lines = f"{nik_of(1)}|MUDIK|PASSENGER|1\n{nik_of(2)}|MUDIK|PASSENGER|2\n"
    checksum = sha256(lines.encode()).hexdigest()
    said = pemudik("consolidate", "--organizer", "hubdat", "--day", "2026-03-02").output
    assert said.splitlines()[-1] == f"2 standing, checksum {checksum}"
    told = json.loads(pemudik("consolidate", "--organizer", "hubdat", "--day", "2026-03-02", "--json").output)
    assert (told["checksum"], told["counts"]["VERIFIED"]) == (checksum, 1)


def test_a_server_may_be_faster(pemudik: Pemudik, world: World, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, refusals = job_runs.claim, [True, False]

    async def claim_behind_a_server(*given: Any) -> Any:
        return None if refusals.pop(0) else await claim(*given)

    monkeypatch.setattr(job_runs, "claim", claim_behind_a_server)
    assert json.loads(pemudik("import", str(people), "--organizer", "hubdat", "--json").output)["new"] == 2
