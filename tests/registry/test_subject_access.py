"""Duties to the person: the access log, the export, the list for a breach notice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import CaseState
from app.registry import case_decisions, subject_access
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.caller import Caller
from app.registry.niks import reads
from app.registry.niks.check import Check
from app.registry.niks.reads import Read
from app.registry.registrants.drafts import Applicant
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Motorcycle
from app.registry.subject_access import Access, Block, ClaimedNik, Holding, RememberedEnd
from tests.registry.rows.records import pushed, state
from tests.world import DJKA, DKI, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


async def accesses(world: World, nik: str, now: datetime) -> Any:
    async with world.database.transaction() as session:
        return await subject_access.accesses(session, world.vault, HUBDAT, nik, now)


async def test_who_looked_at_a_nik_the_newest_first(world: World) -> None:
    await world.check(Check(DJKA, nik_of(1), "BALIK", "PASSENGER"), now=NOW)
    await world.check(Check(DKI, nik_of(1)), Check(DKI, nik_of(2)), Check(HUBDAT, nik_of(1)), now=NOW + HOUR)
    looked = [
        Access(
            at=NOW + HOUR,
            client_id="hubdat-test",
            organizer="hubdat",
            purpose="CHECK",
            what=None,
            direction=None,
            service=None,
            outcome="AVAILABLE",
        ),
        Access(
            at=NOW + HOUR,
            client_id="dishub-dki-test",
            organizer="dishub-dki",
            purpose="CHECK",
            what=None,
            direction=None,
            service=None,
            outcome="AVAILABLE",
        ),
        Access(
            at=NOW,
            client_id="djka-test",
            organizer="djka",
            purpose="CHECK",
            what=None,
            direction="BALIK",
            service="PASSENGER",
            outcome="OUTBOUND_MISSING",
        ),
    ]
    assert await accesses(world, nik_of(1), NOW + 2 * HOUR) == looked
    this_look = Access(
        at=NOW + 2 * HOUR,
        client_id="hubdat-test",
        organizer="hubdat",
        purpose="ACCESS_LOG",
        what=None,
        direction=None,
        service=None,
        outcome=None,
    )
    assert await accesses(world, nik_of(1), NOW + 3 * HOUR) == [this_look, *looked]
    assert await accesses(world, nik_of(3), NOW) == []


async def test_at_most_a_thousand_accesses(world: World) -> None:
    await world.check(*[Check(DJKA, nik_of(1))] * 1001)
    assert len(await accesses(world, nik_of(1), NOW)) == 1000


async def test_an_invalid_nik_has_no_accesses_and_nothing_to_export(world: World) -> None:
    assert (await accesses(world, "1", NOW)).code == "NIK_INVALID"
    async with world.database.transaction() as session:
        refused = await subject_access.export(session, world.vault, HUBDAT, "1", NOW)
    assert not isinstance(refused, Holding)
    assert refused.code == "NIK_INVALID"
    assert await world.count("nik_access") == 0


async def test_all_that_is_held_on_a_nik_unmasked(world: World) -> None:
    ours = await world.registered(someone(HUBDAT, await world.route()))
    deck = await world.route("Motis KA", organizer="djka", service="MOTORCYCLE")
    theirs = await world.registered(someone(DJKA, deck, motorcycle=Motorcycle("B 1", "1"), reference="BK-1"))
    await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 2))
    await world.sweep(NOW + timedelta(days=8))
    await world.check(Check(DKI, nik_of(1)))
    async with world.database.transaction() as session:
        held = await subject_access.export(session, world.vault, HUBDAT, nik_of(1), NOW + HOUR)
    assert isinstance(held, Holding)
    assert [(one.id, one.nik, one.name, one.status) for one in held.registrants] == [
        (ours.id, nik_of(1), "Warga Contoh", "FORFEITED"),
        (theirs.id, nik_of(1), "Warga Contoh", "REGISTERED"),
    ]
    assert (held.registrants[1].reference, held.registrants[1].plate) == ("BK-1", "B 1")
    assert held.blocks == (
        Block(
            reason="Gugur: tidak diverifikasi sampai batas waktu.",
            from_season=2026,
            until_season=2026,
            since=NOW + timedelta(days=8),
            organizer_code="hubdat",
            lifted_at=None,
            lift_reason=None,
        ),
    )
    assert [(one.client_id, one.purpose, one.service, one.outcome) for one in held.accesses] == [
        ("dishub-dki-test", "CHECK", None, "BLOCKED"),
        ("djka-test", "SUBMISSION", "MOTORCYCLE", "AVAILABLE"),
        ("hubdat-test", "SUBMISSION", "PASSENGER", "AVAILABLE"),
    ]
    assert await world.run("SELECT client_id, purpose FROM nik_access ORDER BY id DESC LIMIT 1") == [
        ("hubdat-test", "EXPORT")
    ]


async def test_ends_that_are_remembered_are_held_too(world: World) -> None:
    await pushed(world, state(5, 1, kode_booking="BK-1"), state(5, 2))
    async with world.database.transaction() as session:
        held = await subject_access.export(session, world.vault, HUBDAT, nik_of(1), NOW + HOUR)
    assert isinstance(held, Holding)
    assert held.ends == (
        RememberedEnd(
            organizer="hubdat",
            season=2026,
            direction="MUDIK",
            service="PASSENGER",
            status="CANCELLED",
            reference="BK-1",
            registered_at=datetime(2026, 3, 1, 17, 0, tzinfo=UTC),
            told_at=NOW,
        ),
    )


async def held_on(world: World, number: int) -> Holding:
    async with world.database.transaction() as session:
        held = await subject_access.export(session, world.vault, HUBDAT, nik_of(number), NOW + HOUR)
    assert isinstance(held, Holding)
    return held


async def test_whoever_was_only_refused_is_held_too(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), 1, name="Sulastri Wulandari"))
    theirs = await world.route("KA", organizer="djka")
    for name in ("Bambang Prakoso", "Bambang Prakosa"):
        await world.submit(someone(DJKA, theirs, 1, name=name))
    case = await world.one("SELECT id FROM duplicate_case")
    why = "Keterangan keluarga"
    async with world.database.transaction() as session:
        await case_decisions.decide(
            session, HUBDAT, case, CaseState.NOT_DUPLICATE, why, NOW + HOUR, mistyped_by="hubdat"
        )
    claimed = ClaimedNik(
        organizer="djka",
        holder="hubdat",
        season=2026,
        direction="MUDIK",
        service="PASSENGER",
        name="Bambang Prakosa",
        attempts=2,
        refused=2,
        first_at=NOW,
        last_at=NOW,
        state="NOT_DUPLICATE",
        decided_at=NOW + HOUR,
        reason=why,
    )
    assert (await held_on(world, 1)).claims == (claimed,)
    # The holder gets the right NIK. The name that DJKA brought is that of whoever has the first one.
    ref, given = Ref(nik=nik_of(1)), Correction(reason="Salah ketik", nik=nik_of(2))
    await world.database.attempt(lambda s: corrections.correct(s, world.vault, HUBDAT, ref, given, NOW))
    first, second = await held_on(world, 1), await held_on(world, 2)
    assert (first.registrants, first.claims) == ((), (claimed,))
    assert (len(second.registrants), second.claims) == (1, (replace(claimed, name=None),))


async def test_who_read_a_list_with_the_person_in_it_looked_too(world: World) -> None:
    """By name, or in a list that names nobody; as the applicant of somebody else; in a stream that broke off."""
    route, theirs = await world.route(), await world.route("KA", organizer="djka")
    one, other = [await world.registered(someone(HUBDAT, route, number)) for number in (1, 2)]
    child = await world.registered(someone(DJKA, theirs, 3, booked_by=Applicant(nik_of(1), "Warga Contoh")))

    async def read(what: str, people: dict[UUID, str], caller: Caller = HUBDAT, **how: Any) -> None:
        goes_on = how.pop("goes_on", False)
        async with world.database.transaction() as session:
            told = Read(caller=caller, what=what, people=people, **how)
            await reads.record(session, told, NOW + HOUR, goes_on=goes_on)

    await read("named", {one.id: "hubdat", other.id: "hubdat"})
    await read("another", {other.id: "hubdat"})
    await read("slice", {one.id: "hubdat", other.id: "hubdat"}, is_slice=True, asked={"season": 2026})
    await read("other season", {one.id: "hubdat", other.id: "hubdat"}, is_slice=True, asked={"season": 2025})
    await read("other direction", {one.id: "hubdat", other.id: "hubdat"}, is_slice=True, asked={"direction": "BALIK"})
    await read("behind", {other.id: "hubdat"}, is_slice=True)
    await read("applicant", {child.id: "djka"}, DJKA)
    await read("broken off", {other.id: "hubdat"}, goes_on=True)
    found = await accesses(world, nik_of(1), NOW + 3 * HOUR)
    listed = [access for access in found if access.purpose == "READ"]
    assert sorted((access.purpose, access.what, access.client_id) for access in listed) == [
        ("READ", "applicant", "djka-test"),
        ("READ", "broken off", "hubdat-test"),
        ("READ", "named", "hubdat-test"),
        ("READ", "slice", "hubdat-test"),
    ]
