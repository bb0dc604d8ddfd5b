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
    DepartureNotBegun,
    InvalidValue,
    MotorcycleNotHandedOver,
    NotFound,
    NotHealthy,
    Refusal,
    SeasonClosed,
    TransitionNotAllowed,
    VerificationExpired,
    VerificationNotBegun,
    refuses,
)
from app.models.enums import ChangeKind, RegistrantFlag, RegistrantStatus, Service
from app.models.statuses import VERIFIED_OR_LATER, YET_TO_DEPART
from app.registry import change_log, outages
from app.registry.caller import Caller
from app.registry.registrants.view import Locked
from app.registry.routes import report_time
from app.registry.terms import news, periods, terms, told_late
from app.registry.values.standard import RowMoment
from app.registry.values.texts import CLOCKS_DIFFER_BY, not_in_the_future

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
FREEING = frozenset({S.CANCELLED, S.FORFEITED})
"""The ends that free the seat, and end the return as well. A no-show frees nothing: its seat has left."""
LEFT_ALONE = timedelta(hours=24)
"""The sweep does not end a registrant that was reopened less than this time ago."""
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
    """When it happened; of a row: the instant of its list. None: now."""
    verified: RowMoment | None = None
    """When somebody was verified, as a row or a posko names it. None: now."""
    reported: bool = False
    """A row tells it, maybe later than it happened. Its departure tells of health and of a hand-over as well."""


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
    flags: list[str]
    entries: list[change_log.Entry] = field(default_factory=list)
    others: list[State] = field(default_factory=list, repr=False)
    """Whatever else the person holds with the same organizer: the other way, and the motorcycle."""

    @property
    def forfeits_at(self) -> datetime | None:
        """None: never. A reopened person has a new `verify_by`, which an earlier instant does not cut short."""
        at = self.row.forfeits_at
        return at if at is None or self.verify_by is None else max(at, self.verify_by)

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
    SeasonClosed,
    TransitionNotAllowed,
    VerificationExpired,
    VerificationNotBegun,
    MotorcycleNotHandedOver,
    DepartureNotBegun,
    NotHealthy,
    NotFound,
    InvalidValue,
)
def take(one: Step, states: Mapping[UUID, State], now: datetime, *, through: bool) -> Taken | Refusal:
    """Judge `one` against `states`, and change these. `through`: also by way of another status that lies between."""
    state = states.get(one.id)
    if state is None:
        return NotFound("ref")
    if one.to == state.status:
        return Taken(state, moved=False)
    if one.caller is None and one.to == S.FORFEITED and trip_is_verified(state):
        # Its other leg was verified before trips were verified at once.
        one = replace(one, to=S.VERIFIED)
    steps = [replace(one, to=to) for to in (way(state.status, one.to) if through else ()) or (one.to,)]
    is_claim = through or one.caller is None
    refused = _judge_all(steps, state, now) or (_refuses_claim(one, state, now) if is_claim else None)
    if refused is not None:
        return refused
    along: tuple[State, ...] = ()
    for each in steps:
        if each.to == S.VERIFIED:
            along = _verify(each, state, now)
        else:
            apply(each, state, now)
    if one.to in FREEING:
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
    if one.to == S.VERIFIED and (refused := refuses_verification(one, state, now)) is not None:
        return refused
    if not _may_follow(one, state, now) or (one.to == S.FORFEITED and trip_is_verified(state)):
        return TransitionNotAllowed("ref", status=state.status, to=one.to, allowed=_asked_for(state.status))
    if one.to == S.DEPARTED:
        return _refuses_departure(one, state, now)
    return None


def _may_follow(one: Step, state: State, now: datetime) -> bool:
    if (state.status, one.to) == (S.NO_SHOW, S.DEPARTED):
        # News comes late: whoever was aboard is no no-show, whenever the list with code 3 arrives. A posko may tell it
        # for some hours, of a time before the grace was over.
        return one.reported or (
            one.at is not None and not _has_left(state, told_late.counts_from(one.at, now, state.row.away))
        )
    return one.to in TRANSITIONS[state.status]


def _has_left(state: State, at: datetime) -> bool:
    return report_time.has_left(state.row.departs_at, state.row.no_show_after_minutes, at)


@refuses(VerificationExpired, VerificationNotBegun, InvalidValue)
def refuses_verification(one: Step, state: State, now: datetime) -> Refusal | None:
    if state.status not in {S.REGISTERED, S.FORFEITED} or trip_is_verified(state):
        return None
    at = _verified_at(one, state, now)
    if not state.row.registered_at <= at <= now + CLOCKS_DIFFER_BY and one.verified is not None:
        return InvalidValue(
            "verifiedAt" if one.reported else "at",
            "Waktu verifikasi harus di antara pendaftaran dan sekarang.",
            "The verification lies between the registration and now.",
        )
    forfeits_at = _home(state).forfeits_at
    if forfeits_at is not None and _has_expired(one, state, forfeits_at, now):
        return VerificationExpired("ref", verify_by=forfeits_at)
    opens_at = _period_opens_at(state)
    if opens_at is None or at >= opens_at or not state.row.refuse_early_verification:
        return None
    if forfeits_at is not None and forfeits_at <= opens_at:
        # The policy came after the registration. Whoever waited for the period would be forfeited before it opens.
        return None
    return VerificationNotBegun("ref", opens_at=opens_at)


def _has_expired(one: Step, state: State, forfeits_at: datetime, now: datetime) -> bool:
    """A row may tell later what happened in time, until all has been heard of that day. So may a posko, for hours."""
    at = _verified_at(one, state, now)
    if not one.reported:
        return forfeits_at < told_late.counts_from(at, now, state.row.away)
    if state.status != S.REGISTERED:
        return forfeits_at < now
    return news.heard_by(forfeits_at, state.row.news_hours, state.row.away) < now or (
        one.verified is not None and forfeits_at < at
    )


def _verified_at(one: Step, state: State, now: datetime) -> datetime:
    return now if one.verified is None else one.verified.not_before(state.row.registered_at)


def _home(state: State) -> State:
    """Whose deadline it is: that of the outbound, as long as both wait."""
    home = next((leg for leg in state.other_legs if leg.row.id == state.row.outbound_id), state)
    return home if home.status == state.status else state


def _period_opens_at(state: State) -> datetime | None:
    row = _home(state).row
    period = periods.of(terms.windows_from_json(row.windows), row.registered_at)
    return None if period is None else period.opens_at


def trip_is_verified(state: State) -> bool:
    return any(one.is_verified for one in state.other_legs)


def _refuses_claim(one: Step, state: State, now: datetime) -> TransitionNotAllowed | None:
    """The registry itself forfeits and marks no-shows, when that is due. Somebody may have moved the deadline or the
    departure before the lock. A row that says so is judged alike.
    """
    forfeits_at = _home(state).forfeits_at
    is_due = {
        S.FORFEITED: forfeits_at is not None and forfeits_at < now and not trip_is_verified(state),
        S.NO_SHOW: is_left_behind(state, now),
    }
    if is_due.get(one.to, True):
        return None
    return TransitionNotAllowed("ref", status=state.status, to=one.to, allowed=_asked_for(state.status))


def is_left_behind(state: State, now: datetime) -> bool:
    """Whether the route has left, its grace is over, and the person was not reopened within a day."""
    until = state.reopened_at and outages.moved(state.reopened_at + LEFT_ALONE, state.row.away)
    return (until is None or until <= now) and _has_left(state, now)


def _asked_for(status: RegistrantStatus) -> tuple[str, ...]:
    """What a client can ask for now. The other steps happen by themselves."""
    return tuple(to for to in TRANSITIONS[status] if to not in {S.FORFEITED, S.NO_SHOW})


def _refuses_departure(one: Step, state: State, now: datetime) -> Refusal | None:
    if not one.healthy:
        return NotHealthy("healthy")
    if _is_not_handed_over(state) and not one.reported:
        return MotorcycleNotHandedOver("ref")
    if one.reported:
        return report_time.judge_early("ref", state.row.departs_at, min(one.at or now, now))
    at = not_in_the_future(one.at, now, "at")
    return at if isinstance(at, InvalidValue) else _refuses_time_of_departure(state, at)


def _refuses_time_of_departure(state: State, at: datetime) -> InvalidValue | DepartureNotBegun | None:
    """Whoever was reopened may have been aboard before the verification."""
    if state.reopened_at is None and state.verified_at is not None and at < state.verified_at:
        return InvalidValue("at", "Keberangkatan mendahului verifikasi.", "The departure is before the verification.")
    return report_time.judge_early("at", state.row.departs_at, at)


def _is_not_handed_over(state: State) -> bool:
    return state.row.service == Service.MOTORCYCLE and state.handed_over_at is None


def apply(one: Step, state: State, now: datetime) -> None:
    at = _departed_at(one, state, now) if one.reported else one.at or now
    if one.to == S.DEPARTED and _is_not_handed_over(state):
        state.handed_over_at = at
        handed_over = replace(
            told(one, state), kind=ChangeKind.MOTORCYCLE_HANDED_OVER, from_status=None, to_status=None
        )
        state.entries.append(handed_over)
    if one.to == S.VERIFIED:
        state.verified_at, state.posko = _verified_at(one, state, now), one.posko
    if one.to == S.DEPARTED:
        state.departed_at, state.healthy = at, True
        was_missed = one.reported and state.status == S.NO_SHOW
        state.late = was_missed or report_time.is_late(at, state.row.departs_at)
        if not one.reported and _has_left(state, now):
            state.flags += {RegistrantFlag.TOLD_LATE}.difference(state.flags)
    state.entries.append(told(one, state))
    state.status = one.to


def _departed_at(one: Step, state: State, now: datetime) -> datetime:
    """A row names no time: who is reported when the route has left was aboard when the route left."""
    told_at = min(one.at or now, now)
    left_at = min(told_at, state.row.departs_at or told_at)
    return max(left_at, state.verified_at or left_at)


def _flags_of_verification(one: Step, state: State, now: datetime) -> list[str]:
    at = _verified_at(one, state, now)
    opens_at, verify_by = _period_opens_at(state), _home(state).verify_by
    if opens_at is not None and at < opens_at:
        return [RegistrantFlag.VERIFIED_EARLY]
    if verify_by is None or trip_is_verified(state):
        return []
    counts_from = at if one.reported else told_late.counts_from(at, now, state.row.away)
    if counts_from <= verify_by:
        return [RegistrantFlag.TOLD_LATE] if verify_by < now and not one.reported else []
    # Without a time, a list that comes while we wait for it tells of the time before.
    is_news = (
        one.reported and one.verified is None and now <= news.heard_by(verify_by, state.row.news_hours, state.row.away)
    )
    return [] if is_news else [RegistrantFlag.VERIFIED_LATE]


def _verify(one: Step, state: State, now: datetime) -> tuple[State, ...]:
    """The whole trip. Answers the other legs that were verified with this one."""
    along = tuple(leg for leg in state.other_legs if leg.status == S.REGISTERED)
    flags = _flags_of_verification(one, state, now)
    for leg in (state, *along):
        apply(one, leg, now)
        leg.flags += flags
    return along


def _end_return(one: Step, state: State, now: datetime) -> None:
    for leg in state.other_legs:
        if leg.row.outbound_id == state.row.id and leg.status in YET_TO_DEPART:
            ending = Step(id=leg.row.id, to=one.to, caller=one.caller, reason=ENDED_WITH_OUTBOUND)
            apply(ending, leg, now)


def told(one: Step, state: State) -> change_log.Entry:
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
