"""Duties to the person: the access log, the export, erasure, the purge of a season, the list for a breach notice."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.models.enums import RegistrantStatus
from app.registry import privacy
from app.registry.check import Check
from app.registry.lookup import Ref
from app.registry.privacy import Access, Holding, Read
from app.registry.record import Record
from app.registry.submission import Motorcycle
from app.registry.sweep import Swept
from tests.world import DJKA, DKI, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
HOUR = timedelta(hours=1)
REASON = "Permintaan yang bersangkutan"
RETAINED_UNTIL = datetime(2026, 10, 27, 17, 0, tzinfo=UTC)
"""Midnight in Jakarta, 180 whole days after the season's last one, 30 April."""


async def erase(world: World, ref: Ref, reason: str = REASON, now: datetime = NOW) -> Any:
    return await world.database.attempt(lambda session: privacy.erase(session, world.vault, HUBDAT, ref, reason, now))


async def accesses(world: World, nik: str, now: datetime) -> Any:
    async with world.database.transaction() as session:
        return await privacy.accesses(session, world.vault, HUBDAT, nik, now)


async def test_who_looked_at_a_nik_the_newest_first(world: World) -> None:
    await world.check(Check(DJKA, nik_of(1), "BALIK"), now=NOW)
    await world.check(Check(DKI, nik_of(1)), Check(DKI, nik_of(2)), Check(HUBDAT, nik_of(1)), now=NOW + HOUR)
    looked = [
        Access(NOW + HOUR, "hubdat-test", "hubdat", "CHECK", "MUDIK", "PASSENGER", "AVAILABLE"),
        Access(NOW + HOUR, "dishub-dki-test", "dishub-dki", "CHECK", "MUDIK", "PASSENGER", "AVAILABLE"),
        Access(NOW, "djka-test", "djka", "CHECK", "BALIK", "PASSENGER", "AVAILABLE"),
    ]
    assert await accesses(world, nik_of(1), NOW + 2 * HOUR) == looked
    this_look = Access(NOW + 2 * HOUR, "hubdat-test", "hubdat", "ACCESS_LOG", None, None, None)
    assert await accesses(world, nik_of(1), NOW + 3 * HOUR) == [this_look, *looked]
    assert await accesses(world, nik_of(3), NOW) == []


async def test_at_most_a_thousand_accesses(world: World) -> None:
    await world.check(*[Check(DJKA, nik_of(1))] * 1001)
    assert len(await accesses(world, nik_of(1), NOW)) == 1000


async def test_an_invalid_nik_has_no_accesses_and_nothing_to_export(world: World) -> None:
    assert (await accesses(world, "1", NOW)).code == "NIK_INVALID"
    async with world.database.transaction() as session:
        refused = await privacy.export(session, world.vault, HUBDAT, "1", NOW)
    assert not isinstance(refused, Holding)
    assert refused.code == "NIK_INVALID"
    assert await world.count("nik_access") == 0


async def test_all_that_is_held_on_a_nik_unmasked(world: World) -> None:
    ours = await world.registered(someone(HUBDAT, await world.route()))
    deck = await world.route("Motis KA", organizer="djka", service="MOTORCYCLE")
    theirs = await world.registered(someone(DJKA, deck, motorcycle=Motorcycle("B 1", "1"), reference="BK-1"))
    await world.registered(someone(HUBDAT, world.routes["Jakarta - Solo"], 2))
    await world.sweep(NOW + timedelta(days=8))
    await world.check(Check(DKI, nik_of(1)))
    async with world.database.transaction() as session:
        held = await privacy.export(session, world.vault, HUBDAT, nik_of(1), NOW + HOUR)
    assert isinstance(held, Holding)
    assert [(one.id, one.nik, one.name, one.status) for one in held.registrants] == [
        (ours.id, nik_of(1), "Warga Contoh", "FORFEITED"),
        (theirs.id, nik_of(1), "Warga Contoh", "REGISTERED"),
    ]
    assert (held.registrants[1].reference, held.registrants[1].plate) == ("BK-1", "B 1")
    assert held.blocks == (
        {
            "reason": "Gugur: tidak diverifikasi sampai batas waktu.",
            "from_season": 2026,
            "until_season": 2026,
            "since": NOW + timedelta(days=8),
            "organizer_code": "hubdat",
            "lifted_at": None,
            "lift_reason": None,
        },
    )
    assert held.accesses == (Access(NOW, "dishub-dki-test", "dishub-dki", "CHECK", "MUDIK", "PASSENGER", "BLOCKED"),)
    assert await world.run("SELECT client_id, purpose FROM nik_access ORDER BY id DESC LIMIT 1") == [
        ("hubdat-test", "EXPORT")
    ]


async def test_the_list_that_a_breach_notice_needs(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    for hours in range(4):
        await world.check(Check(DJKA, nik_of(1)), Check(DKI, nik_of(1)), now=NOW + hours * HOUR)
    await world.check(Check(DJKA, nik_of(2)), now=NOW + 2 * HOUR)

    async def reads() -> list[Read]:
        async with world.database.transaction() as session:
            return await privacy.reads_by(session, world.vault, "djka-test", NOW + HOUR, NOW + 3 * HOUR)

    masked = f"************{nik_of(1)[12:]}"
    assert await reads() == [
        Read(NOW + HOUR, "CHECK", masked),
        Read(NOW + 2 * HOUR, "CHECK", masked),
        Read(NOW + 2 * HOUR, "CHECK", None),
    ]
    await erase(world, Ref(id=one.id))
    assert [read.nik for read in await reads()] == [None, None, None]


ERASED = """SELECT nik_index, nik_sealed, name_sealed, reference, plate, registration_number, posko, erased_at
            FROM registrant WHERE id = :id"""


async def test_erasing_what_stands_cancels_it_first(world: World) -> None:
    deck = await world.route("Motis KA", organizer="djka", service="MOTORCYCLE", quota=1)
    one = await world.registered(someone(DJKA, deck, motorcycle=Motorcycle("B 1", "1"), reference="BK-1"))
    await world.moved(one.id, S.VERIFIED, DJKA, posko="Posko Senen")
    erased = await erase(world, Ref(id=one.id), f"  {REASON} ")
    assert isinstance(erased, Record)
    assert (erased.nik, erased.name, erased.status, erased.own) == ("(dihapus)", "(dihapus)", "CANCELLED", False)
    assert await world.run(ERASED, id=one.id) == [(None, None, None, None, None, None, None, NOW)]
    assert await world.taken("Motis KA") == 0
    assert (await world.changes("kind, organizer_code, registrant_id, to_status, client_id, reason"))[3:] == [
        ("REGISTRANT_MOVED", "djka", one.id, "CANCELLED", "hubdat-test", REASON),
        ("QUOTA_RETURNED", "djka", None, None, None, None),
        ("REGISTRANT_ERASED", "djka", one.id, None, "hubdat-test", REASON),
    ]
    again = await world.registered(someone(DJKA, deck, motorcycle=Motorcycle("B 1", "1")))
    assert again.id != one.id


async def test_erasing_again_changes_nothing(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    erased = await erase(world, Ref(id=one.id))
    async with world.unchanged():
        assert await erase(world, Ref(id=one.id), "Sekali lagi", NOW + HOUR) == erased


async def test_erasing_whoever_departed_keeps_the_count(world: World) -> None:
    one = await world.verified(someone(HUBDAT, await world.route(quota=1)))
    await world.moved(one.id, S.DEPARTED)
    erased = await erase(world, Ref(nik=nik_of(1)))
    assert (erased.id, erased.status, erased.nik) == (one.id, "DEPARTED", "(dihapus)")
    assert await world.taken() == 1
    assert (await world.changes("kind, registrant_id"))[-1] == ("REGISTRANT_ERASED", one.id)
    assert (await erase(world, Ref(nik=nik_of(1)))).code == "NOT_FOUND"
    assert (await world.registered(someone(DJKA, await world.route("KA", organizer="djka")))).status == "REGISTERED"


async def test_erasing_an_outbound_cancels_its_return(world: World) -> None:
    pair = await world.accepted(someone(HUBDAT, await world.route(), return_route_id=await world.way_back()))
    assert pair.return_record is not None
    await erase(world, Ref(id=pair.record.id))
    assert await world.status(pair.return_record.id) == "CANCELLED"


async def test_a_person_of_a_closed_season_can_be_erased(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.close()
    erased = await erase(world, Ref(id=one.id))
    assert (erased.status, erased.nik) == ("REGISTERED", "(dihapus)")


async def test_an_erasure_needs_a_registrant_and_a_reason(world: World) -> None:
    one = await world.registered(someone(HUBDAT, await world.route(), reference="BK-1"))
    theirs = await world.registered(someone(DJKA, await world.route("KA", organizer="djka"), 2, reference="BK-2"))
    async with world.unchanged():
        refused = [
            await erase(world, Ref(id=uuid4())),
            await erase(world, Ref(nik="1")),
            await erase(world, Ref(reference="BK-2")),
            await erase(world, Ref(id=one.id), " "),
            await erase(world, Ref(id=theirs.id), nik_of(2)),
        ]
    assert [(one.code, one.field) for one in refused] == [
        ("NOT_FOUND", "ref"),
        ("NIK_INVALID", "nik"),
        ("NOT_FOUND", "ref"),
        ("INVALID_VALUE", "reason"),
        ("INVALID_VALUE", "reason"),
    ]


PURGED = ("registrant", "nik_block", "nik_access", "season", "change")


async def purge(world: World, now: datetime, most: int = 5000) -> int:
    async with world.database.transaction() as session:
        return await privacy.purge_next(session, now, most=most)


async def past(world: World) -> list[Record]:
    """A season in which everything happened, and another that runs."""
    route = await world.route(quota=9)
    booked = [one.record for one in await world.submit(*(someone(HUBDAT, route, number) for number in range(1, 6)))]
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
    assert await purge(world, RETAINED_UNTIL, most=3) == 1
    async with world.unchanged(*PURGED):
        assert await purge(world, RETAINED_UNTIL, most=3) == 0
    for one in booked:
        assert await world.run(ERASED, id=one.id) == [(None,) * 7 + (RETAINED_UNTIL,)]
    assert await world.run("SELECT id, status FROM registrant ORDER BY id") == statuses
    assert await world.taken() == 4
    assert await world.run("SELECT reason FROM nik_block") == [("Data palsu",)]
    assert await world.run("SELECT at FROM nik_access") == [(after,)]
    seen = await world.find(running.id)
    assert seen is not None
    assert seen.nik == nik_of(7)
    assert await world.run("SELECT year, closed_at, purged_at FROM season ORDER BY year") == [
        (2026, RETAINED_UNTIL, RETAINED_UNTIL),
        (2027, None, None),
    ]
    assert (await world.changes("kind, season, client_id"))[-1] == ("SEASON_PURGED", 2026, None)


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
        ("SEASON_SAVED", 2026, {"closed": True}),
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
