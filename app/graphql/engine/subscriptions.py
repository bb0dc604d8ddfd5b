"""One subscription: the events of its resolver, each written as the payload of a `next`, which is JSON.

An event whose selection is plain is written once for all who get that event and asked for it in the same document:
what a plan makes of a value depends on nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any
from weakref import ref

import orjson
from graphql import ExecutionResult, FieldNode, GraphQLError, GraphQLSchema

from app.graphql import internals
from app.graphql.context import Context
from app.graphql.engine.documents import Refused
from app.graphql.engine.operations import Found, Operations
from app.graphql.engine.plans import Plan
from app.graphql.failures import shown
from app.graphql.internals import PlanningExecutor


class Subscriptions:
    """Of one process."""

    def __init__(self, schema: GraphQLSchema, operations: Operations) -> None:
        self._schema = schema
        self._operations = operations
        self._written: dict[int, tuple[ref[Any], dict[int, tuple[Plan, str]]]] = {}

    async def open(self, found: Found, context: Callable[[], Context]) -> AsyncGenerator[str, None]:
        """Its payloads. Raises `Refused`, and the payloads do as well when the resolver fails. Close them.

        `context` makes one for the resolver, and one for each event that needs more than attributes.
        """
        document = found.document
        asked = found.asked
        executor = internals.executor(
            self._schema, document.ast, document.plans, asked.variables, asked.operation_name, context()
        )
        if executor is None:
            raise self._operations.misfits(found)
        source = await internals.events(executor)
        if isinstance(source, ExecutionResult):
            raise Refused(source.errors or ())
        return self._payloads(source, executor, self._plain(found), context)

    async def _payloads(
        self,
        source: AsyncGenerator[Any, None],
        executor: PlanningExecutor,
        plain: tuple[str, Plan] | None,
        context: Callable[[], Context],
    ) -> AsyncGenerator[str, None]:
        async with aclosing(source):
            try:
                async for event in source:
                    written = None if plain is None else self._write(event, *plain)
                    yield await _executed(executor, event, context()) if written is None else written
            except GraphQLError as error:
                raise Refused([error]) from None
            except Exception as error:
                raise Refused([GraphQLError("", original_error=error)]) from error

    def _plain(self, found: Found) -> tuple[str, Plan] | None:
        """The name of the only root field and its plan. None: its selection is not plain."""
        root = self._schema.subscription_type
        node, *others = found.operation.node.selection_set.selections
        # No directive may stand there: a subscription always has its one field.
        if root is None or others or not isinstance(node, FieldNode):
            return None
        plan = found.document.plans.plan(root.fields[node.name.value].type, [node])
        return None if plan is None else (node.alias.value if node.alias else node.name.value, plan)

    def _write(self, event: Any, name: str, plan: Plan) -> str | None:
        """None: the event is not as plain as its type says, and graphql-core knows why."""
        try:
            payloads = self._of(event)
            # The plan is kept as well, so no other takes over its id.
            kept = payloads.get(id(plan))
            if kept is None:
                kept = payloads[id(plan)] = plan, orjson.dumps({"data": {name: plan(event)}}).decode()
        except Exception:  # noqa: BLE001 - whatever it is, it is found again, and told
            return None
        return kept[1]

    def _of(self, event: Any) -> dict[int, tuple[Plan, str]]:
        """The payloads of an event, which go with it: they may hold what is personal."""
        key = id(event)
        if key not in self._written:
            self._written[key] = ref(event, lambda _: self._written.pop(key, None)), {}
        return self._written[key][1]


async def _executed(executor: PlanningExecutor, event: Any, context: Context) -> str:
    return written(await internals.executed_for(event, executor, context), context)


def written(result: ExecutionResult, context: Context) -> str:
    """A result as the payload of a `next`."""
    content: dict[str, Any] = {"data": result.data}
    if result.errors:
        content["errors"] = shown(result.errors, context.language)
    return orjson.dumps(content).decode()
