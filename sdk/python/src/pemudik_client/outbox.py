"""An outbox in SQLite: a registration is written down before it is sent, so the registry may be away meanwhile.

Each is sent under the key that it got when it was written, so that it is done once, whatever is killed when. They are
sent in order: nobody passes the one that waits. Only one process sends at a time.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from pemudik_client.async_client import AsyncPemudik
from pemudik_client.calls import accepted, pause_seconds
from pemudik_client.client import Pemudik
from pemudik_client.documents import MUTATIONS
from pemudik_client.errors import PemudikError, Refused, RegistryFailed, TryLater

MOST_FAILURES = 10
"""So often the registry may fail at one item. Then the item is put aside, since it may be what fails."""
LONGEST_PAUSE_SECONDS = 300.0
PUT = tuple(operation for operation in MUTATIONS if operation != "submitRegistrants")
"""What can be put. Of a list some may be refused and others not; an item is either accepted or refused."""

_TABLE = """
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    operation TEXT NOT NULL,
    document TEXT NOT NULL,
    variables TEXT,
    state TEXT NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'ACCEPTED', 'REFUSED')),
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    postponed_at REAL NOT NULL DEFAULT 0,
    answer TEXT,
    put_at REAL NOT NULL,
    ended_at REAL
);
CREATE INDEX IF NOT EXISTS outbox_state ON outbox (state, id);
"""
_PUT = "INSERT INTO outbox (key, operation, document, variables, put_at) VALUES (?, ?, ?, ?, ?)"
_NEXT = (
    "SELECT id, key, operation, document, variables, attempts, not_before, postponed_at FROM outbox"
    " WHERE state = 'WAITING' ORDER BY id LIMIT 1"
)
_POSTPONE = "UPDATE outbox SET attempts = attempts + 1, postponed_at = ?, not_before = ? WHERE id = ?"
# Once it is accepted, nothing here knows the person any more.
_ACCEPT = "UPDATE outbox SET state = 'ACCEPTED', variables = NULL, answer = ?, ended_at = ? WHERE id = ?"
_REFUSE = "UPDATE outbox SET state = 'REFUSED', answer = ?, ended_at = ? WHERE id = ?"
_REFUSED = "SELECT id, operation, variables, answer FROM outbox WHERE state = 'REFUSED' ORDER BY id"
# A key remembers a refusal for 24 hours: who asks anew asks under another one.
_AGAIN = (
    "UPDATE outbox SET state = 'WAITING', key = ?, variables = coalesce(?, variables), answer = NULL, ended_at = NULL,"
    " attempts = 0, not_before = 0 WHERE id = ? AND state = 'REFUSED'"
)
_FORGET = "DELETE FROM outbox WHERE id = ? AND state = 'REFUSED'"


class _Item(NamedTuple):
    id: int
    key: str
    operation: str
    document: str
    variables: str
    attempts: int
    not_before: float
    postponed_at: float

    def is_due(self, now: float) -> bool:
        """Before the instant at which it was postponed a clock was set back: nobody waits for that clock."""
        return not self.postponed_at <= now < self.not_before


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an item: either `answer` or `problem` is there."""

    id: int
    operation: str
    answer: Any | None = field(repr=False)
    problem: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """An item that was refused, as it was sent, and why."""

    id: int
    operation: str
    variables: Mapping[str, Any] = field(repr=False)
    problem: Mapping[str, Any]


class Outbox:
    """The file holds NIKs until they are accepted: it is made for its owner alone (0600). Keep it off shared disks."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._path.touch(mode=0o600, exist_ok=True)
        with self._database() as database:
            database.executescript(_TABLE)

    def put(self, operation: str, **variables: Any) -> int:
        """Writes down what is to be sent, such as `put("submitRegistrant", input={…})`. When it returns, it is safe."""
        if operation not in PUT:
            raise ValueError(f"{operation} cannot be put into an outbox: put one of {', '.join(PUT)}.")
        row = (str(uuid4()), operation, MUTATIONS[operation], json.dumps(variables), time.time())
        with self._database() as database:
            return int(database.execute(_PUT, row).lastrowid or 0)

    def send(self, client: Pemudik) -> Iterator[Sent]:
        """Sends what is due, in order, and tells what became of each. Ends when nothing is, or another process sends.

        Raises `Unauthorized`; then nothing is lost, and nothing was counted.
        """
        with self._alone() as alone:
            while alone and (item := self._due()) is not None:
                try:
                    data = client.execute(item.document, json.loads(item.variables), key=item.key)
                    sent: Sent | None = self._accept(item, data)
                except PemudikError as error:
                    sent = self._end(item, error)
                if sent is None:
                    return
                yield sent

    async def send_async(self, client: AsyncPemudik) -> AsyncIterator[Sent]:
        """As `send`."""
        with self._alone() as alone:
            while alone and (item := self._due()) is not None:
                try:
                    data = await client.execute(item.document, json.loads(item.variables), key=item.key)
                    sent: Sent | None = self._accept(item, data)
                except PemudikError as error:
                    sent = self._end(item, error)
                if sent is None:
                    return
                yield sent

    def waiting(self) -> int:
        with self._database() as database:
            return int(database.execute("SELECT count(*) FROM outbox WHERE state = 'WAITING'").fetchone()[0])

    def refused(self) -> list[RefusedItem]:
        """What was refused, until `again` or `forget` says what becomes of it."""
        with self._database() as database:
            rows = database.execute(_REFUSED).fetchall()
        return [RefusedItem(id_, name, json.loads(given), json.loads(why)) for id_, name, given, why in rows]

    def again(self, id: int, **variables: Any) -> None:
        """Sends a refused item once more, put right if `variables` are given. It is judged anew."""
        with self._database() as database:
            database.execute(_AGAIN, (str(uuid4()), json.dumps(variables) if variables else None, id))

    def forget(self, id: int) -> None:
        """Deletes a refused item, with what it knows of a person."""
        with self._database() as database:
            database.execute(_FORGET, (id,))

    def _due(self) -> _Item | None:
        with self._database() as database:
            row = database.execute(_NEXT).fetchone()
        item = None if row is None else _Item(*row)
        return item if item is not None and item.is_due(time.time()) else None

    def _accept(self, item: _Item, data: Mapping[str, Any]) -> Sent:
        answer = accepted(data[item.operation])
        with self._database() as database:
            database.execute(_ACCEPT, (json.dumps(answer), time.time(), item.id))
        return Sent(item.id, item.operation, answer, None)

    def _end(self, item: _Item, error: PemudikError) -> Sent | None:
        """Refused for good, or None: to be tried later. Raises what sending again cannot mend."""
        failing = isinstance(error, RegistryFailed) and item.attempts + 1 < MOST_FAILURES
        if isinstance(error, TryLater) or failing:
            self._postpone(item, error.retry_after if isinstance(error, TryLater) else None)
            return None
        if not isinstance(error, (Refused, RegistryFailed)):
            raise error
        return self._refuse(item, error)

    def _postpone(self, item: _Item, retry_after: float | None) -> None:
        longer = min(pause_seconds(item.attempts, None) * 2 ** min(item.attempts, 8), LONGEST_PAUSE_SECONDS)
        seconds = longer if retry_after is None else retry_after
        now = time.time()
        with self._database() as database:
            database.execute(_POSTPONE, (now, now + seconds, item.id))

    def _refuse(self, item: _Item, error: PemudikError) -> Sent:
        problem: dict[str, Any] = {"code": error.code, "message": error.message}
        if isinstance(error, Refused):
            problem |= {"field": error.field, "standing": error.standing, "retryAfter": error.retry_after}
        with self._database() as database:
            database.execute(_REFUSE, (json.dumps(problem), time.time(), item.id))
        return Sent(item.id, item.operation, None, problem)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """Each change is a transaction that is on the disk when this is left."""
        with closing(sqlite3.connect(self._path, timeout=30)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA secure_delete = ON")
            with database:
                yield database

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other process sends. The system takes the lock back from one that is killed."""
        beside = self._path.with_name(self._path.name + ".sending")
        with closing(sqlite3.connect(beside, timeout=0, isolation_level=None)) as lock:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                yield False
            else:
                yield True
