"""Files that a page sends and fetches, under the session of whoever is signed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.intake.lists import as_csv, row, worked_off
from tests.web.conftest import FROM_OUR_PAGE
from tests.world import World

pytestmark = pytest.mark.anyio

SignedIn = Callable[[str], Awaitable[httpx.AsyncClient]]
CSV = {"Content-Type": "text/csv"}


async def test_a_page_sends_a_file_and_fetches_its_verdicts_by_post_alone(
    browser: httpx.AsyncClient, signed_in: SignedIn, world: World
) -> None:
    await world.route(organizer="djka")
    await signed_in("organizer")
    content = as_csv([row(1, source="DJKA"), row(2, data_nik="123", source="DJKA")])
    foreign = await browser.post("/import", content=content, headers=CSV | {"Origin": "https://elsewhere.example"})
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (403, "FOREIGN_ORIGIN")
    sent = await browser.post("/import?dryRun=true", content=content, headers=CSV | FROM_OUR_PAGE)
    assert (sent.status_code, await world.count("import_job")) == (202, 1)
    await worked_off(world)
    path = f"/import/{sent.json()['id']}/result.csv"
    result = await browser.post(path, headers=FROM_OUR_PAGE)
    assert result.status_code == 200
    assert result.headers["cache-control"] == "no-store"
    assert [line.rsplit(";", 2)[1] for line in result.text.splitlines()] == ["hasil", "diterima", "ditolak"]
    assert (await browser.get(path, headers=FROM_OUR_PAGE)).status_code == 401
    assert (await browser.post(path, headers={"Origin": "https://elsewhere.example"})).status_code == 403
    assert (await browser.put(path, headers=FROM_OUR_PAGE)).headers["allow"] == "GET, HEAD, POST"


async def test_a_posko_neither_sends_nor_fetches_a_file(
    browser: httpx.AsyncClient, signed_in: SignedIn, world: World
) -> None:
    await signed_in("posko")
    sent = await browser.post("/import", content=as_csv([row(1)]), headers=CSV | FROM_OUR_PAGE)
    assert (sent.status_code, await world.count("import_job")) == (403, 0)
    path = "/import/00000000-0000-7000-8000-000000000000/result.csv"
    assert (await browser.post(path, headers=FROM_OUR_PAGE)).status_code == 403
