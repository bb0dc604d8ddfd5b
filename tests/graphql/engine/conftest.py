"""A process whose registry holds three registrants, and the context in which the engine's tests ask."""

from __future__ import annotations

import pytest

from app.auth.bearer import Principal
from app.graphql.context import Context
from app.process import Process, build_process
from tests.world import DJKA, HUBDAT, NOW, World, someone


@pytest.fixture
async def process(world: World) -> Process:
    route = await world.route(quota=9)
    await world.registered(someone(HUBDAT, route))
    await world.verified(someone(HUBDAT, route, 2))
    await world.registered(someone(DJKA, await world.route("Rute DJKA", organizer="djka"), 3))
    return build_process(world.database, world.vault)


def context(process: Process) -> Context:
    return Context(process, Principal(HUBDAT, frozenset({"dashboard:read", "registrants:read"}), NOW), "id", NOW)
