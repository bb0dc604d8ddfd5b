"""Who follows the change log is woken by LISTEN/NOTIFY, through one connection of each process.

A notification is sent after the commit and not by it: NOTIFY inside of the writing transactions would make them commit
one after the other. It may get lost, so nobody waits for it without looking again by itself after a while.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncpg
import structlog

from app.db import Database

CHANNEL = "pemudik_change"
GATHER = 0.005
"""Seconds: commits within them are told of once."""
RECONNECT_AFTER = 1.0

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
        self._wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Listen and tell until `stop`; a connection that breaks is made anew."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                try:
                    await self._connected(stopped)
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
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
            await connection.add_listener(CHANNEL, lambda *_: self._wake())
            # Whatever was told while nobody listened.
            self._wake()
            while not stopped.done() and not broken.is_set():
                told = asyncio.create_task(self._told.wait())
                await asyncio.wait({stopped, ended, told}, return_when=asyncio.FIRST_COMPLETED)
                told.cancel()
                if self._told.is_set() and not broken.is_set():
                    self._told.clear()
                    await connection.execute(f"NOTIFY {CHANNEL}")
                    await asyncio.sleep(GATHER)
        finally:
            ended.cancel()
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=1)

    def _wake(self) -> None:
        signal, self._signal = self._signal, asyncio.Event()
        signal.set()
