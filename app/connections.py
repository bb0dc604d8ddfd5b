"""Connections to PostgreSQL, straight on asyncpg: opened when they are first needed, kept, and taken in turn.

A connection keeps what is prepared on it: PostgreSQL reads and plans a statement once for each connection. A connection
that comes back is not reset: `app.db` ends each transaction, and no statement of ours leaves anything else behind.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import asyncpg
import orjson
from asyncpg.prepared_stmt import PreparedStatement

from app import metrics
from app.sql import Statement

CONNECT_WITHIN_SECONDS = 10.0
SECONDS_FOR_ONE_OF_SEVERAL = (1.0, 2.0)
"""Of several hosts, each is asked twice. One that is silent must not hide for long that another is the primary now."""
POOL_TIMEOUT_SECONDS = 10.0
"""How long to wait for a connection that others have."""
CLOSE_WITHIN_SECONDS = 5.0
IN_FRONT = frozenset({"user", "password", "host", "port"})
"""Arguments that stand before the name of the database, in our form of a URL."""
_ACCOUNT = re.compile(r"([^:/?#@]*):(?!\d+[/?#])([^@]*)@")
"""User and password. Digits with a path or arguments behind them are a port."""
_HOSTS = re.compile(r"(postgresql://(?:[^/?]*@)?)([^/?]*)(.*)", re.DOTALL)
"""In the form of `libpq_url`: what stands before the hosts, the hosts, what stands behind them."""
PASSED_OVER = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TargetServerAttributeNotMatched,
)
"""What a host says that is down, starts, ends, or is not the primary. Another host may be asked then."""
MOST_PREPARED = 1_000
"""On one connection. The program has some 400 statements. Where there are more, all are prepared anew."""


class PoolUsedUp(Exception):  # noqa: N818 - an outcome
    """Others kept all connections for too long."""


class PooledConnection:
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
        self._idle: list[PooledConnection] = []
        self._lent: set[PooledConnection] = set()
        self._in_use = metrics.POOL_IN_USE.labels(name)
        metrics.POOL_SIZE.labels(name).set(size)

    async def take(self) -> PooledConnection:
        """Whoever takes a connection gives it back. Raises `PoolUsedUp`, or what the driver raises."""
        try:
            async with asyncio.timeout(POOL_TIMEOUT_SECONDS if self._turns.locked() else None):
                await self._turns.acquire()
        except TimeoutError:
            raise PoolUsedUp from None
        try:
            connection = self._one_that_lives() or PooledConnection(await connect(self._url, self._settings))
        except BaseException:
            self._turns.release()
            raise
        self._in_use.inc()
        self._lent.add(connection)
        return connection

    def give_back(self, connection: PooledConnection, *, is_useful: bool = True) -> None:
        self._lent.discard(connection)
        if is_useful and not connection.driver.is_closed():
            self._idle.append(connection)
        else:
            connection.driver.terminate()
        self._in_use.dec()
        self._turns.release()

    def abandon(self) -> None:
        """Whoever waits for an answer over one of the connections hears that the database is away."""
        while self._idle:
            self._idle.pop().driver.terminate()
        for connection in self._lent:
            connection.driver.terminate()

    async def close(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            await self._idle.pop().driver.close(timeout=CLOSE_WITHIN_SECONDS)

    def _one_that_lives(self) -> PooledConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.driver.is_closed():
                return connection
        return None


async def connect(url: str, settings: Mapping[str, str]) -> asyncpg.Connection[asyncpg.Record]:
    async with asyncio.timeout(CONNECT_WITHIN_SECONDS):
        connection = await _connected(apart(libpq_url(url)), dict(settings))
    try:
        for json in ("json", "jsonb"):
            await connection.set_type_codec(json, schema="pg_catalog", encoder=str, decoder=orjson.loads)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _connected(urls: Sequence[str], settings: dict[str, str]) -> asyncpg.Connection[asyncpg.Record]:
    """To the first host that will do. A machine that is gone may be silent, or close whatever it accepts: asyncpg alone
    would not go on to the next host then.
    """
    looks = SECONDS_FOR_ONE_OF_SEVERAL if len(urls) > 1 else (CONNECT_WITHIN_SECONDS,)
    for url, seconds in [(url, seconds) for seconds in looks for url in urls]:
        try:
            return await asyncpg.connect(url, server_settings=settings, timeout=seconds)
        except PASSED_OVER as error:
            refused = error
    raise refused


def apart(url: str) -> list[str]:
    """A URL for each host of one."""
    found = _HOSTS.fullmatch(url)
    assert found is not None  # noqa: S101 - `libpq_url` made it
    front, hosts, rest = found.groups()
    return [f"{front}{host}{rest}" for host in hosts.split(",")]


def libpq_url(url: str) -> str:
    """A URL as libpq, SQLAlchemy and hosting providers write it, in the one form that asyncpg and libpq read alike.

    The account and the hosts stand before the database (`u:p@h1:5432,h2:5433`). Where arguments name them, those hold.
    What ends a host in a URL is escaped where it stands in a password. SQLAlchemy calls `sslmode` `ssl`.
    """
    where, _, query = _escaped(url.partition("://")[2]).partition("?")
    given = parse_qsl(query, keep_blank_values=True)
    account, _, place = where.rpartition("@")
    hosts, slash, database = place.partition("/")
    front = _account(account, given) + _hosts(hosts, given)
    rest = [("sslmode" if name == "ssl" else name, value) for name, value in given if name not in IN_FRONT]
    more = urlencode(rest, quote_via=quote)
    return f"postgresql://{front}{slash}{database}{more and '?'}{more}"


def _account(account: str, given: Sequence[tuple[str, str]]) -> str:
    named = {name: quote(value, safe="") for name, value in given}
    user, _, password = account.partition(":")
    user, password = named.get("user", user), named.get("password", password)
    return f"{user}{password and ':'}{password}@" if user or password else ""


def _hosts(hosts: str, given: Sequence[tuple[str, str]]) -> str:
    """With their ports. One port is for all of them."""
    hosts = ",".join(quote(host, safe=":[],") for name, host in given if name == "host") or hosts
    ports = [port for name, value in given if name == "port" for port in value.split(",")]
    if not ports:
        return hosts
    return ",".join(f"{host}:{port}" for host, port in zip(hosts.split(","), cycle(ports), strict=False))


def _escaped(rest: str) -> str:
    account = _ACCOUNT.match(rest)
    return f"{account[1]}:{quote(account[2], safe='%')}@{rest[account.end() :]}" if account else rest
