"""What a process has one of: the database, the vault, what merges single calls, and what wakes the followers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from app.alarm import EnumerationWatch
from app.changes.log.tail import Tail
from app.changes.log.wake import Wake
from app.db import Database
from app.errors import NikInvalid, Refusal, TooManyChecks
from app.merging import Merger
from app.registry.niks.check import Answer, Check
from app.registry.registrants.submission import Accepted, Submission
from app.registry.rows.reception import Push, Verdict
from app.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Registry:
    database: Database
    vault: Vault
    wake: Wake
    tail: Tail
    checks: Merger[Check, Answer | NikInvalid | TooManyChecks]
    submissions: Merger[Submission, Accepted | Refusal]
    pushes: Merger[Push, Verdict]
    watch: EnumerationWatch = field(default_factory=EnumerationWatch)
    """Of the checks as they are answered."""
    webhooks_to_private: bool = False
    """For tests only: webhooks may point anywhere."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process has been told to end."""
