"""The NIK block: a reason, an issuer, a range of seasons. Hubdat can lift it with a reason, so a person can appeal.

A block lasts for this season, or for n seasons from this one on. A forfeited NIK is blocked so that others get the seat
(S2.5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NikInvalid, NotFound, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.terms import seasons
from app.registry.values import nik
from app.registry.values.texts import reason_given
from app.sql import Arrays, statement
from app.vault.vault import Vault

MOST_SEASONS = 10


@dataclass(frozen=True, slots=True)
class StandingBlock:
    reason: str
    since: datetime
    until_season: int


class BlockOfRegistrant(NamedTuple):
    """A standing block that came from a registrant."""

    id: UUID
    reason: str
    from_season: int
    until_season: int
    organizer_code: str
    registrant_id: UUID
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Forfeit:
    """A NIK to be blocked because its registration was forfeited."""

    nik_index: bytes
    season: int
    seasons: int
    organizer: str
    registrant_id: UUID

    @property
    def until_season(self) -> int:
        return self.season + self.seasons - 1


class Blocked(NamedTuple):
    """A block that stands."""

    id: UUID
    nik_index: bytes
    until_season: int
    season: int
    """From which season on."""
    organizer: str
    registrant_id: UUID | None
    """The registrant whose forfeiture brought it."""
    since: datetime


class _LiftedBlock(NamedTuple):
    id: UUID
    reason: str
    since: datetime
    until_season: int
    season: int
    """From which season on."""
    organizer: str
    registrant_id: UUID | None


class _NewBlock(NamedTuple):
    id: UUID
    nik_index: bytes
    reason: str
    from_season: int
    until_season: int
    organizer_code: str
    registrant_id: UUID | None


_BLOCKS = Arrays("block", _NewBlock)
_COPIES = Arrays("copy", _NewBlock, numbered=True)
_COLUMNS = ", ".join(_NewBlock._fields)
_INSERT = statement(
    f"INSERT INTO nik_block ({_COLUMNS}, since, client_id) SELECT {_COLUMNS}, :now, :client_id FROM {_BLOCKS}"
)
# The legs of a person may be forfeited in two batches of a sweep.
_INSERT_FIRST = statement(
    f"""
    INSERT INTO nik_block ({_COLUMNS}, since, client_id)
    SELECT {", ".join("block." + name for name in _NewBlock._fields)}, :now, :client_id FROM {_BLOCKS}
    LEFT JOIN LATERAL (
        SELECT true AS stands FROM nik_block b
        WHERE b.nik_index = block.nik_index AND b.lifted_at IS NULL AND b.from_season = block.from_season
          AND b.organizer_code = block.organizer_code AND b.registrant_id IS NOT NULL
        LIMIT 1
    ) other ON true
    WHERE other.stands IS NULL
    RETURNING registrant_id
    """,
    UUID,
)
_LIFT = statement(
    """
    UPDATE nik_block SET lifted_at = :now, lifted_by = :lifted_by, lift_reason = :reason
    WHERE nik_index = :nik_index AND lifted_at IS NULL AND until_season >= :season
    RETURNING id, reason, since, until_season, from_season AS season, organizer_code AS organizer, registrant_id
    """,
    _LiftedBlock,
)
_STANDING = statement(
    """
    SELECT id, nik_index, until_season, from_season AS season, organizer_code AS organizer, registrant_id, since
    FROM nik_block
    WHERE nik_index = ANY(CAST(:nik_indexes AS bytea[])) AND lifted_at IS NULL AND until_season >= :season
    ORDER BY id
    """,
    Blocked,
)
_LIFT_ALL = statement(
    """
    UPDATE nik_block SET lifted_at = :now, lifted_by = :lifted_by, lift_reason = :reason
    -- CASE keeps PostgreSQL from the index of standing blocks, which it would read whole by a plan of an empty table.
    WHERE id = ANY(CAST(:ids AS uuid[])) AND CASE WHEN lifted_at IS NULL THEN true ELSE false END
    """
)
# CASE, as above.
_NIK_OF = statement(
    "SELECT nik_index FROM nik_block WHERE id = :id AND CASE WHEN lifted_at IS NULL THEN true ELSE false END", bytes
)
_FROM_REGISTRANTS = statement(
    """
    SELECT id, reason, from_season, until_season, organizer_code, registrant_id, since FROM nik_block
    WHERE nik_index = ANY(CAST(:niks AS bytea[])) AND lifted_at IS NULL
      AND registrant_id = ANY(CAST(:registrants AS uuid[]))
    ORDER BY id FOR NO KEY UPDATE
    """,
    BlockOfRegistrant,
)
_COPY = statement(
    f"""
    INSERT INTO nik_block ({_COLUMNS}, since, client_id)
    SELECT {", ".join("copy." + name for name in _NewBlock._fields)}, old.since, :client_id
    FROM {_COPIES} JOIN nik_block old ON old.id = (CAST(:old_ids AS uuid[]))[copy.place]
    """
)
CORRECTED = "NIK-nya salah ketik dan sudah diperbaiki."
FORFEITED = "Gugur: tidak diverifikasi sampai batas waktu."


async def block_forfeited(session: Session, forfeits: Sequence[Forfeit], client_id: str | None, now: datetime) -> None:
    """A NIK that an organizer's forfeiture blocks in this season is not blocked again."""
    rows = [
        _NewBlock(
            id=uuid7(),
            nik_index=forfeit.nik_index,
            reason=FORFEITED,
            from_season=forfeit.season,
            until_season=forfeit.until_season,
            organizer_code=forfeit.organizer,
            registrant_id=forfeit.registrant_id,
        )
        for forfeit in forfeits
    ]
    blocked = set(await session.rows(_INSERT_FIRST, now=now, client_id=client_id, **_BLOCKS.of(rows)))
    entries = [
        change_log.Entry(
            kind=ChangeKind.NIK_BLOCKED,
            season=forfeit.season,
            organizer=forfeit.organizer,
            registrant_id=forfeit.registrant_id,
            client_id=client_id,
            reason=FORFEITED,
            facts={"untilSeason": forfeit.until_season},
        )
        for forfeit in forfeits
        if forfeit.registrant_id in blocked
    ]
    await change_log.append(session, entries, now)


async def from_registrants(
    session: Session, niks: Collection[bytes], registrants: Collection[UUID]
) -> list[BlockOfRegistrant]:
    """The standing blocks of `niks` that came from `registrants`, locked."""
    return await session.rows(_FROM_REGISTRANTS, niks=list(niks), registrants=list(registrants))


async def correct(
    session: Session,
    wrong: Sequence[BlockOfRegistrant],
    to_copy: Sequence[BlockOfRegistrant],
    nik_index: bytes,
    client_id: str | None,
    now: datetime,
) -> None:
    """Lift all blocks in `wrong`. Copy the blocks in `to_copy` to the NIK of `nik_index`, with the age they have."""
    await session.run(_LIFT_ALL, ids=[one.id for one in wrong], now=now, lifted_by=client_id, reason=CORRECTED)
    entries = [_corrected(one, ChangeKind.NIK_BLOCK_LIFTED, CORRECTED, client_id) for one in wrong]
    if to_copy:
        copies = _COPIES.of([_copy(one, nik_index) for one in to_copy])
        await session.run(_COPY, client_id=client_id, old_ids=[one.id for one in to_copy], **copies)
        entries += [_corrected(one, ChangeKind.NIK_BLOCKED, one.reason, client_id) for one in to_copy]
    await change_log.append(session, entries, now)


def _copy(one: BlockOfRegistrant, nik_index: bytes) -> _NewBlock:
    return _NewBlock(
        id=uuid7(),
        nik_index=nik_index,
        reason=one.reason,
        from_season=one.from_season,
        until_season=one.until_season,
        organizer_code=one.organizer_code,
        registrant_id=one.registrant_id,
    )


def _corrected(one: BlockOfRegistrant, kind: ChangeKind, reason: str, client_id: str | None) -> change_log.Entry:
    return change_log.Entry(
        kind=kind,
        season=one.from_season,
        organizer=one.organizer_code,
        registrant_id=one.registrant_id,
        client_id=client_id,
        reason=reason,
        facts={"untilSeason": one.until_season} if kind == ChangeKind.NIK_BLOCKED else None,
    )


@refuses(NikInvalid, NotFound, InvalidValue)
async def block(
    session: Session, vault: Vault, caller: Caller, raw_nik: str, reason: str, seasons_: int, now: datetime
) -> StandingBlock | NikInvalid | InvalidValue:
    """Block a NIK from this season for `seasons_` seasons."""
    parsed, given = nik.parse(raw_nik), reason_given(reason)
    if isinstance(parsed, NikInvalid):
        return parsed
    if isinstance(given, InvalidValue):
        return given
    if not 1 <= seasons_ <= MOST_SEASONS:
        return InvalidValue(
            "seasons", f"Lama blokir 1 sampai {MOST_SEASONS} periode.", f"Seasons are 1 to {MOST_SEASONS}."
        )
    season = await seasons.current(session)
    row = _NewBlock(
        id=uuid7(),
        nik_index=vault.blind_index(parsed.digits),
        reason=given,
        from_season=season,
        until_season=season + seasons_ - 1,
        organizer_code=caller.organizer,
        registrant_id=None,
    )
    await session.run(_INSERT, now=now, client_id=caller.client_id, **_BLOCKS.of([row]))
    entry = change_log.Entry(
        kind=ChangeKind.NIK_BLOCKED,
        season=season,
        organizer=caller.organizer,
        client_id=caller.client_id,
        reason=given,
        facts={"untilSeason": row.until_season, "block": str(row.id)},
    )
    await change_log.append(session, [entry], now)
    return StandingBlock(row.reason, now, row.until_season)


@refuses(NikInvalid, NotFound, InvalidValue)
async def lift(
    session: Session, vault: Vault, caller: Caller, raw_nik: str, reason: str, now: datetime
) -> StandingBlock | NikInvalid | InvalidValue | NotFound:
    """Lift every block that stands against a NIK; answers the longest."""
    parsed = nik.parse(raw_nik)
    if isinstance(parsed, NikInvalid):
        return parsed
    lifted = await _lift(session, caller, vault.blind_index(parsed.digits), reason, now)
    return lifted or NotFound("nik", what="block")


@refuses(NotFound, InvalidValue)
async def lift_one(
    session: Session, caller: Caller, block_id: UUID, reason: str, now: datetime
) -> StandingBlock | InvalidValue | NotFound:
    """Lift a block as the list names it, with all others that stand against its NIK: else the person gained nothing."""
    nik_index = await session.first(_NIK_OF, id=block_id)
    lifted = None if nik_index is None else await _lift(session, caller, nik_index, reason, now)
    return lifted or NotFound("id", what="block")


async def _lift(
    session: Session, caller: Caller, nik_index: bytes, reason: str, now: datetime
) -> StandingBlock | InvalidValue | None:
    """None: no block stands."""
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    season = await seasons.current(session)
    lifted = await session.rows(
        _LIFT, now=now, lifted_by=caller.client_id, reason=given, nik_index=nik_index, season=season
    )
    if not lifted:
        return None
    longest = max(lifted, key=lambda block: block.until_season)
    entry = change_log.Entry(
        kind=ChangeKind.NIK_BLOCK_LIFTED,
        season=season,
        organizer=caller.organizer,
        client_id=caller.client_id,
        reason=given,
        facts={"block": str(longest.id), "lifted": True, "was": {"lifted": False}},
    )
    await change_log.append(session, [entry, *_lifted_of(lifted, caller, given)], now)
    return StandingBlock(longest.reason, longest.since, longest.until_season)


def _lifted_of(lifted: Sequence[_LiftedBlock | Blocked], caller: Caller, reason: str) -> list[change_log.Entry]:
    """For the organizers whose registrants' forfeitures brought the blocks."""
    return [
        change_log.Entry(
            kind=ChangeKind.NIK_BLOCK_LIFTED,
            season=one.season,
            organizer=one.organizer,
            registrant_id=one.registrant_id,
            client_id=caller.client_id,
            reason=reason,
        )
        for one in lifted
        if one.registrant_id is not None
    ]


async def standing(session: Session, season: int, nik_indexes: Collection[bytes]) -> dict[bytes, list[Blocked]]:
    """The blocks of each NIK that stand in `season` or later."""
    found: dict[bytes, list[Blocked]] = defaultdict(list)
    for one in await session.rows(_STANDING, season=season, nik_indexes=list(nik_indexes)):
        found[one.nik_index].append(one)
    return found


async def lift_all(session: Session, caller: Caller, lifted: Sequence[Blocked], reason: str, now: datetime) -> None:
    """Lift blocks whose cause was taken back."""
    if not lifted:
        return
    await session.run(_LIFT_ALL, ids=[one.id for one in lifted], now=now, lifted_by=caller.client_id, reason=reason)
    await change_log.append(session, _lifted_of(lifted, caller, reason), now)
