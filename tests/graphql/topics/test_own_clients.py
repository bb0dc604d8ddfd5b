"""An organizer's own clients, with `clients:write`: within its own scopes, and never the power over clients."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphql.conftest import Api
from tests.world import World

pytestmark = pytest.mark.anyio

OWN = ("nik:check", "registrants:read", "clients:write")
ISSUE = "mutation ($of: ID!, $scopes: [String!]!) { issueClient(organizer: $of, scopes: $scopes) { client { id } } }"
ROTATE = "mutation ($id: ID!) { rotateClientSecret(id: $id) { secret } }"
SIGN = "mutation ($id: ID!) { issueWebhookSecret(clientId: $id) { secret } }"
REVOKE = "mutation ($id: ID!) { revokeClient(id: $id) { id } }"
SEEN = "{ clients { id scopes organizer { code } } }"
TABLES = ("client", "client_secret", "client_webhook_secret", "change")


async def issued(api: Api, *scopes: str, of: str = "djka", **how: Any) -> str:
    answer = await api.data(ISSUE, {"of": of, "scopes": scopes}, **how)
    return str(answer["issueClient"]["client"]["id"])


async def test_an_organizer_issues_rotates_and_revokes_its_own(api: Api, world: World) -> None:
    how: dict[str, Any] = {"organizer": "djka", "scopes": OWN}
    await api.token("hubdat")
    client = await issued(api, "nik:check", **how)
    for query in (ROTATE, SIGN, REVOKE):
        await api.data(query, {"id": client}, **how)
    seen = (await api.data(SEEN, **how))["clients"]
    assert {one["organizer"]["code"] for one in seen} == {"djka"}
    assert [one["scopes"] for one in seen if one["id"] == client] == [["nik:check"]]
    kinds = [kind for [kind] in await world.changes("kind") if kind.startswith("CLIENT")][-4:]
    assert kinds == ["CLIENT_ISSUED", "CLIENT_ROTATED", "CLIENT_WEBHOOK_SECRET_ISSUED", "CLIENT_REVOKED"]
    assert len((await api.data(SEEN))["clients"]) > len(seen)


@pytest.mark.parametrize(
    ("of", "scopes", "code"),
    [
        ("jasa-raharja", ["nik:check"], "NOT_YOURS"),
        ("hubdat", ["nik:check"], "NOT_YOURS"),
        ("djka", ["registrants:write"], "INVALID_VALUE"),
        ("djka", ["clients:write"], "INVALID_VALUE"),
        ("djka", ["dashboard:read"], "INVALID_VALUE"),
    ],
)
async def test_nobody_hands_on_what_is_not_its_own(
    api: Api, world: World, of: str, scopes: list[str], code: str
) -> None:
    how: dict[str, Any] = {"organizer": "djka", "scopes": OWN}
    await api.token("djka", OWN)
    async with world.unchanged(*TABLES):
        assert await api.code(ISSUE, {"of": of, "scopes": scopes}, **how) == code


async def test_clients_of_others_and_with_more_scopes_stay_as_they_are(api: Api, world: World) -> None:
    how: dict[str, Any] = {"organizer": "djka", "scopes": OWN}
    await api.token("djka", OWN)
    others, stronger = await issued(api, "nik:check", of="hubdat"), await issued(api, "routes:write")
    async with world.unchanged(*TABLES):
        for query in (ROTATE, SIGN, REVOKE):
            assert await api.code(query, {"id": others}, **how) == "NOT_FOUND"
            assert await api.code(query, {"id": stronger}, **how) == "INVALID_VALUE"
