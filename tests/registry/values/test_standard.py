from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import strategies as st

from app.errors import InvalidValue
from app.models.enums import Direction, RegistrantStatus
from app.registry.values import standard
from tests.examples import given

R = RegistrantStatus


def test_the_columns_have_the_standards_names_in_its_order() -> None:
    assert standard.COLUMNS == (
        "data_nik",
        "data_pemesan",
        "rute_perjalanan",
        "keberangkatan_terminal",
        "tujuan_terminal",
        "kota_keberangkatan",
        "kota_tujuan",
        "tipe_keberangkatan",
        "tanggal_pendaftaran",
        "status_pemesanan_tittle",
        "status_pemesanan_code",
        "source",
    )


TITLES = [
    (1, "Terdaftar", R.REGISTERED),
    (2, "Terverifikasi pendaftaran", R.VERIFIED),
    (3, "Terverifikasi keberangkatan", R.DEPARTED),
    (4, "Gugur", R.FORFEITED),
    (5, "Batal", R.CANCELLED),
    (6, "Tidak hadir", R.NO_SHOW),
]


@pytest.mark.parametrize(("code", "title", "status"), TITLES)
def test_codes_and_titles_are_those_of_the_standard_and_its_extension(code: int, title: str, status: R) -> None:
    assert standard.STATUS_CODES[status] == code
    assert standard.title(status) == title
    for given_code in (code, str(code), f" {code} ", f"{code}.0", float(code)):
        assert standard.status_of(given_code, None) is status  # type: ignore[arg-type]
        assert standard.status_of(given_code, "  ") is status  # type: ignore[arg-type]
    for given_title in (title, title.upper(), title.lower(), f" {title} ", title.replace(" ", "  ")):
        assert standard.status_of(None, given_title) is status
        assert standard.status_of("", given_title) is status
        assert standard.status_of(code, given_title) is status


KNOWN = "Terdaftar, Terverifikasi pendaftaran, Terverifikasi keberangkatan, Gugur, Batal, Tidak hadir"


def test_every_status_has_one() -> None:
    assert set(standard.STATUS_CODES) == set(standard.STATUS_TITLES) == set(R)


@pytest.mark.parametrize(
    ("code", "title", "field", "indonesian", "english"),
    [
        (
            2,
            "Terdaftar",
            "status_pemesanan_code",
            "Kode dan judul status tidak cocok: kode 2 adalah Terverifikasi pendaftaran.",
            "The status code and title disagree: code 2 is Terverifikasi pendaftaran.",
        ),
        (
            None,
            None,
            "status_pemesanan_code",
            "Kode atau judul status wajib diisi.",
            "A status code or title is required.",
        ),
        (
            "",
            " ",
            "status_pemesanan_code",
            "Kode atau judul status wajib diisi.",
            "A status code or title is required.",
        ),
        *(
            (
                wrong,
                "Terdaftar",
                "status_pemesanan_code",
                "Kode status harus 1 sampai 6.",
                "The status code must be 1 to 6.",
            )
            for wrong in (0, 7, -1, "01", "12", "1.5", "satu", "１", "²")
        ),
        *(
            (
                1,
                wrong,
                "status_pemesanan_tittle",
                f"Judul status harus salah satu dari: {KNOWN}.",
                f"The status title must be one of: {KNOWN}.",
            )
            for wrong in ("Terverifikasi", "terdaftarkan", "REGISTERED")
        ),
    ],
)
def test_a_status_that_is_none_is_refused(
    code: int | str | None, title: str | None, field: str, indonesian: str, english: str
) -> None:
    answer = standard.status_of(code, title)
    assert isinstance(answer, InvalidValue)
    assert (answer.field, answer.message(), answer.message("en")) == (field, indonesian, english)


@pytest.mark.parametrize(
    ("title", "direction"),
    [
        ("Arus mudik", Direction.MUDIK),
        ("ARUS MUDIK", Direction.MUDIK),
        (" arus  Mudik ", Direction.MUDIK),
        ("Arus balik", Direction.BALIK),
        ("arus Balik", Direction.BALIK),
    ],
)
def test_directions_in_any_letter_case(title: str, direction: Direction) -> None:
    assert standard.direction_of(title) is direction


@pytest.mark.parametrize("title", [None, "", "mudik", "arusmudik", "pulang"])
def test_another_direction_is_refused(title: str | None) -> None:
    answer = standard.direction_of(title)
    assert isinstance(answer, InvalidValue)
    assert (answer.field, answer.message(), answer.message("en")) == (
        "tipe_keberangkatan",
        "Tipe keberangkatan harus Arus mudik / Arus balik.",
        "The departure type must be Arus mudik / Arus balik.",
    )


MIDNIGHT = datetime(2024, 3, 5, 17, tzinfo=UTC)
"""The start of 6 March 2024 in Jakarta."""
NOON = datetime(2024, 3, 6, 5, 0, 1, tzinfo=UTC)
"""12:00:01 WIB of that day."""


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-03-06", MIDNIGHT),
        (" 2024-3-6 ", MIDNIGHT),
        ("06/03/2024", MIDNIGHT),
        ("6/3/2024", MIDNIGHT),
        ("06-03-2024", MIDNIGHT),
        ("06.03.2024", MIDNIGHT),
        ("6 Maret 2024", MIDNIGHT),
        ("Rabu, 6 Maret 2024", MIDNIGHT),
        ("06-Mar-2024", MIDNIGHT),
        ("06 Mar 2024 WIB", MIDNIGHT),
        ("2024-03-06 wita", MIDNIGHT - timedelta(hours=1)),
        ("2024-03-06T12:00:01", NOON),
        ("2024-03-06 12:00:01", NOON),
        ("2024-03-06t12:00:01+07:00", NOON),
        ("2024-03-06T05:00:01Z", NOON),
        ("2024-03-06T05:00:01.000Z", NOON),
        ("2024-03-06 05:00:01+00", NOON),
        ("2024-03-06 05:00:01 +0000", NOON),
        ("2024-03-05T22:00:01-0700", NOON),
        ("2024-03-06T12:00:01.250", NOON + timedelta(milliseconds=250)),
        ("2024-03-06T12:00:01,1234567", NOON + timedelta(microseconds=123456)),
        ("06 Mar 2024 12:00:01 WIB", NOON),
        ("06 MARET 2024 12:00:01 wib", NOON),
        ("06 Mar 2024 13:00:01 WITA", NOON),
        ("06 Mar 2024 14:00:01 WIT", NOON),
        ("06 Mar 2024 05:00:01 UTC", NOON),
        ("06 Mar 2024 05:00:01 GMT", NOON),
        ("06 Mar 2024, 12:00:01", NOON),
        ("06 Mar. 2024 12.00.01", NOON),
        ("6 Maret 2024 pukul 12.00.01 WIB", NOON),
        ("06/03/2024 12:00", NOON - timedelta(seconds=1)),
        ("Rabu 6 Maret 2024 Pukul 12.00 WIB", NOON - timedelta(seconds=1)),
    ],
)
def test_every_way_to_write_an_instant(text: str, instant: datetime) -> None:
    found = standard.parse_instant(text)
    assert found == instant
    assert isinstance(found, datetime)
    assert found.tzinfo is UTC


MONTHS = (
    "Januari January Jan|Februari February Pebruari Feb Peb|Maret March Mar Mrt|April Apr|Mei May|Juni June Jun"
    "|Juli July Jul|Agustus August Agt Ags Agu Agus Aug|September Sep Sept|Oktober October Okt Oct"
    "|November Nopember Nov Nop|Desember December Des Dec"
)


@pytest.mark.parametrize(
    ("name", "month"),
    [(name, number) for number, names in enumerate(MONTHS.split("|"), start=1) for name in names.split()],
)
def test_every_name_of_a_month(name: str, month: int) -> None:
    noon = datetime(2024, month, 6, 5, tzinfo=UTC)
    for written in (name, name.upper(), name.lower()):
        assert standard.parse_instant(f"06 {written} 2024 12:00 WIB") == noon


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30",
        "2023-02-29",
        "31/04/2024",
        "06/13/2024",
        "00/03/2024",
        "6 Smarch 2024",
        "2024-03-06 24:00:00",
        "2024-03-06 12:60",
        "2024-03-06 12:00:60",
        "0000-03-06",
        "2024-03-06T12:00:01+24:00",
        "2024-03-06T12:00:01+07:00 WIB",
        "0001-01-01",
    ],
)
def test_a_date_that_does_not_exist_is_refused(text: str) -> None:
    answer = standard.parse_instant(text)
    assert isinstance(answer, InvalidValue)
    assert (answer.field, answer.message(), answer.message("en")) == (
        "tanggal_pendaftaran",
        "Tanggal atau jam itu tidak ada; periksa penulisannya.",
        "There is no such date or time; check it.",
    )


@pytest.mark.parametrize("text", ["1899-12-31", "31/12/2200", "9999-12-31 23:59"])
def test_a_year_that_is_out_of_range_is_refused(text: str) -> None:
    answer = standard.parse_instant(text)
    assert isinstance(answer, InvalidValue)
    assert (answer.message(), answer.message("en")) == (
        "Tahun harus 1900 sampai 2199.",
        "The year must be 1900 to 2199.",
    )


@pytest.mark.parametrize(
    "text",
    ["", " ", "kemarin", "06/03/24", "20240306", "45357", "45357.5", "2024/03/06", "06 2024 Maret", "2024-03-06 12",
     "06/03/2024 02:15 PM", "２０２４-03-06", "2024-03-06T12:00+07:60", "2024-03-06 EST", "06 03 2024"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    answer = standard.parse_instant(text, "registeredAt")
    assert isinstance(answer, InvalidValue)
    assert (answer.field, answer.message(), answer.message("en")) == (
        "registeredAt",
        "Tanggal tidak dikenali; tulis misalnya 2024-03-06, 06/03/2024 atau 06 Mar 2024 12:00:01 WIB.",
        "Not a date that we know; write 2024-03-06, 06/03/2024 or 06 Mar 2024 12:00:01 WIB, for instance.",
    )


zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=zones)  # noqa: DTZ001 - zones are drawn apart


@given(instants)
def test_iso_date_times_come_back(instant: datetime) -> None:
    assert standard.parse_instant(instant.isoformat()) == instant


@given(instants, st.sampled_from([("WIB", 7), ("WITA", 8), ("WIT", 9), ("", 7)]), st.data())
def test_indonesian_date_times_come_back(instant: datetime, zone: tuple[str, int], data: st.DataObject) -> None:
    name, hours = zone
    local = instant.astimezone(timezone(timedelta(hours=hours))).replace(microsecond=0)
    month = data.draw(st.sampled_from(MONTHS.split("|")[local.month - 1].split()))
    assert standard.parse_instant(f"{local.day} {month} {local.year} {local:%H:%M:%S} {name}") == local
    assert standard.parse_instant(f"{local:%d/%m/%Y %H:%M:%S} {name}") == local


@given(st.text(max_size=60))
def test_any_text_is_answered(text: str) -> None:
    assert isinstance(standard.parse_instant(text), datetime | InvalidValue)


def test_months_of_one_name_are_of_one_number() -> None:
    starts = [standard.parse_instant(f"1 {names.split()[0]} 2024") for names in MONTHS.split("|")]
    assert all(earlier < later for earlier, later in pairwise(starts))  # type: ignore[operator]
