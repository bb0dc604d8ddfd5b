"""The NIK check: what it answers, what it never tells, and that every look is written down before the answer."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.db import Session
from app.errors import (
    NikBlocked,
    NikInvalid,
    Refusal,
    RefusalError,
    ReturnWithoutOutbound,
    Standing,
    TooManyChecks,
)
from app.models.enums import NikOutcome
from app.registry.caller import Caller
from app.registry.niks import claims, sentences
from app.registry.niks.blocks import StandingBlock
from app.registry.niks.check import Answer, Check
from app.registry.niks.claims import Claimed
from app.registry.registrants import submission
from app.registry.registrants.submission import Motorcycle
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

COMMAND_LINE = Caller(None, "hubdat")
PAPERS = Motorcycle("B 1 ABC", "STNK 1")


async def checked(world: World, caller: Caller = DJKA, number: int = 1, **changes: Any) -> Answer:
    """For the trip home of a passenger, unless told otherwise."""
    asked = {"direction": "MUDIK", "service": "PASSENGER"} | changes
    [answer] = await world.check(Check(caller, nik_of(number), **asked))
    assert isinstance(answer, Answer)
    return answer


async def block(world: World, number: int, reason: str, *, first: int, last: int, since: datetime = NOW) -> None:
    await world.run(
        """INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code)
           VALUES (gen_random_uuid(), :nik_index, :reason, :first, :last, :since, 'hubdat')""",
        nik_index=world.vault.blind_index(nik_of(number)),
        reason=reason,
        first=first,
        last=last,
        since=since,
    )


async def test_a_nik_that_nobody_has_is_available(world: World) -> None:
    assert await checked(world) == Answer(
        nik=nik_of(1),
        outcome=NikOutcome.AVAILABLE,
        asked=(Claimed("MUDIK", "PASSENGER"),),
        held=(),
        is_partial=False,
        needs_outbound=True,
        standing=(),
        block=None,
        warnings=(),
        outbound_stands=None,
    )


async def test_what_stands_is_told_without_a_name(world: World) -> None:
    late_evening = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)
    await world.verified(someone(HUBDAT, await world.route(), registered_at=late_evening, name="Sulastri Wulandari"))
    answer = await checked(world)
    assert answer.outcome == "REGISTERED"
    stands = Standing(
        organizer="hubdat",
        organizer_name="HUBDAT",
        direction="MUDIK",
        service="PASSENGER",
        status="VERIFIED",
        registered_on=date(2026, 3, 2),
        own=False,
    )
    assert answer.standing == (stands,)
    assert "Sulastri" not in repr(answer)
    assert (await checked(world, HUBDAT)).standing == (replace(stands, own=True),)


async def test_a_members_registration_is_its_coordinators_own(world: World) -> None:
    await world.registered(someone(BUMN, await world.route("Bus", organizer="bumn-satu")))
    assert [one.own for one in (await checked(world, JASA_RAHARJA)).standing] == [True]


async def test_direction_and_service_are_asked_for(world: World) -> None:
    deck = await world.route("Motis", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, deck, motorcycle=Motorcycle("B 1", "1")))
    assert (await checked(world)).outcome == "AVAILABLE"
    assert (await checked(world, HUBDAT, direction="BALIK", service="MOTORCYCLE")).outcome == "AVAILABLE"
    [standing] = (await checked(world, service="MOTORCYCLE")).standing
    assert (standing.direction, standing.service) == ("MUDIK", "MOTORCYCLE")


@pytest.mark.parametrize(
    ("status", "facts", "outcome"),
    [
        ("REGISTERED", {}, "REGISTERED"),
        ("DEPARTED", {"verified_at": NOW, "departed_at": NOW, "healthy": True}, "REGISTERED"),
        ("NO_SHOW", {"verified_at": NOW}, "REGISTERED"),
        ("CANCELLED", {}, "AVAILABLE"),
        ("FORFEITED", {}, "AVAILABLE"),
    ],
)
async def test_what_holds(world: World, status: str, facts: dict[str, Any], outcome: str) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.put(one.id, status=status, **facts)
    assert (await checked(world)).outcome == outcome


async def test_a_block_is_told_the_longest_and_with_what_stands(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    await block(world, 1, "Gugur", first=2026, last=2026)
    await block(world, 1, "Data palsu", first=2025, last=2027)
    await block(world, 1, "Kelak", first=2027, last=2030)
    answer = await checked(world)
    assert answer.outcome == "BLOCKED"
    assert answer.block == StandingBlock("Data palsu", NOW, 2027)
    assert [one.organizer for one in answer.standing] == ["hubdat"]


async def test_a_block_of_another_season_or_a_lifted_one_is_none(world: World) -> None:
    await block(world, 1, "Tahun lalu", first=2025, last=2025)
    await block(world, 1, "Kelak", first=2027, last=2028)
    await block(world, 1, "Keliru", first=2026, last=2026)
    await world.run("UPDATE nik_block SET lifted_at = :now WHERE reason = 'Keliru'", now=NOW)
    answer = await checked(world)
    assert (answer.outcome, answer.block) == ("AVAILABLE", None)


async def test_a_return_check_says_whether_ones_own_outbound_is_there(world: World) -> None:
    home = await world.registered(someone(HUBDAT, await world.route()))
    assert (await checked(world, HUBDAT)).outbound_stands is None
    assert (await checked(world, HUBDAT, direction="BALIK")).outbound_stands is True
    assert (await checked(world, DJKA, direction="BALIK")).outbound_stands is False
    assert (await checked(world, HUBDAT, direction="BALIK", service="MOTORCYCLE")).outbound_stands is False
    assert (await checked(world, HUBDAT, 2, direction="BALIK")).outbound_stands is False
    await world.put(home.id, status="NO_SHOW", verified_at=NOW)
    assert (await checked(world, HUBDAT, direction="BALIK")).outbound_stands is False


async def would_be_refused(world: World, way: str, caller: Caller = HUBDAT, number: int = 1, at: datetime = NOW) -> str:
    """What submitting says. It is undone."""
    verdicts: list[Any] = []

    async def attempt(session: Session) -> None:
        one = someone(caller, world.routes[way], number, motorcycle=PAPERS if "Motis" in way else None)
        verdicts.extend(await submission.submit(session, world.vault, [one], at))
        raise Undone

    with suppress(Undone):
        await world.database.attempt(attempt)
    [verdict] = verdicts
    return verdict.code if isinstance(verdict, Refusal) else "ACCEPTED"


class Undone(Exception):  # noqa: N818 - it rolls back
    """Nothing of it is to stay."""


SAID = {
    "AVAILABLE": "ACCEPTED",
    "REGISTERED": "NIK_ALREADY_REGISTERED",
    "BLOCKED": "NIK_BLOCKED",
    "OUTBOUND_MISSING": "RETURN_WITHOUT_OUTBOUND",
}
"""What a check answers, and what submitting answers."""


async def test_a_check_for_all_answers_each_claim_as_submitting_would(world: World) -> None:
    """DJKA asks about people of others and of its own; `Motis` are routes for motorcycles."""
    ways = {
        ("MUDIK", "PASSENGER"): await world.route("home", organizer="djka"),
        ("BALIK", "PASSENGER"): await world.way_back("back", organizer="djka"),
        ("MUDIK", "MOTORCYCLE"): await world.route("Motis home", organizer="djka", service="MOTORCYCLE"),
        ("BALIK", "MOTORCYCLE"): await world.way_back("Motis back", organizer="djka", service="MOTORCYCLE"),
    }
    names = dict(zip(claims.ALL, ("home", "back", "Motis home", "Motis back"), strict=True))
    await world.registered(someone(HUBDAT, await world.route(), 2))
    await world.registered(someone(DJKA, ways["MUDIK", "PASSENGER"], 3))
    await world.registered(someone(DJKA, ways["MUDIK", "MOTORCYCLE"], 4, motorcycle=PAPERS))
    await block(world, 5, "Gugur", first=2026, last=2026)
    outcomes = {}
    for number in range(1, 6):
        answer = await checked(world, DJKA, number, direction=None, service=None)
        outcomes[number] = [one.outcome.value for one in answer.claims]
        assert [tuple(one.claimed) for one in answer.claims] == list(ways)
        for one in answer.claims:
            own = one.holder is not None and one.holder.own
            said = await would_be_refused(world, names[one.claimed], DJKA, number)
            # Submitted again, one's own registration is answered as it is.
            assert said == ("ACCEPTED" if own else SAID[one.outcome]), (number, one)
    free = ["AVAILABLE", "OUTBOUND_MISSING"]
    assert outcomes == {
        1: [*free, *free],
        2: ["REGISTERED", "OUTBOUND_MISSING", *free],
        3: ["REGISTERED", "AVAILABLE", *free],
        4: [*free, "REGISTERED", "AVAILABLE"],
        5: ["BLOCKED"] * 4,
    }


@pytest.mark.parametrize(
    ("asked", "outcome", "count"),
    [
        ({}, "AVAILABLE", 4),
        ({"direction": "MUDIK"}, "AVAILABLE", 2),
        ({"service": "MOTORCYCLE"}, "AVAILABLE", 2),
        ({"direction": "BALIK"}, "OUTBOUND_MISSING", 2),
        ({"direction": "BALIK", "service": "MOTORCYCLE"}, "OUTBOUND_MISSING", 1),
    ],
)
async def test_the_answer_of_several_claims(world: World, asked: dict[str, Any], outcome: str, count: int) -> None:
    everything: dict[str, Any] = {"direction": None, "service": None}
    answer = await checked(world, HUBDAT, **everything | asked)
    assert (answer.outcome, len(answer.claims)) == (outcome, count)


async def test_all_that_stands_is_told_in_the_order_of_the_claims(world: World) -> None:
    await world.way_back()
    both = someone(HUBDAT, await world.route(), return_route_id=world.routes["Solo - Jakarta"])
    await world.registered(both)
    await world.registered(
        someone(DJKA, await world.route("Motis", organizer="djka", service="MOTORCYCLE"), motorcycle=PAPERS)
    )
    answer = await checked(world, DKI, direction=None, service=None)
    assert answer.outcome == "REGISTERED"
    assert [(one.organizer, one.direction, one.service) for one in answer.standing] == [
        ("hubdat", "MUDIK", "PASSENGER"),
        ("hubdat", "BALIK", "PASSENGER"),
        ("djka", "MUDIK", "MOTORCYCLE"),
    ]
    assert answer.outbound_stands is False
    assert (await checked(world, DJKA, direction=None, service=None)).outbound_stands is True


async def test_a_return_waits_for_its_outbound_as_the_policy_wants_it(world: World) -> None:
    """Hubdat wants both ways on one day (WIB); whoever needs no outbound is never told that one is missing."""
    await world.way_back()
    home = await world.registered(someone(HUBDAT, await world.route()))
    balik: dict[str, Any] = {"direction": "BALIK"}
    assert (await checked(world, HUBDAT, **balik)).outcome == "AVAILABLE"
    tomorrow = NOW + timedelta(days=1)
    [late] = await world.check(Check(HUBDAT, nik_of(1), "BALIK", "PASSENGER"), now=tomorrow)
    assert (late.outcome, late.outbound_stands, late.claims[0].same_day) == ("OUTBOUND_MISSING", True, True)
    assert await would_be_refused(world, "Solo - Jakarta", at=tomorrow) == "RETURN_WITHOUT_OUTBOUND"
    await world.policy("hubdat", return_same_day=False)
    [again] = await world.check(Check(HUBDAT, nik_of(1), "BALIK", "PASSENGER"), now=tomorrow)
    assert again.outcome == "AVAILABLE"
    await world.put(home.id, status="NO_SHOW", verified_at=NOW)
    gone = await checked(world, HUBDAT, **balik)
    assert (gone.outcome, gone.claims[0].same_day) == ("OUTBOUND_MISSING", False)
    await world.policy("hubdat", return_requires_outbound=False)
    assert (await checked(world, HUBDAT, **balik)).outcome == "AVAILABLE"


async def test_a_members_trip_home_counts_for_its_coordinator(world: World) -> None:
    await world.registered(someone(BUMN, await world.route("Bus", organizer="bumn-satu")))
    assert (await checked(world, JASA_RAHARJA, direction="BALIK")).outcome == "AVAILABLE"
    assert (await checked(world, BUMN, direction="BALIK")).outcome == "AVAILABLE"
    assert (await checked(world, DKI, direction="BALIK")).outcome == "OUTBOUND_MISSING"


async def sentences_of(world: World, caller: Caller, number: int = 1, **asked: Any) -> tuple[str, str]:
    answer = await checked(world, caller, number, **({"direction": None, "service": None} | asked))
    return sentences.sentence(answer, "id"), sentences.sentence(answer, "en")


async def test_one_sentence_for_the_screen(world: World) -> None:
    await world.way_back()
    both = someone(HUBDAT, await world.route(), 2, return_route_id=world.routes["Solo - Jakarta"])
    await world.registered(both)
    await world.registered(someone(DJKA, await world.route("Bus", organizer="djka"), 3))
    await block(world, 4, "Gugur", first=2026, last=2026)
    assert await sentences_of(world, DJKA) == (
        "NIK ini belum terdaftar di penyelenggara mana pun dan dapat didaftarkan.",
        "This NIK is not registered with any organizer and can be registered.",
    )
    assert await sentences_of(world, DJKA, direction="MUDIK") == (
        "NIK ini dapat didaftarkan untuk arus mudik (penumpang), arus mudik (sepeda motor).",
        "This NIK can be registered for: trip home (passenger), trip home (motorcycle).",
    )
    assert await sentences_of(world, DJKA, direction="BALIK", service="PASSENGER") == (
        ReturnWithoutOutbound(same_day=False).message("id"),
        ReturnWithoutOutbound(same_day=False).message("en"),
    )
    day = "2 Maret 2026"
    indonesian, english = await sentences_of(world, DJKA, 2)
    assert indonesian == (
        f"NIK ini sudah terdaftar di HUBDAT (arus mudik, penumpang, {day}) dan HUBDAT (arus balik, penumpang, {day});"
        f" masih dapat didaftarkan untuk arus mudik (sepeda motor)."
    )
    assert english == (
        "This NIK is already registered with HUBDAT (trip home, passenger, 2 March 2026) and HUBDAT (trip back,"
        " passenger, 2 March 2026); it can still be registered for: trip home (motorcycle)."
    )
    assert await sentences_of(world, DKI, 3, service="PASSENGER", direction="MUDIK") == (
        "NIK ini sudah terdaftar di DJKA (arus mudik, penumpang, 2 Maret 2026).",
        "This NIK is already registered with DJKA (trip home, passenger, 2 March 2026).",
    )
    assert await sentences_of(world, DKI, 4) == (
        NikBlocked(until_season=2026).message("id"),
        NikBlocked(until_season=2026).message("en"),
    )


async def test_last_season_does_not_stand(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    await world.season(2027, date(2027, 4, 30))
    assert (await checked(world)).outcome == "AVAILABLE"
    await world.close(2027)
    assert (await checked(world)).outcome == "REGISTERED"


async def test_without_an_open_season_nothing_is_answered(world: World) -> None:
    await world.close(2026)
    with pytest.raises(RefusalError, match="NOT_FOUND"):
        await world.check(Check(DJKA, nik_of(1)))
    assert await world.count("nik_access") == 0


async def test_answers_come_in_the_order_asked(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), 1))
    await block(world, 2, "Gugur", first=2026, last=2026)
    answers = await world.check(
        *(Check(DJKA, nik) for nik in (nik_of(3), "123", nik_of(2), nik_of(1), nik_of(3), "3299010101909001"))
    )
    assert [one.code if isinstance(one, NikInvalid) else one.outcome for one in answers] == [
        "AVAILABLE",
        "NIK_INVALID",
        "BLOCKED",
        "REGISTERED",
        "AVAILABLE",
        "AVAILABLE",
    ]
    assert [one.code for one in answers[-1].warnings] == ["REGENCY_UNKNOWN"]
    assert await world.check() == []


async def test_every_check_is_written_down_before_it_is_answered(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), 1))
    await block(world, 2, "Gugur", first=2026, last=2026)
    later = NOW + timedelta(hours=1)

    def index(number: int) -> bytes:
        return world.vault.blind_index(nik_of(number))

    await world.check(
        Check(DJKA, nik_of(1)),
        Check(HUBDAT, nik_of(2), "BALIK"),
        Check(HUBDAT, nik_of(4), "BALIK", "PASSENGER"),
        Check(COMMAND_LINE, nik_of(3), service="MOTORCYCLE"),
        Check(DJKA, "not a NIK"),
        now=later,
    )
    assert await world.run(
        """SELECT at, client_id, organizer_code, nik_index, purpose, direction, service, outcome
           FROM nik_access WHERE purpose = 'CHECK' ORDER BY id"""
    ) == [
        (later, "djka-test", "djka", index(1), "CHECK", None, None, "REGISTERED"),
        (later, "hubdat-test", "hubdat", index(2), "CHECK", "BALIK", None, "BLOCKED"),
        (later, "hubdat-test", "hubdat", index(4), "CHECK", "BALIK", "PASSENGER", "OUTBOUND_MISSING"),
        (later, "pemudik", "hubdat", index(3), "CHECK", None, "MOTORCYCLE", "AVAILABLE"),
    ]


async def test_a_check_changes_nothing_else(world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    async with world.unchanged():
        await checked(world)


async def test_what_the_budget_refuses_is_not_looked_at(world: World) -> None:
    await world.run("UPDATE check_budget SET tokens = 1 WHERE client_id = 'djka-test'")
    first, second, third = await world.check(Check(DJKA, nik_of(1)), Check(DJKA, nik_of(2)), Check(HUBDAT, nik_of(3)))
    assert isinstance(first, Answer)
    assert isinstance(second, TooManyChecks)
    assert isinstance(third, Answer)
    assert await world.run("SELECT client_id, nik_index FROM nik_access ORDER BY id") == [
        ("djka-test", world.vault.blind_index(nik_of(1))),
        ("hubdat-test", world.vault.blind_index(nik_of(3))),
    ]


async def test_an_invalid_nik_costs_a_check(world: World) -> None:
    await world.check(Check(DJKA, "1"), Check(DJKA, "2"))
    assert await world.one("SELECT tokens FROM check_budget WHERE client_id = 'djka-test'") == 4998


async def test_the_command_line_has_no_budget(world: World) -> None:
    await world.run("UPDATE check_budget SET tokens = 0")
    answers = await world.check(*(Check(COMMAND_LINE, nik_of(number)) for number in range(3)))
    assert [one.outcome for one in answers] == ["AVAILABLE"] * 3


@pytest.mark.parametrize("together", [True, False])
async def test_a_thousand_checks_take_as_many_statements_as_one(world: World, together: bool) -> None:
    counts = []
    for numbers in (range(1), range(1000)):
        with world.statements() as issued:
            await world.check(*(Check(DJKA, nik_of(number)) for number in numbers), together=together)
        counts.append(len(issued))
    assert counts[0] == counts[1] <= 4
