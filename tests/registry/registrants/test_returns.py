"""Return pairing: the trip back needs its trip home, leaves from that trip's destination, and never outlives it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.errors import Raced
from app.models.enums import RegistrantStatus
from app.registry.registrants import returns
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.registrants.returns import Outbound
from app.registry.registrants.submission import Accepted, Motorcycle
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

HONDA = Motorcycle("B 1", "1")
S = RegistrantStatus


async def test_both_ways_are_booked_in_one_stroke(world: World) -> None:
    mudik, balik = await world.route(quota=1), await world.way_back(quota=1)
    accepted = await world.accepted(someone(HUBDAT, mudik, return_route_id=balik, reference="BK-1"))
    assert not accepted.replayed
    home, back = accepted.view, accepted.return_view
    assert back is not None
    assert (home.direction, back.direction) == ("MUDIK", "BALIK")
    assert (home.outbound_id, back.outbound_id) == (None, home.id)
    assert (home.reference, back.reference) == ("BK-1", "BK-1")
    assert [await world.find(home.id), await world.find(back.id)] == [home, back]
    assert (await world.taken(), await world.taken("Solo - Jakarta")) == (1, 1)
    assert await world.changes("kind, registrant_id, route_id") == [
        ("REGISTRANT_MOVED", home.id, mudik),
        ("REGISTRANT_MOVED", back.id, balik),
        ("QUOTA_FILLED", None, mudik),
        ("QUOTA_FILLED", None, balik),
    ]


async def test_both_ways_or_neither(world: World) -> None:
    mudik = await world.route(quota=1)
    full = await world.way_back("Penuh", quota=0)
    elsewhere = await world.way_back("Dari Yogya", origin="giwangan")
    theirs = await world.way_back("KA", organizer="djka")
    async with world.unchanged():
        verdicts = await world.submit(
            *(someone(HUBDAT, mudik, return_route_id=back) for back in (full, elsewhere, theirs))
        )
    assert [(one.code, one.field) for one in verdicts] == [
        ("QUOTA_FULL", "returnRouteId"),
        ("RETURN_CITY_MISMATCH", "returnRouteId"),
        ("NOT_YOURS", "returnRouteId"),
    ]
    assert verdicts[1].city == "Kota Surakarta"


async def test_neither_when_the_way_home_is_full(world: World) -> None:
    mudik, balik = await world.route(quota=0), await world.way_back(quota=1)
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, mudik, return_route_id=balik))
    assert (refused.code, refused.field) == ("QUOTA_FULL", "routeId")


async def test_a_pair_is_a_way_home_and_the_way_back_of_one_service(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    deck = await world.way_back("Motis balik", service="MOTORCYCLE")
    async with world.unchanged():
        verdicts = await world.submit(
            someone(HUBDAT, mudik, return_route_id=mudik),
            someone(HUBDAT, mudik, return_route_id=deck),
        )
    assert [(one.code, one.field) for one in verdicts] == [("INVALID_VALUE", "returnRouteId")] * 2
    assert (
        verdicts[0].message("id") == "Rute pulang harus arus balik, rute utamanya arus mudik, dengan layanan yang sama."
    )
    assert verdicts[0].message("en") == "A return route must be BALIK, beside a MUDIK route of the same service."
    home = await world.registered(someone(HUBDAT, mudik))
    back = await world.registered(someone(HUBDAT, balik))
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, balik, return_route_id=balik))
    assert (refused.code, refused.field) == ("INVALID_VALUE", "returnRouteId")
    assert back.outbound_id == home.id


async def test_a_repeated_pair_is_replayed(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    pair = someone(HUBDAT, mudik, return_route_id=balik)
    first = await world.accepted(pair)
    async with world.unchanged():
        again = await world.accepted(pair, NOW + timedelta(days=1))
    assert (again.replayed, again.view, again.return_view) == (True, first.view, first.return_view)


async def test_a_pair_repeated_in_its_batch_is_replayed(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    pair = someone(HUBDAT, mudik, return_route_id=balik)
    first, again = await world.submit(pair, pair)
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.view, again.return_view) == (first.view, first.return_view)
    assert await world.count("registrant") == 2


async def test_a_way_back_is_added_to_what_stands(world: World) -> None:
    mudik, balik = await world.route(quota=1), await world.way_back()
    home = await world.registered(someone(HUBDAT, mudik))
    accepted = await world.accepted(someone(HUBDAT, mudik, return_route_id=balik))
    assert not accepted.replayed
    assert accepted.view == home
    assert accepted.return_view is not None
    assert accepted.return_view.outbound_id == home.id
    assert await world.taken() == 1


async def test_a_return_of_its_own_finds_its_outbound(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back(origin="solo-balapan")
    home = await world.registered(someone(HUBDAT, mudik))
    back = await world.registered(someone(HUBDAT, balik))
    assert back.outbound_id == home.id


async def test_a_return_in_the_same_batch_finds_its_outbound(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    early, home, back = await world.submit(
        someone(HUBDAT, balik, 1), someone(HUBDAT, mudik, 1), someone(HUBDAT, balik, 1)
    )
    assert early.code == "RETURN_WITHOUT_OUTBOUND"
    assert back.view.outbound_id == home.view.id


async def test_a_motorcycles_return_needs_the_motorcycles_outbound(world: World) -> None:
    deck = await world.route("Motis", service="MOTORCYCLE")
    deck_back = await world.way_back("Motis balik", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, await world.route()))
    one = someone(HUBDAT, deck_back, motorcycle=HONDA)
    async with world.unchanged():
        [refused] = await world.submit(one)
    assert refused.code == "RETURN_WITHOUT_OUTBOUND"
    home = await world.registered(someone(HUBDAT, deck, motorcycle=HONDA))
    assert (await world.registered(one)).outbound_id == home.id


async def test_without_an_outbound_there_is_no_return(world: World) -> None:
    balik = await world.way_back()
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, balik))
    assert (refused.code, refused.field, refused.same_day) == ("RETURN_WITHOUT_OUTBOUND", "routeId", False)


async def test_another_organizers_outbound_is_not_ours(world: World) -> None:
    balik = await world.way_back()
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka")))
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, balik))
    assert refused.code == "RETURN_WITHOUT_OUTBOUND"


@pytest.mark.parametrize(
    ("status", "facts", "stands"),
    [
        ("VERIFIED", {"verified_at": NOW}, True),
        ("DEPARTED", {"verified_at": NOW, "departed_at": NOW, "healthy": True}, True),
        ("NO_SHOW", {"verified_at": NOW}, False),
        ("CANCELLED", {}, False),
        ("FORFEITED", {}, False),
    ],
)
async def test_only_an_outbound_that_stands_will_do(
    world: World, status: str, facts: dict[str, Any], stands: bool
) -> None:
    home = await world.registered(someone(HUBDAT, await world.route()))
    await world.put(home.id, status=status, **facts)
    [verdict] = await world.submit(someone(HUBDAT, await world.way_back()))
    assert isinstance(verdict, Accepted) is stands
    assert stands or verdict.code == "RETURN_WITHOUT_OUTBOUND"


async def test_it_leaves_from_the_outbounds_destination(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    elsewhere = await world.way_back("Dari Yogya", origin="giwangan")
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, elsewhere))
    assert (refused.code, refused.field, refused.city) == ("RETURN_CITY_MISMATCH", "routeId", "Kota Surakarta")


async def test_on_the_same_day_in_jakarta_where_the_policy_says_so(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    before_midnight = datetime(2026, 3, 1, 16, 59, tzinfo=UTC)
    await world.registered(someone(HUBDAT, mudik, registered_at=before_midnight))
    async with world.unchanged():
        late = before_midnight + timedelta(minutes=1)
        [refused] = await world.submit(someone(HUBDAT, balik, registered_at=late))
    assert (refused.code, refused.same_day) == ("RETURN_WITHOUT_OUTBOUND", True)
    early = before_midnight - timedelta(hours=23)
    assert (await world.registered(someone(HUBDAT, balik, registered_at=early))).direction == "BALIK"


async def test_on_any_day_elsewhere(world: World) -> None:
    mudik, balik = await world.route(organizer="djka"), await world.way_back(organizer="djka")
    await world.registered(someone(DJKA, mudik, registered_at=NOW - timedelta(days=5)))
    assert (await world.registered(someone(DJKA, balik))).direction == "BALIK"


async def test_a_policy_may_do_without_an_outbound(world: World) -> None:
    await world.policy("hubdat", return_requires_outbound=False, return_same_day=True)
    balik, elsewhere = await world.way_back(), await world.way_back("Dari Yogya", origin="giwangan")
    alone = await world.registered(someone(HUBDAT, balik, 1))
    assert alone.outbound_id is None
    mudik = await world.route()
    homes = await world.submit(someone(HUBDAT, mudik, 2), someone(HUBDAT, mudik, 3))
    paired = await world.registered(someone(HUBDAT, balik, 2, registered_at=NOW - timedelta(days=2)))
    assert paired.outbound_id == homes[0].view.id
    unpaired = await world.registered(someone(HUBDAT, elsewhere, 3))
    assert unpaired.outbound_id is None


@pytest.mark.parametrize(("verified", "to"), [(False, S.CANCELLED), (True, S.CANCELLED), (False, S.FORFEITED)], ids=str)
async def test_a_return_ends_with_its_outbound(world: World, verified: bool, to: RegistrantStatus) -> None:
    mudik, balik = await world.route(quota=1), await world.way_back(quota=1)
    pair = await world.accepted(someone(HUBDAT, mudik, return_route_id=balik))
    home, back = pair.view, pair.return_view
    assert back is not None
    if verified:
        await world.moved(home.id, S.VERIFIED)
    await world.moved(home.id, to)
    assert (await world.status(home.id), await world.status(back.id)) == (to, to)
    assert (await world.taken(), await world.taken("Solo - Jakarta")) == (0, 0)
    told = await world.changes("registrant_id, from_status, to_status, reason")
    was = "VERIFIED" if verified else "REGISTERED"
    assert (back.id, was, to, "Arus mudiknya berakhir.") in told
    assert await world.count("nik_block") == (1 if to == S.FORFEITED else 0)


async def test_a_departed_return_stays_when_its_outbound_ends(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    pair = await world.accepted(someone(HUBDAT, mudik, return_route_id=balik))
    assert pair.return_view is not None
    await world.moved(pair.return_view.id, S.VERIFIED)
    await world.moved(pair.return_view.id, S.DEPARTED)
    await world.moved(pair.view.id, S.CANCELLED)
    assert await world.status(pair.return_view.id) == "DEPARTED"


async def test_an_outbound_stays_when_its_return_ends(world: World) -> None:
    mudik, balik = await world.route(), await world.way_back()
    pair = await world.accepted(someone(HUBDAT, mudik, return_route_id=balik))
    assert pair.return_view is not None
    await world.moved(pair.return_view.id, S.CANCELLED)
    assert await world.status(pair.view.id) == "REGISTERED"
    again = await world.accepted(someone(HUBDAT, mudik, return_route_id=balik))
    assert again.return_view is not None
    assert again.return_view.id != pair.return_view.id
    await world.moved(pair.view.id, S.CANCELLED)
    assert await world.status(again.return_view.id) == "CANCELLED"


async def test_an_outbound_that_is_no_longer_as_it_was_judged_is_a_lost_race(world: World) -> None:
    home = await world.registered(someone(HUBDAT, await world.route()))
    index = world.vault.blind_index(nik_of(1))
    judged = Outbound(home.id, index, home.route_id, "REGISTERED", home.verify_by, home.forfeits_at)

    async def keep(outbound: Outbound) -> None:
        async with world.database.transaction() as session:
            await returns.keep_outbounds(session, [outbound])

    await keep(judged)
    for other in (
        judged._replace(nik_index=world.vault.blind_index(nik_of(2))),
        judged._replace(route_id=uuid4()),
        judged._replace(status="VERIFIED"),
        judged._replace(verify_by=NOW),
        judged._replace(forfeits_at=None),
    ):
        with pytest.raises(Raced):
            await keep(other)
    await world.moved(home.id, S.CANCELLED)
    with pytest.raises(Raced):
        await keep(judged)


async def test_a_return_never_outlives_its_outbound(world: World) -> None:
    """Cancellations of outbounds and bookings of their returns, at once."""
    mudik, balik = await world.route(), await world.way_back()
    homes = await world.submit(*(someone(HUBDAT, mudik, number) for number in range(20)))
    cancel = [world.move(Move(caller=HUBDAT, ref=Ref(id=one.view.id), to=S.CANCELLED, reason="Batal")) for one in homes]
    book = [world.submit(someone(HUBDAT, balik, number)) for number in range(20)]
    await asyncio.gather(*(one for pair in zip(book, cancel, strict=True) for one in pair))
    assert await world.run("SELECT DISTINCT status FROM registrant") == [("CANCELLED",)]
    assert (await world.taken(), await world.taken("Solo - Jakarta")) == (0, 0)
