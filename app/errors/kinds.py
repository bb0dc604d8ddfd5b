"""Every kind of refusal: its code, its message in two languages, and its facts.

What it means and what to do about it stands in `refusals.toml`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as declared
from datetime import datetime
from typing import Any

from app import language as words
from app.errors.refusal import Language, Refusal, Standing


@dataclass(frozen=True, slots=True)
class NikInvalid(Refusal):
    code = "NIK_INVALID"
    indonesian = "NIK tidak sah: {reason}."
    english = "The NIK is not valid: {reason}."

    field: str | None = declared(default="nik", kw_only=True)
    indonesian_reason: str
    english_reason: str

    def facts(self, language: Language) -> dict[str, object]:
        return {"reason": self.english_reason if language == "en" else self.indonesian_reason}


@dataclass(frozen=True, slots=True)
class NotATestNik(NikInvalid):
    """Of a test registry alone. Whatever may refuse a NIK as invalid may refuse a NIK as this."""

    code = "NOT_A_TEST_NIK"
    indonesian = "Ini mode uji, dan NIK ini bukan NIK uji; pakai NIK dari tabel di /panduan/lingkungan."
    english = "This is test mode, and this is no test NIK; take one from the table at /panduan/lingkungan."

    indonesian_reason: str = "bukan NIK uji"
    english_reason: str = "it is no test NIK"


@dataclass(frozen=True, slots=True, kw_only=True)
class NikAlreadyRegistered(Refusal):
    code = "NIK_ALREADY_REGISTERED"
    indonesian = (
        "NIK ini sudah terdaftar di {organizer} ({direction}, {service}) pada {registered_on}; batalkan di sana dahulu."
    )
    english = (
        "This NIK is already registered with {organizer} ({direction}, {service}) since {registered_on};"
        " have it cancelled there first."
    )

    standing: Standing

    def facts(self, language: Language) -> dict[str, object]:
        return {
            "organizer": self.standing.organizer_name,
            "direction": words.DIRECTIONS[language][self.standing.direction],
            "service": words.SERVICES[language][self.standing.service],
            "registered_on": words.day(self.standing.registered_on, language),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NikBlocked(Refusal):
    code = "NIK_BLOCKED"
    indonesian = "NIK ini diblokir sampai dengan periode {until_season}. Keberatan dapat diajukan kepada Ditjen Hubdat."
    english = "This NIK is blocked until season {until_season} inclusive. Appeals go to Ditjen Hubdat."

    until_season: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NikUndecided(Refusal):
    code = "NIK_UNDECIDED"
    indonesian = (
        "NIK ini belum dapat didaftarkan. Jatah pemeriksaan NIK penyelenggara hari ini sudah habis;"
        " coba lagi setelah {opens_at}."
    )
    english = (
        "This NIK cannot be registered now. The organizer's allowance of NIKs for today is used up;"
        " try again after {opens_at}."
    )

    opens_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceUsedUp(Refusal):
    code = "ALLOWANCE_USED_UP"
    indonesian = "Jatah pemeriksaan NIK penyelenggara ini sudah habis; coba lagi setelah {opens_at}."
    english = "The allowance of NIKs of this organizer is used up; try again after {opens_at}."

    opens_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationClosed(Refusal):
    code = "REGISTRATION_CLOSED"
    indonesian = "Pendaftaran penyelenggara ini tidak dibuka pada waktu pendaftaran itu{next}."
    english = "This organizer's registration was not open at that registration time{next}."

    opens_at: datetime | None

    def facts(self, language: Language) -> dict[str, object]:
        if self.opens_at is None:
            return {"next": "; check that time" if language == "en" else "; periksa waktu itu"}
        opens = words.instant(self.opens_at, language)
        # That may have been before now, where the person registered before it.
        return {"next": f"; next window from {opens}" if language == "en" else f"; jadwal berikutnya mulai {opens}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedLate(Refusal):
    code = "ARRIVED_LATE"
    indonesian = "Data pendaftaran ini tiba lebih dari {days} hari setelah pendaftaran ditutup; kirim lebih awal."
    english = "This registration arrived more than {days} days after its window had closed; send sooner."

    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonClosed(Refusal):
    code = "SEASON_CLOSED"
    indonesian = "Periode {season} sudah ditutup dan hanya dapat dibaca; pakai periode yang dibuka."
    english = "Season {season} is closed and read only; use the open one."

    season: int


@dataclass(frozen=True, slots=True)
class QuotaFull(Refusal):
    code = "QUOTA_FULL"
    indonesian = "Kuota rute ini {seats}{next}."
    english = "This route's quota is {seats}{next}."

    wanted: int = declared(default=1, kw_only=True)
    """How many seats."""
    left: int = declared(default=0, kw_only=True)
    opens_at: datetime | None = declared(default=None, kw_only=True)
    """When more seats are released."""
    reopening: bool = declared(default=False, kw_only=True)
    """The seat is wanted by a registration that returns to its own route, so no other route helps."""

    def facts(self, language: Language) -> dict[str, object]:
        english, at = language == "en", self.opens_at and words.instant(self.opens_at, language)
        few = "too small; {} wanted, {} remaining" if english else "tidak cukup; diperlukan {}, sisa {}"
        none = "full; 0 remaining" if english else "sudah penuh; sisa 0"
        more = f"; more seats on {at}" if english else f"; tambahan kuota berikutnya {at}"
        other = "; choose another route" if english else "; pilih rute lain"
        if self.reopening:
            freed = "the registration can be reopened once its route has a free seat"
            freed = freed if english else "pendaftaran ini dapat dibuka kembali bila ada kursi kosong pada rutenya"
            other = f"; {freed}"
        return {"seats": few.format(self.wanted, self.left) if self.wanted > 1 else none, "next": more if at else other}


@dataclass(frozen=True, slots=True)
class HoldsFull(Refusal):
    code = "HOLDS_FULL"
    indonesian = "Rute ini menahan paling banyak {most} kursi ({held} sedang ditahan); daftarkan tanpa menahan kursi."
    english = "At most {most} seats of this route are held at a time ({held} are now); register without a hold."

    most: int = declared(kw_only=True)
    held: int = declared(kw_only=True)
    opens_at: datetime | None = declared(default=None, kw_only=True)
    """When the next hold of this route ends. None: there is no use in waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaBelowTaken(Refusal):
    code = "QUOTA_BELOW_TAKEN"
    indonesian = (
        "Kuota tidak dapat diturunkan di bawah jumlah yang sudah terisi ({taken}); batalkan atau pindahkan dahulu."
    )
    english = "The quota cannot be lowered below the {taken} seats already taken; cancel or move people first."

    taken: int


@dataclass(frozen=True, slots=True)
class RouteUnknown(Refusal):
    code = "ROUTE_UNKNOWN"
    indonesian = "Rute ini tidak ditemukan; pilih dari daftar rute."
    english = "There is no such route. See the query routes."


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDeparted(Refusal):
    code = "ROUTE_DEPARTED"
    indonesian = "Rute ini sudah berangkat pada {departs_at}; pilih rute lain."
    english = "This route left on {departs_at}; choose another one."

    departs_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnWithoutOutbound(Refusal):
    code = "RETURN_WITHOUT_OUTBOUND"
    indonesian = (
        "Arus balik memerlukan pendaftaran arus mudik yang masih berlaku pada penyelenggara yang sama{day};"
        " daftarkan arus mudiknya dahulu."
    )
    english = (
        "A return trip needs a standing outbound registration with the same organizer{day};"
        " register the trip home first."
    )

    same_day: bool
    """Whether the organizer's policy asks for both registrations on one day."""

    def facts(self, language: Language) -> dict[str, object]:
        if not self.same_day:
            return {"day": ""}
        return {"day": ", registered on the same day (WIB)" if language == "en" else ", pada hari yang sama (WIB)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCityMismatch(Refusal):
    code = "RETURN_CITY_MISMATCH"
    indonesian = "Arus balik harus berangkat dari kota tujuan mudik, {city}; pilih rute dari kota itu."
    english = "The trip back must leave from the destination of the trip home, {city}; choose a route from there."

    city: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationMismatch(Refusal):
    code = "DESTINATION_MISMATCH"
    indonesian = "Sepeda motor dan pengendaranya harus menuju kota yang sama, {city}; pilih rute ke kota itu."
    english = "A motorcycle and its rider must go to the same city, {city}; choose a route to that city."

    city: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionNotAllowed(Refusal):
    code = "TRANSITION_NOT_ALLOWED"
    indonesian = "Status “{status}” tidak dapat diubah menjadi “{to}”. Status yang dapat dipilih: {choices}."
    english = "Status {status} cannot become {to}. Allowed now: {choices}."

    status: str
    to: str
    allowed: tuple[str, ...]

    def facts(self, language: Language) -> dict[str, object]:
        nothing = "nothing" if language == "en" else "tidak ada"
        titles = words.STATUSES[language]
        choices = ", ".join(titles[one] for one in self.allowed) or nothing
        return {"status": titles[self.status], "to": titles[self.to], "choices": choices}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationExpired(Refusal):
    code = "VERIFICATION_EXPIRED"
    indonesian = "Batas verifikasi sudah lewat ({verify_by}); pendaftaran ini gugur. Daftarkan lagi."
    english = "The verification deadline has passed ({verify_by}); this registration is forfeited. Register anew."

    verify_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationNotBegun(Refusal):
    code = "VERIFICATION_NOT_BEGUN"
    indonesian = "Masa verifikasi penyelenggara ini baru dimulai pada {opens_at}; verifikasi sesudah itu."
    english = "This organizer's verification period begins on {opens_at}; verify after that."

    opens_at: datetime


@dataclass(frozen=True, slots=True)
class MotorcycleRequired(Refusal):
    code = "MOTORCYCLE_REQUIRED"
    indonesian = "Rute sepeda motor memerlukan nomor polisi dan nomor STNK; isi keduanya."
    english = "A motorcycle route needs the plate number and the STNK (registration) number."


@dataclass(frozen=True, slots=True)
class MotorcycleNotHandedOver(Refusal):
    code = "MOTORCYCLE_NOT_HANDED_OVER"
    indonesian = "Sepeda motor belum diserahkan; catat dahulu penyerahannya."
    english = "The motorcycle has not been handed over; record that first (handOverMotorcycle)."


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartureNotBegun(Refusal):
    code = "DEPARTURE_NOT_BEGUN"
    indonesian = "Keberangkatan rute ini baru dapat dicatat mulai {opens_at}, 24 jam sebelum jadwalnya."
    english = "Departures of this route are recorded from {opens_at} on, 24 hours before it leaves."

    opens_at: datetime


@dataclass(frozen=True, slots=True)
class NotHealthy(Refusal):
    code = "NOT_HEALTHY"
    indonesian = "Keberangkatan memerlukan pernyataan sehat jasmani dan rohani; minta dari peserta."
    english = "Departure needs the declaration of being healthy; ask the person for it."


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingTooLarge(Refusal):
    code = "BOOKING_TOO_LARGE"
    indonesian = "Kode booking ini dipakai lebih dari {most} orang; kirim daftar orangnya."
    english = "More than {most} people carry this booking code; send a list of the people."

    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStorageFull(Refusal):
    code = "IMPORT_STORAGE_FULL"
    indonesian = (
        "Berkas impor Anda yang masih disimpan sudah {kept} dari {most} MB, jadi berkas ini tidak diterima; tunggu"
        " sampai berkas lama dihapus (30 hari setelah selesai), atau minta ruang lebih kepada Ditjen Hubdat."
    )
    english = (
        "{kept} of {most} MB are taken by your import files that are still kept, so this file is not accepted; wait"
        " until older ones are wiped (30 days after their end), or ask Ditjen Hubdat for more room."
    )

    kept: int
    most: int


@dataclass(frozen=True, slots=True)
class NotFound(Refusal):
    code = "NOT_FOUND"
    indonesian = "{what} tidak ditemukan; periksa kembali."
    english = "{what} was not found; check what you sent."

    what: str = declared(default="", kw_only=True)
    """A key of `words.THINGS`. Empty: `field` is one."""

    def facts(self, language: Language) -> dict[str, object]:
        return {"what": words.thing(self.what or self.field or "", language)}


@dataclass(frozen=True, slots=True)
class NotYours(Refusal):
    code = "NOT_YOURS"
    indonesian = "Penyelenggara itu bukan Anda dan bukan anggota yang Anda koordinasi; sebutkan salah satunya."
    english = "That organizer is neither you nor a member that you coordinate; name one of them."


@dataclass(frozen=True, slots=True)
class InvalidValue(Refusal):
    code = "INVALID_VALUE"
    indonesian = "{reason}"
    english = "{reason}"

    field: str
    indonesian_reason: str
    english_reason: str

    def facts(self, language: Language) -> dict[str, object]:
        return {"reason": self.english_reason if language == "en" else self.indonesian_reason}


KINDS: tuple[type[Refusal], ...] = tuple(
    kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Refusal) and kind != Refusal
)
"""Every kind that the registry refuses, in their order."""


def refused_by(*use_cases: Callable[..., Any]) -> tuple[type[Refusal], ...]:
    """What the use cases declare, each kind once, in the order of `KINDS`; those of files are last."""
    kinds: set[type[Refusal]] = {kind for use_case in use_cases for kind in use_case.refuses}  # type: ignore[attr-defined]
    return tuple(sorted(kinds, key=lambda kind: (KINDS.index(kind) if kind in KINDS else len(KINDS), kind.code)))
