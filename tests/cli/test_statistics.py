from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from app.db import Database
from app.models.enums import RegistrantStatus
from app.vault.vault import Vault
from tests.changes.counting import count_all
from tests.cli.conftest import Pemudik
from tests.world import DJKA, HUBDAT, NOW, World, build, someone


@pytest.fixture
def counted(database_url: str, vault: Vault, database: Database) -> Iterator[None]:
    """Hubdat: one who waits and one who was cancelled, of ten seats. DJKA: one without a quota."""

    async def fill() -> None:
        own = Database(database_url)
        world: World = await build(own, vault)
        solo, train = await world.route(quota=10), await world.route("KA", organizer="djka")
        await world.registered(someone(HUBDAT, solo, 1))
        gone = await world.registered(someone(HUBDAT, solo, 2))
        await world.moved(gone.id, RegistrantStatus.CANCELLED)
        await world.registered(someone(DJKA, train, 3))
        await count_all(own)
        await own.dispose()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.clock.now", lambda: NOW)
        asyncio.run(fill())
        yield


def test_the_figures_are_shown(pemudik: Pemudik, counted: None) -> None:
    assert pemudik("statistics", "show").output == (
        "organizer  registered  verified  departed  forfeited  cancelled  no_show  quota  remaining\n"
        "djka       1           0         0         0          0          0        -      -\n"
        "hubdat     1           0         0         0          1          0        10     9\n"
        "all        2           0         0         0          1          0        10     9\n"
        "Season 2026 as of 2026-03-02T02:00:00+00:00.\n"
    )


def test_the_figures_as_json(pemudik: Pemudik, counted: None) -> None:
    found = json.loads(pemudik("statistics", "show", "--season", "2026", "--json").output)
    assert (found["season"], found["as_of"]) == (2026, "2026-03-02T02:00:00+00:00")
    assert found["organizers"]["hubdat"] == {
        "registered": 1,
        "verified": 0,
        "departed": 0,
        "forfeited": 0,
        "cancelled": 1,
        "no_show": 0,
        "quota": 10,
        "remaining": 9,
        "taken": 1,
        "fill": 0.1,
    }
    assert found["total"]["registered"] == 2


def test_a_season_without_anybody(pemudik: Pemudik, counted: None) -> None:
    assert json.loads(pemudik("statistics", "show", "--season", "2020", "--json").output)["organizers"] == {}


def test_no_season_at_all(pemudik: Pemudik) -> None:
    assert (
        pemudik("statistics", "show", code=1).stderr
        == "pemudik: The season was not found; check what you sent. (NOT_FOUND)\n"
    )


def test_counting_anew(pemudik: Pemudik, counted: None) -> None:
    before = pemudik("statistics", "show").output
    said = pemudik("statistics", "rebuild").output
    assert said.startswith("Counted anew, up to change ")
    assert int(said.split()[-1].rstrip(".")) >= 5
    assert pemudik("statistics", "show").output == before
