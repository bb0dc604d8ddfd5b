"""Signatures of incoming webhooks (Standard Webhooks): `webhook-id`, `webhook-timestamp`, `webhook-signature`.

A client that has a secret must sign. A client that signs must have a secret. A timestamp may be five minutes old, or
five minutes ahead of our clock.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook
from starlette.datastructures import Headers

from app.auth.edge import RequestRefused
from app.db import Database
from app.registry.clients import webhook_secrets
from app.vault.vault import Vault

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
CLOCK_TOLERANCE = timedelta(minutes=5)
RECHECK_AFTER_SECONDS = 5.0
"""A process remembers the secrets of a client for this long."""
LONGEST_ID = 256
_CHALLENGE = {"WWW-Authenticate": 'Webhook-Signature realm="pemudik"'}


class Signatures:
    """What checks signatures in one process. `monotonic` counts the seconds between two looks at secrets."""

    def __init__(self, database: Database, vault: Vault, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._vault = vault
        self._monotonic = monotonic
        self._remembered: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def verified(self, headers: Headers, body: bytes, client_id: str, now: datetime) -> str | None:
        """The id of the message. None: it is not signed, and need not be. Raises `RequestRefused`, `Unavailable`."""
        given = [headers.get(name) for name in HEADERS]
        secrets = await self._secrets(client_id)
        if not secrets and not any(given):
            return None
        message_id, timestamp, signature = (value or "" for value in given)
        if not (message_id and timestamp and signature):
            names = ", ".join(HEADERS)
            raise _refused("SIGNATURE_REQUIRED", f"Webhook harus ditandatangani: {names}.", f"Sign it: {names}.")
        if not secrets:
            raise _unexpected()
        if len(message_id) > LONGEST_ID or not _matches(secrets, message_id, timestamp, body, signature):
            raise _refused("SIGNATURE_INVALID", "Tanda tangan webhook tidak cocok.", "The signature does not match.")
        if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > CLOCK_TOLERANCE:
            raise _expired()
        return message_id

    async def _secrets(self, client_id: str) -> tuple[str, ...]:
        read_at, secrets = self._remembered.get(client_id, (None, ()))
        if read_at is None or self._monotonic() - read_at >= RECHECK_AFTER_SECONDS:
            read_at = self._monotonic()
            async with self._database.transaction() as session:
                secrets = await webhook_secrets.secrets_of(session, self._vault, client_id)
            self._remembered[client_id] = (read_at, secrets)
        return secrets


def _matches(secrets: Sequence[str], message_id: str, timestamp: str, body: bytes, signature: str) -> bool:
    """Whether one signature was made with one of the secrets. A body that is no text cannot have been signed."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        return False
    try:
        text, at = body.decode(), datetime.fromtimestamp(int(timestamp), UTC)
    except UnicodeDecodeError:
        return False
    good = [Webhook(secret).sign(message_id, at, text) for secret in secrets]
    return any(hmac.compare_digest(one.encode(), another.encode()) for one in signature.split() for another in good)


def _unexpected() -> RequestRefused:
    return _refused(
        "SIGNATURE_UNEXPECTED",
        "Klien ini tidak punya rahasia webhook; mintalah ke Hubdat.",
        "This client has no webhook secret; ask Hubdat for one.",
    )


def _expired() -> RequestRefused:
    return _refused(
        "SIGNATURE_EXPIRED",
        "Waktu tanda tangan terpaut lebih dari lima menit.",
        "The signature's timestamp is more than five minutes off.",
    )


def _refused(code: str, indonesian: str, english: str) -> RequestRefused:
    return RequestRefused(401, code, indonesian, english, headers=_CHALLENGE)
