"""Requests that ask nothing, NIKs in URLs and headers, and what is no HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
from contextlib import suppress
from uuid import uuid4

import pytest

from tests.privacy.silence.asking import CHECK
from tests.privacy.silence.conftest import BODY_LIMIT
from tests.privacy.silence.house import Caller

pytestmark = pytest.mark.anyio


async def test_bodies_that_ask_nothing(caller: Caller) -> None:
    one = caller.another("bodies")
    said = f'{{"query": "{{me{{id}}}}", "variables": {{"nik": "{one.nik}", "name": "{one.name}"'
    whole = json.dumps({"query": CHECK, "variables": {"nik": one.nik, "name": one.name}})
    as_json = {"Content-Type": "application/json"}
    bodies: list[tuple[int, object, dict[str, str]]] = [
        (400, said, as_json),
        (400, f"{one.nik} {one.name}", as_json),
        (400, f'{said}\xff"}}}}'.encode("latin-1"), as_json),
        (400, f'"{one.nik}"', as_json),
        (400, one.nik, as_json),
        (400, f"[{whole}]", as_json),
        (400, '{"variables":' + '{"n":' * 5000 + one.nik, as_json),
        (400, json.dumps({"query": {"nik": one.nik}}), as_json),
        (400, json.dumps({"query": CHECK, "variables": one.nik}), as_json),
        (400, json.dumps({"query": CHECK, "variables": [one.name]}), as_json),
        (400, json.dumps({"query": CHECK, "operationName": int(one.nik)}), as_json),
        (400, json.dumps({"query": CHECK, "extensions": one.nik}), as_json),
        (415, gzip.compress(whole.encode()), {**as_json, "Content-Encoding": "gzip"}),
        (415, f"query={one.nik}", {"Content-Type": "application/x-www-form-urlencoded"}),
        (415, whole, {"Content-Type": f"application/{one.nik}"}),
        (413, whole + " " * BODY_LIMIT + one.nik, as_json),
    ]
    answers = [await caller.send(content=body, headers=headers) for _, body, headers in bodies]
    assert [answer.status_code for answer in answers] == [status for status, _, _ in bodies]
    assert (await caller.logged()).count("/graphql") >= len(bodies)


async def test_urls(caller: Caller) -> None:
    """A NIK never belongs there; whoever puts it there shall not find it in our log, or in a redirection."""
    one = caller.another("urls")
    paths = [
        f"/{one.nik}",
        f"/{one.name}",
        f"/graphql/{one.nik}",
        f"/graphql?nik={one.nik}&name={one.name}",
        f"/graphql/?nik={one.nik}",
        f"/healthz/?nik={one.spaced}",
        f"/oauth/token/?client_id={one.nik}",
        f"/oauth/{one.dashed}",
        f"/.well-known/{one.nik}?{one.name}",
    ]
    for path in paths:
        for method in ("GET", "POST", "DELETE", one.family.upper()):
            answer = await caller.send(method, path)
            assert answer.status_code in {400, 404, 405, 415}, (method, path)


async def test_headers(caller: Caller) -> None:
    one = caller.another("headers")
    values = [
        one.nik,
        one.dashed,
        one.nik[:8] + "." + one.nik[8:],
        one.name,
        one.family,
        one.encoded,
        one.nik.encode().hex(),
    ]
    for value in values:
        for name in ("X-Request-ID", "User-Agent", "Referer", "Cookie", "Traceparent", "Accept-Language", "X-Nik"):
            answer = await caller.send(headers={name: value}, json={"query": "{ me { id } }"})
            assert answer.status_code == 200
        assert (await caller.send(headers={"Accept": f"text/{value}"}, json={})).status_code == 406
        assert (await caller.send(headers={"Host": value}, json={})).status_code == 400


async def test_an_honest_request_id_is_kept(caller: Caller) -> None:
    for sent in (str(uuid4()), uuid4().hex.translate(str.maketrans("0123456789", "abcdefabcd"))):
        answer = await caller.send("GET", "/", headers={"X-Request-ID": sent})
        assert answer.headers["X-Request-ID"] == sent


async def test_what_is_no_http(caller: Caller) -> None:
    one = caller.another("no HTTP")
    host, port = caller.http.base_url.host, caller.http.base_url.port
    for sent in (
        f"{one.nik} {one.name}\r\n\r\n",
        f"GET /{one.nik} HTTP/9.9\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\n{one.name}\r\n\r\n",
        f"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: {one.nik}0000\r\n\r\n",
        f"POST /graphql HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{one.nik}{one.name}\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nX-Long: {one.nik * 10_000}\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(sent.encode())
        # A header that is too long ends the connection before all of the header was sent.
        with suppress(OSError):
            await writer.drain()
            writer.write_eof()
        with suppress(ConnectionError):
            answered = await reader.read()
            assert caller.house.everybody.told_by(answered.decode("latin-1")) == []
        writer.close()
    assert "Invalid HTTP request received." in await caller.logged()
