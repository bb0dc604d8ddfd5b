"""A server that really listens, in the test's own loop, with subscriptions that the test drives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import strawberry
import uvicorn
from starlette.types import ASGIApp
from strawberry.schema.config import StrawberryConfig
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.errors import Unavailable
from app.graphql.context import Info
from app.graphql.doors.sockets import PROTOCOL
from app.graphql.entities import FederatedSchema
from app.graphql.failures import RequestError
from app.graphql.internals import RememberedNames, executable
from app.graphql.mutations import Mutation
from app.graphql.permissions import open_to
from app.graphql.queries import Query
from app.graphql.scalars import SCALARS
from app.process import Process
from app.registry.clients.scopes import HUBDAT_ADMIN, NIK_CHECK
from app.server.http_protocol import BoundedHttpProtocol
from app.server.socket_protocol import BoundedSocketProtocol
from tests.graphql.conftest import Api
from tests.patience import patience


@strawberry.type
class Tick:
    number: int
    padding: str = ""

    @strawberry.field
    def mine(self, info: Info) -> str:
        """No plain field: it needs who asks."""
        return f"{info.context.caller.organizer}:{self.number}"

    @strawberry.field
    def broken(self) -> str:
        raise ValueError("3201010101909001")


@dataclass
class Drive:
    """What the test decides of `Subscription.ticks`, and sees of it."""

    last: int = 0
    open: int = 0
    closed: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def advance(self, by: int = 1) -> None:
        self.last += by
        self.tell()

    async def until(self, *, opened: int | None = None, closed: int | None = None) -> None:
        async with patience():
            while opened not in {None, self.open} or closed not in {None, self.closed}:
                await self.changed.wait()


DRIVE = Drive()


async def follow_ticks(info: Info, after: int = 0, padding: int = 0) -> AsyncGenerator[Tick, None]:
    DRIVE.open += 1
    DRIVE.tell()
    try:
        while True:
            while after < DRIVE.last:
                after += 1
                yield Tick(number=after, padding="x" * padding)
            await DRIVE.changed.wait()
    finally:
        DRIVE.open -= 1
        DRIVE.closed += 1
        DRIVE.tell()


async def count_to_three(info: Info) -> AsyncGenerator[Tick, None]:
    for number in (1, 2, 3):
        yield Tick(number=number)


async def fail(info: Info, how: str) -> AsyncGenerator[Tick, None]:
    yield Tick(number=1)
    raise {
        "away": Unavailable(3),
        "refused": RequestError("No cursor", "INVALID_CURSOR"),
    }.get(how, ValueError("3201010101909001"))


@strawberry.type
class Subscription:
    ticks = open_to(follow_ticks, description="Numbers.")
    three = open_to(count_to_three, NIK_CHECK, description="Three.")
    failing = open_to(fail, description="Fails.")
    admins = open_to(count_to_three, HUBDAT_ADMIN, description="For hubdat.")


SCHEMA = executable(
    FederatedSchema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(name_converter=RememberedNames(), scalar_map=SCALARS, disable_field_suggestions=True),
        federation_version="2.9",
    )
)


@asynccontextmanager
async def listening(application: ASGIApp, **options: Any) -> AsyncIterator[uvicorn.Server]:
    """On a free port, which is in its config from then on."""
    spoken: dict[str, Any] = {"http": BoundedHttpProtocol, "ws": BoundedSocketProtocol, "ws_per_message_deflate": False}
    config = uvicorn.Config(application, port=0, log_config=None, lifespan="off", **spoken | options)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no event for that
        await asyncio.sleep(0.01)
    config.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.should_exit = True
        await serving


@dataclass
class Client:
    """Speaks the protocol by hand."""

    socket: ClientConnection

    async def say(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def hear(self) -> dict[str, Any]:
        """The next message but pings."""
        while True:
            async with patience():
                raw = await self.socket.recv()
            assert isinstance(raw, str)
            message: dict[str, Any] = json.loads(raw)
            if message != {"type": "ping"}:
                return message

    async def subscribe(self, name: str, query: str, **variables: Any) -> None:
        await self.say(id=name, type="subscribe", payload={"query": query, "variables": variables})

    async def closed(self) -> tuple[int, str]:
        """How it ends, whatever it says before."""
        with suppress(ConnectionClosed):
            async with patience():
                while True:
                    await self.socket.recv()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""


@dataclass
class Live:
    """The door, listening, with the subscriptions above."""

    api: Api
    server: uvicorn.Server
    process: Process

    async def idle(self) -> None:
        """Until every request and every socket has ended."""
        async with patience():
            while self.server.server_state.tasks:  # noqa: ASYNC110 - it has no event for that
                await asyncio.sleep(0.01)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.config.port}/graphql"

    @asynccontextmanager
    async def socket(self, protocol: str | None = PROTOCOL, **options: Any) -> AsyncIterator[Client]:
        """Shaken hands, and nothing said."""
        protocols = [Subprotocol(protocol)] if protocol else None
        async with connect(f"ws://{self.address}", subprotocols=protocols, proxy=None, **options) as socket:
            yield Client(socket)

    @asynccontextmanager
    async def client(
        self, organizer: str = "hubdat", *, scopes: tuple[str, ...] | None = None, **options: Any
    ) -> AsyncIterator[Client]:
        """Acknowledged."""
        token = await self.api.token(organizer, scopes)
        async with self.socket(**options) as client:
            await client.say(type="connection_init", payload={"Authorization": f"Bearer {token}"})
            assert await client.hear() == {"type": "connection_ack"}
            yield client
