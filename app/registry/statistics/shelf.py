"""The files for everybody as a server keeps them ready: whoever asks costs the database nothing.

The list of files is read again after some seconds, once for all who ask. A file is read when it is first asked for.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from app.db import Database
from app.errors import Unavailable
from app.sql import statement

LISTED_FOR_SECONDS = 10.0
"""So long files are still told of after Hubdat has taken them away, by this server."""


class ListedFile(NamedTuple):
    season: int
    name: str
    digest: str
    until: date
    final: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """A file, or that there is no such file."""

    digest: str
    content: bytes


_LIST = statement(
    """
    SELECT f.season, f.name, f.digest, p.until, p.final
    FROM season s JOIN publication p ON p.season = s.year JOIN public_file f ON f.season = s.year
    WHERE s.publishes_figures ORDER BY f.season, f.name
    """,
    ListedFile,
)
_CONTENT = statement(
    "SELECT content FROM public_file WHERE season = :season AND name = :name AND digest = :digest", bytes
)


@dataclass(slots=True, kw_only=True)
class Shelf:
    """One for each process."""

    database: Database
    _listed: dict[tuple[int, str], ListedFile] = field(default_factory=dict)
    _ready: dict[str, bytes] = field(default_factory=dict)
    """By digest: files of the list alone."""
    _looked_at: float = -math.inf
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of_season(self, season: int) -> list[ListedFile]:
        """Empty: nothing of it is shown. Raises `Unavailable`."""
        return [one for one in (await self._list()).values() if one.season == season]

    async def find(self, season: int, name: str) -> Ready | None:
        """Raises `Unavailable`."""
        one = (await self._list()).get((season, name))
        if one is None:
            return None
        if one.digest not in self._ready:
            await self._read(one)
        content = self._ready.get(one.digest)
        return None if content is None else Ready(one.digest, content)

    async def _list(self) -> dict[tuple[int, str], ListedFile]:
        async with self._lock:
            if time.monotonic() - self._looked_at >= LISTED_FOR_SECONDS:
                await self._look()
        return self._listed

    async def _look(self) -> None:
        """A database that is away takes no file away that is here."""
        try:
            async with self.database.statements() as session:
                rows = await session.rows(_LIST)
        except Unavailable:
            if not self._listed:
                raise
        else:
            self._listed = {(one.season, one.name): one for one in rows}
            kept = {one.digest for one in rows}
            self._ready = {digest: content for digest, content in self._ready.items() if digest in kept}
        self._looked_at = time.monotonic()

    async def _read(self, one: ListedFile) -> None:
        """Another night may have taken its place: then the list is read again by the next who asks."""
        async with self._lock:
            if one.digest in self._ready:
                return
            async with self.database.statements() as session:
                found = await session.first(_CONTENT, season=one.season, name=one.name, digest=one.digest)
            if found is None:
                self._looked_at = -math.inf
            else:
                self._ready[one.digest] = found
