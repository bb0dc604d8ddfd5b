"""A client's budget of NIK checks: a token bucket in the database, exact over any number of server processes.

Default: a burst of 5,000 and 100 checks per second. Its row is locked for the length of one batch of checks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.db import Session

_REFILLED = """
    least(client.check_capacity, budget.tokens
          + greatest(0, extract(epoch FROM CAST(:now AS timestamptz) - budget.refilled_at)) * client.check_refill)
"""
_TAKE = text(
    f"""
    WITH asked AS (SELECT * FROM unnest(CAST(:clients AS text[]), CAST(:counts AS int[])) AS a (client_id, wanted)),
    bucket AS (
        SELECT budget.client_id, {_REFILLED} AS tokens, asked.wanted, client.check_refill AS refill
        FROM check_budget budget JOIN client ON client.id = budget.client_id JOIN asked ON asked.client_id = client.id
        ORDER BY budget.client_id FOR NO KEY UPDATE OF budget
    ),
    dealt AS (
        SELECT *, CASE WHEN tokens >= wanted THEN wanted WHEN :together THEN 0 ELSE floor(tokens) END AS granted
        FROM bucket
    )
    UPDATE check_budget budget SET tokens = dealt.tokens - dealt.granted, refilled_at = greatest(refilled_at, :now)
    FROM dealt WHERE budget.client_id = dealt.client_id
    RETURNING budget.client_id, CAST(dealt.granted AS int) AS granted, dealt.wanted, budget.tokens, dealt.refill
    """
)
_READ = text(
    f"""
    SELECT client.check_capacity AS capacity, {_REFILLED} AS remaining, client.check_refill AS refill
    FROM client JOIN check_budget budget ON budget.client_id = client.id WHERE client.id = :client_id
    """
)


@dataclass(frozen=True, slots=True)
class Grant:
    granted: int
    retry_after: int
    """Whole seconds until what was not granted will be there."""


@dataclass(frozen=True, slots=True)
class Budget:
    capacity: int
    remaining: int
    refill_per_second: int


async def take(session: Session, wanted: Mapping[str, int], now: datetime, *, together: bool) -> dict[str, Grant]:
    """Take up to `wanted` checks of each client; with `together` all that a client wants, or none."""
    rows = await session.execute(
        _TAKE, {"clients": list(wanted), "counts": list(wanted.values()), "now": now, "together": together}
    )
    return {
        row.client_id: Grant(row.granted, max(1, math.ceil((row.wanted - row.granted - row.tokens) / row.refill)))
        for row in rows
    }


async def of_client(session: Session, client_id: str, now: datetime) -> Budget:
    row = (await session.execute(_READ, {"client_id": client_id, "now": now})).one()
    return Budget(row.capacity, math.floor(row.remaining), row.refill)
