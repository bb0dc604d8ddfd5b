"""Terminals: any departure or arrival place. Whoever declared a terminal may change it.

A terminal at the end of a route that people hold keeps its city (`holders`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple

from app.db import Session
from app.errors import InvalidValue, NotYours, Raced, Refusal, refuses
from app.models.enums import ChangeKind, PlaceKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.routes import holders
from app.registry.values import cities, spellings
from app.registry.values.texts import is_code, line
from app.sql import Arrays, Statement, statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    code: str
    name: str
    city: str
    kind: str
    region_code: str | None
    organizer: str | None
    """Who declared it. None: the registry itself."""
    provisional: bool = False
    """Made from a row that somebody sent in, for review. Saving the terminal declares it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalInput:
    code: str
    name: str
    city: str
    kind: str = PlaceKind.TERMINAL
    region_code: str | None = None


MOST_CHARACTERS_OF_A_CODE = 60
_REGION = re.compile(r"[0-9]{4}")


def columns(table: str, prefix: str = "") -> str:
    """SQL: what a `Terminal` is made of, from the alias `table`, each column under its field's name behind `prefix`."""
    stored = {name: "organizer_code" if name == "organizer" else name for name in Terminal.__slots__}
    return ", ".join(f"{table}.{column} AS {prefix}{name}" for name, column in stored.items())


class _LockedTerminal(NamedTuple):
    code: str
    name: str
    city: str
    kind: str
    region_code: str | None
    organizer: str | None
    provisional: bool
    merged: bool


class _SavedTerminal(NamedTuple):
    code: str
    name: str
    name_key: str
    city: str
    city_key: str
    kind: str
    region_code: str | None
    organizer_code: str | None


_CONDITIONS = {"city_key": "t.city_key = :city_key", "provisional": "t.provisional = :provisional"}


@cache
def _all(*asked: str) -> Statement[Terminal]:
    """The list for a caller who asks for these `_CONDITIONS`."""
    conditions = " AND ".join(["t.merged_into IS NULL", *(_CONDITIONS[name] for name in asked)])
    return statement(f"SELECT {columns('t')} FROM terminal t WHERE {conditions} ORDER BY t.city_key, t.code", Terminal)


_EVERY_CONDITION = (_all(), _all(*_CONDITIONS))
_BY_CODES = statement(
    f"SELECT {columns('t')} FROM terminal t WHERE code = ANY(CAST(:codes AS text[])) AND merged_into IS NULL", Terminal
)
_LOCK = statement(
    f"""
    SELECT {columns("t")}, merged_into IS NOT NULL AS merged FROM terminal t
    WHERE code = ANY(CAST(:codes AS text[])) ORDER BY code FOR NO KEY UPDATE
    """,
    _LockedTerminal,
)
_SAVES = Arrays("given", _SavedTerminal)
_SAVED_COLUMNS = ", ".join(_SavedTerminal._fields)
_CHANGES = ", ".join(
    f"{name} = excluded.{name}" for name in _SavedTerminal._fields if name not in {"code", "organizer_code"}
)
_SAVE = statement(
    f"""
    INSERT INTO terminal ({_SAVED_COLUMNS}) SELECT {_SAVED_COLUMNS} FROM {_SAVES} ORDER BY code
    ON CONFLICT (code) DO UPDATE SET {_CHANGES}, provisional = FALSE
    WHERE terminal.organizer_code IS NOT DISTINCT FROM excluded.organizer_code AND terminal.merged_into IS NULL
    """
)


@refuses(InvalidValue)
def unknown(field: str) -> InvalidValue:
    """The refusal of a code that no terminal has."""
    return InvalidValue(
        field,
        "Terminal tidak dikenal; pakai kode dari daftar terminal, atau daftarkan dahulu terminal itu.",
        "There is no such terminal; take a code of the query `terminals`, or declare it by `saveTerminals`.",
    )


async def by_codes(session: Session, codes: Sequence[str]) -> list[Terminal | None]:
    """The terminals of `codes`, in that order."""
    found = {terminal.code: terminal for terminal in await session.rows(_BY_CODES, codes=list(codes))}
    return [found.get(code) for code in codes]


async def all_of(session: Session, city: str | None = None, *, provisional: bool | None = None) -> list[Terminal]:
    """Every terminal, or those of one city under any of its names, or the provisional ones, or all others."""
    values = {"city_key": city and cities.key(city), "provisional": provisional}
    asked = {name: value for name, value in values.items() if value is not None}
    return await session.rows(_all(*asked), **asked)


@refuses(NotYours, InvalidValue)
async def save(
    session: Session, caller: Caller, inputs: Sequence[TerminalInput], now: datetime, *, admin: bool
) -> list[Terminal | Refusal]:
    """Declare or change terminals, with a verdict each, in order. Anybody may say the same again: it changes nothing.

    Raises `Raced` when somebody else declares one of the codes just now.
    """
    tidied = [_tidy(given) for given in inputs]
    codes = [given.code for given in tidied if isinstance(given, TerminalInput)]
    locked = await session.rows(_LOCK, codes=codes)
    merged = {row.code for row in locked if row.merged}
    before = {row.code: Terminal(**{name: getattr(row, name) for name in Terminal.__slots__}) for row in locked}
    after = dict(before)
    kept = await _keeping_their_cities(session, before, tidied)
    verdicts: list[Terminal | Refusal] = []
    for given in tidied:
        verdict = given if isinstance(given, Refusal) else _place(after, merged, kept, caller, given, admin=admin)
        if isinstance(verdict, Terminal):
            after[verdict.code] = verdict
        verdicts.append(verdict)
    await _write(session, caller, [one for code, one in after.items() if one != before.get(code)], now)
    return verdicts


def _tidy(given: TerminalInput) -> TerminalInput | InvalidValue:
    name, city = line("name", given.name), line("city", given.city, most=80)
    if isinstance(name, InvalidValue):
        return name
    if isinstance(city, InvalidValue):
        return city
    if not is_code(given.code, MOST_CHARACTERS_OF_A_CODE):
        return InvalidValue(
            "code",
            "Kode: huruf kecil, angka dan tanda hubung, paling banyak 60.",
            "A code has lower-case letters, digits and hyphens, at most 60.",
        )
    if given.kind not in tuple(PlaceKind):
        return InvalidValue("kind", "Nilai tidak dikenal.", "Not a known value.")
    if given.region_code is not None and _REGION.fullmatch(given.region_code) is None:
        return InvalidValue("regionCode", "Kode wilayah terdiri dari 4 angka.", "A region code has 4 digits.")
    return TerminalInput(code=given.code, name=name, city=city, kind=given.kind, region_code=given.region_code)


async def _keeping_their_cities(
    session: Session, before: Mapping[str, Terminal], inputs: Sequence[TerminalInput | InvalidValue]
) -> dict[str, str]:
    """The cities of terminals that are to get another city, and that people depart from or travel to."""
    named = [given for given in inputs if isinstance(given, TerminalInput) and given.code in before]
    moving = {one.code: before[one.code].city for one in named if one.city != before[one.code].city}
    at_ends = await holders.terminals_among(session, moving) if moving else frozenset()
    return {code: city for code, city in moving.items() if code in at_ends}


def _place(
    standing: dict[str, Terminal],
    merged: Collection[str],
    kept: Mapping[str, str],
    caller: Caller,
    given: TerminalInput,
    *,
    admin: bool,
) -> Terminal | NotYours | InvalidValue:
    if given.code in merged:
        return InvalidValue(
            "code",
            "Terminal ini sudah digabung; pakai terminal gabungannya.",
            "This terminal was merged; use the one that it became.",
        )
    before = standing.get(given.code)
    owner = caller.organizer if before is None else before.organizer
    wanted = Terminal(
        code=given.code,
        name=given.name,
        city=given.city,
        kind=given.kind,
        region_code=given.region_code,
        organizer=owner,
    )
    if wanted != before and not admin and not (owner is not None and caller.owns(owner)):
        return NotYours("code")
    refused = holders.judge_city(kept[given.code], given.city, "city") if given.code in kept else None
    return refused or wanted


async def _write(session: Session, caller: Caller, changed: Sequence[Terminal], now: datetime) -> None:
    if await session.run(_SAVE, **_SAVES.of([_saved(terminal) for terminal in changed])) < len(changed):
        raise Raced
    await change_log.append(session, [_entry(caller, terminal) for terminal in changed], now)


def _saved(terminal: Terminal) -> _SavedTerminal:
    return _SavedTerminal(
        code=terminal.code,
        name=terminal.name,
        name_key=spellings.of_place(terminal.name)[1],
        city=terminal.city,
        city_key=cities.key(terminal.city),
        kind=terminal.kind,
        region_code=terminal.region_code,
        organizer_code=terminal.organizer,
    )


def _entry(caller: Caller, terminal: Terminal) -> change_log.Entry:
    return change_log.Entry(
        kind=ChangeKind.TERMINAL_SAVED,
        organizer=terminal.organizer,
        client_id=caller.client_id,
        facts={"code": terminal.code, "name": terminal.name, "city": terminal.city, "kind": terminal.kind},
    )
