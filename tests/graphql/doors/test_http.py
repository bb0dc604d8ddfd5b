"""Requests that are none, and how answers are worded: statuses, media types, limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route as HttpRoute
from starlette.types import Message

from app import clock
from app.auth.bearer import Bearer
from app.config import Settings
from app.errors import Unavailable
from app.graphql.doors import http as door
from app.registry.routes import route as registry_route
from app.registry.routes import terminals
from tests.graphql.conftest import ISSUER, Api
from tests.patience import PATIENCE_SECONDS
from tests.world import World

pytestmark = pytest.mark.anyio

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


def told(answer: httpx.Response) -> tuple[int, str]:
    [error] = answer.json()["errors"]
    return answer.status_code, error["extensions"]["code"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_operations_are_sent_by_post(api: Api, method: str) -> None:
    answer = await api.http.request(method, "/graphql?query={me{id}}")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/graphql", "application/x-www-form-urlencoded", "application/json; charset=utf-16"],
)
async def test_only_json_comes_in(api: Api, content_type: str) -> None:
    answer = await api.post(content=b'{"query":"{me{id}}"}', headers={"Content-Type": content_type})
    assert told(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf8"']
)
async def test_json_by_any_of_its_names(api: Api, content_type: str) -> None:
    answer = await api.post(content=b'{"query":"{__typename}"}', headers={"Content-Type": content_type})
    assert answer.json()["data"] == {"__typename": "Query"}


async def test_a_compressed_body_is_not_taken(api: Api) -> None:
    answer = await api.post(content=b"\x1f\x8b\x08", headers={"Content-Type": JSON, "Content-Encoding": "gzip"})
    assert told(answer) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"5",
        b'"x"',
        b"true",
        b"[]",
        b'[{"query":"{me{id}}"}]',
        b"{",
        b'{"query":"\xff"}',
        b"\x1f\x8b\x08\x00",
        b"[" * 100_000,
        b'{"variables":' + b'{"a":' * 90_000,
        b"{}",
        b'{"query":null}',
        b'{"query":5}',
        b'{"query":["{me{id}}"]}',
        b'{"query":"{me{id}}","variables":[]}',
        b'{"query":"{me{id}}","variables":"x"}',
        b'{"query":"{me{id}}","operationName":1}',
        b'{"query":"{me{id}}","extensions":"x"}',
        b'{"query":"{me{id}}","variables":{"a":1' + b"0" * 5_000 + b"}}",
        b'{"query":"{me{id}}","variables":{"a":NaN}}',
        b'{"query":"\\ud800"}',
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_what_is_no_request_is_400(api: Api, body: bytes, accept: str) -> None:
    answer = await api.post(content=body, headers={"Content-Type": JSON}, accept=accept)
    assert told(answer) == (400, "BAD_REQUEST")


async def test_a_large_body_is_refused_before_it_is_read(api: Api) -> None:
    answer = await api.post(content=b" " * 1_000_001, headers={"Content-Type": JSON})
    assert told(answer) == (413, "CONTENT_TOO_LARGE")


async def test_a_large_body_that_does_not_say_so_is_refused_while_it_is_read(api: Api) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 50_000

    answer = await api.post(content=body(), headers={"Content-Type": JSON})
    assert told(answer) == (413, "CONTENT_TOO_LARGE")


async def test_a_body_that_does_not_arrive_is_given_up(build: Callable[[Settings], Starlette], world: World) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'{"query":'
        await asyncio.Event().wait()

    application = build(Settings(body_timeout=0.05))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=ISSUER) as client:
        answer = await Api(client, world.database).post(content=body(), headers={"Content-Type": JSON})
    assert told(answer) == (408, "REQUEST_TIMEOUT")
    assert answer.headers["connection"] == "close"


async def test_a_client_that_goes_away_gets_no_answer(api: Api, application: Starlette) -> None:
    sent: list[Message] = []
    token = await api.token()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    [route] = [one for one in application.routes if isinstance(one, HttpRoute) and one.path == door.PATH]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "headers": [(b"content-type", b"application/json"), (b"authorization", f"Bearer {token}".encode())],
    }
    with pytest.raises(Exception, match=r"^$"):
        await route.app(scope, receive, send)
    assert sent == []


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (GRAPHQL, GRAPHQL),
        (JSON, JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (f"{GRAPHQL}, {JSON};q=0.9", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.9", JSON),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{JSON};q=0, {GRAPHQL};q=0.1", GRAPHQL),
        (f"text/html, {JSON};q=0.5", JSON),
        (f"{JSON};q=0, */*", GRAPHQL),
        (f"{JSON};q=x, {GRAPHQL}; q=1", GRAPHQL),
    ],
)
async def test_the_answer_is_of_the_type_that_is_wanted_most(api: Api, accept: str, media: str) -> None:
    answer = await api.post("{__typename}", accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media}; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("accept", ["text/html", "application/xml;q=0.9", f"{JSON};q=0"])
async def test_other_types_are_not_acceptable(api: Api, accept: str) -> None:
    assert told(await api.post("{__typename}", accept=accept)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "OPERATION_NAME_MISSING"),
        ("query($code: ID!) { organizer(code: $code) { name } }", "BAD_USER_INPUT"),
        ("subscription { changes { nothing } }", "GRAPHQL_VALIDATION_FAILED"),
        ("type A { b: Int }", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_refused_document_is_400_unless_only_the_transport_has_a_status(
    api: Api, query: str, code: str
) -> None:
    assert told(await api.post(query)) == (400, code)
    assert told(await api.post(query, accept=JSON)) == (200, code)


async def test_the_named_operation_is_executed(api: Api) -> None:
    query = "query A { a: __typename } query B { b: __typename }"
    assert await api.data(query, body={"operationName": "B"}) == {"b": "Query"}
    assert await api.code(query, body={"operationName": "C"}) == "OPERATION_UNKNOWN"


async def test_suggestions_are_not_made(api: Api) -> None:
    messages = [error["message"] for error in await api.errors("{ organizer(cod: 1) { nam } }")]
    assert messages == [
        "Unknown argument 'cod' on field 'Query.organizer'.",
        "Cannot query field 'nam' on type 'Organizer'.",
        "Argument 'Query.organizer(code:)' of type 'ID!' is required, but it was not provided.",
    ]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("en-GB, id;q=0.5", "There is no such route. See the query routes."),
        ("de", "Rute ini tidak ditemukan; pilih dari daftar rute."),
    ],
)
async def test_problems_are_worded_in_the_language_that_is_wanted(api: Api, header: str, message: str) -> None:
    mutation = """mutation { releaseQuota(routeId: "x", seats: 1) { ... on Problem { code message } } }"""
    data = await api.data(mutation, headers={"Accept-Language": header})
    assert data == {"releaseQuota": {"code": "ROUTE_UNKNOWN", "message": message}}


async def test_an_operation_that_takes_too_long_is_given_up(
    build: Callable[[Settings], Starlette], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(*_: object, **__: object) -> list[Any]:
        await world.run("SELECT pg_sleep(30)")
        return []

    monkeypatch.setattr(terminals, "all_of", slowly)
    application = build(Settings(request_timeout=0.3))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=ISSUER) as client:
        assert told(await Api(client, world.database).post("{ terminals { code } }")) == (504, "TIMEOUT")
    # Nothing of it is left in the way of others.
    application = build(Settings(request_timeout=PATIENCE_SECONDS))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url=ISSUER) as client:
        assert await Api(client, world.database).data("{ route(id: 1) { id } }") == {"route": None}


async def test_a_database_that_is_away_is_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> list[Any]:
        raise ConnectionRefusedError

    monkeypatch.setattr(registry_route, "by_ids", away)
    answer = await api.post("{ route(id: 1) { id } }")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["data"] == {"route": None}
    [error] = answer.json()["errors"]
    assert error["extensions"] == {"code": "UNAVAILABLE", "retryAfter": 1}
    assert error["path"] == ["route"]


async def test_without_a_database_nobody_is_known(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await api.token()

    def away(*_: object, **__: object) -> None:
        raise Unavailable(2)

    monkeypatch.setattr(Bearer, "authenticate", away)
    answer = await api.http.post(
        "/graphql",
        json={"query": "{ __typename }"},
        headers={"Authorization": f"Bearer {token}", "Accept-Language": "en"},
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    message = "The registry cannot answer now; try again after 2 seconds."
    assert answer.json() == {"errors": [{"message": message, "extensions": {"code": "UNAVAILABLE", "retryAfter": 2}}]}


async def test_one_field_that_is_unavailable_leaves_the_others(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> list[Any]:
        raise ConnectionRefusedError

    monkeypatch.setattr(registry_route, "by_ids", away)
    answer = await api.post('{ route(id: 1) { id } organizer(code: "djka") { name } }')
    assert answer.status_code == 200
    assert answer.json()["data"] == {"route": None, "organizer": {"name": "DJKA"}}
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["UNAVAILABLE"]


async def test_a_budget_that_is_used_up_is_429(api: Api, world: World) -> None:
    scopes = ("nik:check",)
    await api.token("djka", scopes)
    await world.run("UPDATE check_budget SET tokens = 0, refilled_at = :now", now=clock.now())
    answer = await api.post('{ checkNik(nik: "3201010101909001") { outcome } }', organizer="djka", scopes=scopes)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.json()["data"] == {"checkNik": None}
    assert answer.json()["errors"][0]["extensions"] == {"code": "TOO_MANY_CHECKS", "retryAfter": 1}
