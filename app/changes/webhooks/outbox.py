"""The queue of deliveries: a due delivery is leased to one process, sent outside of any transaction, and its outcome is
written.

When a lease runs out, the delivery is anybody's again. So a process that dies loses nothing; what it had sent is sent
twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from app.changes.webhooks import retries
from app.changes.webhooks.announcing import CHANGE, ChangeRow, change_of
from app.changes.webhooks.events import LoggedChange
from app.changes.webhooks.posting import AttemptOutcome
from app.db import Session
from app.models.enums import ChangeKind, DeliveryError, DeliveryState, DisabledBecause, WebhookEvent
from app.registry import change_log
from app.registry.webhooks import deliveries, reminders
from app.registry.webhooks.deliveries import Subject
from app.sql import Arrays, statement

LEASE = timedelta(seconds=60)
"""Some times as long as an attempt may take."""
MOST_IN_FLIGHT_TO_A_WEBHOOK = 4
"""Over all processes. While the webhook fails, one."""
GONE = 410
"""The status by which a receiver says that it wants nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A delivery that this process may send now."""

    id: UUID
    webhook_id: UUID
    until: datetime
    """Tells this lease from any other lease of the same delivery."""
    url: str
    secrets: tuple[bytes, ...]
    """Sealed. The newest comes first."""
    event: str
    subject: str
    tries: int
    """Attempts before this one."""
    at: datetime
    change: LoggedChange | None
    """None: it is a test."""
    own: bool
    """Whether the change concerns the webhook's organizer, or one that it coordinates."""


@dataclass(frozen=True, slots=True)
class Landed:
    """An attempt that has ended."""

    leased: Leased
    began_at: datetime
    outcome: AttemptOutcome


class _Lease(NamedTuple):
    id: UUID
    until: datetime


@dataclass(slots=True, kw_only=True)
class _LeasedRow(ChangeRow):
    """The fields of `ChangeRow` have no value when `change_id` is None."""

    delivery_id: UUID
    webhook_id: UUID
    leased_until: datetime
    event: str
    subject: str
    tries: int
    made_at: datetime
    url: str
    secret_sealed: bytes
    old_secret_sealed: bytes | None
    change_id: int | None
    own: bool
    is_over: bool
    """A reminder of somebody who needs none any more."""


class _LockedWebhook(NamedTuple):
    """Locked until the end of the transaction."""

    id: UUID
    organizer: str
    failing_since: datetime | None
    enabled: bool


class _DeliveryAfterAttempt(NamedTuple):
    """What becomes of a delivery after an attempt."""

    id: UUID
    until: datetime
    state: DeliveryState
    tries: int
    due_at: datetime | None


class _AttemptRow(NamedTuple):
    delivery_id: UUID
    at: datetime
    duration_ms: int
    status: int | None
    error: DeliveryError | None


class _WebhookHealth(NamedTuple):
    """How a webhook is after some attempts."""

    id: UUID
    failing_since: datetime | None
    paused_until: datetime | None


_LEASES = Arrays("lease", _Lease)
_ENDS = Arrays("ended", _DeliveryAfterAttempt)
_ATTEMPTS = Arrays("attempt", _AttemptRow)
_HEALTHS = Arrays("health", _WebhookHealth)
_ATTEMPT_COLUMNS = ", ".join(_AttemptRow._fields)

# SKIP LOCKED: whoever holds the lock of a webhook leases its deliveries.
_READY = statement(
    """
    SELECT w.id FROM webhook w
    WHERE w.disabled_at IS NULL AND w.deleted_at IS NULL AND (w.paused_until IS NULL OR w.paused_until <= :now)
        AND EXISTS (
            SELECT FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.due_at <= :now
                AND (d.leased_until IS NULL OR d.leased_until <= :now)
        )
    ORDER BY w.id FOR NO KEY UPDATE SKIP LOCKED
    """,
    UUID,
)
_LEASE = statement(
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
            LIMIT greatest(0, CASE WHEN w.failing_since IS NULL THEN {MOST_IN_FLIGHT_TO_A_WEBHOOK} ELSE 1 END
                              - busy.flights)
        ) due
        WHERE w.id = ANY(CAST(:ids AS uuid[]))
        ORDER BY due.due_at LIMIT :most
    ) taken
    WHERE d.id = taken.id RETURNING d.id
    """,
    UUID,
)
_LEASED = statement(
    f"""
    SELECT d.id AS delivery_id, d.webhook_id, d.leased_until, d.event, d.subject, d.tries, d.made_at, w.url,
        w.secret_sealed, CASE WHEN w.old_secret_until > :now THEN w.old_secret_sealed END AS old_secret_sealed,
        d.change_id, coalesce(w.organizer_code IN (c.organizer_code, o.coordinator_code), false) AS own,
        c.kind IS NOT DISTINCT FROM '{ChangeKind.DEADLINE_NEARS}' AND NOT EXISTS (
            SELECT FROM {reminders.WAITING} WHERE r.id = c.registrant_id AND r.verify_by > :now
                AND r.verify_by = CAST(c.facts ->> 'verify_by' AS timestamptz)
        ) AS is_over, {CHANGE}
    FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id
    LEFT JOIN change c ON c.id = d.change_id LEFT JOIN organizer o ON o.code = c.organizer_code
    WHERE d.id = ANY(CAST(:ids AS uuid[])) ORDER BY d.place
    """,
    _LeasedRow,
)
_DROP = statement("DELETE FROM webhook_delivery WHERE id = ANY(CAST(:ids AS uuid[]))")
_LOCK = statement(
    """
    SELECT id, organizer_code AS organizer, failing_since, disabled_at IS NULL AND deleted_at IS NULL AS enabled
    FROM webhook WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE
    """,
    _LockedWebhook,
)
_END = statement(
    f"""
    UPDATE webhook_delivery d SET state = ended.state, tries = ended.tries, due_at = ended.due_at, leased_until = NULL,
        finished_at = CASE WHEN ended.state <> '{DeliveryState.PENDING}' THEN CAST(:now AS timestamptz) END
    FROM {_ENDS} WHERE d.id = ended.id AND d.leased_until = ended.until RETURNING ended.id, ended.until
    """,
    _Lease,
)
_INSERT_ATTEMPTS = statement(
    f"INSERT INTO webhook_attempt ({_ATTEMPT_COLUMNS}) SELECT {_ATTEMPT_COLUMNS} FROM {_ATTEMPTS}"
)
_HEALTH = statement(
    f"""
    UPDATE webhook w SET failing_since = health.failing_since,
        paused_until = greatest(w.paused_until, health.paused_until)
    FROM {_HEALTHS} WHERE w.id = health.id
    """
)
_DISABLE = statement(
    "UPDATE webhook SET disabled_at = :now, disabled_because = :because WHERE id = :id AND disabled_at IS NULL"
)
# A delivery that is in flight may still arrive: it is left to its lease.
_FAIL_ALL = statement(
    f"""
    UPDATE webhook_delivery SET state = '{DeliveryState.FAILED}', finished_at = :now, due_at = NULL, leased_until = NULL
    WHERE webhook_id = :id AND state = '{DeliveryState.PENDING}' AND (leased_until IS NULL OR leased_until <= :now)
    """
)
_RELEASE = statement(
    f"""
    UPDATE webhook_delivery d SET leased_until = NULL FROM {_LEASES}
    WHERE d.id = lease.id AND d.leased_until = lease.until
    """
)


async def lease(session: Session, now: datetime, *, most: int, lasting: timedelta = LEASE) -> list[Leased]:
    """Up to `most` of the deliveries that are due, in the order of the log.

    A reminder is dropped here if the person was verified meanwhile, or has another deadline, or the deadline is over,
    or the season is closed.
    """
    ready = await session.rows(_READY, now=now)
    if not ready:
        return []
    taken = await session.rows(_LEASE, ids=ready, now=now, until=now + lasting, most=most)
    rows = await session.rows(_LEASED, ids=taken, now=now)
    over = [row for row in rows if row.is_over]
    if over:
        await _drop(session, over, now)
    return [_leased(row) for row in rows if not row.is_over]


async def _drop(session: Session, over: Sequence[_LeasedRow], now: datetime) -> None:
    await session.run(_DROP, ids=[row.delivery_id for row in over])
    await deliveries.send_first(session, {Subject(row.webhook_id, row.subject) for row in over}, now)
    # Senders that found nothing else look again at once: what stood behind the dropped ones is next.
    session.wrote_change_log = True


async def write_outcomes(
    session: Session, landed: Sequence[Landed], now: datetime, chance: Callable[[], float]
) -> None:
    """The outcomes of attempts, and what follows from them.

    An attempt whose lease has run out is left out: another process has the delivery now.
    """
    ids = sorted({one.leased.webhook_id for one in landed})
    webhooks = {webhook.id: webhook for webhook in await session.rows(_LOCK, ids=ids)}
    ends = [_end(one, webhooks.get(one.leased.webhook_id), now, chance) for one in landed]
    ended = set(await session.rows(_END, now=now, **_ENDS.of(ends)))
    both = [(one, end) for one, end in zip(landed, ends, strict=True) if _Lease(end.id, end.until) in ended]
    landed = [one for one, _ in both]
    await session.run(_INSERT_ATTEMPTS, **_ATTEMPTS.of([_attempt(one) for one in landed]))
    await _judge(session, landed, webhooks, now)
    over = {
        Subject(one.leased.webhook_id, one.leased.subject) for one, end in both if end.state != DeliveryState.PENDING
    }
    if over:
        await deliveries.send_first(session, over, now)


async def release(session: Session, leased: Collection[Leased]) -> None:
    """This process will not send these after all: they are anybody's at once."""
    await session.run(_RELEASE, **_LEASES.of([_Lease(one.id, one.until) for one in leased]))


def _end(
    one: Landed, webhook: _LockedWebhook | None, now: datetime, chance: Callable[[], float]
) -> _DeliveryAfterAttempt:
    state, tries = DeliveryState.FAILED, one.leased.tries + 1
    due_at: datetime | None = None
    refused = webhook is None or not webhook.enabled or one.outcome.status == GONE
    if one.outcome.delivered:
        state = DeliveryState.DELIVERED
    elif not refused and not retries.is_last(one.leased.event, tries):
        state = DeliveryState.PENDING
        due_at = retries.next_at(tries, retries.asked_by(one.outcome.retry_after, now), now, chance)
    return _DeliveryAfterAttempt(id=one.leased.id, until=one.leased.until, state=state, tries=tries, due_at=due_at)


def _attempt(one: Landed) -> _AttemptRow:
    return _AttemptRow(
        delivery_id=one.leased.id,
        at=one.began_at,
        duration_ms=one.outcome.duration_ms,
        status=one.outcome.status,
        error=one.outcome.error,
    )


async def _judge(
    session: Session, landed: Sequence[Landed], webhooks: Mapping[UUID, _LockedWebhook], now: datetime
) -> None:
    """How each webhook is after these attempts: failing since when, paused until when, or disabled."""
    health: list[_WebhookHealth] = []
    for webhook in webhooks.values():
        mine = [one for one in landed if one.leased.webhook_id == webhook.id]
        health.append(_WebhookHealth(webhook.id, _failing_since(webhook, mine, now), _paused_until(mine, now)))
    changed = [one for one in health if one.paused_until or one.failing_since != webhooks[one.id].failing_since]
    if changed:
        await session.run(_HEALTH, **_HEALTHS.of(changed))
    for one in health:
        because = _disabled_because(one, landed, now)
        if because is not None and webhooks[one.id].enabled:
            await _disable(session, webhooks[one.id], because, now)


def _disabled_because(health: _WebhookHealth, landed: Sequence[Landed], now: datetime) -> DisabledBecause | None:
    mine = [one for one in landed if one.leased.webhook_id == health.id]
    if any(one.outcome.status == GONE for one in mine):
        return DisabledBecause.GONE
    failed = any(_tells(one) and not one.outcome.delivered for one in mine)
    if failed and health.failing_since is not None and health.failing_since <= now - retries.DISABLED_AFTER:
        return DisabledBecause.FAILING
    return None


def _tells(landed: Landed) -> bool:
    """Whether it tells how the webhook is. A test that fails does not: it says nothing of the deliveries before it."""
    return landed.leased.event != WebhookEvent.WEBHOOK_TEST


def _paused_until(landed: Sequence[Landed], now: datetime) -> datetime | None:
    """A receiver that asks for time with one delivery gets it for all deliveries."""
    asked = (retries.asked_by(one.outcome.retry_after, now) for one in landed if not one.outcome.delivered)
    return max((until for until in asked if until is not None), default=None)


def _failing_since(webhook: _LockedWebhook, landed: Sequence[Landed], now: datetime) -> datetime | None:
    if any(one.outcome.delivered for one in landed):
        return None
    return webhook.failing_since or (now if any(_tells(one) for one in landed) else None)


async def _disable(session: Session, webhook: _LockedWebhook, because: DisabledBecause, now: datetime) -> None:
    await session.run(_DISABLE, id=webhook.id, because=because, now=now)
    await session.run(_FAIL_ALL, id=webhook.id, now=now)
    facts: dict[str, object] = {"webhook": str(webhook.id), "because": because}
    entry = change_log.Entry(kind=ChangeKind.WEBHOOK_DISABLED, organizer=webhook.organizer, facts=facts)
    await change_log.append(session, [entry], now)


def _leased(row: _LeasedRow) -> Leased:
    change = None if row.change_id is None else change_of(row)
    return Leased(
        id=row.delivery_id,
        webhook_id=row.webhook_id,
        until=row.leased_until,
        url=row.url,
        secrets=tuple(secret for secret in (row.secret_sealed, row.old_secret_sealed) if secret is not None),
        event=row.event,
        subject=row.subject,
        tries=row.tries,
        at=row.made_at if change is None else change.at,
        change=change,
        own=row.own,
    )
