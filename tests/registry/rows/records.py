"""Rows of the ministry's 12 columns about people who do not exist, and pushing them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.registry.caller import Caller
from app.registry.rows import reception
from app.registry.rows.reception import Push, Verdict, row_of
from tests.world import HUBDAT, NOW, World, nik_of

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
    "status_pemesanan_tittle": "",
    "status_pemesanan_code": 1,
    "source": "",
}
WAY_BACK = {
    "rute_perjalanan": "Solo - Jakarta",
    "keberangkatan_terminal": "Tirtonadi",
    "tujuan_terminal": "Pulo Gebang",
    "kota_keberangkatan": "Kota Surakarta",
    "kota_tujuan": "Kota Jakarta Timur",
    "tipe_keberangkatan": "Arus balik",
}
TO_WONOGIRI = {
    "rute_perjalanan": "Jakarta - Wonogiri",
    "tujuan_terminal": "Giri Adipura",
    "kota_tujuan": "Kab. Wonogiri",
}
"""Of no route that is declared."""
TO_JEBRES = {"rute_perjalanan": "Jakarta - Jebres", "tujuan_terminal": "Jebres", "kota_tujuan": "Surakarta"}
"""Of no route that is declared, to a city with declared terminals: it may be merged into a route to that city."""


def record(number: int = 1, /, **changes: Any) -> dict[str, Any]:
    return RECORD | {"data_nik": nik_of(number)} | changes


def state(code: int, number: int = 1, /, **changes: Any) -> dict[str, Any]:
    return record(number, status_pemesanan_code=code, **changes)


async def pushed(world: World, *records: object, caller: Caller = HUBDAT, now: datetime = NOW) -> list[Verdict]:
    pushes = [Push(caller, row_of(one)) for one in records]
    return await world.database.attempt(lambda session: reception.push(session, world.vault, pushes, now))


def told(verdicts: list[Verdict]) -> list[tuple[str, str | None]]:
    return [(verdict.result.value, verdict.code) for verdict in verdicts]
