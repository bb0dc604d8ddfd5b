"""The same queries through Hive's gateway and Apollo's for JavaScript, over the registry and a sample subgraph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.conftest import OTHER_NIK, Gateway, Node, asked, token
from tests.contract.test_gateway import PASSES

QUERIES: dict[str, str] = {
    "who calls": "{ me { id organizer { code } scopes } }",
    "a field of both": "{ me { id } myPasses { seat } }",
    "an entity of another graph": "{ myPasses { seat registrant { status } } }",
    "entities of two types": PASSES,
    "an entity and back": "{ myPasses { registrant { boardingPass { seat registrant { status } } } } }",
    "what another graph adds": "{ registrants(first: 5) { nodes { status boardingPass { seat route { name } } } } }",
    "names of types": "{ __typename myPasses { __typename registrant { __typename } route { __typename } } }",
    "a field under two names": "{ one: myPasses { seat } two: myPasses { registrant { id } } }",
    "a fragment": "query { myPasses { registrant { ...P } } } fragment P on Registrant { id direction service }",
    "a fragment of another graph": "{ registrants { nodes { ... on Registrant { boardingPass { seat } } } } }",
    "a field that is skipped": "{ myPasses { seat registrant @skip(if: true) { id } route { id } } }",
    "lists with pages": "{ routes(first: 2) { nodes { name } pageInfo { hasNextPage } } organizers { code } }",
    "an entity below a list": "{ routes(first: 2) { nodes { name organizer { code name } origin { city } } } }",
    "a refusal beside an answer": '{ consolidation(organizer: "ahm", date: "2026-03-05") { standing } me { id } }',
    "an argument that is wrong": '{ changes(after: "nothing") { nodes { at } } me { id } }',
    "several that fail": '{ a: changes(after: "x") { nodes { at } } b: changes(after: "y") { nodes { at } } }',
}


@pytest.fixture(scope="module")
def apollo(node: Node, gateway: Gateway) -> Iterator[str]:
    subgraphs = (f"pemudik={gateway.registry.api}", f"boarding={gateway.boarding}")
    with node.serving("apollo.mjs", *subgraphs, AUTHORIZATION=gateway.registry.bearer("hubdat")) as url:
        yield url


OF_HIVE = "INTERNAL_SERVER_ERROR"
"""With this code Hive's gateway tells that an entity with a field that is never null is null; Apollo's does not."""


def told(answer: Any) -> Any:
    """The data, and the codes of the errors: gateways have places and words of their own."""
    codes = sorted(error["extensions"]["code"] for error in answer.get("errors", []))
    return answer["data"], [code for code in codes if code != OF_HIVE]


def test_there_are_16_queries() -> None:
    assert len(QUERIES) == 16


@pytest.mark.parametrize("name", QUERIES)
def test_both_answer_alike(gateway: Gateway, apollo: str, name: str) -> None:
    by_hive = gateway.ask("dishub-dki", QUERIES[name])
    by_apollo = asked(apollo, gateway.registry.tokens["dishub-dki"], QUERIES[name])
    assert by_hive["data"] is not None
    assert told(by_hive) == told(by_apollo)
    assert OTHER_NIK not in json.dumps([by_hive, by_apollo])


@pytest.mark.parametrize("name", ["a refusal beside an answer", "an argument that is wrong"])
def test_what_fails_alone_leaves_the_rest_as_it_is(gateway: Gateway, apollo: str, name: str) -> None:
    [own] = [client for organizer, (client, _) in gateway.registry.clients.items() if organizer == "dishub-dki"]
    for url in (gateway.url, apollo):
        answer = asked(url, gateway.registry.tokens["dishub-dki"], QUERIES[name])
        [failed] = [field for field in answer["data"] if field != "me"]
        assert answer["data"] == {failed: None, "me": {"id": own}}
        assert len(answer["errors"]) == 1


def test_a_token_without_the_scope_fails_alone_as_well(gateway: Gateway, apollo: str) -> None:
    client = gateway.registry.clients["dishub-dki"]
    only_checks = token(gateway.registry.server.url, client, scope="nik:check")
    for url in (gateway.url, apollo):
        answer = asked(url, only_checks, "{ myPasses { seat } registrants { nodes { id } } }")
        assert answer["data"]["registrants"] is None
        assert [one["seat"] for one in answer["data"]["myPasses"]] == ["1A", "2A", "3A", "4A"]
