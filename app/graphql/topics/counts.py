"""Figures that name neither an organizer nor a route: how many people stand where, in parts, and how far they come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import strawberry

from app.graphql.fields import sized
from app.graphql.vocabulary import Direction, Service
from app.registry.statistics import counting


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
        description=(
            "Seats left on the routes that are limited, whoever has the others. Never negative. Seats that are held for"
            " minutes (`Route.held`) count as left."
        )
    )
    fill: float | None = strawberry.field(description="The share of `quota` that is taken, 0 to 1. Null: no quota.")
    lap_infants: int = strawberry.field(
        description="Infants who travel on a lap and take no seat, of those who stand. They are in no other figure."
    )
    seats_returned: int = strawberry.field(
        description="How many seats went back to the quota: of the forfeited (terms of 2023 §5) and the cancelled."
    )

    arrived_late: int = strawberry.field(
        description="Of all these people, who arrived more than `lateArrivalDays` after their window had closed."
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
            lap_infants=counts.lap_infants,
            seats_returned=counts.seats_returned,
            arrived_late=counts.arrived_late,
        )


@strawberry.type(description="The figures of one direction.")
class DirectionCounts:
    direction: Direction = strawberry.field(description="Which.")
    counts: Counts = strawberry.field(description="How many.")

    @classmethod
    def of(cls, cells: Sequence[counting.Cell]) -> list[DirectionCounts]:
        parts = counting.by(lambda cell: cell.direction, cells)
        return [cls(direction=Direction(one), counts=Counts.from_figures(counts)) for one, counts in parts.items()]


@strawberry.type(description="The figures of one service.")
class ServiceCounts:
    service: Service = strawberry.field(description="Which.")
    counts: Counts = strawberry.field(description="How many.")

    @classmethod
    def of(cls, cells: Sequence[counting.Cell]) -> list[ServiceCounts]:
        parts = counting.by(lambda cell: cell.service, cells)
        return [cls(service=Service(one), counts=Counts.from_figures(counts)) for one, counts in parts.items()]


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

    @classmethod
    def from_figures(cls, counts: counting.Counts, deadlines: Sequence[counting.WaitingPeople]) -> VerificationFunnel:
        return cls(
            registered=counts.people,
            verified=counts.ever_verified,
            departed=counts.departed,
            waiting=counts.registered,
            forfeited=counts.forfeited,
            deadlines=[DeadlineCounts(hours=deadline.hours, waiting=deadline.waiting) for deadline in deadlines],
        )
