"""Verifying, departing and cancelling a booking: all of it or some of its people, with a verdict for each person.

Every step is one of `registrants.lifecycle`, and all of them are one transaction. Nobody's refusal touches another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.db import Session
from app.errors import NotFound, Refusal, refused_by, refuses
from app.models.enums import Direction, Service
from app.registry.bookings import finding
from app.registry.bookings.finding import Booking, Party
from app.registry.caller import Caller
from app.registry.registrants import lifecycle, lookup
from app.registry.registrants.lookup import Ref
from app.registry.registrants.view import View
from app.registry.undo import late_acts
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """A booking, and whom of it."""

    reference: str
    member: str | None = None
    """The organizer whose booking it is. None: the caller."""
    only: Sequence[Ref] | None = None
    """A registrant of each person who is meant. None: everybody."""


@dataclass(frozen=True, slots=True)
class PersonVerdict:
    registrants: tuple[View, ...]
    """Of this person, as they are now."""
    refusal: Refusal | None
    """The first one. None: everything that was asked for is so."""


@refuses(*refused_by(finding.find, late_acts.verify))
async def verify(
    session: Session,
    vault: Vault,
    caller: Caller,
    which: Which,
    now: datetime,
    *,
    posko: str | None = None,
    at: datetime | None = None,
) -> list[PersonVerdict] | Refusal:
    """Verify whatever stands of each person, at a posko; `at` None: now. Run it through `Database.attempt`, like all of
    these.
    """
    people = await _people(session, vault, caller, which, now)
    if isinstance(people, Refusal):
        return people
    asked = [person.standing for person in people]
    return _told(asked, await late_acts.verify(session, vault, caller, _refs(asked), now, posko=posko, at=at))


@refuses(*refused_by(finding.find, lifecycle.depart))
async def depart(
    session: Session,
    vault: Vault,
    caller: Caller,
    which: Which,
    now: datetime,
    *,
    healthy: bool,
    at: datetime | None = None,
    direction: str = Direction.MUDIK,
    service: str = Service.PASSENGER,
) -> list[PersonVerdict] | Refusal:
    """Record that the people are aboard, in one direction. Whoever does not travel so has no verdict."""
    people = await _people(session, vault, caller, which, now)
    if isinstance(people, Refusal):
        return people
    travelling = [
        tuple(one for one in person.standing if (one.direction, one.service) == (direction, service))
        for person in people
    ]
    asked = [person for person in travelling if person]
    return _told(asked, await lifecycle.depart(session, vault, caller, _refs(asked), now, healthy=healthy, at=at))


@refuses(*refused_by(finding.find, lifecycle.cancel))
async def cancel(
    session: Session, vault: Vault, caller: Caller, which: Which, now: datetime, *, reason: str
) -> list[PersonVerdict] | Refusal:
    """Cancel whatever stands of each person."""
    people = await _people(session, vault, caller, which, now)
    if isinstance(people, Refusal):
        return people
    asked = [person.standing for person in people]
    return _told(asked, await lifecycle.cancel(session, vault, caller, _refs(asked), now, reason=reason))


async def _people(
    session: Session, vault: Vault, caller: Caller, which: Which, now: datetime
) -> Sequence[Party] | Refusal:
    booking = await finding.find(session, vault, caller, which.reference, member=which.member)
    if not isinstance(booking, Booking):
        return booking
    if which.only is None:
        return booking.people
    meant: set[UUID] = set()
    for one in await lookup.resolve(session, vault, caller, which.only, now, everyone=False):
        if not isinstance(one, UUID):
            return one
        meant.add(one)
    # Who is named and is not of this booking was named by mistake: nobody is touched.
    if not meant <= {one.id for person in booking.people for one in person.registrants}:
        return NotFound("only")
    return [person for person in booking.people if any(one.id in meant for one in person.registrants)]


def _refs(asked: Sequence[Sequence[View]]) -> list[Ref]:
    return [Ref(id=one.id) for person in asked for one in person]


def _told(asked: Sequence[Sequence[View]], verdicts: Sequence[View | Refusal]) -> list[PersonVerdict]:
    found = iter(verdicts)
    told: list[PersonVerdict] = []
    for person in asked:
        of_person = [(one, next(found)) for one in person]
        refusal = next((now for _, now in of_person if isinstance(now, Refusal)), None)
        as_it_is = (before if isinstance(now, Refusal) else now for before, now in of_person)
        told.append(PersonVerdict(tuple(as_it_is), refusal))
    return told
