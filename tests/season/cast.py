"""Who lives through the season: parties of people who do not exist, each with what they mean to do and when.

Dice decide. The same seed gives the same people with the same intentions.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from app.clock import WIB
from tests.world import nik_of

LAST_REGISTRATION = date(2024, 4, 1)
"""Of organizers whose window has no end."""
WINDOWS: dict[str, tuple[date, date]] = {
    "ahm": (date(2024, 2, 26), LAST_REGISTRATION),
    "jasa-raharja": (date(2024, 3, 4), LAST_REGISTRATION),
    "bumn-contoh-1": (date(2024, 3, 4), LAST_REGISTRATION),
    "banhub-jateng": (date(2024, 3, 6), LAST_REGISTRATION),
    "dishub-kota-tangerang": (date(2024, 3, 13), date(2024, 3, 20)),
    "dishub-tangsel": (date(2024, 3, 13), date(2024, 3, 15)),
    "dishub-dki": (date(2024, 3, 13), date(2024, 3, 24)),
    "dishub-jabar": (date(2024, 3, 5), date(2024, 3, 15)),
    "djka": (date(2024, 3, 4), date(2024, 3, 8)),
    "hubdat": (date(2024, 3, 5), date(2024, 4, 1)),
}
"""The ministry's table of 2024: the days on which an organizer registers people, the last one too."""
SECOND_WAVE: dict[str, tuple[date, date]] = {"dishub-jabar": (date(2024, 3, 20), date(2024, 3, 22))}
"""Who registers people a second time, with what the first wave has left."""
VERIFICATION: dict[str, tuple[date, date]] = {
    "dishub-tangsel": (date(2024, 3, 20), date(2024, 3, 22)),
    "dishub-dki": (date(2024, 3, 25), date(2024, 3, 29)),
}
VERIFY_WITHIN_DAYS = {"hubdat": 7}
LEAVES_HOME = datetime(2024, 4, 6, 8, tzinfo=WIB)
COMES_BACK = datetime(2024, 4, 13, 8, tzinfo=WIB)
RIVALS = ("ahm", "banhub-jateng", "hubdat", "dishub-jabar")
"""With whom people register who have registered elsewhere already."""
WITH_RETURN = ("hubdat", "ahm", "dishub-dki", "jasa-raharja")
WITH_MOTORCYCLES = ("hubdat",)
WITH_A_SECOND_BUS = ("dishub-jabar", "dishub-kota-tangerang")
WITH_INFANTS = ("hubdat", "dishub-dki", "djka")
"""Who registers by GraphQL: the standard's rows have no column for lap infants."""


@dataclass(frozen=True)
class Person:
    number: int
    name: str
    first_written: str
    """The NIK as the clerk types it at first. A clerk may mistype."""
    lap_infant: bool = False

    @property
    def nik(self) -> str:
        return nik_written(self.number, lap_infant=self.lap_infant)


@dataclass
class Party:
    """A family under one booking code, or somebody who travels alone."""

    reference: str
    organizer: str
    people: list[Person]
    registers_at: datetime
    with_return: bool = False
    with_motorcycle: bool = False
    verifies_at: datetime | None = None
    """None: never comes to the posko."""
    cancels_at: datetime | None = None
    reopened_at: datetime | None = None
    """When Hubdat takes the cancellation back."""
    moves_at: datetime | None = None
    """When the party asks for the other bus."""
    boards: bool = True
    boards_back: bool = True
    rival: str | None = None
    """Another organizer, with whom the same people register as well, some hours later."""
    ids: dict[int, str] = field(default_factory=dict)
    """Whom the registry has accepted by GraphQL: ids of the way home, by the number of the person."""
    back: dict[int, str] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    """What the organizer's own book says, by direction: the standard's status code."""
    ended: bool = False
    bus: str = "PASSENGER"
    """Which bus home the organizer's own book says."""
    corrected: bool = False
    """The clerk has seen what was mistyped."""

    def written(self, person: Person) -> str:
        """The NIK as it stands in the organizer's own book."""
        return person.nik if self.corrected else person.first_written


def cast(seed: int, people: int) -> list[Party]:
    dice = random.Random(seed)  # noqa: S311 - a test's dice
    organizers = list(WINDOWS)
    parties: list[Party] = []
    of_organizer: Counter[str] = Counter()
    number = 1
    while number <= people:
        size = min(dice.choice((1, 1, 2, 3, 4, 6)), people - number + 1)
        organizer = dice.choice(organizers)
        infants = organizer in WITH_INFANTS and size > 2 and dice.random() < 0.5
        members = [_person(dice, number + place, lap_infant=infants and place == 2) for place in range(size)]
        party = _party(dice, organizer, len(parties) + 1, members, in_turn=of_organizer[organizer])
        parties.append(party)
        if party.with_motorcycle:
            parties.append(_seat_of(party))
        of_organizer[organizer] += 1
        number += size
    return parties


def nik_written(number: int, *, lap_infant: bool) -> str:
    """Whoever travels on a lap was born in January 2023, everybody else in 1990."""
    nik = nik_of(number)
    return f"{nik[:8]}0123{nik[12:]}" if lap_infant else nik


def _person(dice: random.Random, number: int, *, lap_infant: bool) -> Person:
    nik = nik_written(number, lap_infant=lap_infant)
    # One wrong digit makes it the NIK of somebody else of the cast.
    mistyped = f"{nik[:-1]}{(int(nik[-1]) + 5) % 10}" if dice.random() < 0.03 else nik
    return Person(number, f"Warga Musim {number}", mistyped, lap_infant)


def _party(dice: random.Random, organizer: str, number: int, people: list[Person], *, in_turn: int) -> Party:
    first, last = SECOND_WAVE[organizer] if organizer in SECOND_WAVE and in_turn % 3 == 2 else WINDOWS[organizer]
    registers_at = _registration(dice, first, last)
    with_motorcycle = organizer in WITH_MOTORCYCLES and len(people) == 1 and dice.random() < 0.4
    cancels_at = registers_at + timedelta(hours=dice.randint(2, 400)) if dice.random() < 0.1 else None
    by_mistake, moves = dice.random() < 0.4, organizer in WITH_A_SECOND_BUS and in_turn % 4 == 3
    return Party(
        reference=f"{organizer.upper()}-{number:05}",
        organizer=organizer,
        people=people,
        registers_at=registers_at,
        with_return=organizer in WITH_RETURN and not with_motorcycle and dice.random() < 0.6,
        with_motorcycle=with_motorcycle,
        verifies_at=_verification(dice, organizer, registers_at, in_turn),
        cancels_at=cancels_at if in_turn > 1 else None,
        reopened_at=cancels_at + timedelta(hours=5) if cancels_at is not None and by_mistake else None,
        moves_at=registers_at + timedelta(hours=30) if moves else None,
        boards=dice.random() < 0.93,
        boards_back=dice.random() < 0.9,
        rival=dice.choice([one for one in RIVALS if one != organizer]) if dice.random() < 0.2 else None,
    )


def _seat_of(rider: Party) -> Party:
    """A rider takes a seat as well, and shows the posko the papers of only one of the two."""
    registers_at = rider.registers_at + timedelta(hours=1)
    return replace(
        rider,
        reference=f"{rider.reference}-KURSI",
        registers_at=registers_at,
        with_motorcycle=False,
        verifies_at=registers_at + timedelta(hours=30) if rider.verifies_at is None else None,
        cancels_at=None,
        reopened_at=None,
        rival=None,
        ids={},
        back={},
        told={},
    )


def _registration(dice: random.Random, first: date, last: date) -> datetime:
    """Half of the people come in the first hour."""
    if dice.random() < 0.5:
        return datetime.combine(first, time(8), WIB) + timedelta(seconds=dice.randint(0, 3599))
    day = first + timedelta(days=dice.randint(0, (last - first).days))
    return datetime.combine(day, time(8), WIB) + timedelta(minutes=dice.randint(0, 12 * 60))


def _verification(dice: random.Random, organizer: str, registers_at: datetime, in_turn: int) -> datetime | None:
    """Most people come in time. Of every eight parties of an organizer one never comes, and one comes too late."""
    if in_turn % 8 == 0:
        return None
    if organizer in VERIFICATION:
        first, last = VERIFICATION[organizer]
        day = first + timedelta(days=dice.randint(0, (last - first).days))
        return datetime.combine(day, time(9), WIB) + timedelta(minutes=dice.randint(0, 6 * 60))
    days = VERIFY_WITHIN_DAYS.get(organizer, 14)
    if in_turn % 8 == 1:
        return registers_at + timedelta(days=days + 1, minutes=dice.randint(0, 600))
    until = min(registers_at + timedelta(days=days), LEAVES_HOME - timedelta(days=1))
    return registers_at + (until - registers_at) * dice.random()
