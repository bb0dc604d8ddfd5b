"""Open dashboards share an answer for a second: those that would be told the same, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from app.graphql.doors import shared
from tests.changes.counting import count_all
from tests.web.conftest import FROM_OUR_PAGE
from tests.world import DJKA, HUBDAT, World, someone

pytestmark = pytest.mark.anyio
SignedIn = Callable[[str], Awaitable[httpx.AsyncClient]]

FIGURES = "query ($where: StatisticsFilter) { statistics(where: $where) { total { registered } } }"
SHARED = "SET TRANSACTION"
"""Each reading of statistics begins so."""


@pytest.fixture(autouse=True)
def shared_as_long_as_a_test_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "SHARED_FOR_SECONDS", 3600.0)


@pytest.fixture
async def season(world: World) -> World:
    """One person of DJKA."""
    train = await world.route("KA", organizer="djka")
    await world.submit(someone(DJKA, train, 1))
    await count_all(world.database)
    return world


async def more(world: World) -> None:
    """Two more, of Hubdat."""
    bus = await world.route()
    await world.submit(someone(HUBDAT, bus, 2), someone(HUBDAT, bus, 3))
    await count_all(world.database)


async def post(browser: httpx.AsyncClient, query: str = FIGURES, variables: Any = None, **headers: str) -> Any:
    body = {"query": query, "variables": variables or {}}
    return (await browser.post("/graphql", json=body, headers={**FROM_OUR_PAGE, **headers})).json()


async def registered(browser: httpx.AsyncClient, variables: Any = None, **headers: str) -> int:
    answer = await post(browser, variables=variables, **headers)
    found: int = answer["data"]["statistics"]["total"]["registered"]
    return found


async def test_pages_that_are_told_the_same_share_an_answer(season: World, signed_in: SignedIn) -> None:
    browser = await signed_in("viewer")
    assert await registered(browser) == 1
    await more(season)
    with season.statements() as issued:
        assert await registered(browser) == 1
        # Another session of the role.
        assert await registered(await signed_in("viewer")) == 1
    assert sum(SHARED in one for one in issued) == 0
    # Whoever has just changed something.
    assert await registered(browser, **{"Cache-Control": "no-cache"}) == 3


async def test_pages_that_ask_at_once_ask_the_database_once(season: World, signed_in: SignedIn) -> None:
    browser = await signed_in("viewer")
    with season.statements() as issued:
        found = await asyncio.gather(*(registered(browser) for _ in range(20)))
    assert found == [1] * 20
    assert sum(SHARED in one for one in issued) == 1


async def test_others_are_told_their_own(season: World, signed_in: SignedIn) -> None:
    assert await registered(await signed_in("viewer")) == 1
    await more(season)
    assert await registered(await signed_in("operator")) == 3
    # DJKA's own.
    assert await registered(await signed_in("organizer")) == 1
    browser = await signed_in("viewer")
    assert await registered(browser, {"where": {"organizer": "hubdat"}}) == 2
    assert await registered(browser, **{"Accept-Language": "en"}) == 3
    answer = await post(browser, "{ statistics { total { registered } season } }")
    assert answer["data"]["statistics"] == {"total": {"registered": 3}, "season": 2026}


async def test_what_may_name_a_person_is_not_shared(season: World, signed_in: SignedIn) -> None:
    browser = await signed_in("organizer")
    query = "{ statistics { total { registered } } registrants { nodes { id } } }"
    first = await post(browser, query)
    await season.submit(someone(DJKA, await season.route("KA 2", organizer="djka"), 4))
    second = await post(browser, query)
    assert [len(one["data"]["registrants"]["nodes"]) for one in (first, second)] == [1, 2]


async def test_an_answer_is_shared_for_a_second(
    season: World, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await signed_in("viewer")
    assert await registered(browser) == 1
    await more(season)
    monkeypatch.setattr(shared, "SHARED_FOR_SECONDS", 0.0)
    assert await registered(browser) == 3


async def test_what_fails_is_asked_again(season: World, signed_in: SignedIn) -> None:
    browser = await signed_in("viewer")
    variables = {"where": {"from": "2026-03-02", "to": "2026-03-01"}}
    for _ in range(2):
        answer = await post(browser, variables=variables)
        assert answer["errors"][0]["extensions"]["code"] == "INVALID_VALUE"
    await season.run("ALTER TABLE tally RENAME TO away")
    try:
        answer = await post(browser)
    finally:
        await season.run("ALTER TABLE away RENAME TO tally")
    assert answer["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert await registered(browser) == 1


async def test_only_so_many_answers_are_kept(
    season: World, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "MOST_ANSWERS", 2)
    browser = await signed_in("viewer")
    assert await registered(browser) == 1
    await more(season)
    assert await registered(browser) == 1
    for organizer in ("hubdat", "djka"):
        await registered(browser, {"where": {"organizer": organizer}})
    assert await registered(browser) == 3
