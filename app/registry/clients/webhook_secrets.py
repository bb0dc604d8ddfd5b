"""Secrets with which a client signs the webhooks that it sends us, and the ids of its messages (Standard Webhooks).

A client has at most two secrets, so that it can change over. A client with a secret has to sign. The id of a message
is good once: the primary key of `signed_message` is the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NotFound, Refusal, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.clients import clients
from app.registry.clients.clients import Client
from app.registry.values.signing_secrets import new_signing_secret
from app.sql import statement
from app.vault.vault import Vault

MESSAGE_ID_KEPT_FOR = timedelta(hours=24)
"""Far longer than a message's timestamp is good."""


@dataclass(frozen=True, slots=True)
class IssuedSecret:
    client: Client
    secret: str = field(repr=False)
    """Shown now and never again."""


_LOCK = statement("SELECT id FROM client WHERE id = :id FOR UPDATE", str)
_DROP_OLDER = statement(
    """
    DELETE FROM client_webhook_secret WHERE client_id = :id AND id <> (
        SELECT id FROM client_webhook_secret WHERE client_id = :id ORDER BY issued_at DESC, id DESC LIMIT 1
    )
    """
)
_ADD = statement(
    "INSERT INTO client_webhook_secret (id, client_id, secret_sealed, issued_at) VALUES (:id, :client, :sealed, :now)"
)
_DROP = statement("DELETE FROM client_webhook_secret WHERE client_id = :id")
_OF_CLIENT = statement(
    "SELECT secret_sealed FROM client_webhook_secret WHERE client_id = :id ORDER BY issued_at DESC, id DESC", bytes
)
_TAKE = statement(
    "INSERT INTO signed_message (client_id, id, at) VALUES (:client_id, :id, :now) ON CONFLICT DO NOTHING"
)
_FORGET = statement("DELETE FROM signed_message WHERE at <= :until")


@refuses(NotFound, InvalidValue)
async def issue(
    session: Session,
    vault: Vault,
    caller: Caller,
    client_id: str,
    now: datetime,
    *,
    own: frozenset[str] | None,
) -> IssuedSecret | Refusal:
    """A new secret; the newest one before it stays good, older ones end. `own`: as for `clients.issue`."""
    await session.first(_LOCK, id=client_id)
    client = await clients.managed(session, caller, client_id, own, "clientId")
    if isinstance(client, Refusal):
        return client
    if client.revoked_at is not None:
        return InvalidValue(
            "clientId",
            "Klien ini sudah dicabut; terbitkan klien baru.",
            "This client has been revoked; issue a new one.",
        )
    secret = new_signing_secret()
    await session.run(_DROP_OLDER, id=client_id)
    await session.run(_ADD, id=uuid7(), client=client_id, sealed=vault.seal_secret(secret), now=now)
    await _log(session, caller, client, "issued", now)
    return IssuedSecret(client, secret)


@refuses(NotFound)
async def drop(session: Session, caller: Caller, client_id: str, now: datetime) -> Client | NotFound:
    """From now on the client need not sign. Dropping again changes nothing."""
    client = await clients.get(session, client_id)
    if client is None:
        return NotFound("clientId")
    if await session.run(_DROP, id=client_id):
        await _log(session, caller, client, "dropped", now)
    return client


async def secrets_of(session: Session, vault: Vault, client_id: str) -> tuple[str, ...]:
    """The secrets that are good, the newest first."""
    return tuple(vault.open_secret(sealed) for sealed in await session.rows(_OF_CLIENT, id=client_id))


async def take(session: Session, vault: Vault, client_id: str, message_id: str, now: datetime) -> bool:
    """Whether this message is the first with its id. A transaction that fails gives the id back."""
    message = vault.blind_index(f"webhook id {message_id}").hex()
    return await session.run(_TAKE, client_id=client_id, id=message, now=now) == 1


async def forget(session: Session, now: datetime) -> int:
    """Delete ids of messages that are too old to come again. Answers how many."""
    return await session.run(_FORGET, until=now - MESSAGE_ID_KEPT_FOR)


async def _log(session: Session, caller: Caller, client: Client, what: str, now: datetime) -> None:
    facts: dict[str, object] = {"client": client.id, "secret": what}
    entry = change_log.Entry(
        kind=ChangeKind.CLIENT_WEBHOOK_SECRET_ISSUED,
        organizer=client.organizer,
        client_id=caller.client_id,
        facts=facts,
    )
    await change_log.append(session, [entry], now)
