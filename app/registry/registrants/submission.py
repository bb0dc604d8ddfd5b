"""Submission: a registration arrives. Every door ends here, one or a thousand at a time, with a verdict for each.

The rules stand in `judgement`, those that need no database in `drafts`. What stands against a NIK is told by
`niks.telling` alone. A submission with a way back books both legs or neither. The number of SQL statements does not
depend on the number of submissions and is at most twelve: one more where some are refused whatever their NIKs hold,
one more where somebody new has a booking code, one more where lap infants are among them, two more where seats are
held for some.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.clock import wib_day
from app.db import Session
from app.errors import (
    AllowanceUsedUp,
    ArrivedLate,
    DestinationMismatch,
    InvalidValue,
    MotorcycleRequired,
    NikAlreadyRegistered,
    NikBlocked,
    NikInvalid,
    NikUndecided,
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
from app.models.enums import Purpose
from app.registry import change_log
from app.registry.niks import allowance, telling
from app.registry.niks.telling import Naming
from app.registry.registrants import booking, cases, drafts, judgement, motorcycles, returns, uniqueness, view
from app.registry.registrants.booking import Leg
from app.registry.registrants.drafts import Applicant, Draft, Submission
from app.registry.registrants.ground import Ground, read_ground, read_niks, read_own, read_standing
from app.registry.registrants.judgement import Against, Judged, JudgedSubmission
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.uniqueness import NikHolder, NikOfOrganizer, WayOfBooking
from app.registry.registrants.view import View
from app.registry.routes import held_seats
from app.registry.values import names, nik
from app.server.slices import each
from app.vault.vault import Vault

__all__ = ["Accepted", "Applicant", "Motorcycle", "Submission", "submit", "submit_together"]


@dataclass(frozen=True, slots=True)
class Accepted:
    view: View
    return_view: View | None
    replayed: bool
    """The registration was there already: no second seat was taken."""
    warnings: tuple[nik.Warning, ...]


@refuses(
    NikInvalid,
    NikAlreadyRegistered,
    NikBlocked,
    NikUndecided,
    AllowanceUsedUp,
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
    session: Session,
    vault: Vault,
    submissions: Sequence[Submission],
    now: datetime,
    *,
    also_named: Collection[NikOfOrganizer] = (),
) -> list[Accepted | Refusal]:
    """Register people. Run it through `Database.attempt`: it raises `Raced` when another batch took a NIK meanwhile.

    `also_named`: whom else the caller's list names, so they are not taken for somebody whose NIK it corrects.
    """
    judged, ground = await _judge_all(session, vault, submissions, now)
    ground.named.update(also_named)
    await _warn_of_other_niks(session, ground, judged)
    told = await _write(session, ground, judged)
    return await each(lambda one: _accepted(one, ground) if isinstance(one, JudgedSubmission) else one, told)


@refuses(*refused_by(submit))
async def submit_together(
    session: Session, vault: Vault, submissions: Sequence[Submission], now: datetime
) -> list[Accepted] | list[Refusal | None]:
    """Register all of them or nobody. If nobody, a refusal for each who is refused, and None for each who is not."""
    drafted, ground = await _read(session, vault, submissions, now)
    judged = await _judge_together(session, drafted, ground)
    if any(not isinstance(one, JudgedSubmission) for one in judged):
        # Refused duplicates of registrations that stand open their cases all the same.
        ground.legs.clear()
        ground.used.clear()
        ground.disputes.clear()
        return [one if isinstance(one, Refusal) else None for one in await _write(session, ground, judged)]
    await _warn_of_other_niks(session, ground, judged)
    told = await _write(session, ground, judged)
    return [_accepted(one, ground) for one in told if isinstance(one, JudgedSubmission)]


async def _judge_all(
    session: Session, vault: Vault, submissions: Sequence[Submission], now: datetime
) -> tuple[list[Judged], Ground]:
    drafted, ground = await _read(session, vault, submissions, now)
    fine = [one for one in drafted if isinstance(one, Draft)]
    looked_at = await read_niks(session, ground, fine, judgement.is_refused_anyway)
    judged = await _judge_each(drafted, ground, {})
    if session.rehearsed is not None:
        may_have_seats = {id(one) for one in looked_at}
        unseated = (one for one, verdict in zip(drafted, judged, strict=True) if isinstance(verdict, Refusal))
        session.rehearsed += [_untold(one, ground) for one in unseated if id(one) in may_have_seats]
    return judged, ground


def _untold(draft: Draft | Refusal, ground: Ground) -> Naming:
    """Of somebody whom those before it in the batch have left no seat."""
    assert isinstance(draft, Draft)  # noqa: S101 - a refusal was looked at nowhere
    assert draft.submission.route_id is not None  # noqa: S101 - it is full
    route = ground.routes[draft.submission.route_id]
    return Naming(
        caller=draft.submission.caller,
        nik_index=draft.nik_index,
        area=draft.area,
        purpose=Purpose.SUBMISSION,
        direction=route.direction,
        service=route.service,
        untold=True,
    )


async def _judge_together(session: Session, drafted: Sequence[Draft | Refusal], ground: Ground) -> list[Judged]:
    """Seats are counted for all of them before any NIK is looked at with others."""
    fine = [one for one in drafted if isinstance(one, Draft)]
    refused, taken = judgement.refused_together(fine, ground)
    if refused:
        # What is the organizer's own already takes no seat.
        await read_own(session, ground, fine)
        refused, taken = judgement.refused_together(fine, ground)
    await read_standing(session, ground, [one for place, one in enumerate(fine) if place not in refused])
    anyway = {id(fine[place]): one for place, one in _counted_together(fine, refused, taken).items()}
    return await _judge_each(drafted, ground, anyway)


async def _judge_each(
    drafted: Sequence[Draft | Refusal], ground: Ground, anyway: Mapping[int, Refusal]
) -> list[Judged]:
    """Infants come last: only then is known whose lap there is."""

    def judge(one: Draft) -> Judged:
        return anyway.get(id(one)) or judgement.judge(one, ground)

    seated = await each(
        lambda one: judge(one) if isinstance(one, Draft) and not one.submission.lap_infant else one, drafted
    )
    ground.laps.settle(leg.draft.lap_on(leg.route.id) for leg in ground.legs.values())
    return await each(lambda one: judge(one) if isinstance(one, Draft) else one, seated)


def _counted_together(
    drafted: Sequence[Draft], refused: Mapping[int, Refusal], taken: Counter[UUID | None]
) -> dict[int, Refusal]:
    """Whoever finds a route full is told how many seats all of them want there, and how many were left for them."""
    full = {place: _full_route(drafted[place], one) for place, one in refused.items() if isinstance(one, QuotaFull)}
    wanted = taken + Counter(full.values())
    return {
        place: replace(one, wanted=wanted[full[place]], left=taken[full[place]]) if isinstance(one, QuotaFull) else one
        for place, one in refused.items()
    }


def _full_route(draft: Draft, full: QuotaFull) -> UUID | None:
    given = draft.submission
    return given.return_route_id if full.field == "returnRouteId" else given.route_id


async def _read(
    session: Session, vault: Vault, submissions: Sequence[Submission], now: datetime
) -> tuple[list[Draft | Refusal], Ground]:
    """What was sent, and the facts but for the NIKs."""
    today = wib_day(now)
    callers = sorted({one.caller.organizer for one in submissions})
    shut = await allowance.shut(session, callers, now)
    used_up = AllowanceUsedUp(opens_at=allowance.ends_at(now))

    def draft(one: Submission) -> Draft | Refusal:
        return used_up if one.caller.organizer in shut else drafts.draft(one, vault, today, now)

    drafted = await each(draft, submissions)
    return drafted, await read_ground(session, vault, [one for one in drafted if isinstance(one, Draft)], now)


async def _warn_of_other_niks(session: Session, ground: Ground, judged: Sequence[Judged]) -> None:
    """Whoever is new, and stands in the same booking already under another NIK: one of the two may be mistyped."""
    new: dict[WayOfBooking, list[tuple[JudgedSubmission, Leg]]] = defaultdict(list)
    for one in judged:
        if isinstance(one, JudgedSubmission):
            for leg in one.new:
                way = leg.way_of_booking
                if way is not None:
                    new[way].append((one, leg))
    if not new:
        return
    found = await uniqueness.booked_names(session, ground.vault, ground.season, new, ground.named)
    for way, by_name in found.items():
        for one, leg in new[way]:
            ids = by_name.get(names.key(leg.draft.name))
            one.warnings.extend([] if ids is None else [uniqueness.nik_differs(ids)])


async def _write(session: Session, ground: Ground, judged: Sequence[Judged]) -> list[JudgedSubmission | Refusal]:
    entries: list[change_log.Entry] = []
    legs = list(ground.legs.values())
    standing = {one for leg in legs for one in _judged_by(leg, ground)}
    if standing:
        await returns.keep_outbounds(session, list(standing))
    if legs:
        entries += await booking.book(session, legs, ground.seats, ground.now)
    if ground.used:
        await held_seats.use(session, ground.used)
    # To tell locks allowances. So it comes behind whatever may have to wait for others.
    told = await _tell(session, ground, judged)
    if ground.disputes:
        entries += await cases.open_or_join(session, ground.disputes, ground.now)
    if entries:
        await change_log.append(session, entries, ground.now)
    return told


async def _tell(session: Session, ground: Ground, judged: Sequence[Judged]) -> list[JudgedSubmission | Refusal]:
    """Every submission that came as far as the NIK has named it: one that is accepted, too."""
    namings = {place: naming for place, one in enumerate(judged) if (naming := _named(one, ground)) is not None}
    refusals = await telling.tell(session, list(namings.values()), ground.now) if namings else []
    told = dict(zip(namings, refusals, strict=True))
    return await each(lambda one: _answered(one[1], told.get(one[0]), ground), list(enumerate(judged)))


def _named(one: Judged, ground: Ground) -> Naming | None:
    if isinstance(one, Against):
        return one.naming
    if isinstance(one, JudgedSubmission) and one.new:
        return judgement.naming(one.new[0], taken=one.new[0].id in ground.legs)
    return None


def _answered(one: Judged, told: Refusal | None, ground: Ground) -> JudgedSubmission | Refusal:
    """A refusal that tells who holds the NIK opens a case."""
    if told is None:
        assert not isinstance(one, Against)  # noqa: S101 - something stands
        return one
    if isinstance(one, Against) and one.held is not None and isinstance(told, NikAlreadyRegistered):
        leg, held = one.leg, one.held
        # Whom the batch itself was to register holds nothing, where all of it is refused.
        if held.stored is not None or held.id in ground.legs:
            ground.disputes.append(judgement.dispute(leg.draft, held, leg.route.season, ground.vault, refused=True))
    return told


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
    replayed = all(isinstance(way, NikHolder) for way in judged.ways)
    return_record = records[1] if len(records) > 1 else None
    return Accepted(records[0], return_record, replayed, tuple(dict.fromkeys(judged.warnings)))


def _view(way: Leg | NikHolder, judged: JudgedSubmission, ground: Ground) -> View:
    if isinstance(way, Leg):
        return booking.new_view(way, ground.now)
    if way.stored is None:
        return booking.new_view(ground.legs[way.id], ground.now)
    return view.from_row(way.stored, ground.vault, judged.draft.submission.caller)
