"""The feed: what goes out of the change log, in the order of (xact_id, id), without a gap and settled rows only.

Ids commit out of order. A row is settled when its own transaction and every older one have ended. Nothing new can come
before a settled row, so a position in the log is good for ever. How a cursor knows its row stands in `cursors`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from app.db import Session
from app.models.enums import ChangeKind
from app.registry.change_log import IN_THE_FEED
from app.registry.registrants import view
from app.registry.registrants.view import Stored
from app.sql import Statement, statement

HORIZON = "log_transaction(pg_snapshot_xmin(pg_current_snapshot()))"
"""The oldest transaction that still runs, as the log counts them."""
SETTLED = f"c.xact_id < {HORIZON}"
XACT_ID = "CAST(CAST(:xact_id AS text) AS xid8)"
"""The argument `xact_id`. The driver knows no type xid8, so it goes there as text."""
MARK_BYTES = 8
MARK = f"coalesce(substring(c.mark FROM 1 FOR {MARK_BYTES}), decode('{'00' * MARK_BYTES}', 'hex'))"
"""Random bytes of a row of `change c`. Zeros: the row is older than marks."""
POSITION = "CAST(CAST(c.xact_id AS text) AS bigint) AS xact_id, c.id"
"""The `Position` of a row of `change c`."""
PLACE = f"{POSITION}, {MARK} AS mark, c.at"
"""The same, with what a cursor needs to know of the row."""
AFTER = f"(c.xact_id, c.id) > ({XACT_ID}, CAST(:change_id AS bigint))"
"""The condition for rows of `change c` behind a position. The arguments are the position's `values()`."""
IN_ORDER = "c.xact_id, c.id"


STANDS = f"""
    CASE WHEN CAST(:change_id AS bigint) = 0 THEN {XACT_ID} <= {HORIZON}
         ELSE coalesce((
             SELECT CAST(:mark AS bytea) IS NULL OR {MARK} = :mark FROM change c
             WHERE c.xact_id = {XACT_ID} AND c.id = CAST(:change_id AS bigint) LIMIT 1
         ), false) END
"""
"""Whether the row of a position is there. The arguments are the position's `values()` and its `mark`."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A row of the log. Reading goes on behind it."""

    xact_id: int
    id: int
    mark: bytes | None = field(default=None, compare=False, repr=False)
    """`MARK` of the row. None: the position is not from a cursor, or from one of version 0.3."""
    at: datetime | None = field(default=None, compare=False, repr=False)
    """When the row was written. It is known where the mark is."""

    def values(self) -> dict[str, object]:
        """The arguments of `AFTER`."""
        return {"xact_id": str(self.xact_id), "change_id": self.id}


START = Position(0, 0)
"""The position before the first row of the log."""


class Gone(Exception):  # noqa: N818 - an answer
    """The row of a position is not in this log: a failover or a restore has lost it, or it was purged."""

    def __init__(self, position: Position) -> None:
        super().__init__(position)
        self.position = position


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


_KINDS = ", ".join(f"'{kind}'" for kind in sorted(IN_THE_FEED))
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
LAST_SETTLED = f"""
    SELECT CAST(CAST(c.xact_id AS text) AS bigint) AS end_xact_id, c.id AS end_id, {MARK} AS end_mark, c.at AS end_at
    FROM change c WHERE {SETTLED} ORDER BY c.xact_id DESC, c.id DESC LIMIT 1
"""
HEAD = f"""
    (SELECT {STANDS} AS stands, {IS_HELD_BACK} AS held_back, coalesce(last.end_xact_id, 0) AS end_xact_id,
            coalesce(last.end_id, 0) AS end_id, last.end_mark, last.end_at
     FROM (VALUES (1)) AS one LEFT JOIN ({LAST_SETTLED}) last ON true)
"""
"""What each page tells of the log, as a row: whether the position behind which it reads stands, and where the log ends.
The arguments are those of `STANDS`.
"""
# PostgreSQL makes one plan for all arguments, and that plan must do in a log of millions of rows. So the limit is no
# argument, the question about the newest row is no EXISTS, and each registrant is looked up for its change.
_PAGE = f"""
    SELECT head.*, item.* FROM {HEAD} head LEFT JOIN (
        SELECT CAST(CAST(c.xact_id AS text) AS bigint) AS xact_id, c.id AS change_id, {MARK} AS mark, {{shown}},
               registrant.*
        FROM ({{changes}}) c
        CROSS JOIN LATERAL (SELECT {view.COLUMNS} FROM {view.FROM} WHERE r.id = c.registrant_id OFFSET 0) registrant
    ) item ON true
    ORDER BY item.xact_id, item.change_id
"""
_SHOWN = f"""
    c.at, c.kind, CASE WHEN c.kind = '{ChangeKind.REGISTRANT_MOVED}' THEN c.from_status END AS from_status,
    CASE WHEN c.kind = '{ChangeKind.REGISTRANT_MOVED}' THEN c.to_status END AS to_status, c.reason
"""


class Head(NamedTuple):
    """`HEAD`, as a row tells it."""

    stands: bool
    held_back: bool
    end_xact_id: int
    end_id: int
    end_mark: bytes | None
    end_at: datetime | None


class HasHead(Protocol):
    """A row that tells `HEAD` beside other columns."""

    @property
    def end_xact_id(self) -> int: ...
    @property
    def end_id(self) -> int: ...
    @property
    def end_mark(self) -> bytes | None: ...
    @property
    def end_at(self) -> datetime | None: ...


@dataclass(slots=True, kw_only=True)
class _PageRow(Stored):
    """A page without any change is one row, in which only the columns of `HEAD` have a value."""

    stands: bool
    held_back: bool
    end_xact_id: int
    end_id: int
    end_mark: bytes | None
    end_at: datetime | None
    xact_id: int
    change_id: int | None
    mark: bytes | None
    at: datetime
    kind: str
    from_status: str | None
    to_status: str | None
    reason: str | None


class _PastChange(NamedTuple):
    registrant_id: UUID
    xact_id: int
    change_id: int
    mark: bytes | None
    placed_at: datetime | None
    at: datetime
    kind: str
    from_status: str | None
    to_status: str | None
    reason: str | None


@cache
def _page(changes: str, most: int) -> Statement[_PageRow]:
    return statement(_PAGE.format(changes=changes.format(most=most), shown=_SHOWN), _PageRow)


_PAGES = (_page(_EVERYONES, 1), _page(_OF_SOME, 1))
_HORIZON = statement(f"SELECT * FROM {HEAD} head", Head)
# Whoever has just written a change reads it here before it is settled. Then its cursor is that of the last settled row:
# whoever goes on from there gets the change again, and misses no older one that ended later.
_HISTORIES = statement(
    f"""
    SELECT c.registrant_id,
           CASE WHEN {SETTLED} THEN CAST(CAST(c.xact_id AS text) AS bigint) ELSE coalesce(last.end_xact_id, 0) END
               AS xact_id,
           CASE WHEN {SETTLED} THEN c.id ELSE coalesce(last.end_id, 0) END AS change_id,
           CASE WHEN {SETTLED} THEN {MARK} ELSE last.end_mark END AS mark,
           CASE WHEN {SETTLED} THEN c.at ELSE last.end_at END AS placed_at, {_SHOWN}
    FROM change c LEFT JOIN ({LAST_SETTLED}) last ON true
    WHERE c.registrant_id = ANY(CAST(:ids AS uuid[])) AND c.kind IN ({_KINDS}) ORDER BY {IN_ORDER}
    """,
    _PastChange,
)


async def page(session: Session, organizers: Collection[str] | None, after: Position, *, most: int) -> FeedPage:
    """Up to `most` settled changes behind `after`: of some organizers, or (None) of all. Raises `Gone`.

    A position whose row is not there was read in another history than this one.
    """
    given: dict[str, object] = {**after.values(), "mark": after.mark}
    if organizers is None:
        rows = await session.rows(_page(_EVERYONES, most), **given)
    else:
        rows = await session.rows(_page(_OF_SOME, most), organizers=sorted(organizers), **given)
    head = rows[0]
    if not head.stands:
        raise Gone(after)
    items = [FeedItem(_change(row, row.change_id), row) for row in rows if row.change_id is not None]
    more = len(items) == most
    return FeedPage(items, items[-1].change.position if more else end_of(head), more, head.held_back)


async def horizon(session: Session) -> Position:
    """The last row that is settled now."""
    head = await session.one(_HORIZON, **START.values(), mark=None)
    return end_of(head)


def end_of(head: HasHead) -> Position:
    """The last settled row: everything up to there can be read."""
    return Position(head.end_xact_id, head.end_id, head.end_mark, head.end_at)


async def histories(session: Session, ids: Sequence[UUID]) -> list[list[RegistrantChange]]:
    """All changes of each registrant, the oldest first."""
    found: dict[UUID, list[RegistrantChange]] = defaultdict(list)
    for row in await session.rows(_HISTORIES, ids=list(ids)):
        found[row.registrant_id].append(_change(row, row.change_id))
    return [found[one] for one in ids]


def _change(row: _PageRow | _PastChange, change_id: int) -> RegistrantChange:
    placed_at = row.placed_at if isinstance(row, _PastChange) else row.at
    return RegistrantChange(
        position=Position(row.xact_id, change_id, row.mark, placed_at),
        at=row.at,
        kind=row.kind,
        from_status=row.from_status,
        to_status=row.to_status,
        reason=row.reason,
    )
