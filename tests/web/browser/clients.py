"""What the client of an organizer of the demo asks, beside the pages."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.servers import Place, Server


def credentials(place: Place, organizer: str) -> dict[str, Any]:
    """Of the client of the demo's `organizer`."""
    known = json.loads((place.home / "demo-credentials.json").read_bytes())
    return next(one for one in known if one["organizer"] == organizer)


def asked(place: Place, server: Server, organizer: str, query: str, **variables: object) -> Any:
    """The data of one operation."""
    client = credentials(place, organizer)
    with httpx.Client(base_url=server.url, timeout=60) as http:
        auth, grant = (client["client_id"], client["secret"]), {"grant_type": "client_credentials"}
        token = http.post("/oauth/token", data=grant, auth=auth).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return http.post("/graphql", json={"query": query, "variables": variables}, headers=headers).json()["data"]
