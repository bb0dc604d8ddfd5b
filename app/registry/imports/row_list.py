"""The verdicts of one import, row by row, in the order in which they were judged: all, or those of one result or code.

One call looks through `MOST_CHUNKS` chunks and no more. A page may therefore hold fewer rows than were asked for, also
none, and the list still goes on behind it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.registry.imports import job_runs
from app.registry.imports.job_runs import RowVerdict
from app.registry.imports.jobs import Job
from app.sql import statement
from app.vault.vault import Vault

MOST_CHUNKS = 20
"""Chunks that one call looks through: 20,000 rows."""


class RowPlace(NamedTuple):
    """A row's place among the verdicts of its job."""

    chunk: int
    row: int


BEFORE_ALL = RowPlace(0, -1)


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows: those that fit all that is given."""

    result: str | None = None
    code: str | None = None
    differing: bool = False
    """Only rows that tell something else than is stored."""

    def fits(self, verdict: RowVerdict, *, differs: bool) -> bool:
        return (
            self.result in {None, verdict.result}
            and self.code in {None, verdict.code}
            and (differs or not self.differing)
        )


@dataclass(slots=True)
class RowPage:
    rows: list[tuple[RowPlace, RowVerdict]] = field(default_factory=list)
    end: RowPlace | None = None
    """The list goes on behind this place. None: it has ended."""
    people: dict[UUID, str] = field(default_factory=dict)
    """Of whom stored values may stand in the explanations, each with the organizer."""


class _ChunkOfList(NamedTuple):
    number: int
    verdicts: bytes
    differences: bytes | None
    registrants: list[UUID]


class _RegistrantOfList(NamedTuple):
    id: UUID
    organizer: str


_NEXT = statement(
    """
    SELECT number, verdicts, differences, registrants FROM import_chunk
    WHERE job_id = :id AND number >= :least ORDER BY number LIMIT 1
    """,
    _ChunkOfList,
)
_PEOPLE = statement(
    "SELECT id, organizer_code AS organizer FROM registrant WHERE id = ANY(CAST(:ids AS uuid[]))", _RegistrantOfList
)
_EVERYBODY = statement(
    """
    SELECT r.id, r.organizer_code AS organizer FROM registrant r WHERE r.id IN (
        SELECT unnest(registrants) FROM import_chunk WHERE job_id = :id
        UNION SELECT registrant_id FROM import_missing WHERE job_id = :id
    )
    """,
    _RegistrantOfList,
)


async def page(
    session: Session, vault: Vault, job: Job, where: RowFilter, *, after: RowPlace = BEFORE_ALL, first: int
) -> RowPage:
    """Up to `first` rows behind `after`."""
    found = RowPage()
    met: set[UUID] = set()
    async for chunk in _chunks(session, job, after.chunk):
        if chunk.number >= after.chunk + MOST_CHUNKS:
            found.end = RowPlace(chunk.number, -1)
            break
        told = job_runs.differences(vault, chunk.differences)
        placed = _placed(chunk.number, job_runs.explained(chunk.verdicts, told))
        rows = [one for one in placed if one[0] > after and where.fits(one[1], differs=one[0].row in told)]
        room = first - len(found.rows)
        found.rows += rows[:room]
        met.update(chunk.registrants if any(place.row in told for place, _ in rows[:room]) else ())
        if len(rows) > room:
            found.end = found.rows[-1][0]
            break
    told_of = await session.rows(_PEOPLE, ids=sorted(met)) if met else []
    found.people = {one.id: one.organizer for one in told_of}
    return found


async def people(session: Session, job_id: UUID) -> dict[UUID, str]:
    """Whom a finished job is about, each with the organizer: of its rows and of those that it found missing."""
    return {one.id: one.organizer for one in await session.rows(_EVERYBODY, id=job_id)}


async def _chunks(session: Session, job: Job, least: int) -> AsyncIterator[_ChunkOfList]:
    while (chunk := await session.first(_NEXT, id=job.id, least=least)) is not None:
        yield chunk
        least = chunk.number + 1


def _placed(number: int, verdicts: Sequence[RowVerdict]) -> list[tuple[RowPlace, RowVerdict]]:
    return [(RowPlace(number, row), verdict) for row, verdict in enumerate(verdicts)]
