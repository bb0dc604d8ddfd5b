"""Nobody learns a NIK for free: whatever a door answers otherwise for a NIK that somebody holds than for one that
nobody holds is written down, and taken off the allowance.

Each root field of the schema is asked twice, about people of others and about their twins, who hold nothing. So is each
other door that takes a NIK. A new root field or path is in the walk by itself, since the walk is made from the schema
and from the routes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.models.enums import Purpose
from tests.databases import Cleaner
from tests.graphql.conftest import EVERYDAY, Api
from tests.intake.lists import in_status, row
from tests.privacy.aims import AIMS, FOR_THE_MINISTRY, Target
from tests.privacy.people import Person, Society
from tests.privacy.test_isolation import sent
from tests.privacy.walking import Walk
from tests.web.addresses import OF_THE_PAGES
from tests.world import DJKA, nik_of

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

TELLING = (Purpose.CHECK, Purpose.SUBMISSION, Purpose.CORRECTION, Purpose.REOPENING, Purpose.DRY_RUN)
TWIN = 400_000
"""What is added to a person's number."""
CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[0-9:.]+(Z|\+00:00)"
)
"""Ids and instants are new each time."""
NAMES_NO_NIK = {
    "/": "where the doors are",
    "/graphql": "the root fields above",
    "/export.csv": "one's own people",
    "/export.jsonl": "one's own people",
    "/export.xlsx": "one's own people",
    "/consolidation/{date}": "one's own people, as a checksum",
    "/import": "a file, which is judged later: see tests/intake/imports",
    "/import/{id}": "a job of one's own",
    "/import/{id}/result.{format}": "one's own file, with verdicts that were told before",
    "/import/{id}/cancel-missing": "one's own people",
    "/template.xlsx": "an empty file",
    "/data/{season}/{file}": "people in groups of five, for everybody",
    "/healthz": "nothing of people",
    "/readyz": "nothing of people",
    "/metrics": "nothing of people",
    "/oauth/token": "a client",
    "/oauth/revoke": "a client",
    "/oauth/jwks.json": "keys",
    "/.well-known/oauth-authorization-server": "addresses",
    "/uji/{organizer}/klien": "a client of a test registry",
    "/openapi.json": "what these paths take",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """Of each call, or of each item of a call: which people it named, and what was answered."""

    parts: list[tuple[list[Person], str]]
    looks: set[bytes]
    """Blind indexes that were written down."""
    used: int


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


def parts(target: Target, asked: dict[str, Any], answer: Any) -> Iterator[tuple[list[Person], str]]:
    """Item by item where the answer has one for each of the items that were sent."""
    lists = [value for value in asked.values() if isinstance(value, list)]
    if isinstance(answer, list) and len(lists) == 1 and len(lists[0]) == len(answer):
        for item, one in zip(lists[0], answer, strict=True):
            yield named(target, item), steady(one, target.people)
    else:
        yield named(target, asked), steady(answer, target.people)


async def looked(society: Society) -> set[bytes]:
    rows = await society.world.run("SELECT nik_index, purpose FROM nik_access")
    return {one.nik_index for one in rows if one.purpose in TELLING}


async def used(society: Society) -> int:
    count: int = await society.world.one("SELECT sum(named) FROM nik_allowance")
    return count


async def answered(api: Api, society: Society, walk: Walk, field: str, target: Target) -> Answered:
    await society.world.run("DELETE FROM nik_access")
    before, found = await used(society), list[tuple[list[Person], str]]()
    for asked in AIMS[field](target):
        if not named(target, asked):
            continue
        document, variables = walk.document(field, [asked], depth=1)
        answer = await api.post(organizer="djka", scopes=EVERYDAY, **sent(document, variables))
        found += parts(target, asked, (answer.json()["data"] or {}).get("a0", answer.text))
    return Answered(found, await looked(society), await used(society) - before)


def assert_all_is_counted(society: Society, held: Answered, free: Answered) -> None:
    """Each part that differs between a NIK that is held and one that nobody holds."""
    index = society.world.vault.blind_index
    differing = 0
    for (people, one), (others, other) in zip(held.parts, free.parts, strict=True):
        if one != other:
            differing += 1
            assert {index(person.nik) for person in people} & held.looks, (one, other)
            assert {index(person.nik) for person in others} & free.looks, (one, other)
    assert held.used >= differing


@pytest.mark.parametrize("field", sorted(AIMS.keys() - FOR_THE_MINISTRY))
async def test_what_a_root_field_tells_of_a_nik_is_counted(
    api: Api, society: Society, walk: Walk, field: str, cleaner: Cleaner
) -> None:
    held = await answered(api, society, walk, field, target_of(society, are_twins=False))
    await cleaner.put_back()
    free = await answered(api, society, walk, field, target_of(society, are_twins=True))
    assert_all_is_counted(society, held, free)


async def test_the_walk_meets_what_tells(api: Api, society: Society, walk: Walk, cleaner: Cleaner) -> None:
    """Else it would prove nothing."""
    for field in ("checkNik", "checkNiks", "submitRegistrants", "submitBooking", "correctRegistrant"):
        held = await answered(api, society, walk, field, target_of(society, are_twins=False))
        await cleaner.put_back()
        free = await answered(api, society, walk, field, target_of(society, are_twins=True))
        await cleaner.put_back()
        assert sum(one != other for (_, one), (_, other) in zip(held.parts, free.parts, strict=True)) > 0, field


def record(one: Person, code: int) -> dict[str, Any]:
    """A row of the webhook on a route of one's own."""
    return {
        **row(1),
        **in_status(code),
        "data_nik": one.nik,
        "data_pemesan": "Orang Lain",
        "source": "DJKA",
        "tanggal_pendaftaran": "2026-03-02",
    }


DOORS: dict[tuple[str, int], Callable[[Person], Any]] = {
    **{("/webhook/pemudik", code): partial(record, code=code) for code in range(1, 7)},
    ("/legacy/cek-nik", 0): lambda one: {"nik": one.nik},
}
"""The other doors that take a NIK, by path and by the status of a row, and what is sent to them."""
ENDS_OF_UNKNOWN = {("/webhook/pemudik", code) for code in (4, 5, 6)}
"""An end of somebody whom the organizer does not have is remembered, whoever else has that person."""


async def test_every_path_is_known(application: Starlette) -> None:
    paths = {route.path for route in application.routes if isinstance(route, Route)}
    assert paths ^ (set(NAMES_NO_NIK) | OF_THE_PAGES | {path for path, _ in DOORS}) == set()


@pytest.mark.parametrize("door", sorted(DOORS))
async def test_what_another_door_tells_of_a_nik_is_counted(
    api: Api, society: Society, door: tuple[str, int], cleaner: Cleaner
) -> None:
    found = []
    token = await api.token("djka", EVERYDAY)
    for are_twins in (False, True):
        target = target_of(society, are_twins=are_twins)
        await society.world.run("DELETE FROM nik_access")
        before, told = await used(society), list[tuple[list[Person], str]]()
        for one in target.one_of_each:
            body, bearer = DOORS[door](one), {"Authorization": f"Bearer {token}"}
            answer = await api.http.post(door[0], json=body, headers=bearer)
            assert answer.status_code == 200, answer.text
            told.append(([one], steady(answer.json(), target.people)))
        found.append(Answered(told, await looked(society), await used(society) - before))
        await cleaner.put_back()
    assert_all_is_counted(society, *found)
    differ = any(one != other for (_, one), (_, other) in zip(found[0].parts, found[1].parts, strict=True))
    assert differ is (door not in ENDS_OF_UNKNOWN)
