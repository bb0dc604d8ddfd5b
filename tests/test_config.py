"""Settings that stand in files, and a database on several hosts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import make_url

from app.config import Settings, SettingsUnusable, faults
from app.connections import libpq_url
from app.db import Database
from tests import queries


def test_a_secret_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("postgresql://u:p@db/pemudik\n")
    (tmp_path / "key").write_text(" of the index\n")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    monkeypatch.setenv("PEMUDIK_INDEX_KEY_FILE", str(tmp_path / "key"))
    settings = Settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://u:p@db/pemudik"
    assert settings.index_key is not None
    assert settings.index_key.get_secret_value() == "of the index"
    assert settings.data_keys is None
    assert "p@db" not in repr(settings)


def test_what_is_no_secret_stands_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "port").write_text("8123")
    monkeypatch.setenv("PORT_FILE", str(tmp_path / "port"))
    assert Settings().port is None


def test_a_secret_that_is_told_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://one/db")
    monkeypatch.setenv("PEMUDIK_DATABASE_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(SettingsUnusable, match=r"^DATABASE_URL and PEMUDIK_DATABASE_URL_FILE are set: set only one"):
        Settings()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEMUDIK_METRICS_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(SettingsUnusable, match=r"^PEMUDIK_METRICS_TOKEN_FILE: .*token cannot be read: No such file"):
        Settings()
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsUnusable, match=r"cannot be read: it is no text\.$"):
        Settings()


@pytest.mark.parametrize("hosts", ["h1:5432,h2:5433", "10.0.0.1,10.0.0.2:6000", "[::1]:5432,h2", "[::1]:5432"])
def test_hosts_stand_behind_each_other_as_in_libpq(hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql://u:a,b@{hosts}/db"
    monkeypatch.setenv("DATABASE_URL", url)
    taken = Settings().database_url
    assert taken is not None
    assert libpq_url(taken.get_secret_value()) == f"postgresql://u:a%2Cb@{hosts}/db"


@pytest.mark.parametrize("hosts", ["[::1:5432,h2", "h1,", "h1,h 2"])
def test_several_hosts_that_cannot_be_read_are_refused(hosts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:secret@{hosts}/db")
    with pytest.raises(ValidationError) as refused:
        Settings()
    [fault] = faults(refused.value)
    assert fault == ("DATABASE_URL: several hosts are names or addresses: postgresql://user@h1:5432,h2:5432/database")


@pytest.mark.anyio
async def test_of_several_hosts_the_one_that_lives_is_taken(database_url: str) -> None:
    living = make_url(database_url)
    account = f"{living.username}:{living.password}" if living.password else living.username
    several = f"postgresql://{account}@127.0.0.1:1,{living.host}:{living.port}/{living.database}"
    database = Database(f"{several}?target_session_attrs=read-write", pool_size=2)
    async with database.transaction() as session:
        assert await queries.value(session, "SELECT current_database()") == living.database
    listening = await database.connect()
    await listening.close()
    await database.dispose()


@pytest.mark.anyio
async def test_several_hosts_may_stand_in_arguments_as_for_sqlalchemy(database_url: str) -> None:
    living = make_url(database_url)
    account = f"{living.username}:{living.password}" if living.password else living.username
    hosts = f"host=127.0.0.1:1&host={living.host}:{living.port}&target_session_attrs=read-write"
    database = Database(f"postgresql+asyncpg://{account}@/{living.database}?{hosts}", pool_size=2)
    async with database.transaction() as session:
        assert await queries.value(session, "SELECT current_database()") == living.database
    await database.dispose()
