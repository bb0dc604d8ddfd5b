"""What a test registry makes of a NIK, by the table."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from app import clock
from app.errors import NikInvalid, NotATestNik, QuotaFull, Refusal, RegistrationClosed
from app.registry.values.trial import Trial
from app.testmode import niks

MARK_BYTES = 6
OPENS_AFTER = timedelta(days=1)
"""The NIK `closed` finds registration closed, and is told that the next window opens after this time."""


class TestTrial(Trial):
    __test__ = False

    def __init__(self, database: str) -> None:
        # Another mark for each database, so that a cursor from before `resetTest` is refused, too.
        self.cursor_mark = sha256(database.encode()).digest()[:MARK_BYTES]

    def refuse(self, nik: str) -> NikInvalid | None:
        return None if niks.is_one(nik) else NotATestNik()

    def refuse_to_register(self, nik: str) -> Refusal | None:
        if niks.is_full(nik):
            return QuotaFull("routeId")
        if niks.is_closed(nik):
            return RegistrationClosed("registeredAt", opens_at=clock.now() + OPENS_AFTER)
        return None
