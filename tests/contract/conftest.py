"""What npm has, and a real server in front of it. Without Node.js these tests are skipped."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Any

import httpx
import pytest

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
def node() -> Node:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine: the gateways and clients that npm has are not tried")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node.js is {version}: the gateways and clients that npm has need {OLDEST_NODE} or later")
    install()
    return Node({**os.environ, "NO_PROXY": "127.0.0.1", "NODE_ENV": "production"})


def install() -> None:
    """Once; a second run that was started meanwhile waits, and then finds everything done."""
    lock, done = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
            return
        # Only this folder is written: no cache in the home folder.
        with TemporaryDirectory() as cache:
            run = subprocess.run(
                ["npm", "ci"],
                cwd=HERE,
                env={**os.environ, "npm_config_cache": cache},
                check=False,
                capture_output=True,
                text=True,
            )
        assert run.returncode == 0, run.stderr


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
        """Of every GraphQL request so far, as its log tells of them."""
        lines = [json.loads(line) for line in self.server.said.splitlines() if line.startswith("{")]
        return [line["operation"] for line in lines if "operation" in line]


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
