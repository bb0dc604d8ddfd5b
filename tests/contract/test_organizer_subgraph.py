"""`examples/organizer_subgraph` behind Hive's gateway: bus and seat of an organizer's people, for its own clients."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.config import CHECKOUT
from tests.contract.conftest import Node, Registry, asked, registered
from tests.patience import PATIENCE_SECONDS

NIKS, NAMES = ["3171030101909201", "3171030101909202"], ["Warga Duduk", "Warga Berdiri"]
PEOPLE = """query ($reference: String) { registrants(where: {reference: $reference}) {
    nodes { name bus seatNumber route { name buses } } } }"""
REFERENCE = "BUS-SENDIRI"


@dataclass(frozen=True)
class Graphs:
    url: str
    registry: Registry
    route: dict[str, str]
    people: list[str]

    def ask(self, organizer: str, query: str, **variables: object) -> Any:
        return asked(self.url, self.registry.tokens[organizer], query, **variables)


@pytest.fixture(scope="module")
def graphs(node: Node, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graphs]:
    route, people = registered(registry, "dishub-dki", NIKS, NAMES, reference=REFERENCE)
    file = tmp_path_factory.mktemp("seats") / "seats.json"
    # The second person has no seat yet.
    file.write_text(json.dumps([{"registrant": people[0], "route": route["id"], "bus": "B 7001 TGA", "seat": "12A"}]))
    words = [f"pemudik={registry.api}"]
    with serving(registry, file) as seats:
        words.append(f"seats={seats}")
        with node.serving("gateway.mjs", *words, AUTHORIZATION=registry.bearer("hubdat")) as url:
            yield Graphs(url, registry, route, people)


@contextmanager
def serving(registry: Registry, file: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client, _ = registry.clients["dishub-dki"]
    command = [sys.executable, "-m", "examples.organizer_subgraph", str(file), "--registry", registry.server.url]
    with subprocess.Popen([*command, "--client", client, "--port", str(port)], cwd=CHECKOUT) as process:
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}/graphql"
        finally:
            process.kill()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the subgraph did not start")


def test_people_and_routes_have_what_the_organizer_knows(graphs: Graphs) -> None:
    nodes = graphs.ask("dishub-dki", PEOPLE, reference=REFERENCE)["data"]["registrants"]["nodes"]
    route = {"name": graphs.route["name"], "buses": ["B 7001 TGA"]}
    assert nodes == [
        {"name": NAMES[0], "bus": "B 7001 TGA", "seatNumber": "12A", "route": route},
        {"name": NAMES[1], "bus": None, "seatNumber": None, "route": route},
    ]


def test_nobody_else_is_told_where_they_sit(graphs: Graphs) -> None:
    """Hubdat sees the registrants masked, and is no client of this organizer."""
    query = "query ($id: ID!) { registrant(ref: {id: $id}) { name bus seatNumber } }"
    answer = graphs.ask("hubdat", query, id=graphs.people[0])
    assert answer == {"data": {"registrant": {"name": "***", "bus": None, "seatNumber": None}}}


@pytest.mark.parametrize("authorization", [{}, {"Authorization": "Bearer nothing"}])
def test_a_token_that_is_none_is_told_nothing(graphs: Graphs, authorization: dict[str, str]) -> None:
    from examples.organizer_subgraph.callers import Callers

    client, _ = graphs.registry.clients["dishub-dki"]
    callers = Callers.of(graphs.registry.server.url, {client})
    assert callers.are_ours(f"Bearer {graphs.registry.tokens['dishub-dki']}")
    assert not callers.are_ours(f"Bearer {graphs.registry.tokens['ahm']}")
    assert not callers.are_ours(authorization.get("Authorization"))
