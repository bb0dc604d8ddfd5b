"""What the registry does for its logs by itself: months are made ahead, rows are sealed, purged months are dropped.

The months of deliveries are made and dropped here, too, without seals.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

import structlog

from app import clock
from app.changes.seals import entry, sealing
from app.changes.seals.logs import CHANGES, LOGS, SealedLog
from app.changes.seals.sealing import SealHead
from app.clock import end_of_wib_day
from app.db import Database, Session
from app.errors import Unavailable
from app.registry import log_months, retention
from app.registry.log_months import Month
from app.registry.webhooks import ended
from app.sql import statement
from app.vault.vault import Vault

ROUND_EVERY_SECONDS = 10.0
CHANGES_ARE_KEPT = timedelta(days=5 * 365)
"""Up to the end of a season whose retention is over: what is older goes. The access log goes up to that end itself."""

# To make or to drop a month waits for whoever reads or writes the log, and everybody behind waits, too: give up soon.
_GIVE_UP_SOON = statement("SET LOCAL lock_timeout = '1s'")

logger = structlog.get_logger(__name__)


async def run(database: Database, vault: Vault, stop: asyncio.Event) -> None:
    """A round every `ROUND_EVERY_SECONDS` until `stop`. What could not be done is tried again in the next one."""
    while not stop.is_set():
        try:
            await round_(database, vault, clock.now())
        except Unavailable:
            logger.warning("seals.unavailable")
        try:
            await asyncio.wait_for(stop.wait(), ROUND_EVERY_SECONDS)
        except TimeoutError:
            continue


async def round_(database: Database, vault: Vault, now: datetime) -> None:
    """All that is due, in short transactions."""
    # Seals come first: for months somebody may be in the way, and then the rest of this round is left out.
    for log in LOGS:
        await _seal(database, vault, log, now)
    for log in LOGS:
        await _drop_months(database, vault, log, now)
        await database.attempt(partial(_make_months, log=log, now=now))
    await database.attempt(partial(_turn_deliveries, now=now))


async def _seal(database: Database, vault: Vault, log: SealedLog, now: datetime) -> None:
    async def some(session: Session) -> SealHead | None:
        return await sealing.seal(session, vault, log, now)

    while sealed := await database.attempt(some):
        _tell("log.sealed", log, sealed)


async def _drop_months(database: Database, vault: Vault, log: SealedLog, now: datetime) -> None:
    for month in await database.attempt(lambda session: _to_drop(session, log, now)):
        dropped = await database.attempt(partial(_drop, vault=vault, log=log, month=month, now=now))
        if dropped is not None:
            _tell("log.month_dropped", log, dropped)


async def _make_months(session: Session, log: SealedLog, now: datetime) -> None:
    await session.run(_GIVE_UP_SOON)
    made = await log_months.make(session, log.table, now)
    if made:
        logger.info("log.months_made", log=log.name, months=made)


async def _turn_deliveries(session: Session, now: datetime) -> None:
    await session.run(_GIVE_UP_SOON)
    for month in await ended.turn_months(session, now):
        logger.info("deliveries.month_dropped", month=month)


async def _to_drop(session: Session, log: SealedLog, now: datetime) -> list[Month]:
    """A season that is over is not waited for until it is purged: what is dropped need not be wiped row by row."""
    ended = await retention.last_over(session, now)
    if ended is None:
        return []
    until = end_of_wib_day(ended)
    return await log_months.whole_before(session, log.table, until - CHANGES_ARE_KEPT if log is CHANGES else until)


async def _drop(session: Session, vault: Vault, log: SealedLog, month: Month, now: datetime) -> SealHead | None:
    await session.run(_GIVE_UP_SOON)
    return await sealing.drop(session, vault, log, month, now)


def _tell(what: str, log: SealedLog, head: SealHead) -> None:
    """The log of the server is another witness of the chain, in another place than the database."""
    logger.info(what, log=log.name, seal=f"{head.number}:{entry.digest(head.signed)}")
