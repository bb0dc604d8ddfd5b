"""A client's budget of NIK checks: a token bucket in the database, exact over any number of server processes.

The default is a burst of 5,000 checks, and 100 checks per second. The client's row is locked for one batch of checks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.db import Session
from app.sql import Arrays, statement


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


class _WantedChecks(NamedTuple):
    client_id: str
    wanted: int


class _GrantedChecks(NamedTuple):
    client_id: str
    granted: int
    wanted: int
    tokens: float
    refill_per_second: int


_REFILLED = """
    least(client.check_capacity, budget.tokens
          + greatest(0, extract(epoch FROM CAST(:now AS timestamptz) - budget.refilled_at)) * client.check_refill)
"""
_WANTED = Arrays("asked", _WantedChecks)
_TAKE = statement(
    f"""
    WITH asked AS (SELECT * FROM {_WANTED}),
    bucket AS (
        SELECT budget.client_id, {_REFILLED} AS tokens, asked.wanted, client.check_refill AS refill_per_second
        FROM check_budget budget JOIN client ON client.id = budget.client_id JOIN asked ON asked.client_id = client.id
        ORDER BY budget.client_id FOR NO KEY UPDATE OF budget
    ),
    dealt AS (
        SELECT *, CASE WHEN tokens >= wanted THEN wanted WHEN :together THEN 0 ELSE floor(tokens) END AS granted
        FROM bucket
    )
    UPDATE check_budget budget SET tokens = dealt.tokens - dealt.granted, refilled_at = greatest(refilled_at, :now)
    FROM dealt WHERE budget.client_id = dealt.client_id
    RETURNING budget.client_id, CAST(dealt.granted AS int) AS granted, dealt.wanted, budget.tokens,
              dealt.refill_per_second
    """,
    _GrantedChecks,
)
_READ = statement(
    f"""
    SELECT client.check_capacity AS capacity, CAST(floor({_REFILLED}) AS int) AS remaining,
           client.check_refill AS refill_per_second
    FROM client JOIN check_budget budget ON budget.client_id = client.id WHERE client.id = :client_id
    """,
    Budget,
)


async def take(session: Session, wanted: Mapping[str, int], now: datetime, *, together: bool) -> dict[str, Grant]:
    """Take up to `wanted` checks of each client; with `together` all that a client wants, or none."""
    asked = _WANTED.of([_WantedChecks(client_id, count) for client_id, count in wanted.items()])
    dealt = await session.rows(_TAKE, now=now, together=together, **asked)
    return {one.client_id: Grant(one.granted, _seconds_until_rest(one)) for one in dealt}


async def of_client(session: Session, client_id: str, now: datetime) -> Budget:
    return await session.one(_READ, client_id=client_id, now=now)


def _seconds_until_rest(one: _GrantedChecks) -> int:
    return max(1, math.ceil((one.wanted - one.granted - one.tokens) / one.refill_per_second))
