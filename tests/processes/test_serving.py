"""`pemudik serve` as a process: from an empty folder to answers, and everything it leaves when it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from app.cli import credentials, serve
from app.cli.command import Failed
from app.cli.credentials import Credentials
from tests.patience import PATIENCE_SECONDS
from tests.servers import Place, Server, is_gone, place_in


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place_in(tmp_path_factory.mktemp("serve") / "a home with blanks") as place:
        yield place


def token(server: Server) -> str:
    client_id, secret = re.findall(r"DISHUB_DKI_ID=(\S+) DISHUB_DKI_SECRET=(\S+)", server.said)[0]
    answer = httpx.post(
        f"{server.url}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(client_id, secret),
        timeout=PATIENCE_SECONDS,
    )
    return str(answer.json()["access_token"])


def organizers(server: Server, access_token: str) -> list[str]:
    answer = httpx.post(
        f"{server.url}/graphql",
        json={"query": "{ organizers { code } }"},
        headers={"Authorization": f"Bearer {access_token}"},
        timeout=PATIENCE_SECONDS,
    )
    return [one["code"] for one in answer.json()["data"]["organizers"]]


def test_an_empty_folder_becomes_a_registry_that_answers_and_stays_for_two_side_by_side(place: Place) -> None:
    first = place.serve()
    access_token = token(first)
    assert len(organizers(first, access_token)) == 11
    # A database that dies is started again where it was, and nobody has to start the server anew.
    died = place.postgres
    assert died is not None
    os.kill(died.pid, signal.SIGKILL)
    while (
        place.postgres in {None, died} or httpx.get(f"{first.url}/readyz", timeout=PATIENCE_SECONDS).status_code != 200
    ):
        time.sleep(0.1)
    assert place.postgres is not None
    assert place.postgres.port == died.port
    assert len(organizers(first, access_token)) == 11
    keys = httpx.get(f"{first.url}/oauth/jwks.json", timeout=PATIENCE_SECONDS).json()
    kept = place.home / "demo-credentials.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert first.end() == 0
    assert first.said.endswith("Stopped.\n")
    assert place.postgres is None

    with ExitStack() as stack:
        with suppress(OSError):
            # Or somebody else has it, and perhaps leaves it to the second of ours.
            stack.enter_context(socket.create_server(("127.0.0.1", serve.FIRST_PORT)))
        again, beside = place.serve(), place.serve()
    assert len(organizers(again, token(again))) == 11
    assert httpx.get(f"{again.url}/oauth/jwks.json", timeout=PATIENCE_SECONDS).json() == keys
    assert again.url != beside.url
    assert "is in use; this one serves on port" in again.said + beside.said
    # A terminal that is closed ends a server gently, and the last server stops the database.
    assert again.end(signal.SIGHUP) == 0
    assert place.postgres is not None
    access_token = token(beside)
    assert all(len(organizers(beside, access_token)) == 11 for _ in range(50))
    assert beside.end(signal.SIGTERM) == 0
    # Lines are written together, and none is lost at the end.
    assert beside.said.count('"operation":"organizers"') == 50
    assert place.postgres is None


def test_several_workers_serve_on_one_port_and_end_with_their_supervisor(place: Place) -> None:
    """Also when it is killed; then the next start works, with the database that is left."""
    killed = place.serve("--workers", "2")
    access_token = token(killed)
    assert all(len(organizers(killed, access_token)) == 11 for _ in range(10))
    killed.end(signal.SIGKILL)
    assert is_gone(killed)
    left = place.postgres
    assert left is not None

    after = place.serve("--workers", "2")
    assert place.postgres == left
    assert after.end(group=True) == 0
    assert place.postgres is None


def test_a_port_that_is_taken_is_said(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match=f"pemudik: Port {port} is in use: set PORT to another one"):
            place.serve(PORT=str(port))
    assert place.servers[-1].process.returncode == 1
    assert place.postgres is None


# --- the parts --------------------------------------------------------------------------------------------------------


def test_listening_takes_the_next_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(serve, "FIRST_PORT", port)
        with serve.listen("127.0.0.1", None) as next_one:
            assert port < next_one.getsockname()[1] < port + serve.PORTS_TRIED
        monkeypatch.setattr(serve, "PORTS_TRIED", 1)
        with pytest.raises(Failed, match="are all in use: set PORT"):
            serve.listen("127.0.0.1", None)


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has it")
def test_what_nobody_reads_goes_away_with_its_connection() -> None:
    with serve.listen("127.0.0.1", None) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(Failed, match=r"Cannot listen on 192\.0\.2\.1: "):
        serve.listen("192.0.2.1", 18000)


def test_damaged_credentials_are_said(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('[{"organizer": "x"}]')
    with pytest.raises(Failed, match="is damaged: remove it"):
        credentials.read(tmp_path / "demo.json")


def test_a_secret_is_not_in_a_repr() -> None:
    assert "hush" not in repr(Credentials("hubdat", "hubdat-x", "hush", []))
