"""What a server process has of each thing: the database, the vault, what merges single calls, what wakes the followers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from app.alarm import Watch
from app.changes.log.tail import Tail
from app.changes.log.wake import Wake
from app.db import Database
from app.single_calls import Checks, Pushes, Submissions
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    database: Database
    vault: Vault
    wake: Wake
    tail: Tail
    checks: Checks
    submissions: Submissions
    pushes: Pushes
    watch: Watch
    """Of the checks as they are answered."""
    webhooks_to_private: bool = False
    """For tests only: webhooks may point anywhere."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process has been told to end."""


def build(database: Database, vault: Vault, *, webhooks_to_private: bool = False) -> Process:
    watch, wake = Watch(), Wake(database)
    database.on_change = wake.tell
    return Process(
        database=database,
        vault=vault,
        wake=wake,
        tail=Tail(database, wake),
        checks=Checks(database, vault, watch),
        submissions=Submissions(database, vault),
        pushes=Pushes(database, vault),
        watch=watch,
        webhooks_to_private=webhooks_to_private,
    )
