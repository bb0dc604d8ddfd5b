"""The process that does one import of a test registry: `app.intake.imports.import_process` in its context."""

from __future__ import annotations

import asyncio
import sys

import orjson

from app import clock, telemetry
from app.config import Settings
from app.intake.imports import import_process
from app.registry.values.trial import trial
from app.testmode import making
from app.testmode.control import Control, Listed, list_of, name_in
from app.testmode.judging import TestTrial


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
        asyncio.run(import_process.run(url, making.vault_of(listed)))


async def _listed(url: str) -> Listed | None:
    """None: it was reset meanwhile."""
    control = Control(list_of(url))
    try:
        return await control.of_database(name_in(url))
    finally:
        await control.close()


if __name__ == "__main__":
    main()
