"""graphql-transport-ws, message by message, over real sockets."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import ConnectionClosed

from app.auth.bearer import Bearer
from app.errors import Unavailable
from app.graphql.doors import connections, sockets
from app.server.socket_protocol import LONGEST_FIRST_MESSAGE
from tests.graphql.live.serving import Client, Drive, Live, listening
from tests.patience import PATIENCE_SECONDS, patience
from tests.world import NOW, World

pytestmark = pytest.mark.anyio


async def init(client: Client, **payload: Any) -> None:
    await client.say(type="connection_init", payload=payload)


def next_tick(name: str, number: int) -> dict[str, Any]:
    return {"id": name, "type": "next", "payload": {"data": {"ticks": {"number": number}}}}


# --- who it is --------------------------------------------------------------------------------------------------------


async def test_the_first_message_says_who_it_is(live: Live) -> None:
    token = await live.api.token("djka")
    for name in ("Authorization", "authorization", "AUTHORIZATION"):
        async with live.socket() as client:
            await init(client, **{name: f"bearer {token}"})
            assert await client.hear() == {"type": "connection_ack"}
    async with live.socket() as client:
        assert client.socket.subprotocol == "graphql-transport-ws"
        await init(client, authorization=f"Bearer {token}")
        assert await client.hear() == {"type": "connection_ack"}
        await client.subscribe("1", "{ me { organizer { code } } }")
        assert await client.hear() == {
            "id": "1",
            "type": "next",
            "payload": {
                "data": {"me": {"organizer": {"code": "djka"}}},
                "extensions": {"cost": {"requested": 3, "actual": 3, "remaining": 100_000}},
            },
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
            await init(client, authorization=f"Bearer {token}", **payload)
            assert await client.hear() == {"type": "connection_ack"}
            await client.subscribe("1", query)
            assert (await client.hear())["payload"]["data"]["releaseQuota"]["message"].startswith(begins)


async def test_without_a_good_token_it_is_closed(live: Live) -> None:
    payloads: list[dict[str, Any]] = [{"authorization": value} for value in ("", "Bearer x", "Basic x", None, 5)]
    for payload in ({}, {"token": "x"}, *payloads):
        async with live.socket() as client:
            await init(client, **payload)
            assert await client.closed() == (4401, "Unauthorized"), payload


async def test_without_a_database_nobody_is_known(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise Unavailable

    monkeypatch.setattr(Bearer, "authenticate", away)
    async with live.socket() as client:
        await init(client, authorization="Bearer x")
        assert await client.closed() == (1013, "The registry cannot answer now: try again later")


async def test_who_does_not_say_it_in_time_is_closed(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "INIT_WITHIN_SECONDS", PATIENCE_SECONDS)
    async with live.socket() as client:
        await client.say(type="ping")
        await client.say(type="pong")
        assert await client.hear() == {"type": "pong"}
    monkeypatch.setattr(sockets, "INIT_WITHIN_SECONDS", 0.2)
    async with live.socket() as client:
        await client.say(type="ping")
        assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_who_says_it_twice_is_closed(live: Live) -> None:
    async with live.client() as client:
        await init(client)
        assert await client.closed() == (4429, "Too many initialisation requests")


async def test_nothing_is_subscribed_to_before(live: Live) -> None:
    async with live.socket() as client:
        await client.subscribe("1", "{ me { id } }")
        assert await client.closed() == (4401, "Unauthorized")


@pytest.mark.parametrize("size", [LONGEST_FIRST_MESSAGE, 900_000])
async def test_who_is_unknown_sends_small_messages(live: Live, size: int) -> None:
    async with live.socket() as client:
        await init(client, padding="x" * size)
        assert (await client.closed())[0] == 1009
    async with live.client() as client:
        await client.subscribe("1", "{ me { organizer { code } } }", padding="x" * size)
        assert (await client.hear())["type"] == "next"


async def test_a_large_first_message_is_not_parsed_under_any_server(live: Live) -> None:
    """Also where the protocol of the server takes it."""
    options: dict[str, Any] = {"ws_max_size": 1_000_000, "ws": WebSocketsSansIOProtocol}
    async with listening(live.server.config.loaded_app, **options) as server:
        plain = Live(live.api, server, live.process)
        async with plain.socket() as client:
            await client.socket.send("[" * (LONGEST_FIRST_MESSAGE + 1))
            assert await client.closed() == (1009, "Message too large")
        async with plain.client() as client:
            await client.subscribe("1", "{ me { organizer { code } } }", padding="x" * 100_000)
            assert (await client.hear())["type"] == "next"


async def test_a_message_of_more_values_than_a_request_needs_closes_it(live: Live) -> None:
    async with live.client() as client:
        await client.socket.send("[" + "0," * 250_000 + "0]")
        assert await client.closed() == (1009, "Message too large")


async def test_few_may_wait_without_saying_who_they_are(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_SOCKETS_WITHOUT_INIT", 2)
    async with live.client(), live.socket() as first, live.socket():
        await first.say(type="ping")
        assert await first.hear() == {"type": "pong"}
        async with live.socket() as third:
            assert await third.closed() == (1013, "The registry cannot answer now: try again later")
        await init(first, authorization=f"Bearer {await live.api.token('djka')}")
        assert await first.hear() == {"type": "connection_ack"}
        async with live.client() as fourth:
            await fourth.say(type="ping")
            assert await fourth.hear() == {"type": "pong"}


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


async def test_what_is_no_message_closes_it(live: Live) -> None:
    for message in NO_MESSAGES:
        async with live.client() as client:
            await client.socket.send(message)
            assert await client.closed() == (4400, "Invalid message"), message
        async with live.socket() as client:
            await client.socket.send(message)
            code, _ = await client.closed()
            assert code == (4401 if '"subscribe"' in str(message) else 4400), message


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


COSTLY = [f"a{n}: routes(first: 200) {{ nodes {{ returnRoutes {{ id name quota }} }} }}" for n in range(25)]

# --- operations -------------------------------------------------------------------------------------------------------


async def test_a_subscription_is_followed_to_its_end(live: Live) -> None:
    async with live.client() as client:
        await client.subscribe("a b", "subscription { all: three { number } }")
        heard = [await client.hear() for _ in range(4)]
    assert heard == [
        *({"id": "a b", "type": "next", "payload": {"data": {"all": {"number": number}}}} for number in (1, 2, 3)),
        {"id": "a b", "type": "complete"},
    ]


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("subscription {", {}, "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { three { number } ticks { number } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($x: Int!) { ticks(after: $x) { number } }", {"x": "3201010101909001"}, "BAD_USER_INPUT"),
        ("subscription ($x: Int!) { ticks(after: $x) { number } }", {}, "BAD_USER_INPUT"),
        ("query A { __typename } query B { __typename }", {}, "OPERATION_NAME_MISSING"),
        ("subscription { admins { number } }", {}, "INSUFFICIENT_SCOPE"),
        ("{ blocks { nodes { id } } }", {}, "INSUFFICIENT_SCOPE"),
        ("query ($a: [NIK!]!) { checkNiks(niks: $a) { nik } }", {"a": ["1"] * 1001}, "TOO_MANY_ITEMS"),
        (f"{{ {' '.join(COSTLY)} }}", {}, "TOO_COSTLY"),
    ],
)
async def test_a_bad_operation_is_answered_by_itself(
    live: Live, drive: Drive, query: str, variables: dict[str, Any], code: str
) -> None:
    async with live.client("djka") as client:
        await client.subscribe("good", "subscription { ticks { number } }")
        await drive.until(opened=1)
        await client.subscribe("bad", query, **variables)
        answer = await client.hear()
        assert (answer["id"], answer["type"]) == ("bad", "error")
        assert answer["payload"][0]["extensions"]["code"] == code
        assert "3201010101909001" not in str(answer)
        # Its id is free again, and its neighbour goes on.
        await client.subscribe("bad", "{ me { organizer { code } } }")
        assert (await client.hear())["payload"]["data"] == {"me": {"organizer": {"code": "djka"}}}
        assert await client.hear() == {"id": "bad", "type": "complete"}
        drive.advance()
        assert await client.hear() == next_tick("good", 1)


@pytest.mark.parametrize(
    ("how", "code"), [("away", "UNAVAILABLE"), ("refused", "INVALID_CURSOR"), ("bug", "INTERNAL_ERROR")]
)
async def test_a_subscription_that_fails_ends_with_its_error(live: Live, how: str, code: str) -> None:
    async with live.client() as client:
        await client.subscribe("1", "subscription ($how: String!) { failing(how: $how) { number } }", how=how)
        assert await client.hear() == {"id": "1", "type": "next", "payload": {"data": {"failing": {"number": 1}}}}
        answer = await client.hear()
        [error] = answer.pop("payload")
        assert answer == {"id": "1", "type": "error"}
        assert error["extensions"]["code"] == code
        assert "3201010101909001" not in str(error)
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong"}


async def test_an_event_that_fails_is_no_end(live: Live, drive: Drive) -> None:
    async with live.client() as client:
        await client.subscribe("1", "subscription { ticks { number broken } }")
        drive.advance(2)
        for _ in range(2):
            payload = (await client.hear())["payload"]
            assert payload["data"] is None
            assert [(one["path"], one["extensions"]["code"]) for one in payload["errors"]] == [
                (["ticks", "broken"], "INTERNAL_ERROR")
            ]
            assert "3201010101909001" not in str(payload)


async def test_what_needs_more_than_attributes_is_resolved_for_each_event(live: Live, drive: Drive) -> None:
    async with live.client("djka") as mine, live.client("dishub-dki") as yours:
        for client in (mine, yours):
            await client.subscribe("1", "subscription { ticks { mine number } }")
        drive.advance(2)
        for client, organizer in ((mine, "djka"), (yours, "dishub-dki")):
            heard = [(await client.hear())["payload"]["data"]["ticks"] for _ in range(2)]
            assert heard == [{"mine": f"{organizer}:{number}", "number": number} for number in (1, 2)]


async def test_complete_ends_a_subscription_at_once_and_frees_its_id(live: Live, drive: Drive) -> None:
    async with live.client() as client:
        await client.subscribe("1", "subscription { ticks { number } }")
        await drive.until(opened=1)
        await client.say(type="complete", id="1")
        await drive.until(opened=0, closed=1)
        drive.advance()
        # Nobody has such an operation, or nobody any more.
        await client.say(type="complete", id="1")
        await client.say(type="complete", id=5)
        await client.subscribe("1", "subscription { ticks(after: 1) { number } }")
        drive.advance()
        assert await client.hear() == next_tick("1", 2)


async def test_subscriptions_end_with_their_socket(live: Live, drive: Drive) -> None:
    async with live.client() as client:
        for name in "abc":
            await client.subscribe(name, "subscription { ticks { number } }")
        await drive.until(opened=3)
    await drive.until(opened=0, closed=3)


async def test_subscriptions_end_with_a_client_that_vanishes(live: Live, drive: Drive) -> None:
    async with live.client() as client:
        await client.subscribe("1", "subscription { ticks { number } }")
        await drive.until(opened=1)
        client.socket.transport.abort()
        await drive.until(opened=0)


async def test_what_queues_comes_in_order(live: Live, drive: Drive) -> None:
    drive.last = 2_000
    async with live.client() as client:
        await client.subscribe("1", "subscription { ticks { number } }")
        assert [await client.hear() for _ in range(2_000)] == [next_tick("1", n) for n in range(1, 2_001)]


# --- how much ---------------------------------------------------------------------------------------------------------


async def test_a_socket_has_a_hundred_operations_at_a_time(live: Live, drive: Drive) -> None:
    async with live.client(additional_headers={"Accept-Language": "en"}) as client:
        for number in range(101):
            await client.subscribe(str(number), "subscription { ticks { number } }")
        answer = await client.hear()
        assert (answer["id"], answer["type"]) == ("100", "error")
        assert answer["payload"] == [
            {
                "message": "A socket has 100 operations at a time at most",
                "extensions": {"code": "TOO_MANY_SUBSCRIPTIONS", "most": 100},
            }
        ]
        await drive.until(opened=100)
        await client.say(type="complete", id="0")
        await drive.until(opened=99)
        await client.subscribe("100", "subscription { ticks { number } }")
        await drive.until(opened=100)
        drive.advance()
        assert {(await client.hear())["id"] for _ in range(100)} == {str(number) for number in range(1, 101)}


async def test_a_client_has_so_many_subscriptions_over_all_its_sockets(
    live: Live, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_SUBSCRIPTIONS_OF_A_CLIENT", 2)
    async with live.client() as first, live.client() as second, live.client("djka") as other:
        for client, name in ((first, "1"), (second, "2"), (other, "3")):
            await client.subscribe(name, "subscription { ticks { number } }")
        await drive.until(opened=3)
        await first.subscribe("4", "subscription { ticks { number } }")
        [error] = (await first.hear())["payload"]
        assert error["extensions"] == {"code": "TOO_MANY_SUBSCRIPTIONS", "most": 2}
        await second.say(type="complete", id="2")
        await drive.until(opened=2)
        await first.subscribe("4", "subscription { ticks { number } }")
        await drive.until(opened=3)


async def test_a_client_has_so_many_sockets(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_SOCKETS_OF_A_CLIENT", 1)
    token = await live.api.token()
    async with live.client() as first, live.client("djka"), live.socket() as second:
        await init(second, authorization=f"Bearer {token}")
        code, reason = await second.closed()
        assert (code, reason) == (4430, "A client has 100 sockets at most")
        await first.say(type="ping")
        assert await first.hear() == {"type": "pong"}


# --- how it ends ------------------------------------------------------------------------------------------------------


async def test_it_ends_with_its_token(live: Live, drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    async with live.client() as client:
        await client.subscribe("1", "subscription { ticks { number } }")
        await drive.until(opened=1)
        later = datetime.now(UTC) + timedelta(seconds=901)
        monkeypatch.setattr("app.clock.of_the_database", lambda: later - timedelta(seconds=3))
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong"}
        monkeypatch.setattr("app.clock.of_the_database", lambda: later)
        assert await client.closed() == (4401, "The access token is expired or revoked")
    await drive.until(opened=0)


async def test_it_ends_with_its_client(live: Live, drive: Drive, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "RECHECK_AFTER_SECONDS", 0.1)
    async with live.client("djka") as client, live.client() as other:
        await client.subscribe("1", "subscription { ticks { number } }")
        await drive.until(opened=1)
        await world.run("UPDATE client SET revoked_at = :now WHERE organizer_code = 'djka'", now=NOW)
        assert await client.closed() == (4401, "The access token is expired or revoked")
        await other.say(type="ping")
        assert await other.hear() == {"type": "pong"}


async def test_it_ends_when_its_client_may_do_something_else(
    live: Live, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "RECHECK_AFTER_SECONDS", 0.1)
    async with live.client("djka") as client:
        await world.run("UPDATE client SET scopes = ARRAY['nik:check'] WHERE organizer_code = 'djka'")
        assert await client.closed() == (4403, "What this client may do has changed: connect again")


async def test_while_nobody_can_say_it_stays(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()

    def away(*_: object, **__: object) -> None:
        asked.set()
        raise Unavailable

    async with live.client() as client:
        monkeypatch.setattr(Bearer, "authenticate", away)
        await asked.wait()
        await client.say(type="ping")
        assert await client.hear() == {"type": "pong"}


async def test_it_is_pinged_while_there_is_nothing_to_say(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "KEEP_ALIVE_AFTER_SECONDS", 0.1)
    async with live.client() as client, patience():
        assert [await client.socket.recv() for _ in range(2)] == ['{"type":"ping"}'] * 2


async def test_a_restart_ends_it_gently(live: Live, drive: Drive) -> None:
    async with live.client() as client:
        await client.subscribe("1", "subscription { ticks { number } }")
        await drive.until(opened=1)
        live.process.stopping.set()
        assert await client.closed() == (1012, "The server restarts: resume from your last cursor")
        assert drive.open == 0


async def test_a_server_that_ends_closes_it(live: Live, drive: Drive) -> None:
    async with live.client() as client:
        await client.subscribe("1", "subscription { ticks { number } }")
        await drive.until(opened=1)
        live.server.should_exit = True
        assert (await client.closed())[0] == 1012
    await drive.until(opened=0)


async def test_a_bug_of_ours_is_masked(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("3201010101909001")

    monkeypatch.setattr(sockets, "request_of", broken)
    async with live.client() as client:
        with capture_logs() as logged:
            await client.subscribe("1", "{ me { id } }")
            assert await client.closed() == (4500, "Internal error")
    assert "3201010101909001" not in str(logged)
    assert [line["event"] for line in logged if line["log_level"] == "error"] == ["graphql field failed"]


# --- who does not read ------------------------------------------------------------------------------------------------


async def test_who_does_not_read_is_cut_off_and_resumes(
    live: Live, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SLOW_AFTER_SECONDS", 0.3)
    query = "subscription ($after: Int!) { ticks(after: $after, padding: 100000) { number } }"
    padded = query.replace("number", "number padding")
    async with live.client(max_queue=1) as slow, live.client("djka") as quick:
        await slow.subscribe("1", padded, after=0)
        await quick.subscribe("1", query, after=0)
        drive.advance(500)
        # Nobody else waits for it.
        assert [await quick.hear() for _ in range(500)] == [next_tick("1", n) for n in range(1, 501)]
        await drive.until(opened=1)
        seen = []
        with suppress(ConnectionClosed):
            while True:
                seen.append((await slow.hear())["payload"]["data"]["ticks"]["number"])
        assert (slow.socket.close_code, slow.socket.close_reason) == (
            4413,
            "Nothing was read for too long: resume from your last cursor",
        )
    assert seen == list(range(1, len(seen) + 1))
    assert 0 < len(seen) < 500
    # The second time it reads, at the pace of this machine.
    monkeypatch.setattr(connections, "SLOW_AFTER_SECONDS", PATIENCE_SECONDS)
    async with live.client() as again:
        await again.subscribe("1", query, after=seen[-1])
        rest = [(await again.hear())["payload"]["data"]["ticks"]["number"] for _ in range(500 - len(seen))]
    assert seen + rest == list(range(1, 501))


# --- the log ----------------------------------------------------------------------------------------------------------


async def test_its_end_is_one_line_of_the_log(live: Live, drive: Drive) -> None:
    with capture_logs() as logged:
        async with live.client("djka") as client:
            await client.subscribe("3201010101909001", "subscription { ticks { number } }")
            await client.subscribe("b", "query Slamet { me { id } }")
            await client.hear()
        await drive.until(opened=0)
        await live.idle()
    [line] = [line for line in logged if line["event"] == "socket"]
    assert line.pop("ms") > 0
    assert line.pop("client").startswith("djka-")
    assert line == {
        "event": "socket",
        "log_level": "info",
        "route": "/graphql",
        "code": 1000,
        "operation": "me,ticks",
    }
