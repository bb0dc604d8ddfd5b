"""Plans against graphql-core itself: the same answer, in the same order, for whatever is selected."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import ExecutionResult, VariableValues, execute, parse
from strawberry import ID
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.graphql import internals
from app.graphql.engine.documents import Documents
from app.graphql.engine.plans import NotPlain, Plans
from app.graphql.schema import EXECUTABLE
from app.graphql.topics.catalogue import Organizer
from app.process import Process
from tests.graphql.conftest import Api
from tests.graphql.engine.conftest import context
from tests.world import nik_of

pytestmark = pytest.mark.anyio

QUERIES = [
    "{ checkNik(nik: $nik) { nik outcome available standing { organizer { code name } status registeredOn own } } }",
    """{ checkNik(nik: $nik) { __typename a: nik b: nik block { reason }
         standing { __typename organizer { __typename code } } } }""",
    """{ a: checkNik(nik: $nik) { ...F ...G } b: checkNik(nik: $free) { ...G } }
       fragment F on NikCheck { outcome standing { status } }
       fragment G on NikCheck { nik standing { own organizer { code } } warnings { code message } }""",
    """{ checkNik(nik: $nik) { ... { outcome } ... on NikCheck { available } problem { code }
         ... @include(if: true) { nik } } }""",
    "{ checkNik(nik: $nik) { nik @skip(if: true) outcome } }",
    "{ checkNik(nik: $nik) { outcome standing { organizer { code policy { verifyWithinDays } } status } } }",
    '{ checkNiks(niks: [$nik, "12", $free]) { nik outcome problem { code message field } standing { status } } }',
    "{ registrants { nodes { id nik status statusCode identityDocument registeredAt late } pageInfo { endCursor } } }",
    """{ registrants(first: 1) { nodes { id route { name organizer { code } } history { to at } }
         edges { node { id } } } }""",
    """{ organizers { code name } terminals { code kind }
         routes { nodes { id mode departsAt reportBy quota origin { city } } } }""",
    '{ organizer(code: "nobody") { name } route(id: "x") { id } me { id scopes organizer { name } } }',
    """{ _entities(representations: [$organizer, $nothing]) {
         __typename ... on Organizer { name } ... on Route { id } } }""",
]


def filled(query: str) -> str:
    for name, value in {
        "$nik": f'"{nik_of(1)}"',
        "$free": f'"{nik_of(5)}"',
        "$organizer": '{ __typename: "Organizer", code: "djka" }',
        "$nothing": '{ __typename: "Nothing" }',
    }.items():
        query = query.replace(name, value)
    return query


@pytest.mark.parametrize("query", QUERIES)
async def test_the_answer_is_graphql_cores(process: Process, api: Api, query: str) -> None:
    await api.token()
    document = Documents(EXECUTABLE, open_schema=True).get(filled(query))
    node, nothing = document.operation(None).node, VariableValues({}, {})
    executor = internals.executor(EXECUTABLE, document.fragments, node, document.plans, nothing, context(process))
    ours = await internals.executed(executor)
    theirs = execute(
        EXECUTABLE,
        parse(filled(query)),
        context_value=context(process),
        executor_class=StrawberryGraphQLCoreExecutionContext,
    )
    expected = theirs if isinstance(theirs, ExecutionResult) else await theirs
    assert ours.data == expected.data
    assert in_order(ours.data) == in_order(expected.data)
    assert [(error.message, error.path) for error in ours.errors or ()] == [
        (error.message, error.path) for error in expected.errors or ()
    ]


def in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, in_order(inner)) for name, inner in value.items()]
    return [in_order(inner) for inner in value] if isinstance(value, list) else value


def plan(query: str, field: str) -> Any:
    document = Documents(EXECUTABLE, open_schema=True).get(query)
    [operation] = document.operations.values()
    [node] = operation.node.selection_set.selections
    assert EXECUTABLE.query_type is not None
    return Plans(EXECUTABLE, document.fragments).plan(EXECUTABLE.query_type.fields[field].type, [node])  # type: ignore[list-item]


@pytest.mark.usefixtures("with_plans")
def test_a_plan_is_made_once() -> None:
    document = Documents(EXECUTABLE, open_schema=True).get("{ organizers { code } }")
    [operation] = document.operations.values()
    nodes: Any = operation.node.selection_set.selections
    assert EXECUTABLE.query_type is not None
    type_ = EXECUTABLE.query_type.fields["organizers"].type
    assert document.plans.plan(type_, nodes) is document.plans.plan(type_, nodes) is not None


@pytest.mark.parametrize(
    "query",
    [
        "{ organizers { code policy { verifyWithinDays } } }",
        "{ organizers { code @skip(if: false) } }",
        "{ organizers { ... @include(if: true) { code } } }",
        "{ organizers { routes { nodes { id } } } }",
    ],
)
def test_what_is_not_plain_has_no_plan(query: str) -> None:
    assert plan(query, "organizers") is None


@pytest.mark.usefixtures("with_plans")
def test_a_plan_reads_attributes() -> None:
    organizers = [Organizer(code=ID("hubdat"), name="Hubdat"), Organizer(code=ID("djka"), name="DJKA")]
    assert plan("{ organizers { n: name __typename code } }", "organizers")(organizers) == [
        {"n": "Hubdat", "__typename": "Organizer", "code": "hubdat"},
        {"n": "DJKA", "__typename": "Organizer", "code": "djka"},
    ]


@pytest.mark.usefixtures("with_plans")
def test_a_plan_lets_a_list_be_null_that_may_be() -> None:
    assert plan("{ organizers { code name } }", "organizers")(None) is None


@pytest.mark.usefixtures("with_plans")
@pytest.mark.parametrize("value", [[None], (1, 2), [Organizer(code=ID("x"), name=None)]])  # type: ignore[arg-type]
def test_a_plan_gives_up_on_what_may_not_be(value: Any) -> None:
    with pytest.raises(NotPlain):
        plan("{ organizers { code name } }", "organizers")(value)
