"""Whether the cost of whole requests is true, by every door: the CPU at three sizes, beside what a turn is asked for.

The doors are called in this process, as an ASGI server calls them. It is the second half of `make bench ARGS=costs`.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

import orjson
from starlette.applications import Starlette

from app.auth import endpoints
from app.auth.callers import build_callers
from app.auth.signing import SigningKeys
from app.config import Settings
from app.graphql.doors import http
from app.intake.doors import doors
from app.process import Process
from app.registry.values.standard import COLUMNS
from app.server import turns
from app.server.turns import Turns
from bench import imports, seed
from tests import queries

ROUNDS = 7
MOST_TIMES_THE_BOOKING = 2.0
SIZES = (1, 4, 16)
DAY = "2026-03-01"
"""On which all registrants of the seed have registered."""
JSON, CSV = "application/json", "text/csv"


SUBMIT = (
    "mutation($inputs: [SubmitRegistrant!]!) { submitRegistrants(inputs: $inputs)"
    " { __typename ... on Submission { replayed registrant { id status } } ... on Problem { code message } } }"
)


class Counting(Turns):
    """Counts for what turns are asked."""

    asked_for = 0

    @asynccontextmanager
    async def turn(self, client: str, cost: int, *, refusable: bool = True) -> AsyncIterator[None]:
        self.asked_for += max(cost, turns.LEAST_COST)
        async with super().turn(client, cost, refusable=refusable):
            yield


@dataclass(frozen=True, slots=True)
class Door:
    """`body` makes the body of a request of a size that has not been sent before."""

    method: str
    path: str
    body: Callable[[int], bytes] = lambda _: b""
    media: str = JSON
    organizer: str = seed.CHECKER
    sizes: tuple[int, ...] = SIZES


class People:
    """Rows of the 12 columns, of people whom no request has named before."""

    def __init__(self) -> None:
        self.named = 0

    def rows(self, count: int) -> list[list[str]]:
        first = imports.FIRST + self.named
        self.named += count
        return [imports.person(first + number) for number in range(count)]

    def array(self, count: int) -> bytes:
        return orjson.dumps([dict(zip(COLUMNS, row, strict=True)) for row in self.rows(count)])

    def csv(self, count: int) -> bytes:
        return "\n".join(",".join(row) for row in [COLUMNS, *self.rows(count)]).encode()


def families(route: UUID) -> dict[str, Door]:
    people = People()
    submissions = itertools.count(10 * seed.REGISTRANTS)

    def submitted(count: int) -> bytes:
        person = {"name": "Warga Contoh", "routeId": str(route), "identityDocument": "KTP"}
        inputs = [{**person, "nik": seed.nik_of(next(submissions))} for _ in range(count)]
        return orjson.dumps({"query": SUBMIT, "variables": {"inputs": inputs}})

    nik = orjson.dumps({"nik": seed.nik_of(7)})
    return {
        "POST /graphql, submissions": Door(
            "POST", "/graphql", lambda size: submitted(60 * size), organizer=seed.SUBMITTER
        ),
        "POST /legacy/cek-nik": Door("POST", "/legacy/cek-nik", lambda _: nik, sizes=(1,)),
        "POST /webhook/pemudik, rows": Door(
            "POST", "/webhook/pemudik", lambda size: people.array(60 * size), organizer=seed.SUBMITTER
        ),
        "POST /import, MiB": Door(
            "POST", "/import?dryRun=true", lambda size: people.csv(2_500 * size), CSV, seed.SUBMITTER
        ),
        "GET /consolidation": Door("GET", f"/consolidation/{DAY}?organizer={seed.CHECKER}", sizes=(1,)),
        **{
            f"GET /export.{extension}": Door("GET", f"/export.{extension}?all=true", sizes=(1,))
            for extension in ("csv", "jsonl", "xlsx")
        },
    }


async def over(
    process: Process, settings: Settings, credentials: Mapping[str, tuple[str, str]], route: UUID
) -> list[str]:
    """The doors that take more than they ask for."""
    counting = Counting()
    process = replace(process, turns=counting)
    keys = SigningKeys(lambda: process.vault.signing)
    known = build_callers(process.database, keys, settings.issuer)
    application = Starlette(
        routes=[
            *endpoints.routes(process.database, keys, settings.issuer),
            *http.routes(process, known, settings),
            *doors.routes(process, known, settings),
        ]
    )
    tokens = {organizer: await token(application, *pair) for organizer, pair in credentials.items()}
    found: list[str] = []
    for name, door in families(route).items():
        headers = {"content-type": door.media, "authorization": f"Bearer {tokens[door.organizer]}"}
        for size in door.sizes:
            seconds, cost = [], 0
            for _ in range(ROUNDS):
                body = door.body(size)
                counting.asked_for = 0
                started = time.process_time()
                await answer(application, door.method, door.path, body, headers)
                seconds.append(time.process_time() - started)
                cost = counting.asked_for
            # The files would wait for a server that works them off.
            async with process.database.transaction() as session:
                await queries.run(session, "TRUNCATE import_job CASCADE")
            taken = min(seconds[1:])
            booked = cost * turns.MICROSECONDS_OF_A_UNIT / 1e6
            print(f"{f'{name} {size}':34}{cost:10,}{taken * 1e3:10.1f}{taken / booked:8.1f}×", flush=True)
            found += [f"{name} {size}"] if taken > MOST_TIMES_THE_BOOKING * booked else []
    return found


async def token(application: Starlette, client: str, secret: str) -> str:
    basic = base64.b64encode(f"{client}:{secret}".encode()).decode()
    headers = {"content-type": "application/x-www-form-urlencoded", "authorization": f"Basic {basic}"}
    told = await answer(application, "POST", "/oauth/token", b"grant_type=client_credentials", headers)
    return str(orjson.loads(told)["access_token"])


async def answer(application: Starlette, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """As an ASGI server asks. Raises `SystemExit` where the answer is no success."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
        "headers": [
            (name.encode(), value.encode())
            for name, value in {**headers, "content-length": str(len(body)), "host": "127.0.0.1:8000"}.items()
        ],
    }
    status, asked, parts = 0, list[bool](), list[bytes]()

    async def receive() -> dict[str, object]:
        if asked:
            await asyncio.Event().wait()  # The client does not go away.
        asked.append(True)
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, object]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(str(message["status"]))
        else:
            part = message.get("body", b"")
            assert isinstance(part, bytes)
            parts.append(part)

    await application(scope, receive, send)  # type: ignore[arg-type]
    if status >= 400:
        raise SystemExit(f"{method} {path}: {status} {b''.join(parts)[:200]!r}")
    return b"".join(parts)
