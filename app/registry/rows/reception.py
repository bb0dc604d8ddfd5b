"""Rows of the ministry's 12 columns, as organizers push them (S1). Every door of the 12 columns ends here.

A batch of rows is worked off in passes. In a pass, a person whom the organizer has not registered yet is submitted, and
whoever is known goes on to the status that the row tells (`taking`). An end of somebody unknown is remembered
(`early_ends`). Rows that apply move and correct whom they know (`applying`). The number of SQL statements does not
depend on the number of rows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import SeasonClosed, refused_by, refuses
from app.models.enums import RegistrantStatus
from app.registry import change_log
from app.registry.amending import corrections, rerouting
from app.registry.registrants import lifecycle, transitions
from app.registry.registrants.submission import submit
from app.registry.routes import route as routes
from app.registry.rows import applying, early_ends, known, provisional, taking
from app.registry.rows import batch as batches
from app.registry.rows.applying import Applied
from app.registry.rows.batch import Batch, KnownRegistrant, NaturalKey, PlacedRow, Push
from app.registry.rows.row import ParsedRow, Row, row_of
from app.registry.rows.taking import Registered
from app.registry.rows.verdicts import RESULT_TITLES, Result, Verdict
from app.registry.terms import seasons
from app.server.slices import sliced
from app.sql import statement
from app.vault.vault import Vault

__all__ = ["RESULT_TITLES", "Push", "Result", "Row", "Verdict", "push", "row_of"]

PASSES = 2
"""Whoever was cancelled by one row can be registered anew by a later row of the same batch, once."""


class _Seasons(NamedTuple):
    current: int | None
    ends_on: date | None
    """The last day of the current season."""
    latest: int | None


_SEASONS = statement(
    f"""
    SELECT {seasons.CURRENT} AS current, (SELECT ends_on FROM season WHERE year = {seasons.CURRENT}) AS ends_on,
           {seasons.LATEST} AS latest
    """,
    _Seasons,
)


@refuses(*refused_by(submit, lifecycle.advance, rerouting.take, corrections.judge))
async def push(
    session: Session,
    vault: Vault,
    pushes: Sequence[Push],
    now: datetime,
    *,
    in_turn: Callable[[], Awaitable[object]] | None = None,
) -> list[Verdict]:
    """Take in up to 1,000 rows, each judged in its turn, with a verdict each. Run it through `Database.attempt`.

    `in_turn` is awaited where a batch begins to depend on what the batch before it leaves. What needs no database is
    done by then.
    """
    season = await session.one(_SEASONS)
    if season.current is None or season.ends_on is None:
        closed = SeasonClosed(season=season.latest or 0)
        return [Verdict(result=Result.REFUSED, refusal=closed)] * len(pushes)
    batch = Batch(vault=vault, now=now, season=season.current, ends_on=season.ends_on)
    waiting = await batches.read(session, batch, pushes, in_turn)
    for turn in range(PASSES):
        if waiting:
            waiting = await _pass(session, batch, waiting, last=turn == PASSES - 1)
    entries = await provisional.keep(session, batch.season, batch.made, batch.used_routes)
    if entries:
        await change_log.append(session, entries, now)
    return [batch.verdicts[place] for place in range(len(pushes))]


@dataclass(slots=True)
class Plan:
    """What one pass does with each row."""

    new: list[PlacedRow] = field(default_factory=list)
    """Rows that register somebody."""
    about_known: list[PlacedRow] = field(default_factory=list)
    behind: set[int] = field(default_factory=set)
    """Places of rows in `about_known` that come after a row in `new` about the same person."""
    later: list[PlacedRow] = field(default_factory=list)
    """Rows that wait for what this pass does."""


async def _pass(session: Session, batch: Batch, waiting: Sequence[PlacedRow], *, last: bool) -> list[PlacedRow]:
    """Answers the rows that have to wait for what this pass does."""
    found = await _known(session, batch, waiting)
    plan = _plan(batch, waiting, found, last=last)
    await _leave_out_overtaken(session, batch, plan)
    await _read_stored_routes(session, batch, plan, found)
    answered = {place: _about(batch, row, found.get(batch.key(row))) async for place, row in sliced(plan.about_known)}
    applied = _applied(batch, plan, found, answered)
    # A batch may wait here until another batch has made the same route. It must hold no lock of a route meanwhile.
    await taking.make_routes(session, batch, [*plan.new, *(PlacedRow(one.place, one.row) for one in applied)])
    await taking.lock_routes(session, batch, plan.new, _ending(batch, plan, found), applying.routes(batch, applied))
    registered = await taking.register(session, batch, plan.new) if plan.new else {}
    early: list[ParsedRow] = []
    for place, row in plan.about_known:
        by_this_batch = registered.get(batch.key(row)) if place in plan.behind else None
        verdict = _behind(row, by_this_batch) or answered[place]
        batch.verdicts[place] = verdict or early_ends.remembered(row)
        early += [] if verdict else [row]
    if early:
        await early_ends.remember(session, batch, early)
    if applied:
        await applying.apply(session, batch, applied)
    await taking.advance(session, batch, waiting)
    return plan.later


async def _read_stored_routes(
    session: Session, batch: Batch, plan: Plan, found: Mapping[NaturalKey, KnownRegistrant]
) -> None:
    """The routes of people whose rows mean another route: what differs is told column by column."""
    ids = set()
    for _, row in plan.about_known:
        standing = found.get(batch.key(row))
        if standing is not None and batch.means_another_route(row, standing):
            ids.add(standing.route_id)
    stored = await routes.by_ids(session, list(ids), batch.now) if ids else []
    batch.stored_routes |= {one.id: one for one in stored if one is not None}


def _applied(
    batch: Batch, plan: Plan, found: Mapping[NaturalKey, KnownRegistrant], answered: Mapping[int, Verdict | None]
) -> list[Applied]:
    """The rows that may change somebody. What is older than the registry changes nothing."""
    applied = []
    for place, row in plan.about_known:
        standing, verdict = found.get(batch.key(row)), answered[place]
        if place not in batch.applying or place in plan.behind or standing is None or verdict is None:
            continue
        if verdict.result is Result.UNCHANGED and not transitions.way(row.status, RegistrantStatus(standing.status)):
            applied.append(Applied(place, row, standing))
    return applied


async def _known(session: Session, batch: Batch, waiting: Sequence[PlacedRow]) -> dict[NaturalKey, KnownRegistrant]:
    """Find the known people. The batch first takes its turn, so that nobody else registers or ends the unknown ones."""
    found = await known.find(session, batch, waiting)
    if batch.has_its_turn:
        return found
    keys = [(one.row, found.get(batch.key(one.row))) for one in waiting]
    ending = {row.organizer for row, standing in keys if known.is_early(row, standing)}
    arriving = {row.organizer for row, standing in keys if known.comes_anew(row, standing)}
    await early_ends.take_turns(session, sorted(ending), sorted(arriving - ending))
    batch.has_its_turn = True
    return await known.find(session, batch, waiting) if ending else found


async def _leave_out_overtaken(session: Session, batch: Batch, plan: Plan) -> None:
    """A person whose end arrived before the registration is not registered."""
    if not plan.new:
        return
    ends = await early_ends.find(session, batch, plan.new)
    for one in plan.new if ends else ():
        verdict = early_ends.judge(one.row, ends, batch.key(one.row))
        if verdict is not None:
            batch.verdicts[one.place] = verdict
    plan.new = [one for one in plan.new if one.place not in batch.verdicts]


def _about(batch: Batch, row: ParsedRow, standing: KnownRegistrant | None) -> Verdict | None:
    """What a row is answered that registers nobody. None: it ends a registration that has not come yet."""
    if standing is None or known.is_early(row, standing):
        return None
    return known.answer(batch, row, standing)


def _plan(
    batch: Batch, waiting: Sequence[PlacedRow], found: Mapping[NaturalKey, KnownRegistrant], *, last: bool
) -> Plan:
    plan = Plan()
    arriving: set[NaturalKey] = set()
    ending: set[NaturalKey] = set()
    for one in waiting:
        key = batch.key(one.row)
        if key in ending and not last:
            plan.later.append(one)
        elif known.comes_anew(one.row, found.get(key)):
            plan.new.append(one)
            arriving.add(key)
        else:
            plan.about_known.append(one)
            if key in arriving:
                plan.behind.add(one.place)
        if one.row.status in transitions.FREEING:
            ending.add(key)
    return plan


def _ending(batch: Batch, plan: Plan, found: Mapping[NaturalKey, KnownRegistrant]) -> set[UUID]:
    """The routes of those who are known and end."""
    ending = [found.get(batch.key(one.row)) for one in plan.about_known if one.row.status in transitions.FREEING]
    return {one.route_id for one in ending if one is not None}


def _behind(row: ParsedRow, registered: Registered | None) -> Verdict | None:
    """The verdict for a row, if an earlier row of this batch registered its person. None: no earlier row did."""
    if registered is None:
        return None
    return Verdict(
        result=Result.STALE if known.is_of_before(row, registered.by) else Result.UNCHANGED,
        status=RegistrantStatus.REGISTERED,
        registrant_id=registered.id,
        organizer=row.organizer,
        warnings=row.nik.warnings,
    )
