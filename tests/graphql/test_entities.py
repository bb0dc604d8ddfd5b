"""`_entities`: one batch per type, and a representation that is not ours harms no neighbour."""

from __future__ import annotations

from typing import Any

import pytest

from app.server.slices import SLICE
from tests.graphql.conftest import Api
from tests.world import HUBDAT, World, someone

pytestmark = pytest.mark.anyio

ENTITIES = """query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Organizer { name policy {
    verifyWithinDays } } ... on Terminal { city } ... on Route { name remaining } ... on Registrant { status } } }"""


TYPENAMES = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }"


async def test_entities_are_resolved_in_order(api: Api, world: World) -> None:
    route = await world.route(quota=5)
    registrant = await world.registered(someone(HUBDAT, route))
    keys = [
        {"__typename": "Route", "id": str(route)},
        {"__typename": "Organizer", "code": "hubdat"},
        {"__typename": "Organizer", "code": "nobody"},
        {"__typename": "Terminal", "code": "giwangan"},
        {"__typename": "Registrant", "id": str(registrant.id)},
        {"__typename": "Organizer", "code": "djka"},
    ]
    assert (await api.data(ENTITIES, {"r": keys}))["_entities"] == [
        {"__typename": "Route", "name": "Jakarta - Solo", "remaining": 4},
        {"__typename": "Organizer", "name": "HUBDAT", "policy": {"verifyWithinDays": 7}},
        None,
        {"__typename": "Terminal", "city": "Kota Yogyakarta"},
        {"__typename": "Registrant", "status": "REGISTERED"},
        {"__typename": "Organizer", "name": "DJKA", "policy": {"verifyWithinDays": None}},
    ]


@pytest.mark.parametrize(
    ("representation", "code"),
    [
        ({"__typename": "Nothing", "id": "1"}, "UNKNOWN_ENTITY"),
        ({"__typename": "Query"}, "UNKNOWN_ENTITY"),
        ({"__typename": ["Route"], "id": "1"}, "UNKNOWN_ENTITY"),
        ({"__typename": None}, "UNKNOWN_ENTITY"),
        ({}, "UNKNOWN_ENTITY"),
        (None, None),
        ("Route", "UNKNOWN_ENTITY"),
        (5, "UNKNOWN_ENTITY"),
        (["Route"], "UNKNOWN_ENTITY"),
        ({"__typename": "Route"}, "INVALID_ENTITY_KEY"),
        ({"__typename": "Route", "id": {"a": 1}}, "INVALID_ENTITY_KEY"),
        ({"__typename": "Route", "id": ["1"]}, "INVALID_ENTITY_KEY"),
        ({"__typename": "Route", "id": None}, "INVALID_ENTITY_KEY"),
        ({"__typename": "Route", "id": 5}, "INVALID_ENTITY_KEY"),
        ({"__typename": "Route", "id": ""}, "INVALID_ENTITY_KEY"),
        ({"__typename": "Route", "id": "x" * 65}, "INVALID_ENTITY_KEY"),
        ({"__typename": "Route", "code": "hubdat"}, "INVALID_ENTITY_KEY"),
        ({"__typename": "Organizer", "id": "hubdat"}, "INVALID_ENTITY_KEY"),
    ],
)
async def test_a_bad_representation_is_one_null_with_one_error(api: Api, representation: Any, code: str | None) -> None:
    keys = [{"__typename": "Organizer", "code": "djka"}, representation, {"__typename": "Terminal", "code": "giwangan"}]
    answer = (await api.post(TYPENAMES, {"r": keys})).json()
    if code is None:
        assert "data" not in answer
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
        return
    assert answer["data"] == {"_entities": [{"__typename": "Organizer"}, None, {"__typename": "Terminal"}]}
    [error] = answer["errors"]
    assert (error["extensions"]["code"], error["path"]) == (code, ["_entities", 1])


async def test_other_fields_of_a_representation_set_nothing(api: Api) -> None:
    key = {"__typename": "Organizer", "code": "djka", "info": 1, "context": {}, "everyone": True, "self": None}
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Organizer { name } } }"
    assert await api.data(query, {"r": [key | {"name": "X"}]}) == {"_entities": [{"name": "DJKA"}]}


async def test_an_id_that_is_none_names_nothing(api: Api) -> None:
    keys = [{"__typename": name, "id": "no-uuid"} for name in ("Route", "Registrant")]
    assert (await api.data(ENTITIES, {"r": keys}))["_entities"] == [None, None]


async def test_many_entities_take_one_statement_per_type(api: Api, world: World) -> None:
    routes = [await world.route(f"Rute {n}") for n in range(30)]
    keys: list[dict[str, str]] = [{"__typename": "Route", "id": str(route)} for route in routes]
    keys += [{"__typename": "Terminal", "code": code} for code in ("giwangan", "tirtonadi")] * 10
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Route { name } ... on Terminal { city } } }"
    await api.token()
    await api.data("{ me { id } }")
    with world.statements() as issued:
        data = await api.data(query, {"r": keys})
    assert [one["name"] for one in data["_entities"][:30]] == [f"Rute {n}" for n in range(30)]
    assert len(issued) == 2


async def test_more_than_a_thousand_representations_are_refused(api: Api) -> None:
    keys = [{"__typename": "Organizer", "code": "djka"}] * 1_001
    assert await api.code(TYPENAMES, {"r": keys}) == "TOO_MANY_ITEMS"


async def test_the_schema_is_told_to_a_gateway(api: Api) -> None:
    sdl = (await api.data("{ _service { sdl } }"))["_service"]["sdl"]
    assert 'type Organizer @key(fields: "code")' in sdl
    assert 'url: "https://specs.apollo.dev/federation/v2.9"' in sdl


async def test_of_many_each_is_at_its_place(api: Api, world: World) -> None:
    """A long list is completed in slices, by plans and by graphql-core alike."""
    many = 3 * SLICE
    keys: list[Any] = [{"__typename": "Organizer", "code": "djka"}] * many
    keys[SLICE + 5], keys[many - 1] = {"__typename": "Nothing"}, {"__typename": "Organizer", "code": "nobody"}
    for name in ("name", "policy { verifyWithinDays } name"):
        query = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on Organizer {{ {name} }} }} }}"
        content = (await api.post(query, {"r": keys})).json()
        [error] = content["errors"]
        assert (error["path"], error["extensions"]["code"]) == (["_entities", SLICE + 5], "UNKNOWN_ENTITY")
        found = [one and one["name"] for one in content["data"]["_entities"]]
        assert found == [None if place in {SLICE + 5, many - 1} else "DJKA" for place in range(many)]
