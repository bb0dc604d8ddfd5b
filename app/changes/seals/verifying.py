"""Verifying a log: which row is the first that was changed, left out or put in since it was sealed.

The chain of entries and the rows are read side by side, 10,000 rows at a time. What is compared comes from the rows
themselves: the digest of each row is made anew. The last entry must be signed by one of the keys that the caller
trusts; each entry names the digest of the one before, so the others follow from the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import orjson

from app.changes.log.feed import START, Position
from app.changes.seals import entry
from app.changes.seals.entry import NotSealed, SealEntry
from app.changes.seals.logs import ROWS_OF_A_SEAL, SealedLog, SealedRow
from app.db import Session
from app.sql import statement


class Fault(StrEnum):
    CHANGED = "changed"
    LEFT_OUT = "left out"
    PUT_IN = "put in"
    SEAL_CHANGED = "seal changed"
    SEAL_MISSING = "seal missing"
    KEY_UNKNOWN = "key unknown"
    PURGE_DIFFERS = "purge differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealFinding:
    """The first thing that is wrong."""

    fault: Fault
    seal: int
    """The number of the entry where it shows."""
    row: Position | None = None
    month: int | None = None
    """The month of the row, or the first month of the purge: 202612 is December 2026."""


@dataclass(slots=True, kw_only=True)
class Verified:
    log: str
    seals: int = 0
    rows: int = 0
    """Sealed rows that are there as they were."""
    wiped: int = 0
    """How many of these rows have had something personal erased."""
    purged: int = 0
    """Sealed rows that a recorded purge dropped."""
    head: int = 0
    """The number of the last entry."""
    head_digest: str | None = None
    """By which a copy of it outside of the database proves that the end of the log is there."""
    sealed_at: datetime | None = None
    unsealed: int = 0
    """Rows behind the last seal: of them nothing is proven."""
    finding: SealFinding | None = None


class Expected(NamedTuple):
    """An entry that somebody noted down elsewhere."""

    number: int
    digest: str


class _KeptSeal(NamedTuple):
    number: int
    xact_id: int
    row_id: int
    listed: bytes | None
    signed: str


class _LogKeyRow(NamedTuple):
    kid: str
    key: str


@dataclass(slots=True, kw_only=True)
class _VerificationOfLog:
    """How far the verification of one log is."""

    log: SealedLog
    keys: Mapping[str, entry.Jwk]
    purges: Sequence[SealEntry]
    answer: Verified
    through: Position = START
    before: str | None = None
    signer: str | None = None
    """The key of the last entry."""
    missing: dict[int, int] = field(default_factory=dict)
    """Rows that were purged, by the number of the record."""


_NEXT = statement(
    """
    SELECT number, CAST(CAST(xact_id AS text) AS bigint) AS xact_id, row_id, listed, signed FROM log_seal
    WHERE log = :log AND number > :number ORDER BY number LIMIT 1
    """,
    _KeptSeal,
)
_PURGES = statement(
    """
    SELECT number, CAST(CAST(xact_id AS text) AS bigint) AS xact_id, row_id, listed, signed FROM log_seal
    WHERE log = :log AND listed IS NULL ORDER BY number
    """,
    _KeptSeal,
)
_KEYS = statement("SELECT kid, key FROM log_key", _LogKeyRow)


async def verify(
    session: Session,
    log: SealedLog,
    trusted: Sequence[entry.Jwk],
    *,
    start: int = 1,
    expected: Sequence[Expected] = (),
) -> Verified:
    """From the entry `start` on, in one snapshot: call this first in a transaction."""
    # In one snapshot: a purge that is committed meanwhile would look like a loss.
    await session.begin_snapshot()
    kept_keys = {one.kid: orjson.loads(one.key) for one in await session.rows(_KEYS)}
    keys = kept_keys | {str(one["kid"]): entry.public(one) for one in trusted}
    run = _VerificationOfLog(
        log=log, keys=keys, purges=await _purges(session, log, keys), answer=Verified(log=log.name)
    )
    answer = run.answer
    answer.finding = await _begin(session, run, start)
    wanted = {one.number: one.digest for one in expected}
    while answer.finding is None:
        kept = await session.first(_NEXT, log=log.name, number=answer.head)
        if kept is None:
            break
        answer.finding = await _entry(session, run, kept, wanted.pop(kept.number, None))
    if answer.finding is None:
        answer.finding = _ending(run, {str(one["kid"]) for one in trusted}, wanted, start)
        answer.unsealed = await session.one(log.behind, **run.through.values())
    return answer


async def _purges(session: Session, log: SealedLog, keys: Mapping[str, entry.Jwk]) -> list[SealEntry]:
    """The records of purges, wherever in the chain. A false one is found when the chain comes to it."""
    found = []
    for kept in await session.rows(_PURGES, log=log.name):
        try:
            found.append(entry.opened(kept.signed, keys[entry.key_id(kept.signed)]))
        except (NotSealed, KeyError):
            continue
    return [one for one in found if one.purged is not None]


async def _begin(session: Session, run: _VerificationOfLog, start: int) -> SealFinding | None:
    """Where the chain is taken up: behind the entry before `start`, which is believed."""
    run.answer.head = start - 1
    if start == 1:
        return None
    kept = await session.first(_NEXT, log=run.log.name, number=start - 2)
    if kept is None or kept.number != start - 1:
        return SealFinding(fault=Fault.SEAL_MISSING, seal=start - 1)
    run.through, run.before = Position(kept.xact_id, kept.row_id), entry.digest(kept.signed)
    return None


async def _entry(session: Session, run: _VerificationOfLog, kept: _KeptSeal, noted: str | None) -> SealFinding | None:
    number = run.answer.head + 1
    if kept.number != number:
        return SealFinding(fault=Fault.SEAL_MISSING, seal=number)
    said = _opened(run, kept)
    if not isinstance(said, SealEntry):
        return SealFinding(fault=said, seal=number)
    digest = entry.digest(kept.signed)
    if noted is not None and noted != digest:
        return SealFinding(fault=Fault.SEAL_CHANGED, seal=number)
    if said.purged is None:
        finding = await _rows(session, run, kept, said)
        if finding is not None:
            return finding
        run.through = said.through
    run.before, run.signer = digest, entry.key_id(kept.signed)
    run.answer.seals += 1
    run.answer.head, run.answer.head_digest, run.answer.sealed_at = number, digest, said.at
    return None


def _opened(run: _VerificationOfLog, kept: _KeptSeal) -> SealEntry | Fault:
    """What the entry says, if it was signed by its key and fits its place."""
    try:
        key = run.keys.get(entry.key_id(kept.signed))
        if key is None:
            return Fault.KEY_UNKNOWN
        said = entry.opened(kept.signed, key)
    except NotSealed:
        return Fault.SEAL_CHANGED
    fits = (said.log, said.number, said.before) == (run.log.name, kept.number, run.before)
    here = said.through == Position(kept.xact_id, kept.row_id) and said.through >= run.through
    return said if fits and here and (kept.listed is None) == (said.purged is not None) else Fault.SEAL_CHANGED


async def _rows(session: Session, run: _VerificationOfLog, kept: _KeptSeal, said: SealEntry) -> SealFinding | None:
    """Of one seal: the rows that it lists, beside those that are there."""
    changed = SealFinding(fault=Fault.SEAL_CHANGED, seal=said.number)
    try:
        listed, digest = entry.unpacked(kept.listed or b"", ROWS_OF_A_SEAL)
    except NotSealed:
        return changed
    positions = [run.through, *(one.position for one in listed)]
    if digest != said.listed or len(listed) != said.rows or positions != sorted(set(positions)):
        return changed
    if positions[-1] != said.through:
        return changed
    there = await session.rows(
        run.log.between, through_xact=str(said.through.xact_id), through_id=said.through.id, **run.through.values()
    )
    run.answer.wiped += sum(one.wiped for one in there)
    return _compared(run, said.number, listed, [one.row for one in there])


def _compared(
    run: _VerificationOfLog, seal: int, listed: Sequence[SealedRow], there: Sequence[SealedRow]
) -> SealFinding | None:
    """The first row in which the two differ. Both are in the order of the log."""
    place = 0
    for row in listed:
        found = there[place] if place < len(there) else None
        if found is not None and found.position < row.position:
            return SealFinding(fault=Fault.PUT_IN, seal=seal, row=found.position, month=found.month)
        if found is None or found.position != row.position:
            record = _purge_of(run, seal, row.month)
            if record is None:
                return SealFinding(fault=Fault.LEFT_OUT, seal=seal, row=row.position, month=row.month)
            run.missing[record.number] = run.missing.get(record.number, 0) + 1
            run.answer.purged += 1
            continue
        if found != row:
            return SealFinding(fault=Fault.CHANGED, seal=seal, row=row.position, month=row.month)
        run.answer.rows += 1
        place += 1
    if place < len(there):
        return SealFinding(fault=Fault.PUT_IN, seal=seal, row=there[place].position, month=there[place].month)
    return None


def _purge_of(run: _VerificationOfLog, seal: int, month: int) -> SealEntry | None:
    """The record behind `seal` of a purge of `month`. A clock that was set back may bring a month for a second time."""
    later = (one for one in run.purges if one.number > seal)
    return next((one for one in later if one.purged and one.purged.first <= month < one.purged.end), None)


def _ending(run: _VerificationOfLog, trusted: set[str], wanted: Mapping[int, str], start: int) -> SealFinding | None:
    """Checks after the last entry: every seal that somebody has noted down was found, and a trusted key has signed the
    last entry.
    """
    answer = run.answer
    if wanted:
        return SealFinding(fault=Fault.SEAL_MISSING, seal=min(wanted))
    if run.signer is not None and run.signer not in trusted:
        return SealFinding(fault=Fault.KEY_UNKNOWN, seal=answer.head)
    for one in run.purges if start == 1 else ():
        record = one.purged
        if record is not None and run.missing.get(one.number, 0) != record.rows:
            return SealFinding(fault=Fault.PURGE_DIFFERS, seal=one.number, month=record.first)
    return None
