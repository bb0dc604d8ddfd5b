"""What may stand between a server and its database: a pooler such as PgBouncer, if it lends a connection for a session.

A pooler that lends connections by transaction mixes up prepared statements, settings and LISTEN of its clients. Then
duties fail each second, and checks every now and then. So a server asks before it starts.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import asyncpg

from app import connections
from app.db import SESSION, Database

LOOKS_AT_EACH_CONNECTION = 5
"""How often each of two connections looks whom it reaches. A pooler by transaction lends the one that was used last."""
SETTING = "plan_cache_mode"
"""One of `SESSION`, and read back as it was written."""
BY_TRANSACTION = (
    "A pooler (PgBouncer?) between this server and the database lends connections by transaction, where prepared"
    " statements, settings and LISTEN get lost: set pool_mode = session there, or name PostgreSQL in DATABASE_URL."
)
WITHOUT_SETTINGS = (
    "A pooler (PgBouncer?) between this server and the database does not pass on the settings of a session: list"
    f" {', '.join(sorted(SESSION))} in its ignore_startup_parameters, and set them by ALTER ROLE … SET, or name"
    " PostgreSQL in DATABASE_URL."
)

_Connection: TypeAlias = "asyncpg.Connection[Any]"


class UnusablePooler(Exception):  # noqa: N818 - a state
    """This server cannot work through what stands in front of the database; the message says why."""


async def require_sessions(database: Database) -> None:
    """Raises `UnusablePooler`. A database that is away now is judged when a server starts the next time."""
    try:
        async with AsyncExitStack() as stack:
            one, other = [await stack.enter_async_context(_Connected(database)) for _ in range(2)]
            if await _are_lent_by_transaction(one, other):
                raise UnusablePooler(BY_TRANSACTION)
            if await one.fetchval(f"SELECT current_setting('{SETTING}')") != SESSION[SETTING]:
                raise UnusablePooler(WITHOUT_SETTINGS)
    except (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError):
        raise UnusablePooler(BY_TRANSACTION) from None
    except asyncpg.ProtocolViolationError as error:
        if "startup parameter" in str(error):
            raise UnusablePooler(WITHOUT_SETTINGS) from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        # It is away, full, or does not know us: requests are told so, until it is put right.
        return


class _Connected:
    """A connection as the pools of a server have it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> _Connection:
        self._connection: _Connection = await connections.connect(self._database.url, SESSION)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._connection.close(timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()


async def _are_lent_by_transaction(*connections: _Connection) -> bool:
    """Two sessions of PostgreSQL never are the same process, and a session always is the same one."""
    reached = {
        (number, await _process(one)) for _ in range(LOOKS_AT_EACH_CONNECTION) for number, one in enumerate(connections)
    }
    return len(reached) > len(connections) or len({process for _, process in reached}) < len(connections)


async def _process(connection: _Connection) -> int:
    async with connection.transaction():
        process: int = await connection.fetchval("SELECT pg_backend_pid()")
    return process
