"""Workers are killed while changes come by the hundred: feed, figures and webhooks end complete, row by row."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from standardwebhooks import Webhook

from app import clock
from app.changes.log import cursors, feed
from app.changes.log.feed import Position
from app.config import Settings
from app.db import Database
from app.models.enums import WebhookEvent
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from app.registry.webhooks import webhooks
from app.registry.webhooks.webhooks import Saved, WebhookInput
from app.vault.vault import open_vault
from tests import queries
from tests import world as worlds
from tests.changes.counting import differences
from tests.patience import PATIENCE_SECONDS, patience
from tests.servers import Place, Server, place_in
from tests.world import World, nik_of

pytestmark = pytest.mark.anyio

LOTS = 20
"""At least. Each is of so many people as are submitted at once, and people come until the last kill."""
AT_ONCE = 100
LANES = 4
PAUSE_SECONDS = 0.5
"""Of a lane behind each lot. A worker takes seconds to come back: without a pause, the other one would take in ten
thousand people meanwhile, and tell of them all.
"""
KILLS = 3
FAILURES = (7, 40, 70)
"""Which requests are answered 503."""
SCOPES = ("registrants:write", "registrants:read")

SUBMIT = """
mutation ($inputs: [SubmitRegistrant!]!) {
    submitRegistrants(inputs: $inputs) { ... on Submission { registrant { id } } ... on Problem { code } }
}
"""
VERIFY = """
mutation ($refs: [RegistrantRef!]!) {
    verifyRegistrants(refs: $refs) { ... on Registrant { status } ... on Problem { code } }
}
"""
CANCEL = """
mutation ($ref: RegistrantRef!) {
    cancelRegistrant(ref: $ref, reason: "Permintaan peserta") { ... on Registrant { status } ... on Problem { code } }
}
"""
FOLLOW = "subscription ($after: String) { changes(after: $after) { cursor kind registrant { id } to } }"


# --- a server, and who is told ----------------------------------------------------------------------------------------


@dataclass
class Receiver:
    """An endpoint that fails now and then, and checks each signature."""

    secret: str = ""
    came: list[tuple[str, str]] = field(default_factory=list)
    """The id and the registrant of what was answered 200, as it came."""
    asked: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
                names = ("webhook-id", "webhook-timestamp")
                given = {name: headers[name] for name in names}
                given["webhook-signature"] = next(
                    line.split(": ", 1)[1] for line in head.splitlines() if line.lower().startswith("webhook-signature")
                )
                body = await reader.readexactly(int(headers["content-length"]))
                content = Webhook(self.secret).verify(body, given)
                self.asked += 1
                fails = self.asked in FAILURES
                if not fails:
                    self.came.append((given["webhook-id"], content["data"].get("registrantId", "")))
                status = b"503 Busy" if fails else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        writer.close()


@dataclass
class Scene:
    server: Server
    world: World
    receiver: Receiver
    http: httpx.AsyncClient
    tokens: dict[str, str]

    async def call(self, query: str, variables: Any, organizer: str = "hubdat") -> Any:
        """Whoever gets no answer asks again: a worker may have died with it."""
        headers = {"Authorization": f"Bearer {self.tokens[organizer]}"}
        async with patience():
            while True:
                with suppress(httpx.TransportError):
                    answer = await self.http.post(
                        "/graphql", json={"query": query, "variables": variables}, headers=headers
                    )
                    if answer.status_code == 200:
                        content = answer.json()
                        assert "errors" not in content, content
                        return next(iter(content["data"].values()))
                await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def place(servers_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("followers")
    open_vault(Settings().model_copy(update={"home": home}), create=True)
    with place_in(home, servers_url, demo=False) as place:
        yield place


@pytest.fixture
async def scene(place: Place, servers_url: str) -> AsyncIterator[Scene]:
    database = Database(servers_url)
    vault = open_vault(Settings().model_copy(update={"home": place.home}))
    world = await worlds.build(database, vault)
    await world.run("UPDATE season SET ends_on = current_date + 60")
    async with listening() as (receiver, address):
        receiver.secret = await registered(world, address)
        server = await asyncio.to_thread(
            place.serve, "--workers", "2", PEMUDIK_WEBHOOKS_TO_PRIVATE="true", PEMUDIK_LOG_LEVEL="warning"
        )
        async with httpx.AsyncClient(base_url=server.url, timeout=PATIENCE_SECONDS) as http:
            tokens = {code: await token(world, http, code) for code in ("hubdat", "dishub-dki")}
            yield Scene(server, world, receiver, http, tokens)
    await asyncio.to_thread(server.end)
    await database.dispose()


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Receiver, str]]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield receiver, f"http://127.0.0.1:{port}/events"
    finally:
        server.close()


async def registered(world: World, address: str) -> str:
    given = WebhookInput(
        address, [WebhookEvent.DUPLICATE_FOUND, WebhookEvent.QUOTA_FILLED, WebhookEvent.QUOTA_RETURNED]
    )
    async with world.database.transaction() as session:
        saved = await webhooks.save(
            session, world.vault, Caller("hubdat-test", "hubdat"), given, clock.now(), private=True
        )
    assert isinstance(saved, Saved)
    assert saved.secret is not None
    return saved.secret


async def token(world: World, http: httpx.AsyncClient, organizer: str) -> str:
    async with world.database.transaction() as session:
        issued = await clients.issue(session, Caller(None, "hubdat"), organizer, SCOPES, None, clock.now(), own=None)
    assert isinstance(issued, Issued)
    form = {"grant_type": "client_credentials"}
    answer = await http.post("/oauth/token", data=form, auth=(issued.client.id, issued.secret or ""))
    access_token: str = answer.json()["access_token"]
    return access_token


# --- what happens -----------------------------------------------------------------------------------------------------


async def live(scene: Scene, ours: str, theirs: str, numbers: list[int]) -> None:
    """People come, most are verified, some end; and another organizer tries some of them as well."""
    people = [
        {"nik": nik_of(number), "name": "Warga Contoh", "routeId": ours, "identityDocument": "KTP"}
        for number in numbers
    ]
    accepted = await scene.call(SUBMIT, {"inputs": people})
    refs = [{"id": one["registrant"]["id"]} for one in accepted]
    await scene.call(VERIFY, {"refs": refs[: AT_ONCE // 2]})
    taken = [{**person, "routeId": theirs} for person in people[:5]]
    refused = await scene.call(SUBMIT, {"inputs": taken}, "dishub-dki")
    assert [one["code"] for one in refused] == ["NIK_ALREADY_REGISTERED"] * 5
    await scene.call(CANCEL, {"ref": refs[-1]})


def workers(server: Server) -> list[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def kill_now_and_then(scene: Scene) -> None:
    """While people come: whenever both workers are there and some more have come since the last kill."""
    for _ in range(KILLS):
        come = await scene.world.count("registrant")
        while len(pids := workers(scene.server)) < 2 or await scene.world.count("registrant") < come + 2 * AT_ONCE:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        # The elder one: at least one is always there.
        os.kill(pids[0], signal.SIGKILL)


async def follow(scene: Scene, seen: list[Position]) -> None:
    """By server-sent events, from the cursor of the last one again and again."""
    headers = {"Authorization": f"Bearer {scene.tokens['hubdat']}", "Accept": "text/event-stream"}
    while True:
        after = cursors.cursor(seen[-1] if seen else feed.START)
        body = {"query": FOLLOW, "variables": {"after": after}}
        with suppress(httpx.TransportError):
            async with scene.http.stream(
                "POST", "/graphql", json=body, headers=headers, timeout=PATIENCE_SECONDS
            ) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data: {"):
                        data = orjson.loads(line.removeprefix("data: "))["data"]
                        seen.append(cursors.position(data["changes"]["cursor"]))
        await asyncio.sleep(0.05)


async def test_nothing_is_lost_or_told_twice_when_workers_are_killed(scene: Scene) -> None:
    world, seen = scene.world, list[Position]()
    ours = str(await world.route(departs_at=None))
    theirs = str(await world.route("Jakarta - Yogyakarta", organizer="dishub-dki", departs_at=None))
    follower = asyncio.create_task(follow(scene, seen))
    killer = asyncio.create_task(kill_now_and_then(scene))
    lots = 0

    async def lane() -> None:
        nonlocal lots
        while lots < LOTS or not killer.done():
            lots += 1
            await live(scene, ours, theirs, list(range((lots - 1) * AT_ONCE, lots * AT_ONCE)))
            await asyncio.sleep(PAUSE_SECONDS)

    await asyncio.gather(killer, *(lane() for _ in range(LANES)))

    expected = await positions(world)
    assert len(expected) == lots * (AT_ONCE + AT_ONCE // 2 + 1)
    await until(lambda: len(seen) >= len(expected), "feed")
    follower.cancel()
    assert seen == expected

    await until_sent(world)
    await assert_sent(scene, lots)
    async with world.database.transaction() as session:
        assert await differences(session) == {}


async def positions(world: World) -> list[Position]:
    rows = await world.run(
        """SELECT CAST(CAST(xact_id AS text) AS bigint) AS xact_id, id FROM change
           WHERE kind = 'REGISTRANT_MOVED' AND organizer_code = 'hubdat' ORDER BY change.xact_id, id"""
    )
    return [Position(row.xact_id, row.id) for row in rows]


async def until(so: Any, what: str) -> None:
    async with patience():
        while not so():  # noqa: ASYNC110 - it is other processes that make it so
            await asyncio.sleep(0.05)
    assert so(), what


_WAITING = """
    SELECT (SELECT count(*) FROM webhook_delivery WHERE state = 'PENDING')
         + (SELECT count(*) FROM change c, projection p WHERE (c.xact_id, c.id) > (p.xact_id, p.change_id))
    """


async def until_sent(world: World) -> None:
    """What was on its way in a killed worker is anybody's when its lease has run out."""
    async with patience():
        while True:
            async with world.database.transaction() as session:
                if await queries.value(session, _WAITING) == 0:
                    return
                # None of the leases of the living lasts so long.
                await queries.run(
                    session,
                    (
                        "UPDATE webhook_delivery SET leased_until = now() - interval '1 s'"
                        " WHERE leased_until < now() + interval '40 s'"
                    ),
                )
            await asyncio.sleep(0.2)


async def assert_sent(scene: Scene, lots: int) -> None:
    """One delivery of each change that concerns the webhook, delivered; each came, and of a registrant in order."""
    told = await scene.world.run(
        """SELECT c.kind, count(*) AS changes, count(d.id) AS deliveries,
                  count(*) FILTER (WHERE d.state = 'DELIVERED') AS delivered
           FROM change c LEFT JOIN webhook_delivery d ON d.change_id = c.id
           WHERE c.organizer_code = 'hubdat' AND c.kind IN ('DUPLICATE_REFUSED', 'QUOTA_RETURNED')
           GROUP BY c.kind ORDER BY c.kind"""
    )
    duplicates, returned = [tuple(row) for row in told]
    # A lost answer is asked for again: that is one more attempt, and one more event.
    assert duplicates[0] == "DUPLICATE_REFUSED"
    assert duplicates[1] >= 5 * lots
    assert returned == ("QUOTA_RETURNED", lots, lots, lots)
    assert duplicates[1] == duplicates[2] == duplicates[3]
    rows = await scene.world.run("SELECT id::text AS id FROM webhook_delivery ORDER BY place")
    place_of = {row.id: place for place, row in enumerate(rows)}
    assert {came for came, _ in scene.receiver.came} == set(place_of)
    first_time: dict[str, None] = dict.fromkeys(came for came, _ in scene.receiver.came)
    registrant_of = dict(scene.receiver.came)
    by_registrant: dict[str, list[int]] = {}
    for one in first_time:
        if registrant_of[one]:
            by_registrant.setdefault(registrant_of[one], []).append(place_of[one])
    assert all(one < other for places in by_registrant.values() for one, other in pairwise(places))
    assert len(first_time) == duplicates[1] + lots
