"""Who follows the change log is woken by LISTEN/NOTIFY, through one connection of each process.

A notification is sent after the commit and not by it: NOTIFY inside of the writing transactions would make them commit
one after the other. It may get lost, so nobody waits for it without looking again by itself after a while.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from app.db import Database

CHANNEL = "pemudik_change"
GATHER = 0.005
"""Seconds: commits within them are told of once."""
SILENT_FOR = 30.0
ANSWERS_WITHIN = 5.0
RECONNECT_AFTER = 1.0
"""Seconds."""
POLL = 1.0
"""Seconds: a notification that was lost makes it no later than this."""
HELD_BACK = 0.02
"""Seconds between two looks at what is committed, while an older transaction still runs."""

BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a connection raises that is of no use any more; the last when it broke in the wrong moment."""

log = structlog.get_logger(__name__)


class Wake:
    """Of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._signal = asyncio.Event()
        self._told = asyncio.Event()

    def signal(self) -> asyncio.Event:
        """Set by the next news. Take it before you read, so that nothing which comes meanwhile is slept through."""
        return self._signal

    async def wait(self, signal: asyncio.Event, within: float) -> None:
        """Until `signal` is set, or for `within` seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(signal.wait(), within)

    def tell(self) -> None:
        """Something was committed here: followers of this process hear it at once, those of others by NOTIFY."""
        self._told.set()
        self.rouse()

    async def run(self, stop: asyncio.Event) -> None:
        """Listen and tell until `stop`; a connection that breaks is made anew."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                try:
                    await self._connected(stopped)
                except BROKEN:
                    log.warning("wake.unavailable")
                    await asyncio.wait({stopped}, timeout=RECONNECT_AFTER)
        finally:
            stopped.cancel()

    async def _connected(self, stopped: asyncio.Task[bool]) -> None:
        connection = await self._database.connect()
        broken = asyncio.Event()
        connection.add_termination_listener(lambda _: broken.set())
        ended = asyncio.create_task(broken.wait())
        try:
            await connection.add_listener(CHANNEL, self._heard)
            # Whatever was told while nobody listened.
            self.rouse()
            while not stopped.done() and not broken.is_set():
                told = asyncio.create_task(self._told.wait())
                await asyncio.wait({stopped, ended, told}, timeout=SILENT_FOR, return_when=asyncio.FIRST_COMPLETED)
                told.cancel()
                if self._told.is_set() and not broken.is_set():
                    await self._notify(connection)
                    await asyncio.sleep(GATHER)
                elif not stopped.done() and not broken.is_set():
                    # Nobody may be at the other end any more, and who only listens would never know.
                    await connection.execute("SELECT 1", timeout=ANSWERS_WITHIN)
        finally:
            ended.cancel()
            with suppress(*BROKEN):
                await connection.close(timeout=1)

    async def _notify(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._told.clear()
        try:
            await connection.execute(f"NOTIFY {CHANNEL}", timeout=ANSWERS_WITHIN)
        except BaseException:
            # The next connection tells it.
            self._told.set()
            raise

    def _heard(self, connection: Any, by: int, *_: object) -> None:
        if by != connection.get_server_pid():
            self.rouse()

    def rouse(self) -> None:
        """Wake the followers of this process."""
        signal, self._signal = self._signal, asyncio.Event()
        signal.set()
