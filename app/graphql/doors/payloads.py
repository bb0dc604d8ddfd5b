"""What an operation answers, payload by payload, for the protocols that carry several; and the errors that end it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson
from graphql import GraphQLError

from app import clock
from app.auth import edge
from app.auth.bearer import Unauthorized
from app.auth.edge import RequestRefused
from app.changes.log.tail import SlowReader
from app.errors import Language
from app.graphql.context import Context
from app.graphql.doors.connections import SLOW_READER, Connections
from app.graphql.doors.repeats import Asked, Repeats
from app.graphql.engine.documents import OperationRefused
from app.graphql.engine.operations import Operations
from app.graphql.engine.requests import NotUnderstood
from app.graphql.engine.subscriptions import Subscriptions, written_result
from app.graphql.failures import RequestError, shown
from app.graphql.reading import Stretches
from app.process import Process


class Payloads:
    """A process has one."""

    def __init__(
        self, process: Process, operations: Operations, subscriptions: Subscriptions, connections: Connections
    ) -> None:
        self.repeats = Repeats(process, operations)
        self._process = process
        self._operations = operations
        self._subscriptions = subscriptions
        self._connections = connections

    async def of(self, asked: Asked) -> AsyncGenerator[str, None]:
        """JSON texts: one for a query or a mutation, as many as there are events for a subscription.

        What they raise, `errors_of` turns into errors for the client.
        """
        found, principal, language = asked.found, asked.principal, asked.language
        stretches = Stretches(self._process, principal.caller, found.operation.root_field_names)

        def new_context() -> Context:
            shown = stretches.shown if found.is_subscription else None
            return Context(self._process, principal, language, clock.now(), shown=shown)

        if asked.keyed is not None:
            yield orjson.dumps(await self.repeats.content(asked, asked.keyed)).decode()
            return
        if not found.is_subscription:
            result = await self._operations.in_turn(
                found, asked.client, lambda: self._operations.execute(found, new_context()), asked.more
            )
            yield written_result(result, language, self._operations.cost_told(found, asked.client, result.data))
            return
        with self._connections.subscription(asked.client):
            async with aclosing(await self._subscriptions.open(found, new_context, language)) as payloads:
                try:
                    async for payload in payloads:
                        await stretches.write_down()
                        yield payload
                finally:
                    await stretches.end()


def errors_of(error: Exception, language: Language) -> list[dict[str, Any]]:
    """The errors that a client reads. An exception that nobody foresaw is logged and masked."""
    match error:
        case OperationRefused():
            return shown(error.errors, language)
        case NotUnderstood() | RequestRefused():
            return shown([RequestError(error.message(language).removesuffix("."), error.code)], language)
        case Unauthorized():
            lacks = edge.refused(error)
            told = RequestError(lacks.message(language).removesuffix("."), lacks.code, challenge=error.challenge)
            return shown([told], language)
        case SlowReader():
            return shown([SLOW_READER.error], language)
        case GraphQLError():
            return shown([error], language)
    return shown([GraphQLError("", original_error=error)], language)
