"""schemathesis makes requests from the two descriptions, good ones and bad ones: no answer is a bug, and no answer is
other than described.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.graphql import nodes
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from app.openapi.operations import OPERATIONS
from tests.openapi.conftest import Described
from tests.patience import PATIENCE_SECONDS
from tests.world import nik_of

pytestmark = pytest.mark.no_cover

EXAMPLES = 25
"""Of each operation of the other doors, good ones and bad ones."""
EXAMPLES_OF_A_FIELD = 3
"""Of each root field of GraphQL."""
CHECKS: Any = [not_a_server_error, status_code_conformance, response_schema_conformance]
UNFORESEEN = "INTERNAL_ERROR"

AnyCase = Case[Any]

schemathesis.graphql.scalar("NIK", st.integers(0, 99).map(nik_of).map(nodes.String))
schemathesis.graphql.scalar("Date", st.dates().map(str).map(nodes.String))
schemathesis.graphql.scalar("DateTime", st.datetimes().map(lambda at: nodes.String(f"{at.isoformat()}Z")))
schemathesis.graphql.scalar("Upload", st.just(nodes.Null))
schemathesis.graphql.scalar("_Any", st.text(max_size=9).map(nodes.String))


def tried(strategy: st.SearchStrategy[AnyCase], examples: int, number: int, call: Callable[[AnyCase], None]) -> None:
    """Not made smaller: the request is told as it is, and a smaller one takes long to find over HTTP."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @seed(number)
    @given(strategy)
    def each(case: AnyCase) -> None:
        call(case)

    each()


def _whole(found: Any) -> Any:
    """An operation that could be read."""
    return found.ok()


def test_the_other_doors_answer_as_they_are_described(described: Described, seeds: list[int]) -> None:
    schema = schemathesis.openapi.from_url(f"{described.server.url}/openapi.json")

    def call(case: AnyCase) -> None:
        answer = case.call(headers=described.headers, timeout=PATIENCE_SECONDS)
        case.validate_response(answer, checks=CHECKS)

    operations = [_whole(found) for found in schema.get_all_operations()]
    # schemathesis leaves out the address of the description itself.
    assert len(operations) == len(OPERATIONS) - 1
    for number in seeds:
        for operation in operations:
            modes = (
                list(GenerationMode) if [*operation.iter_parameters()] or operation.body else [GenerationMode.POSITIVE]
            )
            for mode in modes:
                tried(operation.as_strategy(generation_mode=mode), EXAMPLES, number, call)


def test_no_operation_of_graphql_is_a_bug(described: Described, seeds: list[int]) -> None:
    schema = schemathesis.graphql.from_url(f"{described.server.url}/graphql", headers=described.headers)

    def call(case: AnyCase) -> None:
        answer = case.call(headers=described.headers, timeout=PATIENCE_SECONDS)
        assert answer.status_code < 500, answer.text
        assert UNFORESEEN not in answer.text, case.body

    operations = [_whole(found) for found in schema.get_all_operations()]
    assert len(operations) > 60
    for number in seeds:
        for operation in operations:
            tried(operation.as_strategy(), EXAMPLES_OF_A_FIELD, number, call)
