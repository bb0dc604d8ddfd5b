"""Large operations wait for their turn, small ones do not, and nobody's many keep another's few waiting."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import TooManyOperations
from app.server import turns
from app.server.turns import (
    LEAST_COST_WAITING,
    MOST_COST_AT_A_TIME,
    MOST_COST_WAITING,
    MOST_SMALL_AT_ONCE,
    SMALL_COST,
    Turns,
)
from tests.metrics.test_page import value

pytestmark = pytest.mark.anyio

LARGE = MOST_COST_AT_A_TIME // 2


class Stage:
    """Operations that run until the test ends them, oldest first."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.running: list[tuple[str, asyncio.Event]] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def begin(
        self, client: str, cost: int = LARGE, times: int = 1, *, refusable: bool = True
    ) -> list[asyncio.Task[None]]:
        begun = [asyncio.create_task(self._run(client, cost, refusable)) for _ in range(times)]
        self.tasks += begun
        await settled()
        return begun

    async def _run(self, client: str, cost: int, refusable: bool) -> None:
        async with self.turns.turn(client, cost, refusable=refusable):
            end = asyncio.Event()
            self.running.append((client, end))
            await end.wait()

    async def end_one(self) -> None:
        self.running.pop(0)[1].set()
        await settled()

    @property
    def clients(self) -> list[str]:
        return [client for client, _ in self.running]

    async def order(self) -> list[str]:
        """Who is served, one after the other, until nobody is left. Everything is given back then."""
        served = []
        while self.running:
            served.append(self.running[0][0])
            await self.end_one()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self._everything_is_free()
        return served

    async def _everything_is_free(self) -> None:
        """The largest operations of two clients get their turns, one after the other."""
        assert [self.turns.remaining(client) for client in "abcde"] == [MOST_COST_AT_A_TIME] * 5
        for client in ("d", "e"):
            await self.begin(client, MOST_COST_AT_A_TIME)
        assert self.clients == ["d"]
        await self.end_one()
        assert self.clients == ["e"]
        await self.end_one()
        assert value("pemudik_turns_waiting", None) == 0


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_client_that_is_alone_uses_the_whole_process() -> None:
    stage = Stage()
    await stage.begin("a", times=5)
    assert stage.clients == ["a", "a"]
    assert value("pemudik_turns_waiting", None) == 3
    assert await stage.order() == ["a"] * 5


async def test_small_operations_do_not_wait() -> None:
    stage = Stage()
    await stage.begin("a", times=10)
    await stage.begin("b", SMALL_COST, times=MOST_SMALL_AT_ONCE)
    assert stage.clients == ["a", "a"] + ["b"] * MOST_SMALL_AT_ONCE
    await stage.order()


async def test_a_flood_of_small_operations_takes_turns_while_others_wait() -> None:
    stage = Stage()
    await stage.begin("a", MOST_COST_AT_A_TIME)
    await stage.begin("b", 1, times=MOST_SMALL_AT_ONCE + 2)
    await stage.begin("c", 1)
    assert stage.clients == ["a", *["b"] * MOST_SMALL_AT_ONCE, "c"]
    await stage.end_one()
    assert stage.clients == [*["b"] * MOST_SMALL_AT_ONCE, "c", "b", "b"]
    await stage.order()


async def test_a_flood_of_small_operations_does_not_wait_for_nobody() -> None:
    stage = Stage()
    await stage.begin("b", 1, times=500)
    assert stage.clients == ["b"] * 500
    await stage.order()


async def test_clients_are_served_by_turns() -> None:
    stage = Stage()
    await stage.begin("a", times=6)
    await stage.begin("b", times=2)
    await stage.begin("c", times=1)
    assert (await stage.order())[:6] in (["a", "a", "a", "b", "c", "a"], ["a", "a", "b", "c", "a", "b"])


async def test_turns_are_of_cost_and_not_of_number() -> None:
    stage = Stage()
    await stage.begin("x", MOST_COST_AT_A_TIME)
    await stage.begin("a", MOST_COST_AT_A_TIME, times=3)
    await stage.begin("b", MOST_COST_AT_A_TIME // 5, times=10)
    order = await stage.order()
    assert order[0] == "x"
    assert sorted(order[1:9]) in (["a"] + ["b"] * 7, ["a", "a"] + ["b"] * 6)


async def test_the_largest_operation_runs_alone() -> None:
    stage = Stage()
    await stage.begin("a", 2 * MOST_COST_AT_A_TIME)
    await stage.begin("b", SMALL_COST + 1)
    assert stage.clients == ["a"]
    await stage.end_one()
    assert stage.clients == ["b"]
    await stage.order()


@pytest.mark.parametrize("cost", [SMALL_COST + 1, LARGE])
async def test_too_much_that_waits_is_refused_and_nobody_elses(cost: int) -> None:
    stage = Stage()
    await stage.begin("a", MOST_COST_AT_A_TIME)
    await stage.begin("a", cost, times=MOST_COST_WAITING // max(cost, LEAST_COST_WAITING))
    [one_more] = await stage.begin("a", cost)
    with pytest.raises(TooManyOperations) as refused:
        await one_more
    assert refused.value.retry_after == 2
    # What has begun to be answered is not broken off.
    [begun] = await stage.begin("a", cost, refusable=False)
    assert not begun.done()
    await stage.begin("b", cost)
    assert "b" in (await stage.order())[:4]


@pytest.mark.parametrize("refusable", [True, False])
async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch, refusable: bool) -> None:
    """Whoever gives up has left the line: the next one is served, and nothing counts as waiting."""
    stage = Stage()
    await stage.begin("a", MOST_COST_AT_A_TIME)
    bound = "MOST_SECONDS_OF_A_WAIT" if refusable else "MOST_SECONDS_BETWEEN_PARTS"
    monkeypatch.setattr(turns, bound, 0.01)
    [late] = await stage.begin("b", refusable=refusable)
    with pytest.raises(TooManyOperations) as refused:
        await late
    assert refused.value.retry_after == 2
    assert value("pemudik_turns_waiting", None) == 0
    monkeypatch.undo()
    await stage.begin("c")
    assert await stage.order() == ["a", "c"]
    assert stage.turns.remaining("b") == MOST_COST_AT_A_TIME


async def test_what_remains_is_the_share_of_the_clients_that_are_there() -> None:
    stage = Stage()
    assert stage.turns.remaining("a") == MOST_COST_AT_A_TIME
    await stage.begin("a", 30_000)
    assert stage.turns.remaining("a") == 70_000
    # Two are there: each has a half.
    assert stage.turns.remaining("b") == MOST_COST_AT_A_TIME // 2
    await stage.begin("b", 30_000)
    assert (stage.turns.remaining("a"), stage.turns.remaining("b")) == (20_000, 20_000)
    await stage.begin("b", LARGE)
    assert (stage.turns.remaining("a"), stage.turns.remaining("b")) == (20_000, 0)
    await stage.order()


async def test_who_goes_away_leaves_its_turn_to_others() -> None:
    stage = Stage()
    await stage.begin("a", times=2)
    waiting = await stage.begin("b", times=3)
    waiting[0].cancel()
    await settled()
    # Its turn comes, and it goes away before it runs.
    stage.running.pop(0)[1].set()
    while not any(task.done() for task in stage.tasks[:2]):  # noqa: ASYNC110 - a step more would be too late
        await asyncio.sleep(0)
    waiting[1].cancel()
    await settled()
    assert stage.clients == ["a", "b"]
    assert await stage.order() == ["a", "b"]


async def test_who_goes_away_in_the_moment_in_which_its_turn_would_come_leaves_it_to_others() -> None:
    stage = Stage()
    [first] = await stage.begin("a", MOST_COST_AT_A_TIME)
    [gone] = await stage.begin("b", MOST_COST_AT_A_TIME)
    await stage.begin("c", MOST_COST_AT_A_TIME)
    # The first one ends in the same step of the loop, before the other one knows that it is cancelled.
    stage.running.pop(0)[1].set()
    gone.cancel()
    await settled()
    assert first.exception() is None
    assert stage.clients == ["c"]
    assert await stage.order() == ["c"]


async def test_steps_are_taken_one_at_a_time_and_others_have_the_process_in_between() -> None:
    turns, steps = Turns(), list[str]()

    async def step(client: str) -> None:
        async with turns.steps(client, SMALL_COST):
            steps.append(f"{client} begins")
            await asyncio.sleep(0)
            steps.append(f"{client} ends")

    with pytest.raises(ZeroDivisionError):
        async with turns.steps("a", SMALL_COST):
            1 / 0  # noqa: B018 - one that fails leaves the next one its step
    await asyncio.gather(step("a"), step("b"), step("a"))
    assert steps == [f"{client} {what}" for client in "aba" for what in ("begins", "ends")]


async def test_a_step_waits_for_the_turn_of_its_client() -> None:
    stage = Stage()
    await stage.begin("a", MOST_COST_AT_A_TIME)
    taken = asyncio.Event()

    async def step() -> None:
        async with stage.turns.steps("b", SMALL_COST + 1):
            taken.set()

    task = asyncio.create_task(step())
    await settled()
    assert not taken.is_set()
    await stage.end_one()
    await task
    assert taken.is_set()
    await stage.order()
