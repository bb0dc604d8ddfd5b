"""A subscription by GET: by bearer alone, never for a query, and never with what may be a NIK in its URL."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.graphql.live.serving import Drive, Live
from tests.world import nik_of

pytestmark = pytest.mark.anyio

TICKS = "subscription ($after: Int! = 0) { ticks(after: $after) { number } }"
STREAM = {"Accept": "text/event-stream", "Accept-Language": "en"}


async def get(live: Live, headers: dict[str, str] | None = None, **parameters: Any) -> httpx.Response:
    """The answer. A stream is read up to its first two events."""
    bearer = {"Authorization": f"Bearer {await live.api.token()}"}
    sent = {**STREAM, **(bearer if headers is None else headers)}
    return await live.api.http.get("/graphql", params=parameters, headers=sent)


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


async def test_a_subscription_is_followed(live: Live) -> None:
    answer = await get(live, query="subscription A { three { number } }", operationName="A", variables="{}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    assert [json.loads(event)["data"]["three"]["number"] for event in events] == [1, 2, 3]


async def test_its_variables_are_json(live: Live, drive: Drive) -> None:
    failing = "subscription ($how: String!) { failing(how: $how) { number } }"
    answer = await get(live, query=failing, variables=json.dumps({"how": "refused"}))
    assert "INVALID_CURSOR" in answer.text


@pytest.mark.parametrize("query", ["{ me { scopes } }", "mutation { __typename }"])
async def test_nothing_else_comes_by_get(live: Live, query: str) -> None:
    answer = await get(live, query=query)
    assert told(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "POST"
    message = answer.json()["errors"][0]["message"]
    assert "no NIK may stand in a URL" in message
    assert "preferGetMethod: false" in message
    assert "useGETForQueries: false" in message


async def test_without_asking_for_a_stream_it_is_refused(live: Live) -> None:
    headers = {"Authorization": f"Bearer {await live.api.token()}", "Accept": "application/json"}
    assert told(await get(live, headers, query=TICKS)) == (405, "METHOD_NOT_ALLOWED")


async def test_a_cookie_is_nobody(live: Live) -> None:
    """A page of another site can make a browser send it."""
    for cookie in ("pemudik=x", "__Host-pemudik=x"):
        answer = await get(live, {"Cookie": cookie, "Origin": "https://registry.test"}, query=TICKS)
        assert told(answer) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("written", ["{}", "a{}b", "{:.4}.{:.12}", "%33{:.15}"])
async def test_what_may_be_a_nik_is_refused_unread_and_not_repeated(
    live: Live, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    nik = nik_of(1)
    text = written.format(nik, nik[4:])
    bearer = {"Authorization": f"Bearer {await live.api.token()}"}
    for name in ("query", "variables", "operationName", text):
        for path in (f"/graphql?query=x&{name}={text}",):
            answer = await live.api.http.get(path, headers={**STREAM, **bearer})
            assert told(answer) == (400, "BAD_REQUEST")
            assert "send the operation by POST" in answer.json()["errors"][0]["message"]
            assert nik[4:] not in answer.text
    assert nik[4:12] not in capsys.readouterr().out


@pytest.mark.parametrize("escape", ["\\u{:04x}", "\\u{{{:x}}}", "\\u{{0{:X}}}"])
async def test_what_may_be_a_nik_may_not_be_escaped_either(live: Live, escape: str) -> None:
    """JSON and GraphQL read such an escape as the digit."""
    text = "".join(escape.format(ord(digit)) for digit in nik_of(1)[:12])
    parameters: list[dict[str, Any]] = [{"query": f'"{text}"'}, {"query": TICKS, "variables": f'"{text}"'}]
    for given in parameters:
        answer = await get(live, **given)
        assert told(answer) == (400, "BAD_REQUEST")
        assert "send the operation by POST" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query",
        "query=a&query=b",
        "query=a&other=b",
        "query=a&variables=%7B",
        "query=%FF",
        "a=1&b=2&c=3&d=4&e=5",
        "query=a&variables=[]",
    ],
)
async def test_what_is_no_request_is_refused(live: Live, query_string: str) -> None:
    headers = {**STREAM, "Authorization": f"Bearer {await live.api.token()}"}
    answer = await live.api.http.get(f"/graphql?{query_string}", headers=headers)
    assert answer.status_code == 400
