"""A request with an `Idempotency-Key` is done once: the same key and body get the same answer again, for 24 hours.

The key is taken by a lock of the transaction that does the work and keeps its answer, so that a crash leaves nothing
half done. Key and body stand here as keyed digests, and an answer holds nothing of a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import CursorResult, text

from app.db import Session
from app.vault.vault import Vault

KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Keyed:
    client_id: str
    key: str
    """In hexadecimal."""
    body_index: bytes


class InUse(Exception):  # noqa: N818 - an outcome
    """The same request is being worked on."""


class Reused(Exception):  # noqa: N818 - an outcome
    """Another body came with this key before."""


_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock)")
_FIND = text("SELECT body_index, answer FROM keyed_request WHERE client_id = :client_id AND key = :key AND at > :since")
_KEEP = text(
    """
    INSERT INTO keyed_request (client_id, key, body_index, answer, at)
    VALUES (:client_id, :key, :body_index, :answer, :now)
    ON CONFLICT (client_id, key) DO UPDATE
        SET body_index = excluded.body_index, answer = excluded.answer, at = excluded.at
    """
)
_FORGET = text("DELETE FROM keyed_request WHERE at <= :until")


def keyed(vault: Vault, client_id: str, key: str, body: bytes) -> Keyed:
    index = vault.blind_index(f"idempotency key {client_id} {key}")
    return Keyed(client_id, index.hex(), vault.blind_index(f"request body {sha256(body).hexdigest()}"))


async def take(session: Session, request: Keyed, now: datetime) -> str | None:
    """What it was answered; None: it is ours to do, in this transaction. Raises `InUse`, `Reused`."""
    lock = int.from_bytes(sha256(f"{request.client_id} {request.key}".encode()).digest()[:8], signed=True)
    if not (await session.execute(_LOCK, {"lock": lock})).scalar_one():
        raise InUse
    facts = {"client_id": request.client_id, "key": request.key, "since": now - KEPT_FOR}
    found = (await session.execute(_FIND, facts)).one_or_none()
    if found is None:
        return None
    if found.body_index != request.body_index:
        raise Reused
    answer: str = found.answer
    return answer


async def keep(session: Session, request: Keyed, answer: str, now: datetime) -> None:
    facts = {"client_id": request.client_id, "key": request.key, "body_index": request.body_index}
    await session.execute(_KEEP, {**facts, "answer": answer, "now": now})


async def forget(session: Session, now: datetime) -> int:
    """Answers how many answers were kept long enough."""
    forgotten = await session.execute(_FORGET, {"until": now - KEPT_FOR})
    assert isinstance(forgotten, CursorResult)  # noqa: S101 - a DELETE's result
    return forgotten.rowcount
