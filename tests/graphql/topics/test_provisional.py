"""What the feeds made, through the door: listed, declared, merged; and the secrets of signed webhooks."""

from __future__ import annotations

import pytest

from tests.graphql.conftest import Api
from tests.registry.rows.records import TO_JEBRES, TO_WONOGIRI, pushed, record
from tests.world import DJKA, World

pytestmark = pytest.mark.anyio

LIST = """query ($provisional: Boolean) {
    routes(where: {provisional: $provisional}) {
        nodes { id name provisional quota taken destination { code provisional } } }
    terminals(provisional: $provisional) { name city provisional } }"""
MERGE_ROUTE = """mutation ($provisional: ID!, $into: ID!) { mergeRoute(provisional: $provisional, into: $into) {
    ... on Route { id taken remaining provisional } ... on Problem { code message field } } }"""
MERGE_TERMINAL = """mutation ($provisional: ID!, $into: ID!) {
    mergeTerminal(provisional: $provisional, into: $into) {
        ... on Terminal { code provisional } ... on Problem { code field } } }"""
ISSUE = """mutation ($client: ID!) { issueWebhookSecret(clientId: $client) {
    secret client { id organizer { code } } } }"""


async def test_they_are_listed_for_review(api: Api, world: World) -> None:
    declared = await world.route()
    await pushed(world, record(1, **TO_WONOGIRI), caller=DJKA)
    found = await api.data(LIST, {"provisional": True}, organizer="djka")
    [route] = found["routes"]["nodes"]
    assert route.pop("destination")["provisional"] is True
    assert route | {"id": ""} == {
        "id": "",
        "name": "Jakarta - Wonogiri",
        "provisional": True,
        "quota": None,
        "taken": 1,
    }
    assert found["terminals"] == [{"name": "Giri Adipura", "city": "Kab. Wonogiri", "provisional": True}]
    others = await api.data(LIST, {"provisional": False})
    assert [(one["id"], one["provisional"]) for one in others["routes"]["nodes"]] == [(str(declared), False)]
    assert {one["provisional"] for one in others["terminals"]} == {False}
    everything = await api.data("{ routes { nodes { id } } terminals { code } }")
    assert (len(everything["routes"]["nodes"]), len(everything["terminals"])) == (2, 5)


async def test_they_are_merged(api: Api, world: World) -> None:
    """By their owner, or by Hubdat; with nobody moved when the seats do not suffice."""
    await pushed(world, record(1, **TO_JEBRES), record(2, **TO_JEBRES), caller=DJKA)
    full = await world.route("Penuh", organizer="djka", quota=1)
    into = await world.route("Mudik Bersama", organizer="djka", quota=2)
    [(provisional, place)] = await world.run("SELECT id::text, destination_code FROM route WHERE provisional")

    async with world.unchanged("registrant", "route"):
        asked = {"provisional": provisional, "into": str(full)}
        refused = await api.data(MERGE_ROUTE, asked, scopes=("routes:write",))
        assert refused["mergeRoute"]["code"] == "NOT_YOURS"
        refused = await api.data(MERGE_ROUTE, asked, scopes=("hubdat:admin",))
        assert refused["mergeRoute"] == {
            "code": "QUOTA_FULL",
            "message": "Kuota rute ini tidak cukup; diperlukan 2, sisa 1; pilih rute lain.",
            "field": "into",
        }
        nowhere = await api.data(MERGE_ROUTE, {"provisional": "x", "into": "y"}, organizer="djka")
        assert nowhere["mergeRoute"]["code"] == "ROUTE_UNKNOWN"
    terminal = await api.data(MERGE_TERMINAL, {"provisional": place, "into": "tirtonadi"}, organizer="djka")
    assert terminal["mergeTerminal"] == {"code": "tirtonadi", "provisional": False}
    merged = await api.data(MERGE_ROUTE, {"provisional": provisional, "into": str(into)}, organizer="djka")
    assert merged["mergeRoute"] == {"id": str(into), "taken": 2, "remaining": 0, "provisional": False}
    again = await api.data(MERGE_TERMINAL, {"provisional": place, "into": "tirtonadi"}, scopes=("hubdat:admin",))
    assert again["mergeTerminal"] == {"code": "NOT_FOUND", "field": "provisional"}
    gone = await api.data("query ($id: ID!) { route(id: $id) { id } }", {"id": provisional})
    assert gone == {"route": None}


async def test_a_secret_for_signed_webhooks(api: Api, world: World) -> None:
    answer = await api.data(ISSUE, {"client": "djka-test"})
    assert answer["issueWebhookSecret"]["secret"].startswith("whsec_")
    assert answer["issueWebhookSecret"]["client"] == {"id": "djka-test", "organizer": {"code": "djka"}}
    assert await world.count("client_webhook_secret") == 1
    assert await api.code(ISSUE, {"client": "nobody"}) == "NOT_FOUND"
