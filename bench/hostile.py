"""What clumsy and hostile requests cost others: `make bench ARGS=hostile`.

The collection of `tests.hostile` is sent to a real server with one worker, one request after another, while a neighbour
checks NIKs without a pause. Then 20 documents that nobody has sent before come at once. It fails when an answer that is
no refusal takes 500 ms (those that come at once may), when the neighbour waits 250 ms, or when the worker has 20 MB
more after a second round than after the first. Each is tried up to three times, since another program may have taken
the processor; the CPU of the worker, neighbour's checks included, stands beside.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import http.client
import itertools
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import orjson
import psutil
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from app import clock, migration
from app.config import Settings
from app.db import Database
from app.embedded import postgres
from app.graphql.doors.sockets import PROTOCOL
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.scopes import SCOPES
from app.vault.vault import open_vault
from bench import live, seed
from tests import queries
from tests.databases import list_of_test_registries
from tests.hostile.collection import COLLECTION
from tests.hostile.driving import answers_awaited
from tests.hostile.plain import FORM, GRANT
from tests.hostile.sending import SIZES, Answer, Hostile, Sent, graphql, posted, told_by_socket
from tests.hostile.testing import ORGANIZER, PREFIX

REGISTRANTS = 2_000
MOST_MS, MOST_MS_OF_A_NEIGHBOUR, MOST_MEGABYTES = 500, 250, 20
TRIES = 3
BUDGET = {"capacity": 2_000_000_000, "refill": 1_000_000_000}
"""Of NIK checks: none is refused for it."""
TIMEOUT_SECONDS = 60
CHECK = "query($nik: NIK!) { checkNik(nik: $nik) { outcome } }"
FIRST_EVENT = b"event: "
KLIEN = "/klien"
PROVIDER = {"ISSUER": "http://127.0.0.1:1", "CLIENT_ID": "x", "CLIENT_SECRET": "x"}
TOGETHER = 20
UNREAD = f"{{ me {{ {' '.join(f'o{number}: organizer {{ a: code b: name }}' for number in range(330))} }} }}"
"""It takes 60 ms of CPU to be read, each time, since each text is another."""


@dataclass
class Tokens:
    """Of the hostile client: one for the live registry, and one for the test registry, which is made when asked for."""

    port: int
    live: str = field(repr=False)

    def of(self, sent: Sent) -> str:
        in_test_mode = sent.path.startswith(f"{PREFIX}/") and not sent.path.endswith(KLIEN)
        return self.of_the_test_registry if in_test_mode else self.live

    @cached_property
    def of_the_test_registry(self) -> str:
        told = orjson.loads(over_http(self.port, self.live, posted(f"{PREFIX}{KLIEN}", b"")).body)
        pair = base64.b64encode(f"{told['clientId']}:{told['clientSecret']}".encode()).decode()
        basic = {"authorization": f"Basic {pair}", "content-type": FORM}
        asked = Sent(f"{PREFIX}/oauth/token", GRANT.encode(), headers=basic, anonymous=True)
        return str(orjson.loads(over_http(self.port, "", asked).body)["access_token"])


@dataclass
class Neighbour:
    """Checks one NIK after another, in a thread of its own."""

    port: int
    token: str
    waits: list[tuple[float, float]] = field(default_factory=list)
    """When each check was sent, and for how long it waited."""
    ended: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        for number in itertools.count():
            if self.ended.wait(0.005):
                break
            body = orjson.dumps({"query": CHECK, "variables": {"nik": seed.nik_of(number % REGISTRANTS)}})
            started = time.perf_counter()
            connection.request("POST", "/graphql", body, headers)
            connection.getresponse().read()
            self.waits.append((started, time.perf_counter() - started))
        connection.close()

    def longest_ms(self, since: float, until: float) -> float:
        """Of the checks that waited within this time."""
        time.sleep(0.02)
        waits = [wait for started, wait in self.waits if started < until and started + wait > since]
        return max(waits, default=0.0) * 1000


@contextmanager
def neighbour(port: int, token: str) -> Iterator[Neighbour]:
    one = Neighbour(port, token)
    thread = threading.Thread(target=one.work)
    thread.start()
    try:
        yield one
    finally:
        one.ended.set()
        thread.join()


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="pemudik-hostile-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres.running(folder / "database") as url:
            hostile, near = asyncio.run(prepare(url, folder))
            with list_of_test_registries(url) as list_url, server(url, folder, list_url) as (port, pid):
                tokens = Tokens(port, live.token(port, *hostile))
                wrong = measure(port, pid, tokens, live.token(port, *near))
    if wrong:
        raise SystemExit("\n".join(["", *wrong]))


def server(url: str, folder: Path, list_url: str) -> AbstractContextManager[tuple[int, int]]:
    """With test registries and a provider of sign-ins, so that each address of the collection is there."""
    provider = {f"PEMUDIK_OIDC_{name}": value for name, value in PROVIDER.items()}
    return live.serving(url, folder, 1, "--with-test", PEMUDIK_UJI_DATABASE_URL=list_url, **provider)


async def prepare(url: str, folder: Path) -> tuple[tuple[str, str], tuple[str, str]]:
    """A client that may do everything, and its neighbour."""
    database = Database(url)
    vault = open_vault(Settings(home=folder), create=True)
    await migration.upgrade(database)
    seed.REGISTRANTS = REGISTRANTS
    credentials, _ = await seed.seed(database, vault)
    async with database.transaction() as session:
        await queries.run(
            session, "INSERT INTO organizer (code, name, schemes) VALUES (:code, :code, '{}')", {"code": ORGANIZER}
        )
        issued = await clients.issue(
            session, Caller(None, "hubdat"), "hubdat", list(SCOPES), None, clock.now(), own=None, **BUDGET
        )
    await database.dispose()
    assert isinstance(issued, clients.Issued)
    return (issued.client.id, str(issued.secret)), credentials[seed.SUBMITTER]


def measure(port: int, pid: int, tokens: Tokens, near: str) -> list[str]:
    """What was worse than it may be."""
    worker = _worker_of(pid)
    # What a server keeps for good, such as documents that it has read, is there after a first round.
    for one, times in itertools.product(COLLECTION, SIZES):
        answered(port, tokens, one.of(times * one.size))
    gc.collect()
    before, wrong = worker.memory_info().rss, []
    print(f"{'':52}{'told':>30}{'ms':>8}{'CPU ms':>8}{'neighbour':>11}")
    with neighbour(port, near) as beside:
        for one, times in itertools.product(COLLECTION, SIZES):
            wrong += faults(port, tokens, beside, worker, one, times)
        wrong += together(port, tokens, beside)
    time.sleep(3)
    kept = (worker.memory_info().rss - before) / 2**20
    print(f"\nmemory: {before / 2**20:.0f} MB before, {kept:+.0f} MB after")
    return wrong + ([f"{kept:.0f} MB of memory are kept"] if kept > MOST_MEGABYTES else [])


def _worker_of(pid: int) -> psutil.Process:
    """The largest of the processes below the supervisor."""
    return max(psutil.Process(pid).children(recursive=True), key=lambda one: one.memory_info().rss)


def faults(port: int, tokens: Tokens, beside: Neighbour, worker: psutil.Process, one: Hostile, times: int) -> list[str]:
    for _ in range(TRIES):
        sent = one.of(times * one.size)
        before, started = sum(worker.cpu_times()[:2]), time.perf_counter()
        told = answered(port, tokens, sent)
        until, cpu = time.perf_counter(), sum(worker.cpu_times()[:2]) - before
        ms, waited = (until - started) * 1000, beside.longest_ms(started, until)
        refused = told not in {"200", "202", "next", "pong"}
        found = _faults(f"{one.name}, {times} times its size: {told}", 0 if refused else ms, waited)
        if not found:
            break
    if times == SIZES[-1]:
        print(f"{one.name:52}{told:>30}{ms:8.0f}{cpu * 1000:8.0f}{waited:11.0f}", flush=True)
    return found


def together(port: int, tokens: Tokens, beside: Neighbour) -> list[str]:
    """How long the neighbour waits while documents are read that came at once."""
    for _ in range(TRIES):
        sent = [graphql(UNREAD) for _ in range(TOGETHER)]
        started = time.perf_counter()
        with ThreadPoolExecutor(TOGETHER) as threads:
            told = Counter(threads.map(lambda one: answered(port, tokens, one), sent))
        until = time.perf_counter()
        waited = beside.longest_ms(started, until)
        found = _faults(f"{TOGETHER} documents at once", 0, waited)
        if not found:
            break
    counts = ", ".join(f"{count} × {one}" for one, count in told.items())
    print(f"{f'{TOGETHER} documents at once':52}{counts:>30}{(until - started) * 1000:8.0f}{waited:19.0f}", flush=True)
    return found


def _faults(name: str, ms: float, waited: float) -> list[str]:
    slow = [f"{name}: {ms:.0f} ms"] if ms > MOST_MS else []
    return slow + ([f"{name}: a neighbour waited {waited:.0f} ms"] if waited > MOST_MS_OF_A_NEIGHBOUR else [])


# --- sending ----------------------------------------------------------------------------------------------------------


def answered(port: int, tokens: Tokens, sent: Sent) -> str:
    token = tokens.of(sent)
    return over_a_socket(port, token, sent) if sent.is_socket else over_http(port, token, sent).told


def over_http(port: int, token: str, sent: Sent) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    own = {} if sent.anonymous else {"authorization": f"Bearer {token}"}
    try:
        connection.request(sent.method, sent.path, sent.body or None, own | dict(sent.headers))
        response = connection.getresponse()
        body = bytearray()
        # A stream may go on for ever: its first event is its answer.
        while chunk := response.read1():
            body += chunk
            if body.startswith(b":") and FIRST_EVENT in body:
                break
        return Answer(response.status, bytes(body))
    finally:
        connection.close()


def over_a_socket(port: int, token: str, sent: Sent) -> str:
    protocols = [Subprotocol(PROTOCOL)]
    address = f"ws://127.0.0.1:{port}{sent.path}"
    with connect(address, subprotocols=protocols, proxy=None, compression=None, max_size=None) as socket:
        init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
        told, awaited = "nothing", answers_awaited(sent)
        try:
            for text in [*([] if sent.anonymous else [orjson.dumps(init)]), *sent.messages]:
                socket.send(text.decode())
            while awaited:
                heard = told_by_socket(orjson.loads(socket.recv(TIMEOUT_SECONDS)))
                told, awaited = heard or told, awaited - bool(heard)
        except ConnectionClosed:
            with suppress(ConnectionClosed):
                socket.recv(0)
            told = f"closed {socket.protocol.close_code}"
        return told


if __name__ == "__main__":
    run()
