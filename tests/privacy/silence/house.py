"""Server processes on an embedded PostgreSQL that is made to tell more than it does by default, and all they write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from app.db import Database
from app.registry.caller import Caller as Source
from app.registry.clients import clients
from app.registry.clients.clients import Issued
from tests import world as worlds
from tests.patience import NO_CERTIFICATES, PATIENCE_SECONDS, patience
from tests.privacy.silence.collecting import Collected
from tests.privacy.silence.known import Everybody, Known
from tests.servers import Place, Server

LOUD = {"log_error_verbosity": "verbose", "log_min_error_statement": "error", "log_min_messages": "info"}
"""PostgreSQL's defaults and more: what a database that is not ours may well write."""

OVERLAP = 1_000
METRICS_TOKEN = "a-token-of-sixteen-or-more"

Answer = httpx.Response


@dataclass(slots=True)
class House:
    place: Place
    url: str
    collected: Collected
    servers: dict[str, Server] = field(default_factory=dict)
    routes: dict[str, str] = field(default_factory=dict)
    everybody: Everybody = field(default_factory=Everybody)
    looked_at: dict[str, int] = field(default_factory=dict)
    """How far, of each that writes."""

    def written(self) -> dict[str, str]:
        """By whom, everything so far."""
        logs = {name: server.said for name, server in self.servers.items()}
        postgres = (self.place.home / "postgres" / "server.log").read_text(errors="replace")
        return logs | {"postgres": postgres, "spans": "\n".join(self.collected.text)}

    def told(self) -> list[tuple[str, str, str]]:
        """Of whom anything tells that was written since the last look."""
        told = []
        for by, text in self.written().items():
            # What was begun then is looked at again.
            news = text[max(0, self.looked_at.get(by, 0) - OVERLAP) :]
            self.looked_at[by] = len(text)
            told += [(by, *found) for found in self.everybody.told_by(news)]
        return told

    def metrics(self) -> str:
        """Of every server that is up."""
        headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        answers = [
            httpx.get(f"{server.url}/metrics", headers=headers, timeout=PATIENCE_SECONDS, verify=NO_CERTIFICATES)
            for server in self.servers.values()
        ]
        assert {answer.status_code for answer in answers} == {200}
        return "\n".join(answer.text for answer in answers)

    @asynccontextmanager
    async def operator(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        connection = await asyncpg.connect(self.url)
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        """For as long as nobody cuts it."""
        database = Database(self.url, pool_size=2)
        try:
            yield database
        finally:
            await database.dispose()

    async def issue(self, organizer: str, scopes: tuple[str, ...]) -> tuple[str, str]:
        """A client of `organizer`: its id and secret."""
        async with self.database() as database, database.transaction() as session:
            issued = await clients.issue(session, Source(None, "hubdat"), organizer, scopes, None, worlds.NOW, own=None)
        assert isinstance(issued, Issued)
        assert issued.secret is not None
        return issued.client.id, issued.secret

    async def loud(self, **more: str) -> None:
        """From the next connection on."""
        async with self.operator() as operator:
            await operator.execute("ALTER DATABASE postgres RESET ALL")
            for name, value in (LOUD | more).items():
                await operator.execute(f"ALTER DATABASE postgres SET {name} = '{value}'")
        await self.cut()

    async def cut(self) -> None:
        """End every connection of the servers, and wait until it has ended."""
        async with self.operator() as operator:
            await operator.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'pemudik'"
            )

    @asynccontextmanager
    async def held(self, table: str = "registrant") -> AsyncIterator[asyncpg.Connection[Any]]:
        """Whoever wants `table` waits."""
        async with self.operator() as operator, operator.transaction():
            await operator.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield operator

    async def waiting(self, most: int = 1) -> None:
        """Until `most` statements of servers wait for a lock."""
        async with self.operator() as operator:
            for _ in range(600):
                found = await operator.fetchval(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE application_name = 'pemudik' AND wait_event_type = 'Lock'"
                )
                if found >= most:
                    return
                await asyncio.sleep(0.01)
        raise AssertionError("nothing waits")

    @asynccontextmanager
    async def broken(self, *statements: str) -> AsyncIterator[None]:
        """The database as a bug, or a migration gone wrong, would leave it; every second statement mends it."""
        async with self.operator() as operator:
            for statement in statements[::2]:
                await operator.execute(statement)
            try:
                yield
            finally:
                for statement in statements[1::2]:
                    await operator.execute(statement)


@dataclass(slots=True)
class Caller:
    """A client of one server, which never forgets a failure: what it was answered is looked through as well."""

    house: House
    name: str
    http: httpx.AsyncClient
    token: str

    @classmethod
    async def of(
        cls, house: House, name: str, http: httpx.AsyncClient, organizer: str, scopes: tuple[str, ...]
    ) -> Caller:
        grant, client = {"grant_type": "client_credentials"}, await house.issue(organizer, scopes)
        answer = await http.post("/oauth/token", data=grant, auth=client)
        if answer.status_code == 503:
            answer = await http.post("/oauth/token", data=grant, auth=client)
        return cls(house, name, http, answer.json()["access_token"])

    async def settle(self) -> None:
        """Until the server has noticed which of its connections were cut, and works."""
        query = '{ checkNik(nik: "") { outcome } organizers { code } }'
        answers = [await self.ask(query) for _ in range(4)]
        assert "errors" not in answers[-1].json()

    def another(self, of: str) -> Known:
        return self.house.everybody.another(f"{of} ({self.name})")

    async def ask(self, query: object = None, variables: object = None, **more: Any) -> Answer:
        content = {"query": query, "variables": variables, **more.pop("body", {})}
        return await self.send(**({"json": content} | more))

    async def send(self, method: str = "POST", path: str = "/graphql", **more: Any) -> Answer:
        """A request that fails: whatever comes back repeats nothing of it."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        answer = await self.http.request(method, path, headers=headers, **more)
        self.looked_through(answer)
        return answer

    async def read(self, query: str, variables: object) -> Any:
        """What an owner asks for is answered, names and all."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return answer.json()

    async def logged(self) -> str:
        """What the server has written until now. It writes its lines together, in their order."""
        answer = await self.http.get("/nowhere")
        async with patience():
            while answer.headers["X-Request-ID"] not in self.said:  # noqa: ASYNC110 - another process writes
                await asyncio.sleep(0.01)
        return self.said

    @property
    def said(self) -> str:
        return self.house.servers[self.name].said

    def looked_through(self, answer: Answer) -> None:
        told = self.house.everybody.told_by(f"{answer.headers!r}\n{answer.text}")
        assert told == [], answer.text
