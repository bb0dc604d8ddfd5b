"""A mutation with an `Idempotency-Key` is done once: one transaction holds all its work, and the answer for repeats.

So a crash leaves nothing half done, and a mutation whose answer was lost may be sent again. Nothing is kept of a
mutation that failed: its repeat is judged anew. `app.registry.clients.idempotency` keeps the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
from graphql import ExecutionResult, GraphQLError

from app import clock
from app.auth.bearer import Principal
from app.auth.edge import RequestRefused
from app.db import Session
from app.errors import Language, RefusalError, Unavailable
from app.graphql.context import Context
from app.graphql.engine import items
from app.graphql.engine.operations import FoundOperation, Operations
from app.graphql.engine.requests import OperationRequest
from app.graphql.failures import RequestError, cause, shown
from app.intake import repeats
from app.intake.files.uploads import Upload
from app.process import Process
from app.registry.clients import idempotency
from app.registry.clients.idempotency import KeyedRequest

COST_OF_AN_ITEM = 15
"""What a mutation costs for each item of a list, in units of CPU: a new registrant takes 60 to 100 microseconds to be
judged, sealed and written, beside what the answer takes.
"""
Content = Mapping[str, Any]
"""An answer of GraphQL: `data`, and `errors` if there are any."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation that has been judged, and who asks for it in which language."""

    found: FoundOperation
    principal: Principal
    language: Language
    keyed: KeyedRequest | None = None
    """The request under its `Idempotency-Key`. None: it has none, or is no mutation."""

    @property
    def client(self) -> str:
        return self.principal.caller.client_id or ""

    @property
    def more(self) -> int:
        """What the operation costs beside its answer: each root field may seal and store the file, or write the items
        of a list. The turn is booked for it. The bound on what an operation may cost is about the answer alone.
        """
        values = self.found.variables.values()
        files = sum(value.cost for value in values if isinstance(value, Upload))
        if not self.found.is_mutation:
            return 0
        operation = self.found.operation
        written = operation.items + operation.root_fields * items.in_values(values)
        return operation.root_fields * files + COST_OF_AN_ITEM * written


class _FailedRequest(Exception):  # noqa: N818 - an outcome
    """Nothing was done, and nothing is kept; `content` is answered."""

    def __init__(self, content: Content) -> None:
        super().__init__("failed")
        self.content = content


def keyed(
    process: Process, client_id: str, headers: Mapping[bytes, bytes], found: FoundOperation, request: OperationRequest
) -> KeyedRequest | None:
    """The mutation under its key. None: no key, or nothing that could be done twice. Raises `RequestRefused`."""
    given = headers.get(repeats.HEADER.encode())
    if given is None or not found.is_mutation:
        return None
    if found.operation.root_fields != 1:
        raise RequestRefused(
            400,
            "IDEMPOTENCY_KEY_INVALID",
            "Permintaan dengan Idempotency-Key memuat tepat satu mutasi.",
            "A request with an Idempotency-Key holds exactly one mutation.",
        )
    return repeats.keyed(process.vault, client_id, given.decode("latin-1"), digested(found, request.query))


def digested(found: FoundOperation, query: str) -> bytes:
    """Equal for requests that ask for the same, however they are written: each form has a boundary of its own."""
    parts = [query, found.operation_name, found.variables]
    return orjson.dumps(parts, default=_digest_of, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)


def _digest_of(value: object) -> str:
    assert isinstance(value, Upload)  # noqa: S101 - whatever else stands in variables came as JSON
    return value.digest(value.extension.encode()).hex()


class Repeats:
    """A process has one."""

    def __init__(self, process: Process, operations: Operations) -> None:
        self._process = process
        self._operations = operations

    async def content(self, asked: Asked, request: KeyedRequest) -> Content:
        """The answer of now, or the answer of then. Raises `RequestRefused`, `Unavailable`, `OperationRefused`."""
        content = await self._operations.in_turn(
            asked.found, asked.client, lambda: self._content(asked, request), asked.more
        )
        cost = self._operations.cost_told(asked.found, asked.client, content["data"])
        return {**content, "extensions": cost}

    async def _content(self, asked: Asked, request: KeyedRequest) -> Content:
        try:
            return await self._process.database.attempt(lambda session: self._done(session, asked, request))
        except repeats.NOT_REPEATED as reason:
            raise repeats.refused(reason) from None
        except _FailedRequest as failed:
            return failed.content
        except asyncpg.PostgresError as error:
            return _failed([GraphQLError("", original_error=error)], asked.language).content

    async def _done(self, session: Session, asked: Asked, request: KeyedRequest) -> Content:
        now, vault = clock.now(), self._process.vault
        kept = await idempotency.take(session, vault, request, now)
        if kept is not None:
            answer: Content = orjson.loads(kept)
            return answer
        context = Context(self._process, asked.principal, asked.language, now, session)
        try:
            content = _content_of(await self._operations.execute(asked.found, context), asked.language)
        finally:
            await context.end()
        await idempotency.keep(session, vault, request, orjson.dumps(content).decode(), now)
        return content


def _content_of(result: ExecutionResult, language: Language) -> Content:
    """Raises `_FailedRequest`, or what has the whole transaction attempted again."""
    if not result.errors:
        return {"data": result.data}
    for error in result.errors:
        raised = cause(error)
        if isinstance(raised, (Unavailable, asyncpg.PostgresError)):
            raise raised
    if not all(map(_leaves_the_mutation_done, result.errors)):
        raise _failed(result.errors, language)
    return {"data": result.data, "errors": shown(result.errors, language)}


def _failed(errors: Sequence[GraphQLError], language: Language) -> _FailedRequest:
    return _FailedRequest({"data": None, "errors": shown(errors, language)})


def _leaves_the_mutation_done(error: GraphQLError) -> bool:
    """A refusal of a field below the root does. A failure that nobody foresaw may have left half of the mutation."""
    below_the_root = error.path is not None and len(error.path) > 1
    return below_the_root and isinstance(cause(error), (RefusalError, RequestError))
