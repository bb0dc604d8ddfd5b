"""Submission: a registration arrives. Every door ends here, one or a thousand at a time, with a verdict for each.

The rules in their order: what needs no database (`drafts`) · route · papers · an idempotent repeat · window · block ·
uniqueness · return · destination · quota. A submission with a way back books both legs or neither. The number of SQL
statements does not depend on the number of submissions and is at most twelve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from app.clock import wib_day
from app.db import Session
from app.errors import (
    InvalidValue,
    NikBlocked,
    NotYours,
    QuotaFull,
    Refusal,
    RouteUnknown,
    SeasonClosed,
)
from app.models.enums import Direction
from app.registry import change_log
from app.registry.registrants import booking, cases, drafts, forfeiture, motorcycles, record, returns, uniqueness
from app.registry.registrants.booking import Leg
from app.registry.registrants.cases import Dispute
from app.registry.registrants.drafts import Draft, Submission
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.record import Record
from app.registry.registrants.uniqueness import Claim, Held
from app.registry.routes import quota
from app.registry.routes import route as routes
from app.registry.routes.quota import Seats
from app.registry.routes.route import Route
from app.registry.terms import terms, windows
from app.registry.terms.terms import Terms
from app.registry.values import names, nik
from app.vault.vault import Vault

__all__ = ["Accepted", "Motorcycle", "Submission", "submit"]

OUTSIDE_WINDOW = nik.Warning(
    "OUTSIDE_WINDOW",
    "Pendaftaran ini di luar jadwal penyelenggara; diterima dan ditandai.",
    "This registration is outside its organizer's windows; accepted and flagged.",
)
ROUTE_DIFFERS = nik.Warning(
    "ROUTE_DIFFERS",
    "Orang ini sudah terdaftar pada Anda dengan rute lain; data yang tersimpan tidak berubah.",
    "This person is already registered with you on another route; what is stored has not changed.",
)
NAME_DIFFERS = nik.Warning(
    "NAME_DIFFERS",
    "NIK ini sudah terdaftar pada Anda dengan nama yang jelas berbeda; data yang tersimpan tidak berubah.",
    "This NIK is already registered with you under a clearly different name; what is stored has not changed.",
)


@dataclass(frozen=True, slots=True)
class Accepted:
    record: Record
    return_record: Record | None
    replayed: bool
    """It was there already; no second seat was taken."""
    warnings: tuple[nik.Warning, ...]


@dataclass(slots=True)
class Facts:
    """What the batch is judged against; grows by what the batch accepts."""

    vault: Vault
    now: datetime
    routes: dict[UUID, Route]
    terms: dict[str, Terms]
    seats: dict[UUID, Seats]
    held: dict[Claim, Held]
    blocked_until: dict[bytes, int]
    legs: dict[UUID, Leg] = field(default_factory=dict)
    disputes: list[Dispute] = field(default_factory=list)


@dataclass(slots=True)
class Judged:
    """The legs of one submission: booked now, or held already."""

    draft: Draft
    ways: list[Leg | Held] = field(default_factory=list)
    warnings: list[nik.Warning] = field(default_factory=list)


async def submit(
    session: Session, vault: Vault, submissions: Sequence[Submission], now: datetime
) -> list[Accepted | Refusal]:
    """Register people. Run it through `Database.attempt`: it raises `Raced` when another batch took a NIK meanwhile.

    Refuses NotYours, NikInvalid, InvalidValue, RouteUnknown, SeasonClosed, MotorcycleRequired, RegistrationClosed,
    NikBlocked, NikAlreadyRegistered, ReturnWithoutOutbound, ReturnCityMismatch, DestinationMismatch, QuotaFull.
    """
    today = wib_day(now)
    drafted = [drafts.draft(one, vault, today, now) for one in submissions]
    facts = await _facts(session, vault, [one for one in drafted if isinstance(one, Draft)], now)
    judged = [_judge(one, facts) if isinstance(one, Draft) else one for one in drafted]
    await _write(session, facts)
    return [_accepted(one, facts) if isinstance(one, Judged) else one for one in judged]


async def _facts(session: Session, vault: Vault, drafted: Sequence[Draft], now: datetime) -> Facts:
    in_force = await terms.in_force(session, {one.organizer for one in drafted})
    wanted = {one.submission.route_id for one in drafted} | {one.submission.return_route_id for one in drafted}
    ids = [route_id for route_id in wanted if route_id is not None]
    known = {route.id: route for route in await routes.by_ids(session, ids, now) if route is not None}
    # The route rows come first, then the NIKs: every writer locks in this order.
    seats = await quota.lock(session, known, now)
    season = next((one.season for one in in_force.values() if one.season is not None), 0)
    standing = await uniqueness.standing(session, season, {one.nik_index for one in drafted})
    return Facts(vault, now, known, in_force, seats, standing.held, standing.blocked_until)


def _judge(draft: Draft, facts: Facts) -> Judged | Refusal:
    judged = Judged(draft, warnings=list(draft.nik.warnings))
    ways = [(draft.submission.route_id, "routeId")]
    if draft.submission.return_route_id is not None:
        ways.append((draft.submission.return_route_id, "returnRouteId"))
    for route_id, name in ways:
        way = _judge_way(route_id, name, judged, facts)
        if isinstance(way, Refusal):
            return way
        judged.ways.append(way)
    for way in judged.ways:
        if isinstance(way, Leg):
            _deal(way, facts)
    return judged


def _judge_way(route_id: UUID | None, name: str, judged: Judged, facts: Facts) -> Leg | Held | Refusal:
    draft = judged.draft
    route = _route(route_id, name, judged, facts)
    if isinstance(route, Refusal):
        return route
    papers = motorcycles.judge(route.service, draft.submission.motorcycle)
    if isinstance(papers, Refusal):
        return papers
    held = facts.held.get(Claim(draft.nik_index, route.direction, route.service))
    if held is not None and held.organizer == draft.organizer:
        judged.warnings.extend(_differences(draft, route, held, facts.vault))
        return held
    refused = _refused(route, held, name, judged, facts)
    return _leg(route, papers, judged, facts) if refused is None else refused


def _route(route_id: UUID | None, name: str, judged: Judged, facts: Facts) -> Route | Refusal:
    draft = judged.draft
    route = None if route_id is None else facts.routes.get(route_id)
    if route is None:
        return RouteUnknown(name)
    # A coordinator's member travels on its own routes, or on its coordinator's.
    if route.organizer not in {draft.organizer, draft.submission.caller.organizer}:
        return NotYours(name)
    if route.season != facts.terms[draft.organizer].season:
        return SeasonClosed(name, season=route.season)
    if name == "returnRouteId" and not _is_way_back(route, judged.ways[0]):
        return InvalidValue(
            name,
            "Rute pulang harus arus balik, rute utamanya arus mudik, dengan layanan yang sama.",
            "A return route must be BALIK, beside a MUDIK route of the same service.",
        )
    return route


def _is_way_back(route: Route, outbound: Leg | Held) -> bool:
    direction, service = (
        (outbound.route.direction, outbound.route.service)
        if isinstance(outbound, Leg)
        else (outbound.direction, outbound.service)
    )
    return (route.direction, direction, service) == (Direction.BALIK, Direction.MUDIK, route.service)


def _refused(route: Route, held: Held | None, name: str, judged: Judged, facts: Facts) -> Refusal | None:
    draft = judged.draft
    in_force = facts.terms[draft.organizer]
    outside = windows.judge(in_force.windows, draft.registered_at)
    if outside is not None and in_force.policy.enforce_window:
        outside.field = "registeredAt"
        return outside
    if outside is not None and OUTSIDE_WINDOW not in judged.warnings:
        judged.warnings.append(OUTSIDE_WINDOW)
    if draft.nik_index in facts.blocked_until:
        return NikBlocked("nik", until_season=facts.blocked_until[draft.nik_index])
    if held is not None:
        facts.disputes.append(_dispute(draft, held, route.season, facts.vault, refused=True))
        return uniqueness.already_registered(held, draft.submission.caller)
    return _refused_by_its_companions(route, name, judged, facts)


def _refused_by_its_companions(route: Route, name: str, judged: Judged, facts: Facts) -> Refusal | None:
    draft = judged.draft
    if route.direction == Direction.BALIK:
        in_force = facts.terms[draft.organizer]
        outbound = _outbound(route, judged, facts)
        refused = returns.judge(route, outbound, draft.organizer, draft.registered_at, in_force.policy, name)
        if refused is not None:
            return refused
    companion = facts.held.get(Claim(draft.nik_index, route.direction, motorcycles.companion_of(route.service)))
    mismatch = motorcycles.same_city(route, companion, draft.organizer, name)
    if mismatch is not None:
        return mismatch
    return QuotaFull(name) if facts.seats[route.id].full else None


def _outbound(route: Route, judged: Judged, facts: Facts) -> Held | None:
    """The trip home of this NIK: of the same stroke, or the one that stands."""
    if judged.ways:
        first = judged.ways[0]
        return first.held() if isinstance(first, Leg) else first
    return facts.held.get(Claim(judged.draft.nik_index, Direction.MUDIK, route.service))


def _leg(route: Route, papers: Motorcycle | None, judged: Judged, facts: Facts) -> Leg:
    draft = judged.draft
    in_force = facts.terms[draft.organizer]
    verify_by, extended = forfeiture.deadline(draft.registered_at, facts.now, in_force.policy)
    if extended is not None and extended not in judged.warnings:
        judged.warnings.append(extended)
    outbound = _outbound(route, judged, facts) if route.direction == Direction.BALIK else None
    paired = outbound if returns.pairs(route, outbound, draft.organizer) else None
    return Leg(
        uuid7(),
        draft,
        in_force.name,
        route,
        papers,
        verify_by,
        None if paired is None else paired.id,
        facts.vault.seal(draft.nik.digits),
        facts.vault.seal(draft.name),
    )


def _deal(leg: Leg, facts: Facts) -> None:
    """Take the seat and the NIK, so that the rest of the batch is judged against them."""
    for direction in Direction:
        for service in (leg.route.service, motorcycles.companion_of(leg.route.service)):
            other = facts.held.get(Claim(leg.draft.nik_index, direction, service))
            if other is not None and other.organizer != leg.draft.organizer:
                dispute = _dispute(leg.draft, other, leg.route.season, facts.vault, refused=False)
                facts.disputes.extend([dispute] if dispute.suspect else [])
    facts.seats[leg.route.id].taken += 1
    facts.held[leg.claim] = leg.held()
    facts.legs[leg.id] = leg


def _dispute(draft: Draft, held: Held, season: int, vault: Vault, *, refused: bool) -> Dispute:
    suspect = names.clearly_differ(draft.name, vault.open(held.name_sealed))
    return Dispute(held, season, draft.organizer, draft.submission.caller.client_id, suspect, refused)


def _differences(draft: Draft, route: Route, held: Held, vault: Vault) -> list[nik.Warning]:
    differences = []
    if held.route_id != route.id:
        differences.append(ROUTE_DIFFERS)
    if names.clearly_differ(draft.name, vault.open(held.name_sealed)):
        differences.append(NAME_DIFFERS)
    return differences


async def _write(session: Session, facts: Facts) -> None:
    entries: list[change_log.Entry] = []
    legs = list(facts.legs.values())
    standing_outbounds = {
        leg.outbound_id: leg.draft.nik_index
        for leg in legs
        if leg.outbound_id is not None and leg.outbound_id not in facts.legs
    }
    if standing_outbounds:
        await returns.keep_outbounds(session, standing_outbounds)
    if legs:
        entries += await booking.book(session, legs, facts.seats, facts.now)
    if facts.disputes:
        entries += await cases.open_or_join(session, facts.disputes, facts.now)
    if entries:
        await change_log.append(session, entries, facts.now)


def _accepted(judged: Judged, facts: Facts) -> Accepted:
    records = [_record(way, judged, facts) for way in judged.ways]
    replayed = all(isinstance(way, Held) for way in judged.ways)
    return_record = records[1] if len(records) > 1 else None
    return Accepted(records[0], return_record, replayed, tuple(dict.fromkeys(judged.warnings)))


def _record(way: Leg | Held, judged: Judged, facts: Facts) -> Record:
    if isinstance(way, Leg):
        return booking.new_record(way, facts.now)
    if way.row is None:
        return booking.new_record(facts.legs[way.id], facts.now)
    return record.from_row(way.row, facts.vault, judged.draft.submission.caller)
