"""The only commit in the program, and what is done about races and about a database that is away."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import text

from app import connections, db, migration
from app.connections import libpq_url
from app.db import Database, Session
from app.errors import Raced, Unavailable
from tests import queries
from tests.patience import PATIENCE_SECONDS
from tests.world import World, build

pytestmark = pytest.mark.anyio

SYNCHRONOUS_COMMIT = "SELECT setting, source FROM pg_settings WHERE name = 'synchronous_commit'"
INSERT = "INSERT INTO season (year, ends_on) VALUES (:year, '2026-04-30')"
COUNT = "SELECT count(*) FROM season"


async def seasons(database: Database) -> int:
    async with database.transaction() as session:
        count: int = await queries.value(session, COUNT)
    return count


@pytest.fixture
async def connected(database_url: str) -> AsyncIterator[Database]:
    """Each test has connections of its own, since it may lose them."""
    database = Database(database_url)
    yield database
    await database.dispose()


@pytest.fixture
async def small_pool(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(connections, "POOL_TIMEOUT_SECONDS", 0.05)
    database = Database(database_url, pool_size=1)
    yield database
    await database.dispose()


async def test_leaving_commits(database: Database) -> None:
    async with database.transaction() as session:
        await queries.run(session, INSERT, {"year": 2026})
    assert await seasons(database) == 1


async def test_an_exception_rolls_back(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            await queries.run(session, INSERT, {"year": 2026})
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await seasons(database) == 0


async def test_only_what_may_be_lost_does_not_wait_for_the_disk(database: Database) -> None:
    async with database.transaction() as session:
        durable = await queries.row(session, SYNCHRONOUS_COMMIT)
    async with database.statements() as session:
        quick = await queries.row(session, SYNCHRONOUS_COMMIT)
    assert durable.source != "client"
    assert (quick.setting, quick.source) == ("off", "client")


async def test_no_plan_is_compiled(database: Database) -> None:
    """By a PostgreSQL that can compile, a sweep of seven people took seconds: the embedded one cannot."""
    async with database.transaction() as transaction, database.statements() as statements:
        for session in (transaction, statements):
            assert await queries.value(session, "SELECT current_setting('jit')") == "off"


async def test_statements_commit_one_by_one(database: Database) -> None:
    async def fail() -> None:
        async with database.statements() as session:
            await queries.run(session, INSERT, {"year": 2026})
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await seasons(database) == 1


async def test_a_lost_race_is_run_again_and_leaves_nothing_behind(database: Database) -> None:
    attempts = 0

    async def work(session: Session) -> str:
        nonlocal attempts
        attempts += 1
        await queries.run(session, INSERT, {"year": 2026})
        if attempts < 3:
            raise Raced
        return "won"

    assert await database.attempt(work) == "won"
    assert attempts == 3
    assert await seasons(database) == 1


async def test_a_race_that_is_always_lost_is_given_up(database: Database) -> None:
    attempts = 0

    async def work(session: Session) -> None:
        nonlocal attempts
        attempts += 1
        raise Raced

    with pytest.raises(Raced):
        await database.attempt(work)
    assert attempts == db.ATTEMPTS == 5


async def test_a_unique_violation_is_a_lost_race(database: Database) -> None:
    years = iter([2026, 2027])
    async with database.transaction() as session:
        await queries.run(session, INSERT, {"year": 2026})

    async def work(session: Session) -> None:
        await queries.run(session, INSERT, {"year": next(years)})

    await database.attempt(work)
    assert await seasons(database) == 2


async def test_a_deadlock_is_a_lost_race(database: Database, vault: Any) -> None:
    world: World = await build(database, vault)
    codes = ("pulo-gebang", "giwangan")
    both_hold_one, one_has_won = asyncio.Barrier(2), asyncio.Event()
    attempts = 0

    async def lock(first: str, second: str) -> None:
        async def work(session: Session) -> None:
            nonlocal attempts
            attempts += 1
            if attempts > 2:
                # Whoever comes again at once may take what the winner waits for, and both wait for each other anew.
                await one_has_won.wait()
            update = "UPDATE terminal SET name = name WHERE code = :code"
            await queries.run(session, update, {"code": first})
            if attempts <= 2:
                await both_hold_one.wait()
            await queries.run(session, update, {"code": second})

        await database.attempt(work)
        one_has_won.set()

    await asyncio.gather(lock(*codes), lock(*reversed(codes)))
    assert attempts == 3
    assert await world.count("terminal") == 4


async def test_any_other_error_of_the_database_is_a_bug_and_not_run_again(database: Database) -> None:
    attempts = 0

    async def work(session: Session) -> None:
        nonlocal attempts
        attempts += 1
        await queries.run(session, "INSERT INTO season (year) VALUES (2026)")

    with pytest.raises(asyncpg.NotNullViolationError):
        await database.attempt(work)
    assert attempts == 1


async def test_a_statement_that_is_wrong_is_not_taken_for_a_database_that_is_away(database: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        async with database.transaction() as session:
            await queries.run(session, "SELECT nothing FROM nowhere")


async def test_parameters_are_in_no_error_text(database: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError) as caught:
        async with database.transaction() as session:
            await queries.run(session, "SELECT CAST(:given AS text) FROM nowhere", {"given": "3201010101909001"})
    assert "3201010101909001" not in str(caught.value)


async def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = Database(f"postgresql://nobody@127.0.0.1:{port}/nothing")
    with pytest.raises(Unavailable) as caught:
        async with database.transaction() as session:
            await queries.run(session, COUNT)
    assert caught.value.retry_after == 1
    await database.dispose()


async def cut_while_in_use(database: Database) -> None:
    async with database.transaction() as session:
        own = await queries.value(session, "SELECT pg_backend_pid()")
        async with database.transaction() as other:
            # It is gone when this is answered.
            ending = {"pid": own, "milliseconds": int(1000 * PATIENCE_SECONDS)}
            assert await queries.value(other, "SELECT pg_terminate_backend(:pid, :milliseconds)", ending)
        await queries.run(session, COUNT)


async def test_a_connection_that_is_cut_is_unavailable_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(Unavailable):
        async with database.transaction() as session:
            await queries.run(session, "SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Unavailable):
        await cut_while_in_use(database)
    assert await seasons(database) == 0


async def test_a_pool_that_is_used_up_is_unavailable(small_pool: Database) -> None:
    async with small_pool.transaction() as session:
        await queries.run(session, COUNT)
        with pytest.raises(Unavailable):
            async with small_pool.transaction() as second:
                await queries.run(second, COUNT)


async def test_a_driver_that_gives_up_in_the_middle_is_unavailable(database: Database) -> None:
    with pytest.raises(Unavailable):
        async with database.transaction():
            raise asyncpg.InterfaceError("connection is closed")


async def write_when_read_only(database: Database) -> None:
    async with database.transaction() as session:
        await queries.run(session, "SET TRANSACTION READ ONLY")
        await queries.run(session, "DELETE FROM season")


async def test_a_database_that_has_become_read_only_is_unavailable_and_its_connection_is_dropped(
    database: Database,
) -> None:
    async with database.transaction() as session:
        before = await queries.value(session, "SELECT pg_backend_pid()")
    with pytest.raises(Unavailable):
        await write_when_read_only(database)
    assert database.could_not_write_lately
    async with database.transaction() as session:
        assert await queries.value(session, "SELECT pg_backend_pid()") != before


@pytest.mark.parametrize("sqlstate", ["53100", "53200", "58030"])
async def test_a_disk_or_a_memory_that_is_full_is_unavailable_and_after_a_disk_the_connection_is_dropped(
    database: Database, sqlstate: str
) -> None:
    async with database.transaction() as session:
        before = await queries.value(session, "SELECT pg_backend_pid()")
    with pytest.raises(Unavailable):
        async with database.transaction() as session:
            await queries.run(session, f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{sqlstate}'; END $$")
    assert database.could_not_write_lately == (sqlstate != "53200")
    async with database.transaction() as session:
        after = await queries.value(session, "SELECT pg_backend_pid()")
    assert (after != before) == (sqlstate != "53200")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgres://u:p@h/d", "postgresql://u:p@h/d"),
        ("postgres://u:p%40x@h/d", "postgresql://u:p%40x@h/d"),
        ("postgresql://u@h:5433/d", "postgresql://u@h:5433/d"),
        ("postgresql+asyncpg://h/d", "postgresql://h/d"),
        ("postgres://h/d?sslmode=require", "postgresql://h/d?sslmode=require"),
        ("postgres://h/d?application_name=x&sslmode=disable", "postgresql://h/d?application_name=x&sslmode=disable"),
        ("postgresql+asyncpg://h1,h2:5433/d?ssl=require", "postgresql://h1,h2:5433/d?sslmode=require"),
        ("postgresql://u:a,b@h1:1/db", "postgresql://u:a%2Cb@h1:1/db"),
        ("postgresql://u@[::1]:5432,h2/db", "postgresql://u@[::1]:5432,h2/db"),
    ],
)
def test_urls_are_taken_as_hosts_write_them(given: str, expected: str) -> None:
    assert libpq_url(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://u@/d?host=h1:5432&host=h2:5433", "postgresql://u@h1:5432,h2:5433/d"),
        ("postgresql://u@/d?host=h1,h2&port=1,2", "postgresql://u@h1:1,h2:2/d"),
        ("postgresql://u@h1,h2/d?port=6000", "postgresql://u@h1:6000,h2:6000/d"),
        ("postgresql://u@h1/d?host=h2&ssl=require", "postgresql://u@h2/d?sslmode=require"),
        ("postgresql://u:p@h/d?password=a%26b", "postgresql://u:a%26b@h/d"),
        (
            "postgresql://u@/d?host=/run/db&application_name=x%20y",
            "postgresql://u@%2Frun%2Fdb/d?application_name=x%20y",
        ),
    ],
)
def test_whom_and_which_hosts_arguments_name_stands_before_the_database(given: str, expected: str) -> None:
    assert libpq_url(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("postgresql://u:p#/?[x]@h/d", "postgresql://u:p%23%2F%3F%5Bx%5D@h/d"),
        ("postgresql://u:100%+1@h/d?ssl=require", "postgresql://u:100%%2B1@h/d?sslmode=require"),
        ("postgresql://h:5432/d?user=a@b&password=x", "postgresql://a%40b:x@h:5432/d"),
    ],
)
def test_a_password_may_hold_whatever_is_no_at_sign(given: str, expected: str) -> None:
    assert libpq_url(given) == expected


async def test_what_migrates_reads_a_url_as_servers_do(database_url: str) -> None:
    """The host and the port of a URL's arguments go before what stands in front of them."""
    there = urlsplit(database_url)
    account = there.netloc.rpartition("@")[0]
    elsewhere = f"postgresql://{account}@127.0.0.1:1{there.path}?host={there.hostname}&port={there.port}"
    database = Database(elsewhere)
    async with migration.connected(database) as connection, database.transaction() as session:
        asked = "SELECT current_database(), current_setting('plan_cache_mode')"
        [found] = await connection.execute(text(asked))
        assert tuple(found) == (await queries.value(session, "SELECT current_database()"), "force_generic_plan")
    await database.dispose()
