"""What is large waits for the turn of its client, by whichever door it comes; a neighbour's small calls do not wait."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.graphql.weights import OF_A_READ
from app.intake import downloads
from app.intake.files.uploads import UNITS_OF_A_PIECE
from app.registry.niks import check
from app.registry.rows import consolidation, reception
from app.server import turns
from app.server.turns import MOST_COST_AT_A_TIME, Turns
from tests.intake.knocking import Doors, opened
from tests.metrics.test_page import value
from tests.patience import patience
from tests.registry.rows.records import record
from tests.world import World, nik_of

pytestmark = pytest.mark.anyio

CHECK = "query ($nik: NIK!) { checkNik(nik: $nik) { outcome } }"
PAGE = "registrants(first: 200) { nodes { id nik name status route { id name departsAt } organizer { code } } }"
HEAVY = f"{{ {' '.join(f'a{number}: {PAGE}' for number in range(6))} }}"
ROWS = [record(number) for number in range(1, 101)]
FILE = b"data_nik;rute_perjalanan\r\n1;2\r\n"


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    await world.route()
    async with opened(world) as api:
        await api.token()
        await api.token("djka")
        yield api


async def graphql(api: Doors) -> httpx.Response:
    return await api.post(HEAVY)


async def webhook(api: Doors) -> httpx.Response:
    return await api.send("/webhook/pemudik", ROWS)


async def upload(api: Doors) -> httpx.Response:
    return await api.send("/import", FILE, Content_Type="text/csv")


async def day(api: Doors) -> httpx.Response:
    return await api.send("/consolidation/2026-03-02", b"", method="GET")


async def export(api: Doors) -> httpx.Response:
    return await api.send("/export.csv", b"", method="GET")


async def single(api: Doors) -> httpx.Response:
    return await api.send("/webhook/pemudik", ROWS[0])


async def legacy(api: Doors) -> httpx.Response:
    return await api.send("/legacy/cek-nik", {"nik": nik_of(1)})


async def check_nik(api: Doors) -> httpx.Response:
    return await api.post(CHECK, {"nik": nik_of(1)}, organizer="djka")


LARGE = (graphql, webhook, upload, day, export)
SMALL = (single, legacy, check_nik)


@pytest.mark.parametrize("knock", LARGE)
async def test_what_is_large_waits(api: Doors, knock: Any) -> None:
    async with api.process.turns.turn("another", MOST_COST_AT_A_TIME):
        waiting = asyncio.create_task(knock(api))
        async with patience():
            while not value("pemudik_turns_waiting", None):
                assert not waiting.done()
                await asyncio.sleep(0.01)
    assert (await waiting).status_code in {200, 202}
    assert value("pemudik_turns_waiting", None) == 0


@pytest.mark.parametrize("knock", SMALL)
async def test_what_is_small_does_not_wait(api: Doors, knock: Any) -> None:
    async with api.process.turns.turn("another", MOST_COST_AT_A_TIME):
        assert (await knock(api)).status_code == 200


async def test_a_neighbours_check_is_answered_between_the_heavy_operations_of_one_client(api: Doors) -> None:
    order: list[str] = []

    async def heavy() -> None:
        answer = await graphql(api)
        order.append("heavy" if answer.status_code == 200 else answer.text)

    operations = [asyncio.create_task(heavy()) for _ in range(8)]
    async with patience():
        while (value("pemudik_turns_waiting", None) or 0) < 4:  # noqa: ASYNC110 - a gauge tells nobody
            await asyncio.sleep(0)
    assert (await check_nik(api)).json()["data"] == {"checkNik": {"outcome": "AVAILABLE"}}
    order.append("check")
    await asyncio.gather(*operations)
    assert order.count("heavy") == 8
    assert order.index("check") < 8


@pytest.mark.parametrize(("bound", "most"), [("MOST_COST_WAITING", 0), ("MOST_SECONDS_OF_A_WAIT", 0.01)])
@pytest.mark.parametrize("knock", LARGE)
async def test_too_much_that_waits_is_refused_and_so_is_what_waits_for_too_long(
    api: Doors, world: World, monkeypatch: pytest.MonkeyPatch, knock: Any, bound: str, most: float
) -> None:
    monkeypatch.setattr(turns, bound, most)
    async with world.unchanged(), api.process.turns.turn("another", MOST_COST_AT_A_TIME):
        answer = await knock(api)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
        content = answer.json()
        error = content.get("error") or content["errors"][0]
        assert "setelah 2 detik" in error["message"]
        assert (error.get("code") or error["extensions"]["code"]) == "TOO_MANY_OPERATIONS"
        # Nobody else is refused, and neither are the small calls of this client.
        for small in SMALL:
            if small is not single:
                assert (await small(api)).status_code == 200


async def test_results_and_cancellations_are_refused_where_they_wait_for_too_long(
    api: Doors, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = (await upload(api)).json()["id"]
    monkeypatch.setattr(turns, "MOST_SECONDS_OF_A_WAIT", 0.01)
    async with world.unchanged(), api.process.turns.turn("another", MOST_COST_AT_A_TIME):
        for method, path in (("GET", f"/import/{job}/result.csv"), ("POST", f"/import/{job}/cancel-missing")):
            answer = await api.send(path, b"", method=method)
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
            assert answer.json()["error"]["code"] == "TOO_MANY_OPERATIONS"


async def test_an_export_that_has_begun_is_not_refused(api: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first turn has come; too much waits when it asks for the second one."""
    begun = asyncio.Event()
    real = downloads.first_turn

    async def first_turn(of: Turns, client: str) -> None:
        await real(of, client)
        begun.set()
        monkeypatch.setattr(turns, "MOST_COST_WAITING", 0)
        monkeypatch.setattr(turns, "MOST_SECONDS_OF_A_WAIT", 0)
        tasks.append(asyncio.create_task(hold()))
        await asyncio.sleep(0.01)

    async def hold() -> None:
        async with api.process.turns.turn("another", MOST_COST_AT_A_TIME):
            await released.wait()

    tasks: list[asyncio.Task[None]] = []
    released = asyncio.Event()
    monkeypatch.setattr(downloads, "first_turn", first_turn)
    waiting = asyncio.create_task(export(api))
    await begun.wait()
    async with patience():
        while not value("pemudik_turns_waiting", None):  # noqa: ASYNC110 - a gauge tells nobody
            await asyncio.sleep(0.01)
    released.set()
    answer = await waiting
    assert (answer.status_code, answer.text.count("\n")) == (200, 1)
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("knock", [webhook, day, legacy])
async def test_whatever_an_answer_waits_for_is_given_up_in_time(
    world: World, monkeypatch: pytest.MonkeyPatch, knock: Any
) -> None:
    """Not for a turn: the database answers slowly, and those in front of it in the line have to wait as well."""
    asked = asyncio.Event()

    async def never(*_: object, **__: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    for room, name in ((reception, "push"), (consolidation, "summary"), (check, "check")):
        monkeypatch.setattr(room, name, never)
    async with opened(world, request_timeout=0.05) as api:
        answer = await knock(api)
    assert asked.is_set()
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "TIMEOUT")


async def test_a_file_costs_as_often_as_it_is_stored(api: Doors) -> None:
    fields = "".join(f"a{number}: importRegistrants(file: $file, dryRun: true) {{ id }} " for number in range(10))
    operations = {"query": f"mutation ($file: Upload!) {{ {fields} }}", "variables": {"file": None}}
    form = {"operations": json.dumps(operations), "map": '{"0": ["variables.file"]}'}
    headers = {"Authorization": f"Bearer {await api.token()}", "GraphQL-Preflight": "1"}
    client = (await api.post("{ me { id } }")).json()["data"]["me"]["id"]
    async with api.process.turns.turn("another", MOST_COST_AT_A_TIME):
        files = {"0": ("a.csv", FILE, "text/csv")}
        waiting = asyncio.create_task(api.http.post("/graphql", data=form, files=files, headers=headers))
        async with patience():
            while not value("pemudik_turns_waiting", None):  # noqa: ASYNC110 - a gauge tells nobody
                await asyncio.sleep(0.01)
        left = api.process.turns.remaining(client)
    answer = (await waiting).json()
    assert len({job["id"] for job in answer["data"].values()}) == 10
    assert left == MOST_COST_AT_A_TIME // 2 - answer["extensions"]["cost"]["requested"] - 10 * UNITS_OF_A_PIECE


async def test_each_answer_says_what_it_cost(api: Doors) -> None:
    told = (await check_nik(api)).json()["extensions"]["cost"]
    assert told == {"requested": 18, "actual": 18, "remaining": MOST_COST_AT_A_TIME}
    async with api.process.turns.turn("another", 1_001):
        told = (await graphql(api)).json()["extensions"]["cost"]
    # Six fields at the root, the connections below them, and no registrant in any list.
    assert told["actual"] == 6 * (2 + OF_A_READ)
    assert told["requested"] > 20_000
    assert told["remaining"] == MOST_COST_AT_A_TIME // 2
