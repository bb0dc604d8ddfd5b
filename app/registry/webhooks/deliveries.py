"""What is sent to webhooks: one delivery of a subject at a time (`uq_webhook_delivery_on_its_way`), tests, redelivery.

The log of deliveries has no payload; it is kept for 30 days after a delivery has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import CursorResult, Row, text
from uuid_utils.compat import uuid7

from app.db import CHANGED, Session
from app.errors import InvalidValue, NotFound, refuses
from app.registry.caller import Caller
from app.registry.webhooks import webhooks
from app.registry.webhooks.webhooks import Webhook

KEPT_FOR = timedelta(days=30)
UNTIL_LANDED = timedelta(hours=1)
"""After a webhook was deleted: nothing is on its way to it any more."""

Subject = tuple[UUID, str]
"""Of a webhook: whose events arrive in order."""


@dataclass(frozen=True, slots=True)
class Attempt:
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    id: UUID
    event: str
    state: str
    occurred_at: datetime
    next_attempt_at: datetime | None
    """None: it has ended, or waits for an earlier one of its subject."""
    attempts: tuple[Attempt, ...]


_COLUMNS = """
    d.id, d.webhook_id, d.event, d.state, coalesce(c.at, d.made_at) AS occurred_at, d.due_at,
    (SELECT json_agg(json_build_array(a.at, a.duration_ms, a.status, a.error) ORDER BY a.id)
     FROM webhook_attempt a WHERE a.delivery_id = d.id)::text AS attempts
"""
_FROM = "webhook_delivery d LEFT JOIN change c ON c.id = d.change_id"
_PAGE = text(
    f"""
    SELECT {_COLUMNS} FROM {_FROM}
    WHERE d.webhook_id = :webhook_id AND (CAST(:state AS text) IS NULL OR d.state = :state)
        AND (CAST(:after AS uuid) IS NULL OR d.id < :after)
    ORDER BY d.id DESC LIMIT :most
    """
)
_ONE = text(f"SELECT {_COLUMNS} FROM {_FROM} WHERE d.id = :id")
# A second test while one is on its way is that one, sent now.
_TEST = text(
    """
    INSERT INTO webhook_delivery (id, webhook_id, event, subject, state, tries, made_at, due_at)
    VALUES (:id, :webhook_id, 'webhook.test', 'test', 'PENDING', 0, :now, :now)
    ON CONFLICT (webhook_id, subject) WHERE due_at IS NOT NULL DO UPDATE SET due_at = excluded.due_at
    RETURNING id
    """
)
_RESUME = text("UPDATE webhook SET paused_until = NULL WHERE id = :id")
# What is on its way is sent now, unless some process is just sending it.
_AGAIN = text(
    """
    UPDATE webhook_delivery SET state = 'PENDING', finished_at = NULL, tries = 0,
        due_at = CASE WHEN due_at IS NOT NULL AND leased_until IS NULL THEN :now ELSE due_at END
    WHERE webhook_id = :webhook_id
        AND (id = :id OR (CAST(:since AS timestamptz) <= made_at AND state <> 'DELIVERED'))
    RETURNING subject
    """
)
_LET_GO = text(
    """
    UPDATE webhook_delivery d SET due_at = :now
    FROM (
        SELECT DISTINCT ON (p.webhook_id, p.subject) p.id, p.due_at
        FROM unnest(CAST(:webhook_id AS uuid[]), CAST(:subject AS text[])) AS asked (webhook_id, subject)
        JOIN webhook_delivery p ON p.webhook_id = asked.webhook_id AND p.subject = asked.subject
        WHERE p.state = 'PENDING'
        ORDER BY p.webhook_id, p.subject, p.due_at IS NULL, p.place
    ) first
    WHERE d.id = first.id AND first.due_at IS NULL
    """
)
_FORGET = text(
    """
    DELETE FROM webhook_delivery WHERE id IN (
        SELECT id FROM webhook_delivery WHERE finished_at < :before
        UNION ALL
        SELECT d.id FROM webhook w JOIN webhook_delivery d ON d.webhook_id = w.id WHERE w.deleted_at < :a_while_ago
        LIMIT :most
    )
    """
)
_FORGET_WEBHOOKS = text(
    """
    DELETE FROM webhook w WHERE w.deleted_at < :a_while_ago
        AND NOT EXISTS (SELECT FROM webhook_delivery d WHERE d.webhook_id = w.id)
    """
)


async def page(
    session: Session, webhook_id: UUID, state: str | None, *, after: UUID | None, first: int
) -> list[Delivery]:
    """Up to `first` + 1 deliveries, the newest first."""
    values = {"webhook_id": webhook_id, "state": state, "after": after, "most": first + 1}
    return [_from_row(row) for row in await session.execute(_PAGE, values)]


@refuses(NotFound, InvalidValue)
async def send_test(
    session: Session, caller: Caller, webhook_id: UUID, now: datetime, *, admin: bool = False
) -> Delivery | NotFound | InvalidValue:
    """Send a `webhook.test`, once, to see its outcome; while one is on its way that one."""
    webhook = await _enabled(session, caller, webhook_id, admin=admin)
    if not isinstance(webhook, Webhook):
        return webhook
    session.info[CHANGED] = True
    made = await session.execute(_TEST, {"id": uuid7(), "webhook_id": webhook_id, "now": now})
    return _from_row((await session.execute(_ONE, {"id": made.scalar_one()})).one())


@refuses(NotFound, InvalidValue)
async def redeliver(
    session: Session,
    caller: Caller,
    webhook_id: UUID,
    now: datetime,
    *,
    delivery_id: UUID | None = None,
    since: datetime | None = None,
    admin: bool = False,
) -> int | NotFound | InvalidValue:
    """Send one again, or what has not been delivered `since`; answers how many."""
    if (delivery_id is None) == (since is None):
        return InvalidValue("delivery", "Beri salah satu: delivery atau since.", "Give one of delivery and since.")
    webhook = await _enabled(session, caller, webhook_id, admin=admin)
    if not isinstance(webhook, Webhook):
        return webhook
    session.info[CHANGED] = True
    values = {"webhook_id": webhook_id, "id": delivery_id, "since": since, "now": now}
    subjects = (await session.execute(_AGAIN, values)).scalars().all()
    if delivery_id is not None and not subjects:
        return NotFound("delivery")
    await let_go(session, {(webhook_id, subject) for subject in subjects}, now)
    return len(subjects)


async def let_go(session: Session, subjects: Iterable[Subject], now: datetime) -> None:
    """Of each subject that has none on its way, the earliest that waits. The caller holds their webhooks' locks."""
    asked = sorted(subjects)
    columns = {"webhook_id": [webhook for webhook, _ in asked], "subject": [subject for _, subject in asked]}
    await session.execute(_LET_GO, {"now": now, **columns})


async def forget(session: Session, now: datetime, *, most: int) -> int:
    """Deliveries that ended 30 days ago, and those of deleted webhooks; answers how many."""
    values = {"before": now - KEPT_FOR, "a_while_ago": now - UNTIL_LANDED, "most": most}
    forgotten = await session.execute(_FORGET, values)
    await session.execute(_FORGET_WEBHOOKS, values)
    assert isinstance(forgotten, CursorResult)  # noqa: S101 - a DELETE's result
    return forgotten.rowcount


async def _enabled(
    session: Session, caller: Caller, webhook_id: UUID, *, admin: bool
) -> Webhook | NotFound | InvalidValue:
    """What its receiver asked for by Retry-After ends when its owner asks for something."""
    webhook = await webhooks.locked(session, caller, webhook_id, admin=admin)
    if isinstance(webhook, NotFound):
        return webhook
    if webhook.disabled_at is not None:
        return InvalidValue(
            "id",
            "Webhook ini dinonaktifkan; simpan lagi (saveWebhook) untuk mengaktifkannya.",
            "This webhook is disabled; saving it again (saveWebhook) enables it.",
        )
    await session.execute(_RESUME, {"id": webhook_id})
    return webhook


def _from_row(row: Row[Any]) -> Delivery:
    attempts = tuple(Attempt(datetime.fromisoformat(at), *rest) for at, *rest in orjson.loads(row.attempts or "[]"))
    return Delivery(row.id, row.event, row.state, row.occurred_at, row.due_at, attempts)
