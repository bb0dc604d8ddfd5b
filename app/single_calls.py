"""The single calls that are merged into batches, and the rule that answers each batch."""

from __future__ import annotations

from collections.abc import Sequence

from app import clock
from app.alarm import Watch
from app.db import Database
from app.errors import NikInvalid, Refusal, TooManyChecks
from app.merging import Merger
from app.registry.niks import check
from app.registry.niks.check import Answer, Check
from app.registry.registrants import submission
from app.registry.registrants.submission import Accepted, Submission
from app.registry.rows import reception
from app.registry.rows.reception import Push, Verdict
from app.vault.vault import Vault

LANES = 2
"""While one batch is in the database, the next batch is put together and the last one is answered."""


class Checks(Merger[Check, Answer | NikInvalid | TooManyChecks]):
    """NIK checks. The watch hears every answer."""

    NAME = "checks"
    LANES = LANES

    def __init__(self, database: Database, vault: Vault, watch: Watch) -> None:
        super().__init__()
        self._database, self._vault, self._watch = database, vault, watch

    async def answer_batch(self, items: Sequence[Check]) -> list[Answer | NikInvalid | TooManyChecks]:
        now = clock.now()
        async with self._database.statements() as session:
            answers = await check.check(session, self._vault, items, now)
        self._watch.answered(items, answers, now)
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
