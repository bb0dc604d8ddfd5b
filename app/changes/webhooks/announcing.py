"""The projection of the change log onto the webhooks: of each event one delivery to each webhook that it concerns.

It concerns its organizer, whoever coordinates that one, and of a case those who claim the NIK as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, text
from uuid_utils.compat import uuid7

from app.changes.log.feed import AFTER, IN_ORDER, SETTLED, Position
from app.changes.log.projection import Projection
from app.changes.webhooks import events
from app.changes.webhooks.events import KINDS, MOVES, Change
from app.db import CHANGED, Session
from app.models.enums import ChangeKind, WebhookEvent
from app.registry.webhooks import deliveries

AT_ONCE = 2_000
"""Rows of the log in one transaction."""

CHANGE = "c.id, c.at, c.kind, c.season, c.organizer_code, c.registrant_id, c.route_id, c.to_status, c.facts::text"
_REACHED = text(
    f"""
    SELECT CAST(CAST(xact_id AS text) AS bigint) AS xact_id, id FROM (
        SELECT c.xact_id, c.id FROM change c WHERE {AFTER} AND {SETTLED} ORDER BY {IN_ORDER} LIMIT {AT_ONCE}
    ) c ORDER BY c.xact_id DESC, c.id DESC LIMIT 1
    """
)
_NEWS = text(
    f"""
    SELECT {CHANGE} FROM change c
    WHERE {AFTER} AND (c.xact_id, c.id) <= (CAST(CAST(:until_xact_id AS text) AS xid8), CAST(:until_id AS bigint))
        AND c.kind = ANY(:kinds) AND (c.kind <> 'REGISTRANT_MOVED' OR c.to_status = ANY(:moves))
    ORDER BY {IN_ORDER}
    """
)
_WEBHOOKS = text(
    """
    SELECT w.id, w.events, w.enabled_at, ARRAY(
        SELECT code FROM organizer WHERE code = w.organizer_code OR coordinator_code = w.organizer_code
    ) AS organizers
    FROM webhook w WHERE w.disabled_at IS NULL AND w.deleted_at IS NULL
    """
)
_CLAIMANTS = text("SELECT case_id, organizer_code FROM case_claim WHERE case_id = ANY(CAST(:cases AS uuid[]))")
# Whoever ends a delivery holds this lock too, so that the next one of its subject is seen by one of the two.
_LOCK = text(
    """
    SELECT id FROM webhook WHERE id = ANY(CAST(:ids AS uuid[])) AND disabled_at IS NULL AND deleted_at IS NULL
    ORDER BY id FOR NO KEY UPDATE
    """
)
_MAKE = text(
    """
    INSERT INTO webhook_delivery (id, webhook_id, change_id, event, subject, state, tries, made_at)
    SELECT id, webhook_id, change_id, event, subject, 'PENDING', 0, :now
    FROM unnest(CAST(:id AS uuid[]), CAST(:webhook_id AS uuid[]), CAST(:change_id AS bigint[]), CAST(:event AS text[]),
                CAST(:subject AS text[])) WITH ORDINALITY AS made (id, webhook_id, change_id, event, subject, place)
    ORDER BY place
    """
)


@dataclass(frozen=True, slots=True)
class _Made:
    id: UUID
    webhook_id: UUID
    change_id: int
    event: WebhookEvent
    subject: str


async def step(session: Session, after: Position, now: datetime) -> Position | None:
    row = (await session.execute(_REACHED, after.values())).one_or_none()
    if row is None:
        return None
    reached = Position(row.xact_id, row.id)
    webhooks = (await session.execute(_WEBHOOKS)).all()
    if webhooks:
        await _announce(session, await _news(session, after, reached), webhooks, now)
    return reached


PROJECTION = Projection("webhooks", step)


async def _news(session: Session, after: Position, reached: Position) -> list[Change]:
    values = {"until_xact_id": str(reached.xact_id), "until_id": reached.id, "kinds": list(KINDS), "moves": list(MOVES)}
    return [change_of(row) for row in await session.execute(_NEWS, {**after.values(), **values})]


async def _announce(session: Session, news: Sequence[Change], webhooks: Sequence[Row[Any]], now: datetime) -> None:
    claimants = await _claimants(session, news)
    made = list(_made(news, webhooks, claimants))
    if not made:
        return
    ids = {one.webhook_id for one in made}
    standing = set((await session.execute(_LOCK, {"ids": list(ids)})).scalars())
    made = [one for one in made if one.webhook_id in standing]
    columns = {name: [getattr(one, name) for one in made] for name in _Made.__slots__}
    await session.execute(_MAKE, {"now": now, **columns})
    await deliveries.let_go(session, {(one.webhook_id, one.subject) for one in made}, now)
    # The senders follow the log's news as well.
    session.info[CHANGED] = True


async def _claimants(session: Session, news: Sequence[Change]) -> Mapping[str, set[str]]:
    cases = [change.facts["case"] for change in news if change.kind == ChangeKind.CASE_DECIDED]
    found: defaultdict[str, set[str]] = defaultdict(set)
    if cases:
        for row in await session.execute(_CLAIMANTS, {"cases": [UUID(case) for case in cases]}):
            found[str(row.case_id)].add(row.organizer_code)
    return found


def _made(news: Sequence[Change], webhooks: Sequence[Row[Any]], claimants: Mapping[str, set[str]]) -> Iterator[_Made]:
    of_organizer: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for webhook in webhooks:
        for organizer in webhook.organizers:
            of_organizer[organizer].append(webhook)
    for change in news:
        event = events.event_of(change)
        if event is None:
            continue
        concerned = {change.organizer or ""}
        if change.kind == ChangeKind.CASE_DECIDED:
            concerned |= claimants[change.facts["case"]]
        told = {webhook.id: webhook for organizer in concerned for webhook in of_organizer[organizer]}
        for webhook in told.values():
            if event in webhook.events and webhook.enabled_at <= change.at:
                yield _Made(uuid7(), webhook.id, change.id, event, events.subject_of(change))


def change_of(row: Row[Any]) -> Change:
    return Change(
        row.id,
        row.at,
        row.kind,
        row.season,
        row.organizer_code,
        row.registrant_id,
        row.route_id,
        row.to_status,
        orjson.loads(row.facts or "{}"),
    )
