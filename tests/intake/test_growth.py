"""The growth law of what may be longer than 1,000: 8 times the rows cost at most 10 times as much, by every door.

Of each bulk the CPU of this process is measured, and what PostgreSQL is asked: as many statements for each row.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from app.clock import WIB
from tests.growth import TIMES_THE_INPUT, Request, assert_linear_over_http
from tests.intake.knocking import Doors, opened
from tests.intake.lists import as_csv, in_status, row, sent, worked_off
from tests.registry.rows.records import record
from tests.world import DKI, HUBDAT, NOW, World, someone

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]
"""While coverage traces each line, CPU time says little."""

FILE, ARRAY = 500, 125
"""The smaller size: of a file half a chunk, of an array an eighth of the most."""
NUMBERS = count(1_000, 10_000)
"""Each round brings people whom nobody knows."""


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    await world.route()
    async with opened(world, body_limit=4_000_000) as api:
        await api.token()
        yield api


class Counted:
    """How many statements the longest and the shortest round issued."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.issued: dict[int, int] = {}

    def round(self, size: int, request: Request) -> Request:
        async def counted() -> None:
            with self.world.statements() as statements:
                await request()
            self.issued[size] = len(statements)

        return counted

    def are_linear(self) -> bool:
        little, much = (self.issued[size] for size in sorted(self.issued))
        return much <= TIMES_THE_INPUT * little


FILES: dict[str, dict[str, Any]] = {
    "registrations": {},
    "dry run": {"dry_run": True},
    "whole list": {"mode": "SNAPSHOT", "changes": "APPLY"},
}
"""By csv: a workbook is read by another process, whose time has a limit of its own (`test_hostile_files.py`)."""


@pytest.mark.parametrize("kind", FILES)
async def test_files(world: World, kind: str) -> None:
    await world.route()
    counted = Counted(world)

    async def prepare(size: int) -> Request:
        first = next(NUMBERS)
        content = as_csv([row(number) for number in range(first, first + size)])
        await sent(world, HUBDAT, content, **FILES[kind])

        async def work() -> None:
            job = await worked_off(world)
            assert (job.state, job.rows_done) == ("DONE", size)

        return counted.round(size, work)

    await assert_linear_over_http(prepare, FILE)
    assert counted.are_linear(), counted.issued


@pytest.mark.parametrize("code", [1, 5])
async def test_arrays_of_the_webhook(api: Doors, world: World, code: int) -> None:
    """Of people who are registered, and of people whose end comes before them."""
    counted = Counted(world)

    async def prepare(size: int) -> Request:
        first = next(NUMBERS)
        rows = [record(number, **in_status(code)) for number in range(first, first + size)]

        async def work() -> None:
            answer = await api.send("/webhook/pemudik", rows)
            assert answer.status_code == 200
            assert len(answer.json()["hasil"]) == size

        return counted.round(size, work)

    await assert_linear_over_http(prepare, ARRAY)
    assert counted.are_linear(), counted.issued


async def test_a_day_of_many_registrants(api: Doors, world: World) -> None:
    """The list of a day is made in parts, and each organizer has as many as the round says."""
    counted = Counted(world)
    routes: dict[str, UUID] = {}
    for caller in (HUBDAT, DKI):
        routes[caller.organizer] = await world.route(f"Hari {caller.organizer}", organizer=caller.organizer)

    async def prepare(size: int) -> Request:
        caller = HUBDAT if size == FILE else DKI
        if not counted.issued or size not in counted.issued:
            first = next(NUMBERS)
            many = [someone(caller, routes[caller.organizer], number) for number in range(first, first + size)]
            for start in range(0, size, FILE):
                await world.submit(*many[start : start + FILE])
        day = NOW.astimezone(WIB).date()

        async def work() -> None:
            path = f"/consolidation/{day}"
            answer = await api.send(path, b"", method="GET", organizer=caller.organizer)
            assert answer.json()["standing"] == size

        return counted.round(size, work)

    await assert_linear_over_http(prepare, FILE)
    assert counted.are_linear(), counted.issued
