"""The change log: every accepted change is a row, written in its own transaction. A trigger keeps it append-only.

The one place that writes it. An entry never holds a NIK or a name. Read in the order of (xact_id, id), no change of a
registrant comes before one that it builds on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import CursorResult, text

from app.db import CHANGED, Session
from app.errors import Raced
from app.models.enums import ChangeKind

OF_A_REGISTRANT = frozenset(
    {
        ChangeKind.REGISTRANT_MOVED,
        ChangeKind.REGISTRANT_CORRECTED,
        ChangeKind.REGISTRANT_ERASED,
        ChangeKind.REGISTRANT_REROUTED,
        ChangeKind.MOTORCYCLE_HANDED_OVER,
    }
)
"""Kinds that are written by whoever holds the lock of the registrant."""


@dataclass(frozen=True, slots=True)
class Entry:
    kind: ChangeKind
    season: int | None = None
    organizer: str | None = None
    """Whom it concerns."""
    registrant_id: UUID | None = None
    route_id: UUID | None = None
    from_status: str | None = None
    to_status: str | None = None
    client_id: str | None = None
    """By which client. None: the command line, or the registry itself."""
    reason: str | None = None
    facts: dict[str, object] | None = None


_APPEND = text(
    """
    WITH younger AS (
        -- OFFSET: one by one by the index, also in a table that has no statistics yet (see `uniqueness`).
        SELECT FROM unnest(CAST(:changed AS uuid[])) AS changed (id)
        JOIN LATERAL (SELECT xact_id FROM change WHERE registrant_id = changed.id OFFSET 0) before ON true
        WHERE before.xact_id > log_transaction(pg_current_xact_id())
        LIMIT 1
    )
    INSERT INTO change (at, kind, season, organizer_code, registrant_id, route_id, from_status, to_status,
                        client_id, reason, facts)
    SELECT :at, kind, season, organizer, registrant_id, route_id, from_status, to_status, client_id, reason,
           CAST(facts AS jsonb)
    FROM unnest(CAST(:kind AS text[]), CAST(:season AS int[]), CAST(:organizer AS text[]),
                CAST(:registrant_id AS uuid[]), CAST(:route_id AS uuid[]), CAST(:from_status AS text[]),
                CAST(:to_status AS text[]), CAST(:client_id AS text[]), CAST(:reason AS text[]),
                CAST(:facts AS text[])) WITH ORDINALITY
         AS entry (kind, season, organizer, registrant_id, route_id, from_status, to_status, client_id, reason,
                   facts, place)
    WHERE NOT EXISTS (SELECT FROM younger)
    ORDER BY place
    """
)
_COLUMNS = (
    "kind",
    "season",
    "organizer",
    "registrant_id",
    "route_id",
    "from_status",
    "to_status",
    "client_id",
    "reason",
)


async def append(session: Session, entries: Sequence[Entry], now: datetime) -> None:
    """Write `entries` in this order, in one statement. Raises `Raced`.

    A transaction that had its number before it waited for a registrant, and then builds on what a younger one did to
    it, would come first in the order of the log: it is run again under a new number.
    """
    columns: dict[str, object] = {name: [getattr(entry, name) for entry in entries] for name in _COLUMNS}
    facts = [None if entry.facts is None else orjson.dumps(entry.facts).decode() for entry in entries]
    changed = {entry.registrant_id for entry in entries if entry.registrant_id and entry.kind in OF_A_REGISTRANT}
    written = await session.execute(_APPEND, {"at": now, "facts": facts, "changed": list(changed), **columns})
    assert isinstance(written, CursorResult)  # noqa: S101 - an INSERT's result
    if written.rowcount != len(entries):
        raise Raced
    session.info[CHANGED] = True
