"""schema.graphql beside a sample organizer's subgraph, in every composition there is for JavaScript."""

from __future__ import annotations

import pytest
from graphql import build_ast_schema, parse

from app.config import CHECKOUT
from tests.contract.conftest import Node

SCHEMA = build_ast_schema(parse((CHECKOUT / "schema.graphql").read_text(encoding="utf-8")), assume_valid_sdl=True)
OWN = {"_entities", "_service"}
"""A subgraph's; a supergraph has none of them."""


def fields(name: str) -> set[str]:
    return set(SCHEMA.get_type(name).fields) - OWN  # type: ignore[union-attr]


@pytest.mark.parametrize("composition", ["apollo", "guild", "wundergraph"])
def test_the_contract_composes_with_an_organizers_graph(node: Node, composition: str) -> None:
    composed = node.answer("compose.mjs", composition)
    assert composed["said"] == []
    assert {name: set(found) for name, found in composed["fields"].items()} == {
        "Query": fields("Query") | {"myPasses"},
        "Mutation": fields("Mutation"),
        "Registrant": fields("Registrant") | {"boardingPass"},
        "BoardingPass": {"seat", "route", "registrant"},
    }
