"""Ends that Hubdat takes back: one, or those of a route, a booking or a cause, with a dry run."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app.errors import Refusal
from app.graphql.context import Context, Info
from app.graphql.fields import sized
from app.graphql.scalars import given, identifier
from app.graphql.topics.niks import Reason
from app.graphql.topics.problems import Problem
from app.graphql.topics.registrant_inputs import RegistrantRef
from app.graphql.topics.registrant_mutations import RegistrantResult, registrant_or_problem
from app.graphql.vocabulary import RegistrantStatus
from app.registry.undo import bulk, reopening
from app.registry.undo.bulk import Cause, ReopenedPage, Where


@strawberry.input(description="What ended registrants: who did it, and within which time.")
class ReopenCause:
    status: RegistrantStatus = strawberry.field(description="CANCELLED, FORFEITED or NO_SHOW.")
    since: datetime = strawberry.field(description="They came to it then or later.")
    until: datetime = strawberry.field(description="They came to it before then.")
    client: ID | None = strawberry.field(default=UNSET, description="By this client.")
    by_registry: bool = strawberry.field(default=False, description="By the registry itself, as its duties do.")
    reason: str | None = strawberry.field(default=UNSET, description="With this reason, as it stands in the log.")

    def to_cause(self) -> Cause:
        return Cause(
            status=self.status,
            since=self.since,
            until=self.until,
            client=given(self.client),
            reason=given(self.reason),
            by_itself=self.by_registry,
        )


@strawberry.input(
    description="Whose ends are taken back: of those who fit all that is given. One of the last three must be."
)
class ReopenWhere:
    organizer: ID | None = strawberry.field(default=UNSET, description="Whose registrants. A booking code needs it.")
    route_id: ID | None = strawberry.field(default=UNSET, description="On this route.")
    reference: str | None = strawberry.field(default=UNSET, description="With this booking code of the organizer's.")
    cause: ReopenCause | None = strawberry.field(default=UNSET, description="Ended by this.")

    def to_where(self) -> Where:
        route_id, cause = given(self.route_id), given(self.cause)
        return Where(
            organizer=given(self.organizer),
            route_id=None if route_id is None else identifier(route_id),
            reference=given(self.reference),
            cause=None if cause is None else cause.to_cause(),
        )


@strawberry.type(description="Up to 500 registrants whose ends were to be taken back.")
class Reopening:
    dry_run: bool = strawberry.field(
        description=(
            "Whether nothing was changed. The verdicts are then those that would come, page by page: the pages of a dry"
            " run know nothing of the seats and NIKs that another page would take. Two may both promise the last seat."
        )
    )
    ids: list[ID] = strawberry.federation.field(
        description="Which registrants, by their ids. Over all pages, lap infants come behind everybody else.",
        directives=[sized(500)],
    )
    verdicts: list[RegistrantResult] = strawberry.federation.field(
        description="What became of each of them, in the same order.", directives=[sized(500)]
    )
    next: ID | None = strawberry.field(description="There are more: give it as `after`. Null: that was all.")

    @classmethod
    def from_page(cls, page: ReopenedPage, context: Context, *, dry_run: bool) -> Reopening:
        return cls(
            dry_run=dry_run,
            ids=[ID(str(one)) for one in page.ids],
            verdicts=[registrant_or_problem(one, context) for one in page.verdicts],
            next=None if page.next is None else ID(str(page.next)),
        )


ReopeningResult = Annotated[
    Reopening | Problem,
    strawberry.union("ReopeningResult", description="What became of each, or why nothing was tried."),
]


async def reopen_registrant(
    info: Info,
    ref: Annotated[RegistrantRef, strawberry.argument(description="Which one, of any organizer.")],
    reason: Reason,
) -> RegistrantResult:
    context = info.context
    [verdict] = await context.attempt(
        lambda session: reopening.reopen(
            session, context.process.vault, context.caller, [ref.to_ref()], reason, context.now
        )
    )
    return registrant_or_problem(verdict, context)


async def reopen_registrants(
    info: Info,
    where: Annotated[ReopenWhere, strawberry.argument(description="Which ones, of any organizer.")],
    reason: Reason,
    dry_run: Annotated[bool, strawberry.argument(description="Only say what would become of each.")] = False,
    after: Annotated[
        ID | None,
        strawberry.argument(
            description="Go on behind the `next` of the call before. Lap infants come behind everybody else."
        ),
    ] = UNSET,
) -> ReopeningResult:
    context, behind = info.context, given(after)
    page = await context.attempt(
        lambda session: bulk.reopen_all(
            session,
            context.process.vault,
            context.caller,
            where.to_where(),
            reason,
            context.now,
            after=None if behind is None else identifier(behind),
            dry_run=dry_run,
        )
    )
    if isinstance(page, Refusal):
        return Problem.from_refusal(page, context)
    return Reopening.from_page(page, context, dry_run=dry_run)
