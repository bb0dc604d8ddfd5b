"""Duties to the person (UU 27/2022): who looked at a NIK, all that is held on a NIK (art. 7, 32), and which NIKs a
client read between two instants (art. 46).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.db import Session
from app.errors import NikInvalid, refuses
from app.models.enums import Purpose
from app.registry.caller import Caller
from app.registry.niks import access_log
from app.registry.registrants import lookup
from app.registry.registrants.record import Record
from app.registry.values import nik
from app.vault.vault import Vault

MOST_ACCESSES = 1_000


@dataclass(frozen=True, slots=True)
class Access:
    at: datetime
    client_id: str
    organizer: str
    purpose: str
    direction: str | None
    service: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Holding:
    """All that the registry holds on one NIK."""

    registrants: tuple[Record, ...]
    blocks: tuple[dict[str, object], ...]
    accesses: tuple[Access, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A NIK that a client read: masked where the registry still knows it, else only that there was one."""

    at: datetime
    purpose: str
    nik: str | None


_ACCESSES = text(
    """
    SELECT at, client_id, organizer_code, purpose, direction, service, outcome FROM nik_access
    WHERE nik_index = :nik_index ORDER BY at DESC, id DESC LIMIT :most
    """
)
_OF_NIK = text("SELECT id FROM registrant WHERE nik_index = :nik_index ORDER BY id")
_BLOCKS_OF_NIK = text(
    """
    SELECT reason, from_season, until_season, since, organizer_code, lifted_at, lift_reason FROM nik_block
    WHERE nik_index = :nik_index ORDER BY since, id
    """
)
_READ_BY = text(
    """
    SELECT a.at, a.purpose, r.nik_sealed FROM nik_access a
    LEFT JOIN LATERAL (SELECT nik_sealed FROM registrant WHERE nik_index = a.nik_index LIMIT 1) r ON true
    WHERE a.client_id = :client_id AND a.at >= :since AND a.at < :until ORDER BY a.at, a.id
    """
)


@refuses(NikInvalid)
async def accesses(
    session: Session, vault: Vault, caller: Caller, raw_nik: str, now: datetime
) -> list[Access] | NikInvalid:
    """Who looked at this NIK, the newest first, at most 1,000. This look is written down as well, after it."""
    parsed = nik.parse(raw_nik)
    if isinstance(parsed, NikInvalid):
        return parsed
    index = vault.blind_index(parsed.digits)
    found = await _accesses(session, index)
    await access_log.record(session, [access_log.Look(caller=caller, nik_index=index, purpose=Purpose.ACCESS_LOG)], now)
    return found


@refuses(NikInvalid)
async def export(session: Session, vault: Vault, caller: Caller, raw_nik: str, now: datetime) -> Holding | NikInvalid:
    """All that is held on one NIK, with its access log (art. 7, 32), for the person it belongs to."""
    parsed = nik.parse(raw_nik)
    if isinstance(parsed, NikInvalid):
        return parsed
    index = vault.blind_index(parsed.digits)
    ids = list((await session.execute(_OF_NIK, {"nik_index": index})).scalars())
    found = await lookup.by_ids(session, vault, await _everybody(session, caller), ids, everyone=True)
    rows = await session.execute(_BLOCKS_OF_NIK, {"nik_index": index})
    blocks = tuple(dict(row) for row in rows.mappings())
    seen = await _accesses(session, index)
    await access_log.record(session, [access_log.Look(caller=caller, nik_index=index, purpose=Purpose.EXPORT)], now)
    return Holding(tuple(one for one in found if one is not None), blocks, tuple(seen))


async def reads_by(session: Session, vault: Vault, client_id: str, since: datetime, until: datetime) -> list[Read]:
    """Which NIKs a client read from `since` until before `until`: the list that a breach notice needs (art. 46)."""
    rows = await session.execute(_READ_BY, {"client_id": client_id, "since": since, "until": until})
    return [
        Read(row.at, row.purpose, None if row.nik_sealed is None else vault.mask(vault.open(row.nik_sealed)))
        for row in rows
    ]


async def _accesses(session: Session, index: bytes) -> list[Access]:
    rows = await session.execute(_ACCESSES, {"nik_index": index, "most": MOST_ACCESSES})
    return [Access(*row) for row in rows]


async def _everybody(session: Session, caller: Caller) -> Caller:
    """The person has a right to all of it, so nothing of it is masked."""
    codes = (await session.execute(text("SELECT code FROM organizer"))).scalars()
    return Caller(caller.client_id, caller.organizer, frozenset(codes))
