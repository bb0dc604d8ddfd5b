"""Records of the 12 columns: each verdict, what it changed, and that what was refused changed nothing."""

from datetime import timedelta
from typing import Any

import pytest

from app.registry import feeds
from app.registry.feeds import Push, Result, Verdict, record_of
from app.registry.source import Caller
from tests.world import BUMN, DJKA, HUBDAT, JASA_RAHARJA, LEAVES, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

RECORD = {
    "data_nik": nik_of(1),
    "data_pemesan": "Warga Contoh",
    "rute_perjalanan": "Jakarta - Solo",
    "keberangkatan_terminal": "Pulo Gebang",
    "tujuan_terminal": "Tirtonadi",
    "kota_keberangkatan": "Kota Jakarta Timur",
    "kota_tujuan": "Kota Surakarta",
    "tipe_keberangkatan": "Arus mudik",
    "tanggal_pendaftaran": "2026-03-02",
    "status_pemesanan_tittle": None,
    "status_pemesanan_code": 1,
    "source": "hubdat",
}
MOST_STATEMENTS = 30


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    return RECORD | {"data_nik": nik_of(number)} | changes


def back(number: int = 1, **changes: Any) -> dict[str, Any]:
    """The way back of the same person."""
    ends = {
        "rute_perjalanan": "Solo - Jakarta",
        "keberangkatan_terminal": "Tirtonadi",
        "tujuan_terminal": "Pulo Gebang",
        "kota_keberangkatan": "Kota Surakarta",
        "kota_tujuan": "Kota Jakarta Timur",
        "tipe_keberangkatan": "ARUS BALIK",
    }
    return record(number, **ends | changes)


async def pushed(world: World, *records: Any, caller: Caller = HUBDAT, now: Any = NOW) -> list[Verdict]:
    pushes = [Push(caller, record_of(one)) for one in records]
    return await world.database.attempt(lambda session: feeds.push(session, world.vault, pushes, now))


def told(verdicts: list[Verdict]) -> list[tuple[str, str | None]]:
    return [(verdict.result.value, verdict.code) for verdict in verdicts]


async def test_a_person_is_registered_and_goes_on(world: World) -> None:
    await world.route()
    [new] = await pushed(world, record())
    assert (new.result, new.code, new.message(), new.organizer) == (Result.NEW, None, None, "hubdat")
    assert new.registrant_id is not None
    async with world.unchanged():
        assert told(await pushed(world, record())) == [("UNCHANGED", None)]
    assert told(await pushed(world, record(status_pemesanan_code="3"))) == [("UPDATED", None)]
    assert await world.changes("kind, from_status, to_status, client_id") == [
        ("REGISTRANT_MOVED", None, "REGISTERED", "hubdat-test"),
        ("REGISTRANT_MOVED", "REGISTERED", "VERIFIED", "hubdat-test"),
        ("REGISTRANT_MOVED", "VERIFIED", "DEPARTED", "hubdat-test"),
    ]
    async with world.unchanged():
        [stale] = await pushed(world, record(status_pemesanan_code=2))
    assert (stale.result, stale.code, stale.registrant_id) == (Result.STALE, "STALE", new.registrant_id)
    assert stale.message() == "Data ini lebih lama: di registri statusnya sudah Terverifikasi keberangkatan."
    assert await world.taken() == 1


async def test_nothing_known_makes_a_provisional_route(world: World) -> None:
    [new] = await pushed(world, record(rute_perjalanan="Jakarta ke Wonogiri", tujuan_terminal="Giri Adipura", kota_tujuan="Wonogiri"))
    assert new.result is Result.NEW, new.message()
    [route] = await world.run("SELECT name, name_key, provisional, quota, origin_code, destination_code, mode, taken FROM route")
    assert tuple(route)[:4] == ("Jakarta ke Wonogiri", "jakartawonogiri", True, None)
    print(route, await world.changes("kind, facts"))
