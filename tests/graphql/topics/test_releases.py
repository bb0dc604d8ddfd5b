"""Releases of quota as an organizer sees them: what is released and what is due, daily ones, and what is cancelled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.registry.registrants.submission import Accepted
from app.registry.terms import seasons
from tests.graphql.conftest import Api
from tests.graphql.topics.test_registrants import person
from tests.world import HUBDAT, LEAVES, NOW, World, someone

pytestmark = pytest.mark.anyio

TABLES = ("quota_release", "route", "change")
RELEASE = """mutation ($route: ID!, $seats: Int!, $at: DateTime) {
    releaseQuota(routeId: $route, seats: $seats, at: $at) {
        ... on Route { quota releases { id } } ... on Problem { code field } } }"""
DAILY = """mutation ($route: ID!, $seats: Int! = 10, $at: String! = "08:00", $from: Date! = "2026-03-03",
    $to: Date! = "2026-03-05") {
    releaseQuotaDaily(routeId: $route, seats: $seats, at: $at, from: $from, to: $to) {
        ... on Route { quota releases { seats dueAt due dailyId } } ... on Problem { code field message } } }"""
CANCEL = """mutation ($id: ID!) { cancelRelease(id: $id) {
    ... on Route { quota releases { seats dueAt due dailyId } } ... on Problem { code field message } } }"""
LIST = "query ($id: ID!) { route(id: $id) { quota releases { id seats dueAt due dailyId } } }"
EIGHT = datetime(2026, 3, 3, 1, tzinfo=UTC)
"""08:00 WIB of the day after `NOW`."""


async def listed(api: Api, route_id: UUID, **how: Any) -> Any:
    return (await api.data(LIST, {"id": str(route_id)}, **how))["route"]


async def test_a_route_shows_what_is_released_and_what_is_due(api: Api, world: World) -> None:
    routes = [await world.route("Solo"), await world.route("Wonogiri")]
    for seats, at in ((40, None), (-4, None), (10, "2026-03-03T08:00:00+07:00")):
        await api.data(RELEASE, {"route": str(routes[0]), "seats": seats, "at": at})
    found = (await api.data("{ routes { nodes { name quota releases { seats dueAt due dailyId } } } }"))["routes"]
    assert found["nodes"] == [
        {
            "name": "Solo",
            "quota": 36,
            "releases": [
                {"seats": 40, "dueAt": "2026-03-02T02:00:00Z", "due": True, "dailyId": None},
                {"seats": -4, "dueAt": "2026-03-02T02:00:00Z", "due": True, "dailyId": None},
                {"seats": 10, "dueAt": "2026-03-03T01:00:00Z", "due": False, "dailyId": None},
            ],
        },
        {"name": "Wonogiri", "quota": None, "releases": []},
    ]


async def test_seats_come_daily(api: Api, world: World) -> None:
    """Nothing is there at once; at 08:00 WIB of each day the seats are there without being asked for."""
    route_id = await world.route("Solo")
    answer = (await api.data(DAILY, {"route": str(route_id)}))["releaseQuotaDaily"]
    assert answer["quota"] == 0
    assert [(one["seats"], one["dueAt"], one["due"]) for one in answer["releases"]] == [
        (10, f"2026-03-0{day}T01:00:00Z", False) for day in (3, 4, 5)
    ]
    assert len({one["dailyId"] for one in answer["releases"]}) == 1
    [(told,)] = await world.run("SELECT facts - 'daily' FROM change WHERE kind = 'QUOTA_RELEASED'")
    limited = {"quota": 0, "was": {"quota": None}}
    assert told == {"at": "08:00", "to": "2026-03-05", "from": "2026-03-03", "seats": 10, **limited}
    early, late = EIGHT - timedelta(seconds=1), EIGHT
    refused, accepted = [(await world.submit(someone(HUBDAT, route_id), now=at))[0] for at in (early, late)]
    assert (refused.code, isinstance(accepted, Accepted)) == ("QUOTA_FULL", True)
    assert await world.one("SELECT quota FROM route") == 10


@pytest.mark.parametrize("submitted", [True, False], ids=["submitRegistrant", "moveRegistrant"])
async def test_a_full_route_says_when_more_seats_come(api: Api, world: World, submitted: bool) -> None:
    """The next of its releases, and not that of another route."""
    route_id, other = await world.route("Solo", quota=0), await world.route("Yogya", destination="giwangan")
    one = await world.registered(someone(HUBDAT, other, 9))
    query = """mutation($input: SubmitRegistrant!) { answer: submitRegistrant(input: $input) {
        ... on Problem { code message retryAfter } } }"""
    variables: dict[str, Any] = {"input": person(route_id)}
    if not submitted:
        query = """mutation($id: ID!, $route: ID!) { answer: moveRegistrant(ref: { id: $id }, routeId: $route) {
            ... on Problem { code message retryAfter } } }"""
        variables = {"id": str(one.id), "route": str(route_id)}
    full = {"code": "QUOTA_FULL", "message": "Kuota rute ini sudah penuh; sisa 0; pilih rute lain.", "retryAfter": None}
    assert (await api.data(query, variables))["answer"] == full
    await world.release(other, 1, NOW + timedelta(minutes=1))
    assert (await api.data(query, variables))["answer"] == full
    for hours in (2, 1, 3):
        await world.release(route_id, 5, NOW + timedelta(hours=hours))
    assert (await api.data(query, variables))["answer"] == {
        "code": "QUOTA_FULL",
        "message": ("Kuota rute ini sudah penuh; sisa 0; tambahan kuota berikutnya 2 Maret 2026 pukul 10.00 WIB."),
        "retryAfter": 3601,
    }


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (LEAVES, "Rute ini berangkat 16 Maret 2026 pukul 09.00 WIB; kuotanya ditambah sebelum itu."),
        (
            LEAVES + timedelta(days=1),
            "Rute ini berangkat 16 Maret 2026 pukul 09.00 WIB; kuotanya ditambah sebelum itu.",
        ),
        (NOW - timedelta(minutes=6), "Waktu ini sudah lewat; kosongkan agar kuotanya ditambah sekarang."),
    ],
)
async def test_seats_come_before_the_departure_and_not_in_the_past(
    api: Api, world: World, at: datetime, message: str
) -> None:
    route_id, _ = await world.route("Solo", quota=7), await api.token()
    query = RELEASE.replace("code field", "code field message")
    asked = {"route": str(route_id), "seats": 1}
    async with world.unchanged(*TABLES):
        refused = (await api.data(query, asked | {"at": at.isoformat()}))["releaseQuota"]
    assert refused == {"code": "INVALID_VALUE", "field": "at", "message": message}
    for before in (LEAVES - timedelta(seconds=1), NOW - timedelta(minutes=5)):
        assert "quota" in (await api.data(query, asked | {"at": before.isoformat()}))["releaseQuota"]
    assert (await listed(api, route_id))["quota"] == 8


async def test_who_is_aboard_when_the_route_has_left_may_need_a_seat(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, since a list may still tell of people. Not at a time after it."""
    route_id = await world.route("Solo", quota=7)
    monkeypatch.setattr("app.clock.now", lambda: LEAVES + timedelta(hours=1))
    asked = {"route": str(route_id), "seats": 1}
    assert (await api.data(RELEASE, asked))["releaseQuota"]["quota"] == 8


async def test_a_daily_release_adds_to_what_there_is(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    route_id = await world.route("Solo", quota=7)
    await api.data(DAILY, {"route": str(route_id), "to": "2026-03-03"})
    assert (await listed(api, route_id))["quota"] == 7
    monkeypatch.setattr("app.clock.now", lambda: EIGHT)
    api.tokens.clear()
    assert (await listed(api, route_id))["quota"] == 17


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"at": "8:00"}, "at"),
        ({"at": "24:00"}, "at"),
        ({"at": "08:00:00"}, "at"),
        ({"to": "2026-03-02"}, "to"),
        ({"to": "2026-07-01"}, "to"),
        ({"seats": 0}, "seats"),
        ({"seats": -5}, "seats"),
        ({"seats": 400_000}, "seats"),
        ({"from": "2026-03-02"}, "from"),
        ({"to": "2026-03-17"}, "to"),
    ],
)
async def test_an_impossible_daily_release(api: Api, world: World, wrong: dict[str, Any], field: str) -> None:
    route_id, _ = await world.route("Solo", quota=7), await api.token()
    async with world.unchanged(*TABLES):
        problem = (await api.data(DAILY, {"route": str(route_id)} | wrong))["releaseQuotaDaily"]
    assert (problem["code"], problem["field"]) == ("INVALID_VALUE", field)


async def test_a_daily_release_never_sells_what_is_taken(api: Api, world: World) -> None:
    """A route without a limit that has people cannot begin with nothing."""
    route_id = await world.route("Solo")
    await world.registered(someone(HUBDAT, route_id))
    await api.token()
    async with world.unchanged(*TABLES):
        problem = (await api.data(DAILY, {"route": str(route_id)}))["releaseQuotaDaily"]
    assert (problem["code"], problem["field"]) == ("QUOTA_BELOW_TAKEN", "seats")


async def test_what_is_not_due_can_be_cancelled(api: Api, world: World) -> None:
    route_id = await world.route("Solo", quota=7)
    for at in (None, "2026-03-03T08:00:00+07:00"):
        await api.data(RELEASE, {"route": str(route_id), "seats": 5, "at": at})
    due, later = (await listed(api, route_id))["releases"]
    left = (await api.data(CANCEL, {"id": later["id"]}))["cancelRelease"]
    assert (left["quota"], [one["due"] for one in left["releases"]]) == (12, [True])
    told = await world.run("SELECT client_id IS NULL, facts FROM change WHERE kind = 'QUOTA_RELEASE_CANCELLED'")
    assert told == [(False, {"release": later["id"], "was": {"seats": 5, "releases": 1}})]
    async with world.unchanged(*TABLES):
        gone = (await api.data(CANCEL, {"id": later["id"]}))["cancelRelease"]
        assert (gone["code"], gone["message"]) == ("NOT_FOUND", "Tambahan kuota tidak ditemukan; periksa kembali.")
        taken = (await api.data(CANCEL, {"id": due["id"]}))["cancelRelease"]
    assert (taken["code"], taken["field"]) == ("INVALID_VALUE", "id")
    assert taken["message"].startswith("Tambahan kuota ini sudah berlaku")


async def test_what_is_left_of_a_daily_release_is_cancelled_at_once(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    route_id = await world.route("Solo", quota=7)
    [daily, _, _] = (await api.data(DAILY, {"route": str(route_id)}))["releaseQuotaDaily"]["releases"]
    monkeypatch.setattr("app.clock.now", lambda: EIGHT)
    api.tokens.clear()
    left = (await api.data(CANCEL, {"id": daily["dailyId"]}))["cancelRelease"]
    assert (left["quota"], [one["dueAt"] for one in left["releases"]]) == (17, ["2026-03-03T01:00:00Z"])
    async with world.unchanged(*TABLES):
        assert (await api.data(CANCEL, {"id": daily["dailyId"]}))["cancelRelease"]["code"] == "INVALID_VALUE"


async def test_a_release_is_its_organizers(api: Api, world: World) -> None:
    route_id = await world.route("Solo", quota=7)
    await api.data(RELEASE, {"route": str(route_id), "seats": 5, "at": "2026-03-03T08:00:00+07:00"})
    [release] = (await listed(api, route_id, organizer="djka"))["releases"]
    async with world.unchanged("quota_release", "route"):
        for query, variables, code in (
            (CANCEL, {"id": release["id"]}, "NOT_YOURS"),
            (CANCEL, {"id": "no id"}, "NOT_FOUND"),
            (DAILY, {"route": str(route_id)}, "NOT_YOURS"),
            (DAILY, {"route": "no id"}, "ROUTE_UNKNOWN"),
        ):
            [problem] = (await api.data(query, variables, organizer="djka")).values()
            assert problem["code"] == code
        async with world.database.transaction() as session:
            await seasons.close(session, HUBDAT, 2026, NOW)
        assert (await api.data(CANCEL, {"id": release["id"]}))["cancelRelease"]["code"] == "SEASON_CLOSED"
        assert (await api.data(DAILY, {"route": str(route_id)}))["releaseQuotaDaily"]["code"] == "SEASON_CLOSED"


async def test_a_merged_routes_release_is_gone(api: Api, world: World) -> None:
    route_id, target = await world.route("Solo", quota=7), await world.route("Surakarta")
    await world.release(route_id, 5, EIGHT)
    await world.run("UPDATE route SET provisional = true, merged_into = :into WHERE id = :id", into=target, id=route_id)
    [release_id] = await world.run("SELECT id FROM quota_release")
    assert (await api.data(CANCEL, {"id": str(release_id.id)}))["cancelRelease"]["code"] == "NOT_FOUND"


async def test_racing_cancels_and_a_race_with_the_due_time(api: Api, world: World) -> None:
    """Either the seats come or they do not: whoever takes the route's lock first."""
    route_id = await world.route("Solo", quota=0)
    await world.release(route_id, 5, NOW + timedelta(minutes=5))
    [release] = (await listed(api, route_id))["releases"]
    cancels = [api.data(CANCEL, {"id": release["id"]}) for _ in range(4)]
    claims = [world.submit(someone(HUBDAT, route_id, number), now=NOW + timedelta(minutes=5)) for number in range(4)]
    answers, verdicts = await asyncio.gather(asyncio.gather(*cancels), asyncio.gather(*claims))
    done = [one for one in answers if "quota" in one["cancelRelease"]]
    accepted = [one for [one] in verdicts if isinstance(one, Accepted)]
    assert (len(done), len(accepted)) in {(1, 0), (0, 4)}
    assert await world.run("SELECT quota, taken FROM route") == [(0, 0) if done else (5, 4)]
