"""Both sides of a case, for Hubdat, which decides it: the holder, and whoever brought the same NIK, side by side.

Names are shown as initials with their likeness. In full only for a purpose: the caller says what for, and that is
written down with who was read. The name of a claimant is kept sealed until the season is purged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NotFound, refuses
from app.models.enums import Purpose
from app.models.personal import wiped
from app.registry.caller import Caller
from app.registry.niks import access_log
from app.registry.registrants import opening
from app.registry.values.texts import reason_given
from app.sql import statement
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One organizer's person in a case."""

    organizer: str
    holds: bool
    nik: str
    """Masked, but in full for a purpose. All of it is masked, where a claimant brought another one than the holder has
    by now: the registry keeps no NIK that was refused.
    """
    initials: str | None
    """None: the name is not kept, or not any more."""
    likeness: int | None
    """Of a claimant's name to the holder's, in percent."""
    name: str | None
    """In full. None: no purpose was told."""
    status: str | None
    """Of the holder."""
    at: datetime
    """The holder was registered, or the claimant brought the NIK for the first time."""


class _HolderPerson(NamedTuple):
    id: UUID
    organizer: str
    nik_index: bytes | None
    nik_sealed: bytes | None
    name_sealed: bytes | None
    status: str
    at: datetime


class _ClaimantPerson(NamedTuple):
    organizer: str
    nik_index: bytes | None
    name_sealed: bytes | None
    at: datetime


_HOLDER = statement(
    """
    SELECT r.id, r.organizer_code AS organizer, r.nik_index, r.nik_sealed, r.name_sealed, r.status,
           r.registered_at AS at
    FROM duplicate_case c JOIN registrant r ON r.id = c.holder_id WHERE c.id = :id
    """,
    _HolderPerson,
)
_CLAIMANTS = statement(
    """
    SELECT organizer_code AS organizer, nik_index, name_sealed, first_at AS at FROM case_claim WHERE case_id = :id
    ORDER BY first_at, organizer_code
    """,
    _ClaimantPerson,
)
_WIPED = wiped("case_claim")
_ERASE_PERSON = statement(f"UPDATE case_claim SET {_WIPED} WHERE nik_index = :nik_index")
_ERASE_SEASON = statement(
    f"UPDATE case_claim SET {_WIPED} FROM duplicate_case c WHERE c.id = case_id AND c.season = :season"
)


@dataclass(frozen=True, slots=True)
class Sides:
    holder_id: UUID
    people: tuple[Side, ...]
    """The holder first."""


@refuses(NotFound, InvalidValue)
async def read(
    session: Session, vault: Vault, caller: Caller, case_id: UUID, purpose: str | None, now: datetime
) -> Sides | NotFound | InvalidValue:
    """Both sides of a case. With a purpose NIK and names are in full. Either is a look at the NIK."""
    given = None if purpose is None else reason_given(purpose, "purpose")
    if isinstance(given, InvalidValue):
        return given
    holder = await session.first(_HOLDER, id=case_id)
    if holder is None:
        return NotFound("id", what="case")
    claimants = await session.rows(_CLAIMANTS, id=case_id)
    brought = {holder.nik_index, *(one.nik_index for one in claimants)}
    looked_at = sorted(one for one in brought if one is not None)
    if looked_at:
        await access_log.record(session, [access_log.look(caller, one, Purpose.LOOKUP) for one in looked_at], now)
    in_full = given is not None
    return Sides(
        holder.id, (_holder(holder, vault, in_full), *(_claimant(one, holder, vault, in_full) for one in claimants))
    )


async def erase_person(session: Session, nik_index: bytes) -> int:
    """Erase the names under which organizers brought this NIK. Answers how many."""
    return await session.run(_ERASE_PERSON, nik_index=nik_index)


async def erase_season(session: Session, season: int) -> None:
    await session.run(_ERASE_SEASON, season=season)


def _holder(holder: _HolderPerson, vault: Vault, in_full: bool) -> Side:
    return Side(
        organizer=holder.organizer,
        holds=True,
        nik=opening.person(holder.nik_sealed, holder.name_sealed, vault, own=in_full).nik,
        initials=opening.initials(holder.name_sealed, vault),
        likeness=None,
        name=opening.name_for(holder.name_sealed, vault, in_full=in_full),
        status=holder.status,
        at=holder.at,
    )


def _claimant(one: _ClaimantPerson, holder: _HolderPerson, vault: Vault, in_full: bool) -> Side:
    return Side(
        organizer=one.organizer,
        holds=False,
        nik=_nik_of(one, holder, vault, in_full),
        initials=opening.initials(one.name_sealed, vault),
        likeness=opening.likeness(one.name_sealed, holder.name_sealed, vault),
        name=opening.name_for(one.name_sealed, vault, in_full=in_full),
        status=None,
        at=one.at,
    )


def _nik_of(one: _ClaimantPerson, holder: _HolderPerson, vault: Vault, in_full: bool) -> str:
    if one.nik_index not in {None, holder.nik_index}:
        return opening.UNKNOWN_NIK
    return opening.person(holder.nik_sealed, holder.name_sealed, vault, own=in_full).nik
