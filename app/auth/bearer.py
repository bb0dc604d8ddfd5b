"""Bearer tokens (RFC 6750): who calls, what the caller may do, and how a call is refused.

A token is verified once and remembered by its digest. Whether its client is still good, and with which scopes and
members, and which of its tokens it has revoked, is known by a look that is at most a second old: a revocation takes
effect everywhere within this time. One statement reads all clients that call, twice in this time, so that no call waits
for a look.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from app.auth.signing import LEEWAY_SECONDS, AccessTokenValidator, SigningKeys, TokenInvalid
from app.db import Database
from app.errors import Unavailable
from app.registry.caller import Caller
from app.registry.clients.scopes import SCOPES
from app.sql import statement

RECHECK_AFTER_SECONDS = 1.0
"""A process remembers a client for this long, then reads the client again from the database."""
REFRESH_EVERY_SECONDS = 0.4
"""The clients that called since are read together."""
MOST_TOKENS = 10_000
"""One process remembers this many."""

REALM = 'Bearer realm="pemudik"'
_HEADER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,4096}=*)", re.IGNORECASE)


class _GoodClient(NamedTuple):
    id: str
    organizer: str
    scopes: list[str]
    members: list[str]
    revoked: list[str]


_GOOD_CLIENTS = statement(
    """
    SELECT id, organizer_code AS organizer, scopes,
           ARRAY(SELECT code FROM organizer WHERE coordinator_code = client.organizer_code) AS members,
           ARRAY(SELECT jti FROM revoked_token WHERE client_id = client.id) AS revoked
    FROM client WHERE id = ANY(CAST(:ids AS text[])) AND revoked_at IS NULL
    """,
    _GoodClient,
)


class Unauthorized(Exception):  # noqa: N818 - an answer
    """`challenge` is the value of WWW-Authenticate; `code` RFC 6750's error, or `unauthorized` where it gives none.

    `words` say in Indonesian and in English what to do, where the words of its status do not.
    """

    def __init__(self, status: int, code: str, challenge: str, words: tuple[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.challenge = challenge
        self.words = words


@dataclass(frozen=True, slots=True)
class Principal:
    caller: Caller
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _SeenClient:
    """A client as it was in the database at `read_at`. No caller: the client is revoked, or gone."""

    caller: Caller | None
    scopes: frozenset[str]
    read_at: float
    revoked: frozenset[str] = frozenset()
    """The `jti` of each of its tokens that it has revoked."""


@dataclass(slots=True, kw_only=True)
class _Token:
    client_id: str
    jti: str
    scopes: frozenset[str]
    expires_at: float
    good_until: float
    seen: _SeenClient | None = None
    """The look at the client from which `principal` was made."""
    principal: Principal | None = None


class Bearer:
    """A process has one. `monotonic` counts the seconds between two looks at a client."""

    def __init__(
        self, database: Database, keys: SigningKeys, issuer: str, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._validator = AccessTokenValidator(keys, issuer)
        self._monotonic = monotonic
        self._tokens: OrderedDict[bytes, _Token] = OrderedDict()
        self._seen_clients: dict[str, _SeenClient] = {}
        self._rechecks: dict[str, asyncio.Task[_SeenClient]] = {}
        self._called: set[str] = set()
        """The clients that called since the last refresh."""

    async def authenticate(self, authorization: str | None, *, within: float = RECHECK_AFTER_SECONDS) -> Principal:
        """Who calls, by a look at the client that is at most `within` seconds old.

        Raises `Unauthorized`, and `Unavailable` when the database is away.
        """
        if authorization is None:
            raise Unauthorized(401, "unauthorized", REALM)
        digest = sha256(authorization.encode()).digest()
        token = self._tokens.get(digest)
        if token is None:
            token = self._remember(digest, self._verify(authorization))
        elif time.time() >= token.good_until:
            del self._tokens[digest]
            raise invalid_token()
        else:
            self._tokens.move_to_end(digest)
        self._called.add(token.client_id)
        seen = self._seen_clients.get(token.client_id)
        if seen is None or self._monotonic() - seen.read_at >= within:
            seen = await self._recheck(token.client_id)
        return token.principal if token.seen is seen and token.principal else _principal(token, seen)

    def _verify(self, authorization: str) -> _Token:
        try:
            claims = self._validator.claims(_token_in(authorization))
        except TokenInvalid:
            raise invalid_token() from None
        scopes = frozenset(claims.get("scope", "").split())
        return _Token(
            client_id=claims["client_id"],
            jti=claims["jti"],
            scopes=scopes,
            expires_at=claims["exp"],
            good_until=claims["exp"] + LEEWAY_SECONDS,
        )

    def _remember(self, digest: bytes, token: _Token) -> _Token:
        self._tokens[digest] = token
        if len(self._tokens) > MOST_TOKENS:
            self._tokens.popitem(last=False)
        return token

    async def _recheck(self, client_id: str) -> _SeenClient:
        """One look at the client for all calls that wait for it. A call that is cancelled does not end the look."""
        recheck = self._rechecks.get(client_id)
        if recheck is None:
            recheck = self._rechecks[client_id] = asyncio.create_task(self._read(client_id))
            recheck.add_done_callback(lambda _: self._rechecks.pop(client_id))
        return await asyncio.shield(recheck)

    async def keep(self, stop: asyncio.Event) -> None:
        """Refresh until `stop`."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REFRESH_EVERY_SECONDS)
            # While the database is away, each call finds that out by itself.
            with suppress(Unavailable):
                await self.refresh()

    async def refresh(self) -> None:
        """Look at all clients that called since the last refresh, by one statement. Raises `Unavailable`."""
        called, self._called = self._called, set()
        if called:
            await self._look_at(called)

    async def _read(self, client_id: str) -> _SeenClient:
        await self._look_at({client_id})
        return self._seen_clients[client_id]

    async def _look_at(self, client_ids: Collection[str]) -> None:
        read_at = self._monotonic()
        async with self._database.statements() as session:
            found = {one.id: one for one in await session.rows(_GOOD_CLIENTS, ids=sorted(client_ids))}
        for client_id in client_ids:
            known = self._seen_clients.get(client_id)
            if known is None or known.read_at <= read_at:
                self._seen_clients[client_id] = _seen_client(found.get(client_id), read_at)


def _seen_client(client: _GoodClient | None, read_at: float) -> _SeenClient:
    if client is None:
        return _SeenClient(None, frozenset(), read_at)
    caller = Caller(client.id, client.organizer, frozenset(client.members))
    return _SeenClient(caller, frozenset(client.scopes), read_at, frozenset(client.revoked))


def _principal(token: _Token, seen: _SeenClient) -> Principal:
    if seen.caller is None or token.jti in seen.revoked:
        raise invalid_token()
    expires_at = datetime.fromtimestamp(token.expires_at, UTC)
    token.seen = seen
    token.principal = Principal(seen.caller, token.scopes & seen.scopes, expires_at)
    return token.principal


def _token_in(authorization: str) -> str:
    match = _HEADER.fullmatch(authorization)
    if match:
        return match[1]
    if authorization.partition(" ")[0].lower() != "bearer":
        # A call with another scheme is answered like one without a token: it gets no error code (RFC 6750 §3.1).
        raise Unauthorized(401, "unauthorized", REALM)
    raise _refusal(400, "invalid_request", "The Authorization header is malformed.")


def invalid_token() -> Unauthorized:
    return _refusal(401, "invalid_token", "The access token is expired, revoked or not valid here.")


def insufficient_scope(scopes: Sequence[str], words: tuple[str, str] | None = None) -> Unauthorized:
    """`scopes` are those that the call needs."""
    needed = " ".join(scope for scope in SCOPES if scope in scopes)
    return _refusal(403, "insufficient_scope", "The access token lacks a scope.", f', scope="{needed}"', words)


def _refusal(
    status: int, code: str, description: str, more: str = "", words: tuple[str, str] | None = None
) -> Unauthorized:
    challenge = f'{REALM}, error="{code}", error_description="{description}"{more}'
    return Unauthorized(status, code, challenge, words)
