from dataclasses import asdict
from datetime import date, timedelta

import pytest
from hypothesis import strategies as st

from app import clock
from app.errors import NikInvalid
from app.registry.values import nik
from app.registry.values.nik import DISTRICT_UNKNOWN, REGENCY_UNKNOWN, Nik
from app.registry.values.regions import regions
from tests.examples import given
from tests.growth import assert_linear

TODAY = date(2026, 3, 2)
GOOD = "3201010101909001"

NOT_16 = "NIK tidak sah: harus 16 angka, seperti pada KTP atau KK."
PROVINCE = "NIK tidak sah: dua angka pertama bukan kode provinsi; periksa pada KTP atau KK."
DAY = "NIK tidak sah: tanggal lahir harus 01–31 atau 41–71; periksa pada KTP atau KK."
NO_SUCH_DATE = "NIK tidak sah: tanggal lahir itu tidak ada; periksa pada KTP atau KK."
SERIAL = "NIK tidak sah: nomor urutnya 0000; periksa pada KTP atau KK."
DIGITS = "NIK tidak sah: angkanya harus 0–9 biasa; ketik ulang."
SPREADSHEET = (
    "NIK tidak sah: lembar kerja telah mengubahnya menjadi bilangan sehingga angka terakhirnya hilang;"
    " format kolomnya sebagai teks lalu isi ulang."
)
AS_A_NUMBER = (
    "NIK tidak sah: dikirim sebagai bilangan, yang dapat kehilangan angka terakhirnya; kirim sebagai teks dalam tanda"
    " kutip."
)
SPREADSHEET_ENGLISH = (
    "The NIK is not valid: a spreadsheet turned it into a number and its last digits are lost;"
    " format the column as text and enter it again."
)


def refused(text: object) -> str:
    answer = nik.parse(text, TODAY)  # type: ignore[arg-type]
    assert isinstance(answer, NikInvalid)
    assert answer.field == "nik"
    return answer.message()


def accepted(text: str, today: date = TODAY) -> Nik:
    answer = nik.parse(text, today)
    assert isinstance(answer, Nik)
    return answer


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f" {GOOD} ",
        f"\t{GOOD}",
        f"{GOOD}\r\n",
        f"'{GOOD}",
        f" '{GOOD}",
        f"’{GOOD}",
        f"'\t{GOOD}",
        "3201 0101 0190 9001",
        "3201\u00a00101\u00a00190\u00a09001",
        "32.01.01.010190.9001",
        "320101-010190-9001",
        "320101–010190–9001",
        "32.0101 010190-9001",
    ],
)
def test_what_people_write_around_the_digits_is_trimmed(text: str) -> None:
    found = accepted(text)
    assert (found.digits, found.born_on, found.female, found.warnings) == (GOOD, date(1990, 1, 1), False, ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", NOT_16),
        ("   ", NOT_16),
        ("320101010190900", NOT_16),
        ("32010101019090011", NOT_16),
        ("32010101O1909001", NOT_16),
        ("3201010101909001A", NOT_16),
        ("3201'010101909001", NOT_16),
        ("3201_010101909001", NOT_16),
        ("-+3201010101909001", NOT_16),
        (None, NOT_16),
        (b"3201010101909001", NOT_16),
        (["3201010101909001"], NOT_16),
        ("３２０１０１０１０１９０９００１", DIGITS),
        ("320101010190900１", DIGITS),
        ("٣٢٠١٠١٠١٠١٩٠٩٠٠١", DIGITS),
        ("320101010190900²", DIGITS),
        ("3.20101E+15", SPREADSHEET),
        ("3,20101E+15", SPREADSHEET),
        ("3.2010101019e15", SPREADSHEET),
        ("3E15", SPREADSHEET),
        ("3201010101909001.0", SPREADSHEET),
        ("320101010190900.0", SPREADSHEET),
        ("3201010101909000,00", SPREADSHEET),
        ("3.201.010.101.909.000", SPREADSHEET),
        ("3,201,010,101,909,000", SPREADSHEET),
        ("'3.20101E+15", SPREADSHEET),
        (3201010101909000.0, AS_A_NUMBER),
        (3201010101909001, AS_A_NUMBER),
        ("0001010101909001", PROVINCE),
        ("2001010101909001", PROVINCE),
        ("3901010101909001", PROVINCE),
        ("9701010101909001", PROVINCE),
        ("9901010101909001", PROVINCE),
        ("3201010001909001", DAY),
        ("3201013201909001", DAY),
        ("3201014001909001", DAY),
        ("3201017201909001", DAY),
        ("3201018101909001", DAY),
        ("3201019901909001", DAY),
        ("3201010100909001", NO_SUCH_DATE),
        ("3201010113909001", NO_SUCH_DATE),
        ("3201013104909001", NO_SUCH_DATE),
        ("3201013002009001", NO_SUCH_DATE),
        ("3201012902909001", NO_SUCH_DATE),
        ("3201016902909001", NO_SUCH_DATE),
        ("3201017104909001", NO_SUCH_DATE),
        ("3201010101900000", SERIAL),
    ],
)
def test_what_cannot_be_a_nik_is_refused_with_its_reason(text: object, reason: str) -> None:
    assert refused(text) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1", "The NIK is not valid: it must have 16 digits, as on the identity document."),
        ("320101010190900１", "The NIK is not valid: its digits must be plain 0–9; type it anew."),
        (
            "3.20101E+15",
            SPREADSHEET_ENGLISH,
        ),
        (
            "9901010101909001",
            "The NIK is not valid: the first two digits are no province code; check the identity document.",
        ),
        (
            "3201014001909001",
            "The NIK is not valid: the day of birth must be 01–31 or 41–71; check the identity document.",
        ),
        ("3201013002009001", "The NIK is not valid: there is no such date of birth; check the identity document."),
        ("3201010101900000", "The NIK is not valid: its serial number is 0000; check the identity document."),
    ],
)
def test_each_reason_is_there_in_english(text: str, reason: str) -> None:
    answer = nik.parse(text, TODAY)
    assert isinstance(answer, NikInvalid)
    assert answer.message("en") == reason


@pytest.mark.parametrize(
    ("date_digits", "born_on", "female"),
    [
        ("310190", date(1990, 1, 31), False),
        ("410190", date(1990, 1, 1), True),
        ("710190", date(1990, 1, 31), True),
        ("170845", date(1945, 8, 17), False),
        ("020326", date(2026, 3, 2), False),
        ("030326", date(1926, 3, 3), False),
        ("430326", date(1926, 3, 3), True),
        ("010124", date(2024, 1, 1), False),
        ("010100", date(2000, 1, 1), False),
        ("290200", date(2000, 2, 29), False),
        ("690200", date(2000, 2, 29), True),
        ("290224", date(2024, 2, 29), False),
        ("290228", date(1928, 2, 29), False),
    ],
)
def test_the_century_is_the_latest_that_is_not_in_the_future(date_digits: str, born_on: date, female: bool) -> None:
    found = accepted(f"320101{date_digits}9001")
    assert (found.born_on, found.female) == (born_on, female)


def test_without_a_day_given_it_is_today_in_jakarta() -> None:
    tomorrow = clock.wib_day(clock.now()) + timedelta(days=1)
    found = nik.parse(f"320101{tomorrow:%d%m%y}9001")
    assert isinstance(found, Nik)
    assert found.born_on.year == tomorrow.year - 100


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (GOOD, ()),
        ("3201990101909001", (DISTRICT_UNKNOWN,)),
        ("3299010101909001", (REGENCY_UNKNOWN,)),
        ("3299990101909001", (REGENCY_UNKNOWN,)),
        ("5401010101909001", (REGENCY_UNKNOWN,)),
    ],
)
def test_an_unknown_regency_or_district_is_a_warning(text: str, warnings: tuple[nik.Warning, ...]) -> None:
    assert accepted(text).warnings == warnings


def test_warnings_speak_both_languages() -> None:
    assert REGENCY_UNKNOWN.code == "REGENCY_UNKNOWN"
    assert REGENCY_UNKNOWN.message() == "Kode kabupaten/kota pada NIK tidak dikenal; periksa kembali."
    assert DISTRICT_UNKNOWN.message("en") == "The district code of the NIK is not known; please check it."


def test_the_provinces_are_the_38_of_today_and_timor_timur() -> None:
    codes = (
        "11 12 13 14 15 16 17 18 19 21 31 32 33 34 35 36 51 52 53 54 61 62 63 64 65 71 72 73 74 75 76 81 82 91 92 93 94"
        " 95 96"
    )
    assert sorted(regions().provinces) == codes.split()
    assert (len(regions().regencies), len(regions().districts)) == (514, 7277)
    assert {code[:2] for code in regions().regencies} == regions().provinces - {"54"}


def test_every_regency_of_today_is_accepted() -> None:
    unknown = [code for code in regions().regencies if REGENCY_UNKNOWN in accepted(f"{code}010101909001").warnings]
    assert unknown == []


def test_neither_repr_nor_str_shows_more_than_the_serial() -> None:
    found = accepted(GOOD)
    assert (repr(found), str(found), f"{found}") == ("Nik(************9001)",) * 3


born = st.dates(date(1926, 3, 3), TODAY)


@given(
    district=st.sampled_from(sorted(regions().districts)),
    born_on=born,
    female=st.booleans(),
    serial=st.integers(1, 9999),
)
def test_every_person_of_up_to_a_hundred_years_is_accepted(
    district: str, born_on: date, female: bool, serial: int
) -> None:
    day = born_on.day + 40 * female
    digits = f"{district}{day:02}{born_on:%m%y}{serial:04}"
    found = accepted(digits)
    assert (found.digits, found.born_on, found.female, found.warnings) == (digits, born_on, female, ())


@given(st.text(max_size=40))
def test_any_text_is_answered_with_one_of_these_reasons(text: str) -> None:
    answer = nik.parse(text, TODAY)
    reasons = {NOT_16, PROVINCE, DAY, NO_SUCH_DATE, SERIAL, DIGITS, SPREADSHEET}
    assert isinstance(answer, Nik) or answer.message() in reasons


@given(st.from_regex(r"[0-9]{16}", fullmatch=True))
def test_sixteen_digits_are_never_repeated_in_a_refusal(digits: str) -> None:
    answer = nik.parse(digits, TODAY)
    shown = repr(answer) + str(answer)
    if isinstance(answer, NikInvalid):
        shown += answer.message() + answer.message("en") + repr(asdict(answer))
    assert digits[:12] not in shown


def test_a_long_text_is_not_searched_for_digits() -> None:
    assert isinstance(nik.parse(GOOD + " " * (nik.LONGEST_WRITTEN - 16), TODAY), Nik)
    assert refused(GOOD + " " * (nik.LONGEST_WRITTEN - 15)) == NOT_16
    assert_linear(lambda size: lambda: [nik.parse("3 " * size, TODAY) for _ in range(1_000)], 1_000)
