"""The lifecycle of registrants, as `transitions` draws it: locked, judged, written and logged.

The only file that changes a status. Seats return with CANCELLED and FORFEITED; a forfeited NIK is blocked by policy;
when an outbound ends, its return ends with it. Rows are locked routes first, then registrants, each in id order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db import Session
from app.errors import (
    InvalidValue,
    Raced,
    Refusal,
)
from app.models.enums import RegistrantStatus
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.niks import blocks
from app.registry.registrants import lookup, record, transitions
from app.registry.registrants.record import Record
from app.registry.registrants.transitions import State, Step, Taken
from app.registry.routes import quota
from app.registry.terms import policy
from app.registry.values.texts import posko_given, reason_given
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Move:
    """What a client asks for."""

    caller: Caller
    ref: lookup.Ref
    to: RegistrantStatus
    reason: str | None = None
    posko: str | None = None
    healthy: bool | None = None
    at: datetime | None = None


_RETURN = "outbound_id = ANY(CAST(:ids AS uuid[])) AND status IN ('REGISTERED', 'VERIFIED')"
_RETURNS = text(f"SELECT id FROM registrant WHERE {_RETURN}")
_ROUTES = text(f"SELECT DISTINCT route_id FROM registrant WHERE id = ANY(CAST(:ids AS uuid[])) OR ({_RETURN})")
_LOCK = text(
    f"""
    SELECT {record.COLUMNS}, r.nik_index, r.posko, season.closed_at AS season_closed_at,
           -- No join: a registrant that was moved to another route while we waited for its lock would be lost.
           (SELECT departs_at FROM route WHERE route.id = r.route_id) AS departs_at,
           {policy.in_force("block_when_forfeited", "r.organizer_code")} AS block_when_forfeited,
           {policy.in_force("block_seasons", "r.organizer_code")} AS block_seasons,
           {policy.in_force("no_show_after_minutes", "r.organizer_code")} AS no_show_after_minutes
    FROM {record.FROM} JOIN season ON season.year = r.season {policy.join("r.season", "r.organizer_code")}
    WHERE r.id = ANY(CAST(:ids AS uuid[])) ORDER BY r.id FOR NO KEY UPDATE OF r
    """
)
_UPDATE = text(
    """
    UPDATE registrant r SET status = s.status, verified_at = s.verified_at, posko = s.posko,
        departed_at = s.departed_at, late = s.late, healthy = s.healthy, handed_over_at = s.handed_over_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:status AS text[]), CAST(:verified_at AS timestamptz[]),
                CAST(:posko AS text[]), CAST(:departed_at AS timestamptz[]), CAST(:late AS boolean[]),
                CAST(:healthy AS boolean[]), CAST(:handed_over_at AS timestamptz[]))
         AS s (id, status, verified_at, posko, departed_at, late, healthy, handed_over_at)
    WHERE r.id = s.id
    """
)


async def move(session: Session, vault: Vault, moves: Sequence[Move], now: datetime) -> list[Record | Refusal]:
    """Move registrants of one's own; the same status again changes nothing. Run it through `Database.attempt`.

    Refuses NotFound, NikInvalid, InvalidValue, SeasonClosed, TransitionNotAllowed, VerificationExpired, NotHealthy,
    MotorcycleNotHandedOver.
    """
    if not moves:
        return []
    caller = moves[0].caller
    found = await lookup.resolve(session, vault, caller, [one.ref for one in moves], everyone=False)
    steps = [_step(one, registrant) for one, registrant in zip(moves, found, strict=True)]
    taken = iter(await step(session, [one for one in steps if isinstance(one, Step)], now))
    verdicts: list[Record | Refusal] = []
    for one in steps:
        verdict = next(taken) if isinstance(one, Step) else one
        verdicts.append(verdict if isinstance(verdict, Refusal) else _record(verdict, vault, caller))
    return verdicts


async def step(session: Session, steps: Sequence[Step], now: datetime) -> list[State | Refusal]:
    """Take `steps`, each judged against what the ones before it left. Raises `Raced`."""
    verdicts = await _take_all(session, steps, now, through=False)
    return [verdict.state if isinstance(verdict, Taken) else verdict for verdict in verdicts]


async def advance(session: Session, steps: Sequence[Step], now: datetime) -> list[Taken | Refusal]:
    """The same for whoever pushes states: each goes through the statuses between, or not at all. Raises `Raced`."""
    return await _take_all(session, steps, now, through=True)


async def _take_all(session: Session, steps: Sequence[Step], now: datetime, *, through: bool) -> list[Taken | Refusal]:
    ending = [one.id for one in steps if one.to in transitions.ENDS]
    seats = await _lock_routes(session, ending, now) if ending else {}
    # A locked route takes no booking: these are all, but for what comes on a route that had no return of theirs.
    returning = await _returns(session, ending) if ending else set()
    ids = sorted({one.id for one in steps} | returning)
    states = {row.id: _state(row) for row in await session.execute(_LOCK, {"ids": ids})}
    if ending:
        await _nothing_came_meanwhile(session, ending, states, seats)
    returns: dict[UUID, list[State]] = defaultdict(list)
    for state in states.values():
        returns[state.row.outbound_id].append(state)
    verdicts = [transitions.take(one, states, returns, now, through=through) for one in steps]
    await _write(session, list(states.values()), seats, now)
    return verdicts


async def _lock_routes(session: Session, ending: Sequence[UUID], now: datetime) -> dict[UUID, quota.Seats]:
    """Those of the registrants that end, and those of their returns."""
    routes = set((await session.execute(_ROUTES, {"ids": list(ending)})).scalars())
    return await quota.lock(session, routes, now)


async def _returns(session: Session, ending: Sequence[UUID]) -> set[UUID]:
    return set((await session.execute(_RETURNS, {"ids": list(ending)})).scalars())


async def _nothing_came_meanwhile(
    session: Session, ending: Sequence[UUID], states: dict[UUID, State], seats: dict[UUID, quota.Seats]
) -> None:
    """A return that was booked before its outbound was locked here must end too, and whoever was moved to another
    route gives a seat of that one back: see it in the next attempt.
    """
    returning = await _returns(session, ending)
    if not returning <= states.keys():
        raise Raced
    if any(one in states and states[one].row.route_id not in seats for one in {*ending, *returning}):
        raise Raced


def _step(one: Move, registrant: UUID | Refusal) -> Step | Refusal:
    if isinstance(registrant, Refusal):
        return registrant
    reason = one.reason
    if one.to == RegistrantStatus.CANCELLED or reason is not None:
        given = reason_given(reason or "")
        if isinstance(given, InvalidValue):
            return given
        reason = given
    posko = posko_given(one.posko)
    if isinstance(posko, InvalidValue):
        return posko
    return Step(registrant, one.to, one.caller, reason, posko, one.healthy, one.at)


async def _write(session: Session, states: Sequence[State], seats: dict[UUID, quota.Seats], now: datetime) -> None:
    moved = [state for state in states if state.entries]
    if not moved:
        return
    await session.execute(
        _UPDATE,
        {
            "ids": [state.row.id for state in moved],
            "status": [state.status for state in moved],
            "verified_at": [state.verified_at for state in moved],
            "posko": [state.posko for state in moved],
            "departed_at": [state.departed_at for state in moved],
            "late": [state.late for state in moved],
            "healthy": [state.healthy for state in moved],
            "handed_over_at": [state.handed_over_at for state in moved],
        },
    )
    entries = [entry for state in moved for entry in state.entries]
    freed = Counter(state.row.route_id for state in moved if state.status in transitions.ENDS)
    if freed:
        entries += await quota.give_back(session, freed, seats)
    await change_log.append(session, entries, now)
    await _block(session, [state for state in moved if state.status == RegistrantStatus.FORFEITED], now)


async def _block(session: Session, forfeited: Sequence[State], now: datetime) -> None:
    """A person is blocked once: for the way home, and not again for what was forfeited with it."""
    forfeits: dict[tuple[bytes, int, str], blocks.Forfeit] = {}
    for state in sorted(forfeited, key=lambda state: state.row.outbound_id is not None):
        forfeit = _forfeit(state.row)
        if forfeit is not None:
            forfeits.setdefault((forfeit.nik_index, forfeit.season, forfeit.organizer), forfeit)
    if forfeits:
        await blocks.block_forfeited(session, list(forfeits.values()), None, now)


def _forfeit(row: Row[Any]) -> blocks.Forfeit | None:
    if not row.block_when_forfeited:
        return None
    return blocks.Forfeit(row.nik_index, row.season, row.block_seasons, row.organizer, row.id)


def _state(row: Row[Any]) -> State:
    status = RegistrantStatus(row.status)
    return State(row, status, row.verified_at, row.posko, row.departed_at, row.late, row.healthy, row.handed_over_at)


def _record(state: State, vault: Vault, caller: Caller) -> Record:
    seen = record.from_row(state.row, vault, caller)
    seen.status, seen.verified_at, seen.departed_at = state.status, state.verified_at, state.departed_at
    seen.late, seen.healthy, seen.handed_over_at = state.late, state.healthy, state.handed_over_at
    return seen
