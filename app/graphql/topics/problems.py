"""Refusals as data: `Problem`, in the caller's language, with the facts that a caller acts on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

import strawberry
from strawberry import ID

from app import errors
from app.graphql.context import Context
from app.graphql.topics.catalogue import Organizer
from app.graphql.vocabulary import Direction, RegistrantStatus, Service, describe

if TYPE_CHECKING:
    # The type checker knows no enum whose members are computed.
    class ProblemCode(StrEnum): ...

else:
    ProblemCode = StrEnum("ProblemCode", {kind.code: kind.code for kind in errors.KINDS})

describe(
    ProblemCode,
    "Why something was refused. Codes never change; messages may.",
    **{kind.code: errors.WORDS[kind.code].meaning for kind in errors.KINDS},
)


@strawberry.type(description="One registration that stands against a NIK. Never a name, never an itinerary.")
class Standing:
    organizer: Organizer = strawberry.field(description="Who registered it.")
    direction: Direction = strawberry.field(description="In which direction.")
    service: Service = strawberry.field(description="For what.")
    status: RegistrantStatus = strawberry.field(description="Where it stands.")
    registered_on: date = strawberry.field(description="The day (WIB) of the registration.")
    own: bool = strawberry.field(description="Whether it is yours, or a member's that you coordinate.")

    @classmethod
    def from_standing(cls, standing: errors.Standing) -> Standing:
        return cls(
            organizer=Organizer(code=ID(standing.organizer), name=standing.organizer_name),
            direction=_direction(standing.direction),
            service=_service(standing.service),
            status=_status(standing.status),
            registered_on=standing.registered_on,
            own=standing.own,
        )


# Remembered: an enum takes ten times as long to look a value up, and an answer may hold a thousand.
_direction, _service, _status = cache(Direction), cache(Service), cache(RegistrantStatus)


@strawberry.type(description="An expected refusal. Nothing was changed.")
class Problem:
    code: ID = strawberry.field(
        description=(
            "What to branch on: one of `ProblemCode`. An `ID`, as the codes of organizers and terminals are: one"
            " selection may ask for both without an alias."
        )
    )
    refusal: ProblemCode = strawberry.field(
        description="`code` as an enum, for programs whose types are made from the schema."
    )
    message: str = strawberry.field(description="For people: Indonesian, or English with `Accept-Language: en`.")
    field: str | None = strawberry.field(description="Which input field it is about.")
    standing: Standing | None = strawberry.field(description="Of NIK_ALREADY_REGISTERED: what holds the NIK.")
    allowed: list[RegistrantStatus] | None = strawberry.field(
        description="Of TRANSITION_NOT_ALLOWED: the statuses that can follow now."
    )
    retry_after: int | None = strawberry.field(
        description="Seconds after which the same call may succeed, when that is known."
    )

    @classmethod
    def from_refusal(cls, refusal: errors.Refusal, context: Context) -> Problem:
        standing: errors.Standing | None = getattr(refusal, "standing", None)
        allowed: tuple[str, ...] | None = getattr(refusal, "allowed", None)
        return cls(
            code=ID(refusal.code),
            refusal=ProblemCode(refusal.code),
            message=refusal.message(context.language),
            field=None if refusal.field is None else _as_the_contract_writes(refusal.field),
            standing=None if standing is None else Standing.from_standing(standing),
            allowed=None if allowed is None else [RegistrantStatus(status) for status in allowed],
            retry_after=refusal.retry_after(context.now),
        )


def refusals_of(*use_cases: Callable[..., object]) -> str:
    """The last sentence of a root field's description: what the use cases behind the field refuse."""
    return f"Refuses {_codes(use_cases)}."


def errors_of(
    *use_cases: Callable[..., object],
    also: Collection[type[errors.Refusal]] = (),
    but: Collection[type[errors.Refusal]] = (),
) -> str:
    """The same of a root field that answers no `Problem`. What is in `but` the field answers otherwise, as by null."""
    return f"A refusal is an error with `extensions.code`: {_codes(use_cases, also, but)}."


def _codes(
    use_cases: Collection[Callable[..., object]],
    also: Collection[type[errors.Refusal]] = (),
    but: Collection[type[errors.Refusal]] = (),
) -> str:
    """The codes, in the order of `ProblemCode`. `also`: what the field itself refuses."""
    codes = {kind.code for kind in {*errors.refused_by(*use_cases), *also} - {*but}}
    return ", ".join(code for code in ProblemCode if code in codes)


def _as_the_contract_writes(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
