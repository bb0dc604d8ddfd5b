"""Submitting a booking: everybody is registered, or nobody is. The same booking again is the same booking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.db import Session
from app.errors import BookingTooLarge, InvalidValue, NotYours, Refusal, refused_by, refuses
from app.registry.bookings import finding
from app.registry.bookings.finding import MOST_PEOPLE, Booking
from app.registry.caller import Caller
from app.registry.registrants import submission
from app.registry.registrants.submission import Accepted, Applicant, Submission
from app.registry.routes import held_seats
from app.registry.routes import route as routes
from app.registry.values import nik
from app.registry.values.texts import reference_given
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingSubmission:
    caller: Caller
    reference: str
    member: str | None = None
    booked_by: Applicant | None = None
    holds: tuple[UUID, ...] = ()
    """Seats that are held for its people, on any of their routes."""
    people: Sequence[Submission]
    """A value of the booking is used for each person who has none of their own."""


@dataclass(frozen=True, slots=True)
class AcceptedBooking:
    booking: Booking
    accepted: Sequence[Accepted]
    """Of each of the people."""


@dataclass(frozen=True, slots=True)
class RefusedBooking:
    """Nobody was registered."""

    refusals: Sequence[Refusal | None]
    """Of each of the people. None: this one alone would have been accepted."""


@refuses(*refused_by(submission.submit_together, finding.find))
async def submit(
    session: Session, vault: Vault, given: BookingSubmission, now: datetime
) -> AcceptedBooking | RefusedBooking | Refusal:
    """Register everybody or nobody. Run it through `Database.attempt`."""
    people = _people(given)
    if isinstance(people, Refusal):
        return people
    before = await finding.find(session, vault, given.caller, given.reference, member=given.member)
    if isinstance(before, NotYours):
        return NotYours("member")
    if _is_too_large(people, before):
        return BookingTooLarge("reference", most=MOST_PEOPLE)
    twice = await _named_twice(session, people, now)
    if twice is not None:
        return twice
    people = await _with_holds(session, given, people, now) if given.holds else people
    if isinstance(people, InvalidValue):
        return people
    verdicts = await submission.submit_together(session, vault, people, now)
    accepted = [one for one in verdicts if isinstance(one, Accepted)]
    if not accepted:
        return RefusedBooking([one for one in verdicts if not isinstance(one, Accepted)])
    booking = await finding.find(session, vault, given.caller, given.reference, member=given.member)
    return AcceptedBooking(booking, accepted) if isinstance(booking, Booking) else booking


def _people(given: BookingSubmission) -> list[Submission] | InvalidValue:
    reference = reference_given(given.reference)
    if isinstance(reference, InvalidValue):
        return reference
    if reference is None:
        return InvalidValue("reference", "Kode booking wajib diisi.", "A booking code is required.")
    if not given.people:
        return InvalidValue("registrants", "Sebutkan paling sedikit satu orang.", "Name at least one person.")
    if any(one.reference not in {None, given.reference} for one in given.people):
        return InvalidValue(
            "registrants", "Kode booking pendaftar berbeda.", "A person has another booking code than the booking."
        )
    own = given.caller.organizer
    if any((one.member or given.member or own) != (given.member or own) for one in given.people):
        return InvalidValue(
            "registrants",
            "Seluruh pendaftar satu booking harus dari satu penyelenggara.",
            "All people of a booking are registered by one organizer.",
        )
    return [
        replace(one, reference=reference, member=one.member or given.member, booked_by=one.booked_by or given.booked_by)
        for one in given.people
    ]


async def _with_holds(
    session: Session, given: BookingSubmission, people: Sequence[Submission], now: datetime
) -> list[Submission] | InvalidValue:
    """Each person with the holds of the booking that are on a route of theirs. An unknown one is everybody's, and so is
    another organizer's: each person is refused.
    """
    named = await held_seats.named(session, given.holds, now)
    found = {hold.id: hold for hold in named.values() if hold.organizer == given.caller.organizer}
    routes_of = [{one.route_id, one.return_route_id} for one in people]
    if any(not any(hold.route_id in ways for ways in routes_of) for hold in found.values()):
        return InvalidValue(
            "hold",
            "Kursi ini ditahan di rute yang tidak dipakai seorang pun dalam booking ini.",
            "These seats are held on a route that nobody of this booking travels on.",
        )
    return [
        replace(
            one, holds=(*one.holds, *(id_ for id_ in given.holds if id_ not in found or found[id_].route_id in ways))
        )
        for one, ways in zip(people, routes_of, strict=True)
    ]


async def _named_twice(session: Session, people: Sequence[Submission], now: datetime) -> InvalidValue | None:
    """One person, direction and service twice would take one seat and look like two people."""
    ids = {route_id for one in people for route_id in (one.route_id, one.return_route_id) if route_id is not None}
    known = {one.id: one for one in await routes.by_ids(session, list(ids), now) if one is not None}
    first: dict[tuple[str, str, str], int] = {}
    for place, one in enumerate(people):
        for route in (known.get(route_id) for route_id in (one.route_id, one.return_route_id) if route_id is not None):
            claim = None if route is None else (str(nik.sixteen_digits(one.nik)), route.direction, route.service)
            if claim is not None and first.setdefault(claim, place) != place:
                return _is_again(place, first[claim])
    return None


def _is_again(place: int, first: int) -> InvalidValue:
    return InvalidValue(
        f"registrants[{place}].nik",
        f"Pendaftar ke-{place + 1} sama dengan pendaftar ke-{first + 1} (NIK, arah, dan layanan); sebutkan satu kali.",
        f"Registrant {place + 1} is registrant {first + 1} again (NIK, direction and service); name the person once.",
    )


def _is_too_large(people: Sequence[Submission], before: Booking | Refusal) -> bool:
    if isinstance(before, BookingTooLarge):
        return True
    standing = {each.nik for one in before.people for each in one.registrants} if isinstance(before, Booking) else set()
    return len(standing | {str(nik.sixteen_digits(one.nik)) for one in people}) > MOST_PEOPLE
