"""Registrants through the door: submitted, moved, corrected, read, page by page."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants.motorcycles import Motorcycle
from tests.graphql.conftest import Api
from tests.world import DJKA, DKI, HUBDAT, LEAVES, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

PROBLEM = "... on Problem { code message field allowed retryAfter standing { organizer { code } own } }"
REGISTRANT = f"... on Registrant {{ id status statusCode statusTitle late healthy }} {PROBLEM}"
SUBMIT = f"""mutation($input: SubmitRegistrant!) {{ submitRegistrant(input: $input) {{ __typename ... on Submission {{
    replayed warnings {{ code message }} registrant {{ id nik name reference status verifyBy motorcycle {{ plate
    registrationNumber handedOverAt }} route {{ name }} return {{ id }} }} return {{ id outbound {{ id }} direction }}
    }} {PROBLEM} }} }}"""
EN = {"Accept-Language": "en"}


def person(route: UUID, number: int = 1, **changes: Any) -> dict[str, Any]:
    given = {"nik": nik_of(number), "name": "Warga Contoh", "routeId": str(route), "identityDocument": "KTP"}
    return given | changes


async def test_a_person_is_registered_once(api: Api, world: World) -> None:
    route = await world.route(quota=2)
    given = person(route, reference="BK-1")
    first = (await api.data(SUBMIT, {"input": given}))["submitRegistrant"]
    registrant = first["registrant"]
    assert first == {
        "__typename": "Submission",
        "replayed": False,
        "warnings": [],
        "registrant": {
            "id": registrant["id"],
            "nik": nik_of(1),
            "name": "Warga Contoh",
            "reference": "BK-1",
            "status": "REGISTERED",
            "verifyBy": "2026-03-09T16:59:59.999999Z",
            "motorcycle": None,
            "route": {"name": "Jakarta - Solo"},
            "return": None,
        },
        "return": None,
    }
    again = (await api.data(SUBMIT, {"input": given}))["submitRegistrant"]
    assert (again["replayed"], again["registrant"]["id"]) == (True, registrant["id"])
    assert await world.taken() == 1


async def test_whoever_stands_in_the_same_booking_under_another_nik_is_told_of(api: Api, world: World) -> None:
    route = await world.route()
    given = [person(route, number, reference="BK-1") for number in (1, 2)]
    mistyped, right = [(await api.data(SUBMIT, {"input": one}))["submitRegistrant"] for one in given]
    [warning] = right["warnings"]
    assert warning["code"] == "NIK_DIFFERS"
    assert mistyped["registrant"]["id"] in warning["message"]
    # The warning says to cancel: the right NIK is taken already.
    query = f"""mutation($id: ID!, $nik: NIK!) {{
        correctRegistrant(ref: {{ id: $id }}, input: {{ nik: $nik, reason: "salah ketik" }}) {{ {PROBLEM} }} }}"""
    refused = await api.data(query, {"id": mistyped["registrant"]["id"], "nik": nik_of(2)})
    assert refused["correctRegistrant"]["code"] == "NIK_ALREADY_REGISTERED"
    # Corrected before it is sent, it is the same registration.
    other = (await api.data(SUBMIT, {"input": person(route, 3, reference="BK-2")}))["submitRegistrant"]
    await api.data(query, {"id": other["registrant"]["id"], "nik": nik_of(4)})
    again = (await api.data(SUBMIT, {"input": person(route, 4, reference="BK-2")}))["submitRegistrant"]
    assert (again["replayed"], again["warnings"]) == (True, [])


async def test_the_way_back_is_booked_in_the_same_stroke(api: Api, world: World) -> None:
    route, back = await world.route(), await world.way_back()
    data = (await api.data(SUBMIT, {"input": person(route, returnRouteId=str(back))}))["submitRegistrant"]
    assert data["return"]["direction"] == "BALIK"
    assert data["return"]["outbound"]["id"] == data["registrant"]["id"]
    assert data["registrant"]["return"]["id"] == data["return"]["id"]


async def test_a_motorcycle_brings_its_papers(api: Api, world: World) -> None:
    route = await world.route(service="MOTORCYCLE")
    refused = (await api.data(SUBMIT, {"input": person(route)}, headers=EN))["submitRegistrant"]
    assert (refused["code"], refused["field"]) == ("MOTORCYCLE_REQUIRED", "motorcycle")
    papers = {"plate": "b 1234 xyz", "registrationNumber": "123"}
    data = (await api.data(SUBMIT, {"input": person(route, motorcycle=papers)}))["submitRegistrant"]
    assert data["registrant"]["motorcycle"] == {
        "plate": "B 1234 XYZ",
        "registrationNumber": "123",
        "handedOverAt": None,
    }


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("id", "NIK ini sudah terdaftar di DJKA (arus mudik, penumpang) pada 2 Maret 2026; batalkan di sana dahulu."),
        (
            "en",
            (
                "This NIK is already registered with DJKA (trip home, passenger) since 2 March 2026;"
                " have it cancelled there first."
            ),
        ),
    ],
)
async def test_a_duplicate_is_a_problem_with_its_facts(api: Api, world: World, language: str, message: str) -> None:
    await world.registered(someone(DJKA, await world.route("Rute DJKA", organizer="djka")))
    given = person(await world.route())
    data = (await api.data(SUBMIT, {"input": given}, headers={"Accept-Language": language}))["submitRegistrant"]
    assert data == {
        "__typename": "Problem",
        "code": "NIK_ALREADY_REGISTERED",
        "message": message,
        "field": data["field"],
        "allowed": None,
        "retryAfter": None,
        "standing": {"organizer": {"code": "djka"}, "own": False},
    }


async def test_a_closed_window_says_when_it_opens(api: Api, world: World) -> None:
    await world.window("hubdat", LEAVES)
    data = (await api.data(SUBMIT, {"input": person(await world.route())}))["submitRegistrant"]
    assert data["code"] == "REGISTRATION_CLOSED"
    assert data["retryAfter"] == int((LEAVES - NOW).total_seconds()) + 1


async def test_a_route_that_has_left_takes_nobody(api: Api, world: World) -> None:
    left, route = await world.route("Kemarin", departs_at=NOW - timedelta(days=1)), await world.route()
    back = await world.way_back(departs_at=NOW - timedelta(days=1))
    async with world.unchanged("registrant", "route"):
        refused = (await api.data(SUBMIT, {"input": person(left)}, headers=EN))["submitRegistrant"]
        pair = (await api.data(SUBMIT, {"input": person(route, returnRouteId=str(back))}))["submitRegistrant"]
    assert (refused["code"], refused["field"], refused["message"]) == (
        "ROUTE_DEPARTED",
        "routeId",
        "This route left on 1 March 2026 at 09:00 WIB; choose another one.",
    )
    assert (pair["code"], pair["field"]) == ("ROUTE_DEPARTED", "returnRouteId")


MOVE = f"""mutation($ref: RegistrantRef!, $route: ID!) {{ moveRegistrant(ref: $ref, routeId: $route) {{
    ... on Registrant {{ id route {{ name taken }} history {{ kind }} }} {PROBLEM} }} }}"""
MOVE_ALL = f"""mutation($inputs: [MoveRegistrant!]!) {{ moveRegistrants(inputs: $inputs) {{
    ... on Registrant {{ route {{ name }} }} {PROBLEM} }} }}"""


async def test_a_registrant_is_moved_to_another_bus(api: Api, world: World) -> None:
    here, there = await world.route("Bus 1", quota=1), await world.route("Bus 2", quota=1)
    one = await world.registered(someone(HUBDAT, here, reference="BK-1"))
    theirs = await world.route("KA", organizer="djka")
    moved = await api.data(MOVE, {"ref": {"reference": "BK-1"}, "route": str(there)})
    assert moved["moveRegistrant"] == {
        "id": str(one.id),
        "route": {"name": "Bus 2", "taken": 1},
        "history": [{"kind": "REGISTRANT_MOVED"}, {"kind": "REGISTRANT_REROUTED"}],
    }
    assert await world.taken("Bus 1") == 0
    await world.registered(someone(HUBDAT, here, 2))
    refused = (await api.data(MOVE, {"ref": {"id": str(one.id)}, "route": str(here)}))["moveRegistrant"]
    assert (refused["code"], refused["field"]) == ("QUOTA_FULL", "routeId")
    unknown = (await api.data(MOVE, {"ref": {"id": str(one.id)}, "route": "x"}))["moveRegistrant"]
    assert unknown["code"] == "ROUTE_UNKNOWN"
    foreign = await api.data(MOVE, {"ref": {"id": str(one.id)}, "route": str(theirs)}, organizer="djka")
    assert foreign["moveRegistrant"]["code"] == "NOT_FOUND"


async def test_both_ways_are_moved_to_another_city_at_once(api: Api, world: World) -> None:
    route, back = await world.route(), await world.way_back()
    pair = await world.accepted(someone(HUBDAT, route, return_route_id=back))
    assert pair.return_view is not None
    yogya = await world.route("Yogya", destination="giwangan")
    from_yogya = await world.way_back("dari Yogya", origin="giwangan")
    wanted = [
        {"ref": {"id": str(pair.view.id)}, "routeId": str(yogya)},
        {"ref": {"id": str(pair.return_view.id)}, "routeId": str(from_yogya)},
    ]
    alone = (await api.data(MOVE_ALL, {"inputs": wanted[:1]}))["moveRegistrants"]
    assert [one["code"] for one in alone] == ["RETURN_CITY_MISMATCH"]
    together = (await api.data(MOVE_ALL, {"inputs": wanted}))["moveRegistrants"]
    assert together == [{"route": {"name": "Yogya"}}, {"route": {"name": "dari Yogya"}}]


async def test_each_of_many_has_its_verdict_in_order(api: Api, world: World) -> None:
    route = await world.route(quota=1)
    query = f"""mutation($inputs: [SubmitRegistrant!]!) {{ submitRegistrants(inputs: $inputs) {{
        ... on Submission {{ registrant {{ nik }} }} {PROBLEM} }} }}"""
    inputs = [
        person(route, 1, nik="12"),
        person(route, 2),
        person(route, 3),
        person(route, 4, routeId="no id"),
        person(route, 5, member="djka"),
    ]
    verdicts = (await api.data(query, {"inputs": inputs}))["submitRegistrants"]
    assert [verdict.get("code") or verdict["registrant"]["nik"] for verdict in verdicts] == [
        "NIK_INVALID",
        nik_of(2),
        "QUOTA_FULL",
        "ROUTE_UNKNOWN",
        "NOT_YOURS",
    ]


async def test_concurrent_calls_have_their_own_answers(api: Api, world: World) -> None:
    route = await world.route(quota=10)
    await api.token()
    answers = await asyncio.gather(*(api.data(SUBMIT, {"input": person(route, number)}) for number in range(20)))
    verdicts = [answer["submitRegistrant"] for answer in answers]
    niks = [verdict["registrant"]["nik"] for verdict in verdicts if verdict["__typename"] == "Submission"]
    assert len(niks) == 10
    assert all(niks.count(nik_of(n)) == (verdicts[n]["__typename"] == "Submission") for n in range(20))
    assert [verdict["code"] for verdict in verdicts if verdict["__typename"] == "Problem"] == ["QUOTA_FULL"] * 10


async def test_from_registered_to_departed(api: Api, world: World) -> None:
    soon = NOW + timedelta(hours=2)
    record = await world.registered(someone(HUBDAT, await world.route(departs_at=soon), reference="BK-9"))
    by_reference, by_nik = {"reference": "BK-9"}, {"nik": {"nik": nik_of(1)}}
    query = f'mutation($ref: RegistrantRef!) {{ verifyRegistrant(ref: $ref, posko: "Pulo Gebang") {{ {REGISTRANT} }} }}'
    verified = (await api.data(query, {"ref": by_reference}))["verifyRegistrant"]
    assert verified == {
        "id": str(record.id),
        "status": "VERIFIED",
        "statusCode": 2,
        "statusTitle": "Terverifikasi pendaftaran",
        "late": None,
        "healthy": None,
    }
    depart = f"""mutation($ref: RegistrantRef!, $healthy: Boolean!) {{
        departRegistrant(ref: $ref, healthy: $healthy, at: "2026-03-02T09:00:00+07:00") {{ {REGISTRANT} }} }}"""
    refused = (await api.data(depart, {"ref": by_nik, "healthy": False}))["departRegistrant"]
    assert refused["code"] == "NOT_HEALTHY"
    departed = (await api.data(depart, {"ref": by_nik, "healthy": True}))["departRegistrant"]
    assert (departed["status"], departed["late"], departed["healthy"]) == ("DEPARTED", False, True)
    cancel = f'mutation($ref: RegistrantRef!) {{ cancelRegistrant(ref: $ref, reason: "coba") {{ {REGISTRANT} }} }}'
    final = (await api.data(cancel, {"ref": {"id": str(record.id)}}, headers=EN))["cancelRegistrant"]
    assert (final["code"], final["allowed"]) == ("TRANSITION_NOT_ALLOWED", [])


async def test_a_trip_is_verified_once(api: Api, world: World) -> None:
    """By the booking code of the way home, and by the NIK of the way back."""
    route, back = await world.route(), await world.way_back()
    for number in (1, 2):
        given = person(route, number, returnRouteId=str(back), reference=f"BK-{number}")
        await api.data(SUBMIT, {"input": given})
    query = f"""mutation($ref: RegistrantRef!) {{ verifyRegistrant(ref: $ref, posko: "Posko 1") {{
        ... on Registrant {{ direction status outbound {{ status verifiedAt }} return {{ status verifiedAt }} }}
        {PROBLEM} }} }}"""
    both = {"status": "VERIFIED", "verifiedAt": "2026-03-02T02:00:00Z"}
    home = await api.data(query, {"ref": {"reference": "BK-1"}})
    assert home["verifyRegistrant"] == {"direction": "MUDIK", "status": "VERIFIED", "outbound": None, "return": both}
    returning = await api.data(query, {"ref": {"nik": {"nik": nik_of(2), "direction": "BALIK"}}})
    assert returning["verifyRegistrant"] == {
        "direction": "BALIK",
        "status": "VERIFIED",
        "outbound": both,
        "return": None,
    }
    assert await world.run("SELECT DISTINCT status FROM registrant") == [("VERIFIED",)]


async def test_the_return_of_a_verified_trip_is_verified_as_it_is_booked(api: Api, world: World) -> None:
    await world.verified(someone(HUBDAT, await world.route()))
    booked = (await api.data(SUBMIT, {"input": person(await world.way_back())}))["submitRegistrant"]
    assert (booked["registrant"]["status"], booked["warnings"]) == ("VERIFIED", [])


async def test_many_are_moved_each_with_its_verdict(api: Api, world: World) -> None:
    route = await world.route(departs_at=NOW + timedelta(hours=2))
    ids = [str((await world.registered(someone(HUBDAT, route, number))).id) for number in range(3)]
    refs = [{"id": ids[0]}, {"reference": "nobody's"}, {"id": ids[2]}]
    query = f"mutation($refs: [RegistrantRef!]!) {{ verifyRegistrants(refs: $refs) {{ {REGISTRANT} }} }}"
    verdicts = (await api.data(query, {"refs": refs}))["verifyRegistrants"]
    assert [verdict.get("status") or verdict["code"] for verdict in verdicts] == ["VERIFIED", "NOT_FOUND", "VERIFIED"]
    query = f"mutation($refs: [RegistrantRef!]!) {{ departRegistrants(refs: $refs, healthy: true) {{ {REGISTRANT} }} }}"
    verdicts = (await api.data(query, {"refs": [{"id": id_} for id_ in ids]}))["departRegistrants"]
    assert [verdict.get("status") or verdict["allowed"] for verdict in verdicts] == [
        "DEPARTED",
        ["VERIFIED", "CANCELLED"],
        "DEPARTED",
    ]


async def test_a_cancelled_seat_is_free_again(api: Api, world: World) -> None:
    record = await world.registered(someone(HUBDAT, await world.route()))
    query = f'mutation($id: ID!) {{ cancelRegistrant(ref: {{ id: $id }}, reason: "Tidak jadi") {{ {REGISTRANT} }} }}'
    assert (await api.data(query, {"id": str(record.id)}))["cancelRegistrant"]["status"] == "CANCELLED"
    assert await world.taken() == 0
    history = "query($id: ID!) { registrant(ref: { id: $id }) { history { from to reason at } } }"
    assert (await api.data(history, {"id": str(record.id)}))["registrant"]["history"] == [
        {"from": None, "to": "REGISTERED", "reason": None, "at": "2026-03-02T02:00:00Z"},
        {"from": "REGISTERED", "to": "CANCELLED", "reason": "Tidak jadi", "at": "2026-03-02T02:00:00Z"},
    ]


async def test_a_correction(api: Api, world: World) -> None:
    record = await world.registered(someone(HUBDAT, await world.route()))
    query = f"""mutation($id: ID!, $input: Correction!) {{ correctRegistrant(ref: {{ id: $id }}, input: $input) {{
        ... on Registrant {{ nik name identityDocument reference }} {PROBLEM} }} }}"""
    given = {
        "nik": nik_of(2),
        "name": "Nama Benar",
        "identityDocument": "SIM",
        "reference": "BK-2",
        "reason": "salah ketik",
    }
    assert (await api.data(query, {"id": str(record.id), "input": given}))["correctRegistrant"] == {
        "nik": nik_of(2),
        "name": "Nama Benar",
        "identityDocument": "SIM",
        "reference": "BK-2",
    }
    papers = {"motorcycle": {"plate": "B 1", "registrationNumber": "1"}, "reason": "salah"}
    refused = (await api.data(query, {"id": str(record.id), "input": papers}))["correctRegistrant"]
    assert refused["code"] == "INVALID_VALUE"


async def test_a_correction_reaches_the_whole_trip(api: Api, world: World) -> None:
    """The way back, and the motorcycle of the same person."""
    back = await world.way_back()
    home = await world.accepted(someone(HUBDAT, await world.route(), return_route_id=back))
    truck = await world.route("Motis", service="MOTORCYCLE")
    await world.registered(someone(HUBDAT, truck, motorcycle=Motorcycle("B 1", "2")))
    await corrected(api, home.view.id)
    found = await api.data("{ registrants(first: 10) { nodes { nik direction service } } }")
    ways = [("MUDIK", "PASSENGER"), ("BALIK", "PASSENGER"), ("MUDIK", "MOTORCYCLE")]
    assert {(one["nik"], one["direction"], one["service"]) for one in found["registrants"]["nodes"]} == {
        (nik_of(2), *way) for way in ways
    }


async def test_a_correction_takes_along_the_block_that_came_from_the_wrong_nik(api: Api, world: World) -> None:
    await world.policy("hubdat", verify_within_days=7)
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.moved(one.id, RegistrantStatus.FORFEITED)
    await corrected(api, one.id)
    check = "query ($niks: [NIK!]!) { checkNiks(niks: $niks) { outcome } }"
    found = await api.data(check, {"niks": [nik_of(1), nik_of(2)]})
    assert [each["outcome"] for each in found["checkNiks"]] == ["AVAILABLE", "BLOCKED"]


async def corrected(api: Api, registrant: UUID) -> None:
    """The NIK is that of number 2."""
    query = f"""mutation($id: ID!, $nik: NIK!) {{
        correctRegistrant(ref: {{ id: $id }}, input: {{ nik: $nik, reason: "salah ketik" }}) {{
            ... on Registrant {{ nik }} {PROBLEM} }} }}"""
    given = {"id": str(registrant), "nik": nik_of(2)}
    assert (await api.data(query, given))["correctRegistrant"] == {"nik": nik_of(2)}


async def test_a_motorcycle_is_handed_over(api: Api, world: World) -> None:
    route = await world.route(service="MOTORCYCLE")
    record = await world.registered(someone(HUBDAT, route, motorcycle=Motorcycle("B 1", "2")))
    query = f"""mutation($id: ID!) {{ handOverMotorcycle(ref: {{ id: $id }}, at: "2026-03-01T10:00:00+07:00") {{
        ... on Registrant {{ motorcycle {{ handedOverAt }} }} {PROBLEM} }} }}"""
    data = await api.data(query, {"id": str(record.id)})
    assert data["handOverMotorcycle"] == {"motorcycle": {"handedOverAt": "2026-03-01T03:00:00Z"}}


async def test_the_answer_to_an_erasure_says_all_that_went(api: Api, world: World) -> None:
    """Of every organizer; who was erased is counted and nothing more."""
    record = await world.registered(someone(DJKA, await world.route(organizer="djka")))
    truck = await world.route("Motis", organizer="dishub-dki", service="MOTORCYCLE")
    await world.registered(someone(DKI, truck, motorcycle=Motorcycle("B 1", "2")))
    query = f"""mutation($ref: RegistrantRef!) {{ eraseRegistrant(ref: $ref, reason: "permintaan") {{
        ... on Erasure {{ registrants {{ nik name status organizer {{ code }} }} applicantOf files }} {PROBLEM} }} }}"""
    gone = {"nik": "(dihapus)", "name": "(dihapus)", "status": "CANCELLED"}
    data = await api.data(query, {"ref": {"id": str(record.id)}})
    assert data["eraseRegistrant"] == {
        "registrants": [gone | {"organizer": {"code": "djka"}}, gone | {"organizer": {"code": "dishub-dki"}}],
        "applicantOf": 0,
        "files": 0,
    }
    refused = await api.data(query, {"ref": {"nik": {"nik": nik_of(1)}}})
    assert refused["eraseRegistrant"]["code"] == "NOT_FOUND"


async def test_pages_follow_each_other_without_a_gap(api: Api, world: World) -> None:
    route = await world.route()
    ids = [str((await world.registered(someone(HUBDAT, route, number))).id) for number in range(5)]
    query = """query($after: String) { registrants(first: 2, after: $after) { nodes { id } edges { cursor }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""
    seen: list[str] = []
    after = None
    for more, before in ((True, False), (True, True), (False, True)):
        page = (await api.data(query, {"after": after}))["registrants"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"] == {
            "hasNextPage": more,
            "hasPreviousPage": before,
            "startCursor": page["edges"][0]["cursor"],
            "endCursor": page["edges"][-1]["cursor"],
        }
    assert seen == ids
    last = (await api.data(query, {"after": after}))["registrants"]
    assert (last["nodes"], last["pageInfo"]["endCursor"]) == ([], None)


@pytest.mark.parametrize("after", ["x", "AQ", "AQGiAlEXGHergGalDZha7", "äö", "AQGiAlEXGHergGalDZha78E=", "A" * 1_000])
async def test_what_is_no_cursor_is_refused(api: Api, after: str) -> None:
    query = "query($after: String) { registrants(after: $after) { nodes { id } } }"
    assert await api.code(query, {"after": after}) == "INVALID_CURSOR"


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ({"direction": "BALIK"}, []),
        ({"service": "PASSENGER"}, [0, 1, 2]),
        ({"status": ["VERIFIED"]}, [1]),
        ({"status": ["VERIFIED", "REGISTERED"]}, [0, 1, 2]),
        ({"status": []}, []),
        ({"reference": "BK-2"}, [2]),
        ({"organizer": "hubdat", "season": 2026}, [0, 1, 2]),
        ({"season": 2025}, []),
        ({"organizer": "djka"}, []),
        ({"registeredFrom": "2026-03-02T02:00:00Z"}, [0, 1, 2]),
        ({"registeredTo": "2026-03-02T09:00:00+07:00"}, []),
        ({"verifyBefore": "2026-03-10T00:00:00Z"}, [0, 2]),
        ({"routeId": "no id"}, []),
        ({"routeId": None, "status": None}, [0, 1, 2]),
    ],
)
async def test_filters(api: Api, world: World, where: dict[str, Any], numbers: list[int]) -> None:
    route = await world.route()
    for number in range(3):
        submission = someone(HUBDAT, route, number, reference=f"BK-{number}")
        await (world.verified if number == 1 else world.registered)(submission)
    query = "query($where: RegistrantFilter) { registrants(where: $where) { nodes { nik } } }"
    data = await api.data(query, {"where": where})
    assert [node["nik"] for node in data["registrants"]["nodes"]] == [nik_of(number) for number in numbers]


async def test_lists_of_registrants_take_as_many_statements_as_one(api: Api, world: World) -> None:
    route = await world.route()
    query = """{ registrants { nodes { id route { name returnRoutes { id } } outbound { id } return { id }
        history { to } organizer { code policy { verifyWithinDays } } } } }"""
    counts = []
    await api.token()
    for number in (1, 2, 3):
        await world.registered(someone(HUBDAT, route, number))
        with world.statements() as issued:
            nodes = (await api.data(query))["registrants"]["nodes"]
        assert len(nodes) == number
        counts.append(len(issued))
    assert counts[1] == counts[2]
