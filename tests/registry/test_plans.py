"""Statements stay fast whenever PostgreSQL planned them, and however much their tables have grown.

Connections keep one plan for all values (`app.db.SESSION`). So each statement is planned on empty tables, on small ones
that have no statistics yet, on ones that have just grown large and have none yet either, and on large ones that have
statistics; and each plan is run on small and on large tables. The example arguments ask for the same few rows every
time: a plan that then reads more pages of a large table is a wrong plan.

The tables are in a cluster of their own. PostgreSQL tells every backend of a cluster which tables are made and dropped,
in any database. A backend that is told too much at once forgets its plans and what it knows of the catalog: then it
plans in the middle of a measurement, and the pages of the catalog are counted as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
import pytest

from app.db import SESSION
from tests.databases import FOLDER, migrate, own_database, server_for_tests
from tests.registry.large_tables import ITEMS, example, fill, literal
from tests.test_statements import ALL

COLD = {
    "No query: it sets, shows or locks something, or calls a function that does, and nothing of it is planned.": (
        "app.changes.log.restored._LOCK",
        "app.changes.seals.duty._GIVE_UP_SOON",
        "app.changes.seals.sealing._DROP",
        "app.db._IS_READ_ONLY",
        "app.db._SNAPSHOT",
        "app.registry.log_months._DROP_DELIVERIES",
        "app.registry.log_months._MAKE",
        "app.registry.terms.organizers._LOCK",
    ),
    "`pemudik statistics rebuild` forgets all counts, by hand.": ("app.changes.log.tallies._FORGET",),
    "`pemudik grants` and `pemudik doctor` read the catalog of the server.": ("app.operating.grants",),
    "`pemudik keys rotate` goes through whole tables, a thousand rows at a time.": ("app.registry.key_rotation",),
    "The end of a season, once a year: all of it is emptied.": (
        "app.registry.case_people._ERASE_SEASON",
        "app.registry.reasons._OF_SEASONS_BLOCKS",
        "app.registry.reasons._OF_SEASONS_CASES",
        "app.registry.retention",
    ),
    "One person asks what is kept, or is to be forgotten: what may name somebody is looked through, seldom.": (
        "app.registry.breach._READS",
        "app.registry.imports.jobs._WIPE_NAMING",
        "app.registry.reasons._OF_PERSONS_BLOCKS",
        "app.registry.reasons._PERSONS_BLOCKS",
        "app.registry.subject_access._BLOCKS_OF_NIK",
        "app.registry.subject_access._FILES_NAMING",
        "app.registry.subject_access._READS",
    ),
    "Hubdat merges terminals and routes by hand: whatever leads to what is merged is changed.": (
        "app.registry.routes.merging._MERGED",
        "app.registry.routes.terminal_merging",
    ),
    "Counts that nobody waits on any more are few: they are taken away after each step.": (
        "app.changes.log.tallies._NOBODY_WAITS",
    ),
    "A metric, once a minute in one process: a job is DONE for a year, and the QUEUED ones are counted.": (
        "app.changes.log.backlog._ALL",
    ),
    "Keys of seals are a few for each year.": ("app.changes.seals.verifying._KEYS",),
    "The process of a test registry's import wipes files of that registry, which are few.": (
        "app.testmode.import_process._WIPE",
    ),
}
"""Statements, and files of which no statement is hot, by the one reason why none of them needs to be quick."""
COLD_NAMES = tuple(name for names in COLD.values() for name in names)


def is_of(name: str, statement: str) -> bool:
    """Whether `name` is the statement's, or that of a table of statements or a file which it is in."""
    return statement == name or statement.startswith((f"{name}.", f"{name}["))


def is_cold(statement: str) -> bool:
    return any(is_of(name, statement) for name in COLD_NAMES)


STATEMENTS = {name: one for name, one in ALL.items() if not is_cold(name)}

SMALL, LARGE = 400, 12_000
"""Rows of each table that grows."""
GROWING = {
    # Found by the deadline and shown in the order of the ids: no index has both orders.
    "app.registry.registrants.lookup._PAGES[verify_before]",
    # Routes from or to one city. They are shown in the order of the ids, so the season's routes are read in that order
    # until the page is full: at most all routes of the season, each once (391 pages for 12,000 routes).
    "app.registry.routes.finding._EVERY_CONDITION[4]",
    "app.registry.routes.finding._EVERY_CONDITION[5]",
    # Hubdat's list of releases goes back by the ids, and leaves out other organizers and what is due as it goes: at
    # most all releases, each once (3,900 pages for 12,000).
    "app.registry.routes.release_list._PAGE",
    # Lists that go on from the oldest, and leave out what is decided, lifted or of others as they go: at most all cases
    # or blocks, each once.
    "app.registry.registrants.cases._PAGE_OF_THE_OLDEST",
    "app.registry.niks.block_list._PAGE_OF_THE_OLDEST",
    # Open cases are counted, up to 10,000: the entries of one partial index.
    "app.registry.statistics.attention._COUNT_CASES",
    # A duty counts the seats that are taken on all routes of the season.
    "app.registry.niks.allowance._COUNT_HOLDERS",
    # The queue of one webhook: what is on its way, and what ended within an hour.
    "app.registry.webhooks.deliveries._PAGES[PENDING]",
    "app.registry.webhooks.deliveries._PAGES[FAILED]",
    "app.registry.webhooks.deliveries._AGAIN",
    # The purge of a season.
    "app.registry.rows.early_ends._FORGET_SEASON",
    # A step takes so many rows of a log together: more than a small table has.
    "app.changes.log.tallies._COUNTS[0]",
    *(f"app.changes.seals.logs.STATEMENTS[{place}]" for place in (0, 1, 3, 4, 5, 7, 8, 9, 11)),
    # A list is what is asked for: an organizer's people, in parts, or all that a file does not name.
    "app.registry.imports.absentees._FIND",
    "app.registry.imports.row_list._EVERYBODY",
    "app.registry.rows.consolidation._COUNTS",
    "app.registry.rows.consolidation._LINES",
    "app.registry.rows.dry_run._TAKEN",
    *(f"app.registry.rows.extract._EVERY_CONDITION[{place}]" for place in range(5)),
    # Every terminal: the public list has no pages.
    "app.registry.routes.terminals._EVERY_CONDITION[0]",
    # Sums and ranks over all routes of a season, each once.
    "app.registry.statistics.departures._PAGE_OF_ALL",
    "app.registry.statistics.departures._PAGE_OF_SOME",
    "app.registry.statistics.departures._RANKED_OF_ALL",
    "app.registry.statistics.departures._RANKED_OF_SOME",
    "app.registry.statistics.statistics._SEATS",
    # Made once in a night.
    "app.registry.statistics.publishing._OFFERED",
    "app.registry.statistics.taking._TALLIES",
    # Saving routes and moving terminals: at most all routes, each once.
    "app.registry.routes.holders._LOCK_AT",
    "app.registry.routes.merging._ROUTES",
    "app.registry.routes.saving._ROUTES",
    # Hubdat takes many ends back, in the order of the ids: at most all of a season's people, each once.
    *(f"app.registry.undo.bulk.PAGES[{place}]" for place in (0, 3, 4, 5, 6, 7, 8)),
    # Its index has what `routes.holders._PUT_RIGHT` marked in the runs before, although each was rolled back.
    "app.registry.undo.departures._ROUTES",
    # A refused file is wiped at once: at most all files that are still kept are read, each once.
    "app.registry.imports.jobs._WIPE_ONE",
}
"""Statements that may read more of a large table."""
GROWING_UNTIL_ANALYZED = {
    # The index of the season's pages seems as good as the one of the organizer's routes: all routes of the season are
    # read, once for each route home (4,297 pages for 20 of 12,000 routes).
    "app.registry.routes.finding._RETURNS",
    # Each subject is looked up by itself: four pages each.
    "app.registry.webhooks.deliveries._SEND_FIRST",
    # Terminals of people change seldom: beside the index of the route, that of all who hold their NIK is read.
    "app.registry.routes.holders._HELD",
    "app.registry.routes.holders._HOLDERS",
}
"""Statements that may read more of a table that has grown and that PostgreSQL has not looked at since."""
BOUNDED = {
    "season",
    "organizer",
    "policy",
    "registration_window",
    "client",
    "check_budget",
    "heartbeat",
    "nik_allowance",
    "prolongation",
    "projection",
    "reminder_round",
    "sweep_halt",
    "webhook",
}
"""Tables that stay small, so they may be read whole."""
MOST_PAGES_MORE = 2 * ITEMS
"""What a large table may cost more than a small one, beside a level or two of each index."""


@dataclass
class Measured:
    """One statement: its plan by the state of the tables it was planned on, and the pages that the plan read."""

    call: str = ""
    """The prepared statement with its example arguments."""
    plans: dict[str, Any] = field(default_factory=dict)
    pages: dict[tuple[str, str], int] = field(default_factory=dict)


@pytest.fixture(scope="module")
def measured() -> Iterator[dict[str, Measured]]:
    with server_for_tests(FOLDER.with_name("plans")) as server, own_database(server) as url:
        yield asyncio.run(measure(url))


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_table_that_grows_is_read_whole(name: str, measured: dict[str, Measured]) -> None:
    for state, plan in measured[name].plans.items():
        read = [node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"]
        assert set(read) <= BOUNDED, state


@pytest.mark.parametrize("name", [name for name in STATEMENTS if name not in GROWING])
def test_what_is_asked_for_costs_the_same_in_a_large_table(name: str, measured: dict[str, Measured]) -> None:
    pages = measured[name].pages
    states = ["empty", "small", "large", *([] if name in GROWING_UNTIL_ANALYZED else ["grown"])]
    for planned in states:
        small = pages.get((planned, "small"), pages["small", "small"])
        assert pages[planned, "large"] <= 3 * small + MOST_PAGES_MORE, (planned, pages)


def test_what_is_said_to_be_cold_or_to_grow_is_there() -> None:
    assert [name for name in COLD_NAMES if not any(is_of(name, one) for one in ALL)] == []
    assert (GROWING | GROWING_UNTIL_ANALYZED) - set(STATEMENTS) == set()


# --- measuring --------------------------------------------------------------------------------------------------------


async def measure(url: str) -> dict[str, Measured]:
    await migrate(url)
    found = {name: Measured() for name in STATEMENTS}
    async with connected(url) as empty, connected(url) as small, connected(url) as grown, connected(url) as large:
        await never_analyze(empty)
        await prepare(empty, "empty", found)
        await fill(empty, 1, SMALL)
        await prepare(small, "small", found)
        for connection, planned in ((empty, "empty"), (small, "small")):
            await run(connection, planned, "small", found)
        await fill(empty, SMALL + 1, LARGE)
        await prepare(grown, "grown", found)
        for connection, planned in ((empty, "empty"), (small, "small"), (grown, "grown")):
            await run(connection, planned, "large", found)
        await large.execute("ANALYZE")
        await prepare(large, "large", found)
        await run(large, "large", "large", found)
    return found


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(url, server_settings=SESSION)
    try:
        yield connection
    finally:
        await connection.close()


async def never_analyze(connection: asyncpg.Connection[Any]) -> None:
    """Statistics would have PostgreSQL plan anew what it has planned."""
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    for table in tables:
        await connection.execute(f'ALTER TABLE "{table["relname"]}" SET (autovacuum_enabled = false)')


async def prepare(connection: asyncpg.Connection[Any], state: str, found: dict[str, Measured]) -> None:
    for number, (name, statement) in enumerate(STATEMENTS.items()):
        text, names = statement.numbered
        types = [one.name for one in (await connection.prepare(text)).get_parameters()]
        await connection.execute(f"PREPARE hot_{number} AS {text}")
        arguments = ", ".join(literal(example(name, *one), one[1]) for one in zip(names, types, strict=True))
        found[name].call = f"EXECUTE hot_{number}" + (f" ({arguments})" if arguments else "")
        found[name].plans[state] = await explain(connection, found[name].call)


async def run(connection: asyncpg.Connection[Any], planned: str, now: str, found: dict[str, Measured]) -> None:
    for one in found.values():
        transaction = connection.transaction()
        await transaction.start()
        plan = await explain(connection, one.call, "ANALYZE, BUFFERS, TIMING OFF, ")
        await transaction.rollback()
        one.pages[planned, now] = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]


async def explain(connection: asyncpg.Connection[Any], executed: str, how: str = "") -> dict[str, Any]:
    [plan] = orjson.loads(await connection.fetchval(f"EXPLAIN ({how}FORMAT JSON) {executed}"))
    assert isinstance(plan, dict)
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from node(plan["Plan"])


def node(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield one
    for part in one.get("Plans", ()):
        yield from node(part)
