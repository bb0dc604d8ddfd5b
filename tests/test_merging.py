"""Concurrent single calls become batches, and nobody's call harms a neighbour's."""

import asyncio
from collections.abc import Sequence

import pytest

from app.errors import Raced, Unavailable
from app.merging import Merger
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.anyio


class Doubler(Merger[int, int]):
    """Doubles numbers, a batch at a time, when the gate is open; a negative one is poison."""

    def __init__(self, *, most: int = 256, lanes: int = 1) -> None:
        self.MOST_IN_A_BATCH, self.LANES = most, lanes
        super().__init__()
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.error: Exception = ValueError("poison")
        self.in_flight = self.most_in_flight = 0

    async def answer_batch(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.gate.wait()
            if min(numbers) < 0:
                raise self.error
            return [2 * number for number in numbers]
        finally:
            self.in_flight -= 1


async def gathered(double: Doubler, numbers: Sequence[int]) -> list[asyncio.Task[int]]:
    """Calls that have all been made, in this order."""
    tasks = [asyncio.create_task(double.ask(number)) for number in numbers]
    await asyncio.sleep(0)
    return tasks


async def test_an_idle_server_answers_a_single_call_at_once() -> None:
    double = Doubler()
    double.gate.set()
    assert await double.ask(4) == 8
    assert await double.ask(5) == 10
    assert double.batches == [[4], [5]]


async def test_what_gathers_during_a_flight_is_the_next_batch() -> None:
    double = Doubler()
    [first] = await gathered(double, [1])
    await asyncio.sleep(0)
    rest = await gathered(double, [2, 3, 4])
    double.gate.set()
    assert await asyncio.gather(first, *rest) == [2, 4, 6, 8]
    assert double.batches == [[1], [2, 3, 4]]


async def test_a_batch_has_its_size() -> None:
    double = Doubler(most=2)
    double.gate.set()
    assert await asyncio.gather(*await gathered(double, [1, 2, 3, 4, 5])) == [2, 4, 6, 8, 10]
    assert double.batches == [[1, 2], [3, 4], [5]]


async def test_lanes_fly_beside_each_other() -> None:
    double = Doubler(most=1, lanes=2)
    calls = await gathered(double, [1, 2, 3])
    await asyncio.sleep(0)
    double.gate.set()
    assert await asyncio.gather(*calls) == [2, 4, 6]
    assert double.batches[:2] == [[1], [2]]
    assert double.most_in_flight == 2


async def test_a_poisoned_item_fails_alone() -> None:
    double = Doubler()
    double.gate.set()
    answers = await asyncio.gather(*await gathered(double, [1, -2, 3]), return_exceptions=True)
    assert answers == [2, double.error, 6]
    assert double.batches == [[1, -2, 3], [1], [-2], [3]]


async def test_a_lost_race_is_run_again_one_by_one() -> None:
    double = Doubler()
    double.gate.set()
    double.error = Raced()
    assert await asyncio.gather(*await gathered(double, [1, -2]), return_exceptions=True) == [2, double.error]


async def test_a_database_that_is_away_is_not_asked_again_for_each() -> None:
    double = Doubler()
    double.gate.set()
    double.error = Unavailable(retry_after=3)
    answers = await asyncio.gather(*await gathered(double, [1, -2, 3]), return_exceptions=True)
    assert answers == [double.error] * 3
    assert double.batches == [[1, -2, 3]]


async def test_a_caller_that_goes_away_takes_nobody_along() -> None:
    double = Doubler()
    calls = await gathered(double, [1, 2, 3])
    await asyncio.sleep(0)
    calls[1].cancel()
    double.gate.set()
    first, gone, last = await asyncio.gather(*calls, return_exceptions=True)
    assert (first, last) == (2, 6)
    assert isinstance(gone, asyncio.CancelledError)
    assert double.batches == [[1, 2, 3]]


async def test_the_lane_is_free_again_after_a_failure() -> None:
    double = Doubler()
    double.gate.set()
    with pytest.raises(ValueError, match="poison"):
        await double.ask(-1)
    assert await double.ask(1) == 2


async def test_draining_waits_for_all_that_was_accepted() -> None:
    double = Doubler(most=1)
    calls = await gathered(double, [1, 2])
    draining = asyncio.create_task(double.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    double.gate.set()
    await draining
    assert [call.result() for call in calls] == [2, 4]
    await double.drain()


async def test_nobody_waits_behind_a_flight_that_just_landed() -> None:
    double = Doubler()
    double.gate.set()
    for _ in range(3):
        assert await asyncio.wait_for(double.ask(1), PATIENCE_SECONDS) == 2
        await asyncio.sleep(0)
