"""What is wrong with a value that was sent: its place and the expected type are told, the value itself never is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    type_from_ast,
)
from graphql.utilities import validate_input_literal, validate_input_value

from app.graphql.engine import limits
from app.graphql.failures import RequestError
from app.graphql.internals import LiteralRule, is_about_an_unknown_field, missing_field

LONGEST_LITERAL_EXPLAINED = 1_000
"""In characters. For a longer literal only the first error is told: graphql-core prints the whole literal into each
error.
"""


class EnoughTold(Exception):  # noqa: N818 - an outcome
    """As many errors are told as a client reads. To find each error of a large value takes seconds."""


class ValuesWithoutEcho(LiteralRule):
    """The rule of the specification about literals, with our messages."""

    def judge(self, node: ValueNode, input_type: Any) -> None:
        is_long = node.loc is not None and node.loc.end - node.loc.start > LONGEST_LITERAL_EXPLAINED

        def on_error(error: GraphQLError, path: list[str | int]) -> None:
            english, indonesian = reason(error, input_type, path)
            message = f"Invalid value{_place(path, 'at')}: {english}"
            told = f"Nilai tidak sesuai{_place(path, 'pada')}: {indonesian}"
            self.report_error(RequestError(message, "BAD_USER_INPUT", told, nodes=error.nodes or [node]))
            if is_long and not isinstance(error, RequestError):
                raise EnoughTold

        with suppress(EnoughTold):
            validate_input_literal(node, input_type, on_error, hide_suggestions=True)


def misfits(
    schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode], variables: Mapping[str, Any]
) -> list[GraphQLError]:
    """The errors of variables that graphql-core has refused: one for each place that does not fit, at least one, and at
    most `MOST_ERRORS_TOLD`.
    """
    errors: list[GraphQLError] = []
    with suppress(EnoughTold):
        for definition in definitions:
            _find_misfits(schema, definition, variables, errors)
    return errors or [
        RequestError(
            "The variables do not fit the operation", "BAD_USER_INPUT", "Variabel tidak sesuai dengan operasinya"
        )
    ]


def _find_misfits(
    schema: GraphQLSchema,
    definition: VariableDefinitionNode,
    variables: Mapping[str, Any],
    errors: list[GraphQLError],
) -> None:
    """Raises `EnoughTold`."""
    name = definition.variable.name.value
    type_: Any = type_from_ast(schema, definition.type)
    value = variables.get(name, Undefined)
    if value is Undefined and (definition.default_value or not isinstance(type_, GraphQLNonNull)):
        return

    def on_error(error: GraphQLError, path: list[str | int]) -> None:
        english, indonesian = reason(error, type_, path)
        message = f"Variable `${name}`{_place(path, 'at')}: {english}"
        told = f"Variabel `${name}`{_place(path, 'pada')}: {indonesian}"
        errors.append(RequestError(message, "BAD_USER_INPUT", told, nodes=[definition]))
        if len(errors) == limits.MOST_ERRORS_TOLD:
            raise EnoughTold

    validate_input_value(value, type_, on_error, hide_suggestions=True)


def reason(error: GraphQLError, type_: Any, path: Sequence[str | int]) -> tuple[str, str]:
    """The reason, in English and in Indonesian."""
    if isinstance(error, RequestError):
        return error.message, error.indonesian
    expected = _type_at(type_, path)
    if missing := missing_field(error):
        return (
            f"{_bare(expected)} needs the field `{missing}`",
            f"{_bare(expected)} memerlukan bidang `{missing}`",
        )
    if is_about_an_unknown_field(error):
        return f"{_bare(expected)} has no such field", f"{_bare(expected)} tidak mempunyai bidang itu"
    for around in (_bare(expected), _bare(_type_at(type_, path[:-1]))):
        if isinstance(around, GraphQLInputObjectType) and around.is_one_of:
            return (
                f"exactly one field of {around} is given, and it is not null",
                f"tepat satu bidang {around} harus diisi, dan tidak null",
            )
    return f"expected {expected}", f"seharusnya {expected}"


def _type_at(type_: Any, path: Sequence[str | int]) -> Any:
    """The type that is expected at the end of `path`, which begins in `type_`."""
    for step in path:
        type_ = _bare(type_)
        if isinstance(step, int) and isinstance(type_, GraphQLList):
            type_ = type_.of_type
        elif isinstance(step, str) and isinstance(type_, GraphQLInputObjectType):
            type_ = type_.fields[step].type
    return type_


def _bare(type_: Any) -> Any:
    """The type without `!`."""
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def _place(path: Sequence[str | int], at: str) -> str:
    return f" {at} `{'.'.join(str(step) for step in path)}`" if path else ""
