"""A federation gateway in front of the registry and a sample organizer's subgraph, which has boarding passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.contract.conftest import Node, Registry, asked, token

ROUTE = """query ($of: ID) { routes(where: {organizer: $of, direction: MUDIK, service: PASSENGER,
    withSeats: true}, first: 1) { nodes { id name } } }"""
SUBMIT = """mutation ($inputs: [SubmitRegistrant!]!) { submitRegistrants(inputs: $inputs) {
    ... on Submission { registrant { id } } ... on Problem { code standing { organizer { code } } } } }"""
PASSES = "{ myPasses { seat route { name } registrant { status nik name route { name } } } }"

NIKS = ["3171030101909001", "3171030101909002", "3171030101909003"]
NAMES = ["Warga Contoh", "Warga Misal", "Warga Umpama"]
OTHER_NIK, OTHER_NAME = "3171030101909004", "Penumpang Tetangga"


@dataclass(frozen=True)
class Gateway:
    """Passes 1 to 3 are for registrants of `dishub-dki`, the fourth for one of another organizer."""

    url: str
    registry: Registry
    registrants: list[str]
    route: dict[str, str]
    other_route: dict[str, str]

    def ask(self, organizer: str | None, query: str, **variables: object) -> Any:
        access_token = None if organizer is None else self.registry.tokens[organizer]
        return asked(self.url, access_token, query, **variables)

    def passes(self, registrants: list[Any]) -> list[dict[str, Any]]:
        """As `PASSES` answers, with these registrants."""
        routes = [*[self.route] * 3, self.other_route]
        return [
            {"seat": f"{place}A", "route": {"name": route["name"]}, "registrant": registrant}
            for place, (route, registrant) in enumerate(zip(routes, registrants, strict=True), start=1)
        ]


@pytest.fixture(scope="module")
def gateway(node: Node, registry: Registry) -> Iterator[Gateway]:
    route, registrants = registered(registry, "dishub-dki", NIKS, NAMES)
    other_route, others = registered(registry, "ahm", [OTHER_NIK], [OTHER_NAME])
    routes = [*[route["id"]] * 3, other_route["id"]]
    passes = [
        {"seat": f"{place}A", "registrant": registrant, "route": on}
        for place, (registrant, on) in enumerate(zip([*registrants, *others], routes, strict=True), start=1)
    ]
    with (
        node.serving("boarding.mjs", json.dumps(passes)) as boarding,
        node.serving("gateway.mjs", registry.api, boarding, AUTHORIZATION=registry.bearer("hubdat")) as url,
    ):
        yield Gateway(url, registry, registrants, route, other_route)


def registered(
    registry: Registry, organizer: str, niks: list[str], names: list[str]
) -> tuple[dict[str, str], list[str]]:
    """The route and the registrants' ids."""
    [route] = registry.data(organizer, ROUTE, of=organizer)["routes"]["nodes"]
    inputs = [submission(route["id"], nik, name) for nik, name in zip(niks, names, strict=True)]
    verdicts = registry.data(organizer, SUBMIT, inputs=inputs)["submitRegistrants"]
    return route, [verdict["registrant"]["id"] for verdict in verdicts]


def submission(route: str, nik: str, name: str) -> dict[str, str]:
    return {"nik": nik, "name": name, "routeId": route, "identityDocument": "KTP", "reference": "ROMBONGAN"}


def codes(answer: Any) -> set[str]:
    return {error["extensions"]["code"] for error in answer["errors"]}


def test_registrants_have_the_fields_that_another_graph_adds(gateway: Gateway) -> None:
    query = """{ registrants(where: {reference: "ROMBONGAN"}) {
        nodes { nik boardingPass { seat route { name } } } } }"""
    nodes = gateway.ask("dishub-dki", query)["data"]["registrants"]["nodes"]
    assert nodes == [
        {"nik": nik, "boardingPass": {"seat": f"{place}A", "route": {"name": gateway.route["name"]}}}
        for place, nik in enumerate(NIKS, start=1)
    ]


def test_another_organizers_registrant_is_null_and_all_take_one_request(gateway: Gateway) -> None:
    before = gateway.registry.operations()
    answer = gateway.ask("dishub-dki", PASSES)
    # The log's line is written before the server reads its next request.
    gateway.registry.data("hubdat", "{ me { id } }")
    assert [name for name in gateway.registry.operations()[len(before) :] if name != "me"] == ["_entities"]
    own = [
        {"status": "REGISTERED", "nik": nik, "name": name, "route": {"name": gateway.route["name"]}}
        for nik, name in zip(NIKS, NAMES, strict=True)
    ]
    assert answer["data"]["myPasses"] == gateway.passes([*own, None])
    [error] = answer["errors"]
    assert error["path"] == ["myPasses", 3, "registrant", "status"]
    assert OTHER_NIK not in json.dumps(answer)
    assert OTHER_NAME not in json.dumps(answer)


def test_hubdat_sees_everybody_masked(gateway: Gateway) -> None:
    answer = gateway.ask("hubdat", PASSES)
    masked = [
        {"status": "REGISTERED", "nik": f"************{nik[-4:]}", "name": "***", "route": {"name": route["name"]}}
        for nik, route in zip([*NIKS, OTHER_NIK], [*[gateway.route] * 3, gateway.other_route], strict=True)
    ]
    assert answer == {"data": {"myPasses": gateway.passes(masked)}}


def test_without_a_token_nothing_is_told(gateway: Gateway) -> None:
    for query in (PASSES, "{ registrants { nodes { id } } }"):
        answer = gateway.ask(None, query)
        assert answer["data"] is None
        assert codes(answer) == {"UNAUTHORIZED"}


def test_without_the_scope_only_registrants_are_refused(gateway: Gateway) -> None:
    client = gateway.registry.clients["dishub-dki"]
    only_checks = token(gateway.registry.server.url, client, scope="nik:check")
    answer = asked(gateway.url, only_checks, PASSES)
    assert answer["data"]["myPasses"] == gateway.passes([None] * 4)
    assert codes(answer) == {"FORBIDDEN"}
    answer = asked(gateway.url, only_checks, "{ registrants { nodes { id } } }")
    assert answer["data"] is None
    assert codes(answer) == {"INSUFFICIENT_SCOPE"}


def test_a_mutation_goes_through_and_its_answer_crosses_too(gateway: Gateway) -> None:
    verify = """mutation ($id: ID!) { verifyRegistrant(ref: {id: $id}) { __typename
        ... on Registrant { status boardingPass { seat } } ... on Problem { code } } }"""
    answers = [gateway.ask(organizer, verify, id=gateway.registrants[1]) for organizer in ("ahm", "dishub-dki")]
    assert [answer["data"]["verifyRegistrant"] for answer in answers] == [
        {"__typename": "Problem", "code": "NOT_FOUND"},
        {"__typename": "Registrant", "status": "VERIFIED", "boardingPass": {"seat": "2A"}},
    ]


def test_a_refusal_is_data_behind_a_gateway_as_well(gateway: Gateway) -> None:
    inputs = [submission(gateway.other_route["id"], NIKS[0], NAMES[0])]
    assert gateway.ask("ahm", SUBMIT, inputs=inputs) == {
        "data": {
            "submitRegistrants": [{"code": "NIK_ALREADY_REGISTERED", "standing": {"organizer": {"code": "dishub-dki"}}}]
        }
    }
