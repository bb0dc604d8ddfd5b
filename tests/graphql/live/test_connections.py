"""What one connection is watched for, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app.auth.bearer import Bearer, Principal
from app.auth.callers import Callers
from app.graphql.doors import connections
from app.graphql.doors.connections import RESTARTING, SLOW_READER, ConnectionGone, Connections, ConnectionWatch, Line
from app.server.racing import first_of
from tests.world import DJKA, NOW

pytestmark = pytest.mark.anyio

WHO = Principal(DJKA, frozenset({"nik:check"}), NOW + timedelta(minutes=15))


async def never(*_: object) -> None:
    await asyncio.Event().wait()


@pytest.fixture
def stopping() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def watch(stopping: asyncio.Event, monkeypatch: pytest.MonkeyPatch) -> ConnectionWatch:
    async def authenticate(*_: object, **__: object) -> Principal:
        return WHO

    monkeypatch.setattr(Bearer, "authenticate", authenticate)
    monkeypatch.setattr("app.clock.of_the_database", lambda: NOW)
    monkeypatch.setattr(connections, "CHECK_EVERY_SECONDS", 0.01)
    return ConnectionWatch(Connections(stopping), Callers(Bearer(None, None, ""), None, None), "Bearer x", WHO)  # type: ignore[arg-type]


async def test_who_does_not_take_a_sign_of_life_is_slow(
    watch: ConnectionWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "KEEP_ALIVE_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(connections, "SLOW_AFTER_SECONDS", 0.05)
    assert await watch.end(Line(never), never) == SLOW_READER


async def test_who_takes_nothing_is_slow_however_many_wait(
    watch: ConnectionWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SLOW_AFTER_SECONDS", 0.05)
    line = Line(never)
    waiting = [asyncio.create_task(line.send({})) for _ in range(3)]
    await asyncio.sleep(0)
    assert line.silent_for == 0.0
    assert await watch.end(line, never) == SLOW_READER
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert line.stalled_for == 0.0


async def test_who_takes_one_of_many_is_not_slow(
    watch: ConnectionWatch, stopping: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SLOW_AFTER_SECONDS", 0.2)
    seconds = 0.0
    monkeypatch.setattr(connections, "monotonic", lambda: seconds)
    room = asyncio.Semaphore(0)

    async def send(_: object) -> None:
        await room.acquire()

    line = Line(send)
    waiting = [asyncio.create_task(line.send({})) for _ in range(6)]
    watching = asyncio.create_task(watch.end(line, never))
    for _ in waiting:
        seconds += 0.15
        # It looks meanwhile.
        await asyncio.sleep(0.03)
        room.release()
        await asyncio.sleep(0.01)
    assert not watching.done()
    await asyncio.gather(*waiting)
    stopping.set()
    assert await watching == RESTARTING


@pytest.mark.parametrize("error", [OSError, RuntimeError], ids=["left", "ended"])
async def test_a_server_that_cannot_send_any_more_means_that_they_are_gone(error: Callable[[], Exception]) -> None:
    async def send(_: Any) -> None:
        raise error()

    with pytest.raises(ConnectionGone):
        await Line(send).send({})


async def test_of_two_ways_to_end_the_other_has_ended_as_well() -> None:
    ended = []

    async def other() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("other")
        return 2

    async def one() -> int:
        await asyncio.sleep(0)
        return 1

    assert await first_of(other(), one()) == 1
    assert ended == ["other"]


async def test_what_the_first_way_raises_is_raised() -> None:
    async def one() -> None:
        raise ConnectionGone

    with pytest.raises(ConnectionGone):
        await first_of(never(), one())
