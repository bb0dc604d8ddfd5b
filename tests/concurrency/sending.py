"""A process that announces and sends, and nothing else; its leases are short. What it needs comes by standard input."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

import orjson

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


async def main(url: str, index: str, data: str) -> None:
    retries.SCHEDULE = (timedelta(0),) * 50  # type: ignore[assignment]
    database = Database(url, pool_size=3)
    vault = Vault(Keys(index=bytes.fromhex(index), data={1: bytes.fromhex(data)}, signing=()))
    wake, stop = Wake(database), asyncio.Event()
    poster = Poster(Resolver(), connections=20, private=True, within=0.8)
    sender = Sender(database, vault, poster.post, lease=LEASE)
    sys.stdout.write("sends\n")
    sys.stdout.flush()
    await asyncio.gather(wake.run(stop), projection.keep(database, announcing.PROJECTION, stop), sender.run(stop))


if __name__ == "__main__":
    asyncio.run(main(**orjson.loads(sys.stdin.readline())))
