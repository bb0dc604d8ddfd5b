"""What of a submission can be judged without the database: whose it is, NIK, name, particulars, time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from app.errors import InvalidValue, NikInvalid, NotYours, QuotaFull, Refusal, RegistrationClosed, refuses
from app.registry.caller import Caller, organizer_of
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.routes.laps import Lap
from app.registry.values import names, nik, particulars
from app.registry.values.particulars import Particulars
from app.registry.values.texts import not_in_the_future
from app.registry.values.trial import trial
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True, repr=False)
class Applicant:
    """Who made the booking. An applicant need not travel."""

    nik: str
    name: str


@dataclass(slots=True, kw_only=True)
class Submission(Particulars):
    caller: Caller
    nik: str
    """As it was sent."""
    name: str
    route_id: UUID | None
    """None: what was sent cannot name a route."""
    return_route_id: UUID | None = None
    """The way back, booked together with the way home: both or neither."""
    registered_at: datetime | None = None
    registered_on_day: bool = False
    """`registered_at` is a date without a time."""
    live: bool = False
    """It is sent as the person registers, not in a list of later: `registered_at` is the arrival, or just before."""
    motorcycle: Motorcycle | None = None
    member: str | None = None
    lap_infant: bool = False
    """It is to travel on a lap, without a seat."""
    booked_by: Applicant | None = None
    holds: tuple[UUID, ...] = ()
    """Seats that are held for it, on any of its routes."""
    document_required: bool = True
    """False for rows of the 12 columns, which have no column for the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A submission that the database may be asked about."""

    submission: Submission
    organizer: str
    nik: nik.Nik
    nik_index: bytes
    area: bytes
    name: str
    particulars: Particulars
    registered_at: datetime
    registered_on_day: bool
    applicant: Applicant | None
    """Tidied."""

    def lap_on(self, route_id: UUID | None) -> Lap:
        """Where it sits with a seat there, or finds a lap without."""
        return Lap(self.organizer, self.particulars.reference, route_id)


BEFORE_ARRIVAL = timedelta(minutes=15)
"""How long before its arrival somebody who is submitted live may have registered: a form takes its time."""


@refuses(NikInvalid, NotYours, InvalidValue, QuotaFull, RegistrationClosed)
def draft(submission: Submission, vault: Vault, today: date, now: datetime) -> Draft | Refusal:
    """What needs no database: whose it is, the NIK, the name, the particulars and the instant."""
    organizer = organizer_of(submission.caller, submission.member)
    if isinstance(organizer, NotYours):
        return organizer
    parsed = nik.parse(submission.nik, today)
    if isinstance(parsed, NikInvalid):
        return parsed
    name = names.normalise(submission.name)
    if isinstance(name, InvalidValue):
        return name
    told = _particulars(submission)
    if isinstance(told, InvalidValue):
        return told
    registered_at = _registered_at(submission, now)
    if isinstance(registered_at, InvalidValue):
        return registered_at
    applicant = _applicant(submission.booked_by, today)
    if isinstance(applicant, Refusal):
        return applicant
    return trial.get().refuse_to_register(parsed.digits) or Draft(
        submission=submission,
        organizer=organizer,
        nik=parsed,
        nik_index=vault.blind_index(parsed.digits),
        area=vault.area(parsed.digits),
        name=name,
        particulars=told,
        registered_at=registered_at,
        applicant=applicant,
        registered_on_day=submission.registered_on_day,
    )


def _applicant(given: Applicant | None, today: date) -> Applicant | NikInvalid | InvalidValue | None:
    if given is None:
        return None
    parsed, name = nik.parse(given.nik, today), names.normalise(given.name)
    for refused in (parsed, name):
        if isinstance(refused, NikInvalid | InvalidValue):
            return replace(refused, field="bookedBy")
    assert isinstance(parsed, nik.Nik)  # noqa: S101 - it was not refused
    return Applicant(parsed.digits, str(name))


def _particulars(submission: Submission) -> Particulars | InvalidValue:
    told = particulars.judge(submission)
    if isinstance(told, Particulars) and told.identity_document is None and submission.document_required:
        return InvalidValue(
            "identityDocument",
            "Dokumen identitas wajib: KTP, SIM, KK atau KIA.",
            "An identity document is required: KTP, SIM, KK or KIA.",
        )
    return told


def _registered_at(submission: Submission, now: datetime) -> datetime | InvalidValue:
    """Window, same day and H+N depend on the instant. So a client may tell it only within narrow bounds."""
    registered_at = not_in_the_future(submission.registered_at, now, "registeredAt")
    if isinstance(registered_at, InvalidValue) or not submission.live or registered_at >= now - BEFORE_ARRIVAL:
        return registered_at
    return InvalidValue(
        "registeredAt",
        "Paling lama 15 menit sebelum dikirim. Yang lebih lama dikirim sebagai baris (webhook atau berkas).",
        "At most 15 minutes before it is sent. Send earlier registrations as rows (webhook or file).",
    )
