"""Every argument of every field with its extremes: a refusal that tells what is wrong, or an answer. Never a bug.

The arguments are made from the schema. So a new field, or a new argument, is in the test by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)
from starlette.applications import Starlette

from app.graphql.schema import EXECUTABLE
from tests.graphql.conftest import Api
from tests.hostile import driving
from tests.hostile.sending import EVENTS, GRAPHQL_PATH, JSON, Sent
from tests.world import HUBDAT, World, nik_of, someone

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

Path = tuple[str | int, ...]
"""Where a leaf stands in the variables."""

TEXTS = ("", " ", "\x00", "\u202e", "%_\\'\"", "१" * 16, "9" * 16, "x" * 200, "x" * 70_000)
EXTREMES: dict[str, tuple[object, ...]] = {
    "Int": (-(2**31), -1, 0, 2**31 - 1, 2**31, 10**30, 1.5),
    "String": TEXTS,
    "ID": (*TEXTS, "00000000-0000-0000-0000-000000000000", -1, 10**30),
    "Boolean": (True, False),
    "NIK": ("", "0" * 16, "9" * 16, "３" * 16, " " * 64, "3" * 65, 3201010101909001),
    "Date": ("1900-01-01", "2199-12-31", "0001-01-01", "9999-12-31", "2026-02-30", "2026-W53-7", ""),
    "DateTime": (
        "1900-01-01T00:00:00Z",
        "2199-12-31T23:59:59.999999-12:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-03-02T24:00:00Z",
        "",
    ),
    "_Any": ({}, {"__typename": "Registrant", "id": "\x00"}, {"__typename": "Route", "id": 10**30}, []),
}
PLAIN: dict[str, object] = {
    "Int": 1,
    "String": "Uji",
    "ID": "hubdat",
    "Boolean": False,
    "NIK": nik_of(5),
    "Date": "2026-03-05",
    "DateTime": "2026-03-02T08:00:00+07:00",
    "_Any": {"__typename": "Organizer", "code": "hubdat"},
}
FILE = "Upload"

ROOTS = {
    name: (operation, field)
    for operation, root in (("query", EXECUTABLE.query_type), ("mutation", EXECUTABLE.mutation_type))
    if root is not None
    for name, field in root.fields.items()
}
BELOW = {
    f"{type_.name}.{name}": field
    for type_ in EXECUTABLE.type_map.values()
    if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
    if type_ not in {EXECUTABLE.query_type, EXECUTABLE.mutation_type, EXECUTABLE.subscription_type}
    for name, field in type_.fields.items()
    if field.args
}
"""Fields with arguments below the roots."""
WAYS = {
    "Organizer": "organizers { %s }",
    "Statistics": "statistics { %s }",
    "ImportJob": "importJobs { nodes { %s } }",
    "Webhook": "webhooks { %s }",
}
"""How an object of each type that has one is reached."""
WEBHOOK = """mutation { saveWebhook(input: { url: "https://example.org/pemudik", events: [QUOTA_RETURNED] }) {
    __typename ... on Problem { code message } } }"""
FOLLOWED = dict(EXECUTABLE.subscription_type.fields) if EXECUTABLE.subscription_type is not None else {}


@pytest.mark.parametrize("name", sorted(name for name, (_, field) in ROOTS.items() if field.args))
async def test_no_argument_has_a_value_that_is_a_bug(api: Api, world: World, name: str) -> None:
    route = await world.route(quota=5)
    one = await world.registered(someone(HUBDAT, route))
    ids = {"routeId": str(route), "returnRouteId": str(route), "id": str(one.id), "provisional": str(route)}
    _, field = ROOTS[name]
    plain = {argument: _plain(argument, one.type, ids) for argument, one in field.args.items() if _sent(one)}
    assert "BAD_USER_INPUT" not in (await _ask(api, name, plain)).text, "the plain call is not even a good request"
    tried = 0
    for argument, one_of in field.args.items():
        for path, type_ in _leaves((argument,), one_of.type):
            for value in _extremes(type_):
                answer = await _ask(api, name, _with(plain, path, value, field.args, ids))
                told = answer.text
                assert answer.status_code < 500, (path, value)
                assert "INTERNAL_ERROR" not in told, (path, value)
                tried += 1
    assert tried


@pytest.mark.parametrize("name", sorted(BELOW))
async def test_no_argument_below_a_root_has_a_value_that_is_a_bug(api: Api, world: World, name: str) -> None:
    await world.registered(someone(HUBDAT, await world.route(quota=5)))
    await _ask(api, "importRegistrants", {"file": None})
    assert (await api.data(WEBHOOK))["saveWebhook"]["__typename"] != "Problem"
    type_, _, below = name.partition(".")
    field = BELOW[name]

    async def ask(argument: str, value: object) -> Any:
        passed = f"{below}({argument}: $value) {_selection(get_named_type(field.type))}"
        document = f"query ($value: {field.args[argument].type}) {{ {WAYS[type_] % passed} }}"
        return await api.post(document, {"value": value})

    plain = f"{below} {_selection(get_named_type(field.type))}"
    assert f'"{below}":' in (await api.post(f"{{ {WAYS[type_] % plain} }}")).text, "no such object is reached"
    for argument, one_of in field.args.items():
        for value in _extremes(_bare(one_of.type)):
            answer = await ask(argument, value)
            assert answer.status_code < 500, (argument, value)
            assert "INTERNAL_ERROR" not in answer.text, (argument, value)


@pytest.mark.parametrize("name", sorted(FOLLOWED))
async def test_no_argument_of_a_subscription_has_a_value_that_is_a_bug(
    api: Api, application: Starlette, world: World, name: str
) -> None:
    """It is refused by an event of the stream, or before that: a good one would be followed for ever."""
    await world.registered(someone(HUBDAT, await world.route(quota=5)))
    token, field = await api.token(), FOLLOWED[name]
    assert field.args
    for argument, one_of in field.args.items():
        document = f"subscription ($value: {one_of.type}) {{ {name}({argument}: $value) {{ __typename }} }}"
        for value in _extremes(_bare(one_of.type)):
            body = json.dumps({"query": document, "variables": {"value": value}}).encode()
            sent = Sent(GRAPHQL_PATH, body, headers={"content-type": JSON, "accept": EVENTS})
            told = await driving.told(application, sent, token)
            assert told.startswith(("200 ", "400 ")), (argument, value, told)
            assert "INTERNAL_ERROR" not in told, (argument, value)


async def _ask(api: Api, name: str, variables: dict[str, Any]) -> Any:
    operation, field = ROOTS[name]
    declared = ", ".join(f"${one}: {field.args[one].type}" for one in variables)
    passed = ", ".join(f"{one}: ${one}" for one in variables)
    document = f"{operation} ({declared}) {{ {name}({passed}) {_selection(get_named_type(field.type))} }}"
    if FILE not in str([one.type for one in field.args.values()]):
        return await api.post(document, variables)
    operations = {"query": document, "variables": variables | {"file": None}}
    files = {
        "operations": (None, json.dumps(operations)),
        "map": (None, '{"0": ["variables.file"]}'),
        "0": ("list.csv", b"data_nik\n", "text/csv"),
    }
    return await api.post(files=files, headers={"GraphQL-Preflight": "1"})


def _selection(type_: GraphQLNamedType) -> str:
    if is_leaf_type(type_):
        return ""
    if isinstance(type_, GraphQLUnionType):
        return "{ __typename ... on Problem { code message } }"
    assert isinstance(type_, GraphQLObjectType)
    leaf = next((name for name, one in type_.fields.items() if is_leaf_type(get_named_type(one.type))), "__typename")
    nodes = "nodes { __typename }" if "nodes" in type_.fields else leaf
    return f"{{ {nodes} }}"


def _sent(one: GraphQLArgument) -> bool:
    return is_required_argument(one) or FILE in str(one.type)


def _plain(name: str, type_: GraphQLInputType, ids: dict[str, str]) -> object:
    """A value that is good, as far as its type tells."""
    if is_non_null_type(type_):
        return _plain(name, type_.of_type, ids)
    if is_list_type(type_):
        return [_plain(name, type_.of_type, ids)]
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        if type_.is_one_of:
            first = next(iter(type_.fields))
            return {first: _plain(first, type_.fields[first].type, ids)}
        return {
            one: _plain(one, field.type, ids) for one, field in type_.fields.items() if is_required_input_field(field)
        }
    return ids.get(name, PLAIN.get(str(type_)))


def _leaves(path: Path, type_: GraphQLInputType) -> Iterator[tuple[Path, GraphQLInputType]]:
    """Every leaf below an argument, and the path to the leaf."""
    if is_non_null_type(type_):
        yield from _leaves(path, type_.of_type)
    elif is_list_type(type_):
        yield from _leaves((*path, 0), type_.of_type)
    elif isinstance(type_, GraphQLInputObjectType):
        for name, field in type_.fields.items():
            yield from _leaves((*path, name), field.type)
    elif str(type_) != FILE:
        yield path, type_


def _extremes(type_: GraphQLInputType) -> tuple[object, ...]:
    if isinstance(type_, GraphQLEnumType):
        return (*type_.values, "", "MUSIM")
    return EXTREMES[str(type_)]


def _with(
    plain: dict[str, Any], path: Path, value: object, arguments: dict[str, GraphQLArgument], ids: dict[str, str]
) -> dict[str, Any]:
    """`plain` with `value` at `path`. What is missing on the way is made. A oneOf input has no field beside."""
    variables = deepcopy(plain)
    place: Any = variables
    type_: Any = None
    for step, following in zip(path, (*path[1:], None), strict=True):
        fields = arguments if type_ is None else type_.fields if isinstance(type_, GraphQLInputObjectType) else {}
        given: GraphQLArgument | GraphQLInputField | None = fields.get(step) if isinstance(step, str) else None
        if isinstance(type_, GraphQLInputObjectType) and type_.is_one_of:
            place.clear()
        type_ = _bare(given.type) if given is not None else _bare(type_.of_type)
        if following is None:
            place[step] = value
        elif isinstance(step, str) and step not in place:
            place[step] = _plain(step, type_, ids)
        place = place[step]
    return variables


def _bare(type_: Any) -> Any:
    return type_.of_type if is_non_null_type(type_) else type_
