"""The process that does one import: `python -m app.intake.imports.import_process`. A server starts it (`import_duty`).

It gives way to everything else that wants a processor. It ends when its server ends: then its standard input is closed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

import orjson
import structlog
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from app import clock, telemetry
from app.config import Settings
from app.db import Database
from app.intake.imports import importing
from app.registry import host_clock
from app.registry.imports import job_runs
from app.registry.imports.job_runs import LeaseLost
from app.registry.imports.jobs import Job
from app.vault.vault import Vault, open_vault

NICENESS = 10
FIRST_GC_THRESHOLD = 10_000
"""Rows make many short-lived objects and few cycles, so Python looks for cycles less often."""
CONNECTIONS = 4
"""Two for chunks, one for the lease, and one to spare."""

logger = structlog.get_logger(__name__)


def main() -> None:
    given = orjson.loads(sys.stdin.buffer.readline())
    settings = Settings().model_copy(
        update={"database_url": SecretStr(given["database_url"]), "home": Path(given["home"])}
    )
    telemetry.configure(settings.log_format, settings.log_level)
    give_way()
    asyncio.run(run(given["database_url"], open_vault(settings, create=False)))


def give_way() -> None:
    os.nice(NICENESS)
    gc.freeze()
    gc.set_threshold(FIRST_GC_THRESHOLD)


async def run(database_url: str, vault: Vault) -> None:
    database = Database(database_url, pool_size=CONNECTIONS)
    try:
        loop, lifeline = asyncio.get_running_loop(), sys.stdin.fileno()
        work = loop.create_task(one_job(database, vault))

        def end() -> None:
            # A closed input stays readable: without this line we would be called again, and could not release the job.
            loop.remove_reader(lifeline)
            work.cancel()

        loop.add_reader(lifeline, end)
        with suppress(asyncio.CancelledError):
            await work
    finally:
        await database.dispose()


async def one_job(database: Database, vault: Vault) -> None:
    await host_clock.read(database)
    runner = uuid7()
    job = await database.attempt(lambda session: job_runs.claim(session, runner, clock.now()))
    if job is None:
        return
    try:
        told(await importing.work_off(database, vault, job, runner))
    except* LeaseLost:
        logger.warning("import.taken_over", job=str(job.id))
    except* asyncio.CancelledError:
        await database.attempt(lambda session: job_runs.release(session, job, runner, clock.now()))


def told(job: Job) -> None:
    failed = job.failure and job.failure.code
    logger.info("import.finished", job=str(job.id), state=str(job.state), rows=job.rows_done, failed=failed)


if __name__ == "__main__":
    main()
