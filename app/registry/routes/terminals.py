"""Terminals: any departure or arrival place. Whoever declared one may change it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import text

from app.db import Session
from app.errors import InvalidValue, NotYours, Raced, Refusal
from app.models.enums import ChangeKind, PlaceKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.values import cities, spellings
from app.registry.values.texts import line


@dataclass(frozen=True, slots=True)
class Terminal:
    code: str
    name: str
    city: str
    kind: str
    region_code: str | None
    organizer: str | None
    """Who declared it. None: the registry itself."""
    provisional: bool = False
    """Made from a record of a feed, for review. Saving it declares it."""


@dataclass(frozen=True, slots=True)
class TerminalInput:
    code: str
    name: str
    city: str
    kind: str = PlaceKind.TERMINAL
    region_code: str | None = None


_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_REGION = re.compile(r"[0-9]{4}")
_COLUMNS = "code, name, city, kind, region_code, organizer_code, provisional"
_BY_CODES = text(f"SELECT {_COLUMNS} FROM terminal WHERE code = ANY(CAST(:codes AS text[])) AND merged_into IS NULL")
_ALL = f"SELECT {_COLUMNS} FROM terminal WHERE merged_into IS NULL"
_ORDER = "ORDER BY city_key, code"
_LOCK = text(
    f"""
    SELECT {_COLUMNS}, merged_into IS NOT NULL AS merged FROM terminal WHERE code = ANY(CAST(:codes AS text[]))
    ORDER BY code FOR NO KEY UPDATE
    """
)
_SAVE = text(
    """
    INSERT INTO terminal (code, name, city, city_key, kind, region_code, organizer_code, name_key)
    SELECT * FROM unnest(CAST(:code AS text[]), CAST(:name AS text[]), CAST(:city AS text[]),
                         CAST(:city_key AS text[]), CAST(:kind AS text[]), CAST(:region_code AS text[]),
                         CAST(:organizer AS text[]), CAST(:name_key AS text[]))
         AS given (code, name, city, city_key, kind, region_code, organizer, name_key)
    ORDER BY given.code
    ON CONFLICT (code) DO UPDATE SET name = excluded.name, city = excluded.city, city_key = excluded.city_key,
                                     kind = excluded.kind, region_code = excluded.region_code,
                                     name_key = excluded.name_key, provisional = FALSE
    WHERE terminal.organizer_code IS NOT DISTINCT FROM excluded.organizer_code AND terminal.merged_into IS NULL
    RETURNING code
    """
)


async def by_codes(session: Session, codes: Sequence[str]) -> list[Terminal | None]:
    """The terminals of `codes`, in that order."""
    found = {row.code: Terminal(*row) for row in await session.execute(_BY_CODES, {"codes": list(codes)})}
    return [found.get(code) for code in codes]


async def all_of(session: Session, city: str | None = None, *, provisional: bool | None = None) -> list[Terminal]:
    """Every terminal, or those of one city under any of its names, or the provisional ones, or all others."""
    given = {"city_key": city and cities.key(city), "provisional": provisional}
    asked = " ".join(f"AND {column} = :{column}" for column, value in given.items() if value is not None)
    return [Terminal(*row) for row in await session.execute(text(f"{_ALL} {asked} {_ORDER}"), given)]


async def save(
    session: Session, caller: Caller, inputs: Sequence[TerminalInput], now: datetime, *, admin: bool
) -> list[Terminal | Refusal]:
    """Declare or change terminals: a verdict each, in order; the same again is anybody's and changes nothing.

    Refused: `InvalidValue`, `NotYours`. Raises `Raced` when somebody else declares one of the codes just now.
    """
    tidied = [_tidy(given) for given in inputs]
    codes = [given.code for given in tidied if isinstance(given, TerminalInput)]
    rows = (await session.execute(_LOCK, {"codes": codes})).all()
    merged = {row.code for row in rows if row.merged}
    before = {row.code: Terminal(*row[:-1]) for row in rows}
    after = dict(before)
    verdicts: list[Terminal | Refusal] = []
    for given in tidied:
        verdict = given if isinstance(given, Refusal) else _place(after, merged, caller, given, admin=admin)
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
    if _CODE.fullmatch(given.code) is None or len(given.code) > 60:
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


def _place(
    standing: dict[str, Terminal], merged: Collection[str], caller: Caller, given: TerminalInput, *, admin: bool
) -> Terminal | NotYours | InvalidValue:
    if given.code in merged:
        return InvalidValue("code", "Terminal ini sudah digabung.", "This terminal was merged.")
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
    if wanted == before or admin or (owner is not None and caller.owns(owner)):
        return wanted
    return NotYours("code")


async def _write(session: Session, caller: Caller, changed: Sequence[Terminal], now: datetime) -> None:
    columns = {one.name: [getattr(terminal, one.name) for terminal in changed] for one in fields(Terminal)}
    del columns["provisional"]
    keys = {
        "city_key": [cities.key(terminal.city) for terminal in changed],
        "name_key": [spellings.of_place(terminal.name)[1] for terminal in changed],
    }
    written = (await session.execute(_SAVE, {**columns, **keys})).all()
    if len(written) < len(changed):
        raise Raced
    await change_log.append(session, [_entry(caller, terminal) for terminal in changed], now)


def _entry(caller: Caller, terminal: Terminal) -> change_log.Entry:
    return change_log.Entry(
        ChangeKind.TERMINAL_SAVED,
        organizer=terminal.organizer,
        client_id=caller.client_id,
        facts={"code": terminal.code, "name": terminal.name, "city": terminal.city, "kind": terminal.kind},
    )
