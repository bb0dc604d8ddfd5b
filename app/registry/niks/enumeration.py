"""Enumeration: an organizer names NIKs as somebody does who walks through them, to learn who is registered.

Every door writes into the access log who named which NIK, and the signs are read from there. So they do not depend on
the door, the server process, the client, the order or the stride. There are two:

WALKING: within an hour an organizer named more than 10 different NIKs of one region and birth date. Whoever walks tries
the serials, since only the last four digits are unknown of a person whose place and day of birth are known.

UNKNOWN: an organizer named at least 1,000 different NIKs on a day, and fewer than 5 % of them are held by anybody a day
later. Real people register somewhere.

A sign refuses nothing by itself. A person looks, and may revoke the client or set another allowance. Where the setting
`alarm_cuts_allowance` is on, the allowance of that day ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from app.clock import wib_day
from app.db import Session
from app.models.enums import ChangeKind, NikOutcome
from app.models.statuses import HOLDS_NIK
from app.registry import change_log
from app.registry.niks.allowance import sql_today, sql_used
from app.registry.terms.policy import HUBDAT
from app.sql import Arrays, statement

WALKING, UNKNOWN = "walking", "unknown"

MOST_OF_ONE_AREA = 10
WALKS_WITHIN = timedelta(hours=1)
FEWEST_NAMED = 1_000
KNOWN_SHARE = 0.05
TIME_TO_REGISTER = timedelta(days=1)
LOOKS_EVERY = timedelta(minutes=1)
"""One process does, of any number: a look reads all rows of the last hour."""
LOOKS_FAR_BACK_EVERY = timedelta(minutes=10)
AGAIN_AFTER = timedelta(hours=1)
"""One organizer raises an alarm once in this time."""


_TENTH = f"floor(extract(epoch FROM {{}}) / {LOOKS_FAR_BACK_EVERY.total_seconds():.0f})"


class Sign(NamedTuple):
    organizer: str
    sign: str
    niks: int
    """Of WALKING: the most of one region and birth date. Of UNKNOWN: how many were named."""


_WALKING = statement(
    f"""
    SELECT organizer_code AS organizer, '{WALKING}' AS sign, CAST(max(niks) AS int) AS niks FROM (
        SELECT organizer_code, area, count(DISTINCT nik_index) AS niks FROM nik_access
        WHERE at > CAST(:since AS timestamptz) AND at <= :now AND nik_index IS NOT NULL AND area IS NOT NULL
        GROUP BY organizer_code, area HAVING count(DISTINCT nik_index) > {MOST_OF_ONE_AREA}
    ) area GROUP BY organizer_code ORDER BY organizer_code
    """,
    Sign,
)
_KNOWN = f"'{NikOutcome.REGISTERED}', '{NikOutcome.BLOCKED}'"
_UNKNOWN = statement(
    f"""
    SELECT organizer_code AS organizer, '{UNKNOWN}' AS sign, CAST(count(*) AS int) AS niks FROM (
        SELECT organizer_code, nik_index, bool_or(outcome IN ({_KNOWN})) AS was_known FROM nik_access
        WHERE at > CAST(:since AS timestamptz) AND at <= :until AND nik_index IS NOT NULL AND area IS NOT NULL
        GROUP BY organizer_code, nik_index
    ) named
    GROUP BY organizer_code
    HAVING count(*) >= {FEWEST_NAMED}
       AND count(*) FILTER (
               WHERE was_known OR EXISTS (
                   SELECT FROM registrant r WHERE r.nik_index = named.nik_index AND r.{HOLDS_NIK})
           ) < count(*) * {KNOWN_SHARE}
    ORDER BY organizer_code
    """,
    Sign,
)
# The first process that asks gets the look.
_TURN = statement(
    f"""
    WITH before AS (
        SELECT looked_at FROM heartbeat
        WHERE looked_at IS NULL OR looked_at <= CAST(:now AS timestamptz) - CAST(:every AS interval) FOR UPDATE
    )
    UPDATE heartbeat SET looked_at = :now FROM before
    RETURNING before.looked_at IS NULL
        OR {_TENTH.format("before.looked_at")} < {_TENTH.format("CAST(:now AS timestamptz)")}
    """,
    bool,
)
_SIGNS = Arrays("one", Sign)
_RAISE = statement(
    f"""
    UPDATE nik_allowance a SET {sql_today(sql_used("a"), cut=":cuts")}, alarmed_at = :now
    FROM {_SIGNS} WHERE a.organizer_code = one.organizer
        AND (a.alarmed_at IS NULL OR a.alarmed_at <= CAST(:again AS timestamptz))
    RETURNING one.organizer, one.sign, one.niks
    """,
    Sign,
)


async def signs(session: Session, now: datetime) -> list[Sign]:
    """All signs, if it is time to look again. Every ten minutes also those of the last two days."""
    far_back = await session.first(_TURN, now=now, every=LOOKS_EVERY)
    if far_back is None:
        return []
    return [*await walking(session, now), *(await unknown(session, now) if far_back else [])]


async def walking(session: Session, now: datetime) -> list[Sign]:
    return await session.rows(_WALKING, since=now - WALKS_WITHIN, now=now)


async def unknown(session: Session, now: datetime) -> list[Sign]:
    """Who named NIKs a day ago, and the day before that, that are not known until now."""
    until = now - TIME_TO_REGISTER
    return await session.rows(_UNKNOWN, since=until - TIME_TO_REGISTER, until=until)


async def raise_alarms(session: Session, signs: Sequence[Sign], now: datetime, *, cuts: bool) -> list[Sign]:
    """Tell Hubdat of `signs`. Answers those that were not told within the last hour. `cuts`: end their allowances."""
    first = {one.organizer: one for one in reversed(signs)}
    raised = await session.rows(
        _RAISE, today=wib_day(now), now=now, again=now - AGAIN_AFTER, cuts=cuts, **_SIGNS.of(list(first.values()))
    )
    entries = [
        change_log.Entry(
            kind=ChangeKind.NIK_ALARM_RAISED,
            organizer=HUBDAT,
            facts={"suspected": one.organizer, "sign": one.sign, "niks": one.niks},
        )
        for one in raised
    ]
    if entries:
        await change_log.append(session, entries, now)
    return raised
