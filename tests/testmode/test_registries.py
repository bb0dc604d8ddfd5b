"""How many test registries serve in a process, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from app.config import Settings
from app.db import Database
from app.errors import TooManyResets, Unavailable
from app.main import assembled, beside_live, with_test_mode
from app.server.turns import MOST_COST_AT_A_TIME, Turns
from app.testmode import control, making, registries
from app.testmode.registries import NoTestRegistry, Registries
from app.testmode.seeding import Owner
from app.vault.vault import Vault
from tests.databases import execute, list_of_test_registries
from tests.hostile import driving
from tests.hostile.conftest import token_of
from tests.hostile.sending import Sent
from tests.metrics.test_page import value
from tests.patience import patience
from tests.world import World

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
    monkeypatch.setattr(registries, "MOST_SERVING", 1)
    async with found.lent(ONE.code) as one:
        with pytest.raises(Unavailable):
            async with found.lent(OTHER.code):
                pass
    async with found.lent(OTHER.code) as other:
        assert other is not one
    async with found.lent(ONE.code) as again:
        assert again is not one


async def test_a_stream_that_is_left_open_keeps_nobody_out(found: Registries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registries, "MOST_SERVING", 1)
    async with found.lent(ONE.code, is_stream=True) as one, found.lent(OTHER.code) as other:
        assert other is not one
        # Beside a request, a stream keeps nothing.
        async with found.lent(OTHER.code, is_stream=True) as same:
            assert same is other
            with pytest.raises(Unavailable):
                async with found.lent(ONE.code):
                    pass


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


async def test_whoever_asks_for_a_reset_that_is_under_way_waits_with_it(found: Registries, list_url: str) -> None:
    async with found.lent(ONE.code) as one:
        before = await left(list_url)
        await asyncio.gather(*(one.reset() for _ in range(5)))
        assert await left(list_url) == before + 1
    async with found.lent(ONE.code) as new:
        await new.reset()
        assert await left(list_url) == before + 2


async def test_so_many_resets_that_they_would_fill_the_disk_wait(found: Registries, list_url: str) -> None:
    listed = await found.control.find(ONE.code)
    async with found.lent(ONE.code) as one, found.lent(OTHER.code) as other:
        await leave_behind(list_url, ONE.code, control.MOST_LEFT)
        with pytest.raises(TooManyResets) as refused:
            await one.reset()
        assert 0 < refused.value.retry_after <= control.LEFT_FOR_SECONDS
        await other.reset()
    assert await found.control.find(ONE.code) == listed
    await execute(list_url, "DELETE FROM test_left WHERE starts_with(database, 'none_')")


async def left(list_url: str) -> int:
    return int(await told(list_url, "SELECT count(*) FROM test_left"))


async def leave_behind(list_url: str, organizer: str, count: int) -> None:
    numbers = f"generate_series(1, {count}) n"
    await execute(
        list_url, f"INSERT INTO test_left (database, organizer) SELECT 'none_' || n, '{organizer}' FROM {numbers}"
    )


async def told(url: str, query: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_makers_of_a_process_connect_one_at_a_time(list_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(control.OF_MAKERS, "application_name", "maker")

    async def connected() -> int:
        async with control.making(list_url):
            return int(await told(list_url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'maker'"))

    assert await asyncio.gather(*(connected() for _ in range(20))) == [1] * 20


async def test_who_makes_in_another_process_is_not_waited_for_without_an_end(
    list_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await making.made(list_url, OTHER)
    monkeypatch.setitem(control.OF_MAKERS, "lock_timeout", "50ms")
    other = await asyncpg.connect(list_url)
    try:
        await other.execute(control.MAKERS)
        with pytest.raises(Unavailable):
            await making.made(list_url, ONE)
    finally:
        await other.close()
    await making.made(list_url, ONE)


async def test_a_test_client_is_issued_in_the_turn_of_who_asks(
    list_url: str, database: Database, vault: Vault, world: World, logging_as_before: None
) -> None:
    settings = Settings(uji_database_url=SecretStr(list_url), with_test=True, port=8123)
    live = assembled(database, vault, settings)
    application, token = with_test_mode(live, settings), await token_of(live, world)
    sent = Sent(f"/uji/{ONE.code}/klien")
    turns: Turns = live.state.process.turns
    async with turns.turn("another", MOST_COST_AT_A_TIME):
        issuing = asyncio.create_task(driving.told(application, sent, token))
        async with patience():
            while value("pemudik_turns_waiting", None) != 1:
                assert not issuing.done()
                await asyncio.sleep(0)
    assert await issuing == "200"


async def test_nothing_is_reset_where_nothing_is(list_url: str) -> None:
    assert await making.reset(list_url, "djka") is None
