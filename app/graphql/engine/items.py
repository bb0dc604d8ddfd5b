"""How many items a mutation writes: those of the lists in its document and in its variables.

Items of a list that stands within an item are not counted: no input of the schema has any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphql import ConstValueNode, FieldNode, ListValueNode, ObjectValueNode, OperationDefinitionNode, ValueNode


def in_document(node: OperationDefinitionNode, root_fields: Iterable[FieldNode]) -> int:
    """Each root field may take the list that is a variable's default."""
    fields = list(root_fields)
    written = sum(in_literal(argument.value) for field in fields for argument in field.arguments or ())
    defaults = sum(in_literal(one.default_value) for one in node.variable_definitions or ())
    return written + len(fields) * defaults


def in_literal(value: ValueNode | ConstValueNode | None) -> int:
    if isinstance(value, ListValueNode):
        return len(value.values)
    if isinstance(value, ObjectValueNode):
        return sum(in_literal(field.value) for field in value.fields)
    return 0


def in_values(values: Iterable[object]) -> int:
    """Of variables, each as it came in JSON: a list of inputs, or a list in an input."""
    return sum(
        len(value) if isinstance(value, list) else _in_object(value)
        for value in values
        if isinstance(value, list | dict)
    )


def _in_object(value: Mapping[str, object]) -> int:
    return sum(len(one) for one in value.values() if isinstance(one, list))
