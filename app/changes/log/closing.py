"""Closes the cases whose holder has gone. It follows the log, so it looks only at whom something has happened to.

A holder goes by ending, by erasure, or by another NIK. Claims are looked at, too, since a case may be opened while its
holder goes: whichever of the two commits later is read when both are there.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.changes.log.feed import AFTER, IN_ORDER, POSITION, SETTLED, Position
from app.changes.log.projection import Projection
from app.db import Session
from app.models.enums import ChangeKind
from app.registry import case_decisions
from app.sql import statement

CHANGES_OF_A_STEP = 2_000

_KINDS = ", ".join(
    f"'{kind}'"
    for kind in (
        ChangeKind.REGISTRANT_MOVED,
        ChangeKind.REGISTRANT_CORRECTED,
        ChangeKind.REGISTRANT_ERASED,
        ChangeKind.DUPLICATE_REFUSED,
        ChangeKind.DUPLICATE_SUSPECTED,
    )
)


class _ChangesOfHolders(NamedTuple):
    xact_id: int
    id: int
    registrants: list[UUID]
    """Who may have gone."""


_NEWS = statement(
    f"""
    WITH news AS MATERIALIZED (
        SELECT c.xact_id, c.id, c.kind, c.registrant_id FROM change c WHERE {AFTER} AND {SETTLED}
        ORDER BY {IN_ORDER} LIMIT {CHANGES_OF_A_STEP}
    )
    SELECT {POSITION}, ARRAY(
        SELECT DISTINCT registrant_id FROM news WHERE kind IN ({_KINDS}) AND registrant_id IS NOT NULL
    ) AS registrants
    FROM news c ORDER BY c.xact_id DESC, c.id DESC LIMIT 1
    """,
    _ChangesOfHolders,
)


async def close(session: Session, after: Position, now: datetime) -> Position | None:
    """Close what up to `CHANGES_OF_A_STEP` changes behind `after` have closed."""
    news = await session.first(_NEWS, **after.values())
    if news is None:
        return None
    if news.registrants:
        await case_decisions.close_gone(session, news.registrants, now)
    return Position(news.xact_id, news.id)


CASES = Projection("cases", close)
