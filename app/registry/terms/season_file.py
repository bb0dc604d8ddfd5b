"""A season's organizers and windows from the ministry's table (S1) as CSV: days in WIB, the last day is open too.

A good row is loaded, whatever the other rows are. If its organizer has a wave with that opening already, the row
amends that wave. Any other row is a wave of its own. The same file again changes nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from io import StringIO
from types import MappingProxyType
from uuid import UUID

from app.clock import start_of_wib_day, wib_day
from app.db import Session
from app.errors import InvalidValue, Language, Refusal, SeasonClosed, refuses
from app.models.enums import IntegrationScheme, WindowKind
from app.registry.caller import Caller
from app.registry.terms import organizers, season_bounds, seasons, windows
from app.registry.terms.organizers import OrganizerInput
from app.registry.terms.windows import WindowInput
from app.registry.values import standard
from app.registry.values.texts import line as line_of_text

DATES = ("registration_opens", "registration_closes", "verification_opens", "verification_closes")
REQUIRED = ("code", "name", *DATES)
OPTIONAL = ("closes_note", "integration_note")
UNTIL_FULL = "melihat kuota akhir"
SCHEME_WORDS = {
    "webhook": IntegrationScheme.WEBHOOK,
    "excel": IntegrationScheme.EXCEL,
    "cek ": IntegrationScheme.NIK_CHECK,
    "konsolidasi": IntegrationScheme.DAILY_CONSOLIDATION,
}
ENDS_AFTER_LAST_DAY = timedelta(days=30)
"""The table does not say when a season ends: the trips back follow the last registration within a month."""
NO_DATES = InvalidValue(
    "season", "Tanggal dalam berkas tidak menunjukkan periodenya.", "No date tells which season it is."
)


@dataclass(frozen=True, slots=True)
class RowError:
    line: int
    column: str | None
    refusal: Refusal

    def message(self, language: Language = "id") -> str:
        place = f"{'line' if language == 'en' else 'baris'} {self.line}"
        return f"{place}{f', {self.column}' if self.column else ''}: {self.refusal.message(language)}"


@dataclass(frozen=True, slots=True)
class Loaded:
    season: int | None
    organizers: tuple[str, ...]
    """The codes of the rows that loaded, in the file's order."""
    errors: tuple[RowError, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizerRow:
    """A row of the table: an organizer, and when it is open."""

    line: int
    code: str
    name: str
    schemes: tuple[IntegrationScheme, ...] | None
    registration: tuple[date, date | None] | None
    """Its first and last day."""
    verification: tuple[date, date] | None
    note: str | None

    @property
    def days(self) -> list[date]:
        return [day for day in (*(self.registration or ()), *(self.verification or ())) if day is not None]


@refuses(SeasonClosed, InvalidValue)
async def load(
    session: Session,
    caller: Caller,
    content: str,
    now: datetime,
    *,
    season: int | None = None,
    ends_on: date | None = None,
) -> Loaded:
    """Load `content` into `season` (None: the year of its first opening), which is opened if need be."""
    rows, errors = parse(content)
    days = sorted(day for row in rows for day in row.days)
    year = season or (days[0].year if days else None)
    if year is None:
        return Loaded(None, (), (*errors, RowError(1, None, NO_DATES)))
    opened = await _open_season(session, caller, year, ends_on or _ends_on(year, days), now)
    if isinstance(opened, Refusal):
        return Loaded(year, (), (*errors, RowError(1, opened.field, opened)))
    done: list[str] = []
    for row in rows:
        refusal = _beyond(row, opened.ends_on) or await load_row(session, caller, row, year, now)
        if refusal is None:
            done.append(row.code)
        else:
            errors.append(RowError(row.line, refusal.field, refusal))
    return Loaded(year, tuple(done), tuple(sorted(errors, key=lambda error: error.line)))


@refuses(InvalidValue)
def parse(content: str) -> tuple[list[OrganizerRow], list[RowError]]:
    """The good rows, and what is wrong with each of the others."""
    text = content.removeprefix("\ufeff")
    header = text.partition("\n")[0]
    reader = csv.DictReader(StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ",")
    missing = [column for column in REQUIRED if column not in (reader.fieldnames or ())]
    if missing:
        names = ", ".join(missing)
        return [], [RowError(1, None, InvalidValue("", f"Kolom tidak ada: {names}.", f"Missing columns: {names}."))]
    rows: list[OrganizerRow] = []
    errors: list[RowError] = []
    for cells in reader:
        row = _row(reader.line_num, {column: (cells.get(column) or "").strip() for column in (*REQUIRED, *OPTIONAL)})
        if isinstance(row, OrganizerRow):
            rows.append(row)
        else:
            errors.append(RowError(reader.line_num, row.field, row))
    return rows, errors


def _row(line: int, cells: Mapping[str, str]) -> OrganizerRow | InvalidValue:
    days = _days(cells)
    if isinstance(days, InvalidValue):
        return days
    note = _note(cells["closes_note"])
    if isinstance(note, InvalidValue):
        return note
    opens, closes, verification_opens, verification_closes = (days[column] for column in DATES)
    return OrganizerRow(
        line=line,
        code=cells["code"],
        name=cells["name"],
        schemes=_schemes(cells["integration_note"]),
        registration=None if opens is None else (opens, closes),
        verification=None
        if verification_opens is None or verification_closes is None
        else (verification_opens, verification_closes),
        note=note,
    )


def _days(cells: Mapping[str, str]) -> dict[str, date | None] | InvalidValue:
    """By the names of `DATES`. None: the cell is empty."""
    days: dict[str, date | None] = {}
    for column in DATES:
        instant = standard.parse_instant(cells[column], column) if cells[column] else None
        if isinstance(instant, InvalidValue):
            return instant
        days[column] = None if instant is None else wib_day(instant)
    for kind in ("registration", "verification"):
        wrong = _disordered(kind, days[f"{kind}_opens"], days[f"{kind}_closes"])
        if wrong is not None:
            return wrong
    return days


def _note(cell: str) -> str | InvalidValue | None:
    return line_of_text("closes_note", cell, most=windows.LONGEST_NOTE) if cell else None


def _disordered(kind: str, opens: date | None, closes: date | None) -> InvalidValue | None:
    if opens is None and closes is not None:
        return InvalidValue(f"{kind}_opens", "Hari mulai tidak ada.", "The first day is missing.")
    if opens is not None and closes is not None and closes < opens:
        return InvalidValue(f"{kind}_closes", "Hari akhir mendahului hari mulai.", "The last day is before the first.")
    if kind == "verification" and opens is not None and closes is None:
        return InvalidValue(f"{kind}_closes", "Hari akhir tidak ada.", "The last day is missing.")
    return None


def _schemes(note: str) -> tuple[IntegrationScheme, ...] | None:
    """None when the note names no scheme: then the schemes stay as they are, and a new organizer has GRAPHQL."""
    words = f"{note} ".casefold()
    return tuple(scheme for word, scheme in SCHEME_WORDS.items() if word in words) or None


def _ends_on(year: int, days: list[date]) -> date:
    last = date(year, 12, 31)
    return min(max(days) + ENDS_AFTER_LAST_DAY, last) if days and max(days).year == year else last


async def _open_season(
    session: Session, caller: Caller, year: int, ends_on: date, now: datetime
) -> seasons.Season | Refusal:
    found = await seasons.find(session, year)
    if found is not None:
        return await seasons.require_open(session, year)
    return await seasons.save(session, caller, year, ends_on, now)


def _beyond(row: OrganizerRow, ends_on: date) -> InvalidValue | None:
    """A day that is not of this season, under the name of its column."""
    for window in windows_of(row):
        refused = season_bounds.judge_window(window.opens_at, window.closes_at, ends_on)
        if refused is not None:
            end = "opens" if refused.field == "opensAt" else "closes"
            return replace(refused, field=f"{window.kind.lower()}_{end}")
    return None


@refuses(InvalidValue)
async def load_row(session: Session, caller: Caller, row: OrganizerRow, season: int, now: datetime) -> Refusal | None:
    given = OrganizerInput(code=row.code, name=row.name, schemes=row.schemes)
    saved = await organizers.save(session, caller, given, season, now)
    if isinstance(saved, Refusal):
        return saved
    in_force = (await windows.of(session, season, [row.code]))[row.code]
    standing = {(window.kind, window.opens_at): window.id for window in in_force}
    for window in windows_of(row, standing):
        refusal = await windows.save(session, caller, window, season, now)
        assert refusal is None, refusal  # noqa: S101 - its days and its note were judged when it was read
    return None


def windows_of(
    row: OrganizerRow, standing: Mapping[tuple[str, datetime], UUID] = MappingProxyType({})
) -> list[WindowInput]:
    """The windows of `row`. `standing` are the windows in force, by kind and opening: an equal opening amends."""
    both = ((WindowKind.REGISTRATION, row.registration), (WindowKind.VERIFICATION, row.verification))
    return [_window(row, kind, *days, standing) for kind, days in both if days is not None]


def _window(
    row: OrganizerRow, kind: WindowKind, first: date, last: date | None, standing: Mapping[tuple[str, datetime], UUID]
) -> WindowInput:
    opens_at = start_of_wib_day(first)
    note = row.note if kind == WindowKind.REGISTRATION else None
    return WindowInput(
        organizer=row.code,
        opens_at=opens_at,
        closes_at=None if last is None else start_of_wib_day(last + timedelta(days=1)),
        kind=kind,
        until_quota_is_full=note is not None and note.casefold() == UNTIL_FULL,
        note=note,
        amends=standing.get((kind, opens_at)),
    )
