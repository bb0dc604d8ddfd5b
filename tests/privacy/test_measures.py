"""How much an organizer can learn that walks through other organizers' NIKs, by each door: no more than its allowance,
with a row of the access log for each answer, and the alarm hears it within the first 50.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from app.models.enums import NikOutcome
from app.registry.niks import allowance, enumeration
from app.registry.niks.allowance import FEWEST, Allowance
from app.registry.niks.enumeration import Sign
from tests.graphql.conftest import EVERYDAY
from tests.intake.knocking import Doors, opened
from tests.intake.lists import as_csv, row, verdicts, worked_off
from tests.world import DJKA, DKI, HUBDAT, NOW, World, nik_of, someone

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

Told = list[bool]
"""Of each NIK that was named, whether the answer said anything about it."""
OWN = 800_000
"""The number of the one person whom the walker has."""
FIRST = 50
"""Within so many the alarm must hear it."""
AT_ONCE = 1_000


@pytest.fixture(autouse=True)
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.clock.now", lambda: NOW)


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    """DJKA has a route with seats, another one without, and one person."""
    await world.route("KA", organizer="djka")
    await world.route("Penuh", organizer="djka", quota=0)
    await world.accepted(someone(DJKA, world.routes["KA"], OWN))
    await world.route("DKI", organizer="dishub-dki")
    async with opened(world) as api:
        await api.token("djka", EVERYDAY)
        yield api


async def held_by_another(world: World, count: int) -> list[str]:
    """Every second one is registered with DKI, and the others with nobody."""
    for start in range(0, count, 2 * AT_ONCE):
        numbers = range(start, min(start + 2 * AT_ONCE, count), 2)
        await world.submit(*[someone(DKI, world.routes["DKI"], number) for number in numbers])
    await world.run("DELETE FROM nik_access")
    return [nik_of(number) for number in range(count)]


async def set_to(world: World, per_day: int | None) -> None:
    if per_day is not None:
        found = await world.database.attempt(
            lambda session: allowance.set_per_day(session, HUBDAT, "djka", per_day, "Rapat", NOW)
        )
        assert isinstance(found, Allowance)


async def used(world: World) -> Allowance:
    async with world.database.transaction() as session:
        return (await allowance.of_organizers(session, ["djka"], NOW))["djka"]


async def signs(world: World) -> list[Sign]:
    async with world.database.transaction() as session:
        return await enumeration.walking(session, NOW)


async def written(world: World) -> tuple[int, int]:
    """How many rows of the access log stand for answers that told something, and how many for others."""
    rows = await world.run(
        "SELECT count(*) FILTER (WHERE outcome <> :undecided) AS told, count(*) FILTER (WHERE outcome = :undecided) AS"
        " others FROM nik_access WHERE organizer_code = 'djka' AND area IS NOT NULL",
        undecided=NikOutcome.UNDECIDED,
    )
    return rows[0].told, rows[0].others


# --- by each door -----------------------------------------------------------------------------------------------------


async def by_check(api: Doors, world: World, niks: Sequence[str]) -> Told:
    query = "query ($niks: [NIK!]!) { checkNiks(niks: $niks) { outcome } }"
    found = (await api.data(query, {"niks": list(niks)}, organizer="djka", scopes=EVERYDAY))["checkNiks"]
    return [one["outcome"] != "UNDECIDED" for one in found]


async def by_submission(api: Doors, world: World, niks: Sequence[str]) -> Told:
    return [one == "NIK_ALREADY_REGISTERED" for one in await submitted(api, world, niks, "KA")]


async def submitted(api: Doors, world: World, niks: Sequence[str], route: str) -> list[str]:
    """The codes of the refusals."""
    query = """mutation ($inputs: [SubmitRegistrant!]!) {
        submitRegistrants(inputs: $inputs) { ... on Problem { code } } }"""
    person = {"name": "Orang Lain", "routeId": str(world.routes[route]), "identityDocument": "KTP"}
    inputs = [{**person, "nik": one} for one in niks]
    found = (await api.data(query, {"inputs": inputs}, organizer="djka", scopes=EVERYDAY))["submitRegistrants"]
    return [one["code"] for one in found]


async def by_correction(api: Doors, world: World, niks: Sequence[str]) -> Told:
    query = """mutation ($of: NIK!, $nik: NIK!) {
        correctRegistrant(ref: {nik: {nik: $of}}, input: {nik: $nik, reason: "Salah ketik"}) {
            ... on Problem { code } } }"""
    told = []
    for one in niks:
        found = await api.data(query, {"of": nik_of(OWN), "nik": one}, organizer="djka", scopes=EVERYDAY)
        told.append(found["correctRegistrant"]["code"] == "NIK_ALREADY_REGISTERED")
    return told


async def by_webhook(api: Doors, world: World, niks: Sequence[str]) -> Told:
    answer = await api.send("/webhook/pemudik", rows(niks), organizer="djka", scopes=EVERYDAY)
    return [one["kode"] == "NIK_ALREADY_REGISTERED" for one in answer.json()["hasil"]]


async def by_last_years_check(api: Doors, world: World, niks: Sequence[str]) -> Told:
    answers = [await api.send("/legacy/cek-nik", {"nik": one}, organizer="djka", scopes=EVERYDAY) for one in niks]
    assert {one.status_code for one in answers} == {200}
    return [one.json()["status_code"] != 429 for one in answers]


async def by_dry_run(api: Doors, world: World, niks: Sequence[str]) -> Told:
    """Until the registry puts the file off."""
    content = as_csv(rows(niks))
    sent = await api.send(
        "/import?dryRun=true", content, organizer="djka", scopes=EVERYDAY, **{"Content-Type": "text/csv"}
    )
    assert sent.status_code == 202, sent.text
    found = await verdicts(world, await worked_off(world))
    return [code == "NIK_ALREADY_REGISTERED" or result == "NEW" for _, result, code in found]


def rows(niks: Sequence[str]) -> list[dict[str, str]]:
    return [{**row(1), "data_nik": one, "rute_perjalanan": "KA", "source": "DJKA"} for one in niks]


DOORS: list[Callable[[Doors, World, Sequence[str]], Awaitable[Told]]] = [
    by_check,
    by_submission,
    by_correction,
    by_webhook,
    by_last_years_check,
    by_dry_run,
]


@pytest.mark.parametrize("door", DOORS)
async def test_who_walks_is_heard_within_the_first_fifty(
    api: Doors, world: World, door: Callable[[Doors, World, Sequence[str]], Awaitable[Told]]
) -> None:
    niks = (await held_by_another(world, 2 * FIRST))[::2]
    told = await door(api, world, niks)
    assert (sum(told), await written(world), (await used(world)).used) == (FIRST, (FIRST, 0), FIRST)
    assert await signs(world) == [Sign("djka", "walking", FIRST)]


@pytest.mark.parametrize("door", DOORS[:-1])
async def test_answers_end_with_the_allowance(
    api: Doors, world: World, door: Callable[[Doors, World, Sequence[str]], Awaitable[Told]]
) -> None:
    niks = (await held_by_another(world, 2 * FIRST))[::2]
    await set_to(world, 30)
    told = await door(api, world, niks)
    assert told == [True] * 30 + [False] * 20
    assert (await written(world), (await used(world)).used) == ((30, 20), 30)
    assert await signs(world) == [Sign("djka", "walking", FIRST)]


@pytest.mark.parametrize(
    ("niks", "per_day", "answers"),
    [(2_500, 1_500, 1_000), pytest.param(150_000, None, FEWEST, marks=pytest.mark.nightly)],
)
async def test_a_dry_run_tells_whole_chunks_within_the_allowance(
    api: Doors, world: World, niks: int, per_day: int | None, answers: int
) -> None:
    walked = await held_by_another(world, niks)
    await set_to(world, per_day)
    told = await by_dry_run(api, world, walked)
    assert told == [True] * answers
    assert (await written(world), (await used(world)).used) == ((answers, 0), answers)
    waits = await world.run("SELECT state, waits_until FROM import_job")
    assert [(one.state, one.waits_until) for one in waits] == [("QUEUED", allowance.ends_at(NOW))]


@pytest.mark.parametrize("niks", [60, pytest.param(5_000, marks=pytest.mark.nightly)])
async def test_a_full_route_tells_nothing(api: Doors, world: World, niks: int) -> None:
    walked = await held_by_another(world, niks)
    for start in range(0, niks, AT_ONCE):
        assert set(await submitted(api, world, walked[start : start + AT_ONCE], "Penuh")) == {"QUOTA_FULL"}
    assert (await written(world), (await used(world)).used) == ((0, 0), 0)


@pytest.mark.nightly
@pytest.mark.parametrize(("per_day", "answers"), [(None, 1_000), (600, 600)])
async def test_a_thousand_corrections_tell_within_the_allowance(
    api: Doors, world: World, per_day: int | None, answers: int
) -> None:
    walked = (await held_by_another(world, 2_000))[::2]
    await set_to(world, per_day)
    told = await by_correction(api, world, walked)
    assert told == [True] * answers + [False] * (1_000 - answers)
    assert (await written(world), (await used(world)).used) == ((answers, 1_000 - answers), answers)
