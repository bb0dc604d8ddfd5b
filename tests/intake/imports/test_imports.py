"""`/import` over HTTP: a file as it is or in a form, how far it is, and the file back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any
from uuid import uuid4

import httpx
import openpyxl
import pytest
from starlette.applications import Starlette

from app.auth import endpoints
from app.auth.callers import build_callers
from app.auth.signing import SigningKeys
from app.config import Settings
from app.intake.doors import consolidation
from app.intake.files.workbooks import MOST_BYTES
from app.intake.imports import importing, imports
from app.process import build_process
from app.registry.imports import jobs
from app.registry.values.standard import COLUMNS
from app.request_log import RequestLog
from tests.graphql.conftest import ISSUER, Api
from tests.intake.lists import Row, as_csv, as_xlsx, in_status, row, worked_off
from tests.world import NOW, World, nik_of

pytestmark = pytest.mark.anyio

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
JOB_TABLES = ("import_job", "import_file", "registrant")


@pytest.fixture
async def api(world: World) -> AsyncIterator[Api]:
    async with opened(world, Settings()) as api:
        yield api


@asynccontextmanager
async def opened(world: World, settings: Settings) -> AsyncIterator[Api]:
    keys = SigningKeys(lambda: world.vault.signing)
    process, callers = build_process(world.database, world.vault), build_callers(world.database, keys, ISSUER)
    application = Starlette(
        routes=[
            *endpoints.routes(world.database, keys, ISSUER),
            *imports.routes(process, callers, settings),
            *consolidation.routes(process, callers, settings),
        ]
    )
    transport = httpx.ASGITransport(RequestLog(application))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        yield Api(http, world.database)


async def call(
    api: Api,
    method: str,
    path: str,
    *,
    organizer: str = "hubdat",
    scopes: tuple[str, ...] | None = None,
    media: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> httpx.Response:
    token = await api.token(organizer, scopes)
    sent = {"Authorization": f"Bearer {token}", "Accept-Language": "en", **(headers or {})}
    if media is not None:
        sent["Content-Type"] = media
    return await api.http.request(method, path, headers=sent, **more)


async def post(api: Api, content: Any = b"", path: str = "/import", **how: Any) -> httpx.Response:
    return await call(api, "POST", path, content=content, **({"media": "text/csv"} | how))


async def get(api: Api, path: str, **how: Any) -> httpx.Response:
    return await call(api, "GET", path, **how)


async def code(api: Api, content: Any, path: str = "/import", **how: Any) -> tuple[int, str]:
    answer = await post(api, content, path, **how)
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_file_is_taken_worked_off_and_told_of(api: Api, world: World) -> None:
    await world.route()
    answer = await post(api, as_csv([row(1), row(2, data_nik="1")]))
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/import/{job['id']}"
    assert job == {
        "id": job["id"],
        "state": "QUEUED",
        "mode": "UPSERT",
        "changes": "REPORT",
        "asOf": None,
        "dryRun": False,
        "season": 2026,
        "day": None,
        "rowsRead": 0,
        "rowsDone": 0,
        "new": 0,
        "updated": 0,
        "unchanged": 0,
        "stale": 0,
        "refused": 0,
        "codes": {},
        "standard": "2024-03",
        "unreadSheets": [],
        "unreadRows": 0,
        "missing": None,
        "failure": None,
        "createdAt": "2026-03-02T02:00:00+00:00",
        "startedAt": None,
        "finishedAt": None,
        "resultPath": None,
        "waitsUntil": None,
    }
    await worked_off(world)
    told = (await get(api, answer.headers["location"])).json()
    assert told == job | {
        "unreadRows": 1,
        "state": "DONE",
        "rowsRead": 2,
        "rowsDone": 2,
        "new": 1,
        "refused": 1,
        "codes": {"NIK_INVALID": 1},
        "startedAt": job["createdAt"],
        "finishedAt": job["createdAt"],
        "resultPath": f"/import/{job['id']}/result.xlsx",
    }


async def test_what_is_to_be_done_stands_in_the_query_string(api: Api, world: World) -> None:
    path = "/import?mode=snapshot&dryRun=TRUE&season=2026&day=2026-03-02&covers=hubdat"
    job = (await post(api, as_xlsx([row(1)]), path, media=XLSX)).json()
    assert (job["mode"], job["dryRun"], job["season"], job["day"]) == ("SNAPSHOT", True, 2026, "2026-03-02")
    [stored] = await world.run("SELECT covers, extension, client_id IS NOT NULL FROM import_job")
    assert tuple(stored) == (["hubdat"], "xlsx", True)


async def test_a_file_applies_by_the_query_string(api: Api, world: World) -> None:
    path = "/import?changes=apply&asOf=2026-03-02T08:00:00%2B07:00&evenThough=true"
    job = (await post(api, as_csv([row(1)]), path)).json()
    assert (job["changes"], job["asOf"]) == ("APPLY", "2026-03-02T01:00:00+00:00")
    assert await world.one("SELECT even_though FROM import_job") is True


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("changes=all", "changes"),
        ("changes=apply&asOf=2026-03-02T08:00:00", "asOf"),
        ("changes=apply&asOf=0001-01-01T00:00:00%2B14:00", "asOf"),
        ("changes=apply&evenThough=ya", "evenThough"),
        ("dryrun=true", "dryrun"),
        ("dryRun=ya", "dryRun"),
        ("mode=all", "mode"),
        ("season=last", "season"),
        ("day=02/03/2026&mode=snapshot", "day"),
    ],
)
async def test_a_parameter_that_is_written_wrongly_imports_nothing(
    api: Api, world: World, query: str, field: str | None
) -> None:
    async with world.unchanged(*JOB_TABLES):
        answer = await post(api, as_csv([row(1)]), f"/import?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")
    assert answer.json()["error"]["field"] == field


@pytest.mark.parametrize(
    ("query", "status", "refusal"),
    [
        ("day=2026-03-02", 422, "INVALID_VALUE"),
        ("asOf=2026-03-02T08:00:00Z", 422, "INVALID_VALUE"),
        ("changes=apply&asOf=2027-03-02T08:00:00Z", 422, "INVALID_VALUE"),
        ("mode=snapshot&covers=djka", 403, "NOT_YOURS"),
        ("season=2019", 404, "NOT_FOUND"),
    ],
)
async def test_what_cannot_be_done_is_refused(api: Api, world: World, query: str, status: int, refusal: str) -> None:
    async with world.unchanged(*JOB_TABLES):
        assert await code(api, as_csv([row(1)]), f"/import?{query}") == (status, refusal)


# --- bodies -----------------------------------------------------------------------------------------------------------


async def form(api: Api, files: Any, data: dict[str, str] | None = None, path: str = "/import") -> httpx.Response:
    return await call(api, "POST", path, files=files, data=data)


async def test_a_form_has_one_file(api: Api, world: World) -> None:
    answer = await form(api, {"file": ("Peserta Maret 3201010101909001.XLSX", as_xlsx([row(1)]), XLSX)})
    assert answer.status_code == 202
    assert await world.one("SELECT extension FROM import_job") == "xlsx"
    assert not [one for one in (await world.rows("import_job"))["import_job"] if "Maret" in one]


async def test_no_other_form_is_taken(api: Api, world: World) -> None:
    one = ("a.csv", as_csv([row(1)]), "text/csv")
    forms: list[tuple[Any, dict[str, str] | None]] = [
        ({"berkas": one}, None),
        ([("file", one), ("file", one)], None),
        ({"file": one}, {"mode": "snapshot"}),
    ]
    async with world.unchanged(*JOB_TABLES):
        for files, data in forms:
            answer = await form(api, files, data)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BAD_REQUEST")
        assert await code(api, b"--x\r\nno form", media="multipart/form-data; boundary=x") == (400, "BAD_REQUEST")
        assert await code(api, b"x", media="multipart/form-data") == (400, "BAD_REQUEST")


async def test_what_is_too_large_is_not_even_received(api: Api, world: World) -> None:
    received = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal received
        while True:
            received += 1
            yield b"x" * 1_000_000

    async with world.unchanged(*JOB_TABLES):
        assert await code(api, endless()) == (413, "FILE_TOO_LARGE")
        assert received <= MOST_BYTES // 1_000_000 + 1
        answer = await post(api, b"x" * 50_000_000)
        assert (answer.status_code, "connection" in answer.headers) == (413, False)
        big = await form(api, {"file": ("a.csv", b"x" * (MOST_BYTES + 1), "text/csv")})
        assert (big.status_code, big.json()["error"]["code"]) == (413, "FILE_TOO_LARGE")


async def test_other_bodies_and_callers_are_refused(api: Api, world: World) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    async with world.unchanged(*JOB_TABLES):
        assert await code(api, b"{}", media="application/json") == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert await code(api, b"x", headers={"Content-Encoding": "gzip"}) == (415, "UNSUPPORTED_MEDIA_TYPE")
        async with opened(world, Settings(upload_timeout=0.05)) as impatient:
            assert await code(impatient, slow()) == (408, "REQUEST_TIMEOUT")
        assert await code(api, b"x", scopes=("registrants:read",)) == (403, "INSUFFICIENT_SCOPE")
        answer = await api.http.post("/import", content=b"x")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="pemudik"')
        assert (await get(api, "/import")).status_code == 405


# --- what came of it --------------------------------------------------------------------------------------------------


async def finished(api: Api, world: World, rows: list[Row], query: str = "") -> str:
    job = (await post(api, as_csv(rows), f"/import{query}")).json()
    await worked_off(world)
    return str(job["id"])


def sheets(content: bytes) -> dict[str, list[tuple[object, ...]]]:
    book = openpyxl.load_workbook(BytesIO(content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}


async def test_a_list_with_a_corrected_nik_tells_of_the_mistyped_one(api: Api, world: World) -> None:
    """The list of the next day. Its dry run tells so as well, and the one who was mistyped stays."""
    await world.route()
    columns = (*COLUMNS, "kode_booking")
    family = [row(number, kode_booking="BK-1") for number in (1, 2)]
    right = [family[0], family[1] | {"data_nik": nik_of(3)}]
    found = []
    for rows, query in ((family, ""), (right, "?dryRun=true"), (right, ""), (right, "")):
        job = (await post(api, as_csv(rows, columns), f"/import{query}")).json()["id"]
        await worked_off(world)
        head, *body = sheets((await get(api, f"/import/{job}/result.xlsx")).content)["Hasil"]
        found.append([dict(zip(head, line, strict=True)) for line in body])
    mistyped = await world.one("SELECT id::text FROM registrant WHERE nik_index = :nik", nik=index_of(world, 2))
    for tried in found[1:3]:
        assert [(one["hasil"], one["keterangan"] is None) for one in tried] == [
            ("tidak_berubah", True),
            ("diterima", False),
        ]
        assert f"(id pendaftaran: {mistyped})" in str(tried[1]["keterangan"])
    assert [(one["hasil"], one["keterangan"]) for one in found[3]] == [("tidak_berubah", None)] * 2
    assert await world.run("SELECT status FROM registrant") == [("REGISTERED",)] * 3


def index_of(world: World, number: int) -> bytes:
    return world.vault.blind_index(nik_of(number))


async def test_the_file_comes_back_with_a_verdict_for_each_row(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ROWS_OF_A_CHUNK", 2)
    await world.route(quota=2)
    rows = [row(1), row(2, data_nik="123"), row(3), row(4), row(1, **in_status(2))]
    job = await finished(api, world, rows)
    answer = await get(api, f"/import/{job}/result.xlsx")
    assert answer.headers["content-type"] == XLSX
    assert answer.headers["content-disposition"] == f'attachment; filename="hasil-{job}.xlsx"'
    found = sheets(answer.content)
    assert list(found) == ["Hasil", "Ringkasan"]
    head, *body = found["Hasil"]
    assert head[-2:] == ("hasil", "keterangan")
    assert [line[0] for line in body] == [one["data_nik"] for one in rows]
    assert [line[-2] for line in body] == ["diterima", "ditolak", "diterima", "ditolak", "diperbarui"]
    assert str(body[1][-1]).endswith("(NIK_INVALID)")
    assert body[3][-1] == "rute_perjalanan: Kuota rute ini sudah penuh; sisa 0; pilih rute lain. (QUOTA_FULL)"
    assert body[0][-1] is None
    assert [line[:3] for line in found["Ringkasan"]] == [
        ("hasil", "kode", "jumlah"),
        ("diterima", None, 2),
        ("diperbarui", None, 1),
        ("tidak_berubah", None, 0),
        ("usang", None, 0),
        ("ditolak", None, 2),
        ("ditolak", "NIK_INVALID", 1),
        ("ditolak", "QUOTA_FULL", 1),
        ("baris tanpa NIK yang terbaca", None, 1),
        ("standar", "2024-03", 5),
    ]
    text = (await get(api, f"/import/{job}/result.csv")).content.decode("utf-8-sig")
    assert [line.split(";")[12] for line in text.splitlines()] == [
        "hasil", "diterima", "ditolak", "diterima", "ditolak", "diperbarui",
    ]  # fmt: skip


async def test_the_result_of_a_snapshot_names_who_is_missing(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.route()
    await finished(api, world, [row(1), row(2)])
    await world.run(
        "UPDATE registrant SET reference = 'BK-2' WHERE nik_index = :i", i=world.vault.blind_index(nik_of(2))
    )
    monkeypatch.setattr("app.clock.now", lambda: NOW.replace(hour=3))
    job = await finished(api, world, [row(1)], "?mode=snapshot")
    found = sheets((await get(api, f"/import/{job}/result.xlsx")).content)
    registrant = await world.one("SELECT id::text FROM registrant WHERE reference = 'BK-2'")
    assert found["Tidak ada di berkas"][1:] == [(registrant, "BK-2", "hubdat", "Terdaftar", 1)]
    assert ("Tidak ada di berkas", None, 1) in found["Ringkasan"]

    answer = await post(api, b"", f"/import/{job}/cancel-missing")
    assert (answer.status_code, answer.json()["missing"]) == (200, 1)
    assert await world.one("SELECT status FROM registrant WHERE reference = 'BK-2'") == "CANCELLED"
    assert await code(api, b"", f"/import/{uuid4()}/cancel-missing") == (404, "NOT_FOUND")


async def test_a_result_is_there_from_its_end_until_it_is_wiped(api: Api, world: World) -> None:
    await world.route()
    job = (await post(api, as_csv([row(1)]))).json()["id"]
    waiting = await get(api, f"/import/{job}/result.xlsx")
    assert (waiting.status_code, waiting.json()["error"]["code"]) == (409, "IMPORT_NOT_FINISHED")
    assert waiting.headers["retry-after"] == "5"
    await worked_off(world)
    assert (await get(api, f"/import/{job}/result.csv")).status_code == 200
    assert (await get(api, f"/import/{job}/result.pdf")).status_code == 404
    async with world.database.transaction() as session:
        await jobs.wipe_old(session, NOW + 2 * jobs.FILE_KEPT_FOR)
    gone = await get(api, f"/import/{job}/result.csv")
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "RESULT_GONE")

    await post(api, b"%PDF")
    failed = await worked_off(world)
    told = (await get(api, f"/import/{failed.id}")).json()
    assert (told["state"], told["failure"]["code"], told["resultPath"]) == ("FAILED", "FILE_NOT_A_SPREADSHEET", None)
    assert (await get(api, f"/import/{failed.id}/result.xlsx")).status_code == 410


@pytest.mark.parametrize("path", ["", "/result.xlsx", "/result.csv"])
async def test_another_organizers_job_is_not_there(api: Api, world: World, path: str) -> None:
    await world.route()
    job = await finished(api, world, [row(1)])
    nothing = await get(api, f"/import/{uuid4()}{path}", organizer="djka")
    for stranger in ("djka", "jasa-raharja", "bumn-satu"):
        answer = await get(api, f"/import/{job}{path}", organizer=stranger)
        assert (answer.status_code, answer.content) == (404, nothing.content)
    assert (await get(api, f"/import/no-id{path}")).status_code == 404


# --- the day's summary ------------------------------------------------------------------------------------------------


async def test_a_day_is_summed_up(api: Api, world: World) -> None:
    await world.route()
    await finished(api, world, [row(1), row(2, **in_status(2))])
    answer = (await get(api, "/consolidation/2026-03-02")).json()
    assert answer == {
        "organizer": "hubdat",
        "season": 2026,
        "date": "2026-03-02",
        "counts": {"REGISTERED": 1, "VERIFIED": 1, "DEPARTED": 0, "FORFEITED": 0, "CANCELLED": 0, "NO_SHOW": 0},
        "standing": 2,
        "checksum": answer["checksum"],
    }
    assert len(answer["checksum"]) == 64
    looked_at = (await get(api, "/consolidation/2026-03-02", scopes=("dashboard:read",))).json()
    assert looked_at == answer | {"checksum": None}
    other = await get(api, "/consolidation/2026-03-02?organizer=hubdat", organizer="djka")
    assert (other.status_code, other.json()["error"]["code"]) == (403, "NOT_YOURS")
    for path in ("kemarin", "2026-03-02?hari=1", "2026-03-02?season=x"):
        assert (await get(api, f"/consolidation/{path}")).status_code == 400
    nowhere = await get(api, "/consolidation/2026-03-02?season=2030")
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "NOT_FOUND")
