"""What the people who run the registry changed, in the order of the log: policies, windows, clients, blocks, cases.

Who did it, when and why, and from what to what. Blocks and cases that come about by themselves are not among these
changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from app.changes.log.feed import AFTER, HEAD, IN_ORDER, MARK, SETTLED, Gone, Position, end_of
from app.db import Session
from app.models.administrative import ADMINISTRATIVE
from app.sql import statement

SUBJECTS = ("window", "client", "case", "block", "release", "daily", "staff", "suspected", "halted")
"""Names of facts that say what was changed. What else was changed is named by organizer and season."""
BESIDE = frozenset({*SUBJECTS, "was"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminChange:
    position: Position
    at: datetime
    kind: str
    client_id: str | None
    person: str | None
    """The e-mail of who did it on the pages."""
    organizer: str | None
    season: int | None
    subject: str | None
    route_id: UUID | None
    reason: str | None
    fields: Sequence[FieldChange]


@dataclass(frozen=True, slots=True)
class AdminPage:
    changes: Sequence[AdminChange]
    end: Position


class _AdminChangeRow(NamedTuple):
    stands: bool
    end_xact_id: int
    end_id: int
    end_mark: bytes | None
    end_at: datetime | None
    xact_id: int
    change_id: int | None
    mark: bytes | None
    at: datetime
    kind: str
    client_id: str | None
    person: str | None
    organizer: str | None
    season: int | None
    route_id: UUID | None
    reason: str | None
    facts: str | None


_PAGE = statement(
    f"""
    SELECT head.stands, head.end_xact_id, head.end_id, head.end_mark, head.end_at, item.* FROM {HEAD} head LEFT JOIN (
        SELECT CAST(CAST(c.xact_id AS text) AS bigint) AS xact_id, c.id AS change_id, {MARK} AS mark, c.at, c.kind,
               c.client_id, (SELECT staff.email FROM staff WHERE staff.id = c.client_id) AS person,
               c.organizer_code AS organizer, c.season, c.route_id, c.reason,
               CAST(c.facts AS text) AS facts
        FROM change c WHERE {AFTER} AND {SETTLED} AND {ADMINISTRATIVE}
            AND (CAST(:organizer AS text) IS NULL OR c.organizer_code = :organizer)
            AND (CAST(:kinds AS text[]) IS NULL OR c.kind = ANY(CAST(:kinds AS text[])))
        ORDER BY {IN_ORDER} LIMIT :most
    ) item ON true
    ORDER BY item.xact_id, item.change_id
    """,
    _AdminChangeRow,
)


async def page(
    session: Session,
    after: Position,
    *,
    most: int,
    organizer: str | None = None,
    kinds: Sequence[str] | None = None,
) -> AdminPage:
    """Up to `most` settled changes behind `after`: of one organizer or of all, of `kinds` or all. Raises `Gone`."""
    wanted = {"organizer": organizer, "kinds": None if kinds is None else list(kinds)}
    rows = await session.rows(_PAGE, most=most, mark=after.mark, **wanted, **after.values())
    if not rows[0].stands:
        raise Gone(after)
    changes = [_change(row, row.change_id) for row in rows if row.change_id is not None]
    return AdminPage(changes, changes[-1].position if len(changes) == most else end_of(rows[0]))


def _change(row: _AdminChangeRow, change_id: int) -> AdminChange:
    facts: dict[str, Any] = orjson.loads(row.facts or "{}")
    return AdminChange(
        position=Position(row.xact_id, change_id, row.mark, row.at),
        at=row.at,
        kind=row.kind,
        client_id=row.client_id,
        person=row.person,
        organizer=row.organizer,
        season=row.season,
        subject=next((str(facts[name]) for name in SUBJECTS if facts.get(name) is not None), None),
        route_id=row.route_id,
        reason=row.reason,
        fields=_fields(facts.get("was") or {}, {name: fact for name, fact in facts.items() if name not in BESIDE}),
    )


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldChange]:
    """What differs. Where nothing was before, or where the log of version 0.2 does not say so, `before` is None."""
    return [
        FieldChange(_of_the_schema(name), _told(before.get(name)), _told(after.get(name)))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name) or name not in before
    ]


def _of_the_schema(name: str) -> str:
    """A fact is named as in Python; `ends_on` is `endsOn` in the schema."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _told(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
