"""A client never learns another organizer's names, NIKs or itineraries, whatever it asks for.

Every root field of the schema is tried with everything that may be selected below it, pointed at other organizers'
people. `aims.AIMS` says how; a new root field is not covered until it stands there.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import cycle
from typing import Any
from uuid import UUID

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLObjectType,
    get_named_type,
)

from app.registry.caller import Caller
from tests import world as worlds
from tests.graphql.conftest import Api
from tests.privacy.aims import AIMS, ALL_ITS_OWN, AT_ONCE, CALLERS, FOR_THE_MINISTRY, NOBODY, Target, few
from tests.privacy.people import KINDS, Person, Society, found_in
from tests.privacy.walking import ARGUMENTS, Walk

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]

OPEN = sorted(AIMS.keys() - FOR_THE_MINISTRY)
BY_REF: dict[str, dict[str, Any]] = {
    "verifyRegistrant": {},
    "departRegistrant": {"healthy": True},
    "cancelRegistrant": {"reason": "Uji"},
    "correctRegistrant": {"input": {"reason": "Uji", "name": "Diambil Alih"}},
    "handOverMotorcycle": {},
}


async def tried(api: Api, walk: Walk, caller: Caller, field: str, asked: list[dict[str, Any]], **how: Any) -> list[str]:
    """The bodies of the answers; none of them tells who anybody is that `caller` does not own and did not name."""
    bodies = []
    for part in few(asked, AT_ONCE.get(field, 8)):
        document, variables = walk.document(field, part)
        answer = await api.post(organizer=caller.organizer, scopes=ALL_ITS_OWN, **sent(document, variables, **how))
        assert answer.status_code == 200, answer.text
        # Nothing is masked where nothing foreign is shown at all.
        assert '"*' not in answer.text
        bodies.append(answer.text)
    return bodies


def sent(document: str, variables: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
    """An operation as JSON, or as a form if one of its variables is a file."""
    files = {name: value for name, value in variables.items() if isinstance(value, bytes)}
    if not files:
        return {"query": document, "variables": variables, "headers": headers}
    operations = {"query": document, "variables": {**variables, **dict.fromkeys(files)}}
    [content] = set(files.values())
    return {
        "headers": {**(headers or {}), "GraphQL-Preflight": "1"},
        "files": {
            "operations": (None, json.dumps(operations)),
            "map": (None, json.dumps({"0": [f"variables.{name}" for name in files]})),
            "0": ("list.csv", content, "text/csv"),
        },
    }


def leaked(bodies: list[str], asked: object, people: list[Person]) -> list[tuple[str, str, list[str]]]:
    """Whose words or keys stand in `bodies`, beyond those that were sent."""
    sent, told = str(asked), "\n".join(bodies)
    seen = [
        (one.organizer, one.kind, list(found_in(told, {word for word in one.words | one.keys if word not in sent})))
        for one in people
    ]
    return [one for one in seen if one[2]]


# --- the walk ---------------------------------------------------------------------------------------------------------


async def test_every_root_field_is_aimed_at(walk: Walk) -> None:
    assert set(walk.root_fields()) == set(AIMS)


async def test_every_argument_of_every_root_field_is_given(society: Society, walk: Walk) -> None:
    """An argument that is added later, such as another filter, may find people as well."""
    target = Target(society, worlds.DJKA)
    left: dict[str, set[str]] = {}
    for field in sorted(set(AIMS) - FOR_THE_MINISTRY):
        given = {name for one in AIMS[field](target) for name in one}
        if forgotten := walk.root_fields()[field][1].args.keys() - given:
            left[field] = forgotten
    assert left == {}


async def test_every_field_with_arguments_is_given_some(walk: Walk) -> None:
    assert walk.with_arguments() == set(ARGUMENTS)


@pytest.mark.parametrize("field", OPEN)
async def test_no_path_leads_to_another_organizers_people(api: Api, society: Society, walk: Walk, field: str) -> None:
    for caller, language in zip(CALLERS.values(), cycle(("id", "en")), strict=False):
        target = Target(society, caller, KINDS if caller is worlds.DJKA else ("pair", "motorcycle", "cancelled"))
        asked = AIMS[field](target)
        async with society.untouched(caller):
            bodies = await tried(api, walk, caller, field, asked, headers={"Accept-Language": language})
        assert leaked(bodies, asked, target.people) == []


async def test_the_walk_went_everywhere(society: Society, walk: Walk) -> None:
    target = Target(society, worlds.DJKA)
    alone = replace(walk, reached=set())
    for field in OPEN:
        for part in few(AIMS[field](target), AT_ONCE.get(field, 8)):
            alone.document(field, part)
    assert alone.reached >= alone.reachable(OPEN)


@pytest.mark.parametrize("field", sorted(FOR_THE_MINISTRY))
async def test_what_is_the_ministrys_is_forbidden(api: Api, society: Society, walk: Walk, field: str) -> None:
    for caller in CALLERS.values():
        target = Target(society, caller)
        asked = AIMS[field](target)[:1]
        document, variables = walk.document(field, asked)
        async with society.world.unchanged("registrant", "change", "nik_access", "nik_block", "client", "organizer"):
            answer = await api.post(document, variables, organizer=caller.organizer, scopes=ALL_ITS_OWN)
        assert answer.status_code == 403
        # The schema is for gateways, too.
        scope = {"_service": "federation:read", "pulse": "dashboard:read"}.get(field, "hubdat:admin")
        assert answer.headers["www-authenticate"].endswith(f'scope="{scope}"')
        assert answer.json().keys() == {"errors"}
        assert leaked([answer.text, str(answer.headers)], asked, society.people) == []


async def test_whoever_owns_them_learns_it_all_on_the_same_paths(api: Api, society: Society, walk: Walk) -> None:
    """Else the walk above would prove nothing."""
    dki = worlds.DKI
    asked = [{"first": 20}]
    bodies = await tried(api, walk, dki, "registrants", asked)
    for one in society.owned_by(dki):
        expected = set() if one.kind == "erased" else {one.nik, one.name.split()[1], one.reference}
        if one.kind == "motorcycle":
            expected |= {one.plate, one.registration_number}
        assert set(found_in(bodies[0], one.words | one.keys)) == expected | one.keys


# --- one path at a time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", sorted(BY_REF))
async def test_what_is_not_ones_own_is_refused_like_what_is_not_there(
    api: Api, society: Society, walk: Walk, field: str
) -> None:
    nothing = [{"id": str(society.case)}, {"reference": "PNR7-NOBODY"}, {"nik": {"nik": NOBODY}}]
    target = Target(society, worlds.DJKA)
    asked = [{"ref": ref, **BY_REF[field]} for ref in [*nothing, *target.refs(target.people)]]
    answers = []
    async with society.world.unchanged("registrant", "change"):
        for part in few(asked, 22):
            document, variables = walk.document(field, part, depth=0)
            answers += (await api.data(document, variables, organizer="djka")).values()
    assert len(answers) == 3 + 3 * 44
    assert {answer["Problem_code"] for answer in answers} == {"NOT_FOUND"}
    assert all(answer == answers[0] for answer in answers)


async def test_reading_one_finds_nothing_whoever_it_is(api: Api, society: Society, walk: Walk) -> None:
    target = Target(society, worlds.DJKA)
    refs = [{"id": str(society.case)}, {"nik": {"nik": NOBODY}}, *target.refs(target.people)]
    for part in few([{"ref": ref} for ref in refs], 22):
        document, variables = walk.document("registrant", part, depth=0)
        assert set((await api.data(document, variables, organizer="djka")).values()) == {None}


async def test_a_list_holds_ones_own_whatever_it_is_filtered_by(api: Api, society: Society, walk: Walk) -> None:
    """And whosever cursor it begins behind."""
    filters = walk.schema.get_type("RegistrantFilter")
    [*asked] = AIMS["registrants"](Target(society, worlds.DJKA))
    aimed = {name for one in asked for name in one.get("where", {})}
    assert isinstance(filters, GraphQLInputObjectType)
    assert aimed == set(filters.fields)

    own = {key for one in society.owned_by(worlds.DJKA) for key in one.keys}
    query = """query ($where: RegistrantFilter, $after: String) {
        registrants(where: $where, first: 100, after: $after) { nodes { id } } }"""
    for one in asked:
        variables = {"where": one.get("where"), "after": one.get("after")}
        found = (await api.data(query, variables, organizer="djka"))["registrants"]["nodes"]
        assert {node["id"] for node in found} <= own
        foreign = {"organizer", "routeId", "reference"} & variables["where"].keys() if variables["where"] else set()
        assert not (foreign and found)
    whole = (await api.data(query, {}, organizer="djka"))["registrants"]["nodes"]
    assert {node["id"] for node in whole} == {str(UUID(key)) for key in own if len(key) == 36}


async def test_entities_are_ones_own(api: Api, society: Society) -> None:
    mine, theirs = society.of("djka", "pair"), society.of("dishub-dki", "pair")
    representations = [
        {"__typename": "Registrant", "id": str(one)} for one in (mine.id, theirs.id, mine.return_id, theirs.return_id)
    ]
    query = """query ($of: [_Any!]!) { _entities(representations: $of) {
        ... on Registrant { id nik outbound { id } return { id } } } }"""
    answer = await api.data(query, {"of": representations}, organizer="djka")
    assert answer["_entities"] == [
        {"id": str(mine.id), "nik": mine.nik, "outbound": None, "return": {"id": str(mine.return_id)}},
        None,
        {"id": str(mine.return_id), "nik": mine.nik, "outbound": {"id": str(mine.id)}, "return": None},
        None,
    ]


async def test_what_is_told_of_a_foreign_registration_is_this_and_no_more(
    api: Api, society: Society, walk: Walk
) -> None:
    """Who, which way, for what, how far and since which day: S1's check against all organizers' data."""
    standing = walk.schema.get_type("Standing")
    assert isinstance(standing, GraphQLObjectType)
    assert set(standing.fields) == {"organizer", "direction", "service", "status", "registeredOn", "own"}
    for type_ in ("NikCheck", "ClaimCheck", "Problem", "Block"):
        below = {get_named_type(one.type).name for one in walk.schema.type_map[type_].fields.values()}  # type: ignore[attr-defined]
        assert not below & {"Registrant", "Route", "Terminal", "Change", "Motorcycle"}

    one = society.of("dishub-dki", "pair")
    fields = "organizer { code } direction service status registeredOn own"
    told = {
        "organizer": {"code": "dishub-dki"},
        "direction": "MUDIK",
        "service": "PASSENGER",
        "status": "REGISTERED",
        "registeredOn": "2026-03-02",
        "own": False,
    }
    checked = await api.data(
        f"""query ($nik: NIK!) {{ checkNik(nik: $nik, direction: MUDIK) {{
            outcome message standing {{ {fields} }} outboundStands problem {{ code }} }} }}""",
        {"nik": one.nik},
        organizer="djka",
    )
    assert checked["checkNik"] == {
        "outcome": "REGISTERED",
        "message": (
            "NIK ini sudah terdaftar di DISHUB-DKI (arus mudik, penumpang, 2 Maret 2026);"
            " masih dapat didaftarkan untuk arus mudik (sepeda motor)."
        ),
        "standing": [told],
        "outboundStands": None,
        "problem": None,
    }
    submission = Target(society, worlds.DJKA).submission(one)
    refused = await api.data(
        f"""mutation ($input: SubmitRegistrant!) {{ submitRegistrant(input: $input) {{
            ... on Problem {{ code message field standing {{ {fields} }} allowed retryAfter }} }} }}""",
        {"input": submission},
        organizer="djka",
    )
    assert refused["submitRegistrant"] == {
        "code": "NIK_ALREADY_REGISTERED",
        "message": (
            "NIK ini sudah terdaftar di DISHUB-DKI (arus mudik, penumpang) pada 2 Maret 2026; batalkan di sana dahulu."
        ),
        "field": "nik",
        "standing": told,
        "allowed": None,
        "retryAfter": None,
    }


async def test_the_way_back_does_not_tell_where_another_organizers_trip_home_went(api: Api, society: Society) -> None:
    """DKI's passenger goes to Solo; DJKA offers a way back from Yogyakarta."""
    one = society.of("dishub-dki", "verified")
    elsewhere = await society.world.way_back("djka from elsewhere", organizer="djka", origin="giwangan")
    query = """mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) {
        ... on Problem { code message } ... on Submission { registrant { id nik name outbound { id } } } } }"""
    check = "query ($nik: NIK!) { checkNik(nik: $nik, direction: BALIK) { outcome outboundStands } }"
    back = Target(society, worlds.DJKA).submission(one, routeId=str(elsewhere))

    refused = await api.data(query, {"input": back}, organizer="djka")
    unknown = await api.data(query, {"input": back | {"nik": NOBODY}}, organizer="djka")
    assert refused["submitRegistrant"]["code"] == "RETURN_WITHOUT_OUTBOUND"
    assert refused == unknown
    for nik in (one.nik, NOBODY):
        checked = await api.data(check, {"nik": nik}, organizer="djka")
        assert checked["checkNik"] == {"outcome": "OUTBOUND_MISSING", "outboundStands": False}

    await society.world.policy("djka", return_requires_outbound=False)
    async with society.untouched(worlds.DJKA):
        accepted = await api.data(query, {"input": back}, organizer="djka")
    registrant = accepted["submitRegistrant"]["registrant"]
    assert registrant | {"id": ""} == {"id": "", "nik": one.nik, "name": "Orang Lain Sekali", "outbound": None}


async def test_a_motorcycle_does_not_tell_where_another_organizers_rider_goes(api: Api, society: Society) -> None:
    """DKI's passenger goes to Solo; DJKA's truck to Yogyakarta. Both hold the NIK from here on, and see their own."""
    one = society.of("dishub-dki", "departed")
    truck = await society.world.route(
        "djka truck elsewhere", organizer="djka", service="MOTORCYCLE", destination="giwangan"
    )
    submission = Target(society, worlds.DJKA).submission(
        one, routeId=str(truck), motorcycle={"plate": "AB 1 YK", "registrationNumber": "77"}
    )
    query = """mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) {
        ... on Submission { replayed registrant { id name history { to } } } } }"""
    async with society.untouched(worlds.DJKA):
        accepted = (await api.data(query, {"input": submission}, organizer="djka"))["submitRegistrant"]
        again = (await api.data(query, {"input": submission}, organizer="djka"))["submitRegistrant"]
    registrant = accepted["registrant"]
    assert accepted == {
        "replayed": False,
        "registrant": {"id": registrant["id"], "name": "Orang Lain Sekali", "history": [{"to": "REGISTERED"}]},
    }
    assert (again["replayed"], again["registrant"]) == (True, registrant)

    find = "query ($ref: RegistrantRef!) { registrant(ref: $ref) { id name motorcycle { plate } } }"
    for caller, service, seen in (
        ("djka", "PASSENGER", None),
        ("djka", "MOTORCYCLE", (registrant["id"], "Orang Lain Sekali", {"plate": "AB 1 YK"})),
        ("dishub-dki", "PASSENGER", (str(one.id), one.name, None)),
        ("dishub-dki", "MOTORCYCLE", None),
    ):
        ref = {"nik": {"nik": one.nik, "service": service}}
        found = (await api.data(find, {"ref": ref}, organizer=caller))["registrant"]
        assert (found and tuple(found.values())) == seen


async def test_what_was_corrected_or_erased_is_gone_for_everybody(api: Api, society: Society) -> None:
    niks = [society.of("dishub-dki", "corrected").before[0], society.of("dishub-dki", "erased").nik]
    query = "query ($niks: [NIK!]!) { checkNiks(niks: $niks) { outcome standing { own } } }"
    for organizer in ("djka", "dishub-dki", "hubdat"):
        answer = await api.data(query, {"niks": niks}, organizer=organizer)
        assert answer["checkNiks"] == [{"outcome": "AVAILABLE", "standing": []}] * 2


async def test_a_coordinator_sees_its_members_and_its_members_do_not_see_it(api: Api, society: Society) -> None:
    query = "query ($id: ID!) { registrant(ref: {id: $id}) { name } }"
    member, coordinator = society.of("bumn-satu", "registered"), society.of("jasa-raharja", "registered")
    seen = {
        (organizer, one.organizer): (await api.data(query, {"id": str(one.id)}, organizer=organizer))["registrant"]
        for organizer in ("jasa-raharja", "bumn-satu", "djka")
        for one in (member, coordinator)
    }
    assert seen == {
        ("jasa-raharja", "bumn-satu"): {"name": member.name},
        ("jasa-raharja", "jasa-raharja"): {"name": coordinator.name},
        ("bumn-satu", "bumn-satu"): {"name": member.name},
        ("bumn-satu", "jasa-raharja"): None,
        ("djka", "bumn-satu"): None,
        ("djka", "jasa-raharja"): None,
    }
