"""Which status follows which, and who may take a step: pure, without a database.

    REGISTERED ─► VERIFIED · CANCELLED · FORFEITED        VERIFIED ─► DEPARTED · CANCELLED · NO_SHOW

Hubdat takes ends back, and a no-show that a wrong departure time caused goes back by itself (`registry.undo`). The
three main statuses are those of S1 (1–3); the others are ours (4–6). `lifecycle` locks the registrants, asks here, and
writes what the steps have made of them. A trip is verified once: whoever verifies one leg verifies the other, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
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
from app.models.registrant import VERIFIED_OR_LATER, YET_TO_DEPART
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
LEFT_ALONE = timedelta(hours=24)
"""By the sweep: whoever was reopened."""
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
    reopened_at: datetime | None
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
    verify_by: datetime | None
    reopened_at: datetime | None
    entries: list[change_log.Entry] = field(default_factory=list)
    others: list[State] = field(default_factory=list, repr=False)
    """Whatever else the person holds with the same organizer: the other way, and the motorcycle."""

    @property
    def other_legs(self) -> Iterator[State]:
        """The other way of the same trip."""
        return (one for one in self.others if self.home == one.home)

    @property
    def home(self) -> UUID:
        """The outbound of the trip."""
        return self.row.outbound_id or self.row.id

    @property
    def is_verified(self) -> bool:
        return self.status in VERIFIED_OR_LATER


@dataclass(frozen=True, slots=True)
class Taken:
    state: State
    moved: bool
    """False: the registrant had this status already."""
    along: tuple[State, ...] = ()
    """The other legs of the trip, which were verified with this one."""


def way(status: RegistrantStatus, to: RegistrantStatus) -> tuple[RegistrantStatus, ...]:
    """The statuses from `status` on up to `to`. Empty: no way leads there."""
    if to in TRANSITIONS[status]:
        return (to,)
    through = [next_ for next_ in TRANSITIONS[status] if to in TRANSITIONS[next_]]
    return (through[0], to) if through else ()


@refuses(
    SeasonClosed, TransitionNotAllowed, VerificationExpired, MotorcycleNotHandedOver, NotHealthy, NotFound, InvalidValue
)
def take(one: Step, states: Mapping[UUID, State], now: datetime, *, through: bool) -> Taken | Refusal:
    """Judge `one` against `states`, and change these. `through`: also by way of another status that lies between."""
    state = states.get(one.id)
    if state is None:
        return NotFound("ref")
    if one.to == state.status:
        return Taken(state, moved=False)
    if one.caller is None and one.to == S.FORFEITED and _trip_is_verified(state):
        # Its other leg was verified before trips were verified at once.
        one = replace(one, to=S.VERIFIED)
    steps = [replace(one, to=to) for to in (way(state.status, one.to) if through else ()) or (one.to,)]
    refused = _judge_all(steps, state, now) or (_refuses_claim(one, state, now) if through else None)
    if refused is not None:
        return refused
    along: tuple[State, ...] = ()
    for each in steps:
        _apply(each, state, now)
        if each.to == S.VERIFIED:
            along = _verify_trip(each, state, now)
    if one.to in ENDS:
        _end_return(one, state, now)
    return Taken(state, moved=True, along=along)


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
    verify_by = _deadline(state)
    may_expire = one.to == S.VERIFIED and state.status in {S.REGISTERED, S.FORFEITED}
    if may_expire and verify_by is not None and verify_by < now:
        return VerificationExpired("ref", verify_by=verify_by)
    if one.to not in TRANSITIONS[state.status] or (one.to == S.FORFEITED and _trip_is_verified(state)):
        return TransitionNotAllowed("ref", status=state.status, to=one.to, allowed=_asked_for(state.status))
    if one.to == S.DEPARTED:
        return _refuses_departure(one, state, now)
    return None


def _deadline(state: State) -> datetime | None:
    """Of the trip, which is that of its outbound. None: it can be verified at any time."""
    if state.status == S.REGISTERED and _trip_is_verified(state):
        return None
    home = next((leg for leg in state.other_legs if leg.row.id == state.row.outbound_id), state)
    return home.row.verify_by if home.status == state.status else state.row.verify_by


def _trip_is_verified(state: State) -> bool:
    return any(one.is_verified for one in state.other_legs)


def _refuses_claim(one: Step, state: State, now: datetime) -> TransitionNotAllowed | None:
    """The registry itself forfeits and marks no-shows. A row that says so is accepted only when that is due."""
    verify_by = _deadline(state)
    is_due = {
        # Whose trip is verified has no deadline.
        S.FORFEITED: verify_by is not None and verify_by < now,
        S.NO_SHOW: is_left_behind(state, now),
    }
    if is_due.get(one.to, True):
        return None
    return TransitionNotAllowed("ref", status=state.status, to=one.to, allowed=_asked_for(state.status))


def is_left_behind(state: State, now: datetime) -> bool:
    """Whether the route has left, its grace is over, and the person was not reopened within a day."""
    alone = state.reopened_at is not None and now < state.reopened_at + LEFT_ALONE
    return not alone and report_time.has_left(state.row.departs_at, state.row.no_show_after_minutes, now)


def go_back(one: Step, state: State, now: datetime) -> None:
    """Take `state` back to the status `one.to`, which nothing else leads to. Whoever has to be verified has a day."""
    entry = _told(one, state)
    if one.to == S.REGISTERED and state.verify_by is not None and state.verify_by < now + LEFT_ALONE:
        before, state.verify_by = state.verify_by, now + LEFT_ALONE
        times = {"verify_by_before": before.isoformat(), "verify_by": state.verify_by.isoformat()}
        entry = replace(entry, facts=dict(times))
    state.entries.append(entry)
    state.status, state.reopened_at = one.to, now


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


def _verify_trip(one: Step, state: State, now: datetime) -> tuple[State, ...]:
    along = tuple(leg for leg in state.other_legs if leg.status == S.REGISTERED)
    for leg in along:
        _apply(one, leg, now)
    return along


def _end_return(one: Step, state: State, now: datetime) -> None:
    for leg in state.other_legs:
        if leg.row.outbound_id == state.row.id and leg.status in YET_TO_DEPART:
            ending = Step(id=leg.row.id, to=one.to, caller=one.caller, reason=ENDED_WITH_OUTBOUND)
            _apply(ending, leg, now)


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
