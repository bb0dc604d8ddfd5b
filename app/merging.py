"""Merges concurrent single calls into batches.

While one batch is in flight the next one gathers. So an idle server adds no wait, and a busy one makes bigger batches:
one commit, one lock of a hot quota row and one round trip for many callers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from app import metrics, tracing
from app.errors import Raced, Unavailable

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_Call: TypeAlias = "tuple[Item, asyncio.Future[Answer], SpanContext | None]"
"""An item, where its answer goes, and in which span it was asked for."""


class Merger(Generic[Item, Answer]):
    """`run` answers a batch, one answer per item in the same order.

    At most `lanes` batches of at most `most` items are in flight. When a batch of several fails, its items run again
    one by one, so that a poisoned item fails alone. `of` is what the metrics call them.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        of: str = "calls",
        most: int = 256,
        lanes: int = 1,
    ) -> None:
        self._run = run
        self._of = of
        self._most = most
        self._free_lanes = lanes
        self._waiting: list[_Call[Item, Answer]] = []
        self._flights: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Answer:
        """The answer to `item`. A caller that goes away does not take its item, or its neighbours, with it."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer, tracing.here()))
        metrics.WAITING.labels(self._of).inc()
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
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                metrics.WAITING.labels(self._of).dec(len(batch))
                metrics.BATCH_SIZE.labels(self._of).observe(len(batch))
                started = time.perf_counter()
                callers = [caller for _, _, caller in batch]
                with tracing.span(f"batch of {self._of}", {"pemudik.batch.size": len(batch)}, callers):
                    await self._answer(batch)
                metrics.BATCH_SECONDS.labels(self._of).observe(time.perf_counter() - started)
        finally:
            self._free_lanes += 1

    async def _answer(self, batch: Sequence[_Call[Item, Answer]]) -> None:
        try:
            answers = await self._run([item for item, _, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is belongs to the callers
            if len(batch) == 1 or is_everybodys(error):
                for _, future, _ in batch:
                    _settle(future, error=error)
                return
            for entry in batch:
                await self._answer([entry])
            return
        for (_, future, _), answer in zip(batch, answers, strict=True):
            _settle(future, answer)


def is_everybodys(error: Exception) -> bool:
    """Whether all items of a batch fail alike: a database that is away would be away for each item alone, too."""
    return isinstance(error, Unavailable) and not isinstance(error, Raced)


def _settle(future: asyncio.Future[Answer], answer: Answer | None = None, *, error: Exception | None = None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(answer)  # type: ignore[arg-type]
