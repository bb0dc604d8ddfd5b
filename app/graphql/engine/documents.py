"""Documents: each is parsed, measured, validated and read for its scopes once, then kept by its text.

A refused document is kept as well: whoever sends it again costs the process nothing. No error repeats a value of the
document, since the value may be a NIK or a name.
"""

from __future__ import annotations

import gc
import re
from collections import OrderedDict
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    ListValueNode,
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    ValuesOfCorrectTypeRule,
    VariablesInAllowedPositionRule,
    parse,
    specified_rules,
    validate,
)

from app.graphql import permissions
from app.graphql.engine import items, limits, sentences, spending, tokens
from app.graphql.engine.calls import RootCall, root_call
from app.graphql.engine.inputs import ValuesWithoutEcho
from app.graphql.engine.limits import Measure, Measuring
from app.graphql.engine.plans import Plans
from app.graphql.engine.variables import Variables
from app.graphql.failures import RequestError
from app.graphql.internals import syntax_message_without_values
from app.graphql.permissions import Alternatives

MOST_KEPT_DOCUMENTS = 1_000
MOST_KEPT_CHARACTERS = 100_000
"""All kept texts together are at most this long. A parsed document takes some hundred times the memory of its text, and
the garbage collector looks at all of them: with 200,000 characters that took 0.1 to 0.2 seconds.
"""
LONGEST_KEPT_DOCUMENT = 16_000
"""In characters. A longer document is read again each time that it comes."""

LEAST_COST_OF_READING, MOST_COST_OF_READING = 200, 3 * limits.MOST_DOCUMENT_TOKENS
"""In units. A document of 30 characters takes a millisecond to be read; each character more takes up to 5 microseconds,
each token up to 15 (November 2026: 16 kinds of documents at three sizes; tokens end at their bound).
"""

_NUL = re.compile(r"\\u(?:0000|\{0+\})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    name: str | None
    node: OperationDefinitionNode
    variables: Variables
    required: tuple[Alternatives, ...]
    """The scopes that the root fields ask for."""
    root_fields: int
    items: int
    """Of lists that stand in the document."""
    root_field_names: str
    """What the log calls the operation. Its own name is the client's word, and may be the name of a person."""
    measured: Measure
    """As if its variables asked for the most that is allowed."""
    spent: spending.Count
    """What an answer of it costs."""
    call: RootCall | None
    """How it is executed without graphql-core. None: graphql-core has to."""


@dataclass(frozen=True, slots=True)
class Document:
    fragments: Mapping[str, FragmentDefinitionNode]
    operations: Mapping[str | None, Operation]
    plans: Plans

    def operation(self, name: str | None) -> Operation:
        """The operation of that name, or the only one of the document. Raises `RequestError`."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise RequestError(
                "The document has several operations; give `operationName`",
                "OPERATION_NAME_MISSING",
                "Dokumen memuat beberapa operasi; sebutkan `operationName`",
            )
        if name not in self.operations:
            raise RequestError(
                "The document has no operation of that name",
                "OPERATION_UNKNOWN",
                "Dokumen tidak memuat operasi dengan nama itu",
            )
        return self.operations[name]


@dataclass(slots=True)
class DocumentReading:
    """The reading of a document: each item is the end of a step, and `document` is there behind the last item.

    The longest step takes a third of all. Iterating raises `OperationRefused`.
    """

    steps: Generator[None, None, Document]
    document: Document = field(init=False)

    def __iter__(self) -> Iterator[None]:
        self.document = yield from self.steps


class OperationRefused(Exception):  # noqa: N818 - an outcome
    """The operation, or its whole document, cannot be executed; `errors` say why."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("refused")
        self.errors = errors


class Documents:
    """A process has one. `open_schema`: whoever has a token may read the schema."""

    def __init__(self, schema: GraphQLSchema, *, open_schema: bool) -> None:
        self._schema = schema
        self._open_schema = open_schema
        self._kept: OrderedDict[str, Document | OperationRefused] = OrderedDict()
        self._kept_characters = 0

    def get(self, text: str) -> Document:
        """At once, however long it takes. Raises `OperationRefused`."""
        return self.kept(text) or self._read_at_once(text)

    def _read_at_once(self, text: str) -> Document:
        reading = self.reading(text)
        for _ in reading:
            pass
        return reading.document

    def reading(self, text: str) -> DocumentReading:
        """The document, in steps: whoever reads it does the next one when others have had their turn."""
        return DocumentReading(self._steps(text))

    def _steps(self, text: str) -> Generator[None, None, Document]:
        return _or_refused(self._keep(text, (yield from self._read(text))))

    def kept(self, text: str) -> Document | None:
        """None: the document has to be read. Raises `OperationRefused`."""
        found = self._kept.get(text)
        if found is None:
            return None
        self._kept.move_to_end(text)
        return _or_refused(found)

    def _keep(self, text: str, read: Document | OperationRefused) -> Document | OperationRefused:
        if len(text) > LONGEST_KEPT_DOCUMENT:
            return read
        self._kept[text] = read
        self._kept_characters += len(text)
        while len(self._kept) > MOST_KEPT_DOCUMENTS or self._kept_characters > MOST_KEPT_CHARACTERS:
            dropped, _ = self._kept.popitem(last=False)
            self._kept_characters -= len(dropped)
        return read

    def _read(self, text: str) -> Generator[None, None, Document | OperationRefused]:
        try:
            return (yield from self._document(text))
        except GraphQLSyntaxError as error:
            return OperationRefused([_without_values(error)])
        except RequestError as error:
            return OperationRefused([error])
        except OperationRefused as refused:
            return refused
        except RecursionError:
            return OperationRefused(
                [RequestError("The document is nested too deeply", "TOO_DEEP", "Dokumen bertingkat terlalu dalam")]
            )

    def _document(self, text: str) -> Generator[None, None, Document]:
        if len(text) > limits.MOST_DOCUMENT_BYTES or len(text.encode()) > limits.MOST_DOCUMENT_BYTES:
            raise RequestError(
                f"A document has {limits.MOST_DOCUMENT_BYTES:,} bytes at most",
                "DOCUMENT_TOO_LARGE",
                f"Dokumen paling banyak {limits.MOST_DOCUMENT_BYTES} byte",
            )
        if _NUL.search(text):
            raise limits.nul()
        ast = parse(text, max_lexical_tokens=limits.MOST_DOCUMENT_TOKENS, max_comments=limits.MOST_DOCUMENT_TOKENS)
        yield
        tokens.forget(ast)
        fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        nodes = [node for node in ast.definitions if isinstance(node, OperationDefinitionNode)]
        refused = limits.too_many_definitions(len(nodes), len(ast.definitions) - len(nodes))
        if refused is not None:
            raise refused
        # Operations that spread the same fragments share their measures.
        measuring = Measuring(self._schema, fragments)
        measures = [self._measured(node, measuring) for node in nodes]
        yield
        yield from self._validate(ast)
        plans = Plans(self._schema, fragments)
        operations = [self._operation(node, plans, measured) for node, measured in zip(nodes, measures, strict=True)]
        named = {operation.name: operation for operation in operations}
        return Document(fragments, named, plans)

    def _measured(self, node: OperationDefinitionNode, measuring: Measuring) -> Measure:
        for variable in node.variable_definitions or ():
            default = variable.default_value
            if isinstance(default, ListValueNode) and len(default.values) > limits.MOST_LIST_ITEMS:
                raise limits.too_many_items()
        measured = measuring.operation(node)
        refused = limits.refusal(measured)
        if refused is not None:
            raise refused
        return measured

    def _validate(self, ast: DocumentNode) -> Generator[None, None, None]:
        errors: list[GraphQLError] = []
        for rules in (RULES_OF_VARIABLES, OTHER_RULES):
            most = limits.MOST_ERRORS_TOLD - len(errors)
            if most > 0:
                errors += validate(self._schema, ast, rules, max_errors=most, hide_suggestions=True)
                yield
        # Rules and what walks for them know each other, and the document. While it is young, that is found soon; later
        # the collector would find hundreds of documents at once, and keep everybody waiting for 0.4 seconds.
        gc.collect(1)
        if errors:
            raise OperationRefused(_told(errors))

    def _operation(self, node: OperationDefinitionNode, plans: Plans, measured: Measure) -> Operation:
        fields = root_fields(node.selection_set, plans.fragments)
        names = [field.name.value for field in fields]
        refused = limits.too_many_root_fields(names)
        if refused is not None:
            raise refused
        variables = Variables(self._schema, node.variable_definitions or ())
        return Operation(
            name=node.name.value if node.name else None,
            node=node,
            variables=variables,
            required=self._required(node, names),
            root_fields=len(names),
            items=items.in_document(node, fields),
            root_field_names=",".join(dict.fromkeys(names)),
            measured=measured,
            spent=spending.counting(self._schema, node, plans.fragments),
            call=root_call(self._schema, node, plans, variables),
        )

    def _required(self, node: OperationDefinitionNode, names: Sequence[str]) -> tuple[Alternatives, ...]:
        root = self._schema.get_root_type(node.operation)
        required = [self._required_by(name, root.fields.get(name)) for name in names] if root else []
        return tuple(dict.fromkeys(required))

    def _required_by(self, name: str, field: GraphQLField | None) -> Alternatives:
        if name in permissions.OF_THE_SCHEMA and not self._open_schema:
            return permissions.TO_SEE_THE_SCHEMA
        return (permissions.declared(field) if field else None) or ()


def cost_of_reading(text: str) -> int:
    """In units. It is known before anything of the document is looked at."""
    return min(LEAST_COST_OF_READING + len(text), MOST_COST_OF_READING)


def _or_refused(found: Document | OperationRefused) -> Document:
    if isinstance(found, OperationRefused):
        raise OperationRefused(found.errors)
    return found


def root_fields(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> Sequence[FieldNode]:
    """The fields that are selected at the root, also by fragments; a skipped field counts as well."""
    fields: list[FieldNode] = []
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            fields.append(selection)
        elif isinstance(selection, InlineFragmentNode):
            fields.extend(root_fields(selection.selection_set, fragments))
        elif isinstance(selection, FragmentSpreadNode):
            fields.extend(root_fields(fragments[selection.name.value].selection_set, fragments))
    return fields


RULES_OF_VARIABLES: tuple[type[ASTValidationRule], ...] = (
    NoUndefinedVariablesRule,
    NoUnusedVariablesRule,
    VariablesInAllowedPositionRule,
    OverlappingFieldsCanBeMergedRule,
)
"""These walk through a document by themselves, and take as long as all other rules together."""
OTHER_RULES: tuple[type[ASTValidationRule], ...] = tuple(
    ValuesWithoutEcho if rule is ValuesOfCorrectTypeRule else rule
    for rule in specified_rules
    if rule not in RULES_OF_VARIABLES
)


def _told(errors: Sequence[GraphQLError]) -> list[RequestError]:
    """Each group of rules may end by the same error, that of a document nested too deeply."""
    return list({(error.message, *(error.locations or ())): _coded(error) for error in errors}.values())


def _coded(error: GraphQLError) -> RequestError:
    if isinstance(error, RequestError):
        return error
    indonesian = f"Dokumen GraphQL tidak sesuai skema: {sentences.of_validation(error.message)}"
    return RequestError(error.message, "GRAPHQL_VALIDATION_FAILED", indonesian, nodes=error.nodes)


def _without_values(error: GraphQLSyntaxError) -> RequestError:
    message = syntax_message_without_values(error.message)
    indonesian = f"Dokumen GraphQL tidak dapat dibaca: {sentences.of_syntax(message, error.locations)}"
    return RequestError(message, "GRAPHQL_PARSE_FAILED", indonesian, source=error.source, positions=error.positions)
