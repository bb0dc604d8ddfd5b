"""Keys of a client that signs are added and withdrawn; the client never loses its last one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from app.errors import InvalidValue, NotFound, Refusal
from app.registry.caller import Caller
from app.registry.clients import clients, signing_keys
from app.registry.clients.clients import Issued
from tests.world import NOW, World

pytestmark = pytest.mark.anyio

OPERATOR = Caller(None, "hubdat")


def key(kid: str) -> dict[str, Any]:
    return {**ECKey.generate_key("P-256").as_dict(private=False), "kid": kid}


def jwks(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": keys})


async def issued(world: World, public_keys: str | None) -> str:
    async with world.database.transaction() as session:
        made = await clients.issue(session, OPERATOR, "djka", ["nik:check"], public_keys, NOW, own=None)
    assert isinstance(made, Issued)
    return made.client.id


async def add(world: World, client_id: str, public_keys: str) -> list[str] | Refusal:
    async with world.database.transaction() as session:
        told = await signing_keys.add(session, OPERATOR, client_id, public_keys, NOW)
    return told if isinstance(told, Refusal) else [one["kid"] for one in told]


async def withdraw(world: World, client_id: str, kid: str) -> list[str] | Refusal:
    async with world.database.transaction() as session:
        told = await signing_keys.withdraw(session, OPERATOR, client_id, kid, NOW)
    return told if isinstance(told, Refusal) else [one["kid"] for one in told]


async def kids(world: World, client_id: str) -> list[str] | Refusal:
    async with world.database.transaction() as session:
        told = await signing_keys.of(session, client_id)
    return told if isinstance(told, Refusal) else [one["kid"] for one in told]


async def facts(world: World) -> list[Any]:
    return [json.loads(one) for (one,) in await world.run("SELECT CAST(facts AS text) FROM change ORDER BY id")][1:]


async def test_a_key_is_added_and_an_old_one_withdrawn(world: World) -> None:
    first, second = key("first"), key("second")
    client_id = await issued(world, jwks(first))
    assert await add(world, client_id, jwks(second)) == ["first", "second"]
    assert await add(world, client_id, jwks(second)) == ["first", "second"]
    assert await withdraw(world, client_id, "first") == await kids(world, client_id) == ["second"]
    # The second time that a key was added is no change.
    assert await facts(world) == [
        {"client": client_id, "keys": ["first", "second"], "was": {"keys": ["first"]}},
        {"client": client_id, "keys": ["second"], "was": {"keys": ["first", "second"]}},
    ]


async def test_what_cannot_be_is_refused_and_changes_nothing(world: World) -> None:
    client_id = await issued(world, jwks(key("one")))
    async with world.unchanged("client", "change"):
        for refused, field in [
            (await withdraw(world, client_id, "one"), "kid"),
            (await withdraw(world, client_id, "two"), "kid"),
            (await add(world, client_id, jwks(key("one"))), "publicKeys"),
            (await add(world, client_id, jwks(*(key(str(place)) for place in range(5)))), "publicKeys"),
            (await add(world, client_id, "{}"), "publicKeys"),
        ]:
            assert isinstance(refused, InvalidValue)
            assert refused.field == field


async def test_a_client_with_a_secret_has_no_keys(world: World) -> None:
    client_id = await issued(world, None)
    async with world.unchanged("client", "change"):
        for refused in (
            await add(world, client_id, jwks(key("one"))),
            await withdraw(world, client_id, "one"),
            await kids(world, client_id),
        ):
            assert isinstance(refused, InvalidValue)
            assert refused.message("en") == "This client has a secret and no keys; issue a client with keys."


async def test_a_revoked_client_and_an_unknown_one_are_not_found(world: World) -> None:
    client_id = await issued(world, jwks(key("one")))
    async with world.database.transaction() as session:
        await clients.revoke(session, OPERATOR, client_id, NOW, own=None)
    async with world.unchanged("client", "change"):
        for unknown in (client_id, "nobody"):
            assert isinstance(await add(world, unknown, jwks(key("two"))), NotFound)
            assert isinstance(await withdraw(world, unknown, "one"), NotFound)
            assert isinstance(await kids(world, unknown), NotFound)
