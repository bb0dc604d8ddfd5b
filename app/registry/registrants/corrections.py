"""Corrections: a clerk's typing error is put right within the log, without losing the seat (UU 27/2022 art. 6, 30).

A corrected NIK is judged like a new one (block, uniqueness) and goes to both ways of a trip. The log names the fields,
never their values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

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
from app.registry.registrants import lookup, motorcycles, record, uniqueness
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.record import Record
from app.registry.registrants.uniqueness import Claim
from app.registry.values import names, nik, texts
from app.registry.values.texts import reason_given, reference_given
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Correction:
    """What to put right; None leaves a field as it is."""

    reason: str
    nik: str | None = None
    name: str | None = None
    identity_document: str | None = None
    reference: str | None = None
    motorcycle: Motorcycle | None = None


_TRIP = text(
    """
    SELECT id FROM registrant WHERE id = :id OR outbound_id = :id
        OR id = (SELECT outbound_id FROM registrant WHERE id = :id)
        OR outbound_id = (SELECT outbound_id FROM registrant WHERE id = :id)
    """
)
_LOCK = text(
    f"""
    SELECT {record.COLUMNS}, r.nik_index, season.closed_at AS season_closed_at
    FROM {record.FROM} JOIN season ON season.year = r.season
    WHERE r.id = ANY(CAST(:ids AS uuid[])) ORDER BY r.id FOR UPDATE OF r
    """
)
_UPDATE = text(
    """
    UPDATE registrant r SET nik_index = c.nik_index, nik_sealed = c.nik_sealed, name_sealed = c.name_sealed,
        identity_document = c.identity_document, reference = c.reference, plate = c.plate,
        registration_number = c.registration_number
    FROM unnest(CAST(:ids AS uuid[]), CAST(:nik_index AS bytea[]), CAST(:nik_sealed AS bytea[]),
                CAST(:name_sealed AS bytea[]), CAST(:identity_document AS text[]), CAST(:reference AS text[]),
                CAST(:plate AS text[]), CAST(:registration_number AS text[]))
         AS c (id, nik_index, nik_sealed, name_sealed, identity_document, reference, plate, registration_number)
    WHERE r.id = c.id
    """
)
_FIELDS = ("nik_index", "nik_sealed", "name_sealed", "identity_document", "reference", "plate", "registration_number")
_TOLD = {"nik_index": "nik", "name_sealed": "name", "identity_document": "identityDocument", "reference": "reference"}


@refuses(NikInvalid, NikAlreadyRegistered, NikBlocked, SeasonClosed, MotorcycleRequired, NotFound, InvalidValue)
async def correct(
    session: Session, vault: Vault, caller: Caller, ref: lookup.Ref, correction: Correction, now: datetime
) -> Record | Refusal:
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
        return record.from_row(row, vault, caller)
    # Both ways of a trip are one person: the person's own fields go to both, what belongs to one way does not.
    is_persons = bool({"nik_index", "name_sealed"} & values.keys())
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


async def _lock_trip(session: Session, found: UUID) -> list[Row[Any]]:
    trip = set((await session.execute(_TRIP, {"id": found})).scalars())
    rows = list(await session.execute(_LOCK, {"ids": sorted(trip)}))
    # A return that was booked before its outbound was locked here must be corrected too: see it in the next attempt.
    if set((await session.execute(_TRIP, {"id": found})).scalars()) != trip:
        raise Raced
    return rows


def _corrected(correction: Correction, row: Row[Any], vault: Vault) -> dict[str, object] | Refusal:
    """The columns that change."""
    reason = reason_given(correction.reason)
    if isinstance(reason, InvalidValue):
        return reason
    if row.season_closed_at is not None:
        return SeasonClosed("ref", season=row.season)
    if row.nik_sealed is None:
        return NotFound("ref")
    values: dict[str, object] = {}
    for part in (_person(correction, row, vault), _booking(correction, row)):
        if isinstance(part, Refusal):
            return part
        values |= part
    return values


def _person(correction: Correction, row: Row[Any], vault: Vault) -> dict[str, object] | Refusal:
    values: dict[str, object] = {}
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
        if name != vault.open(row.name_sealed):
            values["name_sealed"] = vault.seal(name)
    return values


def _booking(correction: Correction, row: Row[Any]) -> dict[str, object] | Refusal:
    values: dict[str, object] = {}
    refused = texts.judge_document(correction.identity_document, required=False)
    if refused is not None:
        return refused
    reference = reference_given(correction.reference)
    if isinstance(reference, InvalidValue):
        return reference
    if correction.identity_document is not None:
        values["identity_document"] = correction.identity_document
    if reference is not None:
        values["reference"] = reference
    if correction.motorcycle is not None:
        papers = motorcycles.judge(row.service, correction.motorcycle)
        if not isinstance(papers, Motorcycle):
            return papers or InvalidValue("motorcycle", "Bukan sepeda motor.", "Not a motorcycle.")
        values |= {"plate": papers.plate, "registration_number": papers.registration_number}
    return {name: value for name, value in values.items() if value != getattr(row, name)}


async def _refused(
    session: Session, concerned: Sequence[Row[Any]], values: dict[str, object], caller: Caller
) -> Refusal | None:
    """A new NIK against its block and its other registrations."""
    index = values.get("nik_index")
    if not isinstance(index, bytes):
        return None
    standing = await uniqueness.standing(session, concerned[0].season, [index])
    if index in standing.blocked_until:
        return NikBlocked("nik", until_season=standing.blocked_until[index])
    for row in concerned:
        held = standing.held.get(Claim(index, row.direction, row.service))
        if held is not None and row.status in NIK_HOLDERS:
            return uniqueness.already_registered(held, caller)
    return None


async def _write(session: Session, concerned: Sequence[Row[Any]], found: UUID, values: dict[str, object]) -> None:
    person = {name: value for name, value in values.items() if name in {"nik_index", "nik_sealed", "name_sealed"}}
    columns: dict[str, object] = {"ids": [row.id for row in concerned]}
    for name in _FIELDS:
        columns[name] = [(values if row.id == found else person).get(name, getattr(row, name)) for row in concerned]
    await session.execute(_UPDATE, columns)


def _told(row: Row[Any], found: UUID, values: dict[str, object], caller: Caller, reason: str) -> change_log.Entry:
    changed = {_TOLD.get(name, "motorcycle") for name in values if name != "nik_sealed"}
    if row.id != found:
        changed &= {"nik", "name"}
    return change_log.Entry(
        ChangeKind.REGISTRANT_CORRECTED,
        row.season,
        row.organizer,
        row.id,
        row.route_id,
        client_id=caller.client_id,
        reason=reason,
        facts={"fields": sorted(changed)},
    )
