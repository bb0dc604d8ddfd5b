"""The variables of an operation, coerced by functions made once for each type.

Such a function takes a JSON value of the kind that its type asks for, and makes of it what graphql-core would make.
Whatever the function cannot do, also any value that does not fit, is left to graphql-core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    Undefined,
    VariableDefinitionNode,
    VariableValues,
    get_variable_values,
    is_required_input_field,
)

from app.graphql.internals import Variable, default_of

Coercion = Callable[[Any], Any]
"""Makes what a resolver gets of a JSON value. It may raise any exception for a value that is for graphql-core."""

AS_THEY_ARE = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
"""Scalars, and the type whose values they take and answer as they are."""


class NotCoerced(Exception):  # noqa: N818 - an outcome
    """The value is for graphql-core."""


class Variables:
    """The variables of one operation."""

    def __init__(self, schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode]) -> None:
        self._schema, self._definitions = schema, definitions
        variables = [Variable(schema, definition) for definition in definitions]
        self.names = tuple(variable.name for variable in variables)
        self._each = [(variable, coercion(variable.type)) for variable in variables]

    def values(self, given: dict[str, Any]) -> VariableValues | None:
        """As graphql-core takes them. None: they do not fit the operation."""
        coerced = self.coerced(given)
        if coerced is not None:
            return VariableValues(
                {one.name: one.source(given.get(one.name, Undefined)) for one, _ in self._each}, coerced
            )
        # Its errors are not told: `engine.inputs` words them. Without this bound it explains up to 50 first.
        found = get_variable_values(self._schema, self._definitions, given, max_errors=0, hide_suggestions=True)
        return found if isinstance(found, VariableValues) else None

    def coerced(self, given: dict[str, Any]) -> dict[str, Any] | None:
        """The values of those that are given. None: graphql-core has to coerce them."""
        try:
            return self._coerced(given)
        except Exception:  # noqa: BLE001 - graphql-core coerces them again
            return None

    def _coerced(self, given: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for variable, coerce in self._each:
            if variable.name in given:
                values[variable.name] = coerce(given[variable.name])
            elif variable.has_default or isinstance(variable.type, GraphQLNonNull):
                raise NotCoerced
        return values


def coercion(type_: Any) -> Coercion:
    if isinstance(type_, GraphQLNonNull):
        return _never_null(coercion_of_value(type_.of_type))
    return _or_null(coercion_of_value(type_))


def coercion_of_value(type_: Any) -> Coercion:
    """For values that are not None."""
    if isinstance(type_, GraphQLList):
        return _each(coercion(type_.of_type))
    if isinstance(type_, GraphQLInputObjectType):
        return _object(type_)
    if isinstance(type_, GraphQLEnumType):
        return {name: type_.coerce_input_value(name) for name in type_.values}.__getitem__
    return _scalar(AS_THEY_ARE.get(type_), type_.coerce_input_value)


def _or_null(coerce: Coercion) -> Coercion:
    return lambda value: None if value is None else coerce(value)


def _never_null(coerce: Coercion) -> Coercion:
    def coerced(value: Any) -> Any:
        if value is None:
            raise NotCoerced
        return coerce(value)

    return coerced


def _scalar(as_it_is: type | None, coerce: Coercion) -> Coercion:
    if as_it_is is None:
        return coerce
    return lambda value: value if value.__class__ is as_it_is else coerce(value)


def _each(coerce: Coercion) -> Coercion:
    def coerced(values: Any) -> list[Any]:
        """graphql-core takes a single value for a list of one."""
        if values.__class__ is not list:
            raise NotCoerced
        return [coerce(value) for value in values]

    return coerced


@cache
def _object(type_: GraphQLInputObjectType) -> Coercion:
    """No input object of ours holds another of its own type."""
    fields = {name: (field.out_name or name, coercion(field.type)) for name, field in type_.fields.items()}
    required = {name for name, field in type_.fields.items() if is_required_input_field(field)}
    defaults = {field.out_name or name: default_of(field) for name, field in type_.fields.items()}
    defaults = {name: default for name, default in defaults.items() if default is not Undefined}
    make, is_one_of = type_.out_type, type_.is_one_of

    def coerced(value: Any) -> Any:
        if value.__class__ is not dict or not required <= value.keys():
            raise NotCoerced
        if is_one_of and (len(value) != 1 or None in value.values()):
            raise NotCoerced
        made = defaults.copy()
        for name, inner in value.items():
            out_name, coerce = fields[name]
            made[out_name] = coerce(inner)
        return make(made)

    return coerced
