"""An organizer's webhooks: at most ten. They are told of the organizer's events, a coordinator's also of its members'.

While a new secret takes the place of the old one, both sign. Saving the same webhook again changes nothing (organizer
and URL are unique together), but enables a webhook that was disabled.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NotFound, NotYours, Refusal, refuses
from app.models.enums import ChangeKind, WebhookEvent
from app.registry import change_log
from app.registry.caller import Caller, organizer_of
from app.registry.terms import organizer_lock
from app.registry.values.signing_secrets import new_signing_secret
from app.registry.webhooks import endpoint
from app.sql import statement
from app.vault.vault import Vault

MOST_WEBHOOKS = 10
"""One organizer has at most so many webhooks."""
OLD_SECRET_SIGNS_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class WebhookInput:
    url: str
    events: Sequence[str]
    id: UUID | None = None
    organizer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    id: UUID
    organizer: str
    url: str
    events: list[str]
    created_at: datetime
    disabled_at: datetime | None
    disabled_because: str | None
    failing_since: datetime | None
    paused_until: datetime | None
    old_secret_until: datetime | None


@dataclass(frozen=True, slots=True)
class Saved:
    webhook: Webhook
    secret: str | None = field(repr=False)
    """Shown now and never again. None: the webhook has a secret already."""


_COLUMNS = """
    id, organizer_code AS organizer, url, events, created_at, disabled_at, disabled_because, failing_since,
    paused_until, old_secret_until
"""
_INSERT = statement(
    f"""
    INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, secret_sealed)
    VALUES (:id, :organizer, :url, CAST(:events AS text[]), :now, :now, :secret) RETURNING {_COLUMNS}
    """,
    Webhook,
)
_UPDATE = statement(
    f"""
    UPDATE webhook SET url = :url, events = CAST(:events AS text[]), disabled_at = NULL, disabled_because = NULL,
        enabled_at = CASE WHEN disabled_at IS NULL THEN enabled_at ELSE :now END,
        failing_since = CASE WHEN disabled_at IS NULL THEN failing_since END
    WHERE id = :id RETURNING {_COLUMNS}
    """,
    Webhook,
)
_ROTATE = statement(
    f"""
    UPDATE webhook SET old_secret_sealed = secret_sealed, old_secret_until = :until, secret_sealed = :secret
    WHERE id = :id RETURNING {_COLUMNS}
    """,
    Webhook,
)
_DELETE = statement(
    """
    UPDATE webhook SET deleted_at = :now, secret_sealed = NULL, old_secret_sealed = NULL, old_secret_until = NULL
    WHERE id = :id
    """
)
# NO KEY, so that a row which refers to this one may be inserted meanwhile.
_LOCK = statement(f"SELECT {_COLUMNS} FROM webhook WHERE id = :id AND deleted_at IS NULL FOR NO KEY UPDATE", Webhook)
_OF_ORGANIZER = statement(
    f"SELECT {_COLUMNS} FROM webhook WHERE organizer_code = :organizer AND deleted_at IS NULL", Webhook
)
_OF = statement(
    f"""
    SELECT {_COLUMNS} FROM webhook
    WHERE deleted_at IS NULL AND (CAST(:organizers AS text[]) IS NULL OR organizer_code = ANY(:organizers))
    ORDER BY organizer_code, id
    """,
    Webhook,
)


@refuses(NotFound, NotYours, InvalidValue)
async def save(
    session: Session,
    vault: Vault,
    caller: Caller,
    given: WebhookInput,
    now: datetime,
    *,
    admin: bool = False,
    private: bool = False,
) -> Saved | Refusal:
    """Add a webhook, or change one: by id, or by its URL."""
    to, events = endpoint.parse(given.url, private=private), _events(given.events)
    if isinstance(to, Refusal):
        return to
    if isinstance(events, Refusal):
        return events
    organizer = await _organizer(session, caller, given, admin=admin)
    if isinstance(organizer, Refusal):
        return organizer
    # Two that are saved at the same time must not both be the tenth, or have the same URL.
    if not await organizer_lock.lock(session, organizer):
        return NotFound("organizer")
    siblings = await session.rows(_OF_ORGANIZER, organizer=organizer)
    before = _before(siblings, given.id, str(to))
    if isinstance(before, Refusal):
        return before
    if before is not None:
        return Saved(await _change(session, caller, before, str(to), events, now), None)
    if len(siblings) >= MOST_WEBHOOKS:
        return InvalidValue("url", f"Paling banyak {MOST_WEBHOOKS} webhook.", f"At most {MOST_WEBHOOKS} webhooks.")
    return await _add(session, vault, caller, organizer, str(to), events, now)


@refuses(NotFound)
async def rotate(
    session: Session,
    vault: Vault,
    caller: Caller,
    webhook_id: UUID,
    now: datetime,
    *,
    admin: bool = False,
) -> Saved | NotFound:
    """A new secret. For 24 hours the secret before it signs as well, older ones do not."""
    webhook = await locked(session, caller, webhook_id, admin=admin)
    if isinstance(webhook, NotFound):
        return webhook
    secret = new_signing_secret()
    rotated = await session.one(
        _ROTATE, id=webhook_id, secret=vault.seal_secret(secret), until=now + OLD_SECRET_SIGNS_FOR
    )
    await _log(session, ChangeKind.WEBHOOK_SAVED, caller, rotated, now, secret="rotated")  # noqa: S106 - says so
    return Saved(rotated, secret)


@refuses(NotFound)
async def delete(
    session: Session,
    caller: Caller,
    webhook_id: UUID,
    now: datetime,
    *,
    admin: bool = False,
) -> Webhook | NotFound:
    """Nothing is sent to the webhook from now on."""
    webhook = await locked(session, caller, webhook_id, admin=admin)
    if isinstance(webhook, NotFound):
        return webhook
    await session.run(_DELETE, id=webhook_id, now=now)
    await _log(session, ChangeKind.WEBHOOK_DELETED, caller, webhook, now)
    return webhook


@refuses(NotFound)
async def locked(session: Session, caller: Caller, webhook_id: UUID, *, admin: bool) -> Webhook | NotFound:
    """The webhook, locked. Whoever touches its deliveries locks the webhook first. Somebody else's is not found."""
    webhook = await session.first(_LOCK, id=webhook_id)
    if webhook is None or not (admin or caller.owns(webhook.organizer)):
        return NotFound("id", what="webhook")
    return webhook


async def of(session: Session, organizers: Collection[str] | None) -> list[Webhook]:
    """The webhooks of `organizers`. None: everybody's."""
    return await session.rows(_OF, organizers=None if organizers is None else sorted(organizers))


async def _organizer(session: Session, caller: Caller, given: WebhookInput, *, admin: bool) -> str | Refusal:
    """Whose the webhook is to be. A webhook never goes from one organizer to another."""
    wanted = given.organizer if admin and given.organizer else organizer_of(caller, given.organizer)
    if isinstance(wanted, NotYours):
        return NotYours("organizer")
    if given.id is None:
        return wanted
    webhook = await locked(session, caller, given.id, admin=admin)
    if isinstance(webhook, NotFound):
        return webhook
    if given.organizer not in {None, webhook.organizer}:
        return InvalidValue(
            "organizer", "Webhook ini milik penyelenggara lain.", "This webhook is another organizer's."
        )
    return webhook.organizer


def _events(given: Sequence[str]) -> list[str] | InvalidValue:
    events = sorted(set(given))
    if not events:
        return InvalidValue("events", "Pilih paling sedikit satu peristiwa.", "Choose at least one event.")
    if WebhookEvent.WEBHOOK_TEST in events:
        return InvalidValue(
            "events",
            "Kejadian uji hanya dikirim atas permintaan, bukan dipilih.",
            "A test is sent by testWebhook, and by nothing else.",
        )
    return events


def _before(siblings: Sequence[Webhook], id: UUID | None, url: str) -> Webhook | InvalidValue | None:  # noqa: A002
    """Which of an organizer's webhooks is changed. None: a new one is added."""
    same_url = next((one for one in siblings if one.url == url), None)
    if id is None:
        return same_url
    if same_url is not None and same_url.id != id:
        return InvalidValue(
            "url",
            "Webhook lain sudah memakai URL ini; ubah webhook itu.",
            "Another webhook has this URL already; change that one.",
        )
    return next(one for one in siblings if one.id == id)


async def _change(
    session: Session, caller: Caller, before: Webhook, url: str, events: list[str], now: datetime
) -> Webhook:
    if before.disabled_at is None and (before.url, before.events) == (url, events):
        return before
    changed = await session.one(_UPDATE, id=before.id, url=url, events=events, now=now)
    await _log(session, ChangeKind.WEBHOOK_SAVED, caller, changed, now)
    return changed


async def _add(
    session: Session, vault: Vault, caller: Caller, organizer: str, url: str, events: list[str], now: datetime
) -> Saved:
    secret = new_signing_secret()
    added = await session.one(
        _INSERT, id=uuid7(), organizer=organizer, url=url, events=events, secret=vault.seal_secret(secret), now=now
    )
    await _log(session, ChangeKind.WEBHOOK_SAVED, caller, added, now)
    return Saved(added, secret)


async def _log(
    session: Session, kind: ChangeKind, caller: Caller, webhook: Webhook, now: datetime, **facts: str
) -> None:
    """The URL is not written down: a key of the receiver's may stand in it."""
    told: dict[str, object] = {"webhook": str(webhook.id), "events": webhook.events, **facts}
    entry = change_log.Entry(kind=kind, organizer=webhook.organizer, client_id=caller.client_id, facts=told)
    await change_log.append(session, [entry], now)
