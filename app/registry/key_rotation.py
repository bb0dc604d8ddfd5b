"""Rotating keys while servers serve: every sealed value is sealed anew under a new data key, or a new key signs tokens.

The key of the blind index never rotates: blocks outlive the NIKs from which their index would have to be computed
again. Work that was cut off is finished by the next run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from app.db import Database
from app.sql import Arrays, Statement, statement
from app.vault import keys
from app.vault.keys import Keys, KeysUnusable
from app.vault.vault import RELOAD_SECONDS, Vault

ROWS_SEALED_TOGETHER = 1_000
"""One transaction seals so many rows anew."""
BEFORE_ALL = UUID(int=0)
"""Smaller than every id: the place where a round over a table begins."""
RELOADED_AFTER_SECONDS = 2 * RELOAD_SECONDS
"""After this time every running server has read a changed key file."""
TRY_AGAIN_SECONDS = 0.1
"""How long rows that somebody else held are left alone before they are tried again."""


class _SealedRegistrant(NamedTuple):
    id: UUID
    nik_sealed: bytes | None
    name_sealed: bytes | None
    booked_by_nik_sealed: bytes | None
    booked_by_name_sealed: bytes | None


class _SealedClaimantName(NamedTuple):
    id: UUID
    name_sealed: bytes | None


class _SealedWebhook(NamedTuple):
    id: UUID
    secret_sealed: bytes | None
    old_secret_sealed: bytes | None


class _SealedClient(NamedTuple):
    id: UUID
    secret_sealed: bytes | None


class SealedTable(NamedTuple):
    """A table with sealed columns, and what a rotation asks of the table."""

    name: str
    columns: tuple[str, ...]
    """The sealed ones."""
    count_left: Statement[int]
    """How many rows are sealed under another key than the current one."""
    take: Statement[Any]
    """Some of these rows, locked."""
    put: Statement[None]
    """Values that were sealed anew."""
    fresh: Arrays[Any]
    """The rows that `put` writes."""


def _sealed(name: str, row: type[Any]) -> SealedTable:
    """The table `name`, whose sealed columns are the fields of `row` beside `id`."""
    columns, fresh = tuple(column for column in row._fields if column != "id"), Arrays("fresh", row)
    under_another_key = " OR ".join(f"get_byte({column}, 0) <> :current" for column in columns)
    # Rows that somebody holds are left for the next round: a rotation that never waits is in no deadlock.
    # NO KEY, so that a row which refers to one of these may be inserted meanwhile.
    take = f"""
        SELECT id, {", ".join(columns)} FROM {name} WHERE id > :after AND ({under_another_key})
        ORDER BY id LIMIT {ROWS_SEALED_TOGETHER} FOR NO KEY UPDATE SKIP LOCKED
    """
    put = f"""
        UPDATE {name} t SET {", ".join(f"{column} = fresh.{column}" for column in columns)}
        FROM {fresh} WHERE t.id = fresh.id
    """
    return SealedTable(
        name=name,
        columns=columns,
        count_left=statement(f"SELECT count(*) FROM {name} WHERE {under_another_key}", int),
        take=statement(take, row),
        put=statement(put),
        fresh=fresh,
    )


SEALED_TABLES = (
    _sealed("registrant", _SealedRegistrant),
    _sealed("case_claim", _SealedClaimantName),
    _sealed("webhook", _SealedWebhook),
    _sealed("client_webhook_secret", _SealedClient),
)
# Files that were sent, and answers to requests with a key, are not sealed anew: they are wiped before long, and their
# keys are kept as long as they are.
_KEYS_IN_USE = statement(
    "SELECT get_byte(substr(sealed, 1, 1), 0) FROM import_file"
    " UNION SELECT get_byte(substr(differences, 1, 1), 0) FROM import_chunk WHERE differences IS NOT NULL"
    " UNION SELECT get_byte(substr(answer_sealed, 1, 1), 0) FROM keyed_request WHERE answer_sealed IS NOT NULL"
    + "".join(
        f" UNION SELECT get_byte({column}, 0) FROM {table.name} WHERE {column} IS NOT NULL"
        for table in SEALED_TABLES
        for column in table.columns
    ),
    int,
)


@dataclass(frozen=True, slots=True)
class Rotated:
    key_id: int
    """Everything is sealed under this data key now."""
    rewritten: int
    """Registrants, and secrets of webhooks, that were sealed anew."""
    added: bool
    """Whether a data key was added. False: the key of a rotation that was cut off was there already, or the keys are in
    the environment, where no key can be added.
    """
    dropped: tuple[int, ...]
    """Ids of keys that sealed nothing any more. They were taken out of the key file."""


async def rotate(database: Database, vault: Vault, progress: Callable[[int, int], None]) -> Rotated:
    """Add a data key (in a key file) and seal everything under it. `progress` gets rows done and rows in all.

    Raises `KeysUnusable` while another rotation runs, and `Unreadable` for a value that no key opens.
    """
    if vault.source is None:
        rewritten = await reseal(database, vault, progress)
        return Rotated(vault.current_key_id, rewritten, added=False, dropped=())
    with keys.locked(vault.source, wait=False):
        added = add_data_key(vault.source)
        vault.reload()
        # A server that has not read the file yet would go on sealing under the old key behind our back.
        await asyncio.sleep(RELOADED_AFTER_SECONDS)
        rewritten = await reseal(database, vault, progress)
        dropped = drop_old_keys(vault.source, await keys_in_use(database))
        vault.reload()
    return Rotated(vault.current_key_id, rewritten, added, dropped)


async def rotate_signing(vault: Vault) -> str:
    """Sign access tokens with a new key, whose `kid` is returned; the previous key's tokens stay good."""
    if vault.source is None:
        raise KeysUnusable(f"The keys are in the environment: put a new one first in {keys.VARIABLES['signing_keys']}.")
    with keys.locked(vault.source, wait=False):
        held, fresh = keys.read_key_file(vault.source), keys.new_signing_key()
        keys.write_key_file(vault.source, replace(held, signing=(*held.signing, fresh)))
        # Every server must know the key before one of them signs with it.
        await asyncio.sleep(RELOADED_AFTER_SECONDS)
        keys.write_key_file(vault.source, replace(held, signing=(fresh, held.signing[0])))
        vault.reload()
    return str(fresh["kid"])


async def reseal(database: Database, vault: Vault, progress: Callable[[int, int], None]) -> int:
    """Round after round, until nothing is sealed under another key than the current one. Answers the rows written."""
    done = 0
    while left := await count_left(database, vault.current_key_id):
        total = done + sum(left.values())
        for table in left:
            after: UUID | None = BEFORE_ALL
            while after is not None:
                written, after = await reseal_some(database, vault, table, after)
                done += written
                progress(done, max(done, total))
        if done < total:
            await asyncio.sleep(TRY_AGAIN_SECONDS)
    return done


async def reseal_some(database: Database, vault: Vault, table: SealedTable, after: UUID) -> tuple[int, UUID | None]:
    """How many rows behind `after` were written, and the id of the last row. None: there was no row."""
    async with database.transaction() as session:
        rows = await session.rows(table.take, after=after, current=vault.current_key_id)
        if not rows:
            return 0, None
        fresh = [row._replace(**{name: anew(vault, getattr(row, name)) for name in table.columns}) for row in rows]
        await session.run(table.put, **table.fresh.of(fresh))
        return len(rows), rows[-1].id


def anew(vault: Vault, value: bytes | None) -> bytes | None:
    return None if value is None else vault.reseal(value)


async def count_left(database: Database, current: int) -> dict[SealedTable, int]:
    """Rows that are sealed under another key than `current`, of each table that has some."""
    async with database.transaction() as session:
        counts = {table: await session.one(table.count_left, current=current) for table in SEALED_TABLES}
        return {table: count for table, count in counts.items() if count}


async def keys_in_use(database: Database) -> frozenset[int]:
    """Ids of the data keys under which some value is sealed."""
    async with database.transaction() as session:
        return frozenset(await session.rows(_KEYS_IN_USE))


def add_data_key(path: Path) -> bool:
    """False if a rotation was cut off: its key is there already."""
    held = keys.read_key_file(path)
    if held.rotating:
        return False
    keys.write_key_file(path, replace(held, data={free_id(held): keys.new_key(), **held.data}, rotating=True))
    return True


def free_id(held: Keys) -> int:
    """The next number up, so that no id is used again before all ids were used."""
    upwards: list[int] = [*range(max(held.data) + 1, 256), *range(1, 256)]
    return min(set(upwards) - held.data.keys(), key=upwards.index)


def drop_old_keys(path: Path, used: frozenset[int]) -> tuple[int, ...]:
    """The previous key stays: a transaction that sealed under it may still be on its way."""
    held = keys.read_key_file(path)
    old = tuple(key_id for key_id in list(held.data)[2:] if key_id not in used)
    kept = {key_id: key for key_id, key in held.data.items() if key_id not in old}
    keys.write_key_file(path, replace(held, data=kept, rotating=False))
    return old
