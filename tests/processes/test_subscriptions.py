"""The server as a process, told to end and killed: nobody who follows the changes misses one, or gets one twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.graphql.doors.sockets import PROTOCOL
from tests.graphql.live.serving import Client
from tests.patience import PATIENCE_SECONDS, patience
from tests.servers import Place, Server, place_in
from tests.world import nik_of

pytestmark = pytest.mark.anyio

CHANGES = "subscription ($after: String) { changes(after: $after) { cursor registrant { id } to } }"
PAGE = """query ($after: String) {
    changes(first: 200, after: $after) { nodes { cursor } pageInfo { hasNextPage endCursor } } }"""
ROUTE = """mutation ($origin: ID!, $destination: ID!) { saveRoutes(inputs: [{ name: "Tanpa kuota", direction: MUDIK,
    origin: $origin, destination: $destination }]) { ... on Route { id } } }"""
SUBMIT = """mutation ($inputs: [SubmitRegistrant!]!) {
    submitRegistrants(inputs: $inputs) { __typename ... on Problem { code } } }"""


@pytest.fixture(scope="module")
def place(servers_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place_in(tmp_path_factory.mktemp("live") / "home", servers_url) as place:
        yield place


@dataclass
class Organizer:
    """`dishub-dki` of the demo, at one server."""

    server: Server
    token: str
    http: httpx.AsyncClient

    async def data(self, query: str, **variables: Any) -> Any:
        answer = await self.http.post(
            f"{self.server.url}/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {self.token}"},
        )
        content = answer.json()
        assert "errors" not in content, content
        return content["data"]

    async def route(self) -> str:
        """A new one, without a quota."""
        origin, destination, *_ = (await self.data("{ terminals { code } }"))["terminals"]
        saved = await self.data(ROUTE, origin=origin["code"], destination=destination["code"])
        id_: str = saved["saveRoutes"][0]["id"]
        return id_

    async def submit(self, numbers: range, route: str) -> None:
        inputs = [
            {"nik": nik_of(number), "name": "Warga Contoh", "routeId": route, "identityDocument": "KTP"}
            for number in numbers
        ]
        verdicts = (await self.data(SUBMIT, inputs=inputs))["submitRegistrants"]
        assert {verdict["__typename"] for verdict in verdicts} == {"Submission"}, verdicts

    @asynccontextmanager
    async def following(self, after: str | None) -> AsyncIterator[Client]:
        url = self.server.url.replace("http", "ws")
        async with connect(f"{url}/graphql", subprotocols=[Subprotocol(PROTOCOL)], proxy=None) as socket:
            client = Client(socket)
            await client.say(type="connection_init", payload={"Authorization": f"Bearer {self.token}"})
            assert await client.hear() == {"type": "connection_ack"}
            await client.subscribe("1", CHANGES, after=after)
            yield client

    async def cursors(self, after: str | None) -> list[str]:
        """Of everything behind `after`, read page by page."""
        found: list[str] = []
        more = True
        while more:
            page = (await self.data(PAGE, after=after))["changes"]
            found += [node["cursor"] for node in page["nodes"]]
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        return found


@asynccontextmanager
async def organizer(place: Place, server: Server) -> AsyncIterator[Organizer]:
    [demo] = [
        one
        for one in json.loads((place.home / "demo-credentials.json").read_bytes())
        if one["organizer"] == "dishub-dki"
    ]
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as http:
        answer = await http.post(
            f"{server.url}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(demo["client_id"], demo["secret"]),
        )
        yield Organizer(server, answer.json()["access_token"], http)


async def test_a_server_that_is_told_to_end_says_so_and_ends(place: Place) -> None:
    server = place.serve("--workers", "2", PEMUDIK_LOG_FORMAT="json")
    async with organizer(place, server) as dki, dki.following(None) as client:
        headers = {"Authorization": f"Bearer {dki.token}", "Accept": "text/event-stream"}
        async with dki.http.stream("POST", f"{server.url}/graphql", json={"query": CHANGES}, headers=headers) as answer:
            assert answer.status_code == 200
            ended = asyncio.create_task(asyncio.to_thread(server.end, signal.SIGTERM))
            assert (await client.closed())[0] == 1012
            text = (await answer.aread()).decode()
        assert text.endswith("event: complete\ndata:\n\n")
        assert '"code":"RESTARTING"' in text
        async with patience():
            assert await ended == 0
    lines = [json.loads(line) for line in server.said.splitlines() if line.startswith("{")]
    [socket] = [line for line in lines if line["event"] == "socket"]
    assert (socket["route"], socket["code"], socket["operation"]) == ("/graphql", 1012, "changes")
    assert [line for line in lines if line["level"] in {"warning", "error"}] == []


async def test_a_server_that_is_killed_costs_no_change(place: Place) -> None:
    server = place.serve()
    async with organizer(place, server) as dki:
        route = await dki.route()
        begin = (await dki.cursors(None))[-1]
        seen: list[str] = []

        async def submit() -> None:
            for number in range(0, 100_000, 10):
                await dki.submit(range(number, number + 10), route)

        async with dki.following(begin) as client:
            submitting = asyncio.create_task(submit())
            with suppress(ConnectionClosed):
                while not submitting.done() or len(seen) < 100:
                    seen.append((await client.hear())["payload"]["data"]["changes"]["cursor"])
                    if len(seen) == 100:
                        # The supervisor and its worker: a supervisor alone would take its worker along gently.
                        os.killpg(server.process.pid, signal.SIGKILL)
            assert client.socket.close_code == 1006
        with suppress(httpx.TransportError):
            await submitting
        await asyncio.to_thread(server.process.wait)
    assert len(seen) >= 100
    after = place.serve()
    async with organizer(place, after) as dki:
        whole = await dki.cursors(begin)
        async with dki.following(seen[-1]) as client:
            await dki.submit(range(100_000, 100_010), route)
            whole += await dki.cursors(whole[-1])
            while len(seen) < len(whole):
                seen.append((await client.hear())["payload"]["data"]["changes"]["cursor"])
    assert seen == whole
    assert len(set(seen)) == len(seen)
    assert after.end(signal.SIGTERM) == 0
