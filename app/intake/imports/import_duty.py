"""What a server does about imports by itself: it starts a process for one job after the other, and has old files wiped.

Any number of servers may do so: the process claims its job, so a job is worked off by one of them at a time.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import orjson
import structlog

from app import clock
from app.config import Settings
from app.db import Database
from app.errors import Unavailable
from app.registry.imports import job_runs, jobs

LOOK_EVERY = 1.0
WIPE_EVERY = 600.0
ENDS_WITHIN = 3.0
"""Seconds."""

COMMAND = ("-m", "app.intake.imports.import_process")

log = structlog.get_logger(__name__)


async def run(database: Database, settings: Settings, stop: asyncio.Event) -> None:
    """Until `stop`; a database that is away is looked at again."""
    loop = asyncio.get_running_loop()
    wipe_at = loop.time()
    while not stop.is_set():
        with suppress(Unavailable):
            if loop.time() >= wipe_at:
                await wipe(database)
                wipe_at = loop.time() + WIPE_EVERY
            if await waiting(database):
                await one_process(settings, stop)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_EVERY)


async def waiting(database: Database) -> bool:
    async with database.transaction() as session:
        return await job_runs.waiting(session, clock.now())


async def wipe(database: Database) -> None:
    while await database.attempt(lambda session: jobs.wipe_old(session, clock.now())):
        log.info("import.wiped")


async def one_process(settings: Settings, stop: asyncio.Event) -> None:
    """Until it has done a job, or `stop`: then the job is left to whoever comes next."""
    assert settings.database_url is not None  # noqa: S101 - a server has one
    # Not of our group: whatever a terminal sends to all, the process is ended by us.
    process = await asyncio.create_subprocess_exec(sys.executable, *COMMAND, stdin=PIPE, start_new_session=True)
    given = {"database_url": settings.database_url.get_secret_value(), "home": str(settings.home.absolute())}
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    process.stdin.write(orjson.dumps(given) + b"\n")
    ended, stopped = asyncio.create_task(process.wait()), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        await end(process)
    if process.returncode:
        log.error("import.process_failed", code=process.returncode)


async def end(process: Process) -> None:
    """Its input is its lifeline."""
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    process.stdin.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), ENDS_WITHIN)
    if process.returncode is None:
        process.kill()
        await process.wait()
