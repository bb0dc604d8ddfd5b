"""Ends that overtake their registrations: a row cancels somebody whom the registry does not know yet.

The end is remembered for the season: organizer, NIK, direction, service, and the booking code or the day of
registration. The late registration is then stale (`usang`), and takes no seat. Only rows are remembered and judged: a
GraphQL client waits for its answers, so its calls overtake nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.clock import start_of_wib_day, wib_day
from app.db import Session
from app.errors import TransitionNotAllowed
from app.models.enums import RegistrantStatus
from app.registry.registrants.uniqueness import NikOfOrganizer
from app.registry.rows.batch import Batch, NaturalKey, PlacedRow
from app.registry.rows.row import ParsedRow
from app.registry.rows.verdicts import Result, Verdict
from app.registry.values import nik
from app.sql import Arrays, statement

S = RegistrantStatus

END_REMEMBERED = nik.Warning(
    "END_REMEMBERED",
    "Orang ini belum terdaftar pada Anda, jadi periksa NIK-nya. Akhir ini dicatat: bila pendaftarannya baru tiba"
    " kemudian, pendaftaran itu dianggap usang.",
    "This person is not registered with you yet, so check the NIK. The end is remembered: if the registration arrives"
    " later, it will be stale.",
)


class EarlyEnd(NamedTuple):
    """An end that is remembered."""

    organizer: str
    nik_index: bytes
    direction: str
    service: str
    status: str
    reference: str | None
    registered_at: datetime

    @property
    def key(self) -> NaturalKey:
        return NaturalKey(
            organizer=self.organizer, nik_index=self.nik_index, direction=self.direction, service=self.service
        )


class _EarlyEndRow(NamedTuple):
    id: UUID
    organizer_code: str
    nik_index: bytes
    direction: str
    service: str
    status: str
    reference: str | None
    registered_at: datetime


class _LockOfOrganizer(NamedTuple):
    organizer: str
    ends: bool


_TURNS = Arrays("turn", _LockOfOrganizer)
# The first number may be any; it only has to be the same in every process, and another one than that of the sweep.
_LOCK = statement(
    f"""
    SELECT CASE WHEN turn.ends THEN pg_advisory_xact_lock(7045443, hashtext(turn.organizer))
                ELSE pg_advisory_xact_lock_shared(7045443, hashtext(turn.organizer)) END
    FROM (SELECT * FROM {_TURNS} ORDER BY organizer OFFSET 0) turn
    """
)
_ASKED = Arrays("asked", NikOfOrganizer)
_FIND = statement(
    f"""
    SELECT e.organizer_code AS organizer, e.nik_index, e.direction, e.service, e.status, e.reference, e.registered_at
    FROM {_ASKED}
    -- OFFSET 0 has PostgreSQL look up one NIK after the other, also in a table without statistics (see `uniqueness`).
    JOIN LATERAL (SELECT * FROM early_end WHERE nik_index = asked.nik_index OFFSET 0) e
        ON e.organizer_code = asked.organizer AND e.season = :season
    """,
    EarlyEnd,
)
_ENDS = Arrays("early", _EarlyEndRow)
_COLUMNS = ", ".join(_EarlyEndRow._fields)
_REMEMBER = statement(
    f"""
    INSERT INTO early_end ({_COLUMNS}, season, told_at) SELECT {_COLUMNS}, :season, :now FROM {_ENDS}
    ORDER BY nik_index, organizer_code, direction, service, reference, registered_at
    ON CONFLICT (nik_index, organizer_code, season, direction, service, reference, registered_at)
        DO UPDATE SET status = excluded.status, told_at = excluded.told_at
    """
)
_FORGET_PERSON = statement("DELETE FROM early_end WHERE nik_index = :nik_index RETURNING organizer_code", str)
_FORGET_SEASON = statement("DELETE FROM early_end WHERE season = :season")


async def take_turns(session: Session, ending: Sequence[str], arriving: Sequence[str]) -> None:
    """Wait until no other transaction registers whom this one does not know, and the other way round.

    Of two transactions at once, one brings the end and the other one the registration. Neither would see the other. So
    the rows of an organizer that register somebody share a lock, and an end of somebody unknown takes the lock alone.
    """
    turns = dict.fromkeys(arriving, False) | dict.fromkeys(ending, True)
    if turns:
        await session.run(_LOCK, **_TURNS.of([_LockOfOrganizer(organizer, ends) for organizer, ends in turns.items()]))


async def find(session: Session, batch: Batch, rows: Sequence[PlacedRow]) -> dict[NaturalKey, list[EarlyEnd]]:
    """What is remembered of the people of `rows`."""
    found: dict[NaturalKey, list[EarlyEnd]] = defaultdict(list)
    asked = {NikOfOrganizer(nik_index=one.row.nik_index, organizer=one.row.organizer) for one in rows}
    for end in await session.rows(_FIND, season=batch.season, **_ASKED.of(list(asked))):
        found[end.key].append(end)
    return found


async def remember(session: Session, batch: Batch, rows: Sequence[ParsedRow]) -> None:
    """Of equal ends the last one stays."""
    ends = [_written(batch, row) for row in rows]
    last = {one._replace(id=ends[0].id, status=""): one for one in ends}
    await session.run(_REMEMBER, season=batch.season, now=batch.now, **_ENDS.of(list(last.values())))


async def forget_person(session: Session, nik_index: bytes) -> set[str]:
    """Forget the ends of this NIK. Answers the organizers that had told of them."""
    return set(await session.rows(_FORGET_PERSON, nik_index=nik_index))


async def forget_season(session: Session, season: int) -> None:
    await session.run(_FORGET_SEASON, season=season)


def remembered(row: ParsedRow) -> Verdict:
    """A mistyped NIK must not pass for a cancellation: so it is said that nobody was known."""
    return Verdict(result=Result.UNCHANGED, organizer=row.organizer, warnings=(*row.nik.warnings, END_REMEMBERED))


def judge(row: ParsedRow, ends: Mapping[NaturalKey, Sequence[EarlyEnd]], key: NaturalKey) -> Verdict | None:
    """What the registration `row` is answered if its end came before it. None: it registers somebody."""
    end = next((one for one in ends.get(key, ()) if _is_of(one, row)), None)
    # Somebody who departed cannot be a no-show: that end was wrong, and is passed over.
    if end is None or (row.status is S.DEPARTED and end.status == S.NO_SHOW):
        return None
    if row.status is S.DEPARTED:
        refusal = TransitionNotAllowed("ref", status=end.status, to=row.status, allowed=())
        return Verdict(result=Result.REFUSED, refusal=refusal, organizer=row.organizer, status=S(end.status))
    return Verdict(result=Result.STALE, organizer=row.organizer, status=S(end.status), warnings=row.nik.warnings)


def _is_of(end: EarlyEnd, row: ParsedRow) -> bool:
    """Whether `end` ended the registration that `row` brings: by the booking code, or else by the time."""
    if end.reference is not None and row.reference is not None:
        return end.reference == row.reference
    return not is_later(row.registered_at, end.registered_at)


def is_later(one: datetime, other: datetime) -> bool:
    """Lists often hold no more than days. Then the days are compared."""
    if _is_day(one) or _is_day(other):
        return wib_day(one) > wib_day(other)
    return one > other


def _is_day(instant: datetime) -> bool:
    return instant == start_of_wib_day(wib_day(instant))


def _written(batch: Batch, row: ParsedRow) -> _EarlyEndRow:
    key = batch.key(row)
    return _EarlyEndRow(
        id=uuid7(),
        organizer_code=key.organizer,
        nik_index=key.nik_index,
        direction=key.direction,
        service=key.service,
        status=row.status,
        reference=row.reference,
        registered_at=row.registered_at,
    )
