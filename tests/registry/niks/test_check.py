"""The NIK check: what it answers, what it never tells, and that every look is written down before the answer."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.errors import NikInvalid, RefusalError, Standing, TooManyChecks
from app.registry.caller import Caller
from app.registry.niks.blocks import StandingBlock
from app.registry.niks.check import Answer, Check
from app.registry.registrants.submission import Motorcycle
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

COMMAND_LINE = Caller(None, "hubdat")


async def checked(world: World, caller: Caller = DJKA, number: int = 1, **changes: Any) -> Answer:
    [answer] = await world.check(Check(caller, nik_of(number), **changes))
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
        nik=nik_of(1), outcome="AVAILABLE", standing=(), block=None, warnings=(), outbound_stands=None
    )  # type: ignore[arg-type]


async def test_what_stands_is_told_without_a_name(world: World) -> None:
    late_evening = datetime(2026, 3, 1, 17, 0, tzinfo=UTC)
    await world.verified(someone(HUBDAT, await world.route(), registered_at=late_evening, name="Sulastri Wulandari"))
    answer = await checked(world)
    assert answer.outcome == "REGISTERED"
    stands = ("hubdat", "HUBDAT", "MUDIK", "PASSENGER", "VERIFIED", date(2026, 3, 2))
    assert answer.standing == (Standing(*stands, own=False),)
    assert "Sulastri" not in repr(answer)
    assert (await checked(world, HUBDAT)).standing == (Standing(*stands, own=True),)


async def test_a_members_registration_is_its_coordinators_own(world: World) -> None:
    await world.registered(someone(BUMN, await world.route("Bus", organizer="bumn-satu")))
    assert [one.own for one in (await checked(world, JASA_RAHARJA)).standing] == [True]


async def test_direction_and_service_are_asked_for(world: World) -> None:
    deck = await world.route("Motis", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, deck, motorcycle=Motorcycle("B 1", "1")))
    assert (await checked(world)).outcome == "AVAILABLE"
    assert (await checked(world, direction="BALIK", service="MOTORCYCLE")).outcome == "AVAILABLE"
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
    await world.check(
        Check(DJKA, nik_of(1)),
        Check(HUBDAT, nik_of(2), "BALIK"),
        Check(COMMAND_LINE, nik_of(3), service="MOTORCYCLE"),
        Check(DJKA, "not a NIK"),
        now=later,
    )
    assert await world.run(
        """SELECT at, client_id, organizer_code, nik_index, purpose, direction, service, outcome
           FROM nik_access ORDER BY id"""
    ) == [
        (later, "djka-test", "djka", world.vault.blind_index(nik_of(1)), "CHECK", "MUDIK", "PASSENGER", "REGISTERED"),
        (later, "hubdat-test", "hubdat", world.vault.blind_index(nik_of(2)), "CHECK", "BALIK", "PASSENGER", "BLOCKED"),
        (later, "pemudik", "hubdat", world.vault.blind_index(nik_of(3)), "CHECK", "MUDIK", "MOTORCYCLE", "AVAILABLE"),
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
