"""Uniqueness: one holding registrant per season × NIK × direction × service, over all organizers (S1).

Reading what stands is a courtesy. The rule is the partial unique index `uq_registrant_holding_nik`. The first to arrive
wins. The other learns the winner's organizer, direction, service, status and date, and never a name.

A mistyped NIK passes that index. So whoever arrives under a booking code is compared by name with those who stand there
under other NIKs, and the organizer is warned of its own people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from app.clock import wib_day
from app.db import Session
from app.errors import Standing
from app.models.statuses import HOLDS_NIK, YET_TO_DEPART
from app.registry.caller import Caller
from app.registry.registrants import opening, view
from app.registry.registrants.view import Stored
from app.registry.routes import lap_infants
from app.registry.terms.deadlines import Deadline
from app.registry.values import nik
from app.server.slices import each, sliced
from app.sql import Arrays, statement
from app.vault.vault import Vault


class NikClaim(NamedTuple):
    """What only one registrant can hold in a season."""

    nik_index: bytes
    direction: str
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NikHolder:
    """A registration that holds a claim: one in the database, or one accepted earlier in the same batch."""

    id: UUID
    organizer: str
    organizer_name: str
    route_id: UUID
    direction: str
    service: str
    status: str
    registered_at: datetime
    deadline: Deadline
    destination_city: str
    name_sealed: bytes
    stored: Stored | None
    """None: accepted earlier in the same batch."""

    @property
    def registered_on(self) -> date:
        return wib_day(self.registered_at)

    def standing(self, caller: Caller) -> Standing:
        return Standing(
            organizer=self.organizer,
            organizer_name=self.organizer_name,
            direction=self.direction,
            service=self.service,
            status=self.status,
            registered_on=self.registered_on,
            own=caller.owns(self.organizer),
        )


@dataclass(slots=True)
class StandingOfNiks:
    """What stands in a season for a set of NIKs."""

    held: dict[NikClaim, NikHolder]
    blocked_until: dict[bytes, int]
    """The last season of a NIK's longest block."""


@dataclass(slots=True, kw_only=True)
class _StandingRow(Stored):
    """A NIK that is blocked or held, and a registrant that holds it. Without a registrant, all columns of `Stored` are
    NULL.
    """

    nik_index: bytes
    blocked_until: int | None
    destination_city: str


class NikOfOrganizer(NamedTuple):
    nik_index: bytes
    organizer: str


class CodeOfOrganizer(NamedTuple):
    organizer: str
    reference: str


class WayOfBooking(NamedTuple):
    code: CodeOfOrganizer
    direction: str
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Booked:
    """Whoever has ever been registered under a booking code, and what is left of the person."""

    organizer: str
    reference: str
    id: UUID
    season: int
    direction: str
    service: str
    status: str
    nik_index: bytes | None
    name_sealed: bytes | None

    @property
    def way(self) -> WayOfBooking:
        return WayOfBooking(CodeOfOrganizer(self.organizer, self.reference), self.direction, self.service)


MOST_NAMED = 3
"""Registrants that one warning names."""
_OWN_ASKED = Arrays("asked", NikOfOrganizer)
_STANDING = statement(
    f"""
    SELECT asked.nik_index, block.until_season AS blocked_until, destination.city AS destination_city, {view.COLUMNS}
    FROM unnest(CAST(:nik_index AS bytea[])) AS asked (nik_index)
    LEFT JOIN LATERAL (
        SELECT max(until_season) AS until_season FROM nik_block b WHERE b.nik_index = asked.nik_index
            AND b.lifted_at IS NULL AND :season BETWEEN b.from_season AND b.until_season
    ) block ON true
    -- OFFSET 0 has PostgreSQL look up one NIK after the other. A table that has just begun to grow has no statistics.
    -- PostgreSQL would then read the whole table for each of a thousand NIKs.
    LEFT JOIN LATERAL (
        SELECT * FROM registrant WHERE season = :season AND nik_index = asked.nik_index AND {HOLDS_NIK} OFFSET 0
    ) r ON true
    LEFT JOIN organizer o ON o.code = r.organizer_code
    LEFT JOIN route ON route.id = r.route_id
    LEFT JOIN terminal destination ON destination.code = route.destination_code
    -- Most NIKs that are submitted are new.
    WHERE r.id IS NOT NULL OR block.until_season IS NOT NULL
    """,
    _StandingRow,
)
# Neither blocks nor what others hold are read: an answer that does not tell takes as long for any NIK.
_OWN = statement(
    f"""
    SELECT asked.nik_index, CAST(NULL AS int) AS blocked_until, destination.city AS destination_city, {view.COLUMNS}
    FROM {_OWN_ASKED}
    JOIN LATERAL (
        SELECT * FROM registrant
        WHERE season = :season AND nik_index = asked.nik_index AND organizer_code = asked.organizer AND {HOLDS_NIK}
        OFFSET 0
    ) r ON true
    JOIN organizer o ON o.code = r.organizer_code
    JOIN route ON route.id = r.route_id
    JOIN terminal destination ON destination.code = route.destination_code
    """,
    _StandingRow,
)
# OFFSET 0 has PostgreSQL look up one registrant after the other, by the index that fits. A plan of an empty table would
# also read the whole index of holding NIKs.
_HELD = f"""
    SELECT other.id FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    JOIN LATERAL (SELECT season, nik_index, organizer_code FROM registrant WHERE id = asked.id OFFSET 0) r ON true
    JOIN LATERAL (
        SELECT id, organizer_code FROM registrant
        WHERE season = r.season AND nik_index = r.nik_index AND {HOLDS_NIK} OFFSET 0
    ) other ON other.organizer_code = r.organizer_code
"""
"""Both ways and the motorcycle: at most four registrants hold a NIK in a season."""
HELD_BY_THE_SAME_PERSON = statement(_HELD, UUID)
"""What the people of the registrants `:ids` hold with the same organizers."""
WITH_THE_SAME_PERSON = f"r.id = ANY(CAST(:ids AS uuid[]) || ARRAY({_HELD}))"
"""SQL: `r` is one of the registrants `:ids`, or is held by the same person with the same organizer."""

_CODES = Arrays("asked", CodeOfOrganizer)
# No index has booking code and season. So a code is read over all seasons: what more people share is no booking.
# Most codes that are submitted are new, so the statement does no more than look each of them up.
_BOOKED = statement(
    f"""
    SELECT asked.organizer, asked.reference, r.*
    FROM {_CODES} JOIN LATERAL (
        SELECT id, season, direction, service, status, nik_index, name_sealed FROM registrant
        WHERE organizer_code = asked.organizer AND reference = asked.reference
        LIMIT {lap_infants.MOST_OF_A_BOOKING + 1} OFFSET 0
    ) r ON true
    """,
    _Booked,
)


async def standing(session: Session, season: int, nik_indexes: Collection[bytes]) -> StandingOfNiks:
    return _read(await session.rows(_STANDING, season=season, nik_index=list(nik_indexes)))


async def own(session: Session, season: int, niks: Collection[tuple[bytes, str]]) -> StandingOfNiks:
    """What each of `niks` holds with the organizer beside it. Blocks, and what other organizers hold, are left out."""
    asked = [NikOfOrganizer(*one) for one in niks]
    return _read(await session.rows(_OWN, season=season, **_OWN_ASKED.of(asked)))


async def booked_names(
    session: Session, vault: Vault, season: int, ways: Collection[WayOfBooking], besides: Collection[NikOfOrganizer]
) -> dict[WayOfBooking, dict[tuple[str, ...], list[UUID]]]:
    """Who is yet to depart in each of `ways`, by the key of the name (`names.key`). Whoever has one of the NIKs
    `besides` is left out. A code that hundreds share is no booking: nobody is found there.
    """
    codes = list(dict.fromkeys(way.code for way in ways))
    rows = await session.rows(_BOOKED, **_CODES.of(codes))
    sharers = Counter([CodeOfOrganizer(row.organizer, row.reference) async for row in sliced(rows)])
    booked = [
        row
        async for row in sliced(rows)
        if sharers[row.way.code] <= lap_infants.MOST_OF_A_BOOKING
        and row.season == season
        and row.status in YET_TO_DEPART
        and row.way in ways
    ]
    return await _by_name(booked, vault, besides)


async def _by_name(
    booked: Iterable[_Booked], vault: Vault, besides: Collection[NikOfOrganizer]
) -> dict[WayOfBooking, dict[tuple[str, ...], list[UUID]]]:
    people = [
        (row, row.name_sealed)
        for row in sorted(booked, key=attrgetter("id"))
        if row.name_sealed is not None
        and row.nik_index is not None
        and NikOfOrganizer(row.nik_index, row.organizer) not in besides
    ]
    keys = await each(lambda one: opening.name_key(one[1], vault), people)
    found: dict[WayOfBooking, dict[tuple[str, ...], list[UUID]]] = {}
    for (row, _), key in zip(people, keys, strict=True):
        found.setdefault(row.way, {}).setdefault(key, []).append(row.id)
    return found


def nik_differs(ids: Sequence[UUID]) -> nik.Warning:
    """Of somebody who is registered, while `ids` stand in the same booking under the same name and another NIK."""
    named = ", ".join(str(one) for one in ids[:MOST_NAMED])
    return nik.Warning(
        "NIK_DIFFERS",
        "Orang dengan nama dan kode booking yang sama sudah terdaftar pada Anda dengan NIK lain (id pendaftaran:"
        f" {named}); keduanya kini terdaftar. Bila orangnya sama, batalkan pendaftaran yang NIK-nya salah: kirim"
        " barisnya dengan kode 5, atau batalkan di halaman Pendaftar atau lewat aplikasi Anda.",
        "Somebody of the same name and booking code is already registered with you under another NIK (id of the"
        f" registration: {named}); both are registered now. If the two are one person, cancel the registration with"
        " the wrong NIK: send its row with code 5, or cancel it on the page Pendaftar or by cancelRegistrant.",
    )


def _read(rows: Iterable[_StandingRow]) -> StandingOfNiks:
    found = StandingOfNiks({}, {})
    for row in rows:
        if row.blocked_until is not None:
            found.blocked_until[row.nik_index] = row.blocked_until
        if row.id is not None and row.name_sealed is not None:
            found.held[NikClaim(row.nik_index, row.direction, row.service)] = _held(row, row.name_sealed)
    return found


def _held(row: _StandingRow, name_sealed: bytes) -> NikHolder:
    return NikHolder(
        id=row.id,
        organizer=row.organizer,
        organizer_name=row.organizer_name,
        route_id=row.route_id,
        direction=row.direction,
        service=row.service,
        status=row.status,
        registered_at=row.registered_at,
        deadline=Deadline(row.verify_by, row.forfeits_at),
        destination_city=row.destination_city,
        name_sealed=name_sealed,
        stored=row,
    )
