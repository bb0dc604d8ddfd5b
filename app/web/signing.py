"""Signing in and out of the pages. A link is looked at, then redeemed by a click; no GET changes anything.

The token of a link stands in the fragment of its address, which browsers do not send. The page posts it: first to show
for whom the link is, then, when somebody presses the button, to use it up. So the preview of a messenger does not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app import clock
from app.auth import edge
from app.auth.callers import Callers, foreign_origin
from app.auth.edge import RequestRefused
from app.auth.sessions import SessionCookie
from app.config import Settings
from app.db import Database, Session
from app.errors import Unavailable
from app.intake import http
from app.language import language_of
from app.registry.clients import sign_in
from app.registry.clients.sign_in import SESSION_LASTS, Token

LINK_PATH, SIGN_IN_PATH, SIGN_OUT_PATH = "/masuk/tautan", "/masuk", "/keluar"
MOST_BODY_BYTES = 1024

Act = Callable[[Request, datetime], Awaitable[Response]]


def routes(database: Database, callers: Callers, settings: Settings) -> list[Route]:
    async def look(request: Request, now: datetime) -> Response:
        token = await link_in(request, settings)
        async with database.transaction() as session:
            holder = await sign_in.holder_of(session, token, now)
        if holder is None:
            raise link_ended()
        return http.answered(holder._asdict())

    async def redeem(request: Request, now: datetime) -> Response:
        token = await link_in(request, settings)
        response = await begun(database, callers, request, lambda session: sign_in.redeem(session, token, now))
        if response is None:
            raise link_ended()
        return response

    async def leave(request: Request, _: datetime) -> Response:
        http.media_type(request, http.JSON)
        former = callers.pages.cookie_in(request.headers.get)
        if former is not None:
            await end(database, callers, former)
        response = http.answered({})
        set_cookie(response, callers, "", 0)
        return response

    return [
        Route(path, posted(callers, act), methods=["POST"])
        for path, act in ((LINK_PATH, look), (SIGN_IN_PATH, redeem), (SIGN_OUT_PATH, leave))
    ]


async def begun(
    database: Database, callers: Callers, request: Request, sign: Callable[[Session], Awaitable[Token | None]]
) -> Response | None:
    """The answer to whoever has signed in by `sign`. None: nobody has. Whoever signs in again in the same browser
    leaves no session behind.
    """
    former = callers.pages.cookie_in(request.headers.get)
    async with database.transaction() as session:
        token = await sign(session)
        if token is None:
            return None
        if former is not None:
            await sign_in.end(session, former.token)
    if former is not None:
        callers.sessions.forget(former)
    response = http.answered({"endsAt": token.ends_at})
    set_cookie(response, callers, token.text, int(SESSION_LASTS.total_seconds()))
    return response


def posted(callers: Callers, act: Act) -> Callable[[Request], Awaitable[Response]]:
    """What only a page of ours may ask for."""

    async def answer(request: Request) -> Response:
        language = language_of(request.headers.get("accept-language", ""))
        try:
            http.only(request.query_params, ())
            if not callers.pages.is_ours(request.headers.get):
                raise foreign_origin()
            response = await act(request, clock.now())
        except (RequestRefused, Unavailable) as error:
            request.state.outcome, response = http.failed(error, language)
        response.headers["cache-control"] = edge.NO_STORE
        return response

    return answer


async def link_in(request: Request, settings: Settings) -> str:
    """The token of a link. Raises `RequestRefused`."""
    http.media_type(request, http.JSON)
    given: Any = http.parsed_json(await http.body(request, settings, limit=MOST_BODY_BYTES))
    token = given.get("token") if isinstance(given, dict) else None
    if not isinstance(token, str):
        raise http.bad("Kirim token tautan sebagai teks.", "Send the token of the link, as text.", "token")
    return token


async def end(database: Database, callers: Callers, cookie: SessionCookie) -> None:
    async with database.transaction() as session:
        await sign_in.end(session, cookie.token)
    callers.sessions.forget(cookie)


def set_cookie(response: Response, callers: Callers, token: str, seconds: int) -> None:
    """No script reads the cookie, and no foreign page sends it with a POST. By TLS it belongs to this host alone."""
    response.set_cookie(
        callers.pages.cookie,
        token,
        max_age=seconds,
        path="/",
        secure=callers.pages.by_tls,
        httponly=True,
        samesite="lax",
    )


def link_ended() -> RequestRefused:
    return RequestRefused(
        410,
        "LINK_ENDED",
        "Tautan ini sudah dipakai atau lewat 15 menit; minta tautan baru.",
        "This link was used, or is older than 15 minutes; ask for a new one.",
    )
