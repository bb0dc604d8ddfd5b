"""Stock clients from npm follow the changes, and a gateway passes them on."""

from __future__ import annotations

import json
import time

import pytest

from tests.contract.conftest import Gateway, Node, Registry, end_of_log, registered
from tests.patience import PATIENCE_SECONDS

FOLLOW = "subscription Follow($after: String) { changes(after: $after) { cursor to registrant { id name } } }"
CANCEL = """mutation ($id: ID!) { cancelRegistrant(ref: {id: $id}, reason: "Permintaan peserta") { __typename } }"""
WAYS = ["graphql-ws", "graphql-sse", "urql over a socket", "urql over events", "graphql-ws that breaks"]


@pytest.mark.parametrize("way", WAYS)
def test_stock_clients_follow_the_changes(node: Node, registry: Registry, way: str) -> None:
    number, name = WAYS.index(way), f"Warga Ikut {way}"
    after = end_of_log(registry, "ahm")
    _, [id_] = registered(registry, "ahm", [f"317103010190910{number}"], [name])
    # Another organizer's, which is not theirs to see.
    registered(registry, "dishub-dki", [f"317103010190911{number}"], ["Penumpang Tetangga"])
    environment = {"AUTHORIZATION": registry.bearer("ahm"), "AFTER": after, "QUERY": FOLLOW}
    with node.telling("follow.mjs", way, registry.api, **environment) as lines:
        told = [next(lines)]
        registry.data("ahm", CANCEL, id=id_)
        told.append(next(lines))
        _, [last] = registered(registry, "ahm", [f"317103010190912{number}"], [name])
        told.append(next(lines))
    assert [(one["to"], one["registrant"]["id"]) for one in told] == [
        ("REGISTERED", id_),
        ("CANCELLED", id_),
        ("REGISTERED", last),
    ]
    assert len({one["cursor"] for one in told}) == 3
    assert end_of_log(registry, "ahm") == told[-1]["cursor"]


@pytest.mark.parametrize("protocol", ["SSE", "WS"])
def test_a_gateway_passes_them_on(node: Node, gateway: Gateway, protocol: str) -> None:
    """Whatever it speaks with the registry: events by POST, or a socket."""
    registry, number = gateway.registry, ["SSE", "WS"].index(protocol)
    sockets, before = sockets_of(registry), end_of_log(registry, "ahm")
    _, [followed] = registered(registry, "ahm", [f"317103010190914{number}"], ["Warga Gerbang"])
    subgraphs = (f"pemudik={registry.api}", f"boarding={gateway.boarding}")
    query = FOLLOW.replace("id name", "id name boardingPass { seat }")
    environment = {"AUTHORIZATION": registry.bearer("ahm"), "AFTER": before, "QUERY": query}
    with (
        node.serving("gateway.mjs", *subgraphs, AUTHORIZATION=registry.bearer("hubdat"), PROTOCOL=protocol) as url,
        node.telling("follow.mjs", "graphql-sse", url, **environment) as lines,
    ):
        told = [next(lines)]
        registry.data("ahm", CANCEL, id=followed)
        told.append(next(lines))
    registrant = {"id": followed, "name": "Warga Gerbang", "boardingPass": None}
    assert [(one["to"], one["registrant"]) for one in told] == [("REGISTERED", registrant), ("CANCELLED", registrant)]
    if protocol == "WS":
        wait_for_another_socket(registry, sockets)


def wait_for_another_socket(registry: Registry, before: int) -> None:
    """The log tells of a socket when it has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while sockets_of(registry) == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def sockets_of(registry: Registry) -> int:
    lines = [json.loads(line) for line in registry.server.said.splitlines() if line.startswith("{")]
    return sum(line["event"] == "socket" for line in lines)
