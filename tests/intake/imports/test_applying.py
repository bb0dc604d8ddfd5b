"""Files with `changes: APPLY`: they move and correct. To move more than a fifth, a file has to say that it may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from app.intake.imports import importing
from app.models.enums import ImportChanges, ImportMode, ImportState, RegistrantStatus
from app.registry.imports import job_runs
from app.registry.imports.jobs import Job
from tests.intake.lists import Row, as_csv, back, claimed, imported, refused, row, sent, verdicts, worked_off
from tests.world import HUBDAT, NOW, World

pytestmark = pytest.mark.anyio

APPLY = ImportChanges.APPLY
HOUR = timedelta(hours=1)
CHANGED = ("registrant", "route", "terminal", "change")


def to_yogya(number: int, **changes: str) -> Row:
    away = {"rute_perjalanan": "Jakarta - Yogya", "tujuan_terminal": "Giwangan", "kota_tujuan": "Jogja"}
    return row(number, **away | changes)


async def season(world: World, count: int = 10) -> None:
    await world.route()
    await world.route("Jakarta - Yogya", destination="giwangan")
    await imported(world, HUBDAT, [row(number) for number in range(count)])


async def applied(world: World, rows: list[Row], **how: Any) -> Job:
    return await imported(world, HUBDAT, rows, changes=APPLY, **how)


async def test_a_report_says_what_differs_and_changes_nothing(world: World) -> None:
    await season(world)
    rows = [to_yogya(0, data_pemesan="Warga Nol"), *(row(number) for number in range(1, 10))]
    async with world.unchanged("registrant", "route"):
        job = await imported(world, HUBDAT, rows)
    assert (job.changes, job.results) == ("REPORT", {"UNCHANGED": 10})
    async with world.database.transaction() as session:
        [first, *_] = await job_runs.verdicts(session, world.vault, job, 0)
    assert first.explanation == (
        "Orang ini sudah terdaftar pada Anda dengan rute lain; data yang tersimpan tidak berubah."
        " rute_perjalanan: tersimpan “Jakarta - Solo”, dikirim “Jakarta - Yogya”."
        " tujuan_terminal: tersimpan “Tirtonadi”, dikirim “Giwangan”."
        " kota_tujuan: tersimpan “Kota Surakarta”, dikirim “Jogja”."
        " data_pemesan: tersimpan “Warga 0”, dikirim “Warga Nol”."
    )


async def test_names_are_stored_sealed(world: World) -> None:
    await season(world)
    await imported(world, HUBDAT, [row(0, data_pemesan="Bambang Sutrisno")])
    stored = str(await world.rows("import_chunk"))
    assert "Sutrisno" not in stored
    assert b"Sutrisno".hex() not in stored
    assert await world.one("SELECT count(*) FROM import_chunk WHERE differences IS NOT NULL") == 1


async def test_up_to_a_fifth_is_moved(world: World) -> None:
    await season(world)
    rows = [to_yogya(0), to_yogya(1), *(row(number) for number in range(2, 10))]
    job = await applied(world, rows)
    assert (job.state, job.results, job.codes) == (ImportState.DONE, {"UPDATED": 2, "UNCHANGED": 8}, {})
    assert [await world.taken("Jakarta - Solo"), await world.taken("Jakarta - Yogya")] == [8, 2]
    # The same list again is as the registry has it.
    async with world.unchanged("registrant", "route"):
        again = await applied(world, rows)
    assert again.results == {"UNCHANGED": 10}


@pytest.mark.parametrize("what", ["routes", "names"])
async def test_more_than_a_fifth_changes_nothing(world: World, what: str) -> None:
    """Perhaps a column has slipped."""
    await season(world)
    other = [to_yogya(n) if what == "routes" else row(n, data_pemesan="Bambang Sutrisno") for n in range(3)]
    rows = [*other, *(row(number) for number in range(3, 10)), row(99)]
    async with world.unchanged("registrant", "route"):
        job = await applied(world, rows)
    assert (job.state, job.rows_done, job.results) == (ImportState.FAILED, 0, {})
    assert job.failure is not None
    assert job.failure.code == "TOO_MANY_MOVES"
    assert job.failure.message("en") == (
        "This file would move 3 of 11 rows to another route or name, more than a fifth; nothing was changed. Look at it"
        " with dryRun: true, then send it again with evenThough: true."
    )
    assert job.failure.message("id").startswith("Berkas ini akan memindahkan 3 dari 11 baris")
    though = await applied(world, rows, even_though=True)
    assert (though.state, though.results) == (ImportState.DONE, {"UPDATED": 3, "UNCHANGED": 7, "NEW": 1})


async def test_typing_errors_in_names_are_no_moves(world: World) -> None:
    await season(world)
    job = await applied(world, [row(number, data_pemesan=f"Wrga {number}") for number in range(10)])
    assert (job.state, job.results) == (ImportState.DONE, {"UPDATED": 10})


@pytest.mark.parametrize("changes", list(ImportChanges))
@pytest.mark.parametrize("dry_run", [False, True])
async def test_another_day_of_registration_is_told_and_nothing_else(
    world: World, changes: ImportChanges, dry_run: bool
) -> None:
    await season(world)
    rows = [row(number, tanggal_pendaftaran="2026-03-01") for number in range(10)]
    async with world.unchanged("registrant", "route"):
        job = await imported(world, HUBDAT, rows, changes=changes, dry_run=dry_run)
    assert (job.state, job.results, job.rehearsed_moves) == (ImportState.DONE, {"UNCHANGED": 10}, 0)
    async with world.database.transaction() as session:
        told = await job_runs.verdicts(session, world.vault, job, 0)
    assert len(told) == 10
    for one in told:
        assert one.explanation is not None
        assert "impor tidak mengubahnya." in one.explanation
        assert "tanggal_pendaftaran: tersimpan" in one.explanation


async def test_a_dry_run_judges_and_changes_nothing(world: World) -> None:
    await season(world)
    rows = [to_yogya(number) for number in range(10)]
    async with world.unchanged("registrant", "route"):
        job = await applied(world, rows, dry_run=True, even_though=True)
    assert (job.state, job.results) == (ImportState.DONE, {"UPDATED": 10})


async def test_a_dry_run_foresees_that_too_many_would_be_moved(world: World) -> None:
    """Its verdicts are there to be looked at, though it failed as the import would."""
    await season(world)
    rows = [*(to_yogya(number) for number in range(3)), *(row(number) for number in range(3, 10))]
    async with world.unchanged("registrant", "route"):
        job = await applied(world, rows, dry_run=True)
    assert (job.state, job.rows_done, job.results) == (ImportState.FAILED, 10, {"UPDATED": 3, "UNCHANGED": 7})
    assert job.failure is not None
    assert job.failure.message("id") == (
        "Berkas ini akan memindahkan 3 dari 10 baris ke rute atau nama lain, lebih dari seperlima; tidak ada yang"
        " diubah. Periksa hasil uji coba ini, lalu kirim lagi dengan penegasan."
    )
    assert [result for _, result, _ in await verdicts(world, job)] == ["UPDATED"] * 3 + ["UNCHANGED"] * 7
    async with world.unchanged("registrant", "route"):
        real = await applied(world, rows)
    assert (real.state, real.failure and real.failure.code, job.failure.code) == (
        ImportState.FAILED,
        "TOO_MANY_MOVES",
        "TOO_MANY_MOVES",
    )
    few = [*(to_yogya(number) for number in range(2)), *(row(number) for number in range(2, 10))]
    assert (await applied(world, few, dry_run=True)).state == ImportState.DONE


async def test_a_dry_run_that_another_process_began_counts_what_that_one_judged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.intake.imports.importing.ROWS_OF_A_CHUNK", 5)
    await season(world)
    rows = [*(to_yogya(number) for number in range(3)), *(row(number) for number in range(3, 10))]
    await sent(world, HUBDAT, as_csv(rows), changes=APPLY, dry_run=True)
    first, rehearse_part = uuid7(), importing.Run.rehearse_part

    async def until_the_second(run: importing.Run, number: int, *given: Any) -> Any:
        if number == 1 and run.runner == first:
            raise job_runs.LeaseLost
        return await rehearse_part(run, number, *given)

    monkeypatch.setattr(importing.Run, "rehearse_part", until_the_second)
    with pytest.raises(BaseExceptionGroup):
        await importing.work_off(world.database, world.vault, await claimed(world, first), first)
    await world.run("UPDATE import_job SET lease_until = :before WHERE finished_at IS NULL", before=NOW - HOUR)
    job = await worked_off(world)
    assert (job.state, job.rows_done, job.results) == (ImportState.FAILED, 10, {"UPDATED": 3, "UNCHANGED": 7})
    assert job.failure is not None
    assert "3 dari 10 baris" in job.failure.message("id")


@pytest.mark.usefixtures("poison")
@pytest.mark.parametrize("how", [{"dry_run": True}, {"changes": APPLY}])
async def test_a_row_that_meets_a_bug_fails_alone_where_all_is_judged_first(world: World, how: dict[str, Any]) -> None:
    route = await world.route(quota=3)
    rows = [row(1), row(2, data_pemesan="Racun"), row(3), row(4), row(5)]
    job = await imported(world, HUBDAT, rows, **how)
    assert (job.state, job.rows_done, job.attempts, job.failure) == (ImportState.DONE, 5, 1, None)
    assert (job.results, job.codes) == ({"NEW": 3, "REFUSED": 2}, {"INTERNAL_ERROR": 1, "QUOTA_FULL": 1})
    assert await world.one("SELECT taken FROM route WHERE id = :id", id=route) == (0 if "dry_run" in how else 3)


async def test_whoever_changed_after_the_list_stays(world: World) -> None:
    await season(world)
    one = await world.one("SELECT id FROM registrant ORDER BY id LIMIT 1")
    await world.moved(one, RegistrantStatus.VERIFIED, now=NOW)
    rows = [to_yogya(0), to_yogya(1), *(row(number) for number in range(2, 12))]
    # Everybody came at NOW, as the list of an hour before cannot know.
    old = await applied(world, rows, as_of=NOW - HOUR)
    assert old.results == {"STALE": 10, "NEW": 2}
    new = await applied(world, rows, as_of=NOW)
    assert new.results == {"STALE": 1, "UPDATED": 1, "UNCHANGED": 10}
    assert await world.status(one) == "VERIFIED"


async def test_both_ways_of_a_trip_go_to_another_city(world: World) -> None:
    await season(world)
    await world.way_back()
    await world.way_back("Yogya - Jakarta", origin="giwangan")
    await imported(world, HUBDAT, [back(0)])
    from_yogya = {
        "rute_perjalanan": "Yogya - Jakarta",
        "keberangkatan_terminal": "Giwangan",
        "kota_keberangkatan": "Jogja",
    }
    rows = [back(0, **from_yogya), *(row(number) for number in range(1, 10)), to_yogya(0)]
    assert (await applied(world, rows)).results == {"UPDATED": 2, "UNCHANGED": 9}


async def test_a_whole_list_applies_and_tells_who_is_missing(world: World) -> None:
    await season(world)
    await world.run("UPDATE registrant SET arrived_at = :before", before=NOW - HOUR)
    rows = [to_yogya(0), *(row(number) for number in range(1, 9))]
    job = await applied(world, rows, mode=ImportMode.SNAPSHOT)
    assert (job.results, job.missing) == ({"UPDATED": 1, "UNCHANGED": 8}, 1)


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"as_of": NOW}, "asOf"),
        ({"even_though": True}, "evenThough"),
        ({"changes": APPLY, "as_of": NOW + HOUR}, "asOf"),
        ({"changes": APPLY, "as_of": NOW.replace(tzinfo=None)}, "asOf"),
    ],
)
async def test_what_cannot_be_asked(world: World, how: dict[str, Any], field: str) -> None:
    refusal = await refused(world, HUBDAT, b"", **how)
    assert (refusal.code, refusal.field) == ("INVALID_VALUE", field)
    assert await world.count("import_job") == 0


async def test_a_file_of_many_chunks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.intake.imports.importing.ROWS_OF_A_CHUNK", 5)
    await season(world)
    rows = [to_yogya(0), to_yogya(1), *(row(number) for number in range(2, 10))]
    job = await applied(world, rows)
    assert (job.state, job.rows_done) == (ImportState.DONE, 10)
    assert await verdicts(world, job) == [
        (2, "UPDATED", None),
        (3, "UPDATED", None),
        *((number, "UNCHANGED", None) for number in range(4, 12)),
    ]
