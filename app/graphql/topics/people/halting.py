"""Sweeps that would end too many of an organizer's people at once, and Hubdat's word that they may."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID

from app.errors import Refusal
from app.graphql.context import Info
from app.graphql.fields import loaded
from app.graphql.topics.catalogue import Organizer, get_organizer
from app.graphql.topics.niks import Reason
from app.graphql.topics.problems import Problem
from app.graphql.vocabulary import RegistrantStatus
from app.registry import halts
from app.registry.halts import Halt


@strawberry.type(
    description=(
        "The registry would end more than 100 people of an organizer at once, and more than 5 % of its holders. It ends"
        " none of them until Hubdat has given its word, or until they are not due any more."
    )
)
class SweepHalt:
    organizer_code: strawberry.Private[str]
    ends: RegistrantStatus = strawberry.field(description="What they would become: FORFEITED or NO_SHOW.")
    people: int = strawberry.field(description="How many are due.")
    holders: int = strawberry.field(
        description="Seats held with it in the seasons of those who are due, the departed included."
    )
    until: datetime = strawberry.field(description="When the last of them fell due: for `allowSweep`.")
    since: datetime = strawberry.field(description="Since when they wait.")
    allowed_until: datetime | None = strawberry.field(
        description="Hubdat's word: those due until then are ended within a minute, and the word is used up."
    )

    @loaded("Whose people.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)

    @classmethod
    def from_halt(cls, halt: Halt) -> SweepHalt:
        return cls(
            organizer_code=halt.organizer,
            ends=RegistrantStatus(halt.ends),
            people=halt.people,
            holders=halt.holders,
            until=halt.until,
            since=halt.since,
            allowed_until=halt.allowed_until,
        )


SweepHaltResult = Annotated[
    SweepHalt | Problem, strawberry.union("SweepHaltResult", description="The halt with Hubdat's word, or why not.")
]


async def every_halt(info: Info) -> list[SweepHalt] | None:
    async with info.context.transaction() as session:
        return [SweepHalt.from_halt(one) for one in await halts.every(session)]


async def allow_sweep(
    info: Info,
    organizer: Annotated[ID, strawberry.argument(description="Whose people.")],
    ends: Annotated[RegistrantStatus, strawberry.argument(description="FORFEITED or NO_SHOW.")],
    until: Annotated[datetime, strawberry.argument(description="For those due until then; `until` of the halt.")],
    reason: Reason,
) -> SweepHaltResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: halts.allow(session, context.caller, organizer, ends, until, reason, context.now)
    )
    return Problem.from_refusal(verdict, context) if isinstance(verdict, Refusal) else SweepHalt.from_halt(verdict)
