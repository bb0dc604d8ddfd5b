"""What a server does about imports by itself: it starts a process for a job that waits, two at a time, and wipes old
files.

Any number of servers may do so. The process claims its job, so never do two of them work on one job.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress

import orjson
import structlog

from app import clock
from app.config import Settings
from app.db import Database
from app.errors import Unavailable
from app.registry.imports import job_runs, jobs

LOOK_EVERY_SECONDS = 1.0
WIPE_EVERY_SECONDS = 600.0
MOST_AT_ONCE = 2
"""Processes of one server. While one works on a large file, the other takes what others send."""
CLAIMS_WITHIN_SECONDS = 3.0
"""A process that was started has claimed its job by then. Another one started before would find nothing."""
END_WITHIN_SECONDS = 3.0
"""A process that does not end by itself within this time is killed."""

COMMAND: Sequence[str] = ("-m", "app.intake.imports.import_process")

logger = structlog.get_logger(__name__)


async def run(database: Database, settings: Settings, stop: asyncio.Event, *, command: Sequence[str] = ()) -> None:
    """Start processes and wipe files, until `stop`. A database that is away is asked again.

    `command` does an import of a test registry.
    """
    loop = asyncio.get_running_loop()
    wipe_at = start_at = loop.time()
    running: set[asyncio.Task[None]] = set()
    while not stop.is_set():
        with suppress(Unavailable):
            if loop.time() >= wipe_at:
                await wipe(database)
                wipe_at = loop.time() + WIPE_EVERY_SECONDS
            if len(running) < MOST_AT_ONCE and loop.time() >= start_at and await waiting(database):
                running.add(loop.create_task(one_process(settings, stop, command)))
                start_at = loop.time() + CLAIMS_WITHIN_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_EVERY_SECONDS)
        ended = {one for one in running if one.done()}
        running -= ended
        if ended:
            # A place is free: what waits now was left by a process that has ended.
            start_at = loop.time()
            await asyncio.gather(*ended)
    await asyncio.gather(*running)


async def waiting(database: Database) -> bool:
    async with database.statements() as session:
        return await job_runs.waiting(session, clock.now())


async def wipe(database: Database) -> None:
    while await database.attempt(lambda session: jobs.wipe_old(session, clock.now())):
        logger.info("import.wiped")


async def one_process(settings: Settings, stop: asyncio.Event, command: Sequence[str] = ()) -> None:
    """Run a process until it has done a job, or until `stop`: then the next process goes on with the job."""
    assert settings.database_url is not None  # noqa: S101 - a server has one
    # Not in our group of processes: a signal that a terminal sends to all must not end it. We do.
    process = await asyncio.create_subprocess_exec(
        sys.executable, *(command or COMMAND), stdin=PIPE, start_new_session=True
    )
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
        logger.error("import.process_failed", code=process.returncode)


async def end(process: Process) -> None:
    """The process ends when its standard input is closed."""
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    process.stdin.close()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), END_WITHIN_SECONDS)
    if process.returncode is None:
        process.kill()
        await process.wait()
