"""What who runs the registry looks up: lists, and who changed what, from what to what."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from app.registry.caller import Caller
from app.registry.clients import clients, staff
from app.registry.clients.staff import StaffPerson
from app.registry.niks import blocks
from app.registry.terms import seasons
from tests.changes.conftest import settled
from tests.graphql.conftest import Api
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

HISTORY = """query ($after: String, $first: Int! = 100) { adminChanges(after: $after, first: $first) {
    nodes { kind client season subject routeId reason organizer { code } values { name from to } }
    pageInfo { endCursor hasNextPage } } }"""
POLICY = """mutation ($days: Int) { saveOrganizer(input: {code: "djka", name: "DJKA",
    policy: {verifyWithinDays: $days}}) { ... on Organizer { code } ... on Problem { message } } }"""
CASES = """{ cases { nodes { suspect state decidedBy holder { code } claims { organizer { code } attempts } } } }"""


async def history(api: Api, world: World, **variables: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    # A client that is issued for this call is in the history, too.
    await api.token()
    await settled(world)
    found = (await api.data(HISTORY, variables))["adminChanges"]
    return found["nodes"], found["pageInfo"]


def values(change: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    return {one["name"]: (one["from"], one["to"]) for one in change["values"]}


async def test_who_changed_a_policy_from_what_to_what(api: Api, world: World) -> None:
    await api.token()
    _, before = await history(api, world)
    for days in (5, 3):
        await api.data(POLICY, {"days": days})
    changes, after = await history(api, world, after=before["endCursor"])
    assert [one["kind"] for one in changes] == ["POLICY_SAVED", "POLICY_SAVED"]
    assert [one["values"] for one in changes] == [
        [{"name": "verifyWithinDays", "from": None, "to": "5"}],
        [{"name": "verifyWithinDays", "from": "5", "to": "3"}],
    ]
    last = changes[1]
    assert (last["season"], last["organizer"], last["client"][:7]) == (2026, {"code": "djka"}, "hubdat-")
    nothing, end = await history(api, world, after=after["endCursor"])
    assert (nothing, end["hasNextPage"]) == ([], False)


async def test_the_history_of_one_organizer_and_of_some_kinds(api: Api, world: World) -> None:
    await api.token()
    for code in ("djka", "hubdat"):
        await api.data(f'mutation {{ issueClient(organizer: "{code}", scopes: ["nik:check"]) {{ client {{ id }} }} }}')
    await api.data(POLICY, {"days": 4})
    await settled(world)
    query = """query ($of: ID, $kinds: [AdminChangeKind!]) {
        adminChanges(organizer: $of, kinds: $kinds) { nodes { kind person organizer { code } } } }"""
    wanted: list[dict[str, Any]] = [
        {"of": "djka"},
        {"of": "djka", "kinds": ["POLICY_SAVED"]},
        {"kinds": ["POLICY_SAVED"]},
        {"of": "bumn"},
        {"kinds": []},
    ]
    found = [(await api.data(query, given))["adminChanges"]["nodes"] for given in wanted]
    issued, saved = (
        {"kind": kind, "person": None, "organizer": {"code": "djka"}} for kind in ("CLIENT_ISSUED", "POLICY_SAVED")
    )
    assert found == [[issued, saved], [saved], [saved], [], []]


async def test_the_history_names_the_person_who_did_it_on_the_pages(api: Api, world: World) -> None:
    async with world.database.transaction() as session:
        person = await staff.add(session, HUBDAT, "wulan@contoh.example", "hubdat", "operator", NOW)
        assert isinstance(person, StaffPerson)
        await clients.issue(session, Caller(person.id, "hubdat"), "djka", ["nik:check"], None, NOW, own=None)
    await settled(world)
    query = '{ adminChanges(organizer: "djka") { nodes { client person } } }'
    assert (await api.data(query))["adminChanges"]["nodes"] == [{"client": person.id, "person": "wulan@contoh.example"}]


async def test_when_an_organizer_was_last_heard_is_for_itself_and_for_hubdat(api: Api) -> None:
    query = "{ organizers { code lastHeardAt } }"
    for organizer, scopes in (("djka", None), ("hubdat", ("dashboard:read",)), ("hubdat", ("hubdat:admin",))):
        await api.token(organizer, scopes)
        found = {
            one["code"]: one["lastHeardAt"]
            for one in (await api.data(query, organizer=organizer, scopes=scopes))["organizers"]
        }
        assert found["djka"] == "2026-03-02T02:00:00Z"
        assert (found["hubdat"] is None) == (organizer == "djka")


async def test_windows_clients_blocks_and_cases_have_their_history(api: Api, world: World) -> None:
    """Every page once, in the order of the log; blocks that come about by themselves are not among them."""
    route = await world.route()
    await world.registered(someone(HUBDAT, route))
    await world.submit(someone(DJKA, await world.route("Solo 2", organizer="djka")))
    case = await world.one("SELECT id::text FROM duplicate_case")
    [wave] = (await api.data('{ windows(organizer: "djka") { id } }'))["windows"]
    _, start = await history(api, world)
    for query in (
        (
            f'mutation {{ saveWindow(input: {{organizer: "djka", opensAt: "2026-03-04T08:00:00+07:00",'
            f' amends: "{wave["id"]}"}}) {{ __typename }} }}'
        ),
        'mutation { issueClient(organizer: "djka", scopes: ["nik:check"]) { client { id } } }',
        f'mutation {{ blockNik(nik: "{nik_of(7)}", reason: "Pelanggaran") {{ __typename }} }}',
        f'mutation {{ liftNikBlock(nik: "{nik_of(7)}", reason: "Banding") {{ __typename }} }}',
        f'mutation {{ decideCase(id: "{case}", state: CONFIRMED, reason: "Terbukti") {{ __typename }} }}',
    ):
        await api.data(query)
    changes: list[dict[str, Any]] = []
    page: dict[str, Any] = start | {"hasNextPage": True}
    while page["hasNextPage"]:
        nodes, page = await history(api, world, after=page["endCursor"], first=2)
        changes += nodes
    assert [one["kind"] for one in changes] == [
        "WINDOW_SAVED",
        "CLIENT_ISSUED",
        "NIK_BLOCKED",
        "NIK_BLOCK_LIFTED",
        "CASE_DECIDED",
    ]
    window, issued, blocked, lifted, decided = changes
    opened = {one["name"]: (one["from"], one["to"]) for one in window["values"]}["opensAt"]
    assert opened == ("2026-02-01T02:00:00+00:00", "2026-03-04T01:00:00+00:00")
    assert issued["subject"].startswith("djka-")
    [block] = (await api.data("{ blocks { nodes { id reason liftReason liftedBy client organizer { code } } } }"))[
        "blocks"
    ]["nodes"]
    assert blocked["subject"] == lifted["subject"] == block["id"]
    assert (block["reason"], block["liftReason"], block["organizer"]) == ("Pelanggaran", "Banding", {"code": "hubdat"})
    assert lifted["values"] == [{"name": "lifted", "from": "false", "to": "true"}]
    assert (decided["subject"], decided["reason"]) == (case, "Terbukti")
    assert decided["values"] == [{"name": "state", "from": "OPEN", "to": "CONFIRMED"}]
    assert nik_of(7) not in str(changes)


async def test_releases_have_their_history(api: Api, world: World) -> None:
    """What comes later does not count yet: the quota of then does not stand beside it."""
    route = str(await world.route())
    _, start = await history(api, world)
    tomorrow = "2026-03-03T01:00:00Z"
    release = f'mutation ($seats: Int!, $at: DateTime) {{ releaseQuota(routeId: "{route}", seats: $seats, at: $at) {{'
    for seats, at in ((10, None), (5, tomorrow), (-2, None)):
        await api.data(f"{release} __typename }} }}", {"seats": seats, "at": at})
    await api.data(
        f'mutation {{ releaseQuotaDaily(routeId: "{route}", seats: 3, at: "08:00", from: "2026-03-04",'
        ' to: "2026-03-05") { __typename } }'
    )
    releases = (await api.data(f'{{ route(id: "{route}") {{ releases {{ id dailyId }} }} }}'))["route"]["releases"]
    first, lowered, later, daily, _ = releases
    for one in (later["id"], daily["dailyId"]):
        await api.data(f'mutation {{ cancelRelease(id: "{one}") {{ __typename }} }}')
    changes, _ = await history(api, world, after=start["endCursor"])
    assert {one["routeId"] for one in changes} == {route}
    now = "2026-03-02T02:00:00+00:00"
    assert [(one["kind"], one["subject"], values(one)) for one in changes] == [
        ("QUOTA_RELEASED", first["id"], {"quota": (None, "10"), "seats": (None, "10"), "dueAt": (None, now)}),
        ("QUOTA_RELEASED", later["id"], {"seats": (None, "5"), "dueAt": (None, tomorrow.replace("Z", "+00:00"))}),
        ("QUOTA_RELEASED", lowered["id"], {"quota": ("10", "8"), "seats": (None, "-2"), "dueAt": (None, now)}),
        (
            "QUOTA_RELEASED",
            daily["dailyId"],
            {
                "seats": (None, "3"),
                "at": (None, "08:00"),
                "from": (None, "2026-03-04"),
                "to": (None, "2026-03-05"),
            },
        ),
        ("QUOTA_RELEASE_CANCELLED", later["id"], {"seats": ("5", None), "releases": ("1", None)}),
        ("QUOTA_RELEASE_CANCELLED", daily["dailyId"], {"seats": ("6", None), "releases": ("2", None)}),
    ]


async def test_a_release_that_limits_a_route_says_so(api: Api, world: World) -> None:
    """A route without any quota takes nobody from now on, until seats come."""
    later, daily, none = [str(await world.route(name)) for name in ("A", "B", "C")]
    _, start = await history(api, world)
    await api.data(
        f'mutation {{ releaseQuota(routeId: "{later}", seats: 5, at: "2026-03-03T01:00:00Z") {{ __typename }} }}'
    )
    await api.data(
        f'mutation {{ releaseQuotaDaily(routeId: "{daily}", seats: 3, at: "08:00", from: "2026-03-04",'
        ' to: "2026-03-05") { __typename } }'
    )
    given = {
        "id": none,
        "name": "C",
        "direction": "MUDIK",
        "service": "PASSENGER",
        "mode": "BUS",
        "origin": "pulo-gebang",
        "destination": "tirtonadi",
        "quota": 0,
    }
    save = "mutation ($given: [RouteInput!]!) { saveRoutes(inputs: $given) { ... on Problem { code } } }"
    assert (await api.data(save, {"given": [given]}))["saveRoutes"] == [{}]
    changes, _ = await history(api, world, after=start["endCursor"])
    assert [(one["routeId"], values(one)["quota"]) for one in changes] == [
        (later, (None, "0")),
        (daily, (None, "0")),
        (none, (None, "0")),
    ]
    # A release of no seats is no row that could be named.
    assert changes[2]["subject"] is None


async def test_a_season_and_a_window_have_the_names_of_the_schema(api: Api, world: World) -> None:
    _, start = await history(api, world)
    async with world.database.transaction() as session:
        await seasons.save(session, HUBDAT, 2026, date(2026, 5, 1), NOW)
    await api.data(
        'mutation { saveWindow(input: {organizer: "djka", opensAt: "2026-03-04T01:00:00Z", untilQuotaIsFull: true})'
        " { __typename } }"
    )
    found = (await api.data('{ windows(organizer: "djka") { id opensAt } }'))["windows"]
    [wave] = [one["id"] for one in found if one["opensAt"] == "2026-03-04T01:00:00Z"]
    await api.data(f'mutation {{ withdrawWindow(id: "{wave}", reason: "Salah tulis") {{ __typename }} }}')
    season, saved, withdrawn = (await history(api, world, after=start["endCursor"]))[0]
    assert set(values(season)) == {"endsOn"}
    assert values(saved) == {
        "kind": (None, "REGISTRATION"),
        "opensAt": (None, "2026-03-04T01:00:00+00:00"),
        "closesAt": (None, None),
        "untilQuotaIsFull": (None, "true"),
        "amends": (None, None),
    }
    assert (withdrawn["subject"], withdrawn["reason"]) == (wave, "Salah tulis")
    assert values(withdrawn) == {"withdrawn": ("false", "true")}


async def test_a_cursor_that_is_none(api: Api, world: World) -> None:
    assert await api.code(HISTORY, {"after": "x"}) == "INVALID_CURSOR"
    assert await api.code(HISTORY, {"after": ""}) == "INVALID_CURSOR"
    assert await api.code(HISTORY, {"after": "AX__________AAAAAAAAAAA"}) == "INVALID_CURSOR"


async def test_blocks_are_listed_by_what_became_of_them(api: Api, world: World) -> None:
    for number in (1, 2):
        await api.data(f'mutation {{ blockNik(nik: "{nik_of(number)}", reason: "R{number}") {{ __typename }} }}')
    await api.data(f'mutation {{ liftNikBlock(nik: "{nik_of(1)}", reason: "Banding") {{ __typename }} }}')
    query = """query ($lifted: Boolean, $of: ID, $oldest: Boolean! = false) {
        blocks(lifted: $lifted, organizer: $of, oldestFirst: $oldest) { nodes { reason } } }"""
    for given, reasons in (
        ({}, ["R2", "R1"]),
        ({"oldest": True}, ["R1", "R2"]),
        ({"lifted": True}, ["R1"]),
        ({"lifted": False}, ["R2"]),
        ({"of": "djka"}, []),
    ):
        found = (await api.data(query, given))["blocks"]["nodes"]
        assert [one["reason"] for one in found] == reasons


OLDEST = """query ($after: String) { blocks(oldestFirst: true, first: 1, after: $after) {
    nodes { reason } pageInfo { endCursor hasNextPage } } }"""
LIFT = """mutation ($id: ID!, $reason: String!) { liftBlock(id: $id, reason: $reason) {
    ... on Block { reason } ... on Problem { code field } } }"""
OF_BLOCKS = "{ blocks { nodes { id reason liftReason liftedBy liftedByPerson issuedByPerson } } }"


async def test_the_oldest_blocks_come_page_by_page(api: Api, world: World) -> None:
    for number in (1, 2, 3):
        await api.data(f'mutation {{ blockNik(nik: "{nik_of(number)}", reason: "R{number}") {{ __typename }} }}')
    seen, after = [], None
    while True:
        page = (await api.data(OLDEST, {"after": after}))["blocks"]
        seen += [one["reason"] for one in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["R1", "R2", "R3"]


async def test_a_block_is_lifted_by_its_id_with_all_of_its_nik(api: Api, world: World) -> None:
    for reason in ("R1", "R2"):
        await api.data(f'mutation {{ blockNik(nik: "{nik_of(1)}", reason: "{reason}", seasons: 2) {{ __typename }} }}')
    await api.data(f'mutation {{ blockNik(nik: "{nik_of(2)}", reason: "Lain") {{ __typename }} }}')
    found = {one["reason"]: one["id"] for one in (await api.data(OF_BLOCKS))["blocks"]["nodes"]}
    async with world.unchanged("nik_block", "change"):
        for given, code in (({"id": found["R1"][::-1]}, "NOT_FOUND"), ({"id": found["R1"]}, "INVALID_VALUE")):
            assert (await api.data(LIFT, {"reason": " ", **given}))["liftBlock"]["code"] == code
    assert (await api.data(LIFT, {"id": found["R1"], "reason": "Banding"}))["liftBlock"] == {"reason": "R1"}
    lifted = {one["reason"]: one for one in (await api.data(OF_BLOCKS))["blocks"]["nodes"]}
    assert [lifted[one]["liftReason"] for one in ("R1", "R2", "Lain")] == ["Banding", "Banding", None]
    assert lifted["R1"]["liftedBy"].startswith("hubdat-")
    assert (lifted["R1"]["liftedByPerson"], lifted["R1"]["issuedByPerson"]) == (None, None)
    assert [kind for [kind] in await world.changes("kind")][-1] == "NIK_BLOCK_LIFTED"
    async with world.unchanged("nik_block", "change"):
        again = (await api.data(LIFT, {"id": found["R1"], "reason": "Banding"}))["liftBlock"]
    assert again == {"code": "NOT_FOUND", "field": "id"}


async def test_a_block_names_the_person_who_issued_and_who_lifted_it(api: Api, world: World) -> None:
    async with world.database.transaction() as session:
        person = await staff.add(session, HUBDAT, "wulan@contoh.example", "hubdat", "operator", NOW)
        assert isinstance(person, StaffPerson)
        hubdat = Caller(person.id, "hubdat")
        await blocks.block(session, world.vault, hubdat, nik_of(1), "Pelanggaran", 1, NOW)
        await blocks.lift(session, world.vault, hubdat, nik_of(1), "Banding", NOW)
    [one] = (await api.data(OF_BLOCKS))["blocks"]["nodes"]
    assert (one["issuedByPerson"], one["liftedByPerson"]) == ("wulan@contoh.example",) * 2


async def test_the_oldest_open_case_comes_first_and_names_the_registration_of_its_holder(
    api: Api, world: World
) -> None:
    route, theirs = await world.route(), await world.route("Solo 2", organizer="djka")
    holders = []
    for number in (1, 2, 3):
        holders.append((await world.registered(someone(HUBDAT, route, number))).id)
        await world.submit(someone(DJKA, theirs, number))
    query = """query ($after: String) { cases(state: OPEN, oldestFirst: true, first: 2, after: $after) {
        nodes { id } pageInfo { endCursor hasNextPage } } }"""
    first = (await api.data(query))["cases"]
    rest = (await api.data(query, {"after": first["pageInfo"]["endCursor"]}))["cases"]
    assert rest["pageInfo"]["hasNextPage"] is False
    found = []
    for one in [*first["nodes"], *rest["nodes"]]:
        people = f'{{ casePeople(id: "{one["id"]}") {{ registrantId }} }}'
        found.append([side["registrantId"] for side in (await api.data(people))["casePeople"]])
    assert found == [[str(holder), None] for holder in holders]
    newest = (await api.data("{ cases { nodes { id } } }"))["cases"]["nodes"]
    assert newest == [*first["nodes"], *rest["nodes"]][::-1]


async def test_seasons_and_releases_are_listed(api: Api, world: World) -> None:
    route = await world.route(quota=5)
    await world.release(route, 3, NOW + timedelta(days=1))
    await world.release(route, 2, NOW - timedelta(days=1))
    assert [one["year"] for one in (await api.data("{ seasons { year endsOn closedAt purgedAt } }"))["seasons"]] == [
        2026
    ]
    query = (
        "query ($due: Boolean, $of: ID) { releases(due: $due, organizer: $of) { nodes { seats due route { name } } } }"
    )
    for given, seats in (({}, [2, 3]), ({"due": True}, [2]), ({"due": False}, [3]), ({"of": "djka"}, [])):
        found = (await api.data(query, given))["releases"]["nodes"]
        assert [one["seats"] for one in found] == seats
        assert all(one["route"] == {"name": "Jakarta - Solo"} for one in found)


async def test_clients_are_listed_with_their_last_use(api: Api, world: World) -> None:
    """To the minute: a burst of tokens does not write each time."""
    await api.token("djka")
    query = '{ clients(organizer: "djka") { id scopes revokedAt lastUsedAt organizer { code } } }'
    found = {one["id"]: one for one in (await api.data(query))["clients"]}
    assert found.pop("djka-test")["lastUsedAt"] is None
    [used] = found.values()
    assert (used["organizer"], used["revokedAt"]) == ({"code": "djka"}, None)
    assert used["lastUsedAt"] == "2026-03-02T02:00:00Z"
    for passed, at in ((59, NOW), (61, NOW + timedelta(seconds=61))):
        async with world.database.transaction() as session:
            await clients.note_use(session, used["id"], NOW + timedelta(seconds=passed))
        assert await world.one("SELECT last_used_at FROM client WHERE id = :id", id=used["id"]) == at


async def test_an_organizer_sees_its_own_cases(api: Api, world: World) -> None:
    """As holder or as claimant; nobody but Hubdat learns whether names are alike, or who decided."""
    await world.registered(someone(HUBDAT, await world.route()))
    await world.submit(someone(DJKA, await world.route("Solo 2", organizer="djka")))
    case = await world.one("SELECT id::text FROM duplicate_case")
    await api.data(f'mutation {{ decideCase(id: "{case}", state: CONFIRMED, reason: "Terbukti") {{ __typename }} }}')
    expected = {
        "state": "CONFIRMED",
        "holder": {"code": "hubdat"},
        "claims": [{"organizer": {"code": "djka"}, "attempts": 1}],
    }
    [seen] = (await api.data(CASES))["cases"]["nodes"]
    assert seen["decidedBy"].startswith("hubdat-")
    assert (seen["suspect"], seen | {"suspect": None, "decidedBy": None}) == (
        False,
        expected | {"suspect": None, "decidedBy": None},
    )
    for organizer in ("djka", "hubdat"):
        [own] = (await api.data(CASES, organizer=organizer, scopes=("registrants:read",)))["cases"]["nodes"]
        assert own == expected | {"suspect": None, "decidedBy": None}
    assert (await api.data(CASES, organizer="dishub-dki"))["cases"]["nodes"] == []


SHOW = """mutation ($season: Int!, $on: Boolean!, $reason: String! = "Untuk umum") {
    publishFigures(season: $season, on: $on, reason: $reason) { year publishesFigures } }"""


async def test_hubdat_shows_the_figures_of_a_season_and_the_history_says_so(api: Api, world: World) -> None:
    _, before = await history(api, world)
    shown = await api.data(SHOW, {"season": 2026, "on": True})
    assert shown == {"publishFigures": {"year": 2026, "publishesFigures": True}}
    assert await api.data("{ seasons { publishesFigures } }") == {"seasons": [{"publishesFigures": True}]}
    [change], _ = await history(api, world, after=before["endCursor"])
    assert (change["kind"], change["season"], change["reason"]) == ("SEASON_SAVED", 2026, "Untuk umum")
    assert list(values(change).values()) == [("false", "true")]


async def test_who_may_not_or_says_no_reason_changes_nothing(api: Api, world: World) -> None:
    for organizer in ("djka", "hubdat"):
        await api.token(organizer)
    async with world.unchanged("season", "change"):
        assert await api.code(SHOW, {"season": 2026, "on": True}, organizer="djka") == "INSUFFICIENT_SCOPE"
        assert await api.code(SHOW, {"season": 2026, "on": True, "reason": " "}) == "INVALID_VALUE"
        assert await api.code(SHOW, {"season": 2019, "on": True}) == "NOT_FOUND"
