"""How many NIKs an organizer may learn of in a day, over all that it does, and what is told when that is used up."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.errors import AllowanceUsedUp, InvalidValue, NikUndecided, NotFound
from app.models.enums import Purpose, RegistrantStatus
from app.registry import sweep
from app.registry.amending import corrections
from app.registry.amending.corrections import Correction
from app.registry.bookings import submitting
from app.registry.bookings.submitting import BookingSubmission, RefusedBooking
from app.registry.caller import Caller
from app.registry.niks import allowance, blocks, sentences, telling
from app.registry.niks.allowance import Allowance, Named
from app.registry.niks.check import Check
from app.registry.niks.telling import TooManyNamed
from app.registry.registrants import submission, uniqueness
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted, Motorcycle
from app.registry.routes import seat_holds
from app.registry.routes.held_seats import SeatHold
from app.sql import statement
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

LATER = NOW + timedelta(hours=1)
TOMORROW = NOW + timedelta(days=1)
FIRST, SECOND, BLOCKED, FREE = range(1, 5)
UNDECIDED = NikUndecided("nik", opens_at=allowance.ends_at(NOW))


@pytest.fixture(autouse=True)
async def theirs(world: World) -> None:
    """Two people of DJKA, and somebody who is blocked."""
    route = await world.route("KA", organizer="djka", quota=500)
    for number in (FIRST, SECOND):
        await world.accepted(someone(DJKA, route, number))
    await world.database.attempt(
        lambda session: blocks.block(session, world.vault, HUBDAT, nik_of(BLOCKED), "Data palsu", 1, NOW)
    )
    await world.route("DKI", organizer="dishub-dki", quota=500)
    await world.run("DELETE FROM nik_access")


async def of(world: World, caller: Caller = DKI, now: Any = NOW) -> Allowance:
    async with world.database.transaction() as session:
        return (await allowance.of_organizers(session, [caller.organizer], now))[caller.organizer]


async def used(world: World, caller: Caller = DKI, now: Any = NOW) -> int:
    return (await of(world, caller, now)).used


async def set_to(world: World, per_day: int | None, caller: Caller = DKI) -> Any:
    return await world.database.attempt(
        lambda session: allowance.set_per_day(session, HUBDAT, caller.organizer, per_day, "Rapat", NOW)
    )


async def outcomes(world: World, *numbers: int, now: Any = NOW, caller: Caller = DKI) -> list[str]:
    return [str(one.outcome) for one in await world.check(*[Check(caller, nik_of(one)) for one in numbers], now=now)]


async def submitted(world: World, *numbers: int, now: Any = NOW) -> list[Any]:
    verdicts = await world.submit(*[someone(DKI, world.routes["DKI"], number) for number in numbers], now=now)
    return ["ACCEPTED" if isinstance(one, Accepted) else one for one in verdicts]


async def submit_booking(world: World, given: BookingSubmission) -> Any:
    return await world.database.attempt(lambda session: submitting.submit(session, world.vault, given, NOW))


async def correct(world: World, ref: Ref, number: int) -> Any:
    given = Correction(reason="Salah ketik", nik=nik_of(number))
    return await world.database.attempt(lambda s: corrections.correct(s, world.vault, DKI, ref, given, NOW))


async def tell_use(world: World, now: Any = NOW) -> int:
    async with world.database.transaction() as session:
        return await allowance.tell_use(session, now)


async def access(world: World) -> list[Any]:
    rows = await world.run("SELECT purpose, outcome, area IS NOT NULL FROM nik_access ORDER BY id")
    return [tuple(row) for row in rows]


async def test_a_check_costs_one_unless_all_that_it_asks_for_is_ones_own(world: World) -> None:
    await submitted(world, FREE)
    assert await used(world) == 0
    assert await outcomes(world, FIRST, BLOCKED, 5) == ["REGISTERED", "BLOCKED", "AVAILABLE"]
    assert await used(world) == 3
    [own] = await world.check(own_trip(FREE))
    assert ([one.own for one in own.standing], await used(world)) == ([True], 3)
    # Of the other three claims it tells that they are free.
    assert await outcomes(world, FREE) == ["REGISTERED"]
    assert await used(world) == 4
    # And here, that the person is blocked.
    await world.database.attempt(
        lambda session: blocks.block(session, world.vault, HUBDAT, nik_of(FREE), "Data palsu", 1, NOW)
    )
    [own] = await world.check(own_trip(FREE))
    assert (own.outcome, await used(world)) == ("BLOCKED", 5)
    assert await used(world, DJKA) == 0


def own_trip(number: int, caller: Caller = DKI) -> Check:
    return Check(caller, nik_of(number), direction="MUDIK", service="PASSENGER")


async def test_a_registration_costs_nothing_until_it_ends(world: World) -> None:
    assert await submitted(world, FREE, 5, 6) == ["ACCEPTED"] * 3
    assert await submitted(world, FREE) == ["ACCEPTED"]
    assert await used(world) == 0
    assert await access(world) == [("SUBMISSION", "AVAILABLE", True)] * 3
    [ended] = await world.run(
        "SELECT id FROM registrant WHERE nik_index = :index", index=world.vault.blind_index(nik_of(5))
    )
    await world.moved(ended[0], RegistrantStatus.CANCELLED, DKI)
    assert await used(world) == 1


async def test_a_registration_that_lapses_costs_one(world: World) -> None:
    await world.policy("dishub-dki", verify_within_days=7)
    await submitted(world, FREE, 5)
    then = NOW + timedelta(days=8)
    assert (await sweep.sweep(world.database, then)).forfeited == 2
    assert (await used(world, now=then), await used(world, now=NOW)) == (2, 0)


async def test_an_end_of_a_member_costs_its_coordinator(world: World) -> None:
    route = await world.route("JR", organizer="jasa-raharja", quota=9)
    view = await world.registered(someone(JASA_RAHARJA, route, FREE, member="bumn-satu"))
    await world.moved(view.id, RegistrantStatus.CANCELLED, JASA_RAHARJA)
    assert (await used(world, JASA_RAHARJA), await used(world, BUMN)) == (1, 0)


async def test_what_a_coordinator_names_for_its_members_is_its_own(world: World) -> None:
    route = await world.route("JR", organizer="jasa-raharja", quota=9)
    await world.registered(someone(JASA_RAHARJA, route, FREE, member="bumn-satu"))
    answers = await world.check(own_trip(FREE, JASA_RAHARJA), own_trip(FIRST, JASA_RAHARJA))
    assert [(one.outcome, [stands.own for stands in one.standing]) for one in answers] == [
        ("REGISTERED", [True]),
        ("REGISTERED", [False]),
    ]
    assert await used(world, JASA_RAHARJA) == 1


async def test_a_refusal_that_tells_costs_one_and_one_that_tells_nothing_costs_none(world: World) -> None:
    assert [one.code for one in await submitted(world, FIRST, BLOCKED)] == ["NIK_ALREADY_REGISTERED", "NIK_BLOCKED"]
    assert await used(world) == 2
    assert await access(world) == [("SUBMISSION", "REGISTERED", True), ("SUBMISSION", "BLOCKED", True)]
    await world.run("UPDATE route SET quota = 0 WHERE id = :id", id=world.routes["DKI"])
    assert {one.code for one in await submitted(world, FIRST, BLOCKED, FREE)} == {"QUOTA_FULL"}
    assert (await used(world), len(await access(world))) == (2, 2)


async def test_a_closed_window_tells_nothing(world: World) -> None:
    await world.policy("dishub-dki")
    await world.window("dishub-dki", NOW + timedelta(hours=1))
    assert {one.code for one in await submitted(world, FIRST, BLOCKED, FREE)} == {"REGISTRATION_CLOSED"}
    assert (await used(world), await access(world)) == (0, [])


async def test_a_return_that_has_no_outbound_costs_one(world: World) -> None:
    """It says that nothing stands against the NIK."""
    back = await world.way_back("pulang", organizer="dishub-dki", quota=9)
    [refused] = await world.submit(someone(DKI, back, FREE))
    assert (refused.code, await used(world)) == ("RETURN_WITHOUT_OUTBOUND", 1)
    assert await access(world) == [("SUBMISSION", "AVAILABLE", True)]
    await set_to(world, 1)
    verdicts = await world.submit(someone(DKI, back, FREE), someone(DKI, back, BLOCKED))
    assert verdicts == [UNDECIDED, UNDECIDED]


async def test_a_booking_that_is_refused_costs_all_that_it_names(world: World) -> None:
    people = [someone(DKI, world.routes["DKI"], number) for number in (FREE, 5, FIRST)]
    booking = BookingSubmission(caller=DKI, reference="KB-1", people=people)
    verdict = await submit_booking(world, booking)
    assert isinstance(verdict, RefusedBooking)
    assert [one and one.code for one in verdict.refusals] == [None, None, "NIK_ALREADY_REGISTERED"]
    assert await used(world) == 3
    assert [one[1] for one in await access(world)] == ["AVAILABLE", "AVAILABLE", "REGISTERED"]


async def test_used_up_a_booking_that_is_refused_tells_nothing_of_anybody(world: World) -> None:
    """Else a booking with somebody who is refused anyway would say of the others that they are free."""
    await set_to(world, 1)
    people = [someone(DKI, world.routes["DKI"], number) for number in (5, FREE, FIRST, BLOCKED)]
    wrong = someone(DKI, world.routes["KA"], 6)
    for refused_first in (people[:1], people[1:]):
        booking = BookingSubmission(caller=DKI, reference="KB-1", people=[*refused_first, wrong])
        verdict = await submit_booking(world, booking)
        assert isinstance(verdict, RefusedBooking)
        codes = [one and one.code for one in verdict.refusals]
        assert codes == ([None] if refused_first == people[:1] else ["NIK_UNDECIDED"] * 3) + ["NOT_YOURS"]
    assert await used(world) == 1
    assert await world.one("SELECT withheld FROM nik_allowance WHERE organizer_code = 'dishub-dki'") == 3
    booking = BookingSubmission(caller=DKI, reference="KB-1", people=people[:2])
    shut = await submit_booking(world, booking)
    assert isinstance(shut, RefusedBooking)
    assert [one and one.code for one in shut.refusals] == ["ALLOWANCE_USED_UP"] * 2


@pytest.mark.parametrize("has_a_hold", [False, True])
async def test_used_up_the_seats_that_a_booking_finds_tell_nothing_of_anybody(world: World, has_a_hold: bool) -> None:
    """Seats are counted for all of a booking, whatever their NIKs hold."""
    route, back = await world.route("sempit", organizer="dishub-dki", quota=3), await world.way_back(quota=1)
    await world.run("UPDATE route SET organizer_code = 'dishub-dki' WHERE id = :back", back=back)
    holds: tuple[UUID, ...] = ()
    if has_a_hold:
        await world.policy("dishub-dki", enforce_window=False, hold_percent=50)
        held = await world.database.attempt(lambda session: seat_holds.hold(session, DKI, route, 1, 15, NOW))
        assert isinstance(held, SeatHold)
        holds = (held.id,)
    told = []
    for number in (FIRST, BLOCKED, FREE):
        await world.run("DELETE FROM nik_access")
        await world.run(
            "UPDATE nik_allowance SET set_per_day = 100, named = 100, withheld = 0, day = :day", day=NOW.date()
        )
        ways = [{"return_route_id": back}, {}, {"return_route_id": back}, {}, {}]
        people = [someone(DKI, route, one, **way) for one, way in zip((number, 11, 12, 13, 14), ways, strict=True)]
        booking = BookingSubmission(caller=DKI, reference="KB-1", people=people, holds=holds)
        verdict = await submit_booking(world, booking)
        assert isinstance(verdict, RefusedBooking)
        withheld = await world.one("SELECT withheld FROM nik_allowance WHERE organizer_code = 'dishub-dki'")
        told.append((verdict.refusals, withheld, await access(world)))
    assert told[0] == told[1] == told[2]
    codes = [one and one.code for one in told[0][0]]
    assert codes == ["NIK_UNDECIDED", "NIK_UNDECIDED", "QUOTA_FULL", "NIK_UNDECIDED", "QUOTA_FULL"]
    assert told[0][1:] == (3, [("SUBMISSION", "UNDECIDED", True)] * 3)


async def test_used_up_the_seats_that_a_list_finds_tell_of_nobody_but_whom_it_registers(world: World) -> None:
    """Whoever is refused is refused alike, and leaves the seat to the next one."""
    await world.route("sempit", organizer="dishub-dki", quota=1)
    told = []
    for number in (FIRST, BLOCKED):
        await world.run("DELETE FROM registrant")
        await world.run("UPDATE route SET taken = 0")
        await world.run("UPDATE nik_allowance SET set_per_day = 9, named = 9, withheld = 0, day = :day", day=NOW.date())
        await world.accepted(someone(DJKA, world.routes["KA"], FIRST))
        people = [someone(DKI, world.routes["sempit"], one) for one in (number, 11, 12)]
        told.append([one if not isinstance(one, Accepted) else "ACCEPTED" for one in await world.submit(*people)])
    assert told[0] == told[1]
    assert [getattr(one, "code", one) for one in told[0]] == ["NIK_UNDECIDED", "ACCEPTED", "QUOTA_FULL"]


async def test_a_correction_costs_one(world: World) -> None:
    view = await world.registered(someone(DKI, world.routes["DKI"], FREE))
    await world.run("DELETE FROM nik_access")
    ref = Ref(id=view.id)
    assert (await correct(world, ref, FIRST)).code == "NIK_ALREADY_REGISTERED"
    assert (await correct(world, ref, BLOCKED)).code == "NIK_BLOCKED"
    assert (await correct(world, ref, 5)).nik == nik_of(5)
    assert await used(world) == 3
    assert [one[:2] for one in await access(world)] == [
        ("CORRECTION", "REGISTERED"),
        ("CORRECTION", "BLOCKED"),
        ("CORRECTION", "AVAILABLE"),
    ]
    await set_to(world, 3)
    refused = [await correct(world, ref, number) for number in (FIRST, BLOCKED, 6)]
    assert refused == [UNDECIDED] * 3
    assert [one[:2] for one in await access(world)][3:] == [("CORRECTION", "UNDECIDED")] * 3
    assert await world.run("SELECT DISTINCT nik_index FROM registrant WHERE id = :id", id=view.id) == [
        (world.vault.blind_index(nik_of(5)),)
    ]


async def test_a_correction_that_is_not_told_reads_nothing_of_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So how long it takes tells nothing either."""
    view = await world.registered(someone(DKI, world.routes["DKI"], FREE))
    await set_to(world, 0)
    with monkeypatch.context() as patch:
        patch.setattr(uniqueness, "standing", None)
        assert [await correct(world, Ref(id=view.id), number) for number in (FIRST, BLOCKED, 6)] == [UNDECIDED] * 3
    look = uniqueness.own

    async def meanwhile(*arguments: Any) -> Any:
        """Another allowance is given while the correction goes on."""
        found = await look(*arguments)
        await set_to(world, 10)
        return found

    monkeypatch.setattr(uniqueness, "own", meanwhile)
    assert (await correct(world, Ref(id=view.id), BLOCKED)).code == "NIK_BLOCKED"


async def test_used_up_a_check_tells_what_the_asker_holds_and_nothing_else(world: World) -> None:
    await world.policy("djka", return_requires_outbound=False)
    back = await world.way_back(organizer="djka", quota=9)
    await world.accepted(someone(DKI, world.routes["DKI"], FREE))
    await world.accepted(someone(DJKA, back, FREE))
    way_back, whole = Check(DKI, nik_of(FREE), direction="BALIK", service="PASSENGER"), Check(DKI, nik_of(FREE))
    before = await world.check(way_back, whole, own_trip(FREE))
    assert [(one.outcome, len(one.standing), one.is_partial) for one in before] == [
        ("REGISTERED", 1, False),
        ("REGISTERED", 2, False),
        ("REGISTERED", 1, False),
    ]
    await set_to(world, 0)
    undecided, partly, own = await world.check(way_back, whole, own_trip(FREE))
    assert (undecided.outcome, undecided.standing, undecided.outbound_stands) == ("UNDECIDED", (), True)
    assert (partly.outcome, [one.organizer for one in partly.standing]) == ("REGISTERED", ["dishub-dki"])
    told = {one.claimed: (str(one.outcome), one.holder is None) for one in partly.claims}
    assert told == {
        ("MUDIK", "PASSENGER"): ("REGISTERED", False),
        ("BALIK", "PASSENGER"): ("UNDECIDED", True),
        ("MUDIK", "MOTORCYCLE"): ("UNDECIDED", True),
        ("BALIK", "MOTORCYCLE"): ("UNDECIDED", True),
    }
    assert sentences.sentence(partly, "id") == (
        "NIK ini sudah terdaftar di DISHUB-DKI (arus mudik, penumpang, 2 Maret 2026); selebihnya tidak diperiksa,"
        " karena jatah pemeriksaan NIK penyelenggara hari ini sudah habis."
    )
    assert own == before[2]
    assert [one[:2] for one in await access(world)][-3:] == [("CHECK", "UNDECIDED")] * 2 + [("CHECK", "REGISTERED")]


async def test_a_registration_of_ones_own_in_another_service_opens_nobody_elses(world: World) -> None:
    """To register a motorcycle is free, and would have told of every person where the rest of the trip stands."""
    truck = await world.route("Truk", organizer="dishub-dki", service="MOTORCYCLE", quota=9)
    motorcycle = Motorcycle("B 1234 XYZ", "1")
    for allowed, told in ((1, ["djka", "dishub-dki"]), (0, ["dishub-dki"])):
        await set_to(world, allowed)
        number = FIRST if allowed else SECOND
        await world.accepted(someone(DKI, truck, number, motorcycle=motorcycle))
        [answer] = await world.check(Check(DKI, nik_of(number)))
        assert ([one.organizer for one in answer.standing], await used(world)) == (told, allowed)
        await set_to(world, None)
        await world.run("UPDATE nik_allowance SET named = 0 WHERE organizer_code = 'dishub-dki'")


async def test_a_day_is_one_of_jakarta(world: World) -> None:
    late = NOW.replace(hour=16, minute=59)
    await outcomes(world, FIRST, now=late)
    assert (await used(world, now=late), await used(world, now=late + timedelta(minutes=1))) == (1, 0)
    assert allowance.ends_at(late) == late.replace(hour=17, minute=0)


async def test_used_up_a_check_answers_undecided(world: World) -> None:
    await submitted(world, FREE)
    await set_to(world, 2)
    assert await outcomes(world, FIRST, 5, FREE, BLOCKED, SECOND) == [
        "REGISTERED",
        "AVAILABLE",
        "REGISTERED",
        "UNDECIDED",
        "UNDECIDED",
    ]
    [answer] = await world.check(Check(DKI, nik_of(BLOCKED)))
    assert (answer.block, answer.standing, answer.held) == (None, (), ())
    assert {str(claim.outcome) for claim in answer.claims} == {"UNDECIDED"}
    assert await used(world) == 2
    # The alarm hears who goes on.
    assert (await access(world))[-1] == ("CHECK", "UNDECIDED", True)
    assert await outcomes(world, BLOCKED, now=TOMORROW) == ["BLOCKED"]


async def test_many_checks_at_once_learn_no_more_than_the_allowance(world: World) -> None:
    await set_to(world, 25)
    answers = await asyncio.gather(*[outcomes(world, *range(10 * k, 10 * k + 10)) for k in range(10, 20)])
    told = [one for some in answers for one in some]
    assert (told.count("AVAILABLE"), told.count("UNDECIDED")) == (25, 75)
    assert await used(world) == 25


async def test_used_up_a_refusal_says_nothing_and_registrations_go_on(world: World) -> None:
    await set_to(world, 1)
    cases = await world.one("SELECT count(*) FROM duplicate_case")
    first, second, blocked, free = await submitted(world, FIRST, SECOND, BLOCKED, FREE)
    assert first.code == "NIK_ALREADY_REGISTERED"
    assert second == blocked == UNDECIDED
    assert [second.message(language) for language in ("id", "en")] == [
        (
            "NIK ini belum dapat didaftarkan. Jatah pemeriksaan NIK penyelenggara hari ini sudah habis;"
            " coba lagi setelah 3 Maret 2026 pukul 00.00 WIB."
        ),
        (
            "This NIK cannot be registered now. The organizer's allowance of NIKs for today is used up;"
            " try again after 3 March 2026 at 00:00 WIB."
        ),
    ]
    assert second.retry_after(NOW) == 15 * 3600 + 1
    assert free == "ACCEPTED"
    # A case that the organizer hears of would tell, too.
    assert await world.one("SELECT count(*) FROM duplicate_case") == cases + 1
    assert await used(world) == 1


async def test_after_as_many_refusals_again_submissions_are_shut_out_until_tomorrow(world: World) -> None:
    await set_to(world, 2)
    assert [one.code for one in await submitted(world, FIRST, SECOND)] == ["NIK_ALREADY_REGISTERED"] * 2
    assert await submitted(world, BLOCKED) == [UNDECIDED]
    assert await submitted(world, 5) == ["ACCEPTED"]
    assert await submitted(world, FIRST) == [UNDECIDED]
    async with world.unchanged("registrant", "change", "nik_access", "nik_allowance"):
        [shut] = await submitted(world, FREE)
    assert shut == AllowanceUsedUp(opens_at=allowance.ends_at(NOW))
    assert (
        shut.message()
        == "Jatah pemeriksaan NIK penyelenggara ini sudah habis; coba lagi setelah 3 Maret 2026 pukul 00.00 WIB."
    )
    await set_to(world, 50)
    assert await submitted(world, FREE) == ["ACCEPTED"]


async def test_the_next_day_submissions_go_on(world: World) -> None:
    await set_to(world, 0)
    assert await submitted(world, FIRST) == [UNDECIDED]
    assert [one.code for one in await submitted(world, FREE)] == ["ALLOWANCE_USED_UP"]
    assert await submitted(world, FREE, now=TOMORROW) == ["ACCEPTED"]


async def test_it_is_five_times_the_holders_within_bounds(world: World) -> None:
    assert await of(world) == Allowance("dishub-dki", 20_000, 0)
    for taken, per_day in ((4_000, 20_000), (4_001, 20_005), (40_001, 200_000), (0, 20_000)):
        await world.run("UPDATE route SET quota = :n + 1, taken = :n WHERE id = :id", n=taken, id=world.routes["DKI"])
        await tell_use(world)
        assert (await of(world)).per_day == per_day
    # A quota is what an organizer declares itself.
    await world.run("UPDATE route SET quota = 1000000 WHERE id = :id", id=world.routes["DKI"])
    await tell_use(world)
    assert (await of(world)).per_day == 20_000


async def test_holders_of_members_count_for_the_coordinator(world: World) -> None:
    route = await world.route("BUMN", organizer="bumn-satu", quota=9_000)
    await world.run("UPDATE route SET taken = 5000 WHERE id = :id", id=route)
    await tell_use(world)
    assert ((await of(world, JASA_RAHARJA)).per_day, (await of(world, BUMN)).per_day) == (25_000, 25_000)


async def test_hubdat_sets_another_with_a_trace(world: World) -> None:
    assert await set_to(world, 7) == Allowance("dishub-dki", 7, 0)
    assert await set_to(world, 7) == Allowance("dishub-dki", 7, 0)
    assert await set_to(world, None) == Allowance("dishub-dki", 20_000, 0)
    told = await world.run(
        "SELECT organizer_code, client_id, reason, facts FROM change WHERE kind = 'NIK_ALLOWANCE_SET' ORDER BY id"
    )
    assert [tuple(row) for row in told] == [
        ("dishub-dki", "hubdat-test", "Rapat", {"perDay": 7, "was": {"perDay": None}}),
        ("dishub-dki", "hubdat-test", "Rapat", {"perDay": None, "was": {"perDay": 7}}),
    ]


@pytest.mark.parametrize("per_day", [-1, 10_000_001])
async def test_what_cannot_be_set(world: World, per_day: int) -> None:
    async with world.unchanged("nik_allowance", "change"):
        refused = await set_to(world, per_day)
        assert isinstance(refused, InvalidValue)
        assert refused.field == "perDay"
        assert await set_to(world, 5, Caller("x", "nobody")) == NotFound("organizer")
        wrong = await world.database.attempt(
            lambda session: allowance.set_per_day(session, HUBDAT, "dishub-dki", 5, " ", NOW)
        )
        assert isinstance(wrong, InvalidValue)
        assert wrong.field == "reason"


async def test_half_most_and_all_of_it_are_told_once_a_day(world: World) -> None:
    await set_to(world, 10)
    assert await tell_use(world) == 0
    for numbers, marks in (((10, 11, 12, 13), 0), ((14,), 1), ((15,), 0), ((16, 17), 1), ((18, 19, 20), 1), ((21,), 0)):
        await outcomes(world, *numbers)
        assert await tell_use(world) == marks
    told = await world.run("SELECT organizer_code, facts FROM change WHERE kind = 'NIK_ALLOWANCE_USED' ORDER BY id")
    assert [tuple(row) for row in told] == [
        ("dishub-dki", {"percent": percent, "perDay": 10, "used": count})
        for percent, count in ((50, 5), (80, 8), (100, 10))
    ]
    await outcomes(world, *range(10, 15), now=TOMORROW)
    assert await tell_use(world, TOMORROW) == 1


async def test_that_an_organizer_is_shut_out_is_told_once_a_day(world: World) -> None:
    await set_to(world, 2)
    await submitted(world, FIRST, SECOND, BLOCKED)
    assert await tell_use(world) == 1
    await submitted(world, FIRST)
    assert (await tell_use(world), await tell_use(world)) == (1, 0)
    # Who is given none at all is shut out by the first refusal.
    await set_to(world, 0, DJKA)
    await world.accepted(someone(DKI, world.routes["DKI"], 30, registered_at=NOW), now=TOMORROW)
    assert [one.code for one in await world.submit(someone(DJKA, world.routes["KA"], 30))] == ["NIK_UNDECIDED"]
    assert await tell_use(world) == 1
    told = await world.run("SELECT organizer_code, facts FROM change WHERE kind = 'NIK_ALLOWANCE_USED' ORDER BY id")
    assert [(code, facts["percent"], facts["used"]) for code, facts in told] == [
        ("dishub-dki", 100, 2),
        ("dishub-dki", 200, 2),
        ("djka", 200, 0),
    ]


async def test_a_rehearsal_tells_all_or_nothing(world: World) -> None:
    one = telling.Naming(caller=DKI, nik_index=b"1", area=b"2", purpose=Purpose.SUBMISSION, taken=True)
    namings = [one, replace(one, nik_index=b"2")]
    await set_to(world, 3)
    async with world.database.transaction() as session:
        await telling.tell_rehearsed(session, namings, NOW)
    assert (await used(world), await access(world)) == (2, [("DRY_RUN", "AVAILABLE", True)] * 2)
    with pytest.raises(TooManyNamed):
        async with world.database.transaction() as session:
            await telling.tell_rehearsed(session, namings, NOW)
    assert (await used(world), len(await access(world))) == (2, 2)


async def test_whether_a_rehearsal_waits_tells_nothing(world: World) -> None:
    """A route with one seat: whoever is refused leaves it to the next one, and then more NIKs are named."""
    await world.route("sempit", organizer="dishub-dki", quota=1)
    found = []
    for number in (FIRST, BLOCKED, FREE):
        await world.run("UPDATE nik_allowance SET named = 0")
        await world.run("DELETE FROM nik_access")
        rehearsed = await rehearse(world, number, number, 11, 11, 12)
        await set_to(world, 2)
        with pytest.raises(TooManyNamed, match=r"^3$"):
            async with world.database.transaction() as session:
                await telling.tell_rehearsed(session, rehearsed, NOW)
        assert (await used(world), await access(world)) == (0, [])
        await set_to(world, 3)
        async with world.database.transaction() as session:
            await telling.tell_rehearsed(session, rehearsed, NOW)
        found.append((await used(world), [one[1] for one in await access(world)]))
    # Nothing is told of those who find no seat, so they cost nothing.
    assert found == [(2, ["REGISTERED", "AVAILABLE"]), (2, ["BLOCKED", "AVAILABLE"]), (1, ["AVAILABLE"])]


async def rehearse(world: World, *numbers: int) -> list[telling.Naming]:
    people = [someone(DKI, world.routes["sempit"], number) for number in numbers]
    async with world.database.transaction() as session:
        session.rehearsed = []
        await submission.submit(session, world.vault, people, NOW)
        await session.run(statement("DELETE FROM registrant WHERE organizer_code = 'dishub-dki'"))
        await session.run(statement("UPDATE route SET taken = 0 WHERE organizer_code = 'dishub-dki'"))
        return session.rehearsed


async def test_organizers_are_taken_from_in_one_order(world: World) -> None:
    """Batches of several organizers at once do not wait for each other in a circle."""

    async def take(*organizers: str) -> None:
        named = [Named(one, 1) for one in organizers]
        await world.database.attempt(lambda session: allowance.take(session, named, NOW))

    await asyncio.gather(*[take(*order) for order in (("djka", "hubdat"), ("hubdat", "djka")) * 20])
    assert (await used(world, DJKA), await used(world, HUBDAT)) == (40, 40)
