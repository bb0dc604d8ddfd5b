"""`/openapi.json` has every door that is not GraphQL, with its parameters and scopes, and says nothing of others."""

from __future__ import annotations

from typing import Any

import httpx
import jsonschema_rs
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Route

from app.config import Settings
from app.db import Database
from app.intake.doors.doors import REFUSED
from app.intake.http import RestDoor, status_of
from app.main import assembled
from app.openapi import document
from app.openapi.operations import OPERATIONS
from app.openapi.schemas import PARAMETERS, SCHEMAS
from app.testmode import clients as test_clients
from app.vault.vault import Vault
from tests.web.addresses import OF_THE_PAGES

pytestmark = pytest.mark.anyio

HERE = "https://registry.test"
WITH_TEST = Settings(public_url=HERE).model_copy(
    update={"with_test": True, "uji_database_url": SecretStr("postgresql://nobody@127.0.0.1/none")}
)


@pytest.fixture
def application(connected: Database, vault: Vault) -> Starlette:
    return assembled(connected, vault, WITH_TEST)


@pytest.fixture
async def told(application: Starlette) -> dict[str, Any]:
    return await description_of(application)


async def description_of(application: Starlette) -> dict[str, Any]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=HERE) as http:
        answer = await http.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    content: dict[str, Any] = answer.json()
    return content


def operations(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"{method.upper()} {path}": one for path, of in told["paths"].items() for method, one in of.items()}


async def test_every_door_is_described_and_nothing_else(application: Starlette, told: dict[str, Any]) -> None:
    paths = {route.path for route in application.routes if isinstance(route, Route)}
    assert told["paths"].keys() == paths - {"/graphql"} - OF_THE_PAGES
    assert operations(told).keys() == OPERATIONS.keys()
    assert (told["openapi"], told["servers"]) == ("3.1.1", [{"url": HERE}])


async def test_the_door_to_test_mode_is_where_test_mode_is(connected: Database, vault: Vault) -> None:
    without = assembled(connected, vault, WITH_TEST.model_copy(update={"with_test": False}))
    assert OPERATIONS.keys() - operations(await description_of(without)).keys() == {f"POST {test_clients.PATH}"}


async def test_a_door_that_nobody_has_described_is_missed() -> None:
    async def answer() -> None: ...

    with pytest.raises(KeyError, match="GET /new"):
        document.described([Route("/new", answer, methods=["GET"])], HERE)


async def test_parameters_and_scopes_are_those_of_the_doors(application: Starlette, told: dict[str, Any]) -> None:
    described = operations(told)
    doors = [one for one in application.routes if isinstance(one, Route) and isinstance(one.endpoint, RestDoor)]
    assert len(doors) == 12
    used = set()
    for route in doors:
        door: Any = route.endpoint
        one = described[f"{door.method} {route.path}"]
        assert {p["name"] for p in one["parameters"] if p["in"] == "query"} == set(door.parameters)
        assert [p["name"] for p in one["parameters"] if p["in"] == "path"] == list(route.param_convertors)
        assert [[*scheme["oauth2"]] for scheme in one["security"]] == [[scope] for scope in sorted(door.scopes)]
        used |= {p["name"] for p in one["parameters"] if p["in"] != "header"}
    # Of figures for everybody the path alone says what is wanted.
    open_to_all = described["GET /data/{season}/{file}"]["parameters"]
    assert [(p["name"], p["in"]) for p in open_to_all[:2]] == [("season", "path"), ("file", "path")]
    assert used | {"file"} == PARAMETERS.keys()


async def test_refusals_are_those_of_the_doors(told: dict[str, Any]) -> None:
    described = operations(told)
    found = {key: document.refused_by(key) for key in described}
    assert {frozenset(kinds) for kinds in found.values() if kinds} == {
        frozenset(kinds) for kinds in [*REFUSED.values(), *test_clients.REFUSED.values()]
    }
    for key, kinds in found.items():
        for kind in kinds:
            assert kind.code in described[key]["responses"][str(status_of(kind))]["description"]


async def test_each_reference_leads_somewhere_and_each_schema_is_one(told: dict[str, Any]) -> None:
    refs = {word.rpartition("/")[2] for word in _refs(told)}
    assert refs == SCHEMAS.keys()
    for schema in told["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})


def _refs(content: Any) -> list[str]:
    if isinstance(content, dict):
        own = [content["$ref"]] if "$ref" in content else []
        return own + [ref for one in content.values() for ref in _refs(one)]
    return [ref for one in content for ref in _refs(one)] if isinstance(content, list) else []
