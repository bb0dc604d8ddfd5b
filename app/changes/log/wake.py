"""Wakes those who follow the change log in other processes, after a commit here that wrote the log.

The followers of one process are `app.db.Followers`: a commit wakes those of its own process at once. `Wake.run` sends
NOTIFY; the `Wake.run` of every other process hears it and wakes the followers there.

The connection that listens is also the first to learn that the database is silent: a machine that was cut off from the
network closes no connection. Then all connections of this process are given up.

NOTIFY is sent after the commit and not by it: NOTIFY inside of the writing transactions would make them commit one
after the other. A notification may get lost, so every follower looks again by itself after a while.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from app.db import BROKEN, Database

CHANNEL = "pemudik_change"
GATHER_SECONDS = 0.005
"""Commits within this time are told to other processes by one NOTIFY."""
DUTIES_GATHER_SECONDS = 0.1
"""Duties that follow the log are woken at most so often: a busy registry commits more often than anybody needs them."""
PING_AFTER_SECONDS = 3.0
"""A connection that was silent for so long is asked whether it still works."""
ANSWER_WITHIN_SECONDS = 5.0
RECONNECT_AFTER_SECONDS = 1.0
POLL_SECONDS = 1.0
"""After so long a follower looks again by itself: a notification that was lost makes it no later than this."""
HELD_BACK_SECONDS = 0.02
"""The pause between two looks at a committed change that an older, still running transaction holds back."""

logger = structlog.get_logger(__name__)


class Wake:
    """The wake of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._followers = database.followers

    async def run(self, stop: asyncio.Event) -> None:
        """Listen and tell until `stop`. A connection that breaks is replaced."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                try:
                    await self._connected(stopped)
                except BROKEN as error:
                    logger.warning("wake.unavailable")
                    if isinstance(error, TimeoutError):
                        # The network to it may be cut. Nothing would ever tell those who wait for its answers.
                        self._database.abandon()
                    await asyncio.wait({stopped}, timeout=RECONNECT_AFTER_SECONDS)
        finally:
            stopped.cancel()

    async def _connected(self, stopped: asyncio.Task[bool]) -> None:
        """Listen and tell through one connection, until it breaks or `stopped` is done."""
        connection = await self._database.connect()
        broken = asyncio.Event()
        connection.add_termination_listener(lambda _: broken.set())
        ended = asyncio.create_task(broken.wait())
        try:
            await connection.add_listener(CHANNEL, self._heard)
            # Other processes may have told something while nobody listened here.
            self._followers.rouse()
            while not stopped.done() and not broken.is_set():
                await self._wait_for_any({stopped, ended})
                if broken.is_set():
                    return
                if self._followers.untold.is_set():
                    await self._notify(connection)
                    await asyncio.sleep(GATHER_SECONDS)
                elif not stopped.done():
                    # Perhaps nobody is at the other end any more. A connection that only listens would never know.
                    await connection.execute("SELECT 1", timeout=ANSWER_WITHIN_SECONDS)
        finally:
            ended.cancel()
            with suppress(*BROKEN):
                await connection.close(timeout=1)

    async def _wait_for_any(self, ends: set[asyncio.Task[bool]]) -> None:
        """Until there is something to tell, or one of `ends` is done, or for `PING_AFTER_SECONDS`."""
        untold = asyncio.create_task(self._followers.untold.wait())
        await asyncio.wait({*ends, untold}, timeout=PING_AFTER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        untold.cancel()

    async def _notify(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._followers.untold.clear()
        try:
            await connection.execute(f"NOTIFY {CHANNEL}", timeout=ANSWER_WITHIN_SECONDS)
        except BaseException:
            # The next connection will tell the other processes.
            self._followers.untold.set()
            raise

    def _heard(self, connection: Any, by: int, *_: object) -> None:
        """A NOTIFY of our own connection is no news: `tell` has woken the followers here already."""
        if by != connection.get_server_pid():
            self._followers.rouse()
