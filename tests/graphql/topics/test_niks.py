"""NIK checks, blocks and the access log through the door."""

from __future__ import annotations

import pytest

from tests.graphql.conftest import Api
from tests.world import HUBDAT, World, nik_of, someone

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
    missing = "A return trip needs a standing outbound registration with the same organizer."
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
                "message": f"{registered} (trip home, passenger) since 2 March 2026.",
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
    assert (await world.one(budget), await world.count("nik_access")) == (1, 1)


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
