"""One clock judges deadlines: the database's, whatever the clocks of the servers say."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from app import clock, main
from app.config import Settings
from app.db import Database
from app.process import build_process
from app.registry import host_clock, outages
from app.registry.host_clock import ClockReading, HostClock
from app.vault.vault import Vault
from tests.patience import patience
from tests.world import HUBDAT, World, someone

pytestmark = pytest.mark.anyio

DAYS = timedelta(days=8)
AT = datetime(2026, 3, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)

NEW_PROCESS = """
import asyncio, sys
from datetime import UTC, datetime, timedelta
from app import clock
from app.db import Database
from app.registry import host_clock

async def read():
    database = Database(sys.argv[1])
    print((await host_clock.read(database)).is_wrong, end=" ")
    await database.dispose()

asyncio.run(read())
clock.of_this_machine = lambda: datetime.now(UTC) + timedelta(days=8)
print(clock.now() - datetime.now(UTC) < timedelta(seconds=1))
"""


@pytest.fixture(autouse=True)
def _clock_is_as_it_was() -> Iterator[None]:
    yield
    clock.set_to(clock.of_this_machine())


def shift(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """This machine's clock jumps."""
    monkeypatch.setattr(clock, "of_this_machine", lambda: datetime.now(UTC) + by)


def apart(there: datetime) -> timedelta:
    return abs(there - datetime.now(UTC))


def test_what_the_answer_took_is_no_difference() -> None:
    assert ClockReading(AT + SECOND, AT, AT + 2 * SECOND).ahead == timedelta()
    assert ClockReading(AT - SECOND, AT, AT + 2 * SECOND).ahead == SECOND
    assert ClockReading(AT + 4 * SECOND, AT, AT + 2 * SECOND).ahead == -2 * SECOND
    assert [ClockReading(AT, AT + ahead * SECOND, AT + ahead * SECOND).is_wrong for ahead in (-6, -5, 0, 5, 6)] == [
        True,
        False,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("by", [DAYS, -DAYS])
async def test_time_is_the_databases(database: Database, monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    clock.set_to(AT)
    shift(monkeypatch, by)
    reading = await host_clock.read(database)
    assert abs(reading.ahead - by) < SECOND
    assert reading.is_wrong
    assert apart(clock.now()) < SECOND
    # Nobody can set the clock by which `clock.now` counts on.
    shift(monkeypatch, -by)
    assert apart(clock.now()) < SECOND


async def test_a_machine_whose_clock_was_right_when_it_was_read_first_may_be_set_later(database_url: str) -> None:
    """Until the next look a sweep would have gone by the clock that somebody has just set eight days ahead."""
    new = await asyncio.create_subprocess_exec(sys.executable, "-c", NEW_PROCESS, database_url, stdout=PIPE)
    said, _ = await new.communicate()
    assert said == b"False True\n"


@pytest.mark.parametrize("by", [DAYS, -DAYS])
async def test_a_machine_whose_clock_is_wrong_does_no_duty_and_says_so_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    host, stop, runs, running = HostClock(database), asyncio.Event(), 0, asyncio.Event()
    monkeypatch.setattr(host_clock, "READ_EVERY_SECONDS", 0.01)

    async def duty(until: asyncio.Event) -> None:
        nonlocal runs
        runs += 1
        running.set()
        await until.wait()
        running.clear()

    shift(monkeypatch, by)
    with structlog.testing.capture_logs() as logs:
        tasks = asyncio.gather(host.run(stop), host.guarded(duty)(stop))
        async with patience():
            await host.known.wait()
            for _ in range(3):
                await host.look()
            assert runs == 0
            shift(monkeypatch, timedelta())
            await running.wait()
            shift(monkeypatch, by)
            while running.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            shift(monkeypatch, timedelta())
            await running.wait()
            stop.set()
            await tasks
    assert runs == 2
    assert [one["event"] for one in logs] == ["clock.wrong", "clock.right", "clock.wrong", "clock.right"]
    assert logs[0] == {
        "event": "clock.wrong",
        "log_level": "error",
        "seconds_ahead": pytest.approx(by.total_seconds(), abs=1),
    }


async def test_while_the_database_is_away_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    away, stop = Database("postgresql://nobody@127.0.0.1:1/nothing"), asyncio.Event()
    monkeypatch.setattr(host_clock, "READ_AGAIN_AFTER_SECONDS", 0.01)
    host = HostClock(away)
    running = asyncio.create_task(host.run(stop))
    await host.look()
    assert not host.known.is_set()
    stop.set()
    async with patience():
        await running
    await away.dispose()


async def test_a_server_eight_days_ahead_forfeits_nobody(
    world: World, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a server wrote a heartbeat of the future, too: an outage of eight days that nobody had."""
    await world.policy("hubdat", verify_within_days=7)
    one = await world.registered(someone(HUBDAT, await world.route(departs_at=None)), now=datetime.now(UTC))
    monkeypatch.setattr(outages, "BEATS_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(host_clock, "READ_EVERY_SECONDS", 0.01)
    shift(monkeypatch, DAYS)
    beats = "SELECT at FROM heartbeat"
    async with main.lifespan(build_process(world.database, vault), Settings()), patience():
        while not await world.run(beats):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert apart(await world.one(beats)) < SECOND * 5
        await asyncio.sleep(0.1)
    assert await world.run("SELECT id, status FROM registrant") == [(one.id, "REGISTERED")]
    assert (await world.count("prolongation"), await world.count("nik_block")) == (0, 0)
