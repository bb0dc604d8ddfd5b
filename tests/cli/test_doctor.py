from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from app import migration
from app.cli import doctor
from app.db import Database
from app.operating.findings import wrong
from app.registry.host_clock import ClockReading
from app.vault.keys import Keys, new_key
from app.vault.vault import Vault
from tests.cli.conftest import Pemudik
from tests.databases import as_a_server, execute, named, own_database
from tests.patience import patience
from tests.world import HUBDAT, build, someone

AT = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def server_url(database_url: str) -> Iterator[str]:
    with as_a_server(database_url) as url:
        yield url


def test_all_is_well(pemudik: Pemudik) -> None:
    findings = json.loads(pemudik("doctor", "--json").output)
    assert {finding["what"]: finding["good"] for finding in findings} == {
        "database": True,
        "connections": True,
        "clock": True,
        "migrations": True,
        "change log": True,
        "feed": True,
        "sweep": True,
        "sealed data": True,
        "keys": True,
    }
    assert pemudik("doctor").output.count("good ") == 9


def test_a_database_that_is_away(pemudik: Pemudik, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    result = pemudik("doctor", code=1)
    assert "WRONG  database    It cannot be used: " in result.output
    assert "Check DATABASE_URL." in result.output
    assert "secret" not in result.output


def test_missing_migrations(pemudik: Pemudik, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with own_database(database_url) as blank:
        monkeypatch.setenv("DATABASE_URL", blank)
        result = pemudik("doctor", code=1)
    assert f"WRONG  migrations  At none, the newest is {migration.newest()}." in result.output
    assert "Run `pemudik migrate`." in result.output


def test_a_key_file_that_others_can_read(pemudik: Pemudik, home: Path) -> None:
    (home / "keys.json").chmod(0o644)
    result = pemudik("doctor", code=1)
    assert "WRONG  keys        The key file can be read by others: chmod 600" in result.output


def test_no_keys_at_all_and_looking_makes_none(pemudik: Pemudik, home: Path) -> None:
    (home / "keys.json").unlink()
    assert "WRONG  keys        There are no keys" in pemudik("doctor", code=1).output
    assert not (home / "keys.json").exists()


def test_no_embedded_database_yet(pemudik: Pemudik, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL")
    result = pemudik("doctor", code=1)
    assert "WRONG  database    There is none yet." in result.output
    assert not (home / "postgres").exists()


def test_an_embedded_database_that_does_not_start(
    pemudik: Pemudik, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    (home / "postgres" / "data").mkdir(parents=True)
    (home / "postgres" / "data" / "PG_VERSION").write_text("12\n")
    assert "was made by PostgreSQL 12" in pemudik("doctor", code=1).output


def test_an_old_version() -> None:
    assert doctor.version(14) == wrong("database", "PostgreSQL 14 is too old.", "Use PostgreSQL 15 or later.")
    assert doctor.version(15).good


def test_too_few_connections() -> None:
    too_few = doctor.connections(97, 104)
    assert (too_few.good, too_few.todo) == (
        False,
        "Lower WEB_CONCURRENCY (or --workers) or PEMUDIK_POOL_SIZE, or raise the database's max_connections.",
    )
    assert doctor.connections(97, 97).good


@pytest.mark.parametrize(("ahead", "good"), [(-6, False), (-4, True), (0, True), (4, True), (6, False)])
def test_clocks_that_differ(ahead: int, good: bool) -> None:
    finding = doctor.clocks(ClockReading(AT - timedelta(seconds=ahead), AT, AT + timedelta(milliseconds=1)))
    assert finding.good is good
    if not good:
        where = "ahead of" if ahead > 0 else "behind"
        assert finding.detail == f"This machine is 6 s {where} the database."


@pytest.mark.anyio
async def test_other_keys_than_the_datas(database: Database, vault: Vault) -> None:
    world = await build(database, vault)
    await world.registered(someone(HUBDAT, await world.route()))
    held = vault.keys
    assert (await doctor.sealed(database, vault)).good

    finding = await doctor.sealed(database, Vault(Keys(held.index, {9: new_key()}, held.signing)))
    assert (finding.good, finding.todo) == (False, "Restore the keys that belong to this database.")

    finding = await doctor.sealed(database, Vault(Keys(new_key(), held.data, held.signing)))
    assert (finding.good, finding.detail) == (False, "The NIKs of this database are found by another index key.")


@pytest.mark.anyio
async def test_who_holds_the_feed_back_is_named(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in another database of the cluster: transactions are numbered in all of it together."""
    assert (await doctor.feed(database)).good
    name = f"pemudik_test_{secrets.token_hex(6)}"
    await execute(database_url, f"CREATE DATABASE {name}")
    other = await asyncpg.connect(named(database_url, name))
    pid = other.get_server_pid()
    try:
        async with other.transaction():
            await other.execute("CREATE TABLE report (id int)")
            assert (await doctor.feed(database)).good
            later = datetime.now(UTC) + timedelta(minutes=2)
            monkeypatch.setattr("app.clock.now", lambda: later)
            async with patience():
                # Another test may hold it back as well, for a moment.
                while name not in (finding := await doctor.feed(database)).detail:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
    finally:
        await other.close()
        await execute(database_url, f"DROP DATABASE {name} WITH (FORCE)")
    role = urlsplit(database_url).username
    assert finding.detail.startswith(f"A transaction in the database {name}, of the role {role}, since 20")
    assert (finding.good, finding.todo) == (False, f"End it there, or by SELECT pg_terminate_backend({pid}).")


@pytest.mark.anyio
async def test_a_role_that_may_not_see_who_holds_the_feed_back_says_so(
    database: Database, database_url: str, server_url: str, vault: Vault
) -> None:
    world = await build(database, vault)
    route = await world.route()
    blind = Database(server_url, pool_size=1)
    await execute(database_url, f"REVOKE pg_read_all_stats FROM {urlsplit(server_url).username}")
    old = await asyncpg.connect(database_url)
    try:
        async with old.transaction():
            await old.execute("SELECT pg_current_xact_id()")
            await world.registered(someone(HUBDAT, route))
            finding = await doctor.feed(blind)
    finally:
        await old.close()
        await blind.dispose()
    assert finding == wrong(
        "feed",
        "Changes since 2026-03-02T02:00:00+00:00 wait for a transaction that this role cannot see.",
        "Let it see: GRANT pg_read_all_stats TO that role, and ask again.",
    )
