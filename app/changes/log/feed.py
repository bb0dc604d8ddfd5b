"""The feed: what goes out of the change log, in the order of (xact_id, id), without a gap and settled rows only.

Ids commit out of order. A row is settled when its own transaction and every older one have ended. Nothing new can come
before a settled row, so a position in the log is good for ever.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

from app.db import Session
from app.models.enums import ChangeKind
from app.registry.change_log import OF_A_REGISTRANT
from app.registry.registrants import view
from app.registry.registrants.view import Stored
from app.sql import Statement, statement

_VERSION = b"\x01"
_PLACE = Struct(">qq")

HORIZON = "log_transaction(pg_snapshot_xmin(pg_current_snapshot()))"
"""The oldest transaction that still runs, as the log counts them."""
SETTLED = f"c.xact_id < {HORIZON}"
XACT_ID = "CAST(CAST(:xact_id AS text) AS xid8)"
"""The argument `xact_id`. The driver knows no type xid8, so it goes there as text."""
POSITION = "CAST(CAST(c.xact_id AS text) AS bigint) AS xact_id, c.id"
"""The `Position` of a row of `change c`."""
AFTER = f"(c.xact_id, c.id) > ({XACT_ID}, CAST(:change_id AS bigint))"
"""The condition for rows of `change c` behind a position. The arguments are the position's `values()`."""
IN_ORDER = "c.xact_id, c.id"


class InvalidCursor(ValueError):  # noqa: N818 - an answer
    """What was given is no cursor of ours."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A row of the log. Reading goes on behind it."""

    xact_id: int
    id: int

    def values(self) -> dict[str, object]:
        """The arguments of `AFTER`."""
        return {"xact_id": str(self.xact_id), "change_id": self.id}


START = Position(0, 0)
"""The position before the first row of the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrantChange:
    """One change of one registrant."""

    position: Position
    at: datetime
    kind: str
    from_status: str | None
    to_status: str | None
    """None: its status stayed."""
    reason: str | None


@dataclass(frozen=True, slots=True)
class FeedItem:
    """A change, and its registrant as it is now."""

    change: RegistrantChange
    registrant: Stored
    """Still sealed: `registrants.view` shows it to a caller."""
    shown: dict[bool, Any] = field(default_factory=dict, compare=False, repr=False)
    """As its owner sees it (True), or anybody else: made once for all who follow."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    items: Sequence[FeedItem]
    end: Position
    """Everything up to here was read."""
    more: bool
    """Whether there may be more that is settled."""
    held_back: bool
    """Whether something is committed that waits for an older transaction to end."""


_KINDS = ", ".join(f"'{kind}'" for kind in sorted(OF_A_REGISTRANT))
_BEHIND = f"{AFTER} AND {SETTLED} AND c.kind IN ({_KINDS}) ORDER BY {IN_ORDER} LIMIT {{most}}"
_EVERYONES = f"SELECT c.* FROM change c WHERE {_BEHIND}"
# The changes of each organizer come from its own part of the index, however many changes others have.
_OF_SOME = f"""
    SELECT c.* FROM unnest(CAST(:organizers AS text[])) AS own (organizer)
    CROSS JOIN LATERAL (SELECT c.* FROM change c WHERE c.organizer_code = own.organizer AND {_BEHIND}) c
    ORDER BY {IN_ORDER} LIMIT {{most}}
"""
_NEWEST = "(SELECT c.xact_id FROM change c ORDER BY c.xact_id DESC, c.id DESC LIMIT 1)"
IS_HELD_BACK = f"COALESCE({_NEWEST} >= {HORIZON}, false)"
"""Whether something is committed that is not settled yet."""
# PostgreSQL makes one plan for all arguments, and that plan must do in a log of millions of rows. So the limit is no
# argument, the question about the newest row is no EXISTS, and each registrant is looked up for its change.
_PAGE = f"""
    SELECT CAST(CAST({HORIZON} AS text) AS bigint) AS horizon, {IS_HELD_BACK} AS held_back, item.*
    FROM (VALUES (1)) AS one LEFT JOIN (
        SELECT CAST(CAST(c.xact_id AS text) AS bigint) AS xact_id, c.id AS change_id, {{shown}}, registrant.*
        FROM ({{changes}}) c
        CROSS JOIN LATERAL (SELECT {view.COLUMNS} FROM {view.FROM} WHERE r.id = c.registrant_id OFFSET 0) registrant
    ) item ON true
    ORDER BY item.xact_id, item.change_id
"""
_SHOWN = f"""
    c.at, c.kind, CASE WHEN c.kind = '{ChangeKind.REGISTRANT_MOVED}' THEN c.from_status END AS from_status,
    CASE WHEN c.kind = '{ChangeKind.REGISTRANT_MOVED}' THEN c.to_status END AS to_status, c.reason
"""


@dataclass(slots=True, kw_only=True)
class _PageRow(Stored):
    """A page without any change is one row, in which only `horizon` and `held_back` have a value."""

    horizon: int
    held_back: bool
    xact_id: int
    change_id: int | None
    at: datetime
    kind: str
    from_status: str | None
    to_status: str | None
    reason: str | None


class _Past(NamedTuple):
    registrant_id: UUID
    xact_id: int
    change_id: int
    at: datetime
    kind: str
    from_status: str | None
    to_status: str | None
    reason: str | None


@cache
def _page(changes: str, most: int) -> Statement[_PageRow]:
    return statement(_PAGE.format(changes=changes.format(most=most), shown=_SHOWN), _PageRow)


_PAGES = (_page(_EVERYONES, 1), _page(_OF_SOME, 1))
_HORIZON = statement(f"SELECT CAST(CAST({HORIZON} AS text) AS bigint)", int)
# Whoever has just written a change reads it here before it is settled. Then its cursor is that of the horizon: whoever
# goes on from there gets the change again, and misses no older one that ended later.
_HISTORIES = statement(
    f"""
    SELECT c.registrant_id, CAST(CAST(least(c.xact_id, {HORIZON}) AS text) AS bigint) AS xact_id,
           CASE WHEN {SETTLED} THEN c.id ELSE 0 END AS change_id, {_SHOWN}
    FROM change c WHERE c.registrant_id = ANY(CAST(:ids AS uuid[])) AND c.kind IN ({_KINDS}) ORDER BY {IN_ORDER}
    """,
    _Past,
)


async def page(session: Session, organizers: Collection[str] | None, after: Position, *, most: int) -> FeedPage:
    """Up to `most` settled changes behind `after`: of some organizers, or (None) of all. Raises `InvalidCursor`.

    A position that the log has not reached was read in another database than this one.
    """
    if organizers is None:
        rows = await session.rows(_page(_EVERYONES, most), **after.values())
    else:
        rows = await session.rows(_page(_OF_SOME, most), organizers=sorted(organizers), **after.values())
    end = Position(rows[0].horizon, 0)
    if after > end:
        raise InvalidCursor
    items = [FeedItem(_change(row, row.change_id), row) for row in rows if row.change_id is not None]
    more = len(items) == most
    return FeedPage(items, items[-1].change.position if more else end, more, rows[0].held_back)


async def horizon(session: Session) -> Position:
    """The position behind everything that is settled now."""
    return Position(await session.one(_HORIZON), 0)


async def histories(session: Session, ids: Sequence[UUID]) -> list[list[RegistrantChange]]:
    """All changes of each registrant, the oldest first."""
    found: dict[UUID, list[RegistrantChange]] = defaultdict(list)
    for row in await session.rows(_HISTORIES, ids=list(ids)):
        found[row.registrant_id].append(_change(row, row.change_id))
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


def _change(row: _PageRow | _Past, change_id: int) -> RegistrantChange:
    return RegistrantChange(
        position=Position(row.xact_id, change_id),
        at=row.at,
        kind=row.kind,
        from_status=row.from_status,
        to_status=row.to_status,
        reason=row.reason,
    )
