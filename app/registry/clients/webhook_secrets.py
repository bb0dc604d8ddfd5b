"""Signed webhooks that come in: a client's secrets, at most two live, and the ids that have come (Standard Webhooks).

A client with a secret has to sign. An id is good once: the primary key of `signed_message` is the rule.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, text
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NotFound, Refusal, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Client
from app.vault.vault import Vault

PREFIX = "whsec_"
KEPT_FOR = timedelta(hours=24)
"""Far longer than a message's timestamp is good."""


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    client: Client
    secret: str = field(repr=False)
    """Shown this once."""


_LOCK = text("SELECT revoked_at FROM client WHERE id = :id FOR UPDATE")
_DROP_OLDER = text(
    """
    DELETE FROM client_webhook_secret WHERE client_id = :id AND id <> (
        SELECT id FROM client_webhook_secret WHERE client_id = :id ORDER BY issued_at DESC, id DESC LIMIT 1
    )
    """
)
_ADD = text(
    "INSERT INTO client_webhook_secret (id, client_id, secret_sealed, issued_at) VALUES (:id, :client, :sealed, :now)"
)
_DROP = text("DELETE FROM client_webhook_secret WHERE client_id = :id")
_OF = text("SELECT secret_sealed FROM client_webhook_secret WHERE client_id = :id ORDER BY issued_at DESC, id DESC")
_TAKE = text("INSERT INTO signed_message (client_id, id, at) VALUES (:client_id, :id, :now) ON CONFLICT DO NOTHING")
_FORGET = text("DELETE FROM signed_message WHERE at <= :until")


@refuses(NotFound, InvalidValue)
async def issue(
    session: Session, vault: Vault, caller: Caller, client_id: str, now: datetime
) -> IssuedSecret | Refusal:
    """A new secret; the newest one before it stays good, older ones end."""
    row = (await session.execute(_LOCK, {"id": client_id})).first()
    client = await clients.get(session, client_id)
    if row is None or client is None:
        return NotFound("clientId")
    if row.revoked_at is not None:
        return InvalidValue("clientId", "Klien ini sudah dicabut.", "This client has been revoked.")
    secret = PREFIX + b64encode(secrets.token_bytes(32)).decode()
    await session.execute(_DROP_OLDER, {"id": client_id})
    await session.execute(_ADD, {"id": uuid7(), "client": client_id, "sealed": vault.seal_secret(secret), "now": now})
    await _log(session, caller, client, "issued", now)
    return IssuedSecret(client, secret)


@refuses(NotFound)
async def drop(session: Session, caller: Caller, client_id: str, now: datetime) -> Client | NotFound:
    """From now on it need not sign; again changes nothing."""
    client = await clients.get(session, client_id)
    if client is None:
        return NotFound("clientId")
    dropped = await session.execute(_DROP, {"id": client_id})
    assert isinstance(dropped, CursorResult)  # noqa: S101 - a DELETE's result
    if dropped.rowcount:
        await _log(session, caller, client, "dropped", now)
    return client


async def secrets_of(session: Session, vault: Vault, client_id: str) -> tuple[str, ...]:
    """Those that are good, the newest first."""
    return tuple(vault.open_secret(sealed) for sealed in (await session.execute(_OF, {"id": client_id})).scalars())


async def take(session: Session, vault: Vault, client_id: str, message_id: str, now: datetime) -> bool:
    """Whether it is the first of its id. A transaction that fails gives the id back."""
    facts = {"client_id": client_id, "id": vault.blind_index(f"webhook id {message_id}").hex(), "now": now}
    taken = await session.execute(_TAKE, facts)
    assert isinstance(taken, CursorResult)  # noqa: S101 - an INSERT's result
    return taken.rowcount == 1


async def forget(session: Session, now: datetime) -> int:
    """Answers how many ids are too old to come again."""
    forgotten = await session.execute(_FORGET, {"until": now - KEPT_FOR})
    assert isinstance(forgotten, CursorResult)  # noqa: S101 - a DELETE's result
    return forgotten.rowcount


async def _log(session: Session, caller: Caller, client: Client, what: str, now: datetime) -> None:
    facts: dict[str, object] = {"client": client.id, "secret": what}
    kind = ChangeKind.CLIENT_WEBHOOK_SECRET_ISSUED
    entry = change_log.Entry(kind=kind, organizer=client.organizer, client_id=caller.client_id, facts=facts)
    await change_log.append(session, [entry], now)
