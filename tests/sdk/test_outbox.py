"""The outbox of `sdk/python`: what goes wrong around it refuses nobody, and stops nothing for longer than it lasts."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from pemudik_client import Outbox
from pemudik_client.documents import MUTATIONS

from tests.sdk.conftest import Sandbox
from tests.sdk.proxy import AWAY, NOT_OURS, Answer, proxied


@pytest.mark.parametrize("mishap", NOT_OURS, ids=lambda answer: f"{answer.status} {answer.body[:20].decode()}")
def test_what_somebody_else_answers_refuses_nobody(sandbox: Sandbox, tmp_path: Path, mishap: Answer) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.put("submitRegistrant", input=sandbox.person(sandbox.nik()))
    with proxied(sandbox.url) as proxy, sandbox.client(url=proxy.url, patience_seconds=0) as client:
        proxy.mishaps += [mishap]
        assert list(outbox.send(client)) == []
        assert (outbox.waiting(), outbox.refused()) == (1, [])
        time.sleep(0.6)
        [sent] = outbox.send(client)
        assert (sent.problem, len(set(proxy.keys))) == (None, 1)


def test_nobody_waits_for_a_clock_that_was_set_back(sandbox: Sandbox, tmp_path: Path) -> None:
    """The clock was years ahead when the registry was busy."""
    path, ahead = tmp_path / "outbox.db", time.time() + 100_000_000
    outbox = Outbox(path)
    outbox.put("submitRegistrant", input=sandbox.person(sandbox.nik()))
    with proxied(sandbox.url) as proxy, sandbox.client(url=proxy.url, patience_seconds=0) as client:
        proxy.mishaps += [AWAY]
        assert list(outbox.send(client)) == []
        assert list(outbox.send(client)) == []
        with sqlite3.connect(path) as database:
            database.execute("UPDATE outbox SET postponed_at = ?, not_before = ?", (ahead, ahead + 300))
        [sent] = outbox.send(client)
        assert sent.problem is None


def test_a_lock_that_cannot_be_taken_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    """Else a sender that may not write there would say for ever that nothing is due."""
    outbox = Outbox(tmp_path / "outbox.db")
    outbox.put("submitRegistrant", input=sandbox.person(sandbox.nik()))
    (tmp_path / "outbox.db.sending").mkdir()
    with sandbox.client() as client, pytest.raises(sqlite3.OperationalError, match="unable to open"):
        list(outbox.send(client))
    assert outbox.waiting() == 1


@pytest.mark.parametrize("operation", ["submitRegistrants", "submitRegistrantt", "checkNik"])
def test_what_could_lose_somebody_is_not_taken(tmp_path: Path, operation: str) -> None:
    """Of a list, whoever is refused would count as accepted with the others."""
    outbox = Outbox(tmp_path / "outbox.db")
    with pytest.raises(ValueError, match=f"{operation} cannot be put into an outbox: put one of holdSeats, "):
        outbox.put(operation, inputs=[])
    assert outbox.waiting() == 0


def test_all_else_that_changes_something_can_be_put(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.db")
    given: dict[str, Any] = {"reference": "A"}
    ids = [outbox.put(operation, **given) for operation in MUTATIONS if operation != "submitRegistrants"]
    assert ids == list(range(1, 12))
