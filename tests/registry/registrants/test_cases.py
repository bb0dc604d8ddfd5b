"""Cases: each refused duplicate opens or joins one; a clearly different name makes it suspect; Hubdat decides."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants import cases
from app.registry.registrants.cases import Case, Claim
from app.registry.registrants.submission import Accepted, Motorcycle
from tests.world import BUMN, DJKA, DKI, HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

LATER = NOW + timedelta(hours=1)
SULASTRI, BAMBANG = "Sulastri Wulandari", "Bambang Prakoso"


@pytest.fixture
async def routes(world: World) -> dict[str, UUID]:
    return {
        caller.organizer: await world.route(caller.organizer, organizer=caller.organizer)
        for caller in (HUBDAT, DJKA, DKI, BUMN)
    }


async def page(world: World, state: str | None = None, after: UUID | None = None, first: int = 50) -> list[Case]:
    async with world.database.transaction() as session:
        return await cases.page(session, state, after=after, first=first)


async def decide(world: World, case_id: UUID, state: str, reason: str = "Data dicocokkan", now: Any = LATER) -> Any:
    return await world.database.attempt(lambda session: cases.decide(session, HUBDAT, case_id, state, reason, now))


async def test_refused_duplicates_open_a_case_and_join_it(world: World, routes: dict[str, UUID]) -> None:
    holder = await world.registered(someone(HUBDAT, routes["hubdat"]))
    await world.submit(someone(DJKA, routes["djka"]))
    await world.submit(someone(DKI, routes["dishub-dki"]), someone(DJKA, routes["djka"]), now=LATER)
    [case] = await page(world)
    assert case == Case(
        id=case.id,
        season=2026,
        direction="MUDIK",
        service="PASSENGER",
        state="OPEN",
        suspect=False,
        holder="hubdat",
        claims=(Claim("djka", 2, NOW, LATER), Claim("dishub-dki", 1, LATER, LATER)),
        opened_at=NOW,
        decided_at=None,
        decided_by=None,
        reason=None,
    )
    told = await world.changes("kind, season, organizer_code, registrant_id, client_id, facts")
    assert told[1:] == [
        (
            "DUPLICATE_REFUSED",
            2026,
            "hubdat",
            holder.id,
            f"{claimant}-test",
            {"case": str(case.id), "claimant": claimant, "suspect": False},
        )
        for claimant in ("djka", "dishub-dki", "djka")
    ]


async def test_a_repeated_claim_in_one_batch_counts_each_time(world: World, routes: dict[str, UUID]) -> None:
    first, *refused = await world.submit(someone(HUBDAT, routes["hubdat"]), *[someone(DJKA, routes["djka"])] * 3)
    assert isinstance(first, Accepted)
    assert {one.code for one in refused} == {"NIK_ALREADY_REGISTERED"}
    [case] = await page(world)
    assert case.claims == (Claim("djka", 3, NOW, NOW),)


async def test_a_clearly_different_name_is_suspect(world: World, routes: dict[str, UUID]) -> None:
    await world.registered(someone(HUBDAT, routes["hubdat"], name=SULASTRI))
    [refused] = await world.submit(someone(DJKA, routes["djka"], name=BAMBANG))
    assert refused.code == "NIK_ALREADY_REGISTERED"
    await world.submit(someone(DKI, routes["dishub-dki"], name="Sulastri W."))
    [case] = await page(world)
    assert case.suspect
    assert await world.run("SELECT facts ->> 'suspect' FROM change WHERE facts ? 'case' ORDER BY id") == [
        ("true",),
        ("false",),
    ]
    assert await world.count("nik_block") == 0


async def test_a_case_becomes_suspect_when_a_stranger_joins(world: World, routes: dict[str, UUID]) -> None:
    await world.registered(someone(HUBDAT, routes["hubdat"], name=SULASTRI))
    await world.submit(someone(DJKA, routes["djka"], name="SULASTRI WULANDARI, S.Pd"))
    assert [one.suspect for one in await page(world)] == [False]
    await world.submit(someone(DKI, routes["dishub-dki"], name=BAMBANG))
    assert [one.suspect for one in await page(world)] == [True]


@pytest.mark.parametrize(
    ("name", "suspects"), [(BAMBANG, [("MUDIK", "PASSENGER", "djka", 1)]), ("Sulastri", [])], ids=["other", "same"]
)
async def test_what_is_accepted_beside_another_organizers_is_suspected_by_its_name(
    world: World, routes: dict[str, UUID], name: str, suspects: list[Any]
) -> None:
    """The rider's seat is Hubdat's, the motorcycle DJKA's: nothing is refused, only the names differ."""
    holder = await world.registered(someone(HUBDAT, routes["hubdat"], name=SULASTRI))
    deck = await world.route("Motis", organizer="djka", service="MOTORCYCLE")
    await world.registered(someone(DJKA, deck, name=name, motorcycle=Motorcycle("B 1", "1")))
    assert [
        (one.direction, one.service, claim.organizer, claim.attempts)
        for one in await page(world)
        for claim in one.claims
    ] == suspects
    assert await world.run("SELECT registrant_id, organizer_code FROM change WHERE kind = 'DUPLICATE_SUSPECTED'") == (
        [(holder.id, "hubdat")] if suspects else []
    )
    assert await world.count("registrant") == 2
    assert await world.count("nik_block") == 0


async def test_the_same_organizers_own_two_are_no_case(world: World, routes: dict[str, UUID]) -> None:
    await world.registered(someone(HUBDAT, routes["hubdat"], name=SULASTRI))
    deck = await world.route("Motis", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, deck, name=BAMBANG, motorcycle=Motorcycle("B 1", "1")))
    await world.accepted(someone(HUBDAT, routes["hubdat"], name=BAMBANG))
    assert await page(world) == []


async def test_a_new_holder_has_a_case_of_its_own(world: World, routes: dict[str, UUID]) -> None:
    first = await world.registered(someone(HUBDAT, routes["hubdat"]))
    await world.submit(someone(DJKA, routes["djka"]))
    await world.moved(first.id, RegistrantStatus.CANCELLED)
    await world.registered(someone(DJKA, routes["djka"]))
    await world.submit(someone(HUBDAT, routes["hubdat"]))
    assert [(one.holder, [claim.organizer for claim in one.claims]) for one in await page(world)] == [
        ("djka", ["hubdat"]),
        ("hubdat", ["djka"]),
    ]


async def test_pages_show_the_newest_first_and_one_more(world: World, routes: dict[str, UUID]) -> None:
    for number in range(3):
        await world.registered(someone(HUBDAT, routes["hubdat"], number))
        await world.submit(someone(DJKA, routes["djka"], number))
    third, second, first = await page(world)
    assert first.id < second.id < third.id
    assert await page(world, first=1) == [third, second]
    assert await page(world, first=1, after=third.id) == [second, first]
    assert await page(world, first=1, after=first.id) == []
    await decide(world, second.id, "CONFIRMED")
    assert [one.id for one in await page(world, "OPEN")] == [third.id, first.id]
    assert [one.id for one in await page(world, "CONFIRMED")] == [second.id]
    assert await page(world, "NOT_DUPLICATE") == []


@pytest.fixture
async def case(world: World, routes: dict[str, UUID]) -> Case:
    await world.registered(someone(HUBDAT, routes["hubdat"]))
    await world.submit(someone(DJKA, routes["djka"]))
    [opened] = await page(world)
    return opened


@pytest.mark.parametrize("state", ["CONFIRMED", "NOT_DUPLICATE"])
async def test_a_decision_says_who_when_and_why(world: World, case: Case, state: str) -> None:
    async with world.unchanged("registrant", "nik_block", "route", "case_claim"):
        decided = await decide(world, case.id, state, "  Data   dicocokkan ")
    assert (decided.state, decided.decided_at, decided.decided_by, decided.reason) == (
        state,
        LATER,
        "hubdat-test",
        "Data dicocokkan",
    )
    assert [decided] == await page(world)
    assert (await world.changes("kind, season, organizer_code, registrant_id, client_id, reason, facts"))[-1] == (
        "CASE_DECIDED",
        2026,
        "hubdat",
        None,
        "hubdat-test",
        "Data dicocokkan",
        {"case": str(case.id), "state": state, "was": {"state": "OPEN"}},
    )


async def test_the_same_decision_again_changes_nothing(world: World, case: Case) -> None:
    decided = await decide(world, case.id, "CONFIRMED")
    async with world.unchanged():
        assert await decide(world, case.id, "CONFIRMED", now=LATER + timedelta(days=1)) == decided


async def test_a_decision_is_revised_and_never_taken_back(world: World, case: Case) -> None:
    await decide(world, case.id, "CONFIRMED")
    revised = await decide(world, case.id, "NOT_DUPLICATE", "Salah ketik", LATER + timedelta(days=1))
    assert (revised.state, revised.reason, revised.decided_at) == (
        "NOT_DUPLICATE",
        "Salah ketik",
        LATER + timedelta(days=1),
    )
    async with world.unchanged():
        refused = await decide(world, case.id, "OPEN", "Keberatan")
    assert (refused.code, refused.field) == ("INVALID_VALUE", "state")


async def test_a_decided_case_is_joined_without_being_reopened(
    world: World, case: Case, routes: dict[str, UUID]
) -> None:
    await decide(world, case.id, "NOT_DUPLICATE")
    await world.submit(someone(DJKA, routes["djka"]), now=LATER)
    [joined] = await page(world)
    assert (joined.id, joined.state, joined.claims) == (case.id, "NOT_DUPLICATE", (Claim("djka", 2, NOW, LATER),))


async def test_a_decision_needs_a_case_and_a_reason(world: World, case: Case) -> None:
    async with world.unchanged():
        unknown = await decide(world, uuid4(), "CONFIRMED")
        unexplained = await decide(world, case.id, "CONFIRMED", " ")
    assert [(one.code, one.field) for one in (unknown, unexplained)] == [
        ("NOT_FOUND", "id"),
        ("INVALID_VALUE", "reason"),
    ]


async def test_parallel_claims_join_one_case(world: World, routes: dict[str, UUID]) -> None:
    await world.registered(someone(HUBDAT, routes["hubdat"]))
    claims = [someone(DJKA, routes["djka"]), someone(DKI, routes["dishub-dki"]), someone(BUMN, routes["bumn-satu"])]
    await asyncio.gather(*(world.submit(one) for one in claims * 4))
    [case] = await page(world)
    assert {one.organizer: one.attempts for one in case.claims} == {"djka": 4, "dishub-dki": 4, "bumn-satu": 4}
