"""Nobody learns a NIK for free: whatever a door answers otherwise for a NIK that somebody holds than for one that
nobody holds is written down, and taken off the allowance.

Each root field of the schema is asked twice, about people of others and about their twins, who hold nothing. So is each
other door that takes a NIK. A new root field or path is in the walk by itself, since the walk is made from the schema
and from the routes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.intake.files.encoding_xlsx import Xlsx
from app.intake.files.uploads import KNOWN_EXTENSIONS
from app.models.enums import ImportChanges
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.values.standard import STATUS_CODES
from tests.databases import Cleaner
from tests.graphql.conftest import EVERYDAY, Api
from tests.intake.lists import as_csv, as_xlsx, in_status, row, worked_off
from tests.privacy.aims import AIMS, FOR_THE_MINISTRY, Target
from tests.privacy.learning import (
    Answered,
    Ledger,
    Part,
    answered,
    assert_all_is_counted,
    differing,
    steady,
    target_of,
)
from tests.privacy.people import Person, Society
from tests.privacy.walking import Walk
from tests.web.addresses import OF_THE_PAGES
from tests.world import DJKA, someone

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

XLSX = Xlsx.media
NAMES_NIKS = [
    "checkNik",
    "checkNiks",
    "submitRegistrant",
    "submitRegistrants",
    "submitBooking",
    "correctRegistrant",
    "moveRegistrant",
    "cancelRegistrant",
    "registrant",
]
"""Root fields that take the NIK of a person."""
NAMES_NO_NIK = {
    "/": "where the doors are",
    "/graphql": "the root fields above",
    "/export.csv": "one's own people",
    "/export.jsonl": "one's own people",
    "/export.xlsx": "one's own people",
    "/consolidation/{date}": "one's own people, as a checksum",
    "/import/{id}": "a job of one's own",
    "/import/{id}/result.{format}": "what a file was told, see `FILES`",
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
        assert differing(held, free), field


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


STATUSES = sorted(STATUS_CODES.values())
WEBHOOK, APPLYING = "/webhook/pemudik", "/webhook/pemudik?changes=APPLY&asOf=2026-03-02T00:00:00Z"
DOORS: dict[tuple[str, int], Callable[[Person], Any]] = {
    **{(path, code): partial(record, code=code) for path in (WEBHOOK, APPLYING) for code in STATUSES},
    ("/legacy/cek-nik", 0): lambda one: {"nik": one.nik},
}
"""The other doors that take a NIK, by path and by the status of a row, and what is sent to them."""
MAKERS = {".csv": (as_csv, "text/csv"), ".xlsx": (as_xlsx, XLSX)}
"""Of each format: what makes the file, and as what it is sent. A new format of `KNOWN_EXTENSIONS` is to be added."""
HOWS = [f"changes={changes}{dry}" for changes in ImportChanges for dry in ("", "&dryRun=true")]
STATUSES_OF_A_FILE = 3
"""A file has people of another organizer for each status, so nobody is named twice. To make files takes long."""
FILES = [
    (extension, how, tuple(STATUSES[start : start + STATUSES_OF_A_FILE]))
    for extension in sorted(KNOWN_EXTENSIONS)
    for how in HOWS
    for start in range(0, len(STATUSES), STATUSES_OF_A_FILE)
]
"""Each format of a file, what is to be done with its rows, and their statuses."""
ENDS = (4, 5, 6)
"""An end of somebody whom the organizer does not have is remembered, whoever else has that person."""


def in_words(case: tuple[object, ...]) -> str:
    return " ".join(map(str, case))


async def test_every_path_is_known(application: Starlette) -> None:
    paths = {route.path for route in application.routes if isinstance(route, Route)}
    doors = {path.partition("?")[0] for path, _ in DOORS} | {"/import"}
    assert paths ^ (set(NAMES_NO_NIK) | OF_THE_PAGES | doors) == set()


@pytest.mark.parametrize("door", sorted(DOORS), ids=in_words)
async def test_what_another_door_tells_of_a_nik_is_counted(
    api: Api, society: Society, door: tuple[str, int], cleaner: Cleaner
) -> None:
    held, free = [await at_a_door(api, society, door, target) async for target in both(society, cleaner)]
    assert_all_is_counted(society, held, free)
    assert bool(differing(held, free)) is (door[1] not in ENDS)


async def at_a_door(api: Api, society: Society, door: tuple[str, int], target: Target) -> Answered:
    ledger, told = await Ledger.opened(society), list[Part]()
    bearer = {"Authorization": f"Bearer {await api.token('djka', EVERYDAY)}"}
    for one in target.one_of_each:
        answer = await api.http.post(door[0], json=DOORS[door](one), headers=bearer)
        assert answer.status_code == 200, answer.text
        told.append(([one], steady(answer.json(), target.people)))
    return await ledger.closed(told)


@pytest.mark.parametrize("file", FILES, ids=in_words)
async def test_what_a_file_tells_of_a_nik_is_counted(
    api: Api, society: Society, file: tuple[str, str, tuple[int, ...]], cleaner: Cleaner
) -> None:
    """By its result as a file, in both formats, and by `importRows`."""
    extension, how, statuses = file
    held, free = [
        await by_a_file(api, target, extension, how, in_statuses(target, statuses))
        async for target in both(society, cleaner)
    ]
    assert_all_is_counted(society, held, free)
    of_whom = dict(zip(sorted({one.organizer for [one], _ in held.parts}), statuses, strict=True))
    told = {of_whom[one.organizer] for ([one], _), _ in differing(held, free)}
    assert told == set(statuses) - set(ENDS)


def in_statuses(target: Target, statuses: Sequence[int]) -> list[tuple[Person, int]]:
    """For each status one of each kind of person, of an organizer of its own."""
    organizers = dict(zip(target.organizers, statuses, strict=False))
    assert len(organizers) == len(statuses)
    return [(one, organizers[one.organizer]) for one in target.people if one.organizer in organizers]


async def by_a_file(
    api: Api, target: Target, extension: str, how: str, people: Sequence[tuple[Person, int]]
) -> Answered:
    society = target.society
    ledger = await Ledger.opened(society)
    bearer = {"Authorization": f"Bearer {await api.token('djka', EVERYDAY)}"}
    rows = [record(one, status) for one, status in people]
    made, media = MAKERS[extension]
    sent = await api.http.post(f"/import?{how}", content=made(rows), headers=bearer | {"Content-Type": media})
    assert sent.status_code == 202, sent.text
    job = await worked_off(society.world)
    assert (job.failure, job.rows_done) == (None, len(rows))
    results = [await api.http.get(f"/import/{job.id}/result.{form}", headers=bearer) for form in ("csv", "xlsx")]
    lines = [*results[0].text.splitlines(), *in_sheets(results[1].content)]
    query = f'{{ importRows(jobId: "{job.id}", first: 100) {{ nodes {{ row result code explanation }} }} }}'
    nodes = (await api.data(query, organizer="djka", scopes=EVERYDAY))["importRows"]["nodes"]
    told = list[Part]()
    for (one, _), node in zip(people, sorted(nodes, key=lambda node: node["row"]), strict=True):
        found = [line for line in lines if one.nik in line]
        assert len(found) == 2
        told.append(([one], steady((found, node), target.people)))
    return await ledger.closed(told)


def in_sheets(content: bytes) -> list[str]:
    book = openpyxl.load_workbook(BytesIO(content))
    return [str([cell.value for cell in row]) for sheet in book for row in sheet.rows]


# --- whoever holds the NIK in the other service already ---------------------------------------------------------------

HAS_NO_OTHER_SERVICE = {"forfeited", "cancelled", "erased"}
"""One is blocked, and two hold nothing."""


@pytest.mark.parametrize("field", NAMES_NIKS)
async def test_what_a_root_field_tells_whoever_holds_the_other_service_is_counted(
    api: Api, society: Society, walk: Walk, field: str, cleaner: Cleaner
) -> None:
    """A motorcycle that is registered for a person opens nothing of that person's trip, and the other way round."""
    targets = both(society, cleaner, with_the_other_service=True)
    held, free = [await answered(api, society, walk, field, target) async for target in targets]
    assert_all_is_counted(society, held, free)


@pytest.mark.parametrize("door", [(WEBHOOK, 1), (APPLYING, 1), (WEBHOOK, 4), ("/legacy/cek-nik", 0)], ids=in_words)
async def test_what_another_door_tells_whoever_holds_the_other_service_is_counted(
    api: Api, society: Society, door: tuple[str, int], cleaner: Cleaner
) -> None:
    targets = both(society, cleaner, with_the_other_service=True)
    held, free = [await at_a_door(api, society, door, target) async for target in targets]
    assert_all_is_counted(society, held, free)


@pytest.mark.parametrize("how", ["dryRun=true", "changes=APPLY"])
async def test_what_a_file_tells_whoever_holds_the_other_service_is_counted(
    api: Api, society: Society, how: str, cleaner: Cleaner
) -> None:
    targets = both(society, cleaner, with_the_other_service=True)
    held, free = [
        await by_a_file(api, target, ".csv", how, [(one, 1) for one in target.one_of_each]) async for target in targets
    ]
    assert_all_is_counted(society, held, free)


async def both(society: Society, cleaner: Cleaner, *, with_the_other_service: bool = False) -> AsyncIterator[Target]:
    """People of others, and then, with everything as it was, their twins."""
    for are_twins in (False, True):
        target = target_of(society, are_twins=are_twins)
        if with_the_other_service:
            await take_the_other_service(society, target)
        yield target
        await cleaner.put_back()


async def take_the_other_service(society: Society, target: Target) -> None:
    target.one_of_each = [one for one in target.one_of_each if one.kind not in HAS_NO_OTHER_SERVICE]
    target.people = target.one_of_each
    routes = society.routes[DJKA.organizer]
    for one in target.one_of_each:
        rides = one.kind != "motorcycle"
        await society.world.accepted(
            someone(
                DJKA,
                routes["truck" if rides else "home"],
                nik=one.nik,
                name="Orang Lain",
                motorcycle=Motorcycle("B 1 XX", "1") if rides else None,
            )
        )
