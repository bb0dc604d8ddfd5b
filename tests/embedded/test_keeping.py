"""An embedded PostgreSQL that dies is started again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import keeping, postgres
from tests.embedded.test_postgres import ask
from tests.patience import PATIENCE_SECONDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "postgres"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(keeping, "LOOK_EVERY_SECONDS", 0.05)
    yield
    assert "embedded-keeper" not in {thread.name for thread in threading.enumerate()}


def kill(folder: Path) -> postgres.Postmaster:
    postmaster = postgres.find_postmaster(folder / "data")
    assert postmaster is not None
    os.kill(postmaster.pid, signal.SIGKILL)
    return postmaster


def test_a_server_that_was_killed_is_started_again_on_its_port(folder: Path) -> None:
    given_up: list[str] = []
    with postgres.running(folder) as url, keeping.kept(folder, given_up.append):
        ask(url, "CREATE TABLE kept AS SELECT 8 AS number")
        for _ in range(2):
            killed = kill(folder)
            while postgres.find_postmaster(folder / "data") in {None, killed}:
                time.sleep(0.05)
            until = time.monotonic() + PATIENCE_SECONDS
            while not (found := postgres.find_postmaster(folder / "data")) or not found.ready:
                assert time.monotonic() < until
                time.sleep(0.05)
            assert (found.pid != killed.pid, found.port) == (True, killed.port)
            assert ask(url, "SELECT number FROM kept") == 8
    assert given_up == []
    assert postgres.find_postmaster(folder / "data") is None


def test_whoever_serves_is_told_of_one_that_cannot_be_started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "GIVE_UP_AFTER_SECONDS", 0.2)
    configuration = folder / "data" / "postgresql.conf"
    told, reasons = threading.Event(), list[str]()

    def give_up(reason: str) -> None:
        reasons.append(reason)
        told.set()

    with postgres.running(folder), keeping.kept(folder, give_up):
        kept = configuration.read_text()
        configuration.write_text("nonsense = 'on'\n")
        kill(folder)
        assert told.wait(PATIENCE_SECONDS)
        configuration.write_text(kept)
    [reason] = reasons
    assert reason.startswith("The embedded PostgreSQL does not start. It says: ")


def test_whoever_serves_is_told_of_a_disk_that_takes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error comes from the system and not from PostgreSQL. The keeper goes on, and speaks up in the end."""
    monkeypatch.setattr(keeping, "GIVE_UP_AFTER_SECONDS", 0.2)
    told, reasons = threading.Event(), list[str]()

    def give_up(reason: str) -> None:
        reasons.append(reason)
        told.set()

    log = folder / "server.log"
    with postgres.running(folder), keeping.kept(folder, give_up):
        log.unlink()
        log.mkdir()
        kill(folder)
        assert told.wait(PATIENCE_SECONDS)
        log.rmdir()
    [reason] = reasons
    assert "Is a directory" in reason


def test_whoever_serves_is_told_of_one_that_came_back_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that begins while the server is dead starts the server on another port, where no worker looks."""
    monkeypatch.setattr(keeping, "LOOK_EVERY_SECONDS", 1.0)
    told, reasons = threading.Event(), list[str]()

    def give_up(reason: str) -> None:
        reasons.append(reason)
        told.set()

    with postgres.running(folder), keeping.kept(folder, give_up):
        with postgres.locked(folder):
            kill(folder)
            while postgres.find_postmaster(folder / "data") is not None:
                time.sleep(0.01)
            postgres.start(folder, durable=True)
        assert told.wait(PATIENCE_SECONDS)
    assert reasons == ["Another process has started the embedded PostgreSQL again, on another port."]
