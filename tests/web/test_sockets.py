"""Live figures on a page: a socket with the cookie of the session, opened by a page of ours."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.applications import Starlette
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from app import clock
from app.graphql.doors.sockets import PROTOCOL
from app.registry.clients import staff
from app.registry.clients.staff import StaffPerson
from tests.graphql.live.serving import listening
from tests.patience import patience
from tests.web.conftest import COOKIE, ORIGIN, Watch
from tests.world import HUBDAT, World

pytestmark = pytest.mark.anyio
SignedIn = Callable[[str], Awaitable[httpx.AsyncClient]]


async def answer_to(application: Starlette, token: str, origin: str | None) -> dict[str, object]:
    """What is said to a page that opens a socket: the first message, or the code with which the socket is closed."""
    async with (
        patience(),
        listening(application) as server,
        connect(
            f"ws://127.0.0.1:{server.config.port}/graphql",
            origin=None if origin is None else Origin(origin),
            additional_headers={"Cookie": f"{COOKIE}={token}"},
            subprotocols=[Subprotocol(PROTOCOL)],
        ) as socket,
    ):
        await socket.send(json.dumps({"type": "connection_init"}))
        try:
            first: dict[str, object] = json.loads(await socket.recv())
        except ConnectionClosed as closed:
            return {"code": closed.rcvd.code if closed.rcvd else None}
        return first


async def test_a_page_of_ours_follows_with_its_session(application: Starlette, signed_in: SignedIn) -> None:
    token = (await signed_in("viewer")).cookies[COOKIE]
    assert await answer_to(application, token, ORIGIN) == {"type": "connection_ack"}


@pytest.mark.parametrize("origin", [None, "https://jahat.example", "http://pemudik.test"])
async def test_a_foreign_page_is_nobody(application: Starlette, signed_in: SignedIn, origin: str | None) -> None:
    token = (await signed_in("viewer")).cookies[COOKIE]
    assert await answer_to(application, token, origin) == {"code": 4401}


async def test_a_socket_ends_with_its_person(
    world: World, application: Starlette, signed_in: SignedIn, watch: Watch
) -> None:
    token = (await signed_in("viewer")).cookies[COOKIE]
    async with (
        patience(),
        listening(application) as server,
        connect(
            f"ws://127.0.0.1:{server.config.port}/graphql",
            origin=Origin(ORIGIN),
            additional_headers={"Cookie": f"{COOKIE}={token}"},
            subprotocols=[Subprotocol(PROTOCOL)],
        ) as socket,
    ):
        await socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        async with world.database.transaction() as session:
            removed = await staff.remove(session, HUBDAT, "viewer@contoh.example", clock.now())
        assert isinstance(removed, StaffPerson)
        watch.seconds += 5
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "The access token is expired or revoked")
