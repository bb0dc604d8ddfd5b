"""Ten days of a demo season, by the real rules: people register, are verified, cancel, forfeit, depart or stay."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from random import Random
from uuid import UUID

from app.clock import start_of_wib_day, wib_day
from app.db import Session
from app.demo.catalogue import COORDINATOR, MEMBERS, TRIPS, Trip
from app.demo.people import InventedPerson, invent
from app.errors import accepted
from app.models.enums import RegistrantStatus, Service
from app.registry.caller import Caller
from app.registry.registrants import forfeiture, lifecycle, no_show, submission
from app.registry.registrants.lifecycle import Move
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.submission import Submission
from app.vault.vault import Vault

SEED = 2024
DUPLICATES = 48
MISTYPED = 8
"""Duplicates under a clearly different name: somebody mistyped a NIK."""
ALL_TOGETHER = 100_000
"""More registrants than a demo has: each sweep is one step."""
OPENS, CLOSES = timedelta(hours=8), timedelta(hours=20)
"""People register, and are verified, between these times of day."""
HOURS = 6
"""So often in a day the registry hears of what has happened meanwhile."""
LAST = HOURS - 1
MIDNIGHT = timedelta(seconds=20)
"""Whose deadline was the end of the day is forfeited so long after it."""
DEPARTS = timedelta(hours=9)
REPORTED_BEFORE = timedelta(minutes=70)
"""How long before the departure people report."""


@dataclass(slots=True, kw_only=True)
class InventedBooking:
    trip: Trip
    person: InventedPerson
    name: str
    day: int
    """Of registration, counted from today."""
    verified_on: int | None = None
    cancelled_on: int | None = None
    departs: bool = False
    returns: bool = False
    ways: tuple[Ref, ...] = ()
    """Once accepted: home, and back if booked with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    session: Session
    vault: Vault
    caller: Caller
    now: datetime
    offered: Mapping[Trip, tuple[UUID, ...]]
    """The routes of each trip: home, and back if there is a way back."""
    opening_days: Mapping[str, int]

    def start(self, day: int) -> datetime:
        return start_of_wib_day(wib_day(self.now) + timedelta(days=day))

    def hours(self, day: int, random: Random) -> list[datetime]:
        """When a day of the demo begins, and when the registry hears of it: at no full hour, as it is in life."""
        end = min(self.now, self.start(day) + CLOSES)
        start = min(self.start(day) + OPENS, end)
        return [
            start,
            *(start + (end - start) * (place - random.random() / 2) / HOURS for place in range(1, HOURS + 1)),
        ]


async def live(life: Life, progress: Callable[[int, int], None]) -> tuple[int, int]:
    """How many registrants there are then, and how many submissions were refused."""
    random = Random(SEED)  # noqa: S311 - the same people every time is what we want
    bookings = plan(life.opening_days, random)
    done = 0
    for day in range(min(life.opening_days.values()), 1):
        todays = [booking for booking in bookings if booking.day == day]
        await _pass(life, bookings, todays, day, random)
        done += len(todays)
        progress(done, len(bookings))
    return sum(len(booking.ways) for booking in bookings), sum(not booking.ways for booking in bookings)


def plan(opening_days: Mapping[str, int], random: Random) -> list[InventedBooking]:
    """Who asks for which trip on which day, and what becomes of it. Duplicates come last."""
    people = invent(random)
    bookings = [
        _booking(trip, next(people), opening_days, random)
        for trip in TRIPS
        if trip.service == Service.PASSENGER
        for _ in range(trip.booked)
    ]
    riders = [booking.person for booking in bookings if booking.trip.organizer == "ahm"]
    random.shuffle(riders)
    for trip in TRIPS:
        if trip.service == Service.MOTORCYCLE:
            # Every third goes by another organizer's bus: a motorcycle stands beside a seat.
            owners = (riders.pop() if number % 3 == 0 else next(people) for number in range(trip.booked))
            bookings += [_booking(trip, owner, opening_days, random) for owner in owners]
    return bookings + list(_duplicates(bookings, people, opening_days, random))


def _booking(trip: Trip, person: InventedPerson, opening_days: Mapping[str, int], random: Random) -> InventedBooking:
    first, last = opening_days[trip.source], min(0, trip.day - 2)
    day = first + int((last - first + 1) * random.random() ** 1.5)
    booking = InventedBooking(
        trip=trip, person=person, name=person.name, day=day, returns=trip.back is not None and random.random() < 0.45
    )
    chance = random.random()
    if trip.day < 0:
        booking.verified_on = day + 1 if chance < 0.95 else None
        booking.departs = chance < 0.88
    elif chance < 0.55:
        booking.verified_on = day + random.randint(1, 3)
    elif chance < 0.61 and not trip.steady:
        booking.cancelled_on = day + random.randint(0, 2)
    return booking


def _duplicates(
    bookings: Sequence[InventedBooking],
    people: Iterator[InventedPerson],
    opening_days: Mapping[str, int],
    random: Random,
) -> Iterator[InventedBooking]:
    candidates = [one for one in bookings if one.trip.service == Service.PASSENGER and not one.trip.steady]
    for number, first in enumerate(random.sample(candidates, DUPLICATES)):
        second = random.choice([one.trip for one in candidates if one.trip.organizer != first.trip.organizer])
        name = next(people).name if number < MISTYPED else first.name
        yield InventedBooking(
            trip=second, person=first.person, name=name, day=max(first.day, opening_days[second.source])
        )


async def _pass(
    life: Life, bookings: Sequence[InventedBooking], todays: Sequence[InventedBooking], day: int, random: Random
) -> None:
    """A day, from its midnight on."""
    since, *hours = life.hours(day, random)
    arrivals = _arrivals(todays, [since + (hours[-1] - since) * random.random() for _ in todays])
    moving = _by_hour(bookings, day, random)
    await forfeiture.forfeit_overdue(life.session, min(life.now, life.start(day) + MIDNIGHT), most=ALL_TOGETHER)
    done = 0
    for place, hour in enumerate(hours):
        by_then = bisect_right(arrivals, hour, key=itemgetter(1))
        await _register(life, arrivals[done:by_then], hour)
        await _move(life, [one for one in moving[place] if one.ways], day, hour)
        await no_show.mark_left_behind(life.session, hour, most=ALL_TOGETHER)
        done = by_then


def _arrivals(
    todays: Sequence[InventedBooking], instants: Sequence[datetime]
) -> list[tuple[InventedBooking, datetime]]:
    """Who registers when, in this order. What one person does stays in its order: a duplicate comes second."""
    drawn: defaultdict[str, list[datetime]] = defaultdict(list)
    for one, at in zip(todays, instants, strict=True):
        insort(drawn[one.person.nik], at)
    return sorted(((one, drawn[one.person.nik].pop(0)) for one in todays), key=itemgetter(1))


def _by_hour(bookings: Sequence[InventedBooking], day: int, random: Random) -> Mapping[int, Sequence[InventedBooking]]:
    """With whom something happens on this day, by the time of day."""
    found = defaultdict(list)
    for one in bookings:
        if one.departs and one.trip.day == day:
            found[0].append(one)
        elif day in (one.verified_on, one.cancelled_on):
            # Whoever cancels on the day of registration does so at its end.
            found[LAST if one.day == day else random.randrange(HOURS)].append(one)
    return found


async def _register(life: Life, arrived: Sequence[tuple[InventedBooking, datetime]], now: datetime) -> None:
    submissions = [_submission(life, one, at) for one, at in arrived]
    verdicts = await submission.submit(life.session, life.vault, submissions, now)
    for (booking, _), verdict in zip(arrived, verdicts, strict=True):
        if isinstance(verdict, submission.Accepted):
            legs = [one for one in (verdict.view, verdict.return_view) if one is not None]
            booking.ways = tuple(Ref(id=one.id) for one in legs)


def _submission(life: Life, booking: InventedBooking, at: datetime) -> Submission:
    trip, person = booking.trip, booking.person
    home, *back = life.offered[trip]
    members = frozenset(one.code for one in MEMBERS) if trip.organizer == COORDINATOR else frozenset()
    papers = Motorcycle(person.plate, person.registration_number) if trip.service == Service.MOTORCYCLE else None
    return Submission(
        caller=Caller(None, trip.organizer, members),
        nik=person.nik,
        name=booking.name,
        route_id=home,
        return_route_id=back[0] if booking.returns else None,
        registered_at=at.replace(microsecond=0),
        identity_document=person.document,
        reference=f"{trip.source.upper()}-{person.registration_number}",
        motorcycle=papers,
        member=trip.member,
    )


async def _move(life: Life, bookings: Sequence[InventedBooking], day: int, now: datetime) -> None:
    moves = [move for one in bookings for move in _moves(life, one, day)]
    for verdict in await lifecycle.move(life.session, life.vault, moves, now):
        accepted(verdict)


def _moves(life: Life, booking: InventedBooking, day: int) -> Iterator[Move]:
    home = booking.ways[0]
    if booking.verified_on == day:
        for way in booking.ways:
            yield Move(caller=life.caller, ref=way, to=RegistrantStatus.VERIFIED, posko="Posko Contoh")
    if booking.cancelled_on == day:
        yield Move(caller=life.caller, ref=home, to=RegistrantStatus.CANCELLED, reason="Peserta membatalkan.")
    if booking.departs and booking.trip.day == day:
        at = life.start(day) + DEPARTS - REPORTED_BEFORE
        yield Move(caller=life.caller, ref=home, to=RegistrantStatus.DEPARTED, healthy=True, at=at)
