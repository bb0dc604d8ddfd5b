"""The table of test NIKs: what a test registry makes of each. It takes no other NIK, so that nobody tests with people.

Test NIKs are well-formed and belong to nobody: a district where a few people are born a day never gives the serial
9000 (`app.demo.people`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

DISTRICT = "317103"
BORN = "010190"
"""Of those who are in each test registry from the start."""
FIRST_SERIAL, LAST_SERIAL = 9000, 9899
_TEST_NIK = re.compile(
    rf"{DISTRICT}(?:\d{{6}}(?:9[0-8]\d\d|992[1-4])|{BORN}99(?:0[1-9]|1[0-5]))",
    re.ASCII,
)

REGISTERED_ELSEWHERE = tuple(f"{DISTRICT}{BORN}{serial}" for serial in range(9901, 9911))
BLOCKED = tuple(f"{DISTRICT}{BORN}{serial}" for serial in range(9911, 9916))
_FULL, _CLOSED, _SLOW, _AWAY = "9921", "9922", "9923", "9924"
ACCEPTED = "ACCEPTED"
SLOW_SECONDS = 4.0
"""How long a request with a slow NIK waits. Its body has arrived within 10 seconds all the same."""
AWAY_SECONDS = 3
"""How long a test registry cannot answer a request with the NIK of an outage, from the first one on."""


@dataclass(frozen=True, slots=True)
class TestNiks:
    """A row of the table."""

    __test__ = False
    written: str
    """Which NIKs: `DDMMYY` is any date of birth."""
    example: str
    outcome: str
    """The code that is answered, or `ACCEPTED`."""
    indonesian: str
    english: str


TABLE: Sequence[TestNiks] = (
    TestNiks(
        f"{DISTRICT} DDMMYY 9000–9899",
        f"{DISTRICT}{BORN}9001",
        ACCEPTED,
        "Bebas: 900 nomor untuk setiap tanggal lahir (perempuan: tanggal + 40), juga bayi dan anak.",
        "Free: 900 serials of each date of birth (women: day + 40), infants and children as well.",
    ),
    TestNiks(
        f"{REGISTERED_ELSEWHERE[0]}–{REGISTERED_ELSEWHERE[-1][-4:]}",
        REGISTERED_ELSEWHERE[0],
        "NIK_ALREADY_REGISTERED",
        "Sudah terdaftar pada penyelenggara lain (arus mudik, penumpang).",
        "Registered with another organizer already (trip home, passenger).",
    ),
    TestNiks(
        f"{BLOCKED[0]}–{BLOCKED[-1][-4:]}",
        BLOCKED[0],
        "NIK_BLOCKED",
        "Diblokir pada periode ini.",
        "Blocked in this season.",
    ),
    TestNiks(
        f"{DISTRICT} DDMMYY 0000",
        f"{DISTRICT}{BORN}0000",
        "NIK_INVALID",
        "Tidak sah: nomor urut 0000. Yang bukan 16 angka ditolak sama seperti di produksi.",
        "Not valid: serial 0000. What has not 16 digits is refused as in production.",
    ),
    TestNiks(
        f"{DISTRICT} DDMMYY {_FULL}",
        f"{DISTRICT}{BORN}{_FULL}",
        "QUOTA_FULL",
        "Rute penuh, rute mana pun. Pemeriksaan NIK menjawab bebas.",
        "The route is full, whichever it is. A check says that the NIK is free.",
    ),
    TestNiks(
        f"{DISTRICT} DDMMYY {_CLOSED}",
        f"{DISTRICT}{BORN}{_CLOSED}",
        "REGISTRATION_CLOSED",
        "Pendaftaran tutup, dengan `retryAfter` satu hari. Pemeriksaan NIK menjawab bebas.",
        "Registration is closed, with a `retryAfter` of a day. A check says that the NIK is free.",
    ),
    TestNiks(
        f"{DISTRICT} DDMMYY {_SLOW}",
        f"{DISTRICT}{BORN}{_SLOW}",
        ACCEPTED,
        f"Bebas, tetapi permintaannya dijawab {SLOW_SECONDS:.0f} detik kemudian.",
        f"Free, but the request is answered {SLOW_SECONDS:.0f} seconds later.",
    ),
    TestNiks(
        f"{DISTRICT} DDMMYY {_AWAY}",
        f"{DISTRICT}{BORN}{_AWAY}",
        "UNAVAILABLE",
        f"Gangguan: seluruh permintaan dijawab 503 UNAVAILABLE dengan `retryAfter`, selama {AWAY_SECONDS} detik;"
        " sesudah itu NIK ini bebas.",
        f"Outage: the whole request is answered 503 UNAVAILABLE with `retryAfter`, for {AWAY_SECONDS} seconds; after"
        " that the NIK is free.",
    ),
)


def is_one(nik: str) -> bool:
    return _TEST_NIK.fullmatch(nik) is not None


def is_full(nik: str) -> bool:
    return nik.endswith(_FULL)


def is_closed(nik: str) -> bool:
    return nik.endswith(_CLOSED)


SLOW_IN_TEXT = re.compile(rf"{DISTRICT}\d{{6}}{_SLOW}".encode())
AWAY_IN_TEXT = re.compile(rf"{DISTRICT}\d{{6}}{_AWAY}".encode())
