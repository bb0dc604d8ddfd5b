"""Organizers (penyelenggara): what they are called, whom they coordinate, and what is in force for them in a season."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.models.enums import WindowKind
from app.registry import policy, windows
from app.registry.policy import Policy
from app.registry.windows import Window


@dataclass(frozen=True, slots=True)
class DateRange:
    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True)
class Organizer:
    code: str
    name: str
    coordinator: str | None
    members: tuple[str, ...]
    schemes: tuple[str, ...]
    windows: tuple[Window, ...]
    verification: tuple[DateRange, ...]
    policy: Policy


_COLUMNS = """
    o.code, o.name, o.coordinator_code, o.schemes,
    ARRAY(SELECT m.code FROM organizer m WHERE m.coordinator_code = o.code ORDER BY m.code) AS members
"""
_BY_CODES = text(f"SELECT {_COLUMNS} FROM organizer o WHERE o.code = ANY(CAST(:codes AS text[]))")
_ALL = text(f"SELECT {_COLUMNS} FROM organizer o ORDER BY o.code")
_MEMBERS = text("SELECT code FROM organizer WHERE coordinator_code = :code")


async def by_codes(session: AsyncSession, codes: Sequence[str], season: int) -> list[Organizer | None]:
    """The organizers of `codes`, in that order."""
    rows = (await session.execute(_BY_CODES, {"codes": list(codes)})).all()
    found = {organizer.code: organizer for organizer in await _whole(session, rows, season)}
    return [found.get(code) for code in codes]


async def all_of(session: AsyncSession, season: int) -> list[Organizer]:
    return await _whole(session, (await session.execute(_ALL)).all(), season)


async def members_of(session: AsyncSession, code: str) -> frozenset[str]:
    """Whom `code` coordinates."""
    return frozenset((await session.execute(_MEMBERS, {"code": code})).scalars())


async def _whole(session: AsyncSession, rows: Sequence[Row[Any]], season: int) -> list[Organizer]:
    codes = [row.code for row in rows]
    waves = await windows.of(session, season, codes)
    policies = await policy.of(session, season, codes)
    return [_organizer(row, waves[row.code], policies[row.code]) for row in rows]


def _organizer(row: Row[Any], both_kinds: Sequence[Window], decided: Policy) -> Organizer:
    return Organizer(
        code=row.code,
        name=row.name,
        coordinator=row.coordinator_code,
        members=tuple(row.members),
        schemes=tuple(row.schemes),
        windows=tuple(window for window in both_kinds if window.kind == WindowKind.REGISTRATION),
        verification=tuple(
            DateRange(window.opens_at, window.closes_at)
            for window in both_kinds
            if window.kind == WindowKind.VERIFICATION and window.closes_at is not None
        ),
        policy=decided,
    )
