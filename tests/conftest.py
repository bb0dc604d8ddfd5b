"""A real PostgreSQL for every test that asks for one: real commits, emptied after each test.

What only some tests need is imported where it is needed: a test of a rule without a database starts in a second.
"""

from __future__ import annotations

# The first import: it watches the use cases that the others import.
from tests import refusals  # isort: skip

import gc
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.order import pytest_addoption, pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: F401

# Until all modules are there: looking for garbage among them takes a tenth of the time that they take to import.
gc.disable()

if TYPE_CHECKING:
    from app.db import Database
    from app.vault.vault import Vault
    from tests.databases import Cleaner
    from tests.world import World


FIRST_GC_THRESHOLD = 10_000
"""As in `app.main`."""


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(refusals)
    if config.getoption("hypothesis_profile", None):
        # The profiles are registered before hypothesis looks for the one that is asked for.
        import tests.examples  # noqa: F401


def pytest_collection_finish() -> None:
    """Modules and tests stay for the whole run: whoever looks for garbage need not look through all of them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(FIRST_GC_THRESHOLD)
    gc.enable()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def graphql_core_alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """With `--without-plans`: whatever our own functions leave to graphql-core, it does as they do."""
    if not request.config.getoption("without_plans"):
        yield
        return
    from app.graphql.engine import plans, variables

    def refuse(_: object) -> None:
        raise variables.NotCoerced

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plans.Plans, "plan", lambda *_: None)
        patch.setattr(variables, "coercion", lambda _: refuse)
        yield


@pytest.fixture
def with_plans(request: pytest.FixtureRequest) -> None:
    """For a test of what only our own functions do."""
    if request.config.getoption("without_plans"):
        pytest.skip("graphql-core is alone")


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """For a test that calls `telemetry.configure`: what libraries write would else stand in what later tests print."""
    import logging

    import structlog

    from app import telemetry

    root, ours = logging.getLogger(), structlog.get_config()
    handlers, level, loud = root.handlers[:], root.level, logging.raiseExceptions
    levels = {name: logging.getLogger(name).level for name in telemetry.QUIETED}
    direct = telemetry.Direct.is_on
    yield
    # pytest's own handlers too.
    root.handlers[:], logging.raiseExceptions = handlers, loud
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.configure(**ours)
    telemetry.Direct.is_on = direct


@pytest.fixture(scope="session")
def common_url() -> Iterator[str]:
    from tests.databases import migrated_database, server_for_tests

    with server_for_tests() as server, migrated_database(server) as url:
        yield url


@pytest.fixture(scope="session")
def database_url(common_url: str) -> str:
    """A file may name another database, for all that asks for one."""
    return common_url


@pytest.fixture(scope="module")
def servers_url(database_url: str) -> Iterator[str]:
    """A database for servers of one file: what they keep in it, and what they do unasked, is nobody else's."""
    from tests.databases import migrated_database

    with migrated_database(database_url) as url:
        yield url


@pytest.fixture(scope="session")
async def common(common_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    """For all tests of a process: to prepare statements takes longer than most tests."""
    from app.db import Database

    database = Database(common_url)
    yield database
    await database.dispose()


@pytest.fixture(scope="session")
async def cleaner(common_url: str, anyio_backend: str) -> AsyncIterator[Cleaner]:
    from tests.databases import cleaner_of

    async with cleaner_of(common_url) as cleaner:
        yield cleaner


@pytest.fixture(scope="module")
async def connected(common: Database, database_url: str, anyio_backend: str) -> AsyncIterator[Database]:
    from app.db import Database

    if database_url == common.url:
        yield common
        return
    database = Database(database_url)
    yield database
    await database.dispose()


@pytest.fixture
async def database(connected: Database, cleaner: Cleaner, anyio_backend: str) -> AsyncIterator[Database]:
    """Also for tests that are not async themselves, which is why it names the backend."""
    from tests.databases import emptied

    async with emptied(connected, cleaner if connected.url == cleaner.url else None):
        yield connected


@pytest.fixture(scope="session")
def vault() -> Vault:
    from app.vault.keys import Keys, new_signing_key
    from app.vault.vault import Vault

    return Vault(Keys(index=b"i" * 32, data={1: b"d" * 32}, signing=(new_signing_key(),)))


@pytest.fixture
async def world(database: Database, vault: Vault) -> World:
    # It takes a second to import, and tests of single values need none.
    from tests import world as worlds

    return await worlds.build(database, vault)


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Processes that share the work must find the same tests: a long text, such as a key, is called by its place."""
    return argname if isinstance(val, str) and len(val) > 60 else None
