"""`POST /legacy/cek-nik`: last year's answer over this year's check."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.models.enums import RegistrantStatus
from tests.intake.knocking import Doors, opened
from tests.registry.rows.records import WAY_BACK, pushed, record
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

PATH = "/legacy/cek-nik"
PAPERS = {"nomor_polisi": "B 1", "nomor_stnk": "1"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    async with opened(world) as api:
        for organizer in ("hubdat", "djka"):
            await api.token(organizer)
        yield api


def row(**changes: Any) -> dict[str, Any]:
    return {
        "data_nik": nik_of(1),
        "data_pemesan": None,
        "rute_perjalanan": None,
        "keberangkatan_terminal": None,
        "tujuan_terminal": None,
        "kota_keberangkatan": None,
        "kota_tujuan": None,
        "tipe_keberangkatan": "Arus mudik",
        "tanggal_pendaftaran": "2026-03-02",
        "status_pemesanan_tittle": "Terdaftar",
        "status_pemesanan_code": 1,
        "source": "HUBDAT",
    } | changes


OWN = {
    "data_pemesan": "Warga Contoh",
    "rute_perjalanan": "Jakarta - Solo",
    "keberangkatan_terminal": "Pulo Gebang",
    "tujuan_terminal": "Tirtonadi",
    "kota_keberangkatan": "Kota Jakarta Timur",
    "kota_tujuan": "Kota Surakarta",
}


async def test_nobody(api: Doors) -> None:
    answer = await api.send(PATH, {"nik": nik_of(1)})
    assert answer.status_code == 200
    assert answer.json() == {"status_code": 404, "status_message": "NIK belum terdaftar.", "data": []}


async def test_the_nik_may_be_called_as_in_the_standard(api: Doors, world: World) -> None:
    """Last year's clients send the whole row."""
    await world.registered(someone(HUBDAT, await world.route()))
    whole = row(**OWN)
    for sent in ({"data_nik": nik_of(1)}, whole, {"nik": nik_of(1), "data_nik": nik_of(1)}, {**whole, "nik": None}):
        assert (await api.send(PATH, sent)).json()["data"] == [whole]
    form = f"data_nik={nik_of(1)}&data_pemesan=Warga".encode()
    answer = await api.send(PATH, form, Content_Type="application/x-www-form-urlencoded")
    assert answer.json()["data"] == [whole]


async def test_two_niks_are_refused(api: Doors, world: World) -> None:
    async with world.unchanged("nik_access"):
        answer = await api.send(PATH, {"nik": nik_of(1), "data_nik": nik_of(2)})
    told = {"code": "BAD_REQUEST", "message": "nik dan data_nik berbeda; kirim satu saja.", "field": "nik"}
    assert (answer.status_code, answer.json()["error"]) == (400, told)


async def test_ones_own_with_all_columns_and_foreign_ones_without(api: Doors, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    assert (await api.send(PATH, {"nik": nik_of(1)})).json() == {
        "status_code": 200,
        "status_message": "NIK sudah terdaftar.",
        "data": [row(**OWN)],
    }
    foreign = await api.send(PATH, {"nik": nik_of(1)}, organizer="djka", Accept_Language="en")
    assert foreign.json() == {"status_code": 200, "status_message": "The NIK is registered.", "data": [row()]}
    assert not [word for word in ("Warga", "Jakarta", "Tirtonadi", "Solo") if word in foreign.text]


async def test_a_token_for_checks_alone_reads_no_names(api: Doors, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    answer = await api.send(PATH, {"nik": nik_of(1)}, scopes=("nik:check",))
    assert answer.json()["data"] == [row()]


async def test_every_way_that_a_nik_stands(api: Doors, world: World) -> None:
    await world.route()
    await world.way_back()
    await world.route(service="MOTORCYCLE", organizer="djka")
    await pushed(world, record(), record(**WAY_BACK))
    await pushed(world, record(**PAPERS, status_pemesanan_code=2), caller=DJKA)
    data = (await api.send(PATH, {"nik": nik_of(1)})).json()["data"]
    assert [(one["tipe_keberangkatan"], one["source"], one["data_pemesan"]) for one in data] == [
        ("Arus mudik", "HUBDAT", "Warga Contoh"),
        ("Arus balik", "HUBDAT", "Warga Contoh"),
        ("Arus mudik", "DJKA", None),
    ]
    assert data[1]["rute_perjalanan"] == "Solo - Jakarta"
    assert (data[2]["status_pemesanan_code"], data[2]["status_pemesanan_tittle"]) == (2, "Terverifikasi pendaftaran")


async def test_a_blocked_nik(api: Doors, world: World) -> None:
    await world.policy("hubdat", verify_within_days=7)
    one = await world.registered(someone(HUBDAT, await world.route()))
    await world.moved(one.id, RegistrantStatus.FORFEITED)
    assert (await api.send(PATH, {"nik": nik_of(1)}, organizer="djka")).json() == {
        "status_code": 403,
        "status_message": "NIK diblokir.",
        "data": [],
    }


async def test_with_the_allowance_used_up(api: Doors, world: World) -> None:
    """HTTP says 200, as of every check, and nothing is told of the NIK, whoever holds it."""
    await world.registered(someone(HUBDAT, await world.route()))
    await world.run("UPDATE nik_allowance SET set_per_day = 0")
    for number in (1, 2):
        answer = await api.send(PATH, {"nik": nik_of(number)}, organizer="djka")
        assert answer.status_code == 200
        assert answer.json() == {
            "status_code": 429,
            "status_message": (
                "NIK ini tidak diperiksa: jatah pemeriksaan NIK penyelenggara hari ini sudah habis."
                " Kirim pendaftarannya; keputusannya diberikan saat itu."
            ),
            "data": [],
        }
    assert (await api.send(PATH, {"nik": nik_of(1)})).json()["data"] == [row(**OWN)]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("x", "harus 16 angka"),
        (int(nik_of(1)), "dikirim sebagai bilangan"),
        (True, "harus 16 angka"),
        (["x"], "harus 16 angka"),
        (nik_of(1)[:6] + "310290" + nik_of(1)[12:], "tanggal lahir itu tidak ada"),
    ],
    ids=range(5),
)
async def test_what_is_no_nik(api: Doors, sent: object, reason: str) -> None:
    content = (await api.send(PATH, {"nik": sent})).json()
    assert (content["status_code"], content["data"]) == (422, [])
    assert reason in content["status_message"]


async def test_a_form(api: Doors, world: World) -> None:
    await world.registered(someone(HUBDAT, await world.route()))
    for spelling in (nik_of(1), f"'{nik_of(1)}", nik_of(1)[:6] + "+" + nik_of(1)[6:]):
        answer = await api.send(PATH, f"nik={spelling}".encode(), Content_Type=FORM)
        assert answer.json()["data"] == [row(**OWN)]


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"{}", "application/json", 400),
        (b'{"nik": null}', "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{", "application/json", 400),
        (b"", FORM, 400),
        (b"nik=%ff", FORM, 400),
        (b"&".join([b"a=1"] * 21), FORM, 400),
        (b"{}", "text/plain", 415),
        (b"nik=" + b"%39" * 6_000, FORM, 413),
        (b'{"nik": "' + b"9" * 17_000 + b'"}', "application/json", 413),
    ],
    ids=range(10),
)
async def test_what_is_no_request(api: Doors, world: World, content: bytes, media: str, status: int) -> None:
    async with world.unchanged("nik_access", "check_budget"):
        answer = await api.send(PATH, content, Content_Type=media)
    assert answer.status_code == status


async def test_it_is_a_check_like_any_other(api: Doors, world: World) -> None:
    """It is one look in the access log and one check of the budget, in every direction and service."""
    await world.registered(someone(HUBDAT, await world.route()))
    await api.send(PATH, {"nik": nik_of(1)}, organizer="djka")
    looks = """SELECT organizer_code, purpose, direction, service, outcome FROM nik_access
        WHERE organizer_code = 'djka' ORDER BY id"""
    assert await world.run(looks) == [("djka", "CHECK", None, None, "REGISTERED")]
    index = world.vault.blind_index(nik_of(1))
    of_this = "SELECT count(*) FROM nik_access WHERE nik_index = :index AND purpose = 'CHECK'"
    assert await world.one(of_this, index=index) == 1
    of_djka = "client_id LIKE 'djka-%' AND client_id <> 'djka-test'"
    assert await world.one(f"SELECT tokens FROM check_budget WHERE {of_djka}") == 4999

    await world.run(f"UPDATE check_budget SET tokens = 0, refilled_at = :now WHERE {of_djka}", now=NOW)
    async with world.unchanged("nik_access"):
        answer = await api.send(PATH, {"nik": nik_of(1)}, organizer="djka")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "TOO_MANY_CHECKS")
    assert answer.headers["retry-after"] == "1"


async def test_without_an_open_season(api: Doors, world: World) -> None:
    await world.close()
    answer = await api.send(PATH, {"nik": nik_of(1)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_who_may(api: Doors, world: World) -> None:
    scopes = ("registrants:read", "registrants:write")
    await api.token("hubdat", scopes)
    answer = await api.send(PATH, {"nik": nik_of(1)}, scopes=scopes)
    assert (answer.status_code, answer.headers["www-authenticate"][-17:]) == (403, 'scope="nik:check"')
    assert (await api.http.post(PATH, json={"nik": nik_of(1)})).status_code == 401
    assert (await api.send(PATH, {}, method="GET")).status_code == 405
    assert await world.count("nik_access") == 0


async def test_no_nik_in_a_log(api: Doors, capsys: pytest.CaptureFixture[str]) -> None:
    await api.send(PATH, {"nik": nik_of(1)})
    await api.send(PATH, {"nik": nik_of(1) + "0"})
    await api.http.post(f"{PATH}?nik={nik_of(1)}", json={"nik": nik_of(1)})
    said = "".join(capsys.readouterr())
    assert "legacy" in said
    assert nik_of(1) not in said
