"""Taking in rows: in one transaction, else one by one, so that a poisoned row fails alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

import structlog

from app import merging
from app.db import Database, Session
from app.errors import EverybodysError
from app.registry.caller import Caller
from app.registry.niks.telling import Naming
from app.registry.rows import dry_run, reception
from app.registry.rows.dry_run import DryRun, SeatsTaken
from app.registry.rows.reception import Push, Result, Verdict
from app.registry.rows.verdicts import BROKEN
from app.vault.vault import Vault

logger = structlog.get_logger(__name__)

Done = TypeVar("Done")
Turn = Callable[[], Awaitable[None]]
"""Waits until the rows before these ones have been taken in."""
Take = Callable[[], Awaitable[Sequence[Verdict]]]
"""Takes the rows in, inside the transaction that is open, and answers their verdicts."""


async def push_all(database: Database, vault: Vault, pushes: Sequence[Push], now: datetime) -> Sequence[Verdict]:
    """Raises `Unavailable` when the database is away."""
    return await push_with(database, vault, pushes, now, lambda _, take: take())


async def push_with(
    database: Database,
    vault: Vault,
    pushes: Sequence[Push],
    now: datetime,
    work: Callable[[Session, Take], Awaitable[Done]],
    in_turn: Turn | None = None,
) -> Done:
    """Do `work` in one transaction with the rows that it takes in: what it stores of them stands or falls with them.

    When a row breaks the transaction, the rows are taken in one by one. Then `work` runs again, and its `take` answers
    what became of them. Raises `EverybodysError` when the fault is in no row.
    """
    try:
        return await database.attempt(
            lambda session: work(session, lambda: reception.push(session, vault, pushes, now, in_turn=in_turn))
        )
    except Exception as error:
        if merging.is_everybodys(error):
            raise
        logger.exception("batch failed, its rows go one by one", rows=len(pushes))
    verdicts = await _push_each(database, vault, pushes, now, in_turn)
    return await database.attempt(lambda session: work(session, lambda: _known(verdicts)))


async def rehearse(
    database: Database, vault: Vault, caller: Caller, pushes: Sequence[Push], seats: SeatsTaken, now: datetime
) -> DryRun:
    """As `dry_run.push`, and a row that breaks the transaction fails alone, as it does in `push_with`."""

    named: list[Naming] = []

    async def judge(rows: Sequence[Push]) -> Sequence[Verdict]:
        nonlocal seats
        judged = await dry_run.push(database, vault, caller, rows, seats, now)
        seats = judged.seats
        named.extend(judged.named)
        return judged.verdicts

    verdicts = [_verdict(answer) for answer in await merging.answers(judge, pushes)]
    return DryRun(verdicts, seats, named)


async def _push_each(
    database: Database, vault: Vault, pushes: Sequence[Push], now: datetime, in_turn: Turn | None
) -> list[Verdict]:
    async def push(rows: Sequence[Push]) -> Sequence[Verdict]:
        return await database.attempt(lambda session: reception.push(session, vault, rows, now, in_turn=in_turn))

    return [_verdict(answer) for answer in await merging.one_by_one(push, pushes)]


def _verdict(answer: Verdict | Exception) -> Verdict:
    if isinstance(answer, EverybodysError):
        raise answer
    if isinstance(answer, Exception):
        logger.error("row failed", exc_info=answer)
        return Verdict(result=Result.REFUSED, refusal=BROKEN)
    return answer


async def _known(verdicts: Sequence[Verdict]) -> Sequence[Verdict]:
    return verdicts
