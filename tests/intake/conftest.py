"""The registry's clock stands at `world.NOW`."""

from __future__ import annotations

from typing import Any

import pytest

from app.db import Database
from app.registry.rows import reception
from app.vault.vault import Vault
from tests import world as worlds
from tests.world import World


@pytest.fixture
async def world(database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr("app.clock.now", lambda: worlds.NOW)
    return await worlds.build(database, vault)


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that one name meets: whatever transaction it is in fails."""
    push = reception.push

    async def poisoned(session: Any, vault: Any, pushes: Any, now: Any, **how: Any) -> Any:
        verdicts = await push(session, vault, pushes, now, **how)
        if any(one.row.data_pemesan == "Racun" for one in pushes):
            raise ZeroDivisionError
        return verdicts

    monkeypatch.setattr(reception, "push", poisoned)
