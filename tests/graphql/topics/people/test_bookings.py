"""A family under one booking code, through the door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.caller import Caller
from tests.changes.conftest import settled
from tests.graphql.conftest import Api
from tests.world import BUMN, DJKA, HUBDAT, LEAVES, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

BOOKING = """query ($reference: String!, $organizer: ID) { booking(reference: $reference, organizer: $organizer) {
    reference season people organizer { code } registrants { nik direction status } } }"""
PEOPLE = (
    "... on BookingVerdicts { people { registrants { nik status } problem { code } } } ... on Problem { code field }"
)
VERIFY = f"""mutation ($only: [RegistrantRef!]) {{
    verifyBooking(reference: "BK-1", posko: "Posko Monas", only: $only) {{ {PEOPLE} }} }}"""
DEPART = f'mutation {{ departBooking(reference: "BK-1", healthy: true, direction: MUDIK) {{ {PEOPLE} }} }}'
CANCEL = f"""mutation ($reference: String!, $organizer: ID) {{
    cancelBooking(reference: $reference, reason: "Batal", organizer: $organizer) {{ {PEOPLE} }} }}"""


async def family(world: World, caller: Any = HUBDAT) -> None:
    home = await world.route(organizer=caller.organizer)
    back = await world.way_back(organizer=caller.organizer)
    for number in (1, 2):
        await world.registered(someone(caller, home, number, reference="BK-1", return_route_id=back))


async def test_a_booking_is_read(api: Api, world: World) -> None:
    await family(world)
    data = await api.data(BOOKING, {"reference": "BK-1"})
    assert data["booking"] == {
        "reference": "BK-1",
        "season": 2026,
        "people": 2,
        "organizer": {"code": "hubdat"},
        "registrants": [
            {"nik": nik_of(number), "direction": direction, "status": "REGISTERED"}
            for number in (1, 2)
            for direction in ("MUDIK", "BALIK")
        ],
    }
    assert (await api.data(BOOKING, {"reference": "BK-2"}))["booking"] is None
    assert (await api.data(BOOKING, {"reference": "BK-1"}, organizer="djka"))["booking"] is None
    assert await api.code(BOOKING, {"reference": "BK-1", "organizer": "hubdat"}, organizer="djka") == "NOT_YOURS"
    assert await api.code(BOOKING, {"reference": "!"}) == "INVALID_VALUE"


async def test_the_whole_of_it_is_verified_departs_and_is_cancelled(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await family(world)
    verified = (await api.data(VERIFY, {"only": [{"nik": {"nik": nik_of(2)}}]}))["verifyBooking"]
    assert verified == {"people": [{"registrants": [{"nik": nik_of(2), "status": "VERIFIED"}] * 2, "problem": None}]}
    verified = (await api.data(VERIFY))["verifyBooking"]
    assert [one["registrants"][0]["status"] for one in verified["people"]] == ["VERIFIED"] * 2
    monkeypatch.setattr("app.clock.now", lambda: LEAVES - timedelta(hours=2))
    api.tokens.clear()
    departed = (await api.data(DEPART))["departBooking"]
    assert departed == {
        "people": [
            {"registrants": [{"nik": nik_of(number), "status": "DEPARTED"}], "problem": None} for number in (1, 2)
        ]
    }
    cancelled = (await api.data(CANCEL, {"reference": "BK-1"}))["cancelBooking"]
    assert [one["problem"]["code"] for one in cancelled["people"]] == ["TRANSITION_NOT_ALLOWED"] * 2
    assert cancelled["people"][0]["registrants"] == [
        {"nik": nik_of(1), "status": "DEPARTED"},
        {"nik": nik_of(1), "status": "CANCELLED"},
    ]


async def test_a_coordinator_acts_for_its_member(api: Api, world: World) -> None:
    await family(world, BUMN)
    unknown = (await api.data(CANCEL, {"reference": "BK-1"}, organizer="jasa-raharja"))["cancelBooking"]
    assert unknown == {"code": "NOT_FOUND", "field": "reference"}
    asked = {"reference": "BK-1", "organizer": "bumn-satu"}
    foreign = (await api.data(CANCEL, asked, organizer="djka"))["cancelBooking"]
    assert foreign == {"code": "NOT_YOURS", "field": "organizer"}
    done = (await api.data(CANCEL, asked, organizer="jasa-raharja"))["cancelBooking"]
    assert [[one["status"] for one in person["registrants"]] for person in done["people"]] == [["CANCELLED"] * 2] * 2


INFANTS = "lapInfantsAlone"
CANCEL_ONE = f"""mutation ($id: ID!) {{ cancelRegistrant(ref: {{ id: $id }}, reason: "Batal") {{
    ... on Registrant {{ {INFANTS} }} ... on Problem {{ code }} }} }}"""
CHANGES = f"{{ changes(first: 200) {{ nodes {{ registrant {{ id {INFANTS} }} }} }} }}"


async def with_infant(world: World, caller: Caller = HUBDAT) -> tuple[str, str, str]:
    """Mother, father and infant."""
    route = await world.route(organizer=caller.organizer)
    both = [await world.registered(someone(caller, route, number, reference="BK-1")) for number in (1, 2)]
    infant = someone(caller, route, nik="3201011001259003", identity_document="KK", lap_infant=True, reference="BK-1")
    mother, father, child = (str(one.id) for one in (*both, await world.registered(infant)))
    return mother, father, child


async def test_who_leaves_an_infant_alone_is_told_so(api: Api, world: World) -> None:
    mother, father, child = await with_infant(world)
    cancelled = await api.data(CANCEL_ONE, {"id": mother})
    assert cancelled["cancelRegistrant"] == {INFANTS: []}
    cancelled = await api.data(CANCEL_ONE, {"id": father})
    assert cancelled["cancelRegistrant"] == {INFANTS: [child]}
    await settled(world)
    told = {
        one["registrant"]["id"]: one["registrant"][INFANTS] for one in (await api.data(CHANGES))["changes"]["nodes"]
    }
    assert told == {one: [child] for one in (mother, father, child)}
    assert (await api.data(CANCEL_ONE, {"id": child}))["cancelRegistrant"] == {INFANTS: []}


async def test_an_infant_whose_people_are_moved_or_forfeited_is_alone(api: Api, world: World) -> None:
    mother, father, child = await with_infant(world)
    other = await world.route("Bus 2")
    await the_child_may_not_go_first(api, child, other)
    move = f"""mutation ($inputs: [MoveRegistrant!]!) {{ moveRegistrants(inputs: $inputs) {{
        ... on Registrant {{ {INFANTS} }} }} }}"""
    inputs = [{"ref": {"id": one}, "routeId": str(other)} for one in (mother, father)]
    assert (await api.data(move, {"inputs": inputs}))["moveRegistrants"] == [{INFANTS: [child]}] * 2
    inputs = [{"ref": {"id": child}, "routeId": str(other)}]
    assert (await api.data(move, {"inputs": inputs}))["moveRegistrants"] == [{INFANTS: []}]
    await world.moved(UUID(child), RegistrantStatus.VERIFIED)
    assert (await world.sweep(NOW + timedelta(days=8))).forfeited == 2
    await settled(world)
    found = await api.data(CHANGES)
    assert {tuple(one["registrant"][INFANTS]) for one in found["changes"]["nodes"]} == {(child,)}


async def the_child_may_not_go_first(api: Api, child: str, route: UUID) -> None:
    """By `moveRegistrant` and by `moveRegistrants`, in both languages."""
    told = {
        "id": "Pada rute itu belum ada pemegang kursi dengan kode booking yang sama; pindahkan pendamping bayi lebih"
        " dahulu, atau bersama bayinya.",
        "en": "Nobody has a seat on that route under the same booking code; move whoever holds the infant first, or"
        " together with the infant.",
    }
    problem = "{ ... on Problem { code field message } }"
    moves = f"""mutation ($ref: RegistrantRef!, $routeId: ID!) {{
        one: moveRegistrant(ref: $ref, routeId: $routeId) {problem}
        many: moveRegistrants(inputs: [{{ ref: $ref, routeId: $routeId }}]) {problem} }}"""
    asked = {"ref": {"id": child}, "routeId": str(route)}
    for language, message in told.items():
        refused = {"code": "INVALID_VALUE", "field": "routeId", "message": message}
        found = await api.data(moves, asked, headers={"Accept-Language": language})
        assert found == {"one": refused, "many": [refused]}


async def test_who_takes_the_booking_code_along_leaves_an_infant_alone(api: Api, world: World) -> None:
    mother, father, child = await with_infant(world)
    correct = f"""mutation ($id: ID!, $code: String!) {{
        correctRegistrant(ref: {{ id: $id }}, input: {{ reference: $code, reason: "Salah kode" }}) {{
            ... on Registrant {{ reference {INFANTS} }} ... on Problem {{ code }} }} }}"""
    first = await api.data(correct, {"id": mother, "code": "BK-2"})
    assert first["correctRegistrant"] == {"reference": "BK-2", INFANTS: []}
    last = await api.data(correct, {"id": father, "code": "BK-2"})
    assert last["correctRegistrant"] == {"reference": "BK-2", INFANTS: [child]}
    # The infant follows, and is not alone any more.
    followed = await api.data(correct, {"id": child, "code": "BK-2"})
    assert followed["correctRegistrant"] == {"reference": "BK-2", INFANTS: []}
    lost = await api.data(correct, {"id": child, "code": "BK-3"})
    assert lost["correctRegistrant"] == {"reference": "BK-3", INFANTS: [child]}


async def test_of_a_code_that_hundreds_share_and_of_others_nobody_is_told(api: Api, world: World) -> None:
    mother, father, child = await with_infant(world, DJKA)
    for one in (mother, father):
        await world.moved(UUID(one), RegistrantStatus.CANCELLED, DJKA)
    query = f"query ($id: ID!) {{ registrant(ref: {{ id: $id }}) {{ id {INFANTS} }} }}"
    own: dict[str, Any] = {"variables": {"id": mother}, "organizer": "djka"}
    assert (await api.data(query, **own))["registrant"] == {"id": mother, INFANTS: [child]}
    assert (await api.data(query, {"id": mother}))["registrant"] == {"id": mother, INFANTS: []}
    other = await world.route("lain", organizer="djka")
    await world.submit(*(someone(DJKA, other, number, reference="BK-1") for number in range(10, 330)))
    assert (await api.data(query, **own))["registrant"] == {"id": mother, INFANTS: []}


async def test_a_code_that_hundreds_share_asks_for_a_list(api: Api, world: World) -> None:
    route = await world.route()
    await world.submit(*(someone(HUBDAT, route, number, reference="ONLINE") for number in range(30)))
    refused = (await api.data(CANCEL, {"reference": "ONLINE"}))["cancelBooking"]
    assert refused == {"code": "BOOKING_TOO_LARGE", "field": "reference"}
    assert await api.code(BOOKING, {"reference": "ONLINE"}) == "BOOKING_TOO_LARGE"


SUBMIT = """mutation ($input: SubmitBooking!) { submitBooking(input: $input) {
    ... on SubmittedBooking { booking { people lapInfants bookedBy { nik name } registrants { lapInfant } }
        submissions { replayed registrant { reference bookedBy { name } } } }
    ... on RefusedBooking { problems { code field } }
    ... on Problem { code field } } }"""


def person(world: World, number: int, **changes: Any) -> dict[str, Any]:
    values = {
        "nik": nik_of(number),
        "name": "Warga Contoh",
        "routeId": str(world.routes["Jakarta - Solo"]),
        "identityDocument": "KTP",
    }
    return values | changes


async def test_a_booking_that_is_too_large_for_its_route_is_told_how_many_seats_are_left(
    api: Api, world: World
) -> None:
    await world.route(quota=8)
    await world.release(world.routes["Jakarta - Solo"], 5, NOW + timedelta(hours=1))
    await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 99))
    query = SUBMIT.replace("code field", "code field message retryAfter")
    booking = {"reference": "BK-1", "registrants": [person(world, number) for number in range(9)]}
    await api.token()
    async with world.unchanged():
        refused = (await api.data(query, {"input": booking}))["submitBooking"]["problems"]
    message = (
        "Kuota rute ini tidak cukup; diperlukan 9, sisa 7; tambahan kuota berikutnya 2 Maret 2026 pukul 10.00 WIB."
    )
    full = {"code": "QUOTA_FULL", "field": "routeId", "message": message, "retryAfter": 3601}
    assert refused == [None] * 7 + [full] * 2


async def test_whoever_is_named_twice_is_refused(api: Api, world: World) -> None:
    """The motorcycle and the way back of a person are the same person's, and no repeat."""
    await world.route(quota=8)
    motis = await world.route("Motis", service="MOTORCYCLE")
    back = await world.way_back()
    rider = person(world, 1)
    machine = rider | {"routeId": str(motis), "motorcycle": {"plate": "B 1", "registrationNumber": "1"}}
    home = rider | {"routeId": str(back)}
    query = SUBMIT.replace("code field", "code field message")
    twice = {"reference": "BK-1", "registrants": [rider, person(world, 2), machine, home, rider]}
    await api.token()
    async with world.unchanged():
        refused = (await api.data(query, {"input": twice}))["submitBooking"]
        assert refused == {
            "code": "INVALID_VALUE",
            "field": "registrants[4].nik",
            "message": "Pendaftar ke-5 sama dengan pendaftar ke-1 (NIK, arah, dan layanan); sebutkan satu kali.",
        }
        with_return = [rider | {"returnRouteId": str(back)}, home]
        refused = (await api.data(query, {"input": twice | {"registrants": with_return}}))["submitBooking"]
        assert refused["field"] == "registrants[1].nik"
    once = twice | {"registrants": [rider, person(world, 2), machine, home]}
    done = (await api.data(SUBMIT, {"input": once}))["submitBooking"]
    assert (done["booking"]["people"], [one["replayed"] for one in done["submissions"]]) == (2, [False] * 4)


async def test_a_booking_is_submitted_whole(api: Api, world: World) -> None:
    await world.route(quota=1)
    infant = person(world, 2, nik="3201011001259002", identityDocument="KK", lapInfant=True)
    booking = {
        "reference": "BK-1",
        "bookedBy": {"nik": nik_of(9), "name": "Ibu Contoh"},
        "registrants": [person(world, 1), infant],
    }
    done = (await api.data(SUBMIT, {"input": booking}))["submitBooking"]
    assert done == {
        "booking": {
            "people": 2,
            "lapInfants": 1,
            "bookedBy": {"nik": nik_of(9), "name": "Ibu Contoh"},
            "registrants": [{"lapInfant": False}, {"lapInfant": True}],
        },
        "submissions": [{"replayed": False, "registrant": {"reference": "BK-1", "bookedBy": {"name": "Ibu Contoh"}}}]
        * 2,
    }
    more = booking | {"registrants": [person(world, 3), infant]}
    async with world.unchanged():
        refused = (await api.data(SUBMIT, {"input": more}))["submitBooking"]
        assert refused == {"problems": [{"code": "QUOTA_FULL", "field": "routeId"}, None]}
        nobody = (await api.data(SUBMIT, {"input": booking | {"registrants": []}}))["submitBooking"]
        assert nobody == {"code": "INVALID_VALUE", "field": "registrants"}


async def test_an_infant_whose_adults_are_refused_is_refused_by_every_field(api: Api, world: World) -> None:
    """In a list, in whichever order, and alone."""
    await world.route(quota=1)
    await world.registered(someone(DJKA, await world.route("d", organizer="djka"), 1))
    mother = person(world, 1, reference="BK-1")
    infant = person(world, 2, nik="3201011001259002", identityDocument="KK", lapInfant=True, reference="BK-1")
    of_all = """mutation ($inputs: [SubmitRegistrant!]!) { submitRegistrants(inputs: $inputs) {
        ... on Submission { replayed } ... on Problem { code field message } } }"""
    of_one = """mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) {
        ... on Submission { replayed } ... on Problem { code field message } } }"""
    alone = {
        "code": "INVALID_VALUE",
        "field": "lapInfant",
        "message": "Belum ada pemegang kursi pada rute ini dengan kode booking yang sama; daftarkan pendamping bayi"
        " lebih dahulu, atau bersama bayinya.",
    }
    async with world.unchanged("registrant", "route"):
        verdicts = (await api.data(of_all, {"inputs": [infant, mother]}))["submitRegistrants"]
        one = (await api.data(of_one, {"input": infant}))["submitRegistrant"]
    assert (verdicts[0], verdicts[1]["code"], one) == (alone, "NIK_ALREADY_REGISTERED", alone)
    father = person(world, 3, reference="BK-1")
    assert (await api.data(of_one, {"input": father}))["submitRegistrant"] == {"replayed": False}
    assert (await api.data(of_one, {"input": infant}))["submitRegistrant"] == {"replayed": False}
    assert (await api.data(of_all, {"inputs": [infant]}))["submitRegistrants"] == [{"replayed": True}]
