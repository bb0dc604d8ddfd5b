"""A test registry is made: a copy of the template, filled by `seeding`. A reset makes a new one for the same clients.

The template is a migrated database. Alembic works in a process of its own, since it would hold up a server's requests.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson
from pydantic import SecretStr

from app import clock, connections, migration
from app.config import Settings
from app.db import Database
from app.registry import host_clock
from app.registry.values.trial import trial
from app.testmode import seeding
from app.testmode.control import ListedRegistry, Maker, making, on_same_server
from app.testmode.judging import TestTrial
from app.testmode.seeding import Owner
from app.vault import keys
from app.vault.vault import Vault, open_vault

MARK = "uji-"
"""The ids of test clients begin with it."""
COST = 20_000
"""Of making a test registry, in units of CPU, beside what PostgreSQL does."""
KEPT: Sequence[str] = ("client", "client_secret", "client_webhook_secret", "check_budget")
"""What a reset leaves as it is: a partner goes on with its credentials."""
_NEVER_AWAY = """
    CREATE FUNCTION test_never_away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.cause = 'OUTAGE' THEN RETURN NULL; END IF; RETURN NEW;
    END $$;
    CREATE TRIGGER test_never_away BEFORE INSERT ON prolongation FOR EACH ROW EXECUTE FUNCTION test_never_away();
"""
"""A clock that is moved, and a test registry that nobody has asked for a day, are no outage that moves deadlines."""
_MARKED = f"""
    CREATE FUNCTION test_client() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NOT starts_with(NEW.id, '{MARK}') THEN NEW.id := '{MARK}' || NEW.id; END IF; RETURN NEW;
    END $$;
    CREATE TRIGGER test_client BEFORE INSERT ON client FOR EACH ROW EXECUTE FUNCTION test_client();
"""
OF_TEST_DATABASES = _NEVER_AWAY + _MARKED
"""What a migrated database needs more to be the template."""


class MakingFailed(Exception):  # noqa: N818 - said to an operator
    """The template of test registries could not be made; the log says why."""


async def made(url: str, owner: Owner) -> ListedRegistry:
    """The test registry of `owner`, which is made if there is none. `url`: of the list."""
    async with making(url) as maker:
        found = await maker.find(owner.code)
        if found is not None and await maker.has(found.database):
            return found
        kept = None if found is None else found.keys
        return await _made(maker, owner, kept or keys.as_variables(keys.new_keys()))


async def reset(url: str, organizer: str) -> ListedRegistry | None:
    """A new one, with the keys and the clients of the one before, which is left to whoever uses it still."""
    async with making(url) as maker:
        before = await maker.find(organizer)
        if before is None:
            return None
        owner = await _owner_in(on_same_server(url, before.database), organizer)
        return await _made(maker, owner, before.keys, clients_of=before.database)


async def up_to_date(list_url: str, url: str) -> None:
    """Migrate a test registry that an older program has made. Raises `MakingFailed`."""
    if not await _is_served(url):
        async with making(list_url):
            if not await _is_served(url):
                await _migrate(url)


async def _is_served(url: str) -> bool:
    database = Database(url, pool_size=2)
    try:
        return (await migration.level(database)).is_served
    finally:
        await database.dispose()


async def drop_strays(url: str) -> None:
    async with making(url) as maker:
        await maker.drop_strays()


def settings_of(settings: Settings, listed: ListedRegistry, issuer: str) -> Settings:
    """Of the test registry: its own database, keys and addresses, and nothing that only the live one has."""
    assert settings.uji_database_url is not None  # noqa: S101 - test mode has one
    url = on_same_server(settings.uji_database_url.get_secret_value(), listed.database)
    secret = {name: SecretStr(listed.keys[variable]) for name, variable in keys.VARIABLES.items()}
    nothing = {"oidc_issuer": None, "metrics_token": None, "backups": None}
    changes = {
        "with_test": False,
        "database_url": SecretStr(url),
        "public_url": issuer,
        "pool_size": 2,
        "duties": True,
        **secret,
        **nothing,
    }
    return settings.model_copy(update=changes)


def vault_of(listed: ListedRegistry) -> Vault:
    return open_vault(Settings().model_copy(update={n: SecretStr(listed.keys[v]) for n, v in keys.VARIABLES.items()}))


# --- databases --------------------------------------------------------------------------------------------------------


async def _made(maker: Maker, owner: Owner, secret: Mapping[str, str], clients_of: str | None = None) -> ListedRegistry:
    await maker.drop_strays()
    if not await maker.has(maker.template):
        await _make_template(maker)
    name = maker.new_name()
    await maker.create(name, maker.template)
    listed = ListedRegistry(owner.code, name, secret, timedelta())
    await _fill(on_same_server(maker.url, name), owner, listed)
    if clients_of is not None:
        await _copy_clients(on_same_server(maker.url, clients_of), on_same_server(maker.url, name))
        await maker.leave(owner.code)
    await maker.save(owner.code, name, secret)
    return listed


async def _make_template(maker: Maker) -> None:
    """Under another name first: a database with the name of the template is finished."""
    unfinished = f"{maker.template}_unfinished"
    await maker.create(unfinished)
    url = on_same_server(maker.url, unfinished)
    await _migrate(url)
    connection = await connections.connect(url, {})
    try:
        await connection.execute(OF_TEST_DATABASES)
    finally:
        await connection.close()
    await maker.rename(unfinished, maker.template)


async def _migrate(url: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "app.testmode.migrating", stdin=PIPE)
    try:
        await process.communicate(url.encode())
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        raise MakingFailed


async def _fill(url: str, owner: Owner, listed: ListedRegistry) -> None:
    database = Database(url, pool_size=2)
    before = clock.clock.set(clock.Clock()), trial.set(TestTrial(listed.database))
    try:
        await host_clock.read(database)
        await database.attempt(lambda session: seeding.seed(session, vault_of(listed), owner, clock.now()))
    finally:
        clock.clock.reset(before[0])
        trial.reset(before[1])
        await database.dispose()


async def _owner_in(url: str, organizer: str) -> Owner:
    database = Database(url, pool_size=2)
    try:
        async with database.transaction() as session:
            return await seeding.owner_in(session, organizer)
    finally:
        await database.dispose()


@dataclass(frozen=True, slots=True)
class _Table:
    name: str

    @property
    def told(self) -> str:
        return f"SELECT coalesce(json_agg(kept), '[]') FROM {self.name} kept"

    @property
    def taken_in(self) -> str:
        return f"INSERT INTO {self.name} SELECT * FROM json_populate_recordset(NULL::{self.name}, $1)"


async def _copy_clients(url: str, to: str) -> None:
    before, after = await connections.connect(url, {}), await connections.connect(to, {})
    try:
        for table in map(_Table, KEPT):
            rows = await before.fetchval(table.told)
            await after.execute(table.taken_in, orjson.dumps(rows).decode())
    finally:
        await before.close()
        await after.close()
