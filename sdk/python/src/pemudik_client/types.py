"""What goes and comes, in the names of schema.graphql."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypedDict, TypeVar

Direction = Literal["MUDIK", "BALIK"]
Service = Literal["PASSENGER", "MOTORCYCLE"]
IdentityDocument = Literal["KTP", "SIM", "KK", "KIA"]
Input = TypeVar("Input")
Answered = TypeVar("Answered")

# --- what is sent -----------------------------------------------------------------------------------------------------


class Applicant(TypedDict):
    nik: str
    name: str


class Motorcycle(TypedDict):
    plate: str
    registrationNumber: str


class _Registrant(TypedDict):
    nik: str
    name: str
    routeId: str
    identityDocument: IdentityDocument


class SubmitRegistrant(_Registrant, total=False):
    returnRouteId: str
    registeredAt: str
    reference: str
    motorcycle: Motorcycle
    member: str
    bookedBy: Applicant
    lapInfant: bool
    hold: str
    returnHold: str


class _Booking(TypedDict):
    reference: str
    registrants: list[SubmitRegistrant]


class SubmitBooking(_Booking, total=False):
    bookedBy: Applicant
    member: str
    hold: str
    returnHold: str


class _Correction(TypedDict):
    reason: str


class Correction(_Correction, total=False):
    nik: str
    name: str
    identityDocument: IdentityDocument
    reference: str
    motorcycle: Motorcycle


class _NikRef(TypedDict):
    nik: str


class NikRef(_NikRef, total=False):
    direction: Direction
    service: Service


class RegistrantRef(TypedDict, total=False):
    """Exactly one of these."""

    id: str
    reference: str
    nik: NikRef


# --- what is answered -------------------------------------------------------------------------------------------------


class Organizer(TypedDict):
    code: str
    name: str


class Standing(TypedDict):
    organizer: Organizer
    direction: Direction
    service: Service
    status: str
    registeredOn: str
    own: bool


class Problem(TypedDict):
    code: str
    message: str
    field: str | None
    standing: Standing | None
    allowed: list[str] | None
    retryAfter: int | None


class Warned(TypedDict):
    code: str
    message: str


class Block(TypedDict):
    reason: str
    untilSeason: int | None


class ClaimCheck(TypedDict):
    direction: Direction
    service: Service
    outcome: str
    available: bool
    message: str


class NikCheck(TypedDict):
    outcome: str
    available: bool
    message: str
    standing: list[Standing]
    block: Block | None
    outboundStands: bool | None
    warnings: list[Warned]
    claims: list[ClaimCheck]
    problem: Problem | None


class RouteOfRegistrant(TypedDict):
    id: str
    name: str
    departsAt: str | None


class Registrant(TypedDict):
    """Without NIK and name: these are asked for by `fields`, and stand in no log by accident."""

    id: str
    reference: str | None
    direction: Direction
    service: Service
    status: str
    registeredAt: str
    verifyBy: str | None
    route: RouteOfRegistrant


Submission = TypedDict(
    "Submission",
    {"replayed": bool, "registrant": Registrant, "return": Registrant | None, "warnings": list[Warned]},
)


class Booking(TypedDict):
    reference: str
    people: int
    lapInfants: int


class SubmittedBooking(TypedDict):
    booking: Booking
    submissions: list[Submission]


class SeatHold(TypedDict):
    id: str
    seats: int
    endsAt: str


class PersonOfBooking(TypedDict):
    registrants: list[Registrant]
    problem: Problem | None


class Terminal(TypedDict):
    name: str
    city: str


class Route(TypedDict):
    id: str
    name: str
    direction: Direction
    service: Service
    departsAt: str | None
    quota: int | None
    remaining: int | None
    origin: Terminal
    destination: Terminal


Change = TypedDict(
    "Change",
    {
        "cursor": str,
        "at": str,
        "kind": str,
        "from": str | None,
        "to": str | None,
        "reason": str | None,
        # As `fields` asks for it.
        "registrant": dict[str, Any],
    },
)


class Failure(TypedDict):
    code: str
    message: str


class Import(TypedDict):
    """A file that was sent, as `GET /import/{id}` tells of it."""

    id: str
    state: Literal["QUEUED", "RUNNING", "DONE", "FAILED"]
    mode: str
    changes: str
    dryRun: bool
    season: int
    day: str | None
    rowsRead: int
    rowsDone: int
    new: int
    updated: int
    unchanged: int
    stale: int
    refused: int
    codes: dict[str, int]
    missing: int | None
    failure: Failure | None
    resultPath: str | None


@dataclass(frozen=True, slots=True)
class Verdict(Generic[Input, Answered]):
    """What became of one item of a batch: either `answer` or `problem` is there."""

    input: Input = field(repr=False)
    answer: Answered | None
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook of the registry. `id` is the same at each attempt: what was done under it need not be done again."""

    id: str
    type: str
    timestamp: str
    data: dict[str, Any]
