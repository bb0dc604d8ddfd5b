"""Three machines with PostgreSQL under Patroni, set up by `deploy/patroni.yml`, and an etcd: all of it on the loopback.

A machine is a set of processes with an address of its own (127.x.y.11) for what listens there, and a wire
(`tests.cluster.wire`) between that address and everybody else (127.x.y.21). Ports are those of the file.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from app.config import CHECKOUT
from app.embedded.postgres import Postmaster, binaries, find_postmaster
from app.embedded.run_as import RunAs, who_runs
from tests.cluster import patroni, wire
from tests.patience import patience

FILE = CHECKOUT / "deploy" / "patroni.yml"
PASSWORD = "change-me"
"""As in the file."""
LOOK_AGAIN_SECONDS = 0.1
ETCD_PORT, REST_PORT, POSTGRES_PORT = 2379, 8008, 5432


@dataclass
class Machine:
    number: int
    network: str
    """The first three numbers of all addresses."""
    folder: Path
    run_as: RunAs
    patroni: subprocess.Popen[bytes] | None = None
    wire: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return f"db{self.number}"

    @property
    def own(self) -> str:
        """Where its programs listen."""
        return f"{self.network}.1{self.number}"

    @property
    def address(self) -> str:
        """Where others find the machine: its wire."""
        return f"{self.network}.2{self.number}"

    @property
    def etcd(self) -> str:
        """Where the machine finds etcd: its wire, too."""
        return f"{self.network}.3{self.number}"

    @property
    def postmaster(self) -> Postmaster | None:
        return find_postmaster(self.folder / "data")

    def start(self) -> None:
        log = (self.folder / "patroni.log").open("ab")
        path = f"{binaries()}:{os.environ['PATH']}"
        self.patroni = subprocess.Popen(
            [*self.run_as.prefix, str(patroni.PATRONI), str(self.folder / "patroni.yml")],
            env={"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self.run_as.options,
        )
        log.close()

    def plug_in(self, etcd: str) -> None:
        ways = [f"{self.address}:{port}={self.own}:{port}" for port in (POSTGRES_PORT, REST_PORT)]
        ways.append(f"{self.etcd}:{ETCD_PORT}={etcd}:{ETCD_PORT}")
        self.wire = subprocess.Popen(
            [sys.executable, "-I", "-S", wire.__file__, self.address, *ways], stdout=subprocess.PIPE
        )
        assert self.wire.stdout is not None
        assert self.wire.stdout.readline() == b"ready\n"

    # --- what happens to it ---

    def kill_postgres(self) -> None:
        assert self.postmaster is not None
        os.kill(self.postmaster.pid, signal.SIGKILL)

    def kill(self) -> None:
        """All its programs at once. They are gone when this returns."""
        assert self.patroni is not None
        doomed = [*programs(self.patroni.pid), *(programs(self.postmaster.pid) if self.postmaster else [])]
        for one in doomed:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.patroni.wait()
        psutil.wait_procs(doomed)

    def cut(self) -> None:
        assert self.wire is not None
        self.wire.send_signal(signal.SIGSTOP)

    def mend(self) -> None:
        assert self.wire is not None
        self.wire.send_signal(signal.SIGCONT)

    def end(self) -> None:
        if self.patroni is not None:
            self.kill()
        if self.wire is not None:
            self.wire.kill()
            self.wire.communicate()


def programs(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@dataclass
class Room:
    machines: Sequence[Machine]
    http: httpx.AsyncClient = field(repr=False)

    def url(self, user: str, database: str = "pemudik") -> str:
        hosts = ",".join(f"{machine.address}:{POSTGRES_PORT}" for machine in self.machines)
        return f"postgresql://{user}:{PASSWORD}@{hosts}/{database}?target_session_attrs=read-write&sslmode=disable"

    async def members(self) -> list[dict[str, Any]]:
        """As whichever machine answers sees them. Empty: none answers."""
        for machine in self.machines:
            with suppress(httpx.HTTPError):
                answer = await self.http.get(f"http://{machine.address}:{REST_PORT}/cluster")
                return list(answer.json()["members"])
        return []

    async def leader(self) -> Machine:
        [name] = [one["name"] for one in await self.members() if one["role"] == "leader"]
        return next(machine for machine in self.machines if machine.name == name)

    async def standby(self) -> Machine:
        """The synchronous one."""
        [name] = [one["name"] for one in await self.members() if one["role"] == "sync_standby"]
        return next(machine for machine in self.machines if machine.name == name)

    async def is_whole(self) -> bool:
        """A leader and two standbys that follow it, and one of them has whatever is acknowledged."""
        states = sorted((one["role"], one["state"]) for one in await self.members())
        return states == [("leader", "running"), ("replica", "streaming"), ("sync_standby", "streaming")]

    async def until_whole(self) -> None:
        await until(self.is_whole)

    async def switch_over(self) -> None:
        leader, standby = await self.leader(), await self.standby()
        asked = {"leader": leader.name, "candidate": standby.name}
        answer = await self.http.post(f"http://{leader.address}:{REST_PORT}/switchover", json=asked, timeout=60)
        assert answer.status_code == 200, answer.text


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    async with patience():
        while not await so():  # noqa: ASYNC110 - other processes make it so
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Room]:
    """The room with its cluster whole. What Patroni says stands in a file beside each machine's data."""
    network = f"127.{random.randrange(1, 255)}.{random.randrange(1, 255)}"  # noqa: S311 - another run has another one
    machines = [made(number, network, folder) for number in (1, 2, 3)]
    etcd = start_etcd(f"{network}.1", folder)
    try:
        async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
            room = Room(machines, http)
            await until(lambda: answers(http, f"http://{network}.1:{ETCD_PORT}/health"))
            for machine in machines:
                machine.plug_in(f"{network}.1")
                machine.start()
            await room.until_whole()
            yield room
    finally:
        # All at once: none of them need take over from another.
        for machine in machines:
            if machine.patroni is not None:
                machine.patroni.kill()
        for machine in machines:
            machine.end()
        etcd.kill()
        etcd.wait()


def made(number: int, network: str, folder: Path) -> Machine:
    machine = Machine(number, network, folder / f"db{number}", who_runs(folder / f"db{number}" / "data"))
    machine.folder.mkdir(mode=0o700)
    (machine.folder / "patroni.yml").write_text(rendered(machine, FILE.read_text()))
    if machine.run_as.owner is not None:
        for path in (machine.folder, machine.folder / "patroni.yml"):
            os.chown(path, machine.run_as.owner, -1)
    return machine


def rendered(machine: Machine, text: str) -> str:
    """The file as it is, but for name, addresses and folders.

    The wheel's PostgreSQL knows no TLS. Patroni must not ask etcd for its own address, which leads around the wire.
    """
    for given, here in {
        r"^name: db1$": f"name: {machine.name}",
        r"\blisten: 10\.0\.0\.11:": f"listen: {machine.own}:",
        r"\bconnect_address: 10\.0\.0\.11:": f"connect_address: {machine.address}:",
        r"hosts: 10\.0\.0\.11:2379,.*": f"hosts: {machine.etcd}:{ETCD_PORT}\n  use_proxies: true",
        r"10\.0\.0\.0/24": f"{machine.network}.0/24",
        r"/var/lib/postgresql/pemudik": str(machine.folder / "data"),
        r"/run/postgresql/pemudik.pgpass": str(machine.folder / "pgpass"),
        r"/run/postgresql$": str(machine.folder),
        r"\bhostssl\b": "host",
        r"^ +ssl\w*: .*\n": "",
    }.items():
        text, count = re.subn(given, here, text, flags=re.MULTILINE)
        assert count, f"{FILE} has no {given}"
    assert "10.0.0." not in text
    return text


def start_etcd(host: str, folder: Path) -> subprocess.Popen[bytes]:
    here, peers = f"http://{host}:{ETCD_PORT}", f"http://{host}:2380"
    words = {
        "--data-dir": str(folder / "etcd"),
        "--listen-client-urls": here,
        "--advertise-client-urls": here,
        "--listen-peer-urls": peers,
        "--initial-advertise-peer-urls": peers,
        "--initial-cluster": f"default={peers}",
        "--log-level": "error",
    }
    with (folder / "etcd.log").open("wb") as log:
        return subprocess.Popen(
            [str(patroni.ETCD), *(part for pair in words.items() for part in pair)], stdout=log, stderr=log
        )


async def answers(http: httpx.AsyncClient, url: str) -> bool:
    with suppress(httpx.HTTPError):
        return (await http.get(url)).status_code == 200
    return False
