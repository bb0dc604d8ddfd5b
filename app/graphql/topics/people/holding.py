"""Seats that are held while a person fills the form, and given back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import ID

from app.errors import Refusal
from app.graphql.context import Context, Info
from app.graphql.fields import loaded
from app.graphql.scalars import identifier
from app.graphql.topics.catalogue import Route
from app.graphql.topics.problems import Problem
from app.registry.routes import held_seats, seat_holds


@strawberry.type(
    description=(
        "Seats that nobody else gets until it ends. It holds no NIK: that is judged when the person is submitted. Any"
        " client of your organizer may use it."
    )
)
class SeatHold:
    id: ID = strawberry.field(description="A UUID; what `hold` of a submission names.")
    seats: int = strawberry.field(description="How many it holds still. 0: it has ended, or its seats are used.")
    ends_at: datetime = strawberry.field(description="It ends by itself at this instant.")
    route_id: strawberry.Private[UUID]

    @classmethod
    def from_record(cls, record: held_seats.SeatHold) -> SeatHold:
        return cls(id=ID(str(record.id)), seats=record.seats, ends_at=record.ends_at, route_id=record.route_id)

    @loaded("On which route.")
    async def route(self, info: Info) -> Route | None:
        record = await info.context.routes.load(self.route_id)
        return None if record is None else Route.from_record(record)


SeatHoldResult = Annotated[
    SeatHold | Problem, strawberry.union("SeatHoldResult", description="The hold as it is now, or why not.")
]


async def hold_seats(
    info: Info,
    route_id: Annotated[ID, strawberry.argument(description="A route of yours, or of a member of yours.")],
    seats: Annotated[
        int, strawberry.argument(description=f"1 to {seat_holds.MOST_SEATS}; one on each way of a trip.")
    ] = 1,
    minutes: Annotated[
        int, strawberry.argument(description=f"1 to {seat_holds.MOST_MINUTES}.")
    ] = seat_holds.MOST_MINUTES,
) -> SeatHoldResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: seat_holds.hold(session, context.caller, identifier(route_id), seats, minutes, context.now)
    )
    return _hold(verdict, context)


async def give_back_seats(
    info: Info, hold: Annotated[ID, strawberry.argument(description="A hold of your organizer's.")]
) -> SeatHoldResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: seat_holds.give_back(session, context.caller, identifier(hold), context.now)
    )
    return _hold(verdict, context)


def _hold(verdict: held_seats.SeatHold | Refusal, context: Context) -> SeatHold | Problem:
    return Problem.from_refusal(verdict, context) if isinstance(verdict, Refusal) else SeatHold.from_record(verdict)
