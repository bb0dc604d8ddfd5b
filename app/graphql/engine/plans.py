"""How an operation is executed: by graphql-core, except that plain selections are completed by functions made once.

A selection is plain when it holds nothing but attributes, down to its leaves. Most of every answer is plain. Such a
function is a plan. Whatever a plan cannot do, also an unexpected null, is left to graphql-core, which words the errors
as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    SelectionSetNode,
    is_leaf_type,
)

from app.graphql.engine.variables import AS_THEY_ARE
from app.graphql.internals import attribute_of, class_of

Plan = Callable[[Any], Any]
"""Makes the value of the answer from the value of a resolver. It may raise any exception for what it cannot do."""


class NotPlain(Exception):  # noqa: N818 - an outcome
    """The value or the selection is for graphql-core."""


@dataclass(slots=True)
class Plans:
    """The plans of one document, by the ids of its nodes: a node's id is its own as long as the document is kept."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    made: dict[tuple[int, ...], Plan | None] = field(default_factory=dict)

    def plan(self, type_: Any, nodes: Sequence[FieldNode]) -> Plan | None:
        """None: the selection is not plain."""
        key = tuple(map(id, nodes))
        if key not in self.made:
            try:
                self.made[key] = self._value(type_, [node.selection_set for node in nodes])
            except NotPlain:
                self.made[key] = None
        return self.made[key]

    def _value(self, type_: Any, selections: Sequence[SelectionSetNode | None]) -> Plan:
        if isinstance(type_, GraphQLNonNull):
            return _never_null(self._value_or_null(type_.of_type, selections))
        return _or_null(self._value_or_null(type_, selections))

    def _value_or_null(self, type_: Any, selections: Sequence[SelectionSetNode | None]) -> Plan:
        """A plan for values that are not None."""
        if isinstance(type_, GraphQLList):
            return _each(self._value(type_.of_type, selections))
        if is_leaf_type(type_):
            return _leaf(type_)
        if isinstance(type_, GraphQLUnionType):
            return _by_class({class_of(one): self._object(one, selections) for one in type_.types})
        if isinstance(type_, GraphQLObjectType) and type_.is_type_of is None:
            return self._object(type_, selections)
        raise NotPlain

    def _object(self, type_: GraphQLObjectType, selections: Sequence[SelectionSetNode | None]) -> Plan:
        selected: dict[str, list[FieldNode]] = {}
        for selection_set in selections:
            self._collect(type_, selection_set, selected)
        constants: dict[str, Any] = {}
        parts: list[tuple[str, str, Plan]] = []
        for name, nodes in selected.items():
            if nodes[0].name.value == "__typename":
                constants[name] = type_.name
                continue
            attribute, value_type = _plain_field(type_, nodes)
            parts.append((name, attribute, self._value(value_type, [node.selection_set for node in nodes])))
        return _attributes(list(selected), constants, parts)

    def _collect(
        self, type_: GraphQLObjectType, selection_set: SelectionSetNode | None, selected: dict[str, list[FieldNode]]
    ) -> None:
        """The fields that apply to `type_`, by response name, in the order of GraphQL's CollectFields."""
        for selection in selection_set.selections if selection_set else ():
            if selection.directives:
                raise NotPlain
            if isinstance(selection, FieldNode):
                name = selection.alias.value if selection.alias else selection.name.value
                selected.setdefault(name, []).append(selection)
                continue
            inner: Any = (
                self.fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
            )
            condition = inner.type_condition
            if condition is None or self._applies(condition.name.value, type_):
                self._collect(type_, inner.selection_set, selected)

    def _applies(self, condition: str, type_: GraphQLObjectType) -> bool:
        named: Any = self.schema.get_type(condition)
        return named is type_ or (isinstance(named, GraphQLUnionType) and self.schema.is_sub_type(named, type_))


def _plain_field(type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> tuple[str, Any]:
    """The attribute that a field reads, and its type."""
    found = type_.fields.get(nodes[0].name.value)
    attribute = attribute_of(found) if found is not None and not found.args else None
    if found is None or attribute is None:
        raise NotPlain
    return attribute, found.type


def _or_null(plan: Plan) -> Plan:
    return lambda value: None if value is None else plan(value)


def _never_null(plan: Plan) -> Plan:
    def complete(value: Any) -> Any:
        if value is None:
            raise NotPlain
        return plan(value)

    return complete


def _each(plan: Plan) -> Plan:
    def complete(values: Any) -> Any:
        if values.__class__ is not list:
            raise NotPlain
        return [plan(value) for value in values]

    return complete


def _by_class(plans: dict[type, Plan]) -> Plan:
    return lambda value: plans[value.__class__](value)


def _attributes(names: Sequence[str], constants: Mapping[str, Any], parts: Sequence[tuple[str, str, Plan]]) -> Plan:
    if not constants:
        return lambda source: {name: plan(getattr(source, attribute)) for name, attribute, plan in parts}

    def complete(source: Any) -> dict[str, Any]:
        found = {name: plan(getattr(source, attribute)) for name, attribute, plan in parts}
        return {name: constants[name] if name in constants else found[name] for name in names}

    return complete


def _leaf(type_: Any) -> Plan:
    if isinstance(type_, GraphQLEnumType):
        # A member of a StrEnum is equal to its value: the member and its text both find the name.
        return {member.value: name for name, member in type_.values.items()}.__getitem__
    as_it_is = AS_THEY_ARE.get(type_)
    coerce: Plan = type_.coerce_output_value

    def complete(value: Any) -> Any:
        return value if value.__class__ is as_it_is else coerce(value)

    return complete
