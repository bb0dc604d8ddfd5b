"""What everything is compared with: Starlette, an asyncpg pool and orjson; one lookup by NIK, no authentication."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

LOOKUP = """
    SELECT organizer_code, status, registered_at FROM registrant
    WHERE season = $1 AND nik_index = $2 AND direction = 'MUDIK' AND service = 'PASSENGER'
      AND status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW')
"""


class State(TypedDict):
    pool: asyncpg.Pool[asyncpg.Record]


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[State]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8) as pool:
        yield {"pool": pool}


async def lookup(request: Request) -> Response:
    nik = orjson.loads(await request.body())["nik"]
    row = await request.state.pool.fetchrow(LOOKUP, 2026, hmac.digest(b"k", nik.encode(), hashlib.sha256))
    found = None if row is None else {"organizer": row[0], "status": row[1], "registeredAt": row[2]}
    return Response(orjson.dumps({"available": row is None, "standing": found}), media_type="application/json")


app = Starlette(routes=[Route("/lookup", lookup, methods=["POST"])], lifespan=lifespan)
