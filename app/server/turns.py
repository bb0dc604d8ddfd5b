"""Whose turn it is: a client's share of this process, whichever door its operations come by.

One CPU runs everything, so more large operations at a time would make none of them faster, and would keep everybody
else waiting. A share binds only while others wait: a client that is alone may use the whole process. Of several clients
that wait, the one that has had the least comes next (start-time fair queueing). A few small operations of each client,
such as checks of NIKs, never wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from app import metrics
from app.errors import TooManyOperations

MICROSECONDS_OF_A_UNIT = 5
"""Of CPU. `make bench ARGS=costs` measures whether that is true of each family of fields."""
SMALL_COST = 1_000
"""In units: a check of a NIK costs 20, a submission 400 to 500, a page of 50 registrants with 10 fields 1,070."""
LEAST_COST = 100
"""What an operation costs at least: it is read, authenticated, answered and logged."""
MOST_SMALL_AT_ONCE = 32
"""Small operations of one client that run without asking whose turn it is."""
MOST_COST_AT_A_TIME = 100_000
"""Of all that run and had to ask: half a second of CPU. Beside 64 pages of 45,000 units a neighbour's check took 170
milliseconds (median), and 340 without this bound. With 50,000 it took 110, but the process waited for the database now
and then: the pages took 15 seconds instead of 12 (November 2026, two busy cores).
"""
MOST_COST_WAITING = 5_000_000
"""One client may have this much waiting: 25 seconds of CPU. Whatever waited behind that would wait longer than an
operation may take.
"""
LEAST_COST_WAITING = 5_000
"""What an operation that waits counts at least: its request is kept in memory. So 1,000 of a client wait at most."""
COME_BACK_AFTER_SECONDS = 2
MOST_SECONDS_OF_A_WAIT = 20.0
"""For the turn of an operation that can still be refused. An operation may take 30 seconds with its wait."""
MOST_SECONDS_BETWEEN_PARTS = 300.0
"""For the next turn of what has begun to be answered. Turns are shared fairly, and no operation runs for so long: so
whoever waits longer waits for something that does not come, and is broken off.
"""

MOST_SECONDS_BETWEEN_STEPS = 0.5
"""A step that took longer was suspended in between: no step has so much CPU."""

Waiting = tuple[int, asyncio.Future[None]]
"""The cost of an operation, and what it waits for."""


@dataclass(slots=True)
class Queue:
    """The operations of one client that wait."""

    had: int
    """The cost that the client has had, on a scale that is common to all who wait."""
    operations: deque[Waiting] = field(default_factory=deque)
    cost: int = 0
    """The cost of all that wait."""


class Turns:
    """A process has one."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        """By client, the cost of what runs and had to ask."""
        self._small: Counter[str] = Counter()
        """By client, how many small operations run that did not ask."""
        self._queues: dict[str, Queue] = {}
        self._had = 0
        """By the client that was served last: where a client that comes anew begins."""
        self._alone = asyncio.Lock()
        self._step_began: float | None = None
        """A step of the work that is alone runs since then."""
        self._next_step_at = 0.0

    def turn(self, client: str, cost: int, *, refusable: bool = True) -> AbstractAsyncContextManager[None]:
        """Wait for the turn of an operation, and hold it.

        Raises `TooManyOperations` if too much of its client waits, or if the turn does not come in time. What has begun
        to be answered is not `refusable`: it waits longer, however much of its client waits.
        """
        return _Turn(self, client, cost, refusable=refusable)

    @asynccontextmanager
    async def steps(self, client: str, cost: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """The turn of work that takes long steps, such as reading a document: one such work runs at a time.

        What the context gives is awaited between two steps. Before the next step, others have the process for as long
        as this one took. A check of a NIK takes several turns of the loop, and would else meet such a step in each.
        Raises `TooManyOperations`.
        """
        async with self.turn(client, cost), self._alone:
            await self._others()
            try:
                yield self._others
            finally:
                self._step_ended()

    async def _others(self) -> None:
        """Not by CPU time: where other programs have the processors, that would be over before others have had any."""
        self._step_ended()
        await asyncio.sleep(max(0.0, self._next_step_at - time.monotonic()))
        self._step_began = time.monotonic()

    def _step_ended(self) -> None:
        if self._step_began is not None:
            now = time.monotonic()
            self._next_step_at = now + min(now - self._step_began, MOST_SECONDS_BETWEEN_STEPS)
            self._step_began = None

    async def enter(self, client: str, cost: int, *, refusable: bool) -> int:
        """What `leave` has to be told: the cost that is held, or 0 for a small operation that did not ask."""
        if cost <= SMALL_COST and self._small[client] < MOST_SMALL_AT_ONCE:
            self._small[client] += 1
            return 0
        cost = max(cost, LEAST_COST)
        if self._queues or not self._has_room(cost):
            await self._wait(client, cost, refusable=refusable)
        else:
            self._running[client] += cost
        return cost

    def leave(self, client: str, held: int) -> None:
        if held:
            self._end(client, held)
        else:
            _take_off(self._small, client, 1)

    def remaining(self, client: str) -> int:
        """How much more the client may have at a time, now: its share of the process, without what it has."""
        if not self._running and not self._queues:
            return MOST_COST_AT_A_TIME
        clients = self._running.keys() | self._queues.keys() | {client}
        waiting = self._queues[client].cost if client in self._queues else 0
        return max(0, MOST_COST_AT_A_TIME // len(clients) - self._running.get(client, 0) - waiting)

    async def _wait(self, client: str, cost: int, *, refusable: bool) -> None:
        queue, counted = self._queues.get(client, Queue(self._had)), max(cost, LEAST_COST_WAITING)
        if refusable and queue.cost + counted > MOST_COST_WAITING:
            raise TooManyOperations(COME_BACK_AFTER_SECONDS)
        self._queues[client] = queue
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = cost, turn
        queue.operations.append(waiting)
        queue.cost += counted
        metrics.TURNS_WAITING.inc()
        try:
            async with asyncio.timeout(MOST_SECONDS_OF_A_WAIT if refusable else MOST_SECONDS_BETWEEN_PARTS):
                await self._come(client, waiting)
        except TimeoutError:
            raise TooManyOperations(COME_BACK_AFTER_SECONDS) from None

    async def _come(self, client: str, waiting: Waiting) -> None:
        cost, turn = waiting
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # Its turn had come in the same moment.
                self._end(client, cost)
            else:
                self._leave(client, waiting)
            raise

    def _leave(self, client: str, waiting: Waiting) -> None:
        queue = self._queues[client]
        queue.operations.remove(waiting)
        self._waits_no_more(client, queue, waiting[0])
        # A smaller one behind it may have room.
        self._go_on()

    def _waits_no_more(self, client: str, queue: Queue, cost: int) -> None:
        metrics.TURNS_WAITING.dec()
        queue.cost -= max(cost, LEAST_COST_WAITING)
        if not queue.operations:
            del self._queues[client]

    def _end(self, client: str, cost: int) -> None:
        _take_off(self._running, client, cost)
        self._go_on()

    def _go_on(self) -> None:
        while self._queues:
            client = min(self._queues, key=lambda one: self._queues[one].had)
            queue = self._queues[client]
            cost, turn = queue.operations[0]
            # Whoever was cancelled leaves in its next step, and goes on with the others then.
            if turn.cancelled() or not self._has_room(cost):
                return
            queue.operations.popleft()
            self._running[client] += cost
            queue.had += cost
            self._had = queue.had
            self._waits_no_more(client, queue, cost)
            turn.set_result(None)

    def _has_room(self, cost: int) -> bool:
        """An operation that is alone always has."""
        running = self._running.total()
        return not running or running + cost <= MOST_COST_AT_A_TIME


class _Turn:
    """No generator: one would take a check of a NIK three microseconds longer."""

    __slots__ = ("_client", "_cost", "_held", "_refusable", "_turns")

    def __init__(self, turns: Turns, client: str, cost: int, *, refusable: bool) -> None:
        self._turns, self._client, self._cost, self._refusable = turns, client, cost, refusable

    async def __aenter__(self) -> None:
        self._held = await self._turns.enter(self._client, self._cost, refusable=self._refusable)

    async def __aexit__(self, *_: object) -> None:
        self._turns.leave(self._client, self._held)


def _take_off(counts: Counter[str], client: str, count: int) -> None:
    counts[client] -= count
    if not counts[client]:
        del counts[client]
