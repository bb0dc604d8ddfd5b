"""What the client of an organizer of the demo asks, beside the pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from tests.servers import Place, Server


def credentials(place: Place, organizer: str) -> dict[str, Any]:
    """Of the client of the demo's `organizer`."""
    known = json.loads((place.home / "demo-credentials.json").read_bytes())
    return next(one for one in known if one["organizer"] == organizer)


def asked(place: Place, server: Server, organizer: str, query: str, **variables: object) -> Any:
    """The data of one operation."""
    return _posted(place, server, organizer, "/graphql", {"query": query, "variables": variables})["data"]


def pushed(place: Place, server: Server, organizer: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Each row is accepted."""
    told = _posted(place, server, organizer, "/webhook/pemudik", rows)["hasil"]
    assert [one["hasil"] for one in told] == ["diterima"] * len(rows), told


def _posted(place: Place, server: Server, organizer: str, path: str, body: object) -> Any:
    client = credentials(place, organizer)
    with httpx.Client(base_url=server.url, timeout=60) as http:
        auth, grant = (client["client_id"], client["secret"]), {"grant_type": "client_credentials"}
        token = http.post("/oauth/token", data=grant, auth=auth).json()["access_token"]
        return http.post(path, json=body, headers={"Authorization": f"Bearer {token}"}).json()
