"""Operations that are executed without graphql-core, against graphql-core itself: the same answers and errors."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import ExecutionResult, GraphQLError, VariableValues, get_variable_values

from app.config import Settings
from app.errors import NotFound, RefusalError
from app.graphql import internals
from app.graphql.engine.calls import RootCall
from app.graphql.engine.documents import OperationRefused
from app.graphql.engine.operations import FoundOperation, Operations
from app.graphql.engine.requests import OperationRequest
from app.graphql.schema import EXECUTABLE
from app.process import Process
from app.server.turns import Turns
from tests.graphql.conftest import Api
from tests.graphql.engine.conftest import context
from tests.world import nik_of

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("with_plans")]

CALLED: list[tuple[str, dict[str, Any]]] = [
    ("query($nik: NIK!) { checkNik(nik: $nik) { outcome available standing { status } } }", {"nik": nik_of(1)}),
    ("query($nik: NIK!) { one: checkNik(nik: $nik) { __typename nik } }", {"nik": nik_of(5)}),
    ("query($d: Direction, $n: NIK!) { checkNik(nik: $n, direction: $d) { outcome } }", {"n": nik_of(1)}),
    ("query($d: Direction, $n: NIK!) { checkNik(nik: $n, direction: $d) { outcome } }", {"n": nik_of(1), "d": None}),
    (
        "query($d: Direction = BALIK, $n: NIK!) { checkNik(nik: $n, direction: $d) { outcome } }",
        {"n": "1", "d": "MUDIK"},
    ),
    (f'{{ checkNik(nik: "{nik_of(2)}", direction: MUDIK, service: null) {{ outcome warnings {{ code }} }} }}', {}),
    (
        "query($n: [NIK!]!) { checkNiks(niks: $n) { nik outcome problem { code } } }",
        {"n": [nik_of(1), "12", nik_of(5)]},
    ),
    ("{ organizers { code name } }", {}),
    ("query($code: ID!) { organizer(code: $code) { name } }", {"code": "nobody"}),
    ("{ seasons { year endsOn } }", {}),
]
LEFT: list[tuple[str, dict[str, Any]]] = [
    ("query($nik: NIK!) { a: checkNik(nik: $nik) { outcome } b: checkNik(nik: $nik) { nik } }", {"nik": nik_of(1)}),
    ("query($nik: NIK!) { checkNik(nik: $nik) @skip(if: false) { outcome } }", {"nik": nik_of(1)}),
    ("query($nik: NIK!) { ...F } fragment F on Query { checkNik(nik: $nik) { outcome } }", {"nik": nik_of(1)}),
    ("query($nik: NIK!) { checkNiks(niks: [$nik]) { outcome } }", {"nik": nik_of(1)}),
    ("{ organizers { code policy { verifyWithinDays } } }", {}),
    ("{ __typename }", {}),
    ("{ _service { sdl } }", {}),
]
"""Several root fields, a directive, a fragment, a list as a literal, what is not plain, no resolver of ours."""
SEATS = 'mutation($seats: Int) { holdSeats(routeId: "x", seats: $seats) { __typename } }'


def operations() -> Operations:
    return Operations(EXECUTABLE, Settings(open_schema=True), Turns())


def found(query: str, variables: dict[str, Any]) -> FoundOperation:
    return operations().find(OperationRequest(query, variables, None))


async def by_graphql_core(one: FoundOperation, process: Process) -> ExecutionResult:
    values = get_variable_values(EXECUTABLE, one.operation.node.variable_definitions or (), one.variables)
    assert isinstance(values, VariableValues)
    fragments, plans = one.document.fragments, one.document.plans
    executor = internals.executor(EXECUTABLE, fragments, one.operation.node, plans, values, context(process))
    return await internals.executed(executor)


def told(errors: list[GraphQLError] | None) -> list[tuple[Any, ...]]:
    return [(error.message, error.path, error.locations, repr(error.original_error)) for error in errors or ()]


@pytest.mark.parametrize(("query", "variables"), CALLED)
async def test_the_answer_is_graphql_cores(process: Process, api: Api, query: str, variables: dict[str, Any]) -> None:
    await api.token()
    one = found(query, variables)
    assert one.operation.call is not None
    ours = await operations().execute(one, context(process))
    theirs = await by_graphql_core(one, process)
    assert (ours.data, told(ours.errors)) == (theirs.data, told(theirs.errors))


@pytest.mark.parametrize(("query", "variables"), LEFT)
async def test_what_has_to_be_looked_at_in_each_request_is_left(
    process: Process, api: Api, query: str, variables: dict[str, Any]
) -> None:
    await api.token()
    one = found(query, variables)
    assert one.operation.call is None
    assert (await operations().execute(one, context(process))).errors is None


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query($nik: NIK!) { checkNik(nik: $nik) { outcome } }", {}),
        ("query($nik: NIK!) { checkNik(nik: $nik) { outcome } }", {"nik": None}),
        ("query($nik: NIK!) { checkNik(nik: $nik) { outcome } }", {"nik": 7}),
        (
            "query($nik: NIK!, $d: Direction) { checkNik(nik: $nik, direction: $d) { outcome } }",
            {"nik": "1", "d": "UP"},
        ),
    ],
)
async def test_variables_that_do_not_fit_are_refused_before_anything_is_called(
    process: Process, query: str, variables: dict[str, Any]
) -> None:
    with pytest.raises(OperationRefused) as refused:
        await operations().execute(found(query, variables), context(process))
    assert [error.extensions for error in refused.value.errors] == [{"code": "BAD_USER_INPUT"}]


async def test_a_variable_that_is_null_where_a_value_has_to_be_is_graphql_cores(process: Process, api: Api) -> None:
    """GraphQL allows such a variable where the argument has a default."""
    await api.token()
    one = found(SEATS, {"seats": None})
    assert one.operation.call is not None
    ours = await operations().execute(one, context(process))
    theirs = await by_graphql_core(one, process)
    assert (ours.data, told(ours.errors)) == (theirs.data, told(theirs.errors))


class Calls:
    """A resolver of its own for an operation, which counts how often it is called."""

    def __init__(self, gives: object) -> None:
        self.gives, self.count = gives, 0

    async def __call__(self, source: object, info: object, **arguments: object) -> object:
        self.count += 1
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


def resolved_by(resolver: Calls, query: str) -> FoundOperation:
    one = found(query, {})
    call = one.operation.call
    assert call is not None
    fields = {name: getattr(call, name) for name in RootCall.__slots__}
    operation = {name: getattr(one.operation, name) for name in type(one.operation).__slots__}
    replaced = type(one.operation)(**operation | {"call": RootCall(**fields | {"resolve": resolver})})
    return FoundOperation(
        document=one.document, operation=replaced, operation_name=None, variables={}, measured=one.measured
    )


@pytest.mark.parametrize("error", [RefusalError(NotFound("season")), ValueError("a bug")])
async def test_what_a_resolver_raises_is_the_error_of_its_field(process: Process, error: Exception) -> None:
    resolver = Calls(error)
    result = await operations().execute(resolved_by(resolver, "{ o: organizers { code } }"), context(process))
    assert (result.data, resolver.count) == ({"o": None}, 1)
    [told_error] = result.errors or []
    assert (told_error.path, told_error.original_error) == (["o"], error)
    assert [(place.line, place.column) for place in told_error.locations or ()] == [(1, 3)]


async def test_what_cannot_be_planned_is_completed_by_graphql_core(process: Process) -> None:
    """A list has a null where none may be. The resolver is not called again: a mutation would be done twice."""
    resolver = Calls([None])
    result = await operations().execute(resolved_by(resolver, "{ organizers { code } }"), context(process))
    assert (result.data, resolver.count) == ({"organizers": None}, 1)
    [error] = result.errors or []
    assert error.path == ["organizers", 0]
