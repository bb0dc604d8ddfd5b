"""A log that was restored into another cluster, whose transactions count from another number.

Within a cluster a row that can be seen is of a transaction that was begun: one of a later number came from elsewhere.
Then `log_shift()` is added to this cluster's numbers, so that what comes now follows on what was restored, and every
cursor stays good.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_NEWEST = "(SELECT xact_id FROM change ORDER BY xact_id DESC LIMIT 1)"
_RESTORED = text(f"SELECT COALESCE({_NEWEST} >= log_transaction(pg_snapshot_xmax(pg_current_snapshot())), false)")
# Whoever runs now has a number of the snapshot's xmin or later.
_WANTED = text(f"SELECT {_NEWEST}::text::bigint + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


async def is_restored(connection: AsyncConnection) -> bool:
    """Whether nothing here would follow on what the log holds. Ask it in a transaction that has not written."""
    restored: bool = (await connection.execute(_RESTORED)).scalar_one()
    return restored


async def adopt(connection: AsyncConnection) -> None:
    """Let the log go on behind what was restored. Changes nothing in any other."""
    if not await is_restored(connection):
        return
    # Whoever is about to write waits, and is given its place by the new rule.
    await connection.execute(text("LOCK TABLE change IN EXCLUSIVE MODE"))
    shift: int = (await connection.execute(_WANTED)).scalar_one()
    await connection.execute(
        text(f"CREATE OR REPLACE FUNCTION log_shift() RETURNS bigint LANGUAGE sql STABLE RETURN {shift}")
    )
