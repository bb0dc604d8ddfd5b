"""GraphQL over HTTP: our own thin view on graphql-core's executor over the strawberry schema.

POST of one JSON operation (GraphQL-over-HTTP); refusals of RFC 6750, 9110 and that specification before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphql import ExecutionResult, GraphQLSchema
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from app import clock
from app.auth.bearer import Bearer, Principal, Unauthorized
from app.config import Settings
from app.errors import Language, Unavailable
from app.graphql.answers import Answer, answered, media_type, refused, unanswerable, unauthorized, unavailable
from app.graphql.context import Context, language_of
from app.graphql.documents import Refused
from app.graphql.failures import RequestError, cause
from app.graphql.operations import Operations
from app.graphql.requests import Asked, NotUnderstood, asked, refuse_method_or_media
from app.graphql.schema import EXECUTABLE
from app.process import Registry

PATH = "/graphql"


def routes(
    registry: Registry, bearer: Bearer, settings: Settings, *, schema: GraphQLSchema = EXECUTABLE
) -> list[Route]:
    return [Route(PATH, Door(registry, bearer, settings, schema))]


class Door:
    """The ASGI application behind `PATH`. Of one process."""

    def __init__(self, registry: Registry, bearer: Bearer, settings: Settings, schema: GraphQLSchema) -> None:
        self._registry = registry
        self._bearer = bearer
        self._settings = settings
        self._operations = Operations(schema, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope, receive)
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        headers = _headers(scope)
        media = media_type(headers.get(b"accept", b"*/*").decode("latin-1"))
        language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
        try:
            refuse_method_or_media(scope["method"], media)
            principal = await self._principal(scope, headers)
            wanted = await asked(headers, receive, self._settings)
            return await self._operation(scope, principal, wanted, language, media)
        except Unauthorized as error:
            return unauthorized(error, media)
        except NotUnderstood as error:
            return unanswerable(error, media)
        except Unavailable as error:
            return unavailable(error, language, media)

    async def _principal(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Principal:
        authorization = headers.get(b"authorization")
        principal = await self._bearer.authenticate(None if authorization is None else authorization.decode("latin-1"))
        scope.setdefault("state", {})["client_id"] = principal.caller.client_id
        return principal

    async def _operation(
        self, scope: Scope, principal: Principal, wanted: Asked, language: Language, media: str | None
    ) -> Answer:
        try:
            found = self._operations.find(wanted)
            scope["state"]["operation"] = found.operation.told
            self._operations.judge(found, principal)
            result = await self._operations.execute(found, Context(self._registry, principal, language, clock.now()))
        except Refused as error:
            return refused(error.errors, language, media)
        except RequestError as error:
            return refused([error], language, media)
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
