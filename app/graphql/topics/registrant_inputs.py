"""What a client sends about registrants, and how it becomes the types of the registry."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry import ID, UNSET

from app.graphql.context import Context
from app.graphql.scalars import NIK, given, identifier
from app.graphql.vocabulary import Direction, IdentityDocument, RegistrantStatus, Service
from app.registry.amending import corrections
from app.registry.bookings.submitting import BookingSubmission
from app.registry.registrants import motorcycles
from app.registry.registrants.lookup import Filter, Ref
from app.registry.registrants.submission import Applicant, Submission
from app.registry.values import particulars


@strawberry.input(description="The registrant of a NIK that is yours, in one direction and service.")
class NikRef:
    nik: NIK = strawberry.field(description="The NIK. Looking it up is written to its access log.")
    direction: Direction = strawberry.field(default=Direction.MUDIK, description="In which direction.")
    service: Service = strawberry.field(default=Service.PASSENGER, description="A seat, or a motorcycle.")


@strawberry.input(one_of=True, description="Names one registrant. Exactly one of these.")
class RegistrantRef:
    id: strawberry.Maybe[ID] = strawberry.field(description="Its id.")
    reference: strawberry.Maybe[str] = strawberry.field(
        description=(
            "Your own booking code; refused when several standing registrants carry it. For all of them there are"
            " `verifyBooking`, `departBooking` and `cancelBooking`."
        )
    )
    nik: strawberry.Maybe[NikRef] = strawberry.field(description="Its NIK, among your own registrants.")

    def to_ref(self) -> Ref:
        if self.id:
            return Ref(id=identifier(self.id.value))
        if self.reference:
            return Ref(reference=self.reference.value)
        assert self.nik is not None  # noqa: S101 - @oneOf
        ref = self.nik.value
        return Ref(nik=ref.nik, direction=ref.direction, service=ref.service)


@strawberry.input(description="Whom to move, and to which route.")
class MoveRegistrant:
    ref: RegistrantRef = strawberry.field(description="Which one; it must be yours.")
    route_id: ID = strawberry.field(description="Of the same organizer, direction and service as its present route.")


@strawberry.input(description="Which registrants: those that fit all that is given.")
class RegistrantFilter:
    organizer: ID | None = strawberry.field(default=UNSET, description="Its code.")
    route_id: ID | None = strawberry.field(default=UNSET, description="On this route.")
    direction: Direction | None = strawberry.field(default=UNSET, description="In this direction.")
    service: Service | None = strawberry.field(default=UNSET, description="For this service.")
    status: list[RegistrantStatus] | None = strawberry.field(default=UNSET, description="In one of these statuses.")
    registered_from: datetime | None = strawberry.field(default=UNSET, description="Registered then or later.")
    registered_to: datetime | None = strawberry.field(default=UNSET, description="Registered before then.")
    verify_before: datetime | None = strawberry.field(
        default=UNSET, description="REGISTERED, with a deadline before then."
    )
    reference: str | None = strawberry.field(default=UNSET, description="With this booking code of yours.")
    season: int | None = strawberry.field(default=UNSET, description="Of this programme year.")

    def to_filter(self) -> Filter:
        statuses = given(self.status)
        route_id = given(self.route_id)
        return Filter(
            organizer=given(self.organizer),
            route_id=None if route_id is None else identifier(route_id),
            direction=given(self.direction),
            service=given(self.service),
            statuses=None if statuses is None else tuple(statuses),
            registered_from=given(self.registered_from),
            registered_to=given(self.registered_to),
            verify_before=given(self.verify_before),
            reference=given(self.reference),
            season=given(self.season),
        )


@strawberry.input(description="The papers of a motorcycle (terms of 2023 §6).")
class MotorcycleInput:
    plate: str = strawberry.field(description="Nomor polisi, at most 30 characters.")
    registration_number: str = strawberry.field(description="Nomor STNK, at most 30 characters.")

    def to_motorcycle(self) -> motorcycles.Motorcycle:
        return motorcycles.Motorcycle(self.plate, self.registration_number)


@strawberry.input(description="Who makes a booking. An applicant need not travel.")
class ApplicantInput:
    nik: NIK = strawberry.field(description="The NIK.")
    name: str = strawberry.field(description="The name.")

    def to_applicant(self) -> Applicant:
        return Applicant(self.nik, self.name)


@strawberry.input(description="One person to be registered on one route.")
class SubmitRegistrant:
    nik: NIK = strawberry.field(description="`data_nik` of the standard.")
    name: str = strawberry.field(description="`data_pemesan` of the standard.")
    route_id: ID = strawberry.field(description="A route of your own, or of the member that you name.")
    identity_document: IdentityDocument = strawberry.field(
        description="What was shown (terms of 2023 §1). The type only."
    )
    return_route_id: ID | None = strawberry.field(
        default=UNSET,
        description="Books the way back in the same stroke (terms of 2023 §3): both are registered, or neither.",
    )
    registered_at: datetime | None = strawberry.field(
        default=UNSET, description="At most 15 minutes ago. Left out: now. Rows may tell of earlier registrations."
    )
    reference: str | None = strawberry.field(default=UNSET, description="Your own booking code.")
    motorcycle: MotorcycleInput | None = strawberry.field(
        default=UNSET, description="Required on a MOTORCYCLE route, refused on any other."
    )
    member: ID | None = strawberry.field(
        default=UNSET, description="The code of the member that you, its coordinator, submit for."
    )
    booked_by: ApplicantInput | None = strawberry.field(default=UNSET, description="Who registers this person.")
    lap_infant: bool = strawberry.field(
        default=False,
        description="Under 2 on the day of departure, by the birth date of the NIK; KIA or KK. It takes no seat. "
        "Somebody with the same `reference` has one on its routes: registered before, or in the same call.",
    )
    hold: ID | None = strawberry.field(
        default=UNSET,
        description="Takes the seat from what `holdSeats` holds on `routeId`. After its end: from the free seats.",
    )
    return_hold: ID | None = strawberry.field(default=UNSET, description="The same on `returnRouteId`.")

    def to_submission(self, context: Context) -> Submission:
        return_route_id, motorcycle = given(self.return_route_id), given(self.motorcycle)
        booked_by = given(self.booked_by)
        return Submission(
            caller=context.caller,
            nik=self.nik,
            name=self.name,
            route_id=identifier(self.route_id),
            return_route_id=None if return_route_id is None else identifier(return_route_id),
            registered_at=given(self.registered_at),
            live=True,
            motorcycle=None if motorcycle is None else motorcycle.to_motorcycle(),
            member=given(self.member),
            lap_infant=self.lap_infant,
            booked_by=None if booked_by is None else booked_by.to_applicant(),
            holds=_holds(self),
            **_particulars(self),
        )


def _holds(given_by: SubmitRegistrant | SubmitBooking) -> tuple[UUID, ...]:
    named = (given(given_by.hold), given(given_by.return_hold))
    return tuple(identifier(one) for one in named if one is not None)


@strawberry.input(description="A family to be registered under one booking code: everybody, or nobody.")
class SubmitBooking:
    reference: str = strawberry.field(description="Your own booking code.")
    registrants: list[SubmitRegistrant] = strawberry.field(
        description="At most 20 people. What is left out of a person is taken from the booking."
    )
    booked_by: ApplicantInput | None = strawberry.field(
        default=UNSET, description="The applicant, who need not be one of the people."
    )
    member: ID | None = strawberry.field(
        default=UNSET, description="The code of the member that you, its coordinator, submit for."
    )
    hold: ID | None = strawberry.field(
        default=UNSET,
        description="Takes the seats of its people from what `holdSeats` holds. After its end: from the free seats.",
    )
    return_hold: ID | None = strawberry.field(
        default=UNSET, description="The same on another route, such as the way back."
    )

    def to_booking(self, context: Context) -> BookingSubmission:
        booked_by = given(self.booked_by)
        return BookingSubmission(
            caller=context.caller,
            reference=self.reference,
            member=given(self.member),
            booked_by=None if booked_by is None else booked_by.to_applicant(),
            holds=_holds(self),
            people=[one.to_submission(context) for one in self.registrants],
        )


@strawberry.input(
    description="What was written wrongly (UU 27/2022 art. 6). What is left out or null stays; the log keeps the rest."
)
class Correction:
    reason: str = strawberry.field(description="Why; 1 to 500 characters, kept in the log, without a NIK or a name.")
    nik: NIK | None = strawberry.field(default=UNSET, description="The right NIK; it must be free.")
    name: str | None = strawberry.field(default=UNSET, description="The right name.")
    identity_document: IdentityDocument | None = strawberry.field(default=UNSET, description="What was shown.")
    reference: str | None = strawberry.field(default=UNSET, description="Your own booking code.")
    motorcycle: MotorcycleInput | None = strawberry.field(default=UNSET, description="The right papers.")

    def to_correction(self) -> corrections.Correction:
        motorcycle = given(self.motorcycle)
        return corrections.Correction(
            nik=given(self.nik),
            name=given(self.name),
            motorcycle=None if motorcycle is None else motorcycle.to_motorcycle(),
            reason=self.reason,
            **_particulars(self),
        )


def _particulars(sent: SubmitRegistrant | Correction) -> dict[str, Any]:
    """Both inputs have all of them, each under its own name."""
    return {name: given(getattr(sent, name)) for name in particulars.NAMES}
