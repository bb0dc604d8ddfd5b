"""Failures are one clear line, whatever failed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from app import migration
from app.cli import command
from app.config import CHECKOUT, Settings
from app.errors import NotFound, RefusalError, Unavailable
from app.vault.keys import KeysUnusable
from app.vault.vault import Unreadable
from tests.cli.conftest import Pemudik
from tests.databases import own_database

NAME = "Rekaan Sampelia"


@pytest.fixture(autouse=True)
def quiet_signal() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (RefusalError(NotFound("organizer")), "The organizer was not found. (NOT_FOUND)"),
        (command.Failed("Do this."), "Do this."),
        (KeysUnusable("A key is missing."), "A key is missing."),
        (Unreadable("A value was changed."), "A value was changed."),
        (
            caused(Unavailable(), ConnectionRefusedError(111, "Connection refused")),
            "The database cannot be used: [Errno 111] Connection refused. See `pemudik doctor`.",
        ),
        (TimeoutError(), "The database cannot be used: TimeoutError. See `pemudik doctor`."),
        (
            caused(DBAPIError("", {}, Exception()), asyncpg.PostgresError(f"no such column\nDETAIL: {NAME}")),
            "The database refused: no such column. See `pemudik doctor`.",
        ),
        (ValueError(NAME), "This is a bug in Pemudik:\nValueError"),
    ],
)
def test_an_error_is_explained_without_what_is_personal(error: Exception, line: str) -> None:
    assert command.explained(error) == line


def test_a_setting_that_cannot_be_is_named(pemudik: Pemudik, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")
    result = pemudik("client", "list", code=1)
    assert result.stderr.startswith("pemudik: PEMUDIK_PORT: Input should be a valid integer")
    assert "many" not in result.stderr


def test_a_database_that_is_away_is_said(pemudik: Pemudik, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    result = pemudik("client", "list", code=1)
    assert result.stderr.startswith("pemudik: The database cannot be used: ")
    assert "secret" not in result.stderr


def test_a_database_without_tables_is_not_touched(
    pemudik: Pemudik, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_database(database_url) as blank:
        monkeypatch.setenv("DATABASE_URL", blank)
        result = pemudik("client", "list", code=1)
    assert result.stderr == (
        f"pemudik: The database is at migration none, not {migration.newest()}: run `pemudik migrate` first.\n"
    )


def test_an_embedded_database_that_fails_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    settings = Settings().model_copy(update={"home": tmp_path / "home", "database_url": None})
    with pytest.raises(command.Failed, match="cannot be written"), command.database_url(settings):
        pass


def test_a_system_without_an_embedded_database_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "app.embedded.postgres", None)
    monkeypatch.delattr("app.embedded.postgres")
    settings = Settings().model_copy(update={"home": tmp_path, "database_url": None})
    with pytest.raises(command.Failed, match="set DATABASE_URL"), command.database_url(settings):
        pass


def test_a_table_has_columns_and_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    command.print_table(("a", "long head"), [("x", None), ("yy", ("1", "2")), ("z", ())])
    assert capsys.readouterr().out == "a   long head\nx   -\nyy  1,2\nz   -\n"


def test_a_reader_that_has_enough_is_no_error(pemudik: Pemudik, table: Path, home: Path) -> None:
    pemudik("season", "load", str(table))
    listing = f'"{sys.executable}" -m app.cli organizer list --season 2024'
    ended = subprocess.run(["sh", "-c", f"{listing} | true"], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert (ended.stdout, ended.stderr) == ("", "")
