"""Logs that are sealed, and hands that reach into their tables past every trigger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from app.changes.log.feed import SETTLED, START
from app.changes.seals import duty, sealing, verifying
from app.changes.seals.logs import LOGS, SealedLog
from app.changes.seals.sealing import SealHead
from app.changes.seals.verifying import Expected, Verified
from app.models.enums import ChangeKind, Purpose
from app.registry import change_log
from app.registry.change_log import Entry
from app.registry.niks import access_log, reads
from app.registry.niks.reads import Read
from app.vault.keys import Keys, new_signing_key
from app.vault.vault import Vault
from tests import queries
from tests.patience import patience
from tests.world import DJKA, NOW, World

MINUTE = timedelta(minutes=1)
SOMEBODY = UUID(int=1)


async def told(world: World, *reasons: str | None, at: datetime = NOW) -> None:
    """A change for each reason, as many NIKs that are looked at, and as many reads, in one commit."""
    entries = [Entry(kind=ChangeKind.QUOTA_FILLED, season=2026, organizer="hubdat", reason=one) for one in reasons]
    looks = [
        access_log.look(DJKA, world.vault.blind_index(f"{place:016}"), Purpose.CHECK, area=b"area")
        for place in range(len(reasons))
    ]
    async with world.database.transaction() as session:
        await change_log.append(session, entries, at)
        await access_log.record(session, looks, at)
        for one in reasons:
            told = Read(caller=DJKA, what="registrant", people={SOMEBODY: "djka"}, purpose=one)
            await reads.record(session, told, at)


async def settled(world: World) -> None:
    """What runs in other databases of this cluster holds the logs back as well."""
    async with patience():
        for log in LOGS:
            while await world.one(f"SELECT count(*) FROM {log.table} c WHERE NOT ({SETTLED})"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def sealed(world: World, now: datetime = NOW) -> list[SealHead]:
    """Everything that is written is settled, and sealed at `now`. Answers the last entry of each log."""
    await settled(world)
    await duty.round_(world.database, world.vault, now)
    assert await behind(world) == 0
    return [one for log in LOGS if (one := await head(world, log))]


async def behind(world: World) -> int:
    """How many rows are in no seal."""
    rows = 0
    for log in LOGS:
        last = await head(world, log)
        async with world.database.transaction() as session:
            rows += await session.one(log.behind, **(last.through if last else START).values())
    return rows


async def head(world: World, log: SealedLog) -> SealHead | None:
    async with world.database.transaction() as session:
        return await sealing.head(session, log)


async def verified(
    world: World, log: SealedLog, *, vault: Vault | None = None, start: int = 1, expected: Sequence[Expected] = ()
) -> Verified:
    async with world.database.transaction() as session:
        trusted = (vault or world.vault).signing
        return await verifying.verify(session, log, trusted, start=start, expected=expected)


async def tampered(world: World, *statements: str) -> None:
    """By somebody who may do everything in the database, and has no signing key."""
    async with world.database.transaction() as session:
        await queries.run(session, "SET LOCAL session_replication_role = replica")
        for statement in statements:
            await queries.run(session, statement)


def rekeyed(vault: Vault, *, keeps: bool = True) -> Vault:
    """With a new key that signs; the one before is kept, or not."""
    signing = (new_signing_key(), *(vault.signing[:1] if keeps else ()))
    held = vault.keys
    return Vault(replace(Keys(held.index, held.data, held.signing), signing=signing))
