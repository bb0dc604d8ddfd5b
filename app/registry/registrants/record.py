"""A registrant as a caller may see it: its own in full; others, where its scopes show them at all, masked.

The one place where a NIK or a name is opened for reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from app.registry.caller import Caller
from app.vault.vault import Vault

MASKED_NAME = "***"
ERASED = "(dihapus)"

COLUMNS = """
    r.id, r.season, r.organizer_code AS organizer, o.name AS organizer_name, r.route_id, r.direction, r.service,
    r.status, r.nik_sealed, r.name_sealed, r.reference, r.identity_document, r.plate, r.registration_number,
    r.handed_over_at, r.registered_at, r.arrived_at, r.verify_by, r.verified_at, r.departed_at, r.late, r.healthy,
    r.outbound_id
"""
FROM = "registrant r JOIN organizer o ON o.code = r.organizer_code"


@dataclass(slots=True)
class Record:
    id: UUID
    season: int
    organizer: str
    organizer_name: str
    route_id: UUID
    direction: str
    service: str
    status: str
    nik: str
    """16 digits for its owner, `************0001` for anyone else, `(dihapus)` once erased."""
    name: str
    own: bool
    reference: str | None = None
    identity_document: str | None = None
    plate: str | None = None
    registration_number: str | None = None
    handed_over_at: datetime | None = None
    registered_at: datetime = datetime.min  # noqa: DTZ901 - every construction names it
    arrived_at: datetime = datetime.min  # noqa: DTZ901
    verify_by: datetime | None = None
    verified_at: datetime | None = None
    departed_at: datetime | None = None
    late: bool | None = None
    healthy: bool | None = None
    outbound_id: UUID | None = None


@dataclass(slots=True, kw_only=True)
class Stored:
    """A row of `COLUMNS`. A statement that selects more columns reads its rows as a class that adds these."""

    id: UUID
    season: int
    organizer: str
    organizer_name: str
    route_id: UUID
    direction: str
    service: str
    status: str
    nik_sealed: bytes | None
    name_sealed: bytes | None
    reference: str | None
    identity_document: str | None
    plate: str | None
    registration_number: str | None
    handed_over_at: datetime | None
    registered_at: datetime
    arrived_at: datetime
    verify_by: datetime | None
    verified_at: datetime | None
    departed_at: datetime | None
    late: bool | None
    healthy: bool | None
    outbound_id: UUID | None


_FACTS = [name for name in Record.__slots__ if name not in {"nik", "name", "own"}]


def from_row(row: Row[Any] | Stored, vault: Vault, caller: Caller) -> Record:
    """`row` has the columns of `COLUMNS`, and perhaps others."""
    facts = {name: getattr(row, name) for name in _FACTS}
    nik_sealed: Any = row.nik_sealed
    name_sealed: Any = row.name_sealed
    own = caller.owns(facts["organizer"])
    if not own:
        facts.update(reference=None, plate=None, registration_number=None)
    if nik_sealed is None:
        return Record(nik=ERASED, name=ERASED, own=own, **facts)
    nik = vault.open(nik_sealed)
    return Record(
        nik=nik if own else vault.mask(nik),
        name=vault.open(name_sealed) if own else MASKED_NAME,
        own=own,
        **facts,
    )
