"""The root field `statistics`: which figures are asked for, and whose a client may see."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app.errors import InvalidValue, NotYours, RefusalError
from app.graphql.context import Context, Info
from app.graphql.scalars import given
from app.graphql.topics.catalogue import Statistics
from app.graphql.vocabulary import Direction, Service
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
