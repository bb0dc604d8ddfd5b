"""Signed webhooks (Standard Webhooks): who has a secret must sign; what is forged, old or replayed is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from standardwebhooks import Webhook

from app.errors import InvalidValue, NotFound
from app.intake.signatures import RECHECK_AFTER_SECONDS, Signatures
from app.registry import key_rotation
from app.registry.caller import Caller
from app.registry.clients import clients, webhook_secrets
from app.registry.clients.webhook_secrets import IssuedSecret
from tests.intake.knocking import Doors, opened
from tests.registry.rows.records import record
from tests.world import NOW, World

pytestmark = pytest.mark.anyio

PATH = "/webhook/pemudik"
OPERATOR = Caller(None, "hubdat")


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    await world.route()
    async with opened(world) as api:
        yield api


async def client_of(api: Doors, world: World) -> str:
    await api.token()
    client_id: str = await world.one("SELECT id FROM client WHERE id LIKE 'hubdat-%' AND id <> 'hubdat-test'")
    return client_id


async def issued(world: World, client_id: str, now: datetime = NOW) -> str:
    async with world.database.transaction() as session:
        secret = await webhook_secrets.issue(session, world.vault, OPERATOR, client_id, now, own=None)
    assert isinstance(secret, IssuedSecret)
    assert secret.secret not in repr(secret)
    return secret.secret


def signed(secret: str, body: bytes, message_id: str = "msg_1", at: datetime = NOW) -> dict[str, Any]:
    # Theirs reads naive datetimes and UTC's alike.
    signature = Webhook(secret).sign(message_id, at.replace(tzinfo=None), body.decode())
    return {
        "webhook_id": message_id,
        "webhook_timestamp": str(int(at.replace(tzinfo=UTC).timestamp())),
        "webhook_signature": signature,
    }


def body(number: int = 1) -> bytes:
    return orjson.dumps(record(number))


async def refused(api: Doors, world: World, content: bytes, **headers: Any) -> tuple[int, str]:
    async with world.unchanged("registrant", "change", "signed_message"):
        answer = await api.send(PATH, content, **headers)
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"] == 'Webhook-Signature realm="pemudik"'
    return answer.status_code, answer.json()["error"]["code"]


def hasil(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["hasil"] for one in answer.json()["hasil"]]


async def test_a_signed_message_is_taken_once(api: Doors, world: World) -> None:
    secret = await issued(world, await client_of(api, world))
    headers = signed(secret, body())
    assert hasil(await api.send(PATH, body(), **headers)) == ["diterima"]
    assert await refused(api, world, body(), **headers) == (409, "MESSAGE_REPLAYED")
    # The same content under an id of its own is a repeat.
    assert hasil(await api.send(PATH, body(), **signed(secret, body(), "msg_2"))) == ["tidak_berubah"]
    assert await world.count("signed_message") == 2


async def test_a_message_that_comes_twice_at_once_is_taken_once(api: Doors, world: World) -> None:
    secret = await issued(world, await client_of(api, world))
    headers = signed(secret, body())
    answers = await asyncio.gather(*(api.send(PATH, body(), **headers) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 7]


async def test_a_message_that_failed_may_come_again(api: Doors, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.errors import Unavailable
    from app.registry.rows import reception

    async def away(*_: object, **__: object) -> None:
        raise Unavailable

    secret = await issued(world, await client_of(api, world))
    headers = signed(secret, body())
    with monkeypatch.context() as patch:
        patch.setattr(reception, "push", away)
        assert (await api.send(PATH, body(), **headers)).status_code == 503
    assert hasil(await api.send(PATH, body(), **headers)) == ["diterima"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"webhook_id": "msg_2"}, "SIGNATURE_INVALID"),
        ({"webhook_timestamp": str(int(NOW.timestamp()) + 1)}, "SIGNATURE_INVALID"),
        ({"webhook_timestamp": "soon"}, "SIGNATURE_INVALID"),
        ({"webhook_timestamp": "9" * 40}, "SIGNATURE_INVALID"),
        ({"webhook_signature": "v1,AAAA"}, "SIGNATURE_INVALID"),
        ({"webhook_signature": "nonsense"}, "SIGNATURE_INVALID"),
        ({"webhook_signature": "v1a,x v2,y"}, "SIGNATURE_INVALID"),
        ({"webhook_id": "x" * 257}, "SIGNATURE_INVALID"),
        ({"webhook_signature": ""}, "SIGNATURE_REQUIRED"),
        ({"webhook_id": ""}, "SIGNATURE_REQUIRED"),
        ({"webhook_timestamp": ""}, "SIGNATURE_REQUIRED"),
    ],
    ids=range(11),
)
async def test_what_is_not_signed_so_is_refused(api: Doors, world: World, change: dict[str, str], code: str) -> None:
    secret = await issued(world, await client_of(api, world))
    assert await refused(api, world, body(), **signed(secret, body()) | change) == (401, code)


async def test_another_body_is_not_what_was_signed(api: Doors, world: World) -> None:
    secret = await issued(world, await client_of(api, world))
    assert await refused(api, world, body(2), **signed(secret, body(1))) == (401, "SIGNATURE_INVALID")
    assert await refused(api, world, body(1) + b" ", **signed(secret, body(1))) == (401, "SIGNATURE_INVALID")


@pytest.mark.parametrize(("minutes", "good"), [(-5, True), (5, True), (-5.1, False), (5.1, False), (-9999, False)])
async def test_a_timestamp_is_good_for_five_minutes(api: Doors, world: World, minutes: float, good: bool) -> None:
    secret = await issued(world, await client_of(api, world))
    headers = signed(secret, body(), at=NOW + timedelta(minutes=minutes))
    if good:
        assert hasil(await api.send(PATH, body(), **headers)) == ["diterima"]
    else:
        assert await refused(api, world, body(), **headers) == (401, "SIGNATURE_EXPIRED")


async def test_who_has_a_secret_must_sign(api: Doors, world: World) -> None:
    await issued(world, await client_of(api, world))
    assert await refused(api, world, body()) == (401, "SIGNATURE_REQUIRED")


async def test_who_has_none_need_not_and_cannot(api: Doors, world: World) -> None:
    headers = signed("whsec_" + "QUJD" * 8, body())
    await client_of(api, world)
    assert await refused(api, world, body(), **headers) == (401, "SIGNATURE_UNEXPECTED")
    assert hasil(await api.send(PATH, body())) == ["diterima"]


async def test_two_secrets_are_good_while_one_takes_the_place_of_the_other(world: World) -> None:
    await world.route()
    client_id, secrets = "hubdat-test", []
    for _ in range(3):
        secrets.append(await issued(world, client_id))
        async with world.database.transaction() as session:
            assert await webhook_secrets.secrets_of(session, world.vault, client_id) == tuple(secrets[:-3:-1])
    signatures = Signatures(world.database, world.vault)
    old, newer, newest = (signed(secret, body()) for secret in secrets)
    both = newest | {"webhook_signature": f"{old['webhook_signature']} {newest['webhook_signature']}"}
    for headers in (newer, newest, both):
        assert await signatures.verified(given(headers), body(), client_id, NOW) == "msg_1"
    with pytest.raises(Exception, match="SIGNATURE_INVALID"):
        await signatures.verified(given(old), body(), client_id, NOW)


async def test_a_new_secret_is_known_within_seconds(world: World) -> None:
    ticks = [0.0]
    signatures = Signatures(world.database, world.vault, monotonic=lambda: ticks[0])
    assert await signatures.verified(given({}), body(), "hubdat-test", NOW) is None
    await issued(world, "hubdat-test")
    assert await signatures.verified(given({}), body(), "hubdat-test", NOW) is None
    ticks[0] = RECHECK_AFTER_SECONDS
    with pytest.raises(Exception, match="SIGNATURE_REQUIRED"):
        await signatures.verified(given({}), body(), "hubdat-test", NOW)


def given(headers: dict[str, str]) -> Any:
    return httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})


async def test_a_secret_is_sealed_and_told_of_in_the_log(world: World) -> None:
    secret = await issued(world, "hubdat-test")
    rows = await world.rows("client_webhook_secret", "change")
    assert secret.removeprefix("whsec_") not in str(rows)
    assert secret.encode() not in await world.one("SELECT secret_sealed FROM client_webhook_secret")
    assert await world.changes("kind, organizer_code, facts") == [
        ("CLIENT_WEBHOOK_SECRET_ISSUED", "hubdat", {"client": "hubdat-test", "secret": "issued"})
    ]


async def test_a_secret_that_is_dropped_is_not_asked_for(world: World) -> None:
    await issued(world, "hubdat-test")
    async with world.database.transaction() as session:
        dropped = await webhook_secrets.drop(session, OPERATOR, "hubdat-test", NOW)
        again = await webhook_secrets.drop(session, OPERATOR, "hubdat-test", NOW)
        unknown = await webhook_secrets.drop(session, OPERATOR, "nobody", NOW)
        assert await webhook_secrets.secrets_of(session, world.vault, "hubdat-test") == ()
    assert isinstance(dropped, clients.Client)
    assert again == dropped
    assert isinstance(unknown, NotFound)
    assert [facts["secret"] for _, facts in await world.changes("kind, facts")] == ["issued", "dropped"]


async def test_a_revoked_client_gets_none_and_loses_its_own(world: World) -> None:
    await issued(world, "hubdat-test")
    async with world.database.transaction() as session:
        await clients.revoke(session, OPERATOR, "hubdat-test", NOW, own=None)
        assert await webhook_secrets.secrets_of(session, world.vault, "hubdat-test") == ()
        revoked = await webhook_secrets.issue(session, world.vault, OPERATOR, "hubdat-test", NOW, own=None)
        unknown = await webhook_secrets.issue(session, world.vault, OPERATOR, "nobody", NOW, own=None)
    assert isinstance(revoked, InvalidValue)
    assert (revoked.field, type(unknown)) == ("clientId", NotFound)


async def test_secrets_are_sealed_anew_with_the_rest(world: World) -> None:
    assert "client_webhook_secret" in {one.name for one in key_rotation.SEALED_TABLES}


async def test_ids_are_forgotten_after_a_day(world: World) -> None:
    async with world.database.transaction() as session:
        for hours in (0, 23, 24, 25):
            taken = await webhook_secrets.take(
                session, world.vault, "hubdat-test", f"msg_{hours}", NOW - timedelta(hours=hours)
            )
            assert taken
    await world.sweep(NOW)
    assert await world.count("signed_message") == 2
