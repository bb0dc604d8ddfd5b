"""The addresses of imports: `POST /import` takes a file, as the body or as the one file of a form.
With `Idempotency-Key`, the same file sent again is the same import.

`GET /import/{id}` says how far the import is; `GET /import/{id}/result.xlsx` gives the file back with its verdicts, and
so does a POST, for a page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.auth.callers import Callers
from app.auth.edge import RequestRefused
from app.config import Settings
from app.db import Session
from app.errors import Language, NotFound, Refusal, RefusalError, refused_by, refuses
from app.intake import downloads, http, repeats
from app.intake.files import uploads
from app.intake.files.file_refusals import FileRefused, FileRefusedError
from app.intake.files.uploads import AROUND, MULTIPART, NotAForm, Upload
from app.intake.files.workbooks import MOST_BYTES
from app.intake.http import AdmittedRequest, RestDoor, instant
from app.intake.imports import results
from app.models.enums import ImportChanges, ImportMode
from app.process import Process
from app.registry.clients import idempotency
from app.registry.clients.idempotency import KeyedRequest
from app.registry.clients.scopes import REGISTRANTS_READ, REGISTRANTS_WRITE
from app.registry.imports import absentees, jobs
from app.registry.imports.jobs import Job, Order
from app.registry.rows.reception import Result
from app.registry.values import calendar, standard
from app.vault.vault import Vault

PATH = "/import"
EXTENSIONS = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/csv": "csv",
    "application/octet-stream": "",
}
"""What a file is called, by its media type."""
PARAMETERS = frozenset({"mode", "changes", "asOf", "evenThough", "dryRun", "season", "day", "covers"})
CANCEL_PARAMETERS = frozenset({"evenThough"})
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
FIELD = "file"
COST_OF_CANCELLING = 10_000
"""What the turn of a cancellation costs, in units of CPU: a few hundred people are cancelled."""


def routes(process: Process, callers: Callers, settings: Settings) -> list[Route]:
    async def take(asked: AdmittedRequest) -> Response:
        return await begun(process, settings, asked)

    async def progress(asked: AdmittedRequest) -> Response:
        return http.answered(shown(await found(process, asked), asked.language))

    async def result(asked: AdmittedRequest) -> Response:
        job = await found(process, asked)
        await downloads.first_turn(process.turns, asked.client)
        return results.response(process, asked.caller, job, asked.request.path_params["format"])

    async def cancel_missing(asked: AdmittedRequest) -> Response:
        return await with_absentees_cancelled(process, asked)

    def written(operation: str, answer: Any, parameters: Collection[str]) -> RestDoor:
        return RestDoor(callers, operation, answer, scopes=[REGISTRANTS_WRITE], parameters=parameters)

    def read(operation: str, answer: Any, *, by_post: bool = False) -> RestDoor:
        scopes = [REGISTRANTS_WRITE, REGISTRANTS_READ]
        return RestDoor(callers, operation, answer, scopes=scopes, method="GET", by_post=by_post)

    return [
        http.route(PATH, written("import", take, PARAMETERS)),
        http.route(f"{PATH}/{{id}}", read("import progress", progress)),
        http.route(f"{PATH}/{{id}}/result.{{format}}", read("import result", result, by_post=True)),
        http.route(f"{PATH}/{{id}}/cancel-missing", written("cancel missing", cancel_missing, CANCEL_PARAMETERS)),
    ]


async def begun(process: Process, settings: Settings, asked: AdmittedRequest) -> Response:
    """The answer to a file that was taken as an import."""
    order = order_of(asked)
    upload = await received(asked.request, settings)
    order = replace(order, extension=upload.extension, size=upload.size)
    keyed = await keyed_by(asked, process.vault, upload)
    async with process.turns.turn(asked.client, upload.cost):
        job = await taken(process, order, upload, keyed, asked.now)
    if isinstance(job, Refusal):
        raise RefusalError(job)
    return http.answered(shown(job, asked.language), 202, {"Location": f"{PATH}/{job.id}"})


async def with_absentees_cancelled(process: Process, asked: AdmittedRequest) -> Response:
    """The answer to whoever cancels the people whom an import does not name."""
    given = asked.request.query_params
    even_though = http.value(given, "evenThough", lambda text: BOOLEANS[text.lower()], http.YES_OR_NO) or False
    async with process.turns.turn(asked.client, COST_OF_CANCELLING):
        cancelled = await absentees.cancel(
            process.database.attempt, asked.caller, named(asked.request), asked.now, even_though=even_though
        )
    if isinstance(cancelled, Refusal):
        raise RefusalError(cancelled)
    return http.answered(shown(cancelled, asked.language))


# --- what is asked ----------------------------------------------------------------------------------------------------


def order_of(asked: AdmittedRequest) -> Order:
    """What the query string orders. Raises `RequestRefused`."""
    given = asked.request.query_params
    return Order(
        caller=asked.caller,
        mode=http.value(given, "mode", lambda text: ImportMode(text.upper()), "UPSERT / SNAPSHOT") or ImportMode.UPSERT,
        changes=http.value(given, "changes", lambda text: ImportChanges(text.upper()), "REPORT / APPLY")
        or ImportChanges.REPORT,
        as_of=http.value(given, "asOf", instant, http.AN_INSTANT),
        even_though=http.value(given, "evenThough", lambda text: BOOLEANS[text.lower()], http.YES_OR_NO) or False,
        dry_run=http.value(given, "dryRun", lambda text: BOOLEANS[text.lower()], http.YES_OR_NO) or False,
        season=http.value(given, "season", calendar.season, http.A_SEASON),
        day=http.value(given, "day", calendar.day, http.A_DAY),
        covers=tuple(code for written in given.getlist("covers") for code in written.split(",") if code),
    )


async def received(request: Request, settings: Settings) -> Upload:
    """Raises `RequestRefused`."""
    media = http.media_type(request, MULTIPART, *EXTENSIONS)
    stream = http.chunks(request, limit=MOST_BYTES + AROUND, within_seconds=settings.upload_timeout)
    try:
        if media != MULTIPART:
            return await uploads.whole_body(stream, EXTENSIONS[media])
        form = await uploads.form(request.headers, stream, fields=0)
    except FileRefusedError as error:
        raise too_large(error.refusal) from None
    except NotAForm:
        raise not_a_form() from None
    if FIELD not in form.files:
        raise not_a_form()
    return form.files[FIELD]


async def keyed_by(asked: AdmittedRequest, vault: Vault, upload: Upload) -> KeyedRequest | None:
    """The file under its `Idempotency-Key`. What is ordered is part of it. Raises `RequestRefused`."""
    header = asked.request.headers.get(repeats.HEADER)
    if header is None:
        return None
    ordered = f"{PATH}?{asked.request.url.query} {upload.extension} ".encode()
    return repeats.keyed(vault, asked.client, header, ordered + await asyncio.to_thread(upload.digest))


def too_large(refusal: FileRefused) -> RequestRefused:
    messages = refusal.message("id"), refusal.message("en")
    return RequestRefused(413, refusal.code, *messages)


def not_a_form() -> RequestRefused:
    return http.bad(
        f"Formulir berisi tepat satu berkas, bernama {FIELD}.", f"The form has exactly one file, named {FIELD}."
    )


async def taken(
    process: Process, order: Order, upload: Upload, keyed: KeyedRequest | None, now: datetime
) -> Job | Refusal:
    """A new import; or the one that came under this key before, as it is by now. Raises `RequestRefused`."""

    async def create(session: Session) -> Job | Refusal:
        kept = None if keyed is None else await idempotency.take(session, process.vault, keyed, now)
        if kept is not None:
            return await jobs.get(session, order.caller, UUID(kept))
        most_kept = process.import_storage
        job = await jobs.create(session, process.vault, order, upload.pieces(), now, most_kept=most_kept)
        if keyed is not None and isinstance(job, Job):
            await idempotency.keep(session, process.vault, keyed, str(job.id), now)
        return job

    try:
        return await process.database.attempt(create)
    except repeats.NOT_REPEATED as reason:
        raise repeats.refused(reason) from None


@refuses(NotFound)
def named(request: Request) -> UUID:
    """The id of the job in the path. Whatever is no id at all is not found."""
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise RefusalError(NotFound("id", what="import")) from None


@refuses(*refused_by(jobs.get, named))
async def found(process: Process, asked: AdmittedRequest) -> Job:
    async with process.database.transaction() as session:
        job = await jobs.get(session, asked.caller, named(asked.request))
    if isinstance(job, NotFound):
        raise RefusalError(job)
    return job


# --- what is answered -------------------------------------------------------------------------------------------------


def shown(job: Job, language: Language) -> dict[str, Any]:
    path = result_path(job)
    return {
        "id": str(job.id),
        "state": job.state,
        "mode": job.mode,
        "changes": job.changes,
        "asOf": job.as_of,
        "dryRun": job.dry_run,
        "standard": standard.VERSION,
        "season": job.season,
        "day": job.day,
        "rowsRead": job.rows_read,
        "rowsDone": job.rows_done,
        **{result.lower(): job.results.get(result, 0) for result in Result},
        "codes": dict(job.codes),
        "unreadSheets": [{"name": sheet.name, "rows": sheet.rows} for sheet in job.unread_sheets],
        "unreadRows": job.unread_rows,
        "missing": job.missing,
        "failure": job.failure and {"code": job.failure.code, "message": job.failure.message(language)},
        "createdAt": job.created_at,
        "startedAt": job.started_at,
        "finishedAt": job.finished_at,
        "waitsUntil": job.waits_until,
        "resultPath": path,
    }


def result_path(job: Job) -> str | None:
    """The path of the result. None: there is no result."""
    return f"{PATH}/{job.id}/result.xlsx" if results.available(job) else None
