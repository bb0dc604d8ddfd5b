"""The headers of Standard Webhooks: an id that all attempts share, the time of this one, a signature by each secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from standardwebhooks import Webhook


def headers(id: UUID, secrets: Sequence[str], body: bytes, now: datetime) -> dict[str, str]:  # noqa: A002
    """`now` must be in UTC: the package reads an instant of any other zone as if it were UTC."""
    text = body.decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Pemudik",
        "webhook-id": str(id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(str(id), now, text) for secret in secrets),
    }
