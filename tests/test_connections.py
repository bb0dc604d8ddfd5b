"""Connections are kept, and whoever gets one can rely on it: nothing is begun there, half read, or outdated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

import asyncpg
import pytest

from app import connections
from app.db import Database, Session
from app.errors import Unavailable
from tests import queries

pytestmark = pytest.mark.anyio

Opened = Callable[[Database], AbstractAsyncContextManager[Session]]

PID = "SELECT pg_backend_pid()"
INSERT = "INSERT INTO season (year, ends_on) VALUES (2026, '2026-04-30')"
COUNT = "SELECT count(*) FROM season"
SLEEP = "SELECT pg_sleep(600)"
AT_WORK = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
             AND backend_type = 'client backend' AND state <> 'idle'"""
ASLEEP = f"{AT_WORK} AND wait_event = 'PgSleep'"
PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement = $$SELECT pg_backend_pid()$$"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """One connection of each kind: whoever comes next gets the one of before."""
    one = Database(database_url, pool_size=1)
    yield one
    async with one.transaction() as session:
        await queries.run(session, "DELETE FROM season")
    await one.dispose()


@pytest.fixture
async def others(database_url: str) -> AsyncIterator[Database]:
    """Of another process."""
    one = Database(database_url, pool_size=2)
    yield one
    await one.dispose()


async def pid(database: Database) -> int:
    async with database.transaction() as session:
        found: int = await queries.value(session, PID)
    return found


async def seasons(database: Database) -> int:
    async with database.transaction() as session:
        count: int = await queries.value(session, COUNT)
    return count


async def counted(others: Database, sql: str, count: int) -> None:
    """Until there are so many."""
    async with others.statements() as session:
        while await queries.value(session, sql) != count:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)


# --- kept, and prepared once ------------------------------------------------------------------------------------------


async def test_a_connection_is_kept_and_a_statement_is_prepared_there_once(database: Database) -> None:
    first = await pid(database)
    assert [await pid(database), await pid(database)] == [first] * 2
    async with database.transaction() as session:
        assert await queries.value(session, PREPARED) == 1


async def test_where_too_much_is_prepared_all_of_it_is_prepared_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_PREPARED", 3)
    async with database.statements() as session:
        for number in range(10):
            assert await queries.value(session, f"SELECT {number}") == number
        assert await queries.value(session, "SELECT count(*) FROM pg_prepared_statements") <= 4


async def test_a_transaction_that_asks_nothing_takes_no_connection(database: Database) -> None:
    async with database.transaction(), database.transaction():
        assert await seasons(database) == 0


async def test_a_session_that_has_ended_takes_no_other_connection(database: Database) -> None:
    async with database.transaction() as session:
        await queries.run(session, COUNT)
    with pytest.raises(asyncpg.InterfaceError, match="the session has ended"):
        await queries.run(session, COUNT)


# --- cancelled --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("opened", "kept"), [(Database.transaction, 0), (Database.statements, 1)])
async def test_whoever_is_cancelled_leaves_nothing_begun_and_nothing_half_read(
    database: Database, others: Database, opened: Opened, kept: int
) -> None:
    async def work() -> None:
        async with opened(database) as session:
            await queries.run(session, INSERT)
            await queries.run(session, SLEEP)

    task = asyncio.create_task(work())
    await counted(others, ASLEEP, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with opened(database) as session:
        assert await queries.value(session, "SELECT 7") == 7
    await counted(others, AT_WORK, 0)
    async with others.transaction() as session:
        await queries.run(session, "LOCK TABLE season IN ACCESS EXCLUSIVE MODE")
        assert await queries.value(session, COUNT) == kept


async def test_whoever_is_cancelled_at_any_moment_leaves_nothing(database: Database, others: Database) -> None:
    """Also while a connection is opened, a transaction begins, a statement is prepared, or one is committed."""

    async def work() -> None:
        async with database.transaction() as session:
            for number in range(3):
                await queries.run(session, f"SELECT {number} FROM season FOR UPDATE")

    for steps in range(40):
        await database.dispose()
        task = asyncio.create_task(work())
        for _ in range(steps):
            await asyncio.sleep(0.0002)
        task.cancel()
        await asyncio.wait([task])
        assert await seasons(database) == 0
        await counted(others, AT_WORK, 0)


async def test_whoever_is_cancelled_in_line_leaves_the_line(database: Database) -> None:
    async with database.transaction() as session:
        await queries.run(session, COUNT)
        waiting = [asyncio.create_task(seasons(database)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
    # Its turn has come, and it has not heard of that yet.
    waiting[1].cancel()
    assert await waiting[2] == 0
    assert [task.cancelled() for task in waiting] == [True, True, False]


# --- of no use any more -----------------------------------------------------------------------------------------------


async def test_a_database_that_was_started_again_is_used_at_once(database: Database, others: Database) -> None:
    """A kept connection that was ended meanwhile is replaced, and nobody hears of that."""
    before = await pid(database)
    async with others.transaction() as session:
        assert await queries.value(session, "SELECT pg_terminate_backend(:pid, 10000)", {"pid": before})
    assert await pid(database) != before


async def test_whoever_waits_for_a_database_that_is_given_up_hears_so(database: Database, others: Database) -> None:
    before = await pid(database)
    async with asyncio.TaskGroup() as group:
        for opened in (database.transaction, database.statements):
            group.create_task(never_answered(opened))
        await counted(others, ASLEEP, 2)
        database.abandon()
    assert await pid(database) != before


async def never_answered(opened: Callable[[], AbstractAsyncContextManager[Session]]) -> None:
    with pytest.raises(Unavailable):
        async with opened() as session:
            await queries.run(session, SLEEP)


async def test_what_was_prepared_before_a_migration_is_prepared_again(database: Database, others: Database) -> None:
    async with others.transaction() as session:
        await queries.run(session, "CREATE TABLE changing (a int)")
    try:
        async with database.statements() as session:
            await queries.run(session, "SELECT * FROM changing")
        async with others.transaction() as session:
            await queries.run(session, "ALTER TABLE changing ALTER a TYPE text")
            await queries.run(session, "INSERT INTO changing VALUES ('x')")
        with pytest.raises(Unavailable):
            async with database.statements() as session:
                await queries.run(session, "SELECT * FROM changing")
        async with database.statements() as session:
            assert await queries.value(session, "SELECT * FROM changing") == "x"
    finally:
        async with others.transaction() as session:
            await queries.run(session, "DROP TABLE changing")


async def test_a_transaction_whose_statement_has_failed_does_not_seem_committed(database: Database) -> None:
    async def fail_and_go_on() -> None:
        async with database.transaction() as session:
            await queries.run(session, INSERT)
            with pytest.raises(asyncpg.UndefinedTableError):
                await queries.run(session, "SELECT FROM nowhere")

    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        await fail_and_go_on()
    assert await seasons(database) == 0


async def test_an_argument_that_does_not_fit_is_a_bug_and_no_database_that_is_away(database: Database) -> None:
    with pytest.raises(asyncpg.DataError, match="invalid input for query argument"):
        async with database.transaction() as session:
            await queries.run(session, "SELECT CAST(:given AS int)", {"given": "seven"})
    assert await seasons(database) == 0


# --- several hosts ----------------------------------------------------------------------------------------------------


async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@pytest.mark.parametrize("behaves", [close, say_nothing])
async def test_a_host_that_accepts_and_does_not_answer_is_passed_over(
    database_url: str, behaves: Callable[..., Awaitable[None]]
) -> None:
    """As a proxy does before a machine that is gone, and as the network does where a machine is cut off."""
    there = urlsplit(database_url)
    async with await asyncio.start_server(behaves, "127.0.0.1", 0) as listening:
        gone = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        account, _, place = there.netloc.rpartition("@")
        several = there._replace(
            netloc=f"{account}@{gone},127.0.0.1:1,{place}", query="target_session_attrs=read-write"
        )
        database = Database(several.geturl(), pool_size=1)
        assert await seasons(database) == 0
        await database.dispose()


async def test_the_last_host_says_why_none_will_do(database_url: str) -> None:
    there = urlsplit(database_url)
    account, _, place = there.netloc.rpartition("@")
    several = there._replace(netloc=f"{account}@127.0.0.1:1,{place}", query="target_session_attrs=standby").geturl()
    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        await connections.connect(several, {})
    with pytest.raises(Unavailable):
        await seasons(Database(several))


def test_hosts_are_taken_apart() -> None:
    assert connections.apart("postgresql://u:p%2C@h1:1,[::1]:2/d?x=a,b") == [
        "postgresql://u:p%2C@h1:1/d?x=a,b",
        "postgresql://u:p%2C@[::1]:2/d?x=a,b",
    ]
    assert connections.apart("postgresql:///d") == ["postgresql:///d"]
