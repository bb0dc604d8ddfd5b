"""`POST /webhook/pemudik` over HTTP: one record or many, a verdict each, and what is refused before anything is done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from app.auth import endpoints
from app.auth.bearer import Bearer
from app.auth.signing import SigningKeys
from app.config import Settings
from app.intake import doors
from app.main import build_registry
from app.requests import RequestLog
from tests.graphql.conftest import ISSUER, Api
from tests.registry.records import record
from tests.world import World

pytestmark = pytest.mark.anyio

PATH = "/webhook/pemudik"


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    settings = Settings(body_limit=1_000_000, body_timeout=0.5, request_timeout=10)
    keys = SigningKeys(lambda: world.vault.signing)
    registry, bearer = build_registry(world.database, world.vault), Bearer(world.database, keys, ISSUER)
    application = Starlette(
        routes=[*endpoints.routes(world.database, keys, ISSUER), *doors.routes(registry, bearer, settings)]
    )
    transport = httpx.ASGITransport(RequestLog(application))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        yield Api(http, world.database)


async def post(
    api: Api, content: Any, *, organizer: str = "hubdat", scopes: tuple[str, ...] | None = None, **headers: str
) -> httpx.Response:
    token = await api.token(organizer, scopes)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **named}
    how = {"content": content} if isinstance(content, bytes) else {"json": content}
    return await api.http.post(PATH, headers=sent, **how)


async def test_one_record(api: Api, world: World) -> None:
    await world.route()
    answer = await post(api, record(kode_booking="BK-1", unknown="ignored"))
    assert answer.status_code == 200
    registrant_id = await world.one("SELECT id::text FROM registrant")
    assert answer.json() == {
        "jumlah": 1,
        "ringkasan": {"diterima": 1, "diperbarui": 0, "tidak_berubah": 0, "usang": 0, "ditolak": 0},
        "hasil": [
            {
                "nomor": 1,
                "hasil": "diterima",
                "kode": None,
                "kolom": None,
                "pesan": None,
                "peringatan": [],
                "id": registrant_id,
                "penyelenggara": "hubdat",
                "status_pemesanan_code": 1,
                "kode_booking": "BK-1",
            }
        ],
    }
