"""Erasure of a person's data (UU 27/2022 art. 8, 43): of everything that the registry holds on one NIK.

Erasure is Hubdat's act on a person, so the registrations of every organizer and every season go, whichever of them the
person is named by. Every column is wiped that the model marks as personal (`app.models.personal`). An erased registrant
still counts in the statistics. A block and the access log outlive the NIK: they hold only the blind index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NikInvalid, NotFound, Raced, Refusal, refuses
from app.models.enums import ChangeKind, Purpose, RegistrantStatus
from app.models.personal import wiped
from app.registry import case_people, change_log, reasons
from app.registry.caller import Caller
from app.registry.clients import idempotency
from app.registry.imports import jobs
from app.registry.niks import access_log
from app.registry.registrants import lifecycle, lookup
from app.registry.registrants.lookup import Ref
from app.registry.registrants.transitions import Step
from app.registry.registrants.view import View
from app.registry.rows import early_ends
from app.registry.values import nik
from app.registry.values.texts import reason_given
from app.sql import statement
from app.vault.vault import Vault

WIPED = f"{wiped('registrant')}, erased_at = :now"


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased of one person."""

    registrants: tuple[View, ...]
    """As they are now: of every organizer and every season, those that arrived first in front."""
    applicant_of: int = 0
    """Registrations of others that named the person as the applicant."""
    files: int = 0
    """Stored import files, with their verdicts and results."""


@dataclass(frozen=True, slots=True)
class _NamedPerson:
    """Whom a ref names."""

    nik_index: bytes | None
    """None: the registrant was erased before."""
    id: UUID | None = None
    """Of the registrant that the ref names. None: it names a NIK."""


class _RegistrantOfPerson(NamedTuple):
    id: UUID
    season: int
    organizer: str


_INDEX_OF = statement("SELECT nik_index FROM registrant WHERE id = :id AND nik_index IS NOT NULL", bytes)
_IS_LEFT = statement("SELECT EXISTS (SELECT FROM registrant WHERE nik_index = :nik_index)", bool)
_ERASE = statement(f"UPDATE registrant SET {WIPED} WHERE id = ANY(CAST(:ids AS uuid[])) AND nik_index = :nik_index")
# Of whoever is erased, as the applicant of others.
_ERASE_APPLICANT = statement(
    """
    UPDATE registrant SET booked_by_index = NULL, booked_by_nik_sealed = NULL, booked_by_name_sealed = NULL
    WHERE id IN (SELECT id FROM registrant WHERE booked_by_index = :nik_index ORDER BY id FOR NO KEY UPDATE)
    RETURNING id, season, organizer_code AS organizer
    """,
    _RegistrantOfPerson,
)
# Who named the NIK lately may have been told the name in an answer, whoever holds the NIK by now.
_ASKED_LATELY = statement(
    "SELECT DISTINCT organizer_code FROM nik_access WHERE nik_index = :nik_index AND at > :since", str
)


@refuses(NikInvalid, NotFound, InvalidValue)
async def erase(
    session: Session, vault: Vault, caller: Caller, ref: Ref, reason: str, now: datetime
) -> Erased | Refusal:
    """Erase the whole person that `ref` names: by any registration of any organizer, or by the NIK.

    What is yet to depart is cancelled first. To erase again changes nothing. Raises `Raced`.
    """
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    named = await _named(session, vault, caller, ref, now)
    if isinstance(named, Refusal):
        return named
    if named.nik_index is None:
        return Erased(await _seen(session, vault, caller, [named.id] if named.id else []))
    return await _erase(session, vault, caller, named.nik_index, given, now)


async def _named(session: Session, vault: Vault, caller: Caller, ref: Ref, now: datetime) -> _NamedPerson | Refusal:
    if ref.nik is not None:
        parsed = nik.parse(ref.nik)
        if isinstance(parsed, NikInvalid):
            return parsed
        look = access_log.look(caller, vault.blind_index(parsed.digits), Purpose.LOOKUP)
        await access_log.record(session, [look], now)
        return _NamedPerson(look.nik_index)
    [found] = await lookup.resolve(session, vault, caller, [ref], now, everyone=True)
    if not isinstance(found, UUID):
        return found
    nik_index = await session.first(_INDEX_OF, id=found)
    return _NamedPerson(nik_index, found)


async def _erase(
    session: Session, vault: Vault, caller: Caller, nik_index: bytes, reason: str, now: datetime
) -> Erased | NotFound:
    ids = await lookup.ids_of_nik(session, nik_index)
    looked = await reasons.erase_person(session, nik_index, ids)
    # A registrant that cannot be cancelled any more, departed or of a closed season, is erased as it is.
    steps = [Step(id=one, to=RegistrantStatus.CANCELLED, caller=caller, reason=reason) for one in ids]
    await lifecycle.step(session, steps, now)
    ends = await early_ends.forget_person(session, nik_index)
    claims = await case_people.erase_person(session, nik_index)
    erased = await session.run(_ERASE, ids=ids, nik_index=nik_index, now=now)
    # Another transaction has corrected the NIK of one of them, or registered the person, since we looked.
    if erased != len(ids) or await session.one(_IS_LEFT, nik_index=nik_index):
        raise Raced
    booked = await session.rows(_ERASE_APPLICANT, nik_index=nik_index)
    files = await jobs.wipe_naming(session, nik_index, ids, now)
    seen = await _seen(session, vault, caller, ids)
    if not (seen or booked or ends or files or claims or looked):
        return NotFound("ref")
    asked = await session.rows(_ASKED_LATELY, nik_index=nik_index, since=now - idempotency.ANSWER_KEPT_FOR)
    knew = {*(one.organizer for one in seen), *(one.organizer for one in booked), *ends, *asked}
    await idempotency.erase_answers(session, knew, caller.organizer)
    erasures = [_entry(ChangeKind.REGISTRANT_ERASED, one, caller, reason) for one in seen]
    # Others whose applicant is erased.
    facts: dict[str, object] = {"fields": ["bookedBy"]}
    erasures += [_entry(ChangeKind.REGISTRANT_CORRECTED, one, caller, reason, facts) for one in booked]
    await change_log.append(session, erasures, now)
    return Erased(seen, len(booked), files)


async def _seen(session: Session, vault: Vault, caller: Caller, ids: Sequence[UUID]) -> tuple[View, ...]:
    found = await lookup.by_ids(session, vault, caller, ids, everyone=True)
    return tuple(one for one in found if one is not None)


def _entry(
    kind: ChangeKind,
    one: View | _RegistrantOfPerson,
    caller: Caller,
    reason: str,
    facts: dict[str, object] | None = None,
) -> change_log.Entry:
    return change_log.Entry(
        kind=kind,
        season=one.season,
        organizer=one.organizer,
        registrant_id=one.id,
        client_id=caller.client_id,
        reason=reason,
        facts=facts,
    )
