"""The lifecycle: REGISTERED → VERIFIED → DEPARTED, and how each ends otherwise (S1's statuses 1–3, our 4–6).

    REGISTERED ─► VERIFIED · CANCELLED · FORFEITED        VERIFIED ─► DEPARTED · CANCELLED · NO_SHOW

The only file that changes a status. Seats return with CANCELLED and FORFEITED; a forfeited NIK is blocked by policy;
when an outbound ends, its return ends with it. Rows are locked routes first, then registrants, each in id order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.errors import (
    InvalidValue,
    MotorcycleNotHandedOver,
    NotFound,
    NotHealthy,
    Raced,
    Refusal,
    SeasonClosed,
    TransitionNotAllowed,
    VerificationExpired,
)
from app.models.enums import ChangeKind, RegistrantStatus, Service
from app.registry import blocks, log, lookup, quota, record, report_time
from app.registry.instants import not_in_the_future
from app.registry.policy import default_for
from app.registry.poskos import posko_given
from app.registry.reasons import reason_given
from app.registry.record import Record
from app.registry.source import Caller
from app.vault import Vault

S = RegistrantStatus

TRANSITIONS = MappingProxyType(
    {
        S.REGISTERED: (S.VERIFIED, S.CANCELLED, S.FORFEITED),
        S.VERIFIED: (S.DEPARTED, S.CANCELLED, S.NO_SHOW),
        S.DEPARTED: (),
        S.FORFEITED: (),
        S.CANCELLED: (),
        S.NO_SHOW: (),
    }
)
ENDS = frozenset({S.CANCELLED, S.FORFEITED})
"""What frees the seat, and takes the return along."""
ENDED_WITH_OUTBOUND = "Arus mudiknya berakhir."


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


@dataclass(frozen=True, slots=True)
class Step:
    """One registrant, one status on. `caller` None: the registry itself."""

    id: UUID
    to: RegistrantStatus
    caller: Caller | None = None
    reason: str | None = None
    posko: str | None = None
    healthy: bool | None = None
    at: datetime | None = None
    handed_over: bool = False
    """The departure of a motorcycle tells of its hand-over as well."""


@dataclass(slots=True)
class State:
    """A locked registrant, as the steps of this transaction leave it."""

    row: Row[Any]
    status: RegistrantStatus
    verified_at: datetime | None
    posko: str | None
    departed_at: datetime | None
    late: bool | None
    healthy: bool | None
    handed_over_at: datetime | None
    entries: list[log.Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Taken:
    state: State
    moved: bool
    """False: it was there already."""


_RETURN = "outbound_id = ANY(CAST(:ids AS uuid[])) AND status IN ('REGISTERED', 'VERIFIED')"
_RETURNS = text(f"SELECT id FROM registrant WHERE {_RETURN}")
_ROUTES = text(f"SELECT DISTINCT route_id FROM registrant WHERE id = ANY(CAST(:ids AS uuid[])) OR ({_RETURN})")
_LOCK = text(
    f"""
    SELECT {record.COLUMNS}, r.nik_index, r.posko, season.closed_at AS season_closed_at,
           -- No join: a registrant that was moved to another route while we waited for its lock would be lost.
           (SELECT departs_at FROM route WHERE route.id = r.route_id) AS departs_at,
           policy.block_when_forfeited, policy.block_seasons, policy.no_show_after_minutes
    FROM {record.FROM} JOIN season ON season.year = r.season
    LEFT JOIN policy ON policy.season = r.season AND policy.organizer_code = r.organizer_code
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


async def move(session: AsyncSession, vault: Vault, moves: Sequence[Move], now: datetime) -> list[Record | Refusal]:
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


async def step(session: AsyncSession, steps: Sequence[Step], now: datetime) -> list[State | Refusal]:
    """Take `steps`, each judged against what the ones before it left. Raises `Raced`."""
    verdicts = await _take_all(session, steps, now, through=False)
    return [verdict.state if isinstance(verdict, Taken) else verdict for verdict in verdicts]


async def advance(session: AsyncSession, steps: Sequence[Step], now: datetime) -> list[Taken | Refusal]:
    """The same for whoever pushes states: each goes through the statuses between, or not at all. Raises `Raced`."""
    return await _take_all(session, steps, now, through=True)


def way(status: RegistrantStatus, to: RegistrantStatus) -> tuple[RegistrantStatus, ...]:
    """The statuses from `status` on up to `to`. Empty: it does not lead there."""
    if to in TRANSITIONS[status]:
        return (to,)
    through = [next_ for next_ in TRANSITIONS[status] if to in TRANSITIONS[next_]]
    return (through[0], to) if through else ()


async def _take_all(
    session: AsyncSession, steps: Sequence[Step], now: datetime, *, through: bool
) -> list[Taken | Refusal]:
    ending = [one.id for one in steps if one.to in ENDS]
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
    verdicts = [_take(one, states, returns, now, through=through) for one in steps]
    await _write(session, list(states.values()), seats, now)
    return verdicts


async def _lock_routes(session: AsyncSession, ending: Sequence[UUID], now: datetime) -> dict[UUID, quota.Seats]:
    """Those of the registrants that end, and those of their returns."""
    routes = set((await session.execute(_ROUTES, {"ids": list(ending)})).scalars())
    return await quota.lock(session, routes, now)


async def _returns(session: AsyncSession, ending: Sequence[UUID]) -> set[UUID]:
    return set((await session.execute(_RETURNS, {"ids": list(ending)})).scalars())


async def _nothing_came_meanwhile(
    session: AsyncSession, ending: Sequence[UUID], states: dict[UUID, State], seats: dict[UUID, quota.Seats]
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
    if one.to == S.CANCELLED or reason is not None:
        given = reason_given(reason or "")
        if isinstance(given, InvalidValue):
            return given
        reason = given
    posko = posko_given(one.posko)
    if isinstance(posko, InvalidValue):
        return posko
    return Step(registrant, one.to, one.caller, reason, posko, one.healthy, one.at)


def _take(
    one: Step, states: dict[UUID, State], returns: dict[UUID, list[State]], now: datetime, *, through: bool
) -> Taken | Refusal:
    state = states.get(one.id)
    if state is None:
        return NotFound("ref")
    if one.to == state.status:
        return Taken(state, moved=False)
    steps = [replace(one, to=to) for to in (way(state.status, one.to) if through else ()) or (one.to,)]
    refused = _judge_all(steps, state, now) or (_refuses_claim(one, state, now) if through else None)
    if refused is not None:
        return refused
    for each in steps:
        _apply(each, state, now)
    if one.to in ENDS:
        _end_return(one, returns[one.id], now)
    return Taken(state, moved=True)


def _judge_all(steps: Sequence[Step], state: State, now: datetime) -> Refusal | None:
    """All of them or none: whoever cannot depart is not verified on the way."""
    ahead = replace(state)
    for one in steps:
        refused = _judge(one, ahead, now)
        if isinstance(refused, TransitionNotAllowed):
            refused.status, refused.allowed = state.status, _asked_for(state.status)
        if refused is not None:
            return refused
        ahead.status = one.to
    return None


def _judge(one: Step, state: State, now: datetime) -> Refusal | None:
    if state.row.season_closed_at is not None:
        return SeasonClosed("ref", season=state.row.season)
    verify_by = state.row.verify_by
    expired = verify_by is not None and verify_by < now
    if one.to == S.VERIFIED and expired and state.status in {S.REGISTERED, S.FORFEITED}:
        return VerificationExpired("ref", verify_by=verify_by)
    if one.to not in TRANSITIONS[state.status]:
        return TransitionNotAllowed("ref", status=state.status, to=one.to, allowed=_asked_for(state.status))
    if one.to == S.DEPARTED:
        return _refuses_departure(one, state, now)
    return None


def _refuses_claim(one: Step, state: State, now: datetime) -> TransitionNotAllowed | None:
    """The registry forfeits and marks no-shows by itself: whoever pushes states can only tell what is due anyway."""
    decided = state.row.no_show_after_minutes
    grace = default_for(state.row.organizer).no_show_after_minutes if decided is None else decided
    is_due = {
        S.FORFEITED: state.row.verify_by is not None and state.row.verify_by < now,
        S.NO_SHOW: report_time.has_left(state.row.departs_at, grace, now),
    }
    if is_due.get(one.to, True):
        return None
    return TransitionNotAllowed("ref", status=state.status, to=one.to, allowed=_asked_for(state.status))


def _asked_for(status: RegistrantStatus) -> tuple[str, ...]:
    """What a client can ask for now; the rest happens by itself."""
    return tuple(to for to in TRANSITIONS[status] if to not in {S.FORFEITED, S.NO_SHOW})


def _refuses_departure(one: Step, state: State, now: datetime) -> Refusal | None:
    if not one.healthy:
        return NotHealthy("healthy")
    if _is_not_handed_over(state) and not one.handed_over:
        return MotorcycleNotHandedOver("ref")
    at = not_in_the_future(one.at, now, "at")
    return at if isinstance(at, InvalidValue) else None


def _is_not_handed_over(state: State) -> bool:
    return state.row.service == Service.MOTORCYCLE and state.handed_over_at is None


def _apply(one: Step, state: State, now: datetime) -> None:
    at = one.at or now
    if one.to == S.DEPARTED and _is_not_handed_over(state):
        state.handed_over_at = at
        told = replace(_told(one, state), kind=ChangeKind.MOTORCYCLE_HANDED_OVER, from_status=None, to_status=None)
        state.entries.append(told)
    if one.to == S.VERIFIED:
        state.verified_at, state.posko = now, one.posko
    if one.to == S.DEPARTED:
        state.departed_at, state.healthy = at, True
        state.late = report_time.is_late(at, state.row.departs_at)
    state.entries.append(_told(one, state))
    state.status = one.to


def _end_return(one: Step, returns: Sequence[State], now: datetime) -> None:
    """What is verified cannot be forfeited any more: such a return is cancelled."""
    for state in returns:
        if state.status in {S.REGISTERED, S.VERIFIED}:
            to = one.to if state.status == S.REGISTERED else S.CANCELLED
            _apply(Step(state.row.id, to, one.caller, ENDED_WITH_OUTBOUND), state, now)


async def _write(session: AsyncSession, states: Sequence[State], seats: dict[UUID, quota.Seats], now: datetime) -> None:
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
    freed = Counter(state.row.route_id for state in moved if state.status in ENDS)
    if freed:
        entries += await quota.give_back(session, freed, seats)
    await log.append(session, entries, now)
    await _block(session, [state for state in moved if state.status == S.FORFEITED], now)


async def _block(session: AsyncSession, forfeited: Sequence[State], now: datetime) -> None:
    """A person is blocked once: for the way home, and not again for what was forfeited with it."""
    forfeits: dict[tuple[bytes, int, str], blocks.Forfeit] = {}
    for state in sorted(forfeited, key=lambda state: state.row.outbound_id is not None):
        forfeit = _forfeit(state.row)
        if forfeit is not None:
            forfeits.setdefault((forfeit.nik_index, forfeit.season, forfeit.organizer), forfeit)
    if forfeits:
        await blocks.block_forfeited(session, list(forfeits.values()), None, now)


def _forfeit(row: Row[Any]) -> blocks.Forfeit | None:
    decided = default_for(row.organizer)
    blocked = decided.block_when_forfeited if row.block_when_forfeited is None else row.block_when_forfeited
    if not blocked:
        return None
    return blocks.Forfeit(row.nik_index, row.season, row.block_seasons or decided.block_seasons, row.organizer, row.id)


def _told(one: Step, state: State) -> log.Entry:
    return log.Entry(
        ChangeKind.REGISTRANT_MOVED,
        state.row.season,
        state.row.organizer,
        state.row.id,
        state.row.route_id,
        state.status,
        one.to,
        one.caller.client_id if one.caller is not None else None,
        one.reason,
    )


def _state(row: Row[Any]) -> State:
    status = RegistrantStatus(row.status)
    return State(row, status, row.verified_at, row.posko, row.departed_at, row.late, row.healthy, row.handed_over_at)


def _record(state: State, vault: Vault, caller: Caller) -> Record:
    seen = record.from_row(state.row, vault, caller)
    seen.status, seen.verified_at, seen.departed_at = state.status, state.verified_at, state.departed_at
    seen.late, seen.healthy, seen.handed_over_at = state.late, state.healthy, state.handed_over_at
    return seen
