"""Many connections, and processes of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor, wait

import pytest

from app.db import Database
from app.vault.vault import Vault
from tests.concurrency import processes
from tests.concurrency.crowd import CONNECTIONS
from tests.concurrency.processes import Crew

PROCESSES = 3


@pytest.fixture(scope="module")
async def connected(database_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=CONNECTIONS)
    yield database
    await database.dispose()


@pytest.fixture(scope="session")
def crew(database_url: str, vault: Vault) -> Iterator[Crew]:
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as executor:
        wait([executor.submit(processes.ready) for _ in range(PROCESSES)])
        yield Crew(executor, PROCESSES, database_url, vault.keys)
