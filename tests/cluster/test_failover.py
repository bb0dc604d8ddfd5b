"""Machines with the database fail while organizers go on: whatever was acknowledged is there, once, and in order."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests import traffic
from tests.cluster.conftest import Site
from tests.cluster.room import Machine, until
from tests.traffic import Traffic

pytestmark = [pytest.mark.anyio, pytest.mark.cluster]

BACK_WITHIN_SECONDS = 25.0
"""From one acknowledgement to the next: 20 seconds until Patroni gives up a leader, and what comes behind that."""
QUOTA = 100_000
logger = logging.getLogger(__name__)
"""`--log-cli-level=info` shows the figures."""
first_numbers = itertools.count(0, 50_000)


@asynccontextmanager
async def organizers_who_lose_nothing(site: Site, name: str) -> AsyncIterator[Traffic]:
    """Go on while something happens. Afterwards, everything that they know is looked for in the database."""
    pids = [server.process.pid for server in site.servers]
    route = await site.world.route(name, departs_at=None, quota=QUOTA)
    async with traffic.flowing(site.tokens, str(route), next(first_numbers)) as flow:
        yield flow
        await flow.written(10 * traffic.WRITERS)
    journal = flow.journal
    logger.info("%s: %.1f s without an acknowledgement", name, journal.longest_gap())
    assert journal.unforeseen == []
    await traffic.each_is_there_once(site.world, journal, name)
    assert [server.process.pid for server in site.servers if server.process.poll() is None] == pids
    assert journal.longest_gap() < BACK_WITHIN_SECONDS


async def until_led_by_another(site: Site, before: Machine) -> None:
    async def is_led() -> bool:
        leaders = [one["name"] for one in await site.room.members() if one["role"] == "leader"]
        return leaders not in ([], [before.name])

    await until(is_led)


async def test_the_leaders_machine_is_gone(site: Site) -> None:
    leader = await site.room.leader()
    async with organizers_who_lose_nothing(site, "machine gone") as flow:
        leader.kill()
        await until_led_by_another(site, leader)
        await flow.written(10 * traffic.WRITERS)
        leader.start()
        await site.room.until_whole()


@pytest.mark.nightly
async def test_the_leaders_postgres_is_killed(site: Site) -> None:
    leader = await site.room.leader()
    before = leader.postmaster
    async with organizers_who_lose_nothing(site, "PostgreSQL killed") as flow:
        leader.kill_postgres()
        await until(lambda: runs_again(leader, before))
        await flow.written(10 * traffic.WRITERS)
        await site.room.until_whole()


async def runs_again(machine: Machine, before: object) -> bool:
    return machine.postmaster not in {None, before}


@pytest.mark.nightly
async def test_a_switchover(site: Site) -> None:
    leader = await site.room.leader()
    async with organizers_who_lose_nothing(site, "switchover"):
        await site.room.switch_over()
        await until_led_by_another(site, leader)
        await site.room.until_whole()


@pytest.mark.nightly
async def test_the_leader_is_cut_off(site: Site) -> None:
    """Silence: no connection is closed, and none is refused."""
    leader = await site.room.leader()
    async with organizers_who_lose_nothing(site, "leader cut off") as flow:
        leader.cut()
        try:
            await until_led_by_another(site, leader)
            await flow.written(10 * traffic.WRITERS)
        finally:
            leader.mend()
        await site.room.until_whole()
