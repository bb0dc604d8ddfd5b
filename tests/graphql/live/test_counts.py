"""What is counted of sockets and subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.graphql.live.serving import Live
from tests.metrics.conftest import fresh
from tests.metrics.test_page import samples, value
from tests.patience import patience

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    fresh()
    yield
    fresh()


async def until(name: str, wanted: float, **labels: str) -> None:
    async with patience():
        while value(name, None, **labels) != wanted:  # noqa: ASYNC110 - nothing tells of a count
            await asyncio.sleep(0.01)


async def test_a_socket_its_operations_and_its_end(live: Live) -> None:
    nik, name = "3201010101909001", "Wiraguna"
    token = await live.api.token("djka")
    async with live.socket() as client:
        await client.say(type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert await client.hear() == {"type": "connection_ack"}
        await until("pemudik_open", 1, kind="socket")
        for number, operation in enumerate(
            [f"query {name} {{ {name}: me {{ id }} }}", f"{{ n{nik}: me {{ id }} organizers {{ code }} }}"]
        ):
            await client.subscribe(f"{number}{nik}", operation)
            assert [(await client.hear())["type"], (await client.hear())["type"]] == ["next", "complete"]
        for number, operation in enumerate([f"{{ {name} }}", "{ blocks { nodes { id } } }", "{"]):
            await client.subscribe(f"{number}{name}", operation)
            assert (await client.hear())["type"] == "error"
        await client.socket.close(4321, f"{nik} {name}")
    await until("pemudik_open", 0, kind="socket")
    await until("pemudik_sockets_ended_total", 1, code="other")
    found = {
        (name, *(word for _, word in labels)): count
        for (name, labels), count in samples().items()
        if name.startswith("pemudik_socket_")
    }
    assert found == {
        ("pemudik_socket_operations_total", "me"): 1,
        ("pemudik_socket_operations_total", "several"): 1,
        ("pemudik_socket_operations_total", "blocks"): 1,
        ("pemudik_socket_failures_total", "GRAPHQL_VALIDATION_FAILED"): 1,
        ("pemudik_socket_failures_total", "INSUFFICIENT_SCOPE"): 1,
        ("pemudik_socket_failures_total", "GRAPHQL_PARSE_FAILED"): 1,
    }


async def test_a_socket_that_is_refused(live: Live) -> None:
    async with live.socket() as client:
        await client.say(type="connection_init", payload={})
        assert (await client.closed())[0] == 4401
    await until("pemudik_sockets_ended_total", 1, code="4401")
    assert value("pemudik_open", kind="socket") is None
