"""NIK: 16 digits `PPKKCC DDMMYY SSSS`: region, birth date (women: day + 40), serial.

What cannot be a NIK is refused; a regency or district that the region table does not know is a warning, since tables
age. No reason repeats what was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from app import clock
from app.errors import Language, NikInvalid, refuses
from app.registry.values.regions import regions
from app.registry.values.trial import trial

DIGITS = 16
LONGEST_WRITTEN = 200
"""In characters. A longer text is not searched for 16 digits between blanks, dots and dashes."""
ADDED_FOR_WOMEN = 40
"""Added to the day of birth of a woman."""

# Dashes include those that word processors put in for a hyphen; blanks are all of Unicode's.
_BLANKS_DOTS_DASHES = re.compile(r"[\s.\-\u2010-\u2015\u2212]+")
_APOSTROPHES = "'\u2018\u2019`"
_WRITTEN_IN_TEXT = re.compile(r"\d(?:[ .\-]?\d){15}")
# 3.20101E+15 · 3201010101909000.0 · 3.201.010.101.909.000
_SPREADSHEET_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?[eE][+-]?\d+|\d{13,}[.,]\d{1,2}|\d([.,]\d{3}){5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001 - the contract's word
    """Something that is worth a second look. It refuses nothing."""

    code: str
    indonesian: str
    english: str

    def message(self, language: Language = "id") -> str:
        return self.english if language == "en" else self.indonesian


@dataclass(frozen=True, slots=True, repr=False)
class Nik:
    digits: str
    born_on: date
    female: bool
    warnings: tuple[Warning, ...] = ()

    def __repr__(self) -> str:
        return f"Nik(************{self.digits[-4:]})"

    __str__ = __repr__


REGENCY_UNKNOWN = Warning(
    "REGENCY_UNKNOWN",
    "Kode kabupaten/kota pada NIK tidak dikenal; periksa kembali.",
    "The regency code of the NIK is not known; please check it.",
)
DISTRICT_UNKNOWN = Warning(
    "DISTRICT_UNKNOWN",
    "Kode kecamatan pada NIK tidak dikenal; periksa kembali.",
    "The district code of the NIK is not known; please check it.",
)


@refuses(NikInvalid)
def parse(text: str | float, today: date | None = None) -> Nik | NikInvalid:
    """`today` decides the century of birth; it is the day in Jakarta unless given."""
    digits = sixteen_digits(text)
    if isinstance(digits, NikInvalid):
        return digits
    if digits[:2] not in regions().provinces:
        return NikInvalid(
            "dua angka pertama bukan kode provinsi; periksa pada KTP atau KK",
            "the first two digits are no province code; check the identity document",
        )
    day = int(digits[6:8])
    female = day > ADDED_FOR_WOMEN
    if female:
        day -= ADDED_FOR_WOMEN
    if not 1 <= day <= 31:
        return NikInvalid(
            "tanggal lahir harus 01–31 atau 41–71; periksa pada KTP atau KK",
            "the day of birth must be 01–31 or 41–71; check the identity document",
        )
    born_on = birth_date(int(digits[10:12]), int(digits[8:10]), day, today or clock.wib_day(clock.now()))
    if born_on is None:
        return NikInvalid(
            "tanggal lahir itu tidak ada; periksa pada KTP atau KK",
            "there is no such date of birth; check the identity document",
        )
    if digits[12:] == "0000":
        return NikInvalid(
            "nomor urutnya 0000; periksa pada KTP atau KK", "its serial number is 0000; check the identity document"
        )
    return trial.get().refuse(digits) or Nik(digits, born_on, female, region_warnings(digits))


def is_written_in(text: str) -> bool:
    """Whether free text has something like a NIK in it, which belongs nowhere but in a NIK's own field."""
    return _WRITTEN_IN_TEXT.search(text) is not None


@refuses(NikInvalid)
def sixteen_digits(text: object) -> str | NikInvalid:
    """Trims blanks, dots, dashes, a leading apostrophe or TAB."""
    if not isinstance(text, str):
        is_number = isinstance(text, int | float) and not isinstance(text, bool)
        return came_as_a_number() if is_number else not_16_digits()
    if len(text) == DIGITS and text.isascii() and text.isdigit():
        return text
    if len(text) > LONGEST_WRITTEN:
        return not_16_digits()
    bare = text.strip().lstrip(_APOSTROPHES).strip()
    if _SPREADSHEET_NUMBER.fullmatch(bare):
        return lost_in_a_spreadsheet()
    digits = _BLANKS_DOTS_DASHES.sub("", bare)
    if not digits.isascii() and any(sign.isdigit() and not sign.isascii() for sign in digits):
        return NikInvalid("angkanya harus 0–9 biasa; ketik ulang", "its digits must be plain 0–9; type it anew")
    return digits if len(digits) == DIGITS and digits.isascii() and digits.isdigit() else not_16_digits()


def not_16_digits() -> NikInvalid:
    return NikInvalid("harus 16 angka, seperti pada KTP atau KK", "it must have 16 digits, as on the identity document")


def came_as_a_number() -> NikInvalid:
    """The refusal of a NIK that is a number in JSON. Many programs keep only 15 digits of a number."""
    return NikInvalid(
        "dikirim sebagai bilangan, yang dapat kehilangan angka terakhirnya; kirim sebagai teks dalam tanda kutip",
        "it came as a number, which may have lost its last digits; send it as text, in quotation marks",
    )


def lost_in_a_spreadsheet() -> NikInvalid:
    return NikInvalid(
        "lembar kerja telah mengubahnya menjadi bilangan sehingga angka terakhirnya hilang;"
        " format kolomnya sebagai teks lalu isi ulang",
        "a spreadsheet turned it into a number and its last digits are lost;"
        " format the column as text and enter it again",
    )


def birth_date(year: int, month: int, day: int, today: date) -> date | None:
    """The latest day with these two digits of the year that exists and is not in the future. So nobody is over 120."""
    for century in (2000, 1900):
        try:
            born_on = date(century + year, month, day)
        except ValueError:
            continue
        if born_on <= today:
            return born_on
    return None


def region_warnings(digits: str) -> tuple[Warning, ...]:
    if digits[:6] in regions().districts:
        return ()
    return (DISTRICT_UNKNOWN,) if digits[:4] in regions().regencies else (REGENCY_UNKNOWN,)
