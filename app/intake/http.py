"""What every plain HTTP door shares: its method, who calls and with which scope, the language, a body within limits.

An error is answered as `{"error": {"code", "message", "field"}}`. What every door over HTTP answers alike, GraphQL's
too, stands in `app.auth.edge`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app import clock
from app.auth import edge
from app.auth.bearer import Principal, Unauthorized, insufficient_scope
from app.auth.edge import BodyTooLarge, BodyTooLate, RequestAuthenticator, RequestRefused
from app.config import Settings
from app.errors import Language, Refusal, RefusalError, Unavailable
from app.language import language_of
from app.registry.caller import Caller
from app.registry.values import calendar
from app.server import json_texts
from app.server.json_texts import MOST_SEPARATORS, NotJson, TooManyValues

Value = TypeVar("Value")

A_SEASON, A_DAY, AN_INSTANT = "2026", "2026-03-05", "2026-03-05T08:00:00%2B07:00"
YES_OR_NO = "true / false"
"""What parameters take, as examples."""

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
LISTS = frozenset({"covers"})
"""Parameters that may be there several times."""
REPEATABLE_NAME = re.compile(r"(?!.*\d{6})[A-Za-z][\w.-]{0,39}", re.ASCII)
"""What a name of a parameter may be that is repeated in an answer: no NIK, and no sentence."""
STATUSES = {"NOT_FOUND": 404, "NOT_YOURS": 403, "SEASON_CLOSED": 409, "IMPORT_STORAGE_FULL": 507}
"""Of a refusal that is the whole answer; any other is 422."""


@dataclass(frozen=True, slots=True)
class AdmittedRequest:
    """A request whose caller is known and holds a scope of the door."""

    request: Request
    principal: Principal
    language: Language
    now: datetime

    @property
    def caller(self) -> Caller:
        return self.principal.caller

    @property
    def client(self) -> str:
        return self.caller.client_id or ""


class RestDoor:
    """The ASGI application behind one path. `operation` is its name in the log; any one of `scopes` will do.

    A query string holds `parameters` alone: a `?dryRun=true` that is unknown must not do for real what is asked for.
    What a page of ours fetches is `by_post` too: by its cookie nobody is known in a GET (`app.auth.callers`).
    """

    def __init__(
        self,
        callers: RequestAuthenticator,
        operation: str,
        answer: Callable[[AdmittedRequest], Awaitable[Response]],
        *,
        scopes: Collection[str],
        method: str = "POST",
        parameters: Collection[str] = (),
        by_post: bool = False,
    ) -> None:
        self._callers = callers
        self._operation = operation
        self._answer = answer
        self.scopes = frozenset(scopes)
        self.method = method
        self.methods = (method, "POST") if by_post else (method,)
        self.parameters = parameters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        language = language_of(request.headers.get("accept-language", ""))
        try:
            response = await self._answered(request, language)
        except (Unauthorized, RequestRefused, RefusalError, Unavailable) as error:
            request.state.outcome, response = failed(error, language)
        response.headers.setdefault("cache-control", edge.NO_STORE)
        await (without_body(response) if request.method == "HEAD" else response)(scope, receive, send)

    async def _answered(self, request: Request, language: Language) -> Response:
        allowed = [*self.methods, *(["HEAD"] if self.method == "GET" else [])]
        if request.method not in allowed:
            raise wrong_method(", ".join(sorted(allowed)))
        credential = self._callers.credential(request.method, request.headers.get)
        principal = await edge.identify(self._callers, credential, request.scope)
        request.state.operation = self._operation
        if not self.scopes & principal.scopes:
            raise insufficient_scope(sorted(self.scopes))
        only(request.query_params, self.parameters)
        return await self._answer(AdmittedRequest(request, principal, language, clock.now()))


def route(path: str, door: RestDoor) -> Route:
    return Route(path, door)


def open_route(path: str, document: Callable[[], Response]) -> Route:
    """Anybody may fetch the document, without a token: it holds nobody's data and takes no parameters."""

    async def answer(request: Request) -> Response:
        try:
            only(request.query_params, ())
        except RequestRefused as error:
            request.state.outcome, response = failed(error, language_of(request.headers.get("accept-language", "")))
            response.headers["cache-control"] = edge.NO_STORE
            return response
        return document()

    return Route(path, answer, methods=["GET"])


# --- the query string -------------------------------------------------------------------------------------------------


def only(given: QueryParams, known: Collection[str]) -> None:
    """Raises `RequestRefused`: a parameter whose name is misspelled must not count as one that was left out."""
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        raise _unknown(unknown, known)
    twice = next((name for name in given if name not in LISTS and len(given.getlist(name)) > 1), None)
    if twice is not None:
        words = (
            f"Parameter {twice} ada lebih dari sekali; kirim satu saja.",
            f"{twice} is there more than once; send one.",
        )
        raise bad(*words, twice)
    for name in known:
        if not given.get(name, "").isprintable():
            raise bad(f"Nilai {name} memuat karakter kendali.", f"A control character stands in {name}.", name)


def _unknown(name: str, known: Collection[str]) -> RequestRefused:
    names = ", ".join(sorted(known))
    there = (
        (f"Parameter yang ada: {names}. Hapus atau perbaiki namanya.", f"The parameters are: {names}.")
        if known
        else ("Alamat ini tidak memakai parameter; hapus parameter itu.", "This address takes no parameters.")
    )
    if not REPEATABLE_NAME.fullmatch(name):
        return bad(f"Sebuah parameter tidak dikenal. {there[0]}", f"A parameter is unknown. {there[1]}")
    return bad(f"Parameter {name} tidak dikenal. {there[0]}", f"There is no parameter {name}. {there[1]}", name)


def value(given: Mapping[str, str], name: str, read: Callable[[str], Value], takes: str) -> Value | None:
    """What `read` makes of a parameter. None: it was left out.

    Raises `RequestRefused`, which says what the parameter `takes` and repeats nothing that was sent.
    """
    try:
        return read(given[name]) if name in given else None
    except (ValueError, KeyError):
        raise bad(
            f"Nilai {name} tidak dikenal; tulis {takes}.", f"Not a value of {name}; write {takes}.", name
        ) from None


# --- bodies -----------------------------------------------------------------------------------------------------------


def instant(text: str) -> datetime:
    """Of a query string, with its zone. The `+` of a zone may have become a blank. Raises `ValueError`."""
    return calendar.instant(text.replace(" ", "+"))


def media_type(request: Request, *accepted: str) -> str:
    """Which of `accepted` the body is. Raises `RequestRefused`."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise RequestRefused(
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
        raise RequestRefused(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            f"Content-Type harus {names} dalam UTF-8.",
            f"Content-Type is {names} in UTF-8.",
            headers={"Accept": names},
        )
    return media


async def chunks(request: Request, *, limit: int, within_seconds: float) -> AsyncIterator[bytes]:
    """The body as it comes, at most `limit` bytes of it. Raises `RequestRefused`, `ClientDisconnect`."""
    stream = edge.body_chunks(request.stream(), _content_length(request), limit=limit, within_seconds=within_seconds)
    try:
        async for chunk in stream:
            yield chunk
    except (BodyTooLarge, BodyTooLate) as error:
        raise _not_read(error, limit) from None


async def body(request: Request, settings: Settings, *, limit: int | None = None) -> bytes:
    """The whole body; a small door has a `limit` of its own. Raises `RequestRefused`, `ClientDisconnect`."""
    limit, seconds = min(limit or settings.body_limit, settings.body_limit), settings.body_timeout
    try:
        return await edge.whole_body(request.receive, _content_length(request), limit=limit, within_seconds=seconds)
    except (BodyTooLarge, BodyTooLate) as error:
        raise _not_read(error, limit) from None


def _content_length(request: Request) -> str:
    return request.headers.get("content-length", "")


def _not_read(error: BodyTooLarge | BodyTooLate, limit: int) -> RequestRefused:
    if isinstance(error, BodyTooLate):
        # What comes too late is not waited for any longer.
        words = "Isi permintaan tidak diterima dalam batas waktu.", "The body did not arrive in time."
        return RequestRefused(408, "REQUEST_TIMEOUT", *words, headers={"Connection": "close"})
    words = f"Isi permintaan paling banyak {limit} byte.", f"A body has {limit} bytes at most."
    return RequestRefused(413, "CONTENT_TOO_LARGE", *words)


@asynccontextmanager
async def in_time(settings: Settings, seconds: float | None = None) -> AsyncIterator[None]:
    """What is done inside, with every wait in it, ends within the time of a request, or within `seconds`.

    Raises `RequestRefused`.
    """
    try:
        async with asyncio.timeout(seconds or settings.request_timeout):
            yield
    except TimeoutError:
        raise RequestRefused(504, "TIMEOUT", "Terlalu lama; kirim ulang.", "It took too long; send it again.") from None


def parsed_json(raw: bytes) -> Any:
    """Raises `RequestRefused`."""
    try:
        return json_texts.parsed(raw)
    except TooManyValues:
        raise RequestRefused(
            413,
            "CONTENT_TOO_LARGE",
            f"JSON paling banyak {MOST_SEPARATORS} pemisah.",
            f"A body has {MOST_SEPARATORS} separators of JSON at most.",
        ) from None
    except NotJson:
        raise bad(
            "Isi permintaan bukan JSON dalam UTF-8, atau bertingkat terlalu dalam.",
            "The body is not JSON in UTF-8, or is nested too deeply.",
        ) from None


# --- answers ----------------------------------------------------------------------------------------------------------


def answered(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, JSON)


def without_body(response: Response) -> Response:
    """For HEAD (RFC 9110 §9.3.2): the body is not produced at all."""
    head = Response(None, response.status_code)
    head.raw_headers = response.raw_headers
    return head


def error(
    status: int, code: str, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    return answered({"error": {"code": code, "message": message, "field": field}}, status, headers)


def failed(
    raised: Unauthorized | RequestRefused | RefusalError | Unavailable, language: Language
) -> tuple[str, Response]:
    """The code, for the metrics, and the answer."""
    if isinstance(raised, RefusalError):
        return raised.refusal.code, of_refusal(raised.refusal, language)
    one = raised if isinstance(raised, RequestRefused) else edge.refused(raised)
    return one.code, error(one.status, one.code, one.message(language), one.field, one.headers)


def of_refusal(refusal: Refusal, language: Language) -> Response:
    return error(status_of(type(refusal)), refusal.code, refusal.message(language), refusal.field)


def status_of(kind: type[Refusal]) -> int:
    return STATUSES.get(kind.code, 422)


def bad(indonesian: str, english: str, field: str | None = None) -> RequestRefused:
    return RequestRefused(400, "BAD_REQUEST", indonesian, english, field=field)


async def no_such_address(request: Request, _: Exception) -> Response:
    """404 for every unknown address."""
    language = language_of(request.headers.get("accept-language", ""))
    message = {"id": "Alamat ini tidak ada; lihat GET /.", "en": "There is nothing at this address; see GET /."}[
        language
    ]
    return error(404, "NOT_FOUND", message, headers={"Cache-Control": edge.NO_STORE})


async def no_such_method(request: Request, raised: Exception) -> Response:
    """405 for addresses that are not served by a `RestDoor`."""
    # Starlette tells a set of methods, in any order.
    allowed = (getattr(raised, "headers", None) or {}).get("Allow", "GET").split(", ")
    refused = wrong_method(", ".join(sorted(allowed)))
    language = language_of(request.headers.get("accept-language", ""))
    return error(
        405, refused.code, refused.message(language), headers={**refused.headers, "Cache-Control": edge.NO_STORE}
    )


def wrong_method(right: str) -> RequestRefused:
    words = f"Alamat ini memakai {right}.", f"This address takes {right}."
    return RequestRefused(405, "METHOD_NOT_ALLOWED", *words, headers={"Allow": right})
