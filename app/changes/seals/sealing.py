"""Sealing: what is settled in a log is sealed within a minute, 10,000 rows at a time, each seal over the one before.

A row is settled as for the feed: its own transaction and every older one have ended, so nothing new can come before it.
One process of any number seals a log at a time. What was left when a process died is sealed by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from app.changes.log.feed import START, XACT_ID, Position
from app.changes.seals import entry, logs
from app.changes.seals.entry import Purged, SealEntry
from app.changes.seals.logs import ROWS_OF_A_SEAL, SealedLog
from app.db import Session
from app.registry.log_months import Month
from app.sql import statement
from app.vault.vault import Vault

SEAL_EVERY = timedelta(minutes=1)
"""What is written in a minute is one seal. Enough rows for a seal are sealed sooner."""


class SealHead(NamedTuple):
    """The last entry of a log's chain."""

    number: int
    at: datetime
    xact_id: int
    row_id: int
    signed: str

    @property
    def through(self) -> Position:
        return Position(self.xact_id, self.row_id)


_ONE_SEALS = statement("SELECT pg_try_advisory_xact_lock(7045443, hashtext(:log))", bool)
_HEAD = statement(
    """
    SELECT number, at, CAST(CAST(xact_id AS text) AS bigint) AS xact_id, row_id, signed FROM log_seal
    WHERE log = :log ORDER BY number DESC LIMIT 1
    """,
    SealHead,
)
PUT = statement(
    f"""
    INSERT INTO log_seal (log, number, at, xact_id, row_id, listed, signed)
    VALUES (:log, :number, :now, {XACT_ID}, :change_id, :listed, :signed)
    """
)
_KEEP_KEY = statement("INSERT INTO log_key (kid, key, since) VALUES (:kid, :key, :now) ON CONFLICT DO NOTHING")
_DROP = statement("SELECT log_drop_month(:log, :month, CAST(CAST(:xact AS text) AS xid8), :row)", int)


async def seal(session: Session, vault: Vault, log: SealedLog, now: datetime) -> SealHead | None:
    """Seal up to `ROWS_OF_A_SEAL` rows. None: there is nothing to seal yet, or another process seals."""
    if not await session.one(_ONE_SEALS, log=log.name):
        return None
    last = await head(session, log)
    key = vault.signing[0]
    rows = await session.rows(log.next, **(last.through if last else START).values())
    if not _is_due(last, len(rows), key, now):
        return None
    listed = await _listed(session, log, rows, last)
    kept, digest = entry.packed([one.row for one in listed])
    through = listed[-1].row.position if listed else (last.through if last else START)
    return await _put(session, log, last, key, now, kept, through=through, rows=len(listed), listed=digest)


async def drop(session: Session, vault: Vault, log: SealedLog, month: Month, now: datetime) -> SealHead | None:
    """Drop a month whose rows are all sealed, and leave the record of it. None: not yet."""
    if not await session.one(_ONE_SEALS, log=log.name):
        return None
    last = await head(session, log)
    through = last.through if last else START
    rows = await session.one(_DROP, log=log.table, month=month.name, xact=str(through.xact_id), row=through.id)
    if rows < 0:
        return None
    purged = Purged(first=month.first, end=month.end, rows=rows)
    return await _put(session, log, last, vault.signing[0], now, None, through=through, purged=purged)


async def head(session: Session, log: SealedLog) -> SealHead | None:
    return await session.first(_HEAD, log=log.name)


def _is_due(last: SealHead | None, rows: int, key: Mapping[str, Any], now: datetime) -> bool:
    """A new key signs at once, also when there is nothing new: by then the key before may go.

    A last seal of a time to come means that the clock was set back: nobody waits until the clock is there again.
    """
    if last is not None and entry.key_id(last.signed) != key["kid"]:
        return True
    return rows == ROWS_OF_A_SEAL or (rows > 0 and (last is None or abs(now - last.at) >= SEAL_EVERY))


async def _listed(
    session: Session, log: SealedLog, rows: Sequence[logs.Found], last: SealHead | None
) -> Sequence[logs.Found]:
    """`rows`, each with a salt. Those that were written before there were salts get theirs now."""
    bare = [logs.At(str(one.xact_id), one.id) for one in rows if one.unsalted]
    if not bare:
        return rows
    await session.run(log.salt, **logs.AT.of(bare))
    return await session.rows(log.next, **(last.through if last else START).values())


async def _put(
    session: Session,
    log: SealedLog,
    last: SealHead | None,
    key: Mapping[str, Any],
    now: datetime,
    kept: bytes | None,
    **said: Any,
) -> SealHead:
    made = SealEntry(
        log=log.name,
        number=last.number + 1 if last else 1,
        at=now,
        before=entry.digest(last.signed) if last else None,
        **said,
    )
    signed = made.signed(key)
    values = made.through.values()
    await session.run(PUT, log=log.name, number=made.number, now=now, listed=kept, signed=signed, **values)
    await session.run(_KEEP_KEY, kid=key["kid"], key=orjson.dumps(entry.public(key)).decode(), now=now)
    return SealHead(made.number, now, made.through.xact_id, made.through.id, signed)
