"""Corrections: a clerk's typing error is put right within the log, without losing the seat (UU 27/2022 art. 6, 30).

A corrected NIK is judged like a new NIK: block, uniqueness, cities, and names elsewhere. It goes to all that the person
holds with the organizer under the wrong NIK: both ways of a trip, and the motorcycle. The change log names the fields,
never their values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import (
    DestinationMismatch,
    InvalidValue,
    MotorcycleRequired,
    NikAlreadyRegistered,
    NikBlocked,
    NikInvalid,
    NikUndecided,
    NotFound,
    Raced,
    Refusal,
    ReturnCityMismatch,
    SeasonClosed,
    refuses,
)
from app.models.enums import ChangeKind
from app.models.statuses import NIK_HOLDERS
from app.registry import change_log
from app.registry.amending import nik_corrections, people
from app.registry.amending.people import Seated
from app.registry.caller import Caller
from app.registry.registrants import cases, lookup, motorcycles, opening, uniqueness, view
from app.registry.registrants.cases import Dispute
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.view import View
from app.registry.routes import lap_infants
from app.registry.values import names, nik, particulars
from app.registry.values.particulars import Particulars
from app.registry.values.texts import reason_given
from app.sql import Arrays, statement
from app.vault.vault import Vault


@dataclass(slots=True, kw_only=True)
class Correction(Particulars):
    """What to put right. None leaves a field as it is."""

    reason: str
    nik: str | None = None
    name: str | None = None
    motorcycle: Motorcycle | None = None


Values = dict[str, Any]
"""The columns of a registrant that change."""


@dataclass(slots=True, kw_only=True)
class _CorrectedRegistrant(Particulars):
    id: UUID
    nik_index: bytes
    nik_sealed: bytes
    name_sealed: bytes
    plate: str | None
    registration_number: str | None


class _LegOfTrip(NamedTuple):
    id: UUID
    trip: UUID
    """The trip home, or the registrant itself."""


_LEGS = statement(
    """
    SELECT DISTINCT leg.id, own.trip FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    JOIN LATERAL (
        SELECT coalesce(outbound_id, id) AS trip FROM registrant WHERE id = asked.id OFFSET 0
    ) own ON true
    JOIN LATERAL (
        SELECT own.trip AS id UNION ALL SELECT id FROM registrant WHERE outbound_id = own.trip OFFSET 0
    ) leg ON true
    """,
    _LegOfTrip,
)
_CORRECTED = Arrays("corrected", _CorrectedRegistrant)
_FIELDS = tuple(one.name for one in fields(_CorrectedRegistrant) if one.name != "id")
_UPDATE = statement(
    f"""
    UPDATE registrant r SET {", ".join(f"{name} = corrected.{name}" for name in _FIELDS)}
    FROM {_CORRECTED} WHERE r.id = corrected.id
    """
)
_OF_THE_PERSON = frozenset({"nik_index", "nik_sealed", "name_sealed"})
_TOLD = {
    "nik_index": "nik",
    "name_sealed": "name",
    "plate": "motorcycle",
    "registration_number": "motorcycle",
    **{name: particulars.public_name(name) for name in particulars.NAMES},
}
"""What the change log calls a column that was corrected."""


@refuses(
    NikInvalid,
    NikAlreadyRegistered,
    NikBlocked,
    NikUndecided,
    SeasonClosed,
    ReturnCityMismatch,
    DestinationMismatch,
    MotorcycleRequired,
    NotFound,
    InvalidValue,
)
async def correct(
    session: Session, vault: Vault, caller: Caller, ref: lookup.Ref, correction: Correction, now: datetime
) -> View | Refusal:
    """Put a registrant of one's own right. Run it through `Database.attempt`."""
    [found] = await lookup.resolve(session, vault, caller, [ref], now, everyone=False)
    if not isinstance(found, UUID):
        return found
    trips, locked = await _lock(session, found)
    row = locked[found]
    values = judge(correction, row, vault)
    if isinstance(values, Refusal):
        return values
    if not values:
        return view.from_row(row, vault, caller)
    concerned = _concerned(row, locked.values(), trips, vault) if _OF_THE_PERSON & values.keys() else [row]
    refused: Refusal | None = _judge_laps(concerned, values, vault)
    if refused is None and "nik_index" in values:
        area = opening.area(values["nik_sealed"], vault)
        refused = await nik_corrections.judge(session, concerned, values["nik_index"], area, caller, now)
    if refused is not None:
        return refused
    if "nik_index" in values:
        await nik_corrections.take_blocks_along(session, concerned, values["nik_index"], caller, now)
    await write(
        session,
        vault,
        _shared(concerned, found, values),
        locked,
        dict.fromkeys(locked, caller),
        correction.reason,
        now,
    )
    [seen] = await lookup.by_ids(session, vault, caller, [found], everyone=False)
    if seen is not None and "reference" in values:
        seen = replace(seen, reference_before=row.reference)
    return seen or NotFound("ref")


async def _lock(session: Session, found: UUID) -> tuple[dict[UUID, UUID], dict[UUID, Seated]]:
    """The whole trips of all that the person of `found` holds: the trip of each leg, and the legs, locked."""
    trips = await _trips(session, found)
    locked = await people.lock(session, trips)
    # A return that was booked before its outbound was locked here must be corrected too. The next attempt sees it.
    if await _trips(session, found) != trips:
        raise Raced
    return trips, locked


async def _trips(session: Session, found: UUID) -> dict[UUID, UUID]:
    held = await session.rows(uniqueness.HELD_BY_THE_SAME_PERSON, ids=[found])
    return {leg.id: leg.trip for leg in await session.rows(_LEGS, ids=[found, *held])}


def _judge_laps(concerned: Sequence[Seated], values: Values, vault: Vault) -> InvalidValue | None:
    """Whether a corrected NIK makes an infant too old for a lap. Each leg is judged: an infant may turn two between the
    way home and the way back.
    """
    for one in concerned if "nik_sealed" in values else ():
        born_on = opening.born_on(values["nik_sealed"], vault)
        refused = lap_infants.judge_age(born_on, one.departs_at) if one.lap_infant else None
        if refused is not None:
            return replace(refused, field="nik")
    return None


def _concerned(row: Seated, locked: Collection[Seated], trips: Mapping[UUID, UUID], vault: Vault) -> list[Seated]:
    """Whom a corrected NIK or name is of: whole trips, also the legs that have ended.

    A trip with a clearly different name is left out: the NIK belongs to that person. Papers and particulars change on
    `row` alone.
    """
    named = [one for one in locked if one.id in trips and one.name_sealed is not None]
    same = {trips[one.id] for one in named if trips[one.id] == trips[row.id] or _is_same_name(one, row, vault)}
    return [one for one in named if trips[one.id] in same]


def _is_same_name(one: Seated, row: Seated, vault: Vault) -> bool:
    return (
        one.name_sealed is not None
        and row.name_sealed is not None
        and not opening.clearly_differ(one.name_sealed, row.name_sealed, vault)
    )


def _shared(concerned: Sequence[Seated], found: UUID, values: Values) -> dict[UUID, Values]:
    of_the_person = {name: value for name, value in values.items() if name in _OF_THE_PERSON}
    return {one.id: values if one.id == found else of_the_person for one in concerned}


def shared(locked: Mapping[UUID, Seated], found: UUID, values: Values) -> dict[UUID, Values]:
    """What changes of each registrant when a list corrects `found`: a name goes to all that the person holds."""
    row = locked[found]
    same = [one for one in locked.values() if one.person == row.person and one.name_sealed is not None]
    return _shared(same if _OF_THE_PERSON & values.keys() else [row], found, values)


async def write(
    session: Session,
    vault: Vault,
    changes: Mapping[UUID, Values],
    locked: Mapping[UUID, Seated],
    callers: Mapping[UUID, Caller],
    reason: str,
    now: datetime,
) -> None:
    """Write what changes of each registrant, and suspect whoever has the NIK elsewhere under a clearly other name."""
    rows = [_after(locked[one], values) for one, values in changes.items()]
    await session.run(_UPDATE, **_CORRECTED.of(rows))
    entries = [_told(locked[one], values, callers[one], reason) for one, values in changes.items()]
    renamed = [row for row in rows if _OF_THE_PERSON & changes[row.id].keys() and locked[row.id].status in NIK_HOLDERS]
    if renamed:
        disputes = await _suspicions(session, vault, renamed, locked, callers)
        entries += await cases.open_or_join(session, disputes, now) if disputes else []
    await change_log.append(session, entries, now)


async def _suspicions(
    session: Session,
    vault: Vault,
    renamed: Sequence[_CorrectedRegistrant],
    locked: Mapping[UUID, Seated],
    callers: Mapping[UUID, Caller],
) -> list[Dispute]:
    """The suspected duplicates after a NIK was corrected: one for each registrant of another organizer that holds the
    same NIK.
    """
    season = next(iter(locked.values())).season
    standing = await uniqueness.standing(session, season, {row.nik_index for row in renamed})
    found: dict[tuple[UUID, str], Dispute] = {}
    for row in renamed:
        organizer = locked[row.id].organizer
        for claim, held in standing.held.items():
            is_another = claim.nik_index == row.nik_index and held.organizer != organizer
            if is_another and opening.clearly_differ(held.name_sealed, row.name_sealed, vault):
                found[held.id, organizer] = Dispute(
                    holder=held,
                    season=season,
                    organizer=organizer,
                    nik_index=row.nik_index,
                    name_sealed=row.name_sealed,
                    client_id=callers[row.id].client_id,
                    suspect=True,
                    refused=False,
                )
    return list(found.values())


@refuses(NikInvalid, SeasonClosed, MotorcycleRequired, NotFound, InvalidValue)
def judge(correction: Correction, row: Seated, vault: Vault) -> Values | Refusal:
    """The columns that change."""
    reason = reason_given(correction.reason)
    if isinstance(reason, InvalidValue):
        return reason
    if row.season_closed_at is not None:
        return SeasonClosed("ref", season=row.season)
    if row.nik_sealed is None:
        return NotFound("ref")
    values: Values = {}
    for part in (_person(correction, row, vault), _booking(correction, row)):
        if isinstance(part, Refusal):
            return part
        values |= part
    return values


def _person(correction: Correction, row: Seated, vault: Vault) -> Values | Refusal:
    values: Values = {}
    if correction.nik is not None:
        parsed = nik.parse(correction.nik)
        if isinstance(parsed, NikInvalid):
            return parsed
        index = vault.blind_index(parsed.digits)
        if index != row.nik_index:
            values |= {"nik_index": index, "nik_sealed": vault.seal(parsed.digits)}
    if correction.name is not None:
        name = names.normalise(correction.name)
        if isinstance(name, InvalidValue):
            return name
        if row.name_sealed is not None and not opening.is_name(row.name_sealed, name, vault):
            values["name_sealed"] = vault.seal(name)
    return values


def _booking(correction: Correction, row: Seated) -> Values | Refusal:
    values: Values = {}
    told = particulars.judge(correction)
    if isinstance(told, InvalidValue):
        return told
    values |= {name: value for name, value in particulars.of(told).items() if value is not None}
    if correction.motorcycle is not None:
        papers = motorcycles.judge(row.service, correction.motorcycle)
        if not isinstance(papers, Motorcycle):
            return papers or InvalidValue("motorcycle", "Bukan sepeda motor.", "Not a motorcycle.")
        values |= {"plate": papers.plate, "registration_number": papers.registration_number}
    return {name: value for name, value in values.items() if value != getattr(row, name)}


def _after(row: Seated, values: Values) -> _CorrectedRegistrant:
    return _CorrectedRegistrant(id=row.id, **{name: values.get(name, getattr(row, name)) for name in _FIELDS})


def _told(row: Seated, values: Values, caller: Caller, reason: str) -> change_log.Entry:
    changed = {_TOLD[name] for name in values if name != "nik_sealed"}
    return change_log.Entry(
        kind=ChangeKind.REGISTRANT_CORRECTED,
        season=row.season,
        organizer=row.organizer,
        registrant_id=row.id,
        route_id=row.route_id,
        client_id=caller.client_id,
        reason=reason,
        facts={"fields": sorted(changed)},
    )
