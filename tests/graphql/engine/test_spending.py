"""What an answer cost, by what stands in it: at most what its operation was booked for."""

from __future__ import annotations

from typing import Any

import pytest

from app.config import Settings
from app.graphql.engine.operations import Operations
from app.graphql.engine.requests import OperationRequest
from app.graphql.schema import EXECUTABLE
from app.graphql.weights import OF_A_READ, OF_A_WRITE, WEIGHTS
from app.server.turns import Turns

REGISTRANT, NIK_CHECK, ROUTE = WEIGHTS["Registrant"], WEIGHTS["NikCheck"], WEIGHTS["Route"]
OF_CHECK_NIK = WEIGHTS["Query.checkNik"]
NODES = {"registrants": {"nodes": [{"id": "1", "status": "X"}] * 3}}
CHECKED = {"outcome": "REGISTERED", "standing": [{"status": "X"}] * 2}


@pytest.mark.parametrize(
    ("query", "data", "cost"),
    [
        ("{ __typename }", {"__typename": "Query"}, 1),
        ("{ registrants(first: 50) { nodes { id status } } }", NODES, 2 + OF_A_READ + 3 * (REGISTRANT + 2)),
        ("{ registrants { nodes { id status } } }", {"registrants": {"nodes": []}}, 2 + OF_A_READ),
        ("{ registrants { nodes { id status } } }", {"registrants": None}, 1 + OF_A_READ),
        (
            "{ registrants { nodes { ...all } } } fragment all on Registrant { id status }",
            NODES,
            2 + OF_A_READ + 3 * (REGISTRANT + 2),
        ),
        (
            '{ checkNik(nik: "3171030101909001") { outcome standing { status } } }',
            {"checkNik": CHECKED},
            5 + NIK_CHECK + OF_CHECK_NIK,
        ),
        (
            '{ a: route(id: "1") { id } b: route(id: "2") { id } }',
            {"a": {"id": "1"}, "b": None},
            3 + ROUTE + 2 * OF_A_READ,
        ),
        (
            'mutation { verifyRegistrant(ref: {reference: "x"}) { ... on Registrant { id } ... on Problem { code } } }',
            {"verifyRegistrant": {"code": "NOT_FOUND"}},
            2 + OF_A_WRITE,
        ),
        ("query ($no: Boolean!) { __typename @skip(if: $no) }", {}, 0),
        ("{ me { scopes } }", {"me": {"scopes": ["a", "b"]}}, 4 + OF_A_READ),
        (
            '{ _entities(representations: [{__typename: "Route", id: "1"}]) { ... on Route { id } } }',
            {"_entities": [{"id": "1"}, None]},
            2 + OF_A_READ + WEIGHTS["_Entity"],
        ),
    ],
)
def test_what_stands_in_the_answer_is_counted(query: str, data: dict[str, Any], cost: int) -> None:
    turns = Turns()
    operations = Operations(EXECUTABLE, Settings(), turns)
    found = operations.find(OperationRequest(query, {}, None))
    assert found.operation.spent(data) == cost
    told = operations.cost_told(found, "a", data)["cost"]
    assert told["actual"] == min(cost, told["requested"])
    assert told["remaining"] == turns.remaining("a")
