"""Rotating keys while servers serve: what is sealed is sealed anew under a new data key, a new one signs access tokens.

The blind index's key never rotates, since blocks outlive the NIKs it would have to be computed from again. Work that
was cut off is finished by the next run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from sqlalchemy import TextClause, text

from app.db import Database
from app.vault import keys
from app.vault.keys import Keys, KeysUnusable
from app.vault.vault import RELOAD_SECONDS, Vault

BATCH = 1_000
FIRST = UUID(int=0)
UNTIL_RELOADED = 2 * RELOAD_SECONDS
"""After this many seconds every running server has read a changed key file."""
UNTIL_RELEASED = 0.1
"""Seconds to wait before rows that somebody held are tried again."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A table with an `id`, and its columns that are sealed or null."""

    table: str
    columns: tuple[str, ...]

    @property
    def under_another_key(self) -> str:
        return "(" + " OR ".join(f"get_byte({column}, 0) <> :current" for column in self.columns) + ")"

    def count(self) -> TextClause:
        return text(f"SELECT count(*) FROM {self.table} WHERE {self.under_another_key}")

    def take(self) -> TextClause:
        """Rows that somebody holds are left for the next round: a rotation that never waits is in no deadlock."""
        # NO KEY, so that a row which refers to one of these may be inserted meanwhile.
        return text(
            f"""
            SELECT id, {", ".join(self.columns)} FROM {self.table} WHERE id > :after AND {self.under_another_key}
            ORDER BY id LIMIT {BATCH} FOR NO KEY UPDATE SKIP LOCKED
            """
        )

    def put(self) -> TextClause:
        return text(
            f"""
            UPDATE {self.table} t SET {", ".join(f"{column} = fresh.{column}" for column in self.columns)}
            FROM unnest(CAST(:ids AS uuid[]), {", ".join(f"CAST(:{column} AS bytea[])" for column in self.columns)})
                 AS fresh (id, {", ".join(self.columns)})
            WHERE t.id = fresh.id
            """
        )


SEALED = (
    Sealed("registrant", ("nik_sealed", "name_sealed")),
    Sealed("webhook", ("secret_sealed", "old_secret_sealed")),
    Sealed("client_webhook_secret", ("secret_sealed",)),
)
# Files that were sent are not sealed anew: they are wiped before long, and their keys are kept as long as they are.
_IN_USE = text(
    "SELECT get_byte(substr(sealed, 1, 1), 0) FROM import_file"
    + "".join(
        f" UNION SELECT get_byte({column}, 0) FROM {one.table} WHERE {column} IS NOT NULL"
        for one in SEALED
        for column in one.columns
    )
)


@dataclass(frozen=True, slots=True)
class Rotated:
    key_id: int
    """What everything is sealed under now."""
    rewritten: int
    """Registrants, and secrets of webhooks, that were sealed anew."""
    added: bool
    """False: the work of a rotation that was cut off, or the environment's first key, as no key can be added there."""
    dropped: tuple[int, ...]
    """Ids of keys that nothing is sealed under any more and that were taken out of the key file."""


async def rotate(database: Database, vault: Vault, progress: Callable[[int, int], None]) -> Rotated:
    """Add a data key (in a key file) and seal everything under it. `progress` gets rows done and rows in all.

    Raises `KeysUnusable` while another rotation runs, and `Unreadable` for a value that no key opens.
    """
    if vault.source is None:
        return Rotated(vault.current_key_id, await reseal(database, vault, progress), added=False, dropped=())
    with keys.locked(vault.source, wait=False):
        added = add_data_key(vault.source)
        vault.reload()
        # A server that has not read the file yet would go on sealing under the old key behind our back.
        await asyncio.sleep(UNTIL_RELOADED)
        rewritten = await reseal(database, vault, progress)
        dropped = drop_old_keys(vault.source, await in_use(database))
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
        await asyncio.sleep(UNTIL_RELOADED)
        keys.write_key_file(vault.source, replace(held, signing=(fresh, held.signing[0])))
        vault.reload()
    return str(fresh["kid"])


async def reseal(database: Database, vault: Vault, progress: Callable[[int, int], None]) -> int:
    """Round after round, until nothing is sealed under another key than the current one. Returns the rows written."""
    done = 0
    while left := await count_left(database, vault.current_key_id):
        total = done + sum(left.values())
        for sealed in left:
            after: UUID | None = FIRST
            while after is not None:
                written, after = await reseal_batch(database, vault, sealed, after)
                done += written
                progress(done, max(done, total))
        if done < total:
            await asyncio.sleep(UNTIL_RELEASED)
    return done


async def reseal_batch(database: Database, vault: Vault, sealed: Sealed, after: UUID) -> tuple[int, UUID | None]:
    """How many rows were written, and the last one's id, if there was one."""
    async with database.transaction() as session:
        rows = (await session.execute(sealed.take(), {"after": after, "current": vault.current_key_id})).all()
        if not rows:
            return 0, None
        fresh = {column: [anew(vault, getattr(row, column)) for row in rows] for column in sealed.columns}
        await session.execute(sealed.put(), {"ids": [row.id for row in rows], **fresh})
        return len(rows), rows[-1].id


def anew(vault: Vault, value: bytes | None) -> bytes | None:
    return None if value is None else vault.reseal(value)


async def count_left(database: Database, current: int) -> dict[Sealed, int]:
    """Of each table that has some."""
    async with database.transaction() as session:
        counts = {one: (await session.execute(one.count(), {"current": current})).scalar_one() for one in SEALED}
        return {one: count for one, count in counts.items() if count}


async def in_use(database: Database) -> frozenset[int]:
    async with database.transaction() as session:
        return frozenset((await session.execute(_IN_USE)).scalars())


def add_data_key(path: Path) -> bool:
    """False if a rotation was cut off: its key is there already."""
    held = keys.read_key_file(path)
    if held.rotating:
        return False
    keys.write_key_file(path, replace(held, data={free_id(held): keys.new_key(), **held.data}, rotating=True))
    return True


def free_id(held: Keys) -> int:
    """The next one up, so that an id is not used again before all were used."""
    upwards: list[int] = [*range(max(held.data) + 1, 256), *range(1, 256)]
    return min(set(upwards) - held.data.keys(), key=upwards.index)


def drop_old_keys(path: Path, used: frozenset[int]) -> tuple[int, ...]:
    """The previous key stays: a transaction that sealed under it may still be on its way."""
    held = keys.read_key_file(path)
    old = tuple(key_id for key_id in list(held.data)[2:] if key_id not in used)
    kept = {key_id: key for key_id, key in held.data.items() if key_id not in old}
    keys.write_key_file(path, replace(held, data=kept, rotating=False))
    return old
