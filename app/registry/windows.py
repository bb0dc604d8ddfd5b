"""Windows: a registration is judged at its `registeredAt` against its organizer's waves; an end may be open.

An amendment is a new row that supersedes the old one, so the history stays. Order of the ends is a CHECK of the table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.errors import RegistrationClosed
from app.models.enums import WindowKind


@dataclass(frozen=True, slots=True)
class Window:
    id: UUID
    opens_at: datetime
    closes_at: datetime | None = None
    """The first instant that is outside. None: an open end ("melihat kuota akhir")."""
    until_quota_is_full: bool = False
    note: str | None = None
    kind: str = WindowKind.REGISTRATION

    def open_at(self, at: datetime) -> bool:
        return self.opens_at <= at and (self.closes_at is None or at < self.closes_at)


_OF = text(
    """
    SELECT organizer_code, id, opens_at, closes_at, until_quota_is_full, note, kind
    FROM registration_window
    WHERE season = :season AND organizer_code = ANY(CAST(:organizers AS text[])) AND superseded_at IS NULL
    ORDER BY opens_at, id
    """
)


def judge(windows: Sequence[Window], at: datetime) -> RegistrationClosed | None:
    """None when one of the registration windows is open at `at`; else the refusal, with the next opening if any."""
    waves = [window for window in windows if window.kind == WindowKind.REGISTRATION]
    if any(wave.open_at(at) for wave in waves):
        return None
    return RegistrationClosed(opens_at=min((wave.opens_at for wave in waves if wave.opens_at > at), default=None))


async def of(session: AsyncSession, season: int, organizers: Collection[str]) -> dict[str, tuple[Window, ...]]:
    """The windows in force of each of `organizers`, of both kinds, in the order of their opening."""
    found: dict[str, list[Window]] = defaultdict(list)
    for row in await session.execute(_OF, {"season": season, "organizers": list(organizers)}):
        organizer, *values = row
        found[organizer].append(Window(*values))
    return {organizer: tuple(found[organizer]) for organizer in organizers}
