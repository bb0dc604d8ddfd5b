"""Connections to PostgreSQL, straight on asyncpg: opened when they are first needed, kept, and taken in turn.

A connection keeps what is prepared on it: PostgreSQL reads and plans a statement once for each connection. A connection
that comes back is not reset: `app.db` ends each transaction, and no statement of ours leaves anything else behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import asyncpg
import orjson
from asyncpg.prepared_stmt import PreparedStatement

from app import metrics
from app.sql import Statement

CONNECT_WITHIN_SECONDS = 10.0
POOL_TIMEOUT_SECONDS = 10.0
"""How long to wait for a connection that others have."""
CLOSE_WITHIN_SECONDS = 5.0
POSTGRESQL_PORT = 5432
"""Where a host of several names none."""
MOST_PREPARED = 1_000
"""On one connection. The program has some 400 statements. Where there are more, all are prepared anew."""


class PoolUsedUp(Exception):  # noqa: N818 - an outcome
    """Others kept all connections for too long."""


class Connection:
    """A connection of a pool, and the statements that are prepared on it."""

    def __init__(self, driver: asyncpg.Connection[asyncpg.Record]) -> None:
        self.driver = driver
        self._prepared: dict[str, PreparedStatement[asyncpg.Record]] = {}

    async def prepared(self, statement: Statement[Any]) -> PreparedStatement[asyncpg.Record]:
        found = self._prepared.get(statement.text)
        if found is None:
            numbered, _ = statement.numbered
            found = await self.driver.prepare(numbered)
            if len(self._prepared) >= MOST_PREPARED:
                self._prepared.clear()
            self._prepared[statement.text] = found
        return found


class Pool:
    """At most `size` connections. The longest idle ones are taken last."""

    def __init__(self, name: str, url: str, size: int, settings: Mapping[str, str]) -> None:
        self._url, self._settings = url, dict(settings)
        self._turns = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._in_use = metrics.POOL_IN_USE.labels(name)
        metrics.POOL_SIZE.labels(name).set(size)

    async def take(self) -> Connection:
        """Whoever takes a connection gives it back. Raises `PoolUsedUp`, or what the driver raises."""
        try:
            async with asyncio.timeout(POOL_TIMEOUT_SECONDS if self._turns.locked() else None):
                await self._turns.acquire()
        except TimeoutError:
            raise PoolUsedUp from None
        try:
            connection = self._one_that_lives() or Connection(await connect(self._url, self._settings))
        except BaseException:
            self._turns.release()
            raise
        self._in_use.inc()
        return connection

    def give_back(self, connection: Connection, *, is_useful: bool = True) -> None:
        if is_useful and not connection.driver.is_closed():
            self._idle.append(connection)
        else:
            connection.driver.terminate()
        self._in_use.dec()
        self._turns.release()

    async def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            await self._idle.pop().driver.close(timeout=CLOSE_WITHIN_SECONDS)

    def _one_that_lives(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.driver.is_closed():
                return connection
        return None


async def connect(url: str, settings: Mapping[str, str]) -> asyncpg.Connection[asyncpg.Record]:
    connection = await asyncpg.connect(libpq_url(url), server_settings=dict(settings), timeout=CONNECT_WITHIN_SECONDS)
    try:
        for json in ("json", "jsonb"):
            await connection.set_type_codec(json, schema="pg_catalog", encoder=str, decoder=orjson.loads)
    except BaseException:
        connection.terminate()
        raise
    return connection


def libpq_url(url: str) -> str:
    """A URL as libpq and SQLAlchemy write it, for asyncpg, which reads libpq's form.

    SQLAlchemy names each of several hosts in an argument, and calls `sslmode` `ssl`.
    """
    where, question, query = url.partition("://")[2].partition("?")
    given = parse_qsl(query, keep_blank_values=True)
    hosts = ",".join(value for name, value in given if name == "host")
    arguments = [("sslmode" if name == "ssl" else name, value) for name, value in given if name != "host"]
    return f"postgresql://{where}{question}{urlencode([*arguments, *([('host', hosts)] if hosts else [])])}"


def driver_url(url: str) -> str:
    """`postgres://` and `postgresql://` URLs, as hosting providers and libpq write them, for SQLAlchemy, with which
    alembic connects.

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
