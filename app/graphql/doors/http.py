"""GraphQL over HTTP: a thin door of our own before the engine, instead of strawberry's view.

Nothing stands before the door but `app.request_log`, which gives a request its id, its line and its counts. One
operation comes by POST, in JSON (the GraphQL-over-HTTP specification). What RFC 6750, RFC 9110 and that specification
refuse is refused before anything runs. A stream of events and a WebSocket are had at the same address.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import ExecutionResult, GraphQLSchema
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from app import clock
from app.auth import edge
from app.auth.bearer import Principal, Unauthorized
from app.auth.callers import Callers
from app.auth.edge import BodyTooLarge, BodyTooLate, RequestRefused
from app.auth.sessions import Credential
from app.config import Settings
from app.errors import Unavailable
from app.graphql.context import Context
from app.graphql.doors import multipart, query_strings, repeats, streams
from app.graphql.doors.answers import (
    GRAPHQL,
    HttpAnswer,
    answered,
    media_type,
    refused,
    refused_request,
    unauthorized,
    unavailable,
)
from app.graphql.doors.connections import Connections, ConnectionWatch
from app.graphql.doors.payloads import Payloads
from app.graphql.doors.repeats import Asked
from app.graphql.doors.shared import SharedAnswers
from app.graphql.doors.sockets import SocketDoor
from app.graphql.doors.streams import Stream
from app.graphql.engine.documents import OperationRefused
from app.graphql.engine.operations import FoundOperation, Operations
from app.graphql.engine.requests import (
    NotUnderstood,
    OperationRequest,
    by_post_alone,
    parse_request,
    refuse_method_or_media,
    refuse_other_bodies,
)
from app.graphql.engine.subscriptions import Subscriptions
from app.graphql.failures import RequestError, cause
from app.graphql.schema import EXECUTABLE
from app.language import language_of
from app.process import Process
from app.registry.clients.idempotency import KeyedRequest

PATH = "/graphql"
BODY_TOO_LATE = "Isi permintaan tidak diterima dalam batas waktu", "The body did not arrive in time"


def routes(
    process: Process, callers: Callers, settings: Settings, *, schema: GraphQLSchema = EXECUTABLE
) -> tuple[Route, WebSocketRoute]:
    operations, connections = Operations(schema, settings, process.turns), Connections(process.stopping)
    payloads = Payloads(process, operations, Subscriptions(schema, operations), connections)
    return (
        Route(PATH, HttpDoor(process, callers, settings, operations, payloads, connections)),
        WebSocketRoute(PATH, SocketDoor(callers, operations, payloads, connections)),
    )


class HttpDoor:
    """The ASGI application for HTTP at `PATH`. A process has one."""

    def __init__(
        self,
        process: Process,
        callers: Callers,
        settings: Settings,
        operations: Operations,
        payloads: Payloads,
        connections: Connections,
    ) -> None:
        self._process = process
        self._callers = callers
        self._settings = settings
        self._operations = operations
        self._payloads = payloads
        self._connections = connections
        self._shared = SharedAnswers(self._executed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope, receive)
        if isinstance(answer, HttpAnswer):
            scope.setdefault("state", {})["outcome"] = answer.outcome
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> HttpAnswer | Stream:
        headers = _headers(scope)
        accept = headers.get(b"accept", b"*/*").decode("latin-1")
        media, streamed = media_type(accept), streams.wanted(accept)
        # A refusal is no stream, even if a stream was asked for.
        refusal_media = media or (GRAPHQL if streamed else None)
        language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
        try:
            refuse_method_or_media(scope["method"], refusal_media, streamed=streamed)
            credential = self._credential(scope, headers)
            principal = await edge.identify(self._callers, credential, scope)
            request = await self._request(scope, headers, receive)
            found = self._operations.known(request) or await self._read(principal, request)
            self._judge(scope, principal, found)
            if scope["method"] == "GET" and not found.is_subscription:
                raise by_post_alone()
            if found.is_subscription and not streamed:
                raise streams.not_asked_for()
            asked = Asked(found, principal, language, self._keyed(principal, headers, found, request))
            if found.is_subscription or media is None:
                return self._stream(asked, credential, receive)
            return await self._result(asked, credential, headers, media)
        except OperationRefused as error:
            return refused(error.errors, language, refusal_media)
        except RequestError as error:
            return refused([error], language, refusal_media)
        except Unauthorized as error:
            return unauthorized(error, language, refusal_media)
        except (NotUnderstood, RequestRefused) as error:
            return refused_request(error, language, refusal_media)
        except Unavailable as error:
            return unavailable(error, language, refusal_media)

    def _credential(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Credential:
        def header(name: str) -> str | None:
            value = headers.get(name.encode())
            return None if value is None else value.decode("latin-1")

        return self._callers.credential(scope["method"], header)

    async def _request(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive) -> OperationRequest:
        if scope["method"] == "GET":
            return query_strings.read_request(scope["query_string"])
        if multipart.is_form(headers):
            return await multipart.read_request(headers, receive, self._settings)
        refuse_other_bodies(headers)
        return parse_request(await self._body(headers, receive))

    async def _body(self, headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
        limit, seconds = self._settings.body_limit, self._settings.body_timeout
        content_length = headers.get(b"content-length", b"").decode("latin-1")
        try:
            return await edge.whole_body(receive, content_length, limit=limit, within_seconds=seconds)
        except BodyTooLarge:
            words = f"Isi permintaan paling banyak {limit} byte", f"A body has {limit:,} bytes at most"
            raise NotUnderstood(413, "CONTENT_TOO_LARGE", *words) from None
        except BodyTooLate:
            # What comes too late is not waited for any longer.
            words, closed = BODY_TOO_LATE, {"Connection": "close"}
            raise NotUnderstood(408, "REQUEST_TIMEOUT", *words, closed) from None

    async def _read(self, principal: Principal, request: OperationRequest) -> FoundOperation:
        return await self._operations.found(request, principal.caller.client_id or "")

    def _judge(self, scope: Scope, principal: Principal, found: FoundOperation) -> None:
        scope["state"]["operation"] = found.operation.root_field_names
        self._operations.judge(found, principal.scopes)

    def _keyed(
        self, principal: Principal, headers: Mapping[bytes, bytes], found: FoundOperation, request: OperationRequest
    ) -> KeyedRequest | None:
        return repeats.keyed(self._process, principal.caller.client_id or "", headers, found, request)

    def _stream(self, asked: Asked, credential: Credential, receive: Receive) -> Stream:
        watch = ConnectionWatch(self._connections, self._callers, credential, asked.principal)
        return Stream(self._payloads.of(asked), watch, receive, asked.language)

    async def _result(
        self, asked: Asked, credential: Credential, headers: Mapping[bytes, bytes], media: str
    ) -> HttpAnswer:
        if asked.keyed is not None:
            return HttpAnswer(200, await self._payloads.repeats.content(asked, asked.keyed), media)
        found, language = asked.found, asked.language
        result = await self._shared.result(asked, credential, headers)
        alone = _what_kept_it_from_answering(result) if found.operation.root_fields == 1 else None
        cost = self._operations.cost_told(found, asked.client, result.data)
        return answered(result.data, result.errors, language, media, cost, alone=alone)

    async def _executed(self, asked: Asked) -> ExecutionResult:
        async def execute() -> ExecutionResult:
            context = Context(self._process, asked.principal, asked.language, clock.now())
            return await self._operations.execute(asked.found, context)

        return await self._operations.in_turn(asked.found, asked.client, execute, asked.more)


def _what_kept_it_from_answering(result: ExecutionResult) -> Unavailable | None:
    for error in result.errors or ():
        raised = cause(error)
        if isinstance(raised, Unavailable) and error.path is not None and len(error.path) == 1:
            return raised
    return None


def _headers(scope: Scope) -> dict[bytes, bytes]:
    """One value for each name: the values of a repeated header are joined to a list (RFC 9110 §5.3).

    Where a header has to be a single value, such as Authorization, a list is refused by whoever reads it.
    """
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers
