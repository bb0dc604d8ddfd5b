"""Imports and consolidation: a file of the 12-column standard as a job, how far it is, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import date, datetime
from typing import Annotated

import strawberry
from strawberry import ID, UNSET

from app.errors import Refusal, RefusalError
from app.graphql import paging
from app.graphql.context import Context, Info
from app.graphql.fields import PAGED, loaded, sized
from app.graphql.paging import After, Connection, First
from app.graphql.scalars import given, identifier
from app.graphql.topics.catalogue import Organizer, get_organizer
from app.graphql.vocabulary import ImportChanges, ImportMode, ImportState, RegistrantStatus
from app.intake.files.uploads import Upload
from app.intake.imports.imports import result_path
from app.registry.imports import absentees, jobs
from app.registry.imports.absentees import Absentee
from app.registry.imports.jobs import Job, Order
from app.registry.rows import consolidation
from app.registry.rows.consolidation import Summary
from app.registry.rows.reception import Result
from app.registry.values import standard

PROGRESS_EVERY_SECONDS = 0.5
"""How often a subscription looks whether its job has changed."""

JobId = Annotated[ID, strawberry.argument(description="Which one, as `importRegistrants` answered it.")]


@strawberry.type(description="Why a job ended before its end.")
class ImportFailure:
    code: str = strawberry.field(
        description=(
            "Stable: `FILE_…`, `HEADER_NOT_FOUND` or `COLUMN_…` of a file that is not taken, `TOO_MANY_MOVES`,"
            " `ALLOWANCE_TOO_SMALL`, `CLIENT_REVOKED`, or `INTERNAL_ERROR`."
        )
    )
    message: str = strawberry.field(description="For people, in the language of `Accept-Language`.")

    @classmethod
    def of(cls, job: Job, context: Context) -> ImportFailure | None:
        failure = job.failure
        return None if failure is None else cls(code=failure.code, message=failure.message(context.language))


@strawberry.type(description="How many rows were refused for one reason.")
class CodeCount:
    code: str = strawberry.field(description="A code of `Problem`, or one of rows alone, such as `INTERNAL_ERROR`.")
    rows: int = strawberry.field(description="How many.")


@strawberry.type(description="A sheet of the file that nobody was read from.")
class UnreadSheet:
    name: str = strawberry.field(description="As the file has it.")
    rows: int = strawberry.field(description="Rows with something in them.")


@strawberry.type(description="A registrant that the registry holds and a snapshot did not name.")
class MissingRegistrant:
    id: ID = strawberry.field(description="The registrant's.")
    reference: str | None = strawberry.field(description="Your own booking code (`kode_booking`).")
    status: RegistrantStatus = strawberry.field(description="Where it stood when it was found missing.")
    cancelled_at: datetime | None = strawberry.field(description="When `cancelMissing` cancelled it.")
    organizer_code: strawberry.Private[str]

    @classmethod
    def from_record(cls, missing: Absentee, context: Context) -> MissingRegistrant:
        context.shown.note(missing.registrant_id, missing.organizer)
        return cls(
            id=ID(str(missing.registrant_id)),
            reference=missing.reference,
            status=RegistrantStatus(missing.status),
            cancelled_at=missing.cancelled_at,
            organizer_code=missing.organizer,
        )

    @loaded("Whose it is.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)


@strawberry.type(
    description=(
        "A file that is worked off in the background. Each row is taken in once, whatever server is restarted when."
        " File and result are kept for 30 days after its end, the counts for good."
    )
)
class ImportJob:
    id: ID = strawberry.field(description="A UUID.")
    state: ImportState = strawberry.field(description="How far it is.")
    mode: ImportMode = strawberry.field(description="What the file is.")
    changes: ImportChanges = strawberry.field(description="What becomes of known people whose rows differ.")
    as_of: datetime | None = strawberry.field(description="Of APPLY: the instant of the list, if it was told.")
    dry_run: bool = strawberry.field(description="Whether everything is judged and nothing changed.")
    standard: str = strawberry.field(description="The version of the data standard by which it was read: `2024-03`.")
    season: int = strawberry.field(description="The programme year.")
    day: date | None = strawberry.field(description="Of a snapshot of one day: registrations of that day (WIB).")
    rows_read: int = strawberry.field(description="Rows of the file that were read so far.")
    rows_done: int = strawberry.field(description="Rows that have a verdict.")
    new: int = strawberry.field(description="Registered.")
    updated: int = strawberry.field(
        description="Moved on to a later status; of APPLY also moved to another route, or corrected."
    )
    unchanged: int = strawberry.field(description="As the registry has them.")
    stale: int = strawberry.field(description="Of an earlier status than the registry has; nothing was changed.")
    refused: int = strawberry.field(description="Refused; see `codes`, and the result row by row.")
    codes: list[CodeCount] = strawberry.federation.field(
        description="Of the refused: why, the commonest first.", directives=[sized(10)]
    )
    unread_sheets: list[UnreadSheet] = strawberry.federation.field(
        description="Sheets that nobody was read from: without a header of ours, or hidden.", directives=[sized(5)]
    )
    unread_rows: int = strawberry.field(description="Of the refused: rows whose NIK cannot be read.")
    missing: int | None = strawberry.field(
        description="Of a finished SNAPSHOT: how many are in the registry and not in the file."
    )
    failure: ImportFailure | None = strawberry.field(description="Of a FAILED one: why. Rows that were done stay.")
    created_at: datetime = strawberry.field(description="When the file came.")
    started_at: datetime | None = strawberry.field(description="When a server began with it.")
    finished_at: datetime | None = strawberry.field(description="When it was DONE or FAILED.")
    waits_until: datetime | None = strawberry.field(
        description="It goes on then: your allowance of NIKs is used up, see `Organizer.nikAllowance`."
    )
    result_path: str | None = strawberry.field(
        description=(
            "Where the file can be had back with `hasil` and `keterangan` for each row (GET with your token; `.csv`"
            " instead of `.xlsx` gives CSV). Null: not finished, no file that could be read, or wiped."
        )
    )
    organizer_code: strawberry.Private[str]

    @classmethod
    def from_job(cls, job: Job, context: Context) -> ImportJob:
        counts = {result: job.results.get(result, 0) for result in Result}
        reasons = sorted(job.codes.items(), key=lambda reason: (-reason[1], reason[0]))
        return cls(
            id=ID(str(job.id)),
            state=ImportState(job.state),
            mode=ImportMode(job.mode),
            changes=ImportChanges(job.changes),
            as_of=job.as_of,
            dry_run=job.dry_run,
            standard=standard.VERSION,
            season=job.season,
            day=job.day,
            rows_read=job.rows_read,
            rows_done=job.rows_done,
            new=counts[Result.NEW],
            updated=counts[Result.UPDATED],
            unchanged=counts[Result.UNCHANGED],
            stale=counts[Result.STALE],
            refused=counts[Result.REFUSED],
            codes=[CodeCount(code=code, rows=rows) for code, rows in reasons],
            unread_sheets=[UnreadSheet(name=sheet.name, rows=sheet.rows) for sheet in job.unread_sheets],
            unread_rows=job.unread_rows,
            missing=job.missing,
            failure=ImportFailure.of(job, context),
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            waits_until=job.waits_until,
            result_path=result_path(job),
            organizer_code=job.organizer,
        )

    @loaded("Who sent it.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)

    @loaded("Who is missing, of a finished SNAPSHOT.", PAGED)
    async def missing_registrants(
        self, info: Info, first: First = 50, after: After = UNSET
    ) -> Connection[MissingRegistrant]:
        position, size = paging.position(given(after)), paging.size(first)
        async with info.context.transaction() as session:
            found = await absentees.page(session, identifier(self.id), after=position, most=size + 1)
        nodes = [MissingRegistrant.from_record(missing, info.context) for missing in found]
        ids = [missing.registrant_id for missing in found]
        return paging.connection(ids, nodes, first=first, after=given(after))


@strawberry.type(description="How many registrants of a day stand where.")
class StatusCount:
    status: RegistrantStatus = strawberry.field(description="Where.")
    registrants: int = strawberry.field(description="How many.")


@strawberry.type(
    description=(
        "One organizer's registrations of one day (WIB) as the registry holds them, to be compared with the organizer's"
        " own (Kemenhub integration scheme, March 2024: daily consolidation)."
    )
)
class Consolidation:
    date: date = strawberry.field(description="The day of `registeredAt`, in WIB.")
    season: int = strawberry.field(description="The programme year.")
    counts: list[StatusCount] = strawberry.federation.field(
        description="By status, each once. Who was erased is not counted.", directives=[sized(6)]
    )
    standing: int = strawberry.field(description="REGISTERED, VERIFIED and DEPARTED together: lines of the checksum.")
    checksum: str | None = strawberry.field(
        description=(
            "SHA-256, in hexadecimal, of a line `nik|direction|service|code` and LF for each standing registrant, in"
            " the order of their bytes, such as `3201010101909001|MUDIK|PASSENGER|1`. Null for anyone but its owner."
        )
    )
    organizer_code: strawberry.Private[str]

    @classmethod
    def from_summary(cls, found: Summary) -> Consolidation:
        statuses = [(RegistrantStatus(status), count) for status, count in found.counts.items()]
        return cls(
            date=found.day,
            season=found.season,
            counts=[StatusCount(status=status, registrants=count) for status, count in statuses],
            standing=found.standing,
            checksum=found.checksum,
            organizer_code=found.organizer,
        )

    @loaded("Whose.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)


ImportedFile = Annotated[
    Upload,
    strawberry.argument(
        description="`.xlsx` or `.csv` with the standard's 12 columns, at most 20 MiB; by a multipart request."
    ),
]
WhatItIs = Annotated[ImportMode, strawberry.argument(description="What the file is.")]
OfKnownPeople = Annotated[
    ImportChanges, strawberry.argument(description="What becomes of known people whose rows differ.")
]
AsOf = Annotated[
    datetime | None,
    strawberry.argument(
        description="Of APPLY: the instant of the list. Whoever changed after it stays. Left out: when it came."
    ),
]
EvenThough = Annotated[
    bool, strawberry.argument(description="Of APPLY: also if more than a fifth of the rows would be moved.")
]
DryRun = Annotated[bool, strawberry.argument(description="Judge everything, change nothing.")]
OfSeason = Annotated[int | None, strawberry.argument(description="The current one if left out.")]
OfDay = Annotated[
    date | None,
    strawberry.argument(description="Of a SNAPSHOT: the file is the list of this day's registrations (WIB)."),
]
Covers = Annotated[
    list[ID] | None,
    strawberry.argument(
        description=(
            "Of a SNAPSHOT: yourself, or members, whose whole list it is even if it names none of their people."
            " Whoever is named in `source` of a row is covered without being listed here."
        )
    ),
]


async def import_registrants(
    info: Info,
    file: ImportedFile,
    mode: WhatItIs = ImportMode.UPSERT,
    changes: OfKnownPeople = ImportChanges.REPORT,
    as_of: AsOf = UNSET,
    even_though: EvenThough = False,
    dry_run: DryRun = False,
    season: OfSeason = UNSET,
    day: OfDay = UNSET,
    covers: Covers = UNSET,
) -> ImportJob | None:
    order = Order(
        caller=info.context.caller,
        mode=mode,
        changes=changes,
        as_of=given(as_of),
        even_though=even_though,
        dry_run=dry_run,
        season=given(season),
        day=given(day),
        covers=tuple(given(covers) or ()),
        extension=file.extension,
        size=file.size,
    )
    return await _ordered(info.context, order, file)


async def _ordered(context: Context, order: Order, file: Upload) -> ImportJob:
    process = context.process
    job = await context.attempt(
        lambda session: jobs.create(
            session, process.vault, order, file.pieces(), context.now, most_kept=process.import_storage
        )
    )
    return shown(job, context)


async def find_import_job(info: Info, id: JobId) -> ImportJob | None:
    job = await _find(info.context, id)
    return ImportJob.from_job(job, info.context) if isinstance(job, Job) else None


async def import_progress(info: Info, id: JobId) -> AsyncGenerator[ImportJob, None]:
    """The job as it is, then again each time that it has changed, until it is finished."""
    context = info.context
    told: Job | None = None
    while told is None or not told.finished:
        job = await job_of(context, id)
        if job != told:
            yield ImportJob.from_job(job, context)
        told = job
        if not job.finished:
            await asyncio.sleep(PROGRESS_EVERY_SECONDS)


async def cancel_missing(
    info: Info,
    job_id: JobId,
    even_though: Annotated[
        bool,
        strawberry.argument(
            description="Although `unreadSheets` or `unreadRows` say that the file was not read as a whole."
        ),
    ] = False,
) -> ImportJob | None:
    context = info.context
    cancelled = await absentees.cancel(
        context.attempt, context.caller, identifier(job_id), context.now, even_though=even_though
    )
    return shown(cancelled, context)


async def find_consolidation(
    info: Info,
    date: Annotated[date, strawberry.argument(description="A day, in WIB.")],
    organizer: Annotated[ID | None, strawberry.argument(description="Yourself if left out.")] = UNSET,
    season: OfSeason = UNSET,
) -> Consolidation | None:
    context = info.context
    async with context.transaction() as session:
        found = await consolidation.summary(
            session,
            context.process.vault,
            context.reader,
            given(organizer) or context.caller.organizer,
            date,
            season=given(season),
            everyone=context.everyone,
        )
    if isinstance(found, Refusal):
        raise RefusalError(found)
    return Consolidation.from_summary(found)


async def _find(context: Context, id: str) -> Job | Refusal:
    async with context.transaction() as session:
        return await jobs.get(session, context.caller, identifier(id))


async def job_of(context: Context, id: str) -> Job:
    """Raises the refusal."""
    job = await _find(context, id)
    if isinstance(job, Refusal):
        raise RefusalError(job)
    return job


def shown(job: Job | Refusal, context: Context) -> ImportJob:
    if isinstance(job, Refusal):
        raise RefusalError(job)
    return ImportJob.from_job(job, context)
