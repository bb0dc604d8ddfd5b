"""The database: engine, naming of constraints, and the only commit in the program.

One root field, request or command is one `transaction()`: leaving it commits, an exception rolls back. A write that
lost a race (`Raced`, a deadlock) is run again from its start by `attempt`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from typing import Any, Protocol, TypeVar

import asyncpg
from sqlalchemy import CursorResult, TextClause, event, text
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as SQLAlchemySession
from sqlalchemy.util import await_only, greenlet_spawn
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from app import metrics, sql, tracing
from app.errors import Raced, Unavailable
from app.sql import Statement

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

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
POOL_TIMEOUT_SECONDS = 10.0
"""How long to wait for a connection that others have."""
POOLS = 2
"""A `Database` has so many pools: one for transactions, one for statements."""
POSTGRESQL_PORT = 5432
"""Where a host of several names none."""
LISTENING = 1
"""Connections beside them."""
LOST_RACES: Mapping[str | None, str] = {"40P01": "deadlock", "40001": "serialization", "23505": "unique"}
"""Why a transaction is run again, by the SQLSTATE of the error."""

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
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
CANNOT_WRITE = (asyncpg.DiskFullError, asyncpg.PostgresIOError, asyncpg.ReadOnlySQLTransactionError)
"""What a full or broken disk says, and a primary that has become a standby."""
REMEMBERED_FOR_SECONDS = 10.0
"""So long a server is not ready after its database could not write. The next write tries again."""

Result = TypeVar("Result")


class Attempt(Protocol):
    """How work that writes gets its transaction: `Database.attempt`, or another transaction that is open already."""

    async def __call__(self, work: Callable[[Session], Awaitable[Result]], /) -> Result: ...


class Session(AsyncSession, sql.Session):
    """SQLModel's session without its deprecation of `execute`: our statements are SQL text, not for `exec`."""

    execute = SQLAlchemySession.execute

    async def run(self, statement: Statement[Any], /, **arguments: object) -> int:
        written = await self.execute(_clause(statement), arguments)
        assert isinstance(written, CursorResult)  # noqa: S101 - the result of SQL text
        return written.rowcount

    async def rows(self, statement: Statement[Result], /, **arguments: object) -> list[Result]:
        found = await self.execute(_clause(statement), arguments)
        return statement.build(tuple(found.keys()), found.all())


@cache
def _clause(statement: Statement[Any]) -> TextClause:
    return text(statement.text)


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
    """One engine and its pool. `url` is a PostgreSQL URL with or without a driver name."""

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.engine = _engine("transactions", url, pool_size, SESSION)
        # Connections are opened when they are first needed.
        self._quick = _engine(
            "checks", url, pool_size, SESSION | {"synchronous_commit": "off"}, isolation_level="AUTOCOMMIT"
        )
        self.followers = Followers()
        self._could_not_write_at = -math.inf

    @property
    def could_not_write_lately(self) -> bool:
        return time.monotonic() - self._could_not_write_at < REMEMBERED_FOR_SECONDS

    async def is_read_only(self) -> bool:
        """A standby, or a database that was made read-only."""
        async with self.engine.connect() as connection:
            answer: str = (await connection.execute(text("SHOW transaction_read_only"))).scalar_one()
        return answer == "on"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Commits on leaving, rolls back on an exception. Raises `Unavailable` when the database is away."""
        with self._telling_when_it_is_away(), _timed():
            async with Session(self.engine, expire_on_commit=False) as session:
                async with session.begin():
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
            async with Session(self._quick, expire_on_commit=False) as session:
                yield session

    async def attempt(self, work: Callable[[Session], Awaitable[Result]]) -> Result:
        """Run `work` in a transaction of its own, again if it lost a race; raises `Raced` after the last attempt."""
        for _ in range(ATTEMPTS):
            try:
                async with self.transaction() as session:
                    return await work(session)
            except Raced:
                metrics.RETRIES.labels("raced").inc()
            except DBAPIError as error:
                reason = LOST_RACES.get(sqlstate(error))
                if reason is None:
                    raise
                metrics.RETRIES.labels(reason).inc()
        raise Raced

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """A connection beside the pools, for LISTEN."""
        _, given = self.engine.dialect.create_connect_args(self.engine.url)
        return await asyncpg.connect(**given, server_settings={"application_name": "pemudik"}, timeout=10)

    async def dispose(self) -> None:
        await self.engine.dispose()
        await self._quick.dispose()

    @contextmanager
    def _telling_when_it_is_away(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeout as error:
            metrics.UNAVAILABLE.labels("pool").inc()
            raise Unavailable from error
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
            metrics.UNAVAILABLE.labels("away").inc()
            raise Unavailable from error
        except DBAPIError as error:
            if isinstance(error.driver_exception, CANNOT_WRITE):
                self._could_not_write_at = time.monotonic()
            if error.connection_invalidated or isinstance(error.driver_exception, AWAY):
                metrics.UNAVAILABLE.labels("away").inc()
                raise Unavailable from error
            raise


def _engine(name: str, url: str, pool_size: int, session: dict[str, str], **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=False,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
        connect_args={"server_settings": session, "timeout": 10},
        **options,
    )
    metrics.POOL_SIZE.labels(name).set(pool_size)
    event.listen(engine.sync_engine, "handle_error", _is_on_a_standby)
    event.listen(engine.sync_engine, "checkout", lambda *_: metrics.POOL_IN_USE.labels(name).inc())
    event.listen(engine.sync_engine, "checkin", lambda *_: metrics.POOL_IN_USE.labels(name).dec())
    return engine


@contextmanager
def _timed() -> Iterator[None]:
    started = time.perf_counter()
    try:
        with tracing.span("transaction"):
            yield
    finally:
        metrics.TRANSACTION_SECONDS.observe(time.perf_counter() - started)


def _is_on_a_standby(context: ExceptionContext) -> None:
    """After a switchover a connection may still go to the old primary. Such a connection is dropped."""
    if getattr(context.original_exception, "sqlstate", None) == asyncpg.ReadOnlySQLTransactionError.sqlstate:
        context.is_disconnect, context.invalidate_pool_on_disconnect = True, False


def driver_url(url: str) -> str:
    """`postgres://` and `postgresql://` URLs, as hosting providers and libpq write them, for SQLAlchemy and its driver.

    Several hosts stand behind each other in libpq's form (`h1:5432,h2:5432`). SQLAlchemy wants each of them as an
    argument. With `target_session_attrs=read-write` the driver takes the host that is the primary.
    """
    _, separator, rest = url.partition("://")
    rest = rest.replace("?sslmode=", "?ssl=").replace("&sslmode=", "&ssl=")
    where, slash, database = rest.partition("/")
    account, at, hosts = where.rpartition("@")
    if "," in hosts:
        name, _, arguments = database.partition("?")
        each = (host if ":" in host else f"{host}:{POSTGRESQL_PORT}" for host in hosts.split(","))
        every = "&".join([*(f"host={host}" for host in each), *filter(None, [arguments])])
        rest = f"{account}{at}{slash or '/'}{name}?{every}"
    return f"postgresql+asyncpg{separator}{rest}"


def sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


# --- libraries that know no `await` -----------------------------------------------------------------------------------


async def run_sync(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a synchronous `function` that may `wait_for` coroutines of ours.

    authlib calls hooks of ours, and is synchronous. A thread for each call would need a connection of its own; a
    greenlet goes on with the session and the transaction that are already there. The event loop serves others whenever
    the function waits, and at no other time.
    """
    return await greenlet_spawn(function, *arguments)


def wait_for(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """The result of `coroutine`, for a function that runs inside `run_sync`."""
    return await_only(coroutine)
