"""`pemudik serve` as a process of its own, in a home folder of its own."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.config import CHECKOUT
from app.embedded.postgres import Postmaster, find_postmaster, stop
from tests.patience import NO_CERTIFICATES, PATIENCE_SECONDS

NOT_OF_A_SERVER = {"DATABASE_URL", "PORT", "HOST", "COVERAGE_PROCESS_CONFIG"}
"""Of the environment of the tests. A server is not traced: what it does, tests of its parts do in their own process."""


@dataclass
class Server:
    process: subprocess.Popen[str]
    log: Path
    url: str

    @property
    def said(self) -> str:
        return self.log.read_text()

    def end(self, by: signal.Signals = signal.SIGINT, *, group: bool = False) -> int:
        (os.killpg if group else os.kill)(self.process.pid, by)
        return self.process.wait(PATIENCE_SECONDS)


@dataclass
class Place:
    """A home folder and the servers that were started on it.

    Their database is an embedded one there, or the one of `database_url`. Either gets a demo, unless `demo` says no.
    """

    home: Path
    servers: list[Server]
    database_url: str | None = None
    demo: bool = True
    checkout: Path = CHECKOUT
    """Where the program stands that serves."""

    def serve(self, *words: str, **environment: str) -> Server:
        if self.database_url is not None:
            words = (*words, "--demo") if self.demo else words
            environment = {"DATABASE_URL": self.database_url, **environment}
        log = self.home.parent / f"log {len(self.servers)}"
        kept = {name: value for name, value in os.environ.items() if name not in NOT_OF_A_SERVER}
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve", *words],
                cwd=self.checkout,
                env={**kept, "PEMUDIK_HOME": str(self.home), **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        server = Server(process, log, "")
        self.servers.append(server)
        server.url = await_up(server)
        return server

    @property
    def postgres(self) -> Postmaster | None:
        return find_postmaster(self.home / "postgres" / "data")


def await_up(server: Server) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        if url := re.search(r"Pemudik serves at (http://\S+)", server.said):
            try:
                if httpx.get(f"{url[1]}/readyz", timeout=PATIENCE_SECONDS, verify=NO_CERTIFICATES).status_code == 200:
                    return url[1]
            except httpx.TransportError:
                pass
        time.sleep(0.05)
    raise AssertionError(server.said)


def is_gone(server: Server) -> bool:
    """Nobody listens on its port any more."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{server.url}/healthz", timeout=PATIENCE_SECONDS, verify=NO_CERTIFICATES)
        except httpx.ConnectError:
            return True
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    return False


def port_of_its_own() -> int:
    """For a server that comes back to its port. Servers that take the next free port do not get there, and neither do
    connections that go out.
    """
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@contextmanager
def place_in(
    home: Path, database_url: str | None = None, *, demo: bool = True, checkout: Path = CHECKOUT
) -> Iterator[Place]:
    place = Place(home, [], database_url, demo, checkout)
    try:
        yield place
    finally:
        for server in place.servers:
            if server.process.poll() is None:
                os.killpg(server.process.pid, signal.SIGKILL)
                server.process.wait()
        stop(place.home / "postgres")
