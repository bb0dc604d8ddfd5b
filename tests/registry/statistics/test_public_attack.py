"""Nobody learns of fewer than five people from the files for everybody, however many nights' files somebody keeps.

The attacker of the first test sees exact figures, and every difference of them. That of the second test knows how the
files are made: for each count of one to four people there is another season with another count there, and every file of
every night is the same, byte for byte.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta

import pytest

from app.registry.statistics import groups, public_files, taking
from app.registry.statistics.public_files import DeclaredOffer, ToldSeason
from app.registry.statistics.taking import CountRow, Group, StageRow

FIRST, NIGHTS = date(2026, 3, 2), 8
DAYS = [FIRST + timedelta(days=one) for one in range(NIGHTS)]
LATER = FIRST + timedelta(days=NIGHTS)
"""The night in which late changes are taken in."""
MOST = 4
SEEDS = range(3)

Arrivals = Counter[tuple[date, Group, date]]
"""People by the night before which they came, by their group and their day of registration."""
Counts = dict[tuple[Group, date], int]
Quantity = Callable[[Arrivals], Counter[object]]


def season(seed: int) -> Arrivals:
    """Organizers large and small, routes that two of them share and routes of one alone, and people who come late."""
    chance = random.Random(seed)  # noqa: S311 - the same ones in every run
    arrivals = Arrivals()
    for group, size in GROUPS.items():
        for day in DAYS:
            arrivals[day, group, day] += chance.choice((0, 0, size, size + 3, chance.randrange(3 * size)))
            if chance.random() < 0.4:
                night = chance.choice([*DAYS, LATER])
                arrivals[max(night, day + timedelta(days=1)), group, day] += chance.randrange(1, 8)
    return +arrivals


def _group(organizer: str, origin: str, destination: str, direction: str = "MUDIK") -> Group:
    return Group(organizer, direction, "PASSENGER", origin, destination)


GROUPS = {
    _group("large", "Kota Depok", "Kota Madiun"): 30,
    _group("large", "Kota Depok", "Kota Cirebon"): 4,
    _group("large", "Kota Madiun", "Kota Depok", "BALIK"): 2,
    _group("other", "Kota Depok", "Kota Cirebon"): 3,
    _group("other", "Kota Depok", "Kota Madiun"): 1,
    _group("small", "Kota Depok", "Kota Palembang"): 2,
}
"""And how many people register on a day."""
OFFER = DeclaredOffer(
    frozenset((one.organizer, one.direction, one.service) for one in GROUPS),
    frozenset((one.origin, one.destination, one.service) for one in GROUPS),
)


def nights(arrivals: Arrivals) -> Iterator[list[CountRow]]:
    """What is told of the season in each night, the last of which takes in what came late."""
    told: Counts = {}
    seen: Counts = {}
    for night in (*DAYS, LATER):
        since = date.min if night == LATER else night - timedelta(days=1)
        people: dict[Group, dict[date, int]] = {}
        for (came, group, day), count in arrivals.items():
            if came <= night and day > since:
                days = people.setdefault(group, {})
                days[day] = days.get(day, 0) + count
        before = [CountRow(*group, day, seen[group, day], count) for (group, day), count in told.items()]
        for row in taking.settled(before, people, since):
            told[row.group, row.day], seen[row.group, row.day] = row.counted, row.seen
        yield [CountRow(*group, day, seen[group, day], count) for (group, day), count in sorted(told.items())]


def files(arrivals: Arrivals) -> list[bytes]:
    """Every file of every night."""
    return [
        file.content
        for night, counts in zip([*DAYS, LATER], nights(arrivals), strict=True)
        for file in public_files.made(
            ToldSeason(season=2026, until=night, final=night == LATER, counts=counts, stages=[], offer=OFFER)
        )
    ]


# --- every difference ------------------------------------------------------------------------------------------------


def figures(counts: Iterable[CountRow]) -> dict[frozenset[tuple[str, object]], Counts]:
    """Each figure that a file could tell, by its place: the rows that it is the sum of."""
    found: dict[frozenset[tuple[str, object]], Counts] = {}
    for row in counts:
        for place in _places(row):
            found.setdefault(place, {})[row.group, row.day] = row.counted
    return found


def _places(row: CountRow) -> Iterator[frozenset[tuple[str, object]]]:
    """The cell of each table and each of its margins, by any selection of columns."""
    for columns in (("organizer", "direction", "service", "day"), ("origin", "destination", "service")):
        for chosen in range(2 ** len(columns)):
            names = [name for place, name in enumerate(columns) if chosen >> place & 1]
            yield frozenset((name, getattr(row, name)) for name in names)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_difference_of_two_figures_is_fewer_than_five_people(seed: int) -> None:
    """Of exact figures: margins against cells, tables against tables, nights against nights."""
    compared, before = 0, dict[frozenset[tuple[str, object]], Counts]()
    for counts in nights(season(seed)):
        every = figures(counts)
        for place, rows in every.items():
            inner = [one for one in every.values() if one.keys() <= rows.keys()]
            for one in (*inner, before.get(place, {})):
                changed = [rows[key] - one.get(key, 0) for key in rows]
                # Whoever is in one figure and not in the other, and the other way round.
                assert all(count == 0 or abs(count) >= groups.SMALLEST_GROUP for count in changed)
                more = sum(count for count in changed if count > 0)
                assert more == 0 or more >= groups.SMALLEST_GROUP
                compared += 1
        before = every
    assert compared > 3_000


# --- another season with the same files ------------------------------------------------------------------------------


def by(*names: str, late: bool | None = None) -> Quantity:
    """People by some of what is known of their group, and by `day`. `late`: only those who came late, or not late."""

    def count(arrivals: Arrivals) -> Counter[object]:
        counts: Counter[object] = Counter()
        for (came, group, day), people in arrivals.items():
            if late is None or late is (came > day):
                known = {**group._asdict(), "day": day}
                counts[tuple(known[name] for name in names)] += people
        return counts

    return count


OF_ONE = ("organizer", "direction", "service", "origin", "destination")
QUANTITIES: Mapping[str, Quantity] = {
    "a group on a day": by(*OF_ONE, "day", late=False),
    "an organizer on a day": by("organizer", "direction", "service", "day", late=False),
    "everybody on a day": by("direction", "service", "day", late=False),
    "two cities on a day": by("origin", "destination", "service", "day", late=False),
    "two cities": by("origin", "destination", "service"),
    "an organizer between two cities": by(*OF_ONE),
    "an organizer": by("organizer"),
    "who came late to a group": by(*OF_ONE, "day", late=True),
    "who came late to an organizer": by("organizer", "day", late=True),
    "who came late on a day": by("day", late=True),
}


def neighbours(arrivals: Arrivals) -> Iterator[Arrivals]:
    """Seasons that differ by one person: who was not there, who was there too, or who came on another day."""
    nights_of = [*DAYS, LATER]
    for came, group, day in list(arrivals):
        without = arrivals.copy()
        without[came, group, day] -= 1
        yield +without
        for other in DAYS:
            for arrived in {other, came if came > other else LATER, *nights_of[-1:]}:
                if (arrived, other) != (came, day):
                    moved = without.copy()
                    moved[arrived, group, other] += 1
                    yield +moved


@pytest.mark.parametrize("seed", SEEDS)
def test_for_each_small_count_there_is_another_season_with_the_same_files(seed: int) -> None:
    arrivals = season(seed)
    same = [one for group in GROUPS for one in alike(arrivals, group)]
    told = files(arrivals)
    assert all(files(one) == told for one in same[::50])
    tried = 0
    for name, quantity in QUANTITIES.items():
        others = [quantity(one) for one in same]
        for cell, people in quantity(arrivals).items():
            if people <= MOST:
                tried += 1
                assert any(other[cell] != people for other in others), (name, cell, people)
    assert tried > 30


def alike(arrivals: Arrivals, group: Group) -> Iterator[Arrivals]:
    """Those neighbours that differ in this group, and of which the same is told."""
    rest = Arrivals({key: people for key, people in arrivals.items() if key[1] != group})
    part = arrivals - rest
    told = _told(part)
    return (rest + one for one in neighbours(part) if _told(one) == told)


def _told(arrivals: Arrivals) -> list[Counts]:
    """What the files of each night are made of: nothing that is told of nobody."""
    return [{(one.group, one.day): one.counted for one in counts if one.counted} for counts in nights(arrivals)]


@pytest.mark.parametrize("seed", range(20))
def test_how_many_came_to_a_stage_in_a_night_is_not_learnt(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same ones in every run
    reached = [0]
    for _ in range(20):
        reached.append(reached[-1] + chance.choice((0, 1, 2, 3, 4, 9)))
    for night in range(1, len(reached)):
        if 0 < reached[night] - reached[night - 1] <= MOST:
            assert any(_stages(one) == _stages(reached) for one in _other_nights(reached, night)), night


def _stages(reached: Iterable[int]) -> list[int]:
    told = [0]
    for people in reached:
        told.append(groups.settled(people, told[-1]))
    return told


def _other_nights(reached: list[int], night: int) -> Iterator[list[int]]:
    """One person fewer, or one more, in some nights up to this one or from this one on; nobody comes back."""
    for first, last in [
        *((one, night - 1) for one in range(night)),
        *((night, one) for one in range(night, len(reached))),
    ]:
        for more in (-1, 1):
            other = [people + more * (first <= place <= last) for place, people in enumerate(reached)]
            if other == sorted(other) and other[0] >= 0:
                yield other


def test_the_funnel_is_told_in_groups_too() -> None:
    stages = [StageRow("MUDIK", "PASSENGER", "VERIFIED", 0), StageRow("MUDIK", "PASSENGER", "DEPARTED", 7)]
    rows = public_files.funnel(ToldSeason(season=2026, until=FIRST, final=False, counts=[], stages=stages, offer=OFFER))
    assert rows[3:] == [
        ("MUDIK", "PASSENGER", "REGISTERED", "<5"),
        ("MUDIK", "PASSENGER", "VERIFIED", "<5"),
        ("MUDIK", "PASSENGER", "DEPARTED", 5),
    ]
