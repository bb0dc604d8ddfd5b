"""The messages and facts of every refusal, in both languages."""

import ast
import re
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from app import errors
from app.config import CHECKOUT
from app.errors import KINDS, InvalidValue, NotFound, Refusal, RefusalError, SeasonClosed, Standing, refused_by, refuses
from tests.refusals import undeclared, watch

STANDING = Standing(
    organizer="djka",
    organizer_name="Ditjen Perkeretaapian",
    direction="BALIK",
    service="MOTORCYCLE",
    status="VERIFIED",
    registered_on=date(2026, 3, 2),
    own=False,
)
LATE_EVENING = datetime(2026, 3, 9, 16, 59, 59, tzinfo=UTC)

MESSAGES = [
    (
        errors.NikInvalid(
            "harus 16 angka, seperti pada KTP atau KK", "it must have 16 digits, as on the identity document"
        ),
        "NIK_INVALID",
        "nik",
        "NIK tidak sah: harus 16 angka, seperti pada KTP atau KK.",
        "The NIK is not valid: it must have 16 digits, as on the identity document.",
    ),
    (
        errors.NotATestNik(),
        "NOT_A_TEST_NIK",
        "nik",
        "Ini mode uji, dan NIK ini bukan NIK uji; pakai NIK dari tabel di /panduan/lingkungan.",
        "This is test mode, and this is no test NIK; take one from the table at /panduan/lingkungan.",
    ),
    (
        errors.NikAlreadyRegistered("nik", standing=STANDING),
        "NIK_ALREADY_REGISTERED",
        "nik",
        (
            "NIK ini sudah terdaftar di Ditjen Perkeretaapian (arus balik, sepeda motor) pada 2 Maret 2026;"
            " batalkan di sana dahulu."
        ),
        (
            "This NIK is already registered with Ditjen Perkeretaapian (trip back, motorcycle) since 2 March 2026;"
            " have it cancelled there first."
        ),
    ),
    (
        errors.NikBlocked("nik", until_season=2027),
        "NIK_BLOCKED",
        "nik",
        "NIK ini diblokir sampai dengan periode 2027. Keberatan dapat diajukan kepada Ditjen Hubdat.",
        "This NIK is blocked until season 2027 inclusive. Appeals go to Ditjen Hubdat.",
    ),
    (
        errors.RegistrationClosed("registeredAt", opens_at=None),
        "REGISTRATION_CLOSED",
        "registeredAt",
        "Pendaftaran penyelenggara ini tidak dibuka pada waktu pendaftaran itu; periksa waktu itu.",
        "This organizer's registration was not open at that registration time; check that time.",
    ),
    (
        errors.RegistrationClosed(opens_at=datetime(2026, 3, 5, 1, 0, tzinfo=UTC)),
        "REGISTRATION_CLOSED",
        None,
        (
            "Pendaftaran penyelenggara ini tidak dibuka pada waktu pendaftaran itu; jadwal berikutnya mulai 5 Maret"
            " 2026 pukul 08.00 WIB."
        ),
        (
            "This organizer's registration was not open at that registration time; next window from 5 March 2026 at"
            " 08:00 WIB."
        ),
    ),
    (
        errors.ImportStorageFull("file", kept=1000, most=1024),
        "IMPORT_STORAGE_FULL",
        "file",
        (
            "Berkas impor Anda yang masih disimpan sudah 1000 dari 1024 MB, jadi berkas ini tidak diterima; tunggu"
            " sampai berkas lama dihapus (30 hari setelah selesai), atau minta ruang lebih kepada Ditjen Hubdat."
        ),
        (
            "1000 of 1024 MB are taken by your import files that are still kept, so this file is not accepted; wait"
            " until older ones are wiped (30 days after their end), or ask Ditjen Hubdat for more room."
        ),
    ),
    (
        errors.BookingTooLarge("reference", most=20),
        "BOOKING_TOO_LARGE",
        "reference",
        "Kode booking ini dipakai lebih dari 20 orang; kirim daftar orangnya.",
        "More than 20 people carry this booking code; send a list of the people.",
    ),
    (
        errors.SeasonClosed("ref", season=2025),
        "SEASON_CLOSED",
        "ref",
        "Periode 2025 sudah ditutup dan hanya dapat dibaca; pakai periode yang dibuka.",
        "Season 2025 is closed and read only; use the open one.",
    ),
    (
        errors.QuotaFull("routeId"),
        "QUOTA_FULL",
        "routeId",
        "Kuota rute ini sudah penuh; sisa 0; pilih rute lain.",
        "This route's quota is full; 0 remaining; choose another route.",
    ),
    (
        errors.QuotaFull("ref", reopening=True),
        "QUOTA_FULL",
        "ref",
        "Kuota rute ini sudah penuh; sisa 0; pendaftaran ini dapat dibuka kembali bila ada kursi kosong pada rutenya.",
        "This route's quota is full; 0 remaining; the registration can be reopened once its route has a free seat.",
    ),
    (
        errors.HoldsFull("seats", most=5, held=4),
        "HOLDS_FULL",
        "seats",
        "Rute ini menahan paling banyak 5 kursi (4 sedang ditahan); daftarkan tanpa menahan kursi.",
        "At most 5 seats of this route are held at a time (4 are now); register without a hold.",
    ),
    (
        errors.QuotaBelowTaken("seats", taken=41),
        "QUOTA_BELOW_TAKEN",
        "seats",
        "Kuota tidak dapat diturunkan di bawah jumlah yang sudah terisi (41); batalkan atau pindahkan dahulu.",
        "The quota cannot be lowered below the 41 seats already taken; cancel or move people first.",
    ),
    (
        errors.RouteUnknown("routeId"),
        "ROUTE_UNKNOWN",
        "routeId",
        "Rute ini tidak ditemukan; pilih dari daftar rute.",
        "There is no such route. See the query routes.",
    ),
    (
        errors.ArrivedLate("registeredAt", days=2),
        "ARRIVED_LATE",
        "registeredAt",
        "Data pendaftaran ini tiba lebih dari 2 hari setelah pendaftaran ditutup; kirim lebih awal.",
        "This registration arrived more than 2 days after its window had closed; send sooner.",
    ),
    (
        errors.VerificationNotBegun("ref", opens_at=datetime(2026, 3, 5, 1, 0, tzinfo=UTC)),
        "VERIFICATION_NOT_BEGUN",
        "ref",
        "Masa verifikasi penyelenggara ini baru dimulai pada 5 Maret 2026 pukul 08.00 WIB; verifikasi sesudah itu.",
        "This organizer's verification period begins on 5 March 2026 at 08:00 WIB; verify after that.",
    ),
    (
        errors.QuotaFull(wanted=9, left=7, opens_at=datetime(2026, 3, 5, 1, 0, tzinfo=UTC)),
        "QUOTA_FULL",
        None,
        ("Kuota rute ini tidak cukup; diperlukan 9, sisa 7; tambahan kuota berikutnya 5 Maret 2026 pukul 08.00 WIB."),
        "This route's quota is too small; 9 wanted, 7 remaining; more seats on 5 March 2026 at 08:00 WIB.",
    ),
    (
        errors.DepartureNotBegun("at", opens_at=datetime(2026, 3, 15, 2, 0, tzinfo=UTC)),
        "DEPARTURE_NOT_BEGUN",
        "at",
        "Keberangkatan rute ini baru dapat dicatat mulai 15 Maret 2026 pukul 09.00 WIB, 24 jam sebelum jadwalnya.",
        "Departures of this route are recorded from 15 March 2026 at 09:00 WIB on, 24 hours before it leaves.",
    ),
    (
        errors.RouteDeparted("routeId", departs_at=datetime(2026, 3, 16, 2, 0, tzinfo=UTC)),
        "ROUTE_DEPARTED",
        "routeId",
        "Rute ini sudah berangkat pada 16 Maret 2026 pukul 09.00 WIB; pilih rute lain.",
        "This route left on 16 March 2026 at 09:00 WIB; choose another one.",
    ),
    (
        errors.ReturnWithoutOutbound("routeId", same_day=False),
        "RETURN_WITHOUT_OUTBOUND",
        "routeId",
        (
            "Arus balik memerlukan pendaftaran arus mudik yang masih berlaku pada penyelenggara yang sama;"
            " daftarkan arus mudiknya dahulu."
        ),
        "A return trip needs a standing outbound registration with the same organizer; register the trip home first.",
    ),
    (
        errors.ReturnWithoutOutbound(same_day=True),
        "RETURN_WITHOUT_OUTBOUND",
        None,
        (
            "Arus balik memerlukan pendaftaran arus mudik yang masih berlaku pada penyelenggara yang sama,"
            " pada hari yang sama (WIB); daftarkan arus mudiknya dahulu."
        ),
        (
            "A return trip needs a standing outbound registration with the same organizer,"
            " registered on the same day (WIB); register the trip home first."
        ),
    ),
    (
        errors.ReturnCityMismatch("returnRouteId", city="Kota Surakarta"),
        "RETURN_CITY_MISMATCH",
        "returnRouteId",
        "Arus balik harus berangkat dari kota tujuan mudik, Kota Surakarta; pilih rute dari kota itu.",
        "The trip back must leave from the destination of the trip home, Kota Surakarta; choose a route from there.",
    ),
    (
        errors.DestinationMismatch("routeId", city="Kota Surakarta"),
        "DESTINATION_MISMATCH",
        "routeId",
        "Sepeda motor dan pengendaranya harus menuju kota yang sama, Kota Surakarta; pilih rute ke kota itu.",
        "A motorcycle and its rider must go to the same city, Kota Surakarta; choose a route to that city.",
    ),
    (
        errors.TransitionNotAllowed("ref", status="REGISTERED", to="DEPARTED", allowed=("VERIFIED", "CANCELLED")),
        "TRANSITION_NOT_ALLOWED",
        "ref",
        (
            "Status “Terdaftar” tidak dapat diubah menjadi “Terverifikasi keberangkatan”. Status yang dapat"
            " dipilih: Terverifikasi pendaftaran, Batal."
        ),
        "Status REGISTERED cannot become DEPARTED. Allowed now: VERIFIED, CANCELLED.",
    ),
    (
        errors.TransitionNotAllowed("ref", status="DEPARTED", to="VERIFIED", allowed=()),
        "TRANSITION_NOT_ALLOWED",
        "ref",
        (
            "Status “Terverifikasi keberangkatan” tidak dapat diubah menjadi “Terverifikasi pendaftaran”. Status"
            " yang dapat dipilih: tidak ada."
        ),
        "Status DEPARTED cannot become VERIFIED. Allowed now: nothing.",
    ),
    (
        errors.VerificationExpired("ref", verify_by=LATE_EVENING),
        "VERIFICATION_EXPIRED",
        "ref",
        "Batas verifikasi sudah lewat (9 Maret 2026 pukul 23.59 WIB); pendaftaran ini gugur. Daftarkan lagi.",
        (
            "The verification deadline has passed (9 March 2026 at 23:59 WIB); this registration is forfeited."
            " Register anew."
        ),
    ),
    (
        errors.MotorcycleRequired("motorcycle"),
        "MOTORCYCLE_REQUIRED",
        "motorcycle",
        "Rute sepeda motor memerlukan nomor polisi dan nomor STNK; isi keduanya.",
        "A motorcycle route needs the plate number and the STNK (registration) number.",
    ),
    (
        errors.MotorcycleNotHandedOver("ref"),
        "MOTORCYCLE_NOT_HANDED_OVER",
        "ref",
        "Sepeda motor belum diserahkan; catat dahulu penyerahannya.",
        "The motorcycle has not been handed over; record that first (handOverMotorcycle).",
    ),
    (
        errors.NotHealthy("healthy"),
        "NOT_HEALTHY",
        "healthy",
        "Keberangkatan memerlukan pernyataan sehat jasmani dan rohani; minta dari peserta.",
        "Departure needs the declaration of being healthy; ask the person for it.",
    ),
    (
        errors.NotFound("ref"),
        "NOT_FOUND",
        "ref",
        "Pendaftar tidak ditemukan; periksa kembali.",
        "The registrant was not found; check what you sent.",
    ),
    (
        errors.NotFound("id", what="case"),
        "NOT_FOUND",
        "id",
        "Kasus tidak ditemukan; periksa kembali.",
        "The case was not found; check what you sent.",
    ),
    (
        errors.NikUndecided("nik", opens_at=datetime(2026, 3, 2, 17, 0, tzinfo=UTC)),
        "NIK_UNDECIDED",
        "nik",
        (
            "NIK ini belum dapat didaftarkan. Jatah pemeriksaan NIK penyelenggara hari ini sudah habis;"
            " coba lagi setelah 3 Maret 2026 pukul 00.00 WIB."
        ),
        (
            "This NIK cannot be registered now. The organizer's allowance of NIKs for today is used up;"
            " try again after 3 March 2026 at 00:00 WIB."
        ),
    ),
    (
        errors.AllowanceUsedUp("nik", opens_at=datetime(2026, 3, 2, 17, 0, tzinfo=UTC)),
        "ALLOWANCE_USED_UP",
        "nik",
        "Jatah pemeriksaan NIK penyelenggara ini sudah habis; coba lagi setelah 3 Maret 2026 pukul 00.00 WIB.",
        "The allowance of NIKs of this organizer is used up; try again after 3 March 2026 at 00:00 WIB.",
    ),
    (
        errors.NotYours("member"),
        "NOT_YOURS",
        "member",
        "Penyelenggara itu bukan Anda dan bukan anggota yang Anda koordinasi; sebutkan salah satunya.",
        "That organizer is neither you nor a member that you coordinate; name one of them.",
    ),
    (
        errors.InvalidValue("name", "Nama wajib diisi.", "A name is required."),
        "INVALID_VALUE",
        "name",
        "Nama wajib diisi.",
        "A name is required.",
    ),
]


@pytest.mark.parametrize(("refusal", "code", "field", "indonesian", "english"), MESSAGES)
def test_a_refusal_says_why_in_both_languages(
    refusal: Refusal, code: str, field: str | None, indonesian: str, english: str
) -> None:
    assert refusal.code == code
    assert refusal.field == field
    assert refusal.message() == indonesian
    assert refusal.message("id") == indonesian
    assert refusal.message("en") == english
    assert str(RefusalError(refusal)) == code


def test_every_refusal_is_among_them() -> None:
    assert {type(refusal) for refusal, *_ in MESSAGES} == set(KINDS)


def test_codes_are_unique() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS) == 29


@pytest.mark.parametrize(("seconds", "after"), [(-3600, None), (0, None), (0.5, 1), (3600, 3601)])
def test_it_is_told_when_to_come_back_as_long_as_that_is_to_come(seconds: float, after: int | None) -> None:
    refusal = errors.RegistrationClosed(opens_at=LATE_EVENING + timedelta(seconds=seconds))
    assert refusal.retry_after(LATE_EVENING) == after


@pytest.mark.parametrize("direction", ["MUDIK", "BALIK"])
@pytest.mark.parametrize("service", ["PASSENGER", "MOTORCYCLE"])
def test_what_stands_is_told_in_words(direction: str, service: str) -> None:
    standing = Standing(
        organizer="djka",
        organizer_name="DJKA",
        direction=direction,
        service=service,
        status="REGISTERED",
        registered_on=date(2026, 3, 2),
        own=True,
    )
    refusal = errors.NikAlreadyRegistered(standing=standing)
    assert refusal.facts("id") == {
        "organizer": "DJKA",
        "direction": {"MUDIK": "arus mudik", "BALIK": "arus balik"}[direction],
        "service": {"PASSENGER": "penumpang", "MOTORCYCLE": "sepeda motor"}[service],
        "registered_on": "2 Maret 2026",
    }


def test_a_refusal_is_a_value() -> None:
    refusal = SeasonClosed("ref", season=2025)
    assert refusal == SeasonClosed("ref", season=2025) != replace(refusal, season=2026)
    for name in ("season", "field", "code", "another"):
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(refusal, name, 1)
    assert refusal == SeasonClosed("ref", season=2025)


def test_a_use_case_declares_what_it_refuses() -> None:
    @refuses(InvalidValue, NotFound)
    def rename() -> None: ...

    @refuses(*refused_by(rename), SeasonClosed)
    def close() -> None: ...

    assert refused_by(rename) == (NotFound, InvalidValue)
    assert refused_by(close) == refused_by(rename, close) == (SeasonClosed, NotFound, InvalidValue)


def test_unavailability_names_when_to_come_back() -> None:
    assert errors.TooManyChecks(7).retry_after == 7
    assert errors.Raced().retry_after == 1
    assert str(errors.TooManyChecks(7)) == "TooManyChecks"
    assert not issubclass(errors.Unavailable, Refusal)


@pytest.mark.anyio
async def test_a_refusal_that_is_not_declared_is_noticed() -> None:
    @dataclass
    class Verdict:
        refusal: Refusal

    @watch(NotFound)
    async def find(*answers: object) -> object:
        return answers

    @watch(NotFound)
    def require(refusal: Refusal) -> None:
        raise RefusalError(refusal)

    try:
        assert await find(1, [Verdict(NotFound("id"))]) == (1, [Verdict(NotFound("id"))])
        assert undeclared == []
        await find([Verdict(SeasonClosed("ref", season=2025))])
        with pytest.raises(RefusalError):
            require(InvalidValue("name", "", ""))
        assert [code for _, code in undeclared] == ["SEASON_CLOSED", "INVALID_VALUE"]
    finally:
        undeclared.clear()


def test_every_public_rule_that_may_refuse_declares_what() -> None:
    """Who makes a refusal, and nothing else, need not."""
    names = {kind.__name__ for kind in (*KINDS, Refusal)}
    silent = []
    for path in sorted((CHECKOUT / "app" / "registry").rglob("*.py")):
        for one in ast.parse(path.read_text()).body:
            if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) or one.name.startswith("_"):
                continue
            answers = {part.id for part in ast.walk(one.returns or one) if isinstance(part, ast.Name)}
            declares = any("refuses(" in ast.unparse(decorator) for decorator in one.decorator_list)
            if one.returns is not None and answers & names and not declares and not isinstance(one.returns, ast.Name):
                silent.append(f"{path.stem}.{one.name}")
    assert not silent


def test_every_public_rule_that_raises_a_refusal_declares_it() -> None:
    """Whoever raises one within its module has a use case in that module which declares it."""
    kinds = {kind.__name__ for kind in KINDS}
    silent = []
    for path in sorted((CHECKOUT / "app").rglob("*.py")):
        tree = ast.parse(path.read_text())
        rules = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        of_module = " ".join(declared_by(one) for one in rules)
        for rule in rules:
            declared = of_module if rule.name.startswith("_") else declared_by(rule)
            raised = {kind for kind in raised_by(rule) if kind in kinds and not re.search(rf"\b{kind}\b", declared)}
            silent += [f"{path.stem}.{rule.name}: {kind}" for kind in sorted(raised)]
    assert not silent


def declared_by(rule: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return " ".join(text for text in map(ast.unparse, rule.decorator_list) if text.startswith("refuses("))


def raised_by(rule: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """The kinds of which it raises a new refusal: `raise RefusalError(NotFound(…))`."""
    for one in ast.walk(rule):
        match one:
            case ast.Raise(exc=ast.Call(func=ast.Name(id="RefusalError"), args=[ast.Call(func=ast.Name(id=kind))])):
                yield kind


def test_a_verdict_is_given_back_and_a_refusal_is_raised() -> None:
    refusal = InvalidValue("name", "", "")
    assert errors.accepted("done") == "done"
    with pytest.raises(RefusalError) as raised:
        errors.accepted(refusal)
    assert raised.value.refusal is refusal
