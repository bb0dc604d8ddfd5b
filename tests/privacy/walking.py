"""Every selection that the schema allows below a root field, made from the introspection that any client can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    get_named_type,
    is_leaf_type,
    parse,
)

from app.graphql.engine import limits
from app.graphql.schema import EXECUTABLE
from app.graphql.weights import WEIGHTS

DEEPEST = 4
DEAREST = 8_000
"""Values that an answer may hold, as the limits count them: every answer is searched."""
ARGUMENTS = {
    ("Organizer", "routes"): "(first: 2)",
    ("Webhook", "deliveries"): "(first: 2)",
    ("ImportJob", "missingRegistrants"): "(first: 2)",
    ("Statistics", "byRoute"): "(first: 2)",
    ("Statistics", "forecast"): "(first: 2)",
    ("Statistics", "duplicatePairs"): "(first: 2)",
}
"""Of the fields below a root field that take any."""

SHALLOW = frozenset({"Organizer"})
"""Types that lead to everything: below others they are asked for their plain fields, as root fields go deeper."""

Pair = tuple[str, str]
"""A type and one of its fields."""

# They depend on the schema of this checkout alone, and it takes long to measure a document that is too large.
DEPTHS: dict[tuple[object, ...], int] = {}
"""The depth that fits, of a root field and the shape of what is asked of it."""
GUESSES: dict[str, int] = {}
"""By root field, the depth that fitted last."""


@dataclass(slots=True)
class Walk:
    schema: GraphQLSchema
    reached: set[Pair] = field(default_factory=set)

    def root_fields(self) -> dict[str, tuple[str, GraphQLField]]:
        """By name, with the operation each belongs to."""
        assert self.schema.query_type is not None
        assert self.schema.mutation_type is not None
        roots = (("query", self.schema.query_type), ("mutation", self.schema.mutation_type))
        return {name: (operation, one) for operation, root in roots for name, one in root.fields.items()}

    def document(
        self, name: str, asked: Sequence[Mapping[str, object]], *, depth: int = DEEPEST
    ) -> tuple[str, dict[str, object]]:
        """The root field with each of the arguments `asked`, under aliases, with the largest selection that the limits
        let pass; and its variables.
        """
        shape = (name, depth, *((one, _size(value)) for given in asked for one, value in given.items()))
        variables = {f"{one}{place}": value for place, given in enumerate(asked) for one, value in given.items()}
        if shape not in DEPTHS:
            DEPTHS[shape] = self._deepest(name, asked, variables, depth)
        return self._document(name, asked, DEPTHS[shape], self.reached), variables

    def subscription(self, name: str) -> str:
        """With the largest selection that the limits let pass, from the beginning of what it tells."""
        assert self.schema.subscription_type is not None
        root = self.schema.subscription_type.fields[name]
        documents = [
            f"subscription ($after: String) {{ {name}(after: $after) {self._below(root, depth, set())} }}"
            for depth in range(DEEPEST)
        ]
        return [one for one in documents if _fits(one, {})][-1]

    def _deepest(
        self, name: str, asked: Sequence[Mapping[str, object]], variables: Mapping[str, object], most: int
    ) -> int:
        root = self.root_fields()[name][0].title()
        however_little = len(asked) * WEIGHTS.get(f"{root}.{name}", WEIGHTS[f"{root}.*"])

        def fits(depth: int) -> bool:
            return _fits(self._document(name, asked, depth, set()), variables, DEAREST + however_little)

        depth = min(most, GUESSES.get(name, most))
        while not fits(depth):
            assert depth, f"nothing of {name} fits the limits"
            depth -= 1
        while depth < most and fits(depth + 1):
            depth += 1
        GUESSES[name] = depth
        return depth

    def _document(self, name: str, asked: Sequence[Mapping[str, object]], depth: int, reached: set[Pair]) -> str:
        operation, root = self.root_fields()[name]
        declared = [f"${one}{place}: {root.args[one].type}" for place, given in enumerate(asked) for one in given]
        selected = self._below(root, depth, reached)
        below, fragment = (
            ("{ ...Below }", f"fragment Below on {get_named_type(root.type)} {selected}") if selected else ("", "")
        )
        fields = [
            f"a{place}: {name}{_listed([f'{one}: ${one}{place}' for one in given])} {below}"
            for place, given in enumerate(asked)
        ]
        return f"{operation} {_listed(declared)} {{ {' '.join(fields)} }} {fragment}"

    def reachable(self, names: Iterable[str]) -> set[Pair]:
        """Every type and field that can stand below the root fields `names`."""
        roots = self.root_fields()
        found: set[Pair] = set()
        waiting = [get_named_type(roots[name][1].type) for name in names]
        while waiting:
            type_ = waiting.pop()
            for one in _objects(type_):
                for name, below in one.fields.items():
                    if (one.name, name) not in found:
                        found.add((one.name, name))
                        waiting.append(get_named_type(below.type))
        return found

    def with_arguments(self) -> set[Pair]:
        """The fields below the root that take arguments."""
        return {
            (type_.name, name)
            for type_ in self.schema.type_map.values()
            if isinstance(type_, GraphQLObjectType)
            and type_ not in {self.schema.query_type, self.schema.mutation_type, self.schema.subscription_type}
            and not type_.name.startswith("__")
            for name, one in type_.fields.items()
            if one.args
        }

    def _below(self, one: GraphQLField, depth: int, reached: set[Pair]) -> str:
        type_ = get_named_type(one.type)
        if is_leaf_type(type_):
            return ""
        if isinstance(type_, GraphQLUnionType):
            # Fields of one name and two types would conflict.
            parts = [
                f"... on {member.name} {self._object(member, depth, reached, f'{member.name}_')}"
                for member in type_.types
            ]
            return f"{{ __typename {' '.join(parts)} }}"
        assert isinstance(type_, GraphQLObjectType)
        return self._object(type_, depth, reached)

    def _object(self, type_: GraphQLObjectType, depth: int, reached: set[Pair], prefix: str = "") -> str:
        selected = ["__typename"]
        for name, one in type_.fields.items():
            if not is_leaf_type(get_named_type(one.type)) and depth == 0:
                continue
            reached.add((type_.name, name))
            alias = f"{prefix}{name}: " if prefix else ""
            left = 0 if get_named_type(one.type).name in SHALLOW else depth - 1
            selected.append(f"{alias}{name}{ARGUMENTS.get((type_.name, name), '')} {self._below(one, left, reached)}")
        return f"{{ {' '.join(selected)} }}"


def _objects(type_: GraphQLNamedType) -> list[GraphQLObjectType]:
    if isinstance(type_, GraphQLUnionType):
        return list(type_.types)
    return [type_] if isinstance(type_, GraphQLObjectType) else []


def _listed(arguments: list[str]) -> str:
    return f"({', '.join(arguments)})" if arguments else ""


def _fits(document: str, variables: Mapping[str, object], dearest: int = DEAREST) -> bool:
    if len(document) > limits.MOST_DOCUMENT_BYTES:
        return False
    [node, *fragments] = parse(document, no_location=True).definitions
    assert isinstance(node, OperationDefinitionNode)
    below = {one.name.value: one for one in fragments if isinstance(one, FragmentDefinitionNode)}
    measured = limits.measure(EXECUTABLE, node, below, variables)
    return limits.refusal(measured) is None and measured.cost <= dearest


def _size(value: object) -> object:
    return len(value) if isinstance(value, list) else value if isinstance(value, int) else None
