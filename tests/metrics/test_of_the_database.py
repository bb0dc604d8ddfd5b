"""What the pools and transactions count, also when connections break."""

from __future__ import annotations

import asyncio

import pytest

from app import connections
from app.db import ATTEMPTS, Database, Session
from app.errors import Raced, Unavailable
from tests import queries
from tests.metrics.test_page import value

pytestmark = pytest.mark.anyio


@pytest.fixture
async def small(database_url: str) -> Database:
    return Database(database_url, pool_size=2)


def in_use(pool: str = "transactions") -> float | None:
    return value("pemudik_pool_connections_in_use", pool=pool)


async def cut_off(small: Database, database: Database) -> None:
    async with small.transaction() as session:
        pid = await queries.value(session, "SELECT pg_backend_pid()")
        async with database.transaction() as killer:
            await queries.run(killer, "SELECT pg_terminate_backend(:pid, 5000)", {"pid": pid})
        await queries.run(session, "SELECT 1")


async def test_connections_that_are_used_and_broken(small: Database, database: Database) -> None:
    async with small.transaction() as session, small.statements() as other:
        await queries.run(session, "SELECT 1")
        await queries.run(other, "SELECT 1")
        assert (in_use(), in_use("checks")) == (1, 1)
    assert (in_use(), in_use("checks")) == (0, 0)
    with pytest.raises(Unavailable):
        await cut_off(small, database)
    assert in_use() == 0
    assert value("pemudik_database_unavailable_total", reason="away") == 1
    async with small.transaction() as session:
        await queries.run(session, "SELECT 1")
        assert in_use() == 1
    await small.dispose()
    assert in_use() == 0


async def test_a_pool_that_is_used_up(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "POOL_TIMEOUT_SECONDS", 0.05)
    small = Database(database_url, pool_size=2)
    async with small.transaction() as one, small.transaction() as other:
        await queries.run(one, "SELECT 1")
        await queries.run(other, "SELECT 1")
        with pytest.raises(Unavailable):
            async with small.transaction() as third:
                await queries.run(third, "SELECT 1")
        assert in_use() == 2
    assert value("pemudik_database_unavailable_total", reason="pool") == 1
    assert value("pemudik_database_unavailable_total", reason="away") == 0
    assert in_use() == 0
    await small.dispose()


async def test_transactions_that_are_run_again(small: Database) -> None:
    async def lose(_: Session) -> None:
        raise Raced

    async def deadlock(session: Session) -> None:
        await queries.run(session, "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$")

    for work in (lose, deadlock):
        with pytest.raises(Raced):
            await small.attempt(work)
    assert value("pemudik_transaction_retries_total", reason="raced") == ATTEMPTS
    assert value("pemudik_transaction_retries_total", reason="deadlock") == ATTEMPTS
    assert value("pemudik_transaction_seconds_count") == 2 * ATTEMPTS
    await small.dispose()


async def test_counting_goes_on_amid_many(small: Database) -> None:
    async def one() -> None:
        async with small.transaction() as session:
            await queries.run(session, "SELECT 1")

    await asyncio.gather(*(one() for _ in range(50)))
    assert value("pemudik_transaction_seconds_count") == 50
    assert in_use() == 0
    await small.dispose()
