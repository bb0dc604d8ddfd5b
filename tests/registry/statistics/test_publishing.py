"""Figures for everybody: when they are made, of what, and that they stay as they were made."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from app.db import Database
from app.errors import InvalidValue, NotFound, Unavailable
from app.models.enums import RegistrantStatus
from app.registry.statistics import groups, publishing, taking
from app.registry.statistics.groups import Day
from app.registry.statistics.shelf import Shelf
from app.registry.statistics.taking import Group, TallyRow
from app.registry.terms import seasons
from app.registry.terms.seasons import Season
from app.registry.values import cities
from tests.changes.counting import count_all
from tests.world import HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

TODAY = date(2026, 3, 2)
NIGHT = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
"""00:30 WIB of the next day."""
A_DAY = timedelta(days=1)


async def shown(world: World, *, on: bool = True, year: int = 2026) -> None:
    async with world.database.transaction() as session:
        await seasons.publish_figures(session, HUBDAT, year, "Untuk umum", NOW, on=on)
    await count_all(world.database)


async def tallied(world: World, route_id: UUID, people: int, day: date = TODAY, organizer: str = "hubdat") -> None:
    await world.run(
        """INSERT INTO tally_route (route_id, organizer_code, day, registered, verified, departed, forfeited, cancelled,
                                    no_show, ever_verified) VALUES (:route, :organizer, :day, :people, 0, 0, 0, 0, 0, 0)
           ON CONFLICT (route_id, organizer_code, day) DO UPDATE SET registered = :people""",
        route=route_id,
        organizer=organizer,
        day=day,
        people=people,
    )


async def published(world: World, now: datetime = NIGHT) -> list[int]:
    return await publishing.publish_due(world.database, now)


async def content(world: World, name: str, year: int = 2026) -> Any:
    raw = await world.one("SELECT content FROM public_file WHERE season = :year AND name = :name", year=year, name=name)
    return json.loads(raw) if name.endswith(".json") else raw.decode()


async def people(world: World, organizer: str = "hubdat") -> dict[str | None, Any]:
    """By day; None: the whole season."""
    rows = (await content(world, "registrations.json"))["rows"]
    return {row["day"]: row["people"] for row in rows if (row["organizer"], row["direction"]) == (organizer, "MUDIK")}


def test_neither_a_group_nor_a_change_of_fewer_than_five_is_told() -> None:
    assert [groups.settled(count) for count in (0, 1, 4, 5, 6)] == [0, 0, 0, 5, 6]
    assert [groups.settled(count, 7) for count in (0, 2, 3, 7, 11, 12)] == [0, 0, 7, 7, 7, 12]
    days = [Day(TODAY, 3, 0), Day(TODAY + A_DAY, 1, 0), Day(TODAY + 2 * A_DAY, 4, 0)]
    assert [counted for _, counted in groups.settle(days, 0)] == [0, 0, 8]
    assert [counted for _, counted in groups.settle(days, 2)] == [5, 0, 5]
    assert [groups.shown(count) for count in (0, 5, 7, 8, 12, 13, 102)] == ["<5", 5, 5, 10, 10, 15, 100]


def test_two_spellings_of_a_place_that_nobody_knows_are_one_place() -> None:
    """This is done in a thread, where coverage does not always follow."""
    day, surakarta = date(2026, 3, 2), cities.key("Kota Surakarta")
    tallies = [
        TallyRow("djka", "MUDIK", "PASSENGER", origin, surakarta, day, people)
        for origin, people in (("antah", 3), ("berantah", 4), (cities.key("Kota Jakarta Timur"), 5))
    ]
    assert taking.by_group(tallies) == {
        Group("djka", "MUDIK", "PASSENGER", taking.ELSEWHERE, "Kota Surakarta"): {day: 7},
        Group("djka", "MUDIK", "PASSENGER", "Kota Jakarta Timur", "Kota Surakarta"): {day: 5},
    }


async def test_nothing_is_made_before_hubdat_shows_a_season_nor_before_half_past_midnight(world: World) -> None:
    await tallied(world, await world.route(), 10)
    assert (await published(world), await world.count("public_file")) == ([], 0)
    await shown(world)
    # The day before yesterday: nobody had registered, and the files say so.
    assert await published(world, NIGHT - timedelta(seconds=1)) == [2026]
    assert await people(world) == {None: "<5"}
    assert await published(world) == [2026]
    assert await people(world) == {None: 10}
    assert await published(world, NIGHT + timedelta(hours=23)) == []


async def test_what_was_registered_is_told_by_day_city_and_stage(world: World) -> None:
    await shown(world)
    route_id = await world.route()
    await world.way_back(organizer="djka")
    accepted = await world.submit(*(someone(HUBDAT, route_id, number) for number in range(1, 14)))
    ids = [one.view.id for one in accepted]
    for one in ids[:6]:
        await world.moved(one, RegistrantStatus.VERIFIED)
    await world.moved(ids[0], RegistrantStatus.CANCELLED)
    await count_all(world.database)
    assert await published(world) == [2026]
    # Below the bound of a small organizer no day is told.
    assert await content(world, "registrations.csv") == (
        "organizer,direction,service,day,people\r\n"
        "*,BALIK,PASSENGER,,<5\r\n*,MUDIK,PASSENGER,,15\r\n"
        "djka,BALIK,PASSENGER,,<5\r\nhubdat,MUDIK,PASSENGER,,15\r\n"
    )
    assert await content(world, "cities.csv") == (
        "origin,destination,service,people\r\n"
        "Kota Jakarta Timur,Kota Surakarta,PASSENGER,15\r\n"
        "Kota Surakarta,Kota Jakarta Timur,PASSENGER,<5\r\n"
    )
    assert (await content(world, "funnel.csv")).splitlines()[1:] == [
        "BALIK,PASSENGER,REGISTERED,<5",
        "BALIK,PASSENGER,VERIFIED,<5",
        "BALIK,PASSENGER,DEPARTED,<5",
        "MUDIK,PASSENGER,REGISTERED,15",
        "MUDIK,PASSENGER,VERIFIED,5",
        "MUDIK,PASSENGER,DEPARTED,<5",
    ]
    told = await content(world, "metadata.json")
    assert (told["season"], told["until"], told["final"]) == (2026, "2026-03-02", False)
    assert {one["name"] for one in told["files"]} == {
        f"{name}.{kind}" for name in ("registrations", "cities", "funnel") for kind in ("csv", "json")
    }
    kept = {nik_of(1), "Warga Contoh"}
    for [raw] in await world.run("SELECT content FROM public_file"):
        assert not any(text in raw.decode() for text in kept)


async def test_days_are_told_of_an_organizer_that_is_not_small(world: World) -> None:
    await shown(world)
    large, small = await world.route(), await world.route("Lain", organizer="djka")
    await tallied(world, large, 96)
    await tallied(world, small, 99, organizer="djka")
    await published(world)
    assert (await people(world), await people(world, "*")) == ({None: 95}, {None: 195})
    await tallied(world, large, 5, TODAY + A_DAY)
    await published(world, NIGHT + A_DAY)
    assert await people(world) == {None: 100, "2026-03-02": 95, "2026-03-03": 5}
    # The days of all together are without the small one's.
    assert await people(world, "*") == {None: 200, "2026-03-02": 95, "2026-03-03": 5}
    assert await people(world, "djka") == {None: 100}


async def test_a_few_people_are_told_with_a_later_day(world: World) -> None:
    await shown(world)
    route_id = await world.route()
    for after, count in enumerate((100, 3, 1, 2)):
        await tallied(world, route_id, count, TODAY + after * A_DAY)
        await published(world, NIGHT + after * A_DAY)
    assert await people(world) == {None: 105, "2026-03-02": 100, "2026-03-05": 5}


async def test_a_past_day_stays_until_the_season_has_ended_and_is_then_told_once_more(world: World) -> None:
    await shown(world)
    route_id, other = await world.route(), await world.route("Lain", destination="giwangan")
    await tallied(world, route_id, 100)
    await tallied(world, other, 20)
    await published(world)
    # Ten came late, two as well on another day, and six were moved to another route.
    await tallied(world, route_id, 110)
    await tallied(world, route_id, 2, TODAY - A_DAY)
    await tallied(world, other, 14)
    last = datetime(2026, 4, 30, 17, 30, tzinfo=UTC)
    assert await published(world, last) == [2026]
    assert await people(world) == {None: 120, "2026-03-02": 120}
    assert await published(world, last + A_DAY) == [2026]
    assert await people(world) == {None: 125, "2026-03-02": 125}
    rows = (await content(world, "cities.json"))["rows"]
    assert [(row["destination"], row["people"]) for row in rows] == [
        ("Kota Surakarta", 110),
        ("Kota Yogyakarta", 15),
    ]
    assert (await content(world, "metadata.json"))["final"] is True
    await tallied(world, route_id, 500)
    before = await world.rows("public_file", "public_count", "publication")
    assert await published(world, last + 40 * A_DAY) == []
    assert await world.rows("public_file", "public_count", "publication") == before


async def test_whom_the_tallies_have_no_more_is_told_no_more_at_the_end(world: World) -> None:
    await shown(world)
    route_id = await world.route()
    await tallied(world, route_id, 8)
    await published(world)
    await world.run("DELETE FROM tally_route")
    await world.close()
    await published(world, NIGHT + A_DAY)
    assert await people(world) == {None: "<5"}


async def test_a_season_that_was_closed_is_final_at_once(world: World) -> None:
    await world.season(2025, date(2025, 4, 30), closed_at=NOW)
    await shown(world, year=2025)
    assert await published(world) == [2025]
    assert (await content(world, "metadata.json", 2025))["final"] is True
    assert await published(world, NIGHT + A_DAY) == []


async def test_a_place_that_nobody_knows_is_not_named(world: World) -> None:
    await shown(world)
    await world.run("UPDATE terminal SET city = 'Rumah Pak Budi', city_key = 'rumahpakbudi' WHERE code = 'tirtonadi'")
    await world.run("UPDATE terminal SET city = 'Antah', city_key = 'antah' WHERE code = 'giwangan'")
    for name, destination in (("Satu", "tirtonadi"), ("Dua", "giwangan")):
        await tallied(world, await world.route(name, destination=destination), 4)
    await published(world)
    assert await content(world, "cities.csv") == (
        "origin,destination,service,people\r\nKota Jakarta Timur,Lainnya,PASSENGER,10\r\n"
    )


async def test_a_provisional_route_is_told_of_once_there_is_a_group(world: World) -> None:
    await shown(world)
    route_id = await world.way_back(service="MOTORCYCLE")
    await world.run("UPDATE route SET provisional = true")
    await published(world, NIGHT - A_DAY)
    assert await content(world, "funnel.csv") == "direction,service,stage,people\r\n"
    await tallied(world, route_id, 6)
    await published(world)
    assert (await content(world, "funnel.csv")).splitlines()[1:] == [
        "BALIK,MOTORCYCLE,REGISTERED,5",
        "BALIK,MOTORCYCLE,VERIFIED,<5",
        "BALIK,MOTORCYCLE,DEPARTED,<5",
    ]


async def test_figures_wait_until_the_day_is_counted(world: World) -> None:
    await shown(world)
    await world.registered(someone(HUBDAT, await world.route()))
    assert (await published(world), await world.count("publication")) == ([], 0)
    await count_all(world.database)
    assert await published(world) == [2026]


async def test_the_same_is_made_of_the_same_and_one_of_two_runners_makes_it(world: World) -> None:
    await shown(world)
    await tallied(world, await world.route(), 10)
    done = await asyncio.gather(*(published(world) for _ in range(4)))
    assert sorted(done) == [[], [], [], [2026]]
    before = await world.rows("public_file")
    await world.run("DELETE FROM public_file")
    await world.run("DELETE FROM publication")
    assert await published(world) == [2026]
    assert await world.rows("public_file") == before


async def test_the_duty_goes_on_after_a_database_that_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await shown(world)
    looked: list[datetime] = []
    stop = asyncio.Event()

    async def publish(database: Database, now: datetime) -> list[int]:
        looked.append(now)
        if len(looked) == 1:
            raise Unavailable
        stop.set()
        return [2026]

    monkeypatch.setattr(publishing, "publish_due", publish)
    monkeypatch.setattr(publishing, "LOOK_EVERY_SECONDS", 0.001)
    await publishing.run(world.database, stop)
    assert len(looked) == 2


async def test_hubdat_shows_a_season_with_a_reason_that_is_kept(world: World) -> None:
    async def decided(year: int = 2026, reason: str = "Untuk umum", *, on: bool) -> Season | InvalidValue | NotFound:
        async with world.database.transaction() as session:
            return await seasons.publish_figures(session, HUBDAT, year, reason, NOW, on=on)

    assert await decided(on=False) == Season(year=2026, ends_on=date(2026, 4, 30))
    assert await decided(on=True) == Season(year=2026, ends_on=date(2026, 4, 30), publishes_figures=True)
    assert await decided(on=True) == Season(year=2026, ends_on=date(2026, 4, 30), publishes_figures=True)
    assert await world.changes("kind, season, client_id, reason, facts") == [
        (
            "SEASON_SAVED",
            2026,
            "hubdat-test",
            "Untuk umum",
            {"publishes_figures": True, "was": {"publishes_figures": False}},
        )
    ]
    refused = await decided(reason=" ", on=False)
    assert isinstance(refused, InvalidValue)
    assert await decided(2019, on=True) == NotFound("season")
    assert (await world.one("SELECT publishes_figures FROM season"), await world.count("change")) == (True, 1)


# --- ready for whoever asks ------------------------------------------------------------------------------------------


async def test_a_file_is_ready_without_the_database_and_gone_when_hubdat_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shown(world)
    await published(world)
    at, shelf = [0.0], Shelf(database=world.database)
    monkeypatch.setattr("app.registry.statistics.shelf.time.monotonic", lambda: at[0])
    with world.statements() as texts:
        found = await asyncio.gather(*(shelf.find(2026, "cities.csv") for _ in range(20)))
        assert await shelf.find(2026, "nothing.csv") is None
        assert await shelf.find(1999, "cities.csv") is None
    assert (len(texts), len({id(one.content) for one in found if one})) == (2, 1)
    await shown(world, on=False)
    assert await shelf.find(2026, "cities.csv") is not None
    at[0] += 10
    assert await shelf.find(2026, "cities.csv") is None
    assert await shelf.of_season(2026) == []


async def test_a_file_that_the_night_replaces_is_the_new_one_at_the_next_question(world: World) -> None:
    await shown(world)
    await published(world)
    shelf = Shelf(database=world.database)
    assert len(await shelf.of_season(2026)) == 7
    await tallied(world, await world.route(), 10, TODAY + A_DAY)
    await published(world, NIGHT + A_DAY)
    assert await shelf.find(2026, "metadata.json") is None
    found = await shelf.find(2026, "metadata.json")
    assert found is not None
    assert json.loads(found.content)["until"] == "2026-03-03"


async def test_what_is_ready_stays_while_the_database_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await shown(world)
    await published(world)
    at, away = [0.0], Shelf(database=Database("postgresql://127.0.0.1:1/nothing"))
    monkeypatch.setattr("app.registry.statistics.shelf.time.monotonic", lambda: at[0])
    with pytest.raises(Unavailable):
        await away.of_season(2026)
    shelf = Shelf(database=world.database)
    before = await shelf.find(2026, "cities.csv")
    shelf.database = away.database
    at[0] += 100
    assert await shelf.find(2026, "cities.csv") == before
