"""A backup is whole or it is not there, and nobody else reads it or the password. How to restore: `test_restored`."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.operating import backup
from app.operating.backup import BackupFailed
from tests.cli.conftest import Pemudik, home, pemudik  # noqa: F401 - fixtures

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="pg_dump failed: error: connection to server"):
        backup.make("postgresql://nobody:secret@127.0.0.1:1/nothing", tmp_path / "a.dump")
    with pytest.raises(BackupFailed, match=r"nowhere.*No such file"):
        backup.make("postgresql://nobody@127.0.0.1:1/nothing", tmp_path / "nowhere" / "a.dump")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql+asyncpg://pemudik:r%40hasia@h1:5432,h2:5432/db", "postgresql://pemudik@h1:5432,h2:5432/db"),
        ("postgres://pemudik@/db?host=h1&password=r%40hasia&ssl=require", "postgresql://pemudik@h1/db?sslmode=require"),
    ],
)
def test_the_password_stands_in_no_command_line(
    url: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/words\nprintf %s "$PGPASSWORD" > {tmp_path}/password\n')
    program.chmod(0o755)
    monkeypatch.setattr(backup, "program", lambda _: str(program))
    assert backup.make(url, tmp_path / "a.dump") == 0
    assert where in (tmp_path / "words").read_text()
    assert "hasia" not in (tmp_path / "words").read_text()
    assert (tmp_path / "password").read_text() == "r@hasia"


def test_backups_go_to_their_folder(
    pemudik: Pemudik,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "Name a FILE, or set PEMUDIK_BACKUPS" in pemudik("backup", code=1).output
    monkeypatch.setenv("PEMUDIK_BACKUPS", str(tmp_path))
    monkeypatch.setattr("app.clock.now", lambda: NOW)
    pemudik("backup")
    [made] = tmp_path.glob("*.dump")
    assert made.name == "pemudik-20260302T020000Z.dump"
    assert made.read_bytes().startswith(b"PGDMP")


def test_the_newest_backup_is_known(tmp_path: Path) -> None:
    assert backup.newest(tmp_path) is None
    for name, age in (("a.dump", 3), ("b.dump", 1), ("c.dump.unfinished", 0)):
        (tmp_path / name).touch()
        at = (NOW - timedelta(days=age)).timestamp()
        os.utime(tmp_path / name, (at, at))
    assert backup.newest(tmp_path) == NOW - timedelta(days=1)
