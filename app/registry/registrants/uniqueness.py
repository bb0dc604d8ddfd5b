"""Uniqueness: one holding registrant per season × NIK × direction × service, over all organizers (S1).

Reading what stands is a courtesy; the rule is the partial unique index `uq_registrant_holding_nik`. The first to arrive
wins; the other learns the winner's organizer, direction, service, status and date, and never a name.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text

from app.clock import wib_day
from app.db import Session
from app.errors import NikAlreadyRegistered, Standing
from app.models.registrant import HOLDS_NIK
from app.registry.caller import Caller
from app.registry.registrants import record


class Claim(NamedTuple):
    """What only one registrant can hold in a season."""

    nik_index: bytes
    direction: str
    service: str


@dataclass(frozen=True, slots=True)
class Held:
    """A registration that holds a claim: one in the database, or one accepted earlier in the same batch."""

    id: UUID
    organizer: str
    organizer_name: str
    route_id: UUID
    direction: str
    service: str
    status: str
    registered_at: datetime
    destination_city: str
    name_sealed: bytes
    row: Row[Any] | None
    """As `record.from_row` reads it. None: accepted earlier in the same batch."""

    @property
    def registered_on(self) -> date:
        return wib_day(self.registered_at)

    def standing(self, caller: Caller) -> Standing:
        return Standing(
            self.organizer,
            self.organizer_name,
            self.direction,
            self.service,
            self.status,
            self.registered_on,
            caller.owns(self.organizer),
        )


@dataclass(slots=True)
class Facts:
    """What stands in a season for a set of NIKs."""

    held: dict[Claim, Held]
    blocked_until: dict[bytes, int]
    """The last season of a NIK's longest block."""


_STANDING = text(
    f"""
    SELECT asked.nik_index, block.until_season AS blocked_until, destination.city AS destination_city, {record.COLUMNS}
    FROM unnest(CAST(:nik_index AS bytea[])) AS asked (nik_index)
    LEFT JOIN LATERAL (
        SELECT max(until_season) AS until_season FROM nik_block b WHERE b.nik_index = asked.nik_index
            AND b.lifted_at IS NULL AND :season BETWEEN b.from_season AND b.until_season
    ) block ON true
    -- OFFSET: looked up NIK by NIK. A table that has just begun to grow has no statistics, and would be read as a whole
    -- for each of a thousand NIKs.
    LEFT JOIN LATERAL (
        SELECT * FROM registrant WHERE season = :season AND nik_index = asked.nik_index AND {HOLDS_NIK} OFFSET 0
    ) r ON true
    LEFT JOIN organizer o ON o.code = r.organizer_code
    LEFT JOIN route ON route.id = r.route_id
    LEFT JOIN terminal destination ON destination.code = route.destination_code
    """
)


async def standing(session: Session, season: int, nik_indexes: Collection[bytes]) -> Facts:
    rows = await session.execute(_STANDING, {"season": season, "nik_index": list(nik_indexes)})
    facts = Facts({}, {})
    for row in rows:
        if row.blocked_until is not None:
            facts.blocked_until[row.nik_index] = row.blocked_until
        if row.id is not None:
            facts.held[Claim(row.nik_index, row.direction, row.service)] = _held(row)
    return facts


def already_registered(held: Held, caller: Caller, field: str = "nik") -> NikAlreadyRegistered:
    return NikAlreadyRegistered(field, standing=held.standing(caller))


def _held(row: Row[Any]) -> Held:
    return Held(
        row.id,
        row.organizer,
        row.organizer_name,
        row.route_id,
        row.direction,
        row.service,
        row.status,
        row.registered_at,
        row.destination_city,
        row.name_sealed,
        row,
    )
