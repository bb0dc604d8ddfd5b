"""Cases: each refused duplicate opens or joins one; a clearly different name makes it suspect; Hubdat decides."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.changes.log import closing, projection
from app.changes.log.feed import START, Position
from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry import case_decisions, erasure
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.caller import Caller
from app.registry.registrants import cases, submission
from app.registry.registrants.cases import Case, Claimant
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted, Motorcycle
from tests.patience import patience
from tests.world import BUMN, DJKA, DKI, HUBDAT, NOW, World, nik_of, someone

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


async def decide(
    world: World,
    case_id: UUID,
    state: str,
    reason: str = "Data dicocokkan",
    now: Any = LATER,
    mistyped_by: str | None = None,
) -> Any:
    return await world.database.attempt(
        lambda session: case_decisions.decide(session, HUBDAT, case_id, state, reason, now, mistyped_by=mistyped_by)
    )


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
        holder_id=holder.id,
        was_refused=True,
        mistyped_by=None,
        claimants=(Claimant("djka", 2, NOW, LATER), Claimant("dishub-dki", 1, LATER, LATER)),
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
    assert case.claimants == (Claimant("djka", 3, NOW, NOW),)


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
        for claim in one.claimants
    ] == suspects
    assert await world.run("SELECT registrant_id, organizer_code FROM change WHERE kind = 'DUPLICATE_SUSPECTED'") == (
        [(holder.id, "hubdat")] if suspects else []
    )
    assert await world.count("registrant") == 2
    assert await world.count("nik_block") == 0


@pytest.mark.parametrize("holder", ["hubdat", "djka"])
async def test_what_one_batch_accepts_for_two_organizers_is_suspected_once(
    world: World, routes: dict[str, UUID], holder: str
) -> None:
    deck = await world.route("Motis", organizer="djka", service="MOTORCYCLE")
    both = {
        "hubdat": someone(HUBDAT, routes["hubdat"], name=SULASTRI),
        "djka": someone(DJKA, deck, name=BAMBANG, motorcycle=Motorcycle("B 1", "1")),
    }
    told = await world.submit(both.pop(holder), *both.values())
    assert [isinstance(one, Accepted) for one in told] == [True, True]
    found = await world.run(
        "SELECT c.suspect, r.organizer_code FROM duplicate_case c JOIN registrant r ON r.id = c.holder_id"
    )
    assert [tuple(one) for one in found] == [(True, holder)]


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
    assert [(one.holder, [claim.organizer for claim in one.claimants]) for one in await page(world)] == [
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


@pytest.mark.parametrize(("state", "mistyped"), [("CONFIRMED", {}), ("NOT_DUPLICATE", {"mistyped_by": "djka"})])
async def test_a_decision_says_who_when_and_why(world: World, case: Case, state: str, mistyped: dict[str, str]) -> None:
    async with world.unchanged("registrant", "nik_block", "route", "case_claim"):
        decided = await decide(world, case.id, state, "  Data   dicocokkan ", **mistyped)
    assert (decided.state, decided.decided_at, decided.decided_by, decided.reason) == (
        state,
        LATER,
        "hubdat-test",
        "Data dicocokkan",
    )
    assert [decided] == await page(world)
    told = await world.changes("kind, season, organizer_code, registrant_id, client_id, reason, facts")
    assert next(one for one in told if one[0] == "CASE_DECIDED") == (
        "CASE_DECIDED",
        2026,
        "hubdat",
        None,
        "hubdat-test",
        "Data dicocokkan",
        {"case": str(case.id), "state": state, "was": {"state": "OPEN"}} | mistyped,
    )


async def test_the_same_decision_again_changes_nothing(world: World, case: Case) -> None:
    decided = await decide(world, case.id, "CONFIRMED")
    async with world.unchanged():
        assert await decide(world, case.id, "CONFIRMED", now=LATER + timedelta(days=1)) == decided


async def test_a_decision_is_revised_and_never_taken_back(world: World, case: Case) -> None:
    await decide(world, case.id, "CONFIRMED")
    revised = await decide(
        world, case.id, "NOT_DUPLICATE", "Salah ketik", LATER + timedelta(days=1), mistyped_by="hubdat"
    )
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
    await decide(world, case.id, "NOT_DUPLICATE", mistyped_by="djka")
    await world.submit(someone(DJKA, routes["djka"]), now=LATER)
    [joined] = await page(world)
    assert (joined.id, joined.state, joined.claimants) == (case.id, "NOT_DUPLICATE", (Claimant("djka", 2, NOW, LATER),))


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
    assert {one.organizer: one.attempts for one in case.claimants} == {"djka": 4, "dishub-dki": 4, "bumn-satu": 4}


# --- what comes of a decision -----------------------------------------------------------------------------------------


async def asked(world: World, *organizers: str) -> list[UUID]:
    """The cases in which a correction is asked of one of `organizers`, or of anybody."""
    async with world.database.transaction() as session:
        own = organizers or None
        return [one.id for one in await cases.page(session, None, own, asked=True, after=None, first=50)]


async def disputed(world: World, routes: dict[str, UUID]) -> tuple[UUID, UUID]:
    """A registrant of Hubdat's whose NIK DJKA brought as well, and the case."""
    holder = await world.registered(someone(HUBDAT, routes["hubdat"], name=SULASTRI))
    await world.submit(someone(DJKA, routes["djka"], name=BAMBANG))
    [case] = await page(world)
    return holder.id, case.id


async def correct(world: World, registrant: UUID, caller: Caller, now: Any = LATER) -> None:
    right = Correction(reason="Salah ketik", nik=nik_of(7))
    await world.database.attempt(
        lambda session: corrections.correct(session, world.vault, caller, Ref(id=registrant), right, now)
    )


async def test_whoever_mistyped_is_asked_for_a_correction_until_it_comes(world: World, routes: dict[str, UUID]) -> None:
    holder, case = await disputed(world, routes)
    decided = await decide(world, case, "NOT_DUPLICATE", mistyped_by="hubdat")
    assert (decided.state, decided.mistyped_by) == ("NOT_DUPLICATE", "hubdat")
    assert (await asked(world), await asked(world, "hubdat")) == ([case], [case])
    assert (await asked(world, "djka"), await asked(world, "dishub-dki")) == ([], [])
    told = await world.changes("kind, organizer_code, facts")
    assert [one[0] for one in told[-3:]] == ["CASE_DECIDED", "CASE_SETTLED", "CORRECTION_ASKED"]
    assert told[-3] == (
        "CASE_DECIDED",
        "hubdat",
        {"case": str(case), "state": "NOT_DUPLICATE", "mistyped_by": "hubdat", "was": {"state": "OPEN"}},
    )
    await correct(world, holder, HUBDAT, LATER + timedelta(minutes=1))
    assert (await asked(world), await asked(world, "hubdat")) == ([], [])
    assert [one.state for one in await page(world)] == ["NOT_DUPLICATE"]


async def test_a_claimant_can_be_asked_too(world: World, routes: dict[str, UUID]) -> None:
    _, case = await disputed(world, routes)
    await decide(world, case, "NOT_DUPLICATE", mistyped_by="djka")
    assert (await asked(world, "djka"), await asked(world, "hubdat")) == ([case], [])
    otherwise = await decide(world, case, "CONFIRMED")
    assert (otherwise.state, otherwise.mistyped_by) == ("CONFIRMED", None)
    assert await asked(world) == []


@pytest.mark.parametrize(
    ("state", "mistyped_by"), [("NOT_DUPLICATE", None), ("NOT_DUPLICATE", "dishub-dki"), ("CONFIRMED", "djka")]
)
async def test_only_a_side_of_the_case_mistyped_and_only_where_it_is_no_duplicate(
    world: World, routes: dict[str, UUID], state: str, mistyped_by: str | None
) -> None:
    _, case = await disputed(world, routes)
    async with world.unchanged():
        refused = await decide(world, case, state, mistyped_by=mistyped_by)
    assert (refused.code, refused.field) == ("INVALID_VALUE", "mistypedBy")


async def test_what_is_only_suspected_is_told_when_a_correction_is_asked_for(
    world: World, routes: dict[str, UUID]
) -> None:
    """To whoever is asked, and to nobody else."""
    await world.registered(someone(HUBDAT, routes["hubdat"], name=SULASTRI))
    truck = await world.route("Motis", organizer="djka", service="MOTORCYCLE")
    await world.accepted(someone(DJKA, truck, name=BAMBANG, motorcycle=Motorcycle("B 1", "1")))
    [case] = await page(world)

    async def seen(organizer: str) -> list[Case]:
        async with world.database.transaction() as session:
            return await cases.page(session, None, [organizer], after=None, first=50)

    assert (await seen("djka"), await seen("hubdat")) == ([], [])
    await decide(world, case.id, "NOT_DUPLICATE", mistyped_by="djka")
    [told] = await seen("djka")
    assert (told.id, told.opened_at, told.suspect, told.claimants) == (case.id, LATER, None, ())
    assert (await seen("hubdat"), await asked(world, "djka")) == ([], [case.id])


# --- cases that close by themselves -----------------------------------------------------------------------------------


async def followed(world: World, now: datetime) -> None:
    """What has happened is settled, and taken in."""
    async with patience():
        while (await position(world)) < (await newest(world)):
            if not await projection.advance(world.database, closing.CASES, now):
                await world.run("INSERT INTO projection (name) VALUES ('cases') ON CONFLICT DO NOTHING")
                await asyncio.sleep(0.01)


async def position(world: World) -> Any:
    async with world.database.transaction() as session:
        return await projection.position(session, closing.CASES.name) or START


async def newest(world: World) -> Any:
    last = "SELECT ARRAY[CAST(CAST(xact_id AS text) AS bigint), id] FROM change ORDER BY xact_id DESC, id DESC LIMIT 1"
    return Position(*await world.one(last))


async def test_a_case_closes_by_itself_when_its_holder_has_ended(world: World, routes: dict[str, UUID]) -> None:
    holder, case = await disputed(world, routes)
    await followed(world, LATER)
    assert [one.state for one in await page(world)] == ["OPEN"]
    await world.moved(holder, RegistrantStatus.CANCELLED)
    await followed(world, LATER)
    [closed] = await page(world)
    assert (closed.id, closed.state, closed.decided_at, closed.decided_by) == (case, "CLOSED", LATER, None)
    told = await world.changes("kind, organizer_code, client_id, facts")
    assert told[-2] == (
        "CASE_DECIDED",
        "hubdat",
        None,
        {"case": str(case), "state": "CLOSED", "was": {"state": "OPEN"}},
    )
    async with world.unchanged():
        await followed(world, LATER + timedelta(hours=1))


async def test_a_case_closes_when_its_holder_is_erased_or_gets_another_nik(
    world: World, routes: dict[str, UUID]
) -> None:
    holder, _ = await disputed(world, routes)
    await correct(world, holder, HUBDAT)
    await followed(world, LATER)
    assert [one.state for one in await page(world)] == ["CLOSED"]
    other = await world.verified(someone(DKI, routes["dishub-dki"], 2))
    await world.moved(other.id, RegistrantStatus.DEPARTED, DKI)
    await world.submit(someone(DJKA, routes["djka"], 2))
    await world.database.attempt(
        lambda session: erasure.erase(session, world.vault, HUBDAT, Ref(id=other.id), "Permintaan", LATER)
    )
    await followed(world, LATER)
    assert {one.state for one in await page(world)} == {"CLOSED"}


async def test_a_decided_case_stays_as_it_is_when_its_holder_goes(world: World, routes: dict[str, UUID]) -> None:
    holder, case = await disputed(world, routes)
    await decide(world, case, "CONFIRMED")
    await world.moved(holder, RegistrantStatus.CANCELLED)
    await followed(world, LATER)
    assert [one.state for one in await page(world)] == ["CONFIRMED"]


async def test_a_case_that_closed_opens_again_with_the_next_duplicate(world: World, routes: dict[str, UUID]) -> None:
    """The holder got another NIK, and that one is claimed as well."""
    holder, case = await disputed(world, routes)
    await correct(world, holder, HUBDAT)
    await followed(world, LATER)
    await world.submit(someone(DJKA, routes["djka"], 7), now=LATER + timedelta(hours=1))
    await followed(world, LATER + timedelta(hours=1))
    [again] = await page(world)
    assert (again.id, again.state, again.decided_at) == (case, "OPEN", None)


async def test_a_case_that_opens_while_its_holder_goes_is_closed(world: World, routes: dict[str, UUID]) -> None:
    """The holder's end was taken in before the case was there."""
    holder = await world.registered(someone(HUBDAT, routes["hubdat"]))
    async with world.database.transaction() as late:
        refused = await submission.submit(late, world.vault, [someone(DJKA, routes["djka"])], LATER)
        assert [one.code for one in refused if isinstance(one, Refusal)] == ["NIK_ALREADY_REGISTERED"]
        await world.moved(holder.id, RegistrantStatus.CANCELLED)
    assert [one.state for one in await page(world)] == ["OPEN"]
    await followed(world, LATER)
    assert [one.state for one in await page(world)] == ["CLOSED"]
