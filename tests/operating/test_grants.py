"""A server's role can do all that a server does, and neither change tables nor what stands in the logs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.db import Database
from app.models.enums import RegistrantStatus
from app.operating.grants import RoleUnusable
from app.registry import erasure
from app.registry.registrants.lookup import Ref
from app.vault.vault import Vault
from tests.changes.seals.ground import sealed, told
from tests.databases import as_a_server, emptied, execute, grant, migrate, migrated_database
from tests.world import HUBDAT, NOW, World, build, someone

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def owners_url(database_url: str) -> Iterator[str]:
    with migrated_database(database_url) as url:
        yield url


@pytest.fixture(scope="module")
def server_url(owners_url: str) -> Iterator[str]:
    with as_a_server(owners_url) as url:
        yield url


@pytest.fixture
async def server(owners_url: str, server_url: str, vault: Vault) -> AsyncIterator[World]:
    """The world as a server sees it. The owner empties it afterwards."""
    owner, database = Database(owners_url), Database(server_url)
    async with emptied(owner):
        yield await build(database, vault)
        await database.dispose()
    await owner.dispose()


LOGS = ("change", "nik_access", "people_read", "log_seal", "log_key")
FORBIDDEN = [
    "ALTER TABLE registrant ADD spy text",
    "DROP TABLE nik_block",
    "TRUNCATE nik_access",
    "TRUNCATE registrant",
    "CREATE TABLE spy (id int)",
    "CREATE FUNCTION spy() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE OR REPLACE FUNCTION log_shift() RETURNS bigint LANGUAGE sql STABLE RETURN 1",
    "ALTER TABLE change DISABLE TRIGGER ALL",
    "DROP TRIGGER keep_change ON change",
    "SET session_replication_role = replica",
    *(f"DELETE FROM {log}" for log in LOGS),
    "UPDATE change SET kind = 'SEASON_PURGED'",
    "UPDATE change SET at = at - interval '1 day'",
    "UPDATE change SET mark = NULL",
    "UPDATE nik_access SET outcome = NULL",
    "UPDATE nik_access_default SET outcome = NULL",
    "UPDATE people_read SET people = NULL",
    "UPDATE people_read_default SET until = now()",
    "UPDATE log_seal SET signed = ''",
    "UPDATE alembic_version SET version_num = '0001'",
    "DELETE FROM change_default",
    "UPDATE change_default SET reason = NULL",
    "SELECT * FROM change_default",
]
REFUSED_BY_THE_TRIGGER = [
    "UPDATE change SET reason = 'lain'",
    "UPDATE change SET client_id = 'lain'",
    "UPDATE nik_access SET area = decode('00', 'hex')",
    "UPDATE nik_access SET client_id = 'lain'",
    "UPDATE people_read SET purpose = 'lain'",
    "UPDATE people_read SET client_id = 'lain'",
    "SELECT log_make_months('registrant', now(), 1)",
    "SELECT log_make_months('change', now(), 1000)",
    "SELECT log_drop_month('change', 'change_2026_03', '999999', 1)",
    "SELECT log_drop_month('registrant', 'registrant', '0', 0)",
]
A_MONTH = "(SELECT min(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'change'::regclass)"
CALLED_WITH_NOTHING = [
    f"SELECT log_drop_month('change', {A_MONTH}, NULL, NULL)",
    "SELECT log_make_months('change', now(), NULL)",
]


async def test_tables_and_logs_are_out_of_reach(server: World) -> None:
    one = await server.registered(someone(HUBDAT, await server.route()))
    await server.moved(one.id, RegistrantStatus.CANCELLED)
    await sealed(server)
    await told(server, "nama")
    before = await server.rows("registrant", *LOGS)
    for attempt in FORBIDDEN:
        with pytest.raises(asyncpg.PostgresError, match=r"permission denied|must be owner"):
            await server.run(attempt)
    for attempt in REFUSED_BY_THE_TRIGGER:
        with pytest.raises(asyncpg.PostgresError, match=r"append-only|is no log|nothing is sealed"):
            await server.run(attempt)
    assert await server.rows("registrant", *LOGS) == before


async def test_an_argument_that_is_nothing_drops_and_makes_no_month(server: World) -> None:
    months = (
        "SELECT array_agg(inhrelid::regclass::text ORDER BY 1) FROM pg_inherits WHERE inhparent = 'change'::regclass"
    )
    before = await server.one(months)
    for attempt in CALLED_WITH_NOTHING:
        assert await server.one(attempt) is None
    assert await server.one(months) == before


async def test_a_table_of_the_same_name_does_not_deceive_the_trigger(server: World, server_url: str) -> None:
    """A session finds its own temporary table first. This one has the names of two columns changed about."""
    one = await server.registered(someone(HUBDAT, await server.route()))
    await server.moved(one.id, RegistrantStatus.CANCELLED)
    before = await server.rows("change")
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute("CREATE TEMPORARY TABLE change (LIKE public.change)")
        for column, name in (("reason", "other"), ("client_id", "reason"), ("other", "client_id")):
            await connection.execute(f"ALTER TABLE pg_temp.change RENAME {column} TO {name}")
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await connection.execute(
                "UPDATE public.change SET client_id = NULL, salt = NULL WHERE client_id IS NOT NULL"
            )
    finally:
        await connection.close()
    assert await server.rows("change") == before


async def test_what_a_server_must_do_to_the_logs_it_can(server: World) -> None:
    """Seal, make months, erase a person, purge a season, drop a month of the access log and one of deliveries."""
    route = await server.route()
    one = await server.registered(someone(HUBDAT, route))
    await server.registered(someone(HUBDAT, route, 2))
    await server.moved(one.id, RegistrantStatus.CANCELLED)
    for log in ("change", "nik_access", "people_read"):
        await server.run(f"SELECT log_make_months('{log}', now() + interval '1 year', 1)")
    await server.run("SELECT log_make_months('webhook_delivery_ended', '2040-01-01', 0)")
    await server.run("SELECT delivery_drop_month('webhook_delivery_ended_2040_01')")
    await sealed(server)
    async with server.database.transaction() as session:
        await erasure.erase(session, server.vault, HUBDAT, Ref(id=one.id), "Permintaan pemilik", NOW)
    assert await server.one("SELECT count(*) FROM registrant WHERE erased_at IS NOT NULL") == 1
    later = NOW + timedelta(days=400)
    await server.sweep(later)
    assert await server.one("SELECT count(*) FROM season WHERE purged_at IS NULL") == 0
    assert await server.one("SELECT count(*) FROM change WHERE reason IS NOT NULL") == 0
    assert await server.one("SELECT count(*) FROM nik_access WHERE nik_index IS NOT NULL") == 0
    assert await server.one("SELECT count(*) FROM registrant WHERE erased_at IS NULL") == 0


async def test_a_role_that_owns_the_tables_or_everything_is_no_servers_role(owners_url: str) -> None:
    with pytest.raises(RoleUnusable, match=r"is a superuser|owns the tables"):
        await grant(owners_url, str(urlsplit(owners_url).username))
    with pytest.raises(RoleUnusable, match="There is no role nobody_at_all"):
        await grant(owners_url, "nobody_at_all")


async def test_a_migration_renews_what_servers_may_do(owners_url: str, server: World) -> None:
    await execute(owners_url, "CREATE TABLE of_the_next_version (id int)")
    try:
        with pytest.raises(asyncpg.PostgresError, match="permission denied"):
            await server.run("INSERT INTO of_the_next_version VALUES (1)")
        await migrate(owners_url)
        await server.run("INSERT INTO of_the_next_version VALUES (1)")
    finally:
        await execute(owners_url, "DROP TABLE of_the_next_version")
