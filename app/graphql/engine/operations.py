"""An operation, whatever it came by: found in its document, judged before anything runs, executed within its time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from graphql import ExecutionResult, GraphQLSchema, OperationType

from app import tracing
from app.auth.bearer import Principal
from app.config import Settings
from app.graphql import permissions
from app.graphql.context import Context
from app.graphql.engine import inputs, limits
from app.graphql.engine.documents import Document, Documents, Operation, Refused
from app.graphql.engine.plans import execute
from app.graphql.engine.requests import Asked, NotUnderstood


@dataclass(frozen=True, slots=True)
class Found:
    """What was asked for, as its document has it."""

    asked: Asked
    document: Document
    operation: Operation

    @property
    def is_subscription(self) -> bool:
        return self.operation.node.operation is OperationType.SUBSCRIPTION


class Operations:
    """Of one process."""

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self._schema = schema
        self._settings = settings
        self._documents = Documents(schema)

    def find(self, asked: Asked) -> Found:
        """Raises `Refused`, `RequestError`."""
        document = self._documents.get(asked.query)
        return Found(asked, document, document.operation(asked.operation_name))

    def judge(self, found: Found, principal: Principal) -> None:
        """Raises what is known before anything runs: `Unauthorized`, `RequestError`."""
        refusal = permissions.refusal(found.operation.required, principal.scopes)
        if refusal is not None:
            raise refusal
        variables = found.asked.variables
        error = limits.unfit(variables)
        if error is None and limits.too_costly(found.operation.measured):
            measured = limits.measure(self._schema, found.operation.node, found.document.fragments, variables)
            error = limits.too_costly(measured)
        if error is not None:
            raise error

    async def execute(self, found: Found, context: Context) -> ExecutionResult:
        """Of a query or a mutation. Raises `Refused`, and `NotUnderstood` when it takes too long."""
        asked, document = found.asked, found.document
        try:
            with tracing.span("operation", {"graphql.fields": found.operation.told}):
                async with asyncio.timeout(self._settings.request_timeout):
                    result = await execute(document.ast, document.plans, asked.variables, asked.operation_name, context)
        except TimeoutError:
            raise NotUnderstood(504, "TIMEOUT", "The operation took too long and was given up") from None
        if result is None:
            raise self.misfits(found)
        return result

    def misfits(self, found: Found) -> Refused:
        """The variables do not fit the operation."""
        definitions = found.operation.node.variable_definitions or ()
        return Refused(inputs.misfits(self._schema, definitions, found.asked.variables))
