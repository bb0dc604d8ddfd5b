"""Signing in with an account of a real OpenID provider: npm's `oidc-provider`, in a process of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette

from app.auth.bearer import Bearer
from app.auth.callers import Callers, Pages
from app.auth.sessions import Sessions
from app.auth.signing import SigningKeys
from app.config import Settings
from app.registry.clients.staff import StaffPerson
from app.registry.statistics.shelf import Shelf
from app.request_log import RequestLog
from app.web import oidc, pages, signing
from tests import npm
from tests.web.conftest import FROM_OUR_PAGE, ORIGIN
from tests.world import World

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine: no OpenID provider is there"),
]

HERE = Path(__file__).parent / "oidc"
SECRET = "a secret of the tests"
STATE_COOKIE, SESSION_COOKIE = "__Host-pemudik-masuk", "__Host-pemudik"
FINISH = "/masuk/oidc/selesai"
Came = Mapping[str, str]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    npm.install(HERE)
    words = ["node", "provider.mjs", f"{ORIGIN}/masuk/oidc", SECRET]
    with subprocess.Popen(words, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["issuer"]
        finally:
            process.terminate()


def settings_of(issuer: str, **changes: Any) -> Settings:
    given = {"oidc_issuer": issuer, "oidc_client_id": "pemudik", "oidc_client_secret": SecretStr(SECRET)}
    return Settings(public_url=ORIGIN, **{**given, **changes})


def application_of(world: World, settings: Settings) -> Starlette:
    bearer = Bearer(world.database, SigningKeys(lambda: world.vault.signing), ORIGIN)
    callers = Callers(bearer, Sessions(world.database), Pages(ORIGIN))
    return Starlette(
        routes=[
            *signing.routes(world.database, callers, settings),
            *oidc.routes(world.database, callers, settings),
            *pages.routes(callers, Shelf(database=world.database), provider=True),
        ]
    )


@pytest.fixture
def application(world: World, issuer: str) -> Starlette:
    return application_of(world, settings_of(issuer))


@pytest.fixture
async def at_provider() -> AsyncIterator[httpx.AsyncClient]:
    """The same person's browser, on the provider's pages."""
    async with httpx.AsyncClient() as client:
        yield client


async def began(browser: httpx.AsyncClient) -> str:
    answer = await browser.post("/masuk/oidc", json={}, headers=FROM_OUR_PAGE)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["location"])


async def signed_in_there(client: httpx.AsyncClient, address: str, login: str) -> Came:
    """Types the login, consents, and comes back with what the provider says to us."""
    while not address.startswith(ORIGIN):
        page = await client.get(address)
        if page.is_redirect:
            address = urljoin(address, page.headers["location"])
            continue
        [action] = re.findall(r'<form[^>]*action="([^"]+)"', page.text)
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w*)"', page.text))
        answer = await client.post(urljoin(address, unescape(action)), data={**fields, "login": login, "password": "x"})
        address = urljoin(address, answer.headers["location"])
    assert urlsplit(address).path == "/masuk/oidc"
    return {name: value for name, [value] in parse_qs(urlsplit(address).query).items()}


async def finished(browser: httpx.AsyncClient, came: Came) -> httpx.Response:
    given = {"code": came["code"], "state": came["state"]}
    return await browser.post(FINISH, json=given, headers=FROM_OUR_PAGE)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_staff_sign_in_with_their_account(
    world: World, browser: httpx.AsyncClient, at_provider: httpx.AsyncClient, people: dict[str, StaffPerson]
) -> None:
    door = await browser.get("/masuk")
    assert "Masuk dengan akun instansi" in door.text
    answer = await browser.post("/masuk/oidc", json={}, headers=FROM_OUR_PAGE)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{STATE_COOKIE}=")
    assert all(part in cookie for part in ("HttpOnly", "Max-Age=600", "Path=/", "SameSite=lax", "Secure"))
    asked = parse_qs(urlsplit(answer.json()["location"]).query)
    assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == (
        ["code"],
        ["S256"],
        ["openid email"],
    )
    assert asked["redirect_uri"] == [f"{ORIGIN}/masuk/oidc"]
    came = await signed_in_there(at_provider, answer.json()["location"], "Organizer@Contoh.example")
    # What the provider leads to is a page: a GET signs nobody in.
    page = await browser.get("/masuk/oidc", params=dict(came))
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert await world.count("staff_session") == 0
    answer = await finished(browser, came)
    assert answer.status_code == 200, answer.text
    assert SESSION_COOKIE in browser.cookies
    assert STATE_COOKIE not in browser.cookies
    assert await world.run("SELECT staff_id FROM staff_session") == [(people["organizer"].id,)]
    shown = await browser.get("/ringkasan")
    assert people["organizer"].email in shown.text
    # The code is used, and what was kept of the sign-in is gone.
    assert code_of(await finished(browser, came)) == (403, "SIGN_IN_ENDED")
    assert await world.count("staff_session") == 1


@pytest.mark.parametrize(
    ("login", "code"),
    [
        ("unverified:organizer@contoh.example", "EMAIL_UNVERIFIED"),
        ("orang.lain@contoh.example", "NOT_STAFF"),
        ("tanpa-alamat", "NOT_STAFF"),
    ],
)
async def test_only_a_verified_address_of_the_staff_signs_in(
    world: World,
    browser: httpx.AsyncClient,
    at_provider: httpx.AsyncClient,
    people: dict[str, StaffPerson],
    login: str,
    code: str,
) -> None:
    came = await signed_in_there(at_provider, await began(browser), login)
    answer = await finished(browser, came)
    assert code_of(answer) == (403, code)
    assert login.removeprefix("unverified:") not in answer.text
    assert await world.count("staff_session") == 0


async def test_a_sign_in_that_another_browser_began_is_none(
    world: World,
    browser: httpx.AsyncClient,
    at_provider: httpx.AsyncClient,
    application: Starlette,
    people: dict[str, StaffPerson],
) -> None:
    """Else a stranger leads somebody into the stranger's own account, or takes over a code that was caught."""
    came = await signed_in_there(at_provider, await began(browser), people["organizer"].email)
    transport = httpx.ASGITransport(RequestLog(application))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as other:
        assert code_of(await finished(other, came)) == (403, "SIGN_IN_ENDED")
        await began(other)
        assert code_of(await finished(other, came)) == (403, "SIGN_IN_ENDED")
        # With the state of the one and the verifier of the other, the provider refuses.
        mine, theirs = browser.cookies[STATE_COOKIE].split("."), other.cookies[STATE_COOKIE].split(".")
        mixed = ".".join([mine[0], mine[1], theirs[2]])
        headers = {**FROM_OUR_PAGE, "Cookie": f"{STATE_COOKIE}={mixed}"}
        other.cookies.clear()
        answer = await other.post(FINISH, json={"code": came["code"], "state": came["state"]}, headers=headers)
        assert code_of(answer) == (403, "SIGN_IN_REFUSED")
    assert await world.count("staff_session") == 0


async def test_a_session_of_before_ends(
    world: World, browser: httpx.AsyncClient, at_provider: httpx.AsyncClient, signed_in: Callable[[str], Any]
) -> None:
    await signed_in("viewer")
    came = await signed_in_there(at_provider, await began(browser), "posko@contoh.example")
    assert (await finished(browser, came)).status_code == 200
    assert await world.one("SELECT role FROM staff_session JOIN staff ON staff.id = staff_id") == "posko"


async def test_what_may_ask(browser: httpx.AsyncClient) -> None:
    for path in ("/masuk/oidc", FINISH):
        foreign = await browser.post(path, json={}, headers={"Origin": "https://elsewhere.example"})
        assert code_of(foreign) == (403, "FOREIGN_ORIGIN")
        assert (await browser.post(path, content=b"x=1", headers=FROM_OUR_PAGE)).status_code == 415
    for given in ({}, {"code": "a"}, {"code": 1, "state": "b"}, ["code"]):
        assert code_of(await browser.post(FINISH, json=given, headers=FROM_OUR_PAGE)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(("issuer", "code"), [("http://127.0.0.1:9", "PROVIDER_AWAY")])
async def test_a_provider_that_is_away(browser: httpx.AsyncClient, code: str) -> None:
    answer = await browser.post("/masuk/oidc", json={}, headers={**FROM_OUR_PAGE, "Accept-Language": "en"})
    assert code_of(answer) == (502, code)
    assert answer.json()["error"]["message"] == "The account's provider cannot be reached; try again in a moment."


async def test_another_issuer_than_the_one_that_was_named_signs_nobody_in(
    world: World, issuer: str, at_provider: httpx.AsyncClient, people: dict[str, StaffPerson]
) -> None:
    """The same provider under another name: what it signs names itself otherwise."""
    named = issuer.replace("127.0.0.1", "localhost")
    transport = httpx.ASGITransport(application_of(world, settings_of(named)))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as browser:
        came = await signed_in_there(at_provider, await began(browser), people["viewer"].email)
        assert code_of(await finished(browser, came)) == (403, "SIGN_IN_REFUSED")
    assert await world.count("staff_session") == 0


def test_settings_of_a_provider() -> None:
    for wrong in ("http://accounts.example", "accounts.example", "https:accounts"):
        with pytest.raises(ValidationError, match="https://"):
            Settings(oidc_issuer=wrong, oidc_client_id="pemudik")
    with pytest.raises(ValidationError, match="PEMUDIK_OIDC_CLIENT_ID"):
        Settings(oidc_issuer="https://accounts.example")
    assert Settings().oidc_issuer is None
