"""Which status follows which, and who may take a step: pure, without a database.

    REGISTERED ─► VERIFIED · CANCELLED · FORFEITED        VERIFIED ─► DEPARTED · CANCELLED · NO_SHOW

The three main statuses are those of S1 (1–3); the others are ours (4–6). `lifecycle` locks the registrants, asks here,
and writes what the steps have made of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from app.errors import (
    InvalidValue,
    MotorcycleNotHandedOver,
    NotFound,
    NotHealthy,
    Refusal,
    SeasonClosed,
    TransitionNotAllowed,
    VerificationExpired,
    refuses,
)
from app.models.enums import ChangeKind, RegistrantStatus, Service
from app.models.registrant import YET_TO_DEPART
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.registrants.view import Stored
from app.registry.routes import report_time
from app.registry.values.texts import not_in_the_future

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


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(slots=True, kw_only=True)
class Locked(Stored):
    """A registrant as `lifecycle` locks it, with what its steps are judged by."""

    nik_index: bytes | None
    posko: str | None
    season_closed_at: datetime | None
    departs_at: datetime | None
    block_when_forfeited: bool
    """This and what follows is the organizer's policy in force."""
    block_seasons: int
    no_show_after_minutes: int


@dataclass(slots=True, kw_only=True)
class State:
    """A locked registrant, as the steps of this transaction leave it."""

    row: Locked
    status: RegistrantStatus
    verified_at: datetime | None
    posko: str | None
    departed_at: datetime | None
    late: bool | None
    healthy: bool | None
    handed_over_at: datetime | None
    entries: list[change_log.Entry] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Taken:
    state: State
    moved: bool
    """False: the registrant had this status already."""


def way(status: RegistrantStatus, to: RegistrantStatus) -> tuple[RegistrantStatus, ...]:
    """The statuses from `status` on up to `to`. Empty: no way leads there."""
    if to in TRANSITIONS[status]:
        return (to,)
    through = [next_ for next_ in TRANSITIONS[status] if to in TRANSITIONS[next_]]
    return (through[0], to) if through else ()


@refuses(
    SeasonClosed, TransitionNotAllowed, VerificationExpired, MotorcycleNotHandedOver, NotHealthy, NotFound, InvalidValue
)
def take(
    one: Step, states: Mapping[UUID, State], returns: Mapping[UUID, Sequence[State]], now: datetime, *, through: bool
) -> Taken | Refusal:
    """Judge `one` against `states`, and change these. `through`: also by way of another status that lies between."""
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
        _end_return(one, returns.get(one.id, ()), now)
    return Taken(state, moved=True)


def _judge_all(steps: Sequence[Step], state: State, now: datetime) -> Refusal | None:
    """All of the steps or none: whoever cannot depart is not verified on the way."""
    ahead = replace(state)
    for one in steps:
        refused = _judge(one, ahead, now)
        if isinstance(refused, TransitionNotAllowed):
            refused = replace(refused, status=state.status, allowed=_asked_for(state.status))
        if refused is not None:
            return refused
        ahead.status = one.to
    return None


def _judge(one: Step, state: State, now: datetime) -> Refusal | None:
    if state.row.season_closed_at is not None:
        return SeasonClosed("ref", season=state.row.season)
    verify_by = state.row.verify_by
    may_expire = one.to == S.VERIFIED and state.status in {S.REGISTERED, S.FORFEITED}
    if may_expire and verify_by is not None and verify_by < now:
        return VerificationExpired("ref", verify_by=verify_by)
    if one.to not in TRANSITIONS[state.status]:
        return TransitionNotAllowed("ref", status=state.status, to=one.to, allowed=_asked_for(state.status))
    if one.to == S.DEPARTED:
        return _refuses_departure(one, state, now)
    return None


def _refuses_claim(one: Step, state: State, now: datetime) -> TransitionNotAllowed | None:
    """The registry itself forfeits and marks no-shows. A row that says so is accepted only when that is due."""
    is_due = {
        S.FORFEITED: state.row.verify_by is not None and state.row.verify_by < now,
        S.NO_SHOW: report_time.has_left(state.row.departs_at, state.row.no_show_after_minutes, now),
    }
    if is_due.get(one.to, True):
        return None
    return TransitionNotAllowed("ref", status=state.status, to=one.to, allowed=_asked_for(state.status))


def _asked_for(status: RegistrantStatus) -> tuple[str, ...]:
    """What a client can ask for now. The other steps happen by themselves."""
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
    """A verified return cannot be forfeited any more: it is cancelled."""
    for state in returns:
        if state.status in YET_TO_DEPART:
            to = one.to if state.status == S.REGISTERED else S.CANCELLED
            ending = Step(id=state.row.id, to=to, caller=one.caller, reason=ENDED_WITH_OUTBOUND)
            _apply(ending, state, now)


def _told(one: Step, state: State) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.REGISTRANT_MOVED,
        season=state.row.season,
        organizer=state.row.organizer,
        registrant_id=state.row.id,
        route_id=state.row.route_id,
        from_status=state.status,
        to_status=one.to,
        client_id=one.caller.client_id if one.caller is not None else None,
        reason=one.reason,
    )
