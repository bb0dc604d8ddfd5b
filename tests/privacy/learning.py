"""Who was named to the registry, what it answered, and what it wrote down and took off the allowance for that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.models.enums import Purpose
from app.models.statuses import HOLDS_NIK
from tests.graphql.conftest import EVERYDAY, Api
from tests.privacy.aims import AIMS, Target
from tests.privacy.people import Person, Society
from tests.privacy.test_isolation import sent
from tests.privacy.walking import Walk
from tests.world import DJKA, nik_of

TELLING = (Purpose.CHECK, Purpose.SUBMISSION, Purpose.CORRECTION, Purpose.REOPENING, Purpose.DRY_RUN)
TWIN = 400_000
"""What is added to a person's number."""
CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)"
)
"""Ids and instants are new each time."""

Part = tuple[list[Person], str]
"""Of a call, or of one item of a call: which people it named, and what was answered."""


@dataclass(frozen=True, slots=True)
class Answered:
    parts: list[Part]
    looks: Counter[bytes]
    """How often each blind index was written down."""
    used: int
    """What was taken off the allowance."""
    taken: frozenset[bytes]
    """Blind indexes that the organizer holds more often than before. The first naming of each cost nothing, and what
    came behind was about the organizer's own.
    """


class Ledger:
    """What the registry has written down of DJKA since this was opened."""

    def __init__(self, society: Society, used: int, holds: Counter[bytes]) -> None:
        self.society = society
        self.used = used
        self.holds = holds

    @classmethod
    async def opened(cls, society: Society) -> Ledger:
        await society.world.run("DELETE FROM nik_access")
        return cls(society, await _used(society), await _holds(society))

    async def closed(self, parts: list[Part]) -> Answered:
        rows = await self.society.world.run("SELECT nik_index, area, purpose FROM nik_access")
        telling = [one for one in rows if one.purpose in TELLING]
        # The alarm finds who walks by the area alone.
        assert [one for one in telling if one.area is None] == []
        looks = Counter(one.nik_index for one in telling)
        used, holds = await _used(self.society), await _holds(self.society)
        return Answered(parts, looks, used - self.used, frozenset(holds - self.holds))


async def _used(society: Society) -> int:
    count: int = await society.world.one("SELECT sum(named) FROM nik_allowance")
    return count


async def _holds(society: Society) -> Counter[bytes]:
    rows = await society.world.run(
        f"SELECT nik_index FROM registrant WHERE organizer_code = :code AND {HOLDS_NIK}", code=DJKA.organizer
    )
    return Counter(row.nik_index for row in rows)


def twins(people: Sequence[Person]) -> list[Person]:
    return [replace(one, nik=nik_of(one.number + TWIN)) for one in people]


def target_of(society: Society, *, are_twins: bool) -> Target:
    target = Target(society, DJKA)
    if are_twins:
        target.people, target.one_of_each = twins(target.people), twins(target.one_of_each)
    return target


def named(target: Target, argument: object) -> list[Person]:
    text = str(argument)
    return [one for one in target.people if one.nik in text]


def steady(answer: object, people: Sequence[Person]) -> str:
    text = CHANGING.sub("…", str(answer))
    for one in people:
        text = text.replace(one.nik, f"NIK {one.number}").replace(f"{'*' * 12}{one.nik[-4:]}", f"masked {one.number}")
    return text


def parts(target: Target, asked: dict[str, Any], answer: Any) -> Iterator[Part]:
    """Item by item where the answer has one for each of the items that were sent."""
    lists = [value for value in asked.values() if isinstance(value, list)]
    if isinstance(answer, list) and len(lists) == 1 and len(lists[0]) == len(answer):
        for item, one in zip(lists[0], answer, strict=True):
            yield named(target, item), steady(one, target.people)
    else:
        yield named(target, asked), steady(answer, target.people)


async def answered(api: Api, society: Society, walk: Walk, field: str, target: Target) -> Answered:
    """Of a root field of the schema, everything that points at people by their NIKs."""
    ledger, found = await Ledger.opened(society), list[Part]()
    for asked in AIMS[field](target):
        if not named(target, asked):
            continue
        document, variables = walk.document(field, [asked], depth=1)
        answer = await api.post(organizer="djka", scopes=EVERYDAY, **sent(document, variables))
        found += parts(target, asked, (answer.json()["data"] or {}).get("a0", answer.text))
    return await ledger.closed(found)


def differing(held: Answered, free: Answered) -> list[tuple[Part, Part]]:
    """The parts that differ between a NIK that is held and one that nobody holds."""
    return [(one, other) for one, other in zip(held.parts, free.parts, strict=True) if one[1] != other[1]]


def assert_all_is_counted(society: Society, held: Answered, free: Answered) -> None:
    """Row by row: as often as a NIK was told of, so often it was written down, and it cost one each time."""
    told = differing(held, free)
    for answer, side in ((held, [one for one, _ in told]), (free, [other for _, other in told])):
        index = society.world.vault.blind_index
        needed = Counter(index(person.nik) for people, _ in side for person in people)
        taken = needed.keys() & answer.taken
        needed.update({one: 1 - needed[one] for one in taken})
        assert needed <= answer.looks, [text for _, text in side]
        assert answer.used + len(taken) >= needed.total(), [text for _, text in side]
