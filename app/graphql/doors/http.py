"""GraphQL over HTTP: our own thin view on graphql-core's executor over the strawberry schema.

POST of one JSON operation (GraphQL-over-HTTP); refusals of RFC 6750, 9110 and that specification before anything runs.
Beside it, at the same address: the answer that is a stream of events, and the socket.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import ExecutionResult, GraphQLSchema
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from app import clock
from app.auth.bearer import Bearer, Principal, Unauthorized
from app.config import Settings
from app.errors import Language, Unavailable
from app.graphql.context import Context
from app.graphql.doors import multipart, streams
from app.graphql.doors.answers import (
    GRAPHQL,
    Answer,
    answered,
    media_type,
    refused,
    unanswerable,
    unauthorized,
    unavailable,
)
from app.graphql.doors.connections import Connections, Watch
from app.graphql.doors.payloads import Payloads
from app.graphql.doors.sockets import SocketDoor
from app.graphql.doors.streams import Stream
from app.graphql.engine.documents import Refused
from app.graphql.engine.operations import Found, Operations
from app.graphql.engine.requests import Asked, NotUnderstood, asked, refuse_method_or_media
from app.graphql.engine.subscriptions import Subscriptions
from app.graphql.failures import RequestError, cause
from app.graphql.schema import EXECUTABLE
from app.language import language_of
from app.process import Registry

PATH = "/graphql"


def routes(
    registry: Registry, bearer: Bearer, settings: Settings, *, schema: GraphQLSchema = EXECUTABLE
) -> list[BaseRoute]:
    operations, connections = Operations(schema, settings), Connections(registry.stopping)
    payloads = Payloads(registry, operations, Subscriptions(schema, operations), connections)
    return [
        Route(PATH, Door(registry, bearer, settings, operations, payloads, connections)),
        WebSocketRoute(PATH, SocketDoor(bearer, operations, payloads, connections)),
    ]


class Door:
    """The ASGI application behind `PATH`. Of one process."""

    def __init__(
        self,
        registry: Registry,
        bearer: Bearer,
        settings: Settings,
        operations: Operations,
        payloads: Payloads,
        connections: Connections,
    ) -> None:
        self._registry = registry
        self._bearer = bearer
        self._settings = settings
        self._operations = operations
        self._payloads = payloads
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope, receive)
        if isinstance(answer, Answer):
            scope.setdefault("state", {})["outcome"] = answer.outcome
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer | Stream:
        headers = _headers(scope)
        accept = headers.get(b"accept", b"*/*").decode("latin-1")
        media, streamed = media_type(accept), streams.wanted(accept)
        # What is refused is no stream yet.
        told_in = media or (GRAPHQL if streamed else None)
        language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
        try:
            refuse_method_or_media(scope["method"], told_in)
            principal = await self._principal(scope, headers)
            found = self._found(scope, principal, await self._asked(headers, receive))
            if found.is_subscription and not streamed:
                raise streams.not_asked_for()
            if found.is_subscription or media is None:
                return self._stream(found, principal, headers, receive, language)
            return await self._result(found, principal, language, media)
        except Refused as error:
            return refused(error.errors, language, told_in)
        except RequestError as error:
            return refused([error], language, told_in)
        except Unauthorized as error:
            return unauthorized(error, told_in)
        except NotUnderstood as error:
            return unanswerable(error, told_in)
        except Unavailable as error:
            return unavailable(error, language, told_in)

    async def _principal(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Principal:
        authorization = headers.get(b"authorization")
        principal = await self._bearer.authenticate(None if authorization is None else authorization.decode("latin-1"))
        scope.setdefault("state", {})["client_id"] = principal.caller.client_id
        return principal

    async def _asked(self, headers: Mapping[bytes, bytes], receive: Receive) -> Asked:
        read = multipart.asked if multipart.is_form(headers) else asked
        return await read(headers, receive, self._settings)

    def _found(self, scope: Scope, principal: Principal, wanted: Asked) -> Found:
        found = self._operations.find(wanted)
        scope["state"]["operation"] = found.operation.told
        self._operations.judge(found, principal)
        return found

    def _stream(
        self, found: Found, principal: Principal, headers: Mapping[bytes, bytes], receive: Receive, language: Language
    ) -> Stream:
        authorization = headers[b"authorization"].decode("latin-1")
        watch = Watch(self._connections, self._bearer, authorization, principal)
        return Stream(self._payloads.of(found, principal, language), watch, receive, language)

    async def _result(self, found: Found, principal: Principal, language: Language, media: str) -> Answer:
        result = await self._operations.execute(found, Context(self._registry, principal, language, clock.now()))
        alone = _what_kept_it_from_answering(result) if found.operation.root_fields == 1 else None
        return answered(result.data, result.errors, language, media, alone=alone)


def _what_kept_it_from_answering(result: ExecutionResult) -> Unavailable | None:
    for error in result.errors or ():
        raised = cause(error)
        if isinstance(raised, Unavailable) and error.path is not None and len(error.path) == 1:
            return raised
    return None


def _headers(scope: Scope) -> dict[bytes, bytes]:
    """One value per name: a repeated header is a list (RFC 9110 §5.3), which no single value here may be."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers
