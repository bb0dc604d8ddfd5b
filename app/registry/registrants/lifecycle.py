"""The lifecycle of registrants, as `transitions` draws it: locked, judged, written and logged.

The only file that changes a status. Seats return with CANCELLED and FORFEITED. A forfeited NIK is blocked if the policy
says so, and never while the person holds something verified with the same organizer. When an outbound ends, its return
ends too. Routes are locked before registrants, each in the order of their ids. Whoever is locked is locked with all
that the person holds with the organizer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import (
    DepartureNotBegun,
    InvalidValue,
    MotorcycleNotHandedOver,
    NikInvalid,
    NotFound,
    NotHealthy,
    Raced,
    Refusal,
    SeasonClosed,
    TransitionNotAllowed,
    VerificationExpired,
    VerificationNotBegun,
    refused_by,
    refuses,
)
from app.models.enums import RegistrantStatus
from app.models.statuses import IS_YET_TO_DEPART, YET_TO_DEPART
from app.registry import change_log, outages
from app.registry.caller import Caller
from app.registry.niks import allowance, blocks
from app.registry.registrants import lookup, transitions, uniqueness, view
from app.registry.registrants.lookup import Ref
from app.registry.registrants.transitions import State, Step, Taken
from app.registry.registrants.view import Locked, View
from app.registry.routes import quota
from app.registry.terms import policy, terms
from app.registry.values.standard import RowMoment
from app.registry.values.texts import posko_given, reason_given
from app.server.slices import each
from app.sql import Arrays, statement
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a client asks for."""

    caller: Caller
    ref: Ref
    to: RegistrantStatus
    reason: str | None = None
    posko: str | None = None
    healthy: bool | None = None
    at: datetime | None = None


class _StepRow(NamedTuple):
    id: UUID
    status: str
    verified_at: datetime | None
    posko: str | None
    departed_at: datetime | None
    late: bool | None
    healthy: bool | None
    handed_over_at: datetime | None
    verify_by: datetime | None
    reopened_at: datetime | None
    flags: str
    """The flags with commas between them: an array of arrays cannot be unnested into rows."""


# OFFSET 0 has PostgreSQL look up one registrant after the other, by the index that fits. A plan of an empty table would
# also read the whole index of holding NIKs.
_ROUTES = statement(
    f"""
    SELECT route_id FROM registrant WHERE id = ANY(CAST(:ids AS uuid[]))
    UNION SELECT r.route_id FROM unnest(CAST(:ids AS uuid[])) AS ending (id)
    JOIN LATERAL (SELECT * FROM registrant WHERE outbound_id = ending.id OFFSET 0) r ON r.{IS_YET_TO_DEPART}
    """,
    UUID,
)
_LOCK = statement(
    f"""
    SELECT {view.COLUMNS}, r.nik_index, r.posko, r.reopened_at, season.closed_at AS season_closed_at,
           -- No join: a registrant that was moved to another route while we waited for its lock would be lost.
           (SELECT departs_at FROM route WHERE route.id = r.route_id) AS departs_at,
           {terms.windows_in_force("r.season", "r.organizer_code")} AS windows,
           {policy.in_force("block_when_forfeited", "r.organizer_code")} AS block_when_forfeited,
           {policy.in_force("block_seasons", "r.organizer_code")} AS block_seasons,
           {policy.in_force("no_show_after_minutes", "r.organizer_code")} AS no_show_after_minutes,
           {policy.in_force("refuse_early_verification", "r.organizer_code")} AS refuse_early_verification,
           {policy.in_force("return_requires_outbound", "r.organizer_code")} AS return_requires_outbound,
           {policy.news_hours("o")} AS news_hours, {outages.AS_JSON} AS outages
    FROM {view.FROM} JOIN season ON season.year = r.season {policy.join("r.season", "r.organizer_code")}
    WHERE {uniqueness.WITH_THE_SAME_PERSON} ORDER BY r.id FOR NO KEY UPDATE OF r
    """,
    Locked,
)
_WRITTEN = Arrays("step", _StepRow)
_UPDATE = statement(
    f"""
    UPDATE registrant r SET status = step.status, verified_at = step.verified_at, posko = step.posko,
        departed_at = step.departed_at, late = step.late, healthy = step.healthy, handed_over_at = step.handed_over_at,
        first_verify_by = CASE WHEN r.verify_by <> step.verify_by THEN coalesce(r.first_verify_by, r.verify_by)
                               ELSE r.first_verify_by END,
        verify_by = step.verify_by, reopened_at = step.reopened_at, flags = string_to_array(step.flags, ','),
        -- `verify_by` may have become later than an instant of its own.
        forfeits_at = CASE WHEN r.forfeits_at > step.verify_by THEN r.forfeits_at END
    FROM {_WRITTEN} WHERE r.id = step.id
    """
)


@refuses(
    NikInvalid, SeasonClosed, TransitionNotAllowed, VerificationExpired, VerificationNotBegun, NotFound, InvalidValue
)
async def verify(
    session: Session,
    vault: Vault,
    caller: Caller,
    refs: Sequence[Ref],
    now: datetime,
    *,
    posko: str | None = None,
    at: datetime | None = None,
) -> list[View | Refusal]:
    """Verify registrants of one's own, at a posko; `at` None: now. Run it through `Database.attempt`, like all of
    these.
    """
    moves = [Move(caller=caller, ref=ref, to=RegistrantStatus.VERIFIED, posko=posko, at=at) for ref in refs]
    return await move(session, vault, moves, now)


@refuses(
    NikInvalid,
    SeasonClosed,
    TransitionNotAllowed,
    MotorcycleNotHandedOver,
    DepartureNotBegun,
    NotHealthy,
    NotFound,
    InvalidValue,
)
async def depart(
    session: Session,
    vault: Vault,
    caller: Caller,
    refs: Sequence[Ref],
    now: datetime,
    *,
    healthy: bool,
    at: datetime | None = None,
) -> list[View | Refusal]:
    """Record that registrants of one's own are aboard; `at` None: now."""
    moves = [Move(caller=caller, ref=ref, to=RegistrantStatus.DEPARTED, healthy=healthy, at=at) for ref in refs]
    return await move(session, vault, moves, now)


@refuses(NikInvalid, SeasonClosed, TransitionNotAllowed, NotFound, InvalidValue)
async def cancel(
    session: Session, vault: Vault, caller: Caller, refs: Sequence[Ref], now: datetime, *, reason: str
) -> list[View | Refusal]:
    """Cancel registrants of one's own; each one's way back ends with it."""
    moves = [Move(caller=caller, ref=ref, to=RegistrantStatus.CANCELLED, reason=reason) for ref in refs]
    return await move(session, vault, moves, now)


@refuses(*refused_by(verify, depart, cancel))
async def move(session: Session, vault: Vault, moves: Sequence[Move], now: datetime) -> list[View | Refusal]:
    """Verify, depart or cancel, one after the other. Asking for the present status changes nothing."""
    if not moves:
        return []
    caller = moves[0].caller
    found = await lookup.resolve(session, vault, caller, [one.ref for one in moves], now, everyone=False)
    steps = [_step(one, registrant) for one, registrant in zip(moves, found, strict=True)]
    taken = iter(await step(session, [one for one in steps if isinstance(one, Step)], now))
    verdicts = [next(taken) if isinstance(one, Step) else one for one in steps]
    return await each(lambda one: one if isinstance(one, Refusal) else seen(one, vault, caller), verdicts)


@refuses(*refused_by(transitions.take))
async def step(session: Session, steps: Sequence[Step], now: datetime) -> list[State | Refusal]:
    """Take `steps`, each judged against what the ones before it left. Raises `Raced`."""
    verdicts = await _take_all(session, steps, now, through=False)
    return [verdict.state if isinstance(verdict, Taken) else verdict for verdict in verdicts]


@refuses(SeasonClosed, TransitionNotAllowed, VerificationExpired, VerificationNotBegun, DepartureNotBegun, InvalidValue)
async def advance(session: Session, steps: Sequence[Step], now: datetime) -> list[Taken | Refusal]:
    """Like `step`, for rows that tell a status: a step may pass through a status in between. Raises `Raced`."""
    return await _take_all(session, steps, now, through=True)


async def _take_all(session: Session, steps: Sequence[Step], now: datetime, *, through: bool) -> list[Taken | Refusal]:
    ending = [one.id for one in steps if one.to in transitions.FREEING]
    # A locked route takes no booking.
    seats = await quota.lock(session, await session.rows(_ROUTES, ids=ending), now) if ending else {}
    states = await lock(session, [one.id for one in steps])
    _every_route_is_locked(ending, states, seats)
    verdicts = await each(lambda one: transitions.take(one, states, now, through=through), steps)
    await write(session, list(states.values()), seats, now)
    return verdicts


async def lock(session: Session, ids: Iterable[UUID]) -> dict[UUID, State]:
    """Registrants, and all that their people hold with the same organizers. Raises `Raced`."""
    asked = sorted(set(ids))
    states = {one.row.id: one for one in await each(_state, await session.rows(_LOCK, ids=asked))}
    # A return that was booked before its outbound was locked here is verified, or ends, with it. The next attempt sees
    # it.
    if not set(await session.rows(uniqueness.HELD_BY_THE_SAME_PERSON, ids=asked)) <= states.keys():
        raise Raced
    _bring_together(states.values())
    return states


def _every_route_is_locked(
    ending: Sequence[UUID], states: Mapping[UUID, State], seats: Mapping[UUID, quota.Seats]
) -> None:
    """Raises `Raced` for a registrant that was moved before the lock, and so gives back a seat of another route."""
    for state in states.values():
        ends = state.row.id in ending or (state.row.outbound_id in ending and state.status in YET_TO_DEPART)
        if ends and state.row.route_id not in seats:
            raise Raced


def _bring_together(states: Iterable[State]) -> None:
    """Tell each registrant what else its person holds with the same organizer."""
    people: dict[tuple[object, ...], list[State]] = defaultdict(list)
    for state in states:
        if state.row.nik_index is not None:
            people[state.row.season, state.row.organizer, state.row.nik_index].append(state)
    for held in people.values():
        for state in held:
            state.others = [one for one in held if one is not state]


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
    return Step(
        id=registrant,
        to=one.to,
        caller=one.caller,
        reason=reason,
        posko=posko,
        healthy=one.healthy,
        at=one.at,
        verified=None if one.at is None else RowMoment(one.at, is_day=False),
    )


async def write(session: Session, states: Sequence[State], seats: dict[UUID, quota.Seats], now: datetime) -> None:
    """Write what steps have made of locked registrants. Seats that are taken again are counted in `seats` already."""
    moved = [state for state in states if state.entries]
    if not moved:
        return
    await session.run(_UPDATE, **_WRITTEN.of([_written(state) for state in moved]))
    entries = [entry for state in moved for entry in state.entries]
    entries += await _write_seats(session, moved, seats)
    await allowance.take_again(session, _ended(moved), now)
    await change_log.append(session, entries, now)
    forfeited = [state for state in moved if state.status == RegistrantStatus.FORFEITED]
    await _block(session, [one for one in forfeited if not any(other.is_verified for other in one.others)], now)


def _ended(moved: Sequence[State]) -> Counter[str]:
    """For each organizer, how many hold no NIK any more."""
    return Counter(
        state.row.organizer
        for state in moved
        if state.status in transitions.FREEING and state.row.status not in transitions.FREEING
    )


async def _write_seats(
    session: Session, moved: Sequence[State], seats: dict[UUID, quota.Seats]
) -> list[change_log.Entry]:
    seated = [state for state in moved if state.row.seats]
    freed = Counter(state.row.route_id for state in seated if state.status in transitions.FREEING)
    entries = await quota.give_back(session, freed, seats) if freed else []
    taken = Counter(state.row.route_id for state in seated if state.row.status in transitions.FREEING)
    return [*entries, *(await quota.take(session, taken, seats) if taken else [])]


async def _block(session: Session, forfeited: Sequence[State], now: datetime) -> None:
    """A person is blocked once: for the way home, and not again for what was forfeited with it."""
    forfeits: dict[tuple[bytes, int, str], blocks.Forfeit] = {}
    for state in sorted(forfeited, key=lambda state: state.row.outbound_id is not None):
        forfeit = _forfeit(state.row)
        if forfeit is not None:
            forfeits.setdefault((forfeit.nik_index, forfeit.season, forfeit.organizer), forfeit)
    if forfeits:
        await blocks.block_forfeited(session, list(forfeits.values()), None, now)


def _forfeit(row: Locked) -> blocks.Forfeit | None:
    if not row.block_when_forfeited or row.nik_index is None:
        return None
    return blocks.Forfeit(
        nik_index=row.nik_index,
        season=row.season,
        seasons=row.block_seasons,
        organizer=row.organizer,
        registrant_id=row.id,
    )


def _state(row: Locked) -> State:
    return State(
        row=row,
        status=RegistrantStatus(row.status),
        verified_at=row.verified_at,
        posko=row.posko,
        departed_at=row.departed_at,
        late=row.late,
        healthy=row.healthy,
        handed_over_at=row.handed_over_at,
        verify_by=row.verify_by,
        reopened_at=row.reopened_at,
        flags=list(row.flags),
    )


def _written(state: State) -> _StepRow:
    return _StepRow(
        id=state.row.id,
        status=state.status,
        verified_at=state.verified_at,
        posko=state.posko,
        departed_at=state.departed_at,
        late=state.late,
        healthy=state.healthy,
        handed_over_at=state.handed_over_at,
        verify_by=state.verify_by,
        reopened_at=state.reopened_at,
        flags=",".join(state.flags),
    )


def seen(state: State, vault: Vault, caller: Caller) -> View:
    """A registrant as the steps of this transaction leave it."""
    one = view.from_row(state.row, vault, caller)
    one.status, one.verified_at, one.departed_at = state.status, state.verified_at, state.departed_at
    one.late, one.healthy, one.handed_over_at = state.late, state.healthy, state.handed_over_at
    one.verify_by, one.forfeits_at = state.verify_by, state.forfeits_at
    one.flags = list(state.flags)
    return one
