"""The change log: every accepted change is a row, written in its own transaction. A trigger keeps it append-only.

The only place that writes the log. An entry never holds a NIK or a name. In the order of (xact_id, id), no change of a
registrant comes before a change that it builds on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import orjson

from app.db import Session
from app.errors import Raced
from app.models.enums import ChangeKind
from app.sql import Arrays, statement

OF_A_REGISTRANT = frozenset(
    {
        ChangeKind.REGISTRANT_MOVED,
        ChangeKind.REGISTRANT_CORRECTED,
        ChangeKind.REGISTRANT_ERASED,
        ChangeKind.REGISTRANT_REROUTED,
        ChangeKind.REGISTRANT_RESCHEDULED,
        ChangeKind.MOTORCYCLE_HANDED_OVER,
        ChangeKind.DEADLINE_PROLONGED,
    }
)
"""Kinds that are written by whoever holds the lock of the registrant."""
_KINDS = ", ".join(f"'{kind}'" for kind in sorted(OF_A_REGISTRANT))
IS_OF_A_REGISTRANT = f"kind IN ({_KINDS})"
"""SQL: one of these kinds. An alias goes in front: `c.{IS_OF_A_REGISTRANT}`."""
IN_THE_FEED = OF_A_REGISTRANT | {ChangeKind.CASE_SETTLED, ChangeKind.CORRECTION_ASKED}
"""Kinds that the feed and a registrant's history tell. A case changes nothing of its registrant."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


class _ChangeRow(NamedTuple):
    kind: str
    season: int | None
    organizer_code: str | None
    registrant_id: UUID | None
    route_id: UUID | None
    from_status: str | None
    to_status: str | None
    client_id: str | None
    reason: str | None
    facts: Annotated[str | None, "jsonb"]


_ROWS = Arrays("entry", _ChangeRow, numbered=True)
_COLUMNS = ", ".join(_ChangeRow._fields)
_APPEND = statement(
    f"""
    WITH younger AS (
        -- OFFSET 0 has PostgreSQL go by the index, also in a table without statistics (see `uniqueness`).
        SELECT FROM unnest(CAST(:changed AS uuid[])) AS changed (id)
        JOIN LATERAL (
            -- A transaction that is younger than this one wrote lately: only the months of a day are looked into.
            SELECT xact_id FROM change
            WHERE registrant_id = changed.id AND at > CAST(:at AS timestamptz) - interval '1 day' OFFSET 0
        ) before ON true
        WHERE before.xact_id > log_transaction(pg_current_xact_id())
        LIMIT 1
    )
    INSERT INTO change (at, {_COLUMNS}) SELECT :at, {_COLUMNS} FROM {_ROWS}
    WHERE NOT EXISTS (SELECT FROM younger) ORDER BY place
    """
)


async def append(session: Session, entries: Sequence[Entry], now: datetime) -> None:
    """Write `entries` in this order, in one statement. Raises `Raced`.

    PostgreSQL numbers a transaction when it first writes. A transaction that had its number, waited for a registrant,
    and then builds on what a younger transaction did to the registrant, would come before that one in the order of the
    log. So it is run again under a new number.
    """
    changed = {entry.registrant_id for entry in entries if entry.registrant_id and entry.kind in OF_A_REGISTRANT}
    rows = _ROWS.of([_row(entry) for entry in entries])
    if await session.run(_APPEND, at=now, changed=list(changed), **rows) != len(entries):
        raise Raced
    session.wrote_change_log = True


def _row(entry: Entry) -> _ChangeRow:
    return _ChangeRow(
        kind=entry.kind,
        season=entry.season,
        organizer_code=entry.organizer,
        registrant_id=entry.registrant_id,
        route_id=entry.route_id,
        from_status=entry.from_status,
        to_status=entry.to_status,
        client_id=entry.client_id,
        reason=entry.reason,
        facts=None if entry.facts is None else orjson.dumps(entry.facts).decode(),
    )
