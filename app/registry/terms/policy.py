"""What an organizer decides for itself in a season, and the defaults of whoever has not decided.

The bounds are CHECKs of the table `policy`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Literal

from sqlalchemy import text

from app.db import Session
from app.errors import InvalidValue, refuses

HUBDAT = "hubdat"


class Keep(Enum):
    """Leave a value as it is, where None means something else."""

    KEEP = "KEEP"


KEEP: Literal[Keep.KEEP] = Keep.KEEP


@dataclass(frozen=True, slots=True)
class Policy:
    verify_within_days: int | None = None
    """None: nobody is forfeited. Forfeiting another programme's passengers unasked would do harm."""
    block_when_forfeited: bool = True
    block_seasons: int = 1
    enforce_window: bool = True
    """Off: a registration outside every window is accepted with a warning."""
    return_requires_outbound: bool = True
    return_same_day: bool = False
    no_show_after_minutes: int = 120


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """What is to change. None keeps a value as it is; `verify_within_days=None` takes the deadline away."""

    verify_within_days: int | Literal[Keep.KEEP] | None = KEEP
    block_when_forfeited: bool | None = None
    block_seasons: int | None = None
    enforce_window: bool | None = None
    return_requires_outbound: bool | None = None
    return_same_day: bool | None = None
    no_show_after_minutes: int | None = None


_BOUNDS = (
    ("verify_within_days", "verifyWithinDays", 1, 90),
    ("block_seasons", "blockSeasons", 1, 10),
    ("no_show_after_minutes", "noShowAfterMinutes", 0, 1440),
)

_OF = text(
    """
    SELECT organizer_code, verify_within_days, block_when_forfeited, block_seasons, enforce_window,
           return_requires_outbound, return_same_day, no_show_after_minutes
    FROM policy WHERE season = :season AND organizer_code = ANY(CAST(:organizers AS text[]))
    """
)
_SAVE = text(
    """
    INSERT INTO policy (season, organizer_code, verify_within_days, block_when_forfeited, block_seasons,
                        enforce_window, return_requires_outbound, return_same_day, no_show_after_minutes)
    VALUES (:season, :organizer, :verify_within_days, :block_when_forfeited, :block_seasons,
            :enforce_window, :return_requires_outbound, :return_same_day, :no_show_after_minutes)
    ON CONFLICT (season, organizer_code) DO UPDATE SET
        verify_within_days = excluded.verify_within_days, block_when_forfeited = excluded.block_when_forfeited,
        block_seasons = excluded.block_seasons, enforce_window = excluded.enforce_window,
        return_requires_outbound = excluded.return_requires_outbound, return_same_day = excluded.return_same_day,
        no_show_after_minutes = excluded.no_show_after_minutes
    """
)


def default_for(organizer: str) -> Policy:
    """Hubdat's terms of 2023 (seven days, both directions on one day) bind Hubdat alone."""
    return Policy(verify_within_days=7, return_same_day=True) if organizer == HUBDAT else Policy()


async def of(session: Session, season: int, organizers: Collection[str]) -> dict[str, Policy]:
    """The policy of each of `organizers`, its own or the default."""
    rows = await session.execute(_OF, {"season": season, "organizers": list(organizers)})
    decided = {code: Policy(*values) for code, *values in rows}
    return {organizer: decided.get(organizer) or default_for(organizer) for organizer in organizers}


@refuses(InvalidValue)
def amended(policy: Policy, change: PolicyInput) -> Policy | InvalidValue:
    """`policy` with what `change` names put in."""
    for name, field, least, most in _BOUNDS:
        value = getattr(change, name)
        if isinstance(value, int) and not least <= value <= most:
            return InvalidValue(
                field, f"Nilainya harus di antara {least} dan {most}.", f"It must be between {least} and {most}."
            )
    named = {name: value for name, value in asdict(change).items() if value is not None and value is not KEEP}
    decided = replace(policy, **named)
    return decided if change.verify_within_days is not None else replace(decided, verify_within_days=None)


async def save(session: Session, season: int, organizer: str, policy: Policy) -> None:
    await session.execute(_SAVE, {"season": season, "organizer": organizer, **asdict(policy)})
