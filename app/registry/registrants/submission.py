"""Submission: a registration arrives. Every door ends here, one or a thousand at a time, with a verdict for each.

The rules in their order: what needs no database (`drafts`) · route · papers · an idempotent repeat · departure ·
window · block · uniqueness · return · destination · quota. A submission with a way back books both legs or neither. The
number of SQL statements does not depend on the number of submissions and is at most twelve.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from app.clock import wib_day
from app.db import Session
from app.errors import (
    ArrivedLate,
    DestinationMismatch,
    InvalidValue,
    MotorcycleRequired,
    NikAlreadyRegistered,
    NikBlocked,
    NikInvalid,
    NotYours,
    QuotaFull,
    Refusal,
    RegistrationClosed,
    ReturnCityMismatch,
    ReturnWithoutOutbound,
    RouteDeparted,
    RouteUnknown,
    SeasonClosed,
    refused_by,
    refuses,
)
from app.models.enums import Direction, RegistrantFlag
from app.registry import change_log
from app.registry.registrants import booking, cases, drafts, motorcycles, opening, returns, uniqueness, view
from app.registry.registrants.booking import Leg
from app.registry.registrants.cases import Dispute
from app.registry.registrants.drafts import Applicant, Draft, Submission
from app.registry.registrants.ground import Ground, read_ground
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.uniqueness import Held, NikClaim
from app.registry.registrants.view import View
from app.registry.routes import holders, lap_infants, quota
from app.registry.routes.route import Route
from app.registry.values import nik
from app.registry.values.flags import WARNINGS
from app.vault.vault import Vault

__all__ = ["Accepted", "Applicant", "Motorcycle", "Submission", "submit", "submit_together"]

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
    view: View
    return_view: View | None
    replayed: bool
    """The registration was there already: no second seat was taken."""
    warnings: tuple[nik.Warning, ...]


@dataclass(slots=True)
class JudgedSubmission:
    """The legs of one submission: booked now, or held already."""

    draft: Draft
    ways: list[Leg | Held] = field(default_factory=list)
    warnings: list[nik.Warning] = field(default_factory=list)
    flags: list[RegistrantFlag] = field(default_factory=list)

    def flag(self, flag: RegistrantFlag) -> None:
        if flag not in self.flags:
            self.flags.append(flag)
            self.warnings.append(WARNINGS[flag])


@refuses(
    NikInvalid,
    NikAlreadyRegistered,
    NikBlocked,
    RegistrationClosed,
    ArrivedLate,
    SeasonClosed,
    QuotaFull,
    RouteUnknown,
    RouteDeparted,
    ReturnWithoutOutbound,
    ReturnCityMismatch,
    DestinationMismatch,
    MotorcycleRequired,
    NotYours,
    InvalidValue,
)
async def submit(
    session: Session, vault: Vault, submissions: Sequence[Submission], now: datetime
) -> list[Accepted | Refusal]:
    """Register people. Run it through `Database.attempt`: it raises `Raced` when another batch took a NIK meanwhile."""
    judged, ground = await _judge_all(session, vault, submissions, now)
    await _write(session, ground)
    return [_accepted(one, ground) if isinstance(one, JudgedSubmission) else one for one in judged]


@refuses(*refused_by(submit))
async def submit_together(
    session: Session, vault: Vault, submissions: Sequence[Submission], now: datetime
) -> list[Accepted] | list[Refusal | None]:
    """Register all of them or nobody. If nobody, a refusal for each who is refused, and None for each who is not."""
    judged, ground = await _judge_all(session, vault, submissions, now)
    refused = [one if isinstance(one, Refusal) else None for one in judged]
    if any(refused):
        refused = _counted_together(submissions, refused, ground)
        # Refused duplicates open their cases all the same.
        ground.legs.clear()
        ground.disputes = [one for one in ground.disputes if one.refused and one.held.stored is not None]
    await _write(session, ground)
    return refused if any(refused) else [_accepted(one, ground) for one in judged if isinstance(one, JudgedSubmission)]


def _counted_together(
    submissions: Sequence[Submission], refused: Sequence[Refusal | None], ground: Ground
) -> list[Refusal | None]:
    """Whoever finds a route full is told how many seats all of them want there, and how many were left for them."""
    left: Counter[UUID | None] = Counter(leg.route.id for leg in ground.legs.values() if leg.seats)
    pairs = list(zip(submissions, refused, strict=True))
    wanted = left + Counter(_route_of(one, full) for one, full in pairs if isinstance(full, QuotaFull))
    return [
        replace(full, wanted=wanted[route := _route_of(one, full)], left=left[route])
        if isinstance(full, QuotaFull)
        else full
        for one, full in pairs
    ]


def _route_of(one: Submission, refused: Refusal) -> UUID | None:
    return one.return_route_id if refused.field == "returnRouteId" else one.route_id


async def _judge_all(
    session: Session, vault: Vault, submissions: Sequence[Submission], now: datetime
) -> tuple[list[JudgedSubmission | Refusal], Ground]:
    today = wib_day(now)
    drafted = [drafts.draft(one, vault, today, now) for one in submissions]
    ground = await read_ground(session, vault, [one for one in drafted if isinstance(one, Draft)], now)
    return [_judge(one, ground) if isinstance(one, Draft) else one for one in drafted], ground


def _judge(draft: Draft, ground: Ground) -> JudgedSubmission | Refusal:
    judged = JudgedSubmission(draft, warnings=list(draft.nik.warnings))
    ways = [(draft.submission.route_id, "routeId")]
    if draft.submission.return_route_id is not None:
        ways.append((draft.submission.return_route_id, "returnRouteId"))
    for route_id, name in ways:
        way = _judge_way(route_id, name, judged, ground)
        if isinstance(way, Refusal):
            return way
        judged.ways.append(way)
    for way in judged.ways:
        if isinstance(way, Leg):
            _deal(way, ground)
    return judged


def _judge_way(route_id: UUID | None, name: str, judged: JudgedSubmission, ground: Ground) -> Leg | Held | Refusal:
    draft = judged.draft
    route = _route(route_id, name, judged, ground)
    if isinstance(route, Refusal):
        return route
    papers = motorcycles.judge(route.service, draft.submission.motorcycle)
    if isinstance(papers, Refusal):
        return papers
    held = ground.held.get(NikClaim(draft.nik_index, route.direction, route.service))
    if held is not None and held.organizer == draft.organizer:
        judged.warnings.extend(_differences(draft, route, held, ground.vault))
        return held
    refused = _refused(route, held, name, judged, ground)
    return _leg(route, papers, judged, ground) if refused is None else refused


def _route(route_id: UUID | None, name: str, judged: JudgedSubmission, ground: Ground) -> Route | Refusal:
    draft = judged.draft
    route = None if route_id is None else ground.routes.get(route_id)
    if route is None:
        return RouteUnknown(name)
    # A coordinator's member travels on its own routes, or on its coordinator's.
    if route.organizer not in {draft.organizer, draft.submission.caller.organizer}:
        return NotYours(name)
    if route.season != ground.terms[draft.organizer].season:
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


def _refused(route: Route, held: Held | None, name: str, judged: JudgedSubmission, ground: Ground) -> Refusal | None:
    draft = judged.draft
    in_force = ground.terms[draft.organizer]
    hours = 0 if draft.submission.live else in_force.news_hours
    refused = holders.judge_departed(
        route.departs_at, ground.now, name, registered_at=draft.registered_at, news_hours=hours
    ) or _refused_by_windows(judged, ground)
    if refused is not None:
        return refused
    if draft.nik_index in ground.blocked_until:
        return NikBlocked("nik", until_season=ground.blocked_until[draft.nik_index])
    if held is not None:
        ground.disputes.append(_dispute(draft, held, route.season, ground.vault, refused=True))
        return uniqueness.already_registered(held, draft.submission.caller)
    return _refused_by_its_companions(route, name, judged, ground)


def _refused_by_windows(judged: JudgedSubmission, ground: Ground) -> Refusal | None:
    """None as well if the policy only flags what is outside of every window, or comes late."""
    moment = ground.moment(judged.draft)
    if ground.terms[judged.draft.organizer].policy.enforce_window:
        return moment.outside or moment.late
    if moment.outside is not None:
        judged.flag(RegistrantFlag.OUTSIDE_WINDOW)
    if moment.late is not None:
        judged.flag(RegistrantFlag.ARRIVED_LATE)
    return None


def _refused_by_its_companions(route: Route, name: str, judged: JudgedSubmission, ground: Ground) -> Refusal | None:
    draft = judged.draft
    if route.direction == Direction.BALIK:
        in_force = ground.terms[draft.organizer]
        outbound = _outbound(route, judged, ground)
        refused = returns.judge(route, outbound, draft.organizer, draft.registered_at, in_force.policy, name)
        if refused is not None:
            return refused
    companion = ground.held.get(NikClaim(draft.nik_index, route.direction, motorcycles.companion_of(route.service)))
    mismatch = motorcycles.same_city(route, companion, draft.organizer, name)
    if mismatch is not None:
        return mismatch
    if draft.submission.lap_infant:
        return lap_infants.judge(
            draft.nik.born_on, draft.particulars.identity_document, route.service, route.departs_at
        )
    return quota.judge(ground.seats[route.id], name)


def _outbound(route: Route, judged: JudgedSubmission, ground: Ground) -> Held | None:
    """The trip home of this NIK: of the same stroke, or the one that stands."""
    if judged.ways:
        first = judged.ways[0]
        return first.held() if isinstance(first, Leg) else first
    return ground.held.get(NikClaim(judged.draft.nik_index, Direction.MUDIK, route.service))


def _leg(route: Route, papers: Motorcycle | None, judged: JudgedSubmission, ground: Ground) -> Leg:
    draft = judged.draft
    in_force = ground.terms[draft.organizer]
    outbound = _outbound(route, judged, ground) if route.direction == Direction.BALIK else None
    paired = outbound if returns.pairs(route, outbound, draft.organizer) else None
    if paired is None:
        moment = ground.moment(draft)
        deadline = moment.deadline
        judged.warnings.extend([] if moment.extended is None else [moment.extended])
    else:
        deadline = paired.deadline
    return Leg(
        id=uuid7(),
        draft=draft,
        organizer_name=in_force.name,
        route=route,
        motorcycle=papers,
        deadline=deadline,
        outbound=paired,
        nik_sealed=ground.vault.seal(draft.nik.digits),
        name_sealed=ground.vault.seal(draft.name),
        applicant_sealed=_sealed(draft, ground.vault),
        flags=tuple(judged.flags),
    )


def _sealed(draft: Draft, vault: Vault) -> tuple[bytes, bytes, bytes] | None:
    one = draft.applicant
    return None if one is None else (vault.blind_index(one.nik), vault.seal(one.nik), vault.seal(one.name))


def _deal(leg: Leg, ground: Ground) -> None:
    """Take the seat and the NIK, so that the rest of the batch is judged against them."""
    for direction in Direction:
        for service in (leg.route.service, motorcycles.companion_of(leg.route.service)):
            other = ground.held.get(NikClaim(leg.draft.nik_index, direction, service))
            if other is not None and other.organizer != leg.draft.organizer:
                dispute = _dispute(leg.draft, other, leg.route.season, ground.vault, refused=False)
                ground.disputes.extend([dispute] if dispute.suspect else [])
    ground.seats[leg.route.id].taken += leg.seats
    ground.held[leg.claim] = leg.held()
    ground.legs[leg.id] = leg


def _dispute(draft: Draft, held: Held, season: int, vault: Vault, *, refused: bool) -> Dispute:
    return Dispute(
        held=held,
        season=season,
        organizer=draft.organizer,
        client_id=draft.submission.caller.client_id,
        suspect=opening.clearly_differs(held.name_sealed, draft.name, vault),
        refused=refused,
    )


def _differences(draft: Draft, route: Route, held: Held, vault: Vault) -> list[nik.Warning]:
    differences = []
    if held.route_id != route.id:
        differences.append(ROUTE_DIFFERS)
    if opening.clearly_differs(held.name_sealed, draft.name, vault):
        differences.append(NAME_DIFFERS)
    return differences


async def _write(session: Session, ground: Ground) -> None:
    entries: list[change_log.Entry] = []
    legs = list(ground.legs.values())
    standing = {one for leg in legs for one in _judged_by(leg, ground)}
    if standing:
        await returns.keep_outbounds(session, list(standing))
    if legs:
        entries += await booking.book(session, legs, ground.seats, ground.now)
    if ground.disputes:
        entries += await cases.open_or_join(session, ground.disputes, ground.now)
    if entries:
        await change_log.append(session, entries, ground.now)


def _judged_by(leg: Leg, ground: Ground) -> list[returns.Outbound]:
    """What stood before this batch and by which `leg` was judged: its outbound, and its rider or motorcycle."""
    claim = leg.claim._replace(service=motorcycles.companion_of(leg.route.service))
    found = (leg.outbound, ground.held.get(claim))
    return [
        returns.Outbound(one.id, leg.draft.nik_index, one.route_id, one.status, *one.deadline)
        for one in found
        if one is not None and one.organizer == leg.draft.organizer and one.id not in ground.legs
    ]


def _accepted(judged: JudgedSubmission, ground: Ground) -> Accepted:
    records = [_view(way, judged, ground) for way in judged.ways]
    replayed = all(isinstance(way, Held) for way in judged.ways)
    return_record = records[1] if len(records) > 1 else None
    return Accepted(records[0], return_record, replayed, tuple(dict.fromkeys(judged.warnings)))


def _view(way: Leg | Held, judged: JudgedSubmission, ground: Ground) -> View:
    if isinstance(way, Leg):
        return booking.new_view(way, ground.now)
    if way.stored is None:
        return booking.new_view(ground.legs[way.id], ground.now)
    return view.from_row(way.stored, ground.vault, judged.draft.submission.caller)
