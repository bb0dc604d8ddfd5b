"""The description, made of the routes of the application: a table of paths, and below it what all of them share."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.auth.server import REVOCATION_PATH, TOKEN_PATH
from app.errors import Refusal
from app.graphql.doors.http import PATH as GRAPHQL_PATH
from app.intake import http
from app.intake.doors.doors import REFUSED
from app.intake.http import JSON, RestDoor
from app.openapi.operations import OPERATIONS, ToldOperation
from app.openapi.schemas import PARAMETERS, SCHEMAS, TEXT, ref
from app.registry.clients.scopes import SCOPES
from app.testmode import clients as test_clients
from app.version import VERSION

PATH = "/openapi.json"
VERSION_OF_OPENAPI = "3.1.1"
IN_PATH = re.compile(r"\{(\w+)\}")
EXTENSION = re.compile(r"\.\w+$")
OF_EVERY_DOOR = {
    400: "A parameter or the body is wrong: see `field`.",
    401: "A token is needed, or this one has ended.",
    403: "The token lacks a scope, or this is not yours.",
    429: "Too many at once: wait for the seconds in Retry-After.",
    503: "The registry cannot answer now: wait for the seconds in Retry-After.",
}
OF_A_BODY = {
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "Content-Type is none of these.",
}

Json = dict[str, Any]


def routes(others: Sequence[BaseRoute], issuer: str) -> list[BaseRoute]:
    """`others`, and the address of their description."""
    every: list[BaseRoute] = [*others]
    every.append(http.open_route(PATH, lambda: described_answer(every, issuer)))
    return every


def described_answer(every: Sequence[BaseRoute], issuer: str) -> Response:
    return http.answered(described(every, issuer), headers={"Cache-Control": "public, max-age=300"})


def described(every: Sequence[BaseRoute], issuer: str) -> Json:
    """Raises `KeyError`: an address that `OPERATIONS` does not have."""
    paths: Json = {}
    for route, method in methods(every):
        paths.setdefault(route.path, {})[method.lower()] = _operation(route, method)
    return {
        "openapi": VERSION_OF_OPENAPI,
        "info": {
            "title": "Pemudik",
            "version": VERSION,
            "description": f"The doors beside GraphQL, which is at {GRAPHQL_PATH}; see schema.graphql.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": issuer}],
        "paths": paths,
        "components": {"schemas": dict(SCHEMAS), "securitySchemes": _security_schemes()},
    }


def methods(every: Sequence[BaseRoute]) -> Iterator[tuple[Route, str]]:
    """Each address but GraphQL's, with its methods. HEAD goes without saying where GET is."""
    for route in every:
        if isinstance(route, Route) and route.path != GRAPHQL_PATH:
            door = _door(route)
            known: Collection[str] = door.methods if door else route.methods or ()
            for method in sorted({*known} - {"HEAD"}):
                yield route, method


def _door(route: Route) -> RestDoor | None:
    """None: anybody may come there."""
    endpoint: object = route.endpoint
    return endpoint if isinstance(endpoint, RestDoor) else None


def _operation(route: Route, method: str) -> Json:
    key = f"{method} {route.path}"
    told, door = OPERATIONS[key], _door(route)
    names = sorted(door.parameters) if door else []
    described: Json = {
        "operationId": _identifier(method, route.path),
        "summary": told.summary,
        "parameters": [
            *(_parameter(name, "path") for name in IN_PATH.findall(route.path)),
            *(_parameter(name, "query") for name in names),
            *({"name": name, "in": "header", "schema": TEXT} for name in told.headers),
        ],
        "responses": _responses(told, _statuses(key, told, is_door=door is not None)),
        "security": [{"oauth2": [scope]} for scope in sorted(door.scopes)] if door else _open_to(route.path),
    }
    if told.takes:
        content = {media: {"schema": schema} for media, schema in told.takes.items()}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _identifier(method: str, path: str) -> str:
    words = "".join(word.capitalize() for word in re.findall(r"[A-Za-z]+", path))
    return f"{method.lower()}{words}"


def _parameter(name: str, where: str) -> Json:
    meaning, schema = PARAMETERS[name]
    return {"name": name, "in": where, "required": where == "path", "description": meaning, "schema": schema}


def _statuses(key: str, told: ToldOperation, *, is_door: bool) -> dict[int, str]:
    if not is_door:
        # Documents that anybody may fetch take no parameters.
        return {400: OF_EVERY_DOOR[400], **told.more}
    refused = refused_by(key)
    words = [OF_EVERY_DOOR, OF_A_BODY if told.takes else {}, told.more]
    words.append({status: _codes(status, refused) for status in map(http.status_of, refused)})
    return {status: " ".join(one[status] for one in words if status in one) for one in words for status in one}


def refused_by(key: str) -> Collection[type[Refusal]]:
    """The list of refusals has one line for all formats of a file."""
    return REFUSED.get(key) or test_clients.REFUSED.get(key) or REFUSED.get(EXTENSION.sub(".{format}", key), ())


def _codes(status: int, refused: Collection[type[Refusal]]) -> str:
    codes = sorted(kind.code for kind in refused if http.status_of(kind) == status)
    return f"Refused: {', '.join(codes)}."


def _responses(told: ToldOperation, statuses: dict[int, str]) -> Json:
    good = {media: {"schema": schema} for media, schema in told.answers.items()}
    error = {JSON: {"schema": ref(told.error)}}
    return {
        str(told.status): {"description": HTTPStatus(told.status).phrase, "content": good},
        **{str(status): {"description": words, "content": error} for status, words in sorted(statuses.items())},
    }


def _open_to(path: str) -> list[Json]:
    return [{"client": []}, {}] if path in {TOKEN_PATH, REVOCATION_PATH} else []


def _security_schemes() -> Json:
    flow = {"tokenUrl": TOKEN_PATH, "scopes": dict(SCOPES)}
    return {
        "oauth2": {"type": "oauth2", "flows": {"clientCredentials": flow}},
        "client": {"type": "http", "scheme": "basic", "description": "Id and secret of a client."},
    }
