"""What the registry offers: organizers, terminals, routes. Plain attributes come with the row, the rest by loaders."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import ID, UNSET

from app.graphql import paging
from app.graphql.context import Info, RoutePage
from app.graphql.fields import PAGED, loaded, sized
from app.graphql.paging import After, Connection, First
from app.graphql.scalars import given, identifier
from app.graphql.vocabulary import Direction, IntegrationScheme, Mode, PlaceKind, Service
from app.registry.routes import route as registry_route
from app.registry.routes import terminals as registry_terminals
from app.registry.routes.finding import RouteFilter
from app.registry.terms import organizers as registry_organizers
from app.registry.terms.policy import Policy as DecidedPolicy

if TYPE_CHECKING:
    from app.graphql.topics.statistics import Statistics

InOneDirection = Annotated[Direction | None, strawberry.argument(description="In this direction.")]


@strawberry.type(description="A wave of registration. What is registered is judged at its `registeredAt`.")
class RegistrationWindow:
    id: ID = strawberry.field(description="Names it in `WindowInput.amends`.")
    opens_at: datetime = strawberry.field(description="The first instant that is inside.")
    closes_at: datetime | None = strawberry.field(
        description='The first instant that is outside. Null: an open end ("melihat kuota akhir").'
    )
    until_quota_is_full: bool = strawberry.field(description="Announced as open until the quota is full.")
    open: bool = strawberry.field(description="Whether it is open now.")
    note: str | None = strawberry.field(description="What the organizer said about it.")


@strawberry.type(description="A stretch of time.")
class DateRange:
    from_: datetime = strawberry.field(name="from", description="The first instant that is inside.")
    to: datetime = strawberry.field(description="The first instant that is outside.")


@strawberry.type(description="What an organizer decides for itself in the current season.")
class Policy:
    verify_within_days: int | None = strawberry.field(
        description=(
            "A registrant not verified by the end of this day (WIB) after `registeredAt` is forfeited; Hubdat: 7"
            " (terms of 2023 §4, H+7). Null: nobody is forfeited."
        )
    )
    block_when_forfeited: bool = strawberry.field(description="Whether forfeiting blocks the NIK (terms of 2023 §5).")
    block_seasons: int = strawberry.field(description="For how many seasons, the current one included.")
    enforce_window: bool = strawberry.field(
        description="Off: a registration outside every window is accepted with a warning."
    )
    return_requires_outbound: bool = strawberry.field(
        description="Whether a BALIK registrant needs a standing MUDIK one with the same organizer (terms of 2023 §3)."
    )
    return_same_day: bool = strawberry.field(
        description="Whether both must be registered on the same day (WIB) (terms of 2023 §3)."
    )
    no_show_after_minutes: int = strawberry.field(
        description="Minutes after departure at which a VERIFIED registrant who is not aboard becomes NO_SHOW."
    )

    @classmethod
    def from_decided(cls, policy: DecidedPolicy) -> Policy:
        return cls(
            verify_within_days=policy.verify_within_days,
            block_when_forfeited=policy.block_when_forfeited,
            block_seasons=policy.block_seasons,
            enforce_window=policy.enforce_window,
            return_requires_outbound=policy.return_requires_outbound,
            return_same_day=policy.return_same_day,
            no_show_after_minutes=policy.no_show_after_minutes,
        )


@strawberry.federation.type(
    name="Terminal",
    keys=["code"],
    description="A departure or arrival place: terminal, station, port or meeting point.",
)
class Terminal:
    code: ID = strawberry.field(description="Small letters, digits and dashes, such as `pulo-gebang`.")
    name: str = strawberry.field(description="`keberangkatan_terminal` or `tujuan_terminal` of the standard.")
    city: str = strawberry.field(
        description=(
            "`kota_keberangkatan` or `kota_tujuan` of the standard. Aliases are one city: Solo is Kota Surakarta."
        )
    )
    kind: PlaceKind = strawberry.field(description="What kind of place it is.")
    region_code: str | None = strawberry.field(description="Kemendagri's code of its regency, four digits.")
    provisional: bool = strawberry.field(
        description="Made from a feed's record that named no known place, for review; see `mergeTerminal`."
    )

    @classmethod
    def from_record(cls, record: registry_terminals.Terminal) -> Terminal:
        return cls(
            code=ID(record.code),
            name=record.name,
            city=record.city,
            kind=PlaceKind(record.kind),
            region_code=record.region_code,
            provisional=record.provisional,
        )


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
        return [
            RegistrationWindow(
                id=ID(str(window.id)),
                opens_at=window.opens_at,
                closes_at=window.closes_at,
                until_quota_is_full=window.until_quota_is_full,
                open=window.open_at(info.context.now),
                note=window.note,
            )
            for window in (await self._whole(info)).windows
        ]

    @loaded("When it verifies at its poskos in the current season.", sized(5))
    async def verification(self, info: Info) -> list[DateRange]:
        ranges = (await self._whole(info)).verification
        return [DateRange(from_=one.opens_at, to=one.closes_at) for one in ranges]

    @loaded("What it decides for itself in the current season.")
    async def policy(self, info: Info) -> Policy:
        return Policy.from_decided((await self._whole(info)).policy)

    @loaded("Its routes of the current season, in the order in which they were declared.", PAGED)
    async def routes(
        self, info: Info, direction: InOneDirection = UNSET, first: First = 50, after: After = UNSET
    ) -> Connection[Route]:
        return await route_page(info, RouteFilter(organizer=self.code, direction=given(direction)), first, after)

    @loaded("Its figures of the current season. Null: neither yours nor your member's, and you lack `dashboard:read`.")
    async def statistics(
        self, info: Info
    ) -> Annotated[Statistics, strawberry.lazy("app.graphql.topics.statistics")] | None:
        from app.graphql.topics.statistics import of_organizer  # noqa: PLC0415 - they name each other

        return of_organizer(info.context, self.code)

    async def _whole(self, info: Info) -> registry_organizers.Organizer:
        record = await info.context.organizers.load(self.code)
        assert record is not None  # noqa: S101 - an organizer is never deleted
        return record


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
    remaining: int | None = strawberry.field(description="Never negative. Null: not limited.")
    provisional: bool = strawberry.field(
        description="Made from a feed's record that named no known route: no quota, for review; see `mergeRoute`."
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
            remaining=record.remaining,
            provisional=record.provisional,
        )

    @loaded("Of a MUDIK route: the same organizer's BALIK routes from this destination's city.", sized(10))
    async def return_routes(self, info: Info) -> list[Route]:
        records = await info.context.return_routes.load(identifier(self.id))
        return [Route.from_record(record) for record in records]


async def find_organizer(info: Info, code: str) -> Organizer | None:
    record = await info.context.organizers.load(code)
    return None if record is None else Organizer.from_record(record)


async def get_organizer(info: Info, code: str) -> Organizer:
    """For a code that a foreign key vouches for."""
    found = await find_organizer(info, code)
    assert found is not None  # noqa: S101 - an organizer is never deleted
    return found


async def route_page(info: Info, where: RouteFilter, first: int, after: str | None) -> Connection[Route]:
    page = RoutePage(where, paging.position(given(after)), paging.size(first))
    records = await info.context.route_pages.load(page)
    nodes = [Route.from_record(record) for record in records]
    return paging.connection([record.id for record in records], nodes, first=first, after=given(after))
