"""What the registry refuses, and why.

    Refusal                        an expected outcome: has a stable `code`, a message in two languages, its facts
    ├── NikInvalid                 NIK_INVALID
    ├── NikAlreadyRegistered       NIK_ALREADY_REGISTERED      standing
    ├── NikBlocked                 NIK_BLOCKED                 until_season
    ├── RegistrationClosed         REGISTRATION_CLOSED         opens_at
    ├── SeasonClosed               SEASON_CLOSED               season
    ├── QuotaFull                  QUOTA_FULL
    ├── QuotaBelowTaken            QUOTA_BELOW_TAKEN           taken
    ├── RouteUnknown               ROUTE_UNKNOWN
    ├── ReturnWithoutOutbound      RETURN_WITHOUT_OUTBOUND
    ├── ReturnCityMismatch         RETURN_CITY_MISMATCH        city
    ├── DestinationMismatch        DESTINATION_MISMATCH        city
    ├── TransitionNotAllowed       TRANSITION_NOT_ALLOWED      status, allowed
    ├── VerificationExpired        VERIFICATION_EXPIRED        verify_by
    ├── MotorcycleRequired         MOTORCYCLE_REQUIRED
    ├── MotorcycleNotHandedOver    MOTORCYCLE_NOT_HANDED_OVER
    ├── NotHealthy                 NOT_HEALTHY
    ├── NotFound                   NOT_FOUND
    ├── NotYours                   NOT_YOURS
    └── InvalidValue               INVALID_VALUE               field, reason

    Unavailable                    the registry cannot answer now; the same call may go through later
    ├── TooManyChecks              the client's budget of NIK checks is used up
    └── Raced                      another transaction took what this one was about to take; run it again

A refusal is data: rules return it as the verdict of one row, and a row's refusal touches no other row. It never
carries a NIK or a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Literal

from app.clock import WIB

Language = Literal["id", "en"]


@dataclass(frozen=True, slots=True)
class Standing:
    """One registration that stands against a NIK, as much of it as any organizer may know."""

    organizer: str
    organizer_name: str
    direction: str
    service: str
    status: str
    registered_on: date
    own: bool


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - an outcome, not an error
    code: ClassVar[str]
    indonesian: ClassVar[str]
    english: ClassVar[str]

    field: str | None = None

    def message(self, language: Language = "id") -> str:
        template = self.english if language == "en" else self.indonesian
        return template.format(**self.facts(language))

    def facts(self, language: Language) -> dict[str, object]:  # noqa: ARG002 - some subclasses need it
        """What the message's template names."""
        return vars(self)

    def __str__(self) -> str:
        return self.code


class NikInvalid(Refusal):
    code = "NIK_INVALID"
    indonesian = "NIK tidak sah: {reason}."
    english = "The NIK is not valid: {reason}."

    def __init__(self, indonesian: str, english: str, field: str | None = "nik") -> None:
        super().__init__(field)
        self._reasons = {"id": indonesian, "en": english}

    def facts(self, language: Language) -> dict[str, object]:
        return {"reason": self._reasons[language]}


@dataclass(eq=False)
class NikAlreadyRegistered(Refusal):
    code = "NIK_ALREADY_REGISTERED"
    indonesian = "NIK ini sudah terdaftar di {organizer} ({direction}, {service}) pada {registered_on} WIB."
    english = "This NIK is already registered with {organizer} ({direction}, {service}) since {registered_on} WIB."

    standing: Standing | None = None

    def facts(self, language: Language) -> dict[str, object]:
        assert self.standing is not None  # noqa: S101 - every construction names it
        return {
            "organizer": self.standing.organizer_name,
            "direction": _DIRECTIONS[language][self.standing.direction],
            "service": _SERVICES[language][self.standing.service],
            "registered_on": self.standing.registered_on.isoformat(),
        }


@dataclass(eq=False)
class NikBlocked(Refusal):
    code = "NIK_BLOCKED"
    indonesian = "NIK ini diblokir sampai dengan musim {until_season}. Keberatan diajukan ke Ditjen Hubdat."
    english = "This NIK is blocked until season {until_season} inclusive. Appeals go to Ditjen Hubdat."

    until_season: int = 0


@dataclass(eq=False)
class RegistrationClosed(Refusal):
    code = "REGISTRATION_CLOSED"
    indonesian = "Pendaftaran penyelenggara ini tidak dibuka pada waktu pendaftaran itu{next}."
    english = "This organizer's registration was not open at that registration time{next}."

    opens_at: datetime | None = None

    def facts(self, language: Language) -> dict[str, object]:
        if self.opens_at is None:
            return {"next": ""}
        opens = f"{self.opens_at.astimezone(WIB):%Y-%m-%d %H:%M} WIB"
        return {"next": f"; it opens at {opens}" if language == "en" else f"; dibuka pada {opens}"}


@dataclass(eq=False)
class SeasonClosed(Refusal):
    code = "SEASON_CLOSED"
    indonesian = "Musim {season} sudah ditutup dan hanya dapat dibaca."
    english = "Season {season} is closed and read only."

    season: int = 0


class QuotaFull(Refusal):
    code = "QUOTA_FULL"
    indonesian = "Kuota rute ini sudah penuh; sisa 0."
    english = "This route's quota is full; 0 remaining."


@dataclass(eq=False)
class QuotaBelowTaken(Refusal):
    code = "QUOTA_BELOW_TAKEN"
    indonesian = "Kuota tidak dapat diturunkan di bawah jumlah yang sudah terisi ({taken})."
    english = "The quota cannot be lowered below the {taken} seats already taken."

    taken: int = 0


class RouteUnknown(Refusal):
    code = "ROUTE_UNKNOWN"
    indonesian = "Rute ini tidak ada. Daftar rute: query routes."
    english = "There is no such route. See the query routes."


class ReturnWithoutOutbound(Refusal):
    code = "RETURN_WITHOUT_OUTBOUND"
    indonesian = "Arus balik memerlukan pendaftaran arus mudik yang masih berlaku pada penyelenggara yang sama{day}."
    english = "A return trip needs a standing outbound registration with the same organizer{day}."

    def __init__(self, *, same_day: bool = False, field: str | None = None) -> None:
        super().__init__(field)
        self.same_day = same_day

    def facts(self, language: Language) -> dict[str, object]:
        if not self.same_day:
            return {"day": ""}
        return {"day": ", registered on the same day (WIB)" if language == "en" else ", pada hari (WIB) yang sama"}


@dataclass(eq=False)
class ReturnCityMismatch(Refusal):
    code = "RETURN_CITY_MISMATCH"
    indonesian = "Arus balik harus berangkat dari kota tujuan mudik, {city}."
    english = "The trip back must leave from the destination of the trip home, {city}."

    city: str = ""


@dataclass(eq=False)
class DestinationMismatch(Refusal):
    code = "DESTINATION_MISMATCH"
    indonesian = "Sepeda motor dan pengendaranya harus menuju kota yang sama, {city}."
    english = "A motorcycle and its rider must go to the same city, {city}."

    city: str = ""


@dataclass(eq=False)
class TransitionNotAllowed(Refusal):
    code = "TRANSITION_NOT_ALLOWED"
    indonesian = "Status {status} tidak dapat diubah menjadi {to}. Yang dapat: {choices}."
    english = "Status {status} cannot become {to}. Allowed now: {choices}."

    status: str = ""
    to: str = ""
    allowed: tuple[str, ...] = ()

    def facts(self, language: Language) -> dict[str, object]:
        nothing = "nothing" if language == "en" else "tidak ada"
        return {"status": self.status, "to": self.to, "choices": ", ".join(self.allowed) or nothing}


@dataclass(eq=False)
class VerificationExpired(Refusal):
    code = "VERIFICATION_EXPIRED"
    indonesian = "Batas verifikasi sudah lewat ({deadline} WIB); pendaftaran ini gugur."
    english = "The verification deadline has passed ({deadline} WIB); this registration is forfeited."

    verify_by: datetime | None = None

    def facts(self, language: Language) -> dict[str, object]:  # noqa: ARG002
        return {"deadline": "" if self.verify_by is None else f"{self.verify_by.astimezone(WIB):%Y-%m-%d %H:%M}"}


class MotorcycleRequired(Refusal):
    code = "MOTORCYCLE_REQUIRED"
    indonesian = "Rute sepeda motor memerlukan nomor polisi dan nomor STNK."
    english = "A motorcycle route needs the plate number and the STNK (registration) number."


class MotorcycleNotHandedOver(Refusal):
    code = "MOTORCYCLE_NOT_HANDED_OVER"
    indonesian = "Sepeda motor belum diserahkan; serahkan dahulu (handOverMotorcycle)."
    english = "The motorcycle has not been handed over; record that first (handOverMotorcycle)."


class NotHealthy(Refusal):
    code = "NOT_HEALTHY"
    indonesian = "Keberangkatan memerlukan pernyataan sehat jasmani dan rohani."
    english = "Departure needs the declaration of being healthy."


class NotFound(Refusal):
    code = "NOT_FOUND"
    indonesian = "Tidak ditemukan di antara data Anda."
    english = "Not found among your records."


class NotYours(Refusal):
    code = "NOT_YOURS"
    indonesian = "Penyelenggara itu bukan Anda dan bukan anggota yang Anda koordinasi."
    english = "That organizer is neither you nor a member that you coordinate."


class InvalidValue(Refusal):
    code = "INVALID_VALUE"
    indonesian = "{reason}"
    english = "{reason}"

    def __init__(self, field: str, indonesian: str, english: str) -> None:
        super().__init__(field)
        self._reasons = {"id": indonesian, "en": english}

    def facts(self, language: Language) -> dict[str, object]:
        return {"reason": self._reasons[language]}


class Unavailable(Exception):  # noqa: N818
    """The registry cannot answer now. `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int = 1) -> None:
        super().__init__(type(self).__name__)
        self.retry_after = retry_after


class TooManyChecks(Unavailable):
    """The client's budget of NIK checks is used up until `retry_after`."""


class Raced(Unavailable):
    """Another transaction took what this one was about to take. Running it again sees the winner."""


_DIRECTIONS: dict[Language, dict[str, str]] = {
    "id": {"MUDIK": "arus mudik", "BALIK": "arus balik"},
    "en": {"MUDIK": "trip home", "BALIK": "trip back"},
}
_SERVICES: dict[Language, dict[str, str]] = {
    "id": {"PASSENGER": "penumpang", "MOTORCYCLE": "sepeda motor"},
    "en": {"PASSENGER": "passenger", "MOTORCYCLE": "motorcycle"},
}
