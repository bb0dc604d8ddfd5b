"""The registry's rules once more, as plain Python without a database: slow, small and obvious, for the real one to be
compared with.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from app.clock import end_of_wib_day, wib_day

SEAT = {"REGISTERED", "VERIFIED", "DEPARTED"}
HOLDS = {*SEAT, "NO_SHOW"}
VERIFIED = {"VERIFIED", "DEPARTED", "NO_SHOW"}
NEXT = {"REGISTERED": ("VERIFIED", "CANCELLED"), "VERIFIED": ("DEPARTED", "CANCELLED")}
OTHER = {"PASSENGER": "MOTORCYCLE", "MOTORCYCLE": "PASSENGER"}


LATE_ARRIVAL, INSTANT = timedelta(days=2), timedelta(microseconds=1)


@dataclass(frozen=True)
class Terms:
    """An organizer's policy; its registration closes at the end of `closes_after` days."""

    verify_days: int | None = None
    blocks: bool = True
    needs_outbound: bool = True
    same_day: bool = False
    closes_after: int | None = None
    enforces_window: bool = True
    grace_minutes: int = 120


@dataclass(frozen=True)
class Way:
    name: str
    organizer: str
    direction: str
    service: str
    origin: str
    destination: str
    quota: int | None = None


@dataclass(eq=False)
class Person:
    """A registrant. `id` is the real registry's."""

    way: Way
    nik: int | None
    name: str
    registered_at: datetime
    verify_by: datetime | None
    outbound: Person | None
    status: str = "REGISTERED"
    late: bool | None = None
    handed_over: bool = False
    id: UUID | None = None

    @property
    def organizer(self) -> str:
        return self.way.organizer


@dataclass(frozen=True)
class Given:
    organizer: str
    nik: int
    name: str
    way: Way
    back: Way | None
    registered_at: datetime


@dataclass(frozen=True)
class Booked:
    legs: tuple[Person, ...]
    replayed: bool


@dataclass(frozen=True)
class No:
    """A refusal. `holder`: whom it names."""

    code: str
    holder: Person | None = None
    allowed: tuple[str, ...] = ()


@dataclass
class Model:
    start: datetime
    leaves: datetime
    terms: dict[str, Terms]
    ways: tuple[Way, ...]
    people: list[Person] = field(default_factory=list)
    blocks: list[tuple[int, Person | None]] = field(default_factory=list)
    """A NIK, and the registrant that the block came from, if it came from one."""
    quotas: dict[str, int] = field(default_factory=dict)
    releases: list[tuple[str, int, datetime]] = field(default_factory=list)
    claims: Counter[tuple[Person, str]] = field(default_factory=Counter)
    suspects: set[Person] = field(default_factory=set)

    # --- what stands ---

    @property
    def blocked(self) -> set[int]:
        return {nik for nik, _ in self.blocks}

    def holder(self, nik: int | None, direction: str, service: str) -> Person | None:
        for one in self.people:
            claim = (one.nik, one.way.direction, one.way.service)
            if nik is not None and claim == (nik, direction, service) and one.status in HOLDS:
                return one
        return None

    def taken(self, way: Way) -> int:
        return sum(one.way is way and one.status in HOLDS for one in self.people)

    def quota(self, way: Way, now: datetime) -> int | None:
        if way.quota is None:
            return None
        due = sum(seats for name, seats, at in self.releases if name == way.name and at <= now)
        return self.quotas.get(way.name, way.quota) + due

    # --- submission ---

    def submit(self, given: Given, now: datetime) -> Booked | No:
        legs: list[Person] = []
        for way in [given.way, given.back] if given.back else [given.way]:
            leg = self._judge(given, way, legs, now)
            if isinstance(leg, No):
                return leg
            legs.append(leg)
        fresh = [leg for leg in legs if leg not in self.people]
        for leg in fresh:
            refused = self._judge_nik(given, leg, legs)
            if refused is not None:
                return refused
        for leg in fresh:
            self._suspect(leg)
            self.people.append(leg)
        return Booked(tuple(legs), replayed=not fresh)

    def _judge(self, given: Given, way: Way, before: list[Person], now: datetime) -> Person | No:
        if way.organizer != given.organizer:
            return No("NOT_YOURS")
        if before:
            home = before[0].way
            if (way.direction, home.direction, home.service) != ("BALIK", "MUDIK", way.service):
                return No("INVALID_VALUE")
        held = self.holder(given.nik, way.direction, way.service)
        if held is not None and held.organizer == given.organizer:
            return held
        if now >= self.leaves:
            return No("ROUTE_DEPARTED")
        terms = self.terms[given.organizer]
        if terms.enforces_window and self._outside(terms, given.registered_at):
            return No("REGISTRATION_CLOSED")
        if terms.enforces_window and self._outside(terms, now - LATE_ARRIVAL - INSTANT):
            return No("ARRIVED_LATE")
        quota = self.quota(way, now)
        if quota is not None and self.taken(way) >= quota:
            return No("QUOTA_FULL")
        outbound = before[0] if before else self.holder(given.nik, "MUDIK", way.service)
        return self._person(given, way, outbound, now)

    def _judge_nik(self, given: Given, leg: Person, legs: list[Person]) -> No | None:
        way = leg.way
        if given.nik in self.blocked:
            return No("NIK_BLOCKED")
        held = self.holder(given.nik, way.direction, way.service)
        if held is not None:
            self._dispute(held, given.organizer, given.name)
            return No("NIK_ALREADY_REGISTERED", held)
        outbound = legs[0] if leg is not legs[0] else self.holder(given.nik, "MUDIK", way.service)
        return self._companions(given, way, outbound)

    def _outside(self, terms: Terms, at: datetime) -> bool:
        return terms.closes_after is not None and at >= self.start + timedelta(days=terms.closes_after)

    def _companions(self, given: Given, way: Way, outbound: Person | None) -> No | None:
        terms = self.terms[given.organizer]
        if way.direction == "BALIK" and terms.needs_outbound:
            if outbound is None or outbound.organizer != given.organizer or outbound.status not in SEAT:
                return No("RETURN_WITHOUT_OUTBOUND")
            if terms.same_day and wib_day(given.registered_at) != wib_day(outbound.registered_at):
                return No("RETURN_WITHOUT_OUTBOUND")
            if way.origin != outbound.way.destination:
                return No("RETURN_CITY_MISMATCH")
        companion = self.holder(given.nik, way.direction, OTHER[way.service])
        goes_along = companion is not None and companion.organizer == given.organizer
        if companion is not None and goes_along and companion.way.destination != way.destination:
            return No("DESTINATION_MISMATCH")
        return None

    def _legs(self, one: Person) -> list[Person]:
        home = one.outbound or one
        return [other for other in self.people if other is not one and home in {other, other.outbound}]

    def _person(self, given: Given, way: Way, outbound: Person | None, now: datetime) -> Person:
        paired = (
            way.direction == "BALIK"
            and outbound is not None
            and outbound.organizer == given.organizer
            and outbound.status in SEAT
            and way.origin == outbound.way.destination
        )
        days = self.terms[given.organizer].verify_days
        verify_by = None
        if paired:
            assert outbound is not None
            verify_by = outbound.verify_by
        elif days is not None:
            verify_by = end_of_wib_day(wib_day(given.registered_at) + timedelta(days=days))
            if verify_by < now:
                verify_by = now + timedelta(hours=24)
        status = "VERIFIED" if paired and outbound is not None and outbound.status in VERIFIED else "REGISTERED"
        return Person(way, given.nik, given.name, given.registered_at, verify_by, outbound if paired else None, status)

    def _dispute(self, held: Person, organizer: str, name: str) -> None:
        self.claims[held, organizer] += 1
        if held.name != name:
            self.suspects.add(held)

    def _suspect(self, leg: Person) -> None:
        for other in self.people:
            stands = other.nik == leg.nik and other.status in HOLDS
            if stands and other.organizer != leg.organizer and other.name != leg.name:
                self._dispute(other, leg.organizer, leg.name)

    # --- lifecycle ---

    def move(self, caller: str, one: Person | None, to: str, healthy: bool, now: datetime) -> Person | No:
        if one is None or one.organizer != caller:
            return No("NOT_FOUND")
        if one.status == to:
            return one
        expired = one.verify_by is not None and one.verify_by < now
        if to == "VERIFIED" and expired and one.status in {"REGISTERED", "FORFEITED"}:
            return No("VERIFICATION_EXPIRED")
        allowed = NEXT.get(one.status, ())
        if to not in allowed:
            return No("TRANSITION_NOT_ALLOWED", allowed=allowed)
        if to == "DEPARTED":
            refused = self._stays(one, healthy, now)
            if refused:
                return refused
            one.late = now > self.leaves - timedelta(hours=1)
        if to == "VERIFIED":
            for leg in self._legs(one):
                leg.status = to if leg.status == "REGISTERED" else leg.status
        self._block(self._end(one, to))
        return one

    def _stays(self, one: Person, healthy: bool, now: datetime) -> No | None:
        if not healthy:
            return No("NOT_HEALTHY")
        if one.way.service == "MOTORCYCLE" and not one.handed_over:
            return No("MOTORCYCLE_NOT_HANDED_OVER")
        return No("DEPARTURE_NOT_BEGUN") if now < self.leaves - timedelta(hours=24) else None

    def _end(self, one: Person, to: str) -> list[Person]:
        """Who was forfeited."""
        one.status = to
        forfeited = [one] if to == "FORFEITED" else []
        if to in {"CANCELLED", "FORFEITED"}:
            for back in self.people:
                if back.outbound is one and back.status in {"REGISTERED", "VERIFIED"}:
                    forfeited += self._end(back, to)
        return forfeited

    def _block(self, forfeited: list[Person]) -> None:
        """A person is blocked once by an organizer, for the way home, and not while something is verified."""
        done: set[tuple[int | None, str]] = set()
        in_order = [one for one in self.people if one in forfeited]
        for one in sorted(in_order, key=lambda one: one.outbound is not None):
            key = (one.nik, one.organizer)
            verified = any((other.nik, other.organizer) == key and other.status in VERIFIED for other in self.people)
            if one.nik is not None and key not in done and self.terms[one.organizer].blocks and not verified:
                self.blocks.append((one.nik, one))
                done.add(key)

    def sweep(self, now: datetime) -> tuple[int, int]:
        """How many were overdue, and how many had been left behind."""
        overdue = [
            one
            for one in self.people
            if one.status == "REGISTERED" and one.verify_by is not None and one.verify_by < now
        ]
        forfeited: list[Person] = []
        for one in overdue:
            if one.status == "REGISTERED":
                forfeited += self._end(one, "FORFEITED")
        self._block(forfeited)
        left = [
            one
            for one in self.people
            if one.status == "VERIFIED"
            and self.leaves + timedelta(minutes=self.terms[one.organizer].grace_minutes) < now
        ]
        for one in left:
            one.status = "NO_SHOW"
        return len(overdue), len(left)

    def hand_over(self, caller: str, one: Person | None) -> Person | No:
        if one is None or one.organizer != caller:
            return No("NOT_FOUND")
        if one.way.service != "MOTORCYCLE" or one.status not in {"REGISTERED", "VERIFIED"}:
            return No("INVALID_VALUE")
        one.handed_over = True
        return one

    # --- corrections and decisions ---

    def correct(self, caller: str, one: Person | None, nik: int) -> Person | No:
        if one is None or one.organizer != caller or one.nik is None:
            return No("NOT_FOUND")
        if one.nik == nik:
            return one
        if nik in self.blocked:
            return No("NIK_BLOCKED")
        trip = [other for other in self.people if self._goes_along(other, one)]
        holding = [way for way in trip if way.status in HOLDS]
        for way in holding:
            held = self.holder(nik, way.way.direction, way.way.service)
            if held is not None:
                return No("NIK_ALREADY_REGISTERED", held)
        others = [other for other in self.people if other.nik == nik and other.status in HOLDS]
        mismatch = self._mismatch(holding, [other for other in others if other.organizer == caller])
        if mismatch is not None:
            return mismatch
        self._take_blocks_along(trip, nik, others)
        for way in trip:
            way.nik = nik
        for other in others:
            if other.organizer != caller and any(way.name != other.name for way in holding):
                self._dispute(other, caller, next(way.name for way in holding if way.name != other.name))
        return one

    def _goes_along(self, other: Person, one: Person) -> bool:
        """Whole trips: its own, and each of which the same person holds a leg."""
        who = (one.nik, one.organizer, one.name)
        held = [leg for leg in self.people if (leg.nik, leg.organizer, leg.name) == who and leg.status in HOLDS]
        trips = {leg.outbound or leg for leg in [one, *held]}
        return other.nik is not None and (other.outbound or other) in trips

    def _mismatch(self, holding: list[Person], own: list[Person]) -> No | None:
        for way in holding:
            for other in own:
                if not {way.status, other.status} <= SEAT:
                    continue
                if way.way.direction == other.way.direction and way.way.destination != other.way.destination:
                    return No("DESTINATION_MISMATCH")
                legs = (way, other) if way.way.direction == "MUDIK" else (other, way)
                is_pair = way.way.direction != other.way.direction and way.way.service == other.way.service
                fits = legs[0].way.destination == legs[1].way.origin
                if is_pair and self.terms[way.organizer].needs_outbound and not fits:
                    return No("RETURN_CITY_MISMATCH")
        return None

    def _take_blocks_along(self, trip: list[Person], nik: int, others: list[Person]) -> None:
        """To the right NIK, unless none would have come."""
        along = [(was, by) for was, by in self.blocks if by is not None and by in trip and was == by.nik]
        self.blocks = [block for block in self.blocks if block not in along]
        for _, by in along:
            claim = (by.way.direction, by.way.service)
            none_would_have_come = any(
                (other.way.direction, other.way.service) == claim
                or (other.organizer == by.organizer and other.status in VERIFIED)
                for other in others
            )
            self.blocks += [] if none_would_have_come else [(nik, by)]

    def erase(self, one: Person | None) -> Person | No:
        if one is None:
            return No("NOT_FOUND")
        whole = [one] if one.nik is None else [other for other in self.people if other.nik == one.nik]
        for other in whole:
            if other.nik is not None and other.status in {"REGISTERED", "VERIFIED"}:
                self._end(other, "CANCELLED")
        for other in whole:
            other.nik = None
        return one

    def lift(self, nik: int) -> No | None:
        if nik not in self.blocked:
            return No("NOT_FOUND")
        self.blocks = [block for block in self.blocks if block[0] != nik]
        return None

    def release(self, caller: str, way: Way, seats: int, at: datetime, now: datetime) -> Way | No:
        if way.organizer != caller:
            return No("NOT_YOURS")
        if seats < 0 and at > now:
            return No("INVALID_VALUE")
        quota = self.quota(way, now)
        assert quota is not None
        if at <= now and quota + seats < self.taken(way):
            return No("QUOTA_BELOW_TAKEN")
        if at >= self.leaves:
            return No("INVALID_VALUE")
        self.releases.append((way.name, seats, at))
        return way
