"""A log that was restored into another cluster, whose transactions count from another number.

All logs have one order, that of the transactions. Within one cluster, a row that can be seen was written by a
transaction that has begun. So a row with a later number came from elsewhere. Then `log_shift()` is added to the numbers
of this cluster: what is written follows on what was restored, and every cursor and every seal stays good.
"""

from __future__ import annotations

from app.db import Session
from app.registry.log_months import TABLES
from app.sql import statement

# PostgreSQL has a greatest, but no max, of these numbers.
_OF_EACH = (f"(SELECT xact_id FROM {table} ORDER BY xact_id DESC, id DESC LIMIT 1)" for table in TABLES.values())
_NEWEST = f"greatest({', '.join(_OF_EACH)})"
_RESTORED = statement(
    f"SELECT coalesce({_NEWEST} >= log_transaction(pg_snapshot_xmax(pg_current_snapshot())), false)", bool
)
# Every transaction that runs now has the number of the snapshot's xmin, or a later one.
_WANTED = statement(
    f"SELECT CAST(CAST({_NEWEST} AS text) AS bigint) + 1"
    " - CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)",
    int,
)
# Whoever is about to write waits, and gets its number by the new rule.
_LOCK = statement(f"LOCK TABLE {', '.join(TABLES.values())} IN EXCLUSIVE MODE")


async def is_restored(session: Session) -> bool:
    """Whether a row of this cluster would come before those in the logs. Ask before the transaction has written."""
    return await session.one(_RESTORED)


async def adopt(session: Session) -> None:
    """Let the log of a restored database go on behind what was restored. Any other database stays as it is."""
    if not await is_restored(session):
        return
    await session.run(_LOCK)
    shift = await session.one(_WANTED)
    await session.run(
        statement(f"CREATE OR REPLACE FUNCTION log_shift() RETURNS bigint LANGUAGE sql STABLE RETURN {shift}")
    )
