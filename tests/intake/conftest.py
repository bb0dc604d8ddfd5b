"""The registry's clock stands at `world.NOW`."""

from __future__ import annotations

import pytest

from app.db import Database
from app.vault.vault import Vault
from tests import world as worlds
from tests.world import World


@pytest.fixture
async def world(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("app.clock.now", lambda: worlds.NOW)
    return await worlds.build(database, vault)
