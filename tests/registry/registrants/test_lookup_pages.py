"""Pages of registrants: in the order of arrival, one's own unless for the dashboard, with filters."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.caller import Caller
from app.registry.registrants import lookup
from app.registry.registrants.lookup import Filter
from app.registry.registrants.submission import Motorcycle
from app.registry.registrants.view import View
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
DAY = timedelta(days=1)


async def page(
    world: World,
    where: Filter = Filter(),  # noqa: B008 - immutable
    *,
    caller: Caller = HUBDAT,
    after: UUID | None = None,
    first: int = 50,
    everyone: bool = False,
) -> list[View]:
    async with world.database.transaction() as session:
        return await lookup.page(session, world.vault, caller, where, after=after, first=first, everyone=everyone)


async def test_one_more_than_asked_for_shows_the_next_page(world: World) -> None:
    route = await world.route()
    booked = [one.view for one in await world.submit(*(someone(HUBDAT, route, number) for number in range(5)))]
    assert await page(world) == booked
    assert await page(world, first=2) == booked[:3]
    assert await page(world, first=2, after=booked[1].id) == booked[2:5]
    assert await page(world, first=2, after=booked[3].id) == booked[4:]
    assert await page(world, after=booked[4].id) == []


async def test_ones_own_unless_for_the_dashboard(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), 1))
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 2))
    await world.registered(someone(BUMN, await world.route("Bus", organizer="bumn-satu"), 3))

    async def seen(caller: Caller, *, everyone: bool = False) -> list[tuple[str, bool]]:
        return [(one.organizer, one.own) for one in await page(world, caller=caller, everyone=everyone)]

    assert await seen(HUBDAT) == [("hubdat", True)]
    assert await seen(DJKA) == [("djka", True)]
    assert await seen(JASA_RAHARJA) == [("bumn-satu", True)]
    assert await seen(HUBDAT, everyone=True) == [("hubdat", True), ("djka", False), ("bumn-satu", False)]
    masked = await page(world, everyone=True)
    assert [one.name for one in masked] == ["Warga Contoh", "***", "***"]
    assert await page(world, Filter(organizer="djka")) == []


@pytest.fixture
async def mixed(world: World) -> dict[str, UUID]:
    """One of each kind, by name."""
    mudik, balik = await world.route(), await world.way_back()
    deck = await world.route("Motis", service="MOTORCYCLE")
    pair = await world.accepted(someone(HUBDAT, mudik, 1, return_route_id=balik, registered_at=NOW - 2 * DAY))
    loaded = await world.registered(someone(HUBDAT, deck, 2, motorcycle=Motorcycle("B 1", "1"), reference="BK-1"))
    verified = await world.verified(someone(HUBDAT, mudik, 3, registered_at=NOW - DAY))
    theirs = await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 4, reference="BK-1"))
    assert pair.return_view is not None
    return {
        "home": pair.view.id,
        "back": pair.return_view.id,
        "loaded": loaded.id,
        "verified": verified.id,
        "theirs": theirs.id,
    }


@pytest.mark.parametrize(
    ("where", "everyone", "names"),
    [
        ({}, False, "home back loaded verified"),
        ({}, True, "home back loaded verified theirs"),
        ({"organizer": "djka"}, True, "theirs"),
        ({"organizer": "hubdat"}, True, "home back loaded verified"),
        ({"direction": "BALIK"}, False, "back"),
        ({"direction": "MUDIK"}, False, "home loaded verified"),
        ({"service": "MOTORCYCLE"}, False, "loaded"),
        ({"service": "PASSENGER", "direction": "MUDIK"}, False, "home verified"),
        ({"statuses": ("VERIFIED", "CANCELLED")}, False, "verified"),
        ({"statuses": ()}, False, ""),
        ({"registered_from": NOW - DAY}, False, "loaded verified"),
        ({"registered_to": NOW - DAY}, False, "home back"),
        ({"registered_from": NOW - DAY, "registered_to": NOW}, False, "verified"),
        ({"verify_before": NOW + 6 * DAY}, False, "home back"),
        ({"verify_before": NOW + 30 * DAY}, True, "home back loaded"),
        ({"reference": "BK-1"}, False, "loaded"),
        ({"reference": "BK-1"}, True, "loaded"),
        ({"season": 2026}, False, "home back loaded verified"),
        ({"season": 2025}, True, ""),
    ],
)
async def test_filters(world: World, mixed: dict[str, UUID], where: dict[str, Any], everyone: bool, names: str) -> None:
    found = [one.id for one in await page(world, Filter(**where), everyone=everyone)]
    by_id = {registrant: name for name, registrant in mixed.items()}
    assert " ".join(by_id[one] for one in found) == names


async def test_a_filter_on_a_route(world: World, mixed: dict[str, UUID]) -> None:
    found = await page(world, Filter(route_id=world.routes["Motis"]))
    assert [one.id for one in found] == [mixed["loaded"]]
    assert await page(world, Filter(route_id=world.routes["KA"])) == []


async def test_all_seasons_unless_one_is_named(world: World, mixed: dict[str, UUID]) -> None:
    await world.season(2027, date(2027, 4, 30))
    assert len(await page(world)) == 4
    assert await page(world, Filter(season=2027)) == []
