"""The process that does one import of a test registry: `app.intake.imports.import_process` in its context."""

from __future__ import annotations

import asyncio
import sys

import orjson

from app import clock, telemetry
from app.config import Settings
from app.db import Database
from app.errors import NotATestNik
from app.intake.imports import import_process
from app.registry.values.trial import trial
from app.sql import statement
from app.testmode import making
from app.testmode.control import Control, ListedRegistry, list_of, name_in
from app.testmode.judging import TestTrial

_WIPE = statement(
    f"""
    WITH job AS (
        SELECT id FROM import_job WHERE wiped_at IS NULL AND finished_at IS NOT NULL
            AND (state = 'FAILED' OR jsonb_exists(codes, '{NotATestNik.code}'))
    ), file AS (DELETE FROM import_file WHERE job_id IN (SELECT id FROM job)),
    chunk AS (DELETE FROM import_chunk WHERE job_id IN (SELECT id FROM job)),
    absent AS (DELETE FROM import_missing WHERE job_id IN (SELECT id FROM job))
    UPDATE import_job SET wiped_at = now(), unread_sheets = '[]' WHERE id IN (SELECT id FROM job)
"""
)
"""A file that names somebody who is no test person is wiped as soon as it was worked off. So is a file that could not
be read: it may name anybody. The job and how many rows were refused stay.
"""


def main() -> None:
    given = orjson.loads(sys.stdin.buffer.readline())
    settings = Settings()
    telemetry.configure(settings.log_format, settings.log_level)
    import_process.give_way()
    url = given["database_url"]
    listed = asyncio.run(_listed(url))
    if listed is not None:
        own = clock.Clock()
        own.ahead = listed.ahead
        clock.clock.set(own)
        trial.set(TestTrial(listed.database))
        asyncio.run(_run(url, listed))


async def _run(url: str, listed: ListedRegistry) -> None:
    await import_process.run(url, making.vault_of(listed))
    database = Database(url, pool_size=1)
    try:
        await database.attempt(lambda session: session.run(_WIPE))
    finally:
        await database.dispose()


async def _listed(url: str) -> ListedRegistry | None:
    """None: it was reset meanwhile."""
    control = Control(list_of(url))
    try:
        return await control.of_database(name_in(url))
    finally:
        await control.close()


if __name__ == "__main__":
    main()
