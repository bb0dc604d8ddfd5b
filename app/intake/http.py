"""What every plain HTTP door shares: its method, who calls and with which scope, the language, a body within limits.

What goes wrong is answered as `{"error": {"code", "message", "field"}}`; RFC 6750 says how for tokens, RFC 9110 else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app import clock
from app.auth.bearer import Principal, Unauthorized, insufficient_scope
from app.config import Settings
from app.errors import Language, Refusal, RefusalError, TooManyChecks, Unavailable
from app.language import language_of
from app.registry.caller import Caller

Value = TypeVar("Value")

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
STATUSES = {"NOT_FOUND": 404, "NOT_YOURS": 403, "SEASON_CLOSED": 409}
"""Of a refusal that is the whole answer; any other is 422."""


class Refused(Exception):  # noqa: N818 - an answer
    """A request that is answered with an error, in two languages."""

    def __init__(
        self,
        status: int,
        code: str,
        indonesian: str,
        english: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.field = field
        self.headers = headers or {}
        self._messages = {"id": indonesian, "en": english}

    def message(self, language: Language) -> str:
        return self._messages[language]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose caller is known and may do this."""

    request: Request
    principal: Principal
    language: Language
    now: datetime

    @property
    def caller(self) -> Caller:
        return self.principal.caller


class Authenticator(Protocol):
    """Who knows the callers: `auth.bearer`, or more than that."""

    async def authenticate(self, authorization: str | None) -> Principal: ...


class Door:
    """The ASGI application behind one path. `operation` is its name in the log; any one of `scopes` will do."""

    def __init__(
        self,
        bearer: Authenticator,
        operation: str,
        answer: Callable[[Asked], Awaitable[Response]],
        *,
        scopes: Collection[str],
        method: str = "POST",
    ) -> None:
        self._bearer = bearer
        self._operation = operation
        self._answer = answer
        self._scopes = frozenset(scopes)
        self._method = method

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        language = language_of(request.headers.get("accept-language", ""))
        try:
            response = await self._answered(request, language)
        except (Unauthorized, Refused, RefusalError, Unavailable) as error:
            request.state.outcome, response = failed(error, language)
        response.headers.setdefault("cache-control", "no-store")
        await response(scope, receive, send)

    async def _answered(self, request: Request, language: Language) -> Response:
        if request.method != self._method:
            raise Refused(
                405,
                "METHOD_NOT_ALLOWED",
                f"Alamat ini memakai {self._method}.",
                f"This address takes {self._method}.",
                headers={"Allow": self._method},
            )
        principal = await self._bearer.authenticate(request.headers.get("authorization"))
        request.state.client_id = principal.caller.client_id
        request.state.operation = self._operation
        if not self._scopes & principal.scopes:
            raise insufficient_scope(sorted(self._scopes))
        return await self._answer(Asked(request, principal, language, clock.now()))


def route(path: str, door: Door) -> Route:
    return Route(path, door)


# --- the query string -------------------------------------------------------------------------------------------------


def only(given: Collection[str], known: Collection[str]) -> None:
    """Raises `Refused`: a parameter that is written wrongly must not mean what its absence does."""
    if set(given) - set(known):
        names = ", ".join(sorted(known)) or "-"
        raise bad(f"Parameter yang ada: {names}.", f"The parameters are: {names}.")


def value(given: Mapping[str, str], name: str, read: Callable[[str], Value]) -> Value | None:
    """What `read` makes of a parameter; None if it was left out. Raises `Refused`, without repeating what was sent."""
    try:
        return read(given[name]) if name in given else None
    except (ValueError, KeyError):
        raise bad(f"Nilai {name} tidak dikenal.", f"Not a value of {name}.", name) from None


# --- bodies -----------------------------------------------------------------------------------------------------------


def media_type(request: Request, *accepted: str) -> str:
    """Which of `accepted` the body is. Raises `Refused`."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "Isi permintaan tidak boleh dikompres.",
            "Bodies are not compressed.",
            headers={"Accept-Encoding": "identity"},
        )
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    media = media.strip().lower()
    charset = parameters.replace('"', "").replace(" ", "").lower().partition("charset=")[2].partition(";")[0]
    if media not in accepted or charset not in {"", "utf-8", "utf8"}:
        names = ", ".join(accepted)
        raise Refused(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            f"Content-Type harus {names} dalam UTF-8.",
            f"Content-Type is {names} in UTF-8.",
            headers={"Accept": names},
        )
    return media


async def chunks(request: Request, *, limit: int, timeout: float) -> AsyncIterator[bytes]:  # noqa: ASYNC109 - of the whole body
    """The body as it comes, at most `limit` bytes within `timeout` seconds. Raises `Refused`, `ClientDisconnect`."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > limit:
        raise too_large(limit)
    size = 0
    deadline = asyncio.get_running_loop().time() + timeout
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise Refused(
                408,
                "REQUEST_TIMEOUT",
                "Isi permintaan tidak tiba pada waktunya.",
                "The body did not arrive in time.",
                headers={"Connection": "close"},
            ) from None
        if chunk is None:
            return
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        yield chunk


async def body(request: Request, settings: Settings) -> bytes:
    """The whole body. Raises `Refused`."""
    parts = [part async for part in chunks(request, limit=settings.body_limit, timeout=settings.body_timeout)]
    return b"".join(parts)


def parsed_json(raw: bytes) -> Any:
    """Raises `Refused`."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise bad(
            "Isi permintaan bukan JSON dalam UTF-8, atau bertingkat terlalu dalam.",
            "The body is not JSON in UTF-8, or is nested too deeply.",
        ) from None


# --- answers ----------------------------------------------------------------------------------------------------------


def answered(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, JSON)


def error(
    status: int, code: str, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    return answered({"error": {"code": code, "message": message, "field": field}}, status, headers)


def failed(error: Unauthorized | Refused | RefusalError | Unavailable, language: Language) -> tuple[str, Response]:
    """The code, for the metrics, and the answer."""
    match error:
        case Unauthorized():
            return error.code.upper(), unauthorized(error, language)
        case Refused():
            return error.code, refused(error, language)
        case RefusalError():
            return error.refusal.code, of_refusal(error.refusal, language)
    return code_of(error), unavailable(error, language)


def refused(one: Refused, language: Language) -> Response:
    return error(one.status, one.code, one.message(language), one.field, one.headers)


def of_refusal(refusal: Refusal, language: Language) -> Response:
    return error(status_of(type(refusal)), refusal.code, refusal.message(language), refusal.field)


def status_of(kind: type[Refusal]) -> int:
    return STATUSES.get(kind.code, 422)


def unavailable(one: Unavailable, language: Language) -> Response:
    status = 429 if isinstance(one, TooManyChecks) else 503
    message = "Try again later." if language == "en" else "Coba lagi nanti."
    return error(status, code_of(one), message, headers={"Retry-After": str(one.retry_after)})


def code_of(one: Unavailable) -> str:
    return "TOO_MANY_CHECKS" if isinstance(one, TooManyChecks) else "UNAVAILABLE"


def unauthorized(one: Unauthorized, language: Language) -> Response:
    indonesian, english = _UNAUTHORIZED.get(one.status, _MALFORMED)
    message = english if language == "en" else indonesian
    return error(one.status, one.code.upper(), message, headers={"WWW-Authenticate": one.challenge})


def bad(indonesian: str, english: str, field: str | None = None) -> Refused:
    return Refused(400, "BAD_REQUEST", indonesian, english, field=field)


def too_large(limit: int) -> Refused:
    return Refused(
        413,
        "CONTENT_TOO_LARGE",
        f"Isi permintaan paling banyak {limit} bita.",
        f"A body has {limit} bytes at most.",
        headers={"Connection": "close"},
    )


_UNAUTHORIZED = {
    401: ("Diperlukan bearer token; lihat WWW-Authenticate.", "A bearer token is needed, see WWW-Authenticate."),
    403: ("Token ini tidak punya scope yang diperlukan.", "The access token lacks a scope, see WWW-Authenticate."),
}
_MALFORMED = ("Header Authorization tidak sah.", "The Authorization header is malformed.")
