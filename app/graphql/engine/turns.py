"""Whose turn it is: large operations run a few at a time, and clients that wait are served by turns.

More large operations at a time would make none of them faster, since one CPU runs them all, and would keep everybody
else waiting. Small operations do not wait. A client that is alone may use the whole process: nothing is kept free for
those who do not ask. Of several clients, the one that has had the least comes next (start-time fair queueing).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.graphql.engine.requests import NotUnderstood

SMALL_COST = 1_000
"""In units of 5 microseconds: a check of a NIK costs 10, a page of 50 registrants with 10 fields 1,050."""
MOST_COST_AT_A_TIME = 100_000
"""Of the large operations that run: half a second of CPU. Beside 64 pages of 45,000 units a neighbour's check took 170
milliseconds (median), and 340 without this bound. With 50,000 it took 110, but the process waited for the database now
and then: the pages took 15 seconds instead of 12 (November 2026, two busy cores).
"""
MOST_WAITING_OF_A_CLIENT = 100
"""Operations. At two of them a second, the last one would wait longer than an operation may take."""
COME_BACK_AFTER_SECONDS = 2

Waiting = tuple[int, asyncio.Future[None]]
"""The cost of an operation, and what it waits for."""


@dataclass(slots=True)
class Queue:
    """The large operations of one client that wait."""

    had: int
    """The cost that the client has had, on a scale that is common to all who wait."""
    operations: deque[Waiting] = field(default_factory=deque)


class Turns:
    """A process has one."""

    def __init__(self) -> None:
        self._running = 0
        """The cost of the large operations that run."""
        self._queues: dict[str, Queue] = {}
        self._had = 0
        """By the client that was served last: where a client that comes anew begins."""

    @asynccontextmanager
    async def turn(self, client: str, cost: int) -> AsyncIterator[None]:
        """Wait for the turn of an operation. Raises `NotUnderstood` if its client has too many that wait."""
        if cost <= SMALL_COST:
            yield
            return
        if self._queues or not self._has_room(cost):
            await self._wait(client, cost)
        else:
            self._running += cost
        try:
            yield
        finally:
            self._end(cost)

    async def _wait(self, client: str, cost: int) -> None:
        queue = self._queues.setdefault(client, Queue(self._had))
        if len(queue.operations) >= MOST_WAITING_OF_A_CLIENT:
            headers = {"Retry-After": str(COME_BACK_AFTER_SECONDS)}
            words = (
                f"Sudah {MOST_WAITING_OF_A_CLIENT} operasi besar dari klien ini yang menunggu; coba lagi nanti",
                f"{MOST_WAITING_OF_A_CLIENT} large operations of this client wait already: try again later",
            )
            raise NotUnderstood(429, "TOO_MANY_OPERATIONS", *words, headers)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.operations.append((cost, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # Its turn had come in the same moment.
                self._end(cost)
            else:
                self._leave(client, (cost, turn))
            raise

    def _leave(self, client: str, waiting: Waiting) -> None:
        queue = self._queues[client]
        queue.operations.remove(waiting)
        if not queue.operations:
            del self._queues[client]
        # A smaller one behind it may have room.
        self._go_on()

    def _end(self, cost: int) -> None:
        self._running -= cost
        self._go_on()

    def _go_on(self) -> None:
        while self._queues:
            client = min(self._queues, key=lambda one: self._queues[one].had)
            queue = self._queues[client]
            cost, turn = queue.operations[0]
            if not self._has_room(cost):
                return
            queue.operations.popleft()
            self._running += cost
            queue.had += cost
            self._had = queue.had
            if not queue.operations:
                del self._queues[client]
            turn.set_result(None)

    def _has_room(self, cost: int) -> bool:
        """An operation that is alone always has."""
        return not self._running or self._running + cost <= MOST_COST_AT_A_TIME
