"""The ministry's data standard: its 12 columns, statuses by code and title, directions, and the dates people write.

A date without a zone is WIB. Codes 4 to 6 are our extension: accepted on input, emitted only when asked for.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from app import language
from app.clock import WIB
from app.errors import InvalidValue, refuses
from app.models.enums import Direction, Mode, RegistrantStatus
from app.registry.values import calendar, particulars

COLUMNS = (
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
_FIRST_EXTENSIONS = ("kode_booking", "nomor_polisi", "nomor_stnk", "jenis_dokumen", "waktu_keberangkatan", "moda")
_LATER_EXTENSIONS = ("waktu_verifikasi",)
EXTENSIONS = tuple(dict.fromkeys((*_FIRST_EXTENSIONS, *particulars.COLUMNS, *_LATER_EXTENSIONS)))
ALL_COLUMNS = (*COLUMNS, *EXTENSIONS)
STATUSES = (RegistrantStatus.REGISTERED, RegistrantStatus.VERIFIED, RegistrantStatus.DEPARTED)
"""The ministry's own. Codes 4 to 6 are our extension: told only to who asks for them, not offered in the template."""
"""Ours, beside the twelve: taken where they are given. A new one comes last, so that no column of an export moves."""

STATUS_CODES = {
    RegistrantStatus.REGISTERED: 1,
    RegistrantStatus.VERIFIED: 2,
    RegistrantStatus.DEPARTED: 3,
    RegistrantStatus.FORFEITED: 4,
    RegistrantStatus.CANCELLED: 5,
    RegistrantStatus.NO_SHOW: 6,
}
VERSION = "2024-03"
"""The version of the ministry's data standard (integration scheme of March 2024): its 12 columns and three statuses."""
STATUS_TITLES = {status: language.STATUSES["id"][status] for status in RegistrantStatus}
DIRECTION_TITLES = {Direction.MUDIK: "Arus mudik", Direction.BALIK: "Arus balik"}
MODE_TITLES = {Mode.BUS: "Bus", Mode.TRAIN: "Kereta api", Mode.SHIP: "Kapal", Mode.TRUCK: "Truk"}
"""The titles in `moda`, a column that we added to the standard."""

_STATUS_OF_CODE = {code: status for status, code in STATUS_CODES.items()}
_STATUS_OF_TITLE = {title.casefold(): status for status, title in STATUS_TITLES.items()}
_DIRECTION_OF_TITLE = {title.casefold(): direction for direction, title in DIRECTION_TITLES.items()}
_MODE_OF_TITLE = {
    **{title.casefold(): mode for mode, title in MODE_TITLES.items()},
    **{mode.casefold(): mode for mode in Mode},
    "bis": Mode.BUS,
    "kereta": Mode.TRAIN,
    "kapal laut": Mode.SHIP,
}


def title(status: RegistrantStatus) -> str:
    return STATUS_TITLES[status]


@refuses(InvalidValue)
def status_of(code: int | str | None, title: str | None) -> RegistrantStatus | InvalidValue:
    """Either is enough; given both, they must agree."""
    by_code = status_of_code(code)
    by_title = status_of_title(title)
    if isinstance(by_code, InvalidValue):
        return by_code
    if isinstance(by_title, InvalidValue):
        return by_title
    if by_code and by_title and by_code is not by_title:
        return InvalidValue(
            "status_pemesanan_code",
            f"Kode dan judul status tidak cocok: kode {STATUS_CODES[by_code]} adalah {STATUS_TITLES[by_code]}.",
            f"The status code and title disagree: code {STATUS_CODES[by_code]} is {STATUS_TITLES[by_code]}.",
        )
    return (
        by_code
        or by_title
        or InvalidValue(
            "status_pemesanan_code", "Kode atau judul status wajib diisi.", "A status code or title is required."
        )
    )


@refuses(InvalidValue)
def status_of_code(code: int | str | None) -> RegistrantStatus | InvalidValue | None:
    """`2`, `"2"` and a spreadsheet's `2.0` are the same code."""
    text = "" if code is None else str(code).strip().removesuffix(".0")
    if not text:
        return None
    found = _STATUS_OF_CODE.get(int(text)) if text.isascii() and text.isdigit() and len(text) == 1 else None
    return found or InvalidValue(
        "status_pemesanan_code",
        "Kode status harus 1 sampai 6.",
        "The status code must be 1 to 6.",
    )


@refuses(InvalidValue)
def status_of_title(title: str | None) -> RegistrantStatus | InvalidValue | None:
    text = folded(title or "")
    if not text:
        return None
    known = ", ".join(STATUS_TITLES.values())
    return _STATUS_OF_TITLE.get(text) or InvalidValue(
        "status_pemesanan_tittle",
        f"Judul status harus salah satu dari: {known}.",
        f"The status title must be one of: {known}.",
    )


@refuses(InvalidValue)
def direction_of(title: str | None) -> Direction | InvalidValue:
    known = " / ".join(DIRECTION_TITLES.values())
    return _DIRECTION_OF_TITLE.get(folded(title or "")) or InvalidValue(
        "tipe_keberangkatan",
        f"Tipe keberangkatan harus {known}.",
        f"The departure type must be {known}.",
    )


@refuses(InvalidValue)
def mode_of(title: str) -> Mode | InvalidValue:
    known = ", ".join(MODE_TITLES.values())
    return _MODE_OF_TITLE.get(folded(title)) or InvalidValue(
        "moda", f"Moda harus salah satu dari: {known}.", f"The mode must be one of: {known}."
    )


def folded(text: str) -> str:
    """The text in small letters, with single blanks."""
    return " ".join(text.casefold().split())


_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januari january jan",
            "februari february pebruari feb peb",
            "maret march mar mrt",
            "april apr",
            "mei may",
            "juni june jun",
            "juli july jul",
            "agustus august agt ags agu agus aug",
            "september sep sept",
            "oktober october okt oct",
            "november nopember nov nop",
            "desember december des dec",
        ),
        start=1,
    )
    for name in names.split()
}
_ZONES = {
    "wib": WIB,
    "wita": timezone(timedelta(hours=8)),
    "wit": timezone(timedelta(hours=9)),
    "utc": UTC,
    "gmt": UTC,
}
_DAY_NAME = r"(?:(?:senin|selasa|rabu|kamis|jumat|jum'at|sabtu|minggu|ahad)\s*,?\s*)?"
_CLOCK = r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
_OFFSET = r"(?:\s*(?P<offset>z|[+-]\d{2}(?::?[0-5]\d)?))?"
_TIME = rf"(?:(?:[t ,]|\s*pukul)\s*{_CLOCK}{_OFFSET})?(?:\s*(?P<zone>wib|wita|wit|utc|gmt))?"
_SHAPES = tuple(
    re.compile(_DAY_NAME + day + _TIME, re.ASCII)
    for day in (
        r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})",
        r"(?P<day>\d{1,2})[ -](?P<month>[a-z]+)\.?[ -](?P<year>\d{4})",
    )
)


class RowMoment(NamedTuple):
    """An instant, or a day without a time: the standard's own column is a date."""

    at: datetime
    """Of a day, its midnight in Jakarta."""
    is_day: bool

    def not_before(self, instant: datetime) -> datetime:
        """A day may have begun before an instant that lies in the day."""
        return max(self.at, instant) if self.is_day else self.at


@refuses(InvalidValue)
def parse_instant(text: str, field: str = "tanggal_pendaftaran") -> datetime | InvalidValue:
    """The instant in UTC. `06/03/2024` is the 6th of March; a day without a time is its midnight in Jakarta."""
    moment = parse_moment(text, field)
    return moment.at if isinstance(moment, RowMoment) else moment


@refuses(InvalidValue)
def parse_moment(text: str, field: str = "tanggal_pendaftaran") -> RowMoment | InvalidValue:
    """The same, and whether it is a day without a time."""
    written = folded(text)
    for shape in _SHAPES:
        if match := shape.fullmatch(written):
            at = _bounded(_instant(match.groupdict()), field)
            return at if isinstance(at, InvalidValue) else RowMoment(at, is_day=match["hour"] is None)
    return InvalidValue(
        field,
        "Tanggal tidak dikenali; tulis misalnya 2024-03-06, 06/03/2024 atau 06 Mar 2024 12:00:01 WIB.",
        "Not a date that we know; write 2024-03-06, 06/03/2024 or 06 Mar 2024 12:00:01 WIB, for instance.",
    )


def written(instant: datetime) -> str:
    """The instant written in WIB. `parse_instant` reads it back to the same microsecond."""
    return f"{instant.astimezone(WIB).replace(tzinfo=None).isoformat(sep=' ')} WIB"


def _bounded(instant: datetime | None, field: str) -> datetime | InvalidValue:
    if instant is None:
        return InvalidValue(
            field, "Tanggal atau jam itu tidak ada; periksa penulisannya.", "There is no such date or time; check it."
        )
    first, last = calendar.FIRST_YEAR, calendar.LAST_YEAR
    if not first <= instant.year <= last:
        return InvalidValue(field, f"Tahun harus {first} sampai {last}.", f"The year must be {first} to {last}.")
    return instant


def _instant(parts: dict[str, str | None]) -> datetime | None:
    month = parts["month"] or ""
    fraction = (parts["fraction"] or "")[:6].ljust(6, "0")
    try:
        return datetime(
            int(parts["year"] or 0),
            int(month) if month.isdigit() else _MONTHS.get(month, 0),
            int(parts["day"] or 0),
            int(parts["hour"] or 0),
            int(parts["minute"] or 0),
            int(parts["second"] or 0),
            int(fraction),
            tzinfo=_zone(parts["offset"], parts["zone"]),
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(offset: str | None, name: str | None) -> timezone:
    """Raises ValueError for an offset of a day or more, and for an offset and a name at once."""
    if offset is None:
        return _ZONES[name or "wib"]
    if name is not None:
        raise ValueError
    if offset == "z":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-away if offset[0] == "-" else away)
