"""What is sent to webhooks: deliveries of events, tests, and deliveries that are sent again.

Of one subject, one delivery is on its way at a time (`uq_webhook_delivery_on_its_way`). A delivery is kept for at least
30 days after it has ended, without its payload (`app.registry.webhooks.ended`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NotFound, refuses
from app.models.enums import DeliveryState
from app.registry.caller import Caller
from app.registry.webhooks import ended, webhooks
from app.registry.webhooks.webhooks import Webhook
from app.sql import Arrays, Statement, statement

LAST_ATTEMPT_ENDS_WITHIN = timedelta(hours=1)
"""After a webhook was deleted: by then nothing is on its way to the webhook any more."""


class Subject(NamedTuple):
    """What events are about, at one webhook. The events of a subject arrive in order."""

    webhook_id: UUID
    subject: str


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    id: UUID
    event: str
    state: str
    occurred_at: datetime
    next_attempt_at: datetime | None
    """None: the delivery has ended, or waits for an earlier one of its subject."""
    attempts_json: str

    @property
    def attempts(self) -> tuple[DeliveryAttempt, ...]:
        """Its attempts, the first one first."""
        rows = orjson.loads(self.attempts_json)
        return tuple(DeliveryAttempt(**row | {"at": datetime.fromisoformat(row["at"])}) for row in rows)


_COLUMNS = f"""
    d.id, d.event, d.state, coalesce((SELECT c.at FROM change c WHERE c.id = d.change_id), d.made_at) AS occurred_at,
    d.due_at AS next_attempt_at, CAST(coalesce(d.attempts, {ended.ATTEMPTS}) AS text) AS attempts_json
"""
_SHOWN = "id, event, state, change_id, made_at"
_QUEUED = f"SELECT {_SHOWN}, due_at, CAST(NULL AS jsonb) AS attempts FROM webhook_delivery"
_SUBJECTS = Arrays("asked", Subject)


def _page(*ended_as: DeliveryState) -> Statement[Delivery]:
    """Each part is in the order of an index and has its end, so no part is read further than the page."""
    page = (
        "AND id < coalesce(CAST(:after AS uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff') ORDER BY id DESC LIMIT :most"
    )
    queued = f"{_QUEUED} WHERE webhook_id = :webhook_id AND (CAST(:state AS text) IS NULL OR state = :state) {page}"
    moved = (
        f"SELECT {_SHOWN}, NULL, attempts FROM webhook_delivery_ended"
        f" WHERE webhook_id = :webhook_id AND state = '{state}' {page}"
        for state in ended_as
    )
    parts = " UNION ALL ".join(f"({part})" for part in (queued, *moved))
    return statement(
        f"""
        SELECT {_COLUMNS} FROM (SELECT * FROM ({parts}) AS part ORDER BY id DESC LIMIT :most) d ORDER BY d.id DESC
        """,
        Delivery,
    )


_PAGES: dict[str | None, Statement[Delivery]] = {
    None: _page(DeliveryState.DELIVERED, DeliveryState.FAILED),
    DeliveryState.PENDING: _page(),
    DeliveryState.DELIVERED: _page(DeliveryState.DELIVERED),
    DeliveryState.FAILED: _page(DeliveryState.FAILED),
}
_GET = statement(f"SELECT {_COLUMNS} FROM ({_QUEUED} WHERE id = :id) d", Delivery)
# While a test is on its way no second test is made: the first one is sent now.
_TEST = statement(
    """
    INSERT INTO webhook_delivery (id, webhook_id, event, subject, state, tries, made_at, due_at)
    VALUES (:id, :webhook_id, 'webhook.test', 'test', 'PENDING', 0, :now, :now)
    ON CONFLICT (webhook_id, subject) WHERE due_at IS NOT NULL DO UPDATE SET due_at = excluded.due_at
    RETURNING id
    """,
    UUID,
)
_RESUME = statement("UPDATE webhook SET paused_until = NULL WHERE id = :id")
# A delivery that is on its way is sent now, unless some process is just sending it.
_AGAIN = statement(
    """
    UPDATE webhook_delivery SET state = 'PENDING', finished_at = NULL, tries = 0,
        due_at = CASE WHEN due_at IS NOT NULL AND leased_until IS NULL THEN :now ELSE due_at END
    WHERE webhook_id = :webhook_id
        AND (id = :id OR (CAST(:since AS timestamptz) <= made_at AND state <> 'DELIVERED'))
    RETURNING subject
    """,
    str,
)
_SEND_FIRST = statement(
    f"""
    UPDATE webhook_delivery d SET due_at = :now
    FROM (
        SELECT DISTINCT ON (p.webhook_id, p.subject) p.id, p.due_at
        FROM {_SUBJECTS} JOIN webhook_delivery p ON p.webhook_id = asked.webhook_id AND p.subject = asked.subject
        WHERE p.state = 'PENDING'
        ORDER BY p.webhook_id, p.subject, p.due_at IS NULL, p.place
    ) first
    WHERE d.id = first.id AND first.due_at IS NULL
    """
)
_FORGET = statement(
    """
    DELETE FROM webhook_delivery WHERE id IN (
        SELECT d.id FROM webhook w JOIN webhook_delivery d ON d.webhook_id = w.id WHERE w.deleted_at < :deleted_before
        LIMIT :most
    )
    """
)
_FORGET_WEBHOOKS = statement(
    """
    DELETE FROM webhook w WHERE w.deleted_at < :deleted_before
        AND NOT EXISTS (SELECT FROM webhook_delivery d WHERE d.webhook_id = w.id)
    """
)


async def page(
    session: Session, webhook_id: UUID, state: str | None, *, after: UUID | None, first: int
) -> list[Delivery]:
    """Up to `first` + 1 deliveries, the newest first."""
    return await session.rows(_PAGES[state], webhook_id=webhook_id, state=state, after=after, most=first + 1)


@refuses(NotFound, InvalidValue)
async def send_test(
    session: Session, caller: Caller, webhook_id: UUID, now: datetime, *, admin: bool = False
) -> Delivery | NotFound | InvalidValue:
    """Send a `webhook.test`, without later attempts, to see its outcome. A test that is on its way is sent again."""
    webhook = await _enabled(session, caller, webhook_id, admin=admin)
    if not isinstance(webhook, Webhook):
        return webhook
    session.wrote_change_log = True
    made = await session.one(_TEST, id=uuid7(), webhook_id=webhook_id, now=now)
    return await session.one(_GET, id=made)


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
    """Send one delivery again, or all that were not delivered `since`. Answers how many."""
    if (delivery_id is None) == (since is None):
        return InvalidValue("delivery", "Beri salah satu: delivery atau since.", "Give one of delivery and since.")
    webhook = await _enabled(session, caller, webhook_id, admin=admin)
    if not isinstance(webhook, Webhook):
        return webhook
    session.wrote_change_log = True
    await ended.bring_back(session, webhook_id, delivery_id, since)
    subjects = await session.rows(_AGAIN, webhook_id=webhook_id, id=delivery_id, since=since, now=now)
    if delivery_id is not None and not subjects:
        return NotFound("delivery")
    await send_first(session, {Subject(webhook_id, subject) for subject in subjects}, now)
    return len(subjects)


async def send_first(session: Session, subjects: Iterable[Subject], now: datetime) -> None:
    """Send the earliest waiting delivery of each subject that has none on its way.

    The caller holds the locks of the subjects' webhooks.
    """
    await session.run(_SEND_FIRST, now=now, **_SUBJECTS.of(sorted(subjects)))


async def forget(session: Session, now: datetime, *, most: int) -> int:
    """Delete up to `most` deliveries on their way to webhooks that are deleted. Answers how many."""
    deleted_before = now - LAST_ATTEMPT_ENDS_WITHIN
    forgotten = await session.run(_FORGET, deleted_before=deleted_before, most=most)
    await session.run(_FORGET_WEBHOOKS, deleted_before=deleted_before)
    return forgotten


async def _enabled(
    session: Session, caller: Caller, webhook_id: UUID, *, admin: bool
) -> Webhook | NotFound | InvalidValue:
    """The webhook, locked. A pause for which its receiver asked by Retry-After ends when its owner asks to send."""
    webhook = await webhooks.locked(session, caller, webhook_id, admin=admin)
    if isinstance(webhook, NotFound):
        return webhook
    if webhook.disabled_at is not None:
        return InvalidValue(
            "id",
            "Webhook ini dinonaktifkan; simpan lagi untuk mengaktifkannya.",
            "This webhook is disabled; saving it again (saveWebhook) enables it.",
        )
    await session.run(_RESUME, id=webhook_id)
    return webhook
