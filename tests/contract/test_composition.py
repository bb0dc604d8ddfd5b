"""schema.graphql beside two organizers' subgraphs, in every composition there is for JavaScript: without a hint."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import build_ast_schema, parse

from app.config import CHECKOUT
from examples.organizer_subgraph.graph import SCHEMA as ORGANIZERS_OWN
from tests.contract.conftest import Node

SCHEMA = build_ast_schema(parse((CHECKOUT / "schema.graphql").read_text(encoding="utf-8")), assume_valid_sdl=True)
OWN = {"_entities", "_service"}
"""A subgraph's; a supergraph has none of them."""


def fields(name: str) -> set[str]:
    return set(SCHEMA.get_type(name).fields) - OWN  # type: ignore[union-attr]


@pytest.mark.parametrize("composition", ["apollo", "guild", "wundergraph"])
def test_the_contract_composes_with_graphs_of_organizers(node: Node, composition: str, tmp_path: Path) -> None:
    seats = tmp_path / "seats.graphql"
    seats.write_text(ORGANIZERS_OWN.as_str(), encoding="utf-8")
    composed = node.answer("compose.mjs", composition, str(seats))
    assert composed["said"] == []
    assert {name: set(found) for name, found in composed["fields"].items()} == {
        "Query": fields("Query") | {"myPasses"},
        "Mutation": fields("Mutation"),
        "Registrant": fields("Registrant") | {"boardingPass", "bus", "seatNumber"},
        "Route": fields("Route") | {"buses"},
        "BoardingPass": {"seat", "route", "registrant"},
    }
