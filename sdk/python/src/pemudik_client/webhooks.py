"""Webhooks of the registry, verified as Standard Webhooks says."""

from __future__ import annotations

import hmac
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256

from pemudik_client.errors import BadSignature
from pemudik_client.types import Event

TOLERANCE_SECONDS = 300
"""How old a webhook may be, and how far ahead of our clock."""


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None) -> Event:
    """The event. `body` is what arrived, byte by byte: JSON that was read and written again has another signature.

    Raises `BadSignature`. While a secret is changed the registry signs with both, so either of them is good.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise BadSignature("webhook-id or webhook-timestamp are missing, or are none.")
    good = _signature(secret, message_id, timestamp, body)
    signatures = [one.encode() for one in given.get("webhook-signature", "").split()]
    # Each is compared, so that the time tells nothing of the place.
    if sum(hmac.compare_digest(good, one) for one in signatures) == 0:
        raise BadSignature("No signature in webhook-signature is of this secret and body.")
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        raise BadSignature("webhook-timestamp is more than five minutes off: a replay, or a clock that is wrong.")
    content = json.loads(body)
    return Event(message_id, content["type"], content["timestamp"], content["data"])


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> bytes:
    key = b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    return b"v1," + b64encode(hmac.digest(key, signed, sha256))
