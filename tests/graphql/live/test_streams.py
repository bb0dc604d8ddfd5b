"""graphql-sse's distinct connections mode, byte by byte, over real connections."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from app.graphql.doors import connections, streams
from tests.graphql.live.serving import Drive, Live
from tests.patience import PATIENCE_SECONDS, patience
from tests.world import NOW, World

pytestmark = pytest.mark.anyio

STREAM = "text/event-stream"
TICKS = "subscription { ticks { number } }"


@dataclass
class Events:
    answer: httpx.Response
    chunks: AsyncIterator[str] = field(init=False)
    text: str = ""

    def __post_init__(self) -> None:
        self.chunks = self.answer.aiter_text()

    async def block(self) -> str:
        """Up to the next empty line; nothing at the end."""
        async with patience():
            while "\n\n" not in self.text:
                more = await anext(self.chunks, "")
                if not more:
                    return self.text
                self.text += more
        block, _, self.text = self.text.partition("\n\n")
        return block

    async def hear(self) -> tuple[str, Any]:
        """The next event but comments."""
        while (block := await self.block()) == ":":
            pass
        event, data = block.split("\n")
        assert event.startswith("event: ")
        assert data.startswith("data:")
        return event.removeprefix("event: "), json.loads(data.removeprefix("data:") or "null")

    async def rest(self) -> list[tuple[str, Any]]:
        heard: list[tuple[str, Any]] = []
        while (not heard) or heard[-1][0] != "complete":
            heard.append(await self.hear())
        assert await self.block() == ""
        return heard


@asynccontextmanager
async def stream(
    live: Live, query: str, organizer: str = "hubdat", accept: str = STREAM, **variables: Any
) -> AsyncIterator[Events]:
    headers = {"Authorization": f"Bearer {await live.api.token(organizer)}", "Accept": accept}
    content = {"query": query, "variables": variables}
    async with (
        httpx.AsyncClient(trust_env=False) as http,
        http.stream(
            "POST", f"http://{live.address}", json=content, headers=headers, timeout=PATIENCE_SECONDS
        ) as answer,
    ):
        yield Events(answer)


def next_tick(number: int) -> tuple[str, Any]:
    return "next", {"data": {"ticks": {"number": number}}}


def codes(heard: list[tuple[str, Any]]) -> list[Any]:
    """The code of the last `next`, and what it ends with."""
    (event, payload), end = heard[-2:]
    return [event, *(error["extensions"]["code"] for error in payload["errors"]), *end]


async def test_events_come_as_they_happen(live: Live, drive: Drive) -> None:
    async with stream(live, TICKS) as events:
        assert events.answer.status_code == 200
        headers = events.answer.headers
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-store"
        assert headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in headers
        assert len(headers["x-request-id"]) == 36
        assert await events.block() == ":"
        for number in (1, 2):
            drive.advance()
            assert await events.hear() == next_tick(number)
    await drive.until(opened=0, closed=1)


async def test_lines_end_with_lf_and_the_last_event_is_complete(live: Live) -> None:
    async with stream(live, "subscription { three { number } }") as events:
        raw = "".join([chunk async for chunk in events.chunks])
    events_ = [f'event: next\ndata: {{"data":{{"three":{{"number":{number}}}}}}}\n\n' for number in (1, 2, 3)]
    assert raw == f":\n\n{''.join(events_)}event: complete\ndata:\n\n"


async def test_a_stream_is_asked_for_by_its_name(live: Live) -> None:
    for accept in (f"application/json, {STREAM};q=0.5", "Text/Event-Stream; charset=utf-8, */*;q=0.1"):
        async with stream(live, "subscription { three { number } }", accept=accept) as events:
            assert len(await events.rest()) == 4


async def test_a_subscription_is_no_plain_answer(live: Live, drive: Drive) -> None:
    error = {
        "message": (
            "Langganan dijawab sebagai aliran: kirim `Accept: text/event-stream`, atau pakai graphql-transport-ws"
        ),
        "extensions": {"code": "NOT_ACCEPTABLE"},
    }
    for accept in ("application/json", "application/graphql-response+json", "*/*", f"application/json, {STREAM};q=0"):
        answer = await live.api.post(TICKS, accept=accept)
        assert (answer.status_code, answer.json()) == (406, {"errors": [error]}), accept
    assert drive.closed == 0


async def test_a_query_is_a_stream_only_if_nothing_else_will_do(live: Live) -> None:
    query = "{ me { organizer { code } } }"
    cost = {"requested": 3, "actual": 3, "remaining": 100_000}
    data = {"data": {"me": {"organizer": {"code": "djka"}}}, "extensions": {"cost": cost}}
    async with stream(live, query, "djka") as events:
        assert await events.rest() == [("next", data), ("complete", None)]
    async with stream(live, query, "djka", accept=f"application/json, {STREAM}") as events:
        assert events.answer.headers["content-type"] == "application/json; charset=utf-8"
        assert json.loads(await events.answer.aread()) == data


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("subscription {", 400, "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", 400, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { admins { number } }", 403, "INSUFFICIENT_SCOPE"),
    ],
)
async def test_what_is_refused_is_no_stream_yet(live: Live, query: str, status: int, code: str) -> None:
    answer = await live.api.post(query, organizer="djka", accept=STREAM)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == [code]


async def test_without_a_token_there_is_none(live: Live) -> None:
    answer = await live.api.http.post("/graphql", json={"query": TICKS}, headers={"Accept": STREAM})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="pemudik"'


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('subscription { failing(how: "away") { number } }', "UNAVAILABLE"),
        ('subscription { failing(how: "refused") { number } }', "INVALID_CURSOR"),
        ('subscription { failing(how: "bug") { number } }', "INTERNAL_ERROR"),
        ("subscription ($x: Int!) { ticks(after: $x) { number } }", "BAD_USER_INPUT"),
    ],
)
async def test_a_subscription_that_fails_says_so_and_completes(live: Live, query: str, code: str) -> None:
    async with stream(live, query) as events:
        heard = await events.rest()
    assert codes(heard) == ["next", code, "complete", None]
    assert "3201010101909001" not in str(heard)


async def test_it_ends_with_a_client_that_leaves(live: Live, drive: Drive) -> None:
    with capture_logs() as logged:
        async with stream(live, TICKS):
            await drive.until(opened=1)
        await drive.until(opened=0)
        await live.idle()
    [line] = [line for line in logged if line["event"] == "request" and line["route"] == "/graphql"]
    assert (line["status"], line["operation"]) == (200, "ticks")


async def test_a_comment_keeps_it_alive(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "KEEP_ALIVE_AFTER_SECONDS", 0.1)
    async with stream(live, TICKS) as events:
        assert [await events.block() for _ in range(3)] == [":"] * 3


async def test_it_ends_with_its_token(live: Live, drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stream(live, TICKS) as events:
        await drive.until(opened=1)
        later = datetime.now(UTC) + timedelta(seconds=901)
        monkeypatch.setattr("app.clock.of_the_database", lambda: later)
        assert codes(await events.rest()) == ["next", "INVALID_TOKEN", "complete", None]
    assert drive.open == 0


async def test_it_ends_with_its_client(live: Live, drive: Drive, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "RECHECK_AFTER_SECONDS", 0.1)
    async with stream(live, TICKS, "djka") as events:
        await drive.until(opened=1)
        await world.run("UPDATE client SET revoked_at = :now WHERE organizer_code = 'djka'", now=NOW)
        assert codes(await events.rest()) == ["next", "INVALID_TOKEN", "complete", None]


async def test_a_restart_ends_it_gently(live: Live, drive: Drive) -> None:
    async with stream(live, TICKS) as events:
        await drive.until(opened=1)
        drive.advance()
        assert await events.hear() == next_tick(1)
        live.process.stopping.set()
        assert codes(await events.rest()) == ["next", "RESTARTING", "complete", None]


async def test_a_client_has_so_many(live: Live, drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_SUBSCRIPTIONS_OF_A_CLIENT", 1)
    async with stream(live, TICKS) as events, live.client() as socket:
        await drive.until(opened=1)
        async with stream(live, TICKS) as refused:
            assert codes(await refused.rest()) == ["next", "TOO_MANY_SUBSCRIPTIONS", "complete", None]
        await socket.subscribe("1", TICKS)
        [told] = (await socket.hear())["payload"]
        assert told["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
        assert told["message"] == "Satu klien paling banyak 1 langganan"
        drive.advance()
        assert await events.hear() == next_tick(1)


async def test_who_does_not_read_is_cut_off_and_resumes(
    live: Live, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SLOW_AFTER_SECONDS", 0.3)
    query = "subscription ($after: Int!) { ticks(after: $after, padding: 100000) { number padding } }"
    drive.advance(500)
    async with stream(live, query, after=0) as events:
        await drive.until(opened=1)
        await drive.until(opened=0)
        heard = await events.rest()
    assert codes(heard) == ["next", "SLOW_READER", "complete", None]
    seen = [payload["data"]["ticks"]["number"] for _, payload in heard[:-2]]
    assert seen == list(range(1, len(seen) + 1))
    assert 0 < len(seen) < 500
    # The second time it reads, at the pace of this machine.
    monkeypatch.setattr(connections, "SLOW_AFTER_SECONDS", PATIENCE_SECONDS)
    async with stream(live, query, after=seen[-1]) as events:
        rest = [(await events.hear())[1]["data"]["ticks"]["number"] for _ in range(500 - len(seen))]
    assert seen + rest == list(range(1, 501))


async def test_who_never_reads_again_is_given_up(live: Live, drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SLOW_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(streams, "LAST_WORD_WITHIN_SECONDS", 0.1)
    drive.advance(500)
    async with stream(live, "subscription { ticks(padding: 100000) { padding } }"):
        await drive.until(opened=1)
        await live.idle()
        assert drive.open == 0
