"""Stock clients from npm follow the changes, and a gateway passes them on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.conftest import Node, Registry
from tests.contract.test_gateway import ROUTE, SUBMIT, submission

FOLLOW = "subscription Follow($after: String) { changes(after: $after) { cursor to registrant { id name } } }"
LAST = "query ($after: String) { changes(first: 200, after: $after) { pageInfo { hasNextPage endCursor } } }"
CANCEL = """mutation ($id: ID!) { cancelRegistrant(ref: {id: $id}, reason: "Permintaan peserta") { __typename } }"""
WAYS = ["graphql-ws", "graphql-sse", "urql over a socket", "urql over events", "graphql-ws that breaks"]


def end_of_log(registry: Registry, organizer: str) -> str:
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        page = registry.data(organizer, LAST, after=page["endCursor"])["changes"]["pageInfo"]
    cursor: str = page["endCursor"]
    return cursor


def registered(registry: Registry, organizer: str, nik: str, name: str) -> str:
    """The id of a new registrant."""
    [route] = registry.data(organizer, ROUTE, of=organizer)["routes"]["nodes"]
    inputs = [submission(route["id"], nik, name)]
    [verdict] = registry.data(organizer, SUBMIT, inputs=inputs)["submitRegistrants"]
    id_: str = verdict["registrant"]["id"]
    return id_


@pytest.mark.parametrize("way", WAYS)
def test_stock_clients_follow_the_changes(node: Node, registry: Registry, way: str) -> None:
    number, name = WAYS.index(way), f"Warga Ikut {way}"
    after = end_of_log(registry, "ahm")
    id_ = registered(registry, "ahm", f"317103010190910{number}", name)
    # Another organizer's, which is not theirs to see.
    registered(registry, "dishub-dki", f"317103010190911{number}", "Penumpang Tetangga")
    environment = {"AUTHORIZATION": registry.bearer("ahm"), "AFTER": after, "QUERY": FOLLOW}
    with node.telling("follow.mjs", way, registry.api, **environment) as lines:
        told = [next(lines)]
        registry.data("ahm", CANCEL, id=id_)
        told.append(next(lines))
        last = registered(registry, "ahm", f"317103010190912{number}", name)
        told.append(next(lines))
    assert [(one["to"], one["registrant"]["id"]) for one in told] == [
        ("REGISTERED", id_),
        ("CANCELLED", id_),
        ("REGISTERED", last),
    ]
    assert len({one["cursor"] for one in told}) == 3
    assert end_of_log(registry, "ahm") == told[-1]["cursor"]


def test_a_gateway_passes_them_on(node: Node, registry: Registry) -> None:
    after = end_of_log(registry, "ahm")
    id_ = registered(registry, "ahm", "3171030101909130", "Warga Gerbang")
    passes = json.dumps([{"seat": "9F", "registrant": id_, "route": "1"}])
    query = FOLLOW.replace("id name", "id name boardingPass { seat }")
    with (
        node.serving("boarding.mjs", passes) as boarding,
        node.serving("gateway.mjs", registry.api, boarding, AUTHORIZATION=registry.bearer("hubdat")) as url,
        node.telling(
            "follow.mjs", "graphql-sse", url, AUTHORIZATION=registry.bearer("ahm"), AFTER=after, QUERY=query
        ) as lines,
    ):
        told = [next(lines)]
        registry.data("ahm", CANCEL, id=id_)
        told.append(next(lines))
    registrant = {"id": id_, "name": "Warga Gerbang", "boardingPass": {"seat": "9F"}}
    assert [(one["to"], one["registrant"]) for one in told] == [("REGISTERED", registrant), ("CANCELLED", registrant)]
