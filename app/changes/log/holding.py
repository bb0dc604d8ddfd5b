"""Who holds the feed back: the oldest transaction that writes, in any database of the cluster.

Transaction numbers belong to the whole cluster. So a transaction of another program in another database, or one that
was prepared and forgotten, holds back whatever follows the log.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from app.changes.log.feed import SETTLED
from app.db import Session
from app.sql import statement

LONG = timedelta(seconds=60)
"""Ours end before: see `app.db.SESSION`."""

# A transaction without a number writes nothing, and holds back nobody.
HOLDING = """
    SELECT age(one.number) AS age, one.database, one.role, one.since, one.pid, one.gid FROM (
        SELECT backend_xid AS number, datname AS database, usename AS role, xact_start AS since, pid,
               CAST(NULL AS text) AS gid
        FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
        UNION ALL
        SELECT transaction, database, owner, prepared, NULL, gid FROM pg_prepared_xacts
    ) one
"""
"""SQL: each transaction that holds back the feed. The oldest has the largest `age`."""


class Holder(NamedTuple):
    database: str | None
    """None: PostgreSQL's own, or hidden from this role."""
    role: str | None
    since: datetime
    pid: int | None
    gid: str | None
    """Of a transaction that was prepared (PREPARE TRANSACTION): its name."""


_OLDEST = statement(
    f"""
    SELECT CAST(database AS text) AS database, CAST(role AS text) AS role, since, pid, gid FROM ({HOLDING}) holding
    WHERE since IS NOT NULL ORDER BY age DESC LIMIT 1
    """,
    Holder,
)


# In the order of the log: the oldest that waits is the first one.
_WAITS_SINCE = statement(
    f"SELECT c.at FROM change c WHERE NOT {SETTLED} ORDER BY c.xact_id, c.id LIMIT 1",
    datetime,
)


async def waits_since(session: Session) -> datetime | None:
    """When the oldest change was written that is held back. None: there is none."""
    return await session.first(_WAITS_SINCE)


async def oldest(session: Session) -> Holder | None:
    """Whoever holds the feed back now. None: nobody, or somebody whom this role may not see (pg_read_all_stats)."""
    return await session.first(_OLDEST)
