"""Whom an organizer has registered already: which registration a row speaks of, and what the row is answered.

A registrant is found by the natural key. One who holds the NIK comes before those who hold it no more, and among these
the newest counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.clock import wib_day
from app.db import Session
from app.models.enums import RegistrantStatus
from app.models.statuses import ENDED, HOLDS_NIK, NIK_HOLDERS
from app.registry.registrants import opening
from app.registry.registrants.judgement import NAME_DIFFERS, ROUTE_DIFFERS
from app.registry.registrants.uniqueness import NikOfOrganizer
from app.registry.rows import differences, early_ends
from app.registry.rows.batch import Batch, KnownRegistrant, NaturalKey, PlacedRow
from app.registry.rows.row import ParsedRow
from app.registry.rows.verdicts import Result, Verdict
from app.registry.values import names, nik, particulars
from app.sql import Arrays, statement

S = RegistrantStatus

DAY_DIFFERS = nik.Warning(
    "DAY_DIFFERS",
    "Tanggal pendaftaran orang ini berbeda dengan yang tersimpan; impor tidak mengubahnya.",
    "This person was registered on another day, as is stored; an import does not change that.",
)


_ASKED = Arrays("asked", NikOfOrganizer)
_KNOWN = statement(
    f"""
    SELECT r.organizer_code AS organizer, r.nik_index, r.direction, r.service,
           r.id, r.status, r.route_id, r.registered_at, r.plate, r.registration_number, r.name_sealed,
           {", ".join(f"r.{name}" for name in particulars.NAMES)}
    FROM {_ASKED}
    -- OFFSET: looked up NIK by NIK, also in a table that has no statistics yet (see `uniqueness`).
    JOIN LATERAL (SELECT * FROM registrant WHERE nik_index = asked.nik_index OFFSET 0) r
        ON r.organizer_code = asked.organizer AND r.season = :season
    -- Of equal keys the last row stays.
    ORDER BY {HOLDS_NIK}, r.id
    """,
    KnownRegistrant,
)


async def find(session: Session, batch: Batch, rows: Sequence[PlacedRow]) -> dict[NaturalKey, KnownRegistrant]:
    asked = {NikOfOrganizer(nik_index=one.row.nik_index, organizer=one.row.organizer) for one in rows}
    found = await session.rows(_KNOWN, season=batch.season, **_ASKED.of(list(asked)))
    return {one.key: one for one in found}


def comes_anew(row: ParsedRow, known: KnownRegistrant | None) -> bool:
    """Whether `row` registers somebody: nobody is known, or the known registration has ended and the row is about a
    later registration or has another booking code.
    """
    if row.status in ENDED:
        return False
    if known is None:
        return True
    if known.status in NIK_HOLDERS:
        return False
    return row.registered_at > known.registered_at or _is_another_booking(row, known)


def is_of_before(row: ParsedRow, standing: KnownRegistrant | ParsedRow) -> bool:
    """Whether `row` tells the end of a registration before the `standing` one: by its booking code, or by an earlier
    day of registration. Days are compared, since lists often hold no more than days.
    """
    earlier = wib_day(row.registered_at) < wib_day(standing.registered_at)
    return row.status in ENDED and (earlier or _is_another_booking(row, standing))


def is_early(row: ParsedRow, known: KnownRegistrant | None) -> bool:
    """Whether `row` tells the end of a registration that has not come yet."""
    if row.status not in ENDED or known is None:
        return row.status in ENDED
    if known.status in NIK_HOLDERS:
        return False
    return early_ends.is_later(row.registered_at, known.registered_at) or _is_another_booking(row, known)


def answer(batch: Batch, row: ParsedRow, known: KnownRegistrant) -> Verdict:
    """What a row about somebody known is answered, before its status is looked at."""
    told = Verdict(
        result=Result.UNCHANGED,
        status=S(known.status),
        registrant_id=known.id,
        organizer=row.organizer,
        warnings=row.nik.warnings,
    )
    if known.status in NIK_HOLDERS and is_of_before(row, known):
        return replace(told, result=Result.STALE)
    stored_name = opening.other_name(known.name_sealed, row.name, batch.vault)
    found = differences.of(row, known, batch.other_route(row, known), stored_name)
    warnings = _warnings(batch, row, known, stored_name)
    warnings += [DAY_DIFFERS] if any(one.column == differences.OF_THE_DAY for one in found) else []
    return replace(told, warnings=(*told.warnings, *warnings), differences=found)


def again(batch: Batch, row: ParsedRow, first: ParsedRow, told: Verdict) -> Verdict:
    """What a row is answered whose person `first` has registered in the same batch: perhaps a NIK was copied down."""
    another_route = batch.route(row).route_id != batch.route(first).route_id
    found = differences.between(row, first, batch.route(row).service, another_route=another_route)
    warnings = [DAY_DIFFERS] if differences.is_of_another_day(row, first) else []
    return replace(told, warnings=(*told.warnings, *warnings), differences=found)


def _is_another_booking(row: ParsedRow, other: KnownRegistrant | ParsedRow) -> bool:
    return row.reference is not None and other.reference is not None and row.reference != other.reference


def _warnings(batch: Batch, row: ParsedRow, known: KnownRegistrant, stored_name: str | None) -> list[nik.Warning]:
    """What is worth a second look. What is stored stays, unless the row may change it."""
    found = []
    if batch.means_another_route(row, known):
        found.append(ROUTE_DIFFERS)
    else:
        found += batch.route(row).warnings(new=False)
    if stored_name is not None and names.clearly_differ(row.name, stored_name):
        found.append(NAME_DIFFERS)
    return found
