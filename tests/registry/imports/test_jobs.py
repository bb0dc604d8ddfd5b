"""Taking in a file, and who may be at it. Rows are another matter: tests/intake."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from app.errors import InvalidValue, NotFound, NotYours, Refusal, SeasonClosed
from app.models.enums import ImportMode, ImportState
from app.registry import erasure, key_rotation
from app.registry.caller import Caller
from app.registry.imports import job_runs, jobs, storage
from app.registry.imports.job_runs import LEASE, LONG_WAIT_MINUTES, LeaseLost
from app.registry.imports.jobs import FILE_KEPT_FOR, Failure, Job, Order
from app.registry.registrants.lookup import Ref
from app.vault.vault import Vault
from tests.world import DJKA, DKI, HUBDAT, JASA_RAHARJA, NOW, World, someone

pytestmark = pytest.mark.anyio

BROKEN = Failure("FILE_DAMAGED", "rusak", "damaged")


async def create(world: World, caller: Caller = HUBDAT, content: tuple[bytes, ...] = (b"x",), **how: Any) -> Any:
    now = how.pop("now", NOW)
    async with world.database.transaction() as session:
        return await jobs.create(session, world.vault, Order(caller=caller, **how), content, now)


async def claim(world: World, **how: Any) -> tuple[Any, Job | None]:
    runner = uuid7()
    async with world.database.transaction() as session:
        return runner, await job_runs.claim(session, runner, **({"now": NOW} | how))


async def end(world: World, failure: Failure | None = None, **how: Any) -> Job:
    runner, job = await claim(world, **how)
    assert job is not None
    async with world.database.transaction() as session:
        return await job_runs.finish(session, job, runner, how.get("now", NOW), failure=failure, missing=None)


async def test_a_file_waits_sealed_in_pieces(world: World) -> None:
    job = await create(world, DKI, (b"first NIK", b"second"), extension="csv")
    assert isinstance(job, Job)
    assert (job.organizer, job.client_id, job.season, job.state) == ("dishub-dki", "dishub-dki-test", 2026, "QUEUED")
    assert (job.mode, job.dry_run, job.day, job.covers, job.extension) == ("UPSERT", False, None, [], "csv")
    assert not job.finished
    async with world.database.transaction() as session:
        found = [await jobs.piece(session, world.vault, job.id, number) for number in range(3)]
        assert found == [b"first NIK", b"second", None]
        assert await jobs.get(session, DKI, job.id) == job
        for stranger in (HUBDAT, DJKA, JASA_RAHARJA):
            assert isinstance(await jobs.get(session, stranger, job.id), NotFound)
    for sealed in await world.run("SELECT sealed FROM import_file"):
        assert b"NIK" not in sealed.sealed


@pytest.mark.parametrize(
    ("how", "refusal", "field"),
    [
        ({"day": date(2026, 3, 2)}, InvalidValue, "day"),
        ({"covers": ("hubdat",)}, InvalidValue, "covers"),
        ({"covers": ("djka",), "mode": ImportMode.SNAPSHOT}, NotYours, "covers"),
        ({"season": 2019}, NotFound, "season"),
        ({"season": 2024}, SeasonClosed, "season"),
        ({"season": 2025}, SeasonClosed, "season"),
    ],
    ids=["day", "covers", "not yours", "no season", "a closed season", "not the current season"],
)
async def test_what_cannot_be_done_with_a_file(
    world: World, how: dict[str, Any], refusal: type[Refusal], field: str
) -> None:
    await world.season(2024, date(2024, 4, 30), closed_at=NOW)
    await world.season(2025, date(2025, 4, 30))
    async with world.unchanged("import_job", "import_file"):
        refused = await create(world, **how)
    assert isinstance(refused, refusal)
    assert refused.field == field


async def test_without_an_open_season_no_file_is_taken(world: World) -> None:
    await world.close()
    assert isinstance(await create(world), NotFound)
    assert await world.count("import_job") == 0


async def test_an_organizer_has_so_many_files_waiting_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MOST_UNFINISHED", 2)
    assert isinstance(await create(world), Job)
    assert isinstance(await create(world, season=2026), Job)
    refused = await create(world)
    assert isinstance(refused, InvalidValue)
    assert refused.message("en") == "2 of your files are not finished yet; try again later."
    assert isinstance(await create(world, DJKA), Job)
    await end(world)
    assert isinstance(await create(world), Job)


# --- who is at it -----------------------------------------------------------------------------------------------------


async def test_a_job_is_claimed_once_and_those_of_one_organizer_in_turn(world: World) -> None:
    first, second = await create(world), await create(world)
    other = await create(world, DJKA)
    (_, one), (_, two), (_, three) = await claim(world), await claim(world), await claim(world)
    assert one is not None
    assert two is not None
    assert (one.id, two.id, three) == (first.id, other.id, None)
    assert (one.state, one.started_at, one.attempts) == (ImportState.RUNNING, NOW, 1)
    async with world.database.transaction() as session:
        assert await job_runs.waiting(session, NOW) is False
        assert await job_runs.waiting(session, NOW + 2 * LEASE) is True
    assert (await claim(world, job_id=second.id))[1] is None
    (_, again) = await claim(world, now=NOW + 2 * LEASE, job_id=first.id)
    assert again is not None
    assert (again.id, again.attempts, again.started_at) == (first.id, 2, NOW)


async def turns(world: World, now: datetime = NOW) -> list[UUID]:
    """In which order the jobs that wait are done."""
    done: list[UUID] = []
    while True:
        runner, job = await claim(world, now=now)
        if job is None:
            return done
        done.append(job.id)
        async with world.database.transaction() as session:
            await job_runs.finish(session, job, runner, now + timedelta(seconds=len(done)), missing=None)


async def test_whoever_was_served_longest_ago_comes_first(world: World) -> None:
    many = [await create(world) for _ in range(3)]
    others = [await create(world, DJKA), await create(world, DKI), await create(world, DJKA)]
    expected = [many[0], others[0], others[1], many[1], others[2], many[2]]
    assert await turns(world) == [one.id for one in expected]


async def test_dry_runs_come_last_and_large_files_behind_small_ones(world: World) -> None:
    rehearsed = await create(world, dry_run=True)
    large, small = await create(world, DJKA), await create(world, DKI)
    await world.run("INSERT INTO import_file (job_id, number, sealed) VALUES (:id, 9, '')", id=large.id)
    assert await turns(world) == [small.id, large.id, rehearsed.id]


async def test_who_has_waited_for_long_is_not_overtaken(world: World) -> None:
    rehearsed = await create(world, dry_run=True)
    later = NOW + timedelta(minutes=LONG_WAIT_MINUTES)
    small = await create(world, DKI, now=later)
    assert await turns(world, later) == [rehearsed.id, small.id]


async def test_a_lease_that_is_renewed_is_kept(world: World) -> None:
    await create(world)
    runner, job = await claim(world)
    assert job is not None
    async with world.database.transaction() as session:
        assert await job_runs.renew(session, job, runner, 7, NOW + LEASE) is True
    assert (await claim(world, now=NOW + 2 * LEASE))[1] is None
    assert await world.one("SELECT rows_read FROM import_job") == 7
    async with world.database.transaction() as session:
        with pytest.raises(LeaseLost):
            await job_runs.renew(session, job, uuid7(), 0, NOW)
        with pytest.raises(LeaseLost):
            await job_runs.put_off(session, job, uuid7(), NOW)
        with pytest.raises(LeaseLost):
            await job_runs.note_unread(session, job, uuid7(), [])
        with pytest.raises(LeaseLost):
            await job_runs.finish(session, job, uuid7(), NOW, missing=None)


async def test_what_is_released_is_taken_up_at_once(world: World) -> None:
    await create(world)
    runner, job = await claim(world)
    assert job is not None
    async with world.database.transaction() as session:
        await job_runs.release(session, job, runner, NOW)
    _, again = await claim(world, now=NOW + timedelta(seconds=1))
    assert again is not None
    assert (again.id, again.attempts) == (job.id, 1)


async def test_the_caller_of_a_job_has_the_members_of_today(world: World) -> None:
    await create(world, JASA_RAHARJA)
    _, job = await claim(world)
    assert job is not None
    async with world.database.transaction() as session:
        assert await job_runs.caller_of(session, job) == JASA_RAHARJA
    await world.run("UPDATE organizer SET coordinator_code = NULL WHERE code = 'bumn-satu'")
    async with world.database.transaction() as session:
        assert (await job_runs.caller_of(session, job)).members == frozenset()


async def test_a_failed_job_tells_why(world: World) -> None:
    await create(world)
    job = await end(world, BROKEN)
    assert (job.state, job.failure, job.finished_at) == (ImportState.FAILED, BROKEN, NOW)
    [(kind, facts)] = await world.changes("kind, facts")
    assert (kind, facts["state"], facts["error"]) == ("IMPORT_FINISHED", "FAILED", "FILE_DAMAGED")
    assert (await claim(world))[1] is None


# --- what stays -------------------------------------------------------------------------------------------------------


async def test_a_file_is_wiped_thirty_days_after_its_end(world: World) -> None:
    done, waiting = await create(world), await create(world)
    await end(world)
    async with world.database.transaction() as session:
        assert await jobs.wipe_old(session, NOW + FILE_KEPT_FOR) == 0
        assert await jobs.wipe_old(session, NOW + FILE_KEPT_FOR + timedelta(seconds=1)) == 1
        assert await jobs.wipe_old(session, NOW + FILE_KEPT_FOR + timedelta(seconds=1)) == 0
        wiped = await jobs.get(session, HUBDAT, done.id)
        assert await jobs.piece(session, world.vault, done.id, 0) is None
        assert await jobs.piece(session, world.vault, waiting.id, 0) == b"x"
    assert isinstance(wiped, Job)
    assert wiped.wiped_at == NOW + FILE_KEPT_FOR + timedelta(seconds=1)


async def test_files_of_a_season_are_wiped_when_it_is_purged(world: World) -> None:
    await create(world)
    await end(world)
    await world.close()
    assert (await world.sweep(NOW + timedelta(days=400))).seasons_purged == 1
    assert await world.count("import_file") == 0
    assert await world.one("SELECT wiped_at FROM import_job") == NOW + timedelta(days=400)


async def test_a_file_that_no_server_has_worked_off_goes_with_its_season(world: World) -> None:
    """Duties are off, or the process that worked on it has died."""
    await create(world)
    await claim(world)
    await create(world)
    await world.run("INSERT INTO import_erased (job_id, digest) SELECT id, 'x' FROM import_job")
    await world.close()
    assert (await world.sweep(NOW + timedelta(days=400))).seasons_purged == 1
    assert (await world.count("import_file"), await world.count("import_erased")) == (0, 0)
    found = await world.run("SELECT state, error_code, wiped_at FROM import_job")
    assert found == [("FAILED", "SEASON_CLOSED", NOW + timedelta(days=400))] * 2
    told = await world.run("SELECT facts ->> 'state' FROM change WHERE kind = 'IMPORT_FINISHED'")
    assert told == [("FAILED",)] * 2


async def test_files_that_had_a_row_of_somebody_erased_are_wiped(world: World) -> None:
    await world.route()
    one = (await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"]))).id
    for registrants in ({one, uuid7()}, {uuid7()}):
        await create(world)
        runner, job = await claim(world)
        assert job is not None
        async with world.database.transaction() as session:
            chunk = job_runs.Chunk(
                number=0,
                verdicts=[job_runs.RowVerdict(row=2, result="NEW", code=None, explanation=None)],
                registrants=frozenset(registrants),
            )
            await job_runs.advance(session, job, runner, chunk, NOW)
            await job_runs.finish(session, job, runner, NOW, missing=None)
    async with world.database.transaction() as session:
        await erasure.erase(session, world.vault, HUBDAT, Ref(id=one), "Permintaan", NOW)
    wiped = [tuple(row) for row in await world.run("SELECT wiped_at, rows_done FROM import_job ORDER BY id")]
    assert wiped == [(NOW, 1), (None, 1)]
    assert (await world.count("import_file"), await world.count("import_chunk")) == (1, 1)


async def test_the_key_of_a_file_is_kept_as_long_as_the_file(world: World) -> None:
    assert await key_rotation.keys_in_use(world.database) == frozenset()
    await create(world)
    assert await key_rotation.keys_in_use(world.database) == {1}
    assert isinstance(world.vault, Vault)
