"""Duties to the person (UU 27/2022): who looked at a NIK, and all that is held on a NIK (art. 7, 32)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NikInvalid, refuses
from app.models.enums import Purpose
from app.registry.caller import Caller
from app.registry.imports import jobs
from app.registry.niks import access_log, reads
from app.registry.registrants import lookup, opening
from app.registry.registrants.view import View
from app.registry.values import nik
from app.registry.values.texts import reason_given
from app.sql import statement
from app.vault.vault import Vault

MOST_ACCESSES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    at: datetime
    client_id: str
    organizer: str
    purpose: str
    what: str | None
    """Of READ: which list."""
    direction: str | None
    service: str | None
    outcome: str | None
    reason: str | None = None
    """Of READ: what for, in the words of whoever looked somebody up."""
    person: str | None = None
    """The e-mail of who looked, on the pages. None: a program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of a NIK, standing or not."""

    reason: str
    from_season: int
    until_season: int
    since: datetime
    organizer_code: str
    lifted_at: datetime | None
    lift_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberedEnd:
    """An end that an organizer told before it told of the registration (`rows.early_ends`)."""

    organizer: str
    season: int
    direction: str
    service: str
    status: str
    reference: str | None
    registered_at: datetime
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedNik:
    """An organizer brought the NIK that another one held, so there is a case. The person may be refused and no more."""

    organizer: str
    """Who brought the NIK."""
    holder: str
    """Who held it."""
    season: int
    direction: str
    service: str
    name: str | None
    """Under which the NIK was brought last. None: another NIK was brought, or the name is not kept."""
    attempts: int
    refused: int
    """How many of the attempts were refused."""
    first_at: datetime
    last_at: datetime
    state: str
    """Of the case."""
    decided_at: datetime | None
    reason: str | None
    """In the words of whoever decided."""


class _ClaimOnPerson(NamedTuple):
    organizer: str
    holder: str
    season: int
    direction: str
    service: str
    name_sealed: bytes | None
    attempts: int
    refused: int
    first_at: datetime
    last_at: datetime
    state: str
    decided_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of an organizer in which a row names the person. It is wiped by itself (`imports.jobs`)."""

    id: UUID
    organizer: str
    came_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """All that the registry holds on one NIK."""

    registrants: tuple[View, ...]
    booked: tuple[View, ...]
    """Registrations of others that name the person as the applicant. These others are masked."""
    claims: tuple[ClaimedNik, ...]
    ends: tuple[RememberedEnd, ...]
    blocks: tuple[Block, ...]
    files: tuple[StoredFile, ...]
    accesses: tuple[Access, ...]


_PERSON = "(SELECT email FROM staff WHERE staff.id = client_id) AS person"
_ACCESSES = statement(
    f"""
    SELECT at, client_id, organizer_code AS organizer, purpose, CAST(NULL AS text) AS what, direction, service, outcome,
           CAST(NULL AS text) AS reason, {_PERSON}
    FROM nik_access
    WHERE nik_index = :nik_index ORDER BY at DESC, id DESC LIMIT :most
    """,
    Access,
)
_LISTED = f"""
    SELECT p.at, p.id, p.client_id, p.organizer_code AS organizer, '{Purpose.READ}' AS purpose, p.what,
           CAST(NULL AS text) AS direction, CAST(NULL AS text) AS service, CAST(NULL AS text) AS outcome,
           p.purpose AS reason
    FROM people_read p
"""
# The lists that named the person, and those in which the person may have been; also as the applicant of others. And the
# looks for a purpose that found nobody.
_READS = statement(
    f"""
    WITH mine AS MATERIALIZED (
        SELECT * FROM registrant WHERE nik_index = :nik_index
        UNION ALL SELECT * FROM registrant WHERE booked_by_index = :nik_index
    )
    SELECT at, client_id, organizer, purpose, what, direction, service, outcome, reason, {_PERSON} FROM (
        {_LISTED} WHERE p.people && (SELECT array_agg(id) FROM mine) AND {reads.STANDS}
        UNION
        {_LISTED} WHERE (p.people IS NULL OR p.until IS NULL) AND {reads.STANDS}
            AND EXISTS (SELECT FROM mine r WHERE {reads.MAY_BE_IN})
        UNION
        {_LISTED} WHERE p.unfound && ARRAY[CAST(:nik_index AS bytea)]
    ) listed ORDER BY at DESC, id DESC LIMIT :most
    """,
    Access,
)
_BOOKED_BY_NIK = statement("SELECT id FROM registrant WHERE booked_by_index = :nik_index ORDER BY id", UUID)
_BLOCKS_OF_NIK = statement(
    """
    SELECT reason, from_season, until_season, since, organizer_code, lifted_at, lift_reason FROM nik_block
    WHERE nik_index = :nik_index ORDER BY since, id
    """,
    Block,
)
_ENDS_OF_NIK = statement(
    """
    SELECT organizer_code AS organizer, season, direction, service, status, reference, registered_at, told_at
    FROM early_end WHERE nik_index = :nik_index ORDER BY told_at, id
    """,
    RememberedEnd,
)
# A claim of the NIK, or one against a registration of the person whose NIK was corrected since: then another NIK was
# brought, and the name under which it was brought is another person's.
_CLAIMS_OF_NIK = statement(
    """
    WITH claims AS (
        SELECT k.* FROM case_claim k WHERE k.nik_index = :nik_index
        UNION SELECT k.* FROM (SELECT id FROM registrant WHERE nik_index = :nik_index OFFSET 0) mine
        JOIN duplicate_case c ON c.holder_id = mine.id JOIN case_claim k ON k.case_id = c.id
    )
    SELECT k.organizer_code AS organizer, holder.organizer_code AS holder, c.season, c.direction, c.service,
           CASE WHEN k.nik_index = :nik_index THEN k.name_sealed END AS name_sealed, k.attempts, k.refused, k.first_at,
           k.last_at, c.state, c.decided_at, c.reason
    FROM claims k JOIN duplicate_case c ON c.id = k.case_id
    JOIN LATERAL (SELECT organizer_code FROM registrant WHERE id = c.holder_id OFFSET 0) holder ON true
    ORDER BY k.first_at, k.id
    """,
    _ClaimOnPerson,
)
_FILES_NAMING = statement(
    """
    SELECT id, organizer_code AS organizer, created_at AS came_at, finished_at FROM import_job job
    WHERE wiped_at IS NULL AND EXISTS (
        SELECT FROM import_chunk c WHERE c.job_id = job.id AND position(CAST(:nik_digest AS bytea) IN c.named) > 0
    ) ORDER BY id
    """,
    StoredFile,
)
_ORGANIZERS = statement("SELECT code FROM organizer", str)


@refuses(NikInvalid)
async def accesses(
    session: Session, vault: Vault, caller: Caller, raw_nik: str, now: datetime
) -> list[Access] | NikInvalid:
    """Who looked at this NIK, or read a list with the person in it: the newest first, at most 1,000.

    Then this look is written down, too.
    """
    parsed = nik.parse(raw_nik)
    if isinstance(parsed, NikInvalid):
        return parsed
    index = vault.blind_index(parsed.digits)
    found = await _accesses(session, index)
    await access_log.record(session, [access_log.look(caller, index, Purpose.ACCESS_LOG)], now)
    return found


@refuses(NikInvalid, InvalidValue)
async def export(
    session: Session, vault: Vault, caller: Caller, raw_nik: str, now: datetime, *, purpose: str | None = None
) -> Holding | NikInvalid | InvalidValue:
    """All that is held on one NIK, with its access log (art. 7, 32), for the person it belongs to.

    Whoever shows it writes the `purpose` down with the people.
    """
    given = None if purpose is None else reason_given(purpose, "purpose")
    if isinstance(given, InvalidValue):
        return given
    parsed = nik.parse(raw_nik)
    if isinstance(parsed, NikInvalid):
        return parsed
    index = vault.blind_index(parsed.digits)
    ids = await lookup.ids_of_nik(session, index)
    found = await lookup.by_ids(session, vault, await _everybody(session, caller), ids, everyone=True)
    booked = await session.rows(_BOOKED_BY_NIK, nik_index=index)
    named = await lookup.by_ids(session, vault, replace(caller, owns_nothing=True), booked, everyone=True)
    claims = [_claimed(one, vault) for one in await session.rows(_CLAIMS_OF_NIK, nik_index=index)]
    blocks = await session.rows(_BLOCKS_OF_NIK, nik_index=index)
    ends = await session.rows(_ENDS_OF_NIK, nik_index=index)
    files = await session.rows(_FILES_NAMING, nik_digest=jobs.named([index]))
    seen = await _accesses(session, index)
    await access_log.record(session, [access_log.look(caller, index, Purpose.EXPORT)], now)
    registrants, others = (tuple(one for one in some if one is not None) for some in (found, named))
    return Holding(
        registrants=registrants,
        booked=others,
        claims=tuple(claims),
        ends=tuple(ends),
        blocks=tuple(blocks),
        files=tuple(files),
        accesses=tuple(seen),
    )


def _claimed(row: _ClaimOnPerson, vault: Vault) -> ClaimedNik:
    values = row._asdict()
    return ClaimedNik(name=opening.name_for(values.pop("name_sealed"), vault, in_full=True), **values)


async def _accesses(session: Session, index: bytes) -> list[Access]:
    """Looks at the NIK, and lists in which the person was, or may have been: the newest first."""
    looks = await session.rows(_ACCESSES, nik_index=index, most=MOST_ACCESSES)
    listed = await session.rows(_READS, nik_index=index, most=MOST_ACCESSES)
    return sorted([*looks, *listed], key=lambda one: one.at, reverse=True)[:MOST_ACCESSES]


async def _everybody(session: Session, caller: Caller) -> Caller:
    """A caller that owns every organizer's registrants: the person has a right to see all of them unmasked."""
    return Caller(caller.client_id, caller.organizer, frozenset(await session.rows(_ORGANIZERS)))
