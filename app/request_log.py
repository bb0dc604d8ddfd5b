"""One line of the log per request: what was asked in general terms, never the path, the query string or an address.

A view tells who called and what for, in `scope["state"]["client_id"]` and `scope["state"]["operation"]`: in words of
ours, never the client's. Where the status does not say what came of the request, `scope["state"]["outcome"]` does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from app import metrics, telemetry, tracing
from app.metrics import minute

logger = structlog.get_logger()

REQUEST_ID = re.compile(rb"(?!.*\d{16})[0-9A-Fa-f]{8}(-?)[0-9A-Fa-f]{4}(?:\1[0-9A-Fa-f]{4}){2}\1[0-9A-Fa-f]{12}")
"""A UUID with dashes or without, as gateways and proxies make them. Anything longer would have room for a name."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CLOSE_CODES = frozenset([*range(1000, 1016), *range(4400, 4501)])
"""The codes of the protocols, and our own. A client may close a socket with any other code."""
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a request whose client went away before the answer."""

QUIET_ROUTES = frozenset({"/healthz", "/readyz"})
"""Machines ask for these every few seconds. Only failures are logged."""


FOR_BROWSERS = ((b"x-content-type-options", b"nosniff"), (b"x-robots-tag", b"noindex"))
"""On every answer: its media type is as told, and no search engine keeps it."""


class RequestLog:
    """Gives each request an id and logs its end. Every exception that nobody foresaw ends here, as 500 with that id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status: int | None = None
        waited: float | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status, waited
            if message["type"] == "http.response.start":
                status, waited = message["status"], time.perf_counter() - started
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                    *FOR_BROWSERS,
                ]
            await send(message)

        with tracing.request(scope["headers"]), telemetry.of_request(request_id):
            try:
                await self.app(scope, receive, send_with_id)
            except ClientDisconnect:
                status = status or CLIENT_CLOSED_REQUEST
            except Exception:
                logger.exception("request failed", route=route_of(scope))
                if status is not None:
                    # The answer has begun and is cut off: the server has to close the connection.
                    raise
                await answer_500(send_with_id, request_id)
            finally:
                tell(scope, status, time.perf_counter() - started, waited)

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        request_id = id_of(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        with telemetry.of_request(request_id):
            try:
                await self.app(scope, receive, send)
            finally:
                tell_of_socket(scope, time.perf_counter() - started)


def tell(scope: Scope, status: int | None, seconds: float, waited: float | None) -> None:
    """`waited`: seconds until the answer began. None: there was no answer."""
    route = route_of(scope)
    count(scope["state"], route, status, seconds, waited)
    told = facts(scope, route, status, seconds)
    if route in QUIET_ROUTES and status == 200:
        logger.debug("request", **told)
    else:
        telemetry.tell("request", told)
    tracing.describe(
        f"{told['method']} {route}",
        {"http.request.method": told["method"], "http.route": route, "http.response.status_code": status or 0},
    )


def count(state: Mapping[str, Any], route: str, status: int | None, seconds: float, waited: float | None) -> None:
    operation = in_a_word(state.get("operation") or "-")
    outcome = state.get("outcome") or outcome_of(status)
    metrics.REQUESTS.labels(route, operation, str(status or "-"), outcome).inc()
    metrics.REQUEST_SECONDS.labels(route, operation).observe(seconds)
    if route not in QUIET_ROUTES:
        minute.count_answer(seconds if waited is None else waited, status, outcome)


def in_a_word(operation: str) -> str:
    """The operation as a label: every combination of root fields would be a label of its own."""
    return "several" if "," in operation else operation.replace(" ", "_")


def outcome_of(status: int | None) -> str:
    if status == 500:
        return "INTERNAL_ERROR"
    return "ok" if status is not None and status < 400 else "-"


def facts(scope: Scope, route: str, status: int | None, seconds: float) -> dict[str, Any]:
    return {
        "method": scope["method"] if scope["method"] in METHODS else "-",
        "route": route,
        "status": status or "-",
        "ms": round(seconds * 1000, 1),
        **told_by_views(scope["state"]),
    }


def tell_of_socket(scope: Scope, seconds: float) -> None:
    state = scope["state"]
    code = state.get("close_code", "-")
    metrics.SOCKETS_ENDED.labels(str(code) if code in CLOSE_CODES else metrics.OTHER).inc()
    logger.info("socket", route=route_of(scope), code=code, ms=round(seconds * 1000, 1), **told_by_views(state))


def told_by_views(state: Mapping[str, Any]) -> dict[str, Any]:
    given = {}
    if client_id := state.get("client_id"):
        given["client"] = client_id
    if operation := state.get("operation"):
        given["operation"] = operation
    return given


def route_of(scope: Scope) -> str:
    """The template of the route that answered, such as `/import/{id}`."""
    template: str = getattr(scope.get("route"), "path", "-")
    return template


def id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return str(value, "ascii")
    return str(uuid7())


async def answer_500(send: Send, request_id: str) -> None:
    body = orjson.dumps({"error": "internal_error", "id": request_id})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
