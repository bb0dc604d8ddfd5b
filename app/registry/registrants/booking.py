"""Booking a judged leg: the row of the registrant, its seat, its entry of the change log, and its record.

A leg that lost the race for a NIK has no row: the unique index lets only one in. The whole batch then runs again, and
sees the winner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from uuid import UUID

from app.db import Session
from app.errors import Raced
from app.models.enums import ChangeKind, RegistrantFlag, RegistrantStatus
from app.models.statuses import HOLDS_NIK
from app.registry import change_log
from app.registry.registrants import opening
from app.registry.registrants.drafts import Draft
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.uniqueness import CodeOfOrganizer, NikClaim, NikHolder, WayOfBooking
from app.registry.registrants.view import View
from app.registry.routes import quota
from app.registry.routes.quota import Seats
from app.registry.routes.route import Route
from app.registry.terms.deadlines import Deadline
from app.registry.values import particulars
from app.registry.values.particulars import Particulars
from app.sql import Arrays, statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One way of a submission, accepted: it becomes one registrant."""

    id: UUID
    claim: NikClaim
    status: RegistrantStatus
    draft: Draft
    organizer_name: str
    route: Route
    motorcycle: Motorcycle | None
    deadline: Deadline
    outbound: NikHolder | None
    """Of a return: the trip home that it belongs to."""
    flags: tuple[RegistrantFlag, ...] = ()
    nik_sealed: bytes
    name_sealed: bytes
    applicant_sealed: tuple[bytes, bytes, bytes] | None = None
    """Of the applicant: the blind index, the NIK and the name."""

    @property
    def seats(self) -> int:
        return 0 if self.draft.submission.lap_infant else 1

    @property
    def outbound_id(self) -> UUID | None:
        return None if self.outbound is None else self.outbound.id

    @property
    def way_of_booking(self) -> WayOfBooking | None:
        """None: it has no booking code."""
        code = self.draft.particulars.reference
        if code is None:
            return None
        return WayOfBooking(CodeOfOrganizer(self.draft.organizer, code), self.claim.direction, self.claim.service)

    def as_holder(self) -> NikHolder:
        return NikHolder(
            id=self.id,
            organizer=self.draft.organizer,
            organizer_name=self.organizer_name,
            route_id=self.route.id,
            direction=self.route.direction,
            service=self.route.service,
            status=self.status,
            registered_at=self.draft.registered_at,
            deadline=self.deadline,
            destination_city=self.route.destination.city,
            name_sealed=self.name_sealed,
            stored=None,
        )


@dataclass(slots=True, kw_only=True)
class _RegistrantRow(Particulars):
    """What is stored of a leg."""

    id: UUID
    season: int
    organizer_code: str
    route_id: UUID
    direction: str
    service: str
    status: str
    nik_index: bytes
    nik_sealed: bytes
    name_sealed: bytes
    plate: str | None
    registration_number: str | None
    registered_at: datetime
    verify_by: datetime | None
    forfeits_at: datetime | None
    """None: at `verify_by`."""
    is_only_flagged: bool
    verified_at: datetime | None
    outbound_id: UUID | None
    lap_infant: bool
    booked_by_index: bytes | None
    booked_by_nik_sealed: bytes | None
    booked_by_name_sealed: bytes | None
    flags: str
    """The flags with commas between them: an array of arrays cannot be unnested into rows."""


_ROWS = Arrays("leg", _RegistrantRow)
_OTHERWISE_WRITTEN = {
    "forfeits_at": "CASE WHEN is_only_flagged THEN 'infinity' ELSE forfeits_at END",
    "flags": "string_to_array(flags, ',')",
}
_COLUMNS = tuple(one.name for one in fields(_RegistrantRow) if one.name != "is_only_flagged")
_VALUES = ", ".join(_OTHERWISE_WRITTEN.get(name, name) for name in _COLUMNS)
_INSERT = statement(
    f"""
    WITH seated AS ({quota.TAKE})
    INSERT INTO registrant ({", ".join(_COLUMNS)}, arrived_at) SELECT {_VALUES}, :now FROM {_ROWS}
    -- One order for every batch, so that two batches never wait for each other in a circle.
    ORDER BY nik_index, direction, service
    ON CONFLICT (season, nik_index, direction, service) WHERE {HOLDS_NIK} DO NOTHING
    """
)


async def book(
    session: Session, legs: Sequence[Leg], seats: Mapping[UUID, Seats], now: datetime
) -> list[change_log.Entry]:
    """Write `legs`, whose seats are already counted in `seats`. Raises `Raced`. Answers what is to be logged."""
    wanted = Counter(leg.route.id for leg in legs if leg.seats)
    rows = _ROWS.of([_row(leg, now) for leg in legs])
    if await session.run(_INSERT, now=now, **rows, **quota.seats_to_take(wanted)) != len(legs):
        raise Raced
    return [*(entry for leg in legs for entry in _told(leg)), *quota.filled(wanted, seats)]


def new_view(leg: Leg, now: datetime) -> View:
    """The registrant as its own organizer sees it."""
    draft, route = leg.draft, leg.route
    return View(
        id=leg.id,
        season=route.season,
        organizer=draft.organizer,
        organizer_name=leg.organizer_name,
        route_id=route.id,
        direction=route.direction,
        service=route.service,
        status=leg.status,
        nik=draft.nik.digits,
        name=draft.name,
        own=True,
        booked_by=None if draft.applicant is None else opening.Person(draft.applicant.nik, draft.applicant.name),
        lap_infant=draft.submission.lap_infant,
        **particulars.of(draft.particulars),
        plate=leg.motorcycle.plate if leg.motorcycle else None,
        registration_number=leg.motorcycle.registration_number if leg.motorcycle else None,
        registered_at=draft.registered_at,
        arrived_at=now,
        verify_by=leg.deadline.verify_by,
        forfeits_at=leg.deadline.forfeits_at,
        verified_at=_verified_at(leg, now),
        outbound_id=leg.outbound_id,
        flags=list(leg.flags),
    )


def _verified_at(leg: Leg, now: datetime) -> datetime | None:
    return now if leg.status == RegistrantStatus.VERIFIED else None


def _row(leg: Leg, now: datetime) -> _RegistrantRow:
    draft, route, papers = leg.draft, leg.route, leg.motorcycle
    index, nik_sealed, name_sealed = leg.applicant_sealed or (None, None, None)
    verify_by, forfeits_at = leg.deadline
    return _RegistrantRow(
        id=leg.id,
        season=route.season,
        organizer_code=draft.organizer,
        route_id=route.id,
        direction=route.direction,
        service=route.service,
        status=leg.status,
        nik_index=draft.nik_index,
        nik_sealed=leg.nik_sealed,
        name_sealed=leg.name_sealed,
        **particulars.of(draft.particulars),
        plate=papers.plate if papers else None,
        registration_number=papers.registration_number if papers else None,
        registered_at=draft.registered_at,
        verify_by=verify_by,
        forfeits_at=None if forfeits_at == verify_by else forfeits_at,
        is_only_flagged=verify_by is not None and forfeits_at is None,
        verified_at=_verified_at(leg, now),
        outbound_id=leg.outbound_id,
        lap_infant=draft.submission.lap_infant,
        booked_by_index=index,
        booked_by_nik_sealed=nik_sealed,
        booked_by_name_sealed=name_sealed,
        flags=",".join(leg.flags),
    )


def _told(leg: Leg) -> list[change_log.Entry]:
    arrived = change_log.Entry(
        kind=ChangeKind.REGISTRANT_MOVED,
        season=leg.route.season,
        organizer=leg.draft.organizer,
        registrant_id=leg.id,
        route_id=leg.route.id,
        to_status=RegistrantStatus.REGISTERED,
        client_id=leg.draft.submission.caller.client_id,
    )
    if leg.status == RegistrantStatus.REGISTERED:
        return [arrived]
    return [arrived, replace(arrived, from_status=RegistrantStatus.REGISTERED, to_status=leg.status)]
