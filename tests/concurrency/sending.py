"""A process that announces and sends, and nothing else; its leases are short."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from multiprocessing.connection import Connection

from app.changes.log import projection
from app.changes.log.wake import Wake
from app.changes.webhooks import announcing, retries
from app.changes.webhooks.addresses import Resolver
from app.changes.webhooks.posting import Poster
from app.changes.webhooks.sender import Sender
from app.db import Database
from app.vault.keys import Keys
from app.vault.vault import Vault

LEASE = timedelta(seconds=1)


def send(url: str, keys: Keys, told: Connection) -> None:
    """Says when it begins."""
    asyncio.run(_send(url, keys, told))


async def _send(url: str, keys: Keys, told: Connection) -> None:
    retries.SCHEDULE = (timedelta(0),) * 50  # type: ignore[assignment]
    database = Database(url, pool_size=3)
    vault = Vault(keys)
    wake, stop = Wake(database), asyncio.Event()
    poster = Poster(Resolver(), connections=20, private=True, within=0.8)
    sender = Sender(database, vault, poster.post, lease=LEASE)
    told.send("sends")
    await asyncio.gather(wake.run(stop), projection.keep(database, announcing.PROJECTION, stop), sender.run(stop))
