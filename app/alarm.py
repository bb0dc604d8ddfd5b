"""Counts NIK checks as they are answered, and looks into the access log for organizers that walk through NIKs.

What looks like walking is judged in `registry.niks.enumeration`. An alarm about an organizer is one count, one line of
the log and one event for Hubdat, about once an hour. None of them holds a NIK.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import structlog

from app import clock, metrics
from app.db import Database, Session
from app.errors import NikInvalid, TooManyChecks, Unavailable
from app.registry.niks import enumeration
from app.registry.niks.check import Answer, Check
from app.registry.niks.enumeration import Sign

ASK_EVERY_SECONDS = 20.0
"""Whether it is time to look: one process of any number looks, once a minute."""
NIK_CHECK = "nik_check"
"""The label that the metric of verdicts has for these checks."""

logger = structlog.get_logger(__name__)


def count_checks(checks: Sequence[Check], answers: Sequence[Answer | NikInvalid | TooManyChecks]) -> None:
    counted = Counter((check.caller.organizer, *_kind(answer)) for check, answer in zip(checks, answers, strict=True))
    for (organizer, code, refused), times in counted.items():
        metrics.count_verdict(NIK_CHECK, organizer, code, refused=refused, times=times)


def _kind(answer: Answer | NikInvalid | TooManyChecks) -> tuple[str, bool]:
    """The code of an answer, and whether it is a refusal."""
    if isinstance(answer, Answer):
        return answer.outcome, False
    return ("TOO_MANY_CHECKS" if isinstance(answer, TooManyChecks) else answer.code), True


async def look(database: Database, now: datetime, *, cuts: bool) -> list[Sign]:
    """Raise the alarms that are due. `cuts`: an alarm ends the organizer's allowance of the day."""

    async def work(session: Session) -> list[Sign]:
        signs = await enumeration.signs(session, now)
        return await enumeration.raise_alarms(session, signs, now, cuts=cuts) if signs else []

    raised = await database.attempt(work)
    for one in raised:
        metrics.ENUMERATION_ALARMS.labels(one.organizer, one.sign).inc()
        logger.warning("enumeration.alarm", organizer=one.organizer, sign=one.sign, niks=one.niks)
    return raised


async def keep(database: Database, stop: asyncio.Event, *, cuts: bool) -> None:
    while not stop.is_set():
        try:
            await look(database, clock.now(), cuts=cuts)
        except Unavailable:
            logger.warning("enumeration.unavailable")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), ASK_EVERY_SECONDS)
