"""Two worker processes count together: whichever is asked answers for both, also when one of them is killed."""

from __future__ import annotations

import os
import re
import signal
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.patience import PATIENCE_SECONDS
from tests.servers import Place, Server, place_in

TOKEN = "a-token-of-sixteen-or-more"


@pytest.fixture(scope="module")
def place(servers_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place_in(tmp_path_factory.mktemp("metrics") / "home", servers_url) as place:
        yield place


def bearer(server: Server) -> dict[str, str]:
    client_id, secret = re.findall(r"DISHUB_DKI_ID=(\S+) DISHUB_DKI_SECRET=(\S+)", server.said)[0]
    grant = {"grant_type": "client_credentials"}
    answer = httpx.post(f"{server.url}/oauth/token", data=grant, auth=(client_id, secret), timeout=PATIENCE_SECONDS)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def ask(server: Server, headers: dict[str, str], times: int) -> None:
    """Each on a connection of its own, so that either process may take it."""

    with (
        httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), timeout=PATIENCE_SECONDS) as http,
        ThreadPoolExecutor(8) as threads,
    ):

        def one(_: int) -> int:
            return http.post(f"{server.url}/graphql", json={"query": "{ me { id } }"}, headers=headers).status_code

        assert set(threads.map(one, range(times))) == {200}


def scraped(server: Server) -> dict[str, float]:
    with httpx.Client(verify=False, timeout=PATIENCE_SECONDS) as http:  # noqa: S501 - there is no TLS, and certificates take long to load
        answer = http.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    lines = (line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


ASKED = 'pemudik_requests_total{operation="me",outcome="ok",route="/graphql",status="200"}'
POOL = 'pemudik_pool_connections_max{pool="checks"}'


def until(server: Server, true: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    """A supervisor that asks a worker how it is just as that is killed waits twenty seconds for the answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        samples = scraped(server)
        if true(samples):
            return samples
        time.sleep(0.05)
    raise AssertionError(samples)


def counted(server: Server, requests: int) -> dict[str, float]:
    """A request is counted when its answer is on its way."""
    return until(server, lambda samples: samples.get(ASKED) == requests)


def workers_of(server: Server) -> list[int]:
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the processes by /proc")
def test_no_count_is_lost_and_none_is_there_twice(place: Place, tmp_path: Path) -> None:
    server = place.serve("--workers", "2", PEMUDIK_METRICS_TOKEN=TOKEN, TMPDIR=str(tmp_path))
    headers = bearer(server)
    samples = until(server, lambda samples: samples["pemudik_workers"] == 2 and samples[POOL] == 16)
    assert ASKED not in samples
    ask(server, headers, 120)
    counted(server, 120)
    [folder] = tmp_path.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [scraped(server)[ASKED] for _ in range(8)] == [120] * 8

    for round_ in (1, 2):
        os.kill(workers_of(server)[0], signal.SIGKILL)
        samples = until(server, lambda samples: samples["pemudik_workers"] == 1)
        assert samples[ASKED] == 60 + 60 * round_
        # What only a live process can hold goes with it.
        assert samples[POOL] == 8
        ask(server, headers, 20)
        counted(server, 80 + 60 * round_)
        until(server, lambda samples: samples["pemudik_workers"] == 2 and samples[POOL] == 16)
        ask(server, headers, 40)
        counted(server, 120 + 60 * round_)
        assert [scraped(server)[ASKED] for _ in range(8)] == [120 + 60 * round_] * 8

    # What the two hold; and what each of the four has counted.
    assert len(list(folder.glob("gauge_livesum_*.db"))) == 2
    assert len(list(folder.glob("counter_*.db"))) == 4
    assert server.end(group=True) == 0
    assert list(tmp_path.iterdir()) == []


def test_one_process_needs_no_folder(place: Place, tmp_path: Path) -> None:
    server = place.serve(PEMUDIK_METRICS_TOKEN=TOKEN, TMPDIR=str(tmp_path))
    ask(server, bearer(server), 25)
    samples = counted(server, 25)
    assert (samples[ASKED], samples["pemudik_workers"], samples[POOL]) == (25, 1, 8)
    assert list(tmp_path.iterdir()) == []
    assert server.end() == 0
