"""Merging a provisional route into the one that it means: registrants, seats and later records, or nothing at all."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry.caller import Caller
from app.registry.routes import finding, merging, quota_releases, saving
from app.registry.routes import route as routes
from app.registry.routes.finding import RouteFilter
from app.registry.routes.route import Route
from app.registry.routes.saving import RouteInput
from tests.registry.rows.records import TO_JEBRES, pushed, record, state, told
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, World, someone

pytestmark = pytest.mark.anyio

EVERYTHING = ("registrant", "change", "route", "terminal", "quota_release")


async def merged(world: World, one: UUID, into: UUID, caller: Caller = HUBDAT, *, admin: bool = False) -> Any:
    return await world.database.attempt(lambda session: merging.merge(session, caller, one, into, NOW, admin=admin))


async def refused(
    world: World, one: UUID, into: UUID, caller: Caller = HUBDAT, *, admin: bool = False
) -> tuple[str, str | None]:
    async with world.unchanged(*EVERYTHING):
        refusal = await merged(world, one, into, caller, admin=admin)
    assert isinstance(refusal, Refusal)
    return refusal.code, refusal.field


async def made(world: World, *records: dict[str, Any], caller: Caller = HUBDAT) -> UUID:
    """The route of `records`, which nobody declared."""
    verdicts = await pushed(world, *records, caller=caller)
    assert {verdict.result for verdict in verdicts} <= {"NEW", "UPDATED"}
    registrant_id = verdicts[0].registrant_id
    route_id: UUID = await world.one("SELECT route_id FROM registrant WHERE id = :id", id=registrant_id)
    return route_id


async def test_everybody_goes_along(world: World) -> None:
    """Whatever their status; who has no seat takes none along."""
    provisional = await made(world, state(1, 1), state(3, 2), state(1, 3), state(5, 3))
    into = await world.route("Mudik Bersama", quota=3)
    first = await world.registered(someone(HUBDAT, into, 9))

    route = await merged(world, provisional, into)
    assert isinstance(route, Route)
    assert (route.id, route.taken, route.remaining, route.provisional) == (into, 3, 0, False)
    assert await world.run("SELECT route_id, status FROM registrant ORDER BY id") == [
        (into, "REGISTERED"),
        (into, "DEPARTED"),
        (into, "CANCELLED"),
        (into, "REGISTERED"),
    ]
    assert await world.run("SELECT taken, merged_into FROM route WHERE id = :id", id=provisional) == [(0, into)]
    ids = list(await world.run("SELECT id, status FROM registrant WHERE id <> :id ORDER BY id", id=first.id))
    columns = "kind, registrant_id, route_id, from_status, to_status, client_id, facts"
    moved = {"from_route": str(provisional)}
    verified = {"DEPARTED"}
    assert (await world.changes(columns))[-5:] == [
        *(
            ("REGISTRANT_REROUTED", one, into, status, status, "hubdat-test", moved | {"verified": status in verified})
            for one, status in ids
        ),
        ("ROUTE_MERGED", None, into, None, None, "hubdat-test", moved),
        ("QUOTA_FILLED", None, into, None, None, None, None),
    ]


async def test_it_is_gone_and_its_spellings_stay(world: World) -> None:
    provisional = await made(world, record(1, **TO_JEBRES))
    into = await world.route("Mudik Bersama", destination="solo-balapan")
    await merged(world, provisional, into)
    async with world.database.transaction() as session:
        page = await finding.page(session, RouteFilter(), after=None, first=9, now=NOW)
        assert await routes.by_ids(session, [provisional], NOW) == [None]
    assert [route.id for route in page] == [into]
    # Another person, another spelling; and the first one is on no other route.
    verdicts = await pushed(
        world,
        record(2, **TO_JEBRES | {"rute_perjalanan": "JAKARTA–JEBRES"}),
        record(1, **TO_JEBRES),
    )
    assert told(verdicts) == [("NEW", None), ("UNCHANGED", None)]
    assert verdicts[1].warnings == ()
    assert await world.one("SELECT count(*) FROM registrant WHERE route_id = :into", into=into) == 2


async def test_who_names_it_by_its_id_names_no_route(world: World) -> None:
    provisional = await made(world, record(1))
    await merged(world, provisional, await world.route("Mudik Bersama"))
    again = RouteInput(
        id=provisional,
        name="X",
        direction="MUDIK",
        service="PASSENGER",
        mode="BUS",
        origin="pulo-gebang",
        destination="tirtonadi",
    )
    async with world.unchanged(*EVERYTHING):
        [submitted] = await world.submit(someone(HUBDAT, provisional, 2))
        [saved] = await world.database.attempt(lambda session: saving.save(session, HUBDAT, [again], NOW))
        released = await world.database.attempt(
            lambda session: quota_releases.release(session, HUBDAT, provisional, 1, None, NOW)
        )
    for refused in (submitted, saved, released):
        assert isinstance(refused, Refusal)
        assert refused.code == "ROUTE_UNKNOWN"


async def test_what_was_merged_may_be_declared_after_all(world: World) -> None:
    provisional = await made(world, record(1))
    await merged(world, provisional, await world.route("Mudik Bersama"))
    declared = await world.route()
    await pushed(world, record(2))
    assert await world.one("SELECT taken FROM route WHERE id = :id", id=declared) == 1


async def test_provisional_ones_meet_and_then_go_on_together(world: World) -> None:
    one = await made(world, record(1, **TO_JEBRES))
    other = await made(world, record(2, **TO_JEBRES | {"rute_perjalanan": "Jkt - Jebres"}))
    await merged(world, one, other)
    into = await world.route("Mudik Bersama")
    await merged(world, other, into)
    assert await world.run("SELECT merged_into FROM route WHERE provisional") == [(into,), (into,)]
    await pushed(world, record(3, **TO_JEBRES))
    assert await world.taken("Mudik Bersama") == 3


async def test_an_empty_one_is_merged_too(world: World) -> None:
    provisional = await made(world, state(1), state(5))
    into = await world.route("Mudik Bersama", quota=0)
    assert isinstance(await merged(world, provisional, into), Route)
    assert await world.taken("Mudik Bersama") == 0
    assert (await world.changes("kind"))[-2:] == [("REGISTRANT_REROUTED",), ("ROUTE_MERGED",)]


async def test_seats_that_do_not_suffice_move_nobody(world: World) -> None:
    provisional = await made(world, record(1), record(2))
    into = await world.route("Mudik Bersama", quota=1)
    assert await refused(world, provisional, into) == ("QUOTA_FULL", "into")
    # A release that is due counts.
    await world.release(into, 1, NOW)
    assert (await merged(world, provisional, into)).remaining == 0


async def test_what_is_refused(world: World) -> None:
    provisional = await made(world, record(1))
    into = await world.route("Mudik Bersama")
    motorcycles = await world.route("Motor", service="MOTORCYCLE")
    await world.season(2025, NOW.date())
    before = await world.route("Tahun lalu", season=2025)
    back = await world.way_back()
    theirs = await world.route("KA", organizer="djka")
    assert await refused(world, uuid4(), into) == ("ROUTE_UNKNOWN", "provisional")
    assert await refused(world, provisional, uuid4()) == ("ROUTE_UNKNOWN", "into")
    assert await refused(world, into, provisional) == ("INVALID_VALUE", "provisional")
    assert await refused(world, provisional, provisional) == ("INVALID_VALUE", "into")
    for other in (motorcycles, before, back):
        assert await refused(world, provisional, other) == ("INVALID_VALUE", "into")
    assert await refused(world, provisional, theirs, admin=True) == ("NOT_YOURS", "into")
    assert await refused(world, provisional, into, DJKA) == ("NOT_YOURS", "provisional")
    await merged(world, provisional, into)
    assert await refused(world, provisional, into) == ("ROUTE_UNKNOWN", "provisional")


async def test_a_closed_season_stays_as_it_is(world: World) -> None:
    provisional = await made(world, record(1))
    into = await world.route("Mudik Bersama")
    await world.close()
    assert await refused(world, provisional, into, admin=True) == ("SEASON_CLOSED", "provisional")


async def test_who_may(world: World) -> None:
    """Its owner, the owner's coordinator, and Hubdat; a member's into its coordinator's."""
    into = await world.route("Mudik Bersama", organizer="jasa-raharja")
    for number, (caller, admin) in enumerate([(BUMN, False), (JASA_RAHARJA, False), (HUBDAT, True)], start=1):
        changes = {"rute_perjalanan": f"Jakarta - Jebres {number}"}
        provisional = await made(world, record(number, **TO_JEBRES | changes), caller=BUMN)
        assert await refused(world, provisional, into, HUBDAT) == ("NOT_YOURS", "provisional")
        assert isinstance(await merged(world, provisional, into, caller, admin=admin), Route)
    assert await world.taken("Mudik Bersama") == 3


async def test_whoever_was_moved_gives_back_a_seat_of_where_he_is(world: World) -> None:
    provisional = await made(world, record(1))
    into = await world.route("Mudik Bersama", quota=1)
    await merged(world, provisional, into)
    [(registrant_id,)] = await world.run("SELECT id FROM registrant")
    await world.moved(registrant_id, RegistrantStatus.CANCELLED)
    assert await world.run("SELECT taken FROM route ORDER BY id") == [(0,), (0,)]
