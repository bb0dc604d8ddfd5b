"""Organizers (penyelenggara): what they are called, whom they coordinate, and what is in force for them in a season.

A coordinator is not coordinated itself: one level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

from app.db import Session
from app.errors import InvalidValue, NotFound, Refusal, SeasonClosed, refuses
from app.models.enums import ChangeKind, IntegrationScheme, WindowKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.terms import policy, seasons, windows
from app.registry.terms.policy import KEEP, Keep, Policy, PolicyInput
from app.registry.terms.windows import Window
from app.registry.values.texts import is_code, line
from app.sql import statement


@dataclass(frozen=True, slots=True)
class DateRange:
    opens_at: datetime
    closes_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Organizer:
    code: str
    name: str
    coordinator: str | None
    members: tuple[str, ...]
    schemes: tuple[str, ...]
    windows: tuple[Window, ...]
    verification: tuple[DateRange, ...]
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizerInput:
    code: str
    name: str | None = None
    """None: as it is. A new organizer needs a name."""
    coordinator: str | Literal[Keep.KEEP] | None = KEEP
    """None: nobody coordinates it."""
    schemes: Sequence[str] | None = None
    """None: as they are; GRAPHQL if new."""
    policy: PolicyInput | None = None
    """None: as it is."""


MOST_CHARACTERS_OF_A_CODE = 40


class _StoredOrganizer(NamedTuple):
    code: str
    name: str
    coordinator: str | None
    schemes: list[str]
    members: list[str]


_SELECT = """
    SELECT o.code, o.name, o.coordinator_code AS coordinator, o.schemes,
           ARRAY(SELECT m.code FROM organizer m WHERE m.coordinator_code = o.code ORDER BY m.code) AS members
    FROM organizer o
"""
_BY_CODES = statement(f"{_SELECT} WHERE o.code = ANY(CAST(:codes AS text[]))", _StoredOrganizer)
_ALL = statement(f"{_SELECT} ORDER BY o.code", _StoredOrganizer)
_MEMBERS = statement("SELECT code FROM organizer WHERE coordinator_code = :code", str)
# The rules look at other rows. So savers go one after the other. Readers and foreign keys do not wait for this lock.
_LOCK = statement("LOCK TABLE organizer IN SHARE ROW EXCLUSIVE MODE")
_AROUND = statement(
    f"{_SELECT} WHERE o.code IN (:code, CAST(:coordinator AS text)) OR o.name = :name", _StoredOrganizer
)
_SAVE = statement(
    """
    INSERT INTO organizer (code, name, coordinator_code, schemes)
    VALUES (:code, :name, :coordinator, CAST(:schemes AS text[]))
    ON CONFLICT (code) DO UPDATE SET
        name = excluded.name, coordinator_code = excluded.coordinator_code, schemes = excluded.schemes
    """
)


async def by_codes(session: Session, codes: Sequence[str], season: int) -> list[Organizer | None]:
    """The organizers of `codes`, in that order."""
    rows = await session.rows(_BY_CODES, codes=list(codes))
    found = {organizer.code: organizer for organizer in await _whole(session, rows, season)}
    return [found.get(code) for code in codes]


async def all_of(session: Session, season: int) -> list[Organizer]:
    return await _whole(session, await session.rows(_ALL), season)


async def members_of(session: Session, code: str) -> frozenset[str]:
    """Whom `code` coordinates."""
    return frozenset(await session.rows(_MEMBERS, code=code))


@refuses(SeasonClosed, NotFound, InvalidValue)
async def save(
    session: Session, caller: Caller, given: OrganizerInput, season: int, now: datetime
) -> Organizer | Refusal:
    """Add or change an organizer, and its policy in `season`. The same again changes nothing."""
    named = _tidy(given)
    if isinstance(named, Refusal):
        return named
    await session.run(_LOCK)
    coordinator = None if given.coordinator is KEEP else given.coordinator
    around = await session.rows(_AROUND, code=given.code, name=named, coordinator=coordinator)
    rows = {row.code: row for row in around}
    name = _name(named, rows.get(given.code))
    if isinstance(name, Refusal):
        return name
    wrong = _judge(given, name, rows)
    if wrong is not None:
        return wrong
    decided = await _decide(session, given, season)
    if isinstance(decided, Refusal):
        return decided
    entries = [
        *await _put_in(session, given, name, rows.get(given.code)),
        *await _put_policy_in(session, given, decided, season),
    ]
    await change_log.append(session, [replace(entry, client_id=caller.client_id) for entry in entries], now)
    (saved,) = await by_codes(session, [given.code], season)
    return saved or NotFound("code")


def _tidy(given: OrganizerInput) -> str | InvalidValue | None:
    """The name as it is written down. None: nothing is said about the name."""
    if not is_code(given.code, MOST_CHARACTERS_OF_A_CODE):
        return InvalidValue(
            "code",
            "Kode: huruf kecil, angka dan tanda hubung, paling banyak 40.",
            "A code has lower-case letters, digits and hyphens, at most 40.",
        )
    if not set(given.schemes or ()) <= set(IntegrationScheme):
        return InvalidValue(
            "schemes", f"Skema: {', '.join(IntegrationScheme)}.", f"The schemes: {', '.join(IntegrationScheme)}."
        )
    return None if given.name is None else line("name", given.name)


def _name(given: str | None, before: _StoredOrganizer | None) -> str | InvalidValue:
    if given is not None:
        return given
    if before is not None:
        return before.name
    return InvalidValue("name", "Penyelenggara baru perlu nama.", "A new organizer needs a name.")


def _judge(given: OrganizerInput, name: str, rows: Mapping[str, _StoredOrganizer]) -> Refusal | None:
    if any(row.name == name and code != given.code for code, row in rows.items()):
        return InvalidValue(
            "name",
            "Nama itu sudah dipakai penyelenggara lain; pakai nama lain.",
            "Another organizer has that name; choose another one.",
        )
    if given.coordinator is KEEP or given.coordinator is None:
        return None
    coordinator = rows.get(given.coordinator)
    if coordinator is None:
        return NotFound("coordinator")
    before = rows.get(given.code)
    if given.coordinator == given.code or coordinator.coordinator or (before is not None and before.members):
        return InvalidValue(
            "coordinator",
            "Koordinator tidak dapat dikoordinasi oleh penyelenggara lain; pilih yang tidak dikoordinasi.",
            "A coordinator is not coordinated itself; choose one that is not.",
        )
    return None


async def _decide(session: Session, given: OrganizerInput, season: int) -> Policy | Refusal | None:
    """The policy as it is to be. None: nothing is said about it."""
    if given.policy is None:
        return None
    required = await seasons.require_open(session, season)
    if isinstance(required, Refusal):
        return required
    return policy.amended((await policy.of(session, season, [given.code]))[given.code], given.policy)


async def _put_in(
    session: Session, given: OrganizerInput, name: str, before: _StoredOrganizer | None
) -> list[change_log.Entry]:
    wanted: dict[str, object] = {
        "name": name,
        "coordinator": before and before.coordinator if given.coordinator is KEEP else given.coordinator,
        "schemes": _schemes(given, before),
    }
    if before is not None and wanted == {name: getattr(before, name) for name in wanted}:
        return []
    await session.run(_SAVE, code=given.code, **wanted)
    was = None if before is None else {name: getattr(before, name) for name in wanted}
    return [change_log.Entry(kind=ChangeKind.ORGANIZER_SAVED, organizer=given.code, facts={**wanted, "was": was})]


def _schemes(given: OrganizerInput, before: _StoredOrganizer | None) -> Sequence[str]:
    if given.schemes is not None:
        return [one for one in IntegrationScheme if one in given.schemes]
    return [IntegrationScheme.GRAPHQL] if before is None else before.schemes


async def _put_policy_in(
    session: Session, given: OrganizerInput, decided: Policy | None, season: int
) -> list[change_log.Entry]:
    before = (await policy.of(session, season, [given.code]))[given.code]
    if decided is None or decided == before:
        return []
    await policy.save(session, season, given.code, decided)
    facts = {**asdict(decided), "was": asdict(before)}
    return [change_log.Entry(kind=ChangeKind.POLICY_SAVED, season=season, organizer=given.code, facts=facts)]


async def _whole(session: Session, rows: Sequence[_StoredOrganizer], season: int) -> list[Organizer]:
    codes = [row.code for row in rows]
    waves = await windows.of(session, season, codes)
    policies = await policy.of(session, season, codes)
    return [_organizer(row, waves[row.code], policies[row.code]) for row in rows]


def _organizer(row: _StoredOrganizer, both_kinds: Sequence[Window], decided: Policy) -> Organizer:
    return Organizer(
        code=row.code,
        name=row.name,
        coordinator=row.coordinator,
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
