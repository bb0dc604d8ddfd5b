"""Whether what an answer refuses is what the description of its root field promises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import httpx
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from app.graphql.schema import EXECUTABLE
from app.graphql.topics.problems import ProblemCode

CODES = frozenset(ProblemCode)
COUNTED = frozenset({"codes", "kind"})
"""Of an import: how many of its rows were refused so. Of a change: what happened."""

TOLD = frozenset({"importRows", "pulse"})
"""Fields that repeat what rows of a file, or others, were refused with when they were judged."""


def not_promised(query: object, answer: httpx.Response) -> set[tuple[str, str]]:
    """Root fields, and the codes of refusals in their answers that their descriptions do not name."""
    given = set(_codes_by_key(answer))
    if not given or not isinstance(query, str):
        return set()
    descriptions = _descriptions(query)
    return {
        (key, code) for key, code in given if not re.search(rf"\b{code}\b", descriptions.get(key, f"{code}: no field"))
    }


def _codes_by_key(answer: httpx.Response) -> Iterator[tuple[str, str]]:
    if not answer.headers.get("content-type", "").partition(";")[0].endswith("json"):
        return
    content = answer.json()
    for key, value in (content.get("data") or {}).items():
        yield from ((key, code) for code in _codes_in(value) if key not in TOLD)
    for error in content.get("errors", ()):
        code = error.get("extensions", {}).get("code")
        if code in CODES and error.get("path"):
            yield error["path"][0], code


def _codes_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _codes_in(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name in COUNTED:
                continue
            if isinstance(one, str) and one in CODES:
                yield one
            else:
                yield from _codes_in(one)


@lru_cache(maxsize=256)
def _descriptions(query: str) -> Mapping[str, str]:
    """Of the root fields, by the keys of their answers."""
    try:
        return dict(_described(parse(query, no_location=True)))
    except GraphQLError:
        return {}


def _described(document: DocumentNode) -> Iterator[tuple[str, str]]:
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            root = EXECUTABLE.get_root_type(operation.operation)
            assert root is not None
            for field in _fields(operation.selection_set, fragments):
                if field.name.value in root.fields:
                    key = field.alias.value if field.alias else field.name.value
                    yield key, root.fields[field.name.value].description or ""


def _fields(selected: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    for one in selected.selections:
        if isinstance(one, FieldNode):
            yield one
        elif isinstance(one, InlineFragmentNode):
            yield from _fields(one.selection_set, fragments)
        elif isinstance(one, FragmentSpreadNode) and one.name.value in fragments:
            yield from _fields(fragments[one.name.value].selection_set, fragments)
