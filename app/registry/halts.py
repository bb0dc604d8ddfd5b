"""A halt: a sweep that would end unusually many people of one organizer at once waits for Hubdat's word.

A clock, a deadline or a departure that is wrong would else forfeit and block thousands within a minute. The sweep
halts when more than `MOST_PEOPLE` of an organizer are due and they are more than `MOST_SHARE` of its holders: of one
season, or of all in which some are due. The sweep of other organizers goes on. Hubdat's word is for one organizer, one
end and what was due up to an instant. The word is used up by the next sweep, so that it opens no door for later.

The table `sweep_halt` has a row for each halt. Judging, ending and the word hold the same lock, one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from app import language as words
from app.db import Session
from app.errors import InvalidValue, NotFound, refuses
from app.models.enums import ChangeKind, RegistrantStatus
from app.registry import change_log, outages
from app.registry.caller import Caller
from app.registry.terms.policy import HUBDAT
from app.registry.values.texts import reason_given
from app.sql import Arrays, statement

MOST_PEOPLE = 100
MOST_SHARE = 0.05
"""Of those who hold a seat or have travelled with the organizer. An older season that is open still hides nobody."""
RUNNERS_DIFFER_BY = timedelta(minutes=10)
"""Sweeps that run side by side go by instants that differ by less."""
DUTIES = {RegistrantStatus.FORFEITED: 0, RegistrantStatus.NO_SHOW: 1}
"""The ends that the registry brings about, each with the number of the lock of its runner."""
RUNNERS = 7045442
"""The first number of these locks. The number may be any; it only has to be the same in every process."""


class Due(NamedTuple):
    """Whom a sweep would end now, of one organizer in a season. Whoever has Hubdat's word is left out."""

    organizer: str
    season: int
    people: Annotated[int, "bigint"]
    until: datetime
    """When the last of them fell due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    organizer: str
    ends: str
    """What they would become."""
    people: int
    """How many are due."""
    holders: int
    """How many hold a seat with the organizer, or have travelled, in the seasons of those who are due."""
    until: datetime
    """When the last of them fell due."""
    since: datetime
    allowed_until: datetime | None
    """Hubdat's word, until the next sweep has used it up."""


class _JudgedOrganizer(NamedTuple):
    organizer: str
    people: int
    holders: int
    until: datetime
    is_new: bool


_DUE = Arrays("due", Due)
# Routes have few rows. To count registrants would read a season.
_HOLDERS = """
    (SELECT coalesce(sum(taken), 0) FROM route
     WHERE route.organizer_code = due.organizer AND route.season = due.season)
"""
_TOO_MANY = f"people > {MOST_PEOPLE} AND people > {MOST_SHARE} * holders"
# A row that another runner has judged at a later instant stays: more may be due for that runner. A row that was judged
# much later was judged by a clock that has been put right.
_BY_ANOTHER_RUNNER = f"""
    (h.judged_at > CAST(:now AS timestamptz)
     AND h.judged_at < CAST(:now AS timestamptz) + make_interval(secs => {RUNNERS_DIFFER_BY.total_seconds():.0f}))
"""
_HALT = statement(
    f"""
    WITH due AS (SELECT * FROM {_DUE}),
    many AS (SELECT organizer FROM due GROUP BY organizer HAVING sum(people) > {MOST_PEOPLE}),
    season AS MATERIALIZED (SELECT due.*, {_HOLDERS} AS holders FROM due JOIN many USING (organizer)),
    organizer AS (
        SELECT organizer AS code, sum(people) AS people, sum(holders) AS holders, max(until) AS until,
               bool_or({_TOO_MANY}) AS in_a_season
        FROM season GROUP BY organizer
    )
    INSERT INTO sweep_halt AS h (organizer_code, ends, people, holders, due_until, halted_at, judged_at)
    SELECT code, :ends, people, holders, until, :now, :now FROM organizer WHERE in_a_season OR {_TOO_MANY}
    ON CONFLICT (organizer_code, ends) DO UPDATE SET
        people = excluded.people, holders = excluded.holders, due_until = excluded.due_until,
        halted_at = coalesce(h.halted_at, excluded.halted_at),
        judged_at = CASE WHEN {_BY_ANOTHER_RUNNER} THEN h.judged_at ELSE excluded.judged_at END
    WHERE h.allowed_until = '-infinity'
    RETURNING organizer_code AS organizer, people, holders, due_until AS until, NOT EXISTS (
        SELECT FROM sweep_halt before
        WHERE before.organizer_code = h.organizer_code AND before.ends = h.ends AND before.halted_at IS NOT NULL
    ) AS is_new
    """,
    _JudgedOrganizer,
)
_GO_ON = statement(
    f"""
    DELETE FROM sweep_halt h WHERE ends = :ends AND allowed_until = '-infinity' AND NOT {_BY_ANOTHER_RUNNER}
        AND organizer_code <> ALL(CAST(:halted AS text[]))
    """
)
_IS_UP = statement(f"SELECT {outages.IS_UP}", bool)
# Whether that organizer halts again is judged by the next sweep. Until then the row keeps its people. A sweep that may
# end nobody, because of an outage, uses up no word.
_USE_UP = statement(
    "UPDATE sweep_halt SET allowed_until = '-infinity', halted_at = NULL WHERE ends = :ends"
    f" AND allowed_until > '-infinity' AND {outages.IS_UP}"
)
_WAIT_FOR_THE_RUNNER = statement(f"SELECT pg_advisory_xact_lock({RUNNERS}, :duty)")
_COLUMNS = """organizer_code AS organizer, ends, people, holders, due_until AS until, halted_at AS since,
    NULLIF(allowed_until, '-infinity') AS allowed_until"""
_ALLOW = statement(
    "UPDATE sweep_halt SET allowed_until = :until WHERE organizer_code = :organizer AND ends = :ends"
    f" AND halted_at IS NOT NULL RETURNING {_COLUMNS}",
    Halt,
)
_ALL = statement(f"SELECT {_COLUMNS} FROM sweep_halt WHERE halted_at IS NOT NULL ORDER BY organizer_code, ends", Halt)


def sql_allowed_until(ends: RegistrantStatus) -> str:
    """SQL: until when a due end of the organizer of `r` has Hubdat's word. Null: that organizer does not halt."""
    return f"(SELECT allowed_until FROM sweep_halt WHERE organizer_code = r.organizer_code AND ends = '{ends}')"


async def judge(session: Session, ends: RegistrantStatus, due: Sequence[Due], now: datetime) -> list[Halt]:
    """Halt the sweep of those organizers of whom too many are due, and let the others go on. Answers the new halts."""
    if not await session.one(_IS_UP, now=now):
        # Nobody is ended now, so nothing is known of who is due.
        return []
    judged = await session.rows(_HALT, ends=ends, now=now, **_DUE.of(due))
    await session.run(_GO_ON, ends=ends, now=now, halted=[one.organizer for one in judged])
    halts = [_halt(one, ends, now) for one in judged if one.is_new]
    if halts:
        await change_log.append(session, [_entry(one) for one in halts], now)
    return halts


async def use_up(session: Session, ends: RegistrantStatus, now: datetime) -> None:
    """The sweep has ended all for whom Hubdat had given its word: the word counts no more."""
    await session.run(_USE_UP, ends=ends, now=now)


async def every(session: Session) -> list[Halt]:
    """All halts that stand."""
    return await session.rows(_ALL)


async def wait_for_runners(session: Session) -> None:
    """Until no process is bringing these ends about. None begins before this transaction has ended."""
    for duty in DUTIES.values():
        await session.run(_WAIT_FOR_THE_RUNNER, duty=duty)


@refuses(NotFound, InvalidValue)
async def allow(
    session: Session,
    caller: Caller,
    organizer: str,
    ends: RegistrantStatus,
    until: datetime,
    reason: str,
    now: datetime,
) -> Halt | NotFound | InvalidValue:
    """Hubdat's word: whoever was due until `until` may be ended. The next sweep ends them."""
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    wrong = _judge(ends, until, now)
    if wrong is not None:
        return wrong
    await session.run(_WAIT_FOR_THE_RUNNER, duty=DUTIES[ends])
    halt = await session.first(_ALLOW, organizer=organizer, ends=ends, until=until)
    if halt is None:
        return NotFound("organizer")
    facts: dict[str, object] = {"ends": halt.ends, "people": halt.people, "until": until.isoformat()}
    entry = change_log.Entry(
        kind=ChangeKind.SWEEP_ALLOWED, organizer=organizer, client_id=caller.client_id, reason=given, facts=facts
    )
    await change_log.append(session, [entry], now)
    return halt


def _judge(ends: RegistrantStatus, until: datetime, now: datetime) -> InvalidValue | None:
    if ends not in DUTIES:
        return InvalidValue(
            "ends",
            "Hanya Gugur dan Tidak hadir yang diakhiri oleh sistem sendiri.",
            "The registry by itself brings about FORFEITED and NO_SHOW alone.",
        )
    if until.tzinfo is None:
        return InvalidValue("until", "Tulis zona waktunya, misalnya +07:00.", "The time must name its zone.")
    if until <= now:
        return None
    return InvalidValue(
        "until",
        f"Izin hanya untuk yang sudah jatuh tempo: paling lambat {words.instant(now, 'id')}.",
        f"The word is only for what is due by now: {words.instant(now, 'en')} at the latest.",
    )


def _halt(one: _JudgedOrganizer, ends: RegistrantStatus, now: datetime) -> Halt:
    return Halt(
        organizer=one.organizer,
        ends=ends,
        people=one.people,
        holders=one.holders,
        until=one.until,
        since=now,
        allowed_until=None,
    )


def _entry(halt: Halt) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.SWEEP_HALTED,
        organizer=HUBDAT,
        facts={
            "halted": halt.organizer,
            "ends": halt.ends,
            "people": halt.people,
            "holders": halt.holders,
            "until": halt.until.isoformat(),
        },
    )
