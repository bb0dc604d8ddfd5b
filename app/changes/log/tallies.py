"""Keeps the statistics: each change of the log is counted once, into the tables of `models.tally`.

A move takes one from the status that it leaves, and adds one to the status that it comes to. So at every position of
the log the tables hold what `GROUP BY` over the registrants would have answered there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache

from app.changes.log import projection
from app.changes.log.feed import AFTER, IN_ORDER, PLACE, SETTLED, START, Position
from app.changes.log.projection import Projection
from app.clock import sql_wib_day
from app.db import Database, Session
from app.models.enums import ChangeKind, Log, RegistrantFlag, RegistrantStatus
from app.models.statuses import AWAITS_VERIFICATION, HOLDS_NIK, WAS_VERIFIED
from app.registry.statistics.moment import EVERYBODY
from app.registry.statistics.statistics import PROJECTION
from app.sql import Statement, statement

CHANGES_OF_A_STEP = 10_000
"""Counted in one transaction of a fraction of a second: nobody can read the log past a transaction that still runs."""
RETRY_AFTER_SECONDS = 0.05
"""While another process counts, or while an older transaction has not ended."""

S = RegistrantStatus

_MOVED = f"'{ChangeKind.REGISTRANT_MOVED}', '{ChangeKind.REGISTRANT_REROUTED}', '{ChangeKind.DEADLINE_PROLONGED}'"
_DISPUTED = f"'{ChangeKind.DUPLICATE_REFUSED}', '{ChangeKind.DUPLICATE_SUSPECTED}'"
_REGISTERED_ON, _DISPUTED_ON = sql_wib_day("r.registered_at"), sql_wib_day("c.at")
# Whoever is reopened or prolonged has a new deadline, and that change names both. An older change is of the old one.
_OLDER = """
    CASE WHEN r.reopened_at IS NOT NULL OR r.first_verify_by IS NOT NULL THEN (
        SELECT CAST(n.facts ->> 'verify_by_before' AS timestamptz) FROM change n
        WHERE n.registrant_id = r.id AND jsonb_exists(n.facts, 'verify_by_before')
            AND (n.xact_id, n.id) > (c.xact_id, c.id)
        ORDER BY n.xact_id, n.id LIMIT 1
    ) END
"""
_DEADLINE = f"COALESCE(CAST(c.facts ->> 'verify_by' AS timestamptz), {_OLDER}, r.verify_by)"
_DEADLINE_BEFORE = f"COALESCE(CAST(c.facts ->> 'verify_by_before' AS timestamptz), {_OLDER}, r.verify_by)"
# Whoever was cancelled came from VERIFIED, or goes back to it: the row of the registrant may be further by now.
_CANCELLED_VERIFIED = f"""
    CASE c.kind WHEN '{ChangeKind.REGISTRANT_REROUTED}'
         THEN COALESCE(CAST(c.facts ->> 'verified' AS boolean), r.verified_at IS NOT NULL)
         ELSE '{S.VERIFIED}' IN (c.from_status, c.to_status) END
"""
_BY_KIND = ("season", "organizer_code", "direction", "service")
_BY_ROUTE = ("route_id", "organizer_code", "day")
_BY_PAIR = ("season", "holder", "claimant")
_SEATED = "NOT lap_infant"
"""Lap infants are counted apart."""
_PEOPLE = {
    **{
        status.lower(): f"COALESCE(sum(people) FILTER (WHERE status = '{status}' AND NOT lap_infant), 0)"
        for status in S
    },
    "ever_verified": f"COALESCE(sum(ever_verified) FILTER (WHERE {_SEATED}), 0)",
    "lap_infants": f"COALESCE(sum(people) FILTER (WHERE lap_infant AND {HOLDS_NIK}), 0)",
    "arrived_late": f"COALESCE(sum(arrived_late) FILTER (WHERE {_SEATED}), 0)",
}
_WAITING = {"waiting": "sum(people)"}
_DISPUTES = {
    "refused": f"count(*) FILTER (WHERE kind = '{ChangeKind.DUPLICATE_REFUSED}')",
    "suspected": f"count(*) FILTER (WHERE kind = '{ChangeKind.DUPLICATE_SUSPECTED}')",
}


def _add(table: str, keys: tuple[str, ...], counts: Mapping[str, str], counted: str) -> str:
    listed = ", ".join(keys)
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in counts)
    return f"""
        INSERT INTO {table} ({listed}, {", ".join(counts)})
        SELECT {listed}, {", ".join(counts.values())} FROM {counted} GROUP BY {listed}
        ON CONFLICT ({listed}) DO UPDATE SET {added}
    """


_COUNTED = f"""
    step AS MATERIALIZED (
        SELECT r.season, r.organizer_code, r.direction, r.service, r.lap_infant, way.route_id,
               {_REGISTERED_ON} AS day,
               COALESCE(date_trunc('hour', way.verify_by), 'infinity') AS verify_by, way.status, way.people,
               CASE WHEN way.{WAS_VERIFIED} OR (way.status = '{S.CANCELLED}' AND {_CANCELLED_VERIFIED})
                    THEN way.people ELSE 0 END AS ever_verified,
               -- This flag comes with the registration, and stays.
               CASE WHEN '{RegistrantFlag.ARRIVED_LATE}' = ANY(r.flags) THEN way.people ELSE 0 END AS arrived_late
        FROM news c JOIN registrant r ON r.id = c.registrant_id
        CROSS JOIN LATERAL (VALUES
            (c.to_status, c.route_id, 1, {_DEADLINE}),
            (c.from_status, COALESCE(CAST(c.facts ->> 'from_route' AS uuid), c.route_id), -1, {_DEADLINE_BEFORE})
        ) AS way (status, route_id, people, verify_by)
        WHERE c.kind IN ({_MOVED}) AND way.status IS NOT NULL
    ), together AS (
        SELECT step.season, whose.organizer_code, step.direction, step.service, step.day, step.verify_by,
               step.status, step.people, step.ever_verified, step.arrived_late, step.lap_infant
        FROM step CROSS JOIN LATERAL (VALUES (step.organizer_code), ('{EVERYBODY}')) AS whose (organizer_code)
    ), waiting AS (SELECT * FROM together WHERE {AWAITS_VERIFICATION} AND {_SEATED}
    ), dispute AS (
        SELECT r.season, r.organizer_code AS holder, c.facts ->> 'claimant' AS claimant, r.direction, r.service,
               {_DISPUTED_ON} AS day, c.kind
        FROM news c JOIN registrant r ON r.id = c.registrant_id WHERE c.kind IN ({_DISPUTED})
    ),
    kinds AS ({_add("tally", _BY_KIND, _PEOPLE, "step")}),
    days AS ({_add("tally_day", (*_BY_KIND, "day"), _PEOPLE, "together")}),
    deadlines AS ({_add("tally_deadline", (*_BY_KIND, "day", "verify_by"), _WAITING, "waiting")}),
    routes AS ({_add("tally_route", _BY_ROUTE, _PEOPLE, "step")}),
    pairs AS ({_add("tally_pair", _BY_PAIR, _DISPUTES, "dispute")}),
    duplicates AS ({_add("tally_duplicate", (*_BY_PAIR, "direction", "service", "day"), _DISPUTES, "dispute")})
"""
"""What the changes in `news` add to each table of counts."""


@cache
def _counting(most: int) -> Statement[Position]:
    """Counts up to `most` changes, and answers the position of the last one.

    The LIMIT is no argument: without a number the planner takes the rows behind a position to be a third of the log.
    """
    return statement(
        f"""
        WITH news AS MATERIALIZED (
            SELECT c.* FROM change c WHERE {AFTER} AND {SETTLED} ORDER BY {IN_ORDER} LIMIT {most}
        ), {_COUNTED}
        SELECT {PLACE} FROM news c ORDER BY c.xact_id DESC, c.id DESC LIMIT 1
        """,
        Position,
    )


_COUNTS = (_counting(CHANGES_OF_A_STEP),)
_NOBODY_WAITS = statement("DELETE FROM tally_deadline WHERE waiting = 0")
_TABLES = ("tally", "tally_day", "tally_route", "tally_deadline", "tally_pair", "tally_duplicate")
# Not TRUNCATE: whoever reads the statistics meanwhile sees them as they were.
_FORGET = tuple(statement(f"DELETE FROM {table}") for table in _TABLES)
_RESTART = statement(
    """
    INSERT INTO projection (name) VALUES (:name)
    ON CONFLICT (name) DO UPDATE SET xact_id = '0', change_id = 0
    """
)
_IS_CUT_OFF = statement(f"SELECT EXISTS (SELECT FROM log_seal WHERE log = '{Log.CHANGES}' AND listed IS NULL)", bool)
_NEWEST = statement(f"SELECT {PLACE} FROM change c ORDER BY c.xact_id DESC, c.id DESC LIMIT 1", Position)


async def count(session: Session, after: Position, now: datetime) -> Position | None:  # noqa: ARG001 - a step has it
    """Count up to `CHANGES_OF_A_STEP` changes behind `after`."""
    last = await session.first(_counting(CHANGES_OF_A_STEP), **after.values())
    if last is not None:
        await session.run(_NOBODY_WAITS)
    return last


STATISTICS = Projection(PROJECTION, count)


class LogCutOff(Exception):  # noqa: N818 - an outcome
    """A purge has dropped months of the log."""


async def rebuild(database: Database, now: Callable[[], datetime], tell: Callable[[int, int], None]) -> int:
    """Forget what was counted, and count the whole log again in many short transactions. Answers the last change's id.

    Raises `LogCutOff` when the log does not hold everything any more: then the counts stay as they are.
    A process that keeps the statistics meanwhile counts a part of it. `tell` hears how far it is, of how much.
    """
    goal = await _forget(database)
    while (reached := await _reached(database)) < goal:
        tell(reached.id, goal.id)
        if not await projection.advance(database, STATISTICS, now()):
            await asyncio.sleep(RETRY_AFTER_SECONDS)
    tell(goal.id, goal.id)
    return goal.id


async def _forget(database: Database) -> Position:
    """Nothing is counted from now on. Answers the newest change."""
    async with database.transaction() as session:
        if await session.one(_IS_CUT_OFF):
            raise LogCutOff
        # The position comes first. Its lock waits for a process that is counting, and then nobody counts on from the
        # old position.
        await session.run(_RESTART, name=PROJECTION)
        for forget in _FORGET:
            await session.run(forget)
        return await session.first(_NEWEST) or START


async def _reached(database: Database) -> Position:
    async with database.transaction() as session:
        return await projection.position(session, PROJECTION) or START
