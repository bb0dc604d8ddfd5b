"""What one document may ask for: depth, fields and cost, measured in one pass before validation.

A fragment is measured once, however often it is spread: twenty fragments that are nested take as long as twenty that
are not. A list counts as long as its `first` asks, as its bulk argument is, or as its `@listSize` says. The limits
leave room for a gateway, which merges operations and adds aliases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
)
from strawberry.federation.schema_directives import ListSize

from app.graphql.failures import RequestError
from app.graphql.internals import directives_of
from app.graphql.paging import LARGEST_PAGE
from app.language import LANGUAGES, number

MOST_DOCUMENT_BYTES = 100_000
MOST_DOCUMENT_TOKENS = 5_000
MOST_OPERATIONS = 50
"""One document has at most so many operations: each is measured and validated, even if nobody asks for it."""
MOST_FRAGMENTS = 200
"""One document has at most so many fragments: validation compares them with one another."""
MOST_LIST_ITEMS = 1_000
"""A bulk argument, and any list in the variables, has at most so many items."""
MOST_KEYS = 100
"""One object in the variables has at most so many keys. The largest input of the schema has 11 fields."""
LONGEST_TEXT = 20_000
"""In characters. One text in the variables is at most this long. The longest texts are the keys of a client, of 16 KiB.
"""
MOST_LEVELS = 16
"""The usual introspection query has 15 levels."""
MOST_FIELDS = 1_000
"""Selected by one operation. The fields of a fragment count each time that it is spread."""
MOST_REPEATS = 25
"""One response name, or fragments, stand at most so often in one selection: validation compares every two of them."""
MOST_MERGED = 100
"""Fields that may be at one place of the answer, those of repeated fields and of fragments counted together. Validation
compares every two of them: 625 at one place take 0.2 seconds, and 1,000 take 0.5.
"""
MOST_ROOT_FIELDS = 100
"""Each root field is a transaction of its own."""
MOST_INTROSPECTIONS: Mapping[str, int] = MappingProxyType({"__schema": 1, "__type": 10})
"""Of one operation. All types with their fields take some 40 milliseconds, which nothing can interrupt."""
MOST_COST = 100_000
"""Units of cost of one operation: values in the answer, and the weights of the objects that hold them."""
MOST_COST_TOLD = 1_000_000_000
"""A larger cost is told as more than this. A longer number would be masked, because it could be a NIK."""
WEIGHT = "pemudik-weight"
"""Under this key the extensions of a type, or of a field, hold its weight."""
EACH_OTHER = "*"
ASSUMED_LIST_ITEMS = 10
"""How long a list is taken to be that declares no `@listSize`."""
MOST_ERRORS_TOLD = 20
"""So many errors are told of one document, or of the variables of one request."""


class Measure(NamedTuple):
    depth: int
    fields: int
    cost: int
    merged: int
    """How many fields may be at one place of the answer: at most as many, and often fewer."""


NOTHING = Measure(0, 0, 0, 0)


FRAGMENTS = "..."
"""What stands for the response name of fragments."""


class Places:
    """The places of the answer that one selection fills, by response name."""

    def __init__(self) -> None:
        self._repeats: Counter[str] = Counter()
        self._merged: Counter[str] = Counter()
        self._most_merged = 0
        """At the place of one response name, without what fragments put there."""

    def add(self, name: str, merged: int) -> None:
        """Raises `RequestError`."""
        self._repeats[name] += 1
        if self._repeats[name] > MOST_REPEATS:
            raise RequestError(
                f"A field is repeated {MOST_REPEATS} times at most",
                "TOO_MANY_FIELDS",
                f"Satu bidang diulang paling banyak {MOST_REPEATS} kali",
                most=MOST_REPEATS,
            )
        self._merged[name] += merged
        if name != FRAGMENTS:
            self._most_merged = max(self._most_merged, self._merged[name])

    @property
    def most_merged(self) -> int:
        """Any field of a fragment may be at the place of any other field."""
        return self._most_merged + self._merged[FRAGMENTS]


@dataclass(slots=True)
class Measuring:
    """The measuring of one document. Without `variables`, a list that they decide counts as the longest allowed."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any] | None = None
    measured: dict[str, Measure] = field(default_factory=dict)

    def operation(self, node: OperationDefinitionNode) -> Measure:
        return self.selections(node.selection_set, self.schema.get_root_type(node.operation))

    def selections(
        self,
        selection_set: SelectionSetNode | None,
        parent: GraphQLNamedType | None,
        places: Places | None = None,
    ) -> Measure:
        depth = fields = cost = 0
        places = Places() if places is None else places
        for selection in selection_set.selections if selection_set else ():
            if isinstance(selection, FieldNode):
                one = self.field(selection, parent)
                places.add(selection.alias.value if selection.alias else selection.name.value, one.merged)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                on = self.schema.get_type(condition.name.value) if condition else parent
                one = self.selections(selection.selection_set, on, places)
            else:
                one = self.fragment(cast("FragmentSpreadNode", selection).name.value)
                places.add(FRAGMENTS, one.merged)
            depth, fields, cost = max(depth, one.depth), fields + one.fields, cost + one.cost
        return Measure(depth, fields, cost, places.most_merged)

    def fragment(self, name: str) -> Measure:
        """Unknown fragments and circles of fragments measure nothing here. Validation refuses them."""
        if name not in self.measured:
            self.measured[name] = NOTHING
            fragment = self.fragments.get(name)
            if fragment is not None:
                on = self.schema.get_type(fragment.type_condition.name.value)
                self.measured[name] = self.selections(fragment.selection_set, on)
        return self.measured[name]

    def field(self, node: FieldNode, parent: GraphQLNamedType | None) -> Measure:
        found = _field_of(self.schema, parent, node.name.value)
        type_ = get_named_type(found.type) if found else None
        depth, fields, cost, merged = self.selections(node.selection_set, type_)
        times = self.times(node, found, parent) if found else 1
        cost = 1 + times * (weight(type_) + cost) if node.selection_set else times
        cost += weight(found)
        return Measure(depth + 1, fields + 1, cost, max(1, merged))

    def times(self, node: FieldNode, found: GraphQLField, parent: GraphQLNamedType | None) -> int:
        """How many items a list is taken to have. What is no list has one."""
        if parent is not None and parent.name.endswith("Connection"):
            return 1  # The field that answers the connection counts all below it as often as it has items.
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        size = _declared_size(found)
        if size is not None and size.slicing_arguments:
            return self.sliced(arguments.get("first"), found)
        if not is_list(found.type):
            return 1
        for name, argument in found.args.items():
            if is_list(argument.type):
                return self.length(arguments.get(name))
        return size.assumed_size if size is not None and size.assumed_size else ASSUMED_LIST_ITEMS

    def sliced(self, value: ValueNode | None, found: GraphQLField) -> int:
        if value is None:
            return int(found.args["first"].default_value)
        given = int(value.value) if isinstance(value, IntValueNode) and len(value.value) < 10 else self.variable(value)
        return max(1, min(given, LARGEST_PAGE)) if isinstance(given, int) else LARGEST_PAGE

    def length(self, value: ValueNode | None) -> int:
        if isinstance(value, ListValueNode) and len(value.values) > MOST_LIST_ITEMS:
            raise too_many_items()
        given = value.values if isinstance(value, ListValueNode) else self.variable(value)
        return max(1, min(len(given), MOST_LIST_ITEMS)) if isinstance(given, (list, tuple)) else MOST_LIST_ITEMS

    def variable(self, value: ValueNode | None) -> Any:
        if isinstance(value, VariableNode) and self.variables is not None:
            return self.variables.get(value.name.value)
        return None


def measure(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any] | None = None,
) -> Measure:
    return Measuring(schema, fragments, variables).operation(operation)


def too_many_definitions(operations: int, fragments: int) -> RequestError | None:
    kinds = (
        ("operations", "operasi", operations, MOST_OPERATIONS),
        ("fragments", "fragmen", fragments, MOST_FRAGMENTS),
    )
    for kind, jenis, count, most in kinds:
        if count > most:
            words = f"A document has {most} {kind} at most", f"Dokumen memuat paling banyak {most} {jenis}"
            return RequestError(words[0], "TOO_MANY_DEFINITIONS", words[1], most=most)
    return None


def refusal(measured: Measure) -> RequestError | None:
    """The refusal of a document that no variables could make smaller."""
    if measured.depth > MOST_LEVELS:
        words = (
            f"The document is nested {MOST_LEVELS} levels at most",
            f"Dokumen paling banyak {MOST_LEVELS} tingkat",
        )
        return RequestError(words[0], "TOO_DEEP", words[1], most=MOST_LEVELS)
    if measured.fields > MOST_FIELDS:
        words = (
            f"An operation selects {MOST_FIELDS} fields at most",
            f"Operasi paling banyak memilih {MOST_FIELDS} bidang",
        )
        return RequestError(words[0], "TOO_MANY_FIELDS", words[1], most=MOST_FIELDS)
    if measured.merged > MOST_MERGED:
        message = f"Repeated fields and fragments put {MOST_MERGED} fields at one place of the answer at most"
        indonesian = (
            f"Bidang yang diulang dan fragmen menaruh paling banyak {MOST_MERGED} bidang di satu tempat jawaban"
        )
        return RequestError(message, "TOO_MANY_FIELDS", indonesian, most=MOST_MERGED)
    return None


def too_many_root_fields(names: Sequence[str]) -> RequestError | None:
    """`names` has a field as often as it is selected."""
    for name, most in MOST_INTROSPECTIONS.items():
        if names.count(name) > most:
            words = f"An operation has {most} of `{name}` at most", f"Operasi memuat paling banyak {most} `{name}`"
            return RequestError(words[0], "TOO_MANY_FIELDS", words[1], most=most)
    if len(names) > MOST_ROOT_FIELDS:
        most = MOST_ROOT_FIELDS
        words = f"An operation has {most} root fields at most", f"Operasi memuat paling banyak {most} bidang akar"
        return RequestError(words[0], "TOO_MANY_FIELDS", words[1], most=most)
    return None


def too_costly(measured: Measure) -> RequestError | None:
    if measured.cost <= MOST_COST:
        return None
    told = {language: number(min(measured.cost, MOST_COST_TOLD), language) for language in LANGUAGES}
    more = measured.cost > MOST_COST_TOLD
    return RequestError(
        f"The answer would cost {'more than' if more else 'up to'} {told['en']} units; {number(MOST_COST, 'en')} are"
        " allowed. Ask for smaller pages",
        "TOO_COSTLY",
        f"Jawabannya berbiaya {'lebih dari' if more else 'hingga'} {told['id']} satuan; batasnya"
        f" {number(MOST_COST, 'id')}. Minta halaman yang lebih kecil",
        most=MOST_COST,
        cost=min(measured.cost, 2**53),
    )


def too_many_items() -> RequestError:
    words = f"A list has {MOST_LIST_ITEMS:,} items at most", f"Daftar memuat paling banyak {MOST_LIST_ITEMS} butir"
    return RequestError(words[0], "TOO_MANY_ITEMS", words[1], most=MOST_LIST_ITEMS)


def unfit(*values: object) -> RequestError | None:
    """What is wrong with the values of variables, whatever their types: a list, an object or a text is too long, or a
    text holds a NUL, which PostgreSQL cannot store.

    It is found before anything is coerced, explained, folded or searched, since these take longer than to look.
    """
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if len(value) > LONGEST_TEXT:
                return too_long()
            if "\x00" in value:
                return nul()
        elif isinstance(value, dict):
            if len(value) > MOST_KEYS:
                return too_many_keys()
            waiting.extend(value.values())
        elif isinstance(value, list):
            if len(value) > MOST_LIST_ITEMS:
                return too_many_items()
            waiting.extend(value)
    return None


def too_many_keys() -> RequestError:
    words = f"An object has {MOST_KEYS} fields at most", f"Objek memuat paling banyak {MOST_KEYS} bidang"
    return RequestError(words[0], "TOO_MANY_ITEMS", words[1], most=MOST_KEYS)


def too_long() -> RequestError:
    words = f"A text has {LONGEST_TEXT:,} characters at most", f"Teks paling banyak {LONGEST_TEXT} karakter"
    return RequestError(words[0], "BAD_USER_INPUT", words[1], most=LONGEST_TEXT)


def nul() -> RequestError:
    return RequestError(
        "Text must not contain the character NUL", "BAD_USER_INPUT", "Teks tidak boleh memuat karakter NUL"
    )


def _field_of(schema: GraphQLSchema, parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return schema.get_field(parent, name)
    return None


def weigh(schema: GraphQLSchema, weights: Mapping[str, int]) -> None:
    """Tell what an object of each type, or a `Type.field`, costs beside its values, in units. `Type.*` is each field of
    the type that is not named. Others cost their values alone.
    """
    for name, units in weights.items():
        type_name, _, field_name = name.partition(".")
        type_: Any = schema.type_map[type_name]
        if field_name != EACH_OTHER:
            (type_.fields[field_name] if field_name else type_).extensions[WEIGHT] = units
            continue
        for other, field_ in type_.fields.items():
            field_.extensions[WEIGHT] = weights.get(f"{type_name}.{other}", units)


def weight(of: GraphQLNamedType | GraphQLField | None) -> int:
    """What an object of the type, or the field, costs beside its values, in units."""
    units: int = of.extensions.get(WEIGHT, 0) if of is not None else 0
    return units


def _declared_size(found: GraphQLField) -> ListSize | None:
    return next((directive for directive in directives_of(found) if isinstance(directive, ListSize)), None)


def is_list(type_: GraphQLOutputType | Any) -> bool:
    return is_list_type(type_.of_type if is_non_null_type(type_) else type_)
