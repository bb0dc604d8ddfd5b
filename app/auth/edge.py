"""The edge of every door over HTTP: who calls, how a call is refused that gets no further, how much of a body is read.

Status, code, words and headers stand here once. Each door puts them in its own form: `app.intake.http` as
`{"error": {"code", "message", "field"}}`, `app.graphql.doors` as errors of GraphQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from app.auth.bearer import Principal, Unauthorized
from app.auth.sessions import Credential
from app.errors import EverybodysError, Language, TooManyChecks, TooManyOperations, TooManyResets, Unavailable

NO_STORE = "no-store"
"""`Cache-Control` of every answer: nobody on the way may keep what it says of a person."""


TOO_MANY: Mapping[type[Unavailable], str] = MappingProxyType(
    {
        TooManyChecks: "TOO_MANY_CHECKS",
        TooManyOperations: "TOO_MANY_OPERATIONS",
        TooManyResets: "TOO_MANY_OPERATIONS",
    }
)
"""What this client may have again later: 429, under these codes."""


class Authenticator(Protocol):
    """Who knows the callers: `auth.callers`, or a door that knows one more."""

    async def authenticate(self, credential: Credential) -> Principal: ...


class RequestAuthenticator(Authenticator, Protocol):
    """As well, where in a request of HTTP it is said who calls."""

    def credential(self, method: str, header: Callable[[str], str | None]) -> Credential: ...


class RequestRefused(EverybodysError):  # noqa: N818 - an answer
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


async def identify(authenticator: Authenticator, credential: Credential, scope: Scope) -> Principal:
    """Who calls. The line of the request log names the client from here on. Raises `Unauthorized`, `Unavailable`."""
    principal = await authenticator.authenticate(credential)
    scope.setdefault("state", {})["client_id"] = principal.caller.client_id
    return principal


def refused(error: Unauthorized | Unavailable) -> RequestRefused:
    """401 and 403 as RFC 6750 has them; 429 and 503 with the seconds to wait (RFC 9110 §10.2.3)."""
    if isinstance(error, Unauthorized):
        headers = {"WWW-Authenticate": error.challenge}
        return RequestRefused(error.status, error.code.upper(), *_words(error), headers=headers)
    code = next((code for kind, code in TOO_MANY.items() if isinstance(error, kind)), None)
    status, code = (503, "UNAVAILABLE") if code is None else (429, code)
    headers = {"Retry-After": str(error.retry_after)}
    return RequestRefused(status, code, error.message("id"), error.message("en"), headers=headers)


def _words(error: Unauthorized) -> tuple[str, str]:
    if error.words is not None:
        return error.words
    if error.code == "session_ended":
        return "Sesi ini sudah berakhir; masuk lagi.", "This session has ended; sign in again."
    match error.status:
        case 401:
            return (
                "Token akses diperlukan, di header Authorization: Bearer; minta yang baru pada /oauth/token.",
                "A bearer token is needed, see WWW-Authenticate; /oauth/token gives one.",
            )
        case 403:
            return (
                "Token akses ini tidak memiliki izin (scope) yang diperlukan; izinnya disebut di WWW-Authenticate.",
                "The access token lacks a scope; WWW-Authenticate names it.",
            )
    return (
        "Header Authorization tidak sah; tulis Bearer, spasi, lalu tokennya.",
        "Authorization is Bearer, a blank, the token.",
    )


# --- bodies -----------------------------------------------------------------------------------------------------------


class BodyTooLarge(Exception):  # noqa: N818 - an answer
    """The body has more bytes than the door takes."""


class BodyTooLate(Exception):  # noqa: N818 - an answer
    """The body did not arrive in time."""


async def whole_body(receive: Receive, content_length: str, *, limit: int, within_seconds: float) -> bytes:
    """At most `limit` bytes. `content_length` is the header, or nothing.

    Raises `BodyTooLarge`, `BodyTooLate`, `ClientDisconnect`.
    """
    _refuse_announced(content_length, limit)
    try:
        async with asyncio.timeout(within_seconds):
            return await _received(receive, limit)
    except TimeoutError:
        raise BodyTooLate from None


async def _received(receive: Receive, limit: int) -> bytes:
    chunks, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        more, size = message.get("more_body", False), size + len(chunks[-1])
        if size > limit:
            raise BodyTooLarge
    return b"".join(chunks)


async def body_chunks(
    stream: AsyncIterator[bytes], content_length: str, *, limit: int, within_seconds: float
) -> AsyncIterator[bytes]:
    """As `whole_body`, for a body that is not to be held in memory: chunk by chunk, as they arrive."""
    deadline = asyncio.get_running_loop().time() + within_seconds
    counted = _counted(stream, content_length, limit)
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                chunk = await anext(counted, None)
        except TimeoutError:
            raise BodyTooLate from None
        if chunk is None:
            return
        yield chunk


async def _counted(stream: AsyncIterator[bytes], content_length: str, limit: int) -> AsyncIterator[bytes]:
    _refuse_announced(content_length, limit)
    size = 0
    async for chunk in stream:
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        yield chunk


def _refuse_announced(content_length: str, limit: int) -> None:
    """A client that announces too much is refused before it sends. One that announces too little is counted."""
    if content_length.isdigit() and int(content_length[:20]) > limit:
        raise BodyTooLarge
