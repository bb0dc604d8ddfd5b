"""Rotating keys while servers serve: NIKs and names are sealed anew under a new data key, tokens signed by a new one.

The blind index's key never rotates, since blocks outlive the NIKs it would have to be computed from again. Work that
was cut off is finished by the next run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from sqlalchemy import text

from app import keys
from app.db import Database
from app.keys import Keys, KeysUnusable
from app.vault import RELOAD_SECONDS, Vault

BATCH = 1_000
FIRST = UUID(int=0)
UNTIL_RELOADED = 2 * RELOAD_SECONDS
"""After this many seconds every running server has read a changed key file."""
UNTIL_RELEASED = 0.1
"""Seconds to wait before rows that somebody held are tried again."""

_ANOTHER_KEY = """
    nik_sealed IS NOT NULL AND (get_byte(nik_sealed, 0) <> :current OR get_byte(name_sealed, 0) <> :current)
"""
_LEFT = text(f"SELECT count(*) FROM registrant WHERE {_ANOTHER_KEY}")
# Rows that somebody holds are left for the next round: a rotation that never waits can't be part of a deadlock. NO KEY,
# so that a return which refers to the row may be inserted meanwhile.
_TAKE = text(
    f"""
    SELECT id, nik_sealed, name_sealed FROM registrant WHERE id > :after AND {_ANOTHER_KEY}
    ORDER BY id LIMIT {BATCH} FOR NO KEY UPDATE SKIP LOCKED
    """
)
_PUT = text(
    """
    UPDATE registrant r SET nik_sealed = fresh.nik_sealed, name_sealed = fresh.name_sealed
    FROM unnest(CAST(:ids AS uuid[]), CAST(:niks AS bytea[]), CAST(:names AS bytea[]))
         AS fresh (id, nik_sealed, name_sealed)
    WHERE r.id = fresh.id
    """
)
_IN_USE = text(
    """
    SELECT get_byte(nik_sealed, 0) FROM registrant WHERE nik_sealed IS NOT NULL
    UNION SELECT get_byte(name_sealed, 0) FROM registrant WHERE name_sealed IS NOT NULL
    -- Files that were sent are not sealed anew: they are wiped before long, and their keys are kept as long as they are.
    UNION SELECT get_byte(substr(sealed, 1, 1), 0) FROM import_file
    """
)


@dataclass(frozen=True, slots=True)
class Rotated:
    key_id: int
    """What everything is sealed under now."""
    rewritten: int
    """Registrants whose NIK and name were sealed anew."""
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
        total = done + left
        after: UUID | None = FIRST
        while after is not None:
            written, after = await reseal_batch(database, vault, after)
            done += written
            progress(done, max(done, total))
        if done < total:
            await asyncio.sleep(UNTIL_RELEASED)
    return done


async def reseal_batch(database: Database, vault: Vault, after: UUID) -> tuple[int, UUID | None]:
    """How many rows were written, and the last one's id, if there was one."""
    async with database.transaction() as session:
        rows = (await session.execute(_TAKE, {"after": after, "current": vault.current_key_id})).all()
        if not rows:
            return 0, None
        fresh = {
            "ids": [row.id for row in rows],
            "niks": [vault.seal(vault.open(row.nik_sealed)) for row in rows],
            "names": [vault.seal(vault.open(row.name_sealed)) for row in rows],
        }
        await session.execute(_PUT, fresh)
        return len(rows), rows[-1].id


async def count_left(database: Database, current: int) -> int:
    async with database.transaction() as session:
        return int((await session.execute(_LEFT, {"current": current})).scalar_one())


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
