"""The NIK block: a reason, an issuer, a range of seasons; Hubdat can lift it with a reason, so a person can appeal.

This season by default, or the next n (S2.5: a forfeited NIK is blocked so that others get the seat).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NikInvalid, NotFound, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.terms import seasons
from app.registry.values import nik
from app.registry.values.texts import reason_given
from app.vault.vault import Vault

MOST_SEASONS = 10


@dataclass(frozen=True, slots=True)
class StandingBlock:
    reason: str
    since: datetime
    until_season: int


@dataclass(frozen=True, slots=True)
class Forfeit:
    """A NIK to be blocked because its registration was forfeited."""

    nik_index: bytes
    season: int
    seasons: int
    organizer: str
    registrant_id: UUID


_INSERT = text(
    """
    INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code, client_id,
                           registrant_id)
    SELECT id, nik_index, reason, from_season, until_season, :now, organizer, :client_id, registrant_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:nik_index AS bytea[]), CAST(:reason AS text[]),
                CAST(:from_season AS int[]), CAST(:until_season AS int[]), CAST(:organizer AS text[]),
                CAST(:registrant_id AS uuid[]))
         AS b (id, nik_index, reason, from_season, until_season, organizer, registrant_id)
    """
)
_LIFT = text(
    """
    UPDATE nik_block SET lifted_at = :now, lifted_by = :by, lift_reason = :reason
    WHERE nik_index = :nik_index AND lifted_at IS NULL AND until_season >= :season
    RETURNING reason, since, until_season
    """
)
FORFEITED = "Gugur: tidak diverifikasi sampai batas waktu."


async def block_forfeited(session: Session, forfeits: Sequence[Forfeit], client_id: str | None, now: datetime) -> None:
    await session.execute(
        _INSERT,
        {
            "now": now,
            "client_id": client_id,
            "ids": [uuid7() for _ in forfeits],
            "nik_index": [forfeit.nik_index for forfeit in forfeits],
            "reason": [FORFEITED] * len(forfeits),
            "from_season": [forfeit.season for forfeit in forfeits],
            "until_season": [forfeit.season + forfeit.seasons - 1 for forfeit in forfeits],
            "organizer": [forfeit.organizer for forfeit in forfeits],
            "registrant_id": [forfeit.registrant_id for forfeit in forfeits],
        },
    )
    entries = [
        change_log.Entry(
            ChangeKind.NIK_BLOCKED,
            forfeit.season,
            forfeit.organizer,
            forfeit.registrant_id,
            client_id=client_id,
            reason=FORFEITED,
            facts={"untilSeason": forfeit.season + forfeit.seasons - 1},
        )
        for forfeit in forfeits
    ]
    await change_log.append(session, entries, now)


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
        return InvalidValue("seasons", f"Jumlah musim 1 sampai {MOST_SEASONS}.", f"Seasons are 1 to {MOST_SEASONS}.")
    season = await seasons.current(session)
    until = season + seasons_ - 1
    await session.execute(
        _INSERT,
        {
            "now": now,
            "client_id": caller.client_id,
            "ids": [uuid7()],
            "nik_index": [vault.blind_index(parsed.digits)],
            "reason": [given],
            "from_season": [season],
            "until_season": [until],
            "organizer": [caller.organizer],
            "registrant_id": [None],
        },
    )
    facts: dict[str, object] = {"untilSeason": until}
    entry = change_log.Entry(
        ChangeKind.NIK_BLOCKED, season, caller.organizer, client_id=caller.client_id, reason=given, facts=facts
    )
    await change_log.append(session, [entry], now)
    return StandingBlock(given, now, until)


@refuses(NikInvalid, NotFound, InvalidValue)
async def lift(
    session: Session, vault: Vault, caller: Caller, raw_nik: str, reason: str, now: datetime
) -> StandingBlock | NikInvalid | InvalidValue | NotFound:
    """Lift every block that stands against a NIK; answers the longest."""
    parsed, given = nik.parse(raw_nik), reason_given(reason)
    if isinstance(parsed, NikInvalid):
        return parsed
    if isinstance(given, InvalidValue):
        return given
    season = await seasons.current(session)
    lifted = await session.execute(
        _LIFT,
        {
            "now": now,
            "by": caller.client_id,
            "reason": given,
            "nik_index": vault.blind_index(parsed.digits),
            "season": season,
        },
    )
    blocks = [StandingBlock(*row) for row in lifted]
    if not blocks:
        return NotFound("nik")
    entry = change_log.Entry(
        ChangeKind.NIK_BLOCK_LIFTED, season, caller.organizer, client_id=caller.client_id, reason=given
    )
    await change_log.append(session, [entry], now)
    return max(blocks, key=lambda one: one.until_season)
