"""Organizers, windows, policies, terminals, routes, releases, clients and cases through the door."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from app.vault.keys import new_signing_key
from tests.graphql.conftest import Api
from tests.world import BUMN, DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

PROBLEM = "... on Problem { code message field }"
SAVE_ROUTES = f"""mutation($inputs: [RouteInput!]!) {{ saveRoutes(inputs: $inputs) {{ ... on Route {{ id name season
    organizer {{ code }} direction service mode origin {{ code }} destination {{ city }} departsAt reportBy handoverOn
    quota taken remaining }} {PROBLEM} }} }}"""
SAVE_ORGANIZER = f"""mutation($input: OrganizerInput!) {{ saveOrganizer(input: $input) {{ ... on Organizer {{ code name
    coordinator {{ code }} schemes policy {{ verifyWithinDays blockWhenForfeited blockSeasons enforceWindow
    returnRequiresOutbound returnSameDay noShowAfterMinutes }} }} {PROBLEM} }} }}"""


def a_route(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Jakarta - Solo",
        "direction": "MUDIK",
        "origin": "pulo-gebang",
        "destination": "tirtonadi",
    } | changes


async def test_a_route_is_declared(api: Api, world: World) -> None:
    given = a_route(service="MOTORCYCLE", mode="TRUCK", departsAt="2026-03-18T08:00:00+07:00", quota=40)
    [route] = (await api.data(SAVE_ROUTES, {"inputs": [given]}, organizer="djka"))["saveRoutes"]
    route_id = route.pop("id")
    assert route == {
        "name": "Jakarta - Solo",
        "season": 2026,
        "organizer": {"code": "djka"},
        "direction": "MUDIK",
        "service": "MOTORCYCLE",
        "mode": "TRUCK",
        "origin": {"code": "pulo-gebang"},
        "destination": {"city": "Kota Surakarta"},
        "departsAt": "2026-03-18T01:00:00Z",
        "reportBy": "2026-03-18T00:00:00Z",
        "handoverOn": "2026-03-17",
        "quota": 40,
        "taken": 0,
        "remaining": 40,
    }
    changed = given | {"id": route_id, "name": "Jakarta - Surakarta"}
    bad = a_route(origin="nowhere")
    verdicts = await api.data(SAVE_ROUTES, {"inputs": [changed, bad, a_route(organizer="hubdat")]}, organizer="djka")
    first, second, third = verdicts["saveRoutes"]
    assert (first["id"], first["name"]) == (route_id, "Jakarta - Surakarta")
    assert (second["code"], second["field"]) == ("INVALID_VALUE", "origin")
    assert third["code"] == "NOT_YOURS"


@pytest.mark.parametrize("known", [True, False], ids=["a route that is known", "a new route"])
@pytest.mark.parametrize(
    ("departs_at", "message"),
    [
        (
            "2026-05-31T00:00:00+07:00",
            "Periode ini berakhir 30 April 2026; waktu ini paling lambat 30 hari sesudahnya.",
        ),
        (
            "2027-03-16T09:00:00+07:00",
            "Periode ini berakhir 30 April 2026; waktu ini paling lambat 30 hari sesudahnya.",
        ),
        (
            "2025-03-16T09:00:00+07:00",
            "Rute ini sudah lama berangkat, sehingga tidak ada yang dapat didaftarkan; periksa tanggal dan tahunnya.",
        ),
    ],
)
async def test_a_departure_beyond_its_season_is_a_typing_error(
    api: Api, world: World, known: bool, departs_at: str, message: str
) -> None:
    route, _ = await world.route(), await api.token()
    given = a_route(departsAt=departs_at) | ({"id": str(route)} if known else {})
    async with world.unchanged():
        [refused] = (await api.data(SAVE_ROUTES, {"inputs": [given]}))["saveRoutes"]
    assert (refused["code"], refused["field"]) == ("INVALID_VALUE", "departsAt")
    moved = "Waktu keberangkatan tidak dapat dipindahkan ke masa lalu; periksa tanggalnya."
    assert refused["message"] == (moved if known and "2025" in departs_at else message)


async def test_the_return_wave_may_leave_after_the_last_day(api: Api, world: World) -> None:
    """A time that is beyond already stays, where the route is saved as it is."""
    route = await world.route("Lama", departs_at=NOW + timedelta(days=300))
    last = {"departsAt": "2026-05-30T23:59:00+07:00"}
    as_it_is = {"id": str(route), "name": "Lama", "departsAt": (NOW + timedelta(days=300)).isoformat()}
    saved = (await api.data(SAVE_ROUTES, {"inputs": [a_route(**last), a_route(**as_it_is)]}))["saveRoutes"]
    assert [one["departsAt"] for one in saved] == ["2026-05-30T16:59:00Z", "2026-12-27T02:00:00Z"]


async def test_a_wrong_digit_moves_no_departure_into_the_past(api: Api, world: World) -> None:
    route = await world.route()
    await world.verified(someone(HUBDAT, route))
    typed = a_route(id=str(route), departsAt="2025-03-16T09:00:00+07:00")
    async with world.unchanged("registrant", "route"):
        [refused] = (await api.data(SAVE_ROUTES, {"inputs": [typed]}))["saveRoutes"]
        [city] = (await api.data(SAVE_ROUTES, {"inputs": [typed | {"destination": "giwangan"}]}))["saveRoutes"]
    assert refused == {
        "code": "INVALID_VALUE",
        "message": "Waktu keberangkatan tidak dapat dipindahkan ke masa lalu; periksa tanggalnya.",
        "field": "departsAt",
    }
    assert (city["code"], city["field"]) == ("INVALID_VALUE", "destination")


async def test_an_unlimited_route_has_no_remaining(api: Api, world: World) -> None:
    [route] = (await api.data(SAVE_ROUTES, {"inputs": [a_route()]}))["saveRoutes"]
    assert (route["quota"], route["remaining"], route["departsAt"], route["reportBy"]) == (None, None, None, None)


async def test_a_release_adds_seats(api: Api, world: World) -> None:
    route = await world.route(quota=2)
    query = f"""mutation($id: ID!, $seats: Int!, $at: DateTime) {{ releaseQuota(routeId: $id, seats: $seats, at: $at) {{
        ... on Route {{ quota remaining }} {PROBLEM} }} }}"""
    data = await api.data(query, {"id": str(route), "seats": 3})
    assert data["releaseQuota"] == {"quota": 5, "remaining": 5}
    later = {"id": str(route), "seats": 3, "at": "2026-03-03T08:00:00+07:00"}
    assert (await api.data(query, later))["releaseQuota"] == {"quota": 5, "remaining": 5}
    refused = (await api.data(query, {"id": str(route), "seats": 3}, organizer="djka"))["releaseQuota"]
    assert refused["code"] in {"ROUTE_UNKNOWN", "NOT_YOURS"}


@pytest.mark.parametrize(
    ("where", "names"),
    [
        (None, ["A", "B", "C"]),
        ({"organizer": "djka"}, ["C"]),
        ({"direction": "BALIK"}, ["B"]),
        ({"service": "MOTORCYCLE"}, []),
        ({"originCity": "Surakarta"}, ["B"]),
        ({"destinationCity": "Solo"}, ["A"]),
        ({"withSeats": True}, ["B", "C"]),
        ({"withSeats": False}, ["A"]),
        ({"season": 2025}, []),
    ],
)
async def test_routes_are_found(api: Api, world: World, where: Any, names: list[str]) -> None:
    cities = {"tujuan-solo": "Solo", "asal-solo": "Kota Surakarta", "asal-jakarta": "Kota Jakarta Timur"}
    terminals = [{"code": code, "name": code.title(), "city": city} for code, city in cities.items()]
    save = "mutation($inputs: [TerminalInput!]!) { saveTerminals(inputs: $inputs) { ... on Terminal { code } } }"
    saved = await api.data(save, {"inputs": terminals})
    assert [terminal["code"] for terminal in saved["saveTerminals"]] == list(cities)
    inputs = [
        a_route(name="A", origin="asal-jakarta", destination="tujuan-solo", quota=0),
        a_route(name="B", direction="BALIK", origin="asal-solo", destination="asal-jakarta"),
    ]
    declared = (await api.data(SAVE_ROUTES, {"inputs": inputs}))["saveRoutes"]
    assert [route["name"] for route in declared] == ["A", "B"]
    theirs = a_route(name="C", origin="asal-jakarta", destination="giwangan")
    await api.data(SAVE_ROUTES, {"inputs": [theirs]}, organizer="djka")
    query = "query($where: RouteFilter) { routes(where: $where) { nodes { name } } }"
    data = await api.data(query, {"where": where}, organizer="djka")
    assert [node["name"] for node in data["routes"]["nodes"]] == names


async def test_routes_come_in_pages(api: Api, world: World) -> None:
    for number in range(3):
        await world.route(f"Rute {number}")
    query = """query($after: String) { organizer(code: "hubdat") { routes(direction: MUDIK, first: 2, after: $after) {
        nodes { name } pageInfo { hasNextPage endCursor } } } }"""
    page = (await api.data(query))["organizer"]["routes"]
    assert [node["name"] for node in page["nodes"]] == ["Rute 0", "Rute 1"]
    page = (await api.data(query, {"after": page["pageInfo"]["endCursor"]}))["organizer"]["routes"]
    assert [node["name"] for node in page["nodes"]] == ["Rute 2"]
    assert page["pageInfo"]["hasNextPage"] is False


async def test_the_routes_back(api: Api, world: World) -> None:
    route, back = await world.route(), await world.way_back()
    data = await api.data("query($id: ID!) { route(id: $id) { returnRoutes { id } } }", {"id": str(route)})
    assert data == {"route": {"returnRoutes": [{"id": str(back)}]}}


async def test_terminals_belong_to_who_declared_them(api: Api, world: World) -> None:
    query = f"""mutation($inputs: [TerminalInput!]!) {{ saveTerminals(inputs: $inputs) {{
        ... on Terminal {{ code name city kind regionCode }} {PROBLEM} }} }}"""
    monas = {"code": "monas", "name": "Monas", "city": "Kota Jakarta Pusat", "kind": "MEETING_POINT"}
    given = monas | {"regionCode": "3171"}
    bad = given | {"code": "Not A Code"}
    first, second = (await api.data(query, {"inputs": [given, bad]}, organizer="djka"))["saveTerminals"]
    assert (first, second["code"], second["field"]) == (given, "INVALID_VALUE", "code")
    renamed = given | {"name": "Tugu"}
    [theirs] = (await api.data(query, {"inputs": [renamed]}, organizer="dishub-dki"))["saveTerminals"]
    assert theirs["code"] == "NOT_YOURS"
    [admins] = (await api.data(query, {"inputs": [renamed]}))["saveTerminals"]
    assert admins["name"] == "Tugu"


async def test_an_organizer_is_saved_with_its_policy(api: Api, world: World) -> None:
    given = {"code": "bumn-dua", "name": "BUMN Dua", "coordinator": "jasa-raharja", "schemes": ["EXCEL", "NIK_CHECK"]}
    saved = (await api.data(SAVE_ORGANIZER, {"input": given | {"policy": {"verifyWithinDays": 5}}}))["saveOrganizer"]
    policy = {
        "verifyWithinDays": 5,
        "blockWhenForfeited": True,
        "blockSeasons": 1,
        "enforceWindow": True,
        "returnRequiresOutbound": True,
        "returnSameDay": False,
        "noShowAfterMinutes": 120,
    }
    assert saved == given | {"coordinator": {"code": "jasa-raharja"}, "policy": policy}
    kept = {"code": "bumn-dua", "name": "BUMN Dua", "policy": {"enforceWindow": False}}
    saved = (await api.data(SAVE_ORGANIZER, {"input": kept}))["saveOrganizer"]
    assert saved["coordinator"] == {"code": "jasa-raharja"}
    assert saved["policy"] == policy | {"enforceWindow": False}
    taken_away = kept | {"coordinator": None, "policy": {"verifyWithinDays": None}}
    saved = (await api.data(SAVE_ORGANIZER, {"input": taken_away}))["saveOrganizer"]
    assert (saved["coordinator"], saved["policy"]["verifyWithinDays"]) == (None, None)
    unnamed = {"code": "bumn-dua", "policy": {"verifyWithinDays": 4}}
    saved = (await api.data(SAVE_ORGANIZER, {"input": unnamed}))["saveOrganizer"]
    assert (saved["name"], saved["policy"]["verifyWithinDays"]) == ("BUMN Dua", 4)
    refused = (await api.data(SAVE_ORGANIZER, {"input": unnamed | {"code": "bumn-tiga"}}))["saveOrganizer"]
    assert (refused["code"], refused["field"]) == ("INVALID_VALUE", "name")
    assert await world.one("SELECT count(*) FROM organizer WHERE code = 'bumn-tiga'") == 0
    refused = (await api.data(SAVE_ORGANIZER, {"input": kept | {"policy": {"blockSeasons": 99}}}))["saveOrganizer"]
    assert (refused["code"], refused["field"]) == ("INVALID_VALUE", "blockSeasons")


async def test_windows_are_saved_and_amended(api: Api, world: World) -> None:
    query = f"""mutation($input: WindowInput!) {{ saveWindow(input: $input) {{ ... on Organizer {{
        windows {{ id opensAt closesAt untilQuotaIsFull open note }} verification {{ from to }} }} {PROBLEM} }} }}"""
    [first] = (await api.data('{ organizer(code: "djka") { windows { id } } }'))["organizer"]["windows"]
    given = {
        "organizer": "djka",
        "opensAt": "2026-03-04T08:00:00+07:00",
        "closesAt": "2026-03-08T00:00:00+07:00",
        "untilQuotaIsFull": True,
        "note": "Melihat kuota akhir",
        "amends": first["id"],
    }
    saved = (await api.data(query, {"input": given}))["saveWindow"]
    [window] = saved["windows"]
    assert window.pop("id") != first["id"]
    assert window == {
        "opensAt": "2026-03-04T01:00:00Z",
        "closesAt": "2026-03-07T17:00:00Z",
        "untilQuotaIsFull": True,
        "open": False,
        "note": "Melihat kuota akhir",
    }
    verification = {
        "organizer": "djka",
        "kind": "VERIFICATION",
        "opensAt": "2026-03-20T00:00:00+07:00",
        "closesAt": "2026-03-22T00:00:00+07:00",
        "season": 2026,
    }
    saved = (await api.data(query, {"input": verification}))["saveWindow"]
    assert saved["verification"] == [{"from": "2026-03-19T17:00:00Z", "to": "2026-03-21T17:00:00Z"}]
    refused = (await api.data(query, {"input": given | {"organizer": "nobody"}}))["saveWindow"]
    assert refused["code"] == "NOT_FOUND"
    assert (await api.data(query, {"input": verification | {"season": 1999}}))["saveWindow"]["code"] == "NOT_FOUND"


async def test_a_client_is_issued_rotated_and_revoked(api: Api, world: World) -> None:
    issue = """mutation($keys: String) { issueClient(organizer: "djka", scopes: ["nik:check"], publicKeys: $keys) {
        secret client { id scopes organizer { code } budget { capacity } } } }"""
    issued = (await api.data(issue))["issueClient"]
    client = issued["client"]
    assert len(issued["secret"]) == 43
    assert client == {
        "id": client["id"],
        "scopes": ["nik:check"],
        "organizer": {"code": "djka"},
        "budget": {"capacity": 5000},
    }
    rotated = await api.data(f'mutation {{ rotateClientSecret(id: "{client["id"]}") {{ secret client {{ id }} }} }}')
    assert rotated["rotateClientSecret"]["secret"] != issued["secret"]
    revoke = f'mutation {{ revokeClient(id: "{client["id"]}") {{ id }} }}'
    assert await api.data(revoke) == {"revokeClient": {"id": client["id"]}}
    key = {name: value for name, value in new_signing_key().items() if name != "d"}
    signer = (await api.data(issue, {"keys": json.dumps({"keys": [key]})}))["issueClient"]
    assert signer["secret"] is None
    for mutation, code in (
        ('issueClient(organizer: "djka", scopes: ["hubdat:admin"]) { secret }', "INVALID_VALUE"),
        ('issueClient(organizer: "nobody", scopes: ["nik:check"]) { secret }', "NOT_FOUND"),
        (f'rotateClientSecret(id: "{client["id"]}") {{ secret }}', "INVALID_VALUE"),
        ('revokeClient(id: "nobody") { id }', "NOT_FOUND"),
    ):
        assert await api.code(f"mutation {{ {mutation} }}") == code


async def test_a_client_does_not_revoke_itself(api: Api, world: World) -> None:
    """Whoever runs the registry would lock itself out."""
    await api.token()
    me = (await api.data("{ me { id } }"))["me"]["id"]
    revoke = f'mutation {{ revokeClient(id: "{me}") {{ id }} }}'
    async with world.unchanged("client", "client_secret", "change"):
        [error] = (await api.post(revoke)).json()["errors"]
    assert (error["extensions"]["code"], error["message"]) == (
        "INVALID_VALUE",
        (
            "Klien tidak dapat mencabut dirinya sendiri; cabut dengan klien lain, atau dengan perintah pemudik client"
            " revoke."
        ),
    )


async def test_a_case_is_decided(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    theirs = await world.route("Rute DJKA", organizer="djka")
    for _ in range(2):
        await world.submit(someone(DJKA, theirs, name="Orang Yang Lain"))
    query = """query($state: CaseState) { cases(state: $state) { nodes { id season direction service state suspect
        holder { code } openedAt decidedAt decidedBy reason
        claims { organizer { code } attempts firstAt lastAt } } } }"""
    [case] = (await api.data(query))["cases"]["nodes"]
    case_id = case.pop("id")
    assert case == {
        "season": 2026,
        "direction": "MUDIK",
        "service": "PASSENGER",
        "state": "OPEN",
        "suspect": True,
        "holder": {"code": "hubdat"},
        "claims": [
            {
                "organizer": {"code": "djka"},
                "attempts": 2,
                "firstAt": "2026-03-02T02:00:00Z",
                "lastAt": "2026-03-02T02:00:00Z",
            }
        ],
        "openedAt": "2026-03-02T02:00:00Z",
        "decidedAt": None,
        "decidedBy": None,
        "reason": None,
    }
    decide = f"""mutation($id: ID!, $state: CaseState!, $by: ID) {{
        decideCase(id: $id, state: $state, reason: "Salah ketik", mistypedBy: $by) {{
            ... on Case {{ state reason decidedAt mistypedBy {{ code }} holder {{ code }} }} {PROBLEM} }} }}"""
    nobody = (await api.data(decide, {"id": case_id, "state": "NOT_DUPLICATE"}))["decideCase"]
    assert (nobody["code"], nobody["field"]) == ("INVALID_VALUE", "mistypedBy")
    by = await world.one("SELECT organizer_code FROM case_claim")
    decided = (await api.data(decide, {"id": case_id, "state": "NOT_DUPLICATE", "by": by}))["decideCase"]
    assert decided["mistypedBy"] == {"code": by}
    assert (decided["state"], decided["reason"], decided["decidedAt"]) == (
        "NOT_DUPLICATE",
        "Salah ketik",
        "2026-03-02T02:00:00Z",
    )
    open_ones = "{ cases(correctionAsked: true) { nodes { id } } }"
    for organizer, ids in ((by, [case_id]), (decided["holder"]["code"], []), ("hubdat", [case_id])):
        if organizer != "hubdat" or decided["holder"]["code"] != "hubdat":
            nodes = (await api.data(open_ones, organizer=organizer))["cases"]["nodes"]
            assert [one["id"] for one in nodes] == ids, organizer
    assert (await api.data(query, {"state": "OPEN"}))["cases"]["nodes"] == []
    unknown = (await api.data(decide, {"id": "no id", "state": "CONFIRMED"}))["decideCase"]
    assert (unknown["code"], nik_of(1) not in str(unknown)) == ("NOT_FOUND", True)


async def test_both_sides_of_a_case_are_shown_to_hubdat_and_read_with_a_purpose(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), name="Sulastri Wulandari"))
    await world.submit(someone(DJKA, await world.route("KA", organizer="djka"), name="Bambang Prakoso"))
    case = str(await world.one("SELECT id FROM duplicate_case"))
    query = """query ($id: ID!, $for: String) { casePeople(id: $id, purpose: $for) {
        organizer { code } holds nik name initials likeness status } }"""
    sides = (await api.data(query, {"id": case}))["casePeople"]
    assert [(one["organizer"]["code"], one["holds"], one["initials"], one["name"]) for one in sides] == [
        ("hubdat", True, "S. W.", None),
        ("djka", False, "B. P.", None),
    ]
    sides = (await api.data(query, {"id": case, "for": "Banding"}))["casePeople"]
    assert [(one["name"], one["nik"]) for one in sides] == [
        ("Sulastri Wulandari", nik_of(1)),
        ("Bambang Prakoso", nik_of(1)),
    ]
    asked = await world.run("SELECT asked -> 'casePeople' ->> 'case', purpose FROM people_read ORDER BY id")
    assert asked == [(case, None), (case, "Banding")]
    assert await api.code(query, {"id": "x"}) == "NOT_FOUND"


async def test_organizers_in_full_take_few_statements(api: Api, world: World) -> None:
    query = """{ organizers { code schemes members { code coordinator { name } } windows { open } verification { from }
        policy { blockSeasons } routes(first: 1) { nodes { id } } } }"""
    await api.token()
    await api.data("{ me { id } }")
    with world.statements() as issued:
        data = await api.data(query)
    members = {one["code"]: one["members"] for one in data["organizers"]}
    assert members.pop("jasa-raharja") == [{"code": BUMN.organizer, "coordinator": {"name": "JASA-RAHARJA"}}]
    assert set(map(str, members.values())) == {"[]"}
    assert len(issued) == 4 + len(data["organizers"])


async def test_after_its_end_a_season_is_still_read(api: Api, world: World) -> None:
    home = await world.route("Jakarta - Solo")
    one = await world.registered(someone(HUBDAT, home))
    await world.close()
    read = await api.data(
        "query($id: ID!) { organizers { code windows { open } } routes { nodes { id } }"
        " registrant(ref: {id: $id}) { status organizer { policy { verifyWithinDays } } } }",
        {"id": str(one.id)},
    )
    assert len(read["organizers"]) == 5
    assert [route["id"] for route in read["routes"]["nodes"]] == [str(home)]
    assert read["registrant"] == {"status": "REGISTERED", "organizer": {"policy": {"verifyWithinDays": 7}}}
