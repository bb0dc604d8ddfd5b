"""What an operation really cost: its selections are counted in its answer, by the units of `limits`.

`limits` books a list at the length that it may have. An answer has the lists as they are, and of a union one member.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
)

from app.graphql.engine import limits

Count = Callable[[Mapping[str, Any]], int]
"""The units of an object of the answer."""


@dataclass(slots=True)
class _Selected:
    """Of one selection: the fields that each object has, those that it may have, and those that hold objects."""

    always: int = 0
    perhaps: list[str] = field(default_factory=list)
    holding: list[tuple[str, int, Count]] = field(default_factory=list)
    """Response name, the weight of an object there, and what the object costs beside it."""

    def count(self, found: Mapping[str, Any]) -> int:
        units = self.always
        for name in self.perhaps:
            units += name in found
        for name, weight, inner in self.holding:
            if name in found:
                units += 1 + _each(found[name], weight, inner)
        return units


def counting(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Count:
    """The function that counts answers of a valid operation."""
    return _Counting(schema, fragments).selections(operation.selection_set, schema.get_root_type(operation.operation))


@dataclass(frozen=True, slots=True)
class _Counting:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    def selections(self, selection_set: SelectionSetNode | None, type_: GraphQLNamedType | None) -> Count:
        selected = _Selected()
        self._collect(selection_set, type_, selected, is_certain=True)
        if selected.perhaps or selected.holding:
            return selected.count
        units = selected.always
        return lambda _: units

    def _collect(
        self,
        selection_set: SelectionSetNode | None,
        type_: GraphQLNamedType | None,
        selected: _Selected,
        *,
        is_certain: bool,
    ) -> None:
        for selection in selection_set.selections if selection_set else ():
            certain = is_certain and not selection.directives
            if isinstance(selection, FieldNode):
                self._add(selection, type_, selected, is_certain=certain)
                continue
            inner, on = self._fragment(selection, type_)
            self._collect(inner, on, selected, is_certain=certain and on is type_)

    def _fragment(
        self, selection: SelectionNode, type_: GraphQLNamedType | None
    ) -> tuple[SelectionSetNode, GraphQLNamedType | None]:
        named: Any = self.fragments[selection.name.value] if isinstance(selection, FragmentSpreadNode) else selection
        condition = named.type_condition
        return named.selection_set, self.schema.get_type(condition.name.value) if condition else type_

    def _add(self, node: FieldNode, type_: GraphQLNamedType | None, selected: _Selected, *, is_certain: bool) -> None:
        name = node.alias.value if node.alias else node.name.value
        found: GraphQLField | None = self.schema.get_field(type_, node.name.value) if type_ else None  # type: ignore[arg-type]
        held = get_named_type(found.type) if found else None
        selected.always += limits.weight(found) if is_certain else 0
        if node.selection_set:
            selected.holding.append((name, limits.weight(held), self.selections(node.selection_set, held)))
        elif found is not None and limits.is_list(found.type):
            selected.holding.append((name, 1, _nothing))
        elif is_certain:
            selected.always += 1
        else:
            selected.perhaps.append(name)


def _nothing(_: object) -> int:
    return 0


def _each(value: Any, weight: int, inner: Count) -> int:
    if value is None:
        return 0
    if isinstance(value, list):
        return sum([_each(one, weight, inner) for one in value])
    return weight + inner(value)
