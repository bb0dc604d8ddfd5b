"""Rows that apply: with `changes: APPLY` a row moves and corrects whom it knows, where it differs from what is stored.

A registrant that was changed after the instant of the list (`asOf`) is not changed: the row is stale. A row changes all
that it differs in, or nothing. The rules are those of `amending`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import Refusal
from app.models.enums import RegistrantStatus
from app.registry.amending import corrections, rerouting
from app.registry.amending.corrections import Correction, Values
from app.registry.amending.rerouting import Reroute, ReroutingGround
from app.registry.caller import Caller
from app.registry.change_log import IS_OF_A_REGISTRANT
from app.registry.registrants import transitions
from app.registry.registrants.judgement import NAME_DIFFERS, ROUTE_DIFFERS
from app.registry.routes.lap_infants import BookingKey
from app.registry.rows import differences, taking
from app.registry.rows.batch import Batch, KnownRegistrant
from app.registry.rows.row import ParsedRow
from app.registry.rows.verdicts import Result, Verdict
from app.registry.values import nik, particulars
from app.sql import statement

REASON = "Diperbaiki menurut daftar penyelenggara."


class Applied(NamedTuple):
    """A row that may change somebody."""

    place: int
    row: ParsedRow
    known: KnownRegistrant


class _ChangedRegistrant(NamedTuple):
    registrant_id: UUID
    at: datetime


_LAST_CHANGES = statement(
    f"""
    SELECT asked.id AS registrant_id, last.at FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    -- OFFSET 0 has PostgreSQL go by the index, also in a table without statistics (see `uniqueness`). What this
    -- transaction did is part of the list itself.
    JOIN LATERAL (
        SELECT max(at) AS at FROM (
            SELECT at FROM change WHERE registrant_id = asked.id AND {IS_OF_A_REGISTRANT}
                AND xact_id <> log_transaction(pg_current_xact_id()) OFFSET 0
        ) one
    ) last ON last.at IS NOT NULL
    """,
    _ChangedRegistrant,
)


def routes(batch: Batch, rows: Sequence[Applied]) -> set[UUID]:
    """Where the people are whom `rows` move, and where they go."""
    moves = [(one.known.route_id, move.route_id) for one in rows if (move := _move(batch, one)) is not None]
    return {route for pair in moves for route in pair}


async def apply(session: Session, batch: Batch, rows: Sequence[Applied]) -> None:
    """Change the registrants from which their rows differ, and write that into the verdicts. Raises `Raced`."""
    moves = {one.place: move for one in rows if (move := _move(batch, one)) is not None}
    also = [one.known.id for one in rows]
    ground = await rerouting.lock(session, batch.vault, list(moves.values()), batch.now, also=also)
    changed_at = await _changed_at(session, batch, rows)
    rows = [one for one in rows if not _put_aside(batch, one, changed_at)]
    judged = {one.place: _correction(batch, one, ground) for one in rows}
    refused = {place: values for place, values in judged.items() if isinstance(values, Refusal)}
    refused |= await _move_all(session, {place: moves[place] for place in judged if place in moves}, refused, ground)
    values = {place: one for place, one in judged.items() if place not in refused and not isinstance(one, Refusal)}
    await _correct_all(session, batch, [one for one in rows if values.get(one.place)], values, ground)
    for one in rows:
        batch.verdicts[one.place] = _verdict(batch, one, refused.get(one.place))
    changed = [one for one in rows if one.place not in refused]
    await taking.tell_of_infants(session, batch, {one.place: found for one in changed if (found := _left(batch, one))})


def _move(batch: Batch, one: Applied) -> Reroute | None:
    route_id = batch.route(one.row).route_id
    if route_id is None or not batch.means_another_route(one.row, one.known):
        return None
    return Reroute(id=one.known.id, route_id=route_id, caller=one.row.caller)


def _left(batch: Batch, one: Applied) -> list[BookingKey]:
    """The bookings in which somebody may be alone now: the one that `one` leaves, or in which it moves; and the one
    that it comes to.
    """
    before, now = one.known.reference, one.row.reference or one.known.reference
    if before == now and _move(batch, one) is None:
        return []
    codes = dict.fromkeys(code for code in (before, now) if code is not None)
    return [BookingKey(batch.season, one.row.organizer, code) for code in codes]


async def _changed_at(session: Session, batch: Batch, rows: Sequence[Applied]) -> dict[UUID, datetime]:
    """When each was changed last, for rows that tell the instant of their list."""
    asked = [one.known.id for one in rows if batch.applying[one.place].as_of is not None]
    found = await session.rows(_LAST_CHANGES, ids=asked) if asked else []
    return {one.registrant_id: one.at for one in found}


def _put_aside(batch: Batch, one: Applied, changed_at: Mapping[UUID, datetime]) -> bool:
    as_of, changed = batch.applying[one.place].as_of, changed_at.get(one.known.id)
    if as_of is None or changed is None or changed <= as_of:
        return False
    before = batch.verdicts[one.place]
    batch.verdicts[one.place] = replace(before, result=Result.STALE, warnings=one.row.nik.warnings, is_outdated=True)
    return True


def _correction(batch: Batch, one: Applied, ground: ReroutingGround) -> Values | Refusal:
    """What is to be changed besides the route."""
    columns = {difference.column for difference in batch.verdicts[one.place].differences}
    told = {name: getattr(one.row, name) for name in particulars.NAMES}
    correction = Correction(
        reason=REASON,
        name=one.row.name if differences.OF_THE_PERSON in columns else None,
        motorcycle=one.row.motorcycle if columns & {"nomor_polisi", "nomor_stnk"} else None,
        **told,
    )
    return corrections.judge(correction, ground.people[one.known.id], batch.vault)


async def _move_all(
    session: Session, moves: Mapping[int, Reroute], refused: Mapping[int, Refusal], ground: ReroutingGround
) -> dict[int, Refusal]:
    """Moves in `refused` are left out. Answers which of the others are refused."""
    left = {place: move for place, move in moves.items() if place not in refused}
    taken = await rerouting.take(session, list(left.values()), ground) if left else []
    return {place: one for place, one in zip(left, taken, strict=True) if isinstance(one, Refusal)}


async def _correct_all(
    session: Session, batch: Batch, rows: Iterable[Applied], values: Mapping[int, Values], ground: ReroutingGround
) -> None:
    changes: dict[UUID, Values] = {}
    callers: dict[UUID, Caller] = {}
    for one in rows:
        for registrant, changed in corrections.shared(ground.people, one.known.id, values[one.place]).items():
            changes.setdefault(registrant, {}).update(changed)
            callers[registrant] = one.row.caller
    if changes:
        await corrections.write(session, batch.vault, changes, ground.people, callers, REASON, batch.now)


def _verdict(batch: Batch, one: Applied, refusal: Refusal | None) -> Verdict:
    before = batch.verdicts[one.place]
    if refusal is None:
        if {difference.column for difference in before.differences} <= {differences.OF_THE_DAY}:
            return before
        kept = tuple(warning for warning in before.warnings if warning not in {ROUTE_DIFFERS, NAME_DIFFERS})
        rerouted = _move(batch, one)
        batch.used_routes |= set() if rerouted is None else {rerouted.route_id}
        moved = rerouted is not None or NAME_DIFFERS in before.warnings
        return replace(before, result=Result.UPDATED, warnings=kept, moved=moved)
    status = RegistrantStatus(one.known.status)
    if transitions.way(status, one.row.status):
        # The status goes on all the same: whoever is aboard must not become a no-show for a route that is full.
        return replace(before, warnings=(*before.warnings, _told(refusal)))
    return replace(before, result=Result.REFUSED, refusal=refusal)


def _told(refusal: Refusal) -> nik.Warning:
    return nik.Warning(refusal.code, refusal.message("id"), refusal.message("en"))
