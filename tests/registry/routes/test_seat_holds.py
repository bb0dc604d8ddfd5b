"""Held seats: whose they are, for how long, how many together, and what they leave for others."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.errors import HoldsFull, InvalidValue, NotFound, QuotaFull, Refusal
from app.models.enums import RegistrantStatus
from app.registry.amending import rerouting
from app.registry.bookings import submitting
from app.registry.bookings.submitting import AcceptedBooking, BookingSubmission, RefusedBooking
from app.registry.caller import Caller
from app.registry.registrants.lookup import Ref
from app.registry.registrants.submission import Accepted
from app.registry.routes import daily_releases, held_seats, merging, quota, quota_releases, route, saving, seat_holds
from app.registry.routes.daily_releases import Daily
from app.registry.routes.held_seats import SeatHold
from app.registry.routes.route import Route
from app.registry.routes.saving import RouteInput
from app.registry.undo import reopening
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

END = NOW + timedelta(minutes=15)
INSTANT = timedelta(microseconds=1)
TABLES = ("registrant", "route", "change", "seat_hold")


@pytest.fixture
async def free(world: World) -> World:
    """Hubdat lets every seat be held."""
    await world.policy("hubdat", hold_percent=100)
    return world


async def asked(world: World, route_id: UUID, seats: int = 1, caller: Caller = HUBDAT, **how: Any) -> Any:
    minutes, now = how.get("minutes", 15), how.get("now", NOW)
    return await world.database.attempt(lambda session: seat_holds.hold(session, caller, route_id, seats, minutes, now))


async def held(world: World, route_id: UUID, seats: int = 1, caller: Caller = HUBDAT, **how: Any) -> SeatHold:
    hold = await asked(world, route_id, seats, caller, **how)
    assert isinstance(hold, SeatHold), hold
    return hold


async def given_back(world: World, hold_id: UUID, caller: Caller = HUBDAT, **how: Any) -> Any:
    now = how.get("now", NOW)
    return await world.database.attempt(lambda session: seat_holds.give_back(session, caller, hold_id, now))


async def seats_of(world: World, hold: SeatHold, now: Any = NOW) -> int:
    async with world.database.transaction() as session:
        return (await held_seats.named(session, [hold.id], now))[hold.id].seats


async def shown(world: World, route_id: UUID, now: Any = NOW) -> tuple[int, int, int | None]:
    """What is taken, held and left."""
    async with world.database.transaction() as session:
        [found] = await route.by_ids(session, [route_id], now)
    assert found is not None
    return found.taken, found.held, found.remaining


def codes(verdicts: Any) -> list[str]:
    return [one.code if isinstance(one, Refusal) else "ACCEPTED" for one in verdicts]


async def test_held_seats_are_nobody_elses(free: World) -> None:
    route_id = await free.route(quota=3)
    hold = await held(free, route_id, 2)
    assert (hold.seats, hold.ends_at, hold.organizer) == (2, END, "hubdat")
    assert await shown(free, route_id) == (0, 2, 1)
    assert codes(await free.submit(*(someone(HUBDAT, route_id, number) for number in (1, 2)))) == [
        "ACCEPTED",
        "QUOTA_FULL",
    ]
    verdicts = await free.submit(*(someone(HUBDAT, route_id, number, holds=(hold.id,)) for number in (2, 3, 4)))
    assert codes(verdicts) == ["ACCEPTED", "ACCEPTED", "QUOTA_FULL"]
    assert [one.warnings for one in verdicts[:2]] == [(), ()]
    assert await shown(free, route_id) == (3, 0, 0)
    assert await seats_of(free, hold) == 0


async def test_a_hold_holds_no_nik(free: World) -> None:
    """Whoever is submitted first has the NIK, and a hold is worth nothing against a registration."""
    ours, theirs = await free.route(quota=1), await free.route("Milik DJKA", organizer="djka")
    hold = await held(free, ours)
    await free.registered(someone(DJKA, theirs, 1))
    async with free.unchanged("registrant", "route", "seat_hold"):
        [refused] = await free.submit(someone(HUBDAT, ours, 1, holds=(hold.id,)))
    assert refused.code == "NIK_ALREADY_REGISTERED"
    assert await seats_of(free, hold) == 1


async def test_it_ends_by_itself_at_its_instant(free: World) -> None:
    route_id = await free.route(quota=1)
    await held(free, route_id)
    last = END - INSTANT
    assert codes(await free.submit(someone(HUBDAT, route_id, 1), now=last)) == ["QUOTA_FULL"]
    assert (await shown(free, route_id, last), await shown(free, route_id, END)) == ((0, 1, 0), (0, 0, 1))
    assert codes(await free.submit(someone(HUBDAT, route_id, 1), now=END)) == ["ACCEPTED"]


async def test_its_last_instant_counts(free: World) -> None:
    route_id = await free.route(quota=1)
    hold = await held(free, route_id, minutes=1)
    last = NOW + timedelta(minutes=1) - INSTANT
    [accepted] = await free.submit(someone(HUBDAT, route_id, 1, holds=(hold.id,)), now=last)
    assert (isinstance(accepted, Accepted), accepted.warnings) == (True, ())


async def test_whoever_comes_after_the_end_gets_what_is_free(free: World) -> None:
    route_id = await free.route(quota=2)
    holds = [await held(free, route_id) for _ in range(2)]
    first, second = (someone(HUBDAT, route_id, n, holds=(hold.id,)) for n, hold in enumerate(holds))
    [accepted] = await free.submit(first, now=END)
    assert [one.code for one in accepted.warnings] == ["HOLD_ENDED"]
    await free.registered(someone(HUBDAT, route_id, 9), now=END)
    assert codes(await free.submit(second, now=END)) == ["QUOTA_FULL"]
    assert await free.taken() == 2


async def test_a_repeat_uses_no_second_seat(free: World) -> None:
    route_id = await free.route(quota=5)
    hold = await held(free, route_id, 2)
    one = someone(HUBDAT, route_id, 1, holds=(hold.id,))
    await free.registered(one)
    async with free.unchanged(*TABLES):
        [again] = await free.submit(one)
    assert (again.replayed, await seats_of(free, hold)) == (True, 1)
    # A year later the hold is forgotten. The registration is still the caller's own.
    await free.run("DELETE FROM seat_hold")
    [again] = await free.submit(one)
    assert again.replayed


async def test_a_cancelled_seat_is_free_and_held_no_more(free: World) -> None:
    route_id = await free.route(quota=1)
    hold = await held(free, route_id)
    one = await free.registered(someone(HUBDAT, route_id, 1, holds=(hold.id,)))
    await free.moved(one.id, RegistrantStatus.CANCELLED)
    assert (await seats_of(free, hold), await shown(free, route_id)) == (0, (0, 0, 1))


async def test_an_infant_on_a_lap_uses_none(free: World) -> None:
    route_id = await free.route(quota=2)
    await free.registered(someone(HUBDAT, route_id, 1, reference="BK-1"))
    hold = await held(free, route_id)
    infant = someone(
        HUBDAT,
        route_id,
        holds=(hold.id,),
        nik="3201010101259001",
        lap_infant=True,
        identity_document="KIA",
        reference="BK-1",
    )
    assert codes(await free.submit(infant)) == ["ACCEPTED"]
    assert (await seats_of(free, hold), await shown(free, route_id)) == (1, (1, 1, 0))


async def test_each_way_of_a_trip_has_its_hold(free: World) -> None:
    there, back = await free.route(quota=1), await free.way_back(quota=1)
    holds = tuple([(await held(free, one)).id for one in (back, there)])
    [accepted] = await free.submit(someone(HUBDAT, there, return_route_id=back, holds=holds))
    assert isinstance(accepted, Accepted)
    assert (await shown(free, there), await shown(free, back)) == ((1, 0, 0), (1, 0, 0))


async def test_of_two_holds_on_a_route_the_one_with_seats_is_used(free: World) -> None:
    route_id = await free.route(quota=2)
    spent, full = await held(free, route_id), await held(free, route_id)
    await given_back(free, spent.id)
    [accepted] = await free.submit(someone(HUBDAT, route_id, holds=(spent.id, full.id)))
    assert (accepted.warnings, await seats_of(free, full)) == ((), 0)


async def test_a_hold_of_another_route_or_organizer_or_of_nobody_is_refused(free: World) -> None:
    await free.policy("djka", hold_percent=100)
    route_id, other = await free.route(quota=9), await free.route("Lain", quota=9)
    theirs = await held(free, await free.route("DJKA", organizer="djka", quota=9), caller=DJKA)
    elsewhere = await held(free, other)
    async with free.unchanged(*TABLES):
        verdicts = await free.submit(
            *(someone(HUBDAT, route_id, holds=(one,)) for one in (elsewhere.id, theirs.id, uuid4()))
        )
        assert codes(verdicts) == ["INVALID_VALUE"] * 3
        assert {one.field for one in verdicts} == {"hold"}
    told = [one.message("en").partition(";")[0] for one in verdicts]
    assert told == ["These seats are held on another route", *["No such hold of seats is known"] * 2]


async def test_at_most_five_per_cent_of_the_seats(world: World) -> None:
    """By the quota of now, rounded down. Somebody else's hold counts."""
    route_id = await world.route(quota=119)
    hold = await held(world, route_id, 3)
    async with world.unchanged(*TABLES):
        refused = await asked(world, route_id, 3, now=NOW + timedelta(minutes=5))
        never = await asked(world, route_id, 6)
    assert refused == HoldsFull("seats", most=5, held=3, opens_at=END)
    assert refused.retry_after(NOW + timedelta(minutes=5)) == 601
    assert never == HoldsFull("seats", most=5, held=3)
    await held(world, route_id, 2)
    await given_back(world, hold.id)
    await held(world, route_id, 3)
    await world.release(route_id, 1, NOW)
    await held(world, route_id, 1)
    small = await world.route("Minibus", quota=19)
    assert await asked(world, small) == HoldsFull("seats", most=0, held=0)


async def test_a_hold_whose_seats_are_used_is_no_reason_to_come_back(free: World) -> None:
    await free.policy("hubdat", hold_percent=50)
    route_id = await free.route(quota=4)
    used = await held(free, route_id, minutes=5)
    await free.registered(someone(HUBDAT, route_id, holds=(used.id,)))
    await held(free, route_id, 2)
    assert await asked(free, route_id) == HoldsFull("seats", most=2, held=2, opens_at=END)


@pytest.mark.parametrize(("percent", "most"), [(0, 0), (10, 2), (100, 20)])
async def test_the_policy_of_the_routes_organizer_says_how_many(world: World, percent: int, most: int) -> None:
    await world.policy("bumn-satu", hold_percent=percent)
    route_id = await world.route(organizer="bumn-satu", quota=20)
    given = [await asked(world, route_id, caller=JASA_RAHARJA) for _ in range(21)]
    assert sum(isinstance(one, SeatHold) for one in given) == most
    assert {one.most for one in given if isinstance(one, HoldsFull)} <= {most}


async def test_a_coordinator_uses_what_it_holds_for_a_member(world: World) -> None:
    route_id = await world.route(organizer="bumn-satu", quota=20)
    hold = await held(world, route_id, caller=JASA_RAHARJA)
    assert codes(await world.submit(someone(BUMN, route_id, 1, holds=(hold.id,)))) == ["INVALID_VALUE"]
    mine = someone(JASA_RAHARJA, route_id, 2, holds=(hold.id,), member="bumn-satu")
    assert codes(await world.submit(mine)) == ["ACCEPTED"]
    assert await seats_of(world, hold) == 0


async def test_a_route_without_a_quota_lets_every_seat_be_held(world: World) -> None:
    route_id = await world.route()
    hold = await held(world, route_id, 10)
    assert codes(await world.submit(someone(HUBDAT, route_id, 1), someone(HUBDAT, route_id, 2, holds=(hold.id,)))) == [
        "ACCEPTED",
        "ACCEPTED",
    ]
    assert await seats_of(world, hold) == 9


@pytest.mark.parametrize(
    ("seats", "minutes", "field"), [(0, 15, "seats"), (11, 15, "seats"), (1, 0, "minutes"), (1, 16, "minutes")]
)
async def test_more_or_less_is_refused(free: World, seats: int, minutes: int, field: str) -> None:
    route_id = await free.route(quota=50)
    async with free.unchanged(*TABLES):
        refused = await asked(free, route_id, seats, minutes=minutes)
    assert (refused.code, refused.field) == ("INVALID_VALUE", field)


async def test_it_is_held_for_whoever_could_be_registered_now(free: World) -> None:
    route_id, full = await free.route(quota=50), await free.route("Penuh", quota=2)
    await free.registered(someone(HUBDAT, full))
    async with free.unchanged(*TABLES):
        refused = [
            await asked(free, route_id, caller=DJKA),
            await asked(free, uuid4()),
            await asked(free, route_id, now=LEAVES),
            await asked(free, full, 2),
            await asked(free, route_id, now=NOW - timedelta(days=40)),
        ]
        await free.policy("hubdat", hold_percent=100, enforce_window=False)
    assert codes(refused) == ["NOT_YOURS", "ROUTE_UNKNOWN", "ROUTE_DEPARTED", "QUOTA_FULL", "REGISTRATION_CLOSED"]
    assert (refused[3].wanted, refused[3].left) == (2, 1)
    assert isinstance(await asked(free, route_id, now=NOW - timedelta(days=40)), SeatHold)
    await free.season(2027, NOW.date().replace(year=2027))
    assert (await asked(free, route_id)).code == "SEASON_CLOSED"
    await free.close()
    assert (await asked(free, route_id)).code == "SEASON_CLOSED"


async def test_it_is_given_back(free: World) -> None:
    route_id = await free.route(quota=2)
    hold = await held(free, route_id, 2)
    async with free.unchanged(*TABLES):
        assert await given_back(free, hold.id, DJKA) == NotFound("hold", what="hold")
        assert await given_back(free, uuid4()) == NotFound("hold", what="hold")
    later = NOW + timedelta(minutes=1)
    ended = await given_back(free, hold.id, now=later)
    assert (ended.seats, ended.ends_at) == (0, later)
    async with free.unchanged(*TABLES):
        assert await given_back(free, hold.id, now=END) == ended
    assert await shown(free, route_id, later) == (0, 0, 2)


async def test_a_hold_that_is_forgotten_meanwhile_is_not_found(free: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep waits for no route."""
    hold = await held(free, await free.route(quota=2))
    lock = quota.lock

    async def meanwhile(*arguments: Any) -> Any:
        await free.sweep(END + held_seats.KEPT)
        return await lock(*arguments)

    monkeypatch.setattr(quota, "lock", meanwhile)
    assert await given_back(free, hold.id) == NotFound("hold", what="hold")


async def test_a_lowered_quota_leaves_the_oldest_holds(free: World) -> None:
    """Not below what is taken: holds keep no quota up. And what is left is not lost for both."""
    route_id = await free.route(quota=10)
    await free.registered(someone(HUBDAT, route_id, 1))
    first, second, third = [await held(free, route_id, seats) for seats in (2, 4, 3)]
    await lowered(free, route_id, -4)
    assert [await seats_of(free, one) for one in (first, second, third)] == [2, 3, 0]
    assert await shown(free, route_id) == (1, 5, 0)
    await lowered(free, route_id, -5)
    assert [await seats_of(free, one) for one in (first, second, third)] == [0, 0, 0]
    [late] = await free.submit(someone(HUBDAT, route_id, 2, holds=(first.id,)))
    assert late.code == "QUOTA_FULL"
    assert (await asked_lower(free, route_id, -1)).code == "QUOTA_BELOW_TAKEN"


async def asked_lower(world: World, route_id: UUID, seats: int) -> Any:
    return await world.database.attempt(
        lambda session: quota_releases.release(session, HUBDAT, route_id, seats, None, NOW)
    )


async def lowered(world: World, route_id: UUID, seats: int) -> None:
    assert isinstance(await asked_lower(world, route_id, seats), Route)


async def test_a_quota_on_a_route_that_had_none(free: World) -> None:
    """Once by `saveRoutes`, once by daily releases, which begin with no seat at all."""
    saved, daily = await free.route(), await free.route("Harian")
    holds = [await held(free, one, 5) for one in (saved, daily)]
    given = RouteInput(
        id=saved,
        name="Jakarta - Solo",
        direction="MUDIK",
        service="PASSENGER",
        mode="BUS",
        origin="pulo-gebang",
        destination="tirtonadi",
        departs_at=LEAVES,
        quota=3,
    )
    await free.database.attempt(lambda session: saving.save(session, HUBDAT, [given], NOW))
    each_day = Daily(9, "08:00", (NOW + timedelta(days=1)).date(), (NOW + timedelta(days=2)).date())
    await free.database.attempt(lambda session: daily_releases.release(session, HUBDAT, daily, each_day, NOW))
    assert [await seats_of(free, one) for one in holds] == [3, 0]


async def test_a_higher_quota_ends_no_hold(free: World) -> None:
    route_id = await free.route(quota=4)
    hold = await held(free, route_id, 4)
    await lowered(free, route_id, 1)
    assert (await seats_of(free, hold), await shown(free, route_id)) == (4, (0, 4, 1))


async def test_a_merged_routes_holds_go_along_as_far_as_there_are_seats(free: World) -> None:
    spelling, meant = await free.route("Jkt Solo"), await free.route(quota=3)
    await free.run("UPDATE route SET provisional = true WHERE id = :id", id=spelling)
    await free.registered(someone(HUBDAT, spelling, 1))
    hold = await held(free, spelling, 3)
    merged = await free.database.attempt(
        lambda session: merging.merge(session, HUBDAT, spelling, meant, NOW, admin=False)
    )
    assert isinstance(merged, Route), merged
    assert await shown(free, meant) == (1, 2, 0)
    assert codes(await free.submit(someone(HUBDAT, meant, 2, holds=(hold.id,)))) == ["ACCEPTED"]
    assert await seats_of(free, hold) == 1


async def test_a_target_whose_seats_are_held_takes_no_more_people(free: World) -> None:
    spelling, meant = await free.route("Jkt Solo"), await free.route(quota=3)
    await free.run("UPDATE route SET provisional = true WHERE id = :id", id=spelling)
    await free.registered(someone(HUBDAT, spelling, 1))
    await held(free, meant, 3)
    async with free.unchanged(*TABLES):
        refused = await free.database.attempt(
            lambda session: merging.merge(session, HUBDAT, spelling, meant, NOW, admin=False)
        )
    assert isinstance(refused, QuotaFull)
    assert refused.field == "into"


async def test_nobody_is_moved_or_taken_back_onto_a_held_seat(free: World) -> None:
    route_id, other = await free.route(quota=2), await free.route("Lain")
    gone = await free.registered(someone(HUBDAT, route_id, 1))
    await free.moved(gone.id, RegistrantStatus.CANCELLED)
    one = await free.registered(someone(HUBDAT, other, 2))
    hold = await held(free, route_id, 2)
    moves, refs = [(Ref(id=one.id), route_id)], [Ref(id=gone.id)]

    async def both(now: datetime) -> list[Any]:
        moved = await free.database.attempt(lambda session: rerouting.move(session, free.vault, HUBDAT, moves, now))
        reopened = await free.database.attempt(
            lambda session: reopening.reopen(session, free.vault, HUBDAT, refs, "Keliru", now)
        )
        return [*moved, *reopened]

    async with free.unchanged(*TABLES):
        assert codes(await both(NOW)) == ["QUOTA_FULL", "QUOTA_FULL"]
    assert codes(await both(hold.ends_at)) == ["ACCEPTED", "ACCEPTED"]
    assert await shown(free, route_id, hold.ends_at) == (2, 0, 0)


async def test_ended_holds_are_forgotten_after_a_week(free: World) -> None:
    route_id = await free.route(quota=9)
    await held(free, route_id)
    await held(free, route_id, now=NOW + timedelta(hours=1))
    await free.sweep(END + held_seats.KEPT - INSTANT)
    assert await free.count("seat_hold") == 2
    await free.sweep(END + held_seats.KEPT)
    assert await free.count("seat_hold") == 1


async def test_holds_cost_two_statements_whatever_the_batch(free: World) -> None:
    """A submission without a hold runs as many as before; see `test_submission_batches`."""
    route_id = await free.route(quota=2_000)
    holds = [(await held(free, route_id, 10)).id for _ in range(20)]
    counts = []
    for numbers, named in ((range(100), 0), (range(100, 101), 1), (range(1_000, 1_200), 20)):
        people = [
            someone(HUBDAT, route_id, number, holds=tuple(holds[place % 20 : place % 20 + 1] if named else ()))
            for place, number in enumerate(numbers)
        ]
        with free.statements() as issued:
            assert set(codes(await free.submit(*people))) == {"ACCEPTED"}
        counts.append(len(issued))
    assert counts == [counts[0], counts[0] + 2, counts[0] + 2]
    # 20 holds of ten seats: the first had used one, so one of these 200 people got a free seat.
    assert await shown(free, route_id) == (301, 0, 1_699)


# --- bookings ---------------------------------------------------------------------------------------------------------


async def booked(world: World, *people: Any, **how: Any) -> Any:
    given = BookingSubmission(caller=HUBDAT, reference="BK-1", people=people, **how)
    return await world.database.attempt(lambda session: submitting.submit(session, world.vault, given, NOW))


async def test_a_booking_uses_its_holds_on_each_route(free: World) -> None:
    there, back = await free.route(quota=2), await free.way_back(quota=2)
    holds = tuple([(await held(free, one, 2)).id for one in (there, back)])
    people = [someone(HUBDAT, there, number, return_route_id=back) for number in (1, 2)]
    assert isinstance(await booked(free, *people, holds=holds), AcceptedBooking)
    assert (await shown(free, there), await shown(free, back)) == ((2, 0, 0), (2, 0, 0))
    async with free.unchanged(*TABLES):
        again = await booked(free, *people, holds=holds)
    assert [one.replayed for one in again.accepted] == [True, True]


async def test_a_refused_booking_uses_nothing(free: World) -> None:
    ours, theirs = await free.route(quota=2), await free.route("DJKA", organizer="djka")
    await free.registered(someone(DJKA, theirs, 2))
    hold = await held(free, ours, 2)
    async with free.unchanged("registrant", "route", "seat_hold"):
        refused = await booked(free, *(someone(HUBDAT, ours, number) for number in (1, 2)), holds=(hold.id,))
    assert isinstance(refused, RefusedBooking)
    assert [one and one.code for one in refused.refusals] == [None, "NIK_ALREADY_REGISTERED"]
    assert await seats_of(free, hold) == 2


async def test_a_booking_larger_than_its_hold_takes_free_seats_as_well(free: World) -> None:
    route_id = await free.route(quota=3)
    hold = await held(free, route_id, 2)
    await free.registered(someone(HUBDAT, route_id, 9))
    people = [someone(HUBDAT, route_id, number) for number in (1, 2, 3)]
    async with free.unchanged(*TABLES):
        refused = await booked(free, *people, holds=(hold.id,))
    assert isinstance(refused, RefusedBooking)
    assert [(one.wanted, one.left) for one in refused.refusals if one] == [(3, 2)]  # type: ignore[attr-defined]
    assert isinstance(await booked(free, *people[:2], holds=(hold.id,)), AcceptedBooking)


async def test_a_hold_that_fits_nobody_of_the_booking_is_refused(free: World) -> None:
    route_id, other = await free.route(quota=3), await free.route("Lain", quota=3)
    hold = await held(free, other)
    async with free.unchanged(*TABLES):
        refused = await booked(free, someone(HUBDAT, route_id), holds=(hold.id,))
        unknown = await booked(free, someone(HUBDAT, route_id), holds=(uuid4(),))
    assert isinstance(refused, InvalidValue)
    assert refused.field == "hold"
    assert codes(unknown.refusals) == ["INVALID_VALUE"]


async def test_a_booking_tells_nothing_of_another_organizers_hold(free: World) -> None:
    """Neither that it is there nor on which route."""
    route_id, theirs = await free.route(quota=3), await free.route("Milik DJKA", organizer="djka", quota=20)
    hold = await held(free, theirs, caller=DJKA)
    async with free.unchanged(*TABLES):
        foreign, unknown = [await booked(free, someone(HUBDAT, route_id), holds=(one,)) for one in (hold.id, uuid4())]
    assert foreign == unknown
    assert codes(foreign.refusals) == ["INVALID_VALUE"]
