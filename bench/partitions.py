"""`python -m bench.partitions`: the change log, the access log and the deliveries at one million rows of each and at
twenty million, side by side: a batch that is written, a page that is read, a month that is purged.

Three months far ahead are filled by SQL: each month is a table of its own, which becomes a partition, with its indexes,
when it is full. What is measured goes through the functions of the registry. The figures are the time that PostgreSQL
was on a processor, as Linux counts it, or the server where that is said: so they say the same on a busy machine. It
takes 15 minutes and 30 GB of disk; `--rows 500000 1000000` takes two minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from app import migration
from app.changes.log import feed
from app.changes.log.feed import Position
from app.changes.webhooks import announcing
from app.db import Database, Session
from app.embedded import postgres
from app.models.enums import ChangeKind, Log
from app.registry import change_log
from app.registry.change_log import Entry
from app.registry.log_months import TABLES
from app.registry.niks import access_log
from app.registry.niks.access_log import Look
from app.registry.webhooks import deliveries, ended
from tests import queries
from tests.databases import own_database

MONTHS = [datetime(2047, month, 1, tzinfo=UTC) for month in (1, 2, 3)]
NOW = datetime(2047, 3, 31, 16, tzinfo=UTC)
ORGANIZERS, BATCH, MOVED, ROUNDS = 100, 1_000, 500, 20
PAGE = 50

GROUND = f"""
    INSERT INTO season (year, ends_on) VALUES (2047, '2047-04-30');
    INSERT INTO organizer (code, name, schemes)
        SELECT 'o' || n, 'o' || n, '{{}}' FROM generate_series(0, {ORGANIZERS - 1}) n;
    INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, secret_sealed)
        SELECT lpad(to_hex(n), 32, '0')::uuid, 'o' || n, 'https://hook.example/', '{{registrant.forfeited}}',
               '2047-01-01', '2047-01-01', 'x' FROM generate_series(0, {ORGANIZERS - 1}) n;
    INSERT INTO terminal (code, name, city, city_key, kind)
        SELECT code, code, code, code, 'TERMINAL' FROM unnest(ARRAY['a', 'b']) code;
    INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code, destination_code,
                       departs_at)
        VALUES (uuidv7(), 2047, 'o0', 'A-B', 'MUDIK', 'PASSENGER', 'BUS', 'a', 'b', '2047-04-20');
    INSERT INTO projection (name) VALUES ('webhooks')
"""
ROWS = {
    "change": """
        (xact_id, id, at, kind, season, organizer_code, registrant_id, route_id, from_status, to_status, client_id,
         mark)
        SELECT {xact}, n, {at}, 'REGISTRANT_MOVED', 2047, 'o' || n % {organizers}, {uuid}, {uuid}, 'REGISTERED',
               'VERIFIED', 'client', {bytes}
    """,
    "nik_access": """
        (xact_id, id, at, client_id, organizer_code, nik_index, area, purpose, direction, service, outcome, salt)
        SELECT {xact}, n, {at}, 'client-' || n % {organizers}, 'o' || n % {organizers}, sha256(int8send(n)),
               '\\x0011223344556677', 'CHECK', 'MUDIK', 'PASSENGER', 'AVAILABLE', {bytes}
    """,
    "webhook_delivery_ended": """
        (webhook_id, state, id, at, place, change_id, event, subject, made_at, attempts)
        SELECT lpad(to_hex(n % {organizers}), 32, '0')::uuid,
               CASE WHEN n / {organizers} % 100 = 0 THEN 'FAILED' ELSE 'DELIVERED' END,
               {uuid}, {at}, n, n, 'registrant.forfeited', {uuid}::text, {at},
               '[{{"at": "2047-01-01T00:00:00+00:00", "duration_ms": 31, "status": 204, "error": null}}]'
    """,
}
"""What is written into a month, from `n`."""
WORDS = {
    "organizers": ORGANIZERS,
    "xact": "(SELECT log_transaction(pg_current_xact_id()))",
    "uuid": "encode(int8send(n) || int8send(n), 'hex')::uuid",
    "bytes": "int8send(n) || int8send(n)",
}
"""Random bytes take longer to make than all the rest of a row."""
READ = f"""
    INSERT INTO registrant (id, season, organizer_code, route_id, direction, service, status, nik_index, nik_sealed,
                            name_sealed, registered_at, arrived_at, reference, verify_by)
    SELECT c.registrant_id, 2047, c.organizer_code, r.id, 'MUDIK', 'PASSENGER', 'REGISTERED',
           sha256(c.id::text::bytea), '\\x00', '\\x00', now(), now(), 'BK-' || c.id, now()
    FROM change c CROSS JOIN route r WHERE c.id BETWEEN {{first}} AND {{first}} + {2 * ORGANIZERS * PAGE}
"""
"""The registrants of the changes that are read."""
MIDDLE = f"""
    SELECT (array_agg(id ORDER BY id))[count(*) / 2] FROM webhook_delivery_ended
    WHERE webhook_id < lpad(to_hex({ROUNDS}), 32, '0')::uuid GROUP BY webhook_id ORDER BY webhook_id
"""
END_ALL = (
    f"UPDATE webhook_delivery SET state = 'DELIVERED', due_at = NULL, finished_at = '{NOW - 2 * ended.STAYS_FOR}'",
    f"""INSERT INTO webhook_attempt (delivery_id, at, duration_ms, status)
        SELECT id, '{NOW}', 31, 204 FROM webhook_delivery""",
    "ANALYZE webhook_delivery",
    "ANALYZE webhook_attempt",
)
LAST = "SELECT xact_id::text AS xact, id FROM {table} ORDER BY xact_id DESC, id DESC LIMIT 1"
SEAL = """
    INSERT INTO log_seal (log, number, at, xact_id, row_id, signed) VALUES ('{log}', 1, now(), '{xact}', {id}, '')
"""

Figures = dict[str, float]
Work = Callable[[Session], Awaitable[object]]


def main() -> None:
    arguments = argparse.ArgumentParser(prog="bench.partitions", description=__doc__)
    arguments.add_argument("--rows", type=int, nargs=2, default=[1_000_000, 20_000_000], help="of each table")
    sizes = arguments.parse_args().rows
    os.nice(10)
    with tempfile.TemporaryDirectory(prefix="pemudik-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres.running(folder / "database", durable=False) as server:
            found = [of_size(server, size) for size in sizes]
    print(f"\n{'milliseconds (median of ' + str(ROUNDS) + ')':58}{sizes[0]:>12,}{sizes[1]:>12,}{'ratio':>8}")
    for what, few in found[0].items():
        print(f"{what:58}{few:12.2f}{found[1][what]:12.2f}{found[1][what] / few:8.2f}")


def of_size(server: str, size: int) -> Figures:
    with own_database(server) as url:
        return asyncio.run(measured(url, size))


async def measured(url: str, size: int) -> Figures:
    connection = await asyncpg.connect(url)
    # With one connection for transactions, one process of PostgreSQL does all of the work.
    database = Database(url, pool_size=1)
    await migration.upgrade(database)
    began = time.monotonic()
    await fill(connection, size)
    print(f"{size:,} rows of each in {time.monotonic() - began:.0f} s", flush=True)
    async with database.transaction() as session:
        clocked = Clocked(database, await queries.value(session, "SELECT pg_backend_pid()"))
    figures = {**await written(clocked), **await read(clocked, size), **await purged(clocked)}
    await connection.close()
    await database.dispose()
    return figures


@dataclass(frozen=True, slots=True)
class Clocked:
    """A database, and the process of PostgreSQL that serves it."""

    database: Database
    pid: int

    async def milliseconds(self, some: Work, rounds: int = ROUNDS) -> float:
        """On a processor, the median."""
        taken = []
        for _ in range(rounds):
            began = self._on_processor()
            await self.database.attempt(some)
            taken.append(self._on_processor() - began)
        return median(taken)

    async def own_milliseconds(self, some: Work) -> float:
        """The same of this process, which does what a server does for it."""
        taken = []
        for _ in range(ROUNDS):
            began = time.process_time()
            await self.database.attempt(some)
            taken.append((time.process_time() - began) * 1_000)
        return median(taken)

    def _on_processor(self) -> float:
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1_000_000

    async def prepare(self, *texts: str) -> None:
        for text in texts:
            await self.database.attempt(running(text))

    async def ask(self, text: str) -> Sequence[Any]:
        return await self.database.attempt(lambda session: queries.run(session, text))


def running(text: str) -> Work:
    return lambda session: queries.run(session, text)


async def fill(connection: asyncpg.Connection[Any], size: int) -> None:
    await connection.execute("SET maintenance_work_mem = '1GB'; SET synchronous_commit = off")
    await connection.execute(GROUND)
    for table, rows in ROWS.items():
        for number, month in enumerate(MONTHS):
            await fill_month(connection, table, rows, month, size * number // 3 + 1, size * (number + 1) // 3)
        await connection.execute("SELECT log_make_months($1, $2, 2)", table, NOW)
        await connection.execute(f"ANALYZE {table}")
    for table in ("change", "nik_access"):
        await connection.execute(f"ALTER TABLE {table} ALTER id RESTART WITH {size + 1}")


async def fill_month(
    connection: asyncpg.Connection[Any], table: str, rows: str, month: datetime, first: int, last: int
) -> None:
    until = (month + timedelta(days=31)).replace(day=1)
    at = f"'{month}'::timestamptz + (n - {first}) * interval '{(until - month) / (last - first + 1)}'"
    name = f"{table}_{month:%Y_%m}"
    await connection.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    made = rows.format(at=at, **WORDS)
    numbers = f"(SELECT generate_series({first}::bigint, {last}) n) number"
    await connection.execute(f"INSERT INTO {name} {made} FROM {numbers}")
    await connection.execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{month}') TO ('{until}')")


# --- a batch ----------------------------------------------------------------------------------------------------------


async def written(clocked: Clocked) -> Figures:
    async with clocked.database.transaction() as session:
        end = await feed.horizon(session)
    await clocked.prepare(f"UPDATE projection SET xact_id = '{end.xact_id}', change_id = {end.id}")
    figures = {
        f"{BATCH:,} changes are written": await clocked.milliseconds(append),
        f"{BATCH:,} accesses are written": await clocked.milliseconds(record),
        f"{BATCH:,} accesses are written: the server's own part": await clocked.own_milliseconds(record),
        f"{announcing.CHANGES_OF_A_STEP:,} deliveries are made of changes": await clocked.milliseconds(
            announce, ROUNDS * BATCH // announcing.CHANGES_OF_A_STEP
        ),
    }
    await clocked.prepare(*END_ALL)
    figures[f"{MOVED} deliveries that have ended are moved"] = await clocked.milliseconds(move)
    return figures


async def append(session: Session) -> None:
    entries = [
        Entry(
            kind=ChangeKind.REGISTRANT_MOVED,
            season=2047,
            organizer=f"o{number % ORGANIZERS}",
            registrant_id=uuid7(),
            from_status="REGISTERED",
            to_status="FORFEITED",
        )
        for number in range(BATCH)
    ]
    await change_log.append(session, entries, NOW)


async def record(session: Session) -> None:
    looks = [
        Look(
            f"client-{number % ORGANIZERS}", f"o{number % ORGANIZERS}", os.urandom(32), None, "CHECK", None, None, None
        )
        for number in range(BATCH)
    ]
    await access_log.record(session, looks, NOW)


async def announce(session: Session) -> None:
    reached = await queries.row(session, "SELECT xact_id::text::bigint, change_id FROM projection FOR UPDATE")
    came_to = await announcing.step(session, Position(*reached), NOW)
    assert came_to is not None
    await queries.run(session, f"UPDATE projection SET xact_id = '{came_to.xact_id}', change_id = {came_to.id}")


async def move(session: Session) -> None:
    assert await ended.move(session, NOW, most=MOVED) == MOVED


# --- a page -----------------------------------------------------------------------------------------------------------


async def read(clocked: Clocked, size: int) -> Figures:
    await clocked.prepare(READ.format(first=size // 2), "ANALYZE registrant")
    [row] = await clocked.ask(f"SELECT xact_id::text::bigint AS xact_id, id FROM change WHERE id = {size // 2}")
    behind = Position(row.xact_id, row.id)
    middle = [row[0] for row in await clocked.ask(MIDDLE)]
    return {
        f"a page of the feed, {PAGE} changes, from the middle": await clocked.milliseconds(changes(behind, None)),
        f"the same of one organizer of {ORGANIZERS}": await clocked.milliseconds(changes(behind, ["o7"])),
        f"a page of {PAGE} deliveries, the newest": await clocked.milliseconds(pages()),
        "the same from the middle": await clocked.milliseconds(pages(after=middle)),
        "the same of those that failed (1 %)": await clocked.milliseconds(pages("FAILED")),
    }


def changes(after: Position, organizers: list[str] | None) -> Work:
    async def page(session: Session) -> None:
        assert len((await feed.page(session, organizers, after, most=PAGE)).items) == PAGE

    return page


def pages(state: str | None = None, after: Sequence[UUID | None] = (None,) * ROUNDS) -> Work:
    """Of another webhook each time."""
    asked = enumerate(after)

    async def page(session: Session) -> None:
        hook, behind = next(asked)
        found = await deliveries.page(session, UUID(int=hook), state, after=behind, first=PAGE - 1)
        assert len(found) == PAGE

    return page


# --- a month ----------------------------------------------------------------------------------------------------------


async def purged(clocked: Clocked) -> Figures:
    """The rows of a log are counted, for the record of the purge, before anybody has to wait."""
    figures = {}
    for log in (Log.CHANGES, Log.ACCESS):
        table = TABLES[log]
        [last] = await clocked.ask(LAST.format(table=table))
        await clocked.prepare(SEAL.format(log=log, xact=last.xact, id=last.id))
        month = f"{table}_{MONTHS[0]:%Y_%m}"
        # The first look at a row writes into its page whether the row is committed.
        await clocked.prepare(f"SELECT count(*) FROM {month}")
        counting = await clocked.milliseconds(running(f"SELECT count(*) FROM {month}"), 1)
        drop = f"SELECT log_drop_month('{table}', '{month}', '{last.xact}', {last.id})"
        figures[f"a month of {table} is purged: its rows are counted"] = counting
        figures[f"a month of {table} is purged: it is dropped"] = (
            await clocked.milliseconds(running(drop), 1) - counting
        )
    over = MONTHS[1] + ended.KEPT_FOR
    figures["a month of deliveries is dropped"] = await clocked.milliseconds(
        lambda session: ended.turn_months(session, over), 1
    )
    return figures


if __name__ == "__main__":
    main()
