"""An organizer's whole list against the registry: who is missing, and that nobody is cancelled unasked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from app.errors import InvalidValue, NotFound, Refusal
from app.intake.imports import importing
from app.models.enums import ImportMode, RegistrantStatus
from app.registry.caller import Caller
from app.registry.imports import absentees, job_runs, jobs
from app.registry.imports.absentees import Absentee
from app.registry.imports.jobs import Job
from app.registry.registrants import lifecycle
from tests.intake.lists import Row, as_csv, back, claimed, imported, in_status, row, sent
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, SOON, World, nik_of

pytestmark = pytest.mark.anyio

S = RegistrantStatus
SNAPSHOT = ImportMode.SNAPSHOT
LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def travellers(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[int, UUID]:
    """1 and 2 registered, 3 verified, 4 departed, 5 cancelled, 6 no-show, 7 with a way back."""
    await world.route(departs_at=SOON)
    await world.way_back()
    rows = [row(1), row(2), row(3, **in_status(2)), row(4, **in_status(3)), row(5), row(6, **in_status(2)), row(7)]
    await imported(world, HUBDAT, [*rows, back(7)])
    await imported(world, HUBDAT, [row(5, **in_status(5))])
    monkeypatch.setattr("app.clock.now", lambda: LATER)
    found = await world.run("SELECT id, nik_sealed FROM registrant WHERE direction = 'MUDIK'")
    people = {
        next(n for n in range(1, 8) if nik_of(n) == world.vault.open_personal(one.nik_sealed)): one.id for one in found
    }
    await world.put(people[6], status=S.NO_SHOW)
    return people


async def snapshot(world: World, rows: list[Row], caller: Caller = HUBDAT, **how: Any) -> Job:
    return await imported(world, caller, rows, mode=SNAPSHOT, **how)


async def absent(world: World, job: Job) -> list[Absentee]:
    async with world.database.transaction() as session:
        return await absentees.page(session, job.id, after=None, most=100)


async def ids(world: World, job: Job) -> set[UUID]:
    return {one.registrant_id for one in await absent(world, job)}


async def test_missing_is_who_stands_and_is_not_named(world: World, travellers: dict[int, UUID]) -> None:
    async with world.unchanged("registrant", "route"):
        job = await snapshot(world, [row(1), back(7), row(7)])
    assert (job.results, job.missing) == ({"UNCHANGED": 3}, 4)
    assert await ids(world, job) == {travellers[number] for number in (2, 3, 4, 6)}
    assert {one.status for one in await absent(world, job)} == {S.REGISTERED, S.VERIFIED, S.DEPARTED, S.NO_SHOW}


async def test_a_way_back_is_missing_apart_from_its_way_home(world: World, travellers: dict[int, UUID]) -> None:
    job = await snapshot(world, [row(number, **in_status(2)) for number in (1, 2, 3, 4, 6, 7)])
    assert job.missing == 1
    [only] = await absent(world, job)
    assert (only.registrant_id in travellers.values(), only.organizer, only.status) == (False, "hubdat", S.VERIFIED)


async def test_whoever_is_named_badly_is_not_missing(world: World, travellers: dict[int, UUID]) -> None:
    named = [row(1), row(2, tanggal_pendaftaran="kapan-kapan"), row(3, status_pemesanan_code="9"), row(4), back(7)]
    job = await snapshot(world, [*named, row(6, data_nik="x")])
    assert await ids(world, job) == {travellers[6], travellers[7]}


async def test_whoever_is_said_to_be_aboard_too_early_is_not_missing(world: World) -> None:
    """A column has slipped: a whole list with code 3, thirteen days before anybody can be aboard."""
    await world.route()
    await imported(world, HUBDAT, [row(1), row(2, **in_status(2)), row(3)])
    await world.run("UPDATE registrant SET arrived_at = :before", before=NOW - timedelta(hours=1))
    slipped = [row(number, **in_status(3)) for number in (1, 2)]
    async with world.unchanged("registrant", "route"):
        dry = await snapshot(world, slipped, dry_run=True)
        job = await snapshot(world, slipped)
    assert dry.codes == job.codes == {"DEPARTURE_NOT_BEGUN": 2}
    assert (dry.results, job.results, job.missing) == ({"REFUSED": 2}, {"REFUSED": 2}, 1)
    async with world.database.transaction() as session:
        [first, _] = await job_runs.verdicts(session, world.vault, job, 0)
    assert first.explanation == (
        "status_pemesanan_code: Keberangkatan rute ini baru dapat dicatat mulai 15 Maret 2026 pukul 09.00 WIB, 24 jam"
        " sebelum jadwalnya."
    )


async def test_a_day_is_the_day_of_registration_in_jakarta(world: World, travellers: dict[int, UUID]) -> None:
    await world.put(travellers[2], registered_at=NOW.replace(hour=17))
    await world.put(travellers[3], registered_at=NOW.replace(hour=16, minute=59))
    job = await snapshot(world, [row(1)], day=date(2026, 3, 2))
    assert travellers[3] in await ids(world, job)
    assert travellers[2] not in await ids(world, job)
    job = await snapshot(world, [row(1)], day=date(2026, 3, 3))
    assert await ids(world, job) == {travellers[2]}


async def test_whoever_came_after_the_file_was_sent_is_not_missing(
    world: World, travellers: dict[int, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.clock.now", lambda: NOW)
    assert (await snapshot(world, [row(1)])).missing == 0


async def test_who_is_erased_is_not_missing(world: World, travellers: dict[int, UUID]) -> None:
    await world.put(
        travellers[4], nik_index=None, nik_sealed=None, name_sealed=None, erased_at=NOW, reference=None, posko=None
    )
    assert travellers[4] not in await ids(world, await snapshot(world, [row(1)]))


async def test_without_snapshot_nobody_is_missing(world: World, travellers: dict[int, UUID]) -> None:
    assert (await imported(world, HUBDAT, [row(1)])).missing is None
    assert await world.count("import_missing") == 0


async def test_a_file_covers_whom_it_names_and_whom_its_sender_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.route(organizer="jasa-raharja")
    mine, members = row(1, source="JASA-RAHARJA"), [row(2, source="BUMN-SATU"), row(3, source="BUMN-SATU")]
    await imported(world, JASA_RAHARJA, [mine, *members])
    monkeypatch.setattr("app.clock.now", lambda: LATER)
    assert (await snapshot(world, [mine], JASA_RAHARJA)).missing == 0
    assert (await snapshot(world, members[:1], JASA_RAHARJA)).missing == 1
    assert (await snapshot(world, [mine], JASA_RAHARJA, covers=("bumn-satu",))).missing == 2
    assert (await snapshot(world, [row(4, source="DJKA")], JASA_RAHARJA)).missing == 0


async def test_a_dry_run_tells_who_would_be_missing(world: World, travellers: dict[int, UUID]) -> None:
    async with world.unchanged("registrant", "route"):
        job = await snapshot(world, [row(1), row(8)], dry_run=True)
    assert (job.results, job.missing) == ({"UNCHANGED": 1, "NEW": 1}, 6)


async def test_a_failed_snapshot_tells_of_nobody(world: World, travellers: dict[int, UUID]) -> None:
    await sent(world, HUBDAT, b"%PDF", mode=SNAPSHOT)
    runner = uuid7()
    job = await importing.work_off(world.database, world.vault, await claimed(world, runner), runner)
    assert (job.state, job.missing) == ("FAILED", None)


# --- cancelling -------------------------------------------------------------------------------------------------------


async def cancel(world: World, job_id: UUID, caller: Caller = HUBDAT) -> Job | Refusal:
    return await absentees.cancel(world.database.attempt, caller, job_id, LATER)


async def cancelled(world: World, job: Job) -> int:
    async with world.database.transaction() as session:
        return await absentees.cancelled(session, job.id)


async def test_only_who_is_still_as_it_was_found_is_cancelled(
    world: World, travellers: dict[int, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absentees, "MOST_CANCELLED_TOGETHER", 1)
    job = await snapshot(world, [back(7)])
    assert job.missing == 6
    await world.moved(travellers[2], S.VERIFIED)
    async with world.unchanged("import_job"):
        assert await cancel(world, job.id) == job
    assert {number: await world.status(one) for number, one in travellers.items()} == {
        1: S.CANCELLED,
        2: S.VERIFIED,
        3: S.CANCELLED,
        4: S.DEPARTED,
        5: S.CANCELLED,
        6: S.NO_SHOW,
        7: S.CANCELLED,
    }
    assert await cancelled(world, job) == 3
    assert await world.taken() == 3
    # The way back ends with its way home, though the file named it.
    assert await world.one("SELECT status FROM registrant WHERE direction = 'BALIK'") == S.CANCELLED
    reasons = {reason for _, _, to, client, reason in await world.changes() if to == "CANCELLED" and reason}
    assert absentees.REASON in reasons

    async with world.unchanged("registrant", "route", "change", "import_missing"):
        assert await cancel(world, job.id) == job
    assert await cancelled(world, job) == 3


async def test_whoever_was_corrected_since_is_left_alone(world: World, travellers: dict[int, UUID]) -> None:
    job = await snapshot(world, [row(2), row(3), row(4), row(6), row(7), back(7)])
    assert await ids(world, job) == {travellers[1]}
    await world.run(
        """INSERT INTO change (at, kind, season, organizer_code, registrant_id)
           VALUES (:now, 'REGISTRANT_CORRECTED', 2026, 'hubdat', :id)""",
        now=NOW,
        id=travellers[1],
    )
    await cancel(world, job.id)
    assert await world.status(travellers[1]) == S.REGISTERED


async def test_whoever_moves_meanwhile_is_seen_in_the_next_attempt(
    world: World, travellers: dict[int, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await snapshot(world, [row(2), row(3), row(4), row(6), row(7), back(7)])
    step, calls = lifecycle.step, []

    async def step_behind_another(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            await world.moved(travellers[1], S.VERIFIED)
        return await step(*given)

    monkeypatch.setattr(lifecycle, "step", step_behind_another)
    await cancel(world, job.id)
    assert await world.status(travellers[1]) == S.VERIFIED
    assert await cancelled(world, job) == 0


async def test_what_cannot_be_cancelled_by(world: World, travellers: dict[int, UUID]) -> None:
    upsert = await imported(world, HUBDAT, [row(1)])
    dry = await snapshot(world, [row(1)], dry_run=True)
    waiting = await sent(world, HUBDAT, as_csv([row(1)]), mode=SNAPSHOT)
    async with world.unchanged("registrant", "route", "change"):
        for job in (upsert, dry, waiting):
            refusal = await cancel(world, job.id)
            assert isinstance(refusal, InvalidValue)
            assert refusal.message("en") == "Only for a SNAPSHOT import that is DONE and was no dry run."
        assert isinstance(await cancel(world, uuid7()), NotFound)
        for stranger in (DJKA, JASA_RAHARJA, BUMN):
            assert isinstance(await cancel(world, dry.id, stranger), NotFound)


async def test_what_is_wiped_cannot_be_cancelled_by(world: World, travellers: dict[int, UUID]) -> None:
    job = await snapshot(world, [row(1)])
    async with world.database.transaction() as session:
        assert await jobs.wipe_old(session, NOW + jobs.FILE_KEPT_FOR) == 0
        assert await jobs.wipe_old(session, NOW + jobs.FILE_KEPT_FOR * 2) == 3
    refusal = await cancel(world, job.id)
    assert isinstance(refusal, InvalidValue)
    assert refusal.message("en") == "What came of it is wiped; send a new list."
    for table in ("import_file", "import_chunk", "import_missing"):
        assert await world.count(table) == 0
    assert await world.count("import_job") == 3
