"""A request with an `Idempotency-Key` is done once: the same key and body get the same answer again, for 24 hours.

The key is taken by a lock of the transaction that does the work and keeps the answer, so that a crash leaves nothing
half done. Key and body are stored as keyed digests. The answer is sealed: it may name a person.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from app.db import Session
from app.errors import EverybodysError
from app.sql import statement
from app.vault.vault import Vault

ANSWER_KEPT_FOR = timedelta(hours=24)


class KeyedRequest(NamedTuple):
    client_id: str
    key: str
    """Digest of the `Idempotency-Key`, in hexadecimal."""
    body_index: bytes


class _AnsweredRequest(NamedTuple):
    body_index: bytes
    answer: str
    answer_sealed: bytes | None


class KeyInUse(EverybodysError):  # noqa: N818 - an outcome
    """The same request is being worked on."""


class KeyReused(EverybodysError):  # noqa: N818 - an outcome
    """Another body came with this key before."""


class AnswerErased(EverybodysError):  # noqa: N818 - an outcome
    """The request was done. Its answer was erased with the data of a person."""


_LOCK = statement("SELECT pg_try_advisory_xact_lock(:lock)", bool)
_FIND = statement(
    """
    SELECT body_index, answer, answer_sealed FROM keyed_request
    WHERE client_id = :client_id AND key = :key AND at > :since
    """,
    _AnsweredRequest,
)
_KEEP = statement(
    """
    INSERT INTO keyed_request (client_id, key, body_index, answer_sealed, at)
    VALUES (:client_id, :key, :body_index, :answer_sealed, :now)
    ON CONFLICT (client_id, key) DO UPDATE
        SET body_index = excluded.body_index, answer = '', answer_sealed = excluded.answer_sealed, at = excluded.at
    """
)
_FORGET = statement("DELETE FROM keyed_request WHERE at <= :until")
# Those who may read somebody in full: the organizers, the coordinators of the organizers, and Hubdat, which erases.
_ERASE = statement(
    """
    UPDATE keyed_request SET answer_sealed = NULL
    WHERE client_id IN (
        SELECT c.id FROM client c
        WHERE c.organizer_code = :eraser OR c.organizer_code = ANY(CAST(:organizers AS text[]))
           OR c.organizer_code IN (
               SELECT coordinator_code FROM organizer WHERE code = ANY(CAST(:organizers AS text[]))
           )
    )
    """
)


def keyed(vault: Vault, client_id: str, key: str, body: bytes) -> KeyedRequest:
    index = vault.blind_index(f"idempotency key {client_id} {key}")
    return KeyedRequest(
        client_id=client_id,
        key=index.hex(),
        body_index=vault.blind_index(f"request body {sha256(body).hexdigest()}"),
    )


async def take(session: Session, vault: Vault, request: KeyedRequest, now: datetime) -> str | None:
    """What the request was answered before. None: this transaction does it.

    Raises `KeyInUse`, `KeyReused`, `AnswerErased`.
    """
    lock = int.from_bytes(sha256(f"{request.client_id} {request.key}".encode()).digest()[:8], signed=True)
    if not await session.one(_LOCK, lock=lock):
        raise KeyInUse
    found = await session.first(_FIND, client_id=request.client_id, key=request.key, since=now - ANSWER_KEPT_FOR)
    if found is None:
        return None
    if found.body_index != request.body_index:
        raise KeyReused
    if found.answer_sealed is not None:
        return vault.open_bytes(found.answer_sealed).decode()
    if not found.answer:
        raise AnswerErased
    return found.answer


async def keep(session: Session, vault: Vault, request: KeyedRequest, answer: str, now: datetime) -> None:
    await session.run(_KEEP, **request._asdict(), answer_sealed=vault.seal(answer), now=now)


async def erase_answers(session: Session, organizers: Collection[str], eraser: str) -> None:
    """Erase the answers that may name somebody whom `organizers` know. That their requests were done stays known."""
    await session.run(_ERASE, organizers=list(organizers), eraser=eraser)


async def forget(session: Session, now: datetime) -> int:
    """Delete answers that were kept long enough. Answers how many."""
    return await session.run(_FORGET, until=now - ANSWER_KEPT_FOR)
