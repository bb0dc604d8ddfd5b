"""Corrections: a clerk's typing error is put right within the log, without losing the seat (UU 27/2022 art. 6, 30).

A corrected NIK is judged like a new NIK (block, uniqueness), and goes to both ways of a trip. The change log names the
fields, never their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db import Session
from app.errors import (
    InvalidValue,
    MotorcycleRequired,
    NikAlreadyRegistered,
    NikBlocked,
    NikInvalid,
    NotFound,
    Raced,
    Refusal,
    SeasonClosed,
    refuses,
)
from app.models.enums import ChangeKind
from app.models.registrant import NIK_HOLDERS
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.registrants import lookup, motorcycles, opening, uniqueness, view
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.uniqueness import NikClaim
from app.registry.registrants.view import Stored, View
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


@dataclass(slots=True, kw_only=True)
class _Locked(Stored):
    nik_index: bytes | None
    season_closed_at: datetime | None


@dataclass(slots=True, kw_only=True)
class _Corrected(Particulars):
    id: UUID
    nik_index: bytes
    nik_sealed: bytes
    name_sealed: bytes
    plate: str | None
    registration_number: str | None


_TRIP = statement(
    """
    SELECT id FROM registrant WHERE id = :id OR outbound_id = :id
        OR id = (SELECT outbound_id FROM registrant WHERE id = :id)
        OR outbound_id = (SELECT outbound_id FROM registrant WHERE id = :id)
    """,
    UUID,
)
_LOCK = statement(
    f"""
    SELECT {view.COLUMNS}, r.nik_index, season.closed_at AS season_closed_at
    FROM {view.FROM} JOIN season ON season.year = r.season
    WHERE r.id = ANY(CAST(:ids AS uuid[])) ORDER BY r.id FOR UPDATE OF r
    """,
    _Locked,
)
_CORRECTED = Arrays("corrected", _Corrected)
_FIELDS = tuple(one.name for one in fields(_Corrected) if one.name != "id")
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


@refuses(NikInvalid, NikAlreadyRegistered, NikBlocked, SeasonClosed, MotorcycleRequired, NotFound, InvalidValue)
async def correct(
    session: Session, vault: Vault, caller: Caller, ref: lookup.Ref, correction: Correction, now: datetime
) -> View | Refusal:
    """Put a registrant of one's own right. Run it through `Database.attempt`."""
    [found] = await lookup.resolve(session, vault, caller, [ref], everyone=False)
    if not isinstance(found, UUID):
        return found
    rows = await _lock_trip(session, found)
    row = next(row for row in rows if row.id == found)
    values = _corrected(correction, row, vault)
    if isinstance(values, Refusal):
        return values
    if not values:
        return view.from_row(row, vault, caller)
    # Both ways of a trip are one person: NIK and name go to both ways. What belongs to one way stays there.
    is_persons = bool(_OF_THE_PERSON & values.keys())
    concerned = [one for one in rows if one.nik_sealed is not None] if is_persons else [row]
    refused = await _refused(session, concerned, values, caller)
    if refused is not None:
        return refused
    await _write(session, concerned, found, values)
    await change_log.append(
        session, [_told(one, found, values, caller, str(correction.reason)) for one in concerned], now
    )
    [seen] = await lookup.by_ids(session, vault, caller, [found], everyone=False)
    return seen or NotFound("ref")


async def _lock_trip(session: Session, found: UUID) -> list[_Locked]:
    trip = set(await session.rows(_TRIP, id=found))
    rows = await session.rows(_LOCK, ids=sorted(trip))
    # A return that was booked before its outbound was locked here must be corrected too. The next attempt sees it.
    if set(await session.rows(_TRIP, id=found)) != trip:
        raise Raced
    return rows


def _corrected(correction: Correction, row: _Locked, vault: Vault) -> dict[str, Any] | Refusal:
    """The columns that change."""
    reason = reason_given(correction.reason)
    if isinstance(reason, InvalidValue):
        return reason
    if row.season_closed_at is not None:
        return SeasonClosed("ref", season=row.season)
    if row.nik_sealed is None:
        return NotFound("ref")
    values: dict[str, Any] = {}
    for part in (_person(correction, row, vault), _booking(correction, row)):
        if isinstance(part, Refusal):
            return part
        values |= part
    return values


def _person(correction: Correction, row: _Locked, vault: Vault) -> dict[str, Any] | Refusal:
    values: dict[str, Any] = {}
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


def _booking(correction: Correction, row: _Locked) -> dict[str, Any] | Refusal:
    values: dict[str, Any] = {}
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


async def _refused(
    session: Session, concerned: Sequence[_Locked], values: dict[str, Any], caller: Caller
) -> Refusal | None:
    """A new NIK against its block and its other registrations."""
    index = values.get("nik_index")
    if index is None:
        return None
    standing = await uniqueness.standing(session, concerned[0].season, [index])
    if index in standing.blocked_until:
        return NikBlocked("nik", until_season=standing.blocked_until[index])
    for row in concerned:
        held = standing.held.get(NikClaim(index, row.direction, row.service))
        if held is not None and row.status in NIK_HOLDERS:
            return uniqueness.already_registered(held, caller)
    return None


async def _write(session: Session, concerned: Sequence[_Locked], found: UUID, values: dict[str, Any]) -> None:
    of_the_person = {name: value for name, value in values.items() if name in _OF_THE_PERSON}
    corrected = [_after(row, values if row.id == found else of_the_person) for row in concerned]
    await session.run(_UPDATE, **_CORRECTED.of(corrected))


def _after(row: _Locked, values: dict[str, Any]) -> _Corrected:
    return _Corrected(id=row.id, **{name: values.get(name, getattr(row, name)) for name in _FIELDS})


def _told(row: _Locked, found: UUID, values: dict[str, Any], caller: Caller, reason: str) -> change_log.Entry:
    changed = {_TOLD[name] for name in values if name != "nik_sealed"}
    if row.id != found:
        changed &= {"nik", "name"}
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
