"""Submission: what is accepted and what is refused, in the order of the rules, and that a refusal changes nothing."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.registry.registrants.submission import Accepted, Motorcycle
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

HONDA = Motorcycle(" b 1234  xyz ", "0012345 ")


async def test_a_person_is_registered(world: World) -> None:
    route = await world.route(quota=2)
    accepted = await world.accepted(someone(HUBDAT, route, reference=" BK-1 ", name=" Warga  Contoh "))
    assert not accepted.replayed
    assert accepted.return_view is None
    assert accepted.warnings == ()
    registered = accepted.view
    assert registered == await world.find(registered.id)
    assert (registered.season, registered.organizer, registered.organizer_name) == (2026, "hubdat", "HUBDAT")
    assert (registered.route_id, registered.direction, registered.service) == (route, "MUDIK", "PASSENGER")
    assert (registered.status, registered.nik, registered.name) == ("REGISTERED", nik_of(1), "Warga Contoh")
    assert (registered.reference, registered.identity_document) == ("BK-1", "KTP")
    assert (registered.registered_at, registered.arrived_at) == (NOW, NOW)
    assert registered.verify_by == datetime(2026, 3, 9, 16, 59, 59, 999999, tzinfo=UTC)
    assert await world.taken() == 1
    assert await world.changes() == [("REGISTRANT_MOVED", None, "REGISTERED", "hubdat-test", None)]
    assert await world.changes("season, organizer_code, registrant_id, route_id, at, facts") == [
        (2026, "hubdat", registered.id, route, NOW, None)
    ]


async def test_nik_and_name_are_stored_sealed(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    [row] = await world.run("SELECT nik_index, nik_sealed, name_sealed, t::text AS whole FROM registrant t")
    assert row.nik_index == world.vault.blind_index(nik_of(1))
    assert world.vault.open_personal(row.nik_sealed) == nik_of(1)
    assert world.vault.open_personal(row.name_sealed) == "Warga Contoh"
    assert nik_of(1) not in row.whole
    assert nik_of(1).encode() not in row.nik_sealed
    assert "Warga" not in row.whole


async def test_a_motorcycle_travels_with_its_papers_beside_its_riders_seat(world: World) -> None:
    seat = await world.route(quota=1)
    deck = await world.route("Motis", service="MOTORCYCLE", quota=1)
    other = await world.route("Motis KA", organizer="djka", service="MOTORCYCLE", quota=1)
    await world.registered(someone(HUBDAT, seat))
    loaded = await world.registered(someone(HUBDAT, deck, motorcycle=HONDA))
    assert (loaded.service, loaded.plate, loaded.registration_number) == ("MOTORCYCLE", "B 1234 XYZ", "0012345")
    await world.registered(someone(HUBDAT, seat, 1))
    await world.registered(someone(DJKA, other, 2, motorcycle=HONDA))
    assert (await world.taken(), await world.taken("Motis"), await world.taken("Motis KA")) == (1, 1, 1)


async def test_a_motorcycle_may_go_with_another_organizer_than_its_rider(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(destination="giwangan")))
    deck = await world.route("Motis KA", organizer="djka", service="MOTORCYCLE")
    await world.registered(someone(DJKA, deck, motorcycle=HONDA))
    assert await world.count("registrant") == 2
    assert await world.count("duplicate_case") == 0


async def test_a_registration_may_arrive_later(world: World) -> None:
    route = await world.route()
    yesterday = NOW - timedelta(days=1)
    registered = await world.registered(someone(HUBDAT, route, registered_at=yesterday))
    assert (registered.registered_at, registered.arrived_at) == (yesterday, NOW)


async def test_clocks_may_differ_by_five_minutes(world: World) -> None:
    route = await world.route()
    soon = NOW + timedelta(minutes=5)
    assert (await world.registered(someone(HUBDAT, route, registered_at=soon))).registered_at == soon
    async with world.unchanged():
        later = soon + timedelta(microseconds=1)
        [refused] = await world.submit(someone(HUBDAT, route, 2, registered_at=later))
    assert (refused.code, refused.field) == ("INVALID_VALUE", "registeredAt")
    assert refused.message("id") == "Waktu ini masih akan datang; periksa tanggal dan jamnya."
    assert refused.message("en") == "This time is in the future; check date and hour."


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"member": "bumn-satu"}, "NOT_YOURS", "member"),
        ({"nik": "320101010190900"}, "NIK_INVALID", "nik"),
        ({"nik": ""}, "NIK_INVALID", "nik"),
        ({"name": "  "}, "INVALID_VALUE", "name"),
        ({"identity_document": None}, "INVALID_VALUE", "identityDocument"),
        ({"identity_document": "PASPOR"}, "INVALID_VALUE", "identityDocument"),
        ({"reference": nik_of(1)}, "INVALID_VALUE", "reference"),
        ({"route_id": None}, "ROUTE_UNKNOWN", "routeId"),
        ({"route_id": uuid4()}, "ROUTE_UNKNOWN", "routeId"),
        ({"return_route_id": uuid4()}, "ROUTE_UNKNOWN", "returnRouteId"),
        ({"motorcycle": HONDA}, "INVALID_VALUE", "motorcycle"),
    ],
)
async def test_what_cannot_be_is_refused(world: World, changes: dict[str, Any], code: str, field: str) -> None:
    route = await world.route()
    async with world.unchanged():
        [refused] = await world.submit(replace(someone(HUBDAT, route), **changes))
    assert (refused.code, refused.field) == (code, field)


async def test_a_feed_does_not_carry_the_identity_document(world: World) -> None:
    one = someone(HUBDAT, await world.route(), identity_document=None, document_required=False)
    assert (await world.registered(one)).identity_document is None


@pytest.mark.parametrize(
    "motorcycle", [None, Motorcycle(" ", "0012345"), Motorcycle("B 1", ""), Motorcycle("B" * 31, "0012345")]
)
async def test_a_motorcycle_needs_its_papers(world: World, motorcycle: Motorcycle | None) -> None:
    deck = await world.route("Motis", service="MOTORCYCLE")
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, deck, motorcycle=motorcycle))
    assert (refused.code, refused.field) == ("MOTORCYCLE_REQUIRED", "motorcycle")


async def test_a_motorcycle_goes_to_its_riders_city(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    elsewhere = await world.route("Motis Yogya", service="MOTORCYCLE", destination="giwangan")
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, elsewhere, motorcycle=HONDA))
    assert (refused.code, refused.field, refused.city) == ("DESTINATION_MISMATCH", "routeId", "Kota Surakarta")
    alias = await world.route("Motis Solo", service="MOTORCYCLE", destination="solo-balapan")
    await world.registered(someone(HUBDAT, alias, motorcycle=HONDA))


async def test_a_rider_goes_to_its_motorcycles_city(world: World) -> None:
    deck = await world.route("Motis", service="MOTORCYCLE", destination="giwangan")
    await world.registered(someone(HUBDAT, deck, motorcycle=HONDA))
    seat = await world.route()
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, seat))
    assert (refused.code, refused.city) == ("DESTINATION_MISMATCH", "Kota Yogyakarta")


async def test_another_organizers_route_is_not_ours(world: World) -> None:
    route = await world.route("KA", organizer="djka")
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, route))
    assert (refused.code, refused.field) == ("NOT_YOURS", "routeId")


async def test_a_coordinator_submits_for_its_member(world: World) -> None:
    members = await world.route("Bus BUMN", organizer="bumn-satu")
    coordinators = await world.route("Bus Jasa Raharja", organizer="jasa-raharja")
    first = await world.registered(someone(JASA_RAHARJA, members, 1, member="bumn-satu"))
    second = await world.registered(someone(JASA_RAHARJA, coordinators, 2, member="bumn-satu"))
    third = await world.registered(someone(JASA_RAHARJA, coordinators, 3))
    fourth = await world.registered(someone(JASA_RAHARJA, members, 4, member="bumn-satu"))
    assert [one.organizer for one in (first, second, third, fourth)] == [
        "bumn-satu",
        "bumn-satu",
        "jasa-raharja",
        "bumn-satu",
    ]
    assert {one.own for one in (first, second, third, fourth)} == {True}
    assert await world.changes("organizer_code, client_id") == [
        ("bumn-satu", "jasa-raharja-test"),
        ("bumn-satu", "jasa-raharja-test"),
        ("jasa-raharja", "jasa-raharja-test"),
        ("bumn-satu", "jasa-raharja-test"),
    ]


async def test_a_member_is_not_a_coordinator(world: World) -> None:
    members = await world.route("Bus BUMN", organizer="bumn-satu")
    coordinators = await world.route("Bus Jasa Raharja", organizer="jasa-raharja")
    async with world.unchanged():
        refused = await world.submit(
            someone(BUMN, coordinators),
            someone(BUMN, coordinators, member="jasa-raharja"),
            someone(JASA_RAHARJA, members),
            someone(JASA_RAHARJA, members, member="djka"),
        )
    assert [(one.code, one.field) for one in refused] == [
        ("NOT_YOURS", "routeId"),
        ("NOT_YOURS", "member"),
        ("NOT_YOURS", "routeId"),
        ("NOT_YOURS", "member"),
    ]


async def test_only_the_current_season_takes_registrations(world: World) -> None:
    await world.season(2025, date(2025, 5, 5))
    old = await world.route("Tahun lalu", season=2025)
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, old))
    assert (refused.code, refused.field, refused.season) == ("SEASON_CLOSED", "routeId", 2025)


async def test_nothing_is_registered_while_no_season_is_open(world: World) -> None:
    route = await world.route()
    await world.close()
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, route))
    assert (refused.code, refused.season) == ("SEASON_CLOSED", 2026)


async def test_a_blocked_nik_is_refused_by_every_organizer(world: World) -> None:
    ours = await world.route()
    theirs = await world.route("KA", organizer="djka")
    for until in (2026, 2027):
        await world.run(
            """INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code)
               VALUES (gen_random_uuid(), :nik_index, 'Gugur', 2025, :until, :now, 'hubdat')""",
            nik_index=world.vault.blind_index(nik_of(1)),
            until=until,
            now=NOW,
        )
    async with world.unchanged():
        refused = await world.submit(someone(HUBDAT, ours), someone(DJKA, theirs))
    assert [(one.code, one.field, one.until_season) for one in refused] == [("NIK_BLOCKED", "nik", 2027)] * 2


async def test_a_nik_belongs_to_the_first_to_arrive(world: World) -> None:
    ours = await world.route()
    theirs = await world.route("KA", organizer="djka")
    late_evening = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
    await world.registered(someone(HUBDAT, ours, registered_at=late_evening))
    async with world.unchanged("registrant", "route", "nik_block"):
        [refused] = await world.submit(someone(DJKA, theirs))
    assert (refused.code, refused.field) == ("NIK_ALREADY_REGISTERED", "nik")
    standing = refused.standing
    assert (standing.organizer, standing.organizer_name, standing.own) == ("hubdat", "HUBDAT", False)
    assert (standing.direction, standing.service, standing.status) == ("MUDIK", "PASSENGER", "REGISTERED")
    assert standing.registered_on == date(2026, 3, 2)
    assert await world.run("SELECT state, suspect FROM duplicate_case") == [("OPEN", False)]
    assert await world.run("SELECT organizer_code, attempts FROM case_claim") == [("djka", 1)]
    assert (await world.changes("kind, organizer_code, client_id"))[1:] == [
        ("DUPLICATE_REFUSED", "hubdat", "djka-test")
    ]


async def test_a_coordinator_learns_that_its_member_has_the_nik(world: World) -> None:
    await world.registered(someone(BUMN, await world.route("Bus BUMN", organizer="bumn-satu")))
    [refused] = await world.submit(someone(JASA_RAHARJA, await world.route("Bus", organizer="jasa-raharja")))
    assert refused.code == "NIK_ALREADY_REGISTERED"
    assert (refused.standing.organizer, refused.standing.own) == ("bumn-satu", True)


@pytest.mark.parametrize(
    ("status", "facts", "free"),
    [
        ("VERIFIED", {"verified_at": NOW}, False),
        ("DEPARTED", {"verified_at": NOW, "departed_at": NOW, "healthy": True}, False),
        ("NO_SHOW", {"verified_at": NOW}, False),
        ("CANCELLED", {}, True),
        ("FORFEITED", {}, True),
    ],
)
async def test_what_holds_the_nik(world: World, status: str, facts: dict[str, Any], free: bool) -> None:
    first = await world.registered(someone(HUBDAT, await world.route()))
    await world.put(first.id, status=status, **facts)
    [verdict] = await world.submit(someone(DJKA, await world.route("KA", organizer="djka")))
    assert isinstance(verdict, Accepted) is free
    assert free or verdict.standing.status == status


async def test_a_full_route_has_no_seat_left(world: World) -> None:
    route = await world.route(quota=1)
    await world.registered(someone(HUBDAT, route, 1))
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, route, 2))
    assert (refused.code, refused.field) == ("QUOTA_FULL", "routeId")


async def test_rules_are_judged_in_their_order(world: World) -> None:
    """Too early, full, blocked, held by another and without an outbound at once: each cure shows the next refusal."""
    theirs = await world.way_back("KA balik", organizer="djka")
    first = await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 1))
    held = await world.registered(someone(DJKA, theirs, 1))
    back = await world.way_back(quota=0)
    await world.policy("hubdat")
    await world.window("hubdat", NOW + timedelta(hours=1))
    await world.run(
        """INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code)
           VALUES (gen_random_uuid(), :nik_index, 'Gugur', 2026, 2026, :now, 'hubdat')""",
        nik_index=world.vault.blind_index(nik_of(1)),
        now=NOW,
    )
    verdicts = []
    for cure in (
        "SELECT 1",
        "UPDATE registration_window SET opens_at = '2026-02-01' WHERE organizer_code = 'hubdat'",
        "UPDATE route SET quota = 1 WHERE organizer_code = 'hubdat'",
        "UPDATE nik_block SET lifted_at = now()",
        f"UPDATE registrant SET status = 'CANCELLED' WHERE id IN ('{held.id}', '{first.id}')",
        "UPDATE policy SET return_requires_outbound = false",
    ):
        await world.run(cure)
        [verdict] = await world.submit(someone(HUBDAT, back))
        verdicts.append("ACCEPTED" if isinstance(verdict, Accepted) else verdict.code)
    assert verdicts == [
        "REGISTRATION_CLOSED",
        "QUOTA_FULL",
        "NIK_BLOCKED",
        "NIK_ALREADY_REGISTERED",
        "RETURN_WITHOUT_OUTBOUND",
        "ACCEPTED",
    ]


async def test_no_refusal_tells_a_nik_or_a_name(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), name="Sulastri Wulandari"))
    theirs = await world.route("KA", organizer="djka")
    refused = await world.submit(someone(DJKA, theirs), someone(DJKA, theirs, nik=nik_of(1)[:-1]), someone(DKI, theirs))
    for one in refused:
        told = f"{one!r} {one} {asdict(one)} {one.message('id')} {one.message('en')}"
        assert nik_of(1)[:15] not in told
        assert "Sulastri" not in told
