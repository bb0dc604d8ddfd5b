"""Who sits where, as the organizer knows it: a file of JSON, `[{"registrant", "route", "bus", "seat"}]`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    registrant: str
    """The registry's id of a person."""
    route: str
    bus: str
    seat: str


@dataclass(frozen=True)
class Seats:
    by_registrant: dict[str, Place]
    buses: dict[str, list[str]]
    """Of each route."""


def read(file: Path) -> Seats:
    places = [Place(**one) for one in json.loads(file.read_text(encoding="utf-8"))]
    buses: dict[str, list[str]] = {}
    for place in places:
        if place.bus not in buses.setdefault(place.route, []):
            buses[place.route].append(place.bus)
    return Seats({place.registrant: place for place in places}, buses)
