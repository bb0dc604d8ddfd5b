"""The files for everybody, made of what is told of a season: CSV and JSON of each table, and what they mean.

A total is rounded from the people themselves, not added up from rounded figures.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

import orjson

from app.registry.statistics import groups
from app.registry.statistics.taking import CountRow, StageRow

EVERYBODY = "*"
"""In the place of an organizer's code: all organizers together."""
METADATA = "metadata.json"

Row = tuple[object, ...]


class Table(NamedTuple):
    """A table of the files: what is in it and what its columns mean, in both languages."""

    name: str
    indonesian: str
    english: str
    columns: tuple[str, ...]


REGISTRATIONS = Table(
    "registrations",
    "Pendaftaran menurut penyelenggara, arah, layanan dan hari; hari kosong: seluruh periode",
    "Registrations by organizer, direction, service and day; no day: the whole season",
    ("organizer", "direction", "service", "day", "people"),
)
CITIES = Table(
    "cities",
    "Pendaftaran menurut kota asal, kota tujuan dan layanan, seluruh periode",
    "Registrations by city of origin, city of destination and service, over the whole season",
    ("origin", "destination", "service", "people"),
)
FUNNEL = Table(
    "funnel",
    "Berapa yang terdaftar, terverifikasi dan berangkat, menurut arah dan layanan",
    "How many were registered, verified and have departed, by direction and service",
    ("direction", "service", "stage", "people"),
)
TABLES = (REGISTRATIONS, CITIES, FUNNEL)
NAMES = (*(f"{table.name}.{kind}" for table in TABLES for kind in ("csv", "json")), METADATA)
"""Every file of a season."""
COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "organizer": (
            "Kode penyelenggara; * adalah semuanya bersama",
            "Code of the organizer; * is all of them together",
        ),
        "direction": ("Arus mudik (MUDIK) atau arus balik (BALIK)", "The trip home (MUDIK) or back (BALIK)"),
        "service": ("Penumpang (PASSENGER) atau sepeda motor (MOTORCYCLE)", "A seat, or a carried motorcycle"),
        "day": ("Tanggal pendaftaran (WIB), misalnya 2026-03-05", "Day of registration (WIB), as 2026-03-05"),
        "origin": ("Kota atau kabupaten keberangkatan", "City or regency of departure"),
        "destination": ("Kota atau kabupaten tujuan", "City or regency of arrival"),
        "stage": (
            "Terdaftar (REGISTERED), terverifikasi (VERIFIED), berangkat (DEPARTED)",
            "Registered, verified, departed: everybody who came so far",
        ),
        "people": (
            "Jumlah orang ke kelipatan 5 terdekat; <5: kurang dari satu kelompok berisi 5 orang, mungkin tidak ada",
            "People to the nearest 5; <5: fewer than a group of 5, perhaps nobody",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class DeclaredOffer:
    """What organizers have declared: a figure stands for each of it, whether anybody registered or not."""

    organizers: frozenset[tuple[str, str, str]]
    """Organizer, direction, service."""
    cities: frozenset[tuple[str, str, str]]
    """Origin, destination, service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldSeason:
    """All that a season's files are made of."""

    season: int
    until: date
    final: bool
    counts: Sequence[CountRow]
    stages: Sequence[StageRow]
    offer: DeclaredOffer


class PublicFile(NamedTuple):
    name: str
    content: bytes
    digest: str


def made(told: ToldSeason) -> list[PublicFile]:
    """Every file of the season. The same is made of the same, byte for byte."""
    rows = {
        REGISTRATIONS: registrations(told),
        CITIES: by_cities(told),
        FUNNEL: funnel(told),
    }
    files = [file for table in TABLES for file in _of_table(told, table, rows[table])]
    return [*files, _file(METADATA, orjson.dumps(metadata(told, files), option=orjson.OPT_INDENT_2))]


def registrations(told: ToldSeason) -> list[Row]:
    """Of each organizer the whole season, and of one that is not small its days. All together likewise: their days are
    those of the organizers whose days are told, so that no difference tells the days of a small one.
    """
    people: Counter[str] = Counter()
    whole: Counter[tuple[str, str, str]] = Counter()
    for one in told.counts:
        people[one.organizer] += one.counted
        for whose in (one.organizer, EVERYBODY):
            whole[whose, one.direction, one.service] += one.counted
    days: Counter[tuple[str, str, str, date]] = Counter()
    for one in told.counts:
        if one.counted and people[one.organizer] >= groups.SMALL_ORGANIZER:
            for whose in (one.organizer, EVERYBODY):
                days[whose, one.direction, one.service, one.day] += one.counted
    offered = told.offer.organizers | {(EVERYBODY, *one[1:]) for one in told.offer.organizers}
    every = sorted({key for key, counted in whole.items() if counted} | offered)
    return [
        *((*key, None, groups.shown(whole[key])) for key in every),
        *((*key, groups.shown(counted)) for key, counted in sorted(days.items())),
    ]


def by_cities(told: ToldSeason) -> list[Row]:
    people: Counter[tuple[str, str, str]] = Counter()
    for one in told.counts:
        people[one.origin, one.destination, one.service] += one.counted
    every = sorted({key for key, counted in people.items() if counted} | told.offer.cities)
    return [(*key, groups.shown(people[key])) for key in every]


def funnel(told: ToldSeason) -> list[Row]:
    people: Counter[tuple[str, str, str]] = Counter()
    for one in told.counts:
        people[one.direction, one.service, "REGISTERED"] += one.counted
    people.update({(one.direction, one.service, one.stage): one.counted for one in told.stages})
    order = ("REGISTERED", "VERIFIED", "DEPARTED")
    offered = {(direction, service) for _, direction, service in told.offer.organizers}
    kinds = sorted(offered | {(direction, service) for (direction, service, _), counted in people.items() if counted})
    return [(*kind, stage, groups.shown(people[*kind, stage])) for kind in kinds for stage in order]


def metadata(told: ToldSeason, files: Iterable[PublicFile]) -> dict[str, object]:
    return {
        "season": told.season,
        "until": told.until,
        "final": told.final,
        "publisher": "Direktorat Jenderal Perhubungan Darat",
        "roundedTo": groups.ROUNDED_TO_PEOPLE,
        "smallestGroup": groups.SMALLEST_GROUP,
        "daysFrom": groups.SMALL_ORGANIZER,
        "tables": [
            {
                "name": table.name,
                "id": table.indonesian,
                "en": table.english,
                "columns": [{"name": name, "id": COLUMNS[name][0], "en": COLUMNS[name][1]} for name in table.columns],
            }
            for table in TABLES
        ],
        "files": [{"name": one.name, "bytes": len(one.content), "sha256": one.digest} for one in files],
    }


def _of_table(told: ToldSeason, table: Table, rows: Sequence[Row]) -> list[PublicFile]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.columns)
    writer.writerows(rows)
    content = {
        "season": told.season,
        "until": told.until,
        "final": told.final,
        "rows": [dict(zip(table.columns, row, strict=True)) for row in rows],
    }
    return [
        _file(f"{table.name}.csv", text.getvalue().encode()),
        _file(f"{table.name}.json", orjson.dumps(content)),
    ]


def _file(name: str, content: bytes) -> PublicFile:
    return PublicFile(name, content, sha256(content).hexdigest())
