"""Documents: parsed, measured, validated and read for their scopes once, then kept by their text.

A refused document is kept as well, so that sending it again costs nothing. No error repeats a value of the document.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValuesOfCorrectTypeRule,
    parse,
    specified_rules,
    validate,
)

from app.graphql import permissions
from app.graphql.engine import limits
from app.graphql.engine.inputs import ValuesWithoutEcho
from app.graphql.engine.limits import Measure
from app.graphql.engine.plans import Plans
from app.graphql.failures import RequestError
from app.graphql.internals import syntax_message_without_values
from app.graphql.permissions import Alternatives

KEPT_TEXTS = 1_000
KEPT_CHARACTERS = 200_000
"""Of all kept texts together; a parsed document takes some hundred times the room of its text."""
LARGEST_KEPT = 16_000
MOST_ERRORS = 20

_NUL = re.compile(r"\\u(?:0000|\{0+\})")


@dataclass(frozen=True, slots=True)
class Operation:
    name: str | None
    node: OperationDefinitionNode
    required: tuple[Alternatives, ...]
    """Of each root field."""
    root_fields: int
    told: str
    """For the log: the root fields. An operation's own name is the client's word, and may be anybody's name."""
    measured: Measure
    """With the most that its variables may ask for."""


@dataclass(frozen=True, slots=True)
class Document:
    ast: DocumentNode
    fragments: Mapping[str, FragmentDefinitionNode]
    operations: Mapping[str | None, Operation]
    plans: Plans

    def operation(self, name: str | None) -> Operation:
        """The one that is asked for. Raises when there is no such one, or more than one and no name."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise RequestError("The document has several operations; give `operationName`", "OPERATION_NAME_MISSING")
        if name not in self.operations:
            raise RequestError("The document has no operation of that name", "OPERATION_UNKNOWN")
        return self.operations[name]


class Refused(Exception):  # noqa: N818 - an outcome
    """The document cannot be executed; `errors` say why."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("refused")
        self.errors = errors


class Documents:
    """Of one process."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept: OrderedDict[str, Document | Refused] = OrderedDict()
        self._characters = 0

    def get(self, text: str) -> Document:
        """Raises `Refused`."""
        found = self._kept.get(text)
        if found is None:
            found = self._keep(text, self._read(text))
        else:
            self._kept.move_to_end(text)
        if isinstance(found, Refused):
            raise Refused(found.errors)
        return found

    def _keep(self, text: str, read: Document | Refused) -> Document | Refused:
        if len(text) > LARGEST_KEPT:
            return read
        self._kept[text] = read
        self._characters += len(text)
        while len(self._kept) > KEPT_TEXTS or self._characters > KEPT_CHARACTERS:
            dropped, _ = self._kept.popitem(last=False)
            self._characters -= len(dropped)
        return read

    def _read(self, text: str) -> Document | Refused:
        try:
            return self._document(text)
        except GraphQLSyntaxError as error:
            return Refused([_without_values(error)])
        except RequestError as error:
            return Refused([error])
        except Refused as refused:
            return refused
        except RecursionError:
            return Refused([RequestError("The document is nested too deeply", "TOO_DEEP")])

    def _document(self, text: str) -> Document:
        if len(text) > limits.MOST_BYTES or len(text.encode()) > limits.MOST_BYTES:
            raise RequestError(f"A document has {limits.MOST_BYTES:,} bytes at most", "DOCUMENT_TOO_LARGE")
        if _NUL.search(text):
            raise limits.nul()
        ast = parse(text, max_lexical_tokens=limits.MOST_TOKENS, max_comments=limits.MOST_TOKENS)
        fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        nodes = [node for node in ast.definitions if isinstance(node, OperationDefinitionNode)]
        measures = [self._measured(node, fragments) for node in nodes]
        self._validate(ast)
        return Document(
            ast,
            fragments,
            {
                operation.name: operation
                for operation in (
                    self._operation(node, fragments, measured) for node, measured in zip(nodes, measures, strict=True)
                )
            },
            Plans(self._schema, fragments),
        )

    def _measured(self, node: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Measure:
        for variable in node.variable_definitions or ():
            default = variable.default_value
            if isinstance(default, ListValueNode) and len(default.values) > limits.MOST_ITEMS:
                raise limits.too_many_items()
        measured = limits.measure(self._schema, node, fragments)
        refused = limits.refusal(measured)
        if refused is not None:
            raise refused
        return measured

    def _validate(self, ast: DocumentNode) -> None:
        errors = validate(self._schema, ast, RULES, max_errors=MOST_ERRORS, hide_suggestions=True)
        if errors:
            raise Refused([_coded(error) for error in errors])

    def _operation(
        self, node: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], measured: Measure
    ) -> Operation:
        root = self._schema.get_root_type(node.operation)
        names = list(root_fields(node.selection_set, fragments))
        if len(names) > limits.MOST_ROOT_FIELDS:
            most = limits.MOST_ROOT_FIELDS
            raise RequestError(f"An operation has {most} root fields at most", "TOO_MANY_FIELDS", most=most)
        required: list[Alternatives] = []
        for name in names:
            field = root.fields.get(name) if root else None
            required.append((permissions.declared(field) if field else None) or ())
        return Operation(
            node.name.value if node.name else None,
            node,
            tuple(dict.fromkeys(required)),
            len(names),
            ",".join(dict.fromkeys(names)),
            measured,
        )


def root_fields(selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Sequence[str]:
    """The names of the fields selected at the root, through fragments; a skipped one counts as well."""
    names: list[str] = []
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            names.append(selection.name.value)
        elif isinstance(selection, InlineFragmentNode):
            names.extend(root_fields(selection.selection_set, fragments))
        elif isinstance(selection, FragmentSpreadNode):
            names.extend(root_fields(fragments[selection.name.value].selection_set, fragments))
    return names


RULES: tuple[type[ASTValidationRule], ...] = (
    *(ValuesWithoutEcho if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules),
)


def _coded(error: GraphQLError) -> RequestError:
    if isinstance(error, RequestError):
        return error
    return RequestError(error.message, "GRAPHQL_VALIDATION_FAILED", nodes=error.nodes)


def _without_values(error: GraphQLSyntaxError) -> RequestError:
    message = syntax_message_without_values(error.message)
    return RequestError(message, "GRAPHQL_PARSE_FAILED", source=error.source, positions=error.positions)
