"""A file that was tried out (a dry run) is taken in for real: the same bytes, ordered in the same way.

The file is not sent again, so nothing else can be taken in than what was judged.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.db import Session
from app.errors import InvalidValue, NotFound, NotYours, Raced, Refusal, refused_by, refuses
from app.models.enums import ImportChanges, ImportMode, ImportState
from app.registry.caller import Caller
from app.registry.imports import jobs, storage
from app.registry.imports.jobs import Job, Order
from app.sql import statement

TOO_MANY_MOVES = "TOO_MANY_MOVES"
"""The code of a dry run that failed only for want of `evenThough`."""

_BYTES = statement("SELECT bytes FROM import_job WHERE id = :id", int)
_COPY = statement(
    """
    INSERT INTO import_file (job_id, number, sealed)
    SELECT CAST(:id AS uuid), number, sealed FROM import_file WHERE job_id = :tried
    """
)


@refuses(NotYours, InvalidValue, *refused_by(jobs.get, jobs.admit))
async def take_in(
    session: Session,
    caller: Caller,
    job_id: UUID,
    now: datetime,
    *,
    even_though: bool = False,
    most_kept: int = storage.MOST_KEPT_BYTES,
) -> Job | Refusal:
    """Order a dry run's file for real. Raises `Raced` if the file is wiped at the same time."""
    tried = await jobs.get(session, caller, job_id)
    if isinstance(tried, NotFound):
        return tried
    refused = _not_to_be_taken_in(tried, caller, even_though)
    if refused is not None:
        return refused
    size = await session.one(_BYTES, id=tried.id)
    job = await jobs.admit(session, _order(tried, caller, even_though, size), now, most_kept=most_kept)
    if isinstance(job, Refusal):
        return job
    if not await session.run(_COPY, id=job.id, tried=tried.id):
        raise Raced
    return job


def _not_to_be_taken_in(tried: Job, caller: Caller, even_though: bool) -> InvalidValue | NotYours | None:
    if tried.organizer != caller.organizer:
        return NotYours("jobId")
    if even_though and tried.changes != ImportChanges.APPLY:
        return InvalidValue(
            "evenThough", "Penegasan hanya untuk berkas yang mengubah data.", "evenThough is for changes: APPLY alone."
        )
    has_been_judged = tried.state == ImportState.DONE or tried.error_code == TOO_MANY_MOVES
    if not tried.dry_run or not has_been_judged or tried.wiped_at is not None:
        return InvalidValue(
            "jobId",
            "Yang dapat dikirim: uji coba yang sudah selesai dan masih disimpan berkasnya. Unggah berkasnya lagi.",
            "What can be sent is a finished dry run whose file is still kept. Upload the file again.",
        )
    return _too_many_moves() if tried.error_code == TOO_MANY_MOVES and not even_though else None


def _too_many_moves() -> InvalidValue:
    return InvalidValue(
        "evenThough",
        "Berkas ini memindahkan lebih dari seperlima barisnya. Periksa hasil uji coba; untuk tetap mengirim,"
        " kirim lagi dengan penegasan.",
        "This file moves more than a fifth of its rows. Look at the dry run; to send it all the same, send"
        " evenThough: true.",
    )


def _order(tried: Job, caller: Caller, even_though: bool, size: int) -> Order:
    """As the dry run was ordered. A list with APPLY and without `asOf` tells the state at its arrival. Here that is the
    arrival of the dry run.
    """
    order = Order(
        caller=caller,
        mode=ImportMode(tried.mode),
        changes=ImportChanges(tried.changes),
        even_though=even_though or tried.even_though,
        season=tried.season,
        day=tried.day,
        covers=tuple(tried.covers),
        extension=tried.extension,
        size=size,
    )
    applies = tried.changes == ImportChanges.APPLY
    return replace(order, as_of=tried.as_of or tried.created_at) if applies else order
