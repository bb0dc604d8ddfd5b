"""A booking is all that an organizer registered under one `reference` in a season: a family, mostly.

It has at most 20 people. A code that hundreds share, such as ONLINE, is no booking: whoever acts on them sends a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from app.db import Session
from app.errors import BookingTooLarge, InvalidValue, NotFound, NotYours, Refusal, refuses
from app.models.enums import Direction, Service
from app.models.statuses import NIK_HOLDERS
from app.registry.caller import Caller, organizer_of
from app.registry.registrants import view
from app.registry.registrants.view import Stored, View
from app.registry.terms import seasons
from app.registry.values.texts import reference_given
from app.sql import statement
from app.vault.vault import Vault

MOST_PEOPLE = 20
MOST_WAYS = len(Direction) * len(Service)
"""One person has at most so many ways: home and back, as a passenger and with a motorcycle."""
MOST_REGISTRANTS = 4 * MOST_WAYS * MOST_PEOPLE
"""So many registrants of a booking are read: each person may have registered anew a few times."""


@dataclass(frozen=True, slots=True)
class Party:
    """One person of a booking: the way home, the way back and the motorcycle."""

    registrants: tuple[View, ...]
    """In the order of their arrival."""

    @property
    def standing(self) -> tuple[View, ...]:
        """Those that hold the NIK; of a person of whom nothing stands, all."""
        return tuple(one for one in self.registrants if one.status in NIK_HOLDERS) or self.registrants


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    organizer: str
    organizer_name: str
    season: int
    reference: str
    people: tuple[Party, ...]
    """In the order of their arrival."""


@dataclass(slots=True, kw_only=True)
class _MemberOfBooking(Stored):
    nik_index: bytes


_MEMBERS = statement(
    f"""
    SELECT {view.COLUMNS}, r.nik_index FROM {view.FROM}
    -- By the reference first. Planned on an empty table, it would else go through all people of the organizer.
    WHERE r.id = ANY(ARRAY(
        SELECT id FROM registrant WHERE organizer_code = :organizer AND reference = :reference AND season = :season
            AND nik_index IS NOT NULL
    ))
    ORDER BY r.id LIMIT {MOST_REGISTRANTS + 1}
    """,
    _MemberOfBooking,
)


@refuses(BookingTooLarge, NotFound, NotYours, InvalidValue)
async def find(
    session: Session, vault: Vault, caller: Caller, reference: str, *, member: str | None, season: int | None = None
) -> Booking | Refusal:
    """The booking of one's own, or of the member that is named. `season` None: of the newest one."""
    organizer = organizer_of(caller, member)
    if isinstance(organizer, NotYours):
        return NotYours("organizer")
    given = reference_given(reference)
    if isinstance(given, InvalidValue):
        return given
    year = season or await seasons.latest(session)
    rows = await session.rows(_MEMBERS, organizer=organizer, reference=given, season=year)
    if not rows:
        return NotFound("reference")
    people = _people(rows, vault, caller)
    if len(people) > MOST_PEOPLE or len(rows) > MOST_REGISTRANTS:
        return BookingTooLarge("reference", most=MOST_PEOPLE)
    return Booking(
        organizer=organizer,
        organizer_name=rows[0].organizer_name,
        season=year,
        reference=given or "",
        people=people,
    )


def _people(rows: Sequence[_MemberOfBooking], vault: Vault, caller: Caller) -> tuple[Party, ...]:
    arrived = {one.nik_index: place for place, one in reversed(list(enumerate(rows)))}
    ordered = sorted(rows, key=lambda one: arrived[one.nik_index])
    return tuple(
        Party(tuple(view.from_row(one, vault, caller) for one in person))
        for _, person in groupby(ordered, key=lambda one: one.nik_index)
    )
