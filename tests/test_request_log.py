"""The line of a request, its id, and the edge where a bug ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from app.metrics import minute
from app.request_log import RequestLog

pytestmark = pytest.mark.anyio

NIK = "3201010101909001"
UUID = "6f1c2a34-5b6d-4e7f-8a9b-0c1d2e3f4a5b"


async def fine(request: Request) -> Response:
    request.state.client_id = "dishub-dki-test"
    request.state.operation = request.query_params.get("operation")
    return PlainTextResponse(request.state.request_id)


async def broken(_: Request) -> Response:
    raise ValueError(NIK)


async def cut_off(_: Request) -> Response:
    async def body() -> Any:
        yield b"begun"
        raise ValueError(NIK)

    return StreamingResponse(body())


async def left(_: Request) -> Response:
    raise ClientDisconnect


async def streamed(_: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(STREAMED_SECONDS)
        yield b"last"

    return StreamingResponse(parts())


STREAMED_SECONDS = 0.2
APP = Starlette(
    routes=[
        Route("/things/{name}", fine),
        Route("/broken", broken),
        Route("/cut-off", cut_off),
        Route("/left", left),
        Route("/streamed", streamed),
        Route("/healthz", fine),
    ],
    middleware=[Middleware(RequestLog)],
)


async def ask(path: str, method: str = "GET", **headers: str) -> tuple[httpx.Response, list[dict[str, Any]]]:
    transport = httpx.ASGITransport(APP, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        with capture_logs() as logged:
            response = await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    return response, [dict(line) for line in logged]


async def test_the_line_names_the_routes_template_and_who_called() -> None:
    _, (line,) = await ask(f"/things/{NIK}?operation=CheckNik&nik={NIK}")
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/things/{name}",
        "status": 200,
        "client": "dishub-dki-test",
        "operation": "CheckNik",
    }


async def test_what_no_route_answers_is_not_named() -> None:
    response, (line,) = await ask(f"/{NIK}")
    assert response.status_code == 404
    assert (line["route"], line["status"]) == ("-", 404)
    assert NIK not in str(line)


async def test_an_operation_name_that_is_none_and_a_strange_method_are_left_out() -> None:
    _, (line,) = await ask("/things/a?operation=two words", "PROPFIND")
    assert line["method"] == "-"
    assert line["route"] == "/things/{name}"
    assert "operation" not in line


async def test_a_sane_request_id_is_taken_over_and_returned() -> None:
    for given in (UUID, UUID.replace("-", "")):
        response, _ = await ask("/things/a", x_request_id=given)
        assert response.headers["x-request-id"] == given
        assert response.text == given


@pytest.mark.parametrize(
    "given",
    ["short", "x" * 65, "with blank", "Slamet-Wiraguna", NIK, f"a{NIK}", f"{NIK}{UUID[:8]}{UUID[:8]}", f"{UUID}-"],
)
async def test_any_other_request_id_is_replaced(given: str) -> None:
    response, _ = await ask("/things/a", x_request_id=given)
    assert response.headers["x-request-id"] != given
    assert len(response.headers["x-request-id"]) == 36


async def test_a_bug_is_500_with_the_request_id_and_without_its_message() -> None:
    response, (failure, line) = await ask("/broken", x_request_id=UUID)
    assert response.status_code == 500
    assert response.json() == {"error": "internal_error", "id": UUID}
    assert (failure["event"], failure["log_level"], failure["route"]) == ("request failed", "error", "/broken")
    assert line["status"] == 500


async def test_an_answer_that_breaks_off_is_not_begun_again() -> None:
    response, (failure, line) = await ask("/cut-off")
    assert response.status_code == 200
    assert failure["event"] == "request failed"
    assert line["status"] == 200


async def test_a_client_that_left_is_499() -> None:
    with pytest.raises(AssertionError):
        # httpx wants an answer, and nobody is there to be answered.
        await ask("/left")


async def test_machines_that_ask_all_the_time_are_told_of_at_debug() -> None:
    _, (line,) = await ask("/healthz")
    assert line["log_level"] == "debug"


async def test_a_socket_has_its_line_at_its_end() -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        assert len(scope["state"]["request_id"]) == 36
        scope["state"] |= {"client_id": "djka-test", "operation": "changes", "close_code": 4401}

    scope = {"type": "websocket", "path": f"/{NIK}", "query_string": NIK.encode(), "headers": []}
    with capture_logs() as logged:
        await RequestLog(inner)(scope, None, None)  # type: ignore[arg-type]
    [line] = logged
    assert line.pop("ms") >= 0
    assert line == {
        "event": "socket",
        "log_level": "info",
        "route": "-",
        "code": 4401,
        "client": "djka-test",
        "operation": "changes",
    }


async def test_what_is_not_http_passes() -> None:
    seen: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await RequestLog(inner)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]


async def test_of_a_stream_only_its_beginning_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An export, or a subscription that was open for an hour, is no slow answer. A slow reader is none of ours."""
    counted: list[float] = []
    monkeypatch.setattr(minute, "count_answer", lambda seconds, *_: counted.append(seconds))
    _, (line,) = await ask("/streamed")
    [seconds] = counted
    assert line["ms"] - seconds * 1000 >= STREAMED_SECONDS * 1000 - 1
