"""People who do not exist, for the demo season.

Their NIKs are well-formed and belong to nobody. The last four digits of a NIK number the people of one district who
were born on one day, from 0001 up. A district where a few people are born a day never reaches 9500. The demo takes its
serial numbers only from 9500 to 9999, so its NIKs can be known by them. Districts and birth dates exist, so that no
check warns. Names are drawn from short lists of given names; no name is that of a real person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from app.models.enums import IdentityDocument

FIRST_SERIAL, LAST_SERIAL = 9500, 9999
DISTRICTS = ("317103", "317203", "317301", "317402", "317501", "317503", "320101", "321601", "327501", "327601",
             "360301", "367101", "367401")  # fmt: skip
FIRST_BIRTH, LAST_BIRTH = date(1956, 1, 1), date(2006, 12, 31)
MEN = ("Adi", "Agus", "Bagas", "Bambang", "Dimas", "Eko", "Fajar", "Galih", "Hendra", "Imam", "Joko", "Krisna",
       "Lukman", "Rudi", "Slamet", "Teguh", "Wahyu", "Yusuf")  # fmt: skip
WOMEN = ("Ayu", "Citra", "Dewi", "Endah", "Fitri", "Indah", "Kartika", "Lestari", "Maya", "Nur", "Puspita", "Ratna",
         "Sari", "Siti", "Tri", "Wulan", "Yanti", "Zahra")  # fmt: skip
FAMILY = ("Contohman", "Demowati", "Misalnya", "Percontohan", "Rekaan", "Sampelia", "Semisal", "Umpama")


@dataclass(frozen=True, slots=True, repr=False)
class InventedPerson:
    nik: str
    name: str
    document: IdentityDocument
    plate: str
    registration_number: str


def invent(random: Random) -> Iterator[InventedPerson]:
    """People without end, each with a NIK that no other of them has."""
    used: set[str] = set()
    while True:
        person = _person(random)
        if person.nik not in used:
            used.add(person.nik)
            yield person


def _person(random: Random) -> InventedPerson:
    female = random.random() < 0.5
    born_on = FIRST_BIRTH + timedelta(days=random.randrange((LAST_BIRTH - FIRST_BIRTH).days))
    day = born_on.day + (40 if female else 0)
    serial = random.randint(FIRST_SERIAL, LAST_SERIAL)
    given = random.sample(WOMEN if female else MEN, 2)
    return InventedPerson(
        nik=f"{random.choice(DISTRICTS)}{day:02}{born_on:%m%y}{serial}",
        name=" ".join([*given, random.choice(FAMILY)]),
        document=random.choice((IdentityDocument.KTP, IdentityDocument.KTP, IdentityDocument.KK, IdentityDocument.SIM)),
        plate=f"B {random.randint(2000, 6999)} ZZ{random.choice('ABCDEFGH')}",
        registration_number=f"DEMO-{random.randint(0, 99_999_999):08}",
    )
