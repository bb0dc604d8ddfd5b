"""People who sign in to the pages of a registry in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse

from app import clock
from app.auth.bearer import Bearer
from app.auth.callers import Callers, Pages
from app.auth.sessions import Sessions
from app.auth.signing import SigningKeys
from app.config import Settings
from app.db import Database
from app.graphql.doors import http as graphql
from app.intake.doors import doors
from app.process import build_process
from app.registry.clients import sign_in, staff
from app.registry.clients.sign_in import Token
from app.registry.clients.staff import StaffPerson
from app.request_log import RequestLog
from app.vault.vault import Vault
from app.web import pages, signing
from tests import world as worlds
from tests.world import HUBDAT, World

ORIGIN = "https://pemudik.test"
FROM_OUR_PAGE = {"Origin": ORIGIN}
COOKIE = "__Host-pemudik"
Link = Callable[[str], Awaitable[str]]


@pytest.fixture
async def world(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> World:
    """The registry's clock stands at `world.NOW`."""
    monkeypatch.setattr("app.clock.now", lambda: worlds.NOW)
    return await worlds.build(database, vault)


@pytest.fixture
def settings() -> Settings:
    return Settings(public_url=ORIGIN)


class Watch:
    """Stands still until a test moves it."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def application(world: World, settings: Settings, watch: Watch) -> Starlette:
    keys = SigningKeys(lambda: world.vault.signing)
    process = build_process(world.database, world.vault)
    bearer, sessions = Bearer(world.database, keys, ORIGIN), Sessions(world.database, monotonic=watch)
    callers = Callers(bearer, sessions, Pages(settings.public_url))
    return Starlette(
        routes=[
            *graphql.routes(process, callers, settings),
            *doors.routes(process, callers, settings),
            *signing.routes(world.database, callers, settings),
            *pages.routes(callers, process.shelf),
            pages.front(callers, lambda: JSONResponse({"name": "Pemudik"})),
        ]
    )


@pytest.fixture
async def browser(application: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies, and sends them wherever a browser would."""
    transport = httpx.ASGITransport(RequestLog(application))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


@pytest.fixture
async def people(world: World) -> dict[str, StaffPerson]:
    """One of each role."""
    found = {}
    async with world.database.transaction() as session:
        for role, organizer in (("operator", "hubdat"), ("viewer", "hubdat"), ("organizer", "djka"), ("posko", "djka")):
            person = await staff.add(session, HUBDAT, f"{role}@contoh.example", organizer, role, clock.now())
            assert isinstance(person, StaffPerson)
            found[role] = person
    return found


@pytest.fixture
def link(world: World, people: dict[str, StaffPerson]) -> Link:
    """The token of a new link for the person of a role."""

    async def make(role: str) -> str:
        async with world.database.transaction() as session:
            made = await sign_in.make_link(session, people[role].email, clock.now())
        assert isinstance(made, Token)
        return made.text

    return make


@pytest.fixture
def signed_in(browser: httpx.AsyncClient, link: Link) -> Callable[[str], Awaitable[httpx.AsyncClient]]:
    async def sign(role: str) -> httpx.AsyncClient:
        answer = await browser.post("/masuk", json={"token": await link(role)}, headers=FROM_OUR_PAGE)
        assert answer.status_code == 200, answer.text
        return browser

    return sign
