"""What a server process has: the database, the vault, the single calls that it merges, and what wakes the followers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from app import alarm, clock
from app.changes.log.tail import Tail
from app.changes.log.wake import Wake
from app.db import Database
from app.errors import NikInvalid, Refusal, TooManyChecks
from app.merging import Merger
from app.registry.imports.storage import MOST_KEPT_BYTES
from app.registry.niks import check
from app.registry.niks.check import Answer, Check
from app.registry.registrants import submission
from app.registry.registrants.submission import Accepted, Submission
from app.registry.rows import reception
from app.registry.rows.reception import Push, Verdict
from app.registry.statistics.shelf import Shelf
from app.server.turns import Turns
from app.vault.vault import Vault

LANES = 2
"""While one batch is in the database, the next batch is put together and the last one is answered."""


class Checks(Merger[Check, Answer | NikInvalid | TooManyChecks]):
    """NIK checks. Every answer is counted."""

    NAME = "checks"
    LANES = LANES

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__()
        self._database, self._vault = database, vault

    async def answer_batch(self, items: Sequence[Check]) -> list[Answer | NikInvalid | TooManyChecks]:
        async with self._database.statements() as session:
            answers = await check.check(session, self._vault, items, clock.now())
        alarm.count_checks(items, answers)
        return answers


class Submissions(Merger[Submission, Accepted | Refusal]):
    NAME = "submissions"
    LANES = LANES

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__()
        self._database, self._vault = database, vault

    async def answer_batch(self, items: Sequence[Submission]) -> list[Accepted | Refusal]:
        return await self._database.attempt(lambda session: submission.submit(session, self._vault, items, clock.now()))


class Pushes(Merger[Push, Verdict]):
    """Rows of the 12 columns that come one at a time."""

    NAME = "pushes"
    LANES = LANES

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__()
        self._database, self._vault = database, vault

    async def answer_batch(self, items: Sequence[Push]) -> list[Verdict]:
        return await self._database.attempt(lambda session: reception.push(session, self._vault, items, clock.now()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    database: Database
    vault: Vault
    wake: Wake
    tail: Tail
    checks: Checks
    submissions: Submissions
    pushes: Pushes
    shelf: Shelf
    turns: Turns = field(default_factory=Turns)
    """Whose turn it is among the clients, over all doors."""
    webhooks_to_private: bool = False
    """For tests only: webhooks may point anywhere."""
    import_storage: int = MOST_KEPT_BYTES
    """Bytes of import files that are kept of one organizer."""
    import_command: Sequence[str] = ()
    """What does an import of a test registry. Nothing: what does those of the live one."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process has been told to end."""


def build_process(
    database: Database, vault: Vault, *, webhooks_to_private: bool = False, import_storage: int = MOST_KEPT_BYTES
) -> Process:
    return Process(
        database=database,
        vault=vault,
        wake=Wake(database),
        tail=Tail(database),
        checks=Checks(database, vault),
        submissions=Submissions(database, vault),
        pushes=Pushes(database, vault),
        shelf=Shelf(database=database),
        webhooks_to_private=webhooks_to_private,
        import_storage=import_storage,
    )
