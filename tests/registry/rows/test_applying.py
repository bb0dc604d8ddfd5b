"""`changes: APPLY`: rows move and correct whom they know. With `asOf`, whoever changed since stays. REPORT tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.models.enums import RegistrantStatus
from app.registry.caller import Caller
from app.registry.rows import reception
from app.registry.rows.batch import Applying
from app.registry.rows.reception import Push, Verdict, row_of
from app.registry.rows.verdicts import Difference
from tests.registry.meanwhile import meanwhile
from tests.registry.rows.records import TO_WONOGIRI, WAY_BACK, pushed, record, state, told
from tests.world import DJKA, HUBDAT, LEAVES, NOW, SOON, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
TO_YOGYA = {"rute_perjalanan": "Jakarta - Yogya", "tujuan_terminal": "Giwangan", "kota_tujuan": "Jogja"}
HOUR = timedelta(hours=1)
MOST_STATEMENTS = 45
INFANT = "3201011001259003"


async def applied(
    world: World, *records: object, as_of: datetime | None = None, caller: Caller = HUBDAT, now: datetime = NOW
) -> list[Verdict]:
    pushes = [Push(caller, row_of(one), Applying(as_of)) for one in records]
    return await world.database.attempt(lambda session: reception.push(session, world.vault, pushes, now))


async def stored(world: World) -> list[tuple[Any, ...]]:
    rows = await world.run(
        "SELECT route.name, r.status, r.reference FROM registrant r JOIN route ON route.id = r.route_id ORDER BY r.id"
    )
    return [tuple(row) for row in rows]


async def two_routes(world: World, **changes: Any) -> None:
    await world.route(quota=5, departs_at=changes.get("departs_at", LEAVES))
    await world.route("Jakarta - Yogya", destination="giwangan", **{"quota": 5} | changes)


# --- what differs is told ---------------------------------------------------------------------------------------------

TOLD = (
    Difference("rute_perjalanan", "Jakarta - Solo", "Jakarta - Yogya"),
    Difference("tujuan_terminal", "Tirtonadi", "Giwangan"),
    Difference("kota_tujuan", "Kota Surakarta", "Jogja"),
    Difference("data_pemesan", "Warga Contoh", "Warga Benar"),
    Difference("kode_booking", "BK-1", "BK-2"),
    Difference("jenis_dokumen", None, "SIM"),
)
OTHERWISE = TO_YOGYA | {"data_pemesan": "Warga Benar", "kode_booking": "BK-2", "jenis_dokumen": "SIM"}


async def test_a_report_changes_nothing_and_tells_what_differs(world: World) -> None:
    await two_routes(world)
    await pushed(world, record(kode_booking="BK-1"))
    async with world.unchanged():
        [verdict] = await pushed(world, record(**OTHERWISE))
    assert told([verdict]) == [("UNCHANGED", None)]
    assert verdict.differences == TOLD
    assert [warning.code for warning in verdict.warnings] == ["ROUTE_DIFFERS", "NAME_DIFFERS"]
    assert TOLD[0].message() == "rute_perjalanan: tersimpan “Jakarta - Solo”, dikirim “Jakarta - Yogya”."
    assert TOLD[5].message("en") == "jenis_dokumen: stored -, sent “SIM”."
    assert "Warga" not in repr(verdict)


async def test_what_is_only_spelt_otherwise_does_not_differ(world: World) -> None:
    await world.route()
    await pushed(world, record())
    spelt = {"data_pemesan": "WARGA CONTOH", "kota_tujuan": "Solo", "tujuan_terminal": "Term. Tirtonadi"}
    [verdict] = await applied(world, record(**spelt))
    assert (verdict.result, verdict.differences) == ("UNCHANGED", ())


async def test_another_day_of_registration_is_told_and_never_applied(world: World) -> None:
    await two_routes(world)
    await pushed(world, record(tanggal_pendaftaran="2026-03-02 06:00"))
    before = await world.run("SELECT registered_at, verify_by FROM registrant")
    [same_day] = await applied(world, record(tanggal_pendaftaran="2026-03-02"))
    assert (same_day.result, same_day.differences, same_day.warnings) == ("UNCHANGED", (), ())
    [told_of] = await applied(world, record(tanggal_pendaftaran="2026-03-01"))
    day = Difference("tanggal_pendaftaran", "2026-03-02 06:00:00 WIB", "2026-03-01 00:00:00 WIB")
    assert (told_of.result, told_of.differences) == ("UNCHANGED", (day,))
    assert [warning.code for warning in told_of.warnings] == ["DAY_DIFFERS"]
    [moved] = await applied(world, record(tanggal_pendaftaran="2026-03-01", **OTHERWISE))
    assert (moved.result, set(moved.differences)) == ("UPDATED", {day, *TOLD} - {TOLD[4]} | {BOOKED})
    assert [warning.code for warning in moved.warnings] == ["DAY_DIFFERS"]
    assert await world.run("SELECT registered_at, verify_by FROM registrant") == before


BOOKED = Difference("kode_booking", None, "BK-2")


async def test_another_departure_is_told_by_its_time(world: World) -> None:
    await world.route()
    await world.route(departs_at=NOW + timedelta(days=15))
    await pushed(world, record(waktu_keberangkatan="2026-03-16"))
    [verdict] = await pushed(world, record(waktu_keberangkatan="2026-03-17 09:00"))
    [difference] = verdict.differences
    assert difference.column == "waktu_keberangkatan"
    assert (difference.stored or "")[:10] == "2026-03-16"
    assert (difference.sent or "")[:10] == "2026-03-17"


async def test_of_another_organizers_registrant_nothing_is_told(world: World) -> None:
    await two_routes(world)
    await world.route("Jakarta - Yogya", organizer="djka", destination="giwangan")
    await pushed(world, record())
    [refused] = await applied(world, record(**OTHERWISE), caller=DJKA)
    assert (refused.code, refused.differences) == ("NIK_ALREADY_REGISTERED", ())


# --- applied ----------------------------------------------------------------------------------------------------------


async def test_it_moves_and_corrects(world: World) -> None:
    await two_routes(world, quota=1)
    [first] = await pushed(world, record(kode_booking="BK-1"))
    before = await world.count("change")
    [verdict] = await applied(world, record(**OTHERWISE))
    assert (verdict.result, verdict.code, verdict.registrant_id) == ("UPDATED", None, first.registrant_id)
    assert (verdict.differences, verdict.warnings, verdict.moved) == (TOLD, (), True)
    assert await stored(world) == [("Jakarta - Yogya", "REGISTERED", "BK-2")]
    assert first.registrant_id is not None
    seen = await world.find(first.registrant_id)
    assert seen is not None
    assert (seen.name, seen.identity_document) == ("Warga Benar", "SIM")
    assert [await world.taken(name) for name in ("Jakarta - Solo", "Jakarta - Yogya")] == [0, 1]
    assert (await world.changes("kind, client_id, reason"))[before:] == [
        ("REGISTRANT_REROUTED", "hubdat-test", None),
        ("QUOTA_RETURNED", None, None),
        ("QUOTA_FILLED", None, None),
        ("REGISTRANT_CORRECTED", "hubdat-test", "Diperbaiki menurut daftar penyelenggara."),
    ]
    async with world.unchanged():
        assert told(await applied(world, record(**OTHERWISE))) == [("UNCHANGED", None)]


async def test_a_name_alone_reaches_the_whole_trip(world: World) -> None:
    await world.route()
    await world.way_back()
    [home, back] = await pushed(world, record(), record(**WAY_BACK))
    [verdict] = await applied(world, record(data_pemesan="Warga Cntoh"))
    assert (verdict.result, verdict.moved) == ("UPDATED", False)
    for one in (home, back):
        assert one.registrant_id is not None
        assert (await world.find(one.registrant_id)).name == "Warga Cntoh"  # type: ignore[union-attr]


async def test_a_clearly_other_name_counts_as_somebody_else(world: World) -> None:
    await world.route()
    await pushed(world, record())
    [verdict] = await applied(world, record(data_pemesan="Bambang Sutrisno"))
    assert (verdict.result, verdict.moved, verdict.warnings) == ("UPDATED", True, ())


async def test_papers_of_a_motorcycle(world: World) -> None:
    await world.route(service="MOTORCYCLE")
    await pushed(world, record(nomor_polisi="B 1", nomor_stnk="1"))
    [verdict] = await applied(world, record(nomor_polisi="b 2", nomor_stnk="1"))
    assert verdict.differences == (Difference("nomor_polisi", "B 1", "B 2"),)
    assert await world.run("SELECT plate, registration_number FROM registrant") == [("B 2", "1")]


async def test_the_status_goes_on_as_well(world: World) -> None:
    await two_routes(world)
    await pushed(world, record())
    assert told(await applied(world, state(2, **TO_YOGYA))) == [("UPDATED", None)]
    assert await stored(world) == [("Jakarta - Yogya", "VERIFIED", None)]


async def test_who_is_new_is_registered_as_ever(world: World) -> None:
    await two_routes(world)
    await pushed(world, record(1))
    assert told(await applied(world, record(2), record(1, **TO_YOGYA), state(5, 3))) == [
        ("NEW", None),
        ("UPDATED", None),
        ("UNCHANGED", None),
    ]


async def test_a_whole_trip_goes_to_another_city(world: World) -> None:
    await two_routes(world)
    await world.way_back()
    await world.way_back("Yogya - Jakarta", origin="giwangan")
    await pushed(world, record(), record(**WAY_BACK))
    from_yogya = {
        "rute_perjalanan": "Yogya - Jakarta",
        "keberangkatan_terminal": "Giwangan",
        "kota_keberangkatan": "Jogja",
    }
    verdicts = await applied(world, record(**TO_YOGYA), record(**WAY_BACK | from_yogya))
    assert told(verdicts) == [("UPDATED", None), ("UPDATED", None)]
    assert [name for name, *_ in await stored(world)] == ["Jakarta - Yogya", "Yogya - Jakarta"]


async def test_a_route_that_nobody_declared_is_made(world: World) -> None:
    await world.route()
    await pushed(world, record())
    [verdict] = await applied(world, record(**TO_WONOGIRI))
    assert verdict.result == "UPDATED"
    assert await world.run("SELECT name, provisional, taken FROM route ORDER BY id") == [
        ("Jakarta - Solo", False, 0),
        ("Jakarta - Wonogiri", True, 1),
    ]


# --- refused ----------------------------------------------------------------------------------------------------------


async def test_what_does_not_fit_changes_nothing_of_the_row(world: World) -> None:
    await two_routes(world, quota=0)
    await pushed(world, record(kode_booking="BK-1"))
    async with world.unchanged():
        [refused] = await applied(world, record(**OTHERWISE))
    assert (refused.code, refused.column, refused.differences) == ("QUOTA_FULL", "rute_perjalanan", TOLD)


async def test_a_full_route_does_not_keep_a_status_back(world: World) -> None:
    """Whoever was reported aboard is no no-show."""
    await two_routes(world, quota=0, departs_at=SOON)
    await pushed(world, state(2))
    [verdict] = await applied(world, state(3, **TO_YOGYA))
    assert told([verdict]) == [("UPDATED", None)]
    assert [warning.code for warning in verdict.warnings] == ["ROUTE_DIFFERS", "QUOTA_FULL"]
    assert await stored(world) == [("Jakarta - Solo", "DEPARTED", None)]


async def test_a_trip_does_not_come_apart(world: World) -> None:
    await two_routes(world)
    await world.way_back()
    await pushed(world, record(), record(**WAY_BACK))
    async with world.unchanged():
        [refused] = await applied(world, record(**TO_YOGYA))
    assert refused.code == "RETURN_CITY_MISMATCH"


@pytest.mark.parametrize("code", [3, 5])
async def test_who_has_departed_or_ended_is_not_moved(world: World, code: int) -> None:
    await two_routes(world, departs_at=SOON)
    await pushed(world, record())
    await pushed(world, state(code))
    async with world.unchanged():
        [refused] = await applied(world, state(code, **TO_YOGYA))
    assert (refused.code, refused.column) == ("INVALID_VALUE", "status_pemesanan_code")


async def test_a_refused_move_to_a_route_that_nobody_declared_leaves_none(world: World) -> None:
    await world.route(departs_at=SOON)
    await pushed(world, record())
    await pushed(world, state(3))
    async with world.unchanged():
        [refused] = await applied(world, state(3, **TO_WONOGIRI))
    assert refused.code == "INVALID_VALUE"
    assert await world.count("route") == 1


async def test_a_row_that_names_a_departure_moves_none_into_the_past(world: World) -> None:
    """It names another departure: the route keeps its own, and nobody is moved to what is over."""
    await world.route()
    await pushed(world, record())
    typed = record(waktu_keberangkatan="2025-03-16 09:00")
    async with world.unchanged():
        [reported] = await pushed(world, typed)
        [refused] = await applied(world, typed)
    assert [one.column for one in reported.differences] == ["waktu_keberangkatan"]
    assert (refused.code, refused.column) == ("ROUTE_DEPARTED", "rute_perjalanan")
    assert await world.run("SELECT departs_at FROM route") == [(LEAVES,)]


async def test_a_status_behind_is_stale_and_changes_nothing(world: World) -> None:
    await two_routes(world)
    await pushed(world, state(2))
    async with world.unchanged():
        [stale] = await applied(world, state(1, **OTHERWISE))
    assert told([stale]) == [("STALE", "STALE")]


# --- the instant of the list ------------------------------------------------------------------------------------------


async def test_whoever_changed_after_the_list_stays(world: World) -> None:
    await two_routes(world)
    await pushed(world, record(1), record(2))
    one = await world.one("SELECT id FROM registrant ORDER BY id LIMIT 1")
    await world.moved(one, S.VERIFIED, now=NOW + 2 * HOUR)
    rows = (state(2, 1, **TO_YOGYA), record(2, **TO_YOGYA))
    verdicts = await applied(world, *rows, as_of=NOW + HOUR, now=NOW + 3 * HOUR)
    assert told(verdicts) == [("STALE", "STALE"), ("UPDATED", None)]
    assert verdicts[0].message() == ("Data ini lebih lama: orang ini berubah di registri setelah waktu daftarnya.")
    assert [name for name, *_ in await stored(world)] == ["Jakarta - Solo", "Jakarta - Yogya"]


async def test_nor_does_a_later_status_of_an_older_list_count(world: World) -> None:
    await two_routes(world)
    await pushed(world, record(1))
    async with world.unchanged():
        verdicts = await applied(world, state(2, 1), state(1, 1), as_of=NOW - HOUR)
    assert told(verdicts) == [("STALE", "STALE")] * 2


async def test_what_the_list_itself_did_is_no_change_since(world: World) -> None:
    await two_routes(world)
    verdicts = await applied(world, record(1), state(2, 1), as_of=NOW - HOUR)
    assert told(verdicts) == [("NEW", None), ("UPDATED", None)]


async def test_whoever_changes_just_then_stays(world: World) -> None:
    """Between the look and the lock."""
    await two_routes(world)
    await pushed(world, record(1))
    one = await world.one("SELECT id FROM registrant")

    async def verified() -> None:
        await world.moved(one, S.VERIFIED, now=NOW + 2 * HOUR)

    with meanwhile("FOR NO KEY UPDATE OF r", verified, before=True):
        [verdict] = await applied(world, record(1, **TO_YOGYA), as_of=NOW + HOUR, now=NOW + 3 * HOUR)
    assert verdict.result == "STALE"
    assert await stored(world) == [("Jakarta - Solo", "VERIFIED", None)]


# --- lap infants ------------------------------------------------------------------------------------------------------


async def with_infant(world: World) -> None:
    """Mother and father, by rows, and their infant."""
    await two_routes(world)
    await pushed(world, *(record(number, kode_booking="BK-1") for number in (1, 2)))
    infant = someone(HUBDAT, world.routes["Jakarta - Solo"], nik=INFANT, identity_document="KK", lap_infant=True)
    await world.registered(replace(infant, reference="BK-1"))


@pytest.mark.parametrize(
    "away",
    [{"kode_booking": "BK-2"}, {"kode_booking": "BK-1", **TO_YOGYA}],
    ids=["another booking code", "another route"],
)
async def test_a_row_that_takes_the_last_one_away_from_an_infant_says_so(world: World, away: dict[str, Any]) -> None:
    await with_infant(world)
    [first] = await applied(world, record(1, **away))
    [last] = await applied(world, record(2, **away))
    assert told([first, last]) == [("UPDATED", None)] * 2
    assert ([one.code for one in first.warnings], [one.code for one in last.warnings]) == ([], ["LAP_INFANT_ALONE"])


async def test_an_infant_that_goes_along_is_not_alone(world: World) -> None:
    await with_infant(world)
    rows = [*(record(number, kode_booking="BK-2") for number in (1, 2)), record(kode_booking="BK-2", data_nik=INFANT)]
    assert [one.warnings for one in await applied(world, *rows)] == [(), (), ()]
    [lost] = await applied(world, record(kode_booking="BK-3", data_nik=INFANT))
    assert [one.code for one in lost.warnings] == ["LAP_INFANT_ALONE"]


@pytest.mark.parametrize("infant_first", [False, True])
async def test_a_family_is_moved_by_its_rows_in_any_order(world: World, *, infant_first: bool) -> None:
    await with_infant(world)
    moved = {"kode_booking": "BK-1", **TO_YOGYA}
    rows = [*(record(number, **moved) for number in (1, 2)), record(data_nik=INFANT, **moved)]
    verdicts = await applied(world, *(reversed(rows) if infant_first else rows))
    assert (told(verdicts), [one.warnings for one in verdicts]) == ([("UPDATED", None)] * 3, [()] * 3)


async def test_a_row_says_where_an_infant_is_already(world: World) -> None:
    """`moveRegistrant` refuses that. A list comes in parts, and whoever holds the infant may be in the next one."""
    await with_infant(world)
    [alone] = await applied(world, record(data_nik=INFANT, kode_booking="BK-1", **TO_YOGYA))
    assert (told([alone]), [one.code for one in alone.warnings]) == ([("UPDATED", None)], ["LAP_INFANT_ALONE"])


async def test_a_row_that_changes_nothing_for_an_infant_says_nothing_of_it(world: World) -> None:
    await with_infant(world)
    await applied(world, *(record(number, kode_booking="BK-2") for number in (1, 2)))
    with world.statements() as issued:
        [renamed] = await applied(world, record(1, data_pemesan="Warga Benar", kode_booking="BK-2"))
    assert renamed.warnings == ()
    assert not any("lap_infant, member.status" in one for one in issued)
    [refused] = await applied(world, record(2, kode_booking="BK-3", nomor_polisi="B 1"))
    assert [one.code for one in refused.warnings] == []


# --- batches ----------------------------------------------------------------------------------------------------------


async def test_the_statements_do_not_depend_on_the_rows(world: World) -> None:
    await world.route()
    await world.route("Jakarta - Yogya", destination="giwangan")
    await pushed(world, *(record(number) for number in range(100, 140)))

    async def issued_by(first: int, count: int) -> int:
        rows = [record(first + number, **TO_YOGYA, data_pemesan="Warga Benar") for number in range(count)]
        with world.statements() as issued:
            verdicts = await applied(world, *rows, record(first + 500), as_of=NOW + HOUR, now=NOW + 2 * HOUR)
        assert {verdict.result for verdict in verdicts} == {"UPDATED", "NEW"}
        return len(issued)

    few, many = await issued_by(100, 1), await issued_by(110, 25)
    assert few == many <= MOST_STATEMENTS


async def test_rows_that_apply_and_rows_that_report_in_one_batch(world: World) -> None:
    await two_routes(world)
    await pushed(world, record(1), record(2))
    pushes = [
        Push(HUBDAT, row_of(record(1, **TO_YOGYA))),
        Push(HUBDAT, row_of(record(2, **TO_YOGYA)), Applying()),
    ]
    verdicts = await world.database.attempt(lambda session: reception.push(session, world.vault, pushes, NOW))
    assert told(verdicts) == [("UNCHANGED", None), ("UPDATED", None)]
    assert await world.taken("Jakarta - Yogya") == 1


async def test_what_it_says_holds_no_nik(world: World) -> None:
    await two_routes(world)
    await pushed(world, record())
    [verdict] = await applied(world, record(**OTHERWISE))
    assert nik_of(1) not in f"{verdict!r} {verdict.message()} {verdict.differences}"
