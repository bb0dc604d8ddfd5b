"""The edge of every door over HTTP: who calls, and what a call is answered that gets no further.

Status, code, words and headers stand here once. Each door puts them in its own form: `app.intake.http` as
`{"error": {"code", "message", "field"}}`, `app.graphql.doors` as errors of GraphQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.types import Scope

from app.auth.bearer import Principal, Unauthorized
from app.errors import Language, TooManyChecks, Unavailable

NO_STORE = "no-store"
"""`Cache-Control` of every answer: nobody on the way may keep what it says of a person."""


class Authenticator(Protocol):
    """Who knows the callers: `auth.bearer`, or a door that knows one more."""

    async def authenticate(self, authorization: str | None) -> Principal: ...


class RequestRefused(Exception):  # noqa: N818 - an answer
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


async def identify(authenticator: Authenticator, authorization: str | None, scope: Scope) -> Principal:
    """Who calls. The line of the request log names the client from here on. Raises `Unauthorized`, `Unavailable`."""
    principal = await authenticator.authenticate(authorization)
    scope.setdefault("state", {})["client_id"] = principal.caller.client_id
    return principal


def refused(error: Unauthorized | Unavailable) -> RequestRefused:
    """401 and 403 as RFC 6750 has them; 429 and 503 with the seconds to wait (RFC 9110 §10.2.3)."""
    if isinstance(error, Unauthorized):
        headers = {"WWW-Authenticate": error.challenge}
        return RequestRefused(error.status, error.code.upper(), *_words(error), headers=headers)
    status, code = (429, "TOO_MANY_CHECKS") if isinstance(error, TooManyChecks) else (503, "UNAVAILABLE")
    headers = {"Retry-After": str(error.retry_after)}
    return RequestRefused(status, code, "Coba lagi nanti.", "Try again later.", headers=headers)


def _words(error: Unauthorized) -> tuple[str, str]:
    match error.status:
        case 401:
            return "Diperlukan bearer token; lihat WWW-Authenticate.", "A bearer token is needed, see WWW-Authenticate."
        case 403:
            return (
                "Token ini tidak punya scope yang diperlukan.",
                "The access token lacks a scope, see WWW-Authenticate.",
            )
    return "Header Authorization tidak sah.", "The Authorization header is malformed."
