"""A server does not start behind a PgBouncer that lends connections by transaction. One that lends sessions will do."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest

from app.cli import serve
from app.cli.command import Failed
from app.config import Settings
from app.db import SESSION, Database
from app.main import lifespan
from app.operating import pooler
from app.operating.pooler import BY_TRANSACTION, WITHOUT_SETTINGS, UnusablePooler
from app.process import build_process
from app.vault.keys import create_key_file
from app.vault.vault import Vault

pytestmark = pytest.mark.anyio

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="PgBouncer is not installed (apt-get install pgbouncer)")
CONFIGURATION = """
[databases]
pemudik = host={host} port={port} dbname={database} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
auth_type = any
pool_mode = {mode}
unix_socket_dir =
{more}
"""


@contextmanager
def bouncer(database_url: str, folder: Path, mode: str, more: str = "") -> Iterator[str]:
    """The URL of a PgBouncer in front of the tests' database."""
    there = urlsplit(database_url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = folder / "pgbouncer.ini"
    file.write_text(
        CONFIGURATION.format(
            host=there.hostname,
            port=there.port,
            database=there.path[1:],
            user=there.username,
            password=unquote(there.password or ""),
            own_port=port,
            mode=mode,
            more=more,
        )
    )
    as_nobody = ["-u", "nobody"] if os.getuid() == 0 else []
    running = subprocess.Popen([str(PGBOUNCER), *as_nobody, str(file)], stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        said = iter(running.stderr)
        assert any("process up" in line for line in said), "it ended"
        yield f"postgresql://{there.username}@127.0.0.1:{port}/pemudik"
    finally:
        running.terminate()
        running.communicate()


async def asked(url: str) -> None:
    database = Database(url, pool_size=2)
    try:
        await pooler.require_sessions(database)
    finally:
        await database.dispose()


IGNORED = f"ignore_startup_parameters = {','.join(SESSION)}"


@needs_pgbouncer
async def test_transactions_that_are_lent_are_refused(database_url: str, tmp_path: Path) -> None:
    with bouncer(database_url, tmp_path, "transaction", IGNORED) as url:
        with pytest.raises(UnusablePooler) as refused:
            await asked(url)
        assert str(refused.value) == BY_TRANSACTION


@needs_pgbouncer
async def test_sessions_that_are_lent_need_their_settings(database_url: str, tmp_path: Path) -> None:
    with bouncer(database_url, tmp_path, "session") as url:
        with pytest.raises(UnusablePooler) as refused:
            await asked(url)
        assert str(refused.value) == WITHOUT_SETTINGS
    with bouncer(database_url, tmp_path, "session", IGNORED) as url:
        with pytest.raises(UnusablePooler) as refused:
            await asked(url)
        assert str(refused.value) == WITHOUT_SETTINGS
    name = urlsplit(database_url).path[1:]
    direct = await asyncpg.connect(database_url)
    try:
        await direct.execute(f'ALTER DATABASE "{name}" SET plan_cache_mode = force_generic_plan')
        with bouncer(database_url, tmp_path, "session", IGNORED) as url:
            await asked(url)
    finally:
        await direct.execute(f'ALTER DATABASE "{name}" RESET plan_cache_mode')
        await direct.close()


@needs_pgbouncer
async def test_a_server_does_not_start_behind_them(database_url: str, tmp_path: Path, vault: Vault) -> None:
    with bouncer(database_url, tmp_path, "transaction", IGNORED) as url:
        settings = Settings().model_copy(update={"home": tmp_path, "duties": False})
        running = build_process(Database(url, pool_size=2), vault)
        with pytest.raises(UnusablePooler):
            async with lifespan(running, settings):
                raise AssertionError("it started")
        await running.database.dispose()
        create_key_file(settings.key_file)
        with pytest.raises(Failed, match="pool_mode = session"):
            await serve.prepare(settings, url, demo=False)


async def test_the_database_itself_will_do(database_url: str) -> None:
    await asked(database_url)


async def test_a_database_that_is_away_is_not_judged() -> None:
    await asked("postgresql://nobody@127.0.0.1:1/nothing")
