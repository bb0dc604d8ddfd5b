"""What the submissions of a batch are judged against: the facts, read once, and what the batch has accepted so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from app.db import Session
from app.registry.registrants import uniqueness
from app.registry.registrants.booking import Leg
from app.registry.registrants.cases import Dispute
from app.registry.registrants.drafts import Draft
from app.registry.registrants.uniqueness import NikClaim, NikHolder, NikOfOrganizer, StandingOfNiks
from app.registry.routes import held_seats, laps, quota
from app.registry.routes import route as routes
from app.registry.routes.held_seats import SeatHold
from app.registry.routes.lap_infants import BookingKey
from app.registry.routes.laps import Laps
from app.registry.routes.quota import Seats
from app.registry.routes.route import Route
from app.registry.terms import moments, terms
from app.registry.terms.moments import Moment
from app.registry.terms.terms import Terms
from app.vault.vault import Vault


@dataclass(slots=True, kw_only=True)
class Ground:
    """It grows by what the batch accepts."""

    vault: Vault
    now: datetime
    routes: dict[UUID, Route]
    terms: dict[str, Terms]
    seats: dict[UUID, Seats]
    season: int
    laps: Laps = field(default_factory=Laps)
    named: set[NikOfOrganizer] = field(default_factory=set)
    """The NIKs that the batch names."""
    held: dict[NikClaim, NikHolder] = field(default_factory=dict)
    blocked_until: dict[bytes, int] = field(default_factory=dict)
    holdings: dict[bytes, list[NikHolder]] = field(default_factory=dict)
    """`held` by the NIK: at most four registrants hold a NIK in a season."""
    legs: dict[UUID, Leg] = field(default_factory=dict)
    disputes: list[Dispute] = field(default_factory=list)
    holds: dict[UUID, SeatHold] = field(default_factory=dict)
    """The seats that are held for somebody of the batch, and not used yet."""
    used: Counter[UUID] = field(default_factory=Counter)
    """How many seats of each hold the batch has used."""
    moments: dict[tuple[str, datetime, bool], Moment] = field(default_factory=dict)
    doubts: dict[Hashable, bool] = field(default_factory=dict)
    """Whether submissions that are alike in all but the person are refused, as long as nothing is known of NIKs."""

    def know(self, standing: StandingOfNiks) -> None:
        self.blocked_until.update(standing.blocked_until)
        for claim, held in standing.held.items():
            if claim not in self.held:
                self.hold(claim, held)

    def on_trial(self) -> Ground:
        """The same ground with seats and holds of its own, so that what is taken there is not taken here."""
        return replace(
            self,
            seats={one: replace(seats) for one, seats in self.seats.items()},
            holds={one: replace(hold) for one, hold in self.holds.items()},
            used=Counter(),
        )

    def hold(self, claim: NikClaim, held: NikHolder) -> None:
        self.held[claim] = held
        self.holdings.setdefault(claim.nik_index, []).append(held)

    def moment(self, draft: Draft) -> Moment:
        """What the terms of the organizer say of the instant of this registration."""
        key = draft.organizer, draft.registered_at, draft.registered_on_day
        found = self.moments.get(key)
        if found is None:
            at, on_day = draft.registered_at, draft.registered_on_day
            found = self.moments[key] = moments.judge(self.terms[draft.organizer], at, self.now, on_day=on_day)
        return found


async def read_ground(session: Session, vault: Vault, drafted: Sequence[Draft], now: datetime) -> Ground:
    """All but what the NIKs hold."""
    in_force = await terms.in_force(session, {one.organizer for one in drafted})
    wanted = {one.submission.route_id for one in drafted} | {one.submission.return_route_id for one in drafted}
    ids = [route_id for route_id in wanted if route_id is not None]
    known = {route.id: route for route in await routes.by_ids(session, ids, now) if route is not None}
    # The route rows come first, then the NIKs: every writer locks in this order.
    seats = await quota.lock(session, known, now)
    holds = await held_seats.named(session, {hold_id for one in drafted for hold_id in one.submission.holds}, now)
    season = next((one.season for one in in_force.values() if one.season is not None), 0)
    return Ground(
        vault=vault,
        now=now,
        routes=known,
        terms=in_force,
        seats=seats,
        season=season,
        laps=await _read_laps(session, drafted, season),
        named={NikOfOrganizer(one.nik_index, one.organizer) for one in drafted},
        holds=holds,
    )


async def _read_laps(session: Session, drafted: Sequence[Draft], season: int) -> Laps:
    bookings = {
        BookingKey(season, one.organizer, one.particulars.reference)
        for one in drafted
        if one.submission.lap_infant and one.particulars.reference is not None
    }
    if not bookings:
        return Laps()
    ways = ((one, (one.submission.route_id, one.submission.return_route_id)) for one in drafted)
    hoped = [one.lap_on(way) for one, both in ways if not one.submission.lap_infant for way in both]
    return await laps.read(session, bookings, hoped)


async def read_niks(
    session: Session, ground: Ground, drafted: Sequence[Draft], is_refused: Callable[[Draft, Ground], bool]
) -> list[Draft]:
    """Reads who holds the NIKs. Other organizers' registrations are read only for submissions that nothing else
    refuses, as `is_refused` judges each.

    Answers the submissions for which these were read.
    """
    refused = [one for one in drafted if is_refused(one, ground)]
    if refused:
        await read_own(session, ground, refused)
        # A repeat of the organizer's own registration is answered as a repeat, also when the route is full.
        refused = [one for one in refused if is_refused(one, ground)]
    left_out = {id(one) for one in refused}
    looked_at = [one for one in drafted if id(one) not in left_out]
    await read_standing(session, ground, looked_at)
    return looked_at


async def read_own(session: Session, ground: Ground, drafted: Sequence[Draft]) -> None:
    """What the NIKs hold with the organizers of the submissions themselves."""
    own = {(one.nik_index, one.organizer) for one in drafted}
    ground.know(await uniqueness.own(session, ground.season, own))


async def read_standing(session: Session, ground: Ground, drafted: Sequence[Draft]) -> None:
    """What the NIKs hold with anybody, and their blocks."""
    asked = {one.nik_index for one in drafted}
    if asked:
        ground.know(await uniqueness.standing(session, ground.season, asked))
