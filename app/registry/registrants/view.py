"""A registrant as a caller may see it: its own in full; others, where its scopes show them at all, masked.

A new column of a registrant is one line in `Facts`, or in `Particulars`: every statement selects it, and every door can
show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from uuid import UUID

from app.models.personal_columns import PERSONAL_COLUMNS
from app.registry import outages
from app.registry.caller import Caller
from app.registry.outages import Outage
from app.registry.registrants import opening
from app.registry.values.particulars import Particulars
from app.vault.vault import Vault


@dataclass(slots=True, kw_only=True)
class Facts(Particulars):
    """What is stored of a registrant in the clear."""

    id: UUID
    season: int
    organizer: str
    organizer_name: str
    route_id: UUID
    direction: str
    service: str
    status: str
    plate: str | None = None
    registration_number: str | None = None
    handed_over_at: datetime | None = None
    lap_infant: bool = False
    """Travels on a lap."""
    registered_at: datetime
    arrived_at: datetime
    verify_by: datetime | None = None
    forfeits_at: datetime | None = None
    """Not verified by then, it is forfeited. None: never; behind `verify_by` it is only flagged."""
    verified_at: datetime | None = None
    departed_at: datetime | None = None
    late: bool | None = None
    healthy: bool | None = None
    outbound_id: UUID | None = None
    flags: list[str] = field(default_factory=list)

    @property
    def seats(self) -> int:
        """How many seats of its route this registrant takes while it holds a seat: none for a lap infant."""
        return 0 if self.lap_infant else 1


@dataclass(slots=True, kw_only=True)
class Stored(Facts):
    """A row of `COLUMNS`. A statement that selects more columns reads its rows as a class that adds these."""

    nik_sealed: bytes | None
    """None: erased."""
    name_sealed: bytes | None
    booked_by_nik_sealed: bytes | None
    booked_by_name_sealed: bytes | None


@dataclass(slots=True, kw_only=True)
class View(Facts):
    nik: str
    """As `opening` shows it to the caller."""
    name: str
    own: bool
    booked_by: opening.Person | None = None
    """The applicant, who need not travel. Nobody but the organizer sees who that is."""
    reference_before: str | None = None
    """The booking code that a correction has just replaced."""


_FACTS = tuple(one.name for one in fields(Facts))
_OF_THE_OWNER = tuple(name for name in PERSONAL_COLUMNS["registrant"] if name in _FACTS)
"""What tells who somebody is. Nobody but the organizer of the registrant sees it."""
_OTHERWISE_CALLED = {
    "organizer": "r.organizer_code AS organizer",
    "organizer_name": "o.name AS organizer_name",
    "forfeits_at": "NULLIF(coalesce(r.forfeits_at, r.verify_by), 'infinity') AS forfeits_at",
}
COLUMNS = ", ".join(_OTHERWISE_CALLED.get(one.name, f"r.{one.name}") for one in fields(Stored))
FROM = "registrant r JOIN organizer o ON o.code = r.organizer_code"


@dataclass(slots=True, kw_only=True)
class Locked(Stored):
    """A registrant as `lifecycle` locks it, with what its steps are judged by."""

    nik_index: bytes | None
    posko: str | None
    reopened_at: datetime | None
    season_closed_at: datetime | None
    departs_at: datetime | None
    windows: str | None
    """Those in force, as JSON."""
    block_when_forfeited: bool
    """This and what follows is the organizer's policy in force."""
    block_seasons: int
    no_show_after_minutes: int
    refuse_early_verification: bool
    return_requires_outbound: bool
    news_hours: int
    outages: str | None
    """As JSON."""

    @property
    def away(self) -> Sequence[Outage]:
        return outages.read(self.outages)


def from_row(row: Stored, vault: Vault, caller: Caller) -> View:
    facts = {name: getattr(row, name) for name in _FACTS}
    own = caller.owns(row.organizer)
    if not own:
        facts.update(dict.fromkeys(_OF_THE_OWNER))
    person = opening.person(row.nik_sealed, row.name_sealed, vault, own=own)
    applicant = None
    if own and row.booked_by_nik_sealed is not None:
        applicant = opening.person(row.booked_by_nik_sealed, row.booked_by_name_sealed, vault, own=True)
    return View(nik=person.nik, name=person.name, own=own, booked_by=applicant, **facts)
