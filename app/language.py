"""In which language an answer is worded: the one that its client prefers (RFC 9110 §12.5.4). And what values are called
in it when they are told to people: statuses, directions, days, instants.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Literal, get_args

from app.clock import WIB

Language = Literal["id", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_MONTHS: Mapping[Language, str] = {
    "id": "Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember",
    "en": "January February March April May June July August September October November December",
}
DIRECTIONS: Mapping[Language, Mapping[str, str]] = {
    "id": {"MUDIK": "arus mudik", "BALIK": "arus balik"},
    "en": {"MUDIK": "trip home", "BALIK": "trip back"},
}
SERVICES: Mapping[Language, Mapping[str, str]] = {
    "id": {"PASSENGER": "penumpang", "MOTORCYCLE": "sepeda motor"},
    "en": {"PASSENGER": "passenger", "MOTORCYCLE": "motorcycle"},
}
STATUSES: Mapping[Language, Mapping[str, str]] = {
    "id": {
        "REGISTERED": "Terdaftar",
        "VERIFIED": "Terverifikasi pendaftaran",
        "DEPARTED": "Terverifikasi keberangkatan",
        "FORFEITED": "Gugur",
        "CANCELLED": "Batal",
        "NO_SHOW": "Tidak hadir",
    },
    "en": {
        "REGISTERED": "REGISTERED",
        "VERIFIED": "VERIFIED",
        "DEPARTED": "DEPARTED",
        "FORFEITED": "FORFEITED",
        "CANCELLED": "CANCELLED",
        "NO_SHOW": "NO_SHOW",
    },
}
"""In Indonesian the titles of the standard, in English the names of the schema."""
_REGISTRANT, _ORGANIZER = ("Pendaftar", "The registrant"), ("Penyelenggara", "The organizer")
_CLIENT, _TERMINAL = ("Klien", "The client"), ("Terminal", "The terminal")
_WINDOW = ("Jadwal yang berlaku", "The window in force")
THINGS: Mapping[str, tuple[str, str]] = {
    "ref": _REGISTRANT,
    "nik": _REGISTRANT,
    "reference": ("Booking", "The booking"),
    "only": ("Pendaftar dalam booking ini", "A registrant of this booking"),
    "season": ("Periode", "The season"),
    "openSeason": ("Periode yang sedang dibuka", "An open season"),
    "organizer": _ORGANIZER,
    "code": _ORGANIZER,
    "coordinator": ("Koordinator", "The coordinator"),
    "window": _WINDOW,
    "amends": _WINDOW,
    "release": ("Tambahan kuota", "The release"),
    "hold": ("Penahanan kursi", "The hold of seats"),
    "provisional": _TERMINAL,
    "into": _TERMINAL,
    "client": _CLIENT,
    "clientId": _CLIENT,
    "staff": ("Orang ini dalam daftar petugas", "Such a person in the list of staff"),
    "case": ("Kasus", "The case"),
    "block": ("Blokir NIK yang berlaku", "A block of the NIK"),
    "import": ("Impor", "The import"),
    "result": ("Berkas hasil", "The result file"),
    "webhook": ("Webhook", "The webhook"),
    "delivery": ("Kiriman", "The delivery"),
}
"""What can be not found, by the field that named it or by what it is: in Indonesian and in English."""


@lru_cache(maxsize=256)
def language_of(accept_language: str) -> Language:
    """The language that the header wants most, of those that we have. Without one of ours it is Indonesian."""
    best: tuple[float, Language] = (0.0, "id")
    for choice in accept_language.split(","):
        tag, _, weight = choice.strip().lower().partition(";")
        quality = _quality(weight)
        for language in LANGUAGES:
            if tag.partition("-")[0].strip() == language and quality > best[0]:
                best = (quality, language)
    return best[1]


def _quality(weight: str) -> float:
    name, _, value = weight.partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


def thing(name: str, language: Language) -> str:
    return THINGS[name][1 if language == "en" else 0]


def number(value: int, language: Language) -> str:
    """`100.000`, `100,000`."""
    return f"{value:,}" if language == "en" else f"{value:,}".replace(",", ".")


def day(at: date, language: Language) -> str:
    """`26 November 2026`."""
    return f"{at.day} {_MONTHS[language].split()[at.month - 1]} {at.year}"


def instant(at: datetime, language: Language) -> str:
    """`26 November 2026 pukul 08.00 WIB`, `26 November 2026 at 08:00 WIB`."""
    local = at.astimezone(WIB)
    hour = f"at {local:%H:%M}" if language == "en" else f"pukul {local:%H.%M}"
    return f"{day(local, language)} {hour} WIB"


def told(fact: object, language: Language) -> object:
    """A fact as a message tells it: an instant in words."""
    return instant(fact, language) if isinstance(fact, datetime) else fact
