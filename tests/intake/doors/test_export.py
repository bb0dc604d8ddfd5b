"""`GET /export.*` over HTTP, and back in as an import."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from app.auth import endpoints
from app.auth.callers import build_callers
from app.auth.signing import SigningKeys
from app.intake.doors import export
from app.intake.files.encoding_xlsx import Xlsx
from app.models.enums import RegistrantStatus
from app.process import build_process
from app.registry import erasure
from app.registry.registrants.lookup import Ref
from app.registry.registrants.motorcycles import Motorcycle
from app.registry.rows import extract
from app.registry.rows.extract import COLUMNS
from app.request_log import RequestLog
from tests.graphql.conftest import ISSUER, Api
from tests.intake.lists import as_csv, back, in_status, row, sent, worked_off
from tests.intake.sheets import read
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, LEAVES, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

S = RegistrantStatus
FORMATS = ("xlsx", "csv", "jsonl")
SIGNS = "=+-@＝＋－＠'"
STANDING = ("registrant", "route", "terminal", "duplicate_case", "nik_block")
EVERY_KIND = 19


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    keys = SigningKeys(lambda: world.vault.signing)
    process, callers = build_process(world.database, world.vault), build_callers(world.database, keys, ISSUER)
    application = Starlette(routes=[*endpoints.routes(world.database, keys, ISSUER), *export.routes(process, callers)])
    transport = httpx.ASGITransport(RequestLog(application))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        yield Api(http, world.database)


async def get(api: Api, path: str, caller: str = "hubdat", **parameters: str) -> httpx.Response:
    token = await api.token(caller)
    return await api.http.get(path, params=parameters, headers={"Authorization": f"Bearer {token}"})


async def rows(api: Api, caller: str = "hubdat", **parameters: str) -> list[dict[str, Any]]:
    answer = await get(api, "/export.jsonl", caller, **parameters)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def niks(api: Api, caller: str = "hubdat", **parameters: str) -> list[str]:
    return [row["data_nik"] for row in await rows(api, caller, **parameters)]


async def every_kind(world: World) -> None:
    """Of hubdat: both ways, two departures of one route, a motorcycle, every status, names that look like formulas."""
    home = await world.route()
    later = await world.route("Jakarta - Solo ", departs_at=LEAVES + timedelta(days=1))
    back = await world.way_back()
    truck = await world.route("Motor Jakarta - Solo", service="MOTORCYCLE", departs_at=LEAVES)
    await world.registered(someone(HUBDAT, home, 1, reference="BK-1", registered_at=NOW - timedelta(microseconds=1)))
    await world.registered(someone(HUBDAT, home, 2, return_route_id=back, identity_document="SIM"))
    await world.verified(someone(HUBDAT, later, 3))
    await world.registered(someone(HUBDAT, truck, 4, motorcycle=Motorcycle("B 1234 XYZ", "0123456/JT")))
    for number, status in enumerate((S.VERIFIED, S.DEPARTED, S.FORFEITED, S.CANCELLED, S.NO_SHOW), start=5):
        one = await world.registered(someone(HUBDAT, home, number))
        facts: dict[str, Any] = {"verified_at": NOW} if status in {S.VERIFIED, S.DEPARTED, S.NO_SHOW} else {}
        facts |= {"departed_at": NOW, "healthy": True} if status is S.DEPARTED else {}
        await world.put(one.id, status=status, **facts)
    for number, sign in enumerate(SIGNS, start=20):
        await world.registered(someone(HUBDAT, home, number, name=f"{sign}1+1 Warga"))


async def test_each_registrant_in_the_columns_of_the_standard_and_ours(api: Api, world: World) -> None:
    truck = await world.route("Motor Jakarta - Solo", service="MOTORCYCLE")
    papers = Motorcycle("B 1234 XYZ", "0123456/JT")
    await world.verified(someone(HUBDAT, truck, 1, motorcycle=papers, reference="BK-1"))
    assert await rows(api) == [
        {
            "data_nik": nik_of(1),
            "data_pemesan": "Warga Contoh",
            "rute_perjalanan": "Motor Jakarta - Solo",
            "keberangkatan_terminal": "Pulo Gebang",
            "tujuan_terminal": "Tirtonadi",
            "kota_keberangkatan": "Kota Jakarta Timur",
            "kota_tujuan": "Kota Surakarta",
            "tipe_keberangkatan": "Arus mudik",
            "tanggal_pendaftaran": "2026-03-02 09:00:00 WIB",
            "status_pemesanan_tittle": "Terverifikasi pendaftaran",
            "status_pemesanan_code": 2,
            "source": "hubdat",
            "kode_booking": "BK-1",
            "nomor_polisi": "B 1234 XYZ",
            "nomor_stnk": "0123456/JT",
            "jenis_dokumen": "KTP",
            "waktu_keberangkatan": "2026-03-16 09:00:00 WIB",
            "moda": "Bus",
            "waktu_verifikasi": "2026-03-02 09:00:00 WIB",
        }
    ]


@pytest.mark.parametrize("extension", FORMATS)
async def test_every_format_has_the_same_rows(api: Api, world: World, extension: str) -> None:
    await every_kind(world)
    answer = await get(api, f"/export.{extension}", all="true")
    expected = [
        [None if value is None else str(value) for value in row.values()] for row in await rows(api, all="true")
    ]
    assert len(expected) == EVERY_KIND
    assert (
        answer.headers["content-disposition"]
        == f'attachment; filename="pemudik-hubdat-2026-2026-03-02-standar-2024-03.{extension}"'
    )
    assert answer.headers["data-standard"] == "2024-03"
    media = {"xlsx": Xlsx.media, "csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}[extension]
    assert answer.headers["content-type"] == media
    assert answer.headers["cache-control"] == "no-store"
    if extension != "jsonl":
        found = read(answer.content)
        assert found.columns == list(COLUMNS)
        assert [cells for _, cells in found.rows] == expected


@pytest.mark.parametrize("extension", ["xlsx", "csv"])
async def test_sent_back_it_changes_nothing(api: Api, world: World, extension: str) -> None:
    await every_kind(world)
    content = (await get(api, f"/export.{extension}", all="true")).content
    async with world.unchanged(*STANDING):
        await sent(world, HUBDAT, content)
        job = await worked_off(world)
    assert (job.results, job.codes) == ({"UNCHANGED": EVERY_KIND}, {})


async def test_nothing_changes_either_when_somebody_registered_anew_after_an_end(api: Api, world: World) -> None:
    route = await world.route()
    first = await world.registered(someone(HUBDAT, route, 1, registered_at=NOW - timedelta(days=1)))
    await world.moved(first.id, S.CANCELLED)
    await world.registered(someone(HUBDAT, route, 1))
    ended = await world.registered(someone(HUBDAT, route, 2))
    await world.moved(ended.id, S.CANCELLED)
    found = await rows(api, all="true")
    assert [(row["data_nik"], row["status_pemesanan_code"]) for row in found] == [(nik_of(1), 1), (nik_of(2), 5)]
    content = (await get(api, "/export.csv", all="true")).content
    async with world.unchanged(*STANDING):
        await sent(world, HUBDAT, content)
        assert (await worked_off(world)).results == {"UNCHANGED": 2}


async def test_what_came_by_a_file_goes_back_by_one(api: Api, world: World) -> None:
    """On routes that the file made."""
    sent_in = [
        row(1, waktu_keberangkatan="2026-03-16 07:00", moda="Kereta api"),
        row(2, rute_perjalanan="JAKARTA–SOLO", tanggal_pendaftaran="02 Mar 2026 08:00:01 WIB"),
        row(3, nomor_polisi="AD 1234 XY", nomor_stnk="7654321", kode_booking="BK-3"),
        row(4, **in_status(3)),
        back(4),
    ]
    await sent(world, HUBDAT, as_csv(sent_in, COLUMNS))
    assert (await worked_off(world)).results == {"NEW": 5}
    content = (await get(api, "/export.xlsx")).content
    async with world.unchanged(*STANDING):
        await sent(world, HUBDAT, content)
        assert (await worked_off(world)).results == {"UNCHANGED": 5}


async def test_a_coordinators_export_sent_back_changes_nothing(api: Api, world: World) -> None:
    route = await world.route(organizer="jasa-raharja")
    await world.registered(someone(JASA_RAHARJA, route, 1))
    await world.registered(someone(JASA_RAHARJA, route, 2, member="bumn-satu"))
    content = (await get(api, "/export.csv", "jasa-raharja")).content
    async with world.unchanged(*STANDING):
        await sent(world, JASA_RAHARJA, content)
        assert (await worked_off(world)).results == {"UNCHANGED": 2}


# --- what is whose ----------------------------------------------------------------------------------------------------


async def test_nobody_has_anothers(api: Api, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route(), 1))
    await world.registered(someone(DJKA, await world.route("Jakarta - Yogya", organizer="djka"), 2))
    assert await niks(api) == [nik_of(1)]
    assert await niks(api, "djka") == [nik_of(2)]
    assert await niks(api, "dishub-dki") == []


async def test_a_coordinator_has_its_members_too_and_may_ask_for_one(api: Api, world: World) -> None:
    await world.registered(someone(BUMN, await world.route(organizer="bumn-satu"), 1))
    await world.registered(someone(JASA_RAHARJA, await world.route("JR", organizer="jasa-raharja"), 2))
    found = await rows(api, "jasa-raharja")
    assert [(row["data_nik"], row["source"]) for row in found] == [
        (nik_of(1), "bumn-satu"),
        (nik_of(2), "jasa-raharja"),
    ]
    assert await niks(api, "jasa-raharja", organizer="bumn-satu") == [nik_of(1)]
    assert await niks(api, "bumn-satu") == [nik_of(1)]
    for organizer, other in (("bumn-satu", "jasa-raharja"), ("jasa-raharja", "hubdat"), ("hubdat", "nobody")):
        headers = {"Authorization": f"Bearer {await api.token(organizer)}"}
        answer = await api.http.get("/export.csv", params={"organizer": other}, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "NOT_YOURS"


# --- what is asked for ------------------------------------------------------------------------------------------------


async def test_statuses_beyond_the_standard_come_on_request(api: Api, world: World) -> None:
    await every_kind(world)
    codes = {row["status_pemesanan_code"] for row in await rows(api)}
    every = [row["status_pemesanan_code"] for row in await rows(api, all="true")]
    assert codes == {1, 2, 3}
    assert {code: every.count(code) for code in (2, 3, 4, 5, 6)} == {2: 2, 3: 1, 4: 1, 5: 1, 6: 1}
    assert await rows(api, all="false") == await rows(api)


async def test_whoever_was_erased_is_left_out(api: Api, world: World) -> None:
    route = await world.route()
    kept, erased = [await world.registered(someone(HUBDAT, route, number)) for number in (1, 2)]
    async with world.database.transaction() as session:
        await erasure.erase(session, world.vault, HUBDAT, Ref(id=erased.id), "Permintaan peserta", NOW)
    assert await niks(api, all="true") == [kept.nik]


async def test_by_season_direction_and_day(api: Api, world: World) -> None:
    home, back = await world.route(), await world.way_back()
    await world.registered(someone(HUBDAT, home, 1, return_route_id=back))
    # 23:59:59.999999 and 00:00 WIB.
    await world.registered(someone(HUBDAT, home, 2, registered_at=NOW - timedelta(hours=9, microseconds=1)))
    await world.registered(someone(HUBDAT, home, 3, registered_at=NOW - timedelta(hours=9)))
    assert await niks(api, direction="BALIK") == [nik_of(1)]
    assert await niks(api, direction="mudik") == [nik_of(1), nik_of(2), nik_of(3)]
    assert await niks(api, day="2026-03-01") == [nik_of(2)]
    assert await niks(api, day="2026-03-02", direction="MUDIK") == [nik_of(1), nik_of(3)]
    assert len(await niks(api, season="2026")) == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("season", "x"),
        ("season", "99999999999999999999"),
        ("season", "1999"),
        ("direction", "NORTH"),
        ("day", "01/03/2026"),
        ("day", "9999-12-31"),
        ("all", "yes"),
        ("nik", nik_of(1)),
        ("semua", "1"),
    ],
)
async def test_a_parameter_that_is_written_wrongly_is_refused(api: Api, world: World, name: str, value: str) -> None:
    answer = await get(api, "/export.csv", **{name: value})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BAD_REQUEST"
    assert value not in answer.text


async def test_a_season_that_does_not_exist_is_not_an_empty_file(api: Api, world: World) -> None:
    await world.season(2025, date(2025, 4, 11))
    assert await niks(api, season="2025") == []
    for extension in FORMATS:
        answer = await get(api, f"/export.{extension}", season="2030")
        told = {"code": "NOT_FOUND", "message": "Periode tidak ditemukan; periksa kembali.", "field": "season"}
        assert (answer.status_code, answer.json()["error"]) == (404, told)


async def test_without_any_season_there_is_nothing_to_export(api: Api, world: World) -> None:
    await world.run("TRUNCATE season CASCADE")
    answer = await get(api, "/export.csv")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert answer.json()["error"]["field"] == "season"


async def test_only_whoever_may_read_registrants(api: Api, world: World) -> None:
    assert (await api.http.get("/export.xlsx")).status_code == 401
    token = await api.token("djka", ("registrants:write", "nik:check"))
    answer = await api.http.get("/export.xlsx", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert 'scope="registrants:read"' in answer.headers["www-authenticate"]
    assert (await api.http.post("/export.xlsx")).status_code == 405
    assert (await api.http.get("/export.ods")).status_code == 404


async def test_head_reads_nobody(api: Api, world: World) -> None:
    token = await api.token("hubdat")
    with world.statements() as issued:
        head = await api.http.head("/export.csv", headers={"Authorization": f"Bearer {token}"})
    assert (head.status_code, head.headers["content-type"], head.content) == (200, "text/csv; charset=utf-8", b"")
    assert [one for one in issued if "FROM registrant" in one] == []


# --- slice by slice ---------------------------------------------------------------------------------------------------


async def test_what_stood_at_the_start_is_there_once_while_others_come(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROWS_OF_A_SLICE", 2)
    route = await world.route()
    for number in range(1, 6):
        await world.registered(someone(HUBDAT, route, number))
    pages = extract.page
    asked: list[int] = []

    async def page(*how: Any, **what: Any) -> Any:
        found = await pages(*how, **what)
        asked.append(len(found))
        if len(asked) < 3:
            await world.registered(someone(HUBDAT, route, 100 + len(asked)))
        return found

    monkeypatch.setattr(extract, "page", page)
    assert await niks(api) == [nik_of(number) for number in (1, 2, 3, 4, 5, 101, 102)]
    assert asked == [2, 2, 2, 1]


async def test_no_transaction_is_open_while_a_slice_is_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "ROWS_OF_A_SLICE", 1)
    route = await world.route()
    for number in range(1, 4):
        await world.registered(someone(HUBDAT, route, number))
    process = build_process(world.database, world.vault)
    found = 0
    async for _ in export.slices(process, HUBDAT, "hubdat", extract.ExtractFilter(2026), NOW):
        found += 1
        open_ones = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' AND datname = current_database()"
        assert await world.one(open_ones) == 0
    assert found == 3
