"""Lists of people who do not exist, as organizers send them: rows of the 12 columns, and files of them."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

import openpyxl
from uuid_utils.compat import uuid7

from app import clock
from app.errors import Refusal
from app.intake.imports import importing
from app.registry.caller import Caller
from app.registry.imports import job_runs, jobs
from app.registry.imports.jobs import PIECE_BYTES, Job, Order
from app.registry.values.standard import COLUMNS
from tests.patience import patience
from tests.world import World, nik_of

Row = dict[str, str]


def row(number: int, **changes: str) -> Row:
    """The way home of one person, on the route that `World.route` makes."""
    values = {
        "data_nik": nik_of(number),
        "data_pemesan": f"Warga {number}",
        "rute_perjalanan": "Jakarta - Solo",
        "keberangkatan_terminal": "Pulo Gebang",
        "tujuan_terminal": "Tirtonadi",
        "kota_keberangkatan": "Kota Jakarta Timur",
        "kota_tujuan": "Kota Surakarta",
        "tipe_keberangkatan": "Arus mudik",
        "tanggal_pendaftaran": "2026-03-02 08:00",
        "status_pemesanan_tittle": "Terdaftar",
        "status_pemesanan_code": "1",
        "source": "HUBDAT",
    }
    return values | changes


def back(number: int, **changes: str) -> Row:
    values = {
        "rute_perjalanan": "Solo - Jakarta",
        "keberangkatan_terminal": "Tirtonadi",
        "tujuan_terminal": "Pulo Gebang",
        "kota_keberangkatan": "Kota Surakarta",
        "kota_tujuan": "Kota Jakarta Timur",
        "tipe_keberangkatan": "Arus balik",
    }
    return row(number, **(values | changes))


def in_status(code: int) -> Row:
    titles = ("Terdaftar", "Terverifikasi pendaftaran", "Terverifikasi keberangkatan", "Gugur", "Batal", "Tidak hadir")
    return {"status_pemesanan_code": str(code), "status_pemesanan_tittle": titles[code - 1]}


def as_csv(rows: Iterable[Mapping[str, str]], columns: Sequence[str] = COLUMNS) -> bytes:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, columns, delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_xlsx(rows: Iterable[Mapping[str, str]], columns: Sequence[str] = COLUMNS) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(columns))
    for one in rows:
        sheet.append([one.get(column) for column in columns])
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def pieces(content: bytes) -> list[bytes]:
    return [content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES)]


async def sent(world: World, caller: Caller, content: bytes, **how: Any) -> Job:
    """A job that waits."""
    async with world.database.transaction() as session:
        job = await jobs.create(session, world.vault, Order(caller=caller, **how), pieces(content), clock.now())
    assert isinstance(job, Job), job
    return job


async def refused(world: World, caller: Caller, content: bytes, **how: Any) -> Refusal:
    async with world.database.transaction() as session:
        refusal = await jobs.create(session, world.vault, Order(caller=caller, **how), pieces(content), clock.now())
    assert isinstance(refusal, Refusal)
    return refusal


async def claimed(world: World, runner: UUID) -> Job:
    job = await world.database.attempt(lambda session: job_runs.claim(session, runner, clock.now()))
    assert job is not None
    return job


async def worked_off(world: World) -> Job:
    """The oldest job that waits, to its end."""
    runner = uuid7()
    return await importing.work_off(world.database, world.vault, await claimed(world, runner), runner)


async def imported(world: World, caller: Caller, rows: Sequence[Row], **how: Any) -> Job:
    await sent(world, caller, as_csv(rows), **how)
    return await worked_off(world)


async def verdicts(world: World, job: Job) -> list[tuple[int, str, str | None]]:
    """Row, result and code, in the order of the file."""
    async with world.database.transaction() as session:
        numbers = await job_runs.done(session, job)
        found = [one for number in numbers for one in await job_runs.verdicts(session, world.vault, job, number)]
    return sorted((one.row, one.result, one.code) for one in found)


async def until(world: World, condition: str) -> None:
    """A job is as `condition` says."""
    async with patience():
        while not await world.one(f"SELECT EXISTS (SELECT FROM import_job WHERE {condition})"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
