"""Submission: a registration arrives. Every door ends here, one or a thousand at a time, with a verdict for each.

The rules stand in `judgement`, those that need no database in `drafts`. What stands against a NIK is told by
`niks.telling` alone. A submission with a way back books both legs or neither. The number of SQL statements does not
depend on the number of submissions and is at most thirteen: one more where some are refused whatever their NIKs hold,
two more where seats are held for some.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
from app.registry import change_log
from app.registry.niks import allowance, telling
from app.registry.niks.telling import Naming
from app.registry.registrants import booking, cases, drafts, judgement, motorcycles, returns, view
from app.registry.registrants.booking import Leg
from app.registry.registrants.drafts import Applicant, Draft, Submission
from app.registry.registrants.ground import Ground, read_ground, read_niks
from app.registry.registrants.judgement import Against, Judged, JudgedSubmission
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.registrants.uniqueness import Held
from app.registry.registrants.view import View
from app.registry.routes import held_seats
from app.registry.values import nik
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
    session: Session, vault: Vault, submissions: Sequence[Submission], now: datetime
) -> list[Accepted | Refusal]:
    """Register people. Run it through `Database.attempt`: it raises `Raced` when another batch took a NIK meanwhile."""
    judged, ground = await _judge_all(session, vault, submissions, now)
    told = await _write(session, ground, judged)
    return await each(lambda one: _accepted(one, ground) if isinstance(one, JudgedSubmission) else one, told)


@refuses(*refused_by(submit))
async def submit_together(
    session: Session, vault: Vault, submissions: Sequence[Submission], now: datetime
) -> list[Accepted] | list[Refusal | None]:
    """Register all of them or nobody. If nobody, a refusal for each who is refused, and None for each who is not."""
    judged, ground = await _judge_all(session, vault, submissions, now)
    if all(isinstance(one, JudgedSubmission) for one in judged):
        told = await _write(session, ground, judged)
        return [_accepted(one, ground) for one in told if isinstance(one, JudgedSubmission)]
    judged = _counted_together(submissions, judged, ground)
    # Refused duplicates of registrations that stand open their cases all the same.
    ground.legs.clear()
    ground.used.clear()
    ground.disputes.clear()
    told = await _write(session, ground, judged)
    return [one if isinstance(one, Refusal) else None for one in told]


def _counted_together(submissions: Sequence[Submission], judged: Sequence[Judged], ground: Ground) -> list[Judged]:
    """Whoever finds a route full is told how many seats all of them want there, and how many were left for them."""
    left: Counter[UUID | None] = Counter(leg.route.id for leg in ground.legs.values() if leg.seats)
    pairs = list(zip(submissions, judged, strict=True))
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
) -> tuple[list[Judged], Ground]:
    today = wib_day(now)
    callers = sorted({one.caller.organizer for one in submissions})
    shut = await allowance.shut(session, callers, now)
    used_up = AllowanceUsedUp(opens_at=allowance.ends_at(now))

    def draft(one: Submission) -> Draft | Refusal:
        return used_up if one.caller.organizer in shut else drafts.draft(one, vault, today, now)

    drafted = await each(draft, submissions)
    fine = [one for one in drafted if isinstance(one, Draft)]
    ground = await read_ground(session, vault, fine, now)
    await read_niks(session, ground, fine, judgement.is_refused_anyway)
    judged = await each(lambda one: judgement.judge(one, ground) if isinstance(one, Draft) else one, drafted)
    return judged, ground


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
    replayed = all(isinstance(way, Held) for way in judged.ways)
    return_record = records[1] if len(records) > 1 else None
    return Accepted(records[0], return_record, replayed, tuple(dict.fromkeys(judged.warnings)))


def _view(way: Leg | Held, judged: JudgedSubmission, ground: Ground) -> View:
    if isinstance(way, Leg):
        return booking.new_view(way, ground.now)
    if way.stored is None:
        return booking.new_view(ground.legs[way.id], ground.now)
    return view.from_row(way.stored, ground.vault, judged.draft.submission.caller)
