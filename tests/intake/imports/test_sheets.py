"""A file with a sheet for each bus: every sheet counts, what was not read is named, nobody is cancelled unasked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from app.errors import InvalidValue
from app.intake.imports import results
from app.models.enums import ImportMode
from app.registry.imports import absentees, jobs
from app.registry.imports.jobs import Job, UnreadSheet
from app.registry.values.standard import COLUMNS
from tests.intake.knocking import Doors, opened
from tests.intake.lists import Row, back, imported, row, sent, verdicts, worked_off
from tests.intake.sheets import saved
from tests.world import HUBDAT, NOW, World, nik_of

pytestmark = pytest.mark.anyio

Lines = list[list[Any]]


def bus(*people: Row, above: Lines | None = None, below: Lines | None = None) -> Lines:
    return [*(above or []), list(COLUMNS), *(list(one.values()) for one in people), *(below or [])]


def workbook(**sheets: Lines) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, lines in sheets.items():
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    return saved(book)


async def taken(world: World, content: bytes, mode: ImportMode = ImportMode.UPSERT) -> Job:
    await sent(world, HUBDAT, content, mode=mode, extension="xlsx")
    return await worked_off(world)


async def shown(world: World, job: Job, extension: str) -> bytes:
    encoder = results.ENCODERS[extension]()
    return b"".join([part async for part in results.result(world.database, world.vault, HUBDAT, job, encoder)])


def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever arrived before the file was sent can be missing."""
    monkeypatch.setattr("app.clock.now", lambda: NOW + timedelta(minutes=1))


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    async with opened(world) as api:
        yield api


async def test_the_people_of_every_bus_are_registered(world: World) -> None:
    """Also if their columns have another order, and if a trip back stands on a sheet before its trip home."""
    await world.route()
    await world.way_back()
    backwards = [list(reversed(line)) for line in bus(row(3), row(1))]
    job = await taken(
        world,
        workbook(**{"Bus 1": bus(back(1), row(2)), "Bus 2": [["BUS 2"], [], *backwards], "Kosong": []}),
    )
    assert (job.results, job.rows_done, job.unread_sheets, job.unread_rows) == ({"NEW": 4}, 4, [], 0)
    assert [row for row, _, _ in await verdicts(world, job)] == [2, 3, 4, 5]
    assert await world.count("registrant") == 4


async def test_a_nik_that_is_a_number_comes_back_with_its_digits_as_text(world: World) -> None:
    """It is refused: a spreadsheet keeps 15 digits of a number. A last digit that it may have lost is not made up."""
    await world.route()
    whole, cut = int(nik_of(1)), int(nik_of(2)[:15] + "0")
    beyond = int("9171010101909001")  # A spreadsheet cannot hold it: it lies beyond 2 to the power of 53.
    lines = [list(row(3).values()) for _ in range(4)]
    for line, nik in zip(lines, (whole, cut, beyond, f'="{nik_of(3)}"'), strict=True):
        line[0] = nik  # type: ignore[call-overload]
    job = await taken(world, workbook(Data=[list(COLUMNS), *lines]))
    assert await verdicts(world, job) == [
        (2, "REFUSED", "NIK_INVALID"),
        (3, "REFUSED", "NIK_INVALID"),
        (4, "REFUSED", "NIK_INVALID"),
        (5, "NEW", None),
    ]
    sheet = openpyxl.load_workbook(BytesIO(await shown(world, job, "xlsx")))["Data"]
    niks = [nik_of(1), nik_of(2)[:15] + "?", "917101010190900?", nik_of(3)]
    assert [(sheet[f"A{number}"].data_type, sheet[f"A{number}"].value) for number in range(2, 6)] == [
        ("s", nik) for nik in niks
    ]
    lines_of_csv = (await shown(world, job, "csv")).decode("utf-8-sig").splitlines()
    assert [line.split(";")[2] for line in lines_of_csv[1:]] == niks


async def test_whoever_stands_on_the_second_sheet_is_not_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.route()
    await imported(world, HUBDAT, [row(1), row(2), row(3)])
    later(monkeypatch)
    content = workbook(A=bus(row(1)), B=bus(row(2)))
    job = await taken(world, content, ImportMode.SNAPSHOT)
    assert (job.results, job.missing, job.unread_rows) == ({"UNCHANGED": 2}, 1, 0)
    done = await absentees.cancel(world.database.attempt, HUBDAT, job.id, NOW)
    assert isinstance(done, Job)
    assert await world.run("SELECT status, count(*) FROM registrant GROUP BY 1 ORDER BY 1") == [
        ("CANCELLED", 1),
        ("REGISTERED", 2),
    ]


NO_HEADER: Lines = [[nik_of(2), "Warga 2"], [nik_of(3), "Warga 3"]]
UNREAD: dict[str, tuple[dict[str, Lines], int]] = {
    "a sheet without a header": ({"A": bus(row(1)), "Bus Pak Budi": NO_HEADER}, 0),
    "a row without a NIK": ({"A": bus(row(1), {**row(2), "data_nik": "320101"})}, 1),
}


@pytest.mark.parametrize("case", UNREAD)
async def test_what_could_not_be_read_is_named_and_cancels_nobody_unasked(
    api: Doors, world: World, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    sheets, rows = UNREAD[case]
    await world.route()
    await imported(world, HUBDAT, [row(1), row(2), row(3)])
    later(monkeypatch)
    job = await taken(world, workbook(**sheets), ImportMode.SNAPSHOT)
    await api.token()
    named = [] if rows else [UnreadSheet("Bus Pak Budi", 2)]
    assert (job.missing, job.unread_sheets, job.unread_rows) == (2, named, rows)
    async with world.unchanged():
        refused = await absentees.cancel(world.database.attempt, HUBDAT, job.id, NOW)
        assert isinstance(refused, InvalidValue)
        assert (refused.field, "tidak terbaca" in refused.message()) == ("evenThough", True)
        answer = await api.send(f"/import/{job.id}/cancel-missing", b"", method="POST")
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "evenThough")
        assert (
            await api.send(f"/import/{job.id}/cancel-missing?evenTough=true", b"", method="POST")
        ).status_code == 400
    told = (await api.send(f"/import/{job.id}", b"", method="GET")).json()
    assert told["unreadSheets"] == [{"name": one.name, "rows": one.rows} for one in named]
    assert told["unreadRows"] == rows
    answer = await api.send(f"/import/{job.id}/cancel-missing?evenThough=true", b"", method="POST")
    assert answer.status_code == 200
    assert await world.one("SELECT count(*) FROM registrant WHERE status = 'CANCELLED'") == 2


async def test_the_result_keeps_the_file_and_says_what_was_not_read(world: World) -> None:
    await world.route()
    content = workbook(
        Rekap=[["Jumlah bus", 2]],
        A=bus(row(1), above=[["BUS A"]], below=[[], ["JUMLAH", "1 orang"]]),
        B=bus({**row(2), "data_nik": "x"}),
    )
    job = await taken(world, content)
    book = openpyxl.load_workbook(BytesIO(await shown(world, job, "xlsx")))
    assert book.sheetnames == ["Rekap", "A", "B", "Ringkasan"]
    assert [[cell.value for cell in line] for line in book["Rekap"].rows] == [["Jumlah bus", "2"]]
    assert [line[-2].value for line in book["A"].rows] == [None, "hasil", "diterima", None, None]
    assert book["A"]["A5"].value == "JUMLAH"
    assert book["A"].cell(5, 14).value == "Baris jumlah; tidak dibaca."
    assert [line[-2].value for line in book["B"].rows] == ["hasil", "ditolak"]
    summary = [[cell.value for cell in line] for line in book["Ringkasan"].rows]
    assert ["lembar tidak dibaca", "Rekap", 1] in summary
    assert ["baris tanpa NIK yang terbaca", None, 1] in summary
    lines = (await shown(world, job, "csv")).decode("utf-8-sig").splitlines()
    assert [line.split(";")[:2] for line in lines] == [
        ["A", "1"],
        ["lembar", "baris"],
        ["A", "3"],
        ["A", "4"],
        ["A", "5"],
        ["lembar", "baris"],
        ["B", "2"],
    ]
    # Sent back as it came, it names nobody twice, and its own sheets are no lists.
    again = await taken(world, await shown(world, job, "xlsx"))
    assert (again.results, again.unread_sheets) == ({"UNCHANGED": 1, "REFUSED": 1}, [UnreadSheet("Rekap", 1)])
    second = openpyxl.load_workbook(BytesIO(await shown(world, again, "xlsx")))
    assert second.sheetnames == ["Rekap", "A", "B", "Ringkasan"]


async def test_a_result_of_the_version_before_is_that_of_the_first_list(world: World) -> None:
    """It read one sheet, and its verdicts name none."""
    await world.route()
    job = await taken(world, workbook(Sampul=[["Pemudik"]], A=bus(row(1))))
    await world.run("UPDATE import_chunk SET verdicts = :old", old=b'[[2,"NEW",null,null]]')
    book = openpyxl.load_workbook(BytesIO(await shown(world, job, "xlsx")))
    assert [line[-2].value for line in book["A"].rows] == ["hasil", "diterima"]


async def test_a_sheet_that_lacks_a_column_refuses_the_file(world: World) -> None:
    """Half a list would be taken for the whole; a sheet's name may be that of a person, so its number is told."""
    job = await taken(world, workbook(A=bus(row(1)), Budi=[list(COLUMNS[1:]), list(row(2).values())[1:]]))
    assert (job.state, job.failure and job.failure.code, job.rows_done) == ("FAILED", "COLUMN_MISSING", 0)
    assert job.failure is not None
    assert job.failure.indonesian.startswith("Kolom ini tidak ada pada lembar ke-2: data_nik.")
    assert job.failure.english.startswith("These columns are missing on sheet 2: data_nik.")


async def test_the_name_of_a_sheet_is_wiped_with_the_file(world: World) -> None:
    await world.route()
    job = await taken(world, workbook(A=bus(row(1)), Budi=[["x"]]))
    assert job.unread_sheets == [UnreadSheet("Budi", 1)]
    async with world.database.transaction() as session:
        await jobs.wipe_season(session, 2026, NOW)
    assert await world.run("SELECT unread_sheets FROM import_job") == [([],)]


@pytest.mark.parametrize("written", ['="{}"', "'{}", ' ="{}" '])
async def test_a_nik_that_is_kept_as_a_text_is_read(world: World, written: str) -> None:
    await world.route()
    cell = written.format(nik_of(1))
    text = ";".join(COLUMNS) + "\n" + ";".join([f'"{cell.replace(chr(34), chr(34) * 2)}"', *list(row(1).values())[1:]])
    await sent(world, HUBDAT, text.encode())
    assert (await worked_off(world)).results == {"NEW": 1}
