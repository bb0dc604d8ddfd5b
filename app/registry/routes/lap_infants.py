"""Lap infants: who is under two on the day of departure (WIB), by the birth date of the NIK, travels on a lap: without
a seat, counted apart, with KIA or KK as the document. On whose lap: `laps`. Who is moved to another route is judged
again. A new time of the route itself changes nothing. An infant of a booking is alone when nobody of the booking has a
seat on its route.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from app.clock import wib_day
from app.db import Session
from app.errors import InvalidValue, refuses
from app.models.enums import IdentityDocument, Service
from app.models.statuses import SEAT_HOLDERS, YET_TO_DEPART
from app.registry.values import nik
from app.sql import Arrays, statement

UNDER_YEARS = 2
MOST_OF_A_BOOKING = 320
"""Registrants that are read. A code that more share is no booking."""
LAP_INFANT_ALONE = nik.Warning(
    "LAP_INFANT_ALONE",
    "Bayi dalam booking ini kini tanpa pemegang kursi pada rutenya; batalkan atau pindahkan bayinya.",
    "An infant of this booking has nobody with a seat on its route any more; cancel or move the infant.",
)
DOCUMENTS = (IdentityDocument.KIA, IdentityDocument.KK)


class BookingKey(NamedTuple):
    season: int
    organizer: str
    reference: str


class _BookedRegistrant(NamedTuple):
    id: UUID
    season: int
    organizer: str
    reference: str

    @property
    def booking(self) -> BookingKey:
        return BookingKey(self.season, self.organizer, self.reference)


class Leaver(NamedTuple):
    """Who may have left an infant."""

    id: UUID
    reference_before: str | None = None
    """The booking code that the registrant had before this act, if the act has changed it."""


class MemberBesideInfant(NamedTuple):
    season: int
    organizer: str
    reference: str
    id: UUID
    route_id: UUID
    lap_infant: bool
    status: str


_REGISTERED = statement(
    """
    SELECT one.id, one.season, one.organizer_code AS organizer, one.reference
    FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    JOIN LATERAL (SELECT * FROM registrant WHERE id = asked.id OFFSET 0) one ON one.reference IS NOT NULL
    """,
    _BookedRegistrant,
)
_BOOKINGS = Arrays("booking", BookingKey)
# OFFSET 0 has PostgreSQL go by the booking code. A plan of an empty table would go by the season.
_MEMBERS = statement(
    f"""
    SELECT member.season, member.organizer_code AS organizer, member.reference, member.id, member.route_id,
           member.lap_infant, member.status
    FROM {_BOOKINGS} JOIN LATERAL (
        SELECT * FROM (
            SELECT * FROM registrant
            WHERE organizer_code = booking.organizer AND reference = booking.reference OFFSET 0
        ) alike WHERE season = booking.season LIMIT {MOST_OF_A_BOOKING + 1}
    ) member ON true
    ORDER BY member.id
    """,
    MemberBesideInfant,
)


async def alone(session: Session, asked: Sequence[Leaver]) -> list[list[UUID]]:
    """The infants that are alone in the booking of each of `asked`, and in the booking that it has left."""
    booked = {one.id: one.booking for one in await session.rows(_REGISTERED, ids=list({one.id for one in asked}))}
    bookings = [_bookings_of(one, booked[one.id]) if one.id in booked else [] for one in asked]
    found = await alone_in(session, {booking for each in bookings for booking in each})
    return [[infant for booking in each for infant in found[booking]] for each in bookings]


def _bookings_of(one: Leaver, now: BookingKey) -> list[BookingKey]:
    return [now] if one.reference_before is None else [now._replace(reference=one.reference_before), now]


async def alone_in(session: Session, bookings: Collection[BookingKey]) -> dict[BookingKey, list[UUID]]:
    """The infants that are alone in each of `bookings`."""
    return {one: _alone(members or ()) for one, members in (await members_of(session, bookings)).items()}


async def members_of(
    session: Session, bookings: Collection[BookingKey]
) -> dict[BookingKey, list[MemberBesideInfant] | None]:
    """The registrants of each of `bookings`. None: more share the code than a booking has."""
    members: dict[BookingKey, list[MemberBesideInfant]] = {one: [] for one in bookings}
    for one in await session.rows(_MEMBERS, **_BOOKINGS.of(list(bookings))) if bookings else ():
        members[BookingKey(one.season, one.organizer, one.reference)].append(one)
    return {one: found if len(found) <= MOST_OF_A_BOOKING else None for one, found in members.items()}


def seated(members: Collection[MemberBesideInfant]) -> set[UUID]:
    """The routes on which one of them has a seat."""
    return {one.route_id for one in members if not one.lap_infant and one.status in SEAT_HOLDERS}


def _alone(members: Collection[MemberBesideInfant]) -> list[UUID]:
    routes = seated(members)
    waiting = [one for one in members if one.lap_infant and one.status in YET_TO_DEPART]
    return [one.id for one in waiting if one.route_id not in routes]


@refuses(InvalidValue)
def judge(born_on: date, document: str | None, service: str, departs_at: datetime | None) -> InvalidValue | None:
    """Whether somebody may travel as a lap infant on a route of this service and departure."""
    if service != Service.PASSENGER:
        return InvalidValue("lapInfant", "Bayi hanya pada rute penumpang.", "An infant travels on a passenger route.")
    refused = judge_age(born_on, departs_at)
    if refused is not None:
        return refused
    if document not in DOCUMENTS:
        return InvalidValue("identityDocument", "Dokumen bayi: KIA atau KK.", "The document of an infant is KIA or KK.")
    return None


@refuses(InvalidValue)
def judge_age(born_on: date, departs_at: datetime | None) -> InvalidValue | None:
    """Also of a NIK that is corrected: nobody becomes a passenger without a seat by a correction."""
    if departs_at is None:
        return InvalidValue(
            "lapInfant",
            "Rute ini belum punya waktu keberangkatan, jadi umur bayi pada hari itu belum dapat dinilai.",
            "The route has no departure time yet, so the age of an infant on that day cannot be told.",
        )
    if not is_under_age(born_on, wib_day(departs_at)):
        return InvalidValue(
            "lapInfant",
            "Bayi tanpa kursi harus berumur di bawah 2 tahun pada hari keberangkatan, menurut tanggal lahir pada NIK.",
            "A lap infant is under 2 on the day of departure, by the birth date of the NIK.",
        )
    return None


def is_under_age(born_on: date, day: date) -> bool:
    """Who was born on 29 February turns two on 1 March."""
    years = day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))
    return years < UNDER_YEARS
