"""What arrives together, and is allowed: each document that was never read takes a step of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import orjson
import pytest

from tests.growth import TRIES
from tests.hostile import driving
from tests.hostile.conftest import Target
from tests.hostile.sending import GRAPHQL_PATH, JSON, Sent, document, graphql, socket, subscribed
from tests.steps import stepping

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]
"""While coverage traces each line, CPU time says little."""

TOGETHER = 20
MOST_TIMES_ONE = 3
"""The longest step, beside that of one document alone. Before documents had steps of their own: 20 times as long."""
FIELDS = " ".join(f"o{number}: organizer {{ a: code b: name }}" for number in range(200))
UNREAD = f"{{ me {{ {FIELDS} }} }}"
MEASURED = f"query ($n: Int!) {{ me {{ {FIELDS} }} registrants(first: $n) {{ nodes {{ id }} }} }}"


async def longest_step(target: Target, sent: Sequence[Sent]) -> float:
    async with stepping() as turns:
        told = await asyncio.gather(*(driving.told(target.application, one, target.token) for one in sent))
    assert set(told) <= {"200", "next"}, told
    return max(turns)


async def are_as_short(target: Target, together: Callable[[], Sequence[Sent]], alone: float) -> bool:
    """Something else may make a step longer, such as the garbage collector. What is one step is so each time."""
    for _ in range(TRIES):
        if await longest_step(target, together()) <= MOST_TIMES_ONE * alone:
            return True
    return False


def by_http(count: int) -> list[Sent]:
    return [graphql(UNREAD) for _ in range(count)]


def by_one_socket(count: int) -> list[Sent]:
    return [socket(*(subscribed(UNREAD, name=str(number)) for number in range(count)))]


@pytest.mark.parametrize("made", [by_http, by_one_socket])
async def test_documents_that_arrive_together_are_read_one_after_the_other(
    target: Target, made: Callable[[int], list[Sent]]
) -> None:
    # The first one ever meets what is made once.
    await longest_step(target, made(1))
    alone = max([await longest_step(target, made(1)) for _ in range(3)])
    assert await are_as_short(target, lambda: made(TOGETHER), alone)


async def test_so_are_known_ones_that_are_measured_with_the_variables_of_each_request(target: Target) -> None:
    body = orjson.dumps({"query": document(MEASURED), "variables": {"n": 1}})
    one = Sent(GRAPHQL_PATH, body, headers={"content-type": JSON})
    # The text is known from the first request on.
    await longest_step(target, [one])
    alone = max([await longest_step(target, [one]) for _ in range(3)])
    assert await are_as_short(target, lambda: [one] * TOGETHER, alone)
