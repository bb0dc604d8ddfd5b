"""Months of the logs: made ahead, never missing, dropped by the purge with a record that is signed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime

import pytest
from alembic import command
from sqlalchemy import Connection

from app import migration
from app.changes.log import tallies
from app.changes.seals import duty, sealing
from app.changes.seals.logs import ACCESS, CHANGES, LOGS, READS
from app.changes.seals.verifying import Fault
from app.clock import now as clock_now
from app.db import Database
from app.errors import Unavailable
from app.registry import log_months, retention
from app.registry.log_months import Month, month_of
from app.vault.vault import Vault
from tests import queries
from tests.changes.seals.ground import MINUTE, behind, rekeyed, sealed, settled, tampered, told, verified
from tests.databases import migrated_database, own_database
from tests.world import World, build

pytestmark = pytest.mark.anyio

FAR = datetime(2041, 11, 30, 23, 59, 59, tzinfo=UTC)
"""Of months that no migration makes."""
ENDS = date(2042, 1, 20)
"""Of the season: in the middle of the third month from `FAR` on."""
EARLY, LATE = datetime(2042, 1, 2, tzinfo=UTC), datetime(2042, 1, 25, tzinfo=UTC)
"""In that month, before and behind the season's end."""


@pytest.fixture
def url(database_url: str) -> Iterator[str]:
    with migrated_database(database_url) as url:
        yield url


@pytest.fixture
async def world(url: str, vault: Vault) -> AsyncIterator[World]:
    database = Database(url)
    yield await build(database, vault)
    await database.dispose()


async def made(world: World, at: datetime) -> list[int]:
    async with world.database.transaction() as session:
        return [await log_months.make(session, log.table, at) for log in LOGS]


async def places(world: World, table: str = "change") -> list[tuple[str, int]]:
    """In which partitions rows are, and how many."""
    found = await world.run(f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1 ORDER BY 1")
    return [tuple(row) for row in found]


def test_a_month_is_read_off_its_name() -> None:
    assert month_of("change_2026_12") == Month("change_2026_12", 202612, 202701)
    assert month_of("nik_access_before_2026_12") == Month("nik_access_before_2026_12", 0, 202612)
    assert month_of("nik_access_2027_01").until == datetime(2027, 2, 1, tzinfo=UTC)
    assert [month_of("change_2026_12").has(one) for one in (202611, 202612, 202701)] == [False, True, False]


async def test_months_are_there_before_their_time(world: World) -> None:
    async with world.database.transaction() as session:
        there = [await log_months.of(session, log.table) for log in LOGS]
    for months in there:
        assert months[0].first == 0
        assert [one.end for one in months[:-1]] == [one.first for one in months[1:]]
        assert months[-1].until > clock_now()
    assert await made(world, FAR) == [3, 3, 3]
    assert await made(world, FAR) == [0, 0, 0]
    assert await made(world, FAR + 2 * MINUTE) == [1, 1, 1]
    async with world.database.transaction() as session:
        assert [one.name for one in (await log_months.of(session, "change"))[-4:]] == [
            "change_2041_11",
            "change_2041_12",
            "change_2042_01",
            "change_2042_02",
        ]


async def test_what_was_there_before_needs_no_month(world: World) -> None:
    assert await made(world, datetime(2020, 1, 31, tzinfo=UTC)) == [0, 0, 0]
    await told(world, None)
    [[name, rows]] = await places(world)
    assert (name.startswith("change_before_"), rows) == (True, 1)


async def test_a_row_without_a_month_waits_and_is_moved(world: World) -> None:
    """No server made months for long. Rows keep their places in the log, and their seals."""
    await told(world, "satu", None, at=FAR)
    await told(world, "dua", at=FAR + MINUTE)
    assert [await places(world, log.table) for log in LOGS] == [[(f"{log.table}_default", 3)] for log in LOGS]
    await sealed(world)
    before = await world.rows("change", "nik_access", "people_read")
    assert await made(world, FAR) == [3, 3, 3]
    assert await places(world) == [("change_2041_11", 2), ("change_2041_12", 1)]
    assert await world.rows("change", "nik_access", "people_read") == before
    for log in LOGS:
        one = await verified(world, log)
        assert (one.finding, one.rows) == (None, 3)
    # The trigger is there again, in both partitions.
    for statement in ("DELETE FROM change_default", "DELETE FROM change", "UPDATE change SET season = 1"):
        await told(world, None, at=datetime(2050, 1, 1, tzinfo=UTC))
        with pytest.raises(Exception, match="append-only"):
            await world.run(statement)


async def test_how_a_database_shows_bytes_changes_no_digest(world: World, url: str) -> None:
    """Its owner may choose. A dump is restored where somebody has chosen otherwise."""
    await told(world, "nama")
    await sealed(world)
    await world.run(f"ALTER DATABASE {url.rpartition('/')[2].partition('?')[0]} SET bytea_output = 'escape'")
    restored = World(Database(url), world.vault)
    one = await verified(restored, ACCESS)
    assert (one.finding, one.rows) == (None, 1)
    await restored.run("UPDATE nik_access SET nik_index = NULL, area = NULL, salt = NULL")
    await restored.database.dispose()
    one = await verified(world, ACCESS)
    assert (one.finding, one.wiped) == (None, 1)


async def test_whoever_is_in_the_way_of_a_month_holds_up_no_seal(world: World) -> None:
    """Somebody copies the whole database for an hour, when a month is to be made."""
    await told(world, None, at=FAR)
    async with world.database.transaction() as copying:
        await queries.run(copying, "LOCK TABLE change_default IN ACCESS SHARE MODE")
        await settled(world)
        with pytest.raises(Unavailable):
            await duty.round_(world.database, world.vault, FAR)
        assert await behind(world) == 0
        assert await places(world) == [("change_default", 1)]
    await duty.round_(world.database, world.vault, FAR)
    assert await places(world) == [("change_2041_11", 1)]


async def test_the_months_of_deliveries_are_turned_in_the_same_round(world: World) -> None:
    async def months() -> list[str]:
        async with world.database.transaction() as session:
            return [one.name for one in await log_months.of(session, log_months.DELIVERIES)]

    before = await months()
    await duty.round_(world.database, world.vault, FAR)
    # From the month of 30 days ago on. Those that a migration made lie far behind.
    assert await months() == [f"webhook_delivery_ended_{month}" for month in ("2041_10", "2041_11", "2041_12")]
    assert len(before) == 3
    await duty.round_(world.database, world.vault, FAR)


# --- the purge --------------------------------------------------------------------------------------------------------


async def lived(world: World) -> datetime:
    """A season that ends in the middle of a month, with rows in four months. Answers when it is purged."""
    await made(world, FAR)
    await made(world, FAR + 32 * 24 * 60 * MINUTE)
    await world.run("UPDATE season SET ends_on = :ends_on", ends_on=ENDS)
    # Of one seal, some rows go and some stay.
    for at in (FAR, FAR + MINUTE, FAR + 2 * MINUTE, EARLY, LATE):
        await told(world, "nama", None, at=at)
    await sealed(world, FAR)
    return datetime.combine(ENDS, datetime.min.time(), UTC) + retention.RETENTION + 2 * 24 * 60 * MINUTE


NAMED = "num_nonnulls({}) > 0 AND at < '2042-01-20T17:00:00Z'"
"""Rows of before the season's end that tell of somebody."""


async def swept(world: World, now: datetime) -> None:
    # A season in which something is kept.
    await world.run(
        """INSERT INTO early_end (id, season, organizer_code, nik_index, direction, service, status, registered_at,
                                  told_at)
           VALUES (gen_random_uuid(), 2026, 'djka', 'x', 'MUDIK', 'PASSENGER', 'CANCELLED', now(), now())"""
    )
    assert (await world.sweep(now)).seasons_purged == 1


async def purged(world: World, now: datetime) -> None:
    await swept(world, now)
    await duty.round_(world.database, world.vault, now)


async def named(world: World) -> tuple[int, int]:
    accesses = await world.count(f"nik_access WHERE {NAMED.format('nik_index, area, salt')}")
    return accesses, await world.count(f"people_read WHERE {NAMED.format('purpose, unfound, salt')}")


async def test_a_purge_leaves_nobody_where_no_server_drops_months(world: World) -> None:
    """Duties are off, and somebody sweeps by command. A year later, a server drops the months."""
    now = await lived(world)
    assert await named(world) == (8, 4)
    await swept(world, now)
    assert await named(world) == (0, 0)
    assert [name for name, _ in await places(world, "nik_access")] == [
        "nik_access_2041_11",
        "nik_access_2041_12",
        "nik_access_2042_01",
    ]
    for log in (ACCESS, READS, CHANGES):
        assert (await verified(world, log)).finding is None
    await duty.round_(world.database, world.vault, now + 365 * 24 * 60 * MINUTE)
    assert [name for name, _ in await places(world, "nik_access")] == ["nik_access_2042_01"]
    for log in (ACCESS, READS):
        assert (await verified(world, log)).finding is None


async def test_a_purge_leaves_nobody_who_waits_without_a_month(world: World) -> None:
    """Nobody made months for as long as nobody dropped any."""
    await world.run("UPDATE season SET ends_on = :ends_on", ends_on=ENDS)
    for at in (FAR, EARLY):
        await told(world, "nama", at=at)
    assert [name for name, _ in await places(world, "nik_access")] == ["nik_access_default"]
    await swept(world, datetime.combine(ENDS, datetime.min.time(), UTC) + retention.RETENTION + 2 * 24 * 60 * MINUTE)
    assert await named(world) == (0, 0)


async def test_months_are_dropped_before_anybody_wipes_their_rows(world: World) -> None:
    """Of a season that is over, whoever comes first: what is dropped is not written once more."""
    now = await lived(world)
    await world.run("UPDATE season SET closed_at = :now", now=FAR)
    await duty.round_(world.database, world.vault, now)
    assert [name for name, _ in await places(world, "nik_access")] == ["nik_access_2042_01"]
    assert await world.one("SELECT purged_at FROM season WHERE year = 2026") is None
    await purged(world, now)
    assert await named(world) == (0, 0)
    for log in (ACCESS, READS, CHANGES):
        assert (await verified(world, log)).finding is None


async def test_no_month_is_dropped_of_a_season_that_is_not_over(world: World) -> None:
    now = await lived(world)
    await world.run("UPDATE season SET closed_at = :now", now=FAR)
    async with world.unchanged("nik_access", "people_read"):
        await duty.round_(world.database, world.vault, now - 2 * 24 * 60 * MINUTE)


async def test_the_purge_drops_whole_months_and_wipes_the_rest(world: World) -> None:
    now = await lived(world)
    await purged(world, now)
    for log in ("nik_access", "people_read"):
        assert [name for name, _ in await places(world, log)] == [f"{log}_2042_01"]
    assert await world.run("SELECT at, num_nonnulls(nik_index, area, salt) FROM nik_access ORDER BY at, id") == 2 * [
        (EARLY, 0)
    ] + 2 * [(LATE, 3)]
    assert await world.count("change WHERE reason IS NOT NULL OR salt IS NOT NULL") == 0
    # Each second read had no purpose.
    assert await world.run("SELECT at, purpose, salt IS NULL FROM people_read ORDER BY at, id") == [
        (EARLY, None, True),
        (EARLY, None, True),
        (LATE, "nama", False),
        (LATE, None, True),
    ]
    access, changes, listed = [await verified(world, log) for log in (ACCESS, CHANGES, READS)]
    assert (access.finding, access.rows, access.wiped, access.purged) == (None, 4, 2, 6)
    assert (listed.finding, listed.rows, listed.wiped, listed.purged) == (None, 4, 1, 6)
    # The season was closed and purged: two changes more.
    assert (changes.finding, changes.rows + changes.unsealed, changes.wiped, changes.purged) == (None, 12, 5, 0)
    assert await world.count("log_seal WHERE listed IS NULL AND log = 'access'") >= 3
    # Nothing is done twice.
    async with world.unchanged("nik_access", "people_read", "log_seal"):
        await duty.round_(world.database, world.vault, now + MINUTE / 60)


async def test_what_was_taken_out_beside_a_purge_is_found(world: World) -> None:
    await purged(world, await lived(world))
    await tampered(world, "DELETE FROM nik_access WHERE id = 10")
    finding = (await verified(world, ACCESS)).finding
    assert finding is not None
    assert finding.row is not None
    assert (finding.fault, finding.month, finding.row.id) == (Fault.LEFT_OUT, 204201, 10)


async def test_what_was_taken_out_before_a_purge_is_found(world: World) -> None:
    """The purge says how many rows it dropped."""
    now = await lived(world)
    await tampered(world, "DELETE FROM nik_access WHERE id = 3")
    await purged(world, now)
    finding = (await verified(world, ACCESS)).finding
    assert finding is not None
    assert (finding.fault, finding.month) == (Fault.PURGE_DIFFERS, 204112)


async def test_a_record_of_a_purge_cannot_be_put_in(world: World) -> None:
    await lived(world)
    forger = World(world.database, rekeyed(world.vault, keeps=False))
    async with world.database.transaction() as session:
        months = await log_months.of(session, "nik_access")
        [month] = [one for one in months if one.first == 204112]
        last = await sealing.drop(session, forger.vault, ACCESS, month, FAR)
        assert last is not None
    await world.run("DELETE FROM log_key WHERE kid = :kid", kid=forger.vault.signing[0]["kid"])
    finding = (await verified(world, ACCESS)).finding
    assert finding is not None
    assert finding.fault is Fault.LEFT_OUT


async def test_a_month_is_not_dropped_before_it_is_sealed(world: World) -> None:
    await made(world, FAR)
    await told(world, None, at=FAR)
    async with world.database.transaction() as session:
        [month] = [one for one in await log_months.of(session, "nik_access") if one.first == 204111]
        assert await sealing.drop(session, world.vault, ACCESS, month, FAR) is None
    assert (await world.count("nik_access"), await world.count("log_seal")) == (1, 0)
    await sealed(world)

    async def dies() -> None:
        async with world.database.transaction() as session:
            assert await sealing.drop(session, world.vault, ACCESS, month, FAR) is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await dies()
    assert (await verified(world, ACCESS)).finding is None
    assert await world.count("nik_access") == 1
    with pytest.raises(Exception, match="no month of"):
        await world.run("SELECT log_drop_month('nik_access', 'nik_access_default', '0', 0)")
    with pytest.raises(Exception, match="no month of"):
        await world.run("SELECT log_drop_month('nik_access', 'change_2041_11', '0', 0)")


async def test_a_month_may_come_and_go_twice(world: World) -> None:
    """The clock was ahead, and a month was dropped. The clock was put right, and the month came for the second time."""
    for rows, minutes in ((1, 0), (3, 1)):
        await made(world, FAR)
        await told(world, *rows * [None], at=FAR)
        await sealed(world, FAR + minutes * MINUTE)
        async with world.database.transaction() as session:
            [month] = [one for one in await log_months.of(session, "nik_access") if one.first == 204111]
            assert await sealing.drop(session, world.vault, ACCESS, month, FAR) is not None
    one = await verified(world, ACCESS)
    assert (one.finding, one.rows, one.purged) == (None, 0, 4)


async def test_what_comes_after_a_purge_cannot_hide_behind_the_record(world: World) -> None:
    await made(world, FAR)
    async with world.database.transaction() as session:
        [month] = [one for one in await log_months.of(session, "nik_access") if one.first == 204111]
        assert await sealing.drop(session, world.vault, ACCESS, month, FAR) is not None
    await told(world, None, None, at=FAR)
    await sealed(world, FAR + MINUTE)
    await tampered(world, "DELETE FROM nik_access WHERE id = 1")
    finding = (await verified(world, ACCESS)).finding
    assert finding is not None
    assert (finding.fault, finding.month) == (Fault.LEFT_OUT, 204111)


async def test_changes_are_kept_for_five_years_more(world: World) -> None:
    await lived(world)
    await world.run("UPDATE season SET purged_at = :at, ends_on = :day", at=FAR, day=date(2046, 12, 31))
    await duty.round_(world.database, world.vault, FAR)
    [[name, rows], *_] = await places(world)
    assert (name, rows) == ("change_2042_01", 4)
    one = await verified(world, CHANGES)
    assert (one.finding, one.rows, one.purged) == (None, 4, 6)
    with pytest.raises(tallies.LogCutOff):
        await tallies.rebuild(world.database, clock_now, lambda *_: None)


BEFORE = "0031"
"""The revision before there were months."""

# --- what was there before there were seals ---------------------------------------------------------------------------


@pytest.fixture
def blank_url(database_url: str) -> Iterator[str]:
    with own_database(database_url) as url:
        yield url


@pytest.fixture
async def older(blank_url: str, vault: Vault) -> AsyncIterator[World]:
    """A database of the revision before."""
    database = Database(blank_url)
    await migrated(database, "upgrade", BEFORE)
    yield World(database, vault)
    await database.dispose()


async def migrated(database: Database, what: str, revision: str) -> None:
    def go(connection: Connection) -> None:
        getattr(command, what)(migration.config(connection), revision)

    async with migration.connected(database) as connection:
        await connection.run_sync(go)


OLD = (
    """INSERT INTO change (at, kind, reason)
       VALUES ('2026-03-02T02:00Z', 'ROUTE_SAVED', 'nama'), (now(), 'ROUTE_SAVED', NULL)""",
    """INSERT INTO nik_access (at, client_id, organizer_code, nik_index, purpose)
       SELECT '2026-03-02T02:00Z', 'djka-test', 'djka', 'x', 'CHECK' FROM generate_series(1, 3)""",
    *(
        f"""INSERT INTO people_read (at, until, client_id, organizer_code, what, asked, count, first_id, last_id,
                                     organizers, people)
            SELECT '2026-03-02T02:00Z', {until}, 'djka-test', 'djka', 'registrant', '{asked}', 1, id, id, '{{djka}}',
                   ARRAY[id]
            FROM CAST('00000000-0000-0000-0000-000000000001' AS uuid) AS id"""
        for until, asked in (
            ("now()", '{"registrant": {"purpose": "nama"}, "registrants": {}}'),
            ("now()", '{"casePeople": {"case": "1", "purpose": "lain"}}'),
            ("NULL", "{}"),
        )
    ),
)
END_A_MINUTE = "UPDATE people_read SET until = now(), count = 2 WHERE until IS NULL AND ends IS NULL"
"""As servers of the version before do. The row that is there stays: it may have been sealed."""


async def test_rows_from_before_are_salted_and_sealed(older: World) -> None:
    for statement in OLD:
        await older.run(statement)
    await migrated(older.database, "upgrade", "head")
    assert [len(await places(older, log.table)) for log in LOGS] == [1, 1, 1]
    await told(older, "baru")
    assert await older.run("SELECT id FROM change ORDER BY xact_id, id") == [(1,), (2,), (3,)]
    assert await older.count("nik_access WHERE salt IS NULL") == 3
    assert await older.run("SELECT asked::text, purpose FROM people_read WHERE id < 4 ORDER BY id") == [
        ('{"registrant": {}, "registrants": {}}', "nama"),
        ('{"casePeople": {"case": "1"}}', "lain"),
        ("{}", None),
    ]
    # One of them is wiped before it is sealed.
    await older.run("UPDATE nik_access SET nik_index = NULL, area = NULL, salt = NULL WHERE id = 2")
    await sealed(older)
    assert await older.count("nik_access WHERE salt IS NULL AND commitment IS NULL") == 0
    assert await older.run("SELECT salt IS NULL FROM change ORDER BY id") == [(False,), (True,), (False,)]
    await older.run("UPDATE change SET reason = NULL, salt = NULL WHERE reason = 'nama'")
    await older.run("UPDATE people_read SET purpose = NULL, salt = NULL WHERE purpose = 'nama'")
    await older.run(END_A_MINUTE)
    for statement in OLD[2:3]:
        await older.run(statement)
    assert await older.run("SELECT id, count, purpose, ends, until IS NULL FROM people_read ORDER BY id") == [
        (1, 1, None, None, False),
        (2, 1, "lain", None, False),
        (3, 1, None, None, True),
        (4, 1, "baru", None, False),
        (5, 2, None, 3, False),
        (6, 1, "nama", None, False),
    ]
    await sealed(older, FAR)
    for log, rows in ((CHANGES, 3), (ACCESS, 4), (READS, 6)):
        one = await verified(older, log)
        assert (one.finding, one.rows, one.wiped) == (None, rows, 1)
    await migrated(older.database, "downgrade", BEFORE)
    assert await older.run("SELECT id, kind FROM change ORDER BY id") == [
        (1, "ROUTE_SAVED"),
        (2, "ROUTE_SAVED"),
        (3, "QUOTA_FILLED"),
    ]
    assert await older.run("SELECT id FROM nik_access ORDER BY id") == [(1,), (3,), (4,)]
    assert await older.run("SELECT id, asked::text, count FROM people_read ORDER BY id") == [
        (1, '{"registrant": {}, "registrants": {}}', 1),
        (2, '{"casePeople": {"case": "1"}, "registrant": {"purpose": "lain"}}', 1),
        (4, '{"registrant": {"purpose": "baru"}}', 1),
        (5, "{}", 2),
        (6, '{"registrant": {"purpose": "nama"}, "registrants": {}}', 1),
    ]
    for statement in ("INSERT INTO change (at, kind) VALUES (now(), 'ROUTE_SAVED')", OLD[2]):
        await older.run(statement)
