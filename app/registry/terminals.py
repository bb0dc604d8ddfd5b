"""Terminals: any departure or arrival place. Whoever declared one may change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.registry import cities


@dataclass(frozen=True, slots=True)
class Terminal:
    code: str
    name: str
    city: str
    kind: str
    region_code: str | None
    organizer: str | None
    """Who declared it. None: the registry itself."""


_COLUMNS = "code, name, city, kind, region_code, organizer_code"
_BY_CODES = text(f"SELECT {_COLUMNS} FROM terminal WHERE code = ANY(CAST(:codes AS text[]))")
_ALL = text(f"SELECT {_COLUMNS} FROM terminal ORDER BY city_key, code")
_OF_CITY = text(f"SELECT {_COLUMNS} FROM terminal WHERE city_key = :city_key ORDER BY code")


async def by_codes(session: AsyncSession, codes: Sequence[str]) -> list[Terminal | None]:
    """The terminals of `codes`, in that order."""
    found = {row.code: Terminal(*row) for row in await session.execute(_BY_CODES, {"codes": list(codes)})}
    return [found.get(code) for code in codes]


async def all_of(session: AsyncSession, city: str | None = None) -> list[Terminal]:
    """Every terminal, or those of one city under any of its names."""
    if city is None:
        return [Terminal(*row) for row in await session.execute(_ALL)]
    return [Terminal(*row) for row in await session.execute(_OF_CITY, {"city_key": cities.key(city)})]
