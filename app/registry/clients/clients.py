"""OAuth clients of organizers: issued, rotated, revoked. A client has at most two secrets, so that it can change over.

Only the SHA-256 of a secret is kept: a secret has 256 random bits, so a slow hash would protect nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from uuid_utils.compat import uuid7

from app.db import Session
from app.errors import InvalidValue, NotFound, NotYours, Refusal, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.clients import client_keys
from app.registry.clients.scopes import for_client_of, within
from app.sql import statement

CHECK_CAPACITY = 5000
"""NIK checks that a client may send in one burst."""
CHECK_REFILL = 100
"""NIK checks per second by which the burst grows again."""

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
"""Base32 in lower case: without 0 and 1, which look like o and l."""
_COLUMNS = "id, organizer_code AS organizer, scopes, issued_at, revoked_at, last_used_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    id: str
    organizer: str
    scopes: list[str]
    issued_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = None
    """When it last got an access token, to the minute."""


@dataclass(frozen=True, slots=True)
class Issued:
    client: Client
    secret: str | None = field(repr=False)
    """Shown now and never again. None: the client signs assertions with keys of its own."""


_INSERT = statement(
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
    """,
    Client,
)
_PROGRAM = "NOT EXISTS (SELECT FROM staff WHERE staff.id = client.id)"
"""Not a person who signs in to the pages (`staff`): such a client has no secret, and gets none."""
_ALL = statement(f"SELECT {_COLUMNS} FROM client WHERE {_PROGRAM} ORDER BY organizer_code, issued_at, id", Client)
_GET = statement(f"SELECT {_COLUMNS} FROM client WHERE id = :id AND {_PROGRAM}", Client)
_LOCK = statement("SELECT public_keys IS NOT NULL FROM client WHERE id = :id FOR UPDATE", bool)
_REVOKE = statement(f"UPDATE client SET revoked_at = :now WHERE id = :id RETURNING {_COLUMNS}", Client)
_USED = statement(
    """
    UPDATE client SET last_used_at = :now
    WHERE id = :id AND (last_used_at IS NULL OR last_used_at < CAST(:now AS timestamptz) - INTERVAL '1 minute')
    """
)
_ADD_SECRET = statement(
    "INSERT INTO client_secret (id, client_id, digest, issued_at) VALUES (:id, :client_id, :digest, :now)"
)
_DROP_SECRETS = statement("DELETE FROM client_secret WHERE client_id = :id")
_DROP_WEBHOOK_SECRETS = statement("DELETE FROM client_webhook_secret WHERE client_id = :id")
_DROP_OLDER_SECRETS = statement(
    """
    DELETE FROM client_secret WHERE client_id = :id AND id <> (
        SELECT id FROM client_secret WHERE client_id = :id ORDER BY issued_at DESC, id DESC LIMIT 1
    )
    """
)


def new_id(prefix: str, characters: int) -> str:
    return f"{prefix}-{''.join(secrets.choice(_BASE32) for _ in range(characters))}"


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@refuses(NotFound, NotYours, InvalidValue)
async def issue(
    session: Session,
    caller: Caller,
    organizer: str,
    scopes: Sequence[str],
    public_keys: str | None,
    now: datetime,
    *,
    own: frozenset[str] | None,
    capacity: int = CHECK_CAPACITY,
    refill: int = CHECK_REFILL,
) -> Issued | Refusal:
    """A new client of `organizer`. It is refused scopes that it may not hold, and unfit public keys.

    `own`: the scopes of the caller, who hands on no others; None: Hubdat, who gives any. Nobody has that by default.
    """
    granted = _granted(caller, organizer, scopes, own)
    if isinstance(granted, Refusal):
        return granted
    keys = None if public_keys is None else client_keys.parse(public_keys)
    if isinstance(keys, Refusal):
        return keys
    if capacity < 1 or refill < 1:
        return InvalidValue(
            "budget", "Jatah pemeriksaan NIK harus lebih dari nol.", "The budget must be more than nothing."
        )
    client = await session.first(
        _INSERT,
        id=new_id(organizer, 8),
        organizer=organizer,
        scopes=list(granted),
        public_keys=None if keys is None else orjson.dumps(keys).decode(),
        capacity=capacity,
        refill=refill,
        now=now,
    )
    if client is None:
        return NotFound("organizer")
    secret = None if keys else await _add_secret(session, client.id, now)
    await _log(session, ChangeKind.CLIENT_ISSUED, caller, client, now)
    return Issued(client, secret)


def _granted(
    caller: Caller, organizer: str, scopes: Sequence[str], own: frozenset[str] | None
) -> tuple[str, ...] | Refusal:
    """The scopes that a client of `organizer` may hold, and that `caller` may hand on."""
    granted = for_client_of(organizer, scopes)
    if isinstance(granted, Refusal):
        return granted
    return within(own, caller, organizer, granted) or granted


@refuses(NotFound, InvalidValue)
async def rotate(
    session: Session,
    caller: Caller,
    id: str,  # noqa: A002
    now: datetime,
    *,
    own: frozenset[str] | None,
) -> Issued | Refusal:
    """A new secret. The newest secret before it stays good, older ones end. A client with keys has none."""
    has_keys = await session.first(_LOCK, id=id)
    client = await managed(session, caller, id, own)
    if isinstance(client, Refusal):
        return client
    if client.revoked_at is not None:
        return InvalidValue(
            "id", "Klien ini sudah dicabut; terbitkan klien baru.", "This client has been revoked; issue a new one."
        )
    if has_keys:
        return InvalidValue(
            "id",
            "Klien ini memakai kunci publik dan tidak punya rahasia.",
            "This client signs with keys of its own and has no secret.",
        )
    await session.run(_DROP_OLDER_SECRETS, id=id)
    secret = await _add_secret(session, id, now)
    await _log(session, ChangeKind.CLIENT_ROTATED, caller, client, now)
    return Issued(client, secret)


@refuses(NotFound, InvalidValue)
async def revoke(
    session: Session,
    caller: Caller,
    id: str,  # noqa: A002
    now: datetime,
    *,
    own: frozenset[str] | None,
) -> Client | Refusal:
    """End a client and its secrets for good. Revoking a client again changes nothing."""
    if caller.client_id == id:
        return InvalidValue(
            "id",
            "Klien tidak dapat mencabut dirinya sendiri; cabut dengan klien lain, atau dengan perintah"
            " pemudik client revoke.",
            "A client does not revoke itself; revoke it by another client, or by `pemudik client revoke`.",
        )
    await session.first(_LOCK, id=id)
    client = await managed(session, caller, id, own)
    if isinstance(client, Refusal):
        return client
    if client.revoked_at is not None:
        return client
    revoked = await session.one(_REVOKE, id=id, now=now)
    await session.run(_DROP_SECRETS, id=id)
    await session.run(_DROP_WEBHOOK_SECRETS, id=id)
    await _log(session, ChangeKind.CLIENT_REVOKED, caller, revoked, now)
    return revoked


async def all_of(session: Session) -> list[Client]:
    """Every client, the revoked ones too, by organizer and age."""
    return await session.rows(_ALL)


async def note_use(session: Session, id: str, now: datetime) -> None:  # noqa: A002
    """That it got an access token. Once a minute will do: a burst of tokens must not wait for one row."""
    await session.run(_USED, id=id, now=now)


async def get(session: Session, id: str) -> Client | None:  # noqa: A002
    return await session.first(_GET, id=id)


@refuses(NotFound, InvalidValue)
async def managed(
    session: Session,
    caller: Caller,
    id: str,  # noqa: A002
    own: frozenset[str] | None,
    field: str = "id",
) -> Client | Refusal:
    """The client that the caller may change. Another organizer's is as if it were not there. `own`: as for `issue`."""
    client = await get(session, id)
    if client is None:
        return NotFound(field, what="client")
    beyond = within(own, caller, client.organizer, client.scopes)
    return NotFound(field, what="client") if isinstance(beyond, NotYours) else beyond or client


async def _add_secret(session: Session, client_id: str, now: datetime) -> str:
    secret = secrets.token_urlsafe(32)
    await session.run(_ADD_SECRET, id=uuid7(), client_id=client_id, digest=digest(secret), now=now)
    return secret


async def _log(session: Session, kind: ChangeKind, caller: Caller, client: Client, now: datetime) -> None:
    facts: dict[str, object] = {"client": client.id, "scopes": client.scopes}
    if kind != ChangeKind.CLIENT_ISSUED:
        revoked = client.revoked_at is not None
        facts |= {"revoked": revoked, "was": {"scopes": client.scopes, "revoked": False}}
    entry = change_log.Entry(kind=kind, organizer=client.organizer, client_id=caller.client_id, facts=facts)
    await change_log.append(session, [entry], now)
