"""A federation gateway in front of the registry and a sample organizer's subgraph, which has boarding passes."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.conftest import (
    NAMES,
    NIKS,
    OTHER_NAME,
    OTHER_NIK,
    SUBMIT,
    TOGETHER,
    Gateway,
    asked,
    submission,
    token,
)

PASSES = "{ myPasses { seat route { name } registrant { status nik name route { name } } } }"


def codes(answer: Any) -> set[str]:
    return {error["extensions"]["code"] for error in answer["errors"]}


def test_registrants_have_the_fields_that_another_graph_adds(gateway: Gateway) -> None:
    query = """query ($reference: String) { registrants(where: {reference: $reference}) {
        nodes { nik boardingPass { seat route { name } } } } }"""
    nodes = gateway.ask("dishub-dki", query, reference=TOGETHER)["data"]["registrants"]["nodes"]
    assert nodes == [
        {"nik": nik, "boardingPass": {"seat": f"{place}A", "route": {"name": gateway.route["name"]}}}
        for place, nik in enumerate(NIKS, start=1)
    ]


def test_another_organizers_registrant_is_null_and_all_take_one_request(gateway: Gateway) -> None:
    before = gateway.registry.operations()
    answer = gateway.ask("dishub-dki", PASSES)
    assert gateway.registry.operations()[len(before) :] == ["_entities"]
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
    answer = gateway.ask(None, PASSES)
    assert answer["data"] is None
    assert codes(answer) == {"UNAUTHORIZED"}
    answer = gateway.ask(None, "{ registrants { nodes { id } } }")
    assert answer["data"] == {"registrants": None}
    assert codes(answer) == {"UNAUTHORIZED"}


def test_without_the_scope_only_registrants_are_refused(gateway: Gateway) -> None:
    client = gateway.registry.clients["dishub-dki"]
    only_checks = token(gateway.registry.server.url, client, scope="nik:check")
    answer = asked(gateway.url, only_checks, PASSES)
    assert answer["data"]["myPasses"] == gateway.passes([None] * 4)
    assert codes(answer) == {"FORBIDDEN"}
    answer = asked(gateway.url, only_checks, "{ registrants { nodes { id } } }")
    assert answer["data"] == {"registrants": None}
    assert codes(answer) == {"INSUFFICIENT_SCOPE"}


def test_a_mutation_goes_through_and_its_answer_crosses_too(gateway: Gateway) -> None:
    verify = """mutation ($id: ID!) { verifyRegistrant(ref: {id: $id}) { __typename
        ... on Registrant { status boardingPass { seat } } ... on Problem { code } } }"""
    answers = [gateway.ask(organizer, verify, id=gateway.checked_in) for organizer in ("ahm", "dishub-dki")]
    assert [answer["data"]["verifyRegistrant"] for answer in answers] == [
        {"__typename": "Problem", "code": "NOT_FOUND"},
        {"__typename": "Registrant", "status": "VERIFIED", "boardingPass": {"seat": "5A"}},
    ]


def test_a_refusal_is_data_behind_a_gateway_as_well(gateway: Gateway) -> None:
    inputs = [submission(gateway.other_route["id"], NIKS[0], NAMES[0])]
    assert gateway.ask("ahm", SUBMIT, inputs=inputs) == {
        "data": {
            "submitRegistrants": [{"code": "NIK_ALREADY_REGISTERED", "standing": {"organizer": {"code": "dishub-dki"}}}]
        }
    }
