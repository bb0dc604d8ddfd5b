"""Refusals as data: `Problem`, in the caller's language, with the facts that a caller acts on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from enum import StrEnum
from functools import cache

import strawberry
from strawberry import ID

from app import errors
from app.graphql.context import Context
from app.graphql.topics.catalogue import Organizer
from app.graphql.vocabulary import Direction, RegistrantStatus, Service, describe


class ProblemCode(StrEnum):
    NIK_INVALID = "NIK_INVALID"
    NOT_A_TEST_NIK = "NOT_A_TEST_NIK"
    NIK_ALREADY_REGISTERED = "NIK_ALREADY_REGISTERED"
    NIK_BLOCKED = "NIK_BLOCKED"
    NIK_UNDECIDED = "NIK_UNDECIDED"
    ALLOWANCE_USED_UP = "ALLOWANCE_USED_UP"
    REGISTRATION_CLOSED = "REGISTRATION_CLOSED"
    ARRIVED_LATE = "ARRIVED_LATE"
    SEASON_CLOSED = "SEASON_CLOSED"
    QUOTA_FULL = "QUOTA_FULL"
    HOLDS_FULL = "HOLDS_FULL"
    QUOTA_BELOW_TAKEN = "QUOTA_BELOW_TAKEN"
    ROUTE_UNKNOWN = "ROUTE_UNKNOWN"
    ROUTE_DEPARTED = "ROUTE_DEPARTED"
    RETURN_WITHOUT_OUTBOUND = "RETURN_WITHOUT_OUTBOUND"
    RETURN_CITY_MISMATCH = "RETURN_CITY_MISMATCH"
    DESTINATION_MISMATCH = "DESTINATION_MISMATCH"
    TRANSITION_NOT_ALLOWED = "TRANSITION_NOT_ALLOWED"
    VERIFICATION_EXPIRED = "VERIFICATION_EXPIRED"
    VERIFICATION_NOT_BEGUN = "VERIFICATION_NOT_BEGUN"
    MOTORCYCLE_REQUIRED = "MOTORCYCLE_REQUIRED"
    MOTORCYCLE_NOT_HANDED_OVER = "MOTORCYCLE_NOT_HANDED_OVER"
    DEPARTURE_NOT_BEGUN = "DEPARTURE_NOT_BEGUN"
    NOT_HEALTHY = "NOT_HEALTHY"
    BOOKING_TOO_LARGE = "BOOKING_TOO_LARGE"
    IMPORT_STORAGE_FULL = "IMPORT_STORAGE_FULL"
    NOT_FOUND = "NOT_FOUND"
    NOT_YOURS = "NOT_YOURS"
    INVALID_VALUE = "INVALID_VALUE"


describe(
    ProblemCode,
    "Why something was refused. Codes never change; messages may.",
    NIK_INVALID="It cannot be a NIK: not 16 digits, no such date of birth, no such province, or serial 0000.",
    NOT_A_TEST_NIK="In test mode alone, wherever a NIK is named: it is not in the guide's table of test NIKs.",
    NIK_ALREADY_REGISTERED=(
        "A registration holds this NIK in this season, direction and service; see `standing`. The first to arrive wins"
        " (Kemenhub integration scheme, March 2024)."
    ),
    NIK_BLOCKED="The NIK is blocked (terms of 2023 §5). Appeals go to Hubdat.",
    NIK_UNDECIDED=(
        "Nothing is told of this NIK, since the organizer's allowance of NIKs for today is used up; see"
        " `Organizer.nikAllowance`. `retryAfter` tells when the next one begins."
    ),
    ALLOWANCE_USED_UP=(
        "After NIK_UNDECIDED as often as the allowance is large. The whole request is answered so: 503 UNAVAILABLE with"
        " `retryAfter`; a file waits until midnight (WIB)."
    ),
    REGISTRATION_CLOSED="`registeredAt` is outside every window of the organizer; `retryAfter` tells of the next one.",
    ARRIVED_LATE="It arrived more than `lateArrivalDays` after its window had closed.",
    SEASON_CLOSED="The season is read only.",
    QUOTA_FULL="No seat is left on the route. A forfeiture or a release may free one.",
    HOLDS_FULL=(
        "As many seats of the route are held as `Policy.holdPercent` lets be held; `retryAfter` tells when a hold ends."
        " Register without a hold."
    ),
    QUOTA_BELOW_TAKEN="A quota cannot be lowered below the seats that are taken.",
    ROUTE_UNKNOWN="There is no such route of this organizer.",
    ROUTE_DEPARTED="The route has left: nobody can be registered on it or moved to it any more.",
    RETURN_WITHOUT_OUTBOUND="A BALIK registration needs a standing MUDIK one (terms of 2023 §3).",
    RETURN_CITY_MISMATCH="A BALIK trip begins in the city where the MUDIK trip ended (terms of 2023 §3).",
    DESTINATION_MISMATCH="A motorcycle goes to the same city as its rider (terms of 2023 §2).",
    TRANSITION_NOT_ALLOWED="The registrant's status does not lead there; `allowed` lists where it does.",
    VERIFICATION_EXPIRED="The deadline for verification has passed (terms of 2023 §4, H+7).",
    VERIFICATION_NOT_BEGUN="The organizer's verification period begins later; `retryAfter` tells when.",
    MOTORCYCLE_REQUIRED="A MOTORCYCLE route needs plate and STNK number (terms of 2023 §6).",
    MOTORCYCLE_NOT_HANDED_OVER="It departs only after `handOverMotorcycle` (terms of 2023 §6).",
    DEPARTURE_NOT_BEGUN="It is more than 24 hours before the route departs; `retryAfter` tells when it is not.",
    NOT_HEALTHY="Departing needs the declaration of being healthy (terms of 2023 §7).",
    IMPORT_STORAGE_FULL="The import files of the organizer that are still kept take all the room that it has: 507.",
    BOOKING_TOO_LARGE="More than 20 people carry the booking code, so it is no booking; send a list of the people.",
    NOT_FOUND="Nothing of yours is named so.",
    NOT_YOURS="That organizer is neither you nor a member that you coordinate.",
    INVALID_VALUE="A value that cannot be; `field` names it and `message` says why.",
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
