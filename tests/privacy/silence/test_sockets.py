"""Sockets and streams to which NIKs and names are said in every place there is."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.patience import patience
from tests.privacy.silence.asking import CHECK, codes
from tests.privacy.silence.conftest import BODY_LIMIT
from tests.privacy.silence.house import Caller
from tests.privacy.silence.known import Known

pytestmark = pytest.mark.anyio

ACK = '{"type":"connection_ack"}'
FOLLOW = "subscription ($after: String) { changes(after: $after) { cursor } }"


async def said(caller: Caller, *messages: str | bytes, path: str = "/graphql", **options: Any) -> tuple[int, list[str]]:
    """What a socket answers to `messages` after it knows who we are, and the code that ends it."""
    url = str(caller.http.base_url.copy_with(scheme="ws")).rstrip("/") + path
    init = json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {caller.token}"}})
    heard: list[str] = []
    protocol = Subprotocol("graphql-transport-ws")
    async with connect(url, **({"subprotocols": [protocol], "proxy": None, "compression": None} | options)) as socket:
        with suppress(ConnectionClosed):
            for message in messages if b"plain" in messages else (init, *messages):
                if message != b"plain":
                    await socket.send(message)
            async with patience():
                while True:
                    heard.append(str(await socket.recv()))
        assert socket.close_code is not None
        for text in (socket.close_reason or "", *heard):
            # An id is the client's own word, and the protocol repeats it.
            told = json.dumps({**json.loads(text), "id": ""}) if text.startswith("{") else text
            assert caller.house.everybody.told_by(told) == []
        return socket.close_code, heard


def subscribe(one: Known, query: str, **variables: Any) -> str:
    payload = {"query": query, "variables": variables, "extensions": {"nik": one.nik, "name": one.name}}
    return json.dumps({"id": f"{one.nik} {one.name}", "type": "subscribe", "payload": payload})


async def test_what_is_no_message(caller: Caller) -> None:
    one = caller.another("messages")
    for message in (
        one.nik,
        f'{{"type": "{one.nik}", "name": "{one.name}"',
        json.dumps({"type": one.nik}),
        json.dumps({"type": "subscribe", "id": int(one.nik), "payload": {"query": CHECK}}),
        json.dumps({"type": "subscribe", "id": one.nik, "payload": one.name}),
        json.dumps({"type": "subscribe", "id": one.nik, "payload": {"query": CHECK, "variables": one.name}}),
        one.nik.encode(),
    ):
        assert await said(caller, message) == (4400, [ACK])
        assert (await said(caller, b"plain", message))[0] in {4400, 4401}
    assert (await said(caller, f'"{one.nik}' + " " * BODY_LIMIT))[0] == 1009


async def test_operations_that_fail(caller: Caller) -> None:
    one = caller.another("socket operations")
    operations = [
        subscribe(one, f"subscription {{ {one.family}"),
        subscribe(one, f'subscription {{ changes(after: "{one.nik}") {{ cursor }} }}'),
        subscribe(one, FOLLOW, after=one.nik),
        subscribe(one, FOLLOW, after={"name": one.name}),
        subscribe(one, f'query {{ checkNik(nik: "{one.nik}0") {{ outcome problem {{ message }} }} }}'),
        subscribe(one, f"query {one.family} {{ nothing_{one.nik} }}"),
        subscribe(one, CHECK, nik=[one.nik]),
        subscribe(one, CHECK, nik=one.nik, name=one.name),
    ]
    for operation in operations:
        ended = json.dumps({"type": "complete", "id": one.nik})
        code, heard = await said(caller, operation, ended, json.dumps({"type": one.nik}))
        assert code == 4400
        assert heard[0] == ACK


async def test_who_it_is(caller: Caller) -> None:
    one = caller.another("socket tokens")
    for payload in ({"authorization": f"Bearer {one.encoded}"}, {"authorization": one.nik}, {one.nik: one.name}):
        message = json.dumps({"type": "connection_init", "payload": payload})
        assert await said(caller, b"plain", message) == (4401, [])
    assert await said(caller, json.dumps({"type": "connection_init", "payload": {"nik": one.nik}})) == (4429, [ACK])


async def test_addresses_headers_and_protocols(caller: Caller) -> None:
    one = caller.another("socket addresses")
    path = f"/graphql?nik={one.nik}&name={quote(one.name)}"
    headers = {"X-Request-ID": one.nik, "Cookie": one.encoded, "Authorization": f"Bearer {one.nik}", "X-Nik": one.nik}
    wrong = json.dumps({"type": one.nik})
    assert await said(caller, wrong, path=path, additional_headers=headers) == (4400, [ACK])
    assert (await said(caller, path=path, subprotocols=[Subprotocol(one.nik)]))[0] == 4406
    with pytest.raises(InvalidStatus):
        await said(caller, path=f"/{one.nik}?{quote(one.name)}")


async def test_streams(caller: Caller) -> None:
    one = caller.another("streams")
    stream = {"Accept": "text/event-stream"}
    answer = await caller.ask(FOLLOW, {"after": one.nik}, headers=stream)
    assert '"INVALID_CURSOR"' in answer.text
    answer = await caller.ask(FOLLOW, {"after": [one.name]}, headers=stream)
    assert '"BAD_USER_INPUT"' in answer.text
    answer = await caller.ask(f"subscription {{ nothing_{one.nik} }}", headers=stream)
    assert codes(answer) == ["GRAPHQL_VALIDATION_FAILED"]
