"""Every part of every address, and every field of a form, with its extremes: a refusal, or an answer. Never a bug.

The addresses are those of the application, and the fields those of its description.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route

from app.config import Settings
from app.db import Database
from app.main import assembled
from app.vault.vault import Vault
from tests.intake.doors.test_extremes import TEXTS
from tests.world import build

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

WITH_TEST = {"with_test": True, "uji_database_url": SecretStr("postgresql://nobody@127.0.0.1/none")}
HERE = "http://127.0.0.1:8123"
GOOD = {"grant_type": "client_credentials", "client_secret": "none", "token": "none"}


@pytest.fixture
def application(database: Database, vault: Vault) -> Starlette:
    return assembled(database, vault, Settings(port=8123).model_copy(update=WITH_TEST))


@pytest.fixture
async def http(application: Starlette, database: Database, vault: Vault) -> AsyncIterator[httpx.AsyncClient]:
    await build(database, vault)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=HERE) as http:
        yield http


async def test_no_part_of_an_address_is_a_bug(application: Starlette, http: httpx.AsyncClient) -> None:
    routes = [one for one in application.routes if isinstance(one, Route) and one.param_convertors]
    assert len(routes) >= 10
    for route in routes:
        for name in route.param_convertors:
            for text in TEXTS:
                path = _filled(route, name, quote(text, safe=""))
                for method in ("GET", "POST"):
                    answer = await http.request(method, path)
                    assert answer.status_code < 500, (method, path[:200])


async def test_no_field_of_a_form_is_a_bug(http: httpx.AsyncClient) -> None:
    described = (await http.get("/openapi.json")).json()
    forms = {
        path: operation["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["properties"]
        for path, operation in described["paths"].items()
        if path.startswith("/oauth/") and "post" in operation
    }
    numbers = itertools.count()
    assert forms.keys() == {"/oauth/token", "/oauth/revoke"}
    for path, names in forms.items():
        assert names
        for name in names:
            for text in TEXTS:
                # A client that fails again and again would be slowed.
                client = {"client_id": f"none-{next(numbers)}"}
                answer = await http.post(path, data=GOOD | client | {name: text})
                assert answer.status_code < 500, (path, name, text[:40])


def _filled(route: Route, name: str, text: str) -> str:
    """The others have values that are good."""
    path = route.path
    for one in route.param_convertors:
        kind = ":uuid" if f"{{{one}:uuid}}" in path else ":str" if f"{{{one}:str}}" in path else ""
        good = "00000000-0000-0000-0000-000000000000" if one == "id" else "2026"
        path = path.replace(f"{{{one}{kind}}}", text if one == name else good)
    return path
