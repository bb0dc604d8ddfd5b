"""A program: migrates the database whose URL stands on standard input. `making` starts it."""

from __future__ import annotations

import asyncio
import sys

from app import migration, telemetry
from app.config import Settings
from app.db import Database


async def run(url: str) -> None:
    database = Database(url, pool_size=2)
    try:
        await migration.upgrade(database)
    finally:
        await database.dispose()


if __name__ == "__main__":
    told = Settings()
    telemetry.configure(told.log_format, told.log_level)
    asyncio.run(run(sys.stdin.read()))
