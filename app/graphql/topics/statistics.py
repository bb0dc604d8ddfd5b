"""Figures: `statistics`, which are asked for and whose a client may see; `pulse`, what was answered lately; and
`attention`, what waits for somebody.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app.errors import Refusal, RefusalError
from app.graphql.context import Info
from app.graphql.fields import loaded, sized
from app.graphql.scalars import given
from app.graphql.topics.catalogue import Organizer, Statistics, get_organizer
from app.graphql.vocabulary import Direction, Service
from app.registry.statistics import attention, pulse, questions
from app.registry.statistics.questions import Selection


@strawberry.input(description="Which figures: of whoever fits all that is given.")
class StatisticsFilter:
    organizer: ID | None = strawberry.field(
        default=UNSET,
        description="Its code. Left out: everybody's with `dashboard:read`, else your own and your members'.",
    )
    direction: Direction | None = strawberry.field(default=UNSET, description="In this direction.")
    service: Service | None = strawberry.field(default=UNSET, description="For this service.")
    from_: date | None = strawberry.field(
        default=UNSET,
        name="from",
        description="Registered on this day (WIB) or later. Days choose people and duplicates, not seats.",
    )
    to: date | None = strawberry.field(default=UNSET, description="Registered on this day (WIB) or earlier.")
    season: int | None = strawberry.field(
        default=UNSET, description="Left out: the current one, or the newest when all are closed."
    )


async def find_statistics(
    info: Info,
    where: Annotated[
        StatisticsFilter | None, strawberry.argument(description="All of these; left out, the current season's.")
    ] = UNSET,
) -> Statistics | None:
    selection = questions.judge(_asked_for(where) if where else Selection(), info.context.figures_of)
    if isinstance(selection, Refusal):
        raise RefusalError(selection)
    return Statistics(selection=selection)


def _asked_for(where: StatisticsFilter) -> Selection:
    organizer = given(where.organizer)
    return Selection(
        organizers=None if organizer is None else frozenset({organizer}),
        direction=given(where.direction),
        service=given(where.service),
        since=given(where.from_),
        until=given(where.to),
        season=given(where.season),
    )


@strawberry.type(description="Five whole minutes of all server processes.")
class PulseStretch:
    since: datetime = strawberry.field(description="From this instant on.")
    until: datetime = strawberry.field(description="Before this instant.")
    answers: int = strawberry.field(description="Requests that were answered; a file or a webhook is one.")
    errors: int = strawberry.field(description="Of them, those in which the registry failed.")
    p95_ms: float | None = strawberry.field(
        name="p95Ms",
        description="95 % of the answers began within these milliseconds; rounded up, by 19 % at most. Null: none.",
    )

    @classmethod
    def from_record(cls, one: pulse.Stretch) -> PulseStretch:
        return cls(since=one.since, until=one.until, answers=one.answers, errors=one.errors, p95_ms=one.p95_ms)


@strawberry.type(description="How often one organizer was refused for one reason. Rows of files are not counted.")
class PulseRefusal:
    organizer_code: strawberry.Private[str]
    reason: str = strawberry.field(description="A code of `Problem`, or one of rows alone.")
    now: int = strawberry.field(description="In the last five minutes.")
    before: int = strawberry.field(description="In the five minutes before them.")

    @loaded("Who was refused.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)


@strawberry.type(
    description="What the registry answered lately. Each process adds what it counted when a minute is over."
)
class Pulse:
    now: PulseStretch = strawberry.field(description="The last five minutes.")
    before: PulseStretch = strawberry.field(description="The five minutes before them.")
    refusals: list[PulseRefusal] = strawberry.federation.field(
        description="By organizer and reason, the most frequent first; at most 100.", directives=[sized(100)]
    )


async def read_pulse(info: Info) -> Pulse | None:
    async with info.context.transaction() as session:
        read = await pulse.read(session, info.context.now)
    return Pulse(
        now=PulseStretch.from_record(read.now),
        before=PulseStretch.from_record(read.before),
        refusals=[
            PulseRefusal(organizer_code=one.organizer, reason=one.reason, now=one.now, before=one.before)
            for one in read.refusals
        ],
    )


# --- what waits for somebody ------------------------------------------------------------------------------------------


@strawberry.type(description="A case that nobody has decided.")
class OpenCase:
    id: ID = strawberry.field(description="A UUID.")
    direction: Direction = strawberry.field(description="In which direction.")
    service: Service = strawberry.field(description="For what.")
    opened_at: datetime = strawberry.field(description="When it was opened.")
    holder_code: strawberry.Private[str]
    claimant_codes: strawberry.Private[list[str]]

    @loaded("Whose registrant holds the NIK.")
    async def holder(self, info: Info) -> Organizer:
        return await get_organizer(info, self.holder_code)

    @loaded("Who else brought the NIK, the first one first.", sized(3))
    async def claimants(self, info: Info) -> list[Organizer]:
        return [await get_organizer(info, code) for code in self.claimant_codes]


@strawberry.type(description="A webhook whose last delivery failed, or to which nothing is sent any more.")
class FailingWebhook:
    id: ID = strawberry.field(description="A UUID.")
    failing_since: datetime | None = strawberry.field(description="The first failure after the last success.")
    disabled_at: datetime | None = strawberry.field(description="Since when nothing is sent to it.")
    organizer_code: strawberry.Private[str]

    @loaded("Whose it is.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)


@strawberry.type(description="An import that is not finished.")
class RunningImport:
    id: ID = strawberry.field(description="A UUID.")
    dry_run: bool = strawberry.field(description="Whether everything is judged and nothing changed.")
    rows_read: int = strawberry.field(description="Rows of the file that were read so far.")
    rows_done: int = strawberry.field(description="Rows that have a verdict.")
    created_at: datetime = strawberry.field(description="When the file came.")
    started_at: datetime | None = strawberry.field(description="When a server began with it.")
    waits_until: datetime | None = strawberry.field(
        description="It goes on then: the organizer's allowance of NIKs is used up."
    )
    organizer_code: strawberry.Private[str]

    @loaded("Who sent it.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)


@strawberry.type(description="An allowance of NIKs of which half is used today, or whose organizer raised an alarm.")
class ShortAllowance:
    per_day: int = strawberry.field(description="Today's. 0: an alarm ended it.")
    used: int = strawberry.field(description="Of today's.")
    alarmed_at: datetime | None = strawberry.field(
        description=(
            "Somebody seems to walk through NIKs: the last alarm of 24 hours that Hubdat has not answered. Null without"
            " `dashboard:read`."
        )
    )
    is_shut_out: bool = strawberry.field(
        description="As many refusals came as the allowance is large: its submissions are 503 until midnight (WIB)."
    )
    organizer_code: strawberry.Private[str]

    @loaded("Whose it is.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)


@strawberry.type(
    description="What waits for somebody. Each list has the five most urgent, and a field says how many there are."
)
class Attention:
    open_cases: int | None = strawberry.field(
        description="Cases that nobody has decided; 10,000 stands for more. Null without `dashboard:read`."
    )
    cases: list[OpenCase] = strawberry.federation.field(description="The oldest ones first.", directives=[sized(5)])
    failing_webhooks: int = strawberry.field(description="How many webhooks do not arrive.")
    webhooks: list[FailingWebhook] = strawberry.federation.field(
        description="Those that are still tried first, by how long they have failed.", directives=[sized(5)]
    )
    running_imports: int = strawberry.field(description="How many imports are not finished.")
    imports: list[RunningImport] = strawberry.federation.field(
        description="The oldest ones first.", directives=[sized(5)]
    )
    short_allowances: int = strawberry.field(description="How many allowances are listed, or would be.")
    allowances: list[ShortAllowance] = strawberry.federation.field(
        description="Those with an alarm first, then who is shut out, then by the share that is used.",
        directives=[sized(5)],
    )


async def read_attention(info: Info) -> Attention | None:
    context = info.context
    async with context.transaction() as session:
        read = await attention.read(session, context.followed, context.now)
    return Attention(
        open_cases=read.open_cases,
        cases=[_open_case(one) for one in read.cases],
        failing_webhooks=attention.total(read.webhooks),
        webhooks=[
            FailingWebhook(
                id=ID(str(one.id)),
                organizer_code=one.organizer,
                failing_since=one.failing_since,
                disabled_at=one.disabled_at,
            )
            for one in read.webhooks
        ],
        running_imports=attention.total(read.imports),
        imports=[_running_import(one) for one in read.imports],
        short_allowances=attention.total(read.allowances),
        allowances=[
            ShortAllowance(
                organizer_code=one.organizer,
                per_day=one.per_day,
                used=one.used,
                alarmed_at=one.alarmed_at,
                is_shut_out=one.is_shut_out,
            )
            for one in read.allowances
        ],
    )


def _open_case(one: attention.OpenCase) -> OpenCase:
    return OpenCase(
        id=ID(str(one.id)),
        direction=Direction(one.direction),
        service=Service(one.service),
        opened_at=one.opened_at,
        holder_code=one.holder,
        claimant_codes=one.claimants,
    )


def _running_import(one: attention.RunningImport) -> RunningImport:
    return RunningImport(
        id=ID(str(one.id)),
        organizer_code=one.organizer,
        dry_run=one.dry_run,
        rows_read=one.rows_read,
        rows_done=one.rows_done,
        created_at=one.created_at,
        started_at=one.started_at,
        waits_until=one.waits_until,
    )
