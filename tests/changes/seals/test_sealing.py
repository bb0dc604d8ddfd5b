"""Sealing: what is settled, in order, once; whoever dies in between, and whatever writes meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from app.changes.seals import duty, entry, sealing
from app.changes.seals.logs import ACCESS, CHANGES, LOGS, READS, ROWS_OF_A_SEAL
from app.db import Database
from app.models.enums import ChangeKind
from app.models.tables.change import Change
from app.models.tables.nik import NikAccess, PeopleRead
from app.registry import change_log
from app.registry.change_log import Entry
from tests import queries
from tests.changes.conftest import settled
from tests.changes.seals.ground import MINUTE, head, rekeyed, sealed, tampered, told, verified
from tests.patience import patience
from tests.world import NOW, World

pytestmark = pytest.mark.anyio

MANY = """INSERT INTO nik_access (at, client_id, organizer_code, nik_index, purpose)
          SELECT :now, 'djka-test', 'djka', sha256(CAST(CAST(i AS text) AS bytea)), 'CHECK'
          FROM generate_series(1, :rows) i"""


@pytest.mark.parametrize(("log", "table"), [(CHANGES, Change), (ACCESS, NikAccess), (READS, PeopleRead)])
def test_every_column_of_a_log_is_under_its_digest(log: object, table: type) -> None:
    """Another column needs another form of the digest, which the seals say."""
    columns = {column.name for column in table.__table__.columns}  # type: ignore[attr-defined]
    assert columns - {"xact_id", "id", "at", "salt", "commitment"} == log.columns  # type: ignore[attr-defined]


async def seal(world: World, now: timedelta = timedelta()) -> int | None:
    """The number of the seal over what is new in the change log."""
    async with world.database.transaction() as session:
        made = await sealing.seal(session, world.vault, CHANGES, NOW + now)
    return made.number if made else None


async def settled_and_sealed(world: World, now: timedelta = timedelta()) -> int:
    """Others on the server may hold the log back."""
    async with patience():
        while True:
            if (number := await seal(world, now)) is not None:
                return number
            await asyncio.sleep(0.01)


async def test_what_comes_within_a_minute_is_one_seal(world: World) -> None:
    await told(world, "satu")
    assert await settled_and_sealed(world) == 1
    await told(world, "dua")
    assert await seal(world, MINUTE - timedelta(seconds=1)) is None
    await told(world, "tiga")
    await sealed(world, NOW + MINUTE)
    assert (await verified(world, CHANGES)).seals == 2
    assert await seal(world, timedelta(days=1)) is None


async def test_a_clock_that_is_set_back_holds_no_seal_up(world: World) -> None:
    """The last seal is of an hour that is yet to come."""
    await told(world, "satu")
    assert await settled_and_sealed(world, 60 * MINUTE) == 1
    await told(world, "dua")
    assert await settled_and_sealed(world) == 2


async def test_nothing_is_sealed_that_an_older_transaction_may_come_before(world: World) -> None:
    async with world.database.transaction() as older:
        await change_log.append(older, [Entry(kind=ChangeKind.QUOTA_FILLED)], NOW)
        await told(world, None)
        for minutes in range(3):
            assert await seal(world, minutes * MINUTE) is None
    await sealed(world)
    one = await verified(world, CHANGES)
    assert (one.finding, one.rows, one.seals) == (None, 2, 1)
    assert await world.run("SELECT id FROM change ORDER BY xact_id, id") == [(1,), (2,)]


async def test_a_long_log_is_sealed_in_stretches_at_once(world: World) -> None:
    await world.run(MANY, now=NOW, rows=2 * ROWS_OF_A_SEAL + 1)
    async with patience():
        while (await head(world, ACCESS)) is None:
            await duty.round_(world.database, world.vault, NOW)
    one = await verified(world, ACCESS)
    assert (one.finding, one.seals, one.rows, one.unsealed) == (None, 2, 2 * ROWS_OF_A_SEAL, 1)
    await sealed(world, NOW + MINUTE)
    one = await verified(world, ACCESS)
    assert (one.finding, one.seals, one.rows, one.unsealed) == (None, 3, 2 * ROWS_OF_A_SEAL + 1, 0)
    await tampered(world, "UPDATE nik_access SET outcome = 'BLOCKED' WHERE id IN (10001, 20001)")
    finding = (await verified(world, ACCESS)).finding
    assert finding is not None
    assert finding.row is not None
    assert (finding.seal, finding.row.id) == (2, 10_001)


async def test_eight_times_the_rows_cost_eight_times_as_much(world: World) -> None:
    """Rows are verified page by page: as many statements for each seal, and never more rows in memory."""
    await world.run(MANY, now=NOW, rows=4 * ROWS_OF_A_SEAL)
    async with patience():
        while (last := await head(world, ACCESS)) is None or last.number < 4:
            await duty.round_(world.database, world.vault, NOW)
    issued = {}
    for start in (4, 3, 1):
        with world.statements() as statements:
            one = await verified(world, ACCESS, start=start)
        assert (one.finding, one.rows) == (None, one.seals * ROWS_OF_A_SEAL)
        issued[one.seals] = len(statements) - (start > 1)
    assert issued == {seals: issued[1] + 2 * (seals - 1) for seals in (1, 2, 4)}


async def test_whoever_dies_in_between_leaves_nothing(world: World) -> None:
    await told(world, None, None)

    await settled(world)

    async def dies() -> None:
        async with world.database.transaction() as session:
            assert await sealing.seal(session, world.vault, CHANGES, NOW) is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await dies()
    assert (await world.count("log_seal"), await world.count("log_key")) == (0, 0)
    await sealed(world)
    one = await verified(world, CHANGES)
    assert (one.finding, one.seals, one.rows) == (None, 1, 2)


async def test_writers_and_several_sealers_at_once(world: World, database_url: str) -> None:
    """Writers commit out of order, and some roll back. Each row is sealed once, and no seal is over another."""
    others = [Database(database_url) for _ in range(3)]
    ended = asyncio.Event()

    async def write(number: int) -> None:
        for turn in range(12):
            with suppress(ZeroDivisionError):
                async with world.database.transaction() as session:
                    await change_log.append(session, [Entry(kind=ChangeKind.QUOTA_FILLED, season=number)], NOW)
                    await asyncio.sleep(0.001 * ((number * 7 + turn * 3) % 11))
                    1 / ((number + turn) % 5)

    async def seal_on(database: Database) -> None:
        now = NOW
        while not ended.is_set():
            now += MINUTE
            await duty.round_(database, world.vault, now)

    sealers = [asyncio.create_task(seal_on(one)) for one in others]
    await asyncio.gather(*(write(number) for number in range(8)))
    ended.set()
    await asyncio.gather(*sealers)
    for one in others:
        await one.dispose()
    await sealed(world, NOW + timedelta(days=1))
    found = await verified(world, CHANGES)
    assert (found.finding, found.rows, found.unsealed) == (None, await world.count("change"), 0)
    assert found.rows == sum((number + turn) % 5 != 0 for number in range(8) for turn in range(12))
    assert found.seals > 1


async def test_a_new_key_signs_at_once_and_the_old_one_stays_known(world: World) -> None:
    await told(world, None)
    await sealed(world)
    later = World(world.database, rekeyed(world.vault))
    await duty.round_(later.database, later.vault, NOW + timedelta(seconds=1))
    for log in LOGS:
        one = await verified(later, log)
        assert (one.finding, one.seals, one.rows) == (None, 2, 1)
        # Once more: the key of the first seal is nowhere but in the table.
        alone = rekeyed(later.vault, keeps=False)
        assert (await verified(world, log, vault=alone)).finding is not None
        last = await head(world, log)
        assert last is not None
        assert entry.key_id(last.signed) == later.vault.signing[0]["kid"]
    third = World(world.database, rekeyed(later.vault))
    await duty.round_(third.database, third.vault, NOW + timedelta(seconds=2))
    assert [(await verified(third, log)).seals for log in LOGS] == [3, 3, 3]
    assert (await verified(third, CHANGES)).finding is None
    keys = await world.run("SELECT kid, key FROM log_key ORDER BY since")
    assert [kid for kid, _ in keys] == [one.vault.signing[0]["kid"] for one in (world, later, third)]
    assert not any('"d"' in key for _, key in keys)


async def test_a_row_changes_only_by_being_wiped(world: World) -> None:
    await told(world, "nama", None)
    for statement in (
        "UPDATE change SET reason = 'lain' WHERE reason = 'nama'",
        "UPDATE change SET reason = NULL WHERE reason = 'nama'",
        "UPDATE change SET salt = NULL WHERE reason = 'nama'",
        "UPDATE change SET reason = NULL, salt = NULL, season = 1",
        "UPDATE change SET reason = 'lain' WHERE reason IS NULL",
        "DELETE FROM change",
        "UPDATE nik_access SET outcome = 'BLOCKED'",
        "UPDATE nik_access SET nik_index = NULL, salt = NULL",
        "UPDATE people_read SET purpose = 'lain' WHERE purpose IS NOT NULL",
        "UPDATE people_read SET purpose = NULL WHERE purpose IS NOT NULL",
        "UPDATE people_read SET people = NULL",
        "UPDATE people_read SET until = until + interval '1 minute'",
        "UPDATE people_read SET asked = '{}', count = 0",
    ):
        with pytest.raises(Exception, match="append-only"):
            async with world.database.transaction() as session:
                await queries.run(session, statement)
    await sealed(world)
    await world.run("UPDATE change SET reason = NULL, salt = NULL")
    await world.run("UPDATE nik_access SET nik_index = NULL, area = NULL, salt = NULL WHERE id = 1")
    await world.run("UPDATE people_read SET purpose = NULL, unfound = NULL, salt = NULL")
    # Again, it changes nothing.
    await world.run("UPDATE change SET reason = NULL, salt = NULL")
    for log in LOGS:
        one = await verified(world, log)
        assert (one.finding, one.rows, one.wiped) == (None, 2, 1)
    await tampered(world, "UPDATE change SET commitment = sha256('nama') WHERE commitment IS NOT NULL")
    assert (await verified(world, CHANGES)).finding is not None
