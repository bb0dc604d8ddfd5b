"""Coerced variables against graphql-core itself: the same values of whatever fits, and nothing of what does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableValues,
    build_schema,
    get_variable_values,
    parse,
    type_from_ast,
)
from hypothesis import strategies as st
from strawberry import ID

from app.graphql.engine import variables
from app.graphql.engine.variables import Variables
from app.graphql.scalars import NIK
from app.graphql.schema import EXECUTABLE
from app.graphql.topics.registrant_inputs import ApplicantInput, SubmitRegistrant
from app.graphql.vocabulary import IdentityDocument
from tests.examples import given
from tests.world import nik_of

ROOTS = [root for root in (EXECUTABLE.query_type, EXECUTABLE.mutation_type) if root is not None]
TYPES = sorted(
    {str(argument.type) for root in ROOTS for field in root.fields.values() for argument in field.args.values()}
)
"""What variables may be of, as documents write it."""

SUBMIT = "mutation($given: [SubmitRegistrant!]!) { submitRegistrants(inputs: $given) { __typename } }"
PERSON = {"nik": nik_of(1), "name": "Siti Aminah", "routeId": "7", "identityDocument": "KTP"}

OF_SCALARS = {
    "Int": st.sampled_from([0, 1, -1, 200, 2**31 - 1, 2**31, 3.0]),
    "Boolean": st.booleans(),
    "DateTime": st.sampled_from(["2026-03-05T08:00:00+07:00", "2026-03-05T01:00:00Z", "2026-03-05T08:00:00"]),
    "Date": st.sampled_from(["2026-03-05", "2026-02-29"]),
    "NIK": st.sampled_from([nik_of(1), "12", "1" * 65]),
}
"""The rest is text. Some of these are refused."""
ONE_KIND = {"Upload": {False}, "Upload!": {False}}
"""JSON never is an upload."""
OF_ANYTHING = st.sampled_from(
    [None, True, 0, 7, 1.5, 2.0, "", "KTP", "x", [], ["x"], [None], {}, {"nik": "x"}, {"id": "x", "reference": None}]
)


def values(type_: Any) -> st.SearchStrategy[Any]:
    """JSON that mostly fits `type_`."""
    fitting = _fitting(type_.of_type if isinstance(type_, GraphQLNonNull) else type_)
    others = OF_ANYTHING if isinstance(type_, GraphQLNonNull) else st.none()
    return st.one_of(*[fitting] * 15, others, OF_ANYTHING)


def _fitting(type_: Any) -> st.SearchStrategy[Any]:
    if isinstance(type_, GraphQLList):
        return st.lists(values(type_.of_type), max_size=3)
    if isinstance(type_, GraphQLEnumType):
        return st.sampled_from(sorted(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        return _objects(type_)
    return OF_SCALARS.get(type_.name, st.sampled_from(["x", "", "7", "Kota Surakarta"]))


def _objects(type_: GraphQLInputObjectType) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: values(field.type) for name, field in type_.fields.items()}
    if type_.is_one_of:
        return st.one_of(*(st.fixed_dictionaries({name: of}) for name, of in fields.items()))
    needed = {name: of for name, of in fields.items() if isinstance(type_.fields[name].type, GraphQLNonNull)}
    others = {name: of for name, of in fields.items() if name not in needed}
    return st.one_of(
        *[st.fixed_dictionaries(needed, optional=others)] * 9,
        st.fixed_dictionaries({}, optional=fields | {"nothingOfOurs": OF_ANYTHING}),
    )


def definitions(document: str) -> tuple[VariableDefinitionNode, ...]:
    [operation] = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return tuple(operation.variable_definitions or ())


def of_type(type_: str, default: str = "") -> tuple[VariableDefinitionNode, ...]:
    return definitions(f"query($given: {type_}{default}) {{ x }}")


def assert_as_graphql_core(nodes: tuple[VariableDefinitionNode, ...], sent: dict[str, Any]) -> VariableValues | None:
    ours = Variables(EXECUTABLE, nodes).values(sent)
    theirs = get_variable_values(EXECUTABLE, nodes, sent)
    if not isinstance(theirs, VariableValues):
        assert ours is None
        return None
    assert ours is not None
    assert ours.coerced == theirs.coerced
    assert list(ours.coerced) == list(theirs.coerced)
    assert sources(ours) == sources(theirs)
    assert typed(ours.coerced) == typed(theirs.coerced)
    return ours


def sources(found: VariableValues) -> list[tuple[object, ...]]:
    """By what they say: a type of a document is made each time that the document is read for it."""
    return [
        (name, source.signature.name, str(source.signature.type), bool(source.signature.default), source.value)
        for name, source in found.sources.items()
    ]


def typed(value: Any) -> Any:
    """The types in a value, down to its leaves: 1 is equal to True and to 1.0."""
    if isinstance(value, dict):
        return {name: typed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    inner = vars(value) if hasattr(value, "__dataclass_fields__") else None
    return type(value), inner and typed(inner)


@pytest.mark.parametrize("type_", TYPES)
def test_whatever_is_sent_becomes_what_graphql_core_makes_of_it(type_: str) -> None:
    nodes = of_type(type_)
    fitted = []

    @given(values(type_from_ast(EXECUTABLE, nodes[0].type)))
    def compare(value: object) -> None:
        fitted.append(assert_as_graphql_core(nodes, {"given": value}) is not None)

    compare()
    assert_as_graphql_core(nodes, {})
    assert_as_graphql_core(nodes, {"given": None})
    # Both are compared: what fits, and what does not.
    assert {*fitted} == ONE_KIND.get(type_, {True, False})


@pytest.fixture
def by_us_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """graphql-core is not asked."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(variables, "get_variable_values", refuse)
        yield


@pytest.mark.usefixtures("with_plans", "by_us_alone")
def test_a_bulk_that_fits_is_coerced_without_graphql_core() -> None:
    people = [PERSON, PERSON | {"bookedBy": {"nik": nik_of(2), "name": "Budi"}, "reference": None}]
    found = Variables(EXECUTABLE, definitions(SUBMIT)).values({"given": people})
    assert found is not None
    one, other = found.coerced["given"]
    assert one == SubmitRegistrant(
        nik=NIK(nik_of(1)), name="Siti Aminah", route_id=ID("7"), identity_document=IdentityDocument.KTP
    )
    assert (other.booked_by, other.reference) == (ApplicantInput(nik=NIK(nik_of(2)), name="Budi"), None)


@pytest.mark.usefixtures("with_plans", "by_us_alone")
def test_a_variable_that_may_be_left_out_is_no_matter_for_graphql_core() -> None:
    found = Variables(EXECUTABLE, of_type("RegistrantFilter")).values({})
    assert found is not None
    assert (found.coerced, list(found.sources)) == ({}, ["given"])


@pytest.mark.parametrize("sent", [{}, {"given": None}, {"given": "MUDIK"}, {"given": "x"}])
def test_defaults_are_those_of_graphql_core(sent: dict[str, Any]) -> None:
    assert_as_graphql_core(of_type("Direction", " = BALIK"), sent)
    assert_as_graphql_core(of_type("Direction!", " = BALIK"), sent)


def test_a_single_value_is_a_list_of_one() -> None:
    nodes = definitions(SUBMIT)
    found = assert_as_graphql_core(nodes, {"given": PERSON})
    assert found is not None
    assert len(found.coerced["given"]) == 1


SIMPLE: GraphQLSchema = build_schema(
    """
    input Inner { a: Int = 3, b: [Int!] = [1, 2] }
    input Outer { inner: Inner, many: [[Inner!]] = [], id: ID!, flag: Boolean = true }
    type Query { x(given: Outer): Int }
    """
)


@pytest.mark.parametrize(
    "sent",
    [
        {"id": 7},
        {"id": "7", "inner": {}},
        {"id": 7.5},
        {"id": "7", "inner": {"a": None, "b": 4}, "flag": None},
        {"id": "7", "many": [[{"b": [5]}], None]},
        {"id": "7", "many": [[None]]},
        {"inner": {}},
    ],
)
def test_defaults_of_fields_are_those_of_graphql_core(sent: dict[str, Any]) -> None:
    nodes = of_type("Outer")
    theirs = get_variable_values(SIMPLE, nodes, {"given": sent})
    ours = Variables(SIMPLE, nodes).values({"given": sent})
    assert (ours and ours.coerced) == (theirs.coerced if isinstance(theirs, VariableValues) else None)
