"""Stock clients from npm follow the changes, and a gateway passes them on."""

from __future__ import annotations

import pytest

from tests.contract.conftest import Gateway, Node, Registry, end_of_log, registered

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


def test_a_gateway_passes_them_on(node: Node, gateway: Gateway) -> None:
    registry, id_ = gateway.registry, gateway.followed
    query = FOLLOW.replace("id name", "id name boardingPass { seat }")
    environment = {"AUTHORIZATION": registry.bearer("ahm"), "AFTER": gateway.before, "QUERY": query}
    with node.telling("follow.mjs", "graphql-sse", gateway.url, **environment) as lines:
        # Other tests have registered people of the same organizer since.
        of_this_one = (line for line in lines if line["registrant"]["id"] == id_)
        told = [next(of_this_one)]
        registry.data("ahm", CANCEL, id=id_)
        told.append(next(of_this_one))
    registrant = {"id": id_, "name": "Warga Gerbang", "boardingPass": {"seat": "6A"}}
    assert [(one["to"], one["registrant"]) for one in told] == [("REGISTERED", registrant), ("CANCELLED", registrant)]
