"""A record of the ministry's 12 columns, and what can be judged of it without the database.

Every refusal names its column. Columns that we do not know are ignored; ours beside the 12 are `standard.EXTENSIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from functools import lru_cache
from typing import TypeVar

from app.errors import InvalidValue, NikInvalid, NotYours, Refusal, RefusalError, refuses
from app.models.enums import Direction, IdentityDocument, Mode, RegistrantStatus
from app.registry.caller import Caller
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.values import cities, names, nik, spellings, standard
from app.registry.values.nik import Nik
from app.registry.values.texts import line, reference_given
from app.vault.vault import Vault

Value = TypeVar("Value")

REQUIRED = tuple(
    column
    for column in standard.COLUMNS
    if column not in {"data_nik", "status_pemesanan_tittle", "status_pemesanan_code", "source"}
)
"""Of the rest, one of the two for the status is enough; `source` left out is the caller."""


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """As it was sent: text, or None where there is none. A NIK may be a number, which is refused with the reason."""

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
    kode_booking: str | None = None
    nomor_polisi: str | None = None
    nomor_stnk: str | None = None
    jenis_dokumen: str | None = None
    waktu_keberangkatan: str | None = None
    moda: str | None = None
    unfit: str | None = None
    """The column whose value is neither text nor a number; "" for what is no record at all."""


_COLUMNS = tuple(one.name for one in fields(Record) if one.name != "unfit")


@dataclass(frozen=True, slots=True)
class Place:
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


@dataclass(frozen=True, slots=True, eq=False)
class Itinerary:
    """What a record says of its route. The same words are one object, and are looked for once."""

    organizer: str
    coordinator: str
    """Whoever brings it: a member travels on its coordinator's routes as well."""
    name: str
    direction: Direction
    origin: Place
    destination: Place
    departs_at: datetime | None
    with_motorcycle: bool
    mode: Mode | None

    @property
    def name_key(self) -> str:
        return spellings.of_route(self.name)


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """A record that can be one."""

    caller: Caller
    organizer: str
    nik: Nik
    nik_index: bytes
    name: str
    status: RegistrantStatus
    itinerary: Itinerary
    registered_at: datetime
    reference: str | None
    identity_document: str | None
    motorcycle: Motorcycle | None


def record_of(values: object) -> Record:
    """From JSON, or from the cells of a row by column name."""
    if not isinstance(values, Mapping):
        return Record(unfit="")
    given: dict[str, str | float] = {}
    for column in _COLUMNS:
        value = values.get(column)
        if isinstance(value, str):
            if value and not value.isspace():
                given[column] = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            given[column] = value if column == "data_nik" else str(value)
        elif value is not None:
            return Record(unfit=column)
    return Record(**given)  # type: ignore[arg-type]


@refuses(NikInvalid, NotYours, InvalidValue)
def read(record: Record, caller: Caller, own: Mapping[str, str], vault: Vault, today: date) -> Reading | Refusal:
    """`own` are the caller's organizers by the spellings of their codes and names."""
    try:
        return _read(record, caller, own, vault, today)
    except RefusalError as error:
        return error.refusal


def spelling_of_organizer(text: str) -> str:
    return standard.folded(text)


def _read(record: Record, caller: Caller, own: Mapping[str, str], vault: Vault, today: date) -> Reading:
    """Raises the refusal: there are many columns, and the first that is wrong is told."""
    _refuse_unfit(record)
    parsed = _kept(nik.parse("" if record.data_nik is None else record.data_nik, today), "data_nik")
    for column in REQUIRED:
        if getattr(record, column) is None:
            raise RefusalError(InvalidValue(column, "Kolom ini wajib diisi.", "This column is required."))
    name = _kept(names.normalise(record.data_pemesan or ""), "data_pemesan")
    organizer = _organizer(record.source, caller, own)
    motorcycle = _motorcycle(record)
    return Reading(
        caller=caller,
        organizer=organizer,
        nik=parsed,
        nik_index=vault.blind_index(parsed.digits),
        name=name,
        status=_kept(standard.status_of(record.status_pemesanan_code, record.status_pemesanan_tittle)),
        itinerary=_itinerary(
            organizer, caller.organizer, motorcycle is not None, *(getattr(record, column) for column in _OF_ROUTE)
        ),
        registered_at=_kept(standard.parse_instant(record.tanggal_pendaftaran or "")),
        reference=_kept(reference_given(record.kode_booking), "kode_booking"),
        identity_document=_document(record.jenis_dokumen),
        motorcycle=motorcycle,
    )


def _refuse_unfit(record: Record) -> None:
    if record.unfit == "":
        raise RefusalError(
            InvalidValue("", "Setiap data harus berupa objek dengan 12 kolom standar.", "A record is a JSON object.")
        )
    if record.unfit is not None:
        raise RefusalError(
            InvalidValue(record.unfit, "Nilainya harus teks atau angka.", "The value must be text or a number.")
        )


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


_OF_ROUTE = (
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
    """`words` of the columns `_OF_ROUTE`."""
    record = Record(**dict(zip(_OF_ROUTE, words, strict=True)))
    direction = _kept(standard.direction_of(record.tipe_keberangkatan))
    name = _words(record, "rute_perjalanan", spellings.of_route, most=200)
    origin, destination = (
        Place(_words(record, terminal, _key_of_place), _words(record, city, cities.key, most=80))
        for terminal, city in (
            ("keberangkatan_terminal", "kota_keberangkatan"),
            ("tujuan_terminal", "kota_tujuan"),
        )
    )
    if (origin.key, origin.city_key, origin.kind) == (destination.key, destination.city_key, destination.kind):
        raise RefusalError(
            InvalidValue("tujuan_terminal", "Tujuan sama dengan asal.", "The destination is the origin.")
        )
    departs_at = record.waktu_keberangkatan
    return Itinerary(
        organizer=organizer,
        coordinator=coordinator,
        name=name,
        direction=direction,
        origin=origin,
        destination=destination,
        departs_at=None if departs_at is None else _kept(standard.parse_instant(departs_at, "waktu_keberangkatan")),
        with_motorcycle=with_motorcycle,
        mode=None if record.moda is None else _kept(standard.mode_of(record.moda)),
    )


def _key_of_place(name: str) -> str:
    return spellings.of_place(name)[1]


def _words(record: Record, column: str, key: Callable[[str], str], *, most: int = 120) -> str:
    """A name of a route, a terminal or a city, which may become one of ours."""
    text = _kept(line(column, getattr(record, column), most=most))
    if not key(text):
        raise RefusalError(InvalidValue(column, "Harus berisi huruf atau angka.", "It must have a letter or a digit."))
    if nik.is_written_in(text):
        raise RefusalError(InvalidValue(column, "Tidak boleh memuat NIK.", "A NIK does not belong in it."))
    return text


def _motorcycle(record: Record) -> Motorcycle | None:
    if record.nomor_polisi is None and record.nomor_stnk is None:
        return None
    # One without the other is refused with the papers of the route.
    return Motorcycle(record.nomor_polisi or "", record.nomor_stnk or "")


def _document(text: str | None) -> str | None:
    if text is None:
        return None
    document = text.strip().upper()
    if document not in set(IdentityDocument):
        raise RefusalError(
            InvalidValue("jenis_dokumen", "Jenis dokumen: KTP, SIM, KK atau KIA.", "KTP, SIM, KK or KIA.")
        )
    return document
