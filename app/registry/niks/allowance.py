"""An organizer's allowance: how many NIKs that are not its own it may learn of in a day (WIB), over all its clients and
doors. It stands beside the burst of each client (`budget`).

By default it is five times the people who hold a NIK with the organizer or its members, but at least 20,000 and at most
200,000. Quotas do not count: organizers declare these themselves. Hubdat can set another one. A registration that is
accepted costs nothing. When it ends, or its NIK is corrected, it costs one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from app.clock import start_of_wib_day, wib_day
from app.db import Session
from app.errors import InvalidValue, NotFound, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.values.texts import reason_given
from app.sql import Arrays, statement

FEWEST, MOST = 20_000, 200_000
PER_HOLDER = 5
MOST_NIKS_SET_PER_DAY = 10_000_000
"""The largest allowance of a day that Hubdat can set."""
MARKS = (50, 80, 100)
"""Percent of use that the organizer and Hubdat are told of, each once a day."""
SHUT_MARK = 200
"""Beside `MARKS`: the organizer is shut out. It used up its allowance, and then was refused as often again."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """An allowance as it stands today."""

    organizer: str
    per_day: int
    used: int

    @property
    def remaining(self) -> int:
        return max(0, self.per_day - self.used)


class Named(NamedTuple):
    """How many NIKs an organizer has named that are not its own."""

    organizer: str
    niks: int


class Granted(NamedTuple):
    organizer: str
    niks: int
    """Of how many of these NIKs something may be told."""


def sql_used(table: str) -> str:
    """How many NIKs are used up today, `:today`."""
    return f"CASE WHEN {table}.day = :today THEN {table}.named ELSE 0 END"


def sql_per_day(table: str) -> str:
    return f"""
        CASE WHEN {table}.cut AND {table}.day = :today THEN 0
             ELSE coalesce({table}.set_per_day, least({MOST}, greatest({FEWEST}, {PER_HOLDER} * {table}.holders))) END
    """


def sql_is_shut(table: str) -> str:
    """Whether submissions of the organizer are refused until tomorrow."""
    return f"""
        ({table}.day = :today AND {table}.withheld > 0 AND {table}.withheld >= {sql_per_day(table)})
    """


def sql_today(named: str, *, cut: str = "false", withheld: str = "0") -> str:
    """SQL: what an UPDATE of `nik_allowance a` sets. `named` is the new count, `withheld` is added.

    What is of another day begins anew.
    """
    is_today = "a.day = :today"
    return f"""
        day = :today, named = {named}, cut = (a.cut AND {is_today}) OR {cut},
        withheld = CASE WHEN {is_today} THEN a.withheld ELSE 0 END + {withheld},
        told_percent = CASE WHEN {is_today} THEN a.told_percent ELSE 0 END
    """


_NAMED = Arrays("one", Named)
_TAKE = statement(
    f"""
    WITH mine AS (
        SELECT a.organizer_code, one.niks, {sql_used("a")} AS used, {sql_per_day("a")} AS per_day
        FROM nik_allowance a JOIN {_NAMED} ON one.organizer = a.organizer_code
        ORDER BY a.organizer_code FOR NO KEY UPDATE OF a
    ),
    dealt AS (SELECT *, least(niks, greatest(0, per_day - used)) AS granted FROM mine)
    UPDATE nik_allowance a SET {sql_today("dealt.used + dealt.granted", withheld="dealt.niks - dealt.granted")}
    FROM dealt WHERE a.organizer_code = dealt.organizer_code
    RETURNING a.organizer_code AS organizer, CAST(dealt.granted AS int) AS niks
    """,
    Granted,
)


class _EndedOfOrganizer(NamedTuple):
    organizer: str
    ended: int


_ENDED = Arrays("one", _EndedOfOrganizer)
# A member's registrations come from its coordinator, whose allowance gave them.
_TAKE_AGAIN = statement(
    f"""
    WITH ended AS (
        SELECT coalesce(o.coordinator_code, o.code) AS code, sum(one.ended) AS ended
        FROM {_ENDED} JOIN organizer o ON o.code = one.organizer GROUP BY 1
    ),
    mine AS (
        SELECT a.organizer_code, ended.ended FROM nik_allowance a JOIN ended ON ended.code = a.organizer_code
        ORDER BY a.organizer_code FOR NO KEY UPDATE OF a
    )
    UPDATE nik_allowance a SET {sql_today(f"{sql_used('a')} + mine.ended")}
    FROM mine WHERE a.organizer_code = mine.organizer_code
    """
)
_READ = statement(
    f"""
    SELECT organizer_code AS organizer, {sql_per_day("a")} AS per_day, {sql_used("a")} AS used
    FROM nik_allowance a WHERE organizer_code = ANY(CAST(:codes AS text[]))
    """,
    Allowance,
)
_SHUT = statement(
    f"""
    SELECT a.organizer_code FROM nik_allowance a
    WHERE a.organizer_code = ANY(CAST(:codes AS text[])) AND {sql_is_shut("a")}
    """,
    str,
)


class _ChangedAllowance(NamedTuple):
    before: int | None
    per_day: int
    used: int


_SET = statement(
    f"""
    WITH before AS (SELECT organizer_code, set_per_day FROM nik_allowance WHERE organizer_code = :code
                    FOR NO KEY UPDATE)
    UPDATE nik_allowance a SET set_per_day = CAST(:per_day AS int), cut = false, alarmed_at = NULL
    FROM before WHERE a.organizer_code = before.organizer_code
    RETURNING before.set_per_day AS before, {sql_per_day("a")} AS per_day, {sql_used("a")} AS used
    """,
    _ChangedAllowance,
)
# Routes have few rows. To count registrants would read a season.
_COUNT_HOLDERS = statement(
    """
    WITH held AS (
        SELECT coalesce(o.coordinator_code, o.code) AS code, o.code AS own, sum(route.taken) AS holders
        FROM route JOIN organizer o ON o.code = route.organizer_code
        WHERE route.season = (SELECT max(year) FROM season WHERE closed_at IS NULL) GROUP BY 1, 2
    ),
    counted AS (
        SELECT o.code, coalesce((SELECT sum(holders) FROM held WHERE o.code IN (held.code, held.own)), 0) AS holders
        FROM organizer o
    )
    UPDATE nik_allowance a SET holders = counted.holders
    FROM counted WHERE counted.code = a.organizer_code AND a.holders <> counted.holders
    """
)


class Mark(NamedTuple):
    organizer: str
    percent: int
    per_day: int
    used: int


_REACHED = statement(
    f"""
    WITH now AS (
        SELECT a.organizer_code, {sql_per_day("a")} AS per_day, {sql_used("a")} AS used, {sql_is_shut("a")} AS is_shut
        FROM nik_allowance a WHERE a.day = :today
    ),
    reached AS (
        SELECT now.organizer_code, now.per_day, now.used, max(mark.percent) AS percent
        FROM now JOIN unnest(CAST(:marks AS int[])) AS mark (percent) ON CASE
            WHEN mark.percent = {SHUT_MARK} THEN now.is_shut
            ELSE now.used > 0 AND CAST(now.used AS bigint) * 100 >= CAST(now.per_day AS bigint) * mark.percent END
        GROUP BY now.organizer_code, now.per_day, now.used
    )
    UPDATE nik_allowance a SET told_percent = reached.percent
    FROM reached WHERE a.organizer_code = reached.organizer_code AND a.told_percent < reached.percent
    RETURNING a.organizer_code AS organizer, reached.percent, reached.per_day, reached.used
    """,
    Mark,
)


def ends_at(now: datetime) -> datetime:
    """When the allowance of today is over, and the next one begins."""
    return start_of_wib_day(wib_day(now) + timedelta(days=1))


async def take(session: Session, named: list[Named], now: datetime) -> Mapping[str, int]:
    """Take NIKs off the allowances. Answers for each organizer of how many anything may be told.

    What may not be told is counted as withheld. The rows stay locked until the transaction is over, so this comes last.
    """
    dealt = await session.rows(_TAKE, today=wib_day(now), **_NAMED.of(named))
    return {one.organizer: one.niks for one in dealt}


async def take_again(session: Session, ended: Mapping[str, int], now: datetime) -> None:
    """Registrations of these organizers have ended: what the allowance gave for free costs one each."""
    if ended:
        rows = [_EndedOfOrganizer(organizer, count) for organizer, count in ended.items()]
        await session.run(_TAKE_AGAIN, today=wib_day(now), **_ENDED.of(rows))


async def of_organizers(session: Session, organizers: list[str], now: datetime) -> dict[str, Allowance]:
    return {one.organizer: one for one in await session.rows(_READ, codes=organizers, today=wib_day(now))}


async def shut(session: Session, organizers: list[str], now: datetime) -> frozenset[str]:
    """Those of `organizers` that used up their allowance, and then were refused as often again."""
    return frozenset(await session.rows(_SHUT, codes=organizers, today=wib_day(now)))


@refuses(NotFound, InvalidValue)
async def set_per_day(
    session: Session, caller: Caller, organizer: str, per_day: int | None, reason: str, now: datetime
) -> Allowance | NotFound | InvalidValue:
    """Hubdat gives an organizer another allowance, in force at once. None: the one by its holders again."""
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    if per_day is not None and not 0 <= per_day <= MOST_NIKS_SET_PER_DAY:
        return InvalidValue("perDay", f"Isi 0 sampai {MOST_NIKS_SET_PER_DAY}.", f"0 to {MOST_NIKS_SET_PER_DAY}.")
    found = await session.first(_SET, code=organizer, per_day=per_day, today=wib_day(now))
    if found is None:
        return NotFound("organizer")
    entry = change_log.Entry(
        kind=ChangeKind.NIK_ALLOWANCE_SET,
        organizer=organizer,
        client_id=caller.client_id,
        reason=given,
        facts={"perDay": per_day, "was": {"perDay": found.before}},
    )
    if found.before != per_day:
        await change_log.append(session, [entry], now)
    return Allowance(organizer, found.per_day, found.used)


async def tell_use(session: Session, now: datetime) -> int:
    """A duty: count the holders, and tell of allowances that are used by half, mostly or wholly, and of whoever is shut
    out. Answers how many.
    """
    await session.run(_COUNT_HOLDERS)
    reached = await session.rows(_REACHED, today=wib_day(now), marks=[*MARKS, SHUT_MARK])
    entries = [
        change_log.Entry(
            kind=ChangeKind.NIK_ALLOWANCE_USED,
            organizer=one.organizer,
            facts={"percent": one.percent, "perDay": one.per_day, "used": one.used},
        )
        for one in reached
    ]
    if entries:
        await change_log.append(session, entries, now)
    return len(entries)
