"""One test registry that serves in this process: the whole program once more, in a context of its own.

Its context holds its clock, its trial of NIKs and its counts. Requests and duties run in that context, and so does all
that they start.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from contextvars import Context, ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from graphql import GraphQLSchema
from starlette.types import ASGIApp

from app import clock
from app.config import Settings
from app.errors import InvalidValue, Refusal, TooManyResets, Unavailable, refuses
from app.metrics import minute
from app.models.enums import RegistrantStatus
from app.process import Process
from app.registry import halts, outages, sweep
from app.registry.caller import Caller
from app.registry.terms.policy import HUBDAT
from app.registry.values.trial import trial
from app.server.turns import Turns
from app.testmode import making
from app.testmode.control import Control, ListedRegistry
from app.testmode.judging import TestTrial
from app.testmode.schema import acting
from app.vault.vault import Vault, open_vault

IMPORT_COMMAND = ("-m", "app.testmode.import_process")
LOOK_EVERY_SECONDS = 1.0
"""When one process has moved the clock, every other process knows within this time."""
ENDS_WITHIN_SECONDS = 30.0
"""When a test registry ends, its running requests have this much time to finish."""
MOST_BACK, MOST_AHEAD = timedelta(days=30), timedelta(days=120)
REASON = "Jam mode uji dimajukan"

OF_A_REGISTRY: tuple[ContextVar[Any], ...] = (clock.clock, trial, minute.minute)
"""What the context of a test registry holds."""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Shared:
    """What a test registry has in common with the live one, or with others."""

    turns: Turns
    stopping: asyncio.Event
    """Set when the process ends. Each test registry has its own event as well, because a test registry may end earlier.
    """
    schema: GraphQLSchema


@dataclass(frozen=True, slots=True)
class Assembled:
    application: ASGIApp
    process: Process
    lives: AbstractAsyncContextManager[None]
    """With its duties."""


Assemble = Callable[[Settings, Vault, Shared], Assembled]


class TestTurns(Turns):
    """The turns of the live registry, where all clients of a test registry are one client, at twice the cost."""

    __test__ = False

    def __init__(self, turns: Turns, organizer: str) -> None:
        self._turns, self._client = turns, f"{making.MARK}{organizer}"

    def turn(
        self,
        client: str,  # noqa: ARG002
        cost: int,
        *,
        refusable: bool = True,
    ) -> AbstractAsyncContextManager[None]:
        return self._turns.turn(self._client, 2 * cost, refusable=refusable)

    @asynccontextmanager
    async def steps(self, client: str, cost: int) -> AsyncIterator[Callable[[], Awaitable[None]]]:  # noqa: ARG002
        async with self._turns.steps(self._client, 2 * cost) as others:
            yield others

    def remaining(self, client: str) -> int:  # noqa: ARG002
        return self._turns.remaining(self._client) // 2


class Running:
    """`context` is made by `entered`."""

    def __init__(self, listed: ListedRegistry, control: Control, assembled: Assembled, context: Context) -> None:
        self.organizer, self.listed = listed.organizer, listed
        self.application = assembled.application
        self.requests = 0
        """How many run."""
        self.streams = 0
        """How many of them are sockets, or streams of events, that may go on for ever."""
        self.used_at = time.monotonic()
        self.is_replaced = False
        """It was reset: another database is listed."""
        self._control, self._assembled, self._context = control, assembled, context
        self._stop, self._started = asyncio.Event(), asyncio.Event()
        self._idle = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._resetting: asyncio.Future[None] | None = None

    @property
    def serves(self) -> bool:
        return self._life is not None and not self._life.done()

    async def start(self) -> None:
        """Raises `Unavailable`, or whatever keeps it from serving."""
        self._life = asyncio.create_task(self._live(), context=self._context)
        starting = asyncio.create_task(self._started.wait())
        await asyncio.wait({self._life, starting}, return_when=asyncio.FIRST_COMPLETED)
        starting.cancel()
        if self._life.done():
            await self._life

    async def end(self) -> None:
        """As soon as its requests have ended."""
        self.end_streams()
        if self.requests:
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), ENDS_WITHIN_SECONDS)
            except TimeoutError:
                logger.warning("test_registry.cut_off", organizer=self.organizer)
        self._stop.set()
        if self._life is not None:
            await asyncio.gather(self._life, return_exceptions=True)

    def end_streams(self) -> None:
        """They are told to come again, as when a server ends."""
        self._assembled.process.stopping.set()

    @contextmanager
    def request(self, *, is_stream: bool = False) -> Iterator[None]:
        """What is done inside is done in its context."""
        self.requests += 1
        self.streams += is_stream
        self.used_at = time.monotonic()
        before = [(variable, variable.set(value)) for variable, value in self._values()]
        try:
            yield
        finally:
            for variable, token in before:
                variable.reset(token)
            self.requests -= 1
            self.streams -= is_stream
            self.used_at = time.monotonic()
            if not self.requests:
                self._idle.set()

    def follow(self, listed: ListedRegistry) -> None:
        """As it is listed now."""
        self._context[clock.clock].ahead = listed.ahead

    # --- what its organizer may do with it ----------------------------------------------------------------------------

    async def reset(self) -> None:
        """Nothing is left of it when the request that asks for this has ended.

        Whoever asks while another one waits for that waits with it. Raises `TooManyResets`, `Unavailable`.
        """
        if self._resetting is None or self._resetting.done():
            self._resetting = asyncio.ensure_future(self._reset())
        # Who goes away must not take it from the others.
        await asyncio.shield(self._resetting)

    async def _reset(self) -> None:
        full_for = await self._control.full_for(self.organizer)
        if full_for:
            raise TooManyResets(full_for)
        async with self._assembled.process.turns.turn(self.organizer, making.COST):
            made = await making.reset(self._control.url, self.organizer)
        if made is None:
            raise Unavailable
        self._context[clock.clock].ahead = timedelta()

    @refuses(InvalidValue)
    async def move(self, to: datetime | None) -> Refusal | None:
        """Set the clock, and do what is due then."""
        ahead = timedelta() if to is None else to - clock.of_the_database()
        if not -MOST_BACK <= ahead <= MOST_AHEAD:
            return InvalidValue(
                "at",
                f"Paling jauh {MOST_BACK.days} hari mundur dan {MOST_AHEAD.days} hari maju dari waktu sebenarnya.",
                f"At most {MOST_BACK.days} days back and {MOST_AHEAD.days} days ahead of the true time.",
            )
        await self._control.move(self.organizer, ahead)
        self._context[clock.clock].ahead = ahead
        await self._do_what_is_due()
        return None

    async def _do_what_is_due(self) -> None:
        database = self._assembled.process.database
        await database.attempt(lambda session: outages.beat(session, clock.now()))
        await sweep.sweep(database, clock.now())
        async with database.transaction() as session:
            # Another process may have been sweeping, perhaps by the clock of before.
            await halts.wait_for_runners(session)
            halted = await halts.every(session)
        for halt in halted:
            await self._allow(halt)
        await sweep.sweep(database, clock.now())

    async def _allow(self, halt: halts.Halt) -> None:
        """Whoever moves the clock wants to see what happens then: nobody has to give a word for that."""
        caller, ends = Caller(None, HUBDAT), RegistrantStatus(halt.ends)
        await self._assembled.process.database.attempt(
            lambda session: halts.allow(session, caller, halt.organizer, ends, halt.until, REASON, clock.now())
        )

    # --- its life -----------------------------------------------------------------------------------------------------

    def _values(self) -> Iterator[tuple[ContextVar[Any], Any]]:
        yield from ((variable, self._context[variable]) for variable in OF_A_REGISTRY)
        yield acting, self

    async def _live(self) -> None:
        async with self._assembled.lives:
            self._started.set()
            while not self._stop.is_set():
                try:
                    await asyncio.wait_for(self._stop.wait(), LOOK_EVERY_SECONDS)
                except TimeoutError:
                    await self._look()

    async def _look(self) -> None:
        try:
            listed = await self._control.find(self.organizer)
        except Unavailable:
            return
        self.is_replaced = listed is None or listed.database != self.listed.database
        if listed is not None and not self.is_replaced:
            self.follow(listed)


async def started(
    listed: ListedRegistry, control: Control, settings: Settings, assemble: Assemble, shared: Shared
) -> Running:
    """A test registry that serves from now on. Raises `Unavailable`, `MakingFailed`."""
    assert settings.uji_database_url is not None  # noqa: S101 - test mode has one
    issuer = f"{settings.issuer}/uji/{listed.organizer}"
    own = making.settings_of(settings, listed, issuer)
    assert own.database_url is not None  # noqa: S101 - see `settings_of`
    await making.up_to_date(control.url, own.database_url.get_secret_value())
    # An empty one: a request that starts a test registry leaves nothing of itself there.
    context = Context()
    context.run(_enter, listed)
    turns = TestTurns(shared.turns, listed.organizer)
    own_share = Shared(turns, asyncio.Event(), shared.schema)
    running = Running(listed, control, context.run(assemble, own, open_vault(own), own_share), context)
    await running.start()
    return running


def _enter(listed: ListedRegistry) -> None:
    own = clock.Clock()
    own.ahead = listed.ahead
    clock.clock.set(own)
    trial.set(TestTrial(listed.database))
    minute.minute.set(minute.Minute())
