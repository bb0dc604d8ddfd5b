"""Work in operating-system processes of their own, each with its own pool, begun at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

from app.db import Database
from app.vault.keys import Keys
from app.vault.vault import Vault
from tests import queries

Answer = TypeVar("Answer")
Work = Callable[..., Awaitable[Answer]]

_STARTING_GUN = 7045999
_HOLD = "SELECT pg_advisory_xact_lock(:gun)"
_AWAIT = "SELECT pg_advisory_xact_lock_shared(:gun)"
_WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :gun AND NOT granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@dataclass(frozen=True, slots=True)
class Crew:
    """`size` processes that wait for work."""

    executor: Executor
    size: int
    url: str
    keys: Keys

    async def run(self, database: Database, work: Work[Answer], each: Sequence[tuple[Any, ...]]) -> list[Answer]:
        """`work(database, vault, *arguments)` with each tuple of arguments in a process of its own, all at once."""
        assert len(each) <= self.size
        loop = asyncio.get_running_loop()
        async with database.transaction() as gun:
            await queries.run(gun, _HOLD, {"gun": _STARTING_GUN})
            answers = [
                loop.run_in_executor(self.executor, _in_process, self.url, self.keys, work, arguments)
                for arguments in each
            ]
            while await queries.value(gun, _WAITING, {"gun": _STARTING_GUN}) < len(each):
                assert not any(answer.done() for answer in answers)
                await asyncio.sleep(0.005)
        # One that failed is told of when the others are done too, and no longer in the next test's way.
        await asyncio.wait(answers)
        return [answer.result() for answer in answers]


def ready() -> bool:
    """What the processes are warmed up with: importing this module imports the program."""
    return True


def _in_process(url: str, keys: Keys, work: Work[Answer], arguments: tuple[Any, ...]) -> Answer:
    return asyncio.run(_begin_together(url, keys, work, arguments))


async def _begin_together(url: str, keys: Keys, work: Work[Answer], arguments: tuple[Any, ...]) -> Answer:
    database = Database(url)
    try:
        async with database.transaction() as session:
            await queries.run(session, _AWAIT, {"gun": _STARTING_GUN})
        return await work(database, Vault(keys), *arguments)
    finally:
        await database.dispose()
