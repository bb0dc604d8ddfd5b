"""OAuth clients of organizers: issued, rotated, revoked. At most two secrets live, so that an app can change over.

Only a secret's SHA-256 is kept: it has 256 random bits, so a slow hash would protect nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, text
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NotFound, Refusal, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.clients import client_keys
from app.registry.clients.scopes import for_client_of

CHECK_CAPACITY = 5000
CHECK_REFILL = 100
"""NIK checks per second."""

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_COLUMNS = "id, organizer_code AS organizer, scopes, issued_at, revoked_at"


@dataclass(frozen=True, slots=True)
class Client:
    id: str
    organizer: str
    scopes: tuple[str, ...]
    issued_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Issued:
    client: Client
    secret: str | None = field(repr=False)
    """Shown this once. None: the client signs assertions with keys of its own."""


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@refuses(NotFound, InvalidValue)
async def issue(
    session: Session,
    caller: Caller,
    organizer: str,
    scopes: Sequence[str],
    public_keys: str | None,
    now: datetime,
    *,
    capacity: int = CHECK_CAPACITY,
    refill: int = CHECK_REFILL,
) -> Issued | Refusal:
    """A new client of `organizer`. It is refused scopes that it may not hold, and unfit public keys."""
    granted = for_client_of(organizer, scopes)
    if isinstance(granted, Refusal):
        return granted
    keys = None if public_keys is None else client_keys.parse(public_keys)
    if isinstance(keys, Refusal):
        return keys
    if capacity < 1 or refill < 1:
        return InvalidValue("budget", "Anggaran harus lebih dari nol.", "The budget must be more than nothing.")
    client_id = f"{organizer}-{''.join(secrets.choice(_BASE32) for _ in range(8))}"
    row = (
        await session.execute(
            _INSERT,
            {
                "id": client_id,
                "organizer": organizer,
                "scopes": list(granted),
                "public_keys": None if keys is None else orjson.dumps(keys).decode(),
                "capacity": capacity,
                "refill": refill,
                "now": now,
            },
        )
    ).first()
    if row is None:
        return NotFound("organizer")
    client = _from_row(row)
    secret = None if keys else await _add_secret(session, client_id, now)
    await _log(session, ChangeKind.CLIENT_ISSUED, caller, client, now)
    return Issued(client, secret)


@refuses(NotFound, InvalidValue)
async def rotate(session: Session, caller: Caller, id: str, now: datetime) -> Issued | Refusal:  # noqa: A002
    """A new secret; the newest one before it stays good, older ones end. A client with keys has none."""
    row = (await session.execute(_LOCK, {"id": id})).first()
    if row is None:
        return NotFound("id")
    client = _from_row(row)
    if client.revoked_at is not None:
        return InvalidValue("id", "Klien ini sudah dicabut.", "This client has been revoked.")
    if row.has_keys:
        return InvalidValue(
            "id",
            "Klien ini memakai kunci publik dan tidak punya rahasia.",
            "This client signs with keys of its own and has no secret.",
        )
    await session.execute(_DROP_OLDER_SECRETS, {"id": id})
    secret = await _add_secret(session, id, now)
    await _log(session, ChangeKind.CLIENT_ROTATED, caller, client, now)
    return Issued(client, secret)


@refuses(NotFound)
async def revoke(session: Session, caller: Caller, id: str, now: datetime) -> Client | Refusal:  # noqa: A002
    """Ends a client and its secrets for good. Revoking it again changes nothing."""
    row = (await session.execute(_LOCK, {"id": id})).first()
    if row is None:
        return NotFound("id")
    if row.revoked_at is not None:
        return _from_row(row)
    client = _from_row((await session.execute(_REVOKE, {"id": id, "now": now})).one())
    for secrets_ in ("client_secret", "client_webhook_secret"):
        await session.execute(text(f"DELETE FROM {secrets_} WHERE client_id = :id"), {"id": id})
    await _log(session, ChangeKind.CLIENT_REVOKED, caller, client, now)
    return client


async def all_of(session: Session) -> list[Client]:
    """Every client, the revoked ones too, by organizer and age."""
    rows = await session.execute(text(f"SELECT {_COLUMNS} FROM client ORDER BY organizer_code, issued_at, id"))
    return [_from_row(row) for row in rows]


async def get(session: Session, id: str) -> Client | None:  # noqa: A002
    row = (await session.execute(text(f"SELECT {_COLUMNS} FROM client WHERE id = :id"), {"id": id})).first()
    return None if row is None else _from_row(row)


_INSERT = text(
    f"""
    WITH issued AS (
        INSERT INTO client (id, organizer_code, scopes, public_keys, check_capacity, check_refill, issued_at)
        SELECT :id, code, CAST(:scopes AS text[]), CAST(CAST(:public_keys AS text) AS jsonb), :capacity, :refill, :now
        FROM organizer WHERE code = :organizer
        RETURNING {_COLUMNS}
    ), budget AS (
        INSERT INTO check_budget (client_id, tokens, refilled_at) SELECT id, :capacity, :now FROM issued
    )
    SELECT * FROM issued
    """
)
_LOCK = text(f"SELECT {_COLUMNS}, public_keys IS NOT NULL AS has_keys FROM client WHERE id = :id FOR UPDATE")
_REVOKE = text(f"UPDATE client SET revoked_at = :now WHERE id = :id RETURNING {_COLUMNS}")
_ADD_SECRET = text(
    "INSERT INTO client_secret (id, client_id, digest, issued_at) VALUES (:id, :client_id, :digest, :now)"
)
_DROP_OLDER_SECRETS = text(
    """
    DELETE FROM client_secret WHERE client_id = :id AND id <> (
        SELECT id FROM client_secret WHERE client_id = :id ORDER BY issued_at DESC, id DESC LIMIT 1
    )
    """
)


async def _add_secret(session: Session, client_id: str, now: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    values = {"id": uuid7(), "client_id": client_id, "digest": digest(secret), "now": now}
    await session.execute(_ADD_SECRET, values)
    return secret


async def _log(session: Session, kind: ChangeKind, caller: Caller, client: Client, now: datetime) -> None:
    facts: dict[str, object] = {"client": client.id, "scopes": list(client.scopes)}
    await change_log.append(
        session, [change_log.Entry(kind, organizer=client.organizer, client_id=caller.client_id, facts=facts)], now
    )


def _from_row(row: Row[Any]) -> Client:
    return Client(row.id, row.organizer, tuple(row.scopes), row.issued_at, row.revoked_at)
