"""What waits for somebody: open cases, failing webhooks, imports that run, allowances that are nearly used up, alarms.

The overview asks for this every ten seconds, so each list holds the few most urgent ones and says how many there are.
No list names a registrant. Cases and alarms are for Hubdat alone: no organizer learns that it is watched.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from app.clock import wib_day
from app.db import Session
from app.models.enums import CaseState, ImportState
from app.registry.niks.allowance import MARKS, sql_is_shut, sql_per_day, sql_used
from app.sql import Statement, statement

MOST_SHOWN_OF_A_LIST = 5
MOST_COUNTED = 10_000
"""Open cases: whoever has more needs no exact figure."""
ALARM_SHOWN_FOR = timedelta(days=1)


class OpenCase(NamedTuple):
    id: UUID
    direction: str
    service: str
    opened_at: datetime
    holder: str
    claimants: list[str]


class FailingWebhook(NamedTuple):
    id: UUID
    organizer: str
    failing_since: datetime | None
    disabled_at: datetime | None
    """Since when the registry sends nothing more."""
    total: Annotated[int, "bigint"]


class RunningImport(NamedTuple):
    id: UUID
    organizer: str
    dry_run: bool
    rows_read: int
    rows_done: int
    created_at: datetime
    started_at: datetime | None
    waits_until: datetime | None
    total: Annotated[int, "bigint"]


class ShortAllowance(NamedTuple):
    organizer: str
    per_day: int
    used: int
    alarmed_at: datetime | None
    """Of the last day. None to an organizer."""
    is_shut_out: bool
    """Its submissions are refused until midnight (WIB)."""
    total: Annotated[int, "bigint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    open_cases: int | None
    """None: to an organizer."""
    cases: Sequence[OpenCase]
    webhooks: Sequence[FailingWebhook]
    imports: Sequence[RunningImport]
    allowances: Sequence[ShortAllowance]


_OPEN = f"FROM duplicate_case WHERE state = '{CaseState.OPEN}'"
_COUNT_CASES = statement(f"SELECT count(*) FROM (SELECT {_OPEN} LIMIT {MOST_COUNTED}) counted", int)
_CASES = statement(
    f"""
    SELECT one.id, one.direction, one.service, one.opened_at, holder.organizer_code AS holder, (
        SELECT array_agg(organizer_code ORDER BY first_at, organizer_code) FROM case_claim WHERE case_id = one.id
    ) AS claimants
    FROM (SELECT id, direction, service, opened_at, holder_id {_OPEN} ORDER BY id LIMIT {MOST_SHOWN_OF_A_LIST}) one
    CROSS JOIN LATERAL (SELECT organizer_code FROM registrant WHERE id = one.holder_id OFFSET 0) holder
    ORDER BY one.id
    """,
    OpenCase,
)


def _whose(table: str) -> tuple[str, str]:
    """The condition for everybody, and the one for organizers."""
    return "true", f"{table}.organizer_code = ANY(CAST(:own AS text[]))"


def _webhooks(whose: str) -> Statement[FailingWebhook]:
    return statement(
        f"""
        SELECT id, organizer_code AS organizer, failing_since, disabled_at, count(*) OVER () AS total FROM webhook
        WHERE deleted_at IS NULL AND (failing_since IS NOT NULL OR disabled_at IS NOT NULL) AND {whose}
        ORDER BY disabled_at DESC NULLS FIRST, failing_since, id LIMIT {MOST_SHOWN_OF_A_LIST}
        """,
        FailingWebhook,
    )


def _imports(whose: str) -> Statement[RunningImport]:
    return statement(
        f"""
        SELECT id, organizer_code AS organizer, dry_run, rows_read, rows_done, created_at, started_at, waits_until,
            count(*) OVER () AS total
        FROM import_job WHERE state IN ('{ImportState.QUEUED}', '{ImportState.RUNNING}') AND {whose}
        ORDER BY id LIMIT {MOST_SHOWN_OF_A_LIST}
        """,
        RunningImport,
    )


def _allowances(whose: str, alarmed_at: str) -> Statement[ShortAllowance]:
    return statement(
        f"""
        WITH today AS (
            SELECT a.organizer_code AS organizer, {sql_per_day("a")} AS per_day, {sql_used("a")} AS used,
                {alarmed_at} AS alarmed_at, {sql_is_shut("a")} AS is_shut_out
            FROM nik_allowance a WHERE {whose}
        )
        SELECT organizer, per_day, used, alarmed_at, is_shut_out, count(*) OVER () AS total FROM today
        WHERE alarmed_at IS NOT NULL OR is_shut_out
            OR (used > 0 AND CAST(used AS bigint) * 100 >= CAST(per_day AS bigint) * {MARKS[0]})
        ORDER BY alarmed_at DESC NULLS LAST, is_shut_out DESC, CAST(used AS float) / greatest(per_day, 1) DESC,
            organizer
        LIMIT {MOST_SHOWN_OF_A_LIST}
        """,
        ShortAllowance,
    )


_ALARMED = "CASE WHEN a.alarmed_at > CAST(:alarmed_since AS timestamptz) THEN a.alarmed_at END"
_UNTOLD = "CAST(NULL AS timestamptz)"
_ALL_WEBHOOKS, _OWN_WEBHOOKS = (_webhooks(whose) for whose in _whose("webhook"))
_ALL_IMPORTS, _OWN_IMPORTS = (_imports(whose) for whose in _whose("import_job"))
_ALL_ALLOWANCES, _OWN_ALLOWANCES = (
    _allowances(whose, alarm) for whose, alarm in zip(_whose("a"), (_ALARMED, _UNTOLD), strict=True)
)


async def read(session: Session, own: Collection[str] | None, now: datetime) -> Attention:
    """What waits. `own`: what waits for these organizers. None: everything."""
    if own is None:
        return await _of_everybody(session, now)
    mine: dict[str, Any] = {"own": sorted(own)}
    return Attention(
        open_cases=None,
        cases=(),
        webhooks=await session.rows(_OWN_WEBHOOKS, **mine),
        imports=await session.rows(_OWN_IMPORTS, **mine),
        allowances=await session.rows(_OWN_ALLOWANCES, today=wib_day(now), **mine),
    )


async def _of_everybody(session: Session, now: datetime) -> Attention:
    open_cases = await session.one(_COUNT_CASES)
    return Attention(
        open_cases=open_cases,
        cases=await session.rows(_CASES),
        webhooks=await session.rows(_ALL_WEBHOOKS),
        imports=await session.rows(_ALL_IMPORTS),
        allowances=await session.rows(_ALL_ALLOWANCES, today=wib_day(now), alarmed_since=now - ALARM_SHOWN_FOR),
    )


def total(listed: Sequence[FailingWebhook] | Sequence[RunningImport] | Sequence[ShortAllowance]) -> int:
    """How many there are in all."""
    return listed[0].total if listed else 0
