from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from uuid_utils.compat import uuid7

from app import clock
from app.errors import Unavailable
from app.intake.imports import failures, importing
from app.models.enums import ImportMode, ImportState
from app.registry.imports import job_runs, jobs
from app.registry.imports.job_runs import LeaseLost
from app.registry.imports.jobs import Failure, Job
from app.registry.niks import allowance
from app.registry.rows import reception
from tests import world as worlds
from tests.intake.lists import (
    as_csv,
    as_xlsx,
    back,
    claimed,
    imported,
    in_status,
    row,
    sent,
    verdicts,
    worked_off,
)
from tests.world import BUMN, DKI, HUBDAT, JASA_RAHARJA, SOON, World

pytestmark = pytest.mark.anyio

JOB_TABLES = ("import_job", "import_file", "import_chunk", "import_missing")


async def test_every_verdict_stands_with_the_number_of_its_row(world: World) -> None:
    await world.route(quota=3)
    await world.way_back()
    await imported(world, HUBDAT, [row(1), row(2, **in_status(2)), row(3)])
    job = await imported(
        world,
        HUBDAT,
        [
            row(1),
            row(2),
            row(3, **in_status(2)),
            row(4),
            row(5, data_nik="123"),
            row(6, source="DJKA"),
            back(1),
            back(7),
            row(8, tanggal_pendaftaran="kemarin"),
        ],
    )
    assert (job.state, job.rows_read, job.rows_done, job.failure) == (ImportState.DONE, 9, 9, None)
    assert await verdicts(world, job) == [
        (2, "UNCHANGED", None),
        (3, "STALE", None),
        (4, "UPDATED", None),
        (5, "REFUSED", "QUOTA_FULL"),
        (6, "REFUSED", "NIK_INVALID"),
        (7, "REFUSED", "NOT_YOURS"),
        (8, "NEW", None),
        (9, "REFUSED", "RETURN_WITHOUT_OUTBOUND"),
        (10, "REFUSED", "INVALID_VALUE"),
    ]
    assert job.results == {"UNCHANGED": 1, "STALE": 1, "UPDATED": 1, "NEW": 1, "REFUSED": 5}
    assert job.codes == {
        "QUOTA_FULL": 1,
        "NIK_INVALID": 1,
        "NOT_YOURS": 1,
        "RETURN_WITHOUT_OUTBOUND": 1,
        "INVALID_VALUE": 1,
    }


@pytest.mark.usefixtures("poison")
async def test_a_row_that_meets_a_bug_fails_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ROWS_OF_A_CHUNK", 3)
    await world.route()
    rows = [row(1), row(2, data_pemesan="Racun"), row(3), row(4)]
    job = await imported(world, HUBDAT, rows)
    assert (job.state, job.rows_done, job.attempts, job.failure) == (ImportState.DONE, 4, 1, None)
    assert await verdicts(world, job) == [
        (2, "NEW", None),
        (3, "REFUSED", "INTERNAL_ERROR"),
        (4, "NEW", None),
        (5, "NEW", None),
    ]
    assert await world.count("registrant") == 3


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_route_that_has_left_takes_nobody(world: World, dry_run: bool) -> None:
    await world.route(departs_at=worlds.NOW - timedelta(days=1))
    async with world.unchanged("registrant", "route"):
        job = await imported(world, HUBDAT, [row(1)], dry_run=dry_run)
    assert await verdicts(world, job) == [(2, "REFUSED", "ROUTE_DEPARTED")]


async def test_the_same_file_again_changes_nothing(world: World) -> None:
    await world.route(departs_at=SOON)
    await world.way_back()
    rows = [back(1), row(1), row(2, **in_status(2)), row(3, **in_status(3))]
    first = await imported(world, HUBDAT, rows)
    assert first.results == {"NEW": 4}
    async with world.unchanged("registrant", "route", "terminal"):
        again = await imported(world, HUBDAT, rows)
    assert again.results == {"UNCHANGED": 4}
    kinds = [kind for kind, *_ in await world.changes()]
    assert kinds == ["REGISTRANT_MOVED"] * 7 + ["IMPORT_FINISHED"] * 2


async def test_the_end_is_told_in_the_change_log_without_names(world: World) -> None:
    await world.route()
    job = await imported(world, HUBDAT, [row(1), row(2, data_nik="9")])
    told = (await world.changes("kind, season, organizer_code, client_id, facts"))[-1]
    assert told == (
        "IMPORT_FINISHED",
        2026,
        "hubdat",
        "hubdat-test",
        {
            "job": str(job.id),
            "state": "DONE",
            "mode": "UPSERT",
            "dry_run": False,
            "rows": 2,
            "results": {"NEW": 1, "REFUSED": 1},
            "codes": {"NIK_INVALID": 1},
            "missing": None,
            "error": None,
        },
    )


async def test_a_spreadsheet_is_as_good_as_a_csv_file(world: World) -> None:
    await world.route()
    await sent(world, HUBDAT, as_xlsx([row(1), row(2)]), extension="xlsx")
    job = await worked_off(world)
    assert (job.extension, job.results) == ("xlsx", {"NEW": 2})
    assert await verdicts(world, job) == [(2, "NEW", None), (3, "NEW", None)]


async def test_ways_back_wait_for_everybodys_way_home(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ROWS_OF_A_CHUNK", 3)
    await world.route()
    await world.way_back()
    people = range(1, 8)
    job = await imported(world, HUBDAT, [*(back(one) for one in people), *(row(one) for one in people)])
    assert job.results == {"NEW": 14}
    assert await world.count("import_chunk") == 5


async def test_each_row_is_judged_by_what_the_ones_before_it_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ROWS_OF_A_CHUNK", 1)
    await world.route(departs_at=SOON)
    spelt = nik_with_dots(1)
    rows = [row(1), row(1, data_nik=spelt, **in_status(2)), row(2), row(1, **in_status(3)), row(1)]
    job = await imported(world, HUBDAT, rows)
    assert await verdicts(world, job) == [
        (2, "NEW", None),
        (3, "UPDATED", None),
        (4, "NEW", None),
        (5, "UPDATED", None),
        (6, "STALE", None),
    ]


def nik_with_dots(number: int) -> str:
    nik = worlds.nik_of(number)
    return f"{nik[:6]}.{nik[6:12]}.{nik[12:]}"


async def test_a_coordinator_sends_its_members_rows(world: World) -> None:
    await world.route(organizer="jasa-raharja")
    rows = [
        row(1, source="BUMN-SATU"),
        row(2, source="bumn-satu"),
        row(3, source="JASA-RAHARJA"),
        row(4, source="DJKA"),
    ]
    job = await imported(world, JASA_RAHARJA, rows)
    assert [result for _, result, _ in await verdicts(world, job)] == ["NEW", "NEW", "NEW", "REFUSED"]
    owners = await world.run("SELECT organizer_code, count(*) FROM registrant GROUP BY 1 ORDER BY 1")
    assert [tuple(one) for one in owners] == [("bumn-satu", 2), ("jasa-raharja", 1)]
    async with world.database.transaction() as session:
        assert isinstance(await jobs.get(session, JASA_RAHARJA, job.id), Job)
        # The member sees what became of its people, not its coordinator's file.
        assert not isinstance(await jobs.get(session, BUMN, job.id), Job)


# --- cut off, taken over, ended ---------------------------------------------------------------------------------------


class Cut(BaseException):
    """The process ends here. Nothing in it gets another turn."""


async def cut_off(world: World, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """One process begins and is gone after so many chunks."""
    push, pushed = reception.push, 0

    async def push_or_end(*given: Any, **how: Any) -> Any:
        nonlocal pushed
        pushed += 1
        if pushed > after:
            if "in_turn" in how:
                await how["in_turn"]()
            raise Cut
        return await push(*given, **how)

    with monkeypatch.context() as patched:
        patched.setattr(reception, "push", push_or_end)
        with pytest.raises(BaseExceptionGroup):
            await worked_off(world)


async def later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease is over."""
    monkeypatch.setattr("app.clock.now", lambda: worlds.NOW + 2 * job_runs.LEASE)


async def test_each_row_is_taken_in_once_whoever_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ROWS_OF_A_CHUNK", 2)
    await world.route()
    await sent(world, HUBDAT, as_csv(row(number) for number in range(1, 8)))
    await cut_off(world, monkeypatch, after=2)
    assert await world.run("SELECT rows_done, results, state FROM import_job") == [(4, {"NEW": 4}, "RUNNING")]

    async with world.database.transaction() as session:
        assert await job_runs.waiting(session, worlds.NOW) is False
        assert await job_runs.claim(session, uuid7(), worlds.NOW) is None
    await later(world, monkeypatch)
    job = await worked_off(world)
    assert (job.state, job.rows_done, job.results) == (ImportState.DONE, 7, {"NEW": 7})
    assert len(await verdicts(world, job)) == 7
    assert (await world.count("registrant"), await world.taken()) == (7, 7)
    assert [kind for kind, *_ in await world.changes()] == ["REGISTRANT_MOVED"] * 7 + ["IMPORT_FINISHED"]


async def test_whoever_lost_the_lease_writes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.route()
    await sent(world, HUBDAT, as_csv([row(1)]))
    slow, fast = uuid7(), uuid7()
    stale = await claimed(world, slow)
    await later(world, monkeypatch)
    fresh = await claimed(world, fast)
    assert (stale.id, fresh.attempts) == (fresh.id, 2)
    async with world.unchanged("registrant", "route", *JOB_TABLES):
        with pytest.raises(ExceptionGroup) as raised:
            await importing.work_off(world.database, world.vault, stale, slow)
    assert raised.value.split(LeaseLost)[1] is None
    assert (await importing.work_off(world.database, world.vault, fresh, fast)).results == {"NEW": 1}


async def test_a_job_that_always_ends_its_process_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.route()
    await sent(world, HUBDAT, as_csv([row(1)]))
    for turn in range(job_runs.MOST_ATTEMPTS):
        await cut_off(world, monkeypatch, after=0)
        monkeypatch.setattr("app.clock.now", lambda turn=turn: worlds.NOW + 2 * (turn + 1) * job_runs.LEASE)
    job = await worked_off(world)
    assert (job.state, job.failure) == (ImportState.FAILED, failures.GIVEN_UP)
    assert await world.count("registrant") == 0


async def test_attempts_are_counted_anew_behind_every_chunk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ROWS_OF_A_CHUNK", 1)
    await world.route()
    await sent(world, HUBDAT, as_csv(row(number) for number in range(1, 7)))
    for turn in range(5):
        await cut_off(world, monkeypatch, after=1)
        monkeypatch.setattr("app.clock.now", lambda turn=turn: worlds.NOW + 2 * (turn + 1) * job_runs.LEASE)
    job = await worked_off(world)
    assert (job.state, job.results) == (ImportState.DONE, {"NEW": 6})


async def test_a_revoked_client_has_nothing_taken_in_any_more(world: World) -> None:
    await world.route()
    await sent(world, DKI, as_csv([row(1, source="DISHUB-DKI")]))
    await world.run("UPDATE client SET revoked_at = :now WHERE id = 'dishub-dki-test'", now=worlds.NOW)
    job = await worked_off(world)
    assert (job.state, job.failure) == (ImportState.FAILED, failures.REVOKED)
    assert job.rows_done == await world.count("registrant") == 0


async def test_a_file_that_cannot_be_taken_ends_the_job_with_its_reason(world: World) -> None:
    await sent(world, HUBDAT, b"%PDF-1.7 no list at all")
    job = await worked_off(world)
    assert (job.state, job.rows_done, job.results) == (ImportState.FAILED, 0, {})
    assert job.failure is not None
    assert job.failure.code == "FILE_NOT_A_SPREADSHEET"
    assert job.failure.message("en").startswith("The content is neither .xlsx nor .csv")
    assert job.failure.message("id").startswith("Isi berkas ini bukan .xlsx atau .csv")


async def test_a_database_that_is_away_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "RETRY_AFTER_SECONDS", 0.01)
    await world.route()
    await sent(world, HUBDAT, as_csv([row(1)]))
    push, away = reception.push, [True, True, False]

    async def push_when_there(*given: Any, **how: Any) -> Any:
        if away.pop(0):
            raise Unavailable
        return await push(*given, **how)

    monkeypatch.setattr(reception, "push", push_when_there)
    assert (await worked_off(world)).results == {"NEW": 1}

    monkeypatch.setattr(importing, "GIVE_UP_AFTER_SECONDS", 0.0)
    calls: list[int] = []

    async def never() -> None:
        calls.append(1)
        raise Unavailable

    with pytest.raises(Unavailable):
        await importing.patiently(never)
    assert len(calls) <= 2


async def test_what_is_one_ahead_is_left_when_its_reader_leaves() -> None:
    left: list[str] = []

    async def source() -> Any:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            left.append("closed")

    items = importing.one_ahead(source())
    assert await anext(items) == 1
    assert isinstance(items, AsyncGenerator)
    await items.aclose()
    assert left == ["closed"]


# --- dry runs ---------------------------------------------------------------------------------------------------------


async def test_a_dry_run_judges_as_the_import_would_and_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ROWS_OF_A_CHUNK", 3)
    await world.route(quota=4, departs_at=SOON)
    await world.way_back()
    await imported(world, HUBDAT, [row(9)])
    rows = [
        back(3),
        row(1),
        row(2),
        row(9, **in_status(2)),
        row(3),
        row(1),
        row(5),
        row(2, **in_status(2)),
        row(6, data_nik=""),
        row(1, **in_status(3)),
        row(7, rute_perjalanan="Jakarta - Wonogiri", tujuan_terminal="Giri Adipura", kota_tujuan="Kab. Wonogiri"),
    ]
    async with world.unchanged("registrant", "route", "terminal", "duplicate_case"):
        rehearsed = await imported(world, HUBDAT, rows, dry_run=True)
    kinds = [kind for kind, *_ in await world.changes()]
    assert kinds == ["REGISTRANT_MOVED", "IMPORT_FINISHED", "IMPORT_FINISHED"]
    foretold = await verdicts(world, rehearsed)
    job = await imported(world, HUBDAT, rows)
    assert foretold == await verdicts(world, job)
    assert dict(rehearsed.results) == dict(job.results)
    assert rehearsed.codes == job.codes == {"QUOTA_FULL": 1, "NIK_INVALID": 1}


async def test_a_dry_run_that_was_cut_off_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ROWS_OF_A_CHUNK", 2)
    await world.route(quota=3)
    await sent(world, HUBDAT, as_csv(row(number) for number in range(1, 6)), dry_run=True)
    await cut_off(world, monkeypatch, after=1)
    assert await world.run("SELECT rows_done, results FROM import_job") == [(2, {"NEW": 2})]
    await later(world, monkeypatch)
    job = await worked_off(world)
    assert (job.rows_done, job.results, job.codes) == (5, {"NEW": 3, "REFUSED": 2}, {"QUOTA_FULL": 2})
    assert await world.count("import_chunk") == 3
    assert (await world.count("registrant"), await world.taken()) == (0, 0)
    assert await world.count("nik_access") == 3


async def allow(world: World, per_day: int) -> None:
    await world.run("UPDATE nik_allowance SET set_per_day = :per_day", per_day=per_day)


async def test_a_dry_run_waits_when_the_allowance_is_used_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ROWS_OF_A_CHUNK", 2)
    monkeypatch.setattr(clock, "now", lambda: worlds.NOW)
    await world.route(quota=4)
    await allow(world, 2)
    job = await imported(world, HUBDAT, [row(number) for number in range(1, 7)], dry_run=True)
    tomorrow = allowance.ends_at(worlds.NOW)
    assert (job.state, job.rows_done, job.waits_until, job.attempts) == (ImportState.QUEUED, 2, tomorrow, 0)
    assert await world.count("nik_access") == 2
    async with world.database.transaction() as session:
        assert not await job_runs.waiting(session, tomorrow - timedelta(seconds=1))
        assert await job_runs.waiting(session, tomorrow)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    job = await worked_off(world)
    assert (job.state, job.waits_until) == (ImportState.DONE, None)
    assert (job.results, job.codes) == ({"NEW": 4, "REFUSED": 2}, {"QUOTA_FULL": 2})
    # Nobody looked at the NIKs of the rows that found no seat.
    assert await world.count("nik_access") == 4


async def test_a_dry_run_that_could_never_go_on_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: worlds.NOW)
    await world.route()
    await allow(world, 2)
    job = await imported(world, HUBDAT, [row(number) for number in range(1, 4)], dry_run=True)
    assert (job.state, job.rows_done, job.waits_until) == (ImportState.FAILED, 0, None)
    assert job.failure is not None
    assert job.failure.code == "ALLOWANCE_TOO_SMALL"
    assert job.failure.message("en") == (
        "This dry run names 3 NIKs at once, more than the organizer's allowance of a day (2). Send the file without"
        " dryRun, divide it into smaller ones, or ask Ditjen Hubdat for a larger allowance."
    )
    assert (await world.count("nik_access"), await world.count("import_chunk")) == (0, 0)


async def test_an_import_waits_when_its_organizer_is_shut_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: worlds.NOW)
    await world.route()
    theirs = await world.route("KA", organizer="djka")
    await world.registered(worlds.someone(worlds.DJKA, theirs, 1))
    await allow(world, 0)
    first = await imported(world, HUBDAT, [row(1), row(2)])
    assert (first.results, first.codes) == ({"NEW": 1, "REFUSED": 1}, {"NIK_UNDECIDED": 1})
    job = await imported(world, HUBDAT, [row(3)])
    assert (job.state, job.rows_done, job.waits_until) == (ImportState.QUEUED, 0, allowance.ends_at(worlds.NOW))
    monkeypatch.setattr(clock, "now", lambda: allowance.ends_at(worlds.NOW))
    assert (await worked_off(world)).results == {"NEW": 1}


def test_more_rows_of_one_nik_than_a_part_holds_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ROWS_OF_A_CHUNK", 2)
    packed = [orjson.dumps(((0, place), {"data_nik": worlds.nik_of(place // 3)})) for place in range(6)]
    assert [[place[1] for place, _ in part] for part in importing.parts(packed)] == [[0, 1], [2], [3, 4], [5]]
    assert list(importing.parts([])) == []


async def test_a_failure_is_told_in_the_language_that_is_wanted() -> None:
    failure = Failure("X", "rusak", "broken")
    assert (failure.message("id"), failure.message("en")) == ("rusak", "broken")
    assert ImportMode.UPSERT == "UPSERT"
