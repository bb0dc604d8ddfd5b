"""Duties to the person (UU 27/2022): who looked at a NIK, all that is held on one (art. 7, 32), erasure (art. 8, 43),
purge of a season after its retention, and which NIKs a client read between two instants (art. 46).

Erased rows keep their counts; blocks outlive the NIK as its blind index.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CursorResult, text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.clock import end_of_wib_day, wib_day
from app.errors import InvalidValue, NikInvalid, NotFound, Refusal
from app.models.enums import ChangeKind, Purpose, RegistrantStatus
from app.registry import access_log, jobs, lifecycle, log, lookup, nik, seasons
from app.registry.lookup import Ref
from app.registry.policy import HUBDAT
from app.registry.reasons import reason_given
from app.registry.record import Record
from app.registry.source import Caller
from app.vault import Vault

RETENTION = timedelta(days=180)
"""After the season's end."""
MOST_ACCESSES = 1_000
REGISTRY = Caller(None, HUBDAT)
"""What purges by itself."""


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
_WIPED = """
    nik_index = NULL, nik_sealed = NULL, name_sealed = NULL, reference = NULL, plate = NULL,
    registration_number = NULL, posko = NULL, erased_at = :now
"""
_ERASE = text(f"UPDATE registrant SET {_WIPED} WHERE id = :id AND erased_at IS NULL")
# An open season that nobody has registered in has nothing to purge: it may just have been loaded.
_OVERDUE = """
    ends_on < :day AND purged_at IS NULL
    AND (closed_at IS NOT NULL OR EXISTS (SELECT FROM registrant WHERE registrant.season = season.year))
"""
_TO_PURGE = text(f"SELECT year, ends_on FROM season WHERE {_OVERDUE} ORDER BY year LIMIT 1 FOR UPDATE")
_COUNT_TO_PURGE = text(f"SELECT count(*) FROM season WHERE {_OVERDUE}")
_PURGE = text(
    "SELECT year, ends_on FROM season WHERE ends_on < :day AND purged_at IS NULL ORDER BY year LIMIT 1 FOR UPDATE"
)
_PURGE = text(
    f"""
    UPDATE registrant SET {_WIPED} FROM (
        SELECT id AS purged FROM registrant WHERE season = :season AND erased_at IS NULL LIMIT :most
    ) batch WHERE registrant.id = batch.purged
    """
)
_FORGET_EXPIRED_BLOCKS = text("DELETE FROM nik_block WHERE until_season <= :season")
_FORGET_ACCESSES = text("DELETE FROM nik_access WHERE at < :until")
_PURGED = text("UPDATE season SET purged_at = :now WHERE year = :season")


async def accesses(
    session: AsyncSession, vault: Vault, caller: Caller, raw_nik: str, now: datetime
) -> list[Access] | NikInvalid:
    """Who looked at this NIK, the newest first, at most 1,000. This look is written down as well, after it."""
    parsed = nik.parse(raw_nik)
    if isinstance(parsed, NikInvalid):
        return parsed
    index = vault.blind_index(parsed.digits)
    found = await _accesses(session, index)
    await access_log.record(session, [access_log.Look(caller, index, Purpose.ACCESS_LOG)], now)
    return found


async def export(
    session: AsyncSession, vault: Vault, caller: Caller, raw_nik: str, now: datetime
) -> Holding | NikInvalid:
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
    await access_log.record(session, [access_log.Look(caller, index, Purpose.EXPORT)], now)
    return Holding(tuple(one for one in found if one is not None), blocks, tuple(seen))


async def reads_by(session: AsyncSession, vault: Vault, client_id: str, since: datetime, until: datetime) -> list[Read]:
    """Which NIKs a client read from `since` until before `until`: the list that a breach notice needs (art. 46)."""
    rows = await session.execute(_READ_BY, {"client_id": client_id, "since": since, "until": until})
    return [
        Read(row.at, row.purpose, None if row.nik_sealed is None else vault.mask(vault.open(row.nik_sealed)))
        for row in rows
    ]


async def erase(
    session: AsyncSession, vault: Vault, caller: Caller, ref: Ref, reason: str, now: datetime
) -> Record | Refusal:
    """Erase a registrant's NIK, name, booking code and papers, whoever's it is; one that stands is cancelled first.

    Again changes nothing. Refuses NotFound, NikInvalid, InvalidValue.
    """
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    [found] = await lookup.resolve(session, vault, caller, [ref], everyone=True, any_nik=True)
    if not isinstance(found, UUID):
        return found
    # Whatever cannot be cancelled any more, departed or of a closed season, is erased as it is.
    await lifecycle.step(session, [lifecycle.Step(found, RegistrantStatus.CANCELLED, caller, given)], now)
    erased = await session.execute(_ERASE, {"id": found, "now": now})
    assert isinstance(erased, CursorResult)  # noqa: S101 - an UPDATE's result
    await jobs.wipe_naming(session, found, now)
    [seen] = await lookup.by_ids(session, vault, caller, [found], everyone=True)
    if seen is None or not erased.rowcount:
        return seen or NotFound("ref")
    entry = log.Entry(
        ChangeKind.REGISTRANT_ERASED,
        seen.season,
        seen.organizer,
        seen.id,
        client_id=caller.client_id,
        reason=given,
    )
    await log.append(session, [entry], now)
    return seen


async def seasons_to_purge(session: AsyncSession, now: datetime) -> int:
    """How many seasons' retention is over."""
    count: int = (await session.execute(_COUNT_TO_PURGE, {"day": wib_day(now - RETENTION)})).scalar_one()
    return count


async def purge_next(session: AsyncSession, now: datetime, *, most: int = 5_000) -> int:
    """Purge up to `most` registrants of a season whose retention is over. 0: nothing is left to do.

    It is closed first, so that nobody whose NIK is gone can still be forfeited in it.
    """
    day = wib_day(now - RETENTION)
    season = (await session.execute(_TO_PURGE, {"day": day})).one_or_none()
    if season is None:
        return 0
    await seasons.close(session, REGISTRY, season.year, now)
    purged = await session.execute(_PURGE, {"season": season.year, "now": now, "most": most})
    assert isinstance(purged, CursorResult)  # noqa: S101 - an UPDATE's result
    if purged.rowcount:
        return purged.rowcount
    await jobs.wipe_season(session, season.year, now)
    await session.execute(_FORGET_EXPIRED_BLOCKS, {"season": season.year})
    await session.execute(_FORGET_ACCESSES, {"until": end_of_wib_day(season.ends_on)})
    await session.execute(_PURGED, {"season": season.year, "now": now})
    await log.append(session, [log.Entry(ChangeKind.SEASON_PURGED, season.year)], now)
    return 1


async def _accesses(session: AsyncSession, index: bytes) -> list[Access]:
    rows = await session.execute(_ACCESSES, {"nik_index": index, "most": MOST_ACCESSES})
    return [Access(*row) for row in rows]


async def _everybody(session: AsyncSession, caller: Caller) -> Caller:
    """The person has a right to all of it, so nothing of it is masked."""
    codes = (await session.execute(text("SELECT code FROM organizer"))).scalars()
    return Caller(caller.client_id, caller.organizer, frozenset(codes))
