"""Routes from a file: a year's departures as one table, CSV or .xlsx, since nobody types 400 of them.

Every visible sheet with a header is read. Each row is judged as `saveRoutes` judges it; a good row is saved, whatever
the other rows are. The same file again changes nothing. Terminals are named by their codes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from app.db import Session
from app.errors import InvalidValue, Language, Refusal, refused_by, refuses
from app.intake.files import columns, reading
from app.intake.files.encoding import Csv
from app.intake.files.encoding_xlsx import Xlsx
from app.intake.files.file_refusals import (
    KINDS,
    ColumnMissing,
    ColumnRepeated,
    FileRefused,
    FileRefusedError,
    FileTooManyRows,
    HeaderNotFound,
)
from app.intake.files.tables import FileTable, NumberedCells
from app.models.enums import Mode, Service
from app.registry.caller import Caller
from app.registry.routes import saving, terminals
from app.registry.routes.saving import LONGEST_NAME, RouteInput
from app.registry.values import standard
from app.registry.values.texts import line

MOST_ROWS = 5_000
ROWS_SAVED_TOGETHER = 1_000
COLUMNS = (
    "rute_perjalanan",
    "tipe_keberangkatan",
    "layanan",
    "moda",
    "terminal_asal",
    "terminal_tujuan",
    "waktu_keberangkatan",
    "kuota",
)
OPTIONAL = frozenset({"layanan", "moda", "waktu_keberangkatan", "kuota"})
SERVICES = MappingProxyType({"penumpang": Service.PASSENGER, "sepeda motor": Service.MOTORCYCLE})
EXAMPLE = (
    "Jakarta - Solo",
    "Arus mudik",
    "penumpang",
    "Bus",
    "pulo-gebang",
    "tirtonadi",
    "2026-03-16 09:00",
    "40",
)
KINDS_OF_FILES: Mapping[str, type[Xlsx | Csv]] = MappingProxyType({"xlsx": Xlsx, "csv": Csv})
TERMINALS = ("terminal_asal", "terminal_tujuan")
FIELDS = MappingProxyType(
    {
        "name": "rute_perjalanan",
        "direction": "tipe_keberangkatan",
        "service": "layanan",
        "mode": "moda",
        "origin": "terminal_asal",
        "destination": "terminal_tujuan",
        "departsAt": "waktu_keberangkatan",
        "quota": "kuota",
    }
)
"""The columns, by the names of the fields that refusals are about."""
FIELD_OF = MappingProxyType({column: name for name, column in FIELDS.items()})


class PlaceInFile(NamedTuple):
    """Where a row is in the file. Places have an order."""

    table: int
    """From 0."""
    sheet: str | None
    """None: the file has one table."""
    row: int
    """As the spreadsheet shows it, from 1."""

    def message(self, language: Language) -> str:
        sheet_word, row_word = ("sheet", "row") if language == "en" else ("lembar", "baris")
        sheet = "" if self.sheet is None else f"{sheet_word} {self.sheet}, "
        return f"{sheet}{row_word} {self.row}"


@dataclass(frozen=True, slots=True)
class RowFault:
    place: PlaceInFile
    column: str | None
    refusal: Refusal

    def message(self, language: Language = "id") -> str:
        place = self.place.message(language)
        return f"{place}{f', {self.column}' if self.column else ''}: {self.refusal.message(language)}"

    def order(self) -> tuple[PlaceInFile, int]:
        """The order of a finding: by its place, then by its column."""
        return self.place, COLUMNS.index(self.column) if self.column else -1


@dataclass(frozen=True, slots=True)
class LoadedRoutes:
    saved: int
    faults: tuple[RowFault, ...]


def template(kind: str) -> bytes:
    """An empty table with one example, which is left out when it comes back. `kind` is one of `KINDS_OF_FILES`."""
    file = KINDS_OF_FILES[kind]()
    return file.sheet("Rute", COLUMNS) + file.rows([EXAMPLE]) + file.end()


@dataclass(frozen=True, slots=True)
class FileRoute:
    """A row of the file. `given` None: `faults` say why."""

    place: PlaceInFile
    given: RouteInput | None
    faults: Sequence[InvalidValue]
    terminals: Mapping[str, str]
    """The codes that it names, by their columns."""


@refuses(InvalidValue, *KINDS)
def parse(content: bytes) -> list[FileRoute]:
    """What can be told of each row without the database. Raises `FileRefusedError`."""
    rows = [_row(place, cells) for place, cells in islice(_rows(BytesIO(content)), MOST_ROWS + 1)]
    if len(rows) > MOST_ROWS:
        raise FileRefusedError(FileTooManyRows(rows=MOST_ROWS))
    return rows


@refuses(*refused_by(saving.save, parse))
async def load(session: Session, caller: Caller, content: bytes, now: datetime) -> LoadedRoutes:
    """Save the routes of a file for the caller. Raises `FileRefusedError`."""
    rows = parse(content)
    codes = sorted({code for row in rows for code in row.terminals.values()})
    known = {one.code for one in await terminals.by_codes(session, codes) if one is not None}
    faults = [RowFault(row.place, one.field, one) for row in rows for one in (*row.faults, *_unknown(row, known))]
    bad = {fault.place for fault in faults}
    good = [(row.place, row.given) for row in rows if row.given is not None and row.place not in bad]
    saved = 0
    for start in range(0, len(good), ROWS_SAVED_TOGETHER):
        refused = await _save(session, caller, good[start : start + ROWS_SAVED_TOGETHER], now)
        saved += len(good[start : start + ROWS_SAVED_TOGETHER]) - len(refused)
        faults += refused
    return LoadedRoutes(saved, tuple(sorted(faults, key=RowFault.order)))


async def _save(
    session: Session, caller: Caller, part: Sequence[tuple[PlaceInFile, RouteInput]], now: datetime
) -> list[RowFault]:
    verdicts = await saving.save(session, caller, [given for _, given in part], now)
    return [
        RowFault(place, FIELDS.get(verdict.field or ""), verdict)
        for (place, _), verdict in zip(part, verdicts, strict=True)
        if isinstance(verdict, Refusal)
    ]


def _unknown(row: FileRoute, known: Collection[str]) -> list[InvalidValue]:
    return [terminals.unknown(column) for column, code in row.terminals.items() if code not in known]


def _rows(file: BytesIO) -> Iterator[tuple[PlaceInFile, dict[str, str | None]]]:
    """The rows of all lists, without empty rows and the example. Raises `FileRefusedError`."""
    lists = _lists(file)
    for place, (table, header) in enumerate(lists):
        sheet = table.sheet if len(lists) > 1 else None
        for number, cells in islice(table.rows(), header.row, None):
            if _is_route(header.names, cells):
                missing = [None] * (len(header.names) - len(cells))
                yield PlaceInFile(place, sheet, number), header.values([*cells, *missing][: len(header.names)])


def _is_route(names: Sequence[str | None], cells: Sequence[str | None]) -> bool:
    return any(cells) and tuple(cells[: len(EXAMPLE)]) != EXAMPLE and not columns.is_totals(names, cells)


def _lists(file: BytesIO) -> list[tuple[FileTable, columns.Header]]:
    """Every visible sheet with a header; of a CSV file, the table under the first delimiter by which it has one."""
    known, found = frozenset(COLUMNS), []
    for table in reading.tables(file):
        rows: list[NumberedCells] = list(islice(table.rows(), columns.HEADER_WITHIN_ROWS))
        header = None if table.hidden else columns.find(rows, known)
        if header is not None:
            found.append((table, _header(*header)))
            if table.sheet is None:
                break
    if not found:
        raise FileRefusedError(HeaderNotFound(columns=COLUMNS[:2]))
    return found


def _header(row: int, written: Sequence[str]) -> columns.Header:
    names = tuple(columns.name_of(column, COLUMNS) for column in written)
    repeated = tuple(name for name in COLUMNS if names.count(name) > 1)
    missing = tuple(name for name in COLUMNS if name not in names and name not in OPTIONAL)
    refused: list[FileRefused] = [ColumnRepeated(columns=repeated)] if repeated else []
    refused += [ColumnMissing(columns=missing)] if missing else []
    if refused:
        raise FileRefusedError(*refused)
    return columns.Header(row, tuple(written), names)


def _row(place: PlaceInFile, cells: Mapping[str, str | None]) -> FileRoute:
    service, written = _service(cells.get("layanan")), cells.get("waktu_keberangkatan")
    values: dict[str, Any] = {
        "name": line("rute_perjalanan", cells.get("rute_perjalanan") or "", most=LONGEST_NAME),
        "direction": standard.direction_of(cells.get("tipe_keberangkatan")),
        "service": service,
        "mode": _mode(cells.get("moda"), service),
        **{FIELD_OF[column]: line(column, cells.get(column) or "") for column in TERMINALS},
        "departs_at": standard.parse_instant(written, "waktu_keberangkatan") if written else None,
        "quota": _quota(cells.get("kuota")),
    }
    faults = [value for value in values.values() if isinstance(value, InvalidValue)]
    named = {column: values[FIELD_OF[column]] for column in TERMINALS}
    codes = {column: code for column, code in named.items() if isinstance(code, str)}
    return FileRoute(place, None if faults else RouteInput(**values), faults, codes)


def _service(written: str | None) -> Service | InvalidValue:
    service = SERVICES.get((written or "penumpang").strip().casefold())
    return service or InvalidValue("layanan", "Tulis penumpang atau sepeda motor.", "Write penumpang or sepeda motor.")


def _mode(written: str | None, service: Service | InvalidValue) -> Mode | InvalidValue:
    if not written:
        return Mode.TRUCK if service is Service.MOTORCYCLE else Mode.BUS
    return standard.mode_of(written)


def _quota(written: str | None) -> int | InvalidValue | None:
    digits = (written or "").strip()
    if not digits:
        return None
    if digits.isascii() and digits.isdigit() and len(digits) < 8:
        return int(digits)
    return InvalidValue("kuota", "Tulis jumlah kursi dengan angka.", "Write the number of seats in digits.")
