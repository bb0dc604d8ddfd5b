"""Prometheus itself asks a server of two processes, by the configuration of `docs/monitoring` and with its rules.

Every query of the dashboard gives data, and no rule fails, once all that they ask for has happened.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from pemudik_client import Pemudik, Refused
from pemudik_client.errors import PemudikError
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from app.config import CHECKOUT
from app.graphql.doors.sockets import PROTOCOL
from tests.patience import PATIENCE_SECONDS
from tests.sdk.conftest import free_port
from tests.servers import Place, Server, place_in
from tests.test_monitoring import ALERTS, PROMETHEUS, of_alerts, of_dashboard
from tests.world import nik_of

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="Prometheus is not installed (apt-get install prometheus)"
)

EVERY_SECOND = "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
MEANT = {"$instance": ".*", "$__rate_interval": "1m"}
SAVE_ROUTE = """mutation { saveRoutes(inputs: [{name: "Tanpa kuota", direction: MUDIK, origin: "monas",
    destination: "tirtonadi"}]) { ... on Route { id } ... on Problem { code } } }"""
SAVE_WEBHOOK = """mutation ($url: String!) { saveWebhook(input: {url: $url, events: [REGISTRANT_CANCELLED]}) {
    ... on SavedWebhook { webhook { id } } ... on Problem { code } } }"""
LIST_ROWS = 3
FIRST = 7_000
"""The number of the first NIK: somebody has it from the first round on."""
HOLDS_BACK = "max(pemudik_oldest_transaction_seconds)"


@dataclass
class Prometheus:
    url: str

    def asked(self, path: str, **parameters: str) -> Any:
        with suppress(httpx.TransportError):
            answer = httpx.get(
                f"{self.url}/api/v1/{path}", params=parameters, timeout=PATIENCE_SECONDS, trust_env=False
            )
            if answer.status_code == 200:
                return answer.json()["data"]
        return None

    def finds(self, expression: str) -> list[Any]:
        for variable, meant in MEANT.items():
            expression = expression.replace(variable, meant)
        found = self.asked("query", query=expression)
        return [] if found is None else [one for one in found["result"] if one["value"][1] != "NaN"]

    def rules(self) -> list[Any]:
        told = self.asked("rules") or {"groups": []}
        return [rule for group in told["groups"] for rule in group["rules"]]


@dataclass
class Life:
    """What happens to a registry, once more each time: good and bad."""

    server: Server
    clients: dict[str, tuple[str, str]]
    poor: tuple[str, str]
    """A client that may check one NIK a second."""
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(FIRST))
    routes: dict[str, str] = field(default_factory=dict)

    def begin(self) -> None:
        for organizer in ("dishub-dki", "ahm"):
            with self.client(organizer) as client:
                self.routes[organizer] = client.execute(SAVE_ROUTE)["saveRoutes"][0]["id"]
        with self.client("dishub-dki") as client:
            client.execute(SAVE_WEBHOOK, {"url": f"http://127.0.0.1:{free_port()}/"})
            export = httpx.get(
                f"{self.server.url}/export.csv", headers={"Authorization": f"Bearer {client.token()}"}, trust_env=False
            )
        (self.folder / "list.csv").write_bytes(b"".join(export.content.splitlines(keepends=True)[: LIST_ROWS + 1]))

    def client(self, organizer: str) -> Pemudik:
        return Pemudik(self.server.url, *self.clients[organizer], patience_seconds=PATIENCE_SECONDS)

    def goes_on(self) -> None:
        with self.client("dishub-dki") as dki, self.client("ahm") as ahm:
            self._two_want_the_same(dki, ahm)
            submitted = dki.submit_registrant(self._person("dishub-dki", nik_of(next(self.numbers))))
            dki.cancel_registrant({"id": submitted["registrant"]["id"]}, "Batal")
            dki.check_nik(nik_of(next(self.numbers)))
            ahm.check_nik(nik_of(FIRST))
            with suppress(PemudikError):
                dki.execute("{ nothing }")
            dki.import_over(dki.import_file(self.folder / "list.csv")["id"], every_seconds=0.1)
            self._fail_over_a_socket(dki.token())
        self._use_up_the_budget()
        httpx.post(f"{self.server.url}/graphql", json={"query": "{ me { id } }"}, headers={"Authorization": "Bearer x"})

    def _two_want_the_same(self, dki: Pemudik, ahm: Pemudik) -> None:
        """At the same time: one of them loses the race and is run again, or comes too late."""
        niks = [nik_of(next(self.numbers)) for _ in range(20)]

        def submit(who: tuple[Pemudik, str, str]) -> None:
            client, organizer, nik = who
            with suppress(Refused):
                client.submit_registrant(self._person(organizer, nik))

        with ThreadPoolExecutor(8) as threads:
            both = [
                (client, organizer, nik) for nik in niks for client, organizer in ((dki, "dishub-dki"), (ahm, "ahm"))
            ]
            list(threads.map(submit, both))

    def _fail_over_a_socket(self, token: str) -> None:
        address = self.server.url.replace("http", "ws", 1) + "/graphql"
        with connect(address, subprotocols=[Subprotocol(PROTOCOL)], proxy=None) as socket:
            socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}))
            query = 'subscription { changes(after: "x") { cursor } }'
            socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))
            while json.loads(socket.recv(PATIENCE_SECONDS))["type"] not in {"error", "complete"}:
                pass

    def _use_up_the_budget(self) -> None:
        with Pemudik(self.server.url, *self.poor, patience_seconds=0) as client:
            for _ in range(3):
                with suppress(PemudikError):
                    client.check_nik(nik_of(1))

    def _person(self, organizer: str, nik: str) -> Any:
        return {"nik": nik, "name": "Warga Contoh", "routeId": self.routes[organizer], "identityDocument": "KTP"}


@pytest.fixture(scope="module")
def place(servers_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place_in(tmp_path_factory.mktemp("prometheus") / "home", servers_url) as place:
        yield place


def issued(place: Place, *words: str) -> tuple[str, str]:
    environment = {**os.environ, "DATABASE_URL": str(place.database_url), "PEMUDIK_HOME": str(place.home)}
    command = [sys.executable, "-m", "app.cli", "client", "issue", *words, "--json"]
    run = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True)
    told = json.loads(run.stdout)
    return told["client"]["id"], told["secret"]


@contextmanager
def asking(server: Server, client: tuple[str, str], folder: Path) -> Iterator[Prometheus]:
    """With the files of `docs/monitoring`: only addresses, the client and how often it asks are of here."""
    client_id, secret = client
    (folder / "secret").write_text(secret)
    (folder / "alerts.yml").write_text(ALERTS)
    here = {
        r"targets: \[.*\]": f'targets: ["{server.url.removeprefix("http://")}"]',
        r"client_id: .*": f"client_id: {client_id}",
        r"client_secret_file: .*": f"client_secret_file: {folder / 'secret'}",
        r"token_url: .*": f"token_url: {server.url}/oauth/token",
        r" *scrape_interval: .*\n": "",
    }
    written = PROMETHEUS
    for pattern, line in here.items():
        written, times = re.subn(pattern, line, written)
        assert times == 1, pattern
    (folder / "prometheus.yml").write_text(EVERY_SECOND + written)
    port = free_port()
    words = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*words, f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"},
        )
    try:
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@contextmanager
def transaction_that_writes(url: str) -> Iterator[None]:
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url.replace("+asyncpg", "")))
        runner.run(connection.execute("BEGIN; SELECT pg_current_xact_id()"))
        try:
            yield
        finally:
            runner.run(connection.close())


def until(true: Callable[[], bool], told: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, told()
        time.sleep(0.2)


def test_every_query_gives_data_and_no_rule_fails(place: Place, tmp_path: Path) -> None:
    server = place.serve("--workers", "2", PEMUDIK_WEBHOOKS_TO_PRIVATE="true")
    demo = json.loads((place.home / "demo-credentials.json").read_bytes())
    poor = issued(place, "hubdat", "--scope", "nik:check", "--checks", "1", "--checks-per-second", "1")
    life = Life(server, {one["organizer"]: (one["client_id"], one["secret"]) for one in demo}, poor, tmp_path)
    life.begin()
    queries = set(of_dashboard())
    with asking(server, issued(place, "hubdat", "--scope", "dashboard:read"), tmp_path) as prometheus:
        until(lambda: bool(prometheus.finds("up == 1")), (tmp_path / "log").read_text)

        def all_found() -> bool:
            life.goes_on()
            queries.difference_update([one for one in queries if prometheus.finds(one)])
            return queries <= {HOLDS_BACK}

        until(all_found, lambda: queries)
        with transaction_that_writes(str(place.database_url)):
            until(lambda: bool(prometheus.finds(HOLDS_BACK)), prometheus.rules)
        assert [one["value"][1] for one in prometheus.finds("sum(pemudik_workers)")] == ["2"]
        until(lambda: {rule["health"] for rule in prometheus.rules()} == {"ok"}, prometheus.rules)
        assert len(prometheus.rules()) == len(of_alerts())
        server.end()

        def is_told() -> bool:
            return any(rule["name"] == "PemudikDown" and rule["state"] != "inactive" for rule in prometheus.rules())

        until(is_told, prometheus.rules)
