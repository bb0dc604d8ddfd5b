"""Organizers, routes, and the figures of their programmes: one file, since an organizer has routes and figures, and
figures are told by organizer and by route. Attributes come with the row; loaders bring the rest.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import ID, UNSET

from app.graphql import paging
from app.graphql.context import Info, RoutePageKey
from app.graphql.fields import PAGED, SLICED, loaded, sized
from app.graphql.paging import After, Connection, First
from app.graphql.scalars import given, identifier
from app.graphql.topics.counts import Counts, DayCounts, DirectionCounts, ServiceCounts, VerificationFunnel
from app.graphql.topics.terminals import Terminal
from app.graphql.topics.terms import DateRange, NikAllowance, Policy, RegistrationWindow
from app.graphql.vocabulary import Direction, IntegrationScheme, Mode, Service
from app.registry.routes import route as registry_route
from app.registry.routes.finding import RouteFilter
from app.registry.routes.release_list import ListedRelease
from app.registry.statistics import counting
from app.registry.statistics.questions import DeparturesPage, Part, Question, Selection
from app.registry.terms import organizers as registry_organizers

InOneDirection = Annotated[Direction | None, strawberry.argument(description="In this direction.")]
AfterRoute = Annotated[ID | None, strawberry.argument(description="The id of a route of this list: it goes on behind.")]


@strawberry.federation.type(
    name="Organizer",
    keys=["code"],
    description="Penyelenggara: who offers a mudik gratis programme. `source` of the standard.",
)
class Organizer:
    code: ID = strawberry.field(description="Small letters, digits and dashes, such as `jasa-raharja`.")
    name: str = strawberry.field(description="As the ministry writes it.")

    @classmethod
    def from_record(cls, record: registry_organizers.Organizer) -> Organizer:
        return cls(code=ID(record.code), name=record.name)

    @loaded("Who coordinates it, as Jasa Raharja does for some 80 state firms.")
    async def coordinator(self, info: Info) -> Organizer | None:
        record = await self._whole(info)
        return await find_organizer(info, record.coordinator) if record.coordinator else None

    @loaded("Whom it coordinates: their registrants are its own to submit, move and read.", sized(100))
    async def members(self, info: Info) -> list[Organizer]:
        record = await self._whole(info)
        members = await info.context.organizers.load_many(record.members)
        return [Organizer.from_record(member) for member in members if member]

    @loaded("How it exchanges data with the registry.", sized(5))
    async def schemes(self, info: Info) -> list[IntegrationScheme]:
        return [IntegrationScheme(scheme) for scheme in (await self._whole(info)).schemes]

    @loaded("When it registers in the current season, in the order of opening.", sized(5))
    async def windows(self, info: Info) -> list[RegistrationWindow]:
        windows = (await self._whole(info)).windows
        return [RegistrationWindow.from_window(window, info.context.now) for window in windows]

    @loaded("When it verifies at its poskos in the current season.", sized(5))
    async def verification(self, info: Info) -> list[DateRange]:
        ranges = (await self._whole(info)).verification
        return [DateRange(from_=stretch.opens_at, to=stretch.closes_at) for stretch in ranges]

    @loaded("What it decides for itself in the current season.")
    async def policy(self, info: Info) -> Policy:
        return Policy.from_decided((await self._whole(info)).policy)

    @loaded("Its routes of the current season, in the order in which they were declared.", PAGED)
    async def routes(
        self, info: Info, direction: InOneDirection = UNSET, first: First = 50, after: After = UNSET
    ) -> Connection[Route]:
        return await route_page(info, RouteFilter(organizer=self.code, direction=given(direction)), first, after)

    @loaded("Its figures of the current season. Null: neither yours nor your member's, and you lack `dashboard:read`.")
    async def statistics(self, info: Info) -> Statistics | None:
        readable = info.context.figures_of
        if readable is not None and self.code not in readable:
            return None
        return Statistics(selection=Selection(organizers=frozenset({self.code})))

    @loaded("How many NIKs it may learn of today. Null: neither yours nor your member's, and you lack `hubdat:admin`.")
    async def nik_allowance(self, info: Info) -> NikAllowance | None:
        if not (info.context.admin or info.context.caller.owns(self.code)):
            return None
        return NikAllowance.of(await info.context.nik_allowances.load(self.code), info.context.now)

    @loaded(
        "When the registry last heard from it: a token, a file or a change (of its last 200). Null: never, or not yours"
    )
    async def last_heard_at(self, info: Info) -> datetime | None:
        return await info.context.last_heard.load(self.code) if info.context.may_hear_of(self.code) else None

    async def _whole(self, info: Info) -> registry_organizers.Organizer:
        """The organizer with all that is in force for it; `self` may hold its code and name only."""
        record = await info.context.organizers.load(self.code)
        assert record is not None  # noqa: S101 - an organizer is never deleted
        return record


@strawberry.type(description="Seats that are added to a route's quota at a time, or taken off at once.")
class QuotaRelease:
    id: ID = strawberry.field(description="A UUID; what `cancelRelease` names.")
    seats: int = strawberry.field(description="How many; negative: how many fewer.")
    due_at: datetime = strawberry.field(description="From when on they count.")
    due: bool = strawberry.field(description="Whether they count by now. What is not due yet can be cancelled.")
    daily_id: ID | None = strawberry.field(
        description="Of a daily release: all its days have one, and `cancelRelease` takes it as well."
    )

    route_id: strawberry.Private[UUID]

    @loaded("Of which route.")
    async def route(self, info: Info) -> Route | None:
        record = await info.context.routes.load(self.route_id)
        return None if record is None else Route.from_record(record)

    @classmethod
    def from_record(cls, record: ListedRelease, now: datetime) -> QuotaRelease:
        return cls(
            route_id=record.route_id,
            id=ID(str(record.id)),
            seats=record.seats,
            due_at=record.due_at,
            due=record.due_at <= now,
            daily_id=None if record.daily_id is None else ID(str(record.daily_id)),
        )


@strawberry.federation.type(
    name="Route", keys=["id"], description="One departure offered by one organizer: `rute_perjalanan` of the standard."
)
class Route:
    id: ID = strawberry.field(description="A UUID; what `SubmitRegistrant.routeId` names.")
    season: int = strawberry.field(description="The programme year.")
    organizer: Organizer = strawberry.field(description="Whose it is.")
    name: str = strawberry.field(description="`rute_perjalanan` of the standard.")
    direction: Direction = strawberry.field(description="`tipe_keberangkatan` of the standard.")
    service: Service = strawberry.field(description="Seats, or carried motorcycles.")
    mode: Mode = strawberry.field(description="What it is travelled with.")
    origin: Terminal = strawberry.field(description="Where it departs.")
    destination: Terminal = strawberry.field(description="Where it arrives.")
    departs_at: datetime | None = strawberry.field(description="Null while it is not fixed.")
    report_by: datetime | None = strawberry.field(
        description="One hour before departure (terms of 2023 §8). Departing later than that is marked `late`."
    )
    handover_on: date | None = strawberry.field(
        description="MOTORCYCLE only: the day (WIB) before departure, on which it is handed over (terms of 2023 §6)."
    )
    quota: int | None = strawberry.field(
        description="Seats, or motorcycles: the sum of the releases that are due. Null: not limited."
    )
    taken: int = strawberry.field(description="How many registrants hold a seat.")
    held: int = strawberry.field(description="Seats that are held now while people fill forms; see `holdSeats`.")
    remaining: int | None = strawberry.field(description="Neither taken nor held. Never negative. Null: not limited.")
    provisional: bool = strawberry.field(
        description="Made from a row that named no known route: no quota, for review; see `mergeRoute`."
    )

    @classmethod
    def from_record(cls, record: registry_route.Route) -> Route:
        return cls(
            id=ID(str(record.id)),
            season=record.season,
            organizer=Organizer(code=ID(record.organizer), name=record.organizer_name),
            name=record.name,
            direction=Direction(record.direction),
            service=Service(record.service),
            mode=Mode(record.mode),
            origin=Terminal.from_record(record.origin),
            destination=Terminal.from_record(record.destination),
            departs_at=record.departs_at,
            report_by=record.report_by,
            handover_on=record.handover_on,
            quota=record.quota,
            taken=record.taken,
            held=record.held,
            remaining=record.remaining,
            provisional=record.provisional,
        )

    @loaded("What its quota is the sum of, and what is to come, in the order in which it is due.", sized(20))
    async def releases(self, info: Info) -> list[QuotaRelease]:
        records = await info.context.releases.load(identifier(self.id))
        return [QuotaRelease.from_record(record, info.context.now) for record in records]

    @loaded("Of a MUDIK route: the same organizer's BALIK routes from this destination's city.", sized(10))
    async def return_routes(self, info: Info) -> list[Route]:
        records = await info.context.return_routes.load(identifier(self.id))
        return [Route.from_record(record) for record in records]


@strawberry.type(description="The figures of one organizer: the people it registered, and the seats of its own routes.")
class OrganizerCounts:
    organizer: Organizer = strawberry.field(description="Whose.")
    counts: Counts = strawberry.field(description="How many.")


@strawberry.type(description="The figures of one route. Its seats are counted whole, whosever people have them.")
class RouteCounts:
    route: Route = strawberry.field(description="Which.")
    counts: Counts = strawberry.field(description="How many.")

    @classmethod
    def from_departure(cls, one: counting.Departure) -> RouteCounts:
        return cls(route=Route.from_record(one.route), counts=Counts.from_figures(one.counts))


@strawberry.type(
    description="The fullest and the emptiest routes of those that have a quota. No route is in both lists."
)
class RouteFill:
    limited: int = strawberry.field(description="How many routes have a quota.")
    full: int = strawberry.field(description="How many of them have no seat left.")
    fullest: list[RouteCounts] = strawberry.federation.field(
        description="The five fullest, the fullest first.", directives=[sized(5)]
    )
    emptiest: list[RouteCounts] = strawberry.federation.field(
        description="The five emptiest, the emptiest first.", directives=[sized(5)]
    )

    @classmethod
    def from_record(cls, fill: counting.RouteFill) -> RouteFill:
        fullest, emptiest = (
            [RouteCounts.from_departure(one) for one in ends] for ends in (fill.fullest, fill.emptiest)
        )
        return cls(limited=fill.limited, full=fill.full, fullest=fullest, emptiest=emptiest)


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
    suspected: int | None = strawberry.field(
        description="How often names differ clearly: perhaps a NIK was mistyped. Null without `dashboard:read`."
    )

    @classmethod
    def from_pair(cls, pair: counting.Pair, names: dict[str, str], *, everyone: bool) -> DuplicatePair:
        return cls(
            holder=Organizer(code=ID(pair.holder), name=names[pair.holder]),
            claimant=Organizer(code=ID(pair.claimant), name=names[pair.claimant]),
            refused=pair.refused,
            suspected=pair.suspected if everyone else None,
        )


@strawberry.type(
    description=(
        "Figures of a season, kept up as changes are written, about a second behind. All that one operation asks for is"
        " of one moment."
    )
)
class Statistics:
    selection: strawberry.Private[Selection]

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
            [Question(self.selection, Part.CELLS), Question(self.selection, Part.NAMES)]
        )
        return [
            OrganizerCounts(organizer=Organizer(code=ID(code), name=names[code]), counts=Counts.from_figures(counts))
            for code, counts in counting.by(lambda cell: cell.organizer, cells).items()
        ]

    @loaded("By direction.", sized(2))
    async def by_direction(self, info: Info) -> list[DirectionCounts]:
        return DirectionCounts.of(await self._cells(info))

    @loaded("By service.", sized(2))
    async def by_service(self, info: Info) -> list[ServiceCounts]:
        return ServiceCounts.of(await self._cells(info))

    @loaded("By route, in the order of departure.", SLICED)
    async def by_route(self, info: Info, first: First = 50, after: AfterRoute = UNSET) -> list[RouteCounts]:
        return [RouteCounts.from_departure(one) for one in await self._departures(info, first, after)]

    @loaded("The routes that have a quota, by how much of it is taken.")
    async def route_fill(self, info: Info) -> RouteFill:
        fill: counting.RouteFill = await info.context.statistics.load(Question(self.selection, Part.FILL))
        return RouteFill.from_record(fill)

    @loaded("By day of registration, the first one first.", sized(60))
    async def by_day(self, info: Info) -> list[DayCounts]:
        days = await info.context.statistics.load(Question(self.selection, Part.DAYS))
        return [DayCounts(day=day, counts=Counts.from_figures(counts)) for day, counts in days]

    @loaded("How far people come, and how much time those have who wait for verification.")
    async def funnel(self, info: Info) -> VerificationFunnel:
        cells, deadlines = await info.context.statistics.load_many(
            [Question(self.selection, Part.CELLS), Question(self.selection, Part.DEADLINES)]
        )
        return VerificationFunnel.from_figures(counting.total(cell.counts for cell in cells), deadlines)

    @loaded("Empty seats to come, by departure: those that have not left, the next one first.", SLICED)
    async def forecast(
        self,
        info: Info,
        first: First = 50,
        after: AfterRoute = UNSET,
        with_quota: Annotated[
            bool, strawberry.argument(description="Only routes with a quota: of others no seat can stay empty.")
        ] = False,
    ) -> list[DepartureForecast]:
        return [
            DepartureForecast(
                route=Route.from_record(departure.route),
                waiting=departure.counts.registered,
                verified=departure.counts.verified,
                empty_seats=departure.empty_seats,
            )
            for departure in await self._departures(info, first, after, upcoming=True, with_quota=with_quota)
        ]

    @loaded("How often a NIK was refused since somebody else has it.")
    async def duplicates(self, info: Info) -> int:
        overlaps: counting.Overlaps = await info.context.statistics.load(Question(self.selection, Part.OVERLAPS))
        return overlaps.refused

    @loaded(
        "Whose lists overlap, and how often; the most frequent first. Without `dashboard:read`: with yours.", SLICED
    )
    async def duplicate_pairs(self, info: Info, first: First = 50) -> list[DuplicatePair]:
        most = paging.size(first)
        overlaps, names = await info.context.statistics.load_many(
            [Question(self.selection, Part.OVERLAPS), Question(self.selection, Part.NAMES)]
        )
        everyone = info.context.everyone
        # Where nothing was refused, names alone make suspect.
        pairs = [pair for pair in overlaps.pairs if everyone or pair.refused]
        return [DuplicatePair.from_pair(pair, names, everyone=everyone) for pair in pairs[:most]]

    async def _head(self, info: Info) -> counting.FiguresHead:
        head: counting.FiguresHead = await info.context.statistics.load(Question(self.selection, Part.HEAD))
        return head

    async def _cells(self, info: Info) -> list[counting.Cell]:
        cells: list[counting.Cell] = await info.context.statistics.load(Question(self.selection, Part.CELLS))
        return cells

    async def _departures(
        self, info: Info, first: int, after: str | None, *, upcoming: bool = False, with_quota: bool = False
    ) -> list[counting.Departure]:
        behind = given(after)
        route_id = None if behind is None else identifier(behind)
        page = DeparturesPage(paging.size(first), route_id, upcoming, with_quota)
        found: list[counting.Departure] = await info.context.statistics.load(
            Question(self.selection, Part.DEPARTURES, page)
        )
        return found


async def find_organizer(info: Info, code: str) -> Organizer | None:
    record = await info.context.organizers.load(code)
    return None if record is None else Organizer.from_record(record)


async def get_organizer(info: Info, code: str) -> Organizer:
    """The organizer of a code that a row of the database holds: its foreign key makes sure that there is one."""
    found = await find_organizer(info, code)
    assert found is not None  # noqa: S101 - an organizer is never deleted
    return found


async def route_page(info: Info, where: RouteFilter, first: int, after: str | None) -> Connection[Route]:
    page = RoutePageKey(where, paging.position(given(after)), paging.size(first))
    records = await info.context.route_pages.load(page)
    nodes = [Route.from_record(record) for record in records]
    return paging.connection([record.id for record in records], nodes, first=first, after=given(after))
