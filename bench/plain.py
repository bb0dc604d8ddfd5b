"""What everything is compared with: Starlette, an asyncpg pool and orjson.

`/lookup` finds who holds a NIK, and has no duties. `/check` has the same duties as `checkNik`: a token is verified once
and remembered, and one statement takes a check off the client's budget, looks, and writes down who looked. `/submit`
writes a registrant and takes its seat, in a transaction of its own, without duties. `/lookups` and `/submits` do so for
many.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

import asyncpg
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uuid_utils.compat import uuid7

from app.auth.signing import ALGORITHM, SigningKeys
from app.config import Settings
from app.vault.vault import Vault, open_vault
from bench import rivals

LOOKUP, CHECK = rivals.statement("look"), rivals.statement("check")
LOOKUPS = """
    SELECT held.organizer_code, held.status, held.registered_at
    FROM unnest($1::bytea[]) WITH ORDINALITY AS asked (nik_index, place)
    LEFT JOIN LATERAL (
        SELECT * FROM registrant
        WHERE season = 2026 AND nik_index = asked.nik_index AND direction = 'MUDIK' AND service = 'PASSENGER'
          AND status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW') OFFSET 0
    ) held ON true ORDER BY place
"""
SUBMIT = """
    INSERT INTO registrant (id, season, organizer_code, route_id, direction, service, status, nik_index, nik_sealed,
                            name_sealed, identity_document, reference, registered_at, arrived_at)
    SELECT sent.id, r.season, r.organizer_code, r.id, r.direction, r.service, 'REGISTERED', sent.nik_index,
           sent.nik_sealed, sent.name_sealed, sent.document, sent.reference, now(), now()
    FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[], $6::text[], $7::text[])
        AS sent (id, route_id, nik_index, nik_sealed, name_sealed, document, reference)
    JOIN route r ON r.id = sent.route_id
    ON CONFLICT DO NOTHING RETURNING id
"""
SEATS = "UPDATE route SET taken = taken + $2 WHERE id = $1 AND (quota IS NULL OR taken + $2 <= quota) RETURNING id"
MOST_TOKENS = 10_000


class State(TypedDict):
    pool: asyncpg.Pool[asyncpg.Record]
    keys: KeySet
    vault: Vault
    tokens: dict[str, tuple[str, float]]
    """The client of each token that was verified, and until when it is good."""


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[State]:
    vault = open_vault(Settings())
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8) as pool:
        yield {"pool": pool, "keys": SigningKeys(lambda: vault.signing).verifying, "vault": vault, "tokens": {}}


async def lookup(request: Request) -> Response:
    row = await request.state.pool.fetchrow(LOOKUP, await asked(request))
    return answer(row)


async def check(request: Request) -> Response:
    client = client_of(request)
    if client is None:
        return Response(status_code=401)
    row = await request.state.pool.fetchrow(CHECK, await asked(request), client)
    return Response(status_code=429) if row is None else answer(None if row[0] is None else row)


async def lookups(request: Request) -> Response:
    indexes = [indexed(request, nik) for nik in orjson.loads(await request.body())["niks"]]
    rows = await request.state.pool.fetch(LOOKUPS, indexes)
    return JSON([told(None if row[0] is None else row) for row in rows])


async def submit(request: Request) -> Response:
    return await submitted(request, [orjson.loads(await request.body())])


async def submits(request: Request) -> Response:
    return await submitted(request, orjson.loads(await request.body()))


async def submitted(request: Request, people: list[dict[str, Any]]) -> Response:
    """All are of one route. All are written, or none."""
    vault: Vault = request.state.vault
    ids, route = [uuid7() for _ in people], people[0]["routeId"]
    niks, names = [one["nik"] for one in people], [one["name"] for one in people]
    columns = [
        ids, [route] * len(people), [vault.blind_index(nik) for nik in niks], [vault.seal(nik) for nik in niks],
        [vault.seal(name) for name in names], [one["identityDocument"] for one in people],
        [one["reference"] for one in people],
    ]  # fmt: skip
    async with request.state.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        written = await connection.fetch(SUBMIT, *columns)
        # The hot row comes last: it is locked for as short as can be.
        if len(written) < len(people) or await connection.fetchval(SEATS, route, len(people)) is None:
            await transaction.rollback()
            return Response(status_code=409)
        await transaction.commit()
    return JSON([{"id": one, "status": "REGISTERED"} for one in ids])


async def asked(request: Request) -> bytes:
    nik: str = orjson.loads(await request.body())["nik"]
    return indexed(request, nik)


def indexed(request: Request, nik: str) -> bytes:
    vault: Vault = request.state.vault
    return vault.blind_index(nik)


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
    return JSON(told(row))


def told(row: asyncpg.Record | None) -> dict[str, object]:
    found = None if row is None else {"organizer": row[0], "status": row[1], "registeredAt": row[2]}
    return {"available": row is None, "standing": found}


class JSON(Response):
    media_type = "application/json"

    def render(self, content: object) -> bytes:
        return orjson.dumps(content)


DOORS = {"/lookup": lookup, "/lookups": lookups, "/check": check, "/submit": submit, "/submits": submits}
app = Starlette(routes=[Route(path, door, methods=["POST"]) for path, door in DOORS.items()], lifespan=lifespan)
