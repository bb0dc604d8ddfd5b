"""How a request is answered: status, media type and JSON, as the GraphQL-over-HTTP specification says.

A refused document is answered with 400 in `application/graphql-response+json`. In `application/json` it is answered
with 200: there the status tells of the transport only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.types import Send

from app.auth import edge
from app.auth.bearer import Unauthorized
from app.auth.edge import RequestRefused
from app.errors import Language, Unavailable
from app.graphql import failures
from app.graphql.engine.requests import NotUnderstood
from app.graphql.failures import shown

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    status: int
    content: Mapping[str, Any]
    media: str | None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """What the metrics call the answer: the code of the first error, or `ok`."""
        errors = self.content.get("errors")
        return errors[0]["extensions"]["code"] if errors else "ok"

    async def send(self, send: Send) -> None:
        body = orjson.dumps(self.content)
        headers = [
            (b"content-type", f"{self.media or JSON}; charset=utf-8".encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", edge.NO_STORE.encode()),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def answered(
    data: dict[str, Any] | None,
    errors: Sequence[GraphQLError] | None,
    language: Language,
    media: str | None,
    extensions: Mapping[str, Any],
    *,
    alone: Unavailable | None = None,
) -> HttpAnswer:
    """The answer of an operation that was executed.

    `alone` is why the only root field has no value: then the status of the whole answer says so.
    """
    content: dict[str, Any] = {"data": data}
    if errors:
        content["errors"] = shown(errors, language)
    content["extensions"] = extensions
    return HttpAnswer(200, content, media) if alone is None else _later(alone, content, media)


def refused(errors: Sequence[GraphQLError], language: Language, media: str | None) -> HttpAnswer:
    """The answer of an operation of which nothing was executed."""
    return HttpAnswer(400 if media == GRAPHQL else 200, {"errors": shown(errors, language)}, media)


def unavailable(error: Unavailable, language: Language, media: str | None) -> HttpAnswer:
    """The answer when the registry cannot even find out who calls, or too much of the client waits already."""
    return _later(error, {"errors": shown([failures.unavailable(error, language)], language)}, media)


def refused_request(error: NotUnderstood | RequestRefused, language: Language, media: str | None) -> HttpAnswer:
    return HttpAnswer(error.status, _one(error.message(language).removesuffix("."), error.code), media, error.headers)


def unauthorized(error: Unauthorized, language: Language, media: str | None) -> HttpAnswer:
    refused = edge.refused(error)
    # The messages of GraphQL's transport end without a full stop.
    content = _one(refused.message(language).removesuffix("."), refused.code)
    return HttpAnswer(refused.status, content, media, refused.headers)


@lru_cache(maxsize=256)
def media_type(accept: str) -> str | None:
    """Which of the two media types the client wants more: `application/json` if both alike, None if neither."""
    qualities = qualities_of(accept)
    general = qualities.get("application/*", qualities.get("*/*", 0.0))
    json, graphql = qualities.get(JSON, general), qualities.get(GRAPHQL, general)
    if GRAPHQL in qualities and graphql >= json and graphql > 0:
        return GRAPHQL
    if json > 0:
        return JSON
    return GRAPHQL if graphql > 0 else None


def qualities_of(accept: str) -> dict[str, float]:
    """The quality of each media type that an Accept header names (RFC 9110 §12.5.1)."""
    qualities: dict[str, float] = {}
    for choice in accept.lower().split(","):
        name, *parameters = (part.strip() for part in choice.split(";"))
        qualities[name] = next((_quality(part[2:]) for part in parameters if part.startswith("q=")), 1.0)
    return qualities


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _later(error: Unavailable, content: Mapping[str, Any], media: str | None) -> HttpAnswer:
    refused = edge.refused(error)
    return HttpAnswer(refused.status, content, media, refused.headers)


def _one(message: str, code: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}
