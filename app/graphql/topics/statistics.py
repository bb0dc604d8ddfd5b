"""Statistics: what the dashboard shows, and what an organizer may know of its own. Whatever one request asks for is of
one moment, as all of it comes by one loader.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry import ID, UNSET
from strawberry.federation.schema_directives import ListSize

from app.errors import InvalidValue, NotYours, RefusalError
from app.graphql import paging
from app.graphql.context import Context, Info
from app.graphql.fields import loaded, sized
from app.graphql.paging import First
from app.graphql.permissions import REGISTRANTS_READ
from app.graphql.scalars import given, identifier
from app.graphql.topics.catalogue import Organizer, Route
from app.graphql.vocabulary import Direction, Service
from app.registry.statistics import counting
from app.registry.statistics.counting import Cell, Deadline, Head, Overlaps, Pair
from app.registry.statistics.statistics import Asked, Page, Part, Where

FIRST = ListSize(
    assumed_size=strawberry.UNSET,
    slicing_arguments=["first"],
    sized_fields=strawberry.UNSET,
    require_one_slicing_argument=False,
)
AfterRoute = Annotated[
    ID | None,
    strawberry.argument(description="The id of a route of this list: it goes on behind it."),
]


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


@strawberry.type(
    description=(
        "How many people stand at each status, each counted once, and the seats of the routes. Who moves on is counted"
        " where it came to: all six together are everyone who ever registered."
    )
)
class Counts:
    registered: int = strawberry.field(description="`1 Terdaftar`, and not verified yet.")
    verified: int = strawberry.field(description="`2 Terverifikasi pendaftaran`, and not departed yet.")
    departed: int = strawberry.field(description="`3 Terverifikasi keberangkatan`.")
    forfeited: int = strawberry.field(description="`4 gugur`: not verified by the deadline.")
    cancelled: int = strawberry.field(description="`5 batal`.")
    no_show: int = strawberry.field(description="`6 tidak hadir`: verified, and not aboard.")
    quota: int | None = strawberry.field(
        description=(
            "Seats, or motorcycles, of the routes that are limited: the releases that are due by now. Null: there is no"
            " such route, or the counts are those of one day."
        )
    )
    taken: int = strawberry.field(
        description="Registered, verified, departed, and no-shows, whose seats have left with the others."
    )
    remaining: int | None = strawberry.field(
        description="Seats left on the routes that are limited, whoever has the others. Never negative."
    )
    fill: float | None = strawberry.field(description="The share of `quota` that is taken, 0 to 1. Null: no quota.")
    seats_returned: int = strawberry.field(
        description="How many seats went back to the quota: of the forfeited (terms of 2023 §5) and the cancelled."
    )

    @classmethod
    def from_figures(cls, counts: counting.Counts) -> Counts:
        return cls(
            registered=counts.registered,
            verified=counts.verified,
            departed=counts.departed,
            forfeited=counts.forfeited,
            cancelled=counts.cancelled,
            no_show=counts.no_show,
            quota=counts.quota,
            taken=counts.taken,
            remaining=counts.remaining,
            fill=counts.fill,
            seats_returned=counts.seats_returned,
        )


@strawberry.type(description="The figures of one organizer: the people it registered, and the seats of its own routes.")
class OrganizerCounts:
    organizer: Organizer = strawberry.field(description="Whose.")
    counts: Counts = strawberry.field(description="How many.")


@strawberry.type(description="The figures of one direction.")
class DirectionCounts:
    direction: Direction = strawberry.field(description="Which.")
    counts: Counts = strawberry.field(description="How many.")


@strawberry.type(description="The figures of one service.")
class ServiceCounts:
    service: Service = strawberry.field(description="Which.")
    counts: Counts = strawberry.field(description="How many.")


@strawberry.type(description="The figures of one route. Its seats are counted whole, whosever people have them.")
class RouteCounts:
    route: Route = strawberry.field(description="Which.")
    counts: Counts = strawberry.field(description="How many.")


@strawberry.type(description="Who registered on one day, by where they stand now.")
class DayCounts:
    day: date = strawberry.field(description="The day (WIB) of `registeredAt`.")
    counts: Counts = strawberry.field(description="How many; seats belong to no day.")


@strawberry.type(description="Who waits for verification, by the time that is left.")
class DeadlineCounts:
    hours: int | None = strawberry.field(
        description=(
            "From the current hour of the clock to the hour in which `verifyBy` falls: 0 is this hour. Negative: over,"
            " forfeited within a minute. Null: without a deadline."
        )
    )
    waiting: int = strawberry.field(description="How many stand at REGISTERED with such a deadline.")


@strawberry.type(description="How far people come on the way from registration to departure (terms of 2023 §4 to §8).")
class VerificationFunnel:
    registered: int = strawberry.field(description="Everyone who ever registered.")
    verified: int = strawberry.field(description="Of them, who was ever verified, whatever became of it.")
    departed: int = strawberry.field(description="Of them, who departed.")
    waiting: int = strawberry.field(description="Who is not verified yet, and still may be.")
    forfeited: int = strawberry.field(description="Who was not verified in time.")
    deadlines: list[DeadlineCounts] = strawberry.federation.field(
        description="Those who wait, the most urgent first.", directives=[sized(30)]
    )


@strawberry.type(description="How many seats of a departure will be empty if nobody else is registered or verified.")
class DepartureForecast:
    route: Route = strawberry.field(description="The departure.")
    waiting: int = strawberry.field(description="Registered, and not verified.")
    verified: int = strawberry.field(description="Verified, and not departed.")
    empty_seats: int | None = strawberry.field(
        description="Free seats, and those of `waiting`. Null: the route is not limited."
    )


@strawberry.type(description="Two organizers whose lists overlap: the same NIK, direction and service.")
class DuplicatePair:
    holder: Organizer = strawberry.field(description="Who has the people: it came first.")
    claimant: Organizer = strawberry.field(description="Who brought them as well.")
    refused: int = strawberry.field(description="How often that was refused.")
    suspected: int = strawberry.field(
        description="How often names differed so clearly that one of the NIKs may be a typing error."
    )


@strawberry.type(
    description=(
        "Figures of a season, kept up as changes are written, about a second behind. All that one operation asks for is"
        " of one moment."
    )
)
class Statistics:
    where: strawberry.Private[Where]

    @loaded("The programme year.")
    async def season(self, info: Info) -> int:
        return (await self._head(info)).season

    @loaded("Every change up to here is counted. Now, unless the counting is behind.")
    async def as_of(self, info: Info) -> datetime:
        return (await self._head(info)).as_of

    @loaded("All together.")
    async def total(self, info: Info) -> Counts:
        return Counts.from_figures(counting.total(cell.counts for cell in await self._cells(info)))

    @loaded("By organizer, those with people or seats, by code.", sized(100))
    async def by_organizer(self, info: Info) -> list[OrganizerCounts]:
        cells, names = await info.context.statistics.load_many(
            [Asked(self.where, Part.CELLS), Asked(self.where, Part.NAMES)]
        )
        return [
            OrganizerCounts(organizer=Organizer(code=ID(code), name=names[code]), counts=Counts.from_figures(counts))
            for code, counts in counting.by(lambda cell: cell.organizer, cells).items()
        ]

    @loaded("By direction.", sized(2))
    async def by_direction(self, info: Info) -> list[DirectionCounts]:
        parts = counting.by(lambda cell: cell.direction, await self._cells(info))
        return [
            DirectionCounts(direction=Direction(name), counts=Counts.from_figures(counts))
            for name, counts in parts.items()
        ]

    @loaded("By service.", sized(2))
    async def by_service(self, info: Info) -> list[ServiceCounts]:
        parts = counting.by(lambda cell: cell.service, await self._cells(info))
        return [
            ServiceCounts(service=Service(name), counts=Counts.from_figures(counts)) for name, counts in parts.items()
        ]

    @loaded("By route, in the order of departure.", FIRST)
    async def by_route(self, info: Info, first: First = 50, after: AfterRoute = UNSET) -> list[RouteCounts]:
        return [
            RouteCounts(route=Route.from_record(one.route), counts=Counts.from_figures(one.counts))
            for one in await self._departures(info, first, after)
        ]

    @loaded("By day of registration, the first one first.", sized(60))
    async def by_day(self, info: Info) -> list[DayCounts]:
        days = await info.context.statistics.load(Asked(self.where, Part.DAYS))
        return [DayCounts(day=day, counts=Counts.from_figures(counts)) for day, counts in days]

    @loaded("How far people come, and how much time those have who wait for verification.")
    async def funnel(self, info: Info) -> VerificationFunnel:
        cells, deadlines = await info.context.statistics.load_many(
            [Asked(self.where, Part.CELLS), Asked(self.where, Part.DEADLINES)]
        )
        return _funnel(counting.total(cell.counts for cell in cells), deadlines)

    @loaded("Empty seats to come, by departure: those that have not left, the next one first.", FIRST)
    async def forecast(self, info: Info, first: First = 50, after: AfterRoute = UNSET) -> list[DepartureForecast]:
        return [
            DepartureForecast(
                route=Route.from_record(one.route),
                waiting=one.counts.registered,
                verified=one.counts.verified,
                empty_seats=one.empty_seats,
            )
            for one in await self._departures(info, first, after, upcoming=True)
        ]

    @loaded("How often a NIK was refused since somebody else has it.")
    async def duplicates(self, info: Info) -> int:
        overlaps: Overlaps = await info.context.statistics.load(Asked(self.where, Part.OVERLAPS))
        return overlaps.refused

    @loaded("Whose lists overlap, and how often; the most frequent first. Without `dashboard:read`: with yours.", FIRST)
    async def duplicate_pairs(self, info: Info, first: First = 50) -> list[DuplicatePair]:
        most = paging.size(first)
        overlaps, names = await info.context.statistics.load_many(
            [Asked(self.where, Part.OVERLAPS), Asked(self.where, Part.NAMES)]
        )
        return [_pair(pair, names) for pair in overlaps.pairs[:most]]

    async def _head(self, info: Info) -> Head:
        head: Head = await info.context.statistics.load(Asked(self.where, Part.HEAD))
        return head

    async def _cells(self, info: Info) -> list[Cell]:
        cells: list[Cell] = await info.context.statistics.load(Asked(self.where, Part.CELLS))
        return cells

    async def _departures(
        self, info: Info, first: int, after: str | None, *, upcoming: bool = False
    ) -> list[counting.Departure]:
        behind = given(after)
        page = Page(paging.size(first), None if behind is None else identifier(behind), upcoming)
        found: list[counting.Departure] = await info.context.statistics.load(Asked(self.where, Part.DEPARTURES, page))
        return found


async def find_statistics(
    info: Info,
    where: Annotated[
        StatisticsFilter | None, strawberry.argument(description="All of these; left out, the current season's.")
    ] = UNSET,
) -> Statistics:
    if not where:
        return Statistics(where=Where(organizers=_visible(info.context, None)))
    since, until = given(where.from_), given(where.to)
    if since is not None and until is not None and until < since:
        backwards = InvalidValue("to", "Tanggal akhir sebelum tanggal awal.", "The last day is before the first.")
        raise RefusalError(backwards)
    return Statistics(
        where=Where(
            organizers=_visible(info.context, given(where.organizer)),
            direction=given(where.direction),
            service=given(where.service),
            since=since,
            until=until,
            season=given(where.season),
        )
    )


def of_organizer(context: Context, code: str) -> Statistics | None:
    """None: they are not for this client."""
    if not context.everyone and not (REGISTRANTS_READ in context.principal.scopes and context.caller.owns(code)):
        return None
    return Statistics(where=Where(organizers=frozenset({code})))


def _visible(context: Context, organizer: str | None) -> frozenset[str] | None:
    """Whose figures. None: everybody's. Raises NotYours."""
    if organizer is None:
        return None if context.everyone else context.caller.organizers
    if not context.everyone and not context.caller.owns(organizer):
        raise RefusalError(NotYours("organizer"))
    return frozenset({organizer})


def _funnel(counts: counting.Counts, deadlines: list[Deadline]) -> VerificationFunnel:
    return VerificationFunnel(
        registered=counts.people,
        verified=counts.ever_verified,
        departed=counts.departed,
        waiting=counts.registered,
        forfeited=counts.forfeited,
        deadlines=[DeadlineCounts(hours=one.hours, waiting=one.waiting) for one in deadlines],
    )


def _pair(pair: Pair, names: dict[str, str]) -> DuplicatePair:
    return DuplicatePair(
        holder=Organizer(code=ID(pair.holder), name=names[pair.holder]),
        claimant=Organizer(code=ID(pair.claimant), name=names[pair.claimant]),
        refused=pair.refused,
        suspected=pair.suspected,
    )
