"""What a process has one of: the database, the vault, what merges single calls, and what wakes the followers."""

from __future__ import annotations

from dataclasses import dataclass

from app.changes.tail import Tail
from app.changes.wake import Wake
from app.db import Database
from app.errors import NikInvalid, Refusal, TooManyChecks
from app.merging import Merger
from app.registry.check import Answer, Check
from app.registry.submission import Accepted, Submission
from app.vault import Vault


@dataclass(frozen=True, slots=True)
class Registry:
    database: Database
    vault: Vault
    wake: Wake
    tail: Tail
    checks: Merger[Check, Answer | NikInvalid | TooManyChecks]
    submissions: Merger[Submission, Accepted | Refusal]
