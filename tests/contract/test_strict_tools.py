"""`pemudik schema export --api` is read by tools that know nothing of federation."""

from __future__ import annotations

from pathlib import Path

from graphql import build_schema

from app.graphql.schema import api_sdl
from tests.contract.conftest import Node


def test_strict_tools_read_the_plain_schema(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "api.graphql"
    file.write_text(api_sdl(), encoding="utf-8")
    types = {name for name in build_schema(api_sdl()).type_map if not name.startswith("__")}
    told = node.answer("strict.mjs", str(file))
    # graphql-js counts the eight types of introspection as well.
    assert told == {"types": len(types) + 8, "changes": 0, "invalid": 0}
