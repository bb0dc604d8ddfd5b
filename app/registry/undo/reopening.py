"""Reopening: Hubdat takes back an end, with a reason. NO_SHOW goes back to VERIFIED, CANCELLED to where it was, and
FORFEITED to REGISTERED with a day to verify.

The seat must be free again, nobody else may hold the NIK, no other block may stand, and the cities of the trip must fit
still. A lap infant needs somebody of its booking with a seat (`laps`). The block that came from the end is lifted. Legs
that ended together return together or not at all. The sweep leaves a reopened person alone for a day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.clock import wib_day
from app.db import Session
from app.errors import (
    DestinationMismatch,
    InvalidValue,
    NikAlreadyRegistered,
    NikBlocked,
    NikInvalid,
    NikUndecided,
    NotFound,
    QuotaFull,
    Raced,
    Refusal,
    ReturnCityMismatch,
    ReturnWithoutOutbound,
    SeasonClosed,
    Standing,
    TransitionNotAllowed,
    refuses,
)
from app.models.enums import Purpose, RegistrantStatus
from app.models.statuses import ENDED, SEAT_HOLDERS, YET_TO_DEPART
from app.registry.amending import people
from app.registry.caller import Caller
from app.registry.niks import blocks, telling
from app.registry.niks.blocks import Blocked
from app.registry.niks.telling import Naming
from app.registry.registrants import lifecycle, lookup, opening, transitions, uniqueness
from app.registry.registrants.lookup import Ref
from app.registry.registrants.transitions import State, Step
from app.registry.registrants.uniqueness import NikClaim
from app.registry.registrants.view import View
from app.registry.routes import laps, quota
from app.registry.routes import route as routes
from app.registry.routes.lap_infants import BookingKey
from app.registry.routes.laps import Lap, Laps
from app.registry.routes.quota import Seats
from app.registry.routes.route import Route
from app.registry.undo import ends, steps_back
from app.registry.undo.ends import End
from app.registry.values.texts import reason_given
from app.vault.vault import Vault


@dataclass(slots=True, kw_only=True)
class ReopeningGround:
    """What reopening is judged against. It changes with what the batch reopens."""

    vault: Vault
    caller: Caller
    now: datetime
    trips: Mapping[UUID, Sequence[End]]
    states: Mapping[UUID, State]
    seats: dict[UUID, Seats]
    routes: Mapping[UUID, Route]
    laps: Laps
    holders: dict[NikClaim, Standing] = field(default_factory=dict)
    blocks: Mapping[bytes, Sequence[Blocked]] = field(default_factory=dict)


class _JudgedEnds(NamedTuple):
    returning: list[End]
    refused: dict[UUID, Refusal]
    against: dict[UUID, Naming]
    """Whose NIK cannot be had. It is not told yet."""


@refuses(
    NikInvalid,
    NikAlreadyRegistered,
    NikBlocked,
    NikUndecided,
    SeasonClosed,
    QuotaFull,
    ReturnWithoutOutbound,
    ReturnCityMismatch,
    DestinationMismatch,
    TransitionNotAllowed,
    NotFound,
    InvalidValue,
)
async def reopen(
    session: Session,
    vault: Vault,
    caller: Caller,
    refs: Sequence[Ref],
    reason: str,
    now: datetime,
    *,
    dry_run: bool = False,
    elsewhere: Sequence[UUID] = (),
) -> list[View | Refusal]:
    """Take back the ends of registrants, of any organizer. Run it through `Database.attempt`: it raises `Raced`.

    Whoever stands already is answered as it is. With `dry_run` nobody is reopened, and the verdicts are those that
    this call would come to.
    `elsewhere`: whom another call takes back, so that an infant of this call may be on their laps.
    """
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return [given] * len(refs)
    found = await lookup.resolve(session, vault, caller, refs, now, everyone=True, any_nik=True)
    ids = sorted({one for one in found if isinstance(one, UUID)})
    held = await _laps_elsewhere(session, vault, caller, ids, elsewhere, now) if elsewhere else ()
    ground = await lock(session, vault, caller, ids, now)
    ground.laps.there.update(held)
    refused = await take_back(session, ids, given, ground, dry_run=dry_run)
    views = {one: lifecycle.seen(ground.states[one], vault, caller) for one in ids}
    return [refused.get(one) or views[one] if isinstance(one, UUID) else one for one in found]


async def _laps_elsewhere(
    session: Session, vault: Vault, caller: Caller, ids: Sequence[UUID], elsewhere: Sequence[UUID], now: datetime
) -> set[Lap]:
    """Where the registrants `elsewhere` would have seats again. `ids` are locked with them, in one order.

    Nothing is told of their NIKs: the call that takes them back tells.
    """
    trial = await lock(session, vault, caller, sorted({*ids, *elsewhere}), now)
    await _judge_all(session, elsewhere, "", trial)
    return trial.laps.there


@refuses(
    NikAlreadyRegistered,
    NikBlocked,
    NikUndecided,
    SeasonClosed,
    QuotaFull,
    ReturnWithoutOutbound,
    ReturnCityMismatch,
    DestinationMismatch,
    TransitionNotAllowed,
    NotFound,
    InvalidValue,
)
async def take_back(
    session: Session,
    ids: Sequence[UUID],
    reason: str,
    ground: ReopeningGround,
    *,
    dry_run: bool = False,
    with_a_day: bool = True,
) -> dict[UUID, Refusal]:
    """Reopen `ids`. Returns those that were refused. `with_a_day`: whoever is to be verified has a day for it."""
    judged = await _judge_all(session, ids, reason, ground, with_a_day=with_a_day)
    if not dry_run:
        await lifecycle.write(session, list(ground.states.values()), ground.seats, ground.now)
        lifted = {block.id: block for end in judged.returning for block in _came_from(end, ground)}
        await blocks.lift_all(session, ground.caller, list(lifted.values()), reason, ground.now)
    told = zip(judged.against, await telling.tell(session, list(judged.against.values()), ground.now), strict=True)
    return judged.refused | {one: refusal for one, refusal in told if refusal is not None}


async def _judge_all(
    session: Session, ids: Sequence[UUID], reason: str, ground: ReopeningGround, *, with_a_day: bool = True
) -> _JudgedEnds:
    """Judge each of `ids`, and put into the ground whatever returns, so that the next are judged against it."""
    judged = _JudgedEnds([], {}, {})
    await _read_niks(session, ids, ground)
    # Up to here, whoever was hoped for was as good as there.
    ground.laps.settle(())
    for one in sorted(ids, key=lambda one: _travels_on_a_lap(one, ground)):
        legs = _to_reopen(one, ground)
        if isinstance(legs, Naming):
            judged.against[one] = legs
        elif isinstance(legs, Refusal):
            judged.refused[one] = legs
        else:
            _apply(legs, ground, reason, with_a_day=with_a_day)
            judged.returning.extend(legs)
    return judged


async def lock(
    session: Session, vault: Vault, caller: Caller, ids: Sequence[UUID], now: datetime, *, also: Sequence[UUID] = ()
) -> ReopeningGround:
    """Lock `ids` and what ended with them; `also`: registrants that are locked in the same order. Raises `Raced`."""
    trips = await ends.legs(session, ids)
    legs = {one.id: one for trip in trips.values() for one in trip}
    seats = await quota.lock(session, {one.route_id for one in legs.values() if one.status in ENDED}, now)
    states = await lifecycle.lock(session, {*legs, *also})
    # Somebody may have moved a leg before the lock. The next attempt sees that.
    if await ends.legs(session, ids) != trips:
        raise Raced
    found = await routes.by_ids(session, list({one.row.route_id for one in states.values()}), now)
    return ReopeningGround(
        vault=vault,
        caller=caller,
        now=now,
        trips=trips,
        states=states,
        seats=seats,
        routes={one.id: one for one in found if one is not None},
        laps=await _read_laps(session, [states[one] for one in legs]),
    )


async def _read_laps(session: Session, returning: Sequence[State]) -> Laps:
    rows = [one.row for one in returning]
    bookings = {
        BookingKey(row.season, row.organizer, row.reference)
        for row in rows
        if row.lap_infant and row.reference is not None
    }
    return await laps.read(session, bookings, (_lap(one) for one in returning if one.row.seats)) if bookings else Laps()


def _lap(state: State) -> Lap:
    """Where the registrant has a seat, or looks for a lap."""
    return Lap(state.row.organizer, state.row.reference, state.row.route_id)


def _travels_on_a_lap(one: UUID, ground: ReopeningGround) -> bool:
    """Infants come last: only then is known whose lap there is. Between the ways of a trip an infant may turn two."""
    return any(ground.states[leg.id].row.lap_infant for leg in ground.trips[one])


async def _read_niks(session: Session, ids: Sequence[UUID], ground: ReopeningGround) -> None:
    """Read who holds the NIKs and what blocks them. NIKs of people who are refused for another reason are not read: so
    the time that such a refusal takes tells nothing of a NIK.

    Once is enough for the whole batch: what the batch reopens can change the answer only for the way back of the same
    person, and that NIK is among those read.
    """
    found = [_legs(one, ground) for one in ids]
    rows = [ground.states[leg.id].row for legs in found if not isinstance(legs, Refusal) for leg in legs]
    indexes = {row.nik_index for row in rows if row.nik_index is not None}
    seasons = sorted({row.season for row in rows})
    for season in seasons:
        held = (await uniqueness.standing(session, season, indexes)).held
        ground.holders |= {claim: one.standing(ground.caller) for claim, one in held.items()}
    if seasons:
        ground.blocks = await blocks.standing(session, seasons[0], indexes)


def _to_reopen(one: UUID, ground: ReopeningGround) -> list[End] | Refusal | Naming:
    legs = _legs(one, ground)
    if isinstance(legs, Refusal):
        return legs
    ended = [leg for leg in legs if leg.status in transitions.FREEING]
    against = (_stands(leg, ground.states[leg.id], ground) for leg in ended)
    return next((found for found in against if found is not None), None) or legs


def _legs(one: UUID, ground: ReopeningGround) -> list[End] | Refusal:
    """The legs that return with `one`, if their NIKs are free. Empty: it stands already."""
    state = ground.states[one]
    if state.row.nik_index is None:
        return NotFound("ref")
    if state.row.season_closed_at is not None:
        return SeasonClosed("ref", season=state.row.season)
    if state.status in YET_TO_DEPART:
        return []
    # A leg that was erased stays as it is: nobody knows whose it was.
    legs = [leg for leg in ends.together(one, ground.trips[one]) if ground.states[leg.id].row.nik_index is not None]
    if ends.goes_back_to(legs[0]) is None:
        return TransitionNotAllowed("ref", status=state.status, to=RegistrantStatus.VERIFIED, allowed=())
    return _judge(legs, ground) or legs


def _judge(legs: Sequence[End], ground: ReopeningGround) -> Refusal | None:
    """All legs or none. A no-show still has its NIK and its seat, so neither is checked."""
    alone = _judge_laps(legs, ground)
    if alone is not None:
        return alone
    returning = {one.id for one in legs}
    seated = [one for one in legs if one.status in transitions.FREEING and ground.states[one.id].row.seats]
    wanted = Counter(one.route_id for one in seated)
    ended = [one for one in legs if one.status in transitions.FREEING]
    for one in ended:
        state = ground.states[one.id]
        refused = _judge_outbound(state, returning, ground) or _judge_cities(state, returning, ground)
        if refused is not None:
            return refused
        full = quota.judge(ground.seats[one.route_id], "ref", wanted[one.route_id]) if one in seated else None
        if full is not None:
            return replace(full, reopening=True)
    return None


def _judge_laps(legs: Sequence[End], ground: ReopeningGround) -> InvalidValue | None:
    infants = (ground.states[one.id] for one in legs if ground.states[one.id].row.lap_infant)
    judged = (ground.laps.judge(_lap(one), laps.ALONE_WHEN_REOPENED) for one in infants)
    return next((refused for refused in judged if refused is not None), None)


def _stands(one: End, state: State, ground: ReopeningGround) -> Naming | None:
    """What stands against the NIK: another block than that of this end, or whoever holds the NIK by now."""
    row = state.row
    assert row.nik_index is not None  # noqa: S101 - an erased leg does not return
    assert row.nik_sealed is not None  # noqa: S101 - an erased leg does not return
    own = {block.id for block in _came_from(one, ground)}
    others = [block.until_season for block in ground.blocks.get(row.nik_index, ()) if block.id not in own]
    naming = Naming(
        caller=ground.caller,
        nik_index=row.nik_index,
        area=opening.area(row.nik_sealed, ground.vault),
        purpose=Purpose.REOPENING,
        direction=row.direction,
        service=row.service,
        field="ref",
        blocked_until=max(others, default=None),
        standing=ground.holders.get(_claim(state)),
    )
    return naming if naming.refusal is not None else None


def _judge_outbound(state: State, returning: set[UUID], ground: ReopeningGround) -> ReturnWithoutOutbound | None:
    """A return never outlives its outbound."""
    outbound = state.row.outbound_id
    if outbound is None or outbound in returning or ground.states[outbound].status in SEAT_HOLDERS:
        return None
    return ReturnWithoutOutbound("ref", same_day=False)


def _judge_cities(
    state: State, returning: set[UUID], ground: ReopeningGround
) -> ReturnCityMismatch | DestinationMismatch | None:
    """The other way, or the motorcycle or its rider, may have been moved since."""
    route = ground.routes[state.row.route_id]
    for other in state.others:
        if other.status in SEAT_HOLDERS or other.row.id in returning:
            its = ground.routes[other.row.route_id]
            refused = people.judge_pair(state.row, route, other.row, its, "ref")
            if refused is not None:
                return refused
    return None


def _came_from(one: End, ground: ReopeningGround) -> list[Blocked]:
    """The blocks that this end brought. A person is blocked once for all that was forfeited in one stroke."""
    state = ground.states[one.id]
    return [
        block
        for block in ground.blocks.get(state.row.nik_index or b"", ())
        if block.registrant_id is not None
        and block.organizer == state.row.organizer
        and (block.registrant_id == one.id or block.since == one.at)
    ]


def _apply(legs: Sequence[End], ground: ReopeningGround, reason: str, *, with_a_day: bool) -> None:
    for one in legs:
        state, to = ground.states[one.id], ends.goes_back_to(one)
        assert to is not None  # noqa: S101 - legs that ended together all go back
        if one.status in transitions.FREEING:
            ground.seats[one.route_id].taken += state.row.seats
            ground.holders[_claim(state)] = _standing(state, to, ground.caller)
        ground.laps.settle([_lap(state)] if state.row.seats else [])
        step = Step(id=one.id, to=to, caller=ground.caller, reason=reason)
        steps_back.go_back(step, state, ground.now, with_a_day=with_a_day)


def _claim(state: State) -> NikClaim:
    return NikClaim(state.row.nik_index or b"", state.row.direction, state.row.service)


def _standing(state: State, status: RegistrantStatus, caller: Caller) -> Standing:
    row = state.row
    return Standing(
        organizer=row.organizer,
        organizer_name=row.organizer_name,
        direction=row.direction,
        service=row.service,
        status=status,
        registered_on=wib_day(row.registered_at),
        own=caller.owns(row.organizer),
    )
