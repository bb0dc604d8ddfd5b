"""The migrations lead to the tables, there and back."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from alembic import command
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection
from sqlmodel import SQLModel

import app.models.tables  # noqa: F401 - fills the metadata
from app import migration
from app.db import Database
from tests import queries
from tests.databases import own_database

pytestmark = pytest.mark.anyio

OBJECTS = """
    SELECT relkind::text, relname::text FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname = 'public' AND relname NOT LIKE 'alembic_version%'
    UNION ALL SELECT 'f', proname::text FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
        WHERE nspname = 'public'
    UNION ALL SELECT 't', tgname::text FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'y', typname::text FROM pg_type JOIN pg_namespace n ON n.oid = typnamespace
        WHERE nspname = 'public' AND typtype IN ('e', 'd')
    ORDER BY 1, 2
    """


@pytest.fixture
def blank_url(database_url: str) -> Iterator[str]:
    with own_database(database_url) as url:
        yield url


@pytest.fixture
async def blank(blank_url: str) -> AsyncIterator[Database]:
    """A database without any table."""
    database = Database(blank_url)
    yield database
    await database.dispose()


async def objects(database: Database) -> list[tuple[str, str]]:
    async with database.transaction() as session:
        return [(row[0], row[1]) for row in await queries.run(session, OBJECTS)]


def test_the_names_of_the_files_tell_the_revisions() -> None:
    script = ScriptDirectory.from_config(migration.config())
    assert migration.every() == tuple(one.revision for one in script.walk_revisions())[::-1]
    assert migration.newest() == script.get_current_head()


async def run(database: Database, *steps: tuple[str, str]) -> None:
    def go(connection: Connection) -> None:
        for name, revision in steps:
            getattr(command, name)(migration.config(connection), revision)

    async with migration.connected(database) as connection:
        await connection.run_sync(go)


async def test_there_is_one_head() -> None:
    assert ScriptDirectory.from_config(migration.config()).get_heads() == [migration.newest()]


async def test_upgrading_again_changes_nothing(database: Database) -> None:
    before = await objects(database)
    await migration.upgrade(database)
    assert await objects(database) == before
    assert (await migration.level(database)).current == migration.newest()


async def test_the_tables_are_what_the_models_say(database: Database) -> None:
    """`alembic check`: raises if a migration is missing."""
    async with migration.connected(database) as connection:
        await connection.run_sync(lambda sync: command.check(migration.config(sync)))


def scripts() -> list[Script]:
    return list(ScriptDirectory.from_config(migration.config()).walk_revisions())[::-1]


async def step_by_step(database: Database, ways: list[Callable[[], None]]) -> list[Shape]:
    """What is there before the first step, and after each one."""

    def go(connection: Connection) -> list[Shape]:
        def shape() -> Shape:
            return {row[0]: row[1] for row in connection.exec_driver_sql(SHAPE)}

        found = [shape()]
        with Operations.context(MigrationContext.configure(connection, opts={"target_metadata": SQLModel.metadata})):
            for way in ways:
                way()
                found.append(shape())
        return found

    async with migration.connected(database) as connection:
        return await connection.run_sync(go)


async def test_every_migration_goes_down_and_up_again(blank: Database) -> None:
    """Each leaves what the next one left, and what was there before."""
    modules = [script.module for script in scripts()]
    up = await step_by_step(blank, [module.upgrade for module in modules])
    assert (len(up[0]), len(up[-1]) > 500) == (0, True)
    down = await step_by_step(blank, [module.downgrade for module in reversed(modules)])
    # Some checks know more words after a way back than they did before it.
    assert [one.keys() ^ before.keys() for one, before in zip(down, reversed(up), strict=True)] == [set()] * len(up)
    again = await step_by_step(blank, [module.upgrade for module in modules])
    assert [{name for name, _ in one.items() ^ first.items()} for one, first in zip(again, up, strict=True)] == [
        set()
    ] * len(up)


async def test_alembic_leads_there_and_back(blank: Database) -> None:
    assert (await migration.level(blank)).current is None
    await run(blank, ("upgrade", "head"))
    assert (await migration.level(blank)).current == migration.newest()
    await run(blank, ("downgrade", "base"))
    assert (await migration.level(blank)).current is None
    assert await objects(blank) == []


async def test_routes_and_terminals_are_given_the_keys_of_their_names(blank: Database) -> None:
    """And a merged route goes with the columns that knew it."""
    await run(blank, ("upgrade", "0004"))
    async with blank.transaction() as session:
        for statement in (
            "INSERT INTO season (year, ends_on) VALUES (2026, '2026-04-30')",
            "INSERT INTO organizer (code, name, schemes) VALUES ('hubdat', 'Hubdat', '{}')",
            """INSERT INTO terminal (code, name, city, city_key, kind)
               VALUES ('a', 'Terminal Pulo Gebang', 'Jaktim', 'x', 'TERMINAL'), ('b', 'Solo', 'Solo', 'x', 'PORT')""",
            """INSERT INTO route (id, season, organizer_code, name, direction, service, mode, origin_code,
                                  destination_code)
               SELECT gen_random_uuid(), 2026, 'hubdat', name, 'MUDIK', 'PASSENGER', 'BUS', 'a', 'b'
               FROM unnest(ARRAY['JAKARTA–SOLO', 'Jakarta - Solo']) AS name""",
        ):
            await queries.run(session, statement)
    await run(blank, ("upgrade", "0005"))
    keys = "SELECT name_key FROM terminal UNION ALL SELECT name_key FROM route ORDER BY 1"
    async with blank.transaction() as session:
        found = list(await queries.column(session, keys))
        await queries.run(
            session,
            """UPDATE route SET provisional = true, merged_into = (SELECT id FROM route WHERE name LIKE 'Jak%')
                   WHERE name LIKE 'JAK%'""",
        )
    assert found == ["jakartasurakarta", "jakartasurakarta", "pulogebang", "surakarta"]
    await run(blank, ("downgrade", "0004"))
    async with blank.transaction() as session:
        assert list(await queries.column(session, "SELECT name FROM route")) == ["Jakarta - Solo"]


async def test_deliveries_that_have_ended_go_back_into_the_queue_with_their_attempts(blank: Database) -> None:
    """Also those of a webhook that is gone: they are left out."""
    await run(blank, ("upgrade", "0044"))
    attempts = """[{"at": "2026-03-02T02:00:00+00:00", "duration_ms": 5, "status": null, "error": "TIMEOUT"},
                   {"at": "2026-03-02T02:00:05+00:00", "duration_ms": 7, "status": 204, "error": null}]"""
    async with blank.transaction() as session:
        for statement in (
            "INSERT INTO organizer (code, name, schemes) VALUES ('hubdat', 'Hubdat', '{}')",
            """INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, secret_sealed)
               SELECT gen_random_uuid(), 'hubdat', 'https://hook.example/', '{quota.filled}', now(), now(), 'x'""",
            f"""INSERT INTO webhook_delivery_ended
                       (webhook_id, state, id, at, place, change_id, event, subject, made_at, attempts)
                SELECT id, 'DELIVERED', gen_random_uuid(), '2026-03-02T02:00:05Z', 7, 1, 'quota.filled', 'x',
                       '2026-03-02T02:00:00Z', '{attempts}' FROM webhook""",
            """INSERT INTO webhook_delivery_ended
               SELECT gen_random_uuid(), state, id, at, place, change_id, event, subject, made_at, attempts
               FROM webhook_delivery_ended""",
        ):
            await queries.run(session, statement)
    await run(blank, ("downgrade", "0043"))
    async with blank.transaction() as session:
        rows = await queries.run(
            session,
            """SELECT d.place, d.state, d.tries, d.finished_at = a.at AS is_last, a.duration_ms, a.status, a.error
               FROM webhook_delivery d JOIN webhook_attempt a ON a.delivery_id = d.id ORDER BY a.id""",
        )
    assert [tuple(row) for row in rows] == [
        (7, "DELIVERED", 2, False, 5, None, "TIMEOUT"),
        (7, "DELIVERED", 2, True, 7, 204, None),
    ]


async def test_migrations_are_found_beside_the_program() -> None:
    assert (migration.FOLDER / "env.py").exists()
    assert Path(migration.config().get_main_option("script_location") or "") == migration.FOLDER


# --- expand, then contract --------------------------------------------------------------------------------------------

NARROWED = {
    # Servers of version 0.3 call the functions as before, and own them.
    "0035": {"function log_drop_month", "function log_make_months"},
    # The same bodies. No server gives an argument that is nothing, or has a temporary table.
    "0036": {f"function {one}" for one in ("keep_change", "keep_nik_access", "log_drop_month", "log_make_months")},
    # Servers of before never write this column, and its default passes.
    "0037": {"constraint policy.ck_policy_hold_percent", "constraint policy.policy_hold_percent_not_null"},
    # The log of reads by month. Its key is the id and the instant, and no server gives an id. The functions know one
    # log more. Where a server of version 0.3 changes a row, the trigger adds one (`changes/seals/test_months.py`).
    "0038": {
        "constraint people_read.people_read_xact_id_not_null",
        "constraint people_read.pk_people_read",
        "function log_drop_month",
        "function log_make_months",
        "trigger people_read.keep_people_read",
        "trigger people_read.salt_people_read",
        "unique index pk_people_read",
    },
    # Servers of before never write this column, and it has a default.
    "0041": {"constraint season.season_publishes_figures_not_null"},
    # It knows one table more.
    "0044": {"function log_make_months"},
}
"""What a migration takes away from the servers of the revision before it. Why it may stands beside it."""
FIRST = "0033"
"""Those before it are released, and nobody goes through them side by side with older servers any more."""
SHAPE = """
    SELECT 'column ' || table_name || '.' || column_name, data_type || CASE is_nullable WHEN 'YES' THEN '' ELSE
        CASE WHEN column_default IS NULL AND identity_generation IS NULL THEN ' to be given' ELSE ' kept' END END
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'constraint ' || conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND conparentid = 0
        AND NOT (SELECT relispartition FROM pg_class WHERE oid = conrelid)
    UNION ALL SELECT 'unique index ' || indexrelid::regclass, pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class t ON t.oid = indrelid
    WHERE indisunique AND relnamespace = 'public'::regnamespace AND NOT relispartition
    UNION ALL SELECT 'trigger ' || tgrelid::regclass || '.' || tgname, pg_get_triggerdef(t.oid)
    FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND NOT relispartition
    UNION ALL SELECT 'function ' || proname, pg_get_functiondef(p.oid)
    FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
    """
Shape = dict[str, str]


async def shape(database: Database) -> Shape:
    async with database.transaction() as session:
        return {row[0]: row[1] for row in await queries.run(session, SHAPE)}


def narrowed(before: Shape, after: Shape) -> Iterator[str]:
    """What a server of before would miss, or what would refuse what it writes."""
    tables = {what.split(" ")[-1].split(".")[0] for what in before if what.startswith("column ")}
    for what in before.keys() | after.keys():
        kind, _, name = what.partition(" ")
        old, new = before.get(what), after.get(what)
        if old is None and new is not None:
            narrows = re.split(r"[ .]", name)[0] in tables and adds_a_demand(kind, new)
        elif new is None:
            # What is refused no more harms nobody.
            narrows = kind not in {"constraint", "unique"}
        else:
            narrows = old != new and not widens(kind, str(old), new)
        if narrows:
            yield what


def adds_a_demand(kind: str, new: str) -> bool:
    return kind in {"constraint", "trigger"} or (kind == "column" and new.endswith(" to be given"))


def widens(kind: str, old: str, new: str) -> bool:
    if kind == "constraint":
        return old.startswith("CHECK") and words(old) <= words(new)
    may_be_left_out = old.endswith(" to be given") and not new.endswith(" to be given")
    return (
        kind == "column"
        and may_be_left_out
        and new.split(" to be", maxsplit=1)[0].startswith(old.removesuffix(" to be given"))
    )


def words(check: str) -> set[str]:
    return set(re.findall(r"'([^']*)'", check))


async def test_a_migration_takes_nothing_from_the_servers_of_the_revision_before(blank: Database) -> None:
    """Old and new servers run side by side while a version is rolled out: expand, then contract a release later."""
    start = next(place for place, script in enumerate(scripts()) if script.revision == FIRST)
    async with blank.transaction() as session:
        # PostgreSQL has a constraint of its own for each NOT NULL since 18.
        names_not_null = await queries.value(session, "SELECT current_setting('server_version_num')::int >= 180000")
    await run(blank, ("upgrade", scripts()[start - 1].revision))
    later = scripts()[start:]
    shapes = await step_by_step(blank, [script.module.upgrade for script in later])
    for script, before, after in zip(later, shapes, shapes[1:], strict=False):
        known = {one for one in NARROWED.get(script.revision, set()) if names_not_null or not one.endswith("_not_null")}
        assert set(narrowed(before, after)) == known, script.revision


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("ALTER TABLE registrant DROP posko", "column registrant.posko"),
        ("ALTER TABLE registrant RENAME posko TO post", "column registrant.posko"),
        ("ALTER TABLE registrant ADD spare text NOT NULL", "column registrant.spare"),
        ("ALTER TABLE registrant ALTER posko SET NOT NULL", "column registrant.posko"),
        ("ALTER TABLE season ALTER year TYPE bigint", "column season.year"),
        ("DROP TABLE tally_pair", "column tally_pair.holder"),
        ("ALTER TABLE route ADD CONSTRAINT small CHECK (taken < 10)", "constraint route.small"),
        (
            "ALTER TABLE staff DROP CONSTRAINT ck_staff_role, ADD CONSTRAINT ck_staff_role CHECK (role = 'viewer')",
            "constraint staff.ck_staff_role",
        ),
    ],
)
async def test_what_would_be_taken_is_found(database: Database, statement: str, what: str) -> None:
    before = await shape(database)

    after: Shape = {}
    with suppress(ZeroDivisionError):  # So it is rolled back.
        async with database.transaction() as session:
            await queries.run(session, statement)
            after = {row[0]: row[1] for row in await queries.run(session, SHAPE)}
            raise ZeroDivisionError
    assert what in set(narrowed(before, after))


async def test_what_only_adds_is_let_through(database: Database) -> None:
    before = await shape(database)
    more = {"column registrant.new": "text", "column new_table.id": "integer to be given"}
    assert set(narrowed(before, before | more | {"constraint new_table.pk": "PRIMARY KEY (id)"})) == set()
