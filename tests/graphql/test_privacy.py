"""A client never learns another organizer's names, NIKs or itineraries, by any path: every path is tried here.

djka and hubdat each have one passenger. Whatever djka asks for, hubdat's passenger is in no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from app.registry.registrants.motorcycles import Motorcycle
from tests.graphql.conftest import Api
from tests.world import BUMN, DJKA, HUBDAT, World, nik_of, someone

pytestmark = pytest.mark.anyio

THEIRS, OURS = nik_of(7), nik_of(8)
NAME, REFERENCE, PLATE, STNK = "Siti Rahasia", "HUB-0001", "B 1234 RHS", "STNK-RAHASIA"
FIELDS = """id season nik name organizer { code } route { name departsAt } direction service status
    statusCode statusTitle reference identityDocument motorcycle { plate registrationNumber handedOverAt } registeredAt
    verifyBy verifiedAt departedAt late healthy outbound { id nik name } return { id nik name }
    history { to at reason cursor }"""


@dataclass
class Two:
    theirs: str
    their_route: str
    ours: str


@pytest.fixture
async def two(world: World) -> Two:
    route = await world.route("Rute rahasia", service="MOTORCYCLE")
    papers = Motorcycle(PLATE, STNK)
    theirs = await world.registered(
        someone(HUBDAT, route, nik=THEIRS, name=NAME, reference=REFERENCE, motorcycle=papers)
    )
    ours = await world.registered(
        someone(DJKA, await world.route("Rute kami", organizer="djka"), nik=OURS, reference="DJKA-1")
    )
    return Two(str(theirs.id), str(route), str(ours.id))


def silent(answer: Any, *, but: str = "") -> None:
    """None of hubdat's passenger is in `answer`."""
    for secret in (THEIRS, NAME, REFERENCE, PLATE, STNK):
        assert secret == but or secret not in answer.text


REFS: dict[str, Callable[[Two], dict[str, Any]]] = {
    "id": lambda two: {"id": two.theirs},
    "reference": lambda _: {"reference": REFERENCE},
    "nik": lambda _: {"nik": {"nik": THEIRS, "service": "MOTORCYCLE"}},
}


@pytest.mark.parametrize("by", REFS)
async def test_another_ones_registrant_is_not_found(api: Api, two: Two, by: str) -> None:
    query = f"query($ref: RegistrantRef!) {{ registrant(ref: $ref) {{ {FIELDS} }} }}"
    answer = await api.post(query, {"ref": REFS[by](two)}, organizer="djka")
    content = answer.json()
    assert content.pop("extensions").keys() == {"cost"}
    assert content == {"data": {"registrant": None}}


@pytest.mark.parametrize(
    "where",
    [
        None,
        {},
        {"organizer": "hubdat"},
        {"reference": REFERENCE},
        {"service": "MOTORCYCLE"},
        {"status": ["REGISTERED"]},
        {"season": 2026},
        {"registeredFrom": "2026-01-01T00:00:00Z", "registeredTo": "2027-01-01T00:00:00Z"},
        {"verifyBefore": "2027-01-01T00:00:00Z"},
        {"routeId": "their route"},
    ],
)
async def test_no_filter_finds_another_ones(api: Api, two: Two, where: dict[str, Any] | None) -> None:
    if where and "routeId" in where:
        where = {"routeId": two.their_route}
    query = f"""query($where: RegistrantFilter) {{ registrants(where: $where) {{ nodes {{ {FIELDS} }}
        edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage startCursor endCursor }} }} }}"""
    answer = await api.post(query, {"where": where}, organizer="djka")
    silent(answer)
    assert two.theirs not in answer.text
    assert {node["id"] for node in answer.json()["data"]["registrants"]["nodes"]} <= {two.ours}


async def test_a_cursor_of_another_ones_opens_nothing(api: Api, two: Two) -> None:
    page = "query($after: String) { registrants(first: 1, after: $after) { edges { cursor node { id } } } }"
    dashboard = ("dashboard:read",)
    [edge] = (await api.data(page, organizer="hubdat", scopes=dashboard))["registrants"]["edges"]
    assert edge["node"]["id"] == two.theirs
    [mine] = (await api.data(page, {"after": edge["cursor"]}, organizer="djka"))["registrants"]["edges"]
    assert mine["node"]["id"] == two.ours


async def test_entities_show_only_ones_own(api: Api, two: Two) -> None:
    query = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on Registrant {{ {FIELDS} }} }} }}"
    keys = [{"__typename": "Registrant", "id": key} for key in (two.theirs, two.ours)]
    answer = await api.post(query, {"r": keys}, organizer="djka")
    silent(answer)
    theirs, ours = answer.json()["data"]["_entities"]
    assert (theirs, ours["id"], ours["nik"]) == (None, two.ours, OURS)


@pytest.mark.parametrize("by", REFS)
@pytest.mark.parametrize(
    "mutation",
    [
        "verifyRegistrant(ref: $ref)",
        "departRegistrant(ref: $ref, healthy: true)",
        'cancelRegistrant(ref: $ref, reason: "coba")',
        'correctRegistrant(ref: $ref, input: { reason: "coba", name: "Orang Lain" })',
        "handOverMotorcycle(ref: $ref)",
        "verifyRegistrants(refs: [$ref])",
        "departRegistrants(refs: [$ref], healthy: true)",
    ],
)
async def test_another_ones_registrant_cannot_be_touched(
    api: Api, world: World, two: Two, mutation: str, by: str
) -> None:
    query = f"""mutation($ref: RegistrantRef!) {{ {mutation}
        {{ ... on Registrant {{ {FIELDS} }} ... on Problem {{ code message }} }} }}"""
    await api.token("djka")
    async with world.unchanged():
        answer = await api.post(query, {"ref": REFS[by](two)}, organizer="djka")
    silent(answer)
    [verdict] = answer.json()["data"].values()
    assert (verdict[0] if isinstance(verdict, list) else verdict)["code"] == "NOT_FOUND"


async def test_a_check_tells_of_the_standing_and_nothing_more(api: Api, two: Two) -> None:
    query = """query($nik: NIK!) { checkNik(nik: $nik, service: MOTORCYCLE) { nik outcome
        standing { organizer { code name } direction service status registeredOn own } } }"""
    answer = await api.post(query, {"nik": THEIRS}, organizer="djka")
    silent(answer, but=THEIRS)
    assert answer.json()["data"]["checkNik"] == {
        "nik": THEIRS,
        "outcome": "REGISTERED",
        "standing": [
            {
                "organizer": {"code": "hubdat", "name": "HUBDAT"},
                "direction": "MUDIK",
                "service": "MOTORCYCLE",
                "status": "REGISTERED",
                "registeredOn": "2026-03-02",
                "own": False,
            }
        ],
    }


async def test_a_refused_duplicate_tells_of_the_standing_and_nothing_more(api: Api, world: World, two: Two) -> None:
    route = await world.route("Truk kami", organizer="djka", service="MOTORCYCLE")
    query = """mutation($input: SubmitRegistrant!) { submitRegistrant(input: $input) { ... on Problem { code message
        field standing { organizer { code } direction service status registeredOn own } } } }"""
    papers = {"plate": "AB 1 CD", "registrationNumber": "1"}
    given = {
        "nik": THEIRS,
        "name": "Orang Lain",
        "routeId": str(route),
        "identityDocument": "KTP",
        "motorcycle": papers,
    }
    answer = await api.post(query, {"input": given}, organizer="djka", headers={"Accept-Language": "en"})
    silent(answer)
    assert answer.json()["data"]["submitRegistrant"]["code"] == "NIK_ALREADY_REGISTERED"


async def test_routes_tell_of_seats_and_not_of_people(api: Api, two: Two) -> None:
    answer = await api.post("{ routes { nodes { name taken returnRoutes { id } } } }", organizer="djka")
    silent(answer)
    assert {"name": "Rute rahasia", "taken": 1, "returnRoutes": []} in answer.json()["data"]["routes"]["nodes"]


@pytest.mark.parametrize("scopes", [("nik:check",), ("registrants:write",), ("routes:write",)])
async def test_reading_needs_a_scope_on_every_path(api: Api, two: Two, scopes: tuple[str, ...]) -> None:
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Registrant { nik } } }"
    keys = [{"__typename": "Registrant", "id": two.ours}]
    answer = await api.post(query, {"r": keys}, organizer="djka", scopes=scopes)
    assert answer.json()["data"] == {"_entities": [None]}
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["FORBIDDEN"]
    assert (await api.post("{ registrants { nodes { nik } } }", organizer="djka", scopes=scopes)).status_code == 403


async def test_the_dashboard_sees_everyone_masked(api: Api, two: Two) -> None:
    scopes = ("dashboard:read",)
    query = "{ registrants { nodes { id nik name reference motorcycle { plate } organizer { code } } } }"
    data = await api.data(query, scopes=scopes)
    foreign = {node["id"]: node for node in data["registrants"]["nodes"]}[two.ours]
    assert foreign == {
        "id": two.ours,
        "nik": "************" + OURS[-4:],
        "name": "***",
        "reference": None,
        "motorcycle": None,
        "organizer": {"code": "djka"},
    }
    by_nik = "query($ref: RegistrantRef!) { registrant(ref: $ref) { id } }"
    assert await api.data(by_nik, {"ref": {"id": two.ours}}, scopes=scopes) == {"registrant": {"id": two.ours}}
    assert await api.data(by_nik, {"ref": {"nik": {"nik": OURS}}}, scopes=scopes) == {"registrant": None}
    assert await api.data(by_nik, {"ref": {"reference": "DJKA-1"}}, scopes=scopes) == {"registrant": None}


async def test_a_coordinator_reads_its_members_and_nobody_else(api: Api, world: World, two: Two) -> None:
    member = await world.registered(someone(BUMN, await world.route("Rute BUMN", organizer="bumn-satu"), 9))
    data = await api.data("{ registrants { nodes { id nik } } }", organizer="jasa-raharja")
    assert data["registrants"]["nodes"] == [{"id": str(member.id), "nik": nik_of(9)}]
