"""Pemudik for organizers. `Pemudik` waits, `AsyncPemudik` does not; the rest serves both."""

from pemudik_client.async_client import AsyncPemudik
from pemudik_client.client import Pemudik
from pemudik_client.cursors import Cursor, FileCursor
from pemudik_client.errors import (
    BadSignature,
    BookingRefused,
    CursorLost,
    PemudikError,
    Refused,
    RegistryFailed,
    TryLater,
    Unauthorized,
    Unreachable,
)
from pemudik_client.outbox import Outbox, RefusedItem, Sent
from pemudik_client.types import Event, SubmitBooking, SubmitRegistrant, Verdict
from pemudik_client.webhooks import verify_webhook

__all__ = [
    "AsyncPemudik",
    "BadSignature",
    "BookingRefused",
    "Cursor",
    "CursorLost",
    "Event",
    "FileCursor",
    "Outbox",
    "Pemudik",
    "PemudikError",
    "Refused",
    "RefusedItem",
    "RegistryFailed",
    "Sent",
    "SubmitBooking",
    "SubmitRegistrant",
    "TryLater",
    "Unauthorized",
    "Unreachable",
    "Verdict",
    "verify_webhook",
]
