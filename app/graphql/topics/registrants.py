"""Registrants as they are read: one, or a page. `app.registry.registrants.view` masks what is not the reader's."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app.changes.log import cursors, feed
from app.errors import NotFound, RefusalError
from app.graphql import paging
from app.graphql.context import Context, Info
from app.graphql.fields import loaded, sized
from app.graphql.paging import After, Connection, First
from app.graphql.scalars import NIK, given, identifier
from app.graphql.topics.catalogue import Organizer, Route
from app.graphql.topics.registrant_inputs import RegistrantFilter, RegistrantRef
from app.graphql.vocabulary import ChangeKind, Direction, IdentityDocument, RegistrantFlag, RegistrantStatus, Service
from app.registry.registrants import lookup
from app.registry.registrants.view import View
from app.registry.routes.lap_infants import Leaver
from app.registry.values import standard


@strawberry.type(description="The motorcycle of a MOTORCYCLE registrant (terms of 2023 §6).")
class Motorcycle:
    plate: str = strawberry.field(description="Nomor polisi.")
    registration_number: str = strawberry.field(description="Nomor STNK.")
    handed_over_at: datetime | None = strawberry.field(description="When it was handed over.")

    @classmethod
    def from_record(cls, record: View) -> Motorcycle | None:
        if record.plate is None or record.registration_number is None:
            return None
        return cls(
            plate=record.plate,
            registration_number=record.registration_number,
            handed_over_at=record.handed_over_at,
        )


@strawberry.type(description="Who made a booking. An applicant need not travel.")
class Applicant:
    nik: NIK = strawberry.field(description="The NIK.")
    name: str = strawberry.field(description="The name.")

    @classmethod
    def from_record(cls, record: View) -> Applicant | None:
        one = record.booked_by
        return None if one is None else cls(nik=NIK(one.nik), name=one.name)


@strawberry.type(description="One change of a registrant: a row of the registry's log.")
class Change:
    cursor: str = strawberry.field(
        description=(
            "Its place in the log: give it to `changes` as `after` to go on from here. It never expires. Of a change in"
            " `Registrant.history` that is some milliseconds old, `changes` may bring the change itself once more."
        )
    )
    at: datetime = strawberry.field(description="When it was written.")
    kind: ChangeKind = strawberry.field(description="What happened.")
    registrant: Registrant = strawberry.field(
        description="Whose change it is, as it is now: later changes are in it already."
    )
    from_: RegistrantStatus | None = strawberry.field(
        name="from", description="Null: it arrived, or its status stayed."
    )
    to: RegistrantStatus | None = strawberry.field(description="What it became. Null: its status stayed.")
    reason: str | None = strawberry.field(description="Why, where a reason was given; only you see it.")

    @classmethod
    def from_log(cls, change: feed.RegistrantChange, registrant: Registrant) -> Change:
        return cls(
            cursor=cursors.cursor(change.position),
            at=change.at,
            kind=ChangeKind(change.kind),
            registrant=registrant,
            from_=None if change.from_status is None else RegistrantStatus(change.from_status),
            to=None if change.to_status is None else RegistrantStatus(change.to_status),
            # Free text, in which clerks name people.
            reason=change.reason if registrant.own else None,
        )


@strawberry.federation.type(
    name="Registrant",
    keys=["id"],
    description=(
        "One person on one route: one row of the data standard (Kemenhub integration scheme, March 2024). Its own"
        " organizer reads it in full; with `dashboard:read` others see it without name and with a masked NIK."
    ),
)
class Registrant:
    id: ID = strawberry.field(description="A UUID, ordered by arrival.")
    season: int = strawberry.field(description="The programme year.")
    nik: NIK = strawberry.field(description="`data_nik` of the standard.")
    name: str = strawberry.field(description="`data_pemesan` of the standard; `***` for anyone but its organizer.")
    organizer: Organizer = strawberry.field(description="`source` of the standard.")
    direction: Direction = strawberry.field(description="`tipe_keberangkatan` of the standard.")
    service: Service = strawberry.field(description="A seat, or a carried motorcycle.")
    status: RegistrantStatus = strawberry.field(description="Where it stands.")
    status_code: int = strawberry.field(
        description="`status_pemesanan_code` of the standard: 1 to 3; 4 to 6 are this registry's extension."
    )
    status_title: str = strawberry.field(description="`status_pemesanan_tittle` of the standard.")
    reference: str | None = strawberry.field(description="Your own booking code; only you see it.")
    booked_by: Applicant | None = strawberry.field(
        description="The applicant, who need not travel; only you see it. Null: nobody was named."
    )
    lap_infant: bool = strawberry.field(description="It travels on a lap, without a seat.")
    identity_document: IdentityDocument | None = strawberry.field(
        description="The type that was shown (terms of 2023 §1). Null: it came by a row of the 12 columns."
    )
    motorcycle: Motorcycle | None = strawberry.field(description="Of a MOTORCYCLE registrant; only you see it.")
    registered_at: datetime = strawberry.field(description="`tanggal_pendaftaran` of the standard.")
    verify_by: datetime | None = strawberry.field(
        description=(
            "By when it is to be verified: the earlier of H+N (terms of 2023 §4) and the end of the verification"
            " period. It only ever moves to a later instant. Null: no deadline."
        )
    )
    forfeits_at: datetime | None = strawberry.field(
        description="Not verified by then, it is forfeited. Null: it is not; after `verifyBy` it is only flagged."
    )
    verified_at: datetime | None = strawberry.field(description="When it was verified at a posko.")
    departed_at: datetime | None = strawberry.field(description="When it departed.")
    late: bool | None = strawberry.field(description="Departed less than an hour before departure (terms of 2023 §8).")
    healthy: bool | None = strawberry.field(description="What was declared at departure (terms of 2023 §7).")
    flags: list[RegistrantFlag] = strawberry.federation.field(
        description="What was accepted and is worth a second look.", directives=[sized(1)]
    )
    route_key: strawberry.Private[str]
    outbound_key: strawberry.Private[str | None]
    own: strawberry.Private[bool]
    reference_before: strawberry.Private[str | None]

    @classmethod
    def from_record(cls, record: View, context: Context) -> Registrant:
        """A registrant that is shown. The context notes who is shown."""
        context.shown.note(record.id, record.organizer)
        return cls.of(record)

    @classmethod
    def of(cls, record: View) -> Registrant:
        """A registrant without a note, for whoever notes by itself who is shown, or answers what was just sent."""
        status = RegistrantStatus(record.status)
        return cls(
            id=ID(str(record.id)),
            season=record.season,
            nik=NIK(record.nik),
            name=record.name,
            organizer=Organizer(code=ID(record.organizer), name=record.organizer_name),
            direction=Direction(record.direction),
            service=Service(record.service),
            status=status,
            status_code=standard.STATUS_CODES[status],
            status_title=standard.title(status),
            reference=record.reference,
            booked_by=Applicant.from_record(record),
            lap_infant=record.lap_infant,
            identity_document=None if record.identity_document is None else IdentityDocument(record.identity_document),
            motorcycle=Motorcycle.from_record(record),
            registered_at=record.registered_at,
            verify_by=record.verify_by,
            forfeits_at=record.forfeits_at,
            verified_at=record.verified_at,
            departed_at=record.departed_at,
            late=record.late,
            healthy=record.healthy,
            flags=[RegistrantFlag(flag) for flag in record.flags],
            route_key=str(record.route_id),
            outbound_key=None if record.outbound_id is None else str(record.outbound_id),
            own=record.own,
            reference_before=record.reference_before,
        )

    @loaded("Its departure.")
    async def route(self, info: Info) -> Route:
        record = await info.context.routes.load(identifier(self.route_key))
        assert record is not None  # noqa: S101 - a foreign key vouches for it
        return Route.from_record(record)

    @loaded("Of a BALIK registrant: its trip home.")
    async def outbound(self, info: Info) -> Registrant | None:
        if self.outbound_key is None:
            return None
        record = await info.context.registrants.load(identifier(self.outbound_key))
        return None if record is None else Registrant.from_record(record, info.context)

    @loaded("Of a MUDIK registrant: its trip back.", name="return")
    async def return_(self, info: Info) -> Registrant | None:
        record = await info.context.returns.load(identifier(self.id))
        return None if record is None else Registrant.from_record(record, info.context)

    @loaded(
        "Of your own with a booking code: lap infants of the booking on whose route nobody of it has a seat any more."
        " Ask for this when you cancel or move somebody or correct a booking code (then of the booking that was left,"
        " too), and in `changes`. Then cancel or move the infant.",
        sized(1),
    )
    async def lap_infants_alone(self, info: Info) -> list[ID]:
        if not self.own or self.reference is None:
            return []
        asked = Leaver(identifier(self.id), self.reference_before)
        return [ID(str(one)) for one in await info.context.infants_alone.load(asked)]

    @loaded("Every change of it, the oldest first.", sized(5))
    async def history(self, info: Info) -> list[Change]:
        return [Change.from_log(change, self) for change in await info.context.histories.load(identifier(self.id))]


async def find_registrant(
    info: Info,
    ref: Annotated[RegistrantRef, strawberry.argument(description="Which one.")],
    purpose: Annotated[
        str | None,
        strawberry.argument(
            description=(
                "What for; 1 to 500 characters, without a NIK. Kept with whom you were shown: people ask who looked"
                " them up, and why (`nikAccesses`)."
            )
        ),
    ] = UNSET,
) -> Registrant | None:
    context, asked_for, named = info.context, given(purpose), ref.to_ref()
    async with context.transaction() as session:
        [found] = await lookup.find(
            session,
            context.process.vault,
            context.reader,
            [named],
            everyone=context.everyone,
            now=context.now,
            purpose=asked_for,
        )
    match found:
        case View():
            context.shown.give(asked_for)
            return Registrant.from_record(found, context)
        case NotFound():
            context.shown.give(asked_for, unfound=lookup.index_of(context.process.vault, named))
            return None
        case refused:
            raise RefusalError(refused)


async def find_registrants(
    info: Info,
    where: Annotated[
        RegistrantFilter | None, strawberry.argument(description="All of these; left out, every season's.")
    ] = UNSET,
    first: First = 50,
    after: After = UNSET,
) -> Connection[Registrant] | None:
    context = info.context
    position, size = paging.position(given(after)), paging.size(first)
    wanted = where.to_filter() if where else lookup.Filter()
    context.shown.asked["registrants"] = wanted.told()
    async with context.transaction() as session:
        records = await lookup.page(
            session,
            context.process.vault,
            context.reader,
            wanted,
            after=position,
            first=size,
            everyone=context.everyone,
        )
    nodes = [Registrant.from_record(record, context) for record in records]
    return paging.connection([record.id for record in records], nodes, first=first, after=given(after))


async def by_keys(context: Context, ids: list[str]) -> list[Registrant | None]:
    """The registrants of these ids, for `_entities`."""
    records = await context.registrants.load_many([identifier(key) for key in ids])
    return [None if record is None else Registrant.from_record(record, context) for record in records]
