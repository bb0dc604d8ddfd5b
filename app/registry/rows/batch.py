"""A batch of rows on their way to their verdicts: what was sent, what can be judged of it, and the routes it means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from app.clock import wib_day
from app.db import Session
from app.errors import Refusal
from app.registry.caller import Caller
from app.registry.registrants.uniqueness import NikOfOrganizer
from app.registry.routes.route import Route
from app.registry.rows import provisional, recognition
from app.registry.rows.recognition import Recognised
from app.registry.rows.row import Itinerary, ParsedRow, Row, parse, spelling_of_organizer
from app.registry.rows.verdicts import Result, Verdict
from app.registry.terms import season_bounds
from app.registry.values.particulars import Particulars
from app.server.slices import sliced
from app.sql import statement
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Applying:
    """Rows may move and correct people who are known (`changes: APPLY`)."""

    as_of: datetime | None = None
    """The instant of the list: whoever was changed after it stays. None: now."""


@dataclass(frozen=True, slots=True)
class Push:
    """A row, and who sent it."""

    caller: Caller
    row: Row
    applying: Applying | None = None
    """None: what differs is only reported (`changes: REPORT`)."""


class NaturalKey(NamedTuple):
    """Whom a row is about. Within a season, an organizer has at most one registrant of it who holds the NIK."""

    organizer: str
    nik_index: bytes
    direction: str
    service: str


@dataclass(slots=True, kw_only=True)
class KnownRegistrant(Particulars):
    """A registrant of the organizer of a row."""

    organizer: str
    nik_index: bytes
    direction: str
    service: str
    id: UUID
    status: str
    route_id: UUID
    registered_at: datetime
    plate: str | None
    registration_number: str | None
    name_sealed: bytes

    @property
    def key(self) -> NaturalKey:
        return NaturalKey(
            organizer=self.organizer, nik_index=self.nik_index, direction=self.direction, service=self.service
        )


class PlacedRow(NamedTuple):
    place: int
    """Where it stands in the batch, from 0."""
    row: ParsedRow


@dataclass(slots=True, kw_only=True)
class Batch:
    vault: Vault
    now: datetime
    season: int
    ends_on: date
    """Of the season."""
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    """By the places of the rows."""
    routes: dict[Itinerary, Recognised] = field(default_factory=dict)
    made: provisional.Made = field(default_factory=provisional.Made)
    applying: dict[int, Applying] = field(default_factory=dict)
    """By the places of the rows that may change somebody."""
    stored_routes: dict[UUID, Route] = field(default_factory=dict)
    """The stored routes of the people whose rows name a different route."""
    named: frozenset[NikOfOrganizer] = frozenset()
    """Whom the rows name."""
    used_routes: set[UUID] = field(default_factory=set)
    """Routes that somebody was registered on."""
    has_its_turn: bool = False
    """This batch holds the turn: no other transaction can register or end somebody who was unknown (`early_ends`)."""

    def route(self, row: ParsedRow) -> Recognised:
        return self.routes[row.itinerary]

    def means_another_route(self, row: ParsedRow, known: KnownRegistrant) -> bool:
        return known.route_id not in self.route(row).alike

    def other_route(self, row: ParsedRow, known: KnownRegistrant) -> Route | None:
        """The stored route of the registrant, if `row` names a different route."""
        return self.stored_routes.get(known.route_id) if self.means_another_route(row, known) else None

    def key(self, row: ParsedRow) -> NaturalKey:
        return NaturalKey(
            organizer=row.organizer,
            nik_index=row.nik_index,
            direction=row.itinerary.direction,
            service=self.route(row).service,
        )


class _OrganizerName(NamedTuple):
    code: str
    name: str


_NAMES = statement("SELECT code, name FROM organizer WHERE code = ANY(CAST(:codes AS text[]))", _OrganizerName)


async def read(
    session: Session, batch: Batch, pushes: Sequence[Push], in_turn: Callable[[], Awaitable[object]] | None
) -> list[PlacedRow]:
    """The rows that can be judged on, and into `batch` the routes that they mean; the other rows get their verdicts."""
    own = await _own_organizers(session, {one.caller for one in pushes})
    rows = await _parse(batch, pushes, own)
    batch.named = frozenset(NikOfOrganizer(one.row.nik_index, one.row.organizer) for one in rows)
    if in_turn is not None:
        await in_turn()
    itineraries = {one.row.itinerary for one in rows}
    if itineraries:
        offers = await recognition.offers(session, batch.season, itineraries)
        batch.routes = {one: recognition.recognise(one, offers, batch.now) for one in itineraries}
    return rows


async def _parse(batch: Batch, pushes: Sequence[Push], own: Mapping[Caller, Mapping[str, str]]) -> list[PlacedRow]:
    today = wib_day(batch.now)
    rows: list[PlacedRow] = []
    async for place, one in sliced(list(enumerate(pushes))):
        parsed = parse(one.row, one.caller, own[one.caller], batch.vault, today)
        if not isinstance(parsed, Refusal):
            leaves_at = parsed.itinerary.departs_at
            parsed = season_bounds.judge_departure(leaves_at, batch.ends_on, "waktu_keberangkatan") or parsed
        if isinstance(parsed, Refusal):
            batch.verdicts[place] = Verdict(result=Result.REFUSED, refusal=parsed)
        else:
            rows.append(PlacedRow(place, parsed))
            if one.applying is not None:
                batch.applying[place] = one.applying
    return rows


async def _own_organizers(session: Session, callers: Iterable[Caller]) -> dict[Caller, dict[str, str]]:
    """Of each caller its organizers, by the spellings of their codes and of their names."""
    codes = {code for caller in callers for code in caller.organizers}
    found = await session.rows(_NAMES, codes=sorted(codes))
    spellings = [(spelling_of_organizer(word), one.code) for one in found for word in (one.name, one.code)]
    return {caller: {word: code for word, code in spellings if caller.owns(code)} for caller in callers}
