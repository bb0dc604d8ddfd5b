"""Where in the database a person still stands: in plain words, sealed (opened with the keys at hand), as a blind
index, or as the digest of the NIK's region and birth date. It looks into every column of every table that is there, so
a new one is looked into by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from app.registry.imports.jobs import NAMED_BYTES
from app.vault.vault import Unreadable, Vault
from tests.world import World

_TABLES = """
    SELECT relname FROM pg_class
    WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace
        AND relname <> 'alembic_version'
    ORDER BY relname
"""


async def remains(world: World, nik: str, words: Collection[str] = ()) -> set[str]:
    """`table.column`, wherever the NIK, one of `words`, or the blind index or the area of the NIK is found."""
    found = set()
    for [table] in await world.run(_TABLES):
        for row in await world.run(f'SELECT * FROM "{table}"'):
            for column, value in row._asdict().items():
                if any(_tells(part, nik, words, world.vault) for part in _parts(value)):
                    found.add(f"{table}.{column}")
    return found


def _parts(value: Any) -> Iterator[str | bytes]:
    if isinstance(value, dict):
        yield from _parts([*value.keys(), *value.values()])
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for one in value:
            yield from _parts(one)
    elif value is not None:
        yield bytes(value) if isinstance(value, bytes | memoryview) else str(value)


def _tells(value: str | bytes, nik: str, words: Collection[str], vault: Vault) -> bool:
    index, area = vault.blind_index(nik), vault.area(nik)
    if isinstance(value, str):
        return any(word in value for word in (nik, index.hex(), area.hex(), *words))
    return (
        index[:NAMED_BYTES] in value
        or area in value
        or any(word.encode() in _opened(value, vault) for word in (nik, *words))
    )


def _opened(value: bytes, vault: Vault) -> bytes:
    try:
        return vault.open_bytes(value)
    except Unreadable:
        return value
