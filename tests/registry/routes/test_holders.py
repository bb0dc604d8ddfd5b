"""A route that people hold: never moved into the past, kept in its cities, and a new time is told to all of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry.caller import Caller
from app.registry.routes import holders, merging, saving, terminal_merging, terminals
from app.registry.routes.route import Route
from app.registry.routes.saving import RouteInput
from app.registry.routes.terminals import Terminal, TerminalInput
from tests.registry.meanwhile import meanwhile
from tests.registry.rows.records import TO_JEBRES, TO_WONOGIRI, pushed, record, state
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
EVERYTHING = ("registrant", "change", "route", "terminal", "quota_release")
DAY = timedelta(days=1)
A_YEAR_EARLY = LEAVES - timedelta(days=365)


async def saved(world: World, route_id: UUID | None, *, caller: Caller = HUBDAT, now: datetime = NOW, **to: Any) -> Any:
    values: dict[str, Any] = {
        "id": route_id,
        "name": "Jakarta - Solo",
        "direction": "MUDIK",
        "service": "PASSENGER",
        "mode": "BUS",
        "origin": "pulo-gebang",
        "destination": "tirtonadi",
        "departs_at": LEAVES,
    }
    given = [RouteInput(**values | to)]
    [verdict] = await world.database.attempt(lambda session: saving.save(session, caller, given, now))
    return verdict


async def not_saved(world: World, route_id: UUID, **to: Any) -> tuple[str, str | None]:
    async with world.unchanged(*EVERYTHING):
        refusal = await saved(world, route_id, **to)
    assert isinstance(refusal, Refusal)
    return refusal.code, refusal.field


# --- the time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [LEAVES, None], ids=["dated", "undated"])
@pytest.mark.parametrize("after", [A_YEAR_EARLY, NOW], ids=["a year early", "now"])
async def test_a_departure_is_never_moved_into_the_past(world: World, before: datetime | None, after: datetime) -> None:
    """Those who were verified would be no-shows within seconds."""
    route = await world.route(departs_at=before)
    one = await world.verified(someone(HUBDAT, route))
    assert await not_saved(world, route, departs_at=after) == ("INVALID_VALUE", "departsAt")
    await world.sweep(NOW + timedelta(minutes=1))
    assert await world.status(one.id) == "VERIFIED"


async def test_nor_is_that_of_a_route_without_anybody(world: World) -> None:
    route = await world.route()
    refusal = await saved(world, route, departs_at=A_YEAR_EARLY)
    assert (refusal.code, refusal.message("id"), refusal.message("en")) == (
        "INVALID_VALUE",
        "Waktu keberangkatan tidak dapat dipindahkan ke masa lalu; periksa tanggalnya.",
        "A departure cannot be moved into the past; check its date.",
    )


async def test_a_time_that_is_over_may_be_put_right(world: World) -> None:
    """To a later one, which makes nobody a no-show who is not already. Not to an earlier one."""
    route = await world.route(departs_at=NOW - 2 * DAY)
    assert await not_saved(world, route, departs_at=NOW - 3 * DAY) == ("INVALID_VALUE", "departsAt")
    for later in (NOW - 2 * DAY, NOW - DAY, LEAVES, None):
        assert (await saved(world, route, departs_at=later)).departs_at == later


async def test_a_new_route_may_have_left_as_long_as_a_list_may_tell_of_its_people(world: World) -> None:
    """Until 72 hours after its day: the longest `newsGraceHours`. Whoever comes now is told that it has left."""
    left = datetime.fromisoformat("2026-02-26T23:00:00+07:00")
    last = datetime.fromisoformat("2026-03-02T00:00:00+07:00")
    async with world.unchanged(*EVERYTHING):
        refused = await saved(world, None, departs_at=left, now=last + timedelta(seconds=1))
    assert (refused.code, refused.field) == ("INVALID_VALUE", "departsAt")
    route = await saved(world, None, departs_at=left, now=last)
    assert isinstance(route, Route)
    [refused] = await world.submit(someone(HUBDAT, route.id))
    assert refused.code == "ROUTE_DEPARTED"


async def test_a_new_time_is_told_to_all_who_hold_the_route(world: World) -> None:
    """Of a member's people on its coordinator's route, the member is told."""
    route = await world.route(organizer="jasa-raharja", quota=9)
    own = await world.registered(someone(JASA_RAHARJA, route, 1))
    verified = await world.verified(someone(JASA_RAHARJA, route, 2, member="bumn-satu"))
    gone = await world.registered(someone(JASA_RAHARJA, route, 3))
    await world.moved(gone.id, S.CANCELLED, JASA_RAHARJA)
    other = await world.registered(someone(HUBDAT, await world.route("Lain"), 4))
    before = await world.count("change")

    later = LEAVES + timedelta(hours=2)
    assert isinstance(await saved(world, route, caller=JASA_RAHARJA, departs_at=later), Route)
    times = {"departs_at": later.isoformat(), "previous": LEAVES.isoformat()}
    columns = "kind, organizer_code, registrant_id, route_id, client_id, facts"
    client = "jasa-raharja-test"
    changes = (await world.changes(columns))[before:]
    assert changes[0][0] == "ROUTE_SAVED"
    assert changes[1:3] == [
        ("REGISTRANT_RESCHEDULED", "jasa-raharja", own.id, route, client, times),
        ("REGISTRANT_RESCHEDULED", "bumn-satu", verified.id, route, client, times),
    ]
    assert sorted(changes[3:]) == [
        ("ROUTE_RESCHEDULED", "bumn-satu", None, route, client, times | {"registrants": 1}),
        ("ROUTE_RESCHEDULED", "jasa-raharja", None, route, client, times | {"registrants": 1}),
    ]
    assert other.id not in {change[2] for change in changes}


async def test_what_keeps_its_time_or_has_nobody_tells_nothing(world: World) -> None:
    route = await world.route()
    await saved(world, route, departs_at=LEAVES + DAY)
    await world.registered(someone(HUBDAT, route))
    await saved(world, route, departs_at=LEAVES + DAY, name="Jakarta - Surakarta")
    assert [kind for (kind,) in await world.changes("kind")] == ["ROUTE_SAVED", "REGISTRANT_MOVED", "ROUTE_SAVED"]


async def test_an_undated_route_gets_its_time(world: World) -> None:
    route = await world.route(departs_at=None)
    await world.registered(someone(HUBDAT, route))
    await saved(world, route)
    assert (await world.changes("kind, facts"))[2] == (
        "REGISTRANT_RESCHEDULED",
        {"departs_at": LEAVES.isoformat(), "previous": None},
    )


async def test_who_comes_before_the_lock_is_told_of_the_new_time(world: World) -> None:
    route = await world.route()

    async def somebody_comes() -> None:
        await world.registered(someone(HUBDAT, route))

    locking = "FROM route WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY"
    with meanwhile(locking, somebody_comes, before=True):
        await saved(world, route, departs_at=LEAVES + DAY)
    assert [kind for (kind,) in await world.changes("kind")] == [
        "REGISTRANT_MOVED",
        "ROUTE_SAVED",
        "REGISTRANT_RESCHEDULED",
        "ROUTE_RESCHEDULED",
    ]


# --- the cities -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [S.REGISTERED, S.VERIFIED, S.DEPARTED, S.NO_SHOW])
@pytest.mark.parametrize(
    ("end", "to"), [("destination", {"destination": "giwangan"}), ("origin", {"origin": "giwangan"})]
)
async def test_a_held_route_keeps_its_cities(
    world: World, status: RegistrantStatus, end: str, to: dict[str, str]
) -> None:
    route = await world.route(departs_at=NOW + DAY)
    one = await world.registered(someone(HUBDAT, route))
    if status != S.REGISTERED:
        await world.moved(one.id, S.VERIFIED)
    if status in {S.DEPARTED, S.NO_SHOW}:
        await world.moved(one.id, status)
    assert await not_saved(world, route, departs_at=NOW + DAY, **to) == ("INVALID_VALUE", end)


async def test_another_terminal_of_the_same_city_is_fine(world: World) -> None:
    route = await world.route()
    await world.registered(someone(HUBDAT, route))
    assert (await saved(world, route, destination="solo-balapan")).destination.code == "solo-balapan"


async def test_who_ended_holds_no_city(world: World) -> None:
    route = await world.route()
    one = await world.registered(someone(HUBDAT, route))
    await world.moved(one.id, S.CANCELLED)
    assert (await saved(world, route, destination="giwangan")).destination.code == "giwangan"


async def test_a_city_that_does_not_exist_is_put_right(world: World) -> None:
    typed = TO_JEBRES | {"kota_tujuan": "Surakrta"}
    [verdict] = await pushed(world, record(1, **typed))
    route = await world.one("SELECT route_id FROM registrant WHERE id = :id", id=verdict.registrant_id)
    assert (await saved(world, route, departs_at=None)).destination.code == "tirtonadi"


async def test_who_comes_before_the_lock_keeps_the_city(world: World) -> None:
    route = await world.route()

    async def somebody_comes() -> None:
        await world.registered(someone(HUBDAT, route))

    with meanwhile(
        "FROM route WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY", somebody_comes, before=True
    ):
        refusal = await saved(world, route, destination="giwangan")
    assert (refusal.code, refusal.field) == ("INVALID_VALUE", "destination")


@pytest.mark.parametrize("held", [True, False])
async def test_a_terminal_keeps_its_city_while_people_hold_a_route_there(world: World, held: bool) -> None:
    route = await world.route()
    if held:
        await world.registered(someone(HUBDAT, route))
    moved = TerminalInput(code="tirtonadi", name="Tirtonadi", city="Kota Yogyakarta")
    renamed = TerminalInput(code="tirtonadi", name="Terminal Tirtonadi", city="Kota Surakarta")
    unused = TerminalInput(code="giwangan", name="Giwangan", city="Kab. Bantul")

    async def save(*inputs: TerminalInput) -> list[Any]:
        return await world.database.attempt(lambda session: terminals.save(session, HUBDAT, inputs, NOW, admin=True))

    first, second, third = await save(moved, renamed, unused)
    assert isinstance(second, Terminal)
    assert isinstance(third, Terminal)
    if held:
        assert (first.code, first.field) == ("INVALID_VALUE", "city")
    else:
        assert first.city == "Kota Yogyakarta"


# --- merges -----------------------------------------------------------------------------------------------------------


async def merged(world: World, one: UUID, into: UUID, now: datetime = NOW) -> Any:
    return await world.database.attempt(lambda session: merging.merge(session, HUBDAT, one, into, now, admin=False))


async def provisional(world: World, *records: dict[str, Any], now: datetime = NOW) -> UUID:
    await pushed(world, *records, now=now)
    [(route_id,)] = await world.run("SELECT id FROM route WHERE provisional")
    found: UUID = route_id
    return found


async def test_nobody_is_merged_into_the_past(world: World) -> None:
    one = await provisional(world, state(2, 1, **TO_JEBRES))
    into = await world.route("Mudik Bersama", departs_at=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=2)
    async with world.unchanged(*EVERYTHING):
        refusal = await merged(world, one, into, later)
    assert (refusal.code, refusal.field) == ("ROUTE_DEPARTED", "into")
    assert refusal.message("en") == "This route left on 2 March 2026 at 10:00 WIB; choose another one."
    assert isinstance(await merged(world, one, into, NOW), Route)


async def test_who_has_departed_is_merged_into_the_route_that_left(world: World) -> None:
    one = await provisional(world, state(3, 1, **TO_JEBRES))
    into = await world.route("Mudik Bersama", departs_at=NOW - timedelta(hours=1))
    assert (await merged(world, one, into)).taken == 1


async def test_nobody_is_merged_into_another_city(world: World) -> None:
    one = await provisional(world, record(1, **TO_WONOGIRI))
    into = await world.route("Mudik Bersama")
    async with world.unchanged(*EVERYTHING):
        refusal = await merged(world, one, into)
    assert (refusal.code, refusal.field) == ("INVALID_VALUE", "into")
    assert refusal.message("id") == (
        "Rute ini sudah punya pemegang kursi, jadi kotanya tetap Kab. Wonogiri. Pindahkan pemegangnya ke rute lain"
        " dahulu."
    )
    await pushed(world, state(5, 1, **TO_WONOGIRI))
    assert isinstance(await merged(world, one, into), Route)


@pytest.mark.parametrize(("city", "refused"), [("Kab. Wonogiri", True), ("Wonogirii", False)])
async def test_a_terminal_is_not_merged_into_another_city(world: World, city: str, refused: bool) -> None:
    route = await provisional(world, record(1, **TO_WONOGIRI | {"kota_tujuan": city}))
    code = await world.one("SELECT destination_code FROM route WHERE id = :id", id=route)
    verdict: Any = await world.database.attempt(
        lambda session: terminal_merging.merge(session, HUBDAT, code, "tirtonadi", NOW, admin=True)
    )
    if refused:
        assert (verdict.code, verdict.field) == ("INVALID_VALUE", "into")
        assert await world.one("SELECT destination_code FROM route WHERE id = :id", id=route) == code
    else:
        assert verdict.code == "tirtonadi"


async def test_of_many_routes_those_that_are_held(world: World) -> None:
    held, free = await world.route(), await world.route("Lain")
    ended = await world.route("Ketiga")
    await world.registered(someone(HUBDAT, held, 1))
    await world.registered(someone(HUBDAT, held, 2))
    await world.moved((await world.registered(someone(HUBDAT, ended, 3))).id, S.CANCELLED)
    async with world.database.transaction() as session:
        assert await holders.among(session, [held, free, ended]) == {held}


# --- routes that have left --------------------------------------------------------------------------------------------


async def test_nobody_is_submitted_to_a_route_that_has_left(world: World) -> None:
    """It is told before anything of the NIK is."""
    left = await world.route(departs_at=NOW)
    theirs = await world.route("KA", organizer="djka")
    await world.registered(someone(DJKA, theirs, 1, name="Orang Lain"))
    async with world.unchanged():
        [held_elsewhere, free] = await world.submit(someone(HUBDAT, left, 1), someone(HUBDAT, left, 2))
    for refused in (held_elsewhere, free):
        assert (refused.code, refused.field) == ("ROUTE_DEPARTED", "routeId")
    assert free.message("id") == "Rute ini sudah berangkat pada 2 Maret 2026 pukul 09.00 WIB; pilih rute lain."
    assert (await world.accepted(someone(HUBDAT, left, 2), NOW - timedelta(seconds=1))).replayed is False


async def test_nor_with_a_way_back_that_has_left(world: World) -> None:
    route, back = await world.route(), await world.way_back(departs_at=NOW - DAY)
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, route, return_route_id=back))
    assert (refused.code, refused.field) == ("ROUTE_DEPARTED", "returnRouteId")


async def test_a_repeat_stays_harmless(world: World) -> None:
    route = await world.route()
    first = await world.registered(someone(HUBDAT, route))
    async with world.unchanged():
        again = await world.accepted(someone(HUBDAT, route), LEAVES + DAY)
    assert (again.replayed, again.view.id) == (True, first.id)


async def test_a_member_is_told_the_same(world: World) -> None:
    route = await world.route(organizer="bumn-satu", departs_at=NOW - DAY)
    async with world.unchanged():
        [refused] = await pushed(world, record(1), caller=BUMN)
    assert (refused.code, refused.column, refused.registrant_id) == ("ROUTE_DEPARTED", "rute_perjalanan", None)
    assert await world.count("route") == 1
    assert route


@pytest.mark.parametrize(
    ("registered", "hours", "taken"),
    [
        ("2026-03-02", 26, True),
        # 12.00 WIB of the next day is over.
        ("2026-03-02", 28, False),
        # After the departure.
        ("2026-03-02 10:30", 2, False),
    ],
)
async def test_a_list_may_tell_later_of_who_registered_before_the_departure(
    world: World, registered: str, hours: int, taken: bool
) -> None:
    """News comes late, people do not: nobody who was reported aboard is turned away."""
    await world.run("UPDATE organizer SET schemes = '{EXCEL}' WHERE code = 'hubdat'")
    await world.route(departs_at=NOW + timedelta(hours=1))
    row = state(3, tanggal_pendaftaran=registered)
    [verdict] = await pushed(world, row, now=NOW + timedelta(hours=hours))
    assert (verdict.result, verdict.code) == (("NEW", None) if taken else ("REFUSED", "ROUTE_DEPARTED"))
    assert await world.count("registrant") == int(taken)


async def test_who_submits_live_is_not_late(world: World) -> None:
    await world.run("UPDATE organizer SET schemes = '{EXCEL}' WHERE code = 'hubdat'")
    route = await world.route(departs_at=NOW)
    [refused] = await world.submit(someone(HUBDAT, route, live=True), now=NOW + timedelta(minutes=1))
    assert refused.code == "ROUTE_DEPARTED"
    assert refused.departs_at == NOW


async def test_the_refusal_tells_the_departure_itself(world: World) -> None:
    await world.run("UPDATE organizer SET schemes = '{EXCEL}' WHERE code = 'hubdat'")
    await world.route(departs_at=NOW + timedelta(hours=1))
    [refused] = await pushed(world, record(1), now=NOW + timedelta(days=3))
    assert (
        refused.message()
        == "rute_perjalanan: Rute ini sudah berangkat pada 2 Maret 2026 pukul 10.00 WIB; pilih rute lain."
    )
