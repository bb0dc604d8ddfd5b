"""An organizer who goes on while machines and processes fail: people are registered, verified, checked,
and the feed is followed. A journal on this side holds what the registry has acknowledged, and each answer that came.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from app import clock
from app.changes.log import cursors, feed
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from tests.patience import PATIENCE_SECONDS, patience
from tests.world import HUBDAT, World, nik_of

WRITERS = 4
SCOPES = ("registrants:write", "registrants:read", "nik:check")
PAUSE_SECONDS = 0.05
"""Of a writer behind each person: machines that fail are looked at here, and not how much they can do."""
SUBMIT = """mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) {
    ... on Submission { registrant { id } } ... on Problem { code } } }"""
VERIFY = """mutation ($ref: RegistrantRef!) { verifyRegistrant(ref: $ref) {
    ... on Registrant { status } ... on Problem { code } } }"""
CHECK = "query ($nik: NIK!) { checkNik(nik: $nik) { available } }"
FOLLOW = "subscription ($after: String) { changes(after: $after) { cursor to registrant { id } } }"
PAGE = """query ($after: String) { changes(first: 200, after: $after) {
    nodes { cursor to registrant { id } } pageInfo { hasNextPage endCursor } } }"""


@dataclass
class Journal:
    """What one side of the wire knows."""

    registered: dict[int, str] = field(default_factory=dict)
    """The id that was acknowledged, by the number of the person."""
    verified: set[str] = field(default_factory=set)
    written_at: list[float] = field(default_factory=list)
    """When a registration or a verification was acknowledged."""
    unforeseen: list[str] = field(default_factory=list)
    """Answers that are neither right nor a 503 that says when to come back."""
    refused: Counter[str] = field(default_factory=Counter)
    told: list[tuple[str, str, str]] = field(default_factory=list)
    """Cursor, registrant and status of each change, as the feed told it."""

    def longest_gap(self) -> float:
        return max(later - before for before, later in itertools.pairwise(self.written_at))


@dataclass
class Traffic:
    """One organizer at several servers."""

    http: httpx.AsyncClient = field(repr=False)
    tokens: dict[str, str] = field(repr=False)
    """By server."""
    route: str
    begin: str
    """The cursor behind which the follower begins."""
    journal: Journal = field(default_factory=Journal)
    numbers: Any = field(default_factory=itertools.count)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    lost: type[Exception] = httpx.TimeoutException
    """How an answer may fail to come."""

    def headers(self, server: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[server]}"}

    async def ask(self, query: str, variables: dict[str, Any]) -> Any:
        """The only root field's answer. A server that cannot answer now is left, and the next one is asked."""
        for server in itertools.cycle(self.tokens):
            with suppress(self.lost):
                answer = await self.http.post(
                    f"{server}/graphql", json={"query": query, "variables": variables}, headers=self.headers(server)
                )
                content = answer.json()
                if answer.status_code == 200 and "errors" not in content:
                    return next(iter(content["data"].values()))
                self.note(answer, content)
            await asyncio.sleep(0.2)
        raise AssertionError("there is no server")

    def note(self, answer: httpx.Response, content: Any) -> None:
        [error] = content["errors"]
        code, seconds = error["extensions"]["code"], error["extensions"].get("retryAfter")
        self.journal.refused[code] += 1
        if answer.status_code != 503 or not seconds or answer.headers.get("Retry-After") != str(seconds):
            self.journal.unforeseen.append(f"{answer.status_code} {dict(answer.headers)} {content}")

    async def write(self) -> None:
        """People, one after the other; every second one is verified. Whoever was not acknowledged is sent again."""
        while not self.stopping.is_set():
            number = next(self.numbers)
            person = {
                "nik": nik_of(number),
                "name": "Warga Contoh",
                "routeId": self.route,
                "identityDocument": "KTP",
                "reference": f"BK-{number}",
            }
            accepted = await self.ask(SUBMIT, {"input": person})
            id_ = self.journal.registered[number] = accepted["registrant"]["id"]
            self.journal.written_at.append(time.monotonic())
            if number % 2:
                await self.verify(id_)
            await asyncio.sleep(PAUSE_SECONDS)

    async def verify(self, id_: str) -> None:
        """Somebody who is verified already stays so: an answer may have been lost."""
        answer = await self.ask(VERIFY, {"ref": {"id": id_}})
        assert answer == {"status": "VERIFIED"}, answer
        self.journal.verified.add(id_)
        self.journal.written_at.append(time.monotonic())

    async def check(self) -> None:
        """Nobody who was acknowledged is ever said to be free."""
        while not self.stopping.is_set():
            if self.journal.registered:
                number = max(self.journal.registered)
                answer = await self.ask(CHECK, {"nik": nik_of(number)})
                assert answer == {"available": False}, number
            await asyncio.sleep(PAUSE_SECONDS)

    async def follow(self) -> None:
        """By server-sent events. Where they break off, from the last cursor on, at the next server."""
        for server in itertools.cycle(self.tokens):
            after = self.journal.told[-1][0] if self.journal.told else self.begin
            headers = self.headers(server) | {"Accept": "text/event-stream"}
            body = {"query": FOLLOW, "variables": {"after": after}}
            with suppress(httpx.HTTPError):
                async with self.http.stream("POST", f"{server}/graphql", json=body, headers=headers) as answer:
                    async for line in answer.aiter_lines():
                        self.hear(line)
            await asyncio.sleep(0.2)

    def hear(self, line: str) -> None:
        if line.startswith("data: {"):
            data = orjson.loads(line.removeprefix("data: ")).get("data")
            if data is not None:
                self.journal.told.append(told(data["changes"]))

    async def pages(self, after: str | None) -> list[tuple[str, str, str]]:
        """What the feed has behind a cursor, page by page."""
        found: list[tuple[str, str, str]] = []
        more = True
        while more:
            page = await self.ask(PAGE, {"after": after})
            found += [told(node) for node in page["nodes"]]
            more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        return found

    async def written(self, count: int) -> None:
        """Until so many more were acknowledged."""
        target = len(self.journal.written_at) + count
        async with patience():
            while len(self.journal.written_at) < target:  # noqa: ASYNC110 - no event for each count
                await asyncio.sleep(0.05)


def told(change: Any) -> tuple[str, str, str]:
    return change["cursor"], change["registrant"]["id"], change["to"]


@asynccontextmanager
async def flowing(
    tokens: dict[str, str], route: str, first: int, lost: type[Exception] = httpx.TimeoutException
) -> AsyncIterator[Traffic]:
    """Goes on until this is left: then each writer ends what it has begun, and the follower hears all of it."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS, limits=limits, trust_env=False) as http:
        traffic = Traffic(http, tokens, route, cursors.cursor(feed.START), numbers=itertools.count(first), lost=lost)
        traffic.begin = (await traffic.pages(None) or [(traffic.begin, "", "")])[-1][0]
        follower = asyncio.create_task(traffic.follow())
        async with asyncio.TaskGroup() as group:
            for work in (*[traffic.write] * WRITERS, traffic.check):
                group.create_task(work())
            await traffic.written(3 * WRITERS)
            yield traffic
            traffic.stopping.set()
        whole = await traffic.pages(traffic.begin)
        async with patience():
            while len(traffic.journal.told) < len(whole):  # noqa: ASYNC110 - the follower is another task
                await asyncio.sleep(0.1)
        follower.cancel()
        assert traffic.journal.told == whole


async def each_is_there_once(world: World, journal: Journal, name: str) -> None:
    """What was acknowledged on the route `name`, and nothing else, with its seats and its changes."""
    route = world.routes[name]
    rows = await world.run("SELECT id::text, status FROM registrant WHERE route_id = :route", route=route)
    there = {row.id: row.status for row in rows}
    assert sorted(there) == sorted(journal.registered.values())
    assert {id_ for id_, status in there.items() if status == "VERIFIED"} == journal.verified
    assert await world.taken(name) == len(there)
    moves = await world.run(
        """SELECT registrant_id::text AS id, to_status AS status FROM change WHERE kind = 'REGISTRANT_MOVED'
           AND registrant_id IN (SELECT id FROM registrant WHERE route_id = :route)""",
        route=route,
    )
    expected = [(id_, "REGISTERED") for id_ in there] + [(id_, "VERIFIED") for id_ in journal.verified]
    assert sorted((row.id, row.status) for row in moves) == sorted(expected)


async def tokens(world: World, servers: Sequence[str]) -> dict[str, str]:
    """Of a client of hubdat, one at each server."""
    async with world.database.transaction() as session:
        issued = await clients.issue(session, HUBDAT, HUBDAT.organizer, SCOPES, None, clock.now(), own=None)
    assert isinstance(issued, Issued)
    account, form = (issued.client.id, issued.secret or ""), {"grant_type": "client_credentials"}
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        answers = [await http.post(f"{server}/oauth/token", data=form, auth=account) for server in servers]
    return {server: answer.json()["access_token"] for server, answer in zip(servers, answers, strict=True)}
