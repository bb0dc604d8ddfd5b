"""The same rows have the same verdicts, in the same words, by every door: one at a time, as an array, and as files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.models.enums import RegistrantStatus
from app.registry.imports import job_runs
from app.registry.imports.jobs import Job
from app.registry.niks import blocks
from tests.intake.knocking import Doors, opened
from tests.intake.lists import as_csv, as_xlsx, worked_off
from tests.registry.rows.records import TO_WONOGIRI, WAY_BACK, pushed, record, state
from tests.world import DJKA, HUBDAT, NOW, World, nik_of, someone

pytestmark = pytest.mark.anyio

Told = tuple[str, str | None, str | None]
"""The result, the code of a refusal, and the sentence."""
RESULTS = {
    "diterima": "NEW",
    "diperbarui": "UPDATED",
    "tidak_berubah": "UNCHANGED",
    "usang": "STALE",
    "ditolak": "REFUSED",
}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
IMPORT = "mutation ($file: Upload!) { importRegistrants(file: $file) { id } }"
GONE, FULL = {"rute_perjalanan": "Sudah berangkat"}, {"rute_perjalanan": "Penuh"}

ROWS: tuple[tuple[dict[str, Any], str, str | None], ...] = (
    (record(1), "NEW", None),
    (record(1), "UNCHANGED", None),
    (state(1, 2), "STALE", None),
    (state(2, 3), "UPDATED", None),
    (state(2, 4), "UNCHANGED", None),
    (state(6, 5), "REFUSED", "TRANSITION_NOT_ALLOWED"),
    (record(6, **TO_WONOGIRI), "UNCHANGED", None),
    (record(7, data_nik="123"), "REFUSED", "NIK_INVALID"),
    (record(8, data_pemesan=""), "REFUSED", "INVALID_VALUE"),
    (record(9, tanggal_pendaftaran="kemarin"), "REFUSED", "INVALID_VALUE"),
    (state(2, 10, status_pemesanan_tittle="Terdaftar"), "REFUSED", "INVALID_VALUE"),
    (record(11, source="djka"), "REFUSED", "NOT_YOURS"),
    (record(12), "REFUSED", "NIK_ALREADY_REGISTERED"),
    (record(13), "REFUSED", "NIK_BLOCKED"),
    (record(14, **GONE), "REFUSED", "ROUTE_DEPARTED"),
    (record(15, **FULL), "REFUSED", "QUOTA_FULL"),
    (state(5, 16), "UNCHANGED", None),
    (record(17, tanggal_pendaftaran="2026-01-02"), "REFUSED", "REGISTRATION_CLOSED"),
    (state(3, 18), "REFUSED", "DEPARTURE_NOT_BEGUN"),
    (record(19, **WAY_BACK), "REFUSED", "RETURN_WITHOUT_OUTBOUND"),
)
"""Each with its result and the code of its refusal. The trip back is the last one: files take trips back last."""


SENTENCES = [
    None,
    None,
    "Data ini lebih lama: di registri statusnya sudah Terverifikasi pendaftaran.",
    None,
    None,
    (
        "status_pemesanan_code: Status “Terdaftar” tidak dapat diubah menjadi “Tidak hadir”. Status yang"
        " dapat dipilih: Terverifikasi pendaftaran, Batal."
    ),
    "Orang ini sudah terdaftar pada Anda dengan rute lain; data yang tersimpan tidak berubah.",
    "data_nik: NIK tidak sah: harus 16 angka, seperti pada KTP atau KK.",
    "data_pemesan: Kolom ini wajib diisi.",
    (
        "tanggal_pendaftaran: Tanggal tidak dikenali; tulis misalnya 2024-03-06, 06/03/2024 atau 06 Mar 2024"
        " 12:00:01 WIB."
    ),
    "status_pemesanan_code: Kode dan judul status tidak cocok: kode 2 adalah Terverifikasi pendaftaran.",
    "source: Penyelenggara itu bukan Anda dan bukan anggota yang Anda koordinasi; sebutkan salah satunya.",
    "data_nik: NIK ini sudah terdaftar di DJKA (arus mudik, penumpang) pada 2 Maret 2026; batalkan di sana dahulu.",
    "data_nik: NIK ini diblokir sampai dengan periode 2026. Keberatan dapat diajukan kepada Ditjen Hubdat.",
    "rute_perjalanan: Rute ini sudah berangkat pada 1 Maret 2026 pukul 09.00 WIB; pilih rute lain.",
    "rute_perjalanan: Kuota rute ini sudah penuh; sisa 0; pilih rute lain.",
    (
        "Orang ini belum terdaftar pada Anda, jadi periksa NIK-nya. Akhir ini dicatat: bila pendaftarannya"
        " baru tiba kemudian, pendaftaran itu dianggap usang."
    ),
    (
        "tanggal_pendaftaran: Pendaftaran penyelenggara ini tidak dibuka pada waktu pendaftaran itu; jadwal"
        " berikutnya mulai 1 Februari 2026 pukul 09.00 WIB."
    ),
    (
        "status_pemesanan_code: Keberangkatan rute ini baru dapat dicatat mulai 15 Maret 2026 pukul 09.00"
        " WIB, 24 jam sebelum jadwalnya. Orang ini didaftarkan oleh baris ini; hanya statusnya yang ditolak."
    ),
    (
        "rute_perjalanan: Arus balik memerlukan pendaftaran arus mudik yang masih berlaku pada penyelenggara yang sama;"
        " daftarkan arus mudiknya dahulu."
    ),
]
"""What is said of each of `ROWS`."""
DIFFERENCES = " rute_perjalanan: tersimpan"
"""Here a file tells what differs, for which the webhook has a field of its own."""


@pytest.fixture
async def api(world: World) -> AsyncIterator[Doors]:
    async with opened(world) as api:
        await api.token()
        yield api


async def prepared(world: World) -> None:
    await world.route()
    await world.way_back()
    await world.route("Sudah berangkat", departs_at=NOW - timedelta(days=1))
    full = await world.route("Penuh", quota=1)
    await world.registered(someone(HUBDAT, full, 20))
    await pushed(world, state(2, 2), record(3), state(2, 4), record(5), record(6))
    await world.registered(someone(DJKA, await world.route(organizer="djka"), 12))
    async with world.database.transaction() as session:
        await blocks.block(session, world.vault, HUBDAT, nik_of(13), "Pelanggaran", 1, NOW)


async def objects(api: Doors, world: World) -> list[Told]:
    answers = [(await api.send("/webhook/pemudik", row)).json()["hasil"][0] for row, _, _ in ROWS]
    return [told(one) for one in answers]


async def an_array(api: Doors, world: World) -> list[Told]:
    answer = (await api.send("/webhook/pemudik", [row for row, _, _ in ROWS])).json()
    return [told(one) for one in answer["hasil"]]


async def a_csv(api: Doors, world: World) -> list[Told]:
    answer = await api.send("/import", as_csv(texts()), Content_Type="text/csv")
    assert answer.status_code == 202
    return await outcomes(world, await worked_off(world))


async def an_xlsx(api: Doors, world: World) -> list[Told]:
    answer = await api.send("/import", as_xlsx(texts()), Content_Type=XLSX)
    assert answer.status_code == 202
    return await outcomes(world, await worked_off(world))


async def graphql(api: Doors, world: World) -> list[Told]:
    operations = json.dumps({"query": IMPORT, "variables": {"file": None}})
    answer = await api.post(
        data={"operations": operations, "map": json.dumps({"0": ["variables.file"]})},
        files={"0": ("peserta.csv", as_csv(texts()), "text/csv")},
        headers={"GraphQL-Preflight": "1"},
    )
    assert "errors" not in answer.json()
    return await outcomes(world, await worked_off(world))


def texts() -> list[dict[str, str]]:
    return [{name: str(cell) for name, cell in row.items()} for row, _, _ in ROWS]


def told(one: dict[str, Any]) -> Told:
    result = RESULTS[one["hasil"]]
    return result, one["kode"] if result == "REFUSED" else None, one["pesan"]


async def outcomes(world: World, job: Job) -> list[Told]:
    async with world.database.transaction() as session:
        numbers = await job_runs.done(session, job)
        found = [one for number in numbers for one in await job_runs.verdicts(session, world.vault, job, number)]
    return [
        (one.result, one.code, one.explanation and one.explanation.partition(DIFFERENCES)[0])
        for one in sorted(found, key=lambda one: one.row)
    ]


DOORS: dict[str, Callable[[Doors, World], Awaitable[list[Told]]]] = {
    "objects of the webhook": objects,
    "an array of the webhook": an_array,
    "a csv": a_csv,
    "an xlsx": an_xlsx,
    "GraphQL": graphql,
}


@pytest.mark.parametrize("door", DOORS)
async def test_a_row_is_judged_alike_by_every_door(api: Doors, world: World, door: str) -> None:
    await prepared(world)
    answers = await DOORS[door](api, world)
    assert [(result, code) for result, code, _ in answers] == [(result, code) for _, result, code in ROWS]
    assert [sentence for _, _, sentence in answers] == SENTENCES
    assert await world.run("SELECT status, count(*) FROM registrant GROUP BY 1 ORDER BY 1") == [
        (RegistrantStatus.REGISTERED, 6),
        (RegistrantStatus.VERIFIED, 3),
    ]
