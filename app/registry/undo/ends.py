"""How registrants ended, as the change log tells: from which status, when, and which legs of a trip ended together.

Legs ended together when one transaction ended them: an outbound takes its return along.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.models.enums import ChangeKind, RegistrantStatus
from app.registry.registrants import transitions
from app.sql import statement


class End(NamedTuple):
    """A leg of the trip of the registrant `asked`, and its last step."""

    asked: UUID
    id: UUID
    route_id: UUID
    status: str
    from_status: str | None
    """The status before this one."""
    at: datetime
    transaction: int


LAST_STEP = f"""
    SELECT c.from_status, c.at, c.client_id, c.reason, CAST(CAST(c.xact_id AS text) AS bigint) AS transaction
    FROM change c WHERE c.registrant_id = {{0}} AND c.kind = '{ChangeKind.REGISTRANT_MOVED}'
    ORDER BY c.xact_id DESC, c.id DESC LIMIT 1 OFFSET 0
"""
"""SQL: the last change of the status of one registrant."""
LEGS_FROM_HOME = """
    SELECT * FROM registrant WHERE id = {0} UNION ALL SELECT * FROM registrant WHERE outbound_id = {0} OFFSET 0
"""
"""SQL: the legs of one trip, by the id of its outbound."""
_LEGS = statement(
    f"""
    SELECT asked.id AS asked, leg.id, leg.route_id, leg.status, step.from_status, step.at, step.transaction
    FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    JOIN LATERAL (
        SELECT coalesce(outbound_id, id) AS id FROM registrant WHERE id = asked.id OFFSET 0
    ) home ON true
    JOIN LATERAL ({LEGS_FROM_HOME.format("home.id")}) leg ON true
    JOIN LATERAL ({LAST_STEP.format("leg.id")}) step ON true
    ORDER BY asked.id, leg.id
    """,
    End,
)


async def legs(session: Session, ids: Sequence[UUID]) -> dict[UUID, list[End]]:
    """Of each registrant, itself and the other legs of its trip, each with its last step."""
    found: dict[UUID, list[End]] = defaultdict(list)
    for one in await session.rows(_LEGS, ids=list(ids)):
        found[one.asked].append(one)
    return found


def together(asked: UUID, trip: Sequence[End]) -> list[End]:
    """The leg `asked`, and those that ended with it. A no-show is one of its leg alone."""
    own = next(one for one in trip if one.id == asked)
    if own.status not in transitions.FREEING:
        return [own]
    return [one for one in trip if one.status in transitions.FREEING and one.transaction == own.transaction]


def goes_back_to(end: End) -> RegistrantStatus | None:
    """The status that a reopened leg returns to. None: it has not ended, or has departed."""
    if end.status == RegistrantStatus.NO_SHOW:
        return RegistrantStatus.VERIFIED
    if end.status == RegistrantStatus.FORFEITED:
        return RegistrantStatus.REGISTERED
    if end.status == RegistrantStatus.CANCELLED and end.from_status is not None:
        return RegistrantStatus(end.from_status)
    return None
