"""Strawberry and graphql-core: one file knows their insides, and was read against the installed versions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import graphql

from app.config import CHECKOUT
from app.graphql.internals import CHECKED

INTERNALS = CHECKOUT / "app/graphql/internals.py"
OTHERS = [file for file in sorted((CHECKOUT / "app").rglob("*.py")) if file != INTERNALS]
DOCUMENTED = {
    "strawberry",
    "strawberry.dataloader",
    "strawberry.federation.schema_directives",
    "strawberry.schema.config",
    "strawberry.types.scalar",
    "graphql",
    "graphql.utilities",
}
INSIDES = ("strawberry-definition", "__strawberry", "_strawberry_schema", "_raw_info", "_is_default")


def undocumented(file: Path) -> Iterator[str]:
    """What a file imports from either library, and they do not document."""
    text = file.read_text()
    if "strawberry" not in text and "graphql" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if of_either(name.name) and name.name not in DOCUMENTED)
        elif isinstance(node, ast.ImportFrom) and of_either(node.module or ""):
            yield from (
                f"{node.module}.{name.name}"
                for name in node.names
                if node.module not in DOCUMENTED or (node.module == "graphql" and name.name not in graphql.__all__)
            )


def of_either(module: str) -> bool:
    return module.partition(".")[0] in {"strawberry", "graphql"}


def test_somebody_has_read_the_insides_of_the_installed_versions() -> None:
    """It fails after an upgrade: the docstring of `app.graphql.internals` says what to look at."""
    assert {name: version(name) for name in CHECKED} == dict(CHECKED)


def test_one_file_imports_what_is_not_documented() -> None:
    assert {str(file): names for file in OTHERS if (names := list(undocumented(file)))} == {}
    assert set(undocumented(INTERNALS)) >= {
        "strawberry.execution.optimized_is_awaitable",
        "strawberry.schema.schema_converter.GraphQLCoreConverter",
    }


def test_one_file_reads_what_strawberry_hides() -> None:
    guilty = {str(file) for file in OTHERS if any(name in file.read_text() for name in INSIDES)}
    assert guilty == set()
    # Ruff refuses private names elsewhere, unless a comment lets it pass.
    permitted = [file for file in OTHERS if file.is_relative_to(INTERNALS.parent) and "SLF001" in file.read_text()]
    assert permitted == []
