"""A dry run: rows are judged by the rules themselves, in transactions that are rolled back, so nothing is changed.

What one part of a file did to the next is put in before it is judged: the seats that it took. Rows of one NIK have to
be in one part; then whoever is in the file twice, or comes for the way back, is judged right as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db import Database, Session
from app.registry.caller import Caller
from app.registry.rows import reception
from app.registry.rows.reception import Push, Verdict
from app.vault.vault import Vault

Seats = Mapping[UUID, int]
"""Of routes with a quota: how many seats the file has taken so far."""


@dataclass(frozen=True, slots=True)
class Judged:
    verdicts: list[Verdict]
    seats: Seats


class _Undone(Exception):  # noqa: N818 - an outcome
    """Rolls back."""


_LIMITED = "quota IS NOT NULL AND organizer_code = ANY(CAST(:own AS text[]))"
_TAKEN = text(f"SELECT id, taken FROM route WHERE {_LIMITED}")
_TAKE = text(
    f"""
    WITH had AS (
        SELECT route.id, had.seats FROM route
        JOIN unnest(CAST(:ids AS uuid[]), CAST(:seats AS int[])) AS had (id, seats) ON had.id = route.id
        WHERE {_LIMITED} ORDER BY route.id FOR NO KEY UPDATE OF route
    )
    UPDATE route SET taken = greatest(0, least(quota, taken + had.seats)) FROM had WHERE had.id = route.id
    """
)


async def push(
    database: Database, vault: Vault, caller: Caller, pushes: Sequence[Push], seats: Seats, now: datetime
) -> Judged:
    """What `reception.push` would answer behind the parts that took `seats`."""
    found: list[Judged] = []

    async def judge(session: Session) -> None:
        own = sorted(caller.organizers)
        await session.execute(_TAKE, {"own": own, "ids": list(seats), "seats": list(seats.values())})
        before = await _taken(session, own)
        verdicts = await reception.push(session, vault, pushes, now)
        after = await _taken(session, own)
        more = {route: seats.get(route, 0) + taken - before.get(route, 0) for route, taken in after.items()}
        found.append(Judged(verdicts, {route: count for route, count in more.items() if count}))
        raise _Undone

    with suppress(_Undone):
        await database.attempt(judge)
    return found[-1]


async def _taken(session: Session, own: Sequence[str]) -> dict[UUID, int]:
    return {row.id: row.taken for row in await session.execute(_TAKEN, {"own": list(own)})}
