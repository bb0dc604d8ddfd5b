"""Finding registrants: by id, by an organizer's own booking code, by NIK; pages of them; their returns.

A caller finds its own. With `everyone` (the dashboard) it finds others' too, masked; by NIK or booking code never. A
look by NIK is written to the access log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db import Session
from app.errors import InvalidValue, NikInvalid, NotFound, refuses
from app.models.enums import Direction, Purpose, Service
from app.models.registrant import HOLDS_NIK
from app.registry.caller import Caller
from app.registry.niks import access_log
from app.registry.registrants import record
from app.registry.registrants.record import Record
from app.registry.values import nik
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Ref:
    """One registrant: exactly one of `id`, `reference` and `nik` (with direction and service) is given."""

    id: UUID | None = None
    reference: str | None = None
    nik: str | None = None
    direction: str = Direction.MUDIK
    service: str = Service.PASSENGER


@dataclass(frozen=True, slots=True)
class Filter:
    organizer: str | None = None
    route_id: UUID | None = None
    direction: str | None = None
    service: str | None = None
    statuses: tuple[str, ...] | None = None
    registered_from: datetime | None = None
    registered_to: datetime | None = None
    verify_before: datetime | None = None
    reference: str | None = None
    season: int | None = None


_RESOLVE = text(
    f"""
    WITH ref AS (
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:references AS text[]), CAST(:nik_index AS bytea[]),
                             CAST(:direction AS text[]), CAST(:service AS text[]))
            WITH ORDINALITY AS ref (id, reference, nik_index, direction, service, place)
    ), found AS (
        SELECT ref.place, r.* FROM ref JOIN registrant r ON r.id = ref.id
        WHERE :everyone OR r.organizer_code = ANY(CAST(:own AS text[]))
        UNION ALL
        SELECT ref.place, r.* FROM ref JOIN registrant r ON r.reference = ref.reference
        WHERE r.organizer_code = ANY(CAST(:own AS text[]))
        UNION ALL
        SELECT ref.place, r.* FROM ref JOIN registrant r
            ON r.nik_index = ref.nik_index AND r.direction = ref.direction AND r.service = ref.service
        WHERE r.organizer_code = ANY(CAST(:own AS text[])) OR :any_nik
    )
    SELECT place, id, season, direction, {HOLDS_NIK} AS holds FROM found
    ORDER BY place, season DESC, {HOLDS_NIK} DESC, direction = 'MUDIK' DESC, id DESC
    """
)
_BY_IDS = text(
    f"""
    SELECT {record.COLUMNS} FROM {record.FROM}
    WHERE r.id = ANY(CAST(:ids AS uuid[])) AND (:everyone OR r.organizer_code = ANY(CAST(:own AS text[])))
    """
)
_RETURNS_OF = text(
    f"""
    SELECT {record.COLUMNS} FROM {record.FROM}
    WHERE r.outbound_id = ANY(CAST(:ids AS uuid[])) AND (:everyone OR r.organizer_code = ANY(CAST(:own AS text[])))
    ORDER BY {HOLDS_NIK}, r.id
    """
)
_OWN = "r.organizer_code = ANY(CAST(:own AS text[]))"
_CONDITIONS = {
    "organizer": "r.organizer_code = :organizer",
    "route_id": "r.route_id = :route_id",
    "direction": "r.direction = :direction",
    "service": "r.service = :service",
    "statuses": "r.status = ANY(CAST(:statuses AS text[]))",
    "registered_from": "r.registered_at >= :registered_from",
    "registered_to": "r.registered_at < :registered_to",
    "verify_before": "r.verify_by < :verify_before AND r.status = 'REGISTERED'",
    "reference": f"r.reference = :reference AND {_OWN}",
    "season": "r.season = :season",
    "after": "r.id > :after",
}


@refuses(NikInvalid, NotFound, InvalidValue)
async def resolve(
    session: Session,
    vault: Vault,
    caller: Caller,
    refs: Sequence[Ref],
    *,
    everyone: bool,
    any_nik: bool = False,
) -> list[UUID | NotFound | NikInvalid | InvalidValue]:
    """The id of the registrant that each ref names: of the newest season, the one that holds, else the newest.

    A booking code that several holding registrants carry in one direction is refused as ambiguous.
    """
    parsed = [None if ref.nik is None else nik.parse(ref.nik) for ref in refs]
    rows = await session.execute(
        _RESOLVE,
        {
            "ids": [ref.id for ref in refs],
            "references": [ref.reference for ref in refs],
            "nik_index": [vault.blind_index(one.digits) if isinstance(one, nik.Nik) else None for one in parsed],
            "direction": [ref.direction for ref in refs],
            "service": [ref.service for ref in refs],
            "own": sorted(caller.organizers),
            "everyone": everyone,
            "any_nik": any_nik,
        },
    )
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.place].append(row)
    return [one if isinstance(one, NikInvalid) else _choose(found[place]) for place, one in enumerate(parsed, start=1)]


@refuses(NikInvalid, NotFound, InvalidValue)
async def find(
    session: Session, vault: Vault, caller: Caller, refs: Sequence[Ref], *, everyone: bool, now: datetime
) -> list[Record | NotFound | NikInvalid | InvalidValue]:
    """The registrant of each ref as the caller may see it."""
    chosen = await resolve(session, vault, caller, refs, everyone=everyone)
    records = {
        one.id: one
        for one in await by_ids(
            session, vault, caller, [one for one in chosen if isinstance(one, UUID)], everyone=everyone
        )
        if one is not None
    }
    looks = [
        access_log.Look(
            caller=caller,
            nik_index=vault.blind_index(parsed.digits),
            purpose=Purpose.LOOKUP,
            direction=ref.direction,
            service=ref.service,
        )
        for ref in refs
        if ref.nik is not None and isinstance(parsed := nik.parse(ref.nik), nik.Nik)
    ]
    if looks:
        await access_log.record(session, looks, now)
    return [records[one] if isinstance(one, UUID) else one for one in chosen]


async def by_ids(
    session: Session, vault: Vault, caller: Caller, ids: Sequence[UUID], *, everyone: bool
) -> list[Record | None]:
    """The registrants of `ids`, in that order; None where there is none that the caller may see."""
    facts = {"ids": list(ids), "everyone": everyone, "own": sorted(caller.organizers)}
    found = {row.id: record.from_row(row, vault, caller) for row in await session.execute(_BY_IDS, facts)}
    return [found.get(one) for one in ids]


async def returns_of(
    session: Session, vault: Vault, caller: Caller, ids: Sequence[UUID], *, everyone: bool
) -> list[Record | None]:
    """The way back of each outbound: the one that holds, else the newest."""
    facts = {"ids": list(ids), "everyone": everyone, "own": sorted(caller.organizers)}
    rows = await session.execute(_RETURNS_OF, facts)
    found = {row.outbound_id: record.from_row(row, vault, caller) for row in rows}
    return [found.get(one) for one in ids]


async def page(
    session: Session,
    vault: Vault,
    caller: Caller,
    where: Filter,
    *,
    after: UUID | None,
    first: int,
    everyone: bool,
) -> list[Record]:
    """Up to `first` + 1 registrants behind `after`, in the order of their ids, which is that of their arrival.

    A filter on the booking code finds one's own only.
    """
    values: dict[str, object] = {**asdict(where), "after": after}
    given = {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value is not None
    }
    # Only what is asked for: a statement with every condition made optional would read the whole table.
    conditions = [_CONDITIONS[name] for name in given] + ([] if everyone else [_OWN])
    statement = f"SELECT {record.COLUMNS} FROM {record.FROM} WHERE {' AND '.join(conditions or ['true'])}"
    own = sorted(caller.organizers)
    rows = await session.execute(
        text(f"{statement} ORDER BY r.id LIMIT :most"), {**given, "own": own, "most": first + 1}
    )
    return [record.from_row(row, vault, caller) for row in rows]


def _choose(rows: Sequence[Row[Any]]) -> UUID | NotFound | InvalidValue:
    if not rows:
        return NotFound("ref")
    best = rows[0]
    rivals = [row for row in rows if row.holds and (row.season, row.direction) == (best.season, best.direction)]
    if len(rivals) > 1:
        return InvalidValue(
            "reference",
            "Kode booking ini dimiliki beberapa pendaftar; gunakan id atau NIK.",
            "Several registrants carry this booking code; use the id or the NIK.",
        )
    chosen: UUID = best.id
    return chosen
