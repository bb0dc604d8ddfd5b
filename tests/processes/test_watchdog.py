"""A loop that does not turn and burns CPU ends its process, and a supervisor starts another. Nothing else does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.config import CHECKOUT
from app.vault import keys
from app.vault.vault import Vault
from tests.patience import PATIENCE_SECONDS
from tests.servers import Place, Server, place_in

WATCHED = """
import asyncio, re, sys, time
from app.server import watchdog

watchdog.MOST_CPU_SECONDS, watchdog.WIND_EVERY_SECONDS = 0.5, 0.05

def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass

async def main():
    watchdog.watch(asyncio.get_running_loop())
    await asyncio.sleep(0.1)
    print("begins", flush=True)
    {work}
    print("ends", flush=True)

asyncio.run(main())
"""


def run(work: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WATCHED.format(work=work)],
        cwd=CHECKOUT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize(
    "work",
    [
        pytest.param("burn(1_000)", id="in Python"),
        pytest.param("re.fullmatch('(a+)+b', 'a' * 64)", id="in C, which lets no thread run"),
    ],
)
def test_a_loop_that_burns_cpu_without_a_turn_ends_its_process(work: str) -> None:
    process = run(work)
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, output) == (-signal.SIGPROF, "begins\n")
    assert "in main" in errors


@pytest.mark.parametrize(
    "work",
    [
        pytest.param("time.sleep(1.5)", id="a loop that waits burns nothing"),
        pytest.param("for _ in range(8): burn(0.2); await asyncio.sleep(0.1)", id="much work with turns between"),
    ],
)
def test_any_other_loop_goes_on(work: str) -> None:
    process = run(work)
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, output) == (0, "begins\nends\n"), errors


def test_a_process_that_is_suspended_goes_on() -> None:
    process = run("await asyncio.sleep(0.5)")
    assert process.stdout is not None
    assert process.stdout.readline() == "begins\n"
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    process.send_signal(signal.SIGCONT)
    output, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, output) == (0, "ends\n"), errors


# --- a real server ----------------------------------------------------------------------------------------------------

STUCK_BY_SIGNAL = """
import signal
from app.server import watchdog

watchdog.MOST_CPU_SECONDS = 1.0

def stick(*_):
    while True:
        pass

def watch(loop, watch=watchdog.watch):
    watch(loop)
    signal.signal(signal.SIGUSR1, stick)

watchdog.watch = watch
"""
"""Python runs the handler of a signal in the main thread, which is the one of the event loop."""


@pytest.fixture(scope="module")
def place(servers_url: str, vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("watchdog") / "home"
    home.mkdir()
    keys.write_key_file(home / "keys.json", vault.keys)
    with place_in(home, servers_url, demo=False) as place:
        yield place


def workers_of(server: Server) -> set[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return {int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def is_watched(pid: int) -> bool:
    """From then on it would catch the signal."""
    [caught] = re.findall(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(int(caught, 16) >> (signal.SIGUSR1 - 1) & 1)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes by /proc")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_is_stuck_is_replaced_while_another_answers(place: Place, tmp_path: Path, workers: int) -> None:
    (tmp_path / "sitecustomize.py").write_text(STUCK_BY_SIGNAL)
    path = os.pathsep.join([str(tmp_path), str(CHECKOUT)])
    server = place.serve("--workers", str(workers), PYTHONPATH=path)
    before = workers_of(server)
    assert len(before) == workers
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not all(is_watched(pid) for pid in before):
        # One of them answers already, and another may still be starting.
        assert time.monotonic() < deadline
        time.sleep(0.05)
    stuck = before.pop()
    os.kill(stuck, signal.SIGUSR1)
    while stuck in workers_of(server) or len(workers_of(server)) < workers:
        assert time.monotonic() < deadline
        if before:
            # The stuck worker accepts no connection any more, so the other one does.
            assert httpx.get(f"{server.url}/healthz", timeout=PATIENCE_SECONDS).status_code == 200
        time.sleep(0.05)
    assert before < workers_of(server) or not before
    assert httpx.get(f"{server.url}/readyz", timeout=PATIENCE_SECONDS).status_code == 200
    assert "in stick" in server.said
    assert server.end() == 0
