"""How many test registries serve in a process, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from app.config import Settings
from app.errors import Unavailable
from app.main import beside_live
from app.server.turns import Turns
from app.testmode import control, making, registries
from app.testmode.registries import NoTestRegistry, Registries
from app.testmode.seeding import Owner
from tests.databases import list_of_test_registries
from tests.patience import patience

pytestmark = pytest.mark.anyio

ONE, OTHER = Owner("dishub-dki", "Dishub Prov. DKI Jakarta"), Owner("jasa-raharja", "Jasa Raharja", [("bumn", "BUMN")])


@pytest.fixture(scope="module")
def list_url(database_url: str) -> Iterator[str]:
    with list_of_test_registries(database_url) as url:
        yield url


@pytest.fixture
async def found(list_url: str, logging_as_before: None) -> AsyncIterator[Registries]:
    for owner in (ONE, OTHER):
        await making.made(list_url, owner)
    settings = Settings(uji_database_url=SecretStr(list_url), port=8123)
    found = Registries(settings, beside_live, Turns(), asyncio.Event())
    yield found
    await found.end()


async def test_one_that_nobody_asks_gives_way_and_one_that_is_asked_does_not(
    found: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registries, "MOST", 1)
    async with found.lent(ONE.code) as one:
        with pytest.raises(Unavailable):
            async with found.lent(OTHER.code):
                pass
    async with found.lent(OTHER.code) as other:
        assert other is not one
    async with found.lent(ONE.code) as again:
        assert again is not one


async def test_one_that_nobody_asks_ends(found: Registries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registries, "IDLE_SECONDS", 0.0)
    monkeypatch.setattr(registries, "LOOK_EVERY_SECONDS", 0.05)
    async with found.lent(ONE.code) as one:
        keeping = asyncio.create_task(found.keep())
    async with patience():
        while one.serves:  # noqa: ASYNC110 - its end is its own
            await asyncio.sleep(0.05)
    keeping.cancel()
    async with found.lent(ONE.code) as again:
        assert again is not one


async def test_an_organizer_that_is_not_listed_has_none(found: Registries) -> None:
    with pytest.raises(NoTestRegistry):
        async with found.lent("djka"):
            pass


async def test_what_is_made_twice_is_made_once_and_strays_are_dropped(list_url: str) -> None:
    first = await making.made(list_url, ONE)
    assert await making.made(list_url, ONE) == first
    stray = f"{control.name_in(list_url)}_stray"
    async with control.making(list_url) as maker:
        await maker.create(stray)
        await maker.drop_strays()
        assert not await maker.has(stray)
        assert await maker.has(first.database)


async def test_nothing_is_reset_where_nothing_is(list_url: str) -> None:
    assert await making.reset(list_url, "djka") is None
