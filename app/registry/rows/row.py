"""A row of the ministry's 12 columns, and what can be judged of the row without the database.

Every refusal names its column. Columns that we do not know are ignored; ours beside the 12 are `standard.EXTENSIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

from app.errors import InvalidValue, NikInvalid, NotYours, Refusal, RefusalError, refuses
from app.models.enums import Direction, Mode, RegistrantStatus
from app.registry.caller import Caller
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.values import cities, names, nik, particulars, spellings, standard
from app.registry.values.nik import Nik
from app.registry.values.particulars import Particulars
from app.registry.values.standard import RowMoment
from app.registry.values.texts import line
from app.vault.vault import Vault

Value = TypeVar("Value")

LONGEST_CELL = 1_000
"""In characters. Every column has a smaller bound of its own, which is asked after the text was tidied and folded."""
REQUIRED = tuple(
    column
    for column in standard.COLUMNS
    if column not in {"data_nik", "status_pemesanan_tittle", "status_pemesanan_code", "source"}
)
"""The other columns may be missing: one of the two columns of the status is enough, and without a `source` the caller
is the organizer.
"""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Row:
    """A row as it was sent: text, or None where nothing is. A NIK may be a number, which is refused with the reason."""

    data_nik: str | float | None = None
    data_pemesan: str | None = None
    rute_perjalanan: str | None = None
    keberangkatan_terminal: str | None = None
    tujuan_terminal: str | None = None
    kota_keberangkatan: str | None = None
    kota_tujuan: str | None = None
    tipe_keberangkatan: str | None = None
    tanggal_pendaftaran: str | None = None
    status_pemesanan_tittle: str | None = None
    status_pemesanan_code: str | None = None
    source: str | None = None
    nomor_polisi: str | None = None
    nomor_stnk: str | None = None
    waktu_keberangkatan: str | None = None
    moda: str | None = None
    waktu_verifikasi: str | None = None
    particulars: Mapping[str, str] = field(default_factory=dict)
    """The cells of `particulars.COLUMNS` that are filled in."""
    unfit: str | None = None
    """The column whose value is neither text nor a number; "" for what is no row at all."""
    too_long: str | None = None
    """The column whose text is longer than `LONGEST_CELL`."""


@dataclass(frozen=True, slots=True)
class RowTerminal:
    name: str
    city: str

    @property
    def kind(self) -> str | None:
        return spellings.of_place(self.name)[0]

    @property
    def key(self) -> str:
        return spellings.of_place(self.name)[1]

    @property
    def city_key(self) -> str:
        return cities.key(self.city)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Itinerary:
    """What a row says of its route. The same words are one object, and are looked for once."""

    organizer: str
    coordinator: str
    """The organizer that sent the row. A member's people travel on its coordinator's routes as well."""
    name: str
    direction: Direction
    origin: RowTerminal
    destination: RowTerminal
    departs_at: datetime | None
    with_motorcycle: bool
    mode: Mode | None

    @property
    def name_key(self) -> str:
        return spellings.of_route(self.name)


@dataclass(slots=True, kw_only=True, repr=False)
class ParsedRow(Particulars):
    """A row in which each column is what it should be. Its registrant and its route may still be refused."""

    caller: Caller
    organizer: str
    nik: Nik
    nik_index: bytes
    name: str
    status: RegistrantStatus
    itinerary: Itinerary
    registered: RowMoment
    verified: RowMoment | None
    motorcycle: Motorcycle | None

    @property
    def registered_at(self) -> datetime:
        return self.registered.at


def row_of(values: object) -> Row:
    """A row from JSON, or from the cells of a row by column name."""
    if not isinstance(values, Mapping):
        return Row(unfit="")
    given: dict[str, Any] = {}
    for column in standard.ALL_COLUMNS:
        value = values.get(column)
        if isinstance(value, str):
            if len(value) > LONGEST_CELL:
                return Row(too_long=column)
            if value and not value.isspace():
                given[column] = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            given[column] = value if column == "data_nik" else str(value)
        elif value is not None:
            return Row(unfit=column)
    told = {column: given.pop(column) for column in particulars.COLUMNS if column in given}
    return Row(**given, particulars=told)


@refuses(NikInvalid, NotYours, InvalidValue)
def parse(row: Row, caller: Caller, own: Mapping[str, str], vault: Vault, today: date) -> ParsedRow | Refusal:
    """`own` are the caller's organizers by the spellings of their codes and names."""
    try:
        return _parse(row, caller, own, vault, today)
    except RefusalError as error:
        return error.refusal


def spelling_of_organizer(text: str) -> str:
    return standard.folded(text)


def _parse(row: Row, caller: Caller, own: Mapping[str, str], vault: Vault, today: date) -> ParsedRow:
    """Raises the refusal: there are many columns, and the first that is wrong is told."""
    _refuse_unfit(row)
    parsed = _kept(nik.parse("" if row.data_nik is None else row.data_nik, today), "data_nik")
    _refuse_missing(row)
    name = _kept(names.normalise(row.data_pemesan or ""), "data_pemesan")
    organizer = _organizer(row.source, caller, own)
    motorcycle = _motorcycle(row)
    return ParsedRow(
        caller=caller,
        organizer=organizer,
        nik=parsed,
        nik_index=vault.blind_index(parsed.digits),
        name=name,
        status=_kept(standard.status_of(row.status_pemesanan_code, row.status_pemesanan_tittle)),
        itinerary=_itinerary(organizer, caller.organizer, motorcycle is not None, *_words_of_route(row)),
        registered=_kept(standard.parse_moment(row.tanggal_pendaftaran or "")),
        verified=_verification(row.waktu_verifikasi),
        motorcycle=motorcycle,
        **particulars.of(_kept(particulars.of_row(row.particulars))),
    )


def _verification(text: str | None) -> RowMoment | None:
    return None if text is None else _kept(standard.parse_moment(text, "waktu_verifikasi"))


def _refuse_unfit(row: Row) -> None:
    if row.unfit == "":
        _refuse("", "Setiap data harus berupa objek dengan 12 kolom standar.", "A record is a JSON object.")
    if row.unfit is not None:
        _refuse(row.unfit, "Nilainya harus teks atau angka.", "The value must be text or a number.")
    if row.too_long is not None:
        _refuse(row.too_long, f"Paling banyak {LONGEST_CELL} karakter.", f"At most {LONGEST_CELL} characters.")


def _refuse_missing(row: Row) -> None:
    for column in REQUIRED:
        if getattr(row, column) is None:
            _refuse(column, "Kolom ini wajib diisi.", "This column is required.")


def _refuse(column: str, indonesian: str, english: str) -> NoReturn:
    raise RefusalError(InvalidValue(column, indonesian, english))


def _kept(value: Value | NikInvalid | InvalidValue, column: str | None = None) -> Value:
    """Raises what is a refusal, under the name of its column."""
    if isinstance(value, Refusal):
        raise RefusalError(value if column is None else replace(value, field=column))
    return value


def _organizer(source: str | None, caller: Caller, own: Mapping[str, str]) -> str:
    if source is None:
        if caller.owns(caller.organizer):
            return caller.organizer
        raise RefusalError(NotYours("source"))
    found = own.get(spelling_of_organizer(source))
    if found is None:
        raise RefusalError(NotYours("source"))
    return found


_ROUTE_COLUMNS = (
    "rute_perjalanan",
    "keberangkatan_terminal",
    "kota_keberangkatan",
    "tujuan_terminal",
    "kota_tujuan",
    "tipe_keberangkatan",
    "waktu_keberangkatan",
    "moda",
)


@lru_cache(maxsize=4096)
def _itinerary(organizer: str, coordinator: str, with_motorcycle: bool, *words: str | None) -> Itinerary:
    """`words` of the columns `_ROUTE_COLUMNS`."""
    row = Row(**dict[str, Any](zip(_ROUTE_COLUMNS, words, strict=True)))
    direction = _kept(standard.direction_of(row.tipe_keberangkatan))
    name = _words(row, "rute_perjalanan", spellings.of_route, most=200)
    origin = _place(row, "keberangkatan_terminal", "kota_keberangkatan")
    destination = _place(row, "tujuan_terminal", "kota_tujuan")
    if (origin.key, origin.city_key, origin.kind) == (destination.key, destination.city_key, destination.kind):
        _refuse(
            "tujuan_terminal",
            "Tujuan sama dengan asal; pilih terminal lain.",
            "The destination is the origin; choose another terminal.",
        )
    return Itinerary(
        organizer=organizer,
        coordinator=coordinator,
        name=name,
        direction=direction,
        origin=origin,
        destination=destination,
        departs_at=_departure(row.waktu_keberangkatan),
        with_motorcycle=with_motorcycle,
        mode=None if row.moda is None else _kept(standard.mode_of(row.moda)),
    )


def _words_of_route(row: Row) -> tuple[str | None, ...]:
    return tuple(getattr(row, column) for column in _ROUTE_COLUMNS)


def _place(row: Row, terminal: str, city: str) -> RowTerminal:
    return RowTerminal(_words(row, terminal, _key_of_place), _words(row, city, cities.key, most=80))


def _departure(text: str | None) -> datetime | None:
    return None if text is None else _kept(standard.parse_instant(text, "waktu_keberangkatan"))


def _key_of_place(name: str) -> str:
    return spellings.of_place(name)[1]


def _words(row: Row, column: str, key: Callable[[str], str], *, most: int = 120) -> str:
    """A name of a route, a terminal or a city. It may be stored, since an unknown route is made (`provisional`)."""
    text = _kept(line(column, getattr(row, column), most=most))
    if not key(text):
        _refuse(column, "Harus berisi huruf atau angka.", "It must have a letter or a digit.")
    if nik.is_written_in(text):
        _refuse(column, "Tidak boleh memuat NIK.", "A NIK does not belong in it.")
    return text


def _motorcycle(row: Row) -> Motorcycle | None:
    if row.nomor_polisi is None and row.nomor_stnk is None:
        return None
    # A plate without a registration number, or the other way round, is refused by `motorcycles`.
    return Motorcycle(row.nomor_polisi or "", row.nomor_stnk or "")
