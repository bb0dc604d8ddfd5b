"""Deliveries that have ended, by the month in which they did. A month is dropped as a whole.

The sweep moves a delivery here an hour after its end. So the queue (`webhook_delivery`) stays small, however much was
sent. A delivery that is sent again goes back into the queue. Whoever moves a delivery, either way, holds the lock of
its webhook: so nobody looks for the delivery where it is not any more.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.registry import log_months
from app.sql import Statement, statement

KEPT_FOR = timedelta(days=30)
"""At least. Then until the last delivery of the month has been kept for so long."""
STAYS_FOR = timedelta(hours=1)
"""In the queue, after its end: most of what is sent again is sent again soon."""

ATTEMPTS = """
    (SELECT coalesce(jsonb_agg(jsonb_build_object('at', a.at, 'duration_ms', a.duration_ms, 'status', a.status,
                                                  'error', a.error) ORDER BY a.id), '[]')
     FROM webhook_attempt a WHERE a.delivery_id = d.id)
"""
"""Of a delivery `d` of the queue."""
_MOVED = "id, place, webhook_id, change_id, event, subject, made_at"


class _EndedDelivery(NamedTuple):
    id: UUID
    webhook_id: UUID


_EARLIEST = statement(
    "SELECT id, webhook_id FROM webhook_delivery WHERE finished_at < :before ORDER BY finished_at LIMIT :most",
    _EndedDelivery,
)
_LOCK = statement("SELECT FROM webhook WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
# If no server has run for long, some of them are too old to be kept.
_MOVE = statement(
    f"""
    WITH d AS (DELETE FROM webhook_delivery WHERE id = ANY(CAST(:ids AS uuid[])) AND finished_at < :before RETURNING *)
    INSERT INTO webhook_delivery_ended ({_MOVED}, state, at, attempts)
    SELECT {_MOVED}, state, finished_at, {ATTEMPTS} FROM d WHERE finished_at >= :kept_since
    """
)


def _back(which: str) -> Statement[None]:
    return statement(
        f"""
        WITH gone AS (
            DELETE FROM webhook_delivery_ended WHERE webhook_id = :webhook_id AND {which} RETURNING *
        ), back AS (
            INSERT INTO webhook_delivery ({_MOVED}, state, tries) OVERRIDING SYSTEM VALUE
            SELECT {_MOVED}, 'PENDING', 0 FROM gone
        )
        INSERT INTO webhook_attempt (delivery_id, at, duration_ms, status, error)
        SELECT gone.id, a.at, a.duration_ms, a.status, a.error
        FROM gone CROSS JOIN LATERAL ROWS FROM (
            jsonb_to_recordset(gone.attempts) AS (at timestamptz, duration_ms int, status int, error text)
        ) WITH ORDINALITY AS a (at, duration_ms, status, error, number)
        ORDER BY gone.place, a.number
        """
    )


_ONE_BACK = _back("id = :id AND state IN ('DELIVERED', 'FAILED')")
_BACK_SINCE = _back("state = 'FAILED' AND made_at >= :since AND at >= :since")


async def move(session: Session, now: datetime, *, most: int) -> int:
    """Move up to `most` deliveries that have ended out of the queue. Answers how many."""
    before = now - STAYS_FOR
    earliest = await session.rows(_EARLIEST, before=before, most=most)
    if earliest:
        await session.run(_LOCK, ids=list({one.webhook_id for one in earliest}))
        ids = [one.id for one in earliest]
        await session.run(_MOVE, ids=ids, before=before, kept_since=now - KEPT_FOR)
    return len(earliest)


async def bring_back(session: Session, webhook_id: UUID, delivery_id: UUID | None, since: datetime | None) -> None:
    """Put into the queue again: one delivery, or all that failed `since`. The caller holds the lock of the webhook."""
    if since is None:
        await session.run(_ONE_BACK, webhook_id=webhook_id, id=delivery_id)
    else:
        await session.run(_BACK_SINCE, webhook_id=webhook_id, since=since)


async def turn_months(session: Session, now: datetime) -> list[str]:
    """Make the months that are needed, and drop those of which nothing needs to be kept. Answers which are dropped."""
    await log_months.make(session, log_months.DELIVERIES, now - KEPT_FOR)
    over = await log_months.whole_before(session, log_months.DELIVERIES, now - KEPT_FOR)
    for month in over:
        await log_months.drop_deliveries(session, month)
    return [month.name for month in over]
