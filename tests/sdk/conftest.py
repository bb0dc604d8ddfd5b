"""A server with its demo, and a trip home that leaves in twelve hours with its way back, for all clients."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from pemudik_client import Pemudik

from tests.databases import migrated_database
from tests.servers import Server, place_in

ROUTES = """mutation ($inputs: [RouteInput!]!) { saveRoutes(inputs: $inputs) { ... on Route { id } ... on Problem { code
    message } } }"""
HOME = {"name": "Monas - Tirtonadi, klien", "origin": "monas", "destination": "tirtonadi", "quota": 40_000}
BACK = {"name": "Tirtonadi - Monas, klien", "origin": "tirtonadi", "destination": "monas", "quota": 40_000}
SAVE_WEBHOOK = """mutation ($url: String!) { saveWebhook(input: {url: $url, events: [REGISTRANT_FORFEITED]}) {
    ... on SavedWebhook { secret webhook { id } } ... on Problem { code message } } }"""
TEST_WEBHOOK = "mutation ($id: ID!) { testWebhook(id: $id) { ... on WebhookDelivery { id } ... on Problem { code } } }"
DELIVERIES = "{ webhooks { id deliveries { nodes { id state attempts { status } } } } }"


@dataclass
class Sandbox:
    server: Server
    clients: dict[str, tuple[str, str]] = field(repr=False)
    routes: dict[str, str] = field(default_factory=dict)
    births: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return self.server.url

    def client(self, organizer: str = "dishub-dki", url: str | None = None, **how: Any) -> Pemudik:
        return Pemudik(url or self.url, *self.clients[organizer], **how)

    def nik(self) -> str:
        """The first of 2,000 NIKs that nobody else has: each test is given people of another day of birth."""
        born = next(self.births)
        return f"317103{born % 28 + 1:02}{born // 28 + 1:02}908000"

    def person(self, nik: str, **more: Any) -> dict[str, Any]:
        route = {"routeId": self.routes["dishub-dki"], "identityDocument": "KTP"}
        return {"nik": nik, "name": "Warga Contoh", **route, **more}

    def environment(self, **more: str) -> dict[str, str]:
        """What the examples are told."""
        client_id, secret = self.clients["dishub-dki"]
        return {
            **{name: value for name, value in os.environ.items() if not name.endswith("_proxy")},
            "PEMUDIK": self.url,
            "PEMUDIK_CLIENT_ID": client_id,
            "PEMUDIK_CLIENT_SECRET": secret,
            "ROUTE": self.routes["dishub-dki"],
            "RETURN_ROUTE": self.routes["back"],
            **more,
        }


@pytest.fixture(scope="package")
def sandbox(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    home = tmp_path_factory.mktemp("sdk") / "home"
    with migrated_database(database_url) as url, place_in(home, url) as place:
        server = place.serve(PEMUDIK_LOG_FORMAT="json", PEMUDIK_WEBHOOKS_TO_PRIVATE="true")
        demo = json.loads((home / "demo-credentials.json").read_bytes())
        made = Sandbox(server, {one["organizer"]: (one["client_id"], one["secret"]) for one in demo})
        _offer(made)
        yield made


def _offer(sandbox: Sandbox) -> None:
    soon, later = datetime.now(UTC) + timedelta(hours=12), datetime.now(UTC) + timedelta(days=8)
    home = {**HOME, "direction": "MUDIK", "departsAt": soon.isoformat()}
    back = {**BACK, "direction": "BALIK", "departsAt": later.isoformat()}
    with sandbox.client() as client, sandbox.client("ahm") as ahm:
        saved = client.execute(ROUTES, {"inputs": [home, back]})["saveRoutes"]
        sandbox.routes |= {"dishub-dki": saved[0]["id"], "back": saved[1]["id"]}
        sandbox.routes["ahm"] = ahm.execute(ROUTES, {"inputs": [home]})["saveRoutes"][0]["id"]


def end_of_feed(client: Pemudik, cursor: Path) -> None:
    """Writes the cursor of now into the file: what happens next is what `follow` tells."""
    cursor.write_text(client.execute("{ endOfChanges }")["endOfChanges"])


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def post(url: str, content: bytes, headers: dict[str, str]) -> int:
    return httpx.post(url, content=content, headers=headers, trust_env=False).status_code
