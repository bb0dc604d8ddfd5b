"""Live changes measured: from a change's commit to the event of each who follows it, by the database's own clock.

200 followers, spread over the organizers of the ministry's table, and five of the dashboard, each on a WebSocket of its
own at a real `pemudik serve`, while registrations come in over HTTP at 200 a second.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.request import Request, urlopen

import orjson
import psutil

from app import clock, migration
from app.changes.log import cursors, feed
from app.config import Settings
from app.db import Database
from app.demo.catalogue import MEMBERS, TERMINALS
from app.demo.demo import EVERYBODY, ROWS
from app.embedded import postgres
from app.registry.clients import clients
from app.registry.routes import terminals
from app.registry.terms import organizers, seasons
from app.registry.terms.organizers import OrganizerInput
from app.registry.terms.policy import PolicyInput
from app.vault.vault import open_vault
from bench import seed
from tests import databases, queries

FOLLOWERS = 200
DASHBOARDS = 5
PER_SECOND = 200
CONNECTIONS = 16
SCOPES = ["registrants:read", "registrants:write", "routes:write"]
FOLLOW = (
    "subscription { changes { cursor at kind from to reason registrant"
    " { id nik name status statusCode reference registeredAt organizer { code } } } }"
)
ROUTE = """mutation { saveRoutes(inputs: [{name: "Uji langsung", direction: MUDIK, service: PASSENGER, mode: BUS,
    origin: "pulo-gebang", destination: "tirtonadi"}]) { ... on Route { id } ... on Problem { code message } } }"""
SUBMIT = (
    "mutation Submit($input: SubmitRegistrant!) { submitRegistrant(input: $input)"
    " { __typename ... on Submission { registrant { id status } } ... on Problem { code message } } }"
)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="bench.live")
    arguments.add_argument("--seconds", type=float, default=10.0)
    arguments.add_argument("--workers", type=int, default=1)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="pemudik-bench-") as folder:
        run(Path(folder), seconds=options.seconds, workers=options.workers)


def run(folder: Path, *, seconds: float, workers: int = 1) -> None:
    folder.chmod(0o755)
    with postgres.running(folder / "live") as url:
        asyncio.run(databases.execute(url, "ALTER SYSTEM SET track_commit_timestamp = on"))
    with ExitStack() as stack:
        url = stack.enter_context(postgres.running(folder / "live"))
        credentials = asyncio.run(prepare(url, folder))
        port, pid = stack.enter_context(serving(url, folder, workers))
        tokens = {name: token(port, *pair) for name, pair in credentials.items()}
        asyncio.run(measure(url, port, pid, tokens, seconds))


async def prepare(url: str, folder: Path) -> dict[str, tuple[str, str]]:
    """Clients (id, secret) by organizer, and the dashboard's under its own name."""
    database, now = Database(url), clock.now()
    open_vault(Settings(home=folder), create=True)
    await migration.upgrade(database)
    season, issued = clock.wib_day(now).year, {}
    table = [OrganizerInput(code=row.code, name=row.name) for row in ROWS]
    async with database.transaction() as session:
        await seasons.save(session, EVERYBODY, season, date(season, 12, 31), now)
        for organizer in (*table, *MEMBERS):
            always = replace(organizer, policy=PolicyInput(enforce_window=False))
            await organizers.save(session, EVERYBODY, always, season, now)
            issued[organizer.code] = await clients.issue(
                session, EVERYBODY, organizer.code, SCOPES, None, now, own=None
            )
        await terminals.save(session, EVERYBODY, TERMINALS, now, admin=True)
        issued["dashboard"] = await clients.issue(session, EVERYBODY, "hubdat", ["dashboard:read"], None, now, own=None)
    await database.dispose()
    return {name: (one.client.id, str(one.secret)) for name, one in issued.items() if isinstance(one, clients.Issued)}


@contextmanager
def serving(url: str, folder: Path, workers: int, *options: str, **environment: str) -> Iterator[tuple[int, int]]:
    """Its port and the pid of its parent process."""
    own = {"DATABASE_URL": url, "PEMUDIK_HOME": str(folder), "PEMUDIK_LOG_LEVEL": "warning"}
    environment = os.environ | own | environment
    command = [sys.executable, "-m", "app.cli", "serve", "--workers", str(workers), *options]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = next(line for line in process.stdout if "Pemudik serves at" in line)
        port = int(address.split("127.0.0.1:")[1].split()[0].split("/")[0])
        time.sleep(3)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def token(port: int, client_id: str, secret: str) -> str:
    credentials = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/x-www-form-urlencoded"}
    request = Request(f"http://127.0.0.1:{port}/oauth/token", b"grant_type=client_credentials", headers)
    with urlopen(request) as answer:
        return str(orjson.loads(answer.read())["access_token"])


# --- followers --------------------------------------------------------------------------------------------------------


class Follower(asyncio.Protocol):
    """A WebSocket that notes when each event came, and reads no more of it than its cursor."""

    def __init__(self, port: int, token: str) -> None:
        self.buffer = bytearray()
        self.events: list[tuple[float, bytes]] = []
        self.following = asyncio.get_running_loop().create_future()
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.hello = (
            f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        ).encode()
        self.shaken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.hello)

    def connection_lost(self, _: Exception | None) -> None:
        if not self.following.done():
            self.following.set_exception(ConnectionError(bytes(self.buffer)))

    def say(self, message: dict[str, object]) -> None:
        body = orjson.dumps(message)
        size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2)
        # Masked by nothing: the key is all zeros.
        self.transport.write(b"\x81" + size + bytes(4) + body)

    def data_received(self, data: bytes) -> None:
        now = time.time()
        self.buffer += data
        if not self.shaken:
            head, separator, rest = self.buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            assert b" 101 " in head.split(b"\r\n")[0], head
            self.shaken, self.buffer = True, rest
            self.say({"type": "connection_init"})
        while (frame := self.frame()) is not None:
            self.read(now, *frame)

    def frame(self) -> tuple[int, bytes] | None:
        if len(self.buffer) < 4:
            return None
        size, start = self.buffer[1], 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, start = int.from_bytes(self.buffer[2 : 2 + width]), 2 + width
        if len(self.buffer) < start + size:
            return None
        frame = self.buffer[0] & 0x0F, bytes(self.buffer[start : start + size])
        del self.buffer[: start + size]
        return frame

    def read(self, now: float, kind: int, body: bytes) -> None:
        if kind == 9:
            self.transport.write(bytes([0x8A, 0x80 | len(body)]) + bytes(4) + body)
        elif b'"next"' in body:
            start = body.index(b'"cursor":"') + 10
            self.events.append((now, body[start : body.index(b'"', start)]))
        elif b'"connection_ack"' in body:
            self.say({"id": "1", "type": "subscribe", "payload": {"query": FOLLOW}})
            self.following.set_result(None)
        elif b'"ping"' in body:
            self.say({"type": "pong"})
        elif kind == 8 or b'"error"' in body:
            raise SystemExit(body.decode(errors="replace"))


async def follow(port: int, token: str) -> Follower:
    _, follower = await asyncio.get_running_loop().create_connection(lambda: Follower(port, token), "127.0.0.1", port)
    await follower.following
    return follower


# --- changes ----------------------------------------------------------------------------------------------------------


async def post(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str, body: bytes) -> bytes:
    writer.write(
        b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" % (token.encode(), len(body), body)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    [length] = [line[16:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")]
    return await reader.readexactly(int(length))


async def routes(port: int, tokens: dict[str, str]) -> dict[str, str]:
    """One without limit of each organizer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = {}
    for organizer, token in tokens.items():
        answer = orjson.loads(await post(reader, writer, token, orjson.dumps({"query": ROUTE})))
        found[organizer] = answer["data"]["saveRoutes"][0]["id"]
    writer.close()
    return found


async def submit(port: int, tokens: dict[str, str], to: dict[str, str], people: Iterator[int], seconds: float) -> int:
    """At a steady rate, whatever the answers take; how many were accepted."""
    dice, accepted = random.Random(1), 0
    waiting: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()

    async def sender() -> None:
        nonlocal accepted
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (one := await waiting.get()) is not None:
            answer = await post(reader, writer, *one)
            accepted += b'"Submission"' in answer
        writer.close()

    senders = [asyncio.create_task(sender()) for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    for number in range(int(seconds * PER_SECOND)):
        await asyncio.sleep(max(0.0, started + number / PER_SECOND - time.perf_counter()))
        organizer = dice.choice(list(to))
        person = {
            "nik": seed.nik_of(next(people)),
            "name": "Warga Contoh",
            "routeId": to[organizer],
            "identityDocument": "KTP",
        }
        waiting.put_nowait((tokens[organizer], orjson.dumps({"query": SUBMIT, "variables": {"input": person}})))
    for _ in senders:
        waiting.put_nowait(None)
    await asyncio.gather(*senders)
    return accepted


# --- the measure ------------------------------------------------------------------------------------------------------


async def measure(url: str, port: int, pid: int, tokens: dict[str, str], seconds: float) -> None:
    own = {name: token for name, token in tokens.items() if name != "dashboard"}
    whose = [*itertools.islice(itertools.cycle(own), FOLLOWERS), *["dashboard"] * DASHBOARDS]
    followers = [(name, await follow(port, tokens[name])) for name in whose]
    to, people = await routes(port, own), itertools.count()
    await submit(port, own, to, people, 2)
    await asyncio.sleep(1)
    begun = time.time()
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    before = sum(sum(one.cpu_times()[:2]) for one in processes)
    accepted = await submit(port, own, to, people, seconds)
    busy = (sum(sum(one.cpu_times()[:2]) for one in processes) - before) / (time.time() - begun)
    await asyncio.sleep(2)
    for _, follower in followers:
        follower.transport.close()
    await report(url, followers, begun, accepted, busy)


async def report(url: str, followers: list[tuple[str, Follower]], begun: float, accepted: int, busy: float) -> None:
    database = Database(url)
    async with database.transaction() as session:
        rows = await queries.run(
            session,
            f"""SELECT c.xact_id::text::bigint AS xact_id, c.id, {feed.MARK} AS mark, c.at,
                          c.organizer_code AS organizer,
                          extract(epoch FROM pg_xact_commit_timestamp(xid(c.xact_id)))::float AS committed_at,
                          organizer.coordinator_code AS coordinator
                   FROM change c JOIN organizer ON organizer.code = c.organizer_code
                   WHERE c.kind = 'REGISTRANT_MOVED' AND pg_xact_commit_timestamp(xid(c.xact_id))
                                                                                     > to_timestamp(:at)""",
            {"at": begun},
        )
        changes = {cursors.cursor(feed.Position(row.xact_id, row.id, row.mark, row.at)).encode(): row for row in rows}
    await database.dispose()
    latencies, missing = [], 0
    of_each = Counter(code for row in changes.values() for code in ("dashboard", row.organizer, row.coordinator))
    for name, follower in followers:
        came = [(at, changes[cursor]) for at, cursor in follower.events if cursor in changes]
        latencies += [at - row.committed_at for at, row in came]
        missing += of_each[name] - len(came)
    latencies.sort()
    shares = {share: latencies[int(len(latencies) * share)] * 1000 for share in (0.5, 0.95, 0.99)}
    print(
        f"\nlive: {len(changes):,} changes, {accepted:,} accepted, {len(followers)} followers,"
        f" {len(latencies):,} events ({missing} missing), server {busy:.0%} of a core\n"
        f"from commit to event: median {shares[0.5]:.0f} ms, p95 {shares[0.95]:.0f} ms, p99 {shares[0.99]:.0f} ms,"
        f" mean {statistics.fmean(latencies) * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
