"""The contract against the one that was released last: whatever breaks a client is named here, with its reason."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from graphql import (
    BreakingChange,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    find_breaking_changes,
    get_named_type,
    is_composite_type,
    parse,
    validate,
)

from app.cli.schema import RELEASED
from app.config import CHECKOUT
from app.graphql.schema import EXECUTABLE, api_sdl

FAILS_ALONE = "a root field that fails takes none of those beside it along, so it may be null"
HUBDATS_ALONE = "what only Hubdat may know is null for others"
WITHOUT_AN_ALIAS = "the same text; one selection may ask for it and for an organizer's or a terminal's code"
ANSWERS_WHAT_IT_DID = "it says whose registrants an erasure found, which a registrant cannot"

BREAKS = {
    "Field Problem.code changed type from ProblemCode! to ID!.": WITHOUT_AN_ALIAS,
    "Field Case.suspect changed type from Boolean! to Boolean.": HUBDATS_ALONE,
    "Field DuplicatePair.suspected changed type from Int! to Int.": HUBDATS_ALONE,
    "Field Mutation.eraseRegistrant changed type from RegistrantResult! to ErasureResult!.": ANSWERS_WHAT_IT_DID,
    "Field Mutation.importRegistrants changed type from ImportJob! to ImportJob.": FAILS_ALONE,
    "Field Mutation.cancelMissing changed type from ImportJob! to ImportJob.": FAILS_ALONE,
    "Field Mutation.issueClient changed type from IssuedClient! to IssuedClient.": FAILS_ALONE,
    "Field Mutation.rotateClientSecret changed type from IssuedClient! to IssuedClient.": FAILS_ALONE,
    "Field Mutation.issueWebhookSecret changed type from IssuedWebhookSecret! to IssuedWebhookSecret.": FAILS_ALONE,
    "Field Mutation.revokeClient changed type from Client! to Client.": FAILS_ALONE,
    "Field Query.me changed type from Client! to Client.": FAILS_ALONE,
    "Field Query.checkNik changed type from NikCheck! to NikCheck.": FAILS_ALONE,
    "Field Query.checkNiks changed type from [NikCheck!]! to [NikCheck!].": FAILS_ALONE,
    "Field Query.registrants changed type from RegistrantConnection! to RegistrantConnection.": FAILS_ALONE,
    "Field Query.organizers changed type from [Organizer!]! to [Organizer!].": FAILS_ALONE,
    "Field Query.routes changed type from RouteConnection! to RouteConnection.": FAILS_ALONE,
    "Field Query.terminals changed type from [Terminal!]! to [Terminal!].": FAILS_ALONE,
    "Field Query.statistics changed type from Statistics! to Statistics.": FAILS_ALONE,
    "Field Query.changes changed type from ChangeConnection! to ChangeConnection.": FAILS_ALONE,
    "Field Query.consolidation changed type from Consolidation! to Consolidation.": FAILS_ALONE,
    "Field Query.webhooks changed type from [Webhook!]! to [Webhook!].": FAILS_ALONE,
    "Field Query.cases changed type from CaseConnection! to CaseConnection.": FAILS_ALONE,
    "Field Query.nikAccesses changed type from [NikAccess!]! to [NikAccess!].": FAILS_ALONE,
}
"""What breaks a client of the last release, and why it had to. A release empties this table. Whatever can wait is
deprecated first, for a season.
"""

KINDS = ("Field", "Argument", "Enum value")
SEASON = re.compile(r"\bseason 20\d\d\b")


def released() -> GraphQLSchema:
    return build_schema((CHECKOUT / RELEASED).read_text())


def breaks(before: GraphQLSchema, now: GraphQLSchema) -> dict[str, BreakingChange]:
    """By what they are called. What the release before had deprecated may be taken away."""
    found = find_breaking_changes(before, now)
    return {one.description: one for one in found if not was_deprecated(one.description, before)}


def was_deprecated(description: str, before: GraphQLSchema) -> bool:
    """Whether something was removed of which the release before had said so."""
    return any(description == f"{kind} {name} was removed." for name in deprecated(before) for kind in KINDS)


def deprecated(schema: GraphQLSchema) -> dict[str, str]:
    """What is deprecated, and until when."""
    return {name: reason for name, reason in reasons(schema) if reason is not None}


def reasons(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    for name, type_ in schema.type_map.items():
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{name}.{value}", one.deprecation_reason) for value, one in type_.values.items())
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field, given in type_.fields.items():
                yield f"{name}.{field}", given.deprecation_reason
                if isinstance(given, GraphQLField):
                    yield from ((f"{name}.{field}({key}:)", one.deprecation_reason) for key, one in given.args.items())


def test_every_break_with_the_last_release_is_named() -> None:
    assert sorted(breaks(released(), build_schema(api_sdl()))) == sorted(BREAKS)


def test_a_deprecation_says_the_season_after_which_it_goes() -> None:
    untold = {name for name, reason in deprecated(build_schema(api_sdl())).items() if not SEASON.search(reason)}
    assert untold == set()


OLD = """
type Query {
  plain: Int, leaving: Int @deprecated(reason: "Until season 2027: use `plain`.")
  one(of: Int, by: Int @deprecated(reason: "Until season 2027.")): State
}
enum State { HERE, GONE, LEAVING @deprecated(reason: "Until season 2027.") }
"""
NEW = "type Query { one(of: Int!): State } enum State { HERE }"


def test_what_was_not_deprecated_first_is_named_as_a_break() -> None:
    assert sorted(breaks(build_schema(OLD), build_schema(NEW))) == [
        "Argument Query.one(of:) has changed type from Int to Int!.",
        "Enum value State.GONE was removed.",
        "Field Query.plain was removed.",
    ]


def selections() -> Iterator[tuple[str, str]]:
    """Of each union: everything of each of its members that needs no argument, without an alias."""
    for name, union in build_schema(api_sdl()).type_map.items():
        if isinstance(union, GraphQLUnionType):
            yield name, " ".join(f"... on {one.name} {{ {everything(one)} }}" for one in union.types)


def everything(type_: GraphQLObjectType) -> str:
    asked = {name: get_named_type(field.type) for name, field in type_.fields.items() if not field.args}
    return " ".join(f"{name} {{ __typename }}" if is_composite_type(one) else name for name, one in asked.items())


@pytest.mark.parametrize(("union", "selection"), [*selections()])
def test_one_selection_asks_for_everything_of_a_union_without_an_alias(union: str, selection: str) -> None:
    asked = GraphQLObjectType("Query", {"one": GraphQLField(EXECUTABLE.type_map[union])})  # type: ignore[arg-type]
    schema = GraphQLSchema(asked)
    assert validate(schema, parse(f"{{ one {{ {selection} }} }}")) == []
