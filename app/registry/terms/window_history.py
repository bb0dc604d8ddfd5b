"""What became of windows: an amended one gave its place to another, a withdrawn one never began. Their rows stay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NotFound, Refusal, SeasonClosed, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.terms import seasons
from app.registry.values.texts import reason_given
from app.sql import statement


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedWindow:
    """A window as it was saved once, in force or not."""

    id: UUID
    organizer: str
    season: int
    kind: str
    opens_at: datetime
    closes_at: datetime | None
    until_quota_is_full: bool
    note: str | None
    saved_at: datetime
    replaces: UUID | None
    """The window whose place it took."""
    superseded_at: datetime | None
    """None: it is in force."""


class _WindowInForce(NamedTuple):
    organizer: str
    season: int
    kind: str
    opens_at: datetime
    closes_at: datetime | None


_ALL = statement(
    """
    SELECT id, organizer_code AS organizer, season, kind, opens_at, closes_at, until_quota_is_full, note, saved_at,
           replaces, superseded_at
    FROM registration_window
    WHERE season = :season AND (CAST(:organizer AS text) IS NULL OR organizer_code = :organizer)
    ORDER BY organizer_code, saved_at, id
    """,
    SavedWindow,
)
# Whoever saves a window of this organizer locks the organizer, too: nobody amends what is withdrawn meanwhile.
_LOCK = statement(
    """
    SELECT code FROM organizer WHERE code = (SELECT organizer_code FROM registration_window WHERE id = :id)
    FOR NO KEY UPDATE
    """,
    str,
)
_IN_FORCE = statement(
    """
    SELECT organizer_code AS organizer, season, kind, opens_at, closes_at FROM registration_window
    WHERE id = :id AND superseded_at IS NULL
    """,
    _WindowInForce,
)
_WITHDRAW = statement("UPDATE registration_window SET superseded_at = :now WHERE id = :id")


async def all_of(session: Session, season: int, organizer: str | None) -> list[SavedWindow]:
    """Every window that was saved for a season, of one organizer or of all, each organizer's in order of saving."""
    return await session.rows(_ALL, season=season, organizer=organizer)


@refuses(SeasonClosed, NotFound, InvalidValue)
async def withdraw(session: Session, caller: Caller, window_id: UUID, reason: str, now: datetime) -> str | Refusal:
    """Withdraw a window that has not begun. Answers the code of its organizer."""
    given = reason_given(reason)
    if isinstance(given, InvalidValue):
        return given
    await session.first(_LOCK, id=window_id)
    window = await session.first(_IN_FORCE, id=window_id)
    if window is None:
        return NotFound("id", what="window")
    season = await seasons.require_open(session, window.season)
    if isinstance(season, Refusal):
        return season
    if window.opens_at <= now:
        return InvalidValue(
            "id",
            "Jadwal ini sudah dimulai dan tidak dapat ditarik; ubahlah akhirnya.",
            "This window has begun and cannot be withdrawn; amend its end instead.",
        )
    await session.run(_WITHDRAW, id=window_id, now=now)
    await change_log.append(session, [_entry(caller, window_id, window, given)], now)
    return window.organizer


def _entry(caller: Caller, window_id: UUID, window: _WindowInForce, reason: str) -> change_log.Entry:
    told = {
        "kind": window.kind,
        "opens_at": window.opens_at.isoformat(),
        "closes_at": window.closes_at and window.closes_at.isoformat(),
    }
    return change_log.Entry(
        kind=ChangeKind.WINDOW_WITHDRAWN,
        season=window.season,
        organizer=window.organizer,
        client_id=caller.client_id,
        reason=reason,
        facts={"window": str(window_id), **told, "withdrawn": True, "was": {**told, "withdrawn": False}},
    )
