"""Failures are one clear line, whatever failed."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import ValidationError
from typer.main import get_command

from app import cli, migration
from app.cli import command
from app.config import CHECKOUT, Settings
from app.errors import NotFound, RefusalError, Unavailable
from app.vault.keys import KeysUnusable
from app.vault.vault import Unreadable
from tests.cli.conftest import Pemudik
from tests.databases import migrated_database, own_database

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
        (RefusalError(NotFound("organizer")), "The organizer was not found; check what you sent. (NOT_FOUND)"),
        (command.Failed("Do this."), "Do this."),
        (KeysUnusable("A key is missing."), "A key is missing."),
        (Unreadable("A value was changed."), "A value was changed."),
        (
            caused(Unavailable(), ConnectionRefusedError(111, "Connection refused")),
            "The database cannot be used: [Errno 111] Connection refused. See `pemudik doctor`.",
        ),
        (
            asyncpg.InvalidPasswordError("password authentication failed"),
            "The database cannot be used: password authentication failed. See `pemudik doctor`.",
        ),
        (
            caused(asyncpg.DataError(f"invalid input for argument $1: {NAME}"), TypeError("expected str, got int")),
            "The database refused: expected str, got int. See `pemudik doctor`.",
        ),
        (TimeoutError(), "The database cannot be used: TimeoutError. See `pemudik doctor`."),
        (
            asyncpg.PostgresError(f"no such column\nDETAIL: {NAME}"),
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
    assert result.stderr.startswith("pemudik: PORT: Input should be a valid integer")
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


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, (*path, name))
        else:
            yield (*path, name), one


EVERY: dict[str, Any] = {" ".join(path): one for path, one in commands(get_command(cli.app))}


@pytest.mark.parametrize("name", EVERY)
def test_the_help_of_each_command_has_an_example_that_works(name: str) -> None:
    """As far as can be told without doing anything: the command understands its words."""
    command = EVERY[name]
    context = command.make_context(name, [], resilient_parsing=True)
    example = re.sub(r"\s+", " ", command.get_help(context)).rpartition("Example: ")[2]
    words = shlex.split(example.partition(" < ")[0])
    program = words.index("pemudik")
    assert all("=" in word for word in words[:program])
    assert " ".join(words[program + 1 :]).startswith(name)
    arguments = words[program + 1 + len(name.split()) :]
    command.make_context(name, arguments)


@pytest.mark.parametrize(
    ("url", "is_good"),
    [
        ("mysql://root@localhost/pemudik", False),
        ("sqlite:///pemudik.db", False),
        ("localhost/pemudik", False),
        ("postgres://localhost/pemudik", True),
        ("postgresql+asyncpg://localhost/pemudik", True),
    ],
)
def test_another_kind_of_database_is_refused_at_once(monkeypatch: pytest.MonkeyPatch, url: str, is_good: bool) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    if is_good:
        assert Settings().database_url is not None
        return
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert command.explained(refused.value) == (
        "DATABASE_URL: only PostgreSQL is used: a URL such as postgresql://user:password@host/database"
    )


def test_a_database_of_another_program_is_not_touched(
    pemudik: Pemudik, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_database(database_url) as other:
        monkeypatch.setenv("DATABASE_URL", other)
        psql(other, "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('cafe')")
        for words in (("client", "list"), ("migrate",)):
            result = pemudik(*words, code=1)
            assert result.stderr == (
                "pemudik: The database is at migration cafe, which is none of ours."
                " It belongs to another program, or to a newer Pemudik: check DATABASE_URL.\n"
            )
        assert psql(other, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 1


def test_a_database_of_a_newer_version_is_used_while_it_may_be(
    pemudik: Pemudik, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next version has migrated it: what stands there says which versions may go on."""
    newest = migration.newest()
    with migrated_database(database_url) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        psql(url, f"UPDATE alembic_version SET version_num = '9999'; COMMENT ON TABLE alembic_version IS '{newest}'")
        pemudik("client", "list")
        assert pemudik("migrate").stdout == "The database is at 9999, of a newer version: there is nothing to do.\n"
        told = f"At 9999, of a newer version; this one ({newest}) may go on."
        assert told in pemudik("doctor").stdout
        psql(url, "COMMENT ON TABLE alembic_version IS '9998'")
        for words in (("client", "list"), ("migrate",)):
            assert pemudik(*words, code=1).stderr == (
                "pemudik: The database is at migration 9999. Programs of migration 9998 and later can use it;"
                f" this one is of {newest}: install the version that migrated the database.\n"
            )
        assert f"At 9999, which this version ({newest}) cannot use." in pemudik("doctor", code=1).stdout


def psql(url: str, sql: str) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await connection.fetchval(sql) if sql.startswith("SELECT") else await connection.execute(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("variable", "value"), [("PEMUDIK_POOL_SIZE", "1"), ("WEB_CONCURRENCY", "none"), ("PEMUDIK_LOG_FORMAT", "xml")]
)
def test_a_fault_names_the_variable_that_was_set(
    pemudik: Pemudik, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert pemudik("client", "list", code=1).stderr.startswith(f"pemudik: {variable}: Input should be ")
