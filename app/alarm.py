"""Counts NIK checks as they are answered, and raises an alarm when a client seems to walk through NIKs.

What looks like walking is judged in `registry.niks.enumeration`. An alarm about a client is one count and one line of
the log, about once an hour. Neither holds a NIK.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import structlog

from app import clock, metrics
from app.db import Database
from app.errors import NikInvalid, TooManyChecks, Unavailable
from app.registry.niks import enumeration
from app.registry.niks.check import Answer, Check
from app.registry.niks.enumeration import AGAIN_AFTER, UNKNOWN, WALKING, Walks

LOOK_EVERY_SECONDS = 600.0
"""Into the access log."""
NIK_CHECK = "nik_check"
"""Of the metric of verdicts: what was judged."""

logger = structlog.get_logger(__name__)


class EnumerationWatch:
    """Watches the checks that one process answers."""

    def __init__(self) -> None:
        self._walks = Walks()
        self._raised: dict[tuple[str, str], datetime] = {}

    def answered(
        self, checks: Sequence[Check], answers: Sequence[Answer | NikInvalid | TooManyChecks], now: datetime
    ) -> None:
        for check, answer in zip(checks, answers, strict=True):
            organizer, client_id = check.caller.organizer, check.caller.client_id
            if not isinstance(answer, Answer):
                code = "TOO_MANY_CHECKS" if isinstance(answer, TooManyChecks) else answer.code
                metrics.VERDICTS.labels(NIK_CHECK, code, organizer).inc()
                continue
            metrics.VERDICTS.labels(NIK_CHECK, answer.outcome, organizer).inc()
            if client_id is not None and self._walks.look(client_id, answer.nik):
                self.alarm(client_id, organizer, WALKING, now)

    def alarm(self, client_id: str, organizer: str, kind: str, now: datetime) -> None:
        raised = self._raised.get((client_id, kind))
        if raised is not None and now - raised < AGAIN_AFTER:
            return
        self._raised[client_id, kind] = now
        metrics.ENUMERATION_ALARMS.labels(client_id, organizer, kind).inc()
        logger.warning("enumeration.alarm", client=client_id, organizer=organizer, kind=kind)

    async def look(self, database: Database, now: datetime) -> None:
        """Look into the access log for clients whose checks no registration followed."""
        async with database.transaction() as session:
            found = await enumeration.unfollowed(session, now)
        for one in found:
            self.alarm(one.client_id, one.organizer, UNKNOWN, now)

    async def keep(self, database: Database, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self.look(database, clock.now())
            except Unavailable:
                logger.warning("enumeration.unavailable")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY_SECONDS)
