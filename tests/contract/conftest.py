"""What npm has, and a real server in front of it. Without Node.js these tests are skipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

import httpx
import pytest

from tests import npm
from tests.databases import migrated_database
from tests.patience import PATIENCE_SECONDS
from tests.servers import Server, place_in

HERE = Path(__file__).parent
OLDEST_NODE = 20


@dataclass(frozen=True)
class Node:
    """Runs the scripts of this folder."""

    environment: dict[str, str] = field(repr=False)

    def answer(self, script: str, *words: str, **environment: str) -> Any:
        run = subprocess.run(
            ["node", script, *words],
            cwd=HERE,
            env={**self.environment, **environment},
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    @contextmanager
    def telling(self, script: str, *words: str, **environment: str) -> Iterator[Iterator[Any]]:
        """What it says as it goes on, line by line, until this is left."""
        with subprocess.Popen(
            ["node", script, *words],
            cwd=HERE,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            # One that has nothing to say must not keep the test waiting for ever.
            patience = Timer(PATIENCE_SECONDS, process.kill)
            patience.start()
            try:
                assert process.stdout is not None
                yield map(json.loads, process.stdout)
            finally:
                patience.cancel()
                process.kill()

    @contextmanager
    def serving(self, script: str, *words: str, **environment: str) -> Iterator[str]:
        """Its address, which it says when it listens."""
        with subprocess.Popen(
            ["node", script, *words],
            cwd=HERE,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                url = process.stdout.readline().strip()
                assert url.startswith("http://127.0.0.1:"), url
                yield url
            finally:
                # Hive's gateway stays for as long as it has connections if it is asked to end.
                process.kill()


@pytest.fixture(scope="package")
def plain_node() -> Node:
    """Without the packages of this folder."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine: the gateways and clients that npm has are not tried")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node.js is {version}: the gateways and clients that npm has need {OLDEST_NODE} or later")
    return Node({**os.environ, "NO_PROXY": "127.0.0.1", "NODE_ENV": "production"})


@pytest.fixture(scope="package")
def node(plain_node: Node) -> Node:
    npm.install(HERE)
    return plain_node


@dataclass(frozen=True)
class Registry:
    """`pemudik serve` with its demo, and the tokens of the demo's clients."""

    server: Server
    clients: dict[str, tuple[str, str]] = field(repr=False)
    tokens: dict[str, str] = field(repr=False)

    @property
    def api(self) -> str:
        return f"{self.server.url}/graphql"

    def bearer(self, organizer: str) -> str:
        return f"Bearer {self.tokens[organizer]}"

    def data(self, organizer: str, query: str, **variables: object) -> Any:
        answer = asked(self.api, self.tokens[organizer], query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def operations(self) -> list[str]:
        """Of every GraphQL request so far, as the log tells of them, but for the question by which we wait for the log.

        The line of a request is written before the server reads what is sent after its answer.
        """
        self.data("hubdat", "{ me { id } }")
        lines = [json.loads(line) for line in self.server.said.splitlines() if line.startswith("{")]
        return [line["operation"] for line in lines if line.get("operation", "me") != "me"]


@pytest.fixture(scope="package")
def registry(node: Node, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    home = tmp_path_factory.mktemp("contract") / "home"
    with migrated_database(database_url) as url, place_in(home, url) as place:
        server = place.serve(PEMUDIK_LOG_FORMAT="json")
        demo = json.loads((home / "demo-credentials.json").read_bytes())
        clients = {one["organizer"]: (one["client_id"], one["secret"]) for one in demo}
        yield Registry(server, clients, {organizer: token(server.url, one) for organizer, one in clients.items()})


def token(url: str, client: tuple[str, str], **parameters: str) -> str:
    form = {"grant_type": "client_credentials", **parameters}
    answer = httpx.post(f"{url}/oauth/token", data=form, auth=client, timeout=PATIENCE_SECONDS)
    access_token: str = answer.json()["access_token"]
    return access_token


def asked(url: str, access_token: str | None, query: str, **variables: object) -> Any:
    """The whole answer of a GraphQL server."""
    headers = {} if access_token is None else {"Authorization": f"Bearer {access_token}"}
    return httpx.post(
        url, json={"query": query, "variables": variables}, headers=headers, timeout=PATIENCE_SECONDS
    ).json()


# --- a gateway in front of the registry -------------------------------------------------------------------------------

ROUTE = """query ($of: ID) { routes(where: {organizer: $of, direction: MUDIK, service: PASSENGER,
    withSeats: true}, first: 1) { nodes { id name } } }"""
SUBMIT = """mutation ($inputs: [SubmitRegistrant!]!) { submitRegistrants(inputs: $inputs) {
    ... on Submission { registrant { id } } ... on Problem { code standing { organizer { code } } } } }"""

NIKS = ["3171030101909001", "3171030101909002", "3171030101909003"]
NAMES = ["Warga Contoh", "Warga Misal", "Warga Umpama"]
TOGETHER = "ROMBONGAN"
"""The booking code of these three alone."""
OTHER_NIK, OTHER_NAME = "3171030101909004", "Penumpang Tetangga"


@dataclass(frozen=True)
class Gateway:
    """Passes 1 to 3 are for registrants of `dishub-dki`, who came together, the fourth for one of another organizer.

    One more is there, which `myPasses` leaves out: what becomes of its registrant is for one test.
    """

    url: str
    boarding: str
    """The address of the sample organizer's subgraph."""
    registry: Registry
    checked_in: str
    """A registrant of `dishub-dki` whom a test verifies."""
    route: dict[str, str]
    other_route: dict[str, str]

    def ask(self, organizer: str | None, query: str, **variables: object) -> Any:
        access_token = None if organizer is None else self.registry.tokens[organizer]
        return asked(self.url, access_token, query, **variables)

    def passes(self, registrants: list[Any]) -> list[dict[str, Any]]:
        """As `PASSES` answers, with these registrants."""
        routes = [*[self.route] * 3, self.other_route]
        return [
            {"seat": f"{place}A", "route": {"name": route["name"]}, "registrant": registrant}
            for place, (route, registrant) in enumerate(zip(routes, registrants, strict=True), start=1)
        ]


@pytest.fixture(scope="package")
def gateway(node: Node, registry: Registry) -> Iterator[Gateway]:
    """A gateway takes seconds to start: one for all files of this folder."""
    route, registrants = registered(registry, "dishub-dki", NIKS, NAMES, reference=TOGETHER)
    other_route, [other] = registered(registry, "ahm", [OTHER_NIK], [OTHER_NAME])
    _, [checked_in] = registered(registry, "dishub-dki", ["3171030101909005"], ["Warga Lapor"])
    holders = [
        *((one, route) for one in registrants),
        (other, other_route),
        (checked_in, route),
    ]
    passes = [
        {"seat": f"{place}A", "registrant": registrant, "route": on["id"], "listed": place <= 4}
        for place, (registrant, on) in enumerate(holders, start=1)
    ]
    with (
        node.serving("boarding.mjs", json.dumps(passes)) as boarding,
        node.serving(
            "gateway.mjs",
            *(f"pemudik={registry.api}", f"boarding={boarding}"),
            AUTHORIZATION=registry.bearer("hubdat"),
        ) as url,
    ):
        yield Gateway(url, boarding, registry, checked_in, route, other_route)


def registered(
    registry: Registry, organizer: str, niks: list[str], names: list[str], **more: str
) -> tuple[dict[str, str], list[str]]:
    """The route and the registrants' ids."""
    [route] = registry.data(organizer, ROUTE, of=organizer)["routes"]["nodes"]
    inputs = [submission(route["id"], nik, name) | more for nik, name in zip(niks, names, strict=True)]
    verdicts = registry.data(organizer, SUBMIT, inputs=inputs)["submitRegistrants"]
    return route, [verdict["registrant"]["id"] for verdict in verdicts]


def submission(route: str, nik: str, name: str) -> dict[str, str]:
    return {"nik": nik, "name": name, "routeId": route, "identityDocument": "KTP"}


def end_of_log(registry: Registry, organizer: str) -> str:
    cursor: str = registry.data(organizer, "{ endOfChanges }")["endOfChanges"]
    return cursor
