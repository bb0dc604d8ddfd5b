"""What a request asks for: one operation in JSON. Anything else gets a 4xx."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.server import json_texts
from app.server.json_texts import MOST_SEPARATORS, NotJson, TooManyValues

_JSON = re.compile(rb'\s*application/json\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*', re.IGNORECASE)


TOO_MANY_VALUES = f"A body has {MOST_SEPARATORS:,} separators of JSON at most"


@dataclass(frozen=True, slots=True)
class OperationRequest:
    query: str
    variables: dict[str, Any]
    operation_name: str | None


class NotUnderstood(Exception):  # noqa: N818 - an answer
    """A request that cannot be served as a GraphQL request, and the HTTP status of the answer."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def refuse_method_or_media(method: str, media: str | None) -> None:
    """Raises `NotUnderstood`."""
    if method != "POST":
        raise NotUnderstood(405, "METHOD_NOT_ALLOWED", "Operations are sent by POST", {"Allow": "POST"})
    if media is None:
        raise NotUnderstood(406, "NOT_ACCEPTABLE", "Answers are application/graphql-response+json or application/json")


def refuse_other_bodies(headers: Mapping[bytes, bytes]) -> None:
    """Raises `NotUnderstood` for a body that is not plain JSON."""
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise NotUnderstood(415, "UNSUPPORTED_MEDIA_TYPE", "Bodies are not compressed", {"Accept-Encoding": "identity"})
    if not _JSON.fullmatch(headers.get(b"content-type", b"")):
        raise NotUnderstood(
            415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is application/json in UTF-8", {"Accept": "application/json"}
        )


def parse_request(raw: bytes) -> OperationRequest:
    """What a JSON text asks for. Raises `NotUnderstood`."""
    try:
        body = json_texts.parsed(raw)
    except NotJson:
        raise _bad("The body is not JSON in UTF-8, or is nested too deeply") from None
    except TooManyValues:
        raise NotUnderstood(413, "CONTENT_TOO_LARGE", TOO_MANY_VALUES) from None
    return request_of(body)


def request_of(body: object) -> OperationRequest:
    """What a JSON value asks for. Raises `NotUnderstood`."""
    if isinstance(body, list):
        raise _bad("One operation per request: batches are not taken")
    if not isinstance(body, dict):
        raise _bad("The body is not a JSON object")
    query, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
    if not isinstance(query, str):
        raise _bad("`query` is missing or no string")
    if variables is not None and not isinstance(variables, dict):
        raise _bad("`variables` is no object")
    if name is not None and not isinstance(name, str):
        raise _bad("`operationName` is no string")
    if not isinstance(body.get("extensions"), dict | None):
        raise _bad("`extensions` is no object")
    return OperationRequest(query, variables or {}, name or None)


def _bad(message: str) -> NotUnderstood:
    return NotUnderstood(400, "BAD_REQUEST", message)
