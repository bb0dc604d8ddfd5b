"""`GET /data/{season}/{file}` and the page beside it: for everybody, without a token, once Hubdat says so."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from app.config import Settings
from app.main import assembled
from app.registry.statistics import public_files
from tests.registry.statistics.test_publishing import TODAY, published, shown, tallied
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    application = assembled(world.database, world.vault, Settings(public_url="http://registry.test"))
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test") as client:
        yield client


@pytest.fixture
async def files(world: World) -> None:
    await shown(world)
    await tallied(world, await world.route(), 123, TODAY)
    await published(world)


async def test_nothing_is_there_before_hubdat_shows_it(http: httpx.AsyncClient) -> None:
    for path in ("/data/2026/", "/data/2026/cities.csv", "/data/2026/metadata.json"):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("files")
async def test_anybody_fetches_a_file_and_asks_whether_it_is_still_the_same(http: httpx.AsyncClient) -> None:
    answer = await http.get("/data/2026/registrations.csv")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8; header=present")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.text.splitlines()[1:] == [
        "*,MUDIK,PASSENGER,,125",
        "hubdat,MUDIK,PASSENGER,,125",
        "*,MUDIK,PASSENGER,2026-03-02,125",
        "hubdat,MUDIK,PASSENGER,2026-03-02,125",
    ]
    again = await http.get("/data/2026/registrations.csv", headers={"If-None-Match": f"W/{answer.headers['etag']}"})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])
    other = await http.get("/data/2026/registrations.csv", headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, answer.content)
    told = (await http.get("/data/2026/metadata.json")).json()
    [listed] = [one for one in told["files"] if one["name"] == "registrations.csv"]
    assert answer.headers["etag"] == f'"{listed["sha256"]}"'
    assert listed["bytes"] == len(answer.content)


@pytest.mark.usefixtures("files")
async def test_every_file_is_there_and_nothing_else(http: httpx.AsyncClient) -> None:
    for name in public_files.NAMES:
        answer = await http.get(f"/data/2026/{name}")
        assert (answer.status_code, answer.content != b"") == (200, True), name
    for path in ("2026/other.csv", "26/cities.csv", "٢٠٢٦/cities.csv", "2025/cities.csv", "2026/cities.csv/", "2026"):
        assert (await http.get(f"/data/{path}")).status_code == 404, path
    refused = await http.get("/data/2026/cities.csv?day=2026-03-02")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "BAD_REQUEST")
    assert (await http.post("/data/2026/cities.csv")).status_code == 405


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("language", "title", "until"),
    [
        ("id", "Data terbuka mudik gratis 2026", "Pendaftaran sampai 2 Maret 2026"),
        ("en", "Open data of mudik gratis 2026", "Registrations until 2 March 2026"),
    ],
)
async def test_a_page_explains_the_files(http: httpx.AsyncClient, language: str, title: str, until: str) -> None:
    answer = await http.get("/data/2026/", headers={"Cookie": f"bahasa={language}"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"<h1>{title}</h1>" in answer.text
    assert until in answer.text
    assert "<script>" not in answer.text
    for name in public_files.NAMES:
        assert f'href="{name}"' in answer.text
    for columns in public_files.COLUMNS.values():
        assert columns[("id", "en").index(language)].partition("<")[0] in answer.text


async def test_without_a_database_it_is_503(world: World) -> None:
    from app.db import Database

    application = assembled(Database("postgresql://127.0.0.1:1/nothing"), world.vault, Settings(public_url="http://x"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://x") as client:
        for path in ("/data/2026/", "/data/2026/cities.csv"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")
            assert answer.json()["error"]["code"] == "UNAVAILABLE"
