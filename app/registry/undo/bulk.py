"""Reopening many: those of a route, of a booking, or of a cause, in pages; with a dry run that changes nothing.

Where a page ends makes no difference to a lap infant: infants come behind everybody else, when it is known who has a
seat. A dry run reopens nobody, so there whoever may hold the infant is judged on trial with it.

A cause is an end by somebody within some time: what a client cancelled one night, what the registry forfeited in an
outage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NotFound, Refusal, RouteUnknown, refused_by, refuses
from app.models.statuses import ENDED, HAS_ENDED
from app.registry.caller import Caller
from app.registry.registrants.lookup import Ref
from app.registry.registrants.view import View
from app.registry.routes.lap_infants import MOST_OF_A_BOOKING
from app.registry.undo.ends import LAST_STEP, LEGS_FROM_HOME
from app.registry.undo.reopening import reopen
from app.sql import Statement, statement
from app.vault.vault import Vault

MOST_TOGETHER = 500
"""Registrants of one call, which is one transaction: short enough that a submission never waits long for a route."""
BEFORE_ALL = UUID(int=0)
"""Smaller than every id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    status: str
    """The end."""
    since: datetime
    until: datetime
    client: str | None = None
    """Which client did it. None: whoever."""
    reason: str | None = None
    """As it stands in the change log. None: whatever."""
    by_itself: bool = False
    """The registry did it, and no client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Whose ends are taken back: those that fit all that is given."""

    organizer: str | None = None
    route_id: UUID | None = None
    reference: str | None = None
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenedPage:
    ids: Sequence[UUID]
    verdicts: Sequence[View | Refusal]
    """The verdict on each of `ids`."""
    next: UUID | None
    """The next page goes on behind this id. None: that was all."""


_CONDITIONS = {
    "organizer": "r.organizer_code = :organizer",
    "route_id": "r.route_id = :route_id",
    "reference": "r.reference = :reference",
    "status": "r.status = :status",
    "since": "ended.at >= :since",
    "until": "ended.at < :until",
    "client": "ended.client_id = :client",
    "reason": "ended.reason = :reason",
    "by_itself": "ended.client_id IS NULL AND :by_itself",
}


class _FoundNames(NamedTuple):
    """Of each: true if it is there, or if nobody named it."""

    organizer: bool
    client: bool
    route: bool


_IS_ON_LAP = f"""
    EXISTS (SELECT FROM ({LEGS_FROM_HOME.format("coalesce(r.outbound_id, r.id)")}) leg WHERE leg.lap_infant)
"""
"""SQL: whether `r` is an infant's. One of its ways may have a seat, and returns with the other one."""


@cache
def _page(asked: frozenset[str]) -> Statement[UUID]:
    """Only the conditions that are asked for: with optional ones it would read the whole table for a route."""
    conditions = " AND ".join(_CONDITIONS[name] for name in sorted(asked))
    # In the order of the ids it would read everybody whom the organizer has registered.
    fence = "WHERE organizer_code = :organizer AND reference = :reference OFFSET 0" if "reference" in asked else ""
    return statement(
        f"""
        SELECT r.id FROM (SELECT * FROM registrant {fence}) r JOIN season ON season.year = r.season
        JOIN LATERAL ({LAST_STEP.format("r.id")}) ended ON true
        WHERE r.{HAS_ENDED} AND r.erased_at IS NULL AND season.closed_at IS NULL AND r.id > :after
            AND {_IS_ON_LAP} = :on_lap AND {conditions}
        ORDER BY r.id LIMIT :most
        """,
        UUID,
    )


@cache
def _companions(asked: frozenset[str]) -> Statement[UUID]:
    """Of the lap infants among `:ids`: who else fits, and belongs to a trip with a seat in the booking of an infant.

    An infant returns with its whole trip, and so does whoever holds it: other legs than those that fit count as well.
    """
    conditions = " AND ".join(_CONDITIONS[name] for name in sorted(asked))
    return statement(
        f"""
        SELECT DISTINCT r.id FROM (
            SELECT DISTINCT leg.season, leg.organizer_code, leg.reference
            FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
            JOIN LATERAL (SELECT * FROM registrant WHERE id = asked.id OFFSET 0) one ON true
            JOIN LATERAL ({LEGS_FROM_HOME.format("coalesce(one.outbound_id, one.id)")}) leg
                ON leg.lap_infant AND leg.reference IS NOT NULL
        ) infant
        JOIN LATERAL (
            SELECT * FROM (
                SELECT * FROM registrant
                WHERE organizer_code = infant.organizer_code AND reference = infant.reference OFFSET 0
            ) alike WHERE season = infant.season LIMIT {MOST_OF_A_BOOKING}
        ) member ON NOT member.lap_infant
        JOIN LATERAL ({LEGS_FROM_HOME.format("coalesce(member.outbound_id, member.id)")}) r ON true
        JOIN LATERAL ({LAST_STEP.format("r.id")}) ended ON true
        WHERE r.{HAS_ENDED} AND r.erased_at IS NULL AND r.id <> ALL(CAST(:ids AS uuid[])) AND {conditions}
        ORDER BY r.id
        """,
        UUID,
    )


_EACH = tuple(frozenset({name} | ({"organizer"} if name == "reference" else set())) for name in _CONDITIONS)
"""Each condition. A booking code is asked for with its organizer."""
PAGES = tuple(_page(asked) for asked in _EACH)
"""Tests prepare these."""
COMPANIONS = tuple(_companions(asked) for asked in _EACH)
"""Tests prepare these."""


_ON_LAP = statement(f"SELECT {_IS_ON_LAP} FROM registrant r WHERE r.id = :id", bool)
_KNOWN = statement(
    """
    SELECT CAST(:organizer AS text) IS NULL OR EXISTS (SELECT FROM organizer WHERE code = :organizer) AS organizer,
           CAST(:client AS text) IS NULL OR EXISTS (SELECT FROM client WHERE id = :client) AS client,
           CAST(:route_id AS uuid) IS NULL OR EXISTS (
               SELECT FROM route WHERE id = :route_id AND merged_into IS NULL
           ) AS route
    """,
    _FoundNames,
)


@refuses(*refused_by(reopen), RouteUnknown)
async def reopen_all(
    session: Session,
    vault: Vault,
    caller: Caller,
    where: Where,
    reason: str,
    now: datetime,
    *,
    after: UUID | None = None,
    dry_run: bool = False,
) -> ReopenedPage | Refusal:
    """Reopen up to `MOST_TOGETHER` of those who fit, behind `after`, with a verdict each. With `dry_run` nobody is.

    The pages of a dry run know nothing of the seats and NIKs that another page would take.
    """
    refused = _judge(where) or await _unknown(session, where)
    if refused is not None:
        return refused
    asked = _asked(where)
    ids = await _ids(session, asked, after)
    elsewhere = await session.rows(_companions(frozenset(asked)), ids=ids, **asked) if dry_run else ()
    refs = [Ref(id=one) for one in ids]
    verdicts = await reopen(session, vault, caller, refs, reason, now, dry_run=dry_run, elsewhere=elsewhere)
    return ReopenedPage(ids=ids, verdicts=verdicts, next=ids[-1] if len(ids) == MOST_TOGETHER else None)


async def _ids(session: Session, asked: Mapping[str, object], after: UUID | None) -> list[UUID]:
    """Behind `after`: everybody else, and behind all of them the infants."""
    page, begun = _page(frozenset(asked)), after or BEFORE_ALL
    is_on_lap = await session.first(_ON_LAP, id=begun)
    if is_on_lap:
        return await session.rows(page, after=begun, most=MOST_TOGETHER, on_lap=True, **asked)
    others = await session.rows(page, after=begun, most=MOST_TOGETHER, on_lap=False, **asked)
    left = MOST_TOGETHER - len(others)
    infants = await session.rows(page, after=BEFORE_ALL, most=left, on_lap=True, **asked) if left else []
    return [*others, *infants]


def _judge(where: Where) -> InvalidValue | None:
    if where.reference is not None and where.organizer is None:
        return InvalidValue(
            "organizer", "Kode booking memerlukan penyelenggaranya.", "A booking code needs its organizer."
        )
    if where.route_id is None and where.reference is None and where.cause is None:
        return InvalidValue(
            "where", "Sebutkan rute, kode booking atau penyebabnya.", "Name a route, a booking code or a cause."
        )
    return None if where.cause is None else _judge_cause(where.cause)


def _judge_cause(cause: Cause) -> InvalidValue | None:
    if cause.status not in ENDED:
        return InvalidValue(
            "status",
            "Hanya Gugur, Batal, dan Tidak hadir yang dapat dibuka kembali.",
            "Only FORFEITED, CANCELLED and NO_SHOW are reopened.",
        )
    if cause.until <= cause.since:
        return InvalidValue("until", "Waktu akhir harus sesudah waktu awal.", "It must be after `since`.")
    return None


async def _unknown(session: Session, where: Where) -> RouteUnknown | NotFound | None:
    """The first that is named and is not there. Without this check, a wrong name would be answered as if nobody were
    to be reopened.
    """
    client = None if where.cause is None else where.cause.client
    known = await session.one(_KNOWN, organizer=where.organizer, client=client, route_id=where.route_id)
    if not known.route:
        return RouteUnknown("routeId")
    if not known.organizer:
        return NotFound("organizer")
    return None if known.client else NotFound("client")


def _asked(where: Where) -> dict[str, object]:
    cause = where.cause
    given: dict[str, object] = {"organizer": where.organizer, "route_id": where.route_id, "reference": where.reference}
    if cause is not None:
        given |= {"status": cause.status, "since": cause.since, "until": cause.until}
        given |= {"client": cause.client, "reason": cause.reason, "by_itself": cause.by_itself or None}
    return {name: value for name, value in given.items() if value is not None}
