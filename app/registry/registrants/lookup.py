"""Finding registrants: by id, by an organizer's own booking code, by NIK; pages of them; their returns.

A caller finds its own registrants. With `everyone` (the dashboard) it finds those of others too, masked, but never by
NIK or booking code. A look by NIK is written to the access log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NikInvalid, NotFound, refuses
from app.models.enums import Direction, Purpose, Service
from app.models.statuses import AWAITS_VERIFICATION, HOLDS_NIK
from app.registry.caller import Caller
from app.registry.niks import access_log
from app.registry.registrants import view
from app.registry.registrants.view import Stored, View
from app.registry.values import nik
from app.registry.values.texts import reason_given
from app.server.slices import each
from app.sql import Arrays, Statement, statement
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """One registrant: exactly one of `id`, `reference` and `nik` (with direction and service) is given."""

    id: UUID | None = None
    reference: str | None = None
    nik: str | None = None
    direction: str = Direction.MUDIK
    service: str = Service.PASSENGER


@dataclass(frozen=True, slots=True, kw_only=True)
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

    def told(self) -> dict[str, object]:
        """What was asked for, without the booking code: that tells who somebody is."""
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return given | ({"reference": True} if self.reference is not None else {})


class _NamedRegistrant(NamedTuple):
    """A `Ref`, its NIK as a blind index."""

    id: UUID | None
    reference: str | None
    nik_index: bytes | None
    direction: str
    service: str


class _CandidateOfRef(NamedTuple):
    """A registrant that the ref at `place` may name."""

    place: int
    id: UUID
    season: int
    direction: str
    holds: bool


_NAMED = Arrays("ref", _NamedRegistrant, numbered=True)
_OWN = "r.organizer_code = ANY(CAST(:own AS text[]))"
_CANDIDATES = statement(
    f"""
    WITH ref AS (SELECT * FROM {_NAMED}),
    found AS (
        SELECT ref.place, r.* FROM ref JOIN registrant r ON r.id = ref.id WHERE :everyone OR {_OWN}
        UNION ALL
        -- OFFSET 0 has PostgreSQL look up one code after the other. It would else read all registrants of an organizer.
        SELECT ref.place, r.* FROM ref
        JOIN LATERAL (SELECT * FROM registrant r WHERE r.reference = ref.reference AND {_OWN} OFFSET 0) r ON true
        UNION ALL
        SELECT ref.place, r.* FROM ref JOIN registrant r
            ON r.nik_index = ref.nik_index AND r.direction = ref.direction AND r.service = ref.service
        WHERE {_OWN} OR :any_nik
    )
    SELECT place, id, season, direction, {HOLDS_NIK} AS holds FROM found
    ORDER BY place, season DESC, {HOLDS_NIK} DESC, direction = 'MUDIK' DESC, id DESC
    """,
    _CandidateOfRef,
)
_IDS_OF_NIK = statement("SELECT id FROM registrant WHERE nik_index = :nik_index ORDER BY id", UUID)
_BY_IDS = statement(
    f"""
    SELECT {view.COLUMNS} FROM {view.FROM}
    WHERE r.id = ANY(CAST(:ids AS uuid[])) AND (:everyone OR {_OWN})
    """,
    Stored,
)
_RETURNS_OF = statement(
    f"""
    SELECT {view.COLUMNS} FROM {view.FROM}
    WHERE r.outbound_id = ANY(CAST(:ids AS uuid[])) AND (:everyone OR {_OWN}) ORDER BY {HOLDS_NIK}, r.id
    """,
    Stored,
)
_CONDITIONS = {
    "organizer": "r.organizer_code = :organizer",
    "route_id": "r.route_id = :route_id",
    "direction": "r.direction = :direction",
    "service": "r.service = :service",
    "statuses": "r.status = ANY(CAST(:statuses AS text[]))",
    "registered_from": "r.registered_at >= :registered_from",
    "registered_to": "r.registered_at < :registered_to",
    "verify_before": f"r.verify_by < :verify_before AND r.{AWAITS_VERIFICATION}",
    "reference": f"r.reference = :reference AND {_OWN}",
    "season": "r.season = :season",
    "after": "r.id > :after",
    "own": _OWN,
}


@cache
def _page(given: frozenset[str]) -> Statement[Stored]:
    """Only the conditions that are asked for. With every condition made optional, it would read the whole table."""
    conditions = [condition for name, condition in _CONDITIONS.items() if name in given]
    return statement(
        f"""
        SELECT {view.COLUMNS} FROM {view.FROM} WHERE {" AND ".join(conditions or ["true"])}
        ORDER BY r.id LIMIT :most
        """,
        Stored,
    )


_PAGES = {"everybody": _page(frozenset()), **{name: _page(frozenset({name})) for name in _CONDITIONS}}
"""A page without a condition, and one with each: tests prepare and plan these."""


@refuses(NikInvalid, NotFound, InvalidValue)
async def resolve(
    session: Session,
    vault: Vault,
    caller: Caller,
    refs: Sequence[Ref],
    now: datetime,
    *,
    everyone: bool,
    any_nik: bool = False,
) -> list[UUID | NotFound | NikInvalid | InvalidValue]:
    """The id of the registrant that each ref names: of the newest season, the one that holds its NIK, else the newest.

    A booking code is refused as ambiguous if several registrants of one direction hold their NIKs and carry the code.
    Whoever names somebody by NIK looks at the NIK, whatever is to be done then: that is written down.
    """
    parsed = await each(lambda ref: None if ref.nik is None else nik.parse(ref.nik), refs)
    named = [
        _NamedRegistrant(
            id=ref.id,
            reference=ref.reference,
            nik_index=vault.blind_index(one.digits) if isinstance(one, nik.Nik) else None,
            direction=ref.direction,
            service=ref.service,
        )
        for ref, one in zip(refs, parsed, strict=True)
    ]
    looks = [
        access_log.look(caller, one.nik_index, Purpose.LOOKUP, direction=one.direction, service=one.service)
        for one in named
        if one.nik_index is not None
    ]
    if looks:
        await access_log.record(session, looks, now)
    candidates: dict[int, list[_CandidateOfRef]] = defaultdict(list)
    own = sorted(caller.organizers)
    for row in await session.rows(_CANDIDATES, own=own, everyone=everyone, any_nik=any_nik, **_NAMED.of(named)):
        candidates[row.place].append(row)
    return [
        one if isinstance(one, NikInvalid) else _choose(candidates[place]) for place, one in enumerate(parsed, start=1)
    ]


@refuses(NikInvalid, NotFound, InvalidValue)
async def find(
    session: Session,
    vault: Vault,
    caller: Caller,
    refs: Sequence[Ref],
    *,
    everyone: bool,
    now: datetime,
    purpose: str | None = None,
) -> list[View | NotFound | NikInvalid | InvalidValue]:
    """The registrant of each ref as the caller may see it. Whoever shows them writes the `purpose` down with them."""
    given = None if purpose is None else reason_given(purpose, "purpose")
    if isinstance(given, InvalidValue):
        return [given] * len(refs)
    chosen = await resolve(session, vault, caller, refs, now, everyone=everyone)
    ids = [one for one in chosen if isinstance(one, UUID)]
    found = await by_ids(session, vault, caller, ids, everyone=everyone)
    records = {one.id: one for one in found if one is not None}
    return [records[one] if isinstance(one, UUID) else one for one in chosen]


def index_of(vault: Vault, ref: Ref) -> bytes | None:
    """The blind index of the NIK that a ref names. None: it names no NIK."""
    parsed = None if ref.nik is None else nik.parse(ref.nik)
    return vault.blind_index(parsed.digits) if isinstance(parsed, nik.Nik) else None


async def ids_of_nik(session: Session, nik_index: bytes) -> list[UUID]:
    """Of all seasons and organizers."""
    return await session.rows(_IDS_OF_NIK, nik_index=nik_index)


async def by_ids(
    session: Session, vault: Vault, caller: Caller, ids: Sequence[UUID], *, everyone: bool
) -> list[View | None]:
    """The registrants of `ids`, in that order. None: the caller may see no registrant of this id."""
    rows = await session.rows(_BY_IDS, ids=list(ids), everyone=everyone, own=sorted(caller.organizers))
    found = {row.id: view.from_row(row, vault, caller) for row in rows}
    return [found.get(one) for one in ids]


async def returns_of(
    session: Session, vault: Vault, caller: Caller, ids: Sequence[UUID], *, everyone: bool
) -> list[View | None]:
    """The way back of each outbound: the one that holds its NIK, else the newest."""
    rows = await session.rows(_RETURNS_OF, ids=list(ids), everyone=everyone, own=sorted(caller.organizers))
    found = {row.outbound_id: view.from_row(row, vault, caller) for row in rows}
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
) -> list[View]:
    """Up to `first` + 1 registrants behind `after`, in the order of their ids, which is that of their arrival.

    A filter on the booking code finds only registrants of one's own.
    """
    values = {**asdict(where), "after": after, "own": None if everyone else True}
    given = {
        name: list(value) if isinstance(value, tuple) else value for name, value in values.items() if value is not None
    }
    rows = await session.rows(_page(frozenset(given)), **given | {"own": sorted(caller.organizers), "most": first + 1})
    return [view.from_row(row, vault, caller) for row in rows]


def _choose(candidates: Sequence[_CandidateOfRef]) -> UUID | NotFound | InvalidValue:
    if not candidates:
        return NotFound("ref")
    best = candidates[0]
    rivals = [one for one in candidates if one.holds and (one.season, one.direction) == (best.season, best.direction)]
    if len(rivals) > 1:
        return InvalidValue(
            "reference",
            "Kode booking ini dimiliki beberapa pendaftar; gunakan id, NIK, atau tindakan untuk seluruh booking.",
            "Several registrants carry this booking code; use the id, the NIK, or the action for the whole booking.",
        )
    return best.id
