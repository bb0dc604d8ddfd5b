"""Judgement of submissions: the rules in their order, against a ground that was read before. No SQL is run here.

Route · papers · an idempotent repeat · departure · window · lap infant or quota · block · uniqueness · return ·
destination. Both legs are judged by what can be known without the NIK, before the registry is asked for the NIK. So
whoever cannot register there anyway learns nothing of a NIK.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from uuid_utils.compat import uuid7

from app.errors import InvalidValue, NotYours, Refusal, RouteUnknown, SeasonClosed
from app.models.enums import Direction, Purpose, RegistrantFlag, RegistrantStatus
from app.models.statuses import VERIFIED_OR_LATER
from app.registry.niks.telling import Naming
from app.registry.registrants import motorcycles, opening, returns
from app.registry.registrants.booking import Leg
from app.registry.registrants.cases import Dispute
from app.registry.registrants.drafts import Draft
from app.registry.registrants.ground import Ground
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.uniqueness import NikClaim, NikHolder
from app.registry.routes import holders, lap_infants, laps, quota
from app.registry.routes.held_seats import SeatHold
from app.registry.routes.route import Route
from app.registry.values import nik
from app.registry.values.flags import WARNINGS
from app.vault.vault import Vault

ROUTE_DIFFERS = nik.Warning(
    "ROUTE_DIFFERS",
    "Orang ini sudah terdaftar pada Anda dengan rute lain; data yang tersimpan tidak berubah.",
    "This person is already registered with you on another route; what is stored has not changed.",
)
HOLD_ENDED = nik.Warning(
    "HOLD_ENDED",
    "Penahanan kursi sudah berakhir atau sudah terpakai semua; orang ini mendapat kursi yang masih kosong.",
    "The hold has ended, or all its seats are used; this person got a seat that was still free.",
)
NAME_DIFFERS = nik.Warning(
    "NAME_DIFFERS",
    "NIK ini sudah terdaftar pada Anda dengan nama yang jelas berbeda; data yang tersimpan tidak berubah.",
    "This NIK is already registered with you under a clearly different name; what is stored has not changed.",
)
DealtSeats: TypeAlias = tuple[dict[int, Refusal], Counter[UUID | None]]


@dataclass(slots=True, kw_only=True)
class JudgedSubmission:
    """The legs of one submission: new, or held already."""

    draft: Draft
    ways: list[Leg | NikHolder] = field(default_factory=list)
    new: list[Leg] = field(default_factory=list)
    """The ways that are not held yet."""
    warnings: list[nik.Warning] = field(default_factory=list)
    flags: list[RegistrantFlag] = field(default_factory=list)

    def flag(self, flag: RegistrantFlag) -> None:
        if flag not in self.flags:
            self.flags.append(flag)
            self.warnings.append(WARNINGS[flag])


@dataclass(frozen=True, slots=True)
class Against:
    """What the registry holds of the NIK forbids the registration. It is yet to be told."""

    leg: Leg
    naming: Naming
    held: NikHolder | None = None
    """By another organizer."""


Judged = JudgedSubmission | Against | Refusal


def judge(draft: Draft, ground: Ground) -> Judged:
    """One submission. What it gets is taken from `ground`, so that the rest of the batch is judged against it."""
    judged = _judge_ways(draft, ground)
    if isinstance(judged, Refusal):
        return judged
    for leg in judged.new:
        against = _stands(leg, ground) or _does_not_fit(leg, judged, ground)
        if against is not None:
            return against
    _seat(judged, ground)
    for leg in judged.new:
        _deal(leg, ground)
    return judged


def is_refused_anyway(draft: Draft, ground: Ground) -> bool:
    """Whether route, time, papers or seats refuse a submission, whatever the NIK holds with other organizers."""
    return _is_in_doubt(draft, ground) and isinstance(_judge_ways(draft, ground), Refusal)


def refused_together(drafts: Sequence[Draft], ground: Ground) -> DealtSeats:
    """Of submissions that are accepted together or not at all: by place, who is refused whatever the NIKs hold; and how
    many seats the others take, by route.

    Each takes the seats that it wants, also one whose NIK will be refused. Else the seats that are left for the others
    would tell what its NIK holds.
    """
    dealt = ground.on_trial()
    refused: dict[int, Refusal] = {}
    taken: Counter[UUID | None] = Counter()
    for place, draft in enumerate(drafts):
        judged = _judge_ways(draft, dealt)
        if isinstance(judged, Refusal):
            refused[place] = judged
        else:
            taken += Counter({leg.route.id: leg.seats for leg in judged.new})
            _seat(judged, dealt)
    return refused, taken


def _is_in_doubt(draft: Draft, ground: Ground) -> bool:
    """A quick look: nearly all of a batch come for routes that have seats, and in time."""
    given = draft.submission
    if given.motorcycle is not None or given.lap_infant or given.holds:
        return True
    ways = given.route_id, given.return_route_id
    alike = *ways, draft.organizer, given.caller, draft.registered_at, draft.registered_on_day, given.live
    doubt = ground.doubts.get(alike)
    if doubt is None:
        doubt = ground.doubts[alike] = isinstance(_judge_ways(draft, ground), Refusal)
    return doubt


def _judge_ways(draft: Draft, ground: Ground) -> JudgedSubmission | Refusal:
    judged = JudgedSubmission(draft=draft, warnings=list(draft.nik.warnings))
    ways = [(draft.submission.route_id, "routeId")]
    if draft.submission.return_route_id is not None:
        ways.append((draft.submission.return_route_id, "returnRouteId"))
    for route_id, name in ways:
        way = _judge_way(route_id, name, judged, ground)
        if isinstance(way, Refusal):
            return way
        judged.ways.append(way)
        judged.new += [way] if isinstance(way, Leg) else []
    return judged


def _judge_way(route_id: UUID | None, name: str, judged: JudgedSubmission, ground: Ground) -> Leg | NikHolder | Refusal:
    """Judge a way by all that can be known without asking what the NIK holds."""
    draft = judged.draft
    route = _route(route_id, name, judged, ground)
    if isinstance(route, Refusal):
        return route
    papers = motorcycles.judge(route.service, draft.submission.motorcycle)
    if isinstance(papers, Refusal):
        return papers
    claim = NikClaim(draft.nik_index, route.direction, route.service)
    held = ground.held.get(claim)
    if held is not None and held.organizer == draft.organizer:
        judged.warnings.extend(_differences(draft, route, held, ground.vault))
        return held
    refused = _refused_by_time(route, name, judged, ground) or _refused_by_seats(route, name, draft, ground)
    return _leg(claim, route, papers, judged, ground) if refused is None else refused


def _stands(leg: Leg, ground: Ground) -> Against | None:
    """What stands against a leg: the block of its NIK, or a registration of another organizer."""
    draft = leg.draft
    if draft.nik_index in ground.blocked_until:
        return Against(leg, naming(leg, blocked_until=ground.blocked_until[draft.nik_index]))
    held = ground.held.get(leg.claim)
    if held is None:
        return None
    return Against(leg, naming(leg, standing=held.standing(draft.submission.caller)), held)


def _does_not_fit(leg: Leg, judged: JudgedSubmission, ground: Ground) -> Against | None:
    """Whether the leg does not go with what the NIK holds with the organizer itself."""
    name = "routeId" if leg is judged.ways[0] else "returnRouteId"
    refused = _refused_by_its_companions(leg.route, name, judged, ground)
    return None if refused is None else Against(leg, naming(leg, misfit=refused))


def naming(leg: Leg, **against: Any) -> Naming:
    """The note that the NIK of a leg was named, and what was found."""
    return Naming(
        caller=leg.draft.submission.caller,
        nik_index=leg.draft.nik_index,
        area=leg.draft.area,
        purpose=Purpose.SUBMISSION,
        direction=leg.route.direction,
        service=leg.route.service,
        **against,
    )


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


def _is_way_back(route: Route, outbound: Leg | NikHolder) -> bool:
    direction, service = (
        (outbound.route.direction, outbound.route.service)
        if isinstance(outbound, Leg)
        else (outbound.direction, outbound.service)
    )
    return (route.direction, direction, service) == (Direction.BALIK, Direction.MUDIK, route.service)


def _refused_by_time(route: Route, name: str, judged: JudgedSubmission, ground: Ground) -> Refusal | None:
    draft, in_force = judged.draft, ground.terms[judged.draft.organizer]
    left = holders.judge_departed(
        route.departs_at,
        ground.now,
        name,
        registered_at=draft.registered_at,
        news_hours=0 if draft.submission.live else in_force.news_hours,
        outages=in_force.outages,
    )
    return left or _refused_by_windows(judged, ground)


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
    return motorcycles.same_city(route, companion, draft.organizer, name)


def _refused_by_seats(route: Route, name: str, draft: Draft, ground: Ground) -> Refusal | None:
    """An infant on a lap takes none."""
    if draft.submission.lap_infant:
        document = draft.particulars.identity_document
        refused = lap_infants.judge(draft.nik.born_on, document, route.service, route.departs_at)
        return refused or ground.laps.judge(draft.lap_on(route.id), laps.ALONE_WHEN_SUBMITTED)
    wrong = _wrong_hold(draft, ground) if draft.submission.holds else None
    if wrong is not None:
        return wrong
    hold = _hold_on(route.id, draft, ground)
    return quota.judge(ground.seats[route.id], name, kept=0 if hold is None else hold.seats)


def _wrong_hold(draft: Draft, ground: Ground) -> InvalidValue | None:
    """A hold that has ended is no wrong one: its person gets a seat that is free."""
    submission = draft.submission
    for hold in map(ground.holds.get, submission.holds):
        if hold is None or hold.organizer != submission.caller.organizer:
            return InvalidValue(
                "hold",
                "Penahanan kursi ini tidak ditemukan; kirim id penahanannya, atau daftarkan tanpa penahanan.",
                "No such hold of seats is known; send the id from holdSeats, or register without a hold.",
            )
        if hold.route_id not in {submission.route_id, submission.return_route_id}:
            return InvalidValue(
                "hold",
                "Kursi ini ditahan di rute lain; kirim rutenya, atau tahan kursi di rute ini.",
                "These seats are held on another route; send that route, or hold seats on this one.",
            )
    return None


def _hold_on(route_id: UUID, draft: Draft, ground: Ground) -> SeatHold | None:
    """What is held there for this submission. The one that has seats, if several are named."""
    named = (ground.holds[hold_id] for hold_id in draft.submission.holds)
    return max((one for one in named if one.route_id == route_id), key=lambda one: one.seats, default=None)


def _outbound(route: Route, judged: JudgedSubmission, ground: Ground) -> NikHolder | None:
    """The trip home of this NIK: of the same stroke, or the one that stands."""
    for way in judged.ways:
        home = way.as_holder() if isinstance(way, Leg) else way
        if home.direction == Direction.MUDIK:
            return home
    return ground.held.get(NikClaim(judged.draft.nik_index, Direction.MUDIK, route.service))


def _leg(claim: NikClaim, route: Route, papers: Motorcycle | None, judged: JudgedSubmission, ground: Ground) -> Leg:
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
        claim=claim,
        status=_status_beside(paired),
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


def _status_beside(outbound: NikHolder | None) -> RegistrantStatus:
    """A trip is verified once (S2.4): the return of a verified outbound is verified as it is booked."""
    verified = outbound is not None and outbound.status in VERIFIED_OR_LATER
    return RegistrantStatus.VERIFIED if verified else RegistrantStatus.REGISTERED


def _sealed(draft: Draft, vault: Vault) -> tuple[bytes, bytes, bytes] | None:
    one = draft.applicant
    return None if one is None else (vault.blind_index(one.nik), vault.seal(one.nik), vault.seal(one.name))


def _seat(judged: JudgedSubmission, ground: Ground) -> None:
    """Take the seats of the new legs, so that the rest of the batch is judged against them."""
    for leg in judged.new:
        _use_hold(leg, judged, ground)
        ground.seats[leg.route.id].taken += leg.seats


def _deal(leg: Leg, ground: Ground) -> None:
    """Take the NIK, so that the rest of the batch is judged against it."""
    for other in ground.holdings.get(leg.draft.nik_index, ()):
        if other.organizer != leg.draft.organizer:
            disputed = dispute(leg.draft, other, leg.route.season, ground.vault, refused=False)
            ground.disputes.extend([disputed] if disputed.suspect else [])
    ground.hold(leg.claim, leg.as_holder())
    ground.legs[leg.id] = leg


def _use_hold(leg: Leg, judged: JudgedSubmission, ground: Ground) -> None:
    """The seat of the leg is one of those that are held for it."""
    hold = _hold_on(leg.route.id, leg.draft, ground) if leg.seats else None
    if hold is None:
        return
    if hold.seats == 0:
        judged.warnings.append(HOLD_ENDED)
        return
    hold.seats -= 1
    ground.seats[leg.route.id].held -= 1
    ground.used[hold.id] += 1


def dispute(draft: Draft, held: NikHolder, season: int, vault: Vault, *, refused: bool) -> Dispute:
    return Dispute(
        holder=held,
        season=season,
        organizer=draft.organizer,
        nik_index=draft.nik_index,
        name_sealed=vault.seal(draft.name),
        client_id=draft.submission.caller.client_id,
        suspect=opening.clearly_differs(held.name_sealed, draft.name, vault),
        refused=refused,
    )


def _differences(draft: Draft, route: Route, held: NikHolder, vault: Vault) -> list[nik.Warning]:
    differences = []
    if held.route_id != route.id:
        differences.append(ROUTE_DIFFERS)
    if opening.clearly_differs(held.name_sealed, draft.name, vault):
        differences.append(NAME_DIFFERS)
    return differences
