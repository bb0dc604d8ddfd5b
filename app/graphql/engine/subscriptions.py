"""One subscription: the events of its resolver, each written as JSON, the payload of a `next` message.

A thousand clients may follow the same changes by the same document. If the selection is plain (`plans`), such an event
is written once for all of them: what a plan makes of an event depends on the event alone, and not on who reads it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any
from weakref import ref

import orjson
from graphql import ExecutionResult, FieldNode, GraphQLError, GraphQLSchema

from app.errors import Language
from app.graphql import internals
from app.graphql.engine.documents import OperationRefused
from app.graphql.engine.operations import FoundOperation, Operations, Told
from app.graphql.engine.plans import Plan
from app.graphql.failures import shown


class Subscriptions:
    """A process has one: it keeps what was written of the events that are still being sent."""

    def __init__(self, schema: GraphQLSchema, operations: Operations) -> None:
        self._schema = schema
        self._operations = operations
        self._written: dict[int, tuple[ref[Any], dict[int, tuple[Plan, str]]]] = {}
        """By the id of an event: a reference that notices the event's end, and the payloads by the id of their plan."""

    async def open(
        self, found: FoundOperation, new_context: Callable[[], object], language: Language
    ) -> AsyncGenerator[str, None]:
        """The payloads, which the caller has to close. Raises `OperationRefused`; so do the payloads if a resolver
        fails.

        `new_context` makes a context for the resolver, and one more for each event whose selection is not plain.
        """
        executor = self._operations.executor(found, new_context())
        source = await internals.events(executor)
        if isinstance(source, ExecutionResult):
            raise OperationRefused(source.errors or ())
        plain = self._plain(found)

        async def payload(event: object) -> str:
            written = None if plain is None else self._write(event, *plain)
            if written is not None:
                return written
            result = await internals.executed_for(event, executor, new_context())
            return written_result(result, language)

        return _payloads(source, payload)

    def _plain(self, found: FoundOperation) -> tuple[str, Plan] | None:
        """The response name of the only root field, and its plan. None: the selection is not plain."""
        root = self._schema.subscription_type
        node, *others = found.operation.node.selection_set.selections
        # Validation allows no @skip or @include on this field: a subscription always has its one field.
        if root is None or others or not isinstance(node, FieldNode):
            return None
        plan = found.document.plans.plan(root.fields[node.name.value].type, [node])
        return None if plan is None else (node.alias.value if node.alias else node.name.value, plan)

    def _write(self, event: Any, name: str, plan: Plan) -> str | None:
        """None: the event is not as plain as its type says. graphql-core finds out why, and words the error."""
        try:
            payloads = self._payloads_of(event)
            # The plan is kept beside its payload: as long as it lives, no other plan can have its id.
            kept = payloads.get(id(plan))
            if kept is None:
                kept = payloads[id(plan)] = plan, orjson.dumps({"data": {name: plan(event)}}).decode()
        except Exception:  # noqa: BLE001 - graphql-core meets the same failure again, and tells it
            return None
        return kept[1]

    def _payloads_of(self, event: Any) -> dict[int, tuple[Plan, str]]:
        """The payloads of an event. They are dropped with the event: names and NIKs may stand in them."""
        key = id(event)
        if key not in self._written:
            self._written[key] = ref(event, lambda _: self._written.pop(key, None)), {}
        return self._written[key][1]


async def _payloads(
    events: AsyncGenerator[Any, None], payload: Callable[[object], Awaitable[str]]
) -> AsyncGenerator[str, None]:
    async with aclosing(events):
        try:
            async for event in events:
                yield await payload(event)
        except GraphQLError as error:
            raise OperationRefused([error]) from None
        except Exception as error:
            raise OperationRefused([GraphQLError("", original_error=error)]) from error


def written_result(result: ExecutionResult, language: Language, extensions: Told | None = None) -> str:
    """A result as the payload of a `next`."""
    content: dict[str, Any] = {"data": result.data}
    if result.errors:
        content["errors"] = shown(result.errors, language)
    if extensions is not None:
        content["extensions"] = extensions
    return orjson.dumps(content).decode()
