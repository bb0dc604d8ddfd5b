"""`pemudik schema export --api` keeps the rules of eslint's plugin for GraphQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.graphql.schema import api_sdl
from tests import npm
from tests.contract.conftest import HERE, Node

FOLDER = HERE / "eslint"
"""It has packages of its own: those of the gateways stay as they are."""


@pytest.fixture(scope="module")
def eslint(plain_node: Node) -> Node:
    npm.install(FOLDER)
    return plain_node


def told(eslint: Node, file: Path, schema: str) -> list[dict[str, Any]]:
    file.write_text(schema, encoding="utf-8")
    messages: list[dict[str, Any]] = eslint.answer("eslint/lint.mjs", str(file))
    return messages


def test_the_plain_schema_keeps_the_rules(eslint: Node, tmp_path: Path) -> None:
    assert told(eslint, tmp_path / "api.graphql", api_sdl()) == []


WORSE = {
    "naming-convention": "extend type Query { get_all: [Int!] }",
    "no-hashtag-description": "# A type that is described for nobody.\ntype Undescribed { id: ID! }",
    "no-unreachable-types": '"""Nobody gets there."""\ntype Island { "Its own." id: ID! }',
    "require-description": "extend type Query { undescribed: Int }",
    "require-nullable-result-in-root": 'extend type Query { "May fail alone." alone: Int! }',
    "relay-connection-types": '"""Without pages."""\ntype HalfConnection { "Some." some: Int }',
}


def test_a_schema_that_breaks_rules_is_told(eslint: Node, tmp_path: Path) -> None:
    broken = "\n\n".join([api_sdl(), *WORSE.values()])
    assert {message["rule"] for message in told(eslint, tmp_path / "broken.graphql", broken)} >= set(WORSE)
