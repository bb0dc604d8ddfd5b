"""Where a row tells something else of somebody known than is stored, column by column: the stored and the sent value.

Only the row's own organizer is told: what a row is compared with is a registrant of that organizer.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TypeAlias

from app.clock import wib_day
from app.registry.registrants import motorcycles
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.routes.route import Route
from app.registry.rows.batch import KnownRegistrant
from app.registry.rows.row import Itinerary, ParsedRow
from app.registry.rows.verdicts import Difference
from app.registry.values import cities, particulars, spellings, standard
from app.registry.values.particulars import Particulars

Papers: TypeAlias = tuple[str | None, str | None]
"""Plate and registration number."""
OF_THE_ROUTE = (
    "rute_perjalanan",
    "keberangkatan_terminal",
    "tujuan_terminal",
    "kota_keberangkatan",
    "kota_tujuan",
    "waktu_keberangkatan",
)
OF_THE_PERSON = "data_pemesan"
OF_THE_DAY = "tanggal_pendaftaran"
"""No import changes this column: window, deadline and the way back were judged by it."""


def of(row: ParsedRow, known: KnownRegistrant, route: Route | None, stored_name: str | None) -> tuple[Difference, ...]:
    """`route`: the stored route, given only if the row names a different route. `stored_name` likewise."""
    found = [] if route is None else list(_of_route(row.itinerary, route))
    if stored_name is not None:
        found.append(Difference(OF_THE_PERSON, stored_name, row.name))
    papers = known.plate, known.registration_number
    return (*found, *_of_day(row, known), *_of_registration(row, known, known.service, papers))


def between(row: ParsedRow, first: ParsedRow, service: str, *, another_route: bool) -> tuple[Difference, ...]:
    """`first` has registered the person just now, so its values are what is stored."""
    found = list(_of_route(row.itinerary, first.itinerary)) if another_route else []
    if row.name.casefold() != first.name.casefold():
        found.append(Difference(OF_THE_PERSON, first.name, row.name))
    papers = _papers(first, service)
    return (*found, *_of_day(row, first), *_of_registration(row, first, service, papers))


def _of_route(itinerary: Itinerary, route: Route | Itinerary) -> Iterator[Difference]:
    pairs = (
        ("rute_perjalanan", route.name, itinerary.name, spellings.of_route),
        ("keberangkatan_terminal", route.origin.name, itinerary.origin.name, _place),
        ("tujuan_terminal", route.destination.name, itinerary.destination.name, _place),
        ("kota_keberangkatan", route.origin.city, itinerary.origin.city, cities.key),
        ("kota_tujuan", route.destination.city, itinerary.destination.city, cities.key),
    )
    found = [Difference(column, stored, sent) for column, stored, sent, key in pairs if key(stored) != key(sent)]
    if itinerary.departs_at is not None and itinerary.departs_at != route.departs_at:
        found.append(Difference("waktu_keberangkatan", _written(route.departs_at), _written(itinerary.departs_at)))
    # Another route with the same words is another departure all the same.
    yield from found or [Difference("rute_perjalanan", route.name, itinerary.name)]


def is_of_another_day(row: ParsedRow, known: KnownRegistrant | ParsedRow) -> bool:
    """Days are compared, since lists often hold no more than days."""
    return wib_day(row.registered_at) != wib_day(known.registered_at)


def _of_day(row: ParsedRow, known: KnownRegistrant | ParsedRow) -> Iterator[Difference]:
    if is_of_another_day(row, known):
        yield Difference(OF_THE_DAY, _written(known.registered_at), _written(row.registered_at))


def _of_registration(row: ParsedRow, known: Particulars, service: str, papers: Papers) -> Iterator[Difference]:
    columns = (
        *((told.column, getattr(known, name), getattr(row, name)) for name, told in particulars.TOLD.items()),
        *zip(("nomor_polisi", "nomor_stnk"), papers, _papers(row, service), strict=True),
    )
    return (Difference(column, stored, sent) for column, stored, sent in columns if sent not in {None, stored})


def _papers(row: ParsedRow, service: str) -> Papers:
    papers = motorcycles.judge(service, row.motorcycle) if row.motorcycle is not None else None
    return (papers.plate, papers.registration_number) if isinstance(papers, Motorcycle) else (None, None)


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else standard.written(instant)


def _place(name: str) -> str:
    return spellings.of_place(name)[1]
