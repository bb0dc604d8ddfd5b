"""Waking: over all processes, after the commit, told of once for many commits; and what is lost is found by looking."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from app.changes.log import tail, wake
from app.changes.log.feed import START
from app.changes.log.wake import CHANNEL, Wake
from app.db import Database, Followers
from app.errors import Unavailable
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.change_log import Entry
from tests import queries
from tests.changes.conftest import process, settled, tell
from tests.patience import PATIENCE_SECONDS, patience
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

_LISTENERS = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'pemudik' AND query ~ '^(LISTEN|NOTIFY)'
"""


@asynccontextmanager
async def awake(database: Database) -> AsyncIterator[Followers]:
    """The followers of a process that listens."""
    followers, stop = database.followers, asyncio.Event()
    first = followers.signal()
    running = asyncio.create_task(Wake(database).run(stop))
    await within_reason(first)
    try:
        yield followers
    finally:
        stop.set()
        await running


def another(database: Database) -> Database:
    """The same database, as another process has it."""
    return Database(database.url)


async def within_reason(signal: asyncio.Event) -> None:
    async with patience():
        await signal.wait()


@asynccontextmanager
async def heard(url: str) -> AsyncIterator[list[str]]:
    """The notifications that anybody on the database gets."""
    payloads: list[str] = []
    connection = await asyncpg.connect(url)
    try:
        await connection.add_listener(CHANNEL, lambda *told: payloads.append(str(told[-1])))
        yield payloads
    finally:
        await connection.close()


async def told_of(payloads: list[str], count: int) -> None:
    async with patience():
        while len(payloads) < count:  # noqa: ASYNC110 - a listener has nothing to wait for
            await asyncio.sleep(0.005)


async def test_what_is_told_here_is_heard_there(database: Database) -> None:
    async with awake(database) as here, awake(another(database)) as there:
        for _ in range(3):
            signals = [here.signal(), there.signal()]
            here.tell()
            assert signals[0].is_set()
            for signal in signals:
                await within_reason(signal)


async def test_a_signal_is_set_once_and_the_next_one_is_another(database: Database) -> None:
    one = database.followers
    signal = one.signal()
    assert one.signal() is signal
    one.rouse()
    assert signal.is_set()
    assert not one.signal().is_set()
    await one.wait(signal, 60)
    await one.wait(one.signal(), 0.001)


async def test_many_commits_are_told_of_in_few_notifications(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "GATHER_SECONDS", 0.2)
    async with heard(database_url) as payloads, awake(another(database)) as there, awake(database) as here:
        started = time.monotonic()
        for _ in range(200):
            here.tell()
            await asyncio.sleep(0.001)
        signal = there.signal()
        await asyncio.sleep(0.3)
        here.tell()
        await within_reason(signal)
        await told_of(payloads, 2)
        assert 2 <= len(payloads) <= 2 + (time.monotonic() - started) / wake.GATHER_SECONDS
        assert set(payloads) == {""}


async def test_what_is_rolled_back_wakes_nobody(world: World) -> None:
    registrant = (await world.registered(someone(HUBDAT, await world.route()))).id
    async with awake(world.database) as here, awake(another(world.database)) as there:
        signals = [here.signal(), there.signal()]
        with suppress(ZeroDivisionError):
            async with world.database.transaction() as session:
                await change_log.append(
                    session, [Entry(kind=ChangeKind.REGISTRANT_CORRECTED, registrant_id=registrant)], NOW
                )
                raise ZeroDivisionError
        await world.run("SELECT 1")
        assert [signal.is_set() for signal in signals] == [False, False]
        await tell(world, registrant, "a")
        for signal in signals:
            await within_reason(signal)


async def test_a_connection_that_breaks_is_made_anew(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wake, "RECONNECT_AFTER_SECONDS", 0.01)
    async with awake(database) as here:
        before = await listeners(database)
        roused = here.signal()
        await end(database, before)
        await within_reason(roused)
        after = await listeners(database)
        assert len(before) == len(after) == 1
        assert before != after
        async with awake(another(database)) as there:
            signal = here.signal()
            there.tell()
            await within_reason(signal)


@dataclass
class Relay:
    """Between a process and its database; what is connected may go silent without an end."""

    url: str
    connections: int = 0
    silenced: int = 0
    """So many of them, the first ones."""

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        while data := await reader.read(65536):
            if number > self.silenced:
                writer.write(data)
        writer.close()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number, there = self.connections, urlsplit(self.url)
        behind, ahead = await asyncio.open_connection(there.hostname, there.port)
        await asyncio.gather(self.carry(reader, ahead, number), self.carry(behind, writer, number))


async def test_a_connection_that_goes_silent_is_made_anew(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (
        ("PING_AFTER_SECONDS", 0.05),
        ("ANSWER_WITHIN_SECONDS", 1.0),
        ("RECONNECT_AFTER_SECONDS", 0.01),
    ):
        monkeypatch.setattr(wake, name, seconds)
    relay, there = Relay(database_url), urlsplit(database_url)
    async with await asyncio.start_server(relay, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        url = urlunsplit(there._replace(netloc=there.netloc.replace(f":{there.port}", f":{port}")))
        silent = Database(url)
        async with awake(silent) as far, awake(database) as near:
            await asyncio.sleep(0.2)
            reconnected = far.signal()

            async def never_answered() -> None:
                async with silent.transaction() as session:
                    await queries.run(session, "SELECT 1")
                    relay.silenced = relay.connections
                    await queries.run(session, "SELECT 1")

            with pytest.raises(Unavailable):
                await never_answered()
            await within_reason(reconnected)
            # One of them asked to cancel what was not answered.
            assert relay.connections >= relay.silenced + 2
            signal = far.signal()
            near.tell()
            await within_reason(signal)


async def test_what_was_told_while_the_connection_was_broken_is_told_again(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "RECONNECT_AFTER_SECONDS", 0.01)
    async with awake(database) as here, heard(database_url) as payloads, awake(another(database)) as there:
        [mine, theirs] = sorted(await listeners(database))
        reconnected, signal = here.signal(), there.signal()
        await end(database, [mine, theirs])
        here.tell()
        await within_reason(reconnected)
        await within_reason(signal)
        await told_of(payloads, 1)


async def test_a_connection_in_disorder_is_made_anew(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that breaks in the wrong moment is in a state that the driver itself does not know."""
    disorder = [asyncpg.InternalClientError("cannot switch to state 15")]
    execute = asyncpg.Connection.execute

    async def disorderly(connection: asyncpg.Connection[Any], query: str, *given: Any, **named: Any) -> str:
        if disorder and query.startswith("NOTIFY"):
            raise disorder.pop()
        return await execute(connection, query, *given, **named)

    monkeypatch.setattr(wake, "RECONNECT_AFTER_SECONDS", 0.01)
    async with heard(database_url) as payloads:
        monkeypatch.setattr(asyncpg.Connection, "execute", disorderly)
        async with awake(database) as here:
            here.tell()
            await told_of(payloads, 1)
    assert not disorder


async def test_a_follower_whose_process_is_told_nothing_looks_by_itself(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens there, and every notification is lost."""
    monkeypatch.setattr(tail, "POLL_SECONDS", 0.05)
    registrant = (await world.registered(someone(HUBDAT, await world.route()))).id
    await settled(world)
    there = Database(database_url)
    try:
        async with process(there, listening=False) as deaf, aclosing(deaf.tail.follow(None, START)) as items:
            await anext(items)
            signal = there.followers.signal()
            for reason in "abc":
                await tell(world, registrant, reason)
                async with patience():
                    assert (await anext(items)).change.reason == reason
            assert not signal.is_set()
    finally:
        await there.dispose()


async def test_a_follower_hears_of_other_processes_at_once(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "POLL_SECONDS", 2 * PATIENCE_SECONDS)
    registrant = (await world.registered(someone(HUBDAT, await world.route()))).id
    await settled(world)
    elsewhere = Database(database_url)
    try:
        async with process(elsewhere) as there, aclosing(there.tail.follow(None, START)) as items:
            await anext(items)
            async with awake(world.database):
                for reason in "abc":
                    await tell(world, registrant, reason)
                    async with patience():
                        assert (await anext(items)).change.reason == reason
    finally:
        await elsewhere.dispose()


async def test_an_end_without_a_database_is_an_end_as_well() -> None:
    one, stop = Wake(Database("postgresql://nobody@127.0.0.1:1/nothing")), asyncio.Event()
    running = asyncio.create_task(one.run(stop))
    await asyncio.sleep(0.05)
    stop.set()
    async with patience():
        await running


async def listeners(database: Database) -> list[int]:
    connection = await database.connect()
    try:
        return [row["pid"] for row in await connection.fetch(_LISTENERS)]
    finally:
        await connection.close()


async def end(database: Database, pids: list[int]) -> None:
    connection = await database.connect()
    try:
        await connection.execute("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", pids)
    finally:
        await connection.close()
