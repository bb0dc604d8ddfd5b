"""The public keys of a client that signs assertions are added and withdrawn, so that the client can change over.

A key that is withdrawn signs in vain at once. A token that was given before is good until it expires.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from app.db import Session
from app.errors import InvalidValue, NotFound, Refusal, refuses
from app.models.enums import ChangeKind
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.clients import client_keys, clients
from app.registry.clients.client_keys import MOST_KEYS
from app.registry.clients.clients import Client
from app.sql import statement

Keys = list[dict[str, Any]]
"""As they are stored: JWKs with public members alone, each with a `kid` of its own."""

_LOCK = statement(
    "SELECT coalesce(CAST(public_keys AS text), '') FROM client WHERE id = :id AND revoked_at IS NULL FOR UPDATE", str
)
_PUT = statement("UPDATE client SET public_keys = CAST(CAST(:keys AS text) AS jsonb) WHERE id = :id")


@refuses(NotFound, InvalidValue)
async def add(session: Session, caller: Caller, client_id: str, jwks: str, now: datetime) -> Keys | Refusal:
    """The client's keys, those of the JWK Set `jwks` among them. Adding a key again changes nothing."""
    client, keys = await _locked(session, client_id)
    if client is None:
        return NotFound("id", what="client")
    if keys is None:
        return _has_no_keys()
    parsed = client_keys.parse(jwks)
    if isinstance(parsed, InvalidValue):
        return parsed
    new = [one for one in parsed["keys"] if one not in keys]
    kids = [one["kid"] for one in (*keys, *new)]
    if len(set(kids)) < len(kids):
        return InvalidValue(
            "publicKeys",
            "Kunci lain klien ini sudah memakai kid itu; pakai kid yang baru.",
            "Another key of this client has that kid; give the key a new one.",
        )
    if len(kids) > MOST_KEYS:
        return InvalidValue(
            "publicKeys",
            f"Klien mempunyai paling banyak {MOST_KEYS} kunci; cabut yang lama dahulu.",
            f"A client has {MOST_KEYS} keys at most; withdraw an old one first.",
        )
    return await _changed(session, caller, client, keys, [*keys, *new], now)


@refuses(NotFound, InvalidValue)
async def withdraw(session: Session, caller: Caller, client_id: str, kid: str, now: datetime) -> Keys | Refusal:
    """The client's keys, without the one of that `kid`. A client keeps one."""
    client, keys = await _locked(session, client_id)
    if client is None:
        return NotFound("id", what="client")
    if keys is None:
        return _has_no_keys()
    left = [one for one in keys if one["kid"] != kid]
    if len(left) == len(keys):
        return InvalidValue(
            "kid", "Klien ini tidak mempunyai kunci dengan kid itu.", "This client has no key with that kid."
        )
    if not left:
        return InvalidValue(
            "kid",
            "Ini kunci terakhir klien; tambahkan yang baru dahulu, atau cabut kliennya.",
            "This is the client's last key; add a new one first, or revoke the client.",
        )
    return await _changed(session, caller, client, keys, left, now)


@refuses(NotFound, InvalidValue)
async def of(session: Session, client_id: str) -> Keys | Refusal:
    client, keys = await _locked(session, client_id)
    if client is None:
        return NotFound("id", what="client")
    return _has_no_keys() if keys is None else keys


async def _locked(session: Session, client_id: str) -> tuple[Client | None, Keys | None]:
    """The client, if it is good, and its keys. None: it has a secret."""
    stored = await session.first(_LOCK, id=client_id)
    if stored is None:
        return None, None
    keys: Keys | None = orjson.loads(stored)["keys"] if stored else None
    return await clients.get(session, client_id), keys


def _has_no_keys() -> InvalidValue:
    return InvalidValue(
        "id",
        "Klien ini memakai rahasia dan tidak punya kunci publik; terbitkan klien dengan kunci.",
        "This client has a secret and no keys; issue a client with keys.",
    )


async def _changed(session: Session, caller: Caller, client: Client, before: Keys, after: Keys, now: datetime) -> Keys:
    if after == before:
        return after
    await session.run(_PUT, id=client.id, keys=orjson.dumps({"keys": after}).decode())
    facts: dict[str, object] = {"client": client.id, "keys": _kids(after), "was": {"keys": _kids(before)}}
    entry = change_log.Entry(
        kind=ChangeKind.CLIENT_ROTATED, organizer=client.organizer, client_id=caller.client_id, facts=facts
    )
    await change_log.append(session, [entry], now)
    return after


def _kids(keys: Sequence[dict[str, Any]]) -> list[str]:
    return [one["kid"] for one in keys]
