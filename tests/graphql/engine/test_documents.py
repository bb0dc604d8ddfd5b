"""Documents: what is too much, what is kept, and that no error repeats a value."""

from __future__ import annotations

import time
from itertools import takewhile
from typing import Any

import pytest
from graphql import get_introspection_query

from app.graphql.engine import limits
from app.graphql.engine.documents import MOST_KEPT_CHARACTERS, Documents, OperationRefused
from app.graphql.engine.limits import measure
from app.graphql.schema import EXECUTABLE
from app.graphql.weights import OF_A_READ, WEIGHTS
from app.registry.clients.scopes import SCOPES

NIK = "3201010101909001"
ROOT = 1 + OF_A_READ


def codes(text: str, documents: Documents | None = None) -> list[str]:
    with pytest.raises(OperationRefused) as refused:
        (documents or Documents(EXECUTABLE, open_schema=True)).get(text)
    return [(error.extensions or {})["code"] for error in refused.value.errors]


def messages(text: str) -> list[str]:
    with pytest.raises(OperationRefused) as refused:
        Documents(EXECUTABLE, open_schema=True).get(text)
    return [error.message for error in refused.value.errors]


def cost(text: str, variables: dict[str, Any] | None = None) -> int:
    document = Documents(EXECUTABLE, open_schema=True).get(text)
    [operation] = document.operations.values()
    return measure(EXECUTABLE, operation.node, document.fragments, variables).cost


def nested_fragments(count: int) -> str:
    spreads = [f"fragment F{n} on Registrant {{ ...F{n + 1} outbound {{ ...F{n + 1} }} }}" for n in range(count)]
    return f"{{ registrants {{ nodes {{ ...F0 }} }} }} {' '.join(spreads)} fragment F{count} on Registrant {{ id }}"


def test_nested_fragments_are_measured_in_milliseconds() -> None:
    text = nested_fragments(20)
    started = time.process_time()
    assert codes(text) == ["TOO_DEEP"]
    assert time.process_time() - started < 0.5


def test_fragments_that_double_are_counted_not_walked() -> None:
    doubling = " ".join(
        f"fragment F{n} on Query {{ a{n}: me {{ id }} ...F{n + 1} b{n}: me {{ id }} ...F{n + 1} }}" for n in range(40)
    )
    started = time.process_time()
    assert codes(f"{{ ...F0 }} {doubling} fragment F40 on Query {{ me {{ id }} }}") == ["TOO_MANY_FIELDS"]
    assert time.process_time() - started < 0.5


def test_a_long_chain_of_fragments_does_not_end_the_stack() -> None:
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(limits.MOST_FRAGMENTS - 1))
    last = f"fragment F{limits.MOST_FRAGMENTS - 1} on Query {{ me {{ id }} }}"
    assert codes(f"{{ ...F0 }} {chain} {last}") == ["GRAPHQL_VALIDATION_FAILED"]


def test_fragments_in_a_circle_are_refused_by_validation() -> None:
    assert "GRAPHQL_VALIDATION_FAILED" in codes("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{ registrants { nodes {" + " outbound {" * 14 + " id" + " }" * 14 + " } } }", "TOO_DEEP"),
        ("{" * 3_000, "GRAPHQL_PARSE_FAILED"),
        ("{ me { id" + " id" * 1_000 + " } }", "TOO_MANY_FIELDS"),
        ("{" + "".join(f" a{n}: me {{ id }}" for n in range(101)) + " }", "TOO_MANY_FIELDS"),
        ("{ __typename }" + " #" * 1 + "x" * 100_000, "DOCUMENT_TOO_LARGE"),
        ("{ a" + " a" * 5_000 + " }", "GRAPHQL_PARSE_FAILED"),
        ("{ checkNiks(niks: [" + f'"{NIK}" ' * 1_001 + "]) { outcome } }", "TOO_MANY_ITEMS"),
        ("query($n: [NIK!]! = [" + f'"{NIK}" ' * 1_001 + "]) { checkNiks(niks: $n) { outcome } }", "TOO_MANY_ITEMS"),
        ("".join(f"query Q{n} {{ me {{ id }} }}" for n in range(51)), "TOO_MANY_DEFINITIONS"),
        ("{ me { id } }" + "fragment F on Query { me { id } }" * 201, "TOO_MANY_DEFINITIONS"),
        ("{" + ("me { " + "id " * 11 + "} ") * 10 + "}", "TOO_MANY_FIELDS"),
        ("{ me {" + " ...F" * 11 + " } } fragment F on Client {" + " id" * 10 + " }", "TOO_MANY_FIELDS"),
        ("{" + ("... { me { " + "id " * 11 + "} } ") * 10 + "}", "TOO_MANY_FIELDS"),
        ('{ terminals(city: "a\\u0000b") { code } }', "BAD_USER_INPUT"),
        ('{ terminals(city: "a\\u{0}b") { code } }', "BAD_USER_INPUT"),
    ],
)
def test_what_is_too_much(text: str, code: str) -> None:
    assert codes(text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "{ registrants { nodes {" + " id" * 900 + " } } }",
        "{ registrants { nodes {" + " ... { id }" * 700 + " } } }",
        "{ registrants { nodes {" + " ...F" * 900 + " } } } fragment F on Registrant { id }",
    ],
)
def test_repeated_fields_do_not_stall_validation(text: str) -> None:
    started = time.process_time()
    assert codes(text) == ["TOO_MANY_FIELDS"]
    assert time.process_time() - started < 0.5


def test_many_fields_do_not_stall_validation() -> None:
    sets = " ".join(f"a{n}: organizer(code: 1) {{ ...F ... {{ {' '.join(['name'] * 20)} }} }}" for n in range(40))
    started = time.process_time()
    Documents(EXECUTABLE, open_schema=True).get(f"{{ {sets} }} fragment F on Organizer {{ name code }}")
    assert time.process_time() - started < 2


def test_a_gateways_aliases_have_room() -> None:
    aliases = " ".join(
        f'a{n}: organizer(code: "a{n}") {{ code name policy {{ verifyWithinDays }} }}' for n in range(30)
    )
    document = Documents(EXECUTABLE, open_schema=True).get(f"{{ {aliases} }}")
    assert document.operation(None).root_fields == 30


def test_the_usual_introspection_is_allowed() -> None:
    for text in (get_introspection_query(), get_introspection_query(input_value_deprecation=True)):
        document = Documents(EXECUTABLE, open_schema=True).get(text)
        assert limits.too_costly(document.operation(None).measured) is None


def test_lists_multiply_what_is_in_them() -> None:
    registrant, check = WEIGHTS["Registrant"], WEIGHTS["NikCheck"]
    assert cost("{ me { id } }") == ROOT + 1
    assert cost("{ registrants { nodes { id name } } }") == ROOT + 50 * (1 + registrant + 2)
    assert cost("{ registrants(first: 200) { nodes { id name } } }") == ROOT + 200 * (1 + registrant + 2)
    assert cost("{ registrants(first: 5000) { nodes { id name } } }") == ROOT + 200 * (1 + registrant + 2)
    assert cost("query($n: Int!) { registrants(first: $n) { nodes { id } } }") == ROOT + 200 * (1 + registrant + 1)
    assert cost("query($n: Int!) { registrants(first: $n) { nodes { id } } }", {"n": 3}) == ROOT + 3 * (
        1 + registrant + 1
    )
    assert cost("{ organizers { routes(first: 10) { nodes { id } } } }") == ROOT + 100 * (
        1 + 10 * (1 + WEIGHTS["Route"] + 1)
    )
    assert cost("query($n: [NIK!]!) { checkNiks(niks: $n) { outcome } }") == ROOT + 1_000 * (check + 1)
    assert cost("query($n: [NIK!]!) { checkNiks(niks: $n) { outcome } }", {"n": [NIK] * 4}) == ROOT + 4 * (check + 1)
    assert cost(f'{{ checkNiks(niks: ["{NIK}", "{NIK}"]) {{ outcome warnings {{ code }} }} }}') == ROOT + 2 * (
        check + 1 + 1 + 1
    )
    assert cost("fragment F on Query { me { id } } { ...F ... on Query { me { scopes } } }") == 2 * ROOT + 1 + len(
        SCOPES
    )


def test_documents_are_kept_by_their_text() -> None:
    documents = Documents(EXECUTABLE, open_schema=True)
    assert documents.get("{ __typename }") is documents.get("{ __typename }")
    assert codes("{ nothing }", documents) == codes("{ nothing }", documents) == ["GRAPHQL_VALIDATION_FAILED"]


def test_what_is_kept_is_bounded() -> None:
    documents = Documents(EXECUTABLE, open_schema=True)
    texts = [f"{{ a{n}: __typename }} #{'x' * 15_000}" for n in range(40)]
    read = {text: documents.get(text) for text in texts}
    # From the newest on: what is not kept any more is read again, and puts the oldest out.
    kept = list(takewhile(lambda text: documents.get(text) is read[text], reversed(texts)))
    assert len(kept) == MOST_KEPT_CHARACTERS // len(texts[-1])


def test_a_large_document_is_executed_but_not_kept() -> None:
    documents = Documents(EXECUTABLE, open_schema=True)
    large = "{ __typename } #" + "x" * 20_000
    assert documents.get(large) is not documents.get(large)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{{ "{NIK}" }}', "Syntax Error: Expected Name, found String"),
        (f'{{ checkNik("{NIK}") }}', "Syntax Error: Expected Name, found String"),
        (f"{{ checkNik(nik: {NIK}x) }}", "Syntax Error: Invalid number, expected digit but got"),
        (f'{{ checkNik(nik: "{NIK}', "Syntax Error: Unterminated string"),
        ("{ Budi O'Brien }", "Syntax Error: Unexpected single quote character"),
        ("} x", "Syntax Error: Unexpected '}'"),
        ("{ me { id } ", "Syntax Error: Expected Name, found <EOF>"),
        (f'query "}}\' {NIK}"', "Syntax Error: Expected '{', found String"),
        (f'query """}}\' {NIK}"""', "Syntax Error: Expected '{', found BlockString"),
        (f'{{ checkNik(nik: "\\q{NIK}") }}', "Syntax Error: Invalid character escape sequence"),
    ],
)
def test_a_syntax_error_does_not_repeat_what_was_written(text: str, message: str) -> None:
    [told] = messages(text)
    assert told == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{{ checkNik(nik: {NIK}) {{ outcome }} }}",
            "Invalid value: A NIK is a string of 16 digits, never a number: numbers lose digits",
        ),
        (f'{{ checkNik(nik: "{NIK * 5}") {{ outcome }} }}', "Invalid value: A NIK is a string of 16 digits"),
        (f'{{ checkNik(nik: "1", direction: "{NIK}") {{ outcome }} }}', "Invalid value: expected Direction"),
        (f'{{ registrants(first: "{NIK}") {{ nodes {{ id }} }} }}', "Invalid value: expected Int!"),
        (
            f'{{ registrants(where: {{ season: "{NIK}" }}) {{ nodes {{ id }} }} }}',
            "Invalid value at `season`: expected Int",
        ),
        (
            f'{{ registrants(where: {{ budi: "{NIK}" }}) {{ nodes {{ id }} }} }}',
            "Invalid value: RegistrantFilter has no such field",
        ),
        (
            "{ registrant(ref: { nik: { service: PASSENGER } }) { id } }",
            "Invalid value at `nik`: NikRef needs the field `nik`",
        ),
        (
            '{ registrants(where: { registeredFrom: "2026-03-05T08:00:00" }) { nodes { id } } }',
            (
                "Invalid value at `registeredFrom`: A DateTime is an ISO 8601 string with a zone, such as"
                " 2026-03-05T08:00:00+07:00, in 1900–2199"
            ),
        ),
    ],
)
def test_a_literal_that_does_not_fit_is_not_repeated(text: str, message: str) -> None:
    assert messages(text) == [message]


def test_exactly_one_field_of_a_reference_is_given() -> None:
    for ref in ("{}", '{ id: "1", reference: "x" }', "{ id: null }"):
        assert all(NIK not in told for told in messages(f"{{ registrant(ref: {ref}) {{ id }} }}"))
