import pytest

from app.db import Database
from app.vault.vault import Vault
from tests import world as worlds
from tests.world import World


@pytest.fixture
async def world(database: Database, vault: Vault) -> World:
    return await worlds.build(database, vault)
