"""Who read lists of people (UU 27/2022 art. 7, 46): one row for each answer, written before it leaves.

A row says which client read, what, by which filter, how many people, and the first and the last of them. Up to
`MOST_NAMED` people are named by their ids; a longer read is bounded: by its first and last id, its organizers and its
filter. So `breach` and `subject_access` can say afterwards who was read. A subscription writes a row for each minute in
which it was shown somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
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
"""What a subscription shows within this time is one row of the access log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    caller: Caller
    what: str
    """The root fields of GraphQL, or the path."""
    people: Mapping[UUID, str]
    """Who was shown, each with the organizer."""
    asked: Mapping[str, object] = field(default_factory=dict)
    """The filter, without anything that tells who somebody is."""
    is_slice: bool = False
    """Everybody between the first and the last who fits is in it: then nobody need be named."""


_RECORD = statement(
    """
    INSERT INTO people_read (at, until, client_id, organizer_code, what, asked, count, first_id, last_id, organizers,
                             people)
    VALUES (:at, :until, :client_id, :organizer, :what, CAST(:asked AS jsonb), :count, :first_id, :last_id,
            CAST(:organizers AS text[]), CAST(:people AS uuid[]))
    RETURNING id
    """,
    int,
)
_GO_ON = statement(
    """
    UPDATE people_read SET until = :until, count = :count, first_id = :first_id, last_id = :last_id,
        organizers = CAST(:organizers AS text[]), people = CAST(:people AS uuid[])
    WHERE id = :id
    """
)
_FORGET = statement("DELETE FROM people_read WHERE at < :until")


async def record(session: Session, read: Read, now: datetime, *, goes_on: bool = False) -> int:
    """Write down one read of at least one person. One that `goes_on` has an `end`. Answers its number."""
    return await session.one(
        _RECORD,
        at=now,
        until=None if goes_on else now,
        client_id=read.caller.client_id or COMMAND_LINE,
        organizer=read.caller.organizer,
        what=read.what,
        asked=orjson.dumps(dict(read.asked), default=str).decode(),
        **_who(read),
    )


async def end(session: Session, number: int, read: Read, now: datetime) -> None:
    """Write down whom a read that went on has been shown up to now."""
    await session.run(_GO_ON, id=number, until=now, **_who(read))


async def forget(session: Session, until: datetime) -> None:
    await session.run(_FORGET, until=until)


def _who(read: Read) -> dict[str, object]:
    people = sorted(read.people)
    named = not read.is_slice and len(people) <= MOST_NAMED
    return {
        "count": len(people),
        "first_id": people[0],
        "last_id": people[-1],
        "organizers": sorted(set(read.people.values())),
        "people": people if named else None,
    }
