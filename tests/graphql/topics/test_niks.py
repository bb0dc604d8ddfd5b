"""NIK checks, blocks and the access log through the door."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.registry.caller import Caller
from app.registry.clients import staff
from app.registry.clients.staff import StaffPerson
from app.registry.niks.check import Check
from tests.graphql.conftest import Api
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

CHECK = """query($nik: NIK!, $direction: Direction = MUDIK, $service: Service = PASSENGER) {
    checkNik(nik: $nik, direction: $direction, service: $service) {
    nik outcome available message standing { own } block { reason since untilSeason } outboundStands
    warnings { code message } problem { code message field } } }"""
EN = {"Accept-Language": "en"}


async def test_a_free_nik_is_available(api: Api, world: World) -> None:
    assert (await api.data(CHECK, {"nik": " 3201.0101.0190-9001 "}, organizer="djka"))["checkNik"] == {
        "nik": nik_of(1),
        "outcome": "AVAILABLE",
        "available": True,
        "message": "NIK ini dapat didaftarkan untuk arus mudik (penumpang).",
        "standing": [],
        "block": None,
        "outboundStands": None,
        "warnings": [],
        "problem": None,
    }


async def test_a_nik_that_cannot_be_one_is_a_verdict(api: Api, world: World) -> None:
    data = (await api.data(CHECK, {"nik": "123"}, headers=EN))["checkNik"]
    assert (data["nik"], data["outcome"], data["available"]) == ("123", "INVALID", False)
    assert data["message"] == "The NIK is not valid: it must have 16 digits, as on the identity document."
    assert (data["problem"]["code"], data["problem"]["field"]) == ("NIK_INVALID", "nik")


async def test_a_bad_nik_harms_no_neighbour(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), 2))
    query = "query($niks: [NIK!]!) { checkNiks(niks: $niks) { nik outcome } }"
    data = await api.data(query, {"niks": [nik_of(1), "x", nik_of(2), nik_of(1)]}, organizer="djka")
    assert data["checkNiks"] == [
        {"nik": nik_of(1), "outcome": "AVAILABLE"},
        {"nik": "x", "outcome": "INVALID"},
        {"nik": nik_of(2), "outcome": "REGISTERED"},
        {"nik": nik_of(1), "outcome": "AVAILABLE"},
    ]


async def test_an_unknown_regency_is_a_warning(api: Api, world: World) -> None:
    data = (await api.data(CHECK, {"nik": "3299990101909001"}, headers=EN))["checkNik"]
    assert (data["outcome"], [warning["code"] for warning in data["warnings"]]) == ("AVAILABLE", ["REGENCY_UNKNOWN"])


async def test_a_check_for_the_way_back_looks_for_the_way_home(api: Api, world: World) -> None:
    balik = {"nik": nik_of(1), "direction": "BALIK"}
    assert (await api.data(CHECK, balik))["checkNik"]["outboundStands"] is False
    await world.registered(someone(HUBDAT, await world.route()))
    assert (await api.data(CHECK, balik))["checkNik"]["outboundStands"] is True
    assert (await api.data(CHECK, balik, organizer="djka"))["checkNik"]["outboundStands"] is False


CLAIMS = """query($nik: NIK!) { checkNik(nik: $nik) {
    outcome available message claims { direction service outcome available message } } }"""


async def test_a_nik_alone_is_answered_for_every_direction_and_service(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    missing = (
        "A return trip needs a standing outbound registration with the same organizer; register the trip home first."
    )
    checked = (await api.data(CLAIMS, {"nik": nik_of(1)}, organizer="djka", headers=EN))["checkNik"]
    registered = "This NIK is already registered with HUBDAT"
    assert checked == {
        "outcome": "REGISTERED",
        "available": False,
        "message": (
            f"{registered} (trip home, passenger, 2 March 2026);"
            " it can still be registered for: trip home (motorcycle)."
        ),
        "claims": [
            {
                "direction": "MUDIK",
                "service": "PASSENGER",
                "outcome": "REGISTERED",
                "available": False,
                "message": f"{registered} (trip home, passenger) since 2 March 2026; have it cancelled there first.",
            },
            {
                "direction": "BALIK",
                "service": "PASSENGER",
                "outcome": "OUTBOUND_MISSING",
                "available": False,
                "message": missing,
            },
            {
                "direction": "MUDIK",
                "service": "MOTORCYCLE",
                "outcome": "AVAILABLE",
                "available": True,
                "message": "This NIK can be registered for: trip home (motorcycle).",
            },
            {
                "direction": "BALIK",
                "service": "MOTORCYCLE",
                "outcome": "OUTBOUND_MISSING",
                "available": False,
                "message": missing,
            },
        ],
    }
    budget = "SELECT 5000 - tokens FROM check_budget WHERE client_id LIKE 'djka-%' AND client_id <> 'djka-test'"
    assert (await world.one(budget), await world.count("nik_access WHERE purpose = 'CHECK'")) == (1, 1)


async def test_many_niks_are_answered_for_every_direction_and_service(api: Api, world: World) -> None:
    query = """query($niks: [NIK!]!, $direction: Direction) { checkNiks(niks: $niks, direction: $direction) {
        outcome claims { outcome } } }"""
    both = [{"outcome": "AVAILABLE"}, {"outcome": "OUTBOUND_MISSING"}]
    data = await api.data(query, {"niks": [nik_of(1), "x"]}, organizer="djka")
    assert data["checkNiks"] == [{"outcome": "AVAILABLE", "claims": both * 2}, {"outcome": "INVALID", "claims": []}]
    data = await api.data(query, {"niks": [nik_of(1)], "direction": "BALIK"}, organizer="djka")
    assert data["checkNiks"] == [{"outcome": "OUTBOUND_MISSING", "claims": both[1:] * 2}]


async def test_a_block_stands_until_it_is_lifted(api: Api, world: World) -> None:
    block = """mutation($nik: NIK!) { blockNik(nik: $nik, reason: "Uji", seasons: 2) {
        ... on Block { reason untilSeason } } }"""
    assert (await api.data(block, {"nik": nik_of(1)}))["blockNik"] == {"reason": "Uji", "untilSeason": 2027}
    blocked = (await api.data(CHECK, {"nik": nik_of(1)}, organizer="djka"))["checkNik"]
    assert blocked["outcome"] == "BLOCKED"
    assert blocked["block"] == {"reason": "Uji", "since": "2026-03-02T02:00:00Z", "untilSeason": 2027}
    lift = """mutation($nik: NIK!) { liftNikBlock(nik: $nik, reason: "Banding diterima") {
        ... on Block { reason } ... on Problem { code field } } }"""
    assert (await api.data(lift, {"nik": nik_of(1)}))["liftNikBlock"] == {"reason": "Uji"}
    assert (await api.data(CHECK, {"nik": nik_of(1)}))["checkNik"]["available"] is True
    assert (await api.data(lift, {"nik": nik_of(1)}))["liftNikBlock"] == {"code": "NOT_FOUND", "field": "nik"}


async def test_who_looked_at_a_nik(api: Api, world: World) -> None:
    await api.data(CHECK, {"nik": nik_of(1)}, organizer="djka")
    await api.data("query($r: RegistrantRef!) { registrant(ref: $r) { id } }", {"r": {"nik": {"nik": nik_of(1)}}})
    query = "query($nik: NIK!) { nikAccesses(nik: $nik) { at client organizer { code } purpose outcome } }"
    accesses = (await api.data(query, {"nik": nik_of(1)}))["nikAccesses"]
    assert [access["client"].rpartition("-")[0] for access in accesses] == ["hubdat", "djka"]
    assert [(access["purpose"], access["outcome"]) for access in accesses] == [("LOOKUP", None), ("CHECK", "AVAILABLE")]
    [first, *_] = (await api.data(query, {"nik": nik_of(1)}))["nikAccesses"]
    assert first["purpose"] == "ACCESS_LOG"
    assert await api.code(query, {"nik": "1"}) == "NIK_INVALID"


async def test_who_of_the_staff_looked_is_named(api: Api, world: World) -> None:
    async with world.database.transaction() as session:
        person = await staff.add(session, HUBDAT, "siti@contoh.example", "djka", "organizer", NOW)
    assert isinstance(person, StaffPerson)
    await world.check(Check(Caller(person.id, "djka"), nik_of(1)), Check(DJKA, nik_of(1)))
    query = "query($nik: NIK!) { nikAccesses(nik: $nik) { client person } }"
    accesses = (await api.data(query, {"nik": nik_of(1)}))["nikAccesses"]
    assert {one["client"]: one["person"] for one in accesses} == {person.id: "siti@contoh.example", "djka-test": None}
    held = 'query($nik: NIK!) { heldOnNik(nik: $nik, purpose: "Uji") { accesses { person } } }'
    everybody = (await api.data(held, {"nik": nik_of(1)}))["heldOnNik"]["accesses"]
    assert [one["person"] for one in everybody] == [None, None, "siti@contoh.example"]


async def test_whoever_looks_somebody_up_says_what_for(api: Api, world: World) -> None:
    one = await world.registered(someone(DJKA, await world.route("KA", organizer="djka")))
    query = "query($nik: NIK!, $for: String) { registrant(ref: {nik: {nik: $nik}}, purpose: $for) { id } }"
    found = await api.data(query, {"nik": nik_of(1), "for": "Lupa kode booking"}, organizer="djka")
    assert found["registrant"] == {"id": str(one.id)}
    asked = "query($nik: NIK!) { nikAccesses(nik: $nik) { purpose what reason organizer { code } } }"
    looks = (await api.data(asked, {"nik": nik_of(1)}))["nikAccesses"]
    djka = {"code": "djka"}
    assert {"purpose": "READ", "what": "registrant", "reason": "Lupa kode booking", "organizer": djka} in looks
    assert {"purpose": "LOOKUP", "what": None, "reason": None, "organizer": djka} in looks
    before = await world.rows("people_read", "nik_access")
    for reason in ("", f"Cari {nik_of(1)}"):
        assert await api.code(query, {"nik": nik_of(1), "for": reason}, organizer="djka") == "INVALID_VALUE"
    assert await world.rows("people_read", "nik_access") == before


async def test_a_look_that_finds_nobody_leaves_what_it_was_for(api: Api, world: World) -> None:
    """Also of somebody else's person, who is not found. By an id there is no NIK that it could be kept with."""
    await world.registered(someone(HUBDAT, await world.route(), 2))
    query = """query($nobody: NIK!, $theirs: NIK!, $id: ID!) {
        nobody: registrant(ref: {nik: {nik: $nobody}}, purpose: "Telepon dari Solo") { id }
        theirs: registrant(ref: {nik: {nik: $theirs}}, purpose: "Telepon dari Solo") { id }
        id: registrant(ref: {id: $id}, purpose: "Salinan tiket") { id } }"""
    niks = {"nobody": nik_of(1), "theirs": nik_of(2)}
    found = await api.data(query, niks | {"id": str(UUID(int=7))}, organizer="djka")
    assert set(found.values()) == {None}
    [read] = await world.run("SELECT what, purpose, count, first_id, people, cardinality(unfound) FROM people_read")
    assert read == ("registrant", "Salinan tiket\nTelepon dari Solo", 0, None, [], 2)
    asked = "query($nik: NIK!) { nikAccesses(nik: $nik) { purpose what reason organizer { code } } }"
    for nik in niks.values():
        looks = (await api.data(asked, {"nik": nik}))["nikAccesses"]
        told = {"what": "registrant", "reason": "Salinan tiket\nTelepon dari Solo", "organizer": {"code": "djka"}}
        assert {"purpose": "READ", **told} in looks
    alone = "query($nik: NIK!) { registrant(ref: {nik: {nik: $nik}}) { id } }"
    await api.data(alone, {"nik": nik_of(1)}, organizer="djka")
    assert await world.count("people_read") == 1


async def test_a_purpose_that_is_refused_is_not_kept_with_what_else_is_shown(api: Api, world: World) -> None:
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka")))
    query = """query($for: String!, $nik: NIK!) {
        refused: registrant(ref: {nik: {nik: $nik}}, purpose: $for) { id }
        registrants { nodes { id } } }"""
    answer = (await api.post(query, {"for": f"Cari {nik_of(1)}", "nik": nik_of(1)}, organizer="djka")).json()
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_VALUE"
    assert len(answer["data"]["registrants"]["nodes"]) == 1
    assert await world.run("SELECT what, purpose FROM people_read") == [("registrant,registrants", None)]


async def test_a_budget_answers_all_of_a_call_or_none(api: Api, world: World) -> None:
    scopes = ("nik:check",)
    await api.token("djka", scopes)
    await world.run("UPDATE check_budget SET tokens = 2")
    query = "query($niks: [NIK!]!) { checkNiks(niks: $niks) { outcome } }"
    answer = await api.post(query, {"niks": [nik_of(n) for n in range(3)]}, organizer="djka", scopes=scopes)
    assert answer.status_code == 429
    assert await world.count("nik_access") == 0
    assert (
        len(
            (await api.data(query, {"niks": [nik_of(n) for n in range(2)]}, organizer="djka", scopes=scopes))[
                "checkNiks"
            ]
        )
        == 2
    )


# --- the allowance of an organizer ------------------------------------------------------------------------------------

SET = """mutation ($perDay: Int) { setNikAllowance(organizer: "djka", perDay: $perDay, reason: "Rapat") {
    perDay used remaining endsAt } }"""
MINE = "{ me { organizer { nikAllowance { perDay used remaining endsAt } } } }"
SUBMIT = """mutation ($inputs: [SubmitRegistrant!]!) { submitRegistrants(inputs: $inputs) {
    __typename ... on Problem { code message standing { own } } } }"""


def applicants(route: object, *numbers: int) -> dict[str, object]:
    return {
        "inputs": [
            {"nik": nik_of(number), "name": "Warga Contoh", "routeId": str(route), "identityDocument": "KTP"}
            for number in numbers
        ]
    }


async def test_an_organizer_sees_its_allowance_and_hubdat_everybodys(api: Api, world: World) -> None:
    midnight = "2026-03-02T17:00:00Z"
    await api.data(CHECK, {"nik": nik_of(1)}, organizer="djka")
    expected = {"perDay": 20_000, "used": 1, "remaining": 19_999, "endsAt": midnight}
    assert (await api.data(MINE, organizer="djka"))["me"]["organizer"]["nikAllowance"] == expected
    assert (await api.data(SET, {"perDay": 5}))["setNikAllowance"] == {
        "perDay": 5,
        "used": 1,
        "remaining": 4,
        "endsAt": midnight,
    }
    everybody = (await api.data("{ organizers { code nikAllowance { perDay } } }"))["organizers"]
    assert {one["code"]: one["nikAllowance"]["perDay"] for one in everybody}["djka"] == 5
    others = (await api.data("{ organizers { code nikAllowance { perDay } } }", organizer="djka"))["organizers"]
    assert [one["code"] for one in others if one["nikAllowance"]] == ["djka"]
    assert (await api.data(SET))["setNikAllowance"]["perDay"] == 20_000


async def test_what_an_allowance_cannot_be(api: Api, world: World) -> None:
    answer = await api.post(SET, {"perDay": -1})
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_VALUE"
    refused = await api.post(SET, {"perDay": 5}, organizer="djka")
    assert refused.json()["errors"][0]["extensions"]["code"] == "INSUFFICIENT_SCOPE"


async def test_used_up_the_answer_is_the_same_for_everybody(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    route = await world.route("KA", organizer="djka")
    await api.data(f'mutation {{ blockNik(nik: "{nik_of(2)}", reason: "Data palsu") {{ __typename }} }}')
    await api.data(SET, {"perDay": 0})
    checked = [await api.data(CHECK, {"nik": nik_of(number)}, organizer="djka") for number in (1, 2, 3)]
    answers = [one["checkNik"] | {"nik": None} for one in checked]
    assert answers[0] == answers[1] == answers[2]
    assert (answers[0]["outcome"], answers[0]["available"]) == ("UNDECIDED", False)
    assert answers[0]["message"] == (
        "NIK ini tidak diperiksa: jatah pemeriksaan NIK penyelenggara hari ini sudah habis. Kirim pendaftarannya;"
        " keputusannya diberikan saat itu."
    )
    told = (await api.data(SUBMIT, applicants(route, 1, 2, 3), organizer="djka"))["submitRegistrants"]
    assert told[0] == told[1]
    assert (told[0]["code"], told[2]["__typename"]) == ("NIK_UNDECIDED", "Submission")


async def test_after_as_many_refusals_again_submissions_are_503(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    route = await world.route("KA", organizer="djka")
    await api.data(SET, {"perDay": 0})
    await api.data(SUBMIT, applicants(route, 1), organizer="djka")
    one = """mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) { __typename } }"""
    booking = """mutation ($input: SubmitBooking!) { submitBooking(input: $input) { __typename } }"""
    people: list[object] = list(applicants(route, 5)["inputs"])  # type: ignore[call-overload]
    async with world.unchanged("registrant", "nik_access", "nik_allowance"):
        for query, variables in (
            (SUBMIT, applicants(route, 5)),
            (one, {"input": people[0]}),
            (booking, {"input": {"reference": "KB-1", "registrants": people}}),
        ):
            answer = await api.post(query, variables, organizer="djka")
            [error] = answer.json()["errors"]
            assert (answer.status_code, error["extensions"]["code"]) == (503, "UNAVAILABLE")
            assert error["extensions"]["retryAfter"] == 54_001
            assert error["message"] == (
                "Jatah pemeriksaan NIK penyelenggara ini sudah habis, dan sebanyak itu lagi pendaftaran sudah ditolak;"
                " coba lagi setelah 54001 detik (tengah malam WIB), atau minta jatah yang lebih besar kepada Ditjen"
                " Hubdat."
            )
    await api.data(SET, {"perDay": 10})
    assert (await api.data(SUBMIT, applicants(route, 5), organizer="djka"))["submitRegistrants"] == [
        {"__typename": "Submission"}
    ]
