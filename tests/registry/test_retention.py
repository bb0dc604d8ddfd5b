"""The purge of a season after its retention."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.models.enums import RegistrantStatus
from app.registry import retention
from app.registry.niks.check import Check
from app.registry.registrants.view import View
from app.registry.sweep import Swept
from tests.registry.rows.records import pushed, state
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
HOUR = timedelta(hours=1)
RETAINED_UNTIL = datetime(2026, 10, 27, 17, 0, tzinfo=UTC)
"""Midnight in Jakarta, 180 whole days after the season's last one, 30 April."""


ERASED = """SELECT nik_index, nik_sealed, name_sealed, reference, plate, registration_number, posko, erased_at
            FROM registrant WHERE id = :id"""


PURGED = ("registrant", "nik_block", "nik_access", "season", "change")


async def purge(world: World, now: datetime, most: int = 5000) -> int:
    async with world.database.transaction() as session:
        return await retention.purge_next(session, now, most=most)


async def past(world: World) -> list[View]:
    """A season in which everything happened, and another that runs."""
    route = await world.route(quota=9)
    booked = [one.view for one in await world.submit(*(someone(HUBDAT, route, number) for number in range(1, 6)))]
    await world.moved(booked[0].id, S.VERIFIED, posko="Posko")
    await world.moved(booked[0].id, S.DEPARTED)
    await world.moved(booked[1].id, S.CANCELLED)
    await world.check(Check(DJKA, nik_of(1)))
    for reason, until in (("Gugur", 2026), ("Data palsu", 2027)):
        await world.run(
            """INSERT INTO nik_block (id, nik_index, reason, from_season, until_season, since, organizer_code)
               VALUES (gen_random_uuid(), :nik_index, :reason, 2026, :until, :now, 'hubdat')""",
            nik_index=world.vault.blind_index(nik_of(9)),
            reason=reason,
            until=until,
            now=NOW,
        )
    return booked


async def test_a_season_is_purged_after_its_retention(world: World) -> None:
    booked = await past(world)
    await world.season(2027, date(2027, 4, 30))
    await world.run("UPDATE registration_window SET season = 2027")
    running = await world.registered(someone(HUBDAT, await world.route("2027", season=2027), 7))
    during, after = datetime(2026, 4, 30, 16, 0, tzinfo=UTC), datetime(2026, 4, 30, 17, 0, tzinfo=UTC)
    await world.check(Check(DJKA, nik_of(1)), now=during)
    await world.check(Check(DJKA, nik_of(1)), now=after)
    async with world.unchanged(*PURGED):
        assert await purge(world, RETAINED_UNTIL - timedelta(microseconds=1)) == 0
    statuses = await world.run("SELECT id, status FROM registrant ORDER BY id")
    assert await purge(world, RETAINED_UNTIL, most=3) == 3
    assert await purge(world, RETAINED_UNTIL, most=3) == 2
    # Then three reasons, and the NIKs that were named before the season's end.
    assert [await purge(world, RETAINED_UNTIL, most=5) for _ in range(4)] == [3, 5, 3, 1]
    async with world.unchanged(*PURGED):
        assert await purge(world, RETAINED_UNTIL, most=3) == 0
    for one in booked:
        assert await world.run(ERASED, id=one.id) == [(None,) * 7 + (RETAINED_UNTIL,)]
    assert await world.run("SELECT id, status FROM registrant ORDER BY id") == statuses
    assert await world.taken() == 4
    assert await world.run("SELECT reason FROM nik_block") == [("Data palsu",)]
    assert [row.at for row in await world.run("SELECT at FROM nik_access WHERE nik_index IS NOT NULL ORDER BY at")] == [
        after
    ]
    assert await world.count("nik_access WHERE num_nonnulls(nik_index, area, salt) = 0 AND commitment IS NOT NULL") == 8
    seen = await world.find(running.id)
    assert seen is not None
    assert seen.nik == nik_of(7)
    assert await world.run("SELECT year, closed_at, purged_at FROM season ORDER BY year") == [
        (2026, RETAINED_UNTIL, RETAINED_UNTIL),
        (2027, None, None),
    ]
    assert (await world.changes("kind, season, client_id"))[-1] == ("SEASON_PURGED", 2026, None)


async def test_ends_that_came_before_their_registrations_go_with_the_season(world: World) -> None:
    """Also of a season in which nobody was registered after all."""
    await pushed(world, state(5))
    assert (await world.sweep(RETAINED_UNTIL)).seasons_purged == 1
    assert await world.count("early_end") == 0


async def test_a_season_in_which_niks_were_checked_and_nobody_registered_is_purged(world: World) -> None:
    await world.check(Check(DJKA, nik_of(1)))
    assert (await world.sweep(RETAINED_UNTIL)).seasons_purged == 1
    assert await world.run("SELECT count(*), count(nik_index) FROM nik_access") == [(1, 0)]


async def test_a_season_is_closed_before_it_is_purged(world: World) -> None:
    """So nobody in it can be forfeited, or come, whose NIK is half gone."""
    await past(world)
    await world.run("UPDATE registrant SET verify_by = :late", late=RETAINED_UNTIL + HOUR)
    assert await purge(world, RETAINED_UNTIL, most=1) == 1
    assert await world.one("SELECT closed_at FROM season") == RETAINED_UNTIL
    swept = await world.sweep(RETAINED_UNTIL + 2 * HOUR)
    assert (swept.forfeited, swept.no_shows) == (0, 0)
    assert await world.one("SELECT count(*) FROM registrant WHERE erased_at IS NULL") == 0
    assert [one for one in await world.changes("kind, season, facts") if one[0].startswith("SEASON")] == [
        ("SEASON_SAVED", 2026, {"was": {"closed": False}, "closed": True}),
        ("SEASON_PURGED", 2026, None),
    ]


async def test_a_closed_season_keeps_the_day_it_was_closed(world: World) -> None:
    await world.close()
    await purge(world, RETAINED_UNTIL)
    assert await world.run("SELECT closed_at, purged_at FROM season") == [(NOW, RETAINED_UNTIL)]


async def test_the_sweep_purges(world: World) -> None:
    await past(world)
    await world.close()
    assert (await world.sweep(RETAINED_UNTIL)).seasons_purged == 1
    assert await world.one("SELECT count(*) FROM registrant WHERE nik_index IS NOT NULL") == 0
    assert await world.sweep(RETAINED_UNTIL + HOUR) == Swept()


async def test_an_old_season_that_nobody_registered_in_stays_open(world: World) -> None:
    await world.season(2024, date(2024, 4, 30))
    assert await world.sweep(NOW) == Swept()
    assert await world.run("SELECT closed_at, purged_at FROM season WHERE year = 2024") == [(None, None)]
