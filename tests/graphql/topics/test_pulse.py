"""`pulse`: what all processes answered in five whole minutes, and in the five before them, for the dashboard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog.testing
from uuid_utils.compat import uuid7

from app import connections
from app.db import Database
from app.metrics import minute
from app.metrics.minute import Counted
from app.registry.clients.scopes import DASHBOARD_READ, REGISTRANTS_READ
from app.registry.statistics import pulse
from app.registry.statistics.pulse import KEPT, PulsePart
from tests.graphql.conftest import Api
from tests.patience import patience
from tests.world import NOW, World

pytestmark = pytest.mark.anyio

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
ASK = """{ pulse {
    now { since until answers errors p95Ms } before { since until answers errors p95Ms }
    refusals { reason organizer { code name } now before } } }"""
CANCEL = """mutation { cancelRegistrant(ref: {id: "0192f7a0-0000-7000-8000-000000000000"}, reason: "Tidak jadi") {
    ... on Problem { code } } }"""
DJKA_SHOWN = {"code": "djka", "name": "DJKA"}
NOTHING = {"answers": 0, "errors": 0, "p95Ms": None}


@pytest.fixture(autouse=True)
def counted_anew() -> Iterator[None]:
    minute.take()
    yield
    minute.take()


def counted(*seconds: float, failed: int = 0, **refused: int) -> Counted:
    """Answers that took so long, the first `failed` of them errors; what DJKA was refused."""
    for place, took in enumerate(seconds):
        minute.count_answer(took, 503 if place < failed else 200, "ok")
    for code, times in refused.items():
        for _ in range(times):
            minute.count_refusal("djka", code)
    return minute.take()


async def written(world: World, *parts: tuple[datetime, Counted]) -> None:
    async with world.database.transaction() as session:
        await pulse.write(session, [PulsePart(uuid7(), at, one) for at, one in parts], NOW)


async def asked(api: Api, monkeypatch: pytest.MonkeyPatch, at: datetime) -> Any:
    monkeypatch.setattr("app.clock.now", lambda: at)
    return (await api.data(ASK))["pulse"]


def stretch(since: datetime, **figures: object) -> dict[str, object]:
    return {"since": f"{since:%FT%TZ}", "until": f"{since + 5 * MINUTE:%FT%TZ}", **NOTHING, **figures}


async def test_nothing_was_answered(world: World, api: Api) -> None:
    assert (await api.data(ASK))["pulse"] == {
        "now": stretch(NOW - 6 * MINUTE),
        "before": stretch(NOW - 11 * MINUTE),
        "refusals": [],
    }


async def test_all_processes_are_added_up_over_five_whole_minutes(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(
        world,
        (NOW - 10 * MINUTE - SECOND, counted(30, QUOTA_FULL=9)),
        (NOW - 10 * MINUTE, counted(1, failed=1, QUOTA_FULL=2, NIK_INVALID=1)),
        (NOW - 5 * MINUTE - SECOND, counted(QUOTA_FULL=1)),
        (NOW - 5 * MINUTE, counted(*[0.002] * 18, failed=2, NIK_BLOCKED=1)),
        (NOW - 5 * MINUTE, counted(0.2, QUOTA_FULL=4)),
        (NOW - SECOND, counted(100, NIK_BLOCKED=1)),
        (NOW, counted(30, QUOTA_FULL=9)),
    )
    assert await asked(api, monkeypatch, NOW + 5 * SECOND) == {
        # Of twenty answers the nineteenth took 200 ms, and the step above that is 219.76 ms.
        "now": stretch(NOW - 5 * MINUTE, answers=20, errors=2, p95Ms=219.76),
        "before": stretch(NOW - 10 * MINUTE, answers=1, errors=1, p95Ms=1051.67),
        "refusals": [
            {"reason": "QUOTA_FULL", "organizer": DJKA_SHOWN, "now": 4, "before": 3},
            {"reason": "NIK_BLOCKED", "organizer": DJKA_SHOWN, "now": 2, "before": 0},
            {"reason": "NIK_INVALID", "organizer": DJKA_SHOWN, "now": 0, "before": 1},
        ],
    }


async def test_what_takes_longest_is_not_told_shorter_than_it_can_be(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(world, (NOW - MINUTE, counted(100)))
    answer = await asked(api, monkeypatch, NOW + 5 * SECOND)
    assert answer["now"] == stretch(NOW - 5 * MINUTE, answers=1, p95Ms=minute.STEPS_MS[-1])


async def test_a_minute_counts_when_every_process_has_written_it(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(world, (NOW - MINUTE, counted(0.001)))
    early = await asked(api, monkeypatch, NOW + 4 * SECOND)
    assert early["now"] == stretch(NOW - 6 * MINUTE)


async def test_a_process_writes_what_it_counted_when_it_stops(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(world, (NOW - KEPT - MINUTE, counted(1)))
    await api.token("djka")
    stop = asyncio.Event()
    running = asyncio.create_task(pulse.run(world.database, stop))
    # It forgets what was counted before it runs.
    await asyncio.sleep(0)
    assert (await api.data(CANCEL, organizer="djka"))["cancelRegistrant"] == {"code": "NOT_FOUND"}
    stop.set()
    await running
    answer = await asked(api, monkeypatch, NOW + MINUTE + 5 * SECOND)
    assert answer["refusals"] == [{"reason": "NOT_FOUND", "organizer": DJKA_SHOWN, "now": 1, "before": 0}]
    assert (answer["now"]["answers"], answer["now"]["errors"]) == (1, 0)
    # The row that was older than an hour is gone.
    assert await world.count("pulse") == 1


async def test_minutes_wait_for_a_database_that_is_away(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = NOW + MINUTE - timedelta(milliseconds=10)
    monkeypatch.setattr("app.clock.now", lambda: ends)
    monkeypatch.setattr(connections, "POOL_TIMEOUT_SECONDS", 0.05)
    small, stop = Database(database_url, pool_size=2), asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        async with small.transaction() as one, small.transaction() as other, patience():
            await pulse.read(one, NOW)
            await pulse.read(other, NOW)
            running = asyncio.create_task(pulse.run(small, stop))
            await asyncio.sleep(0)
            minute.count_answer(0.001, None, "-")
            while not logs:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        async with patience():
            while not await world.count("pulse"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            stop.set()
            await running
    await small.dispose()
    assert {one["event"] for one in logs} == {"pulse.unavailable"}
    assert await world.run("SELECT minute, answers, errors, refusals FROM pulse") == [(NOW, 1, 1, [])]


async def test_it_is_for_the_dashboard(api: Api) -> None:
    assert (await api.post(ASK, organizer="djka", scopes=(REGISTRANTS_READ,))).status_code == 403
    assert (await api.data(ASK, scopes=(DASHBOARD_READ,)))["pulse"]["refusals"] == []
