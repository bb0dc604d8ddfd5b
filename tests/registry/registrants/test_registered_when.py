"""When somebody registered: the arrival or just before, a day without a time, and what arrives late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.registry.rows.reception import Result
from tests.registry.rows.records import pushed, record, told
from tests.registry.terms.test_deadlines import DAY, HOUR, INSTANT, day
from tests.world import HUBDAT, NOW, World, someone

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
DEPARTS = NOW + 60 * DAY


# --- live -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [-5 * MINUTE, 0 * MINUTE, 15 * MINUTE])
async def test_live_it_is_the_arrival_or_just_before(world: World, before: timedelta) -> None:
    one = await world.registered(someone(HUBDAT, await world.route(), live=True, registered_at=NOW - before))
    assert one.registered_at == NOW - before
    untold = await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 2, live=True))
    assert untold.registered_at == NOW


@pytest.mark.parametrize("before", [-5 * MINUTE - INSTANT, 15 * MINUTE + INSTANT])
async def test_nobody_backdates_into_a_window(world: World, before: timedelta) -> None:
    await world.window("hubdat", NOW - DAY, NOW - 10 * MINUTE)
    route = await world.route()
    async with world.unchanged():
        [refused] = await world.submit(someone(HUBDAT, route, live=True, registered_at=NOW - before))
    assert (refused.code, refused.field) == ("INVALID_VALUE", "registeredAt")


# --- a day without a time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("2026-03-04", "REGISTRATION_CLOSED"),
        ("2026-03-05", None),
        ("06/03/2026", None),
        ("2026-03-07", None),
        ("2026-03-08", "REGISTRATION_CLOSED"),
        ("2026-03-05 07:59", "REGISTRATION_CLOSED"),
        ("2026-03-05 08:00", None),
        ("2026-03-07 15:00", "REGISTRATION_CLOSED"),
    ],
)
async def test_a_day_is_inside_if_the_window_touches_it(world: World, date: str, code: str | None) -> None:
    """It opens on the 5th at 08.00 WIB and closes on the 7th at 15.00."""
    await world.window("hubdat", day(5) + 8 * HOUR, day(7) + 15 * HOUR)
    await world.route(departs_at=DEPARTS)
    [verdict] = await pushed(world, record(tanggal_pendaftaran=date), now=day(9))
    assert (verdict.code, verdict.result) == (code, Result.REFUSED if code else Result.NEW)
    assert await world.count("registrant") == (0 if code else 1)


@pytest.mark.parametrize(("closes", "inside"), [(day(7), False), (day(7) + INSTANT, True)])
async def test_a_window_that_closes_at_midnight_touches_no_more_of_the_day(
    world: World, closes: datetime, inside: bool
) -> None:
    await world.window("hubdat", day(5), closes)
    await world.route(departs_at=DEPARTS)
    [verdict] = await pushed(world, record(tanggal_pendaftaran="2026-03-07"), now=day(8))
    assert (verdict.result is Result.NEW) == inside


# --- late arrivals ----------------------------------------------------------------------------------------------------


CLOSED = day(8)


async def arrives(world: World, now: datetime, number: int = 1, date: str = "2026-03-06") -> str | None:
    [verdict] = await pushed(world, record(number, tanggal_pendaftaran=date), now=now)
    return verdict.code


async def closing(world: World) -> None:
    await world.window("hubdat", day(5), CLOSED)
    await world.route(departs_at=DEPARTS)


@pytest.mark.parametrize(("days", "until"), [(2, CLOSED + 2 * DAY), (0, CLOSED), (10, CLOSED + 10 * DAY)])
async def test_what_arrives_too_late_is_refused(world: World, days: int, until: datetime) -> None:
    await world.policy("hubdat", late_arrival_days=days)
    await closing(world)
    assert await arrives(world, until, 1) is None
    async with world.unchanged():
        [refused] = await pushed(world, record(2, tanggal_pendaftaran="2026-03-06"), now=until + INSTANT)
    assert (refused.code, refused.column) == ("ARRIVED_LATE", "tanggal_pendaftaran")
    assert refused.message() == (
        f"tanggal_pendaftaran: Data pendaftaran ini tiba lebih dari {days} hari setelah pendaftaran ditutup;"
        " kirim lebih awal."
    )
    # Whoever is known already is told so, however late the list is.
    assert told(await pushed(world, record(1, tanggal_pendaftaran="2026-03-06"), now=until + DAY)) == [
        ("UNCHANGED", None)
    ]


async def test_or_flagged_where_the_window_is_not_enforced(world: World) -> None:
    await world.policy("hubdat", enforce_window=False)
    await closing(world)
    late, outside, in_time = CLOSED + 3 * DAY, "2026-03-02", "2026-03-06"
    verdicts = [
        *await pushed(world, record(1, tanggal_pendaftaran=in_time), now=CLOSED),
        *await pushed(world, record(2, tanggal_pendaftaran=in_time), now=late),
        *await pushed(world, record(3, tanggal_pendaftaran=outside), now=late),
    ]
    assert [[one.code for one in verdict.warnings] for verdict in verdicts] == [
        [],
        ["ARRIVED_LATE"],
        ["OUTSIDE_WINDOW"],
    ]
    assert await world.run("SELECT flags FROM registrant ORDER BY id") == [
        ([],),
        (["ARRIVED_LATE"],),
        (["OUTSIDE_WINDOW"],),
    ]
    assert verdicts[1].message() == "Data ini tiba lama setelah pendaftaran ditutup; diterima dan ditandai."


async def test_a_later_wave_that_was_open_too_counts(world: World) -> None:
    await closing(world)
    await world.wave("hubdat", day(6), day(12))
    assert await arrives(world, day(14)) is None
    assert await arrives(world, day(14) + INSTANT, 2) == "ARRIVED_LATE"


async def test_a_wave_without_an_end_is_never_over(world: World) -> None:
    await world.window("hubdat", day(5))
    await world.route(departs_at=DEPARTS)
    assert await arrives(world, day(40)) is None
