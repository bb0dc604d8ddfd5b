"""One's imports as a list, the verdicts of one import row by row, and a dry run that is taken in for real."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from struct import Struct, error
from typing import Annotated

import strawberry
from strawberry import UNSET

from app.graphql import paging
from app.graphql.context import Info
from app.graphql.paging import After, Connection, First
from app.graphql.scalars import given, identifier
from app.graphql.topics.files.imports import ImportJob, JobId, job_of, shown
from app.graphql.vocabulary import RowResult
from app.registry.imports import job_list, row_list, trying
from app.registry.imports.job_runs import RowVerdict
from app.registry.imports.row_list import BEFORE_ALL, RowFilter, RowPlace
from app.registry.values.trial import cursor_mark

_PLACE = Struct(">Bii")
_VERSION_OF_CURSORS = 1


@strawberry.type(description="A row of an import with its verdict.")
class ImportRow:
    sheet: int | None = strawberry.field(
        description="The place of its sheet among those of the file, from 1. Null: of an import of version 0.2."
    )
    row: int = strawberry.field(description="Its number in the sheet, as a spreadsheet counts.")
    result: RowResult = strawberry.field(description="What became of it.")
    code: str | None = strawberry.field(
        description="Of a refused one: a code of `Problem`, or one of rows alone, such as `INTERNAL_ERROR`."
    )
    explanation: str | None = strawberry.field(description="For people, in Indonesian, as the result file has it.")

    @classmethod
    def from_verdict(cls, verdict: RowVerdict) -> ImportRow:
        return cls(
            sheet=None if verdict.sheet is None else verdict.sheet + 1,
            row=verdict.row,
            result=RowResult(verdict.result),
            code=verdict.code,
            explanation=verdict.explanation,
        )


async def find_import_jobs(info: Info, first: First = 50, after: After = UNSET) -> Connection[ImportJob] | None:
    context = info.context
    position, size = paging.position(given(after)), paging.size(first)
    async with context.transaction() as session:
        found = await job_list.page(session, context.caller, after=position, first=size)
    nodes = [ImportJob.from_job(job, context) for job in found]
    return paging.connection([job.id for job in found], nodes, first=first, after=given(after))


async def find_import_rows(
    info: Info,
    job_id: JobId,
    result: Annotated[RowResult | None, strawberry.argument(description="With this result.")] = UNSET,
    code: Annotated[str | None, strawberry.argument(description="Refused with this code.")] = UNSET,
    differing: Annotated[
        bool, strawberry.argument(description="Only rows that tell something else than is stored.")
    ] = False,
    first: First = 50,
    after: After = UNSET,
) -> Connection[ImportRow] | None:
    context = info.context
    place, size = position(given(after)), paging.size(first)
    job = await job_of(context, job_id)
    where = RowFilter(result=given(result), code=given(code), differing=differing)
    async with context.transaction() as session:
        found = await row_list.page(session, context.process.vault, job, where, after=place, first=size)
    for registrant, organizer in found.people.items():
        context.shown.note(registrant, organizer)
    nodes = [ImportRow.from_verdict(verdict) for _, verdict in found.rows]
    made = paging.connected([cursor(at) for at, _ in found.rows], nodes, first=first, after=given(after))
    if found.end is not None:
        made.page_info.has_next_page, made.page_info.end_cursor = True, cursor(found.end)
    return made


async def import_as_tried(
    info: Info,
    job_id: JobId,
    even_though: Annotated[
        bool, strawberry.argument(description="Of APPLY: also if more than a fifth of the rows would be moved.")
    ] = False,
) -> ImportJob | None:
    context = info.context
    most_kept = context.process.import_storage
    job = await context.attempt(
        lambda session: trying.take_in(
            session, context.caller, identifier(job_id), context.now, even_though=even_though, most_kept=most_kept
        )
    )
    return shown(job, context)


def cursor(place: RowPlace) -> str:
    return urlsafe_b64encode(cursor_mark() + _PLACE.pack(_VERSION_OF_CURSORS, *place)).decode()


def position(after: str | None) -> RowPlace:
    """Raises `RequestError` for what is no cursor."""
    if after is None:
        return BEFORE_ALL
    try:
        version, chunk, row = _PLACE.unpack(urlsafe_b64decode(after)[len(cursor_mark()) :])
    except (ValueError, error):
        raise paging.no_cursor() from None
    if version != _VERSION_OF_CURSORS or min(chunk, row + 1) < 0 or cursor(RowPlace(chunk, row)) != after:
        raise paging.no_cursor()
    return RowPlace(chunk, row)
