"""An organizer's webhooks: at most ten, told of its own events, and a coordinator's of its members' as well.

Two secrets sign while one takes the place of the other. Saving the same again changes nothing (unique organizer and
URL), and enables a webhook that was disabled.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NotFound, NotYours, Refusal, refuses
from app.models.enums import ChangeKind, WebhookEvent
from app.registry import change_log
from app.registry.caller import Caller, organizer_of
from app.registry.webhooks import endpoint
from app.vault.vault import Vault

MOST = 10
OLD_SECRET_SIGNS_FOR = timedelta(hours=24)
SECRET_PREFIX = "whsec_"  # noqa: S105 - Standard Webhooks'


@dataclass(frozen=True, slots=True)
class WebhookInput:
    url: str
    events: Sequence[str]
    id: UUID | None = None
    organizer: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    id: UUID
    organizer: str
    url: str
    events: tuple[str, ...]
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
    """Shown this once. None: it has one already."""


_COLUMNS = """
    id, organizer_code AS organizer, url, events, created_at, disabled_at, disabled_because, failing_since,
    paused_until, old_secret_until
"""
_INSERT = text(
    f"""
    INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, secret_sealed)
    VALUES (:id, :organizer, :url, CAST(:events AS text[]), :now, :now, :secret) RETURNING {_COLUMNS}
    """
)
_UPDATE = text(
    f"""
    UPDATE webhook SET url = :url, events = CAST(:events AS text[]), disabled_at = NULL, disabled_because = NULL,
        enabled_at = CASE WHEN disabled_at IS NULL THEN enabled_at ELSE :now END,
        failing_since = CASE WHEN disabled_at IS NULL THEN failing_since END
    WHERE id = :id RETURNING {_COLUMNS}
    """
)
_ROTATE = text(
    f"""
    UPDATE webhook SET old_secret_sealed = secret_sealed, old_secret_until = :until, secret_sealed = :secret
    WHERE id = :id RETURNING {_COLUMNS}
    """
)
_DELETE = text(
    """
    UPDATE webhook SET deleted_at = :now, secret_sealed = NULL, old_secret_sealed = NULL, old_secret_until = NULL
    WHERE id = :id
    """
)
# NO KEY: what refers to the row may be inserted meanwhile.
_LOCK = text(f"SELECT {_COLUMNS} FROM webhook WHERE id = :id AND deleted_at IS NULL FOR NO KEY UPDATE")
_LOCK_ORGANIZER = text("SELECT code FROM organizer WHERE code = :organizer FOR NO KEY UPDATE")
_OF_ORGANIZER = text(f"SELECT {_COLUMNS} FROM webhook WHERE organizer_code = :organizer AND deleted_at IS NULL")
_OF = text(
    f"""
    SELECT {_COLUMNS} FROM webhook
    WHERE deleted_at IS NULL AND (CAST(:organizers AS text[]) IS NULL OR organizer_code = ANY(:organizers))
    ORDER BY organizer_code, id
    """
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
    if (await session.execute(_LOCK_ORGANIZER, {"organizer": organizer})).one_or_none() is None:
        return NotFound("organizer")
    siblings = {row.id: _from_row(row) for row in await session.execute(_OF_ORGANIZER, {"organizer": organizer})}
    same_url = next((one.id for one in siblings.values() if one.url == str(to)), None)
    if same_url and given.id and same_url != given.id:
        return InvalidValue("url", "Webhook lain sudah memakai URL ini.", "Another webhook has this URL already.")
    if before := given.id or same_url:
        return Saved(await _change(session, caller, siblings[before], str(to), events, now), None)
    if len(siblings) >= MOST:
        return InvalidValue("url", f"Paling banyak {MOST} webhook.", f"At most {MOST} webhooks.")
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
    """A new secret; for 24 hours the one before signs as well, older ones do not."""
    webhook = await locked(session, caller, webhook_id, admin=admin)
    if isinstance(webhook, NotFound):
        return webhook
    secret = _new_secret()
    values = {"id": webhook_id, "secret": vault.seal_secret(secret), "until": now + OLD_SECRET_SIGNS_FOR}
    rotated = _from_row((await session.execute(_ROTATE, values)).one())
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
    """Nothing is sent to it from now on."""
    webhook = await locked(session, caller, webhook_id, admin=admin)
    if isinstance(webhook, NotFound):
        return webhook
    await session.execute(_DELETE, {"id": webhook_id, "now": now})
    await _log(session, ChangeKind.WEBHOOK_DELETED, caller, webhook, now)
    return webhook


@refuses(NotFound)
async def locked(session: Session, caller: Caller, webhook_id: UUID, *, admin: bool) -> Webhook | NotFound:
    """Whoever touches its deliveries holds this lock first. Somebody else's is not found."""
    row = (await session.execute(_LOCK, {"id": webhook_id})).one_or_none()
    if row is None or not (admin or caller.owns(row.organizer)):
        return NotFound("id")
    return _from_row(row)


async def of(session: Session, organizers: Collection[str] | None) -> list[Webhook]:
    """Those of `organizers`, or everybody's."""
    rows = await session.execute(_OF, {"organizers": None if organizers is None else sorted(organizers)})
    return [_from_row(row) for row in rows]


async def _organizer(session: Session, caller: Caller, given: WebhookInput, *, admin: bool) -> str | Refusal:
    """Whose it is to be; a webhook never changes hands."""
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
            "events", "Uji dikirim oleh testWebhook saja.", "A test is sent by testWebhook, and by nothing else."
        )
    return events


async def _change(
    session: Session, caller: Caller, before: Webhook, url: str, events: list[str], now: datetime
) -> Webhook:
    if before.disabled_at is None and (before.url, list(before.events)) == (url, events):
        return before
    values = {"id": before.id, "url": url, "events": events, "now": now}
    changed = _from_row((await session.execute(_UPDATE, values)).one())
    await _log(session, ChangeKind.WEBHOOK_SAVED, caller, changed, now)
    return changed


async def _add(
    session: Session, vault: Vault, caller: Caller, organizer: str, url: str, events: list[str], now: datetime
) -> Saved:
    secret = _new_secret()
    values = {"id": uuid7(), "organizer": organizer, "url": url, "events": events, "secret": vault.seal_secret(secret)}
    added = _from_row((await session.execute(_INSERT, {"now": now, **values})).one())
    await _log(session, ChangeKind.WEBHOOK_SAVED, caller, added, now)
    return Saved(added, secret)


def _new_secret() -> str:
    return SECRET_PREFIX + b64encode(secrets.token_bytes(32)).decode()


async def _log(
    session: Session, kind: ChangeKind, caller: Caller, webhook: Webhook, now: datetime, **facts: str
) -> None:
    """Without its URL, which may have a key of the receiver's in it."""
    told: dict[str, object] = {"webhook": str(webhook.id), "events": list(webhook.events), **facts}
    entry = change_log.Entry(kind=kind, organizer=webhook.organizer, client_id=caller.client_id, facts=told)
    await change_log.append(session, [entry], now)


def _from_row(row: Row[Any]) -> Webhook:
    return Webhook(
        row.id,
        row.organizer,
        row.url,
        tuple(row.events),
        row.created_at,
        row.disabled_at,
        row.disabled_because,
        row.failing_since,
        row.paused_until,
        row.old_secret_until,
    )
