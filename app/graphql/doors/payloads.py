"""What an operation says, one payload after the other, whichever protocol carries them, and how a failed one ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from graphql import GraphQLError

from app import clock
from app.auth.bearer import Principal, Unauthorized
from app.changes.log.tail import SlowReader
from app.errors import Language
from app.graphql.context import Context
from app.graphql.doors.connections import SLOW_READER, Connections
from app.graphql.engine.documents import Refused
from app.graphql.engine.operations import Found, Operations
from app.graphql.engine.requests import NotUnderstood
from app.graphql.engine.subscriptions import Subscriptions, written
from app.graphql.failures import RequestError, shown
from app.process import Registry


class Payloads:
    """Of one process."""

    def __init__(
        self, registry: Registry, operations: Operations, subscriptions: Subscriptions, connections: Connections
    ) -> None:
        self._registry = registry
        self._operations = operations
        self._subscriptions = subscriptions
        self._connections = connections

    async def of(self, found: Found, principal: Principal, language: Language) -> AsyncGenerator[str, None]:
        """JSON: one of a query or a mutation, of a subscription as many as come. Raises what `told` tells."""

        def context() -> Context:
            return Context(self._registry, principal, language, clock.now())

        if not found.is_subscription:
            once = context()
            yield written(await self._operations.execute(found, once), once)
            return
        with self._connections.subscription(principal.caller.client_id or ""):
            async with aclosing(await self._subscriptions.open(found, context)) as payloads:
                async for payload in payloads:
                    yield payload


def told(error: Exception, language: Language) -> list[dict[str, Any]]:
    """The errors that a client reads. Whatever was not foreseen is logged and masked."""
    match error:
        case Refused():
            return shown(error.errors, language)
        case NotUnderstood():
            return shown([RequestError(error.message, error.code)], language)
        case Unauthorized():
            lacks = RequestError("The access token lacks a scope", error.code.upper(), challenge=error.challenge)
            return shown([lacks], language)
        case SlowReader():
            return shown([SLOW_READER.error], language)
        case GraphQLError():
            return shown([error], language)
    return shown([GraphQLError("", original_error=error)], language)
