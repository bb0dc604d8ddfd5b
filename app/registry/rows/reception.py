"""The feeds: records of the ministry's 12 columns, which push states (S1). Every door of the 12 columns ends here.

A person that its organizer has not registered yet is submitted (`submission`), and whoever is known goes on to the
record's status through those between (`lifecycle`): the rules are theirs. The number of SQL statements does not depend
on the number of records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.clock import wib_day
from app.db import Session
from app.errors import NotFound, Refusal, SeasonClosed, TransitionNotAllowed, refused_by, refuses
from app.models.enums import Direction, RegistrantStatus
from app.models.registrant import HOLDS_NIK, NIK_HOLDERS
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.registrants import lifecycle, opening, transitions
from app.registry.registrants.submission import NAME_DIFFERS, ROUTE_DIFFERS, Accepted, Submission, submit
from app.registry.registrants.transitions import Step
from app.registry.routes import quota
from app.registry.rows import provisional, recognition
from app.registry.rows.recognition import Recognised
from app.registry.rows.row import Itinerary, Reading, Record, read, record_of, spelling_of_organizer
from app.registry.rows.verdicts import RESULT_TITLES, Result, Verdict
from app.registry.terms import seasons
from app.registry.values import nik
from app.vault.vault import Vault

__all__ = ["RESULT_TITLES", "Push", "Record", "Result", "Verdict", "push", "record_of"]

S = RegistrantStatus

PASSES = 2
"""Whoever was cancelled by one record can be registered anew by a later one of the same batch, once."""
REASON = "Dilaporkan batal oleh penyelenggara."
"""The standard carries none."""
OVER = frozenset({S.CANCELLED, S.FORFEITED, S.NO_SHOW})
"""Nobody is registered by a record that says so."""


@dataclass(frozen=True, slots=True)
class Push:
    caller: Caller
    record: Record


@dataclass(frozen=True, slots=True)
class Known:
    """A registrant of the record's organizer: the one that holds the NIK, else the newest."""

    id: UUID
    status: RegistrantStatus
    route_id: UUID
    registered_at: datetime
    reference: str | None
    name_sealed: bytes


Key = tuple[str, bytes, str, str]
"""Organizer, NIK, direction and service: with the season, the natural key."""
Placed = tuple[int, Reading]
"""With its place in the batch."""
Registered = tuple[UUID, Reading]
"""By which record of the batch."""


@dataclass(slots=True)
class Batch:
    vault: Vault
    now: datetime
    season: int
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    routes: dict[Itinerary, Recognised] = field(default_factory=dict)
    known: dict[Key, Known] = field(default_factory=dict)
    made: provisional.Made = field(default_factory=provisional.Made)
    used: set[UUID] = field(default_factory=set)
    """Routes that somebody was registered on."""

    def key(self, one: Reading) -> Key:
        return one.organizer, one.nik_index, one.itinerary.direction, self.routes[one.itinerary].service


@dataclass(slots=True)
class Plan:
    """What one pass does with each record."""

    new: list[Placed] = field(default_factory=list)
    known: list[Placed] = field(default_factory=list)
    behind: set[int] = field(default_factory=set)
    """Those of `known` that come behind a new one of the same person."""
    later: list[Placed] = field(default_factory=list)


_SEASONS = text(f"SELECT {seasons.CURRENT} AS current, {seasons.LATEST} AS latest")
_NAMES = text("SELECT code, name FROM organizer WHERE code = ANY(CAST(:codes AS text[]))")
KNOWN = text(
    f"""
    SELECT r.organizer_code AS organizer, r.nik_index, r.direction, r.service,
           r.id, r.status, r.route_id, r.registered_at, r.reference, r.name_sealed
    FROM unnest(CAST(:nik_index AS bytea[]), CAST(:organizer AS text[])) AS asked (nik_index, organizer)
    -- OFFSET: looked up NIK by NIK, also in a table that has no statistics yet (see `uniqueness`).
    JOIN LATERAL (SELECT * FROM registrant WHERE nik_index = asked.nik_index OFFSET 0) r
        ON r.organizer_code = asked.organizer AND r.season = :season
    ORDER BY {HOLDS_NIK}, r.id
    """
)


@refuses(*refused_by(submit, lifecycle.advance), NotFound)
async def push(
    session: Session,
    vault: Vault,
    pushes: Sequence[Push],
    now: datetime,
    *,
    in_turn: Callable[[], Awaitable[object]] | None = None,
) -> list[Verdict]:
    """Take in up to 1,000 records, each judged in its turn, with a verdict each. Run it through `Database.attempt`.

    `in_turn` is awaited where a batch begins to depend on what the one before it leaves; what needs no database is done
    by then. An end of somebody unknown is NotFound.
    """
    year = (await session.execute(_SEASONS)).one()
    if year.current is None:
        return [Verdict(Result.REFUSED, SeasonClosed(season=year.latest or 0))] * len(pushes)
    batch = Batch(vault, now, year.current)
    waiting = await _read(session, batch, pushes, in_turn)
    for turn in range(PASSES):
        if waiting:
            waiting = await _pass(session, batch, waiting, last=turn == PASSES - 1)
    entries = await provisional.keep(session, batch.season, batch.made, batch.used)
    if entries:
        await change_log.append(session, entries, now)
    return [batch.verdicts[place] for place in range(len(pushes))]


# --- what is sent and what is known -----------------------------------------------------------------------------------


async def _read(
    session: Session, batch: Batch, pushes: Sequence[Push], in_turn: Callable[[], Awaitable[object]] | None
) -> list[Placed]:
    """The records that can be ones, with the routes they mean."""
    own = await _own(session, {one.caller for one in pushes})
    today = wib_day(batch.now)
    readings: list[Placed] = []
    for place, one in enumerate(pushes):
        reading = read(one.record, one.caller, own[one.caller], batch.vault, today)
        if isinstance(reading, Refusal):
            batch.verdicts[place] = Verdict(Result.REFUSED, reading)
        else:
            readings.append((place, reading))
    if in_turn is not None:
        await in_turn()
    itineraries = {one.itinerary for _, one in readings}
    if itineraries:
        offers = await recognition.offers(session, batch.season, itineraries)
        batch.routes = {one: recognition.recognise(one, offers, batch.now) for one in itineraries}
    return readings


async def _own(session: Session, callers: Iterable[Caller]) -> dict[Caller, dict[str, str]]:
    """Of each caller its organizers, by the spellings of their codes and of their names."""
    codes = {code for caller in callers for code in caller.organizers}
    found = [(row.code, row.name) for row in await session.execute(_NAMES, {"codes": sorted(codes)})]
    spellings = [(spelling_of_organizer(word), code) for code, name in found for word in (name, code)]
    return {caller: {word: code for word, code in spellings if caller.owns(code)} for caller in callers}


async def _read_known(session: Session, batch: Batch, readings: Sequence[Placed]) -> None:
    asked = {(one.nik_index, one.organizer) for _, one in readings}
    facts = {"nik_index": [one[0] for one in asked], "organizer": [one[1] for one in asked], "season": batch.season}
    rows = (await session.execute(KNOWN, facts)).all()
    batch.known = {(row[0], row[1], row[2], row[3]): Known(row[4], S(row[5]), *row[6:]) for row in rows}


# --- one pass ---------------------------------------------------------------------------------------------------------


async def _pass(session: Session, batch: Batch, waiting: Sequence[Placed], *, last: bool) -> list[Placed]:
    """Answers the records that have to wait for what this pass does."""
    await _read_known(session, batch, waiting)
    plan = _plan(batch, waiting, last=last)
    # Whoever waits for another batch's new route must hold no route yet.
    await _make_routes(session, batch, plan.new)
    await _lock_routes(session, batch, plan)
    registered = await _submit(session, batch, plan.new) if plan.new else {}
    for place, one in plan.known:
        batch.verdicts[place] = _known(batch, one, registered.get(batch.key(one)) if place in plan.behind else None)
    await _advance(session, batch, waiting)
    return plan.later


async def _lock_routes(session: Session, batch: Batch, plan: Plan) -> None:
    """Of those that come and of those that end at once, as everybody locks them: in the order of their ids."""
    booked = {batch.routes[one.itinerary].route_id for _, one in plan.new}
    ended = {
        batch.known[key].route_id
        for _, one in plan.known
        if (key := batch.key(one)) in batch.known and one.status in transitions.ENDS
    }
    if booked and ended:
        await quota.lock(session, [one for one in booked | ended if one is not None], batch.now)


def _plan(batch: Batch, waiting: Sequence[Placed], *, last: bool) -> Plan:
    plan = Plan()
    arriving: set[Key] = set()
    ending: set[Key] = set()
    for place, one in waiting:
        key = batch.key(one)
        if key in ending and not last:
            plan.later.append((place, one))
        elif one.status not in OVER and _comes_anew(one, batch.known.get(key)):
            plan.new.append((place, one))
            arriving.add(key)
        else:
            plan.known.append((place, one))
            plan.behind |= {place} if key in arriving else set()
        ending |= {key} if one.status in transitions.ENDS else set()
    return plan


def _comes_anew(one: Reading, known: Known | None) -> bool:
    """Whether a record tells of another registration than the one that has ended, and not of what was before."""
    if known is None:
        return True
    if known.status in NIK_HOLDERS:
        return False
    return one.registered_at > known.registered_at or _is_another_booking(one, known)


def _is_of_before(one: Reading, standing: Known | Reading) -> bool:
    """Whether an end is that of an earlier registration: of an earlier day, as lists often hold no more than days."""
    earlier = wib_day(one.registered_at) < wib_day(standing.registered_at)
    return one.status in OVER and (earlier or _is_another_booking(one, standing))


def _is_another_booking(one: Reading, other: Known | Reading) -> bool:
    return one.reference is not None and other.reference is not None and one.reference != other.reference


async def _submit(session: Session, batch: Batch, new: Sequence[Placed]) -> dict[Key, Registered]:
    """Answers who is registered now."""
    # A way back needs its way home, wherever the two stand in a file.
    ordered = sorted(new, key=lambda placed: placed[1].itinerary.direction == Direction.BALIK)
    submissions = [_submission(one, batch.routes[one.itinerary].route_id) for _, one in ordered]
    registered: dict[Key, Registered] = {}
    for (place, one), verdict in zip(ordered, await submit(session, batch.vault, submissions, batch.now), strict=True):
        batch.verdicts[place] = _submitted(one, verdict)
        if isinstance(verdict, Accepted):
            registered.setdefault(batch.key(one), (verdict.record.id, one))
            batch.used.add(verdict.record.route_id)
    return registered


async def _make_routes(session: Session, batch: Batch, new: Sequence[Placed]) -> None:
    recognised = {one.itinerary: batch.routes[one.itinerary] for _, one in new}
    wanted = {itinerary: found.service for itinerary, found in recognised.items() if found.route_id is None}
    if wanted:
        for itinerary, route_id in (await provisional.make(session, batch.season, wanted, batch.made)).items():
            alike = batch.routes[itinerary].alike | {route_id}
            batch.routes[itinerary] = Recognised(route_id, wanted[itinerary], alike)


def _submission(one: Reading, route_id: UUID | None) -> Submission:
    return Submission(
        caller=one.caller,
        nik=one.nik.digits,
        name=one.name,
        route_id=route_id,
        registered_at=one.registered_at,
        identity_document=one.identity_document,
        reference=one.reference,
        motorcycle=one.motorcycle,
        member=one.organizer,
        document_required=False,
    )


async def _advance(session: Session, batch: Batch, readings: Sequence[Placed]) -> None:
    """Those on whom the record has more to say go on to its status."""
    several = Counter(batch.key(one) for _, one in readings)
    moving: list[tuple[int, Reading, UUID]] = []
    for place, one in readings:
        verdict = batch.verdicts.get(place)
        if verdict is None or verdict.registrant_id is None or verdict.refusal or verdict.result is Result.STALE:
            continue
        # Of several records of one person each is judged against what the one before it left.
        if verdict.status is not one.status or several[batch.key(one)] > 1:
            moving.append((place, one, verdict.registrant_id))
    if not moving:
        return
    steps = [_step(one, registrant_id) for _, one, registrant_id in moving]
    for (place, one, _), taken in zip(moving, await lifecycle.advance(session, steps, batch.now), strict=True):
        batch.verdicts[place] = _advanced(batch.verdicts[place], one, taken)


def _step(one: Reading, registrant_id: UUID) -> Step:
    """An organizer that reports a departure thereby declares what the standard has no column for."""
    reason = REASON if one.status is S.CANCELLED else None
    return Step(id=registrant_id, to=one.status, caller=one.caller, reason=reason, healthy=True, handed_over=True)


# --- verdicts ---------------------------------------------------------------------------------------------------------


def _submitted(one: Reading, verdict: Accepted | Refusal) -> Verdict:
    if isinstance(verdict, Refusal):
        return Verdict(Result.REFUSED, verdict, organizer=one.organizer)
    result = Result.UNCHANGED if verdict.replayed else Result.NEW
    status = S(verdict.record.status)
    return Verdict(result, None, status, verdict.record.id, one.organizer, verdict.warnings)


def _known(batch: Batch, one: Reading, registered: Registered | None) -> Verdict:
    """`registered` by a record before this one."""
    if registered is not None:
        registrant_id, by = registered
        result = Result.STALE if _is_of_before(one, by) else Result.UNCHANGED
        return Verdict(result, None, S.REGISTERED, registrant_id, one.organizer, one.nik.warnings)
    known = batch.known.get(batch.key(one))
    if known is None:
        return Verdict(Result.REFUSED, NotFound("nik"), organizer=one.organizer)
    if known.status in NIK_HOLDERS and _is_of_before(one, known):
        return Verdict(Result.STALE, None, known.status, known.id, one.organizer, one.nik.warnings)
    warnings = (*one.nik.warnings, *_differences(batch, one, known))
    return Verdict(Result.UNCHANGED, None, known.status, known.id, one.organizer, warnings)


def _differences(batch: Batch, one: Reading, known: Known) -> list[nik.Warning]:
    """What is stored stays."""
    differences = []
    if known.route_id not in batch.routes[one.itinerary].alike:
        differences.append(ROUTE_DIFFERS)
    if opening.clearly_differs(known.name_sealed, one.name, batch.vault):
        differences.append(NAME_DIFFERS)
    return differences


def _advanced(before: Verdict, one: Reading, taken: transitions.Taken | Refusal) -> Verdict:
    if isinstance(taken, transitions.Taken):
        result = Result.UPDATED if taken.moved and before.result is Result.UNCHANGED else before.result
        return replace(before, result=result, status=one.status)
    if isinstance(taken, TransitionNotAllowed) and transitions.way(one.status, S(taken.status)):
        return replace(before, result=Result.STALE, status=S(taken.status))
    return replace(before, result=Result.REFUSED, refusal=taken)
