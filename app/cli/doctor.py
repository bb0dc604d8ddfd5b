"""`pemudik doctor`: what is wrong with database, migrations, keys or clock, and what to do."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, NamedTuple

import typer

from app import clock, migration
from app.changes.log import holding
from app.cli.command import AsJson, Failed, cause_of, database_url, print_json
from app.config import Settings
from app.db import BESIDE_POOLS, POOLS, Database
from app.operating import production as of_production
from app.operating.findings import Finding, good, wrong
from app.registry import halts, host_clock
from app.registry.halts import Halt
from app.registry.host_clock import ClockReading
from app.registry.registrants import opening
from app.sql import statement
from app.vault.keys import KeysUnusable
from app.vault.vault import Unreadable, Vault, open_vault

OLDEST_POSTGRESQL = 15
"""Our statements use MERGE and NULLS NOT DISTINCT, which older versions do not have."""


class _PostgresServer(NamedTuple):
    version: int
    most_connections: int


class _NewestRegistrant(NamedTuple):
    nik_sealed: bytes
    nik_index: bytes


_SERVER = statement(
    """
    SELECT current_setting('server_version_num')::int / 10000 AS version,
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               AS most_connections
    """,
    _PostgresServer,
)
_NEWEST = statement(
    "SELECT nik_sealed, nik_index FROM registrant WHERE nik_sealed IS NOT NULL ORDER BY id DESC LIMIT 1",
    _NewestRegistrant,
)


def doctor(
    as_json: AsJson = False,
    production: Annotated[
        bool, typer.Option("--production", help="Also what a nation needs: role, standby, TLS, backups, disk.")
    ] = False,
) -> None:
    """Say what is wrong with database, migrations, keys or clock.

    Exit code 1 if anything is wrong.
    """
    findings = examine(Settings(), production=production)
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            typer.echo(f"{'good ' if finding.good else 'WRONG'}  {finding.what:<11} {finding.detail}")
            if finding.todo:
                typer.echo(f"       {'':<11} {finding.todo}")
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def examine(settings: Settings, *, production: bool = False) -> list[Finding]:
    vault, of_keys = keys(settings)
    if settings.database_url is None and not (settings.home / "postgres" / "data").exists():
        nothing = wrong("database", "There is none yet.", "Run `pemudik serve`, or set DATABASE_URL.")
        return [nothing, of_keys]
    try:
        with database_url(settings) as url:
            return [*asyncio.run(look(url, settings, vault, production=production)), of_keys]
    except Failed as error:
        return [wrong("database", str(error)), of_keys]


def keys(settings: Settings) -> tuple[Vault | None, Finding]:
    """The keys. Looking for a key file makes none."""
    try:
        vault = open_vault(settings, create=False)
    except KeysUnusable as error:
        return None, wrong("keys", str(error), "Without any data yet: `pemudik serve` makes them.")
    where = "the environment" if vault.source is None else str(vault.source)
    return vault, good("keys", f"Present and valid, in {where}.")


async def look(url: str, settings: Settings, vault: Vault | None, *, production: bool) -> list[Finding]:
    database = Database(url, pool_size=2)
    try:
        findings = [*await server(database, settings), await migrations(database)]
        if findings[-1].good:
            findings += [await change_log(database), await feed(database), await sweep(database)]
            if vault is not None:
                findings.append(await sealed(database, vault))
            if production:
                findings += await of_production.look(database, settings, clock.now())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is wrong
        return [wrong("database", f"It cannot be used: {cause_of(error)}.", "Check DATABASE_URL.")]
    else:
        return findings
    finally:
        await database.dispose()


async def server(database: Database, settings: Settings) -> list[Finding]:
    async with database.transaction() as session:
        found = await session.one(_SERVER)
    return [
        version(found.version),
        connections(found.most_connections, settings.workers * (settings.pool_size * POOLS + BESIDE_POOLS)),
        clocks(await host_clock.read(database)),
    ]


def version(found: int) -> Finding:
    if found < OLDEST_POSTGRESQL:
        return wrong("database", f"PostgreSQL {found} is too old.", f"Use PostgreSQL {OLDEST_POSTGRESQL} or later.")
    return good("database", f"PostgreSQL {found} answers.")


def connections(most: int, wanted: int) -> Finding:
    if wanted > most:
        todo = "Lower WEB_CONCURRENCY (or --workers) or PEMUDIK_POOL_SIZE, or raise the database's max_connections."
        return wrong("connections", f"Workers want {wanted} and the database gives {most}.", todo)
    return good("connections", f"Workers want {wanted} of {most}.")


def clocks(reading: ClockReading) -> Finding:
    if reading.is_wrong:
        todo = "Synchronize both clocks (NTP): until then, no server on this machine does any duty."
        apart = f"{abs(reading.ahead.total_seconds()):.0f} s {'ahead of' if reading.ahead > timedelta() else 'behind'}"
        return wrong("clock", f"This machine is {apart} the database.", todo)
    return good("clock", "This machine and the database agree.")


async def migrations(database: Database) -> Finding:
    level, newest = await migration.level(database), migration.newest()
    if level.is_ahead and level.is_served:
        return good("migrations", f"At {level.current}, of a newer version; this one ({newest}) may go on.")
    if level.is_ahead:
        todo = "Install the version that migrated it."
        return wrong("migrations", f"At {level.current}, which this version ({newest}) cannot use.", todo)
    if not level.is_served:
        return wrong("migrations", f"At {level.current or 'none'}, the newest is {newest}.", "Run `pemudik migrate`.")
    return good("migrations", f"At {level.current}, the newest.")


async def change_log(database: Database) -> Finding:
    """Whether the log goes on. Where transactions count from another number, whoever follows the log waits for ever."""
    if await migration.is_restored(database):
        todo = "Run `pemudik migrate` before anything is written: it lets the log go on behind what was restored."
        return wrong("change log", "It was restored from another database server.", todo)
    return good("change log", "What comes follows on what it holds.")


async def feed(database: Database) -> Finding:
    """Whether a transaction somewhere in the cluster holds back what follows the log."""
    async with database.transaction() as session:
        holder, waits_since = await holding.oldest(session), await holding.waits_since(session)
    long_ago = clock.now() - holding.LONG
    if holder is None and waits_since is not None and waits_since < long_ago:
        todo = "Let it see: GRANT pg_read_all_stats TO that role, and ask again."
        what = f"Changes since {waits_since.isoformat()} wait for a transaction that this role cannot see."
        return wrong("feed", what, todo)
    if holder is None or holder.since >= long_ago:
        return good("feed", "No old transaction holds it back.")
    whose = f"A transaction in the database {holder.database or '?'}, of the role {holder.role or '?'}"
    since = f"since {holder.since.isoformat()}, holds back the feed, statistics and webhooks"
    if holder.gid is not None:
        todo = f"It was prepared, and nobody ended it: ROLLBACK PREPARED '{holder.gid}' in that database."
    else:
        todo = f"End it there, or by SELECT pg_terminate_backend({holder.pid})."
    return wrong("feed", f"{whose}, {since}.", todo)


async def sweep(database: Database) -> Finding:
    """Whether people wait for Hubdat's word."""
    async with database.transaction() as session:
        waiting = [one for one in await halts.every(session) if one.allowed_until is None]
    if waiting:
        todo = (
            "Look whether a clock, a deadline or a departure is wrong, and put it right; if they are to end,"
            " `pemudik allow-sweep`."
        )
        return wrong("sweep", f"It halts, since too many would end at once: {'; '.join(map(_told, waiting))}.", todo)
    return good("sweep", "It halts for nobody.")


def _told(halt: Halt) -> str:
    return f"{halt.organizer}, {halt.people} {halt.ends} of {halt.holders} holders, since {halt.since.isoformat()}"


async def sealed(database: Database, vault: Vault) -> Finding:
    """Whether the keys fit the data. Keys of another database look valid until the first value is opened."""
    async with database.transaction() as session:
        newest = await session.first(_NEWEST)
    try:
        if newest is not None and not opening.is_found_by(newest.nik_index, newest.nik_sealed, vault):
            todo = "Restore PEMUDIK_INDEX_KEY, or the key file, that belongs to this database."
            return wrong("sealed data", "The NIKs of this database are found by another index key.", todo)
    except Unreadable as error:
        return wrong("sealed data", str(error), "Restore the keys that belong to this database.")
    return good("sealed data", "The keys open what is stored.")
