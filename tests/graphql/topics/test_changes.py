"""The change feed through the door: page by page and live, one's own in full, everyone's masked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from app.auth import endpoints
from app.auth.callers import build_callers
from app.auth.signing import SigningKeys
from app.changes.log import cursors, feed
from app.config import Settings
from app.graphql.doors.http import routes
from app.graphql.paging import cursor_of
from app.models.enums import RegistrantStatus
from app.process import build_process
from app.registry.registrants.view import View
from app.server.turns import MOST_COST_AT_A_TIME
from tests import queries
from tests import world as worlds
from tests.changes.conftest import settled, tell
from tests.graphql.conftest import ISSUER, Api
from tests.graphql.live.serving import Live, listening
from tests.metrics.test_page import value
from tests.patience import patience
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, World, nik_of, someone

pytestmark = pytest.mark.anyio

CHANGE = "cursor at kind from to reason registrant { id nik name status organizer { code } reference }"
CHANGES = f"""query ($first: Int! = 100, $after: String) {{ changes(first: $first, after: $after) {{
    nodes {{ {CHANGE} }} edges {{ cursor }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"""
FOLLOW = f"subscription ($after: String) {{ changes(after: $after) {{ {CHANGE} }} }}"
DASHBOARD = ("dashboard:read",)


@pytest.fixture
async def live(world: World, settings: Settings) -> AsyncIterator[Live]:
    keys, stop = SigningKeys(lambda: world.vault.signing), asyncio.Event()
    process = build_process(world.database, world.vault)
    callers = build_callers(world.database, keys, ISSUER)
    application = Starlette(
        routes=[*endpoints.routes(world.database, keys, ISSUER), *routes(process, callers, settings)]
    )
    duties = [asyncio.create_task(duty(stop)) for duty in (process.wake.run, process.tail.run)]
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http, listening(application) as server:
        yield Live(Api(http, world.database), server, process)
    stop.set()
    process.database.followers.tell()
    await asyncio.gather(*duties)


async def lived(world: World, caller: Any = HUBDAT, number: int = 1) -> View:
    """Registered, verified, cancelled."""
    route = await world.route(f"{caller.organizer} {number}", organizer=caller.organizer)
    one = await world.verified(someone(caller, route, number, reference=f"BK-{number}"))
    return await world.moved(one.id, RegistrantStatus.CANCELLED, caller, reason="Sakit")


async def read(api: Api, after: str | None = None, **how: Any) -> dict[str, Any]:
    first = how.pop("first", 100)
    page: dict[str, Any] = (await api.data(CHANGES, {"after": after, "first": first}, **how))["changes"]
    return page


async def test_ones_own_changes_in_order(api: Api, world: World) -> None:
    one = await lived(world)
    await lived(world, DJKA, 2)
    await settled(world)
    page = await read(api, organizer="hubdat", scopes=("registrants:read",))
    registrant = {
        "id": str(one.id),
        "nik": nik_of(1),
        "name": "Warga Contoh",
        "status": "CANCELLED",
        "organizer": {"code": "hubdat"},
        "reference": "BK-1",
    }
    told = {"at": "2026-03-02T02:00:00Z", "kind": "REGISTRANT_MOVED", "registrant": registrant}
    places = [node.pop("cursor") for node in page["nodes"]]
    assert page["nodes"] == [
        {**told, "from": None, "to": "REGISTERED", "reason": None},
        {**told, "from": "REGISTERED", "to": "VERIFIED", "reason": "Permintaan peserta"},
        {**told, "from": "VERIFIED", "to": "CANCELLED", "reason": "Sakit"},
    ]
    assert page["edges"] == [{"cursor": place} for place in places]
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": places[0],
        "endCursor": places[2],
    }
    positions = [cursors.position(place) for place in places]
    assert positions == sorted(positions)


async def test_who_begins_with_now_gets_what_happens_from_then_on(api: Api, world: World) -> None:
    async def now(**how: Any) -> str:
        cursor: str = (await api.data("{ endOfChanges }", **how))["endOfChanges"]
        return cursor

    nothing_yet = await now()
    await lived(world)
    await settled(world)
    assert [node["to"] for node in (await read(api, nothing_yet))["nodes"]] == ["REGISTERED", "VERIFIED", "CANCELLED"]
    cursor = await now(scopes=("registrants:read",))
    page = await read(api, cursor)
    assert (page["nodes"], page["pageInfo"]["endCursor"]) == ([], cursor)
    await world.registered(someone(HUBDAT, await world.route("next"), 3))
    await settled(world)
    assert [node["to"] for node in (await read(api, cursor))["nodes"]] == ["REGISTERED"]


async def test_a_new_time_of_ones_route_is_in_the_feed(api: Api, world: World) -> None:
    route = await world.route()
    one = await world.registered(someone(HUBDAT, route))
    await settled(world)
    end = (await read(api))["pageInfo"]["endCursor"]
    given = {"id": str(route), "name": "Jakarta - Solo", "direction": "MUDIK", "origin": "pulo-gebang"}
    later = given | {"destination": "tirtonadi", "departsAt": "2026-03-16T12:00:00+07:00"}
    save = "mutation ($inputs: [RouteInput!]!) { saveRoutes(inputs: $inputs) { ... on Route { departsAt } } }"
    assert await api.data(save, {"inputs": [later]}) == {"saveRoutes": [{"departsAt": "2026-03-16T05:00:00Z"}]}
    await settled(world)
    [change] = (await read(api, end))["nodes"]
    assert (change["kind"], change["from"], change["to"], change["registrant"]["id"]) == (
        "REGISTRANT_RESCHEDULED",
        None,
        None,
        str(one.id),
    )


async def test_page_by_page_and_on_from_the_end(api: Api, world: World) -> None:
    await lived(world)
    await settled(world)
    seen: list[str] = []
    after, more = None, True
    while more:
        page = await read(api, after, first=2)
        seen += [node["to"] for node in page["nodes"]]
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    assert seen == ["REGISTERED", "VERIFIED", "CANCELLED"]
    for _ in range(2):
        page = await read(api, after)
        assert (page["nodes"], page["pageInfo"]["hasNextPage"]) == ([], False)
        # A reader that always goes on from `endCursor` never begins again.
        after = page["pageInfo"]["endCursor"]
        assert after is not None
    await lived(world, HUBDAT, 2)
    await settled(world)
    assert [node["to"] for node in (await read(api, after))["nodes"]] == ["REGISTERED", "VERIFIED", "CANCELLED"]


async def test_whose_changes_one_reads(api: Api, world: World) -> None:
    people = {
        caller.organizer: await lived(world, caller, place)
        for place, caller in enumerate((HUBDAT, JASA_RAHARJA, BUMN, DJKA))
    }
    await settled(world)
    for organizer, scopes, expected in (
        ("djka", None, {"djka"}),
        ("bumn-satu", None, {"bumn-satu"}),
        ("jasa-raharja", None, {"jasa-raharja", "bumn-satu"}),
        ("dishub-dki", None, set()),
        ("hubdat", ("registrants:read",), {"hubdat"}),
        ("hubdat", DASHBOARD, set(people)),
    ):
        nodes = (await read(api, organizer=organizer, scopes=scopes))["nodes"]
        assert {node["registrant"]["organizer"]["code"] for node in nodes} == expected
        assert {node["registrant"]["id"] for node in nodes} == {str(people[code].id) for code in expected}
        assert len(nodes) == 3 * len(expected)


async def test_the_dashboard_sees_nobody_by_name_and_no_free_text(api: Api, world: World) -> None:
    await lived(world)
    await lived(world, DJKA, 2)
    await settled(world)
    for scopes, owns in ((DASHBOARD, set[str]()), (("dashboard:read", "registrants:read"), {"hubdat"})):
        nodes = (await read(api, scopes=scopes))["nodes"]
        assert len(nodes) == 6
        for node in nodes:
            registrant = node["registrant"]
            own = registrant["organizer"]["code"] in owns
            assert registrant["nik"].startswith("*") != own
            assert (registrant["name"], registrant["reference"] is None) == ("Warga Contoh" if own else "***", not own)
        assert {node["reason"] for node in nodes} == ({None, "Permintaan peserta", "Sakit"} if owns else {None})


async def test_a_registrants_history_is_its_part_of_the_log(api: Api, world: World) -> None:
    one = await lived(world)
    await settled(world)
    whole = (await read(api))["nodes"]
    query = f"query ($id: ID!) {{ registrant(ref: {{ id: $id }}) {{ history {{ {CHANGE} }} }} }}"
    history = (await api.data(query, {"id": str(one.id)}))["registrant"]["history"]
    assert history == whole
    assert (await read(api, history[0]["cursor"]))["nodes"] == whole[1:]


async def test_what_is_no_cursor_of_the_feed(api: Api, world: World) -> None:
    one = await lived(world)
    ahead = cursors.cursor(feed.Position(2**60, 1))
    for cursor in (cursor_of(one.id), "AQ", "ä", ahead, nik_of(1)):
        errors = await api.errors(CHANGES, {"after": cursor})
        assert [error["extensions"]["code"] for error in errors] == ["INVALID_CURSOR"]
        assert cursor not in str(errors)
    assert await api.code(CHANGES, {"first": 201}) == "INVALID_PAGE_SIZE"


async def test_a_cursor_whose_change_was_lost_says_where_to_go_on(api: Api, world: World, live: Live) -> None:
    one = await lived(world)
    await tell(world, one.id, "lost", at=worlds.NOW + timedelta(minutes=2))
    await settled(world)
    lost = (await read(api))["nodes"][-1]["cursor"]
    async with world.database.transaction() as session:
        await queries.run(session, "SET LOCAL session_replication_role = replica")
        await queries.run(session, "DELETE FROM change WHERE reason = 'lost'")
    await tell(world, one.id, "new", at=worlds.NOW + timedelta(hours=1))
    await settled(world)
    told = []
    for query in (CHANGES, "query ($after: String) { adminChanges(after: $after) { nodes { kind } } }"):
        [error] = await api.errors(query, {"after": lost}, scopes=("hubdat:admin", "registrants:read"))
        assert error["extensions"].pop("code") == "CURSOR_LOST"
        told.append(error["extensions"].pop("after"))
    async with live.client() as client:
        await client.subscribe("1", FOLLOW, after=lost)
        message = await client.hear()
        assert [error["extensions"].pop("code") for error in message["payload"]] == ["CURSOR_LOST"]
        told += [error["extensions"].pop("after") for error in message["payload"]]
    assert len(told) == 3
    for shared in told:
        assert [node["reason"] for node in (await read(api, shared))["nodes"]] == ["new"]


# --- live -------------------------------------------------------------------------------------------------------------


async def test_followers_get_what_the_feed_says_as_it_happens(live: Live, world: World) -> None:
    await lived(world)
    async with live.client("hubdat", scopes=("registrants:read",)) as client:
        await client.subscribe("1", FOLLOW, after=cursors.cursor(feed.START))
        events = [(await client.hear())["payload"]["data"]["changes"] for _ in range(3)]
        await lived(world, DJKA, 2)
        await lived(world, HUBDAT, 3)
        events += [(await client.hear())["payload"]["data"]["changes"] for _ in range(3)]
    nodes = (await read(live.api, scopes=("registrants:read",)))["nodes"]
    assert [event["cursor"] for event in events] == [node["cursor"] for node in nodes]
    # The registrant is as it is when the event is told.
    for event, node in zip(events, nodes, strict=True):
        assert event["registrant"]["status"] in {event["to"], "VERIFIED", "CANCELLED"}
        event["registrant"]["status"] = "CANCELLED"
        assert event == node
    async with live.client("hubdat", scopes=("registrants:read",)) as client:
        await client.subscribe("1", FOLLOW, after=events[1]["cursor"])
        assert [(await client.hear())["payload"]["data"]["changes"] for _ in range(4)] == nodes[2:]


async def test_each_follower_gets_its_own_view(live: Live, world: World) -> None:
    """Two of one organizer, one of the dashboard, and a stranger that hears of nobody but its own."""
    async with (
        live.client("djka") as first,
        live.client("djka") as second,
        live.client("hubdat", scopes=DASHBOARD) as dashboard,
        live.client("dishub-dki") as stranger,
    ):
        clients = (first, second, dashboard, stranger)
        for client in clients:
            await client.subscribe("1", FOLLOW, after=cursors.cursor(feed.START))
        theirs = await lived(world, DJKA, 1)
        own = await lived(world, DKI, 2)
        heard = [[(await client.hear())["payload"]["data"]["changes"] for _ in range(3)] for client in clients[:2]]
        masked = [(await dashboard.hear())["payload"]["data"]["changes"] for _ in range(6)]
        strange = [(await stranger.hear())["payload"]["data"]["changes"] for _ in range(3)]
    # Each is shown the registrant as it is when the event is told, and one may be told a moment later.
    same = [[(one["cursor"], one["to"]) for one in ones] for ones in heard]
    assert same[0] == same[1]
    assert {(one["registrant"]["id"], one["registrant"]["nik"]) for one in heard[0]} == {(str(theirs.id), nik_of(1))}
    assert [one["cursor"] for one in masked[:3]] == [one["cursor"] for one in heard[0]]
    assert {one["registrant"]["name"] for one in masked} == {"***"}
    assert {one["reason"] for one in masked} == {None}
    assert not {nik_of(1), nik_of(2)} & {one["registrant"]["nik"] for one in masked}
    assert {one["registrant"]["id"] for one in strange} == {str(own.id)}


async def test_a_follower_with_no_cursor_of_the_feed_is_told_so(live: Live, world: World) -> None:
    async with live.client() as client:
        for cursor in ("AQ", cursors.cursor(feed.Position(2**60, 1))):
            await client.subscribe("1", FOLLOW, after=cursor)
            message = await client.hear()
            assert message["type"] == "error"
            assert [error["extensions"]["code"] for error in message["payload"]] == ["INVALID_CURSOR"]


async def test_whoever_is_behind_reads_in_turns(live: Live, world: World) -> None:
    await lived(world)
    await settled(world)
    async with live.client("hubdat") as client:
        async with live.process.turns.turn("another", MOST_COST_AT_A_TIME):
            await client.subscribe("1", FOLLOW, after=cursors.cursor(feed.START))
            async with patience():
                while not value("pemudik_turns_waiting", None):  # noqa: ASYNC110 - a gauge tells nobody
                    await asyncio.sleep(0.01)
        heard = [(await client.hear())["payload"]["data"]["changes"]["to"] for _ in range(3)]
        assert heard == ["REGISTERED", "VERIFIED", "CANCELLED"]
        # What happens now is read once for all who follow, and waits for nobody.
        async with live.process.turns.turn("another", MOST_COST_AT_A_TIME):
            await lived(world, number=2)
            assert (await client.hear())["payload"]["data"]["changes"]["to"] == "REGISTERED"
