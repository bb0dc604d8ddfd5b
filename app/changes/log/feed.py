"""The order of the change log, and how it is read without a gap: by (xact_id, id), settled rows only.

Ids commit out of order. A row is settled when every transaction that is older than its own or as old has ended; what is
settled never gets a predecessor any more, so a position in the log is good for ever.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from struct import Struct
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, text

from app.db import Session
from app.models.enums import ChangeKind
from app.registry.change_log import OF_A_REGISTRANT
from app.registry.registrants import record

_VERSION = b"\x01"
_PLACE = Struct(">qq")

HORIZON = "log_transaction(pg_snapshot_xmin(pg_current_snapshot()))"
"""The oldest transaction that still runs, as the log counts them."""
SETTLED = f"c.xact_id < {HORIZON}"
AFTER = "(c.xact_id, c.id) > (CAST(CAST(:xact_id AS text) AS xid8), CAST(:change_id AS bigint))"
"""Of rows of `change c` behind a position, whose `values()` are the parameters."""
IN_ORDER = "c.xact_id, c.id"


class InvalidCursor(ValueError):  # noqa: N818 - an answer
    """What was given is no cursor of ours."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A row of the log; behind it reading goes on."""

    xact_id: int
    id: int

    def values(self) -> dict[str, Any]:
        return {"xact_id": str(self.xact_id), "change_id": self.id}


START = Position(0, 0)
"""Before the first row."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one registrant."""

    position: Position
    at: datetime
    kind: str
    from_status: str | None
    to_status: str | None
    """None: its status stayed."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """A change and its registrant as it is now, sealed: a row for `registry.record`."""

    change: Change
    registrant: Any
    shown: dict[bool, Any] = field(default_factory=dict, compare=False, repr=False)
    """As its owner (True) or anybody else sees it: made once for all who follow."""


@dataclass(frozen=True, slots=True)
class Page:
    items: Sequence[Item]
    end: Position
    """Everything up to here was read."""
    more: bool
    """Whether there may be more that is settled."""
    held_back: bool
    """Whether something is committed that waits for an older transaction to end."""


_COLUMNS = """
    c.xact_id::text::bigint AS xact_id, c.id AS change_id, c.at, c.kind, c.from_status, c.to_status, c.reason AS why
"""
_KINDS = ", ".join(f"'{kind}'" for kind in sorted(OF_A_REGISTRANT))
_BEHIND = f"{AFTER} AND {SETTLED} AND c.kind IN ({_KINDS}) ORDER BY {IN_ORDER} LIMIT {{most}}"
_EVERYONES = f"SELECT c.* FROM change c WHERE {_BEHIND}"
# The changes of each organizer are read off its own part of the index, however many there are of others.
_OF_SOME = f"""
    SELECT c.* FROM unnest(CAST(:organizers AS text[])) AS own (organizer)
    CROSS JOIN LATERAL (SELECT c.* FROM change c WHERE c.organizer_code = own.organizer AND {_BEHIND}) c
    ORDER BY {IN_ORDER} LIMIT {{most}}
"""
_NEWEST = "(SELECT c.xact_id FROM change c ORDER BY c.xact_id DESC, c.id DESC LIMIT 1)"
IS_HELD_BACK = f"COALESCE({_NEWEST} >= {HORIZON}, false)"
"""Whether something is committed that is not settled yet."""
# One plan serves for all values, and it must do so in a log of millions: so the limit is no parameter, what is asked of
# the newest row is no EXISTS, and each registrant is looked up for its change.
_PAGE = f"""
    SELECT {HORIZON}::text::bigint AS horizon, {IS_HELD_BACK} AS held_back, item.*
    FROM (VALUES (1)) AS one LEFT JOIN (
        SELECT {_COLUMNS}, registrant.* FROM ({{changes}}) c
        CROSS JOIN LATERAL (SELECT {record.COLUMNS} FROM {record.FROM} WHERE r.id = c.registrant_id OFFSET 0) registrant
    ) item ON true
    ORDER BY item.xact_id, item.change_id
"""
_HORIZON = text(f"SELECT {HORIZON}::text::bigint")
# Who just wrote a change reads it here before it is settled. Its cursor is then that of the horizon: whoever goes on
# from there gets it again, and misses nothing that was older and ended later.
_HISTORIES = text(
    f"""
    SELECT c.registrant_id, LEAST(c.xact_id, {HORIZON})::text::bigint AS xact_id,
           CASE WHEN {SETTLED} THEN c.id ELSE 0 END AS change_id, c.at, c.kind, c.from_status, c.to_status,
           c.reason AS why
    FROM change c WHERE c.registrant_id = ANY(CAST(:ids AS uuid[])) AND c.kind IN ({_KINDS}) ORDER BY c.xact_id, c.id
    """
)


@lru_cache(maxsize=512)
def _page(changes: str, most: int) -> TextClause:
    return text(_PAGE.format(changes=changes.format(most=most)))


async def page(session: Session, organizers: Collection[str] | None, after: Position, *, most: int) -> Page:
    """Up to `most` settled changes behind `after`: of some organizers, or (None) of all. Raises `InvalidCursor`.

    A position that the log has not come to was read in a database that is not this one any more.
    """
    values = after.values()
    if organizers is not None:
        values["organizers"] = sorted(organizers)
    rows = (await session.execute(_page(_EVERYONES if organizers is None else _OF_SOME, most), values)).all()
    end = Position(rows[0].horizon, 0)
    if after > end:
        raise InvalidCursor
    items = [Item(_change(row), row) for row in rows if row.change_id is not None]
    more = len(items) == most
    return Page(items, items[-1].change.position if more else end, more, rows[0].held_back)


async def horizon(session: Session) -> Position:
    """Behind everything that is settled now."""
    return Position((await session.execute(_HORIZON)).scalar_one(), 0)


async def histories(session: Session, ids: Sequence[UUID]) -> list[list[Change]]:
    """All changes of each registrant, the oldest first."""
    found: dict[UUID, list[Change]] = defaultdict(list)
    for row in await session.execute(_HISTORIES, {"ids": list(ids)}):
        found[row.registrant_id].append(_change(row))
    return [found[one] for one in ids]


def cursor(position: Position) -> str:
    return urlsafe_b64encode(_VERSION + _PLACE.pack(position.xact_id, position.id)).rstrip(b"=").decode()


def position(cursor_: str) -> Position:
    """Raises `InvalidCursor`."""
    try:
        raw = urlsafe_b64decode(cursor_ + "=" * (-len(cursor_) % 4))
    except ValueError:
        raise InvalidCursor from None
    if raw[:1] != _VERSION or len(raw) != 1 + _PLACE.size:
        raise InvalidCursor
    found = Position(*_PLACE.unpack(raw[1:]))
    if cursor(found) != cursor_ or min(found.xact_id, found.id) < 0:
        raise InvalidCursor
    return found


def _change(row: Row[Any]) -> Change:
    moved = row.kind == ChangeKind.REGISTRANT_MOVED
    return Change(
        Position(row.xact_id, row.change_id),
        row.at,
        row.kind,
        row.from_status if moved else None,
        row.to_status if moved else None,
        row.why,
    )
