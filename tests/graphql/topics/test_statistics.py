"""Statistics through the door: every field, every filter, of one moment, and only what one may know."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.routes import quota_releases, saving
from tests.changes.counting import count_all
from tests.graphql.conftest import Api
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, LEAVES, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

COUNTS = "registered verified departed forfeited cancelled noShow quota taken remaining fill seatsReturned"
WHOLE = f"""
    season asOf
    total {{ {COUNTS} }}
    byOrganizer {{ organizer {{ code name }} counts {{ {COUNTS} }} }}
    byDirection {{ direction counts {{ {COUNTS} }} }}
    byService {{ service counts {{ {COUNTS} }} }}
    byRoute {{ route {{ name }} counts {{ {COUNTS} }} }}
    byDay {{ day counts {{ {COUNTS} }} }}
    duplicates
    duplicatePairs {{ holder {{ code }} claimant {{ code name }} refused suspected }}
    funnel {{ registered verified departed waiting forfeited deadlines {{ hours waiting }} }}
    forecast {{ route {{ name }} waiting verified emptySeats }}
"""
NAMES = ("registered", "verified", "departed", "forfeited", "cancelled", "noShow")


def counts(*people: int, quota: int | None = None, seated: int | None = None) -> dict[str, Any]:
    """As the six statuses come; `seated` on the routes that have a quota."""
    six = dict(zip(NAMES, (*people, 0, 0, 0, 0, 0, 0), strict=False))
    taken = six["registered"] + six["verified"] + six["departed"] + six["noShow"]
    seated = taken if seated is None else seated
    return six | {
        "quota": quota,
        "taken": taken,
        "remaining": None if quota is None else quota - seated,
        "fill": seated / quota if quota else None,
        "seatsReturned": six["forfeited"] + six["cancelled"],
    }


async def ask(api: Api, fields: str, where: dict[str, Any] | None = None, **how: Any) -> Any:
    query = f"query ($where: StatisticsFilter) {{ statistics(where: $where) {{ {fields} }} }}"
    return (await api.data(query, {"where": where}, **how))["statistics"]


@pytest.fixture
async def season(world: World) -> World:
    """Hubdat: one of each status on a route of 20 seats, and a motorcycle that was registered the day before.
    DJKA: one on a way back without a quota. DKI: one who waits without a deadline, whose NIK DJKA brought twice.
    """
    await world.policy("hubdat", verify_within_days=7)
    solo = await world.route(quota=20)
    truck = await world.route("motor", service="MOTORCYCLE", quota=3, departs_at=LEAVES - timedelta(days=1))
    back = await world.way_back("KA balik", organizer="djka", departs_at=None)
    train = await world.route("KA", organizer="djka", departs_at=LEAVES + timedelta(days=1))
    dki = await world.route("DKI", organizer="dishub-dki", quota=5, departs_at=NOW - timedelta(hours=1))
    await world.policy("djka", return_requires_outbound=False)

    await world.registered(someone(HUBDAT, solo, 1))
    await world.registered(someone(HUBDAT, solo, 2))
    await world.verified(someone(HUBDAT, solo, 3))
    departed = await world.verified(someone(HUBDAT, solo, 4))
    await world.moved(departed.id, RegistrantStatus.DEPARTED)
    for number, status in ((5, RegistrantStatus.FORFEITED), (6, RegistrantStatus.CANCELLED)):
        one = await world.registered(someone(HUBDAT, solo, number))
        await world.moved(one.id, status)
    absent = await world.verified(someone(HUBDAT, solo, 7))
    await world.moved(absent.id, RegistrantStatus.NO_SHOW)
    late = await world.verified(someone(HUBDAT, solo, 8))
    await world.moved(late.id, RegistrantStatus.CANCELLED)
    papers = Motorcycle("B 1 XX", "1")
    await world.registered(someone(HUBDAT, truck, 9, registered_at=NOW - timedelta(days=1), motorcycle=papers))
    await world.registered(someone(DJKA, back, 10))
    await world.registered(someone(DKI, dki, 11), NOW - timedelta(hours=2))
    await world.submit(someone(DJKA, train, 11), someone(DJKA, train, 11, name="Bambang Sutrisno"))
    await count_all(world.database)
    return world


async def test_every_figure(season: World, api: Api) -> None:
    hubdat = counts(3, 1, 1, 1, 2, 1, quota=23)
    seats = counts(2, 1, 1, 1, 2, 1, quota=20)
    djka, dki, truck = counts(1), counts(1, quota=5), counts(1, quota=3)
    everyone = counts(5, 1, 1, 1, 2, 1, quota=28, seated=7)
    assert await ask(api, WHOLE) == {
        "season": 2026,
        "asOf": "2026-03-02T02:00:00Z",
        "total": everyone,
        "byOrganizer": [
            {"organizer": {"code": "dishub-dki", "name": "DISHUB-DKI"}, "counts": dki},
            {"organizer": {"code": "djka", "name": "DJKA"}, "counts": djka},
            {"organizer": {"code": "hubdat", "name": "HUBDAT"}, "counts": hubdat},
        ],
        "byDirection": [
            {"direction": "BALIK", "counts": djka},
            {"direction": "MUDIK", "counts": counts(4, 1, 1, 1, 2, 1, quota=28)},
        ],
        "byService": [
            {"service": "MOTORCYCLE", "counts": truck},
            {"service": "PASSENGER", "counts": counts(4, 1, 1, 1, 2, 1, quota=25, seated=6)},
        ],
        "byRoute": [
            {"route": {"name": "DKI"}, "counts": dki},
            {"route": {"name": "motor"}, "counts": truck},
            {"route": {"name": "Jakarta - Solo"}, "counts": seats},
            {"route": {"name": "KA"}, "counts": counts()},
            {"route": {"name": "KA balik"}, "counts": djka},
        ],
        "byDay": [
            {"day": "2026-03-01", "counts": counts(1)},
            {"day": "2026-03-02", "counts": counts(4, 1, 1, 1, 2, 1)},
        ],
        "duplicates": 2,
        "duplicatePairs": [
            {
                "holder": {"code": "dishub-dki"},
                "claimant": {"code": "djka", "name": "DJKA"},
                "refused": 2,
                "suspected": 0,
            }
        ],
        "funnel": {
            "registered": 11,
            "verified": 4,
            "departed": 1,
            "waiting": 5,
            "forfeited": 1,
            # The end of 8 and 9 March, WIB, and nothing for DJKA and DKI.
            "deadlines": [
                {"hours": 6 * 24 + 14, "waiting": 1},
                {"hours": 7 * 24 + 14, "waiting": 2},
                {"hours": None, "waiting": 2},
            ],
        },
        "forecast": [
            {"route": {"name": "motor"}, "waiting": 1, "verified": 0, "emptySeats": 3},
            {"route": {"name": "Jakarta - Solo"}, "waiting": 2, "verified": 1, "emptySeats": 17},
            {"route": {"name": "KA"}, "waiting": 0, "verified": 0, "emptySeats": None},
        ],
    }


TWO = "total { registered verified quota } duplicates funnel { registered deadlines { waiting } }"


@pytest.mark.parametrize(
    ("where", "people", "verified", "quota", "duplicates", "deadlines"),
    [
        ({"organizer": "hubdat"}, 9, 1, 23, 0, [1, 2]),
        ({"organizer": "dishub-dki"}, 1, 0, 5, 2, [1]),
        ({"organizer": "djka"}, 1, 0, None, 2, [1]),
        ({"organizer": "jasa-raharja"}, 0, 0, None, 0, []),
        ({"organizer": "nobody"}, 0, 0, None, 0, []),
        ({"organizer": "*"}, 0, 0, None, 0, []),
        ({"direction": "MUDIK"}, 10, 1, 28, 2, [1, 2, 1]),
        ({"direction": "BALIK"}, 1, 0, None, 0, [1]),
        ({"service": "MOTORCYCLE"}, 1, 0, 3, 0, [1]),
        ({"service": "PASSENGER"}, 10, 1, 25, 2, [2, 2]),
        ({"from": "2026-03-02"}, 10, 1, 28, 2, [2, 2]),
        ({"to": "2026-03-01"}, 1, 0, 28, 0, [1]),
        ({"from": "2026-03-01", "to": "2026-03-02"}, 11, 1, 28, 2, [1, 2, 2]),
        ({"from": "2026-03-03"}, 0, 0, 28, 0, []),
        ({"season": 2026}, 11, 1, 28, 2, [1, 2, 2]),
        ({"season": 2025}, 0, 0, None, 0, []),
        ({"organizer": "hubdat", "direction": "MUDIK", "service": "PASSENGER", "to": "2026-03-02"}, 8, 1, 20, 0, [2]),
    ],
)
async def test_every_filter(
    season: World,
    api: Api,
    where: dict[str, Any],
    people: int,
    verified: int,
    quota: int | None,
    duplicates: int,
    deadlines: list[int],
) -> None:
    found = await ask(api, TWO, where)
    assert found["funnel"]["registered"] == people
    assert (found["total"]["verified"], found["total"]["quota"], found["duplicates"]) == (verified, quota, duplicates)
    assert [one["waiting"] for one in found["funnel"]["deadlines"]] == deadlines


@pytest.mark.parametrize(
    ("where", "routes", "departures", "days"),
    [
        ({"organizer": "hubdat"}, ["motor", "Jakarta - Solo"], ["motor", "Jakarta - Solo"], 2),
        ({"organizer": "djka"}, ["KA", "KA balik"], ["KA"], 1),
        ({"direction": "BALIK"}, ["KA balik"], [], 1),
        ({"service": "MOTORCYCLE"}, ["motor"], ["motor"], 1),
        ({"from": "2026-03-02", "organizer": "hubdat"}, ["motor", "Jakarta - Solo"], ["motor", "Jakarta - Solo"], 1),
        ({"season": 2025}, [], [], 0),
    ],
)
async def test_lists_are_filtered_too(
    season: World, api: Api, where: dict[str, Any], routes: list[str], departures: list[str], days: int
) -> None:
    found = await ask(api, "byRoute { route { name } } forecast { route { name } } byDay { day }", where)
    assert [one["route"]["name"] for one in found["byRoute"]] == routes
    assert [one["route"]["name"] for one in found["forecast"]] == departures
    assert len(found["byDay"]) == days


async def test_routes_come_page_by_page(season: World, api: Api) -> None:
    seen, after = [], None
    for _ in range(3):
        query = """query ($after: ID) { statistics { byRoute(first: 2, after: $after) { route { id name } } } }"""
        page = (await api.data(query, {"after": after}))["statistics"]["byRoute"]
        seen += [one["route"]["name"] for one in page]
        after = page[-1]["route"]["id"]
    assert seen == ["DKI", "motor", "Jakarta - Solo", "KA", "KA balik"]
    query = "query ($after: ID) { statistics { forecast(first: 5, after: $after) { route { name } } } }"
    behind = await api.data(query, {"after": str(season.routes["motor"])})
    assert [one["route"]["name"] for one in behind["statistics"]["forecast"]] == ["Jakarta - Solo", "KA"]
    assert (await api.data(query, {"after": str(UUID(int=1))}))["statistics"]["forecast"] == []


FILL = "routeFill { limited full fullest { route { name } counts { taken quota } } emptiest { route { name } } }"


def ends(found: dict[str, Any]) -> tuple[list[str], list[str]]:
    fullest, emptiest = ([one["route"]["name"] for one in found["routeFill"][end]] for end in ("fullest", "emptiest"))
    return fullest, emptiest


async def test_the_fullest_and_the_emptiest_routes(season: World, api: Api) -> None:
    found = await ask(api, FILL)
    assert ends(found) == (["motor", "Jakarta - Solo", "DKI"], [])
    assert (found["routeFill"]["limited"], found["routeFill"]["full"]) == (3, 0)
    await season.route("tidak terbuka", quota=0)
    one = await season.route("penuh", quota=1)
    await season.registered(someone(HUBDAT, one, 30))
    for day in (3, 2, 1, 4):
        await season.route(f"kosong {day}", quota=10, departs_at=LEAVES + timedelta(days=day))
    found = await ask(api, FILL)
    # Of eight, five are the fullest; those that are as empty stand in the order of departure.
    assert ends(found) == (
        ["penuh", "motor", "Jakarta - Solo", "DKI", "kosong 1"],
        ["kosong 4", "kosong 3", "kosong 2"],
    )
    assert (found["routeFill"]["limited"], found["routeFill"]["full"]) == (8, 1)
    await season.release(one, 4, NOW - timedelta(hours=1))
    found = await ask(api, FILL, {"organizer": "hubdat", "service": "PASSENGER"})
    assert ends(found) == (["Jakarta - Solo", "penuh", "kosong 1", "kosong 2", "kosong 3"], ["kosong 4"])
    assert found["routeFill"]["fullest"][1]["counts"]["quota"] == 5
    assert found["routeFill"]["full"] == 0
    assert await ask(api, FILL, {"organizer": "djka"}) == {
        "routeFill": {"limited": 0, "full": 0, "fullest": [], "emptiest": []}
    }


async def test_departures_that_are_not_limited_may_be_left_out_of_the_forecast(season: World, api: Api) -> None:
    query = "forecast(first: 2, withQuota: true) { route { name } }"
    for hours in (1, 2, 3):
        await season.route(f"tanpa kuota {hours}", departs_at=NOW + timedelta(hours=hours))
    found = await ask(api, query)
    assert [one["route"]["name"] for one in found["forecast"]] == ["motor", "Jakarta - Solo"]


async def test_people_of_a_day_sit_on_whole_routes(season: World, api: Api) -> None:
    found = await ask(api, f"byRoute {{ route {{ name }} counts {{ {COUNTS} }} }}", {"to": "2026-03-01"})
    shown = {one["route"]["name"]: one["counts"] for one in found["byRoute"]}
    assert shown["motor"] == counts(1, quota=3)
    assert shown["Jakarta - Solo"] == counts(quota=20, seated=5)


async def test_seats_that_have_come_due_count_before_anybody_takes_one(season: World, api: Api) -> None:
    await season.release(season.routes["Jakarta - Solo"], 10, NOW - timedelta(hours=1))
    await season.release(season.routes["Jakarta - Solo"], 100, NOW + timedelta(hours=1))
    fields = "total { quota remaining fill } byRoute { counts { quota } } forecast { emptySeats }"
    found = await ask(api, fields, {"organizer": "hubdat", "service": "PASSENGER"})
    assert found == {
        "total": {"quota": 30, "remaining": 25, "fill": 5 / 30},
        "byRoute": [{"counts": {"quota": 30}}],
        "forecast": [{"emptySeats": 27}],
    }


async def test_an_empty_season_is_all_zero(world: World, api: Api) -> None:
    found = await ask(api, WHOLE)
    assert found == {
        "season": 2026,
        "asOf": "2026-03-02T02:00:00Z",
        "total": counts(),
        **{key: [] for key in ("byOrganizer", "byDirection", "byService", "byRoute", "byDay", "duplicatePairs")},
        "duplicates": 0,
        "funnel": {"registered": 0, "verified": 0, "departed": 0, "waiting": 0, "forfeited": 0, "deadlines": []},
        "forecast": [],
    }


async def test_a_route_without_seats_has_no_fill(world: World, api: Api) -> None:
    await world.route(quota=0)
    assert (await ask(api, f"total {{ {COUNTS} }}"))["total"] == counts(quota=0) | {"remaining": 0}


async def test_no_season_at_all_is_not_found(world: World, api: Api) -> None:
    await world.run("DELETE FROM registration_window")
    await world.run("DELETE FROM season")
    assert await api.code("{ statistics { duplicates season } }") == "NOT_FOUND"


async def test_a_closed_season_is_read_as_it_was(season: World, api: Api) -> None:
    before = await ask(api, WHOLE)
    await season.close()
    assert await ask(api, WHOLE) == before
    await season.season(2027, date(2027, 4, 30))
    assert await ask(api, WHOLE, {"season": 2026}) == before
    assert (await ask(api, "season total { registered }")) == {"season": 2027, "total": {"registered": 0}}


async def test_days_in_the_wrong_order_are_refused(world: World, api: Api) -> None:
    query = '{ statistics(where: { from: "2026-03-02", to: "2026-03-01" }) { duplicates } }'
    assert await api.code(query) == "INVALID_VALUE"


@pytest.mark.parametrize("field", ["byRoute(first: 0) { counts { taken } }", "duplicatePairs(first: 201) { refused }"])
async def test_pages_have_a_size(world: World, api: Api, field: str) -> None:
    assert await api.code(f"{{ statistics {{ {field} }} }}") == "INVALID_PAGE_SIZE"


# --- of one moment ----------------------------------------------------------------------------------------------------


async def test_all_of_it_is_read_in_one_transaction(season: World, api: Api) -> None:
    await api.token()
    await ask(api, "duplicates")
    both = f"a: statistics {{ {WHOLE} }} b: statistics(where: {{ direction: MUDIK }}) {{ {WHOLE} }}"
    with season.statements() as issued:
        await api.data(f"{{ {both} }}")
    assert sum("SET TRANSACTION" in statement for statement in issued) == 1
    reading = issued[next(place for place, one in enumerate(issued) if "SET TRANSACTION" in one) :]
    # What they share; then twice cells, seats, days, deadlines, pairs, and two pages of three statements.
    assert len(reading) == 2 + 2 * (5 + 2 * 3)


async def test_every_organizers_figures_are_read_together(season: World, api: Api) -> None:
    query = "{ organizers { code statistics { season total { taken quota } byDay { day } funnel { waiting } } } }"
    await api.data(query)
    with season.statements() as issued:
        found = (await api.data(query))["organizers"]
    reading = issued[next(place for place, one in enumerate(issued) if "SET TRANSACTION" in one) :]
    assert len(reading) == 6
    shown = {one["code"]: one["statistics"] for one in found}
    assert {code: (one["total"]["taken"], one["total"]["quota"]) for code, one in shown.items()} == {
        "hubdat": (6, 23),
        "djka": (1, None),
        "dishub-dki": (1, 5),
        "jasa-raharja": (0, None),
        "bumn-satu": (0, None),
    }


async def test_as_of_is_before_the_first_change_that_is_not_counted(season: World, api: Api) -> None:
    early = NOW - timedelta(minutes=5)
    await season.registered(someone(HUBDAT, season.routes["Jakarta - Solo"], 20), now=early)
    await season.registered(someone(HUBDAT, season.routes["Jakarta - Solo"], 21))
    found = await ask(api, "asOf total { registered }")
    assert found == {"asOf": "2026-03-02T01:55:00Z", "total": {"registered": 5}}
    await count_all(season.database)
    found = await ask(api, "asOf total { registered }")
    assert found == {"asOf": "2026-03-02T02:00:00Z", "total": {"registered": 7}}


async def test_a_clock_ahead_does_not_make_it_later_than_now(season: World, api: Api) -> None:
    await season.registered(someone(HUBDAT, season.routes["Jakarta - Solo"], 20), now=NOW + timedelta(minutes=5))
    assert (await ask(api, "asOf"))["asOf"] == "2026-03-02T02:00:00Z"


# --- who may see what -------------------------------------------------------------------------------------------------

READER = ("registrants:read",)


async def test_an_organizer_sees_its_own(season: World, api: Api) -> None:
    own = await ask(api, WHOLE, organizer="dishub-dki")
    assert own["total"] == counts(1, quota=5)
    assert own["byOrganizer"] == [{"organizer": {"code": "dishub-dki", "name": "DISHUB-DKI"}, "counts": own["total"]}]
    assert [one["route"]["name"] for one in own["byRoute"]] == ["DKI"]
    assert own["byDay"] == [{"day": "2026-03-02", "counts": counts(1)}]
    assert [one["suspected"] for one in own["duplicatePairs"]] == [None]
    seen = await ask(api, WHOLE, {"organizer": "dishub-dki"})
    assert [one["suspected"] for one in seen["duplicatePairs"]] == [0]
    assert own == seen | {"duplicatePairs": own["duplicatePairs"]}
    assert own == await ask(api, WHOLE, {"organizer": "dishub-dki"}, organizer="dishub-dki", scopes=READER)


async def test_a_pair_is_seen_by_both_sides_and_by_nobody_else(season: World, api: Api) -> None:
    fields = "duplicates duplicatePairs { holder { code } claimant { code } refused }"
    for organizer in ("dishub-dki", "djka"):
        found = await ask(api, fields, organizer=organizer)
        assert found["duplicates"] == 2
        assert [one["refused"] for one in found["duplicatePairs"]] == [2]
    assert await ask(api, fields, organizer="jasa-raharja") == {"duplicates": 0, "duplicatePairs": []}
    assert await ask(api, fields, scopes=READER) == {"duplicates": 0, "duplicatePairs": []}


@pytest.mark.parametrize("organizer", ["djka", "bumn-satu", "hubdat"])
async def test_anothers_figures_are_refused(season: World, api: Api, organizer: str) -> None:
    query = '{ statistics(where: { organizer: "dishub-dki" }) { total { taken } } }'
    assert await api.code(query, organizer=organizer, scopes=READER) == "NOT_YOURS"
    assert await api.code(query.replace("dishub-dki", "nobody"), organizer=organizer, scopes=READER) == "NOT_YOURS"


async def test_of_an_organizer_only_its_own_client_and_the_dashboard_see_figures(season: World, api: Api) -> None:
    query = "{ organizers { code statistics { total { taken } } } }"

    async def seen_by(organizer: str, *scopes: str) -> dict[str, int]:
        found = (await api.data(query, organizer=organizer, scopes=scopes))["organizers"]
        return {one["code"]: one["statistics"]["total"]["taken"] for one in found if one["statistics"]}

    assert await seen_by("djka", "registrants:read") == {"djka": 1}
    assert await seen_by("djka", "registrants:write", "routes:write", "nik:check") == {}
    assert await seen_by("jasa-raharja", "registrants:read") == {"jasa-raharja": 0, "bumn-satu": 0}
    assert await seen_by("bumn-satu", "registrants:read") == {"bumn-satu": 0}
    assert len(await seen_by("hubdat", "dashboard:read")) == 5


async def test_a_members_people_on_its_coordinators_route(world: World, api: Api) -> None:
    """Two of the member and one of the coordinator on the coordinator's route of ten."""
    shared = await world.route("bersama", organizer="jasa-raharja", quota=10)
    await world.route("lain", organizer="jasa-raharja", quota=7)
    await world.registered(someone(JASA_RAHARJA, shared, 1, member="bumn-satu"))
    await world.registered(someone(JASA_RAHARJA, shared, 2, member="bumn-satu"))
    await world.registered(someone(JASA_RAHARJA, shared, 3))
    await count_all(world.database)
    fields = f"total {{ {COUNTS} }} byRoute {{ route {{ name }} counts {{ {COUNTS} }} }}"

    member = await ask(api, fields, organizer="bumn-satu")
    assert member["total"] == counts(2)
    assert member["byRoute"] == [{"route": {"name": "bersama"}, "counts": counts(2, quota=10, seated=3)}]

    coordinator = await ask(api, fields, organizer="jasa-raharja")
    assert coordinator["total"] == counts(3, quota=17)
    assert [(one["route"]["name"], one["counts"]["taken"]) for one in coordinator["byRoute"]] == [
        ("bersama", 3),
        ("lain", 0),
    ]
    alone = await ask(api, fields, {"organizer": "jasa-raharja"}, organizer="jasa-raharja")
    assert alone["total"] == counts(1, quota=17, seated=3)


async def test_an_overlap_of_two_of_ones_own_is_one(world: World, api: Api) -> None:
    own = await world.route("JR", organizer="jasa-raharja")
    members = await world.route("BUMN", organizer="bumn-satu")
    elsewhere = await world.route("KA", organizer="djka")
    await world.registered(someone(JASA_RAHARJA, own, 1))
    await world.submit(someone(BUMN, members, 1), someone(DJKA, elsewhere, 1), someone(BUMN, members, 1))
    await count_all(world.database)
    fields = "duplicates duplicatePairs { holder { code } claimant { code } refused }"
    pairs = [("jasa-raharja", "bumn-satu", 2), ("jasa-raharja", "djka", 1)]

    async def seen_by(organizer: str, where: dict[str, Any] | None = None) -> tuple[int, list[tuple[str, str, int]]]:
        found = await ask(api, fields, where, organizer=organizer)
        told = [(one["holder"]["code"], one["claimant"]["code"], one["refused"]) for one in found["duplicatePairs"]]
        return found["duplicates"], told

    assert await seen_by("jasa-raharja") == (3, pairs)
    assert await seen_by("bumn-satu") == (2, pairs[:1])
    assert await seen_by("djka") == (1, pairs[1:])
    for where in (None, {"direction": "MUDIK"}, {"from": "2026-03-02", "service": "PASSENGER"}):
        assert await seen_by("hubdat", where) == (3, pairs)
    for where in ({"direction": "BALIK"}, {"to": "2026-03-01"}):
        assert await seen_by("hubdat", where) == (0, [])


async def test_quota_that_was_declared_and_released_is_what_is_shown(world: World, api: Api) -> None:
    async def run(work: Any) -> Any:
        return await world.database.attempt(work)

    given = saving.RouteInput(
        name="Bus",
        direction="MUDIK",
        service="PASSENGER",
        mode="BUS",
        origin="pulo-gebang",
        destination="tirtonadi",
        departs_at=LEAVES,
        quota=40,
    )
    [saved] = await run(lambda session: saving.save(session, HUBDAT, [given], NOW))
    await run(lambda session: quota_releases.release(session, HUBDAT, saved.id, 5, None, NOW))
    await run(lambda session: quota_releases.release(session, HUBDAT, saved.id, -3, None, NOW))
    await run(lambda session: quota_releases.release(session, HUBDAT, saved.id, 8, NOW + timedelta(days=1), NOW))
    assert (await ask(api, "total { quota remaining }"))["total"] == {"quota": 42, "remaining": 42}


async def test_lap_infants_are_a_figure_of_their_own(api: Api, world: World) -> None:
    submit = """mutation ($inputs: [SubmitRegistrant!]!) {
        submitRegistrants(inputs: $inputs) { ... on Submission { registrant { lapInfant } } } }"""
    person = {
        "name": "Warga",
        "routeId": str(await world.route(quota=1)),
        "identityDocument": "KK",
        "reference": "BK-1",
    }
    inputs = [person | {"nik": nik_of(1)}, person | {"nik": "3201011001259002", "lapInfant": True}]
    accepted = (await api.data(submit, {"inputs": inputs}))["submitRegistrants"]
    assert [one["registrant"]["lapInfant"] for one in accepted] == [False, True]
    await count_all(world.database)
    found = await api.data("{ statistics { total { registered taken remaining lapInfants } } }")
    assert found["statistics"]["total"] == {"registered": 1, "taken": 1, "remaining": 0, "lapInfants": 1}
