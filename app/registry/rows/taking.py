"""Taking rows in: the routes that nobody declared, the registrants who are new, and the statuses that rows tell.

The rules are those of `submission` and of `lifecycle`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import Refusal, TransitionNotAllowed
from app.models.enums import Direction, RegistrantFlag, RegistrantStatus
from app.registry.registrants import lifecycle, transitions
from app.registry.registrants.submission import Accepted, Submission, submit
from app.registry.registrants.transitions import Step, Taken
from app.registry.routes import lap_infants, quota
from app.registry.routes.lap_infants import BookingKey
from app.registry.rows import known, provisional
from app.registry.rows.batch import Batch, NaturalKey, PlacedRow
from app.registry.rows.recognition import Recognised
from app.registry.rows.row import ParsedRow
from app.registry.rows.verdicts import Result, Verdict
from app.registry.values import nik, particulars
from app.registry.values.flags import WARNINGS
from app.server.slices import each, sliced

S = RegistrantStatus

CANCELLATION_REASON = "Dilaporkan batal oleh penyelenggara."
"""The standard has no column for the reason."""
STATUS_ALONE_REFUSED = nik.Warning(
    "STATUS_ALONE_REFUSED",
    "Orang ini didaftarkan oleh baris ini; hanya statusnya yang ditolak.",
    "This row registered the person; only its status was refused.",
)


class Registered(NamedTuple):
    """Who was registered by a row of this batch."""

    id: UUID
    by: ParsedRow


async def make_routes(session: Session, batch: Batch, new: Sequence[PlacedRow]) -> None:
    """The routes of `new` that are not there yet."""
    recognised = {one.row.itinerary: batch.route(one.row) for one in new}
    wanted = {itinerary: found.service for itinerary, found in recognised.items() if found.route_id is None}
    if wanted:
        for itinerary, route_id in (await provisional.make(session, batch.season, wanted, batch.made)).items():
            alike = batch.routes[itinerary].alike | {route_id}
            batch.routes[itinerary] = Recognised(
                route_id=route_id, service=wanted[itinerary], alike=alike, provisional=True
            )


async def lock_routes(
    session: Session, batch: Batch, new: Sequence[PlacedRow], ending: Collection[UUID], moving: Collection[UUID]
) -> None:
    """The routes of those who come, of those who end, and of those who are moved, at once: everybody locks routes in
    the order of their ids. If only one of these groups has members, `submission`, `lifecycle` or `rerouting` locks its
    routes itself.
    """
    booked = {route for one in new if (route := batch.route(one.row).route_id) is not None}
    groups = [group for group in (booked, set(ending), set(moving)) if group]
    if len(groups) > 1:
        await quota.lock(session, set().union(*groups), batch.now)


async def register(session: Session, batch: Batch, new: Sequence[PlacedRow]) -> dict[NaturalKey, Registered]:
    """Submit `new`. Answers who is registered now."""
    # A way back needs its way home, wherever the two stand in a file.
    ordered = sorted(new, key=lambda one: one.row.itinerary.direction == Direction.BALIK)
    submissions = await each(lambda one: _submission(batch, one.row), ordered)
    told = await submit(session, batch.vault, submissions, batch.now, also_named=batch.named)
    registered: dict[NaturalKey, Registered] = {}
    async for (place, row), submitted in sliced(list(zip(ordered, told, strict=True))):
        batch.verdicts[place] = _submitted(row, submitted, batch.route(row))
        if isinstance(submitted, Accepted):
            first = registered.setdefault(batch.key(row), Registered(submitted.view.id, row)).by
            if first is not row:
                batch.verdicts[place] = known.again(batch, row, first, batch.verdicts[place])
            batch.used_routes.add(submitted.view.route_id)
    return registered


async def advance(session: Session, batch: Batch, rows: Sequence[PlacedRow]) -> None:
    """Take the registrants of `rows` on to the statuses that the rows tell."""
    moving = _moving(batch, rows)
    if not moving:
        return
    steps = [_step(batch, one) for one in moving]
    verified_along: dict[UUID, S] = {}
    ended: dict[int, list[BookingKey]] = {}
    for one, taken in zip(moving, await lifecycle.advance(session, steps, batch.now), strict=True):
        batch.verdicts[one.place] = _advanced(batch.verdicts[one.place], one.row, taken)
        if isinstance(taken, Taken):
            verified_along |= {leg.row.id: leg.status for leg in taken.along}
            ended |= _ended(one, taken)
    await tell_of_infants(session, batch, ended)
    for place, verdict in batch.verdicts.items():
        status = verified_along.get(verdict.registrant_id) if verdict.registrant_id else None
        if status is not None and verdict.refusal is None:
            batch.verdicts[place] = replace(verdict, status=status)


def _ended(one: _RowOnItsWay, taken: Taken) -> dict[int, list[BookingKey]]:
    row = taken.state.row
    if not taken.moved or row.reference is None or taken.state.status not in transitions.FREEING:
        return {}
    return {one.place: [BookingKey(row.season, row.organizer, row.reference)]}


async def tell_of_infants(session: Session, batch: Batch, left: Mapping[int, Sequence[BookingKey]]) -> None:
    """The rows that leave an infant without anybody who has a seat. `left`: by place, the bookings that are left."""
    alone = await lap_infants.alone_in(session, {booking for each in left.values() for booking in each})
    for place, bookings in left.items():
        if any(alone[booking] for booking in bookings):
            before = batch.verdicts[place]
            batch.verdicts[place] = replace(before, warnings=(*before.warnings, lap_infants.LAP_INFANT_ALONE))


class _RowOnItsWay(NamedTuple):
    place: int
    row: ParsedRow
    registrant_id: UUID


def _moving(batch: Batch, rows: Sequence[PlacedRow]) -> list[_RowOnItsWay]:
    """The rows that tell another status than their registrants have now, or may have when their turn comes."""
    several = Counter(batch.key(one.row) for one in rows)
    moving: list[_RowOnItsWay] = []
    for place, row in rows:
        verdict = batch.verdicts.get(place)
        if verdict is None or verdict.registrant_id is None or verdict.refusal or verdict.result is Result.STALE:
            continue
        # Of several rows of one person, each is judged against what the row before it left.
        if verdict.status is not row.status or several[batch.key(row)] > 1:
            moving.append(_RowOnItsWay(place, row, verdict.registrant_id))
    return moving


def _submission(batch: Batch, row: ParsedRow) -> Submission:
    return Submission(
        caller=row.caller,
        nik=row.nik.digits,
        name=row.name,
        route_id=batch.route(row).route_id,
        registered_at=row.registered.at,
        registered_on_day=row.registered.is_day,
        motorcycle=row.motorcycle,
        member=row.organizer,
        document_required=False,
        **particulars.of(row),
    )


def _submitted(row: ParsedRow, submitted: Accepted | Refusal, route: Recognised) -> Verdict:
    if isinstance(submitted, Refusal):
        return Verdict(result=Result.REFUSED, refusal=submitted, organizer=row.organizer)
    return Verdict(
        result=Result.UNCHANGED if submitted.replayed else Result.NEW,
        status=S(submitted.view.status),
        registrant_id=submitted.view.id,
        organizer=row.organizer,
        warnings=(*submitted.warnings, *route.warnings(new=not submitted.replayed)),
    )


def _step(batch: Batch, one: _RowOnItsWay) -> Step:
    """The standard has no column for the declaration of health: who reports a departure makes the declaration."""
    applying = batch.applying.get(one.place)
    return Step(
        id=one.registrant_id,
        to=one.row.status,
        caller=one.row.caller,
        reason=CANCELLATION_REASON if one.row.status is S.CANCELLED else None,
        healthy=True,
        at=None if applying is None else applying.as_of,
        verified=one.row.verified,
        reported=True,
    )


def _advanced(before: Verdict, row: ParsedRow, taken: Taken | Refusal) -> Verdict:
    if isinstance(taken, Taken):
        result = Result.UPDATED if taken.moved and before.result is Result.UNCHANGED else before.result
        flagged = [WARNINGS[RegistrantFlag(flag)] for flag in taken.state.flags if flag not in taken.state.row.flags]
        return replace(before, result=result, status=row.status, warnings=(*before.warnings, *flagged))
    if isinstance(taken, TransitionNotAllowed) and transitions.way(row.status, S(taken.status)):
        if before.result is Result.NEW:
            # The return of a verified outbound is verified as it is booked.
            return replace(before, status=S(taken.status))
        return replace(before, result=Result.STALE, status=S(taken.status))
    also = (STATUS_ALONE_REFUSED,) if before.result is Result.NEW else ()
    return replace(before, result=Result.REFUSED, refusal=taken, warnings=(*before.warnings, *also))
