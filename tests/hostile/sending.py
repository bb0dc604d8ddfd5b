"""What is sent, and what is told in answer: by HTTP, by server-sent events, or over a WebSocket."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

SIZES = (1, 2, 8)
"""Times the size of a hostile request."""
GRAPHQL_PATH = "/graphql"
JSON = "application/json"
EVENTS = "text/event-stream"

_numbers = itertools.count()


@dataclass(frozen=True)
class Sent:
    """One request, or one socket with its messages."""

    path: str
    body: bytes = field(default=b"", repr=False)
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    messages: Sequence[bytes] = field(default=(), repr=False)
    """Of a socket, behind `connection_init`."""
    anonymous: bool = False
    """Without a token. A socket has no `connection_init` then but what is among its messages."""

    @property
    def is_socket(self) -> bool:
        return bool(self.messages)


@dataclass(frozen=True)
class Hostile:
    """A request of some size, and what is told at each of `SIZES`: the status, and the code of the first error."""

    name: str
    of: Callable[[int], Sent]
    size: int
    told: tuple[str, str, str]


def always(told: str) -> tuple[str, str, str]:
    """At each of `SIZES` the same is told."""
    return told, told, told


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = field(default=b"", repr=False)

    @property
    def told(self) -> str:
        code = _code_of(self.body)
        return f"{self.status} {code}" if code else str(self.status)


def _code_of(body: bytes) -> str | None:
    """Of the first error, in the form of any door."""
    try:
        content = orjson.loads(_first_event(body))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(content, dict):
        return None
    if isinstance(content.get("error"), dict):
        return str(content["error"]["code"])
    if content.get("errors"):
        return str(content["errors"][0]["extensions"]["code"])
    return str(content["error"]) if "error" in content else None


def _first_event(body: bytes) -> bytes:
    """The data of the first event of a stream, or the body itself."""
    _, found, data = body.partition(b"event: next\ndata: ")
    return data.partition(b"\n\n")[0] if found else body


def told_by_socket(message: Mapping[str, Any]) -> str | None:
    """What a message of the server tells. None: it is no answer to an operation."""
    match message["type"]:
        case "error":
            return f"error {message['payload'][0]['extensions']['code']}"
        case "next" if message["payload"].get("errors"):
            return f"next {message['payload']['errors'][0]['extensions']['code']}"
        case "next" | "pong" as type_:
            return str(type_)
    return None


# --- how requests are made --------------------------------------------------------------------------------------------


def document(query: str) -> str:
    """The document under a text of its own: a text that was read before is known, and costs nothing."""
    return f"{query} #{next(_numbers)}"


def operation(query: str, variables: Mapping[str, Any] | None = None, **more: Any) -> bytes:
    return orjson.dumps({"query": document(query), "variables": variables, **more})


def graphql(
    query: str, variables: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Sent:
    return raw_graphql(operation(query, variables, **more), headers=headers)


def raw_graphql(body: bytes, *, headers: Mapping[str, str] | None = None) -> Sent:
    return Sent(GRAPHQL_PATH, body, headers={"content-type": JSON} | dict(headers or {}))


def events(query: str, variables: Mapping[str, Any] | None = None) -> Sent:
    return graphql(query, variables, headers={"accept": EVENTS})


def socket(*messages: Any, anonymous: bool = False) -> Sent:
    """Messages are JSON, unless they are bytes."""
    texts = [one if isinstance(one, bytes) else orjson.dumps(one) for one in messages]
    return Sent(GRAPHQL_PATH, messages=texts, anonymous=anonymous)


def subscribed(query: str, variables: Mapping[str, Any] | None = None, name: str = "1") -> dict[str, Any]:
    payload = {"query": document(query), "variables": variables}
    return {"id": name, "type": "subscribe", "payload": payload}


def got(path: str, **headers: str) -> Sent:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Sent(path, method="GET", headers=named)


def posted(path: str, content: object, media: str = JSON, **headers: str) -> Sent:
    """JSON, unless `content` is bytes."""
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Sent(path, body, headers={"content-type": media} | named)
