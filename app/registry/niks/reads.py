"""Who read lists of people (UU 27/2022 art. 7, 46): one row for each answer, written before it leaves, never changed.

A row says which client read, what, by which filter, how many people, and the first and the last of them. Up to
`MOST_NAMED` people are named by their ids; a longer read is bounded: by its first and last id, its organizers and its
filter. So `breach` and `subject_access` can say afterwards who was read. A subscription writes two rows for each minute
in which it was shown somebody: the first when the minute begins, and another that stands for it when the minute ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from app.db import Session
from app.registry.caller import Caller
from app.registry.niks.access_log import COMMAND_LINE
from app.sql import statement

MOST_NAMED = 1_000
"""People that a row names one by one."""
STRETCH = timedelta(minutes=1)
"""What a subscription shows within this time is one read."""

_STRETCH_SECONDS = int(STRETCH.total_seconds())
MAY_BE_IN = f"""
    (r.organizer_code = ANY(p.organizers) AND CASE
        WHEN p.until IS NULL THEN r.arrived_at < p.at + interval '{_STRETCH_SECONDS} seconds'
        ELSE r.id BETWEEN p.first_id AND p.last_id
            AND coalesce(CAST(p.asked ->> 'season' AS int) = r.season, true)
            AND coalesce(p.asked ->> 'direction' = r.direction, true)
    END)
"""
"""Whether the registrant `r` may have been in a read `p` that names nobody, or whose end nobody wrote down. What of a
registrant can change does not count.
"""
STANDS = "(p.until IS NOT NULL OR NOT EXISTS (SELECT FROM people_read e WHERE e.ends = p.id AND e.at = p.at))"
"""Whether no other row stands for the read `p`, as it does when a minute of a subscription has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    caller: Caller
    what: str
    """The root fields of GraphQL, or the path."""
    people: Mapping[UUID, str]
    """Who was shown, each with the organizer."""
    asked: Mapping[str, object] = field(default_factory=dict)
    """The filter, without anything that tells who somebody is."""
    purpose: str | None = None
    """What for, in the words of whoever reads. It is erased with each of the people."""
    unfound: Sequence[bytes] = ()
    """The blind indexes of the NIKs that were looked up for the purpose and found nobody."""
    is_slice: bool = False
    """Everybody between the first and the last who fits is in it: then nobody need be named."""


_RECORD = statement(
    """
    INSERT INTO people_read (at, until, client_id, organizer_code, what, asked, purpose, unfound, count, first_id,
                             last_id, organizers, people)
    VALUES (:at, :until, :client_id, :organizer, :what, CAST(:asked AS jsonb), :purpose, CAST(:unfound AS bytea[]),
            :count, :first_id, :last_id, CAST(:organizers AS text[]), CAST(:people AS uuid[]))
    RETURNING id
    """,
    int,
)
_END = statement(
    """
    INSERT INTO people_read (at, until, ends, client_id, organizer_code, what, asked, count, first_id, last_id,
                             organizers, people)
    SELECT at, :until, id, client_id, organizer_code, what, asked, :count, :first_id, :last_id,
           CAST(:organizers AS text[]), CAST(:people AS uuid[])
    FROM people_read WHERE id = :id
    """
)


async def record(session: Session, read: Read, now: datetime, *, goes_on: bool = False) -> int:
    """Write down one read. One that `goes_on` has an `end`. Answers its number."""
    return await session.one(
        _RECORD,
        at=now,
        until=None if goes_on else now,
        client_id=read.caller.client_id or COMMAND_LINE,
        organizer=read.caller.organizer,
        what=read.what,
        asked=orjson.dumps(dict(read.asked), default=str).decode(),
        purpose=read.purpose,
        unfound=list(read.unfound) or None,
        **_who(read),
    )


async def end(session: Session, number: int, read: Read, now: datetime) -> None:
    """Write down whom a read that went on has been shown up to now."""
    await session.run(_END, id=number, until=now, **_who(read))


def _who(read: Read) -> dict[str, object]:
    people = sorted(read.people)
    named = not read.is_slice and len(people) <= MOST_NAMED
    return {
        "count": len(people),
        "first_id": people[0] if people else None,
        "last_id": people[-1] if people else None,
        "organizers": sorted(set(read.people.values())),
        "people": people if named else None,
    }
