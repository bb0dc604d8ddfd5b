"""The plain HTTP doors behind real tokens; the registry's clock stands at `world.NOW`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware

from app.auth import endpoints
from app.auth.callers import build_callers
from app.auth.signing import SigningKeys
from app.config import Settings
from app.graphql.doors import http as graphql
from app.intake.doors import doors
from app.process import Process, build_process
from app.request_log import RequestLog
from tests.graphql.conftest import ISSUER, Api
from tests.world import World

SETTINGS = {"body_limit": 1_000_000, "body_timeout": 60, "request_timeout": 60}


class Doors(Api):
    process: Process

    async def send(
        self,
        path: str,
        content: Any,
        *,
        organizer: str = "hubdat",
        scopes: tuple[str, ...] | None = None,
        method: str = "POST",
        **headers: str,
    ) -> httpx.Response:
        """JSON, unless `content` is bytes."""
        token = await self.token(organizer, scopes)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **named}
        how = {"content": content} if isinstance(content, bytes) else {"json": content}
        return await self.http.request(method, path, headers=sent, **how)


@asynccontextmanager
async def opened(world: World, **changes: Any) -> AsyncIterator[Doors]:
    settings = Settings(**SETTINGS | changes)
    keys = SigningKeys(lambda: world.vault.signing)
    process = build_process(world.database, world.vault, import_storage=settings.import_storage)
    callers = build_callers(world.database, keys, ISSUER)
    application = Starlette(
        routes=[
            *endpoints.routes(world.database, keys, ISSUER),
            *doors.routes(process, callers, settings),
            *graphql.routes(process, callers, settings),
        ],
        middleware=[Middleware(RequestLog)],
    )
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        client = Doors(http, world.database)
        client.process = process
        yield client
