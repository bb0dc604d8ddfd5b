"""The database: sessions over two pools of connections, and the only commit in the program.

One root field, request or command is one `transaction()`: leaving it commits, an exception rolls back. A write that
lost a race (`Raced`, a deadlock) is run again from its start by `attempt`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from types import MappingProxyType
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from greenlet import getcurrent, greenlet

from app import connections, metrics, sql, tracing
from app.connections import Pool, PooledConnection, PoolUsedUp
from app.errors import Raced, Unavailable
from app.sql import Statement, statement

SESSION = {
    "application_name": "pemudik",
    "timezone": "UTC",
    # The digests of the logs are made of rows as text, whatever the owner of a database prefers.
    "bytea_output": "hex",
    # Planning a set-based statement takes longer than running it for sixteen rows. All of ours go by an index whatever
    # their arrays hold, so one plan will do.
    "plan_cache_mode": "force_generic_plan",
    # That plan is made when a season's tables are still empty, and would read them whole for ever.
    "enable_seqscan": "off",
    # Up to PostgreSQL 17 a plan without another way than a whole table is taken to be very dear, and a dear plan is
    # compiled each time that it runs: 2 to 6 seconds for a sweep of seven people (PostgreSQL 15 of Debian).
    "jit": "off",
    # Our pages are in memory or on an SSD, where any page costs the same. By default PostgreSQL expects a page in the
    # order of an index to cost four times as much as the next page of the table. It then collects and sorts what the
    # index has in order already: planned on an empty log, a page of the feed sorted the whole log behind its position.
    "random_page_cost": "1.1",
    # Nothing waits for ever: whoever is stuck behind a lock or a lost client is told to try again.
    "lock_timeout": "10s",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
}
ATTEMPTS = 5
ROLLBACK_WITHIN_SECONDS = 5.0
"""A connection that takes longer is closed. PostgreSQL rolls back what a closed connection has begun."""
POOLS = 2
"""A `Database` has so many pools: one for transactions, one for statements."""
BESIDE_POOLS = 2
"""Connections of a server beside them: one for LISTEN, and one to be the runner of the duties or to wait for that."""
LOST_RACES: Mapping[str | None, str] = {"40P01": "deadlock", "40001": "serialization", "23505": "unique"}
"""Why a transaction is run again, by the SQLSTATE of the error."""

OF_NO_USE = (asyncpg.ReadOnlySQLTransactionError, asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
"""After a switchover a connection may still go to the old primary. After a migration of a column, what was prepared on
it fails. Such a connection is closed.
"""
BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a connection raises that is of no use any more. `InternalClientError`: it broke while asyncpg was at work."""
AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresIOError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    *OF_NO_USE,
)
CANNOT_WRITE = (asyncpg.DiskFullError, asyncpg.PostgresIOError, asyncpg.ReadOnlySQLTransactionError)
"""What a full or broken disk says, and a primary that has become a standby. The connection is closed: the next one may
find another primary.
"""
REMEMBERED_FOR_SECONDS = 10.0
"""So long a server is not ready after its database could not write. The next write tries again."""

_SNAPSHOT = statement("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
_IS_READ_ONLY = statement("SHOW transaction_read_only", str)

Result = TypeVar("Result")


class Attempt(Protocol):
    """How work that writes gets its transaction: `Database.attempt`, or another transaction that is open already."""

    async def __call__(self, work: Callable[[Session], Awaitable[Result]], /) -> Result: ...


class Session(sql.SessionInterface):
    """Runs statements over a connection of `pool`, which it takes with its first statement.

    If it `begins`, they are one transaction. If not, each commits by itself.
    """

    def __init__(self, pool: Pool, *, begins: bool) -> None:
        self._pool, self._begins, self._has_ended = pool, begins, False
        self._connection: PooledConnection | None = None

    async def run(self, statement: Statement[Any], /, **arguments: object) -> int:
        prepared = await self._prepared(statement)
        await prepared.fetch(*statement.in_order(arguments))
        return _rows_written(prepared.get_statusmsg() or "")

    async def rows(self, statement: Statement[Result], /, **arguments: object) -> list[Result]:
        prepared = await self._prepared(statement)
        return statement.build(await prepared.fetch(*statement.in_order(arguments)))

    async def begin_snapshot(self) -> None:
        """First in a transaction: whatever is read in it is of one moment, and nothing can be written."""
        await self.run(_SNAPSHOT)

    async def _prepared(self, statement: Statement[Any]) -> PreparedStatement[asyncpg.Record]:
        if self._connection is None:
            self._connection = await self._taken()
            if self._begins:
                await self._connection.driver.execute("BEGIN")
        return await self._connection.prepared(statement)

    async def _taken(self) -> PooledConnection:
        if self._has_ended:
            raise asyncpg.InterfaceError("the session has ended")
        return await self._pool.take()

    async def commit(self) -> None:
        """Raises `InFailedSQLTransactionError` if a statement has failed: PostgreSQL then rolls back, and tells that in
        its answer alone.
        """
        if self._connection is not None:
            if self._begins and await self._connection.driver.execute("COMMIT") != "COMMIT":
                raise asyncpg.InFailedSQLTransactionError("a statement of this transaction has failed")
            self._end(is_useful=True)

    async def leave(self, error: BaseException) -> None:
        """After `error`: the connection goes back outside of any transaction and with no statement at work, or it is
        closed.
        """
        if self._connection is not None:
            is_useful = False
            try:
                is_useful = await self._is_clean(self._connection, error)
            finally:
                self._end(is_useful=is_useful)

    async def _is_clean(self, connection: PooledConnection, error: BaseException) -> bool:
        """A task that is cancelled leaves a statement that PostgreSQL may still be running. asyncpg tells it to stop,
        and ROLLBACK waits until it has stopped, also where nothing was begun.
        """
        if isinstance(error, (*OF_NO_USE, *CANNOT_WRITE)):
            return False
        if not self._begins and isinstance(error, Exception):
            return True
        try:
            await connection.driver.execute("ROLLBACK", timeout=ROLLBACK_WITHIN_SECONDS)
        except BROKEN:
            return False
        return True

    def _end(self, *, is_useful: bool) -> None:
        assert self._connection is not None  # noqa: S101 - only a session with a connection ends one
        self._pool.give_back(self._connection, is_useful=is_useful)
        self._connection, self._has_ended = None, True


def _rows_written(status: str) -> int:
    """`INSERT 0 3` has written 3 rows, and `LOCK TABLE` none."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


class Followers:
    """Those of this process who follow the change log: `changes.log.tail`, `changes.log.projection` and
    `changes.webhooks.sender`. Each takes `signal()`, then reads the log, then waits with `wait()`.

    A commit that wrote the log tells them; `changes.log.wake` tells those of other processes.
    """

    def __init__(self) -> None:
        self._signal = asyncio.Event()
        """The followers wait for it. It is set once; then the next signal takes its place."""
        self.untold = asyncio.Event()
        """Set while other processes have not been told of a commit here."""

    def signal(self) -> asyncio.Event:
        """What the next news will set. Take it before you read: then you miss no news that comes while you read."""
        return self._signal

    async def wait(self, signal: asyncio.Event, within_seconds: float) -> None:
        """Wait until `signal` is set, or for `within_seconds`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(signal.wait(), within_seconds)

    def tell(self) -> None:
        """This process has committed changes. Its followers wake now; other processes are told by `Wake.run`."""
        self.untold.set()
        self.rouse()

    def rouse(self) -> None:
        """Wake the followers of this process."""
        signal, self._signal = self._signal, asyncio.Event()
        signal.set()


class Database:
    """The pools. `url` is a PostgreSQL URL with or without a driver name."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.url = url
        self._transactions = Pool("transactions", url, pool_size, SESSION)
        self._statements = Pool("checks", url, pool_size, SESSION | {"synchronous_commit": "off"})
        self.followers = Followers()
        self._beside: WeakSet[asyncpg.Connection[asyncpg.Record]] = WeakSet()
        self._could_not_write_at = -math.inf

    @property
    def could_not_write_lately(self) -> bool:
        return time.monotonic() - self._could_not_write_at < REMEMBERED_FOR_SECONDS

    async def is_read_only(self) -> bool:
        """A standby, or a database that was made read-only."""
        async with self.transaction() as session:
            return await session.one(_IS_READ_ONLY) == "on"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Commits on leaving, rolls back on an exception. Raises `Unavailable` when the database is away."""
        with self._telling_when_it_is_away(), _timed():
            async with _session(self._transactions, begins=True) as session:
                yield session
            if session.wrote_change_log:
                self.followers.tell()

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[Session]:
        """Each statement commits by itself and does not wait for the disk. Raises `Unavailable`.

        For NIK checks, and for what only reads and is one statement: a crash of the database's machine may cost the
        last moments of the checks' access log and of their budgets.
        """
        with self._telling_when_it_is_away():
            async with _session(self._statements, begins=False) as session:
                yield session

    async def attempt(self, work: Callable[[Session], Awaitable[Result]]) -> Result:
        """Run `work` in a transaction of its own, again if it lost a race; raises `Raced` after the last attempt."""
        for _ in range(ATTEMPTS):
            try:
                async with self.transaction() as session:
                    return await work(session)
            except Raced:
                metrics.RETRIES.labels("raced").inc()
            except asyncpg.PostgresError as error:
                reason = LOST_RACES.get(error.sqlstate)
                if reason is None:
                    raise
                metrics.RETRIES.labels(reason).inc()
        raise Raced

    async def connect(self, settings: Mapping[str, str] = MappingProxyType({})) -> asyncpg.Connection[asyncpg.Record]:
        """A connection beside the pools."""
        connection = await connections.connect(self.url, {"application_name": "pemudik", **settings})
        self._beside.add(connection)
        return connection

    def abandon(self) -> None:
        """The database is silent: nobody waits any longer for what was asked over the connections of before."""
        self._transactions.abandon()
        self._statements.abandon()
        for connection in [*self._beside]:
            connection.terminate()

    async def dispose(self) -> None:
        await self._transactions.close()
        await self._statements.close()

    @contextmanager
    def _telling_when_it_is_away(self) -> Iterator[None]:
        try:
            yield
        except PoolUsedUp as error:
            metrics.UNAVAILABLE.labels("pool").inc()
            raise Unavailable from error
        except AWAY as error:
            if isinstance(error, CANNOT_WRITE):
                self._could_not_write_at = time.monotonic()
            metrics.UNAVAILABLE.labels("away").inc()
            raise Unavailable from error


@asynccontextmanager
async def _session(pool: Pool, *, begins: bool) -> AsyncIterator[Session]:
    session = Session(pool, begins=begins)
    try:
        yield session
        await session.commit()
    except BaseException as error:
        await session.leave(error)
        raise


@contextmanager
def _timed() -> Iterator[None]:
    started = time.perf_counter()
    try:
        with tracing.span("transaction"):
            yield
    finally:
        metrics.TRANSACTION_SECONDS.observe(time.perf_counter() - started)


# --- libraries that know no `await` -----------------------------------------------------------------------------------


async def run_sync(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a synchronous `function` that may `wait_for` coroutines of ours.

    authlib calls hooks of ours, and is synchronous. A thread for each call would need a connection of its own; a
    greenlet goes on with the session and the transaction that are already there. The event loop serves others whenever
    the function waits, and at no other time.
    """
    called = greenlet(function)
    called.gr_context = copy_context()
    answer = called.switch(*arguments)
    while not called.dead:
        # It waits in `wait_for`, and `answer` is the coroutine that it waits for.
        try:
            awaited = await answer
        except BaseException as error:  # noqa: BLE001 - the function hears of it
            answer = called.throw(error)
        else:
            answer = called.switch(awaited)
    result: Result = answer
    return result


def wait_for(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The result of `coroutine`, for a function that runs inside `run_sync`."""
    caller = getcurrent().parent
    assert caller is not None  # noqa: S101 - see above
    result: Result = caller.switch(coroutine)
    return result
