"""What everything is compared with: Starlette, an asyncpg pool and orjson; one lookup by NIK.

`/lookup` has no duties. `/check` has the same duties as `checkNik`: a token is verified once and remembered, and one
statement takes a check off the client's budget, looks, and writes down who looked.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import asyncpg
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.signing import ALGORITHM, SigningKeys
from app.config import Settings
from app.vault.vault import open_vault

LOOKUP = """
    SELECT organizer_code, status, registered_at FROM registrant
    WHERE season = $1 AND nik_index = $2 AND direction = 'MUDIK' AND service = 'PASSENGER'
      AND status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW')
"""
REFILLED = "least(c.check_capacity, b.tokens + extract(epoch FROM now() - b.refilled_at) * c.check_refill)"
CHECK = f"""
    WITH taken AS (
        UPDATE check_budget b SET refilled_at = now(), tokens = {REFILLED} - 1
        FROM client c WHERE c.id = b.client_id AND c.id = $3 AND c.revoked_at IS NULL AND {REFILLED} >= 1
        RETURNING c.id, c.organizer_code
    ), found AS ({LOOKUP}), looked AS (
        INSERT INTO nik_access (at, client_id, organizer_code, nik_index, purpose, outcome)
        SELECT now(), id, organizer_code, $2, 'CHECK',
               CASE WHEN EXISTS (SELECT FROM found) THEN 'REGISTERED' ELSE 'AVAILABLE' END FROM taken
    )
    SELECT found.organizer_code, found.status, found.registered_at FROM taken LEFT JOIN found ON true
"""
MOST_TOKENS = 10_000


class State(TypedDict):
    pool: asyncpg.Pool[asyncpg.Record]
    keys: KeySet
    tokens: dict[str, tuple[str, float]]
    """The client of each token that was verified, and until when it is good."""


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[State]:
    vault = open_vault(Settings())
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8) as pool:
        yield {"pool": pool, "keys": SigningKeys(lambda: vault.signing).verifying, "tokens": {}}


async def lookup(request: Request) -> Response:
    row = await request.state.pool.fetchrow(LOOKUP, 2026, await asked(request))
    return answer(row)


async def check(request: Request) -> Response:
    client = client_of(request)
    if client is None:
        return Response(status_code=401)
    row = await request.state.pool.fetchrow(CHECK, 2026, await asked(request), client)
    return Response(status_code=429) if row is None else answer(None if row[0] is None else row)


async def asked(request: Request) -> bytes:
    nik: str = orjson.loads(await request.body())["nik"]
    return hmac.digest(b"k", nik.encode(), hashlib.sha256)


def client_of(request: Request) -> str | None:
    tokens: dict[str, tuple[str, float]] = request.state.tokens
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    found = tokens.get(token)
    if found is None:
        try:
            claims = jwt.decode(token, request.state.keys, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            return None
        if len(tokens) >= MOST_TOKENS:
            tokens.clear()
        found = tokens[token] = claims["client_id"], claims["exp"]
    return found[0] if time.time() < found[1] else None


def answer(row: asyncpg.Record | None) -> Response:
    found = None if row is None else {"organizer": row[0], "status": row[1], "registeredAt": row[2]}
    return Response(orjson.dumps({"available": row is None, "standing": found}), media_type="application/json")


app = Starlette(
    routes=[Route("/lookup", lookup, methods=["POST"]), Route("/check", check, methods=["POST"])], lifespan=lifespan
)
