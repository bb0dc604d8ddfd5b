"""graphql-transport-ws, message by message, over real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from app.auth.bearer import Bearer
from app.errors import Unavailable
from app.graphql import sockets
from tests.graphql.live.serving import Client, Drive, Live

pytestmark = pytest.mark.anyio


async def init(live: Live, client: Client, **payload: Any) -> None:
    await client.say(type="connection_init", payload=payload)


# --- who it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
async def test_the_first_message_says_who_it_is(live: Live, name: str) -> None:
    async with live.socket() as client:
        assert client.socket.subprotocol == "graphql-transport-ws"
        await init(live, client, **{name: f"Bearer {await live.api.token('djka')}"})
        assert await client.hear() == {"type": "connection_ack"}
        await client.subscribe("1", "{ me { organizer { code } } }")
        assert await client.hear() == {
            "id": "1",
            "type": "next",
            "payload": {"data": {"me": {"organizer": {"code": "djka"}}}},
        }
        assert await client.hear() == {"id": "1", "type": "complete"}


async def test_whoever_can_set_the_header_need_not_repeat_it(live: Live) -> None:
    headers = {"Authorization": f"Bearer {await live.api.token('djka')}"}
    async with live.socket(additional_headers=headers) as client:
        await client.say(type="connection_init")
        assert await client.hear() == {"type": "connection_ack"}


async def test_the_language_is_taken_from_the_first_message_or_the_header(live: Live) -> None:
    query = 'mutation { releaseQuota(routeId: "x", seats: 1) { ... on Problem { message } } }'
    token = await live.api.token()
    for headers, payload, begins in (
        ({}, {}, "Rute ini"),
        ({"Accept-Language": "en"}, {}, "There is"),
        ({"Accept-Language": "en"}, {"Accept-Language": "id"}, "Rute ini"),
    ):
        async with live.socket(additional_headers=headers) as client:
            await init(live, client, authorization=f"Bearer {token}", **payload)
            assert await client.hear() == {"type": "connection_ack"}
            await client.subscribe("1", query)
            assert (await client.hear())["payload"]["data"]["releaseQuota"]["message"].startswith(begins)


@pytest.mark.parametrize("payload", [{}, {"authorization": "Bearer x"}, {"authorization": "Basic x"}, {"token": "x"}])
async def test_without_a_good_token_it_is_closed(live: Live, payload: dict[str, str]) -> None:
    async with live.socket() as client:
        await init(live, client, **payload)
        assert await client.closed() == (4401, "Unauthorized")


async def test_without_a_database_nobody_is_known(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr(Bearer, "authenticate", away)
    async with live.socket() as client:
        await init(live, client, authorization="Bearer x")
        assert await client.closed() == (1013, "The registry cannot answer now: try again later")


async def test_who_does_not_say_it_in_time_is_closed(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "INIT_WITHIN", 0.05)
    async with live.socket() as client:
        await client.say(type="ping")
        await client.say(type="pong")
        assert await client.hear() == {"type": "pong"}
        assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_who_says_it_twice_is_closed(live: Live) -> None:
    async with live.client() as client:
        await init(live, client)
        assert await client.closed() == (4429, "Too many initialisation requests")


async def test_nothing_is_subscribed_to_before(live: Live) -> None:
    async with live.socket() as client:
        await client.subscribe("1", "{ me { id } }")
        assert await client.closed() == (4401, "Unauthorized")


@pytest.mark.parametrize("protocol", [None, "graphql-ws"])
async def test_only_one_protocol_is_spoken(live: Live, protocol: str | None) -> None:
    async with live.socket(protocol) as client:
        assert client.socket.subprotocol is None
        assert await client.closed() == (4406, "Subprotocol not acceptable: graphql-transport-ws is spoken here")


# --- messages ---------------------------------------------------------------------------------------------------------

NO_MESSAGES: list[str | bytes] = [
    "",
    "x",
    "5",
    "[]",
    "{}",
    '{"type":5}',
    '{"type":"start","id":"1"}',
    '{"type":"subscribe"}',
    '{"type":"subscribe","id":"1"}',
    '{"type":"subscribe","id":1,"payload":{"query":"{me{id}}"}}',
    '{"type":"subscribe","id":"","payload":{"query":"{me{id}}"}}',
    '{"type":"subscribe","id":"' + "x" * 256 + '","payload":{"query":"{me{id}}"}}',
    '{"type":"subscribe","id":"1","payload":[]}',
    '{"type":"subscribe","id":"1","payload":{"query":5}}',
    '{"type":"subscribe","id":"1","payload":{"query":"{me{id}}","variables":5}}',
    b'{"type":"ping"}',
]


@pytest.mark.parametrize("number", range(len(NO_MESSAGES)))
async def test_what_is_no_message_closes_it(live: Live, number: int) -> None:
    async with live.client() as client:
        await client.socket.send(NO_MESSAGES[number])
        assert await client.closed() == (4400, "Invalid message")
    async with live.socket() as client:
        await client.socket.send(NO_MESSAGES[number] if number != 15 else b"x")
        code, _ = await client.closed()
        assert code == (4401 if 7 <= number <= 14 else 4400)


async def test_a_message_that_is_too_large_closes_it(live: Live) -> None:
    async with live.client() as client:
        await client.subscribe("1", "{ me { id } }", text="x" * 1_000_000)
        assert (await client.closed())[0] == 1009


async def test_pings_are_answered(live: Live) -> None:
    async with live.client() as client:
        await client.say(type="ping", payload={"a": 1})
        assert await client.hear() == {"type": "pong"}
        await client.say(type="pong")
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong"}


async def test_an_id_that_is_in_use_closes_it(live: Live, drive: Drive) -> None:
    async with live.client() as client:
        await client.subscribe("1", "subscription { ticks { number } }")
        await client.subscribe("1", "{ me { id } }")
        assert await client.closed() == (4409, "Subscriber already exists")
    await drive.until(opened=0)


# --- operations -------------------------------------------------------------------------------------------------------


async def test_a_subscription_is_followed_to_its_end(live: Live) -> None:
    async with live.client() as client:
        await client.subscribe("a b", "subscription { all: three { number } }")
        heard = [await client.hear() for _ in range(4)]
    assert heard == [
        *({"id": "a b", "type": "next", "payload": {"data": {"all": {"number": number}}}} for number in (1, 2, 3)),
        {"id": "a b", "type": "complete"},
    ]
