"""Bookings: a family under one booking code, read, verified, departed and cancelled as one, or in part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app.errors import NotFound, Refusal, RefusalError
from app.graphql.context import Context, Info
from app.graphql.fields import sized
from app.graphql.scalars import given
from app.graphql.topics.catalogue import Organizer
from app.graphql.topics.niks import Reason
from app.graphql.topics.problems import Problem
from app.graphql.topics.registrant_inputs import RegistrantRef, SubmitBooking
from app.graphql.topics.registrant_mutations import DepartedAt, Healthy, Posko, Submission, VerifiedAt
from app.graphql.topics.registrants import Applicant, Registrant
from app.graphql.vocabulary import Direction, Service
from app.registry.bookings import acting, finding, submitting
from app.registry.bookings.acting import PersonVerdict, Which
from app.registry.niks import telling

Reference = Annotated[str, strawberry.argument(description="The booking code, as you sent it with each registration.")]
Whose = Annotated[
    ID | None,
    strawberry.argument(description="The code of the member that you, its coordinator, act for. Left out: you."),
]
Only = Annotated[
    list[RegistrantRef] | None,
    strawberry.argument(description="Some of its people: one registrant of each. Left out: everybody."),
]


@strawberry.type(description="All that an organizer registered under one booking code in a season. At most 20 people.")
class Booking:
    reference: str = strawberry.field(description="The booking code.")
    season: int = strawberry.field(description="The programme year.")
    organizer: Organizer = strawberry.field(description="Whose it is.")
    people: int = strawberry.field(description="How many, each counted once.")
    lap_infants: int = strawberry.field(description="How many of them travel on a lap.")
    booked_by: Applicant | None = strawberry.field(
        description="The applicant named by the earliest registration that names one."
    )
    registrants: list[Registrant] = strawberry.federation.field(
        description="Everything of them, person by person: ways home, ways back and motorcycles, ended ones as well.",
        directives=[sized(finding.MOST_PEOPLE * finding.MOST_WAYS)],
    )

    @classmethod
    def from_booking(cls, booking: finding.Booking, context: Context) -> Booking:
        return cls(
            reference=booking.reference,
            season=booking.season,
            organizer=Organizer(code=ID(booking.organizer), name=booking.organizer_name),
            people=len(booking.people),
            lap_infants=sum(any(each.lap_infant for each in one.standing) for one in booking.people),
            booked_by=_applicant(booking),
            registrants=[
                Registrant.from_record(one, context) for person in booking.people for one in person.registrants
            ],
        )


def _applicant(booking: finding.Booking) -> Applicant | None:
    named = (Applicant.from_record(each) for one in booking.people for each in one.registrants)
    return next((one for one in named if one is not None), None)


@strawberry.type(description="What became of one person of a booking.")
class PersonOfBooking:
    registrants: list[Registrant] = strawberry.federation.field(
        description="What was asked of this person, as it is now.", directives=[sized(finding.MOST_WAYS)]
    )
    problem: Problem | None = strawberry.field(description="The first refusal. Null: nothing was refused.")

    @classmethod
    def from_verdict(cls, verdict: PersonVerdict, context: Context) -> PersonOfBooking:
        refusal = verdict.refusal
        return cls(
            registrants=[Registrant.from_record(one, context) for one in verdict.registrants],
            problem=None if refusal is None else Problem.from_refusal(refusal, context),
        )


@strawberry.type(description="A verdict for each person, in the order of their arrival.")
class BookingVerdicts:
    people: list[PersonOfBooking] = strawberry.federation.field(
        description="Each one.", directives=[sized(finding.MOST_PEOPLE)]
    )


BookingResult = Annotated[
    BookingVerdicts | Problem,
    strawberry.union("BookingResult", description="A verdict each, or why nobody was touched."),
]


@strawberry.type(description="A booking that was submitted: everybody is registered.")
class SubmittedBooking:
    booking: Booking = strawberry.field(description="The booking as it is now.")
    submissions: list[Submission] = strawberry.federation.field(
        description="One for each person, in the order of `registrants` in your input.",
        directives=[sized(finding.MOST_PEOPLE)],
    )


@strawberry.type(description="A booking of which somebody was refused: nobody is registered.")
class RefusedBooking:
    problems: list[Problem | None] = strawberry.federation.field(
        description=(
            "One for each person, in the order of `registrants` in your input. Null: alone, the person would have been"
            " accepted."
        ),
        directives=[sized(finding.MOST_PEOPLE)],
    )


SubmitBookingResult = Annotated[
    SubmittedBooking | RefusedBooking | Problem,
    strawberry.union(
        "SubmitBookingResult", description="Everybody, or nobody and why; or what is wrong with the booking."
    ),
]


async def submit_booking(
    info: Info, input: Annotated[SubmitBooking, strawberry.argument(description="Whom, under which code.")]
) -> SubmitBookingResult:
    context, booking = info.context, input.to_booking(info.context)
    verdict = await context.attempt(
        lambda session: submitting.submit(session, context.process.vault, booking, context.now)
    )
    if isinstance(verdict, Refusal):
        return Problem.from_refusal(verdict, context)
    if isinstance(verdict, submitting.RefusedBooking):
        telling.shut_out(verdict.refusals, context.now)
        problems = [None if one is None else Problem.from_refusal(one, context) for one in verdict.refusals]
        return RefusedBooking(problems=problems)
    return SubmittedBooking(
        booking=Booking.from_booking(verdict.booking, context),
        submissions=[Submission.from_accepted(one, context) for one in verdict.accepted],
    )


async def find_booking(
    info: Info,
    reference: Reference,
    organizer: Whose = UNSET,
    season: Annotated[int | None, strawberry.argument(description="Left out: the newest one.")] = UNSET,
) -> Booking | None:
    context = info.context
    async with context.transaction() as session:
        found = await finding.find(
            session, context.process.vault, context.reader, reference, member=given(organizer), season=given(season)
        )
    if isinstance(found, NotFound):
        return None
    if isinstance(found, Refusal):
        raise RefusalError(found)
    return Booking.from_booking(found, context)


async def verify_booking(
    info: Info,
    reference: Reference,
    posko: Posko = UNSET,
    at: VerifiedAt = UNSET,
    only: Only = UNSET,
    organizer: Whose = UNSET,
) -> BookingResult:
    context, which = info.context, _which(reference, only, organizer)
    return _told(
        await context.attempt(
            lambda session: acting.verify(
                session, context.process.vault, context.caller, which, context.now, posko=given(posko), at=given(at)
            )
        ),
        context,
    )


async def depart_booking(
    info: Info,
    reference: Reference,
    healthy: Healthy,
    at: DepartedAt = UNSET,
    direction: Annotated[Direction, strawberry.argument(description="Which way.")] = Direction.MUDIK,
    service: Annotated[
        Service, strawberry.argument(description="The people, or their motorcycles.")
    ] = Service.PASSENGER,
    only: Only = UNSET,
    organizer: Whose = UNSET,
) -> BookingResult:
    context, which = info.context, _which(reference, only, organizer)
    return _told(
        await context.attempt(
            lambda session: acting.depart(
                session,
                context.process.vault,
                context.caller,
                which,
                context.now,
                healthy=healthy,
                at=given(at),
                direction=direction,
                service=service,
            )
        ),
        context,
    )


async def cancel_booking(
    info: Info, reference: Reference, reason: Reason, only: Only = UNSET, organizer: Whose = UNSET
) -> BookingResult:
    context, which = info.context, _which(reference, only, organizer)
    return _told(
        await context.attempt(
            lambda session: acting.cancel(
                session, context.process.vault, context.caller, which, context.now, reason=reason
            )
        ),
        context,
    )


def _which(reference: str, only: list[RegistrantRef] | None, organizer: ID | None) -> Which:
    some = given(only)
    return Which(
        reference=reference,
        member=given(organizer),
        only=None if some is None else [one.to_ref() for one in some],
    )


def _told(verdicts: Sequence[PersonVerdict] | Refusal, context: Context) -> BookingVerdicts | Problem:
    if isinstance(verdicts, Refusal):
        return Problem.from_refusal(verdicts, context)
    return BookingVerdicts(people=[PersonOfBooking.from_verdict(one, context) for one in verdicts])
