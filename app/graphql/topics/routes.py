"""Terminals, routes, and the releases whose sum is the quota of a route."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app.errors import Refusal
from app.graphql.context import Context, Info
from app.graphql.paging import After, Connection, First
from app.graphql.scalars import given, identifier
from app.graphql.topics import catalogue
from app.graphql.topics.catalogue import Route
from app.graphql.topics.problems import Problem
from app.graphql.topics.terminals import Terminal
from app.graphql.vocabulary import Direction, Mode, PlaceKind, Service
from app.registry.routes import (
    daily_releases,
    finding,
    merging,
    quota_releases,
    release_list,
    saving,
    terminal_merging,
    terminals,
)
from app.registry.routes import route as registry_route
from app.registry.routes.daily_releases import Daily


@strawberry.input(description="Which routes: those that fit all that is given.")
class RouteFilter:
    organizer: ID | None = strawberry.field(default=UNSET, description="Its code.")
    direction: Direction | None = strawberry.field(default=UNSET, description="In this direction.")
    service: Service | None = strawberry.field(default=UNSET, description="For this service.")
    origin_city: str | None = strawberry.field(
        default=UNSET, description="Departing in this city, under any of its names: Solo is Kota Surakarta."
    )
    destination_city: str | None = strawberry.field(default=UNSET, description="Arriving in this city.")
    with_seats: bool | None = strawberry.field(default=UNSET, description="True: with seats left. False: full ones.")
    season: int | None = strawberry.field(
        default=UNSET, description="Left out: the current one, or the newest when all are closed."
    )
    provisional: bool | None = strawberry.field(
        default=UNSET, description="True: those that a row made, for review. False: declared ones."
    )

    def to_filter(self) -> finding.RouteFilter:
        return finding.RouteFilter(
            organizer=given(self.organizer),
            direction=given(self.direction),
            service=given(self.service),
            origin_city=given(self.origin_city),
            destination_city=given(self.destination_city),
            with_seats=given(self.with_seats),
            season=given(self.season),
            provisional=given(self.provisional),
        )


@strawberry.input(description="A terminal, new or changed. Whoever declared it may change it.")
class TerminalInput:
    code: ID = strawberry.field(description="Small letters, digits and dashes, at most 40.")
    name: str = strawberry.field(description="As it is known.")
    city: str = strawberry.field(description="`Kota …` or `Kab. …`; aliases are understood.")
    kind: PlaceKind = strawberry.field(default=PlaceKind.TERMINAL, description="What kind of place it is.")
    region_code: str | None = strawberry.field(
        default=UNSET, description="Kemendagri's code of its regency, four digits."
    )

    def to_input(self) -> terminals.TerminalInput:
        return terminals.TerminalInput(
            code=self.code, name=self.name, city=self.city, kind=self.kind, region_code=given(self.region_code)
        )


@strawberry.input(description="A route, new or changed.")
class RouteInput:
    name: str = strawberry.field(description="`rute_perjalanan` of the standard.")
    direction: Direction = strawberry.field(description="In which direction.")
    service: Service = strawberry.field(default=Service.PASSENGER, description="Seats, or carried motorcycles.")
    mode: Mode = strawberry.field(default=Mode.BUS, description="What it is travelled with.")
    origin: ID = strawberry.field(description="The terminal's code.")
    destination: ID = strawberry.field(description="The terminal's code.")
    departs_at: datetime | None = strawberry.field(
        default=UNSET, description="At most 30 days after the season's last day. Left out: not fixed yet."
    )
    quota: int | None = strawberry.field(
        default=UNSET,
        description=(
            "The total that is released now; lowering it below what is taken is refused. Left out: not limited, or as"
            " it is. Later additions: `releaseQuota`."
        ),
    )
    id: ID | None = strawberry.field(default=UNSET, description="Left out: a new one, unless there is just such a one.")
    season: int | None = strawberry.field(default=UNSET, description="Left out: the current one.")
    organizer: ID | None = strawberry.field(
        default=UNSET, description="The member that you, its coordinator, declare it for. Left out: you."
    )

    def to_input(self) -> saving.RouteInput:
        route_id = given(self.id)
        return saving.RouteInput(
            id=None if route_id is None else identifier(route_id),
            name=self.name,
            direction=self.direction,
            service=self.service,
            mode=self.mode,
            origin=self.origin,
            destination=self.destination,
            departs_at=given(self.departs_at),
            quota=given(self.quota),
            season=given(self.season),
            organizer=given(self.organizer),
        )


TerminalResult = Annotated[
    Terminal | Problem,
    strawberry.union("TerminalResult", description="The terminal as it is now, or why not."),
]
RouteResult = Annotated[
    Route | Problem, strawberry.union("RouteResult", description="The route as it is now, or why not.")
]


async def find_route(info: Info, id: Annotated[ID, strawberry.argument(description="Its id.")]) -> Route | None:
    record = await info.context.routes.load(identifier(id))
    return None if record is None else Route.from_record(record)


async def find_routes(
    info: Info,
    where: Annotated[
        RouteFilter | None, strawberry.argument(description="All of these; left out, the current season's.")
    ] = UNSET,
    first: First = 50,
    after: After = UNSET,
) -> Connection[Route] | None:
    fitting = where.to_filter() if where else finding.RouteFilter()
    return await catalogue.route_page(info, fitting, first, after)


async def find_terminal(
    info: Info, code: Annotated[ID, strawberry.argument(description="Its code.")]
) -> Terminal | None:
    record = await info.context.terminals.load(code)
    return None if record is None else Terminal.from_record(record)


async def find_terminals(
    info: Info,
    city: Annotated[
        str | None, strawberry.argument(description="Of this city, under any of its names: Solo is Kota Surakarta.")
    ] = UNSET,
    provisional: Annotated[
        bool | None, strawberry.argument(description="True: those that a row made, for review. False: declared ones.")
    ] = UNSET,
) -> list[Terminal] | None:
    async with info.context.transaction() as session:
        found = await terminals.all_of(session, given(city), provisional=given(provisional))
    return [Terminal.from_record(record) for record in found]


async def save_terminals(
    info: Info, inputs: Annotated[list[TerminalInput], strawberry.argument(description="At most 1,000.")]
) -> list[TerminalResult]:
    context = info.context
    declared = [terminal.to_input() for terminal in inputs]
    verdicts = await context.attempt(
        lambda session: terminals.save(session, context.caller, declared, context.now, admin=context.admin)
    )
    return [_terminal(verdict, context) for verdict in verdicts]


async def save_routes(
    info: Info, inputs: Annotated[list[RouteInput], strawberry.argument(description="At most 1,000.")]
) -> list[RouteResult]:
    context = info.context
    declared = [route.to_input() for route in inputs]
    verdicts = await context.attempt(lambda session: saving.save(session, context.caller, declared, context.now))
    return [_route(verdict, context) for verdict in verdicts]


async def release_quota(
    info: Info,
    route_id: Annotated[ID, strawberry.argument(description="A route of yours.")],
    seats: Annotated[int, strawberry.argument(description="How many more; negative: how many fewer.")],
    at: Annotated[
        datetime | None, strawberry.argument(description="When, before the departure; left out: now.")
    ] = UNSET,
) -> RouteResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: quota_releases.release(
            session, context.caller, identifier(route_id), seats, given(at), context.now
        )
    )
    return _route(verdict, context)


async def release_quota_daily(
    info: Info,
    route_id: Annotated[ID, strawberry.argument(description="A route of yours.")],
    seats: Annotated[int, strawberry.argument(description="How many more on each day.")],
    at: Annotated[str, strawberry.argument(description="Hour and minute in WIB, such as `08:00`.")],
    from_: Annotated[date, strawberry.argument(name="from", description="The first day.")],
    to: Annotated[date, strawberry.argument(description="The last day, before the departure; at most 120 days.")],
) -> RouteResult:
    context, daily = info.context, Daily(seats, at, from_, to)
    verdict = await context.attempt(
        lambda session: daily_releases.release(session, context.caller, identifier(route_id), daily, context.now)
    )
    return _route(verdict, context)


async def cancel_release(
    info: Info,
    id: Annotated[ID, strawberry.argument(description="Of a release, or the `dailyId` of a daily one.")],
) -> RouteResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: release_list.cancel(session, context.caller, identifier(id), context.now)
    )
    return _route(verdict, context)


async def merge_route(
    info: Info,
    provisional: Annotated[ID, strawberry.argument(description="A route that a row made.")],
    into: Annotated[ID, strawberry.argument(description="The route that it means.")],
) -> RouteResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: merging.merge(
            session, context.caller, identifier(provisional), identifier(into), context.now, admin=context.admin
        )
    )
    return _route(verdict, context)


async def merge_terminal(
    info: Info,
    provisional: Annotated[ID, strawberry.argument(description="The code of a terminal that a row made.")],
    into: Annotated[ID, strawberry.argument(description="The code of the terminal that it means.")],
) -> TerminalResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: terminal_merging.merge(
            session, context.caller, provisional, into, context.now, admin=context.admin
        )
    )
    return _terminal(verdict, context)


def _terminal(verdict: terminals.Terminal | Refusal, context: Context) -> Terminal | Problem:
    if isinstance(verdict, Refusal):
        return Problem.from_refusal(verdict, context)
    return Terminal.from_record(verdict)


def _route(verdict: registry_route.Route | Refusal, context: Context) -> Route | Problem:
    if isinstance(verdict, Refusal):
        return Problem.from_refusal(verdict, context)
    return Route.from_record(verdict)
