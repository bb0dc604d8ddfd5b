"""All that the registry holds on one NIK, for the person it belongs to (UU 27/2022 art. 7, 32)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID

from app.errors import Refusal, RefusalError
from app.graphql.context import Context, Info
from app.graphql.fields import loaded, sized
from app.graphql.topics.catalogue import Organizer, get_organizer
from app.graphql.topics.niks import NikAccess, OneNik
from app.graphql.topics.registrants import Registrant
from app.graphql.vocabulary import CaseState, Direction, RegistrantStatus, Service
from app.registry import subject_access
from app.registry.registrants import lookup
from app.registry.registrants.lookup import Ref


@strawberry.type(description="A block of this NIK, standing or not.")
class HeldBlock:
    reason: str = strawberry.field(description="Why.")
    from_season: int = strawberry.field(description="The first season that it is for.")
    until_season: int = strawberry.field(description="The last one.")
    since: datetime = strawberry.field(description="When it was issued.")
    lifted_at: datetime | None = strawberry.field(description="When it was lifted. Null: it was not.")
    lift_reason: str | None = strawberry.field(description="Why it was lifted.")
    organizer_code: strawberry.Private[str]

    @loaded("Who issued it.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)

    @classmethod
    def from_record(cls, block: subject_access.Block) -> HeldBlock:
        return cls(
            reason=block.reason,
            from_season=block.from_season,
            until_season=block.until_season,
            since=block.since,
            lifted_at=block.lifted_at,
            lift_reason=block.lift_reason,
            organizer_code=block.organizer_code,
        )


@strawberry.type(description="An end that an organizer told before its registration came: remembered for the season.")
class EarlyEnd:
    season: int = strawberry.field(description="The programme year.")
    direction: Direction = strawberry.field(description="In this direction.")
    service: Service = strawberry.field(description="For this service.")
    status: RegistrantStatus = strawberry.field(description="What was told.")
    reference: str | None = strawberry.field(description="The booking code.")
    registered_at: datetime = strawberry.field(description="When the person registered, as it was told.")
    told_at: datetime = strawberry.field(description="When it was told.")
    organizer_code: strawberry.Private[str]

    @loaded("Who told it.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)

    @classmethod
    def from_record(cls, end: subject_access.RememberedEnd) -> EarlyEnd:
        return cls(
            season=end.season,
            direction=Direction(end.direction),
            service=Service(end.service),
            status=RegistrantStatus(end.status),
            reference=end.reference,
            registered_at=end.registered_at,
            told_at=end.told_at,
            organizer_code=end.organizer,
        )


@strawberry.type(description="An organizer brought this NIK while another one held it: there is a case.")
class HeldClaim:
    season: int = strawberry.field(description="The programme year.")
    direction: Direction = strawberry.field(description="In this direction.")
    service: Service = strawberry.field(description="For this service.")
    name: str | None = strawberry.field(
        description="Under which the NIK was brought last. Null: it is not kept, or another NIK was brought."
    )
    attempts: int = strawberry.field(description="How often it was brought.")
    refused: int = strawberry.field(description="How often it was refused.")
    first_at: datetime = strawberry.field(description="For the first time.")
    last_at: datetime = strawberry.field(description="For the last time.")
    state: CaseState = strawberry.field(description="Of the case.")
    decided_at: datetime | None = strawberry.field(description="When it was decided, or closed.")
    reason: str | None = strawberry.field(description="Why it was decided so.")
    organizer_code: strawberry.Private[str]
    holder_code: strawberry.Private[str]

    @loaded("Who brought it.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)

    @loaded("Who held it.")
    async def holder(self, info: Info) -> Organizer:
        return await get_organizer(info, self.holder_code)

    @classmethod
    def from_record(cls, claim: subject_access.ClaimedNik) -> HeldClaim:
        return cls(
            season=claim.season,
            direction=Direction(claim.direction),
            service=Service(claim.service),
            name=claim.name,
            attempts=claim.attempts,
            refused=claim.refused,
            first_at=claim.first_at,
            last_at=claim.last_at,
            state=CaseState(claim.state),
            decided_at=claim.decided_at,
            reason=claim.reason,
            organizer_code=claim.organizer,
            holder_code=claim.holder,
        )


@strawberry.type(description="A stored file that names the person. It is wiped by itself.")
class HeldFile:
    id: ID = strawberry.field(description="Of the import.")
    came_at: datetime = strawberry.field(description="When it came.")
    finished_at: datetime | None = strawberry.field(description="When it was worked off.")
    organizer_code: strawberry.Private[str]

    @loaded("Whose.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)

    @classmethod
    def from_record(cls, file: subject_access.StoredFile) -> HeldFile:
        return cls(
            id=ID(str(file.id)), came_at=file.came_at, finished_at=file.finished_at, organizer_code=file.organizer
        )


@strawberry.type(description="All that the registry holds on one NIK.")
class HeldOnNik:
    registrants: list[Registrant] = strawberry.federation.field(
        description="The person's registrations with every organizer, in full.", directives=[sized(5)]
    )
    booked: list[Registrant] = strawberry.federation.field(
        description="Registrations of others that name the person as the applicant; the others are masked.",
        directives=[sized(5)],
    )
    claims: list[HeldClaim] = strawberry.federation.field(
        description="Refused duplicates of this NIK, and suspected ones: who brought it, under which name.",
        directives=[sized(2)],
    )
    blocks: list[HeldBlock] = strawberry.federation.field(description="Blocks, standing or not.", directives=[sized(2)])
    early_ends: list[EarlyEnd] = strawberry.federation.field(
        description="Ends that were told before their registrations.", directives=[sized(1)]
    )
    files: list[HeldFile] = strawberry.federation.field(
        description="Stored files that name the person.", directives=[sized(5)]
    )
    accesses: list[NikAccess] = strawberry.federation.field(
        description="Who looked at the NIK, the newest first, at most 1,000; without this look.",
        directives=[sized(100)],
    )

    @classmethod
    def from_record(cls, held: subject_access.Holding, context: Context) -> HeldOnNik:
        return cls(
            registrants=[Registrant.from_record(one, context) for one in held.registrants],
            booked=[Registrant.from_record(one, context) for one in held.booked],
            claims=[HeldClaim.from_record(one) for one in held.claims],
            blocks=[HeldBlock.from_record(one) for one in held.blocks],
            early_ends=[EarlyEnd.from_record(one) for one in held.ends],
            files=[HeldFile.from_record(one) for one in held.files],
            accesses=[NikAccess.from_record(one) for one in held.accesses],
        )


async def held_on_nik(
    info: Info,
    nik: OneNik,
    purpose: Annotated[
        str,
        strawberry.argument(
            description="What for; 1 to 500 characters, without a NIK. Kept with whom you were shown (`nikAccesses`)."
        ),
    ],
) -> HeldOnNik | None:
    context = info.context
    async with context.transaction() as session:
        held = await subject_access.export(
            session, context.process.vault, context.caller, nik, context.now, purpose=purpose
        )
    if isinstance(held, Refusal):
        raise RefusalError(held)
    nobody = not (held.registrants or held.booked)
    index = lookup.index_of(context.process.vault, Ref(nik=nik)) if nobody else None
    context.shown.give(purpose, unfound=index)
    return HeldOnNik.from_record(held, context)
