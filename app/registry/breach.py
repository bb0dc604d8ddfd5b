"""Whom a client read between two instants: the list that a notice of a breach needs (UU 27/2022 art. 46).

Three things tell: the access log of NIKs, the reads of lists (`niks.reads`), and in the change log the people whom the
client itself registered or changed. Each look says exactly who was read, or it is bounded: nobody else was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson

from app.db import Session
from app.registry.change_log import IS_OF_A_REGISTRANT
from app.registry.niks.reads import MAY_BE_IN, STANDS, STRETCH
from app.registry.registrants import opening
from app.sql import statement
from app.vault.vault import Vault

CHANGED = "CHANGED"
"""What stands for the purpose where the client changed somebody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookOfClient:
    """One look of a client at one person or at many."""

    at: datetime
    what: str
    """The purpose of a look at one NIK, `CHANGED`, or which list was read."""
    asked: dict[str, object]
    """The filter of a list, and what the look was for."""
    count: int
    """How many were read."""
    exact: bool
    """Whether `people` are who was read. Else those who were read are among them, and nobody else was."""
    people: tuple[str | None, ...]
    """Their NIKs, masked. None: the registry does not know the NIK, or does not know it any more."""


class _LookRow(NamedTuple):
    at: datetime
    what: str
    nik_sealed: bytes | None


class _ReadRow(NamedTuple):
    id: int
    at: datetime
    what: str
    asked: str
    purpose: str | None
    people: int
    is_named: bool


_NIKS = statement(
    """
    SELECT a.at, a.purpose AS what, r.nik_sealed FROM nik_access a
    LEFT JOIN LATERAL (SELECT nik_sealed FROM registrant WHERE nik_index = a.nik_index LIMIT 1) r ON true
    WHERE a.client_id = :client_id AND a.at >= :since AND a.at < :until ORDER BY a.at, a.id
    """,
    _LookRow,
)
_CHANGED = statement(
    f"""
    SELECT c.at, '{CHANGED}' AS what, r.nik_sealed FROM change c JOIN registrant r ON r.id = c.registrant_id
    WHERE c.client_id = :client_id AND c.at >= :since AND c.at < :until AND c.{IS_OF_A_REGISTRANT} ORDER BY c.id
    """,
    _LookRow,
)
# A subscription that began before goes on into the time that is asked for.
_READS = statement(
    f"""
    SELECT id, at, what, CAST(asked AS text) AS asked, purpose, count AS people,
           people IS NOT NULL AND until IS NOT NULL AS is_named
    FROM people_read p
    WHERE client_id = :client_id AND at < :until AND at >= :earliest AND coalesce(until, 'infinity') >= :since
        AND {STANDS}
    ORDER BY at, id
    """,
    _ReadRow,
)
_NAMED = statement(
    """
    SELECT r.nik_sealed FROM people_read p CROSS JOIN LATERAL unnest(p.people) WITH ORDINALITY AS one (id, place)
    JOIN registrant r ON r.id = one.id WHERE p.id = :id ORDER BY one.place
    """,
    bytes,
)
_BOUNDED = statement(
    f"SELECT r.nik_sealed FROM people_read p JOIN registrant r ON {MAY_BE_IN} WHERE p.id = :id ORDER BY r.id", bytes
)


async def looks_of(
    session: Session, vault: Vault, client_id: str, since: datetime, until: datetime
) -> list[LookOfClient]:
    """What a client read from `since` until before `until`, in the order of time."""
    when = {"client_id": client_id, "since": since, "until": until}
    single = [*await session.rows(_NIKS, **when), *await session.rows(_CHANGED, **when)]
    lists = await session.rows(_READS, earliest=since - STRETCH, **when)
    looks = [*(_single(look, vault) for look in single), *[await _list(session, vault, read) for read in lists]]
    return sorted(looks, key=lambda look: look.at)


def _single(look: _LookRow, vault: Vault) -> LookOfClient:
    return LookOfClient(
        at=look.at, what=look.what, asked={}, count=1, exact=True, people=_masked([look.nik_sealed], vault)
    )


async def _list(session: Session, vault: Vault, read: _ReadRow) -> LookOfClient:
    if read.is_named:
        found = await session.rows(_NAMED, id=read.id)
    else:
        found = await session.rows(_BOUNDED, id=read.id)
    return LookOfClient(
        at=read.at,
        what=read.what,
        asked=orjson.loads(read.asked) | ({} if read.purpose is None else {"purpose": read.purpose}),
        count=read.people,
        exact=read.is_named or len(found) == read.people,
        people=_masked(found, vault),
    )


def _masked(sealed: list[bytes] | list[bytes | None], vault: Vault) -> tuple[str | None, ...]:
    return tuple(None if one is None else opening.masked_nik(one, vault) for one in sealed)
