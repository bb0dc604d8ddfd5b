"""One operation, whichever protocol brought it: found in its document, judged before it runs, executed in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from graphql import ExecutionResult, GraphQLSchema, OperationType

from app import tracing
from app.config import Settings
from app.graphql import permissions
from app.graphql.engine import inputs, limits
from app.graphql.engine.calls import Resolved
from app.graphql.engine.documents import Document, Documents, Operation, OperationRefused, cost_of_reading
from app.graphql.engine.limits import Measure
from app.graphql.engine.requests import NotUnderstood, OperationRequest
from app.graphql.internals import PlanningExecutor, executed, executor
from app.server.turns import SMALL_COST, Turns

Done = TypeVar("Done")
Told = dict[str, dict[str, int]]
"""The `extensions` of an answer."""
MOST_FIELDS_MEASURED_AT_ONCE = 100
"""With the variables of a request. It takes half a millisecond; 1,000 fields take 5."""


class Reading(Protocol):
    """The context of a request, as far as the engine knows it."""

    async def write_down(self, what: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOperation:
    """A request, its document, and the operation of the document that the request asks for."""

    document: Document
    operation: Operation
    operation_name: str | None
    variables: dict[str, Any]
    """Those that the operation declares. Nobody looks at others, however many they are."""
    measured: Measure
    """What the operation measures with these variables."""

    @property
    def is_subscription(self) -> bool:
        return self.operation.node.operation is OperationType.SUBSCRIPTION

    @property
    def is_mutation(self) -> bool:
        return self.operation.node.operation is OperationType.MUTATION


class Operations:
    """A process has one: it keeps the documents that were read."""

    def __init__(self, schema: GraphQLSchema, settings: Settings, turns: Turns) -> None:
        self._schema = schema
        self._settings = settings
        self._documents = Documents(schema, open_schema=settings.open_schema)
        self._turns = turns

    def known(self, request: OperationRequest) -> FoundOperation | None:
        """None: it has to be `found`, which takes long. Raises `OperationRefused`, `RequestError`."""
        document = self._documents.kept(request.query)
        if document is None:
            return None
        operation = document.operation(request.operation_name)
        if operation.measured.fields > MOST_FIELDS_MEASURED_AT_ONCE and _depends_on_variables(operation):
            return None
        return self._of(document, operation, request)

    async def found(self, request: OperationRequest, client: str) -> FoundOperation:
        """Read in the turn of the client: one document at a time in the process, in short steps.

        Raises `OperationRefused`, `RequestError`, `TooManyOperations`.
        """
        async with self._turns.steps(client, cost_of_reading(request.query)) as others:
            document = self._documents.kept(request.query)
            if document is None:
                reading = self._documents.reading(request.query)
                for _ in reading:
                    await others()
                document = reading.document
                await others()
            return self._of(document, document.operation(request.operation_name), request)

    def find(self, request: OperationRequest) -> FoundOperation:
        """At once, however long it takes. Raises `OperationRefused`, `RequestError`."""
        document = self._documents.get(request.query)
        return self._of(document, document.operation(request.operation_name), request)

    def _of(self, document: Document, operation: Operation, request: OperationRequest) -> FoundOperation:
        variables = {name: request.variables[name] for name in operation.variables.names if name in request.variables}
        measured = self._measured(document, operation, variables)
        return FoundOperation(
            document=document,
            operation=operation,
            operation_name=request.operation_name,
            variables=variables,
            measured=measured,
        )

    def judge(self, found: FoundOperation, scopes: frozenset[str]) -> None:
        """Refuse what can be refused before anything runs. Raises `Unauthorized`, `RequestError`."""
        refusal = permissions.refusal(found.operation.required, scopes)
        if refusal is not None:
            raise refusal
        error = limits.unfit(*found.variables.values()) or limits.too_costly(found.measured)
        if error is not None:
            raise error

    def _measured(self, document: Document, operation: Operation, variables: Mapping[str, Any]) -> Measure:
        if not _depends_on_variables(operation):
            return operation.measured
        return limits.measure(self._schema, operation.node, document.fragments, variables)

    def cost_told(self, found: FoundOperation, client: str, data: Mapping[str, Any] | None) -> Told:
        """The extensions of an answer: what its operation was booked for, what it cost, and what the client has left.

        A booking is the most that may come: a list as long as it may be. `remaining` is the client's share of this
        process, as it is at this moment.
        """
        requested = found.measured.cost
        actual = 0 if data is None else min(requested, found.operation.spent(data))
        return {"cost": {"requested": requested, "actual": actual, "remaining": self._turns.remaining(client)}}

    async def in_turn(
        self, found: FoundOperation, client: str, work: Callable[[], Awaitable[Done]], more: int = 0
    ) -> Done:
        """What `work` gives, done in the turn of the client's operation, and within its time.

        `more` is what it costs beside its answer. Raises `NotUnderstood` when it takes too long, `TooManyOperations`
        when too many wait before it.
        """
        try:
            with tracing.span("operation", {"graphql.fields": found.operation.root_field_names}):
                async with (
                    asyncio.timeout(self._settings.request_timeout),
                    self._turns.turn(client, found.measured.cost + more),
                ):
                    return await work()
        except TimeoutError:
            raise NotUnderstood(
                504, "TIMEOUT", "Operasi terlalu lama dan dihentikan", "The operation took too long and was given up"
            ) from None

    async def execute(self, found: FoundOperation, context: Reading) -> ExecutionResult:
        """Execute a query or a mutation, `in_turn`; resolvers find `context` in their info.

        Who was read is written down before anybody gets the result. Raises `OperationRefused`, `Unavailable`.
        """
        result = await self._result(found, context)
        await context.write_down(found.operation.root_field_names)
        return result

    async def _result(self, found: FoundOperation, context: object) -> ExecutionResult:
        call = found.operation.call
        arguments = None if call is None else call.arguments(found.variables)
        if call is None or arguments is None:
            return await executed(self.executor(found, context))
        answered = await call.answered(context, arguments)
        if isinstance(answered, Resolved):
            return await executed(self.executor(found, context, answered))
        return ExecutionResult(answered, None)

    def executor(self, found: FoundOperation, context: object, resolved: Resolved | None = None) -> PlanningExecutor:
        """Raises `OperationRefused`: the variables do not fit the operation."""
        values = found.operation.variables.values(found.variables)
        if values is None:
            raise self.misfits(found)
        document = found.document
        node = found.operation.node
        return executor(self._schema, document.fragments, node, document.plans, values, context, resolved)

    def misfits(self, found: FoundOperation) -> OperationRefused:
        """The refusal of an operation whose variables do not fit it."""
        definitions = found.operation.node.variable_definitions or ()
        return OperationRefused(inputs.misfits(self._schema, definitions, found.variables))


def _depends_on_variables(operation: Operation) -> bool:
    """Whether it may cost less than is known without them."""
    return bool(operation.variables.names) and operation.measured.cost > SMALL_COST
