"""An organizer's own registrants as rows of the standard, page by page, in the order of their arrival.

Whoever stood when the first page was read is there exactly once. Whoever was erased is left out. Of somebody who
registered anew after an end, the new registration is there.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cache
from uuid import UUID

from app.clock import start_of_wib_day
from app.db import Session
from app.models.enums import Direction, Mode, RegistrantStatus
from app.models.statuses import HOLDS_NIK
from app.registry.caller import Caller
from app.registry.registrants import view
from app.registry.registrants.view import Stored
from app.registry.values import particulars, standard
from app.sql import Statement, statement
from app.vault.vault import Vault

COLUMNS = standard.ALL_COLUMNS


@dataclass(frozen=True, slots=True)
class ExtractFilter:
    season: int
    direction: Direction | None = None
    day: date | None = None
    """The day of registration, in WIB."""
    every_status: bool = False

    def told(self) -> dict[str, object]:
        """What was asked for, as `reads` writes it down."""
        return {name: value for name, value in asdict(self).items() if value not in (None, False)}


@dataclass(slots=True, kw_only=True)
class ExtractRow(Stored):
    """A registrant and its route."""

    route_name: str
    mode: str
    departs_at: datetime | None
    origin: str
    origin_city: str
    destination: str
    destination_city: str


_CONDITIONS = {
    "direction": "r.direction = :direction",
    "since": "r.registered_at >= :since",
    "until": "r.registered_at < :until",
    "statuses": "r.status = ANY(CAST(:statuses AS text[]))",
    "after": "r.id > :after",
}
# Of registrants with one natural key: the one who holds the NIK, else the newest. A row of that key means this one when
# it is sent in (`known`).
_IS_LAST = f"""
    NOT EXISTS (SELECT FROM registrant n
                WHERE n.nik_index = r.nik_index AND n.season = r.season AND n.organizer_code = r.organizer_code
                    AND n.direction = r.direction AND n.service = r.service
                    AND (n.{HOLDS_NIK}, n.id) > (r.{HOLDS_NIK}, r.id))
"""


@cache
def _page(asked: frozenset[str], *, every_status: bool) -> Statement[ExtractRow]:
    """The page for somebody who asks for these `_CONDITIONS`."""
    conditions = [_CONDITIONS[name] for name in sorted(asked)] + ([_IS_LAST] if every_status else [])
    return statement(
        f"""
        SELECT {view.COLUMNS}, route.name AS route_name, route.mode, route.departs_at,
               origin.name AS origin, origin.city AS origin_city, destination.name AS destination,
               destination.city AS destination_city
        FROM {view.FROM} JOIN route ON route.id = r.route_id
            JOIN terminal origin ON origin.code = route.origin_code
            JOIN terminal destination ON destination.code = route.destination_code
        WHERE {" AND ".join(["r.organizer_code = :organizer AND r.season = :season", *conditions])}
            AND r.nik_sealed IS NOT NULL
        ORDER BY r.id LIMIT :most
        """,
        ExtractRow,
    )


_EVERY_CONDITION = tuple(_page(frozenset({name}), every_status=True) for name in _CONDITIONS)


async def page(
    session: Session, organizer: str, wanted: ExtractFilter, *, after: UUID | None, most: int
) -> list[ExtractRow]:
    """Up to `most` rows behind `after`, sealed as they are: `cells` opens them."""
    since = until = None
    if wanted.day is not None:
        since, until = start_of_wib_day(wanted.day), start_of_wib_day(wanted.day + timedelta(days=1))
    statuses = None if wanted.every_status else list(standard.STATUSES)
    values = {"direction": wanted.direction, "since": since, "until": until, "statuses": statuses, "after": after}
    asked = {name: value for name, value in values.items() if value is not None}
    page_of = _page(frozenset(asked), every_status=wanted.every_status)
    return await session.rows(page_of, organizer=organizer, season=wanted.season, most=most, **asked)


def cells(row: ExtractRow, vault: Vault, caller: Caller) -> list[str | int | None]:
    """The cells of a row, in the order of `COLUMNS`."""
    one = view.from_row(row, vault, caller)
    status = RegistrantStatus(one.status)
    told = {
        "data_nik": one.nik,
        "data_pemesan": one.name,
        "rute_perjalanan": row.route_name,
        "keberangkatan_terminal": row.origin,
        "tujuan_terminal": row.destination,
        "kota_keberangkatan": row.origin_city,
        "kota_tujuan": row.destination_city,
        "tipe_keberangkatan": standard.DIRECTION_TITLES[Direction(one.direction)],
        "tanggal_pendaftaran": standard.written(one.registered_at),
        "status_pemesanan_tittle": standard.title(status),
        "status_pemesanan_code": standard.STATUS_CODES[status],
        "source": one.organizer,
        "nomor_polisi": one.plate,
        "nomor_stnk": one.registration_number,
        "waktu_keberangkatan": None if row.departs_at is None else standard.written(row.departs_at),
        "waktu_verifikasi": None if one.verified_at is None else standard.written(one.verified_at),
        "moda": standard.MODE_TITLES[Mode(row.mode)],
        **{told.column: getattr(one, name) for name, told in particulars.TOLD.items()},
    }
    return [told[column] for column in COLUMNS]
