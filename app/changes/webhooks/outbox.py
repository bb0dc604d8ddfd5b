"""The queue of deliveries: what is due is leased to one process, sent outside of any transaction, and its end recorded.

A lease that runs out is anybody's again, so a process that dies loses nothing; what it had sent is sent twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.changes.webhooks import retries
from app.changes.webhooks.announcing import CHANGE, change_of
from app.changes.webhooks.events import Change
from app.changes.webhooks.posting import Outcome
from app.db import Session
from app.models.enums import ChangeKind, DeliveryState, DisabledBecause, WebhookEvent
from app.registry import change_log
from app.registry.webhooks import deliveries

LEASE = timedelta(seconds=60)
"""Some times as long as an attempt may take."""
PER_WEBHOOK = 4
"""In flight to one webhook, over all processes; one while it fails."""
GONE = 410


@dataclass(frozen=True, slots=True)
class Leased:
    id: UUID
    webhook_id: UUID
    until: datetime
    """Tells this lease from any other of the same delivery."""
    url: str
    secrets: tuple[bytes, ...]
    """Sealed; the newest first."""
    event: str
    subject: str
    tries: int
    at: datetime
    change: Change | None
    own: bool
    """Whether the change concerns the webhook's organizer, or one that it coordinates."""


@dataclass(frozen=True, slots=True)
class Landed:
    """An attempt that has ended."""

    leased: Leased
    began_at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _End:
    """What becomes of a delivery."""

    id: UUID
    until: datetime
    state: DeliveryState
    tries: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Health:
    id: UUID
    failing_since: datetime | None
    paused_until: datetime | None


# Of webhooks that somebody else is at, that one takes care.
_READY = text(
    """
    SELECT w.id FROM webhook w
    WHERE w.disabled_at IS NULL AND w.deleted_at IS NULL AND (w.paused_until IS NULL OR w.paused_until <= :now)
        AND EXISTS (
            SELECT FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.due_at <= :now
                AND (d.leased_until IS NULL OR d.leased_until <= :now)
        )
    ORDER BY w.id FOR NO KEY UPDATE SKIP LOCKED
    """
)
_LEASE = text(
    f"""
    UPDATE webhook_delivery d SET leased_until = :until
    FROM (
        SELECT due.id FROM webhook w
        CROSS JOIN LATERAL (
            SELECT count(*) AS flights FROM webhook_delivery f WHERE f.webhook_id = w.id AND f.leased_until > :now
        ) busy
        CROSS JOIN LATERAL (
            SELECT q.id, q.due_at FROM webhook_delivery q
            WHERE q.webhook_id = w.id AND q.due_at <= :now AND (q.leased_until IS NULL OR q.leased_until <= :now)
            ORDER BY q.due_at, q.place
            LIMIT greatest(0, CASE WHEN w.failing_since IS NULL THEN {PER_WEBHOOK} ELSE 1 END - busy.flights)
        ) due
        WHERE w.id = ANY(CAST(:ids AS uuid[]))
        ORDER BY due.due_at LIMIT :most
    ) taken
    WHERE d.id = taken.id RETURNING d.id
    """
)
_LEASED = text(
    f"""
    SELECT d.id AS delivery_id, d.webhook_id, d.leased_until, d.event, d.subject, d.tries, d.made_at, w.url,
        w.secret_sealed, CASE WHEN w.old_secret_until > :now THEN w.old_secret_sealed END AS old_secret_sealed,
        w.organizer_code IN (c.organizer_code, o.coordinator_code) AS own, {CHANGE}
    FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
    LEFT JOIN change c ON c.id = d.change_id LEFT JOIN organizer o ON o.code = c.organizer_code
    WHERE d.id = ANY(CAST(:ids AS uuid[])) ORDER BY d.place
    """
)
_LOCK = text(
    """
    SELECT id, organizer_code, failing_since, disabled_at IS NULL AND deleted_at IS NULL AS enabled
    FROM webhook WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE
    """
)
_END = text(
    """
    UPDATE webhook_delivery d SET state = ended.state, tries = ended.tries, due_at = ended.due_at, leased_until = NULL,
        finished_at = CASE WHEN ended.state <> 'PENDING' THEN CAST(:now AS timestamptz) END
    FROM unnest(CAST(:id AS uuid[]), CAST(:until AS timestamptz[]), CAST(:state AS text[]), CAST(:tries AS int[]),
                CAST(:due_at AS timestamptz[])) AS ended (id, until, state, tries, due_at)
    WHERE d.id = ended.id AND d.leased_until = ended.until RETURNING ended.id, ended.until
    """
)
_ATTEMPTS = text(
    """
    INSERT INTO webhook_attempt (delivery_id, at, duration_ms, status, error)
    SELECT * FROM unnest(CAST(:delivery_id AS uuid[]), CAST(:at AS timestamptz[]), CAST(:duration_ms AS int[]),
                         CAST(:status AS int[]), CAST(:error AS text[]))
    """
)
_HEALTH = text(
    """
    UPDATE webhook w SET failing_since = health.failing_since,
        paused_until = greatest(w.paused_until, health.paused_until)
    FROM unnest(CAST(:id AS uuid[]), CAST(:failing_since AS timestamptz[]), CAST(:paused_until AS timestamptz[]))
         AS health (id, failing_since, paused_until)
    WHERE w.id = health.id
    """
)
_DISABLE = text(
    "UPDATE webhook SET disabled_at = :now, disabled_because = :because WHERE id = :id AND disabled_at IS NULL"
)
# What is in flight may still arrive.
_FAIL_ALL = text(
    """
    UPDATE webhook_delivery SET state = 'FAILED', finished_at = :now, due_at = NULL, leased_until = NULL
    WHERE webhook_id = :id AND state = 'PENDING' AND (leased_until IS NULL OR leased_until <= :now)
    """
)
_RELEASE = text(
    """
    UPDATE webhook_delivery d SET leased_until = NULL
    FROM unnest(CAST(:id AS uuid[]), CAST(:until AS timestamptz[])) AS mine (id, until)
    WHERE d.id = mine.id AND d.leased_until = mine.until
    """
)


async def lease(session: Session, now: datetime, *, most: int, lasting: timedelta = LEASE) -> list[Leased]:
    """Up to `most` of what is due, in the order of the log."""
    ready = (await session.execute(_READY, {"now": now})).scalars().all()
    if not ready:
        return []
    values = {"ids": list(ready), "now": now, "until": now + lasting, "most": most}
    taken = (await session.execute(_LEASE, values)).scalars().all()
    rows = await session.execute(_LEASED, {"ids": list(taken), "now": now})
    return [_leased(row) for row in rows]


async def record(session: Session, landed: Sequence[Landed], now: datetime, chance: Callable[[], float]) -> None:
    """The outcomes of attempts, and what follows from them. Whose lease has run out has nothing to say any more."""
    ids = sorted({one.leased.webhook_id for one in landed})
    webhooks = {row.id: row for row in await session.execute(_LOCK, {"ids": ids})}
    ends = [_end(one, webhooks.get(one.leased.webhook_id), now, chance) for one in landed]
    columns = {name: [getattr(end, name) for end in ends] for name in _End.__slots__}
    mine = {(row.id, row.until) for row in await session.execute(_END, {"now": now, **columns})}
    both = [(one, end) for one, end in zip(landed, ends, strict=True) if (end.id, end.until) in mine]
    landed = [one for one, _ in both]
    await _write_attempts(session, landed)
    await _judge(session, landed, webhooks, now)
    over = {(one.leased.webhook_id, one.leased.subject) for one, end in both if end.state != DeliveryState.PENDING}
    if over:
        await deliveries.let_go(session, over, now)


async def release(session: Session, leased: Collection[Leased]) -> None:
    """What this process will not send after all is anybody's at once."""
    await session.execute(_RELEASE, {"id": [one.id for one in leased], "until": [one.until for one in leased]})


def _end(one: Landed, webhook: Row[Any] | None, now: datetime, chance: Callable[[], float]) -> _End:
    leased, tries = one.leased, one.leased.tries + 1
    if one.outcome.delivered:
        return _End(leased.id, leased.until, DeliveryState.DELIVERED, tries, None)
    ended = webhook is None or not webhook.enabled or one.outcome.status == GONE
    if ended or retries.is_last(leased.event, tries):
        return _End(leased.id, leased.until, DeliveryState.FAILED, tries, None)
    due_at = retries.next_at(tries, retries.asked_by(one.outcome.retry_after, now), now, chance)
    return _End(leased.id, leased.until, DeliveryState.PENDING, tries, due_at)


async def _write_attempts(session: Session, landed: Sequence[Landed]) -> None:
    columns = {
        "delivery_id": [one.leased.id for one in landed],
        "at": [one.began_at for one in landed],
        "duration_ms": [one.outcome.duration_ms for one in landed],
        "status": [one.outcome.status for one in landed],
        "error": [one.outcome.error for one in landed],
    }
    await session.execute(_ATTEMPTS, columns)


async def _judge(session: Session, landed: Sequence[Landed], webhooks: Mapping[UUID, Row[Any]], now: datetime) -> None:
    """How each webhook is: failing since when, paused until when, or disabled."""
    health: list[_Health] = []
    for webhook in webhooks.values():
        mine = [one for one in landed if one.leased.webhook_id == webhook.id]
        health.append(_Health(webhook.id, _failing_since(webhook, mine, now), _paused_until(mine, now)))
    changed = [one for one in health if one.paused_until or one.failing_since != webhooks[one.id].failing_since]
    if changed:
        await session.execute(_HEALTH, {name: [getattr(one, name) for one in changed] for name in _Health.__slots__})
    gone = {one.leased.webhook_id for one in landed if one.outcome.status == GONE}
    failed = {one.leased.webhook_id for one in landed if _tells(one) and not one.outcome.delivered}
    long_ago = now - retries.FAILING_FOR
    for one in health:
        webhook, since = webhooks[one.id], one.failing_since
        if one.id in gone and webhook.enabled:
            await _disable(session, webhook, DisabledBecause.GONE, now)
        elif one.id in failed and since is not None and since <= long_ago and webhook.enabled:
            await _disable(session, webhook, DisabledBecause.FAILING, now)


def _tells(landed: Landed) -> bool:
    """A test that fails says nothing of what went before it."""
    return landed.leased.event != WebhookEvent.WEBHOOK_TEST


def _paused_until(landed: Sequence[Landed], now: datetime) -> datetime | None:
    """A receiver that asks for time gets it for everything."""
    asked = (retries.asked_by(one.outcome.retry_after, now) for one in landed if not one.outcome.delivered)
    return max((until for until in asked if until is not None), default=None)


def _failing_since(webhook: Row[Any], landed: Sequence[Landed], now: datetime) -> datetime | None:
    if any(one.outcome.delivered for one in landed):
        return None
    since: datetime | None = webhook.failing_since
    return since or (now if any(_tells(one) for one in landed) else None)


async def _disable(session: Session, webhook: Row[Any], because: DisabledBecause, now: datetime) -> None:
    await session.execute(_DISABLE, {"id": webhook.id, "because": because, "now": now})
    await session.execute(_FAIL_ALL, {"id": webhook.id, "now": now})
    facts: dict[str, object] = {"webhook": str(webhook.id), "because": because}
    entry = change_log.Entry(ChangeKind.WEBHOOK_DISABLED, organizer=webhook.organizer_code, facts=facts)
    await change_log.append(session, [entry], now)


def _leased(row: Row[Any]) -> Leased:
    change = None if row.id is None else change_of(row)
    return Leased(
        row.delivery_id,
        row.webhook_id,
        row.leased_until,
        row.url,
        tuple(secret for secret in (row.secret_sealed, row.old_secret_sealed) if secret is not None),
        row.event,
        row.subject,
        row.tries,
        row.made_at if change is None else change.at,
        change,
        bool(row.own),
    )
