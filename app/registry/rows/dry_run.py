"""A dry run: rows are judged by the rules themselves, in transactions that are rolled back, so nothing is changed.

A file is judged part by part. Before a part is judged, the seats that the parts before it took are put in. Rows of one
NIK have to be in one part: then whoever is in the file twice, or comes for the way back, is judged right as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Database, Session
from app.registry.caller import Caller
from app.registry.niks.telling import Naming
from app.registry.rows import reception
from app.registry.rows.reception import Push, Verdict
from app.sql import Arrays, statement
from app.vault.vault import Vault

SeatsTaken = Mapping[UUID, int]
"""How many seats the file has taken so far, by the ids of the routes that have a quota."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """The dry run of one part of a file."""

    verdicts: list[Verdict]
    seats: SeatsTaken
    """The seats that this part and all before it have taken."""
    named: list[Naming]
    """NIKs that are not the organizer's own. Hand them to `telling.tell_rehearsed` before a verdict is told."""

    @property
    def moved(self) -> int:
        """How many rows would put somebody on another route, or under a clearly different name."""
        return sum(one.moved for one in self.verdicts)


class _DryRunUndone(Exception):  # noqa: N818 - an outcome
    """Rolls back."""


class _TakenOfRoute(NamedTuple):
    route_id: UUID
    seats: int


_FILE = Arrays("had", _TakenOfRoute)
_LIMITED = "quota IS NOT NULL AND organizer_code = ANY(CAST(:own AS text[]))"
_TAKEN = statement(f"SELECT id AS route_id, taken AS seats FROM route WHERE {_LIMITED}", _TakenOfRoute)
_TAKE = statement(
    f"""
    WITH had AS (
        SELECT route.id, had.seats FROM route JOIN {_FILE} ON had.route_id = route.id
        WHERE {_LIMITED} ORDER BY route.id FOR NO KEY UPDATE OF route
    )
    UPDATE route SET taken = greatest(0, least(quota, taken + had.seats)) FROM had WHERE had.id = route.id
    """
)


async def push(
    database: Database, vault: Vault, caller: Caller, pushes: Sequence[Push], seats: SeatsTaken, now: datetime
) -> DryRun:
    """What `reception.push` would answer behind the parts that took `seats`."""
    found: list[DryRun] = []

    async def judge(session: Session) -> None:
        session.rehearsed = []
        own = sorted(caller.organizers)
        had = [_TakenOfRoute(route_id=route, seats=count) for route, count in seats.items()]
        await session.run(_TAKE, own=own, **_FILE.of(had))
        before = await _taken(session, own)
        verdicts = await reception.push(session, vault, pushes, now)
        after = await _taken(session, own)
        more = {route: seats.get(route, 0) + taken - before.get(route, 0) for route, taken in after.items()}
        found.append(DryRun(verdicts, {route: count for route, count in more.items() if count}, session.rehearsed))
        raise _DryRunUndone

    with suppress(_DryRunUndone):
        await database.attempt(judge)
    return found[-1]


async def _taken(session: Session, own: Sequence[str]) -> dict[UUID, int]:
    return {one.route_id: one.seats for one in await session.rows(_TAKEN, own=list(own))}
