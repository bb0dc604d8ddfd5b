"""Commands run in this process, on the tests' database, with keys in a home folder of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import cli
from app.db import Database
from app.vault import keys

Pemudik = Callable[..., Result]


@pytest.fixture
async def connected(database_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    """A command has an event loop of its own, and so has what a test asks afterwards."""
    database = Database(database_url)
    yield database
    await database.dispose()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home of the registry"


@pytest.fixture
def pemudik(home: Path, database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> Pemudik:
    """Runs a command and asserts its exit code; `database` is emptied afterwards."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("PEMUDIK_HOME", str(home))
    keys.create_key_file(home / "keys.json")

    def run(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(cli.app, list(words))
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two organizers of the ministry's table."""
    file = tmp_path / "organizers.csv"
    file.write_text(
        "no,code,name,registration_opens,registration_closes,closes_note,verification_opens,verification_closes,"
        "integration_note\n"
        "1,hubdat,Ditjen Hubdat,2024-03-05,2024-04-07,,,,\n"
        "2,dishub-dki,Dishub Prov. DKI Jakarta,2024-03-13,2024-03-24,,2024-03-25,2024-03-29,\n"
    )
    return file
