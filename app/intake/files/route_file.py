"""Routes from a file: a year's departures as one table, CSV or .xlsx, since nobody types 400 of them.

Every visible sheet with a header is read. Each row is judged as `saveRoutes` judges it; a good row is saved, whatever
the other rows are. The same file again changes nothing. Terminals are named by their codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from app.db import Session
from app.errors import InvalidValue, Language, Refusal, refused_by, refuses
from app.intake.files import columns, reading
from app.intake.files.encoding_xlsx import Xlsx
from app.intake.files.file_refusals import (
    KINDS,
    ColumnMissing,
    ColumnRepeated,
    FileRefusedError,
    FileTooManyRows,
    HeaderNotFound,
)
from app.intake.files.tables import FileTable, NumberedCells
from app.models.enums import Mode, Service
from app.registry.caller import Caller
from app.registry.routes import saving
from app.registry.routes.route import Route
from app.registry.routes.saving import RouteInput
from app.registry.values import standard

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


class Place(NamedTuple):
    """Of a row in the file. Places are in order."""

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
    place: Place
    column: str | None
    refusal: Refusal

    def message(self, language: Language = "id") -> str:
        place = self.place.message(language)
        return f"{place}{f', {self.column}' if self.column else ''}: {self.refusal.message(language)}"


@dataclass(frozen=True, slots=True)
class LoadedRoutes:
    saved: int
    faults: tuple[RowFault, ...]


def template() -> bytes:
    """An empty table with one example, which is left out when the file comes back."""
    workbook = Xlsx()
    return workbook.sheet("Rute", COLUMNS) + workbook.rows([EXAMPLE]) + workbook.end()


@refuses(InvalidValue, *KINDS)
def parse(content: bytes) -> tuple[list[tuple[Place, RouteInput]], list[RowFault]]:
    """The good rows by their places, and what is wrong with the others. Raises `FileRefusedError`."""
    good: list[tuple[Place, RouteInput]] = []
    faults: list[RowFault] = []
    for place, cells in _rows(BytesIO(content)):
        if len(good) + len(faults) == MOST_ROWS:
            raise FileRefusedError(FileTooManyRows(rows=MOST_ROWS))
        row = _row(cells)
        if isinstance(row, RouteInput):
            good.append((place, row))
        else:
            faults.append(RowFault(place, row.field, row))
    return good, faults


@refuses(*refused_by(saving.save, parse))
async def load(session: Session, caller: Caller, content: bytes, now: datetime) -> LoadedRoutes:
    """Save the routes of a file for the caller. Raises `FileRefusedError`."""
    good, faults = parse(content)
    saved = 0
    for start in range(0, len(good), ROWS_SAVED_TOGETHER):
        part = good[start : start + ROWS_SAVED_TOGETHER]
        verdicts = await saving.save(session, caller, [given for _, given in part], now)
        saved += sum(isinstance(verdict, Route) for verdict in verdicts)
        faults += [
            RowFault(place, FIELDS.get(verdict.field or ""), verdict)
            for (place, _), verdict in zip(part, verdicts, strict=True)
            if isinstance(verdict, Refusal)
        ]
    return LoadedRoutes(saved, tuple(sorted(faults, key=lambda fault: fault.place)))


def _rows(file: BytesIO) -> Iterator[tuple[Place, dict[str, str | None]]]:
    """The rows of all lists, without empty rows and the example. Raises `FileRefusedError`."""
    lists = _lists(file)
    for place, (table, header) in enumerate(lists):
        sheet = table.sheet if len(lists) > 1 else None
        for number, cells in islice(table.rows(), header.row, None):
            if any(cells) and tuple(cells[: len(EXAMPLE)]) != EXAMPLE:
                missing = [None] * (len(header.names) - len(cells))
                yield Place(place, sheet, number), header.values([*cells, *missing][: len(header.names)])


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
        raise FileRefusedError(HeaderNotFound())
    return found


def _header(row: int, written: Sequence[str]) -> columns.Header:
    names = tuple(columns.name_of(column, COLUMNS) for column in written)
    repeated = tuple(name for name in COLUMNS if names.count(name) > 1)
    if repeated:
        raise FileRefusedError(ColumnRepeated(columns=repeated))
    missing = tuple(name for name in COLUMNS if name not in names and name not in OPTIONAL)
    if missing:
        raise FileRefusedError(ColumnMissing(columns=missing))
    return columns.Header(row, tuple(written), names)


def _row(cells: Mapping[str, str | None]) -> RouteInput | InvalidValue:
    direction = standard.direction_of(cells.get("tipe_keberangkatan"))
    if isinstance(direction, InvalidValue):
        return direction
    service = SERVICES.get((cells.get("layanan") or "penumpang").strip().casefold())
    if service is None:
        return InvalidValue("layanan", "Tulis penumpang atau sepeda motor.", "Write penumpang or sepeda motor.")
    mode = _mode(cells.get("moda"), service)
    if isinstance(mode, InvalidValue):
        return mode
    written = cells.get("waktu_keberangkatan")
    departs_at = standard.parse_instant(written, "waktu_keberangkatan") if written else None
    if isinstance(departs_at, InvalidValue):
        return departs_at
    quota = _quota(cells.get("kuota"))
    if isinstance(quota, InvalidValue):
        return quota
    return RouteInput(
        name=cells.get("rute_perjalanan") or "",
        direction=direction,
        service=service,
        mode=mode,
        origin=(cells.get("terminal_asal") or "").strip(),
        destination=(cells.get("terminal_tujuan") or "").strip(),
        departs_at=departs_at,
        quota=quota,
    )


def _mode(written: str | None, service: Service) -> Mode | InvalidValue:
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
