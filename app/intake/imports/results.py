"""The result of an import: the file with the outcome of each row, and a summary by code. It is made while it is sent.

The result of a snapshot has one more sheet: those whom the registry holds and the file does not have.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from starlette.responses import Response

from app import clock
from app.auth.edge import RequestRefused
from app.db import Database
from app.errors import NotFound, RefusalError, refuses
from app.intake.downloads import Download, in_turns
from app.intake.files.encoding import Cell, Copier, Csv
from app.intake.files.encoding_xlsx import Xlsx
from app.intake.files.workbooks import read
from app.intake.imports.importing import file_of
from app.intake.imports.report import MISSING, SUMMARY, ReportSheet, RowOutcome, report
from app.models.enums import ImportState, RegistrantStatus
from app.process import Process
from app.registry.caller import Caller
from app.registry.imports import absentees, job_runs, row_list
from app.registry.imports.job_runs import RowVerdict
from app.registry.imports.jobs import Job
from app.registry.niks import reads
from app.registry.niks.reads import Read
from app.registry.rows.reception import RESULT_TITLES, Result
from app.registry.values import standard
from app.vault.vault import Vault

ENCODERS: dict[str, type[Copier]] = {"xlsx": Xlsx, "csv": Csv}
UNREAD_SHEET, UNREAD_ROWS = "lembar tidak dibaca", "baris tanpa NIK yang terbaca"
ROWS_OF_A_PAGE = 1_000
WHAT = "/import/{id}/result"
"""What `reads` calls it."""


@refuses(NotFound)
def response(process: Process, caller: Caller, job: Job, extension: str) -> Response:
    """Raises `RequestRefused`, `RefusalError`."""
    if extension not in ENCODERS:
        raise RefusalError(NotFound("id", what="result"))
    if not job.finished:
        raise RequestRefused(
            409,
            "IMPORT_NOT_FINISHED",
            "Impor ini belum selesai; hasilnya menyusul.",
            "This import is not finished; its result comes later.",
            headers={"Retry-After": "5"},
        )
    if not available(job):
        raise RequestRefused(
            410,
            "RESULT_GONE",
            "Hasil impor ini tidak ada: berkasnya tidak terbaca, atau sudah dihapus 30 hari setelah selesai.",
            "There is no result of this import: its file could not be read, or was wiped 30 days after its end.",
        )
    encoder = ENCODERS[extension]()
    headers = {"Content-Disposition": f'attachment; filename="hasil-{job.id}.{extension}"'}
    content = in_turns(
        process.turns, caller.client_id or "", result(process.database, process.vault, caller, job, encoder)
    )
    return Download(content, headers=headers, media_type=encoder.media)


def available(job: Job) -> bool:
    unread = job.state == ImportState.FAILED and not job.rows_done
    return job.finished and job.wiped_at is None and not unread


async def result(
    database: Database, vault: Vault, caller: Caller, job: Job, encoder: Copier
) -> AsyncGenerator[bytes, None]:
    """The result shows data of people, so the read is written into the log of reads before the first row is sent."""
    async with database.transaction() as session:
        people = await row_list.people(session, job.id)
        if people:
            await reads.record(
                session, Read(caller=caller, what=WHAT, people=people, asked={"job": job.id}), clock.now()
            )
    more = [ReportSheet(SUMMARY, ("hasil", "kode", "jumlah"), once(summary(job)))]
    if job.missing is not None:
        columns = ("id", "kode_booking", "source", "status_pemesanan_tittle", "status_pemesanan_code")
        more.append(ReportSheet(MISSING, columns, absent(database, job)))
    async with file_of(database, vault, job) as file, read(file, whole=True) as reading:
        first = next(place for place, sheet in enumerate(reading.sheets) if sheet.header is not None)
        async for part in report(reading, outcomes(database, vault, job, first), more, encoder):
            yield part


async def outcomes(database: Database, vault: Vault, job: Job, first: int) -> AsyncIterator[list[RowOutcome]]:
    """The outcomes, in the order of the file. In chunks, trips back come last. `first` is the first sheet."""
    async with database.transaction() as session:
        numbers = await job_runs.done(session, job)
    told = [one for number in numbers for one in await _of_chunk(database, vault, job, number, first)]
    yield sorted(told, key=lambda one: one.key)


async def _of_chunk(database: Database, vault: Vault, job: Job, number: int, first: int) -> list[RowOutcome]:
    """A file has up to 150 chunks: between two of them, the process answers others."""
    async with database.transaction() as session:
        verdicts = await job_runs.verdicts(session, vault, job, number)
    return [outcome(one, first) for one in verdicts]


def outcome(verdict: RowVerdict, first: int) -> RowOutcome:
    code = f"({verdict.code})" if verdict.code else ""
    told = " ".join(part for part in (verdict.explanation, code) if part)
    sheet = first if verdict.sheet is None else verdict.sheet
    return RowOutcome(verdict.row, RESULT_TITLES[Result(verdict.result)], told or None, sheet)


def summary(job: Job) -> list[Sequence[Cell]]:
    """How many rows had each result; the codes of the refused rows, the commonest first; what could not be read."""
    refused = RESULT_TITLES[Result.REFUSED]
    counts: list[Sequence[Cell]] = [(RESULT_TITLES[one], None, job.results.get(one, 0)) for one in Result]
    codes = sorted(job.codes.items(), key=lambda one: (-one[1], one[0]))
    absent = [] if job.missing is None else [(MISSING, None, job.missing)]
    unread: list[Sequence[Cell]] = [(UNREAD_SHEET, sheet.name, sheet.rows) for sheet in job.unread_sheets]
    if job.unread_rows:
        unread.append((UNREAD_ROWS, None, job.unread_rows))
    read_by: list[Sequence[Cell]] = [("standar", standard.VERSION, job.rows_done)]
    return [*counts, *absent, *((refused, code, rows) for code, rows in codes), *unread, *read_by]


async def absent(database: Database, job: Job) -> AsyncIterator[list[Sequence[Cell]]]:
    after = None
    while True:
        async with database.transaction() as session:
            found = await absentees.page(session, job.id, after=after, most=ROWS_OF_A_PAGE)
        if not found:
            return
        yield [
            (
                str(one.registrant_id),
                one.reference,
                one.organizer,
                standard.title(RegistrantStatus(one.status)),
                standard.STATUS_CODES[RegistrantStatus(one.status)],
            )
            for one in found
        ]
        after = found[-1].registrant_id


async def once(rows: list[Sequence[Cell]]) -> AsyncIterator[list[Sequence[Cell]]]:
    yield rows
