"""The duty of a server that works off what waits, within this process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.config import Settings
from app.errors import Unavailable
from app.intake.imports import import_duty, import_process, importing
from app.registry.imports.job_runs import LeaseLost
from app.vault import keys
from app.vault.vault import Vault
from tests.intake.lists import as_csv, row, sent, until
from tests.patience import patience
from tests.world import DJKA, HUBDAT, World

pytestmark = pytest.mark.anyio


@pytest.fixture
def home(tmp_path: Path, vault: Vault) -> Path:
    """With the keys of the tests' vault."""
    home = tmp_path / "home"
    home.mkdir()
    keys.write_key_file(home / "keys.json", vault.keys)
    return home


@pytest.fixture
def settings(home: Path, database_url: str) -> Settings:
    return Settings().model_copy(update={"home": home, "database_url": SecretStr(database_url)})


async def kept(world: World, settings: Settings, condition: str) -> None:
    """The duty runs until `condition`."""
    stop = asyncio.Event()
    duty = asyncio.create_task(import_duty.run(world.database, settings, stop))
    await until(world, condition)
    stop.set()
    async with patience():
        await duty


async def test_a_server_works_off_what_waits_and_wipes_what_is_old(world: World, settings: Settings) -> None:
    await sent(world, HUBDAT, as_csv([row(1)]))
    await kept(world, settings, "state = 'DONE'")
    assert await world.count("registrant") == 1
    await world.run("UPDATE import_job SET finished_at = '2026-01-01'")
    await sent(world, DJKA, b"%PDF")
    await kept(world, settings, "state = 'FAILED'")
    wiped = await world.run("SELECT state, wiped_at IS NOT NULL FROM import_job ORDER BY id")
    assert [tuple(one) for one in wiped] == [("DONE", True), ("FAILED", True)]


async def test_a_database_that_is_away_is_looked_at_again(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_duty, "LOOK_EVERY_SECONDS", 0.01)
    waiting, away = import_duty.waiting, [True, True]

    async def waiting_when_there(*given: Any) -> bool:
        if away:
            away.pop()
            raise Unavailable
        return await waiting(*given)

    monkeypatch.setattr(import_duty, "waiting", waiting_when_there)
    await sent(world, HUBDAT, as_csv([row(1)]))
    await kept(world, settings, "state = 'DONE'")
    assert away == []


async def test_a_process_that_cannot_work_is_told_of(
    world: World, settings: Settings, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "keys.json").unlink()
    await import_duty.one_process(settings, asyncio.Event())
    assert "import.process_failed" in capsys.readouterr().out


async def test_a_process_that_does_not_end_is_ended(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_duty, "COMMAND", ("-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(import_duty, "END_WITHIN_SECONDS", 0.05)
    stop = asyncio.Event()
    stop.set()
    await import_duty.one_process(settings, stop)


async def test_one_process_does_one_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await import_process.one_job(world.database, world.vault)
    await sent(world, HUBDAT, as_csv([row(1)]))
    await import_process.one_job(world.database, world.vault)
    assert await world.one("SELECT state FROM import_job") == "DONE"

    await sent(world, HUBDAT, as_csv([row(2)]))
    begun = asyncio.Event()

    async def endless(*_: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    async def taken_over(*_: Any) -> Any:
        raise LeaseLost

    monkeypatch.setattr(importing, "work_off", endless)
    task = asyncio.create_task(import_process.one_job(world.database, world.vault))
    await begun.wait()
    task.cancel()
    await task
    assert await world.one("SELECT attempts FROM import_job WHERE state = 'RUNNING'") == 0
    monkeypatch.setattr(importing, "work_off", taken_over)
    await world.run("UPDATE import_job SET lease_until = '2026-01-01' WHERE state = 'RUNNING'")
    await import_process.one_job(world.database, world.vault)
    assert await world.count("registrant") == 1
