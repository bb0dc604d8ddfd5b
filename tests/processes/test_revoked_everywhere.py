"""A client or a token that is revoked by one worker is refused by every worker within a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.patience import PATIENCE_SECONDS
from tests.servers import Server, place_in

CONNECTIONS = 16
"""Each is served by one of the two workers for as long as it lives."""
ISSUE = """mutation { issueClient(organizer: "ahm", scopes: ["nik:check"]) { secret client { id } } }"""
REVOKE = "mutation ($id: ID!) { revokeClient(id: $id) { id } }"


@pytest.fixture(scope="module")
def server(servers_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with place_in(tmp_path_factory.mktemp("revoked") / "home", servers_url) as place:
        yield place.serve("--workers", "2")


def token(server: Server, client_id: str, secret: str) -> str:
    form = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{server.url}/oauth/token", data=form, auth=(client_id, secret), timeout=PATIENCE_SECONDS)
    value: str = answer.json()["access_token"]
    return value


def asked(http: httpx.Client, bearer: str, query: str, **variables: Any) -> httpx.Response:
    body = {"query": query, "variables": variables}
    return http.post("/graphql", json=body, headers={"Authorization": f"Bearer {bearer}"})


def hubdat(server: Server) -> str:
    words = dict(word.split("=", 1) for word in server.said.split() if "=" in word)
    return token(server, words["HUBDAT_ID"], words["HUBDAT_SECRET"])


@pytest.fixture
def connections(server: Server) -> Iterator[list[httpx.Client]]:
    clients = [httpx.Client(base_url=server.url, timeout=PATIENCE_SECONDS) for _ in range(CONNECTIONS)]
    yield clients
    for client in clients:
        client.close()


@pytest.mark.parametrize("what", ["client", "token"])
def test_every_worker_knows_within_a_second(server: Server, connections: list[httpx.Client], what: str) -> None:
    admin = hubdat(server)
    issued = asked(connections[0], admin, ISSUE).json()["data"]["issueClient"]
    client_id, secret = issued["client"]["id"], issued["secret"]
    bearer = token(server, client_id, secret)
    for http in connections:
        assert asked(http, bearer, "{ me { scopes } }").status_code == 200
    if what == "client":
        assert asked(connections[0], admin, REVOKE, id=client_id).json()["data"]["revokeClient"]
    else:
        ended = connections[0].post("/oauth/revoke", data={"token": bearer}, auth=(client_id, secret))
        assert ended.status_code == 200
    time.sleep(1.0)
    assert {asked(http, bearer, "{ me { scopes } }").status_code for http in connections} == {401}
