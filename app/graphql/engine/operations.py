"""One operation, whichever protocol brought it: found in its document, judged before it runs, executed in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import ExecutionResult, GraphQLSchema, OperationType

from app import tracing
from app.config import Settings
from app.graphql import permissions
from app.graphql.engine import inputs, limits
from app.graphql.engine.documents import Document, Documents, Operation, OperationRefused
from app.graphql.engine.plans import execute
from app.graphql.engine.requests import NotUnderstood, OperationRequest
from app.graphql.engine.turns import SMALL_COST, Turns


class Reading(Protocol):
    """The context of a request, as far as the engine knows it."""

    async def write_down(self, what: str) -> None: ...


@dataclass(frozen=True, slots=True)
class FoundOperation:
    """A request, its document, and the operation of the document that the request asks for."""

    document: Document
    operation: Operation
    operation_name: str | None
    variables: dict[str, Any]
    """Those that the operation declares. Nobody looks at others, however many they are."""

    @property
    def is_subscription(self) -> bool:
        return self.operation.node.operation is OperationType.SUBSCRIPTION

    @property
    def is_mutation(self) -> bool:
        return self.operation.node.operation is OperationType.MUTATION


class Operations:
    """A process has one: it keeps the documents that were read."""

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self._schema = schema
        self._settings = settings
        self._documents = Documents(schema)
        self._turns = Turns()

    def find(self, request: OperationRequest) -> FoundOperation:
        """Raises `OperationRefused`, `RequestError`."""
        document = self._documents.get(request.query)
        operation = document.operation(request.operation_name)
        variables = {name: request.variables[name] for name in operation.variables if name in request.variables}
        return FoundOperation(document, operation, request.operation_name, variables)

    def judge(self, found: FoundOperation, scopes: frozenset[str]) -> None:
        """Refuse what can be refused before anything runs. Raises `Unauthorized`, `RequestError`."""
        refusal = permissions.refusal(found.operation.required, scopes)
        if refusal is not None:
            raise refusal
        variables = found.variables
        error = limits.unfit(*variables.values())
        if error is None and limits.too_costly(found.operation.measured):
            measured = limits.measure(self._schema, found.operation.node, found.document.fragments, variables)
            error = limits.too_costly(measured)
        if error is not None:
            raise error

    def cost(self, found: FoundOperation) -> int:
        """What the operation costs with its variables, in units."""
        measured = found.operation.measured
        if measured.cost > SMALL_COST and found.operation.variables:
            measured = limits.measure(self._schema, found.operation.node, found.document.fragments, found.variables)
        return measured.cost

    @asynccontextmanager
    async def turn(self, found: FoundOperation, client: str) -> AsyncIterator[None]:
        """Whatever is done inside is done in the turn of the client's operation, and within its time.

        Raises `NotUnderstood` when that takes too long, or when too many operations wait before this one.
        """
        try:
            with tracing.span("operation", {"graphql.fields": found.operation.root_field_names}):
                async with (
                    asyncio.timeout(self._settings.request_timeout),
                    self._turns.turn(client, self.cost(found)),
                ):
                    yield
        except TimeoutError:
            raise NotUnderstood(
                504, "TIMEOUT", "Operasi terlalu lama dan dihentikan", "The operation took too long and was given up"
            ) from None

    async def execute(self, found: FoundOperation, context: Reading) -> ExecutionResult:
        """Execute a query or a mutation in its `turn`; resolvers find `context` in their info.

        Who was read is written down before anybody gets the result. Raises `OperationRefused`, `Unavailable`.
        """
        document = found.document
        result = await execute(document.ast, document.plans, found.variables, found.operation_name, context)
        if result is None:
            raise self.misfits(found)
        await context.write_down(found.operation.root_field_names)
        return result

    def misfits(self, found: FoundOperation) -> OperationRefused:
        """The refusal of an operation whose variables do not fit it."""
        definitions = found.operation.node.variable_definitions or ()
        return OperationRefused(inputs.misfits(self._schema, definitions, found.variables))
