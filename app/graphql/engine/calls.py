"""An operation of one root field, executed without graphql-core: its resolver is called, and its answer is planned.

Most operations are so: a check, a submission, a list. What graphql-core would build and look up for each of them is
built once for the document. Whatever cannot be done so is left to graphql-core: several root fields, a directive, a
literal that is no leaf, a selection that is not plain, a value that does not fit. It also words each error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Undefined,
    VariableNode,
    coerce_input_literal,
    get_nullable_type,
    is_leaf_type,
)

from app.graphql.engine.plans import Plan, Plans
from app.graphql.engine.variables import Variables
from app.graphql.internals import default_of, planned, resolver_of

Resolver = Callable[..., Awaitable[Any]]


class NotCalled(Exception):  # noqa: N818 - an outcome
    """The operation is for graphql-core."""


@dataclass(frozen=True, slots=True)
class Info:
    """All that our resolvers read of their info."""

    context: object


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a resolver gave or raised. graphql-core takes it in place of the resolver."""

    value: object
    error: Exception | None = None

    async def __call__(self) -> object:
        if self.error is not None:
            raise self.error
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class _FromVariable:
    """An argument whose value is that of a variable."""

    variable: str
    may_be_null: bool
    default: object
    """The value when the variable is left out. `Undefined`: then the argument is left out, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootCall:
    name: str
    """The name of the field in the answer."""
    resolve: Resolver
    variables: Variables
    constants: Mapping[str, Any]
    """The arguments that are the same in each request."""
    from_variables: Mapping[str, _FromVariable]
    plan: Plan

    def arguments(self, given: dict[str, Any]) -> dict[str, Any] | None:
        """What the resolver takes, of the variables that are given. None: this request is for graphql-core."""
        coerced = self.variables.coerced(given)
        if coerced is None:
            return None
        arguments = dict(self.constants)
        for name, one in self.from_variables.items():
            value = coerced.get(one.variable, one.default)
            if value is not Undefined:
                arguments[name] = value
            if not one.may_be_null and (value is None or value is Undefined):
                return None
        return arguments

    async def answered(self, context: object, arguments: Mapping[str, Any]) -> dict[str, Any] | Resolved:
        """The data of the answer; or what graphql-core has to complete, whose errors it words."""
        try:
            value = await self.resolve(None, Info(context), **arguments)
        except Exception as error:  # noqa: BLE001 - whatever a resolver raises belongs to its field
            return Resolved(None, error)
        try:
            return {self.name: await planned(self.plan, value)}
        except Exception:  # noqa: BLE001 - graphql-core completes the value again
            return Resolved(value)


def root_call(
    schema: GraphQLSchema, node: OperationDefinitionNode, plans: Plans, variables: Variables
) -> RootCall | None:
    """None: the operation is for graphql-core. The operation is valid."""
    try:
        return _root_call(schema, node, plans, variables)
    except NotCalled:
        return None


def _root_call(schema: GraphQLSchema, node: OperationDefinitionNode, plans: Plans, variables: Variables) -> RootCall:
    selected = _only_field(node)
    field = _field(schema, node, selected)
    resolve, plan = resolver_of(field), plans.plan(field.type, [selected])
    if resolve is None or plan is None:
        raise NotCalled
    given = {argument.name.value: argument for argument in selected.arguments or ()}
    constants: dict[str, Any] = {}
    from_variables: dict[str, _FromVariable] = {}
    for name, argument in field.args.items():
        found = _value(argument, given.get(name))
        if isinstance(found, _FromVariable):
            from_variables[argument.out_name or name] = found
        elif found is not Undefined:
            constants[argument.out_name or name] = found
    return RootCall(
        name=selected.alias.value if selected.alias else selected.name.value,
        resolve=resolve,
        variables=variables,
        constants=constants,
        from_variables=from_variables,
        plan=plan,
    )


def _only_field(node: OperationDefinitionNode) -> FieldNode:
    if node.operation is OperationType.SUBSCRIPTION or node.directives or len(node.selection_set.selections) != 1:
        raise NotCalled
    [selected] = node.selection_set.selections
    if not isinstance(selected, FieldNode) or selected.directives:
        raise NotCalled
    return selected


def _field(schema: GraphQLSchema, node: OperationDefinitionNode, selected: FieldNode) -> GraphQLField:
    root = schema.get_root_type(node.operation)
    field: GraphQLField | None = None if root is None else root.fields.get(selected.name.value)
    if field is None:
        raise NotCalled
    return field


def _value(argument: GraphQLArgument, given: ArgumentNode | None) -> Any:
    """A value that each request has, `Undefined`, or a `_FromVariable`."""
    if given is None:
        return default_of(argument)
    if isinstance(given.value, VariableNode):
        return _FromVariable(
            variable=given.value.name.value,
            may_be_null=not isinstance(argument.type, GraphQLNonNull),
            default=default_of(argument),
        )
    # A list or an input object may hold variables, and would be one object for all requests.
    if not is_leaf_type(get_nullable_type(argument.type)):
        raise NotCalled
    value = coerce_input_literal(given.value, argument.type)
    if value is Undefined:
        raise NotCalled
    return value
