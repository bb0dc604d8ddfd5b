"""What an organizer decides for itself in a season, and the defaults of whoever has not decided.

The one place that says "decided, else default": SQL that reads a policy takes `JOIN` and `in_force` from here. The
bounds are CHECKs of the table `policy`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from typing import Literal, NamedTuple

import orjson

from app.db import Session
from app.errors import InvalidValue, refuses
from app.models.enums import IntegrationScheme
from app.registry.terms import news
from app.sql import statement

HUBDAT = "hubdat"


class Keep(Enum):
    """Leave a value as it is, where None means something else."""

    KEEP = "KEEP"


KEEP: Literal[Keep.KEEP] = Keep.KEEP


@dataclass(frozen=True, slots=True, kw_only=True)
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
    news_grace_hours: int | None = None
    """After the midnight (WIB) behind a deadline: forfeiture and no-show wait for rows. None: by the schemes."""
    late_arrival_days: int = 2
    """What arrives more than so long after its window's end is flagged or, if the window is enforced, refused."""
    forfeit_at_period_end: bool = False
    """Off: the end of a verification period only flags."""
    hold_percent: int = 5
    """Of a route's seats, how many per cent may be held together at a time. 0: none."""
    refuse_early_verification: bool = False
    """Off: verifying before the verification period begins is flagged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInput:
    """What is to change. None keeps a value as it is. But `verify_within_days=None` takes the deadline away, and
    `news_grace_hours=None` gives the hours back to the organizer's schemes.
    """

    verify_within_days: int | Literal[Keep.KEEP] | None = KEEP
    block_when_forfeited: bool | None = None
    block_seasons: int | None = None
    enforce_window: bool | None = None
    return_requires_outbound: bool | None = None
    return_same_day: bool | None = None
    no_show_after_minutes: int | None = None
    news_grace_hours: int | Literal[Keep.KEEP] | None = KEEP
    late_arrival_days: int | None = None
    forfeit_at_period_end: bool | None = None
    refuse_early_verification: bool | None = None
    hold_percent: int | None = None


_BOUNDS = (
    ("verify_within_days", "verifyWithinDays", 1, 90),
    ("block_seasons", "blockSeasons", 1, 10),
    ("no_show_after_minutes", "noShowAfterMinutes", 0, 1440),
    ("news_grace_hours", "newsGraceHours", 0, news.MOST_HOURS),
    ("late_arrival_days", "lateArrivalDays", 0, 90),
    ("hold_percent", "holdPercent", 0, 100),
)

DEFAULT = Policy()
DEFAULT_OF_HUBDAT = Policy(verify_within_days=7, return_same_day=True, forfeit_at_period_end=True)
"""Hubdat's terms of 2023 (seven days, both directions on one day) bind Hubdat alone."""
_MAY_BE_NONE = ("verify_within_days", "news_grace_hours")
_SEND_LATE = (IntegrationScheme.WEBHOOK, IntegrationScheme.EXCEL, IntegrationScheme.DAILY_CONSOLIDATION)
_LATE = ", ".join(f"'{scheme}'" for scheme in _SEND_LATE)
_NEWS_HOURS = 12
"""Until noon: an organizer that sends a list a day has sent yesterday's by then."""

_NAMES = tuple(one.name for one in fields(Policy))
_COLUMNS = ", ".join(_NAMES)


def join(season: str, organizer: str) -> str:
    """SQL: the row of `policy`, if there is one, of an organizer whose season and code are these expressions."""
    return f"LEFT JOIN policy ON policy.season = {season} AND policy.organizer_code = {organizer}"


def in_force(name: str, organizer: str) -> str:
    """SQL: what the row `policy` says of `name`, or the default of `organizer` where there is no row."""
    default, hubdats = (orjson.dumps(getattr(one, name)).decode() for one in (DEFAULT, DEFAULT_OF_HUBDAT))
    if default == hubdats != "null":
        return f"coalesce(policy.{name}, {default})"
    return (
        f"CASE WHEN policy.season IS NOT NULL THEN policy.{name}"
        f" WHEN {organizer} = '{HUBDAT}' THEN {hubdats} ELSE {default} END"
    )


def news_hours(organizer: str) -> str:
    """SQL: the hours in force of the row `organizer` of that table, beside the row `policy`.

    Who sends files, rows or a daily list, or whose coordinator does, sends them later than things happen.
    """
    late = f"ARRAY[{_LATE}]"
    coordinators = f"(SELECT c.schemes && {late} FROM organizer c WHERE c.code = {organizer}.coordinator_code)"
    by_schemes = f"CASE WHEN {organizer}.schemes && {late} OR {coordinators} THEN {_NEWS_HOURS} ELSE 0 END"
    return f"coalesce(policy.news_grace_hours, {by_schemes})"


def all_in_force(organizer: str) -> str:
    """SQL: the whole policy in force as JSON, for `from_json`."""
    values = ", ".join(f"'{name}', {in_force(name, organizer)}" for name in _NAMES)
    return f"json_build_object({values})::text"


def from_json(policy: str) -> Policy:
    return Policy(**orjson.loads(policy))


class _PolicyOfOrganizer(NamedTuple):
    organizer: str
    policy: str


_OF = statement(
    f"""
    SELECT o.code AS organizer, {all_in_force("o.code")} AS policy
    FROM unnest(CAST(:organizers AS text[])) AS o (code) {join(":season", "o.code")}
    """,
    _PolicyOfOrganizer,
)
_SAVE = statement(
    f"""
    INSERT INTO policy (season, organizer_code, {_COLUMNS})
    VALUES (:season, :organizer, {", ".join(f":{name}" for name in _NAMES)})
    ON CONFLICT (season, organizer_code) DO UPDATE SET ({_COLUMNS}) = ({", ".join(f"excluded.{n}" for n in _NAMES)})
    """
)


async def of(session: Session, season: int, organizers: Collection[str]) -> dict[str, Policy]:
    """The policy of each of `organizers`, its own or the default."""
    found = await session.rows(_OF, season=season, organizers=list(organizers))
    return {one.organizer: from_json(one.policy) for one in found}


@refuses(InvalidValue)
def amended(policy: Policy, change: PolicyInput) -> Policy | InvalidValue:
    """`policy` with what `change` names put in."""
    for name, field, least, most in _BOUNDS:
        value = getattr(change, name)
        if isinstance(value, int) and not least <= value <= most:
            return InvalidValue(
                field, f"Nilainya harus di antara {least} dan {most}.", f"It must be between {least} and {most}."
            )
    named = {name: value for name, value in asdict(change).items() if value is not KEEP}
    return replace(
        policy, **{name: value for name, value in named.items() if value is not None or name in _MAY_BE_NONE}
    )


async def save(session: Session, season: int, organizer: str, policy: Policy) -> None:
    await session.run(_SAVE, season=season, organizer=organizer, **asdict(policy))
