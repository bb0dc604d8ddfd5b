"""Rows push states: every verdict, what it changed, and that a refused record changed nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from app.models.enums import RegistrantStatus
from app.registry.caller import Caller
from app.registry.routes import merging
from app.registry.rows import recognition
from app.registry.rows.reception import Push, Result, row_of
from app.registry.values import standard
from tests.registry.rows.records import TO_JEBRES, TO_WONOGIRI, WAY_BACK, pushed, record, state, told
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, LEAVES, NOW, SOON, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
MOST_STATEMENTS = 32
PAPERS = {"nomor_polisi": "b 1234 xy", "nomor_stnk": "77"}


# --- states -----------------------------------------------------------------------------------------------------------


async def test_a_person_is_registered_and_goes_on(world: World) -> None:
    await world.route(quota=1, departs_at=SOON)
    [new] = await pushed(world, state(1))
    assert (new.result, new.code, new.message(), new.organizer) == (Result.NEW, None, None, "hubdat")
    assert new.status is S.REGISTERED
    async with world.unchanged():
        assert told(await pushed(world, state(1))) == [("UNCHANGED", None)]
    [moved] = await pushed(world, state(3))
    assert (moved.result, moved.registrant_id, moved.status) == (Result.UPDATED, new.registrant_id, S.DEPARTED)
    assert await world.changes() == [
        ("REGISTRANT_MOVED", None, "REGISTERED", "hubdat-test", None),
        ("QUOTA_FILLED", None, None, None, None),
        ("REGISTRANT_MOVED", "REGISTERED", "VERIFIED", "hubdat-test", None),
        ("REGISTRANT_MOVED", "VERIFIED", "DEPARTED", "hubdat-test", None),
    ]
    async with world.unchanged():
        [stale] = await pushed(world, state(2))
    assert (stale.result, stale.code, stale.registrant_id) == (Result.STALE, "STALE", new.registrant_id)
    assert stale.message() == "Data ini lebih lama: di registri statusnya sudah Terverifikasi keberangkatan."
    assert stale.message("en").startswith("This record is older")  # type: ignore[union-attr]


@pytest.mark.parametrize("code", [2, 3])
async def test_who_is_new_goes_all_the_way(world: World, code: int) -> None:
    await world.route(departs_at=SOON)
    [new] = await pushed(world, state(code))
    assert (new.result, new.status) == (Result.NEW, S.VERIFIED if code == 2 else S.DEPARTED)
    assert await world.changes("to_status") == [("REGISTERED",), ("VERIFIED",), ("DEPARTED",)][:code]
    row = await world.run("SELECT healthy, late, identity_document FROM registrant")
    assert row == [(True, False, None) if code == 3 else (None, None, None)]


async def standing_at(world: World, status: RegistrantStatus) -> UUID:
    """On a route that has left, with a deadline that has passed unless it was kept."""
    await world.policy("hubdat", verify_within_days=7)
    one = await world.registered(someone(HUBDAT, await world.route(departs_at=SOON)))
    for step in {S.DEPARTED: (S.VERIFIED, S.DEPARTED), S.NO_SHOW: (S.VERIFIED, S.NO_SHOW)}.get(status, (status,)):
        if step is not S.REGISTERED:
            await world.moved(one.id, step)
    return one.id


EXPECTED = {
    **{(status, status): "UNCHANGED" for status in S},
    **dict.fromkeys(product([S.REGISTERED, S.VERIFIED], [S.DEPARTED, S.CANCELLED]), "UPDATED"),
    (S.REGISTERED, S.VERIFIED): "UPDATED",
    # News comes late: who was aboard is no no-show.
    (S.NO_SHOW, S.DEPARTED): "UPDATED",
    **{(was, S.REGISTERED): "STALE" for was in S if was is not S.REGISTERED},
    **{(was, S.VERIFIED): "STALE" for was in (S.DEPARTED, S.CANCELLED, S.NO_SHOW)},
}


@pytest.mark.parametrize(("was", "to"), list(product(S, S)))
async def test_every_pair_of_statuses(world: World, was: RegistrantStatus, to: RegistrantStatus) -> None:
    """What is not a step on, the same or behind is refused; forfeits and no-shows only when they are due."""
    registrant_id = await standing_at(world, was)
    result = EXPECTED.get((was, to), "REFUSED")
    if result == "UPDATED":
        [verdict] = await pushed(world, state(standard.STATUS_CODES[to]))
        assert await world.status(registrant_id) == to
    else:
        async with world.unchanged():
            [verdict] = await pushed(world, state(standard.STATUS_CODES[to]))
    code = {"REFUSED": "TRANSITION_NOT_ALLOWED", "STALE": "STALE"}.get(result)
    assert (verdict.result, verdict.code, verdict.registrant_id) == (result, code, registrant_id)
    assert verdict.status is (was if result in {"STALE", "REFUSED"} else to)


async def test_who_cannot_go_all_the_way_does_not_go_at_all(world: World) -> None:
    await standing_at(world, S.REGISTERED)
    late = NOW + timedelta(days=8)
    async with world.unchanged():
        [refused] = await pushed(world, state(3), now=late)
    assert (refused.result, refused.code) == (Result.REFUSED, "VERIFICATION_EXPIRED")
    assert refused.message() == (
        "status_pemesanan_code: Batas verifikasi sudah lewat (9 Maret 2026 pukul 23.59 WIB); pendaftaran"
        " ini gugur. Daftarkan lagi."
    )


async def test_what_may_follow_is_said_in_the_standards_words(world: World) -> None:
    await standing_at(world, S.REGISTERED)
    [refused] = await pushed(world, state(6))
    assert refused.message() == (
        "status_pemesanan_code: Status “Terdaftar” tidak dapat diubah menjadi “Tidak hadir”."
        " Status yang dapat dipilih: Terverifikasi pendaftaran, Batal."
    )
    assert refused.message("en") == (
        "status_pemesanan_code: Status REGISTERED cannot become NO_SHOW. Allowed now: VERIFIED, CANCELLED."
    )


async def test_a_forfeit_that_is_due_is_taken(world: World) -> None:
    registrant_id = await standing_at(world, S.REGISTERED)
    late = NOW + timedelta(days=8)
    assert told(await pushed(world, state(4), now=late)) == [("UPDATED", None)]
    assert await world.status(registrant_id) == "FORFEITED"
    assert await world.taken() == 0
    assert await world.one("SELECT registrant_id FROM nik_block") == registrant_id
    # It was verified, they say; but the deadline has passed.
    assert told(await pushed(world, state(2), now=late)) == [("REFUSED", "VERIFICATION_EXPIRED")]


async def test_without_a_deadline_nobody_is_forfeited(world: World) -> None:
    await world.registered(someone(DJKA, await world.route(organizer="djka")))
    async with world.unchanged():
        [refused] = await pushed(world, state(4), caller=DJKA, now=NOW + timedelta(days=30))
    assert refused.code == "TRANSITION_NOT_ALLOWED"


@pytest.mark.parametrize(("minutes", "due"), [(119, False), (121, True)])
@pytest.mark.parametrize("decided", [None, 120])
async def test_a_no_show_is_taken_once_the_grace_is_over(
    world: World, minutes: int, due: bool, decided: int | None
) -> None:
    if decided:
        await world.policy("hubdat", no_show_after_minutes=decided)
    one = await world.verified(someone(HUBDAT, await world.route()))
    [verdict] = await pushed(world, state(6), now=LEAVES + timedelta(minutes=minutes))
    assert verdict.result is (Result.UPDATED if due else Result.REFUSED)
    assert await world.status(one.id) == ("NO_SHOW" if due else "VERIFIED")


async def test_a_no_show_goes_through_the_verification(world: World) -> None:
    await world.registered(someone(DJKA, await world.route(organizer="djka")))
    assert told(await pushed(world, state(6), caller=DJKA, now=LEAVES + timedelta(hours=3))) == [("UPDATED", None)]
    assert await world.changes("to_status") == [("REGISTERED",), ("VERIFIED",), ("NO_SHOW",)]


async def test_a_cancellation_has_the_standards_reason(world: World) -> None:
    await world.verified(someone(HUBDAT, await world.route(quota=1)))
    assert told(await pushed(world, state(5))) == [("UPDATED", None)]
    assert (await world.changes())[-2:] == [
        ("REGISTRANT_MOVED", "VERIFIED", "CANCELLED", "hubdat-test", "Dilaporkan batal oleh penyelenggara."),
        ("QUOTA_RETURNED", None, None, None, None),
    ]
    assert await world.taken() == 0


@pytest.mark.parametrize("code", [4, 5, 6])
async def test_nobody_is_registered_by_an_end(world: World, code: int) -> None:
    """A mistyped NIK must not pass for a cancellation: it is said that nobody is known."""
    await world.registered(someone(HUBDAT, await world.route()))
    async with world.unchanged("registrant", "route", "terminal", "change"):
        [early] = await pushed(world, state(code, 2, **TO_WONOGIRI))
    assert (early.result, early.code, early.registrant_id, early.status) == (Result.UNCHANGED, None, None, None)
    assert [warning.code for warning in early.warnings] == ["END_REMEMBERED"]
    assert early.message() == (
        "Orang ini belum terdaftar pada Anda, jadi periksa NIK-nya. Akhir ini dicatat: bila pendaftarannya baru tiba"
        " kemudian, pendaftaran itu dianggap usang."
    )


# --- again after an end -----------------------------------------------------------------------------------------------


async def test_an_old_record_does_not_bring_back_who_was_cancelled(world: World) -> None:
    await world.route()
    await pushed(world, state(1))
    await pushed(world, state(5))
    async with world.unchanged():
        verdicts = await pushed(world, state(1), state(2), state(1, tanggal_pendaftaran="2026-03-01"))
    assert told(verdicts) == [("STALE", "STALE")] * 3


@pytest.mark.parametrize(
    "anew", [{"tanggal_pendaftaran": "2026-03-02 08:00"}, {"kode_booking": "BK-2"}], ids=["later", "another booking"]
)
async def test_who_comes_anew_is_registered_anew(world: World, anew: dict[str, str]) -> None:
    await world.route()
    [first] = await pushed(world, state(1, kode_booking="BK-1"))
    await pushed(world, state(5))
    [second] = await pushed(world, state(2, **anew))
    assert second.result is Result.NEW
    assert second.registrant_id != first.registrant_id
    assert await world.run("SELECT status FROM registrant ORDER BY id") == [("CANCELLED",), ("VERIFIED",)]
    # And what is said of him from here on is said of the second.
    [again] = await pushed(world, state(2, **anew))
    assert (again.result, again.registrant_id) == (Result.UNCHANGED, second.registrant_id)


@pytest.mark.parametrize("code", [4, 5, 6])
@pytest.mark.parametrize(
    ("before", "anew"),
    [
        ({"tanggal_pendaftaran": "2026-03-01"}, {"tanggal_pendaftaran": "2026-03-02 08:00"}),
        ({"kode_booking": "BK-1"}, {"kode_booking": "BK-2"}),
    ],
    ids=["an earlier day", "another booking"],
)
async def test_the_end_of_what_was_before_does_not_end_what_is_now(
    world: World, code: int, before: dict[str, str], anew: dict[str, str]
) -> None:
    await world.route()
    await pushed(world, state(1, **before))
    await pushed(world, state(5, **before))
    [second] = await pushed(world, state(2, **anew))
    async with world.unchanged():
        [stale] = await pushed(world, state(code, **before))
    assert (stale.result, stale.code, stale.registrant_id) == (Result.STALE, "STALE", second.registrant_id)
    assert stale.message() == "Data ini lebih lama: di registri statusnya sudah Terverifikasi pendaftaran."
    # A list with its history, sent again as a whole, changes nothing more.
    async with world.unchanged():
        verdicts = await pushed(world, state(5, **before), state(2, **anew))
    assert told(verdicts) == [("STALE", "STALE"), ("UNCHANGED", None)]
    assert told(await pushed(world, state(5, **anew))) == [("UPDATED", None)]


async def test_a_list_with_its_history_may_begin_with_what_is_newest(world: World) -> None:
    await world.route()
    verdicts = await pushed(world, state(1), state(5, tanggal_pendaftaran="2026-03-01"), state(2))
    assert told(verdicts) == [("NEW", None), ("STALE", "STALE"), ("UPDATED", None)]
    assert await world.run("SELECT status FROM registrant") == [("VERIFIED",)]


async def test_a_forfeited_nik_that_comes_anew_is_blocked(world: World) -> None:
    registrant_id = await standing_at(world, S.FORFEITED)
    async with world.unchanged():
        [stale, refused] = await pushed(world, state(1), state(1, tanggal_pendaftaran="2026-03-02 09:01"))
    assert (stale.result, stale.registrant_id) == (Result.STALE, registrant_id)
    assert (refused.code, refused.column, refused.registrant_id) == ("NIK_BLOCKED", "data_nik", None)


# --- several records of one person ------------------------------------------------------------------------------------


async def test_records_of_one_person_are_judged_in_their_order(world: World) -> None:
    await world.route(quota=1, departs_at=SOON)
    verdicts = await pushed(world, state(1), state(3), state(2), state(3))
    assert told(verdicts) == [
        ("NEW", None),
        ("UPDATED", None),
        ("STALE", "STALE"),
        ("UNCHANGED", None),
    ]
    assert len({verdict.registrant_id for verdict in verdicts}) == 1
    assert await world.changes("to_status") == [("REGISTERED",), (None,), ("VERIFIED",), ("DEPARTED",)]


async def test_a_batch_of_its_own_may_cancel_and_register_anew(world: World) -> None:
    await world.route(quota=1)
    anew = {"tanggal_pendaftaran": "2026-03-02 09:00"}
    verdicts = await pushed(world, state(1), state(5), state(2, **anew), state(1, **anew))
    assert told(verdicts) == [("NEW", None), ("UPDATED", None), ("NEW", None), ("STALE", "STALE")]
    assert verdicts[0].registrant_id == verdicts[1].registrant_id != verdicts[2].registrant_id
    assert verdicts[3].registrant_id == verdicts[2].registrant_id
    assert await world.taken() == 1


async def test_to_and_fro_has_an_end(world: World) -> None:
    """The number of statements does not depend on what a batch thinks up."""
    await world.route()
    to_and_fro = [state(1 if number % 2 == 0 else 5, kode_booking=f"BK-{number // 2}") for number in range(40)]
    with world.statements() as issued:
        verdicts = await pushed(world, *to_and_fro)
    assert told(verdicts[:4]) == [("NEW", None), ("UPDATED", None), ("NEW", None), ("UPDATED", None)]
    assert {verdict.result for verdict in verdicts[4:]} == {Result.STALE}
    assert len(issued) <= 2 * MOST_STATEMENTS
    assert await world.count("registrant") == 2


async def test_what_was_refused_is_judged_again_by_the_next_record(world: World) -> None:
    await world.route()
    verdicts = await pushed(world, record(data_pemesan="123"), state(5), state(2), state(5))
    assert told(verdicts) == [
        ("REFUSED", "INVALID_VALUE"),
        ("UNCHANGED", None),
        ("STALE", "STALE"),
        ("UNCHANGED", None),
    ]


async def test_an_end_behind_a_refusal_ends_nothing(world: World) -> None:
    await world.route(quota=0)
    async with world.unchanged():
        verdicts = await pushed(world, state(1), state(5))
    assert told(verdicts) == [("REFUSED", "QUOTA_FULL"), ("UNCHANGED", None)]
    assert verdicts[0].message() == "rute_perjalanan: Kuota rute ini sudah penuh; sisa 0; pilih rute lain."


# --- the rules of a submission ----------------------------------------------------------------------------------------


async def test_the_rules_of_a_submission_are_those_of_a_record(world: World) -> None:
    await world.route()
    await world.route(organizer="djka")
    await world.window("dishub-dki", NOW - timedelta(days=2), NOW - timedelta(days=1))
    await pushed(world, state(1), caller=HUBDAT)
    async with world.unchanged("registrant", "route", "terminal"):
        [taken] = await pushed(world, state(1), caller=DJKA)
        [closed] = await pushed(world, state(1, 2, tanggal_pendaftaran="2026-03-02"), caller=DKI)
        [future] = await pushed(world, state(1, 2, tanggal_pendaftaran="2026-03-03"))
    assert (taken.code, taken.column) == ("NIK_ALREADY_REGISTERED", "data_nik")
    assert taken.message() == (
        "data_nik: NIK ini sudah terdaftar di HUBDAT (arus mudik, penumpang) pada 2 Maret 2026;"
        " batalkan di sana dahulu."
    )
    assert (closed.code, closed.column) == ("REGISTRATION_CLOSED", "tanggal_pendaftaran")
    assert (future.code, future.column) == ("INVALID_VALUE", "tanggal_pendaftaran")


async def test_a_document_is_stored_and_not_required(world: World) -> None:
    await world.route()
    verdicts = await pushed(world, record(1, jenis_dokumen=" ktp "), record(2), record(3, jenis_dokumen="paspor"))
    assert [verdict.result for verdict in verdicts] == ["NEW", "NEW", "REFUSED"]
    assert verdicts[2].column == "jenis_dokumen"
    assert await world.run("SELECT identity_document FROM registrant ORDER BY id") == [("KTP",), (None,)]


async def test_the_booking_code_is_the_reference(world: World) -> None:
    await world.route()
    verdicts = await pushed(world, record(1, kode_booking=" BK-1 "), record(2, kode_booking=nik_of(2)))
    assert told(verdicts) == [("NEW", None), ("REFUSED", "INVALID_VALUE")]
    assert verdicts[1].column == "kode_booking"
    assert await world.run("SELECT reference FROM registrant") == [("BK-1",)]


async def test_the_way_back_finds_its_way_home_wherever_it_stands_in_the_batch(world: World) -> None:
    await world.route()
    await world.way_back()
    verdicts = await pushed(world, record(**WAY_BACK), record(), record(2, **WAY_BACK))
    assert told(verdicts) == [("NEW", None), ("NEW", None), ("REFUSED", "RETURN_WITHOUT_OUTBOUND")]
    assert await world.run("SELECT direction, outbound_id FROM registrant ORDER BY direction") == [
        ("BALIK", verdicts[1].registrant_id),
        ("MUDIK", None),
    ]


async def test_differences_are_told_and_nothing_is_changed(world: World) -> None:
    await world.route()
    await world.route("Jakarta - Yogya", destination="giwangan")
    await pushed(world, record())
    to_yogya = {"rute_perjalanan": "Jakarta - Yogya", "tujuan_terminal": "Giwangan", "kota_tujuan": "Jogja"}
    async with world.unchanged("registrant", "route", "terminal", "change"):
        [one] = await pushed(world, record(data_pemesan="Orang Lain Sekali", **to_yogya))
        [unknown] = await pushed(world, record(**TO_WONOGIRI))
    assert one.result is Result.UNCHANGED
    assert [warning.code for warning in one.warnings] == ["ROUTE_DIFFERS", "NAME_DIFFERS"]
    assert one.message() == (
        "Orang ini sudah terdaftar pada Anda dengan rute lain; data yang tersimpan tidak berubah."
        " NIK ini sudah terdaftar pada Anda dengan nama yang jelas berbeda; data yang tersimpan tidak berubah."
    )
    assert [warning.code for warning in unknown.warnings] == ["ROUTE_DIFFERS"]
    # And the status goes on all the same.
    [moved] = await pushed(world, state(2, **to_yogya))
    assert (moved.result, [warning.code for warning in moved.warnings]) == (Result.UPDATED, ["ROUTE_DIFFERS"])


async def test_a_way_back_from_another_city_is_refused(world: World) -> None:
    await world.route()
    from_yogya = {"keberangkatan_terminal": "Giwangan", "kota_keberangkatan": "Jogja"}
    verdicts = await pushed(world, record(), record(**WAY_BACK | from_yogya))
    assert told(verdicts) == [("NEW", None), ("REFUSED", "RETURN_CITY_MISMATCH")]


async def test_whose_route_is_merged_meanwhile_is_to_be_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = await world.route()
    [first] = await pushed(world, record(**TO_JEBRES))
    one = await world.one("SELECT route_id FROM registrant WHERE id = :id", id=first.registrant_id)
    offers = recognition.offers

    async def offered(*asked: Any) -> Any:
        found = await offers(*asked)
        await world.database.attempt(lambda session: merging.merge(session, HUBDAT, one, into, NOW, admin=False))
        return found

    monkeypatch.setattr(recognition, "offers", offered)
    assert told(await pushed(world, record(2, **TO_JEBRES))) == [("REFUSED", "ROUTE_UNKNOWN")]
    monkeypatch.undo()
    assert told(await pushed(world, record(2, **TO_JEBRES))) == [("NEW", None)]


# --- motorcycles ------------------------------------------------------------------------------------------------------


async def test_a_motorcycle_beside_its_rider(world: World) -> None:
    await world.route()
    truck = await world.route("Jakarta - Solo", service="MOTORCYCLE")
    verdicts = await pushed(world, record(), record(**PAPERS))
    assert told(verdicts) == [("NEW", None), ("NEW", None)]
    assert await world.run("SELECT service, plate, registration_number FROM registrant ORDER BY service DESC") == [
        ("PASSENGER", None, None),
        ("MOTORCYCLE", "B 1234 XY", "77"),
    ]
    assert await world.one("SELECT taken FROM route WHERE id = :id", id=truck) == 1


async def test_a_motorcycle_goes_where_its_rider_goes(world: World) -> None:
    await world.route()
    await world.route("Jakarta - Yogya", service="MOTORCYCLE", destination="giwangan")
    to_yogya = {"rute_perjalanan": "Jakarta - Yogya", "tujuan_terminal": "Giwangan", "kota_tujuan": "Jogja"}
    verdicts = await pushed(world, record(), record(**to_yogya, **PAPERS))
    assert told(verdicts) == [("NEW", None), ("REFUSED", "DESTINATION_MISMATCH")]


async def test_the_departure_of_a_motorcycle_tells_of_its_hand_over(world: World) -> None:
    await world.route(service="MOTORCYCLE", departs_at=SOON)
    assert told(await pushed(world, state(3, **PAPERS))) == [("NEW", None)]
    assert await world.changes("kind, from_status, to_status") == [
        ("REGISTRANT_MOVED", None, "REGISTERED"),
        ("REGISTRANT_MOVED", "REGISTERED", "VERIFIED"),
        ("MOTORCYCLE_HANDED_OVER", None, None),
        ("REGISTRANT_MOVED", "VERIFIED", "DEPARTED"),
    ]
    assert await world.run("SELECT handed_over_at, departed_at FROM registrant") == [(NOW, NOW)]


async def test_the_route_says_that_it_is_for_motorcycles(world: World) -> None:
    await world.route(service="MOTORCYCLE")
    [no_papers, half] = await pushed(world, record(), record(2, nomor_polisi="B 1"))
    assert (no_papers.code, no_papers.column) == ("MOTORCYCLE_REQUIRED", "nomor_polisi")
    assert half.code == "MOTORCYCLE_REQUIRED"
    await pushed(world, record(3, **PAPERS))
    # What is known by its route need not bring its papers again.
    assert told(await pushed(world, state(2, 3))) == [("UPDATED", None)]


# --- whose it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["bumn-satu", "BUMN-SATU", "  Bumn-Satu ", None, ""])
async def test_a_coordinator_names_its_member(world: World, source: str | None) -> None:
    await world.route(organizer="jasa-raharja")
    [verdict] = await pushed(world, record(source=source), caller=JASA_RAHARJA)
    assert (verdict.result, verdict.organizer) == (Result.NEW, "bumn-satu" if source else "jasa-raharja")
    assert await world.one("SELECT organizer_code FROM registrant") == verdict.organizer


async def test_a_source_by_name(world: World) -> None:
    await world.run("UPDATE organizer SET name = 'PT BUMN  Satu (Persero)' WHERE code = 'bumn-satu'")
    await world.route(organizer="bumn-satu")
    for number, caller in enumerate((JASA_RAHARJA, BUMN), start=1):
        [verdict] = await pushed(world, record(number, source="pt bumn satu (persero)"), caller=caller)
        assert (verdict.result, verdict.organizer) == (Result.NEW, "bumn-satu")


@pytest.mark.parametrize("source", ["djka", "DJKA", "jasa-raharja", "nowhere", "\x00"])
async def test_a_source_that_is_not_ones_own(world: World, source: str) -> None:
    await world.route(organizer="bumn-satu")
    async with world.unchanged():
        [refused] = await pushed(world, record(source=source), caller=BUMN)
    assert (refused.code, refused.column) == ("NOT_YOURS", "source")


async def test_who_only_looks_on_owns_nothing(world: World) -> None:
    await world.route()
    looking_on = replace(HUBDAT, owns_nothing=True)
    async with world.unchanged():
        verdicts = await pushed(world, record(), record(source="hubdat"), caller=looking_on)
    assert told(verdicts) == [("REFUSED", "NOT_YOURS")] * 2


# --- batches ----------------------------------------------------------------------------------------------------------


async def test_a_refusal_touches_no_neighbour(world: World) -> None:
    await world.route(quota=2)
    poison = "\x00\ud800"
    verdicts = await pushed(
        world,
        record(1),
        record(2, data_pemesan=poison),
        record(3, rute_perjalanan=poison),
        record(4, kota_tujuan=poison),
        record(5, data_nik=int(nik_of(5))),
        "no record",
        record(6, tujuan_terminal={"name": "Tirtonadi"}),
        record(7, tipe_keberangkatan=True),
        record(8, nomor_polisi=poison, nomor_stnk=poison),
        record(9, kode_booking=poison),
        state(2, 10),
        record(11),
    )
    assert [one.result for one in verdicts] == ["NEW", *["REFUSED"] * 9, "NEW", "REFUSED"]
    assert [one.column for one in verdicts[1:10]] == [
        "data_pemesan",
        "rute_perjalanan",
        "kota_tujuan",
        "data_nik",
        None,
        "tujuan_terminal",
        "tipe_keberangkatan",
        "nomor_polisi",
        "kode_booking",
    ]
    assert verdicts[11].code == "QUOTA_FULL"
    assert await world.count("route") == 1
    assert await world.count("registrant") == 2


async def test_many_callers_share_a_batch(world: World) -> None:
    from app.registry.rows import reception

    for caller in (HUBDAT, DJKA):
        await world.route(organizer=caller.organizer)
    pushes = [
        Push(HUBDAT, row_of(record(1, source="hubdat"))),
        Push(DJKA, row_of(record(2, source="djka"))),
        Push(DJKA, row_of(record(1))),
        Push(HUBDAT, row_of(record(3, source="djka"))),
    ]
    verdicts = await world.database.attempt(lambda session: reception.push(session, world.vault, pushes, NOW))
    assert told(verdicts) == [
        ("NEW", None),
        ("NEW", None),
        ("REFUSED", "NIK_ALREADY_REGISTERED"),
        ("REFUSED", "NOT_YOURS"),
    ]
    assert await world.run("SELECT organizer_code FROM registrant ORDER BY id") == [("hubdat",), ("djka",)]


async def test_the_statements_do_not_depend_on_the_records(world: World) -> None:
    await world.route(departs_at=SOON)
    await world.way_back()
    await pushed(world, *(state(1, number) for number in range(100, 130)))

    async def issued_by(count: int, first: int) -> int:
        """New and known ones, both ways, ends, unknown routes and refusals."""
        records = [
            one
            for number in range(count)
            for one in (
                state(2, first + number),
                state(1, first + number, **WAY_BACK),
                state(3, 100 + number),
                state(5, 110 + number),
                state(1, first + 500 + number, **TO_WONOGIRI | {"tujuan_terminal": f"Terminal {first} {number}"}),
                state(1, first + 900 + number, data_pemesan=""),
            )
        ]
        with world.statements() as issued:
            await pushed(world, *records)
        return len(issued)

    few, many = await issued_by(1, 2_000), await issued_by(10, 4_000)
    assert few == many <= MOST_STATEMENTS
    with world.statements() as issued:
        await pushed(world, state(2, 2_000), state(2, 4_000))
    # Seasons, names, routes, and what is known: nothing is locked for who stands where the record says.
    assert len(issued) == 4


async def test_no_records_no_verdicts(world: World) -> None:
    async with world.unchanged():
        assert await pushed(world) == []


@pytest.mark.parametrize("seasons", [1, 0])
async def test_without_an_open_season_nothing_is_taken(world: World, seasons: int) -> None:
    await world.route()
    if seasons:
        await world.close()
    else:
        await world.run("DELETE FROM route")
        await world.run("DELETE FROM registration_window")
        await world.run("DELETE FROM season")
    verdicts = await pushed(world, record(1), record(2, data_nik="x"))
    assert told(verdicts) == [("REFUSED", "SEASON_CLOSED")] * 2
    assert await world.count("registrant") == 0


async def test_what_it_says_holds_no_nik_and_no_name(world: World) -> None:
    await world.route()
    nobody = Caller("x", "hubdat")
    spellings = [nik_of(1), f"'{nik_of(1)}", int(nik_of(1)), nik_of(1)[:15], f"{nik_of(1)}0"]
    verdicts = await pushed(
        world,
        *(record(data_nik=spelling, data_pemesan="Siti Rahasia") for spelling in spellings),
        *(record(**{column: nik_of(1)}) for column in record() if column != "data_nik"),
        caller=nobody,
    )
    for verdict in verdicts:
        said = f"{verdict.message()} {verdict.message('en')} {verdict!r} {verdict.refusal!r}"
        assert nik_of(1)[:15] not in said
        assert "Rahasia" not in said
