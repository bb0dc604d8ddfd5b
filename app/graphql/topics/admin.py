"""Clients and their budget of NIK checks; duplicate cases and what Hubdat decides about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import ID, UNSET

from app.errors import Refusal, RefusalError
from app.graphql import paging
from app.graphql.context import Context, Info
from app.graphql.fields import loaded, sized
from app.graphql.paging import After, Connection, First, OldestFirst
from app.graphql.scalars import NIK, given, identifier
from app.graphql.topics.catalogue import Organizer, find_organizer, get_organizer
from app.graphql.topics.niks import Reason
from app.graphql.topics.problems import Problem
from app.graphql.topics.terms import NikAllowance
from app.graphql.vocabulary import CaseState, Direction, RegistrantStatus, Service
from app.registry import case_decisions, case_people
from app.registry.clients import clients, webhook_secrets
from app.registry.niks import allowance, budget
from app.registry.registrants import cases


@strawberry.type(description="A client's budget of NIK checks: a token bucket.")
class Budget:
    capacity: int = strawberry.field(description="The largest burst.")
    remaining: int = strawberry.field(description="How many checks are left now.")
    refill_per_second: int = strawberry.field(description="How many come back each second.")


@strawberry.type(description="An OAuth client of an organizer (RFC 6749 §4.4).")
class Client:
    id: ID = strawberry.field(description="Its `client_id`.")
    scopes: list[str] = strawberry.federation.field(
        description="What it may do: of `me`, what this token may.", directives=[sized(9)]
    )
    organizer_code: strawberry.Private[str]

    @classmethod
    def from_record(cls, client: clients.Client) -> Client:
        return cls(id=ID(client.id), scopes=list(client.scopes), organizer_code=client.organizer)

    @loaded("Whose it is.")
    async def organizer(self, info: Info) -> Organizer | None:
        return await find_organizer(info, self.organizer_code)

    @loaded("Its NIK checks. Used up, `TOO_MANY_CHECKS` says when to come back.")
    async def budget(self, info: Info) -> Budget:
        async with info.context.transaction() as session:
            found = await budget.of_client(session, self.id, info.context.now)
        return Budget(capacity=found.capacity, remaining=found.remaining, refill_per_second=found.refill_per_second)


@strawberry.type(description="A client and its new secret.")
class IssuedClient:
    client: Client = strawberry.field(description="The client.")
    secret: str | None = strawberry.field(
        description="Its `client_secret`, shown this once. Null: it signs assertions with keys of its own (RFC 7523)."
    )

    @classmethod
    def from_verdict(cls, verdict: clients.Issued | Refusal) -> IssuedClient:
        """Raises the refusal: it is a top-level error with its code."""
        if isinstance(verdict, Refusal):
            raise RefusalError(verdict)
        return cls(client=Client.from_record(verdict.client), secret=verdict.secret)


@strawberry.type(description="A client and the new secret of its webhooks.")
class IssuedWebhookSecret:
    client: Client = strawberry.field(description="The client.")
    secret: str = strawberry.field(description="`whsec_` and 32 bytes in base64, shown this once.")


@strawberry.type(description="Another organizer that brought the same NIK.")
class Claim:
    organizer_code: strawberry.Private[str]
    attempts: int = strawberry.field(description="How often.")
    first_at: datetime = strawberry.field(description="First.")
    last_at: datetime = strawberry.field(description="Last.")

    @loaded("Who.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)


@strawberry.type(description="A refused or suspected duplicate. A case blocks nobody by itself.")
class Case:
    id: ID = strawberry.field(description="A UUID.")
    season: int = strawberry.field(description="The programme year.")
    direction: Direction = strawberry.field(description="In which direction.")
    service: Service = strawberry.field(description="For what.")
    state: CaseState = strawberry.field(description="How far it is.")
    suspect: bool | None = strawberry.field(
        description=(
            "The names differ clearly: perhaps a typing error in one of the NIKs. Null without `hubdat:admin`: no"
            " organizer learns whether another's name is like its own."
        )
    )
    claims: list[Claim] = strawberry.federation.field(
        description="Who else brought the NIK, the first one first.", directives=[sized(3)]
    )
    opened_at: datetime = strawberry.field(description="When it was opened.")
    decided_at: datetime | None = strawberry.field(description="When it was decided.")
    decided_by: str | None = strawberry.field(description="By which client. Null without `hubdat:admin`.")
    reason: str | None = strawberry.field(description="Why it was decided so.")
    holder_code: strawberry.Private[str]
    mistyped_by_code: strawberry.Private[str | None]

    @loaded("Of NOT_DUPLICATE: who wrote the NIK wrongly, and is asked to correct it.")
    async def mistyped_by(self, info: Info) -> Organizer | None:
        return None if self.mistyped_by_code is None else await get_organizer(info, self.mistyped_by_code)

    @loaded("Whose registrant holds the NIK.")
    async def holder(self, info: Info) -> Organizer:
        return await get_organizer(info, self.holder_code)

    @classmethod
    def from_record(cls, case: cases.Case) -> Case:
        return cls(
            id=ID(str(case.id)),
            season=case.season,
            direction=Direction(case.direction),
            service=Service(case.service),
            state=CaseState(case.state),
            suspect=case.suspect,
            claims=[
                Claim(
                    organizer_code=claim.organizer,
                    attempts=claim.attempts,
                    first_at=claim.first_at,
                    last_at=claim.last_at,
                )
                for claim in case.claimants
            ],
            opened_at=case.opened_at,
            decided_at=case.decided_at,
            decided_by=case.decided_by,
            reason=case.reason,
            holder_code=case.holder,
            mistyped_by_code=case.mistyped_by,
        )


CaseResult = Annotated[Case | Problem, strawberry.union("CaseResult", description="The case as it is now, or why not.")]


@strawberry.type(description="One organizer's person in a case: the holder, or whoever brought the same NIK.")
class CasePerson:
    organizer_code: strawberry.Private[str]
    holds: bool = strawberry.field(description="Whether it is the holder.")
    nik: NIK = strawberry.field(
        description=(
            "Masked; in full for a purpose. All stars: the holder's was corrected since, and is not what was brought."
        )
    )
    initials: str | None = strawberry.field(description="Of the name. Null: the name is not kept, or not any more.")
    likeness: int | None = strawberry.field(description="Of the name to the holder's, in percent. Null of the holder.")
    name: str | None = strawberry.field(description="For a purpose only.")
    registrant_id: ID | None = strawberry.field(description="Of the holder: the registration.")
    status: RegistrantStatus | None = strawberry.field(description="Of the holder.")
    at: datetime = strawberry.field(description="The holder was registered, or the NIK was brought first.")

    @loaded("Whose.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)

    @classmethod
    def from_side(cls, side: case_people.Side, holder: UUID) -> CasePerson:
        return cls(
            organizer_code=side.organizer,
            holds=side.holds,
            nik=NIK(side.nik),
            initials=side.initials,
            likeness=side.likeness,
            name=side.name,
            registrant_id=ID(str(holder)) if side.holds else None,
            status=None if side.status is None else RegistrantStatus(side.status),
            at=side.at,
        )


async def find_case_people(
    info: Info,
    id: Annotated[ID, strawberry.argument(description="Which case.")],
    purpose: Annotated[
        str | None,
        strawberry.argument(description="What for, 1 to 500 characters without a NIK: then NIK and names are in full."),
    ] = UNSET,
) -> list[CasePerson] | None:
    context, key = info.context, identifier(id)
    async with context.transaction() as session:
        sides = await case_people.read(session, context.process.vault, context.caller, key, given(purpose), context.now)
    if isinstance(sides, Refusal):
        raise RefusalError(sides)
    context.shown.note(sides.holder_id, sides.people[0].organizer)
    context.shown.asked["casePeople"] = {"case": str(key)}
    context.shown.give(given(purpose))
    return [CasePerson.from_side(one, sides.holder_id) for one in sides.people]


async def me(info: Info) -> Client | None:
    principal = info.context.principal
    return Client(
        id=ID(principal.caller.client_id or ""),
        scopes=sorted(principal.scopes),
        organizer_code=principal.caller.organizer,
    )


async def find_cases(
    info: Info,
    state: Annotated[CaseState | None, strawberry.argument(description="In this state.")] = UNSET,
    correction_asked: Annotated[
        bool,
        strawberry.argument(
            description=(
                "Only those in which a correction of the NIK is asked for and has not come: of you or your members, or"
                " with `hubdat:admin` of anybody."
            )
        ),
    ] = False,
    oldest_first: OldestFirst = False,
    first: First = 50,
    after: After = UNSET,
) -> Connection[Case] | None:
    position, size = paging.position(given(after)), paging.size(first)
    async with info.context.transaction() as session:
        own = None if info.context.admin else info.context.caller.organizers
        records = await cases.page(
            session,
            given(state),
            own,
            asked=correction_asked,
            oldest_first=oldest_first,
            after=position,
            first=size,
        )
    nodes = [Case.from_record(record) for record in records]
    return paging.connection([record.id for record in records], nodes, first=first, after=given(after))


async def decide_case(
    info: Info,
    id: Annotated[ID, strawberry.argument(description="Which one.")],
    state: Annotated[CaseState, strawberry.argument(description="CONFIRMED or NOT_DUPLICATE.")],
    reason: Reason,
    mistyped_by: Annotated[
        ID | None,
        strawberry.argument(description="Of NOT_DUPLICATE: the code of the organizer that wrote the NIK wrongly."),
    ] = UNSET,
) -> CaseResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: case_decisions.decide(
            session,
            context.caller,
            identifier(id),
            state,
            reason,
            context.now,
            mistyped_by=given(mistyped_by),
        )
    )
    return _case(verdict, context)


async def set_nik_allowance(
    info: Info,
    organizer: Annotated[ID, strawberry.argument(description="Whose.")],
    reason: Reason,
    per_day: Annotated[
        int | None, strawberry.argument(description="0 to 10,000,000. Left out: the one by its holders again.")
    ] = UNSET,
) -> NikAllowance | None:
    context = info.context
    verdict = await context.attempt(
        lambda session: allowance.set_per_day(session, context.caller, organizer, given(per_day), reason, context.now)
    )
    if isinstance(verdict, Refusal):
        raise RefusalError(verdict)
    return NikAllowance.of(verdict, context.now)


async def issue_client(
    info: Info,
    organizer: Annotated[ID, strawberry.argument(description="Whose it is to be.")],
    scopes: Annotated[list[str], strawberry.argument(description="What it may do, such as `nik:check`.")],
    public_keys: Annotated[
        str | None,
        strawberry.argument(description="A JWK Set in JSON: then it signs assertions and gets no secret (RFC 7523)."),
    ] = UNSET,
) -> IssuedClient | None:
    context = info.context
    return IssuedClient.from_verdict(
        await context.attempt(
            lambda session: clients.issue(
                session,
                context.caller,
                organizer,
                scopes,
                given(public_keys),
                context.now,
                own=context.own_scopes,
            )
        )
    )


async def rotate_client_secret(
    info: Info, id: Annotated[ID, strawberry.argument(description="Its `client_id`.")]
) -> IssuedClient | None:
    context = info.context
    return IssuedClient.from_verdict(
        await context.attempt(
            lambda session: clients.rotate(session, context.caller, id, context.now, own=context.own_scopes)
        )
    )


async def issue_webhook_secret(
    info: Info, client_id: Annotated[ID, strawberry.argument(description="Its `client_id`.")]
) -> IssuedWebhookSecret | None:
    context = info.context
    verdict = await context.attempt(
        lambda session: webhook_secrets.issue(
            session, context.process.vault, context.caller, client_id, context.now, own=context.own_scopes
        )
    )
    if isinstance(verdict, Refusal):
        raise RefusalError(verdict)
    return IssuedWebhookSecret(client=Client.from_record(verdict.client), secret=verdict.secret)


async def revoke_client(
    info: Info, id: Annotated[ID, strawberry.argument(description="Its `client_id`.")]
) -> Client | None:
    context = info.context
    verdict = await context.attempt(
        lambda session: clients.revoke(session, context.caller, id, context.now, own=context.own_scopes)
    )
    if isinstance(verdict, Refusal):
        raise RefusalError(verdict)
    return Client.from_record(verdict)


def _case(verdict: cases.Case | Refusal, context: Context) -> Case | Problem:
    return Problem.from_refusal(verdict, context) if isinstance(verdict, Refusal) else Case.from_record(verdict)
