"""What a hostile or clumsy operation costs before it runs: linear in its size, or refused by a bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest
from graphql import GraphQLError

from app.config import Settings
from app.graphql.engine import limits
from app.graphql.engine.documents import OperationRefused
from app.graphql.engine.operations import Operations
from app.graphql.engine.requests import NotUnderstood, parse_request
from app.graphql.failures import RequestError
from app.graphql.schema import EXECUTABLE
from app.registry.clients.scopes import SCOPES
from app.server.json_texts import MOST_SEPARATORS
from app.server.turns import Turns
from tests.growth import assert_linear, cpu_seconds

SUBMIT = "mutation($i: SubmitRegistrant!) { submitRegistrant(input: $i) { __typename } }"
SUBMITS = "mutation($i: [SubmitRegistrant!]!) { submitRegistrants(inputs: $i) { __typename } }"
CHECKS = "query($n: [NIK!]!) { checkNiks(niks: $n) { outcome } }"
TERMINALS = "query($c: String) { terminals(city: $c) { code } }"


def body(query: str, variables: Mapping[str, Any] | None = None) -> bytes:
    return orjson.dumps({"query": query, "variables": variables})


def refusals(sent: bytes) -> list[GraphQLError]:
    """What a client is told that may do everything. Nothing is executed."""
    operations = Operations(EXECUTABLE, Settings(), Turns())
    try:
        found = operations.find(parse_request(sent))
        operations.judge(found, frozenset(SCOPES))
        operations.executor(found, context=None)
    except OperationRefused as refused:
        return list(refused.errors)
    except RequestError as error:
        return [error]
    return []


def codes(sent: bytes) -> list[str]:
    return [(error.extensions or {})["code"] for error in refusals(sent)]


def prepared(body_of: Callable[[int], bytes]) -> Callable[[int], Callable[[], object]]:
    def prepare(size: int) -> Callable[[], object]:
        sent = body_of(size)
        return lambda: refusals(sent)

    return prepare


def foreign(count: int) -> dict[str, str]:
    return {f"kolom{number}": "isi" for number in range(count)}


def literal(count: int) -> bytes:
    fields = " ".join(f"k{number}: 1" for number in range(count))
    return body(f"mutation {{ submitRegistrant(input: {{ {fields} }}) {{ __typename }} }}")


@pytest.mark.parametrize(
    ("body_of", "size"),
    [
        pytest.param(lambda size: body(SUBMITS, {"i": [foreign(50)] * size}), 125, id="records with foreign columns"),
        pytest.param(lambda size: body(CHECKS, {"n": [1] * size}), 125, id="wrong items of a list"),
        pytest.param(lambda size: body(CHECKS, {"n": ["3" * 16] * size}), 125, id="right items of a list"),
        pytest.param(lambda size: body(TERMINALS, {"c": "x" * size}), 500_000, id="a long text"),
        pytest.param(lambda size: body("{ me { id } }", {"x": [{}] * size}), 12_000, id="variables of no use"),
        pytest.param(literal, 150, id="unknown fields in a literal"),
    ],
)
def test_judging_the_values_of_an_operation_takes_time_in_proportion(
    body_of: Callable[[int], bytes], size: int
) -> None:
    assert_linear(prepared(body_of), size)


def test_unknown_fields_are_counted_and_not_explained() -> None:
    assert codes(body(SUBMIT, {"i": foreign(limits.MOST_KEYS + 1)})) == ["TOO_MANY_ITEMS"]
    assert_linear(prepared(lambda size: body(SUBMIT, {"i": foreign(size)})), 5_000)


def test_an_honest_mistake_is_explained_as_far_as_somebody_reads() -> None:
    errors = refusals(body(SUBMITS, {"i": [foreign(50)] * 1_000}))
    assert len(errors) == limits.MOST_ERRORS_TOLD
    assert "needs the field `nik`" in errors[0].message


def test_a_short_literal_is_explained_in_full_and_a_long_one_by_its_first_error() -> None:
    assert len(refusals(literal(10))) > 1
    assert len(refusals(literal(200))) == 1


def test_a_text_has_a_length() -> None:
    assert codes(body(TERMINALS, {"c": "x" * limits.LONGEST_TEXT})) == []
    assert codes(body(TERMINALS, {"c": "x" * (limits.LONGEST_TEXT + 1)})) == ["BAD_USER_INPUT"]


def test_variables_that_are_not_declared_are_not_looked_at() -> None:
    assert codes(body("{ me { id } }", {"x": "x" * 1_000_000, "y": "\0", "z": [1] * 2_000})) == []


@pytest.mark.parametrize("item", [b"{}", b"[]", b"1", b'{"a":1}'])
def test_more_values_than_a_request_needs_are_not_parsed(item: bytes) -> None:
    few, many = ((b'{"query":"{ me { id } }","variables":{"x":[' + b",".join([item] * count) + b"]}}") for count in (
        MOST_SEPARATORS // 4, MOST_SEPARATORS + 1
    ))  # fmt: skip
    assert codes(few) == []
    with pytest.raises(NotUnderstood) as refused:
        parse_request(many)
    assert (refused.value.status, refused.value.code) == (413, "CONTENT_TOO_LARGE")


def operations(count: int) -> bytes:
    """Each spreads the same fragment of 600 fields."""
    fields = " ".join(f"a{number}: id" for number in range(600))
    documents = " ".join(f"query Q{number} {{ ...F }}" for number in range(count))
    return orjson.dumps({"query": f"{documents} fragment F on Query {{ me {{ {fields} }} }}", "operationName": "Q0"})


def at_one_place(count: int) -> bytes:
    """10 aliased fields, each with as many fields at one place of the answer."""
    repeated = f"organizer {{ {'code ' * 5} }} " * (count // 5)
    return body("{ " + " ".join(f"a{number}: me {{ {repeated} }}" for number in range(10)) + " }")


def apart(count: int) -> bytes:
    """As many fields as `at_one_place` has, each under a name of its own."""
    names = " ".join(f"c{number}: code" for number in range(5))
    organizers = " ".join(f"o{number}: organizer {{ {names} }}" for number in range(count // 5))
    return body("{ " + " ".join(f"a{number}: me {{ {organizers} }}" for number in range(10)) + " }")


def chained_fragments(count: int) -> bytes:
    fragments = " ".join(f"fragment F{number} on Client {{ id ...F{number + 1} }}" for number in range(count))
    return body(f"{{ me {{ ...F0 }} }} {fragments} fragment F{count} on Client {{ id }}")


def test_reading_a_document_takes_time_in_proportion() -> None:
    """Of operations that spread one fragment."""
    assert_linear(prepared(operations), 6)


def test_fields_at_one_place_of_the_answer_cost_no_more_than_others_within_their_bound() -> None:
    """Validation compares them in pairs. So they are bounded, and below the bound the pairs do not count yet."""
    most, too_many = 80, 100
    assert codes(at_one_place(most)) == codes(apart(most)) == []
    assert cpu_seconds(prepared(at_one_place)(most)) <= 2 * cpu_seconds(prepared(apart)(most))
    assert codes(at_one_place(too_many)) == ["TOO_MANY_FIELDS"]


def test_a_document_of_many_operations_is_refused_before_it_is_measured() -> None:
    assert codes(operations(limits.MOST_OPERATIONS + 1)) == ["TOO_MANY_DEFINITIONS"]


def test_fields_that_fragments_put_at_one_place_are_refused_before_they_are_compared() -> None:
    assert codes(chained_fragments(limits.MOST_MERGED - 1)) == []
    assert codes(chained_fragments(limits.MOST_MERGED)) == ["TOO_MANY_FIELDS"]
