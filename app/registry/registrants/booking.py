"""Booking a judged leg: the row of the registrant, its seat, its line in the change log, and its record.

A lost race on the unique index shows as a missing row: the whole batch is then run again and sees the winner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CursorResult, text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.errors import Raced
from app.models.enums import ChangeKind, RegistrantStatus
from app.models.registrant import HOLDS_NIK
from app.registry import change_log
from app.registry.registrants.drafts import Draft
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.record import Record
from app.registry.registrants.uniqueness import Claim, Held
from app.registry.routes import quota
from app.registry.routes.finding import Route
from app.registry.routes.quota import Seats


@dataclass(frozen=True, slots=True)
class Leg:
    """One way of a submission, accepted: it becomes one registrant."""

    id: UUID
    draft: Draft
    organizer_name: str
    route: Route
    motorcycle: Motorcycle | None
    verify_by: datetime | None
    outbound_id: UUID | None
    nik_sealed: bytes
    name_sealed: bytes

    @property
    def claim(self) -> Claim:
        return Claim(self.draft.nik_index, self.route.direction, self.route.service)

    def held(self) -> Held:
        return Held(
            self.id,
            self.draft.organizer,
            self.organizer_name,
            self.route.id,
            self.route.direction,
            self.route.service,
            RegistrantStatus.REGISTERED,
            self.draft.registered_at,
            self.route.destination.city,
            self.name_sealed,
            row=None,
        )


_INSERT = text(
    f"""
    INSERT INTO registrant (id, season, organizer_code, route_id, direction, service, status, nik_index, nik_sealed,
                            name_sealed, reference, identity_document, plate, registration_number, registered_at,
                            arrived_at, verify_by, outbound_id)
    SELECT id, season, organizer, route_id, direction, service, 'REGISTERED', nik_index, nik_sealed, name_sealed,
           reference, identity_document, plate, registration_number, registered_at, :now, verify_by, outbound_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:season AS int[]), CAST(:organizer AS text[]), CAST(:route_id AS uuid[]),
                CAST(:direction AS text[]), CAST(:service AS text[]), CAST(:nik_index AS bytea[]),
                CAST(:nik_sealed AS bytea[]), CAST(:name_sealed AS bytea[]), CAST(:reference AS text[]),
                CAST(:identity_document AS text[]), CAST(:plate AS text[]), CAST(:registration_number AS text[]),
                CAST(:registered_at AS timestamptz[]), CAST(:verify_by AS timestamptz[]),
                CAST(:outbound_id AS uuid[]))
         AS leg (id, season, organizer, route_id, direction, service, nik_index, nik_sealed, name_sealed, reference,
                 identity_document, plate, registration_number, registered_at, verify_by, outbound_id)
    -- One order for every batch, so that two batches never wait for each other in a circle.
    ORDER BY nik_index, direction, service
    ON CONFLICT (season, nik_index, direction, service) WHERE {HOLDS_NIK} DO NOTHING
    """
)


async def book(
    session: AsyncSession, legs: Sequence[Leg], seats: Mapping[UUID, Seats], now: datetime
) -> list[change_log.Entry]:
    """Write `legs`, whose seats are already dealt in `seats`. Raises `Raced`. Answers what is to be logged."""
    written = await session.execute(_INSERT, {"now": now, **_columns(legs)})
    assert isinstance(written, CursorResult)  # noqa: S101 - an INSERT's result
    if written.rowcount != len(legs):
        raise Raced
    filled = await quota.take(session, Counter(leg.route.id for leg in legs), seats)
    return [*(_told(leg) for leg in legs), *filled]


def new_record(leg: Leg, now: datetime) -> Record:
    """As its own organizer sees it."""
    draft, route = leg.draft, leg.route
    return Record(
        id=leg.id,
        season=route.season,
        organizer=draft.organizer,
        organizer_name=leg.organizer_name,
        route_id=route.id,
        direction=route.direction,
        service=route.service,
        status=RegistrantStatus.REGISTERED,
        nik=draft.nik.digits,
        name=draft.name,
        own=True,
        reference=draft.reference,
        identity_document=draft.submission.identity_document,
        plate=leg.motorcycle.plate if leg.motorcycle else None,
        registration_number=leg.motorcycle.registration_number if leg.motorcycle else None,
        registered_at=draft.registered_at,
        arrived_at=now,
        verify_by=leg.verify_by,
        outbound_id=leg.outbound_id,
    )


def _columns(legs: Sequence[Leg]) -> dict[str, object]:
    return {
        "ids": [leg.id for leg in legs],
        "season": [leg.route.season for leg in legs],
        "organizer": [leg.draft.organizer for leg in legs],
        "route_id": [leg.route.id for leg in legs],
        "direction": [leg.route.direction for leg in legs],
        "service": [leg.route.service for leg in legs],
        "nik_index": [leg.draft.nik_index for leg in legs],
        "nik_sealed": [leg.nik_sealed for leg in legs],
        "name_sealed": [leg.name_sealed for leg in legs],
        "reference": [leg.draft.reference for leg in legs],
        "identity_document": [leg.draft.submission.identity_document for leg in legs],
        "plate": [leg.motorcycle and leg.motorcycle.plate for leg in legs],
        "registration_number": [leg.motorcycle and leg.motorcycle.registration_number for leg in legs],
        "registered_at": [leg.draft.registered_at for leg in legs],
        "verify_by": [leg.verify_by for leg in legs],
        "outbound_id": [leg.outbound_id for leg in legs],
    }


def _told(leg: Leg) -> change_log.Entry:
    return change_log.Entry(
        ChangeKind.REGISTRANT_MOVED,
        leg.route.season,
        leg.draft.organizer,
        leg.id,
        leg.route.id,
        to_status=RegistrantStatus.REGISTERED,
        client_id=leg.draft.submission.caller.client_id,
    )
