"""`pemudik doctor --production` says what is missing before a nation depends on a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.config import Settings
from app.db import Database
from app.operating import production
from tests.cli.conftest import Pemudik, home, pemudik  # noqa: F401 - fixtures
from tests.databases import as_a_server

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def test_a_demo_is_not_ready(pemudik: Pemudik) -> None:  # noqa: F811
    said = pemudik("doctor", "--production", code=1).output
    assert said.count("WRONG") == 5
    for line in (
        "WRONG  role        The server connects as ",
        "       `pemudik database grant ROLE`.",
        "WRONG  standby     No synchronous standby has what is acknowledged.",
        "WRONG  public URL  It is not set.",
        "WRONG  backups     Nobody knows where they are.",
        "WRONG  proxies     None is trusted",
        "good   for tests   No setting of demos and tests is on.",
    ):
        assert line.strip() in said.replace("Let servers connect as another role than the owner: ", "")


@pytest.fixture
def server_url(database_url: str) -> Iterator[str]:
    with as_a_server(database_url) as url:
        yield url


@pytest.mark.anyio
async def test_a_servers_role_is_good(server_url: str) -> None:
    database = Database(server_url, pool_size=1)
    finding = await production.role(database)
    await database.dispose()
    assert finding.good, finding


@pytest.mark.parametrize(("age", "good"), [(timedelta(hours=25), True), (timedelta(hours=27), False)])
def test_a_backup_grows_old(tmp_path: Path, age: timedelta, good: bool) -> None:
    assert production.backups(tmp_path, NOW).detail == f"There is none in {tmp_path}."
    (tmp_path / "a.dump").touch()
    os.utime(tmp_path / "a.dump", ((NOW - age).timestamp(),) * 2)
    assert production.backups(tmp_path, NOW).good is good


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("url", "wrong"),
    [("http://pemudik.example", "is no https address"), ("https://127.0.0.1:1", "127.0.0.1:1 does not answer")],
)
async def test_addresses_without_tls(url: str, wrong: str) -> None:
    found = await production.addresses(url)
    assert wrong in found[-1].detail
    assert not found[-1].good


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert production.disks({tmp_path / "not there yet"})[0].detail.endswith("is watched on its machine.")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=9, total=100))
    [finding] = production.disks({tmp_path})
    assert (finding.good, finding.detail) == (False, f"9% of the disk of {tmp_path} is free.")


def test_settings_of_demos() -> None:
    settings = Settings().model_copy(update={"open_schema": True, "webhooks_to_private": True})
    assert production.demo(settings).detail == (
        "PEMUDIK_OPEN_SCHEMA and PEMUDIK_WEBHOOKS_TO_PRIVATE is for demos and tests."
    )
