"""Merges concurrent single calls into batches, and lets a poisoned item of a batch fail alone.

Which calls are merged stands in `app.process`. While one batch is in flight, the next batch gathers. So an idle server
adds no wait. A busy server makes bigger batches: many callers share one commit, one lock of a hot quota row and one
round trip.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from app import metrics, tracing
from app.errors import EverybodysError, Raced

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_Call: TypeAlias = "tuple[Item, asyncio.Future[Answer], SpanContext | None]"
"""An item, where its answer goes, and in which span it was asked for."""


class Merger(ABC, Generic[Item, Answer]):
    """A kind of single call. A subclass says in `answer_batch` how a batch of them is answered.

    At most `LANES` batches of at most `MOST_IN_A_BATCH` items are in flight. A poisoned item fails alone.
    """

    NAME = "calls"
    """What the metrics and the traces call these calls."""
    LANES = 1
    MOST_IN_A_BATCH = 256

    def __init__(self) -> None:
        self._free_lanes = self.LANES
        self._count_waiting = metrics.WAITING.labels(self.NAME)
        self._waiting: list[_Call[Item, Answer]] = []
        self._flights: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def answer_batch(self, items: Sequence[Item]) -> Sequence[Answer]:
        """An answer for each item, in the same order."""

    async def ask(self, item: Item) -> Answer:
        """The answer to `item`. A caller that goes away does not take its item, or its neighbours, with it."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer, tracing.here()))
        self._count_waiting.inc()
        if self._free_lanes:
            self._free_lanes -= 1
            flight = asyncio.create_task(self._fly())
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
        return await answer

    async def drain(self) -> None:
        """Wait until everything that was accepted has been answered."""
        while self._flights:
            await asyncio.wait(self._flights)

    async def _fly(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self.MOST_IN_A_BATCH], self._waiting[self.MOST_IN_A_BATCH :]
                self._count_waiting.dec(len(batch))
                metrics.BATCH_SIZE.labels(self.NAME).observe(len(batch))
                started = time.perf_counter()
                callers = [caller for _, _, caller in batch]
                with tracing.span(f"batch of {self.NAME}", {"pemudik.batch.size": len(batch)}, callers):
                    await self._answer(batch)
                metrics.BATCH_SECONDS.labels(self.NAME).observe(time.perf_counter() - started)
        finally:
            self._free_lanes += 1

    async def _answer(self, batch: Sequence[_Call[Item, Answer]]) -> None:
        settled = await answers(self.answer_batch, [item for item, _, _ in batch])
        for (_, future, _), answer in zip(batch, settled, strict=True):
            _settle(future, answer)


def _settle(future: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


# --- a poisoned item fails alone --------------------------------------------------------------------------------------
#
# First all items are done at once. When that fails, each item is done by itself, so that only those fail which break
# something. A failure that is nobody's own (`EverybodysError`) would come again for each item: nothing is tried again.


def is_everybodys(error: Exception) -> bool:
    """Whether all items of a batch fail alike: a database that is away would be away for each item alone, too.

    A batch that raced too often is no such failure: its items meet fewer neighbours one by one.
    """
    return isinstance(error, EverybodysError) and not isinstance(error, Raced)


async def answers(
    answer_all: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], items: Sequence[Item]
) -> list[Answer | Exception]:
    """What `answer_all` answers to each of `items`, in their order. An item that failed has its exception."""
    try:
        return [*await answer_all(items)]
    except Exception as error:  # noqa: BLE001 - whatever it is belongs to the items
        if len(items) == 1 or is_everybodys(error):
            return [error] * len(items)
    return await one_by_one(answer_all, items)


async def one_by_one(
    answer_all: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]], items: Sequence[Item]
) -> list[Answer | Exception]:
    """The same, each item by itself."""
    return [answer for item in items for answer in await answers(answer_all, [item])]
