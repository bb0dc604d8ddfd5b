"""Taking in a batch of rows: in one transaction, else one by one, so that a poisoned row fails alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog

from app.db import Database
from app.errors import Unavailable
from app.merging import is_everybodys
from app.registry.rows import reception
from app.registry.rows.reception import Push, Result, Verdict
from app.registry.rows.verdicts import BROKEN
from app.vault.vault import Vault

logger = structlog.get_logger(__name__)


async def push_all(database: Database, vault: Vault, pushes: Sequence[Push], now: datetime) -> list[Verdict]:
    """Raises `Unavailable` when the database is away."""
    try:
        return await database.attempt(lambda session: reception.push(session, vault, pushes, now))
    except Exception as error:
        if is_everybodys(error):
            raise
        logger.exception("batch failed, its records go one by one", records=len(pushes))
    return await push_each(database, vault, pushes, now)


async def push_each(database: Database, vault: Vault, pushes: Sequence[Push], now: datetime) -> list[Verdict]:
    """Each in a transaction of its own."""
    return [await _alone(database, vault, one, now) for one in pushes]


async def _alone(database: Database, vault: Vault, one: Push, now: datetime) -> Verdict:
    try:
        [verdict] = await database.attempt(lambda session: reception.push(session, vault, [one], now))
    except Exception as error:
        if isinstance(error, Unavailable):
            raise
        logger.exception("record failed")
        return Verdict(result=Result.REFUSED, refusal=BROKEN)
    return verdict
