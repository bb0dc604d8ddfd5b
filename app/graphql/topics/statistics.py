"""Figures: `statistics`, which are asked for and whose a client may see; `pulse`, what was answered lately."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app.errors import InvalidValue, NotYours, RefusalError
from app.graphql.context import Context, Info
from app.graphql.fields import loaded, sized
from app.graphql.scalars import given
from app.graphql.topics.catalogue import Organizer, Statistics, get_organizer
from app.graphql.vocabulary import Direction, Service
from app.registry.statistics import pulse
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
    if not where:
        return Statistics(selection=Selection(organizers=_organizers(info.context, None)))
    since, until = given(where.from_), given(where.to)
    if since is not None and until is not None and until < since:
        backwards = InvalidValue(
            "to", "Tanggal akhir sebelum tanggal awal; tukar keduanya.", "The last day is before the first; swap them."
        )
        raise RefusalError(backwards)
    return Statistics(
        selection=Selection(
            organizers=_organizers(info.context, given(where.organizer)),
            direction=given(where.direction),
            service=given(where.service),
            since=since,
            until=until,
            season=given(where.season),
        )
    )


def _organizers(context: Context, asked_for: str | None) -> frozenset[str] | None:
    """Whose figures are read. None: everybody's. Raises `NotYours`."""
    if asked_for is None:
        return None if context.everyone else context.caller.organizers
    if not context.may_read_figures_of(asked_for):
        raise RefusalError(NotYours("organizer"))
    return frozenset({asked_for})


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
