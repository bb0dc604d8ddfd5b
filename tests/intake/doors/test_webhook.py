"""`POST /webhook/pemudik`: one record or many, a verdict each, and what is refused before anything is done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.errors import Unavailable
from app.registry.rows import reception
from tests.intake.knocking import Doors, opened
from tests.registry.rows.records import TO_WONOGIRI, record, state
from tests.world import DJKA, HUBDAT, LEAVES, NOW, SOON, World, nik_of, someone

pytestmark = pytest.mark.anyio

PATH = "/webhook/pemudik"


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    async with opened(world) as api:
        await api.token()
        yield api


def entry(number: int, hasil: str, **others: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("kode", "kolom", "pesan", "id", "penyelenggara", "status_pemesanan_code", "kode_booking"))
    nothing["coba_lagi_detik"] = None
    return {"nomor": number, "hasil": hasil, "peringatan": [], "perbedaan": [], **nothing} | others


async def test_one_record(api: Doors, world: World) -> None:
    await world.route()
    answer = await api.send(PATH, record(kode_booking=" BK-1 ", unknown="ignored"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    registrant_id = await world.one("SELECT id::text FROM registrant")
    told = {"id": registrant_id, "penyelenggara": "hubdat", "status_pemesanan_code": 1, "kode_booking": "BK-1"}
    assert answer.json() == {
        "jumlah": 1,
        "ringkasan": {"diterima": 1, "diperbarui": 0, "tidak_berubah": 0, "usang": 0, "ditolak": 0},
        "hasil": [entry(1, "diterima", **told)],
    }


async def test_a_route_that_has_left_takes_nobody(api: Doors, world: World) -> None:
    await world.route(departs_at=NOW - timedelta(days=1))
    async with world.unchanged():
        [told] = (await api.send(PATH, record())).json()["hasil"]
    assert (told["hasil"], told["kode"], told["kolom"]) == ("ditolak", "ROUTE_DEPARTED", "rute_perjalanan")
    assert (
        told["pesan"] == "rute_perjalanan: Rute ini sudah berangkat pada 1 Maret 2026 pukul 09.00 WIB; pilih rute lain."
    )


@pytest.mark.parametrize(
    ("places", "warnings", "again"),
    [
        ({}, [], []),
        ({"tujuan_terminal": "Term. TIRTONADI", "kota_tujuan": "Solo"}, [], []),
        ({"kota_tujuan": "Yogyakarta"}, ["CITY_DIFFERS"], ["CITY_DIFFERS"]),
        ({"tujuan_terminal": "Giri Adipura"}, ["TERMINAL_DIFFERS"], []),
        ({"keberangkatan_terminal": "Kampung Rambutan"}, ["TERMINAL_DIFFERS"], []),
        ({"kota_tujuan": "Yogyakarta", "tujuan_terminal": "Giwangan"}, ["ROUTE_PROVISIONAL"], []),
    ],
)
async def test_who_lands_on_another_trip_than_the_row_says_is_told_so(
    api: Doors, world: World, places: dict[str, str], warnings: list[str], again: list[str]
) -> None:
    await world.route()
    [told] = (await api.send(PATH, record(**places))).json()["hasil"]
    assert (told["hasil"], told["peringatan"]) == ("diterima", warnings)
    assert (told["pesan"] is None) == (not warnings)
    # Another person on the provisional route is told so as well, and nobody is told twice.
    [other] = (await api.send(PATH, record(2, **places))).json()["hasil"]
    [same] = (await api.send(PATH, record(**places))).json()["hasil"]
    assert (other["peringatan"], same["hasil"], same["peringatan"]) == (warnings, "tidak_berubah", again)
    assert await world.run("SELECT count(DISTINCT route_id) FROM registrant") == [(1,)]


async def test_where_the_people_land_is_said_in_both_languages(api: Doors, world: World) -> None:
    await world.route()
    both = [await api.send(PATH, record(1, **TO_WONOGIRI), Accept_Language=language) for language in ("id", "en")]
    english = await api.send(PATH, record(2, **TO_WONOGIRI), Accept_Language="en")
    assert both[0].json()["hasil"][0]["pesan"] == (
        "Rute ini tidak dikenal, jadi pendaftaran ini masuk ke rute sementara tanpa kuota. Periksa nama dan tempatnya."
    )
    assert both[1].json()["hasil"][0]["pesan"] is None
    assert english.json()["hasil"][0]["pesan"] == (
        "This route is not known, so the registration is on a provisional route without a quota. Check name and places."
    )


async def test_a_row_with_the_right_nik_says_who_stands_under_the_wrong_one(api: Doors, world: World) -> None:
    await world.route()
    booked = {"kode_booking": "BK-1"}
    [wrong] = (await api.send(PATH, record(1, **booked))).json()["hasil"]
    [right] = (await api.send(PATH, record(2, **booked))).json()["hasil"]
    assert (right["hasil"], right["peringatan"]) == ("diterima", ["NIK_DIFFERS"])
    assert right["pesan"] == (
        "Orang dengan nama dan kode booking yang sama sudah terdaftar pada Anda dengan NIK lain (id pendaftaran:"
        f" {wrong['id']}); keduanya kini terdaftar. Bila orangnya sama, batalkan pendaftaran yang NIK-nya salah: kirim"
        " barisnya dengan kode 5, atau batalkan di halaman Pendaftar atau lewat aplikasi Anda."
    )
    english = (await api.send(PATH, record(3, **booked), Accept_Language="en")).json()["hasil"][0]["pesan"]
    assert english == (
        "Somebody of the same name and booking code is already registered with you under another NIK (id of the"
        f" registration: {wrong['id']}, {right['id']}); both are registered now. If the two are one person, cancel the"
        " registration with the wrong NIK: send its row with code 5, or cancel it on the page Pendaftar or by"
        " cancelRegistrant."
    )


async def test_a_row_that_leaves_an_infant_alone_says_so(api: Doors, world: World) -> None:
    route = await world.route()
    for number in (1, 2):
        await world.registered(someone(HUBDAT, route, number, reference="BK-1"))
    infant = someone(HUBDAT, route, nik="3201011001259003", identity_document="KK", lap_infant=True, reference="BK-1")
    child = await world.registered(infant)
    [first] = (await api.send(PATH, state(5, 1, kode_booking="BK-1"))).json()["hasil"]
    [second] = (await api.send(PATH, state(5, 2, kode_booking="BK-1"))).json()["hasil"]
    assert (first["hasil"], first["peringatan"]) == ("diperbarui", [])
    assert (second["hasil"], second["peringatan"]) == ("diperbarui", ["LAP_INFANT_ALONE"])
    assert second["pesan"] == (
        "Bayi dalam booking ini kini tanpa pemegang kursi pada rutenya; batalkan atau pindahkan bayinya."
    )
    assert await world.status(child.id) == "REGISTERED"


async def test_a_departure_beyond_the_season_makes_no_route(api: Doors, world: World) -> None:
    async with world.unchanged("registrant", "route", "terminal"):
        [told] = (await api.send(PATH, record(waktu_keberangkatan="2027-03-16 09:00"))).json()["hasil"]
    assert (told["hasil"], told["kode"], told["kolom"]) == ("ditolak", "INVALID_VALUE", "waktu_keberangkatan")
    assert told["pesan"] == (
        "waktu_keberangkatan: Periode ini berakhir 30 April 2026; waktu ini paling lambat 30 hari sesudahnya."
    )


async def test_a_closed_window_says_when_to_come_back(api: Doors, world: World) -> None:
    await world.route()
    await world.window("hubdat", NOW + timedelta(hours=1))
    async with world.unchanged():
        [told] = (await api.send(PATH, record(tanggal_pendaftaran="2026-03-02 08:00"))).json()["hasil"]
    assert (told["kode"], told["coba_lagi_detik"]) == ("REGISTRATION_CLOSED", 3601)
    assert told["pesan"].endswith("; jadwal berikutnya mulai 2 Maret 2026 pukul 10.00 WIB.")


async def test_who_registered_before_the_window_that_is_open_now_is_told_of_no_time_to_come(
    api: Doors, world: World
) -> None:
    await world.route()
    await world.window("hubdat", NOW - timedelta(hours=1))
    async with world.unchanged():
        [told] = (await api.send(PATH, record(tanggal_pendaftaran="2026-03-01"))).json()["hasil"]
    assert (told["kode"], told["coba_lagi_detik"]) == ("REGISTRATION_CLOSED", None)
    assert told["pesan"].endswith("; jadwal berikutnya mulai 2 Maret 2026 pukul 08.00 WIB.")


async def test_a_day_without_a_time_is_inside_when_the_window_opens_at_eight(api: Doors, world: World) -> None:
    await world.route()
    await world.window("hubdat", NOW - timedelta(hours=1))
    sent = [record(1), record(2, tanggal_pendaftaran="2026-03-02 07:59"), record(3, tanggal_pendaftaran="2026-03-01")]
    told = (await api.send(PATH, sent)).json()["hasil"]
    assert [(one["hasil"], one["kode"]) for one in told] == [
        ("diterima", None),
        ("ditolak", "REGISTRATION_CLOSED"),
        ("ditolak", "REGISTRATION_CLOSED"),
    ]


async def test_what_arrives_days_after_the_window_has_closed_is_refused(api: Doors, world: World) -> None:
    await world.route()
    await world.window("hubdat", NOW - timedelta(days=10), NOW - timedelta(days=3))
    async with world.unchanged():
        [told] = (await api.send(PATH, record(tanggal_pendaftaran="2026-02-26"))).json()["hasil"]
    assert (told["hasil"], told["kode"], told["kolom"]) == ("ditolak", "ARRIVED_LATE", "tanggal_pendaftaran")
    assert told["pesan"] == (
        "tanggal_pendaftaran: Data pendaftaran ini tiba lebih dari 2 hari setelah pendaftaran ditutup;"
        " kirim lebih awal."
    )


async def test_a_registration_that_its_own_end_has_overtaken_is_stale(api: Doors, world: World) -> None:
    await world.route(quota=1)
    await api.send(PATH, state(5, kode_booking="BK-1"))
    async with world.unchanged():
        [told] = (await api.send(PATH, record(kode_booking="BK-1"))).json()["hasil"]
    assert (told["hasil"], told["kode"], told["id"]) == ("usang", "STALE", None)
    assert told["pesan"] == "Data ini lebih lama: di registri statusnya sudah Batal."
    assert (await world.count("registrant"), await world.taken()) == (0, 0)


async def test_nobody_is_aboard_days_before_the_route_leaves(
    api: Doors, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.route()
    await api.send(PATH, [state(1, 1), state(2, 2)])
    opens = LEAVES - timedelta(days=1)
    async with world.unchanged():
        answer = (await api.send(PATH, [state(3, 1), state(3, 2)])).json()
    assert answer["ringkasan"]["ditolak"] == 2
    for told, status in zip(answer["hasil"], (1, 2), strict=True):
        assert (told["kode"], told["kolom"]) == ("DEPARTURE_NOT_BEGUN", "status_pemesanan_code")
        assert told["coba_lagi_detik"] == 13 * 24 * 3600 + 1
        assert (told["status_pemesanan_code"], told["peringatan"]) == (status, [])
        assert told["pesan"] == (
            "status_pemesanan_code: Keberangkatan rute ini baru dapat dicatat mulai 15 Maret 2026 pukul 09.00 WIB,"
            " 24 jam sebelum jadwalnya."
        )
    monkeypatch.setattr("app.clock.now", lambda: opens)
    api.tokens.clear()
    [told] = (await api.send(PATH, state(3, 2))).json()["hasil"]
    assert (told["hasil"], told["status_pemesanan_code"]) == ("diperbarui", 3)


async def test_of_a_new_person_only_the_status_is_refused(api: Doors, world: World) -> None:
    await world.route()
    [told] = (await api.send(PATH, state(3))).json()["hasil"]
    assert (told["hasil"], told["kode"], told["status_pemesanan_code"]) == ("ditolak", "DEPARTURE_NOT_BEGUN", 1)
    assert told["peringatan"] == ["STATUS_ALONE_REFUSED"]
    assert told["pesan"].endswith(" Orang ini didaftarkan oleh baris ini; hanya statusnya yang ditolak.")
    assert await world.run("SELECT id::text, status FROM registrant") == [(told["id"], "REGISTERED")]


async def test_the_instant_of_the_list_says_who_can_be_aboard(
    api: Doors, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of two days before the departure comes when the route has left."""
    await world.route()
    await api.send(PATH, [state(2, 1), state(2, 2)])
    monkeypatch.setattr("app.clock.now", lambda: LEAVES + timedelta(hours=1))
    api.tokens.clear()
    await api.token()
    early, late = (f"{PATH}?changes=APPLY&asOf=2026-03-{day}T08:00:00%2B07:00" for day in ("14", "16"))
    async with world.unchanged():
        [told] = (await api.send(early, state(3, 1))).json()["hasil"]
    assert (told["kode"], told["coba_lagi_detik"]) == ("DEPARTURE_NOT_BEGUN", None)
    [told] = (await api.send(late, state(3, 2))).json()["hasil"]
    assert told["hasil"] == "diperbarui"
    assert await world.run("SELECT departed_at FROM registrant WHERE status = 'DEPARTED'") == [
        (LEAVES - timedelta(hours=1),)
    ]


async def test_a_route_without_a_time_of_departure_may_leave_at_any_time(api: Doors, world: World) -> None:
    await world.route(departs_at=None)
    [told] = (await api.send(PATH, state(3))).json()["hasil"]
    assert (told["hasil"], told["status_pemesanan_code"]) == ("diterima", 3)


async def test_an_array_has_a_verdict_for_each_in_order(api: Doors, world: World) -> None:
    await world.route(departs_at=SOON)
    await api.send(PATH, [state(2, 2), state(1, 3), state(2, 4)])
    answer = (
        await api.send(
            PATH,
            [
                record(1, kode_booking="BK-1"),
                state(1, 2, kode_booking="BK-2"),
                state(3, 3),
                state(2, 4),
                record(5, data_nik=int(nik_of(5)), kode_booking=nik_of(5)),
                "x",
                state(5, 6, kode_booking="BK-6"),
            ],
        )
    ).json()
    assert [(one["hasil"], one["kode"], one["kolom"], one["kode_booking"]) for one in answer["hasil"]] == [
        ("diterima", None, None, "BK-1"),
        ("usang", "STALE", None, "BK-2"),
        ("diperbarui", None, None, None),
        ("tidak_berubah", None, None, None),
        ("ditolak", "NIK_INVALID", "data_nik", None),
        ("ditolak", "INVALID_VALUE", None, None),
        ("tidak_berubah", None, None, "BK-6"),
    ]
    assert [one["peringatan"] for one in answer["hasil"]][6:] == [["END_REMEMBERED"]]
    assert answer["hasil"][4]["pesan"] == (
        "data_nik: NIK tidak sah: dikirim sebagai bilangan, yang dapat kehilangan angka terakhirnya; kirim sebagai teks"
        " dalam tanda kutip."
    )
    assert answer["jumlah"] == 7
    assert answer["ringkasan"] == {"diterima": 1, "diperbarui": 1, "tidak_berubah": 2, "usang": 1, "ditolak": 2}


async def test_warnings_and_languages(api: Doors, world: World) -> None:
    await world.route()
    await api.send(PATH, record())
    answer = await api.send(PATH, record(**TO_WONOGIRI), Accept_Language="en")
    [one] = answer.json()["hasil"]
    assert (one["hasil"], one["peringatan"]) == ("tidak_berubah", ["ROUTE_DIFFERS"])
    assert one["pesan"].startswith("This person is already registered with you on another route")


async def test_a_thousand_records(api: Doors, world: World) -> None:
    await world.route(quota=990)
    answer = (await api.send(PATH, [record(number) for number in range(1000)])).json()
    assert answer["ringkasan"]["diterima"] == 990
    assert {one["kode"] for one in answer["hasil"][990:]} == {"QUOTA_FULL"}


async def test_single_records_of_many_callers_are_merged(api: Doors, world: World) -> None:
    for organizer in ("hubdat", "djka"):
        await world.route(organizer=organizer)
        await api.token(organizer)
    with world.statements() as issued:
        answers = await asyncio.gather(
            *(api.send(PATH, record(number), organizer=("hubdat", "djka")[number % 2]) for number in range(60))
        )
    assert {answer.json()["hasil"][0]["hasil"] for answer in answers} == {"diterima"}
    assert await world.run("SELECT organizer_code, count(*) FROM registrant GROUP BY 1 ORDER BY 1") == [
        ("djka", 30),
        ("hubdat", 30),
    ]
    assert sum("INSERT INTO registrant" in statement for statement in issued) < 20


# --- what is refused as a whole ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "BAD_REQUEST"),
        (b"{", "BAD_REQUEST"),
        (b"\xff\xfe", "BAD_REQUEST"),
        (b"[" * 100_000, "BAD_REQUEST"),
        (b"null", "BAD_REQUEST"),
        (b"5", "BAD_REQUEST"),
        (b'"x"', "BAD_REQUEST"),
        (b"[]", "NO_RECORDS"),
        (b"[" + b",".join([b"{}"] * 1001) + b"]", "TOO_MANY_RECORDS"),
    ],
    ids=range(9),
)
async def test_what_is_no_request(api: Doors, world: World, content: bytes, code: str) -> None:
    async with world.unchanged():
        answer = await api.send(PATH, content)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error.keys() == {"code", "message", "field"}
    assert error["code"] == code


async def test_an_empty_record_is_a_record(api: Doors) -> None:
    answer = await api.send(PATH, {})
    assert answer.status_code == 200
    assert answer.json()["hasil"][0]["kolom"] == "data_nik"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content_Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content_Type": "application/json; charset=latin-1"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Content_Encoding": "gzip"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"Idempotency_Key": ""}, 400, "IDEMPOTENCY_KEY_INVALID"),
        ({"Idempotency_Key": "x" * 256}, 400, "IDEMPOTENCY_KEY_INVALID"),
        ({"Authorization": "Bearer x"}, 401, "INVALID_TOKEN"),
        ({"Authorization": "Basic eDp4"}, 401, "UNAUTHORIZED"),
        ({"Authorization": "Bearer"}, 400, "INVALID_REQUEST"),
    ],
    ids=range(8),
)
async def test_headers(api: Doors, world: World, headers: dict[str, Any], status: int, code: str) -> None:
    await world.route()
    async with world.unchanged():
        answer = await api.send(PATH, record(), **headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    if status in {400, 401} and "Authorization" in headers:
        assert answer.headers["www-authenticate"].startswith('Bearer realm="pemudik"')


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
async def test_media_types_that_will_do(api: Doors, world: World, media: str) -> None:
    await world.route()
    assert (await api.send(PATH, record(), Content_Type=media)).status_code == 200


async def test_another_method(api: Doors) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await api.send(PATH, record(), method=method)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert answer.json()["error"]["message"] == "Alamat ini memakai POST."


async def test_without_the_scope(api: Doors, world: World) -> None:
    await world.route()
    await api.token("hubdat", ("nik:check", "registrants:read"))
    async with world.unchanged():
        answer = await api.send(PATH, record(), scopes=("nik:check", "registrants:read"), Accept_Language="en")
    assert answer.status_code == 403
    assert answer.headers["www-authenticate"].endswith('scope="registrants:write"')
    assert answer.json()["error"] == {
        "code": "INSUFFICIENT_SCOPE",
        "message": "The access token lacks a scope; WWW-Authenticate names it.",
        "field": None,
    }


async def test_without_a_token(api: Doors) -> None:
    answer = await api.http.post(PATH, json=record())
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="pemudik"')
    english = await api.http.post(PATH, json=record(), headers={"Accept-Language": "en"})
    assert [one.json()["error"] for one in (answer, english)] == [
        {"code": "UNAUTHORIZED", "message": message, "field": None}
        for message in (
            "Token akses diperlukan, di header Authorization: Bearer; minta yang baru pada /oauth/token.",
            "A bearer token is needed, see WWW-Authenticate; /oauth/token gives one.",
        )
    ]


async def test_a_body_that_is_too_large(api: Doors) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 400_000

    token = await api.token()
    for content in (b" " * 1_000_001, slowly()):
        answer = await api.http.post(
            PATH, content=content, headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        )
        assert (answer.status_code, "connection" in answer.headers) == (413, False)


async def test_a_body_that_does_not_arrive(world: World) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"["
        await asyncio.sleep(10)

    async with opened(world, body_timeout=0.05) as api:
        token = await api.token()
        answer = await api.http.post(
            PATH, content=never(), headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["error"]["code"]) == (408, "REQUEST_TIMEOUT")


async def test_a_database_that_is_away(api: Doors, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> None:
        raise Unavailable(7)

    await api.send(PATH, record())
    monkeypatch.setattr(reception, "push", away)
    requests: list[tuple[Any, dict[str, Any]]] = [
        (record(), {}),
        ([record(), record()], {}),
        (record(), {"Idempotency_Key": "k"}),
    ]
    for content, headers in requests:
        answer = await api.send(PATH, content, **headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
        assert answer.json()["error"]["code"] == "UNAVAILABLE"


async def test_what_takes_too_long_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: object, **__: object) -> None:
        await asyncio.sleep(10)

    monkeypatch.setattr(reception, "push", slow)
    async with opened(world, request_timeout=0.05) as api:
        answer = await api.send(PATH, [record(), record()])
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "TIMEOUT")


# --- poison -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("poison")
@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k"}])
async def test_a_poisoned_record_fails_alone(api: Doors, world: World, headers: dict[str, Any]) -> None:
    await world.route()
    records = [record(1), record(2, data_pemesan="Racun"), record(3)]
    answer = await api.send(PATH, records, **headers)
    assert answer.status_code == 200
    assert [(one["hasil"], one["kode"]) for one in answer.json()["hasil"]] == [
        ("diterima", None),
        ("ditolak", "INTERNAL_ERROR"),
        ("diterima", None),
    ]
    assert await world.count("registrant") == 2
    if headers:
        assert (await api.send(PATH, records, **headers)).json() == answer.json()


@pytest.mark.usefixtures("poison")
async def test_a_poisoned_single_record_is_a_bug(api: Doors, world: World) -> None:
    await world.route()
    neighbours = [api.send(PATH, record(number)) for number in range(2, 12)]
    answer, *others = await asyncio.gather(api.send(PATH, record(1, data_pemesan="Racun")), *neighbours)
    assert answer.status_code == 500
    assert answer.json().keys() == {"error", "id"}
    assert {other.json()["hasil"][0]["hasil"] for other in others} == {"diterima"}


# --- privacy ----------------------------------------------------------------------------------------------------------


async def test_nothing_of_a_person_is_told_or_logged(
    api: Doors, world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    # The client of this test writes the addresses that it asks for.
    caplog.set_level(logging.WARNING, "httpx")
    await world.route()
    records = [
        record(1, data_pemesan="Siti Rahasia", kode_booking="BK-1"),
        record(2, data_pemesan="Siti Rahasia", rute_perjalanan=nik_of(2)),
        record(3, data_pemesan="Siti Rahasia\x00", kode_booking=nik_of(3)),
        record(4, data_pemesan="Siti Rahasia", tanggal_pendaftaran="Siti Rahasia"),
    ]
    answers = [await api.send(PATH, one) for one in (records, *records, [records])]
    answers.append(await api.http.get(f"{PATH}?data_nik={nik_of(1)}&nama=Rahasia"))
    said = "\n".join(f"{answer.text} {answer.headers}" for answer in answers) + "".join(capsys.readouterr())
    assert "Rahasia" not in said
    assert not [number for number in range(1, 5) if nik_of(number) in said]
    assert '"operation": "webhook"' in said or "operation=webhook" in said


async def test_the_columns_are_the_standards(api: Doors, world: World) -> None:
    """The misspelt one too: the right spelling is a column that we do not know."""
    await world.route()
    known = record(status_pemesanan_code=None, status_pemesanan_tittle="terverifikasi pendaftaran")
    assert (await api.send(PATH, known)).json()["hasil"][0]["status_pemesanan_code"] == 2
    unknown = record(2, status_pemesanan_code=None) | {"status_pemesanan_title": "Terdaftar"}
    assert (await api.send(PATH, unknown)).json()["hasil"][0]["kolom"] == "status_pemesanan_code"
    assert await world.run("SELECT arrived_at FROM registrant") == [(NOW,)]


async def test_more_values_than_a_request_needs_are_not_parsed(api: Doors) -> None:
    answer = await api.send(PATH, b"[" + b",".join([b"{}"] * 150_000) + b"]")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "CONTENT_TOO_LARGE")


# --- moving and correcting --------------------------------------------------------------------------------------------

TO_YOGYA = {"rute_perjalanan": "Jakarta - Yogya", "tujuan_terminal": "Giwangan", "kota_tujuan": "Jogja"}
PERSON = {"kolom": "data_pemesan", "tersimpan": "Warga Contoh", "dikirim": "Warga Cntoh"}
ROUTE = [
    {"kolom": "rute_perjalanan", "tersimpan": "Jakarta - Solo", "dikirim": "Jakarta - Yogya"},
    {"kolom": "tujuan_terminal", "tersimpan": "Tirtonadi", "dikirim": "Giwangan"},
    {"kolom": "kota_tujuan", "tersimpan": "Kota Surakarta", "dikirim": "Jogja"},
]


async def test_a_row_reports_what_differs_or_applies_it(api: Doors, world: World) -> None:
    await world.route()
    await world.route("Jakarta - Yogya", destination="giwangan")
    await api.send(PATH, record())
    sent = record(data_pemesan="Warga Cntoh", **TO_YOGYA)
    async with world.unchanged():
        [told] = (await api.send(PATH, sent)).json()["hasil"]
    assert (told["hasil"], told["perbedaan"]) == ("tidak_berubah", [*ROUTE, PERSON])
    [told] = (await api.send(f"{PATH}?changes=APPLY", sent)).json()["hasil"]
    assert (told["hasil"], told["peringatan"], told["perbedaan"]) == ("diperbarui", [], [*ROUTE, PERSON])
    assert await world.taken("Jakarta - Yogya") == 1
    [told] = (await api.send(f"{PATH}?changes=APPLY&asOf=2026-03-02T08:00:00%2B07:00", record())).json()["hasil"]
    assert (told["hasil"], told["kode"]) == ("usang", "STALE")
    assert await world.taken("Jakarta - Yogya") == 1


@pytest.mark.parametrize("changes", ["REPORT", "APPLY"])
async def test_another_day_of_registration_is_told_and_never_applied(api: Doors, world: World, changes: str) -> None:
    await world.route()
    await api.send(PATH, record(tanggal_pendaftaran="2026-03-02 06:00"))
    async with world.unchanged():
        answer = await api.send(f"{PATH}?changes={changes}", record(tanggal_pendaftaran="2026-03-01"))
    [told] = answer.json()["hasil"]
    assert (told["hasil"], told["peringatan"]) == ("tidak_berubah", ["DAY_DIFFERS"])
    day = {"tersimpan": "2026-03-02 06:00:00 WIB", "dikirim": "2026-03-01 00:00:00 WIB"}
    assert told["perbedaan"] == [{"kolom": "tanggal_pendaftaran", **day}]


@pytest.mark.parametrize(
    "query",
    [
        "changes=CHANGE",
        "changes=APPLY&asOf=today",
        "changes=APPLY&asOf=0001-01-01T00:00:00%2B14:00",
        "changes=APPLY&asOf=9999-12-31T23:59:59-14:00",
        "asOf=2026-03-02T08:00:00Z",
        "changes=APPLY&asOf=2027-01-01T00:00:00Z",
    ],
)
async def test_what_cannot_be_asked_of_rows(api: Doors, world: World, query: str) -> None:
    await world.route()
    async with world.unchanged():
        assert (await api.send(f"{PATH}?{query}", record())).status_code == 400


@pytest.mark.parametrize("rows", [1, 2])
async def test_an_organizer_that_is_shut_out_is_told_when_to_come_back(api: Doors, world: World, rows: int) -> None:
    await world.route()
    await world.registered(someone(DJKA, await world.route("KA", organizer="djka")))
    await world.run("UPDATE nik_allowance SET set_per_day = 0")
    [told] = (await api.send(PATH, record())).json()["hasil"]
    assert (told["kode"], told["kolom"]) == ("NIK_UNDECIDED", "data_nik")
    async with world.unchanged():
        answer = await api.send(PATH, [record(data_nik=nik_of(number)) for number in range(5, 5 + rows)])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "54001")
    assert answer.json()["error"]["code"] == "UNAVAILABLE"
