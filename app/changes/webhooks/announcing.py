"""The projection of the change log onto the webhooks: each event becomes one delivery to each webhook that it concerns.

An event concerns its organizer and the coordinator of that organizer. A decided case concerns those who claimed the NIK
and were refused, and whoever is asked for a correction, too; a used allowance concerns Hubdat as well. What is only
suspected, by names that differ, concerns nobody but Hubdat: an organizer that guesses a name must not learn whether it
is right.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from app.changes.log.feed import AFTER, IN_ORDER, PLACE, SETTLED, Position
from app.changes.log.projection import Projection
from app.changes.webhooks import events
from app.changes.webhooks.events import KINDS, MOVES, LoggedChange
from app.db import Session
from app.models.enums import ChangeKind, WebhookEvent
from app.models.statuses import ENDED
from app.registry.terms.policy import HUBDAT
from app.registry.webhooks import deliveries
from app.registry.webhooks.deliveries import Subject
from app.sql import Arrays, statement

CHANGES_OF_A_STEP = 2_000
"""Rows of the log that are announced in one transaction."""

CHANGE = """
    c.id, c.at, c.kind, c.season, c.organizer_code AS organizer, c.registrant_id, c.route_id, c.from_status,
    c.to_status, CAST(c.facts AS text) AS facts
"""


@dataclass(slots=True, kw_only=True)
class ChangeRow:
    """A row of `CHANGE`. A statement that selects more columns reads its rows as a class that adds these."""

    id: int
    at: datetime
    kind: str
    season: int | None
    organizer: str | None
    registrant_id: UUID | None
    route_id: UUID | None
    from_status: str | None
    to_status: str | None
    facts: str | None


class _WebhookToTell(NamedTuple):
    id: UUID
    events: list[str]
    enabled_at: datetime
    organizers: list[str]
    """Its own, and those that it coordinates."""


class _ClaimantToTell(NamedTuple):
    case_id: UUID
    organizer: str


class _DeliveryToMake(NamedTuple):
    id: UUID
    webhook_id: UUID
    change_id: Annotated[int, "bigint"]
    event: WebhookEvent
    subject: str


_DELIVERIES = Arrays("delivery", _DeliveryToMake, numbered=True)
_COLUMNS = ", ".join(_DeliveryToMake._fields)
_REACHED = statement(
    f"""
    SELECT {PLACE} FROM (
        SELECT c.xact_id, c.id, c.mark, c.at FROM change c
        WHERE {AFTER} AND {SETTLED} ORDER BY {IN_ORDER} LIMIT {CHANGES_OF_A_STEP}
    ) c ORDER BY c.xact_id DESC, c.id DESC LIMIT 1
    """,
    Position,
)
_NEWS = statement(
    f"""
    SELECT {CHANGE} FROM change c
    WHERE {AFTER} AND (c.xact_id, c.id) <= (CAST(CAST(:until_xact_id AS text) AS xid8), CAST(:until_id AS bigint))
        AND c.kind = ANY(:kinds) AND (c.kind <> '{ChangeKind.REGISTRANT_MOVED}' OR c.to_status = ANY(:moves)
                                OR c.from_status = ANY(:ends))
    ORDER BY {IN_ORDER}
    """,
    ChangeRow,
)
_WEBHOOKS = statement(
    """
    SELECT w.id, w.events, w.enabled_at, ARRAY(
        SELECT code FROM organizer WHERE code = w.organizer_code OR coordinator_code = w.organizer_code
    ) AS organizers
    FROM webhook w WHERE w.disabled_at IS NULL AND w.deleted_at IS NULL
    """,
    _WebhookToTell,
)
_CLAIMANTS = statement(
    """
    SELECT case_id, organizer_code AS organizer FROM case_claim
    WHERE case_id = ANY(CAST(:cases AS uuid[])) AND refused > 0
    """,
    _ClaimantToTell,
)
# Whoever ends a delivery takes this lock, too. So one of the two sees the next delivery of the same subject.
_LOCK = statement(
    """
    SELECT id FROM webhook WHERE id = ANY(CAST(:ids AS uuid[])) AND disabled_at IS NULL AND deleted_at IS NULL
    ORDER BY id FOR NO KEY UPDATE
    """,
    UUID,
)
# A change is announced once to a webhook, also if the projection should ever come past the change again.
_INSERT = statement(
    f"""
    INSERT INTO webhook_delivery ({_COLUMNS}, state, tries, made_at)
    SELECT {_COLUMNS}, 'PENDING', 0, :now FROM {_DELIVERIES}
    WHERE NOT EXISTS (
        SELECT FROM webhook_delivery_ended e
        WHERE e.webhook_id = delivery.webhook_id AND e.change_id = delivery.change_id OFFSET 0
    )
    ORDER BY place ON CONFLICT (webhook_id, change_id) DO NOTHING
    """
)


async def step(session: Session, after: Position, now: datetime) -> Position | None:
    """Announce the next changes behind `after`. Answers how far it came, or None: there are none."""
    reached = await session.first(_REACHED, **after.values())
    if reached is None:
        return None
    webhooks = await session.rows(_WEBHOOKS)
    if webhooks:
        chosen = {event for webhook in webhooks for event in webhook.events}
        await _announce(session, await _news(session, after, reached, chosen), webhooks, now)
    return reached


PROJECTION = Projection("webhooks", step)


async def _news(session: Session, after: Position, reached: Position, chosen: Collection[str]) -> list[LoggedChange]:
    """Most moves of registrants are read only where a webhook has chosen them."""
    rows = await session.rows(
        _NEWS,
        until_xact_id=str(reached.xact_id),
        until_id=reached.id,
        kinds=list(KINDS),
        moves=[status for status, event in MOVES.items() if event in chosen],
        ends=list(ENDED),
        **after.values(),
    )
    return [change_of(row) for row in rows]


async def _announce(
    session: Session, news: Sequence[LoggedChange], webhooks: Sequence[_WebhookToTell], now: datetime
) -> None:
    claimants = await _claimants(session, news)
    made = list(_deliveries(news, webhooks, claimants))
    if not made:
        return
    standing = set(await session.rows(_LOCK, ids=list({one.webhook_id for one in made})))
    made = [one for one in made if one.webhook_id in standing]
    await session.run(_INSERT, now=now, **_DELIVERIES.of(made))
    await deliveries.send_first(session, {Subject(one.webhook_id, one.subject) for one in made}, now)
    # The senders wait for the news of the log, and these deliveries are news for them.
    session.wrote_change_log = True


async def _claimants(session: Session, news: Sequence[LoggedChange]) -> Mapping[str, set[str]]:
    """For each decided case, the organizers that claimed the NIK and were refused."""
    cases = [change.facts["case"] for change in news if change.kind == ChangeKind.CASE_DECIDED]
    found: defaultdict[str, set[str]] = defaultdict(set)
    if cases:
        for claimant in await session.rows(_CLAIMANTS, cases=[UUID(case) for case in cases]):
            found[str(claimant.case_id)].add(claimant.organizer)
    return found


def _deliveries(
    news: Sequence[LoggedChange], webhooks: Sequence[_WebhookToTell], claimants: Mapping[str, set[str]]
) -> Iterator[_DeliveryToMake]:
    of_organizer = _by_organizer(webhooks)
    for change in news:
        event = events.event_of(change)
        if event is None:
            continue
        concerned = _concerned(change, claimants)
        told = {webhook.id: webhook for organizer in concerned for webhook in of_organizer[organizer]}
        for webhook in told.values():
            told_as = _told_as(event, change, webhook)
            if told_as in webhook.events and webhook.enabled_at <= change.at:
                yield _DeliveryToMake(
                    id=uuid7(),
                    webhook_id=webhook.id,
                    change_id=change.id,
                    event=told_as,
                    subject=events.subject_of(change),
                )


def _by_organizer(webhooks: Sequence[_WebhookToTell]) -> Mapping[str, list[_WebhookToTell]]:
    found: defaultdict[str, list[_WebhookToTell]] = defaultdict(list)
    for webhook in webhooks:
        for organizer in webhook.organizers:
            found[organizer].append(webhook)
    return found


def _told_as(event: WebhookEvent, change: LoggedChange, webhook: _WebhookToTell) -> WebhookEvent:
    """The event under which a webhook hears the change: CORRECTION_ASKED for whoever is asked and has chosen it."""
    is_asked = change.kind == ChangeKind.CASE_DECIDED and change.facts.get("mistyped_by") in webhook.organizers
    return WebhookEvent.CORRECTION_ASKED if is_asked and WebhookEvent.CORRECTION_ASKED in webhook.events else event


def _concerned(change: LoggedChange, claimants: Mapping[str, set[str]]) -> set[str]:
    """Organizers. A case in which nobody was refused is known to Hubdat alone."""
    organizer = {change.organizer or ""}
    if change.kind == ChangeKind.DUPLICATE_SUSPECTED:
        return {HUBDAT}
    if change.kind == ChangeKind.NIK_ALLOWANCE_USED:
        return organizer | {HUBDAT}
    if change.kind == ChangeKind.CASE_DECIDED:
        refused = claimants.get(change.facts["case"], set())
        asked = {change.facts["mistyped_by"]} if change.facts.get("mistyped_by") else set()
        return asked | (organizer | refused if refused else {HUBDAT})
    return organizer


def change_of(row: ChangeRow) -> LoggedChange:
    return LoggedChange(
        id=row.id,
        at=row.at,
        kind=row.kind,
        season=row.season,
        organizer=row.organizer,
        registrant_id=row.registrant_id,
        route_id=row.route_id,
        from_status=row.from_status,
        to_status=row.to_status,
        facts=orjson.loads(row.facts or "{}"),
    )
