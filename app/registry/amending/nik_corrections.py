"""A corrected NIK is judged like a new NIK: against blocks, other registrations and the cities of the person's trips.

The blocks of the wrong NIK move to the right NIK. A block is only lifted, and not moved, in two cases: somebody already
held the right NIK in that direction and service (then the registration would have been refused), or the person holds
something verified with this organizer.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.db import Session
from app.errors import (
    DestinationMismatch,
    NikAlreadyRegistered,
    NikBlocked,
    NikUndecided,
    Raced,
    Refusal,
    ReturnCityMismatch,
    refuses,
)
from app.models.enums import Purpose
from app.models.statuses import NIK_HOLDERS, SEAT_HOLDERS, VERIFIED_OR_LATER
from app.registry.amending import people
from app.registry.amending.people import Seated
from app.registry.caller import Caller
from app.registry.niks import allowance, blocks, telling
from app.registry.niks.telling import Naming
from app.registry.registrants import uniqueness
from app.registry.registrants.uniqueness import NikClaim, NikHolder, StandingOfNiks
from app.registry.routes import route as routes


@refuses(NikAlreadyRegistered, NikBlocked, NikUndecided, ReturnCityMismatch, DestinationMismatch)
async def judge(
    session: Session, concerned: Sequence[Seated], index: bytes, area: bytes, caller: Caller, now: datetime
) -> Refusal | None:
    """Whether the registrants `concerned` may have the NIK of `index`. None: they may.

    Once the allowance is used up, what others hold is not read: an answer that does not tell takes as long for any NIK.
    """
    is_told = session.rehearsed is not None or await _may_be_told(session, caller, now)
    standing = await _standing(session, concerned[0].season, index, caller, is_told=is_told)
    holding = [row for row in concerned if row.status in NIK_HOLDERS]
    held = next((found for row in holding if (found := standing.held.get(_claim(index, row)))), None)
    naming = Naming(
        caller=caller,
        nik_index=index,
        area=area,
        purpose=Purpose.CORRECTION,
        blocked_until=standing.blocked_until.get(index),
        standing=None if held is None else held.standing(caller),
        misfit=await _judge_cities(session, holding, sorted(standing.held.values(), key=lambda one: one.id), now),
    )
    [told] = await telling.tell(session, [naming], now)
    if not (is_told or naming.is_own or isinstance(told, NikUndecided)):
        # Another allowance was given meanwhile.
        raise Raced
    return told


async def _may_be_told(session: Session, caller: Caller, now: datetime) -> bool:
    mine = (await allowance.of_organizers(session, [caller.organizer], now)).get(caller.organizer)
    return mine is None or mine.remaining > 0


async def _standing(session: Session, season: int, index: bytes, caller: Caller, *, is_told: bool) -> StandingOfNiks:
    if is_told:
        return await uniqueness.standing(session, season, [index])
    return await uniqueness.own(session, season, [(index, organizer) for organizer in caller.organizers])


def _claim(index: bytes, row: Seated) -> NikClaim:
    return NikClaim(index, row.direction, row.service)


async def _judge_cities(
    session: Session, holding: Sequence[Seated], standing: Sequence[NikHolder], now: datetime
) -> ReturnCityMismatch | DestinationMismatch | None:
    """Against what else the right NIK holds with the same organizer already."""
    pairs = [
        (row, held)
        for row in holding
        for held in standing
        if held.organizer == row.organizer
        and {row.status, held.status} <= set(SEAT_HOLDERS)
        and (row.direction, row.service) != (held.direction, held.service)
    ]
    ids = list({one.route_id for pair in pairs for one in pair})
    found = {one.id: one for one in await routes.by_ids(session, ids, now) if one is not None} if ids else {}
    for row, held in pairs:
        refused = people.judge_pair(row, found[row.route_id], held, found[held.route_id], "nik")
        if refused is not None:
            return refused
    return None


async def take_blocks_along(
    session: Session, concerned: Sequence[Seated], index: bytes, caller: Caller, now: datetime
) -> None:
    """Blocks of the wrong NIK that came from one of `concerned`."""
    old = {row.nik_index for row in concerned if row.nik_index is not None}
    found = await blocks.from_registrants(session, old, [row.id for row in concerned])
    if not found:
        return
    standing = await uniqueness.standing(session, concerned[0].season, [index])
    came_from = {row.id: row for row in concerned}
    along = [
        one for one in found if _would_have_come(came_from[one.registrant_id], index, list(standing.held.values()))
    ]
    await blocks.correct(session, found, along, index, caller.client_id, now)


def _would_have_come(row: Seated, index: bytes, standing: Sequence[NikHolder]) -> bool:
    claim = _claim(index, row)
    return not any(
        NikClaim(index, held.direction, held.service) == claim
        or (held.organizer == row.organizer and held.status in VERIFIED_OR_LATER)
        for held in standing
    )
