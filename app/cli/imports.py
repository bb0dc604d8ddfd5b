"""`pemudik import` and `pemudik consolidate`: a file of the 12-column standard becomes a job, worked off here.

`pemudik template` writes the empty file, as `GET /template.xlsx` gives it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from uuid_utils.compat import uuid7

from app import clock
from app.cli.command import (
    OPERATOR,
    AsJson,
    Failed,
    Force,
    content_of,
    kind_of,
    print_json,
    print_table,
    put,
    run,
)
from app.cli.progress import bar
from app.clock import WIB
from app.config import Settings
from app.db import Database
from app.errors import accepted
from app.intake.files import uploads
from app.intake.files.workbooks import MOST_BYTES
from app.intake.imports import importing, results
from app.intake.imports.imports import shown
from app.language import instant
from app.models.enums import ImportChanges, ImportMode
from app.registry.caller import Caller
from app.registry.imports import absentees, job_runs, jobs
from app.registry.imports.jobs import PIECE_BYTES, Job, Order
from app.registry.rows import consolidation
from app.registry.rows.consolidation import Summary
from app.registry.terms import organizers, seasons
from app.registry.terms.policy import HUBDAT
from app.registry.values import calendar
from app.vault.vault import Vault, open_vault

LOOK_EVERY_SECONDS = 0.25
"""The command looks at the job this often, to show how far the job is."""

OUT_OF_RANGE = f"a year is {calendar.FIRST_YEAR} to {calendar.LAST_YEAR}."
DAY = ["%Y-%m-%d"]
INSTANTS = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]
File = Annotated[Path, typer.Argument(help=".xlsx or .csv with the standard's 12 columns.")]
Organizer = Annotated[str, typer.Option(help="Whose file it is: a code, as in `pemudik organizer list`.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Judge everything, change nothing.")]
ResultFile = Annotated[
    Path | None, typer.Option("--result", help="Where to put the file with its verdicts: .xlsx or .csv.")
]
Year = Annotated[int | None, typer.Option("--season", help="The current one if left out.")]
Day = Annotated[
    datetime | None, typer.Option(formats=DAY, help="Of a snapshot: the list of this day's registrations (WIB).")
]
Covers = Annotated[
    list[str] | None, typer.Option(help="Of a snapshot: a member whose whole list it is; may be repeated.")
]
Changes = Annotated[
    ImportChanges, typer.Option(case_sensitive=False, help="APPLY: move and correct known people whose rows differ.")
]
AsOf = Annotated[
    datetime | None,
    typer.Option(formats=INSTANTS, help="Of APPLY: the instant of the list (WIB unless it has a zone)."),
]
EvenThough = Annotated[
    bool, typer.Option("--even-though", help="Of APPLY: also if more than a fifth of the rows would be moved.")
]


CancelMissing = Annotated[UUID | None, typer.Option(help="Cancel whom this finished job found missing.")]
EvenThoughUnread = Annotated[
    bool,
    typer.Option(
        "--even-though",
        help="Cancel although part of the file could not be read, or apply although more than a fifth is moved.",
    ),
]


def import_file(
    file: File,
    organizer: Organizer,
    mode: Annotated[ImportMode, typer.Option(case_sensitive=False, help="UPSERT or SNAPSHOT.")] = ImportMode.UPSERT,
    changes: Changes = ImportChanges.REPORT,
    as_of: AsOf = None,
    even_though: EvenThough = False,
    dry_run: DryRun = False,
    year: Year = None,
    day: Day = None,
    covers: Covers = None,
    result: ResultFile = None,
    as_json: AsJson = False,
) -> None:
    """Take in an organizer's file, row by row.

    Exit code 1 if a row was refused, or the whole file.
    """
    applying = ChangesOfFile(changes, _instant(as_of), even_though=even_though)
    sent = SentFile(
        file=file,
        organizer=organizer,
        mode=mode,
        day=_day(day),
        covers=tuple(covers or ()),
        season=year,
        applying=applying,
        dry_run=dry_run,
    )
    end(work_off(sent, result), as_json=as_json)


def consolidate(
    file: Annotated[Path | None, typer.Argument(help="The organizer's whole list, .xlsx or .csv.")] = None,
    organizer: Annotated[str | None, typer.Option(help="Whose list, or summary.")] = None,
    changes: Changes = ImportChanges.REPORT,
    as_of: AsOf = None,
    dry_run: DryRun = False,
    year: Year = None,
    day: Day = None,
    covers: Covers = None,
    result: ResultFile = None,
    cancel_missing: CancelMissing = None,
    even_though: EvenThoughUnread = False,
    as_json: AsJson = False,
) -> None:
    """Compare an organizer's whole list with the registry.

    Without FILE it prints the summary of a --day. Whoever the list does not name is cancelled only if you ask for it by
    --cancel-missing.
    """
    whole_day = _day(day)
    if cancel_missing is not None:
        tell_cancelled(*run_cancelling(cancel_missing, even_though=even_though), as_json=as_json)
    elif organizer is None:
        raise Failed("Name the --organizer.")
    elif file is not None:
        applying = ChangesOfFile(changes, _instant(as_of), even_though=even_though and changes == ImportChanges.APPLY)
        who = tuple(covers or ())
        sent = SentFile(
            file=file,
            organizer=organizer,
            mode=ImportMode.SNAPSHOT,
            day=whole_day,
            covers=who,
            season=year,
            applying=applying,
            dry_run=dry_run,
        )
        end(work_off(sent, result), as_json=as_json)
    elif whole_day is not None:
        tell_summary(run_summary(organizer, whole_day, year), as_json=as_json)
    else:
        raise Failed("Give a FILE to compare, a --day to sum up, or --cancel-missing JOB.")


@dataclass(frozen=True, slots=True)
class ChangesOfFile:
    """What a file may change of people who are known."""

    changes: ImportChanges
    as_of: datetime | None
    even_though: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A file, and what the command line says of it."""

    file: Path
    organizer: str
    mode: ImportMode
    day: date | None
    covers: tuple[str, ...]
    season: int | None
    applying: ChangesOfFile
    dry_run: bool = field(kw_only=True)

    def order(self, caller: Caller) -> Order:
        return Order(
            caller=caller,
            mode=self.mode,
            changes=self.applying.changes,
            as_of=self.applying.as_of,
            even_though=self.applying.even_though,
            dry_run=self.dry_run,
            season=self.season,
            day=self.day,
            covers=self.covers,
            extension=uploads.extension_of(self.file.name),
        )


def _instant(given: datetime | None) -> datetime | None:
    if given is None:
        return None
    try:
        return calendar.instant((given if given.tzinfo else given.replace(tzinfo=WIB)).isoformat())
    except ValueError:
        raise Failed(f"--as-of: {OUT_OF_RANGE}") from None


def _day(given: datetime | None) -> date | None:
    try:
        return None if given is None else calendar.day(given.date().isoformat())
    except ValueError:
        raise Failed(f"--day: {OUT_OF_RANGE}") from None


# --- a file -----------------------------------------------------------------------------------------------------------


def work_off(sent: SentFile, result: Path | None) -> Job:
    """The job, worked off to its end; the file with its verdicts goes to `result`."""
    if result is not None and result.suffix.lower()[1:] not in results.ENCODERS:
        raise Failed("--result ends with .xlsx or .csv.")

    async def work(database: Database, settings: Settings) -> Job:
        vault, content = open_vault(settings), pieces_of(sent.file)
        caller = await caller_of(database, sent.organizer)
        async with database.transaction() as session:
            order = replace(sent.order(caller), size=sum(map(len, content)))
            created = await jobs.create(session, vault, order, content, clock.now(), most_kept=settings.import_storage)
            job = accepted(created)
        finished = await to_its_end(database, vault, caller, job)
        if result is not None and results.available(finished):
            await write(database, vault, finished, result)
        return finished

    return run(work)


def pieces_of(file: Path) -> list[bytes]:
    content = content_of(file, MOST_BYTES)
    return [content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES)]


async def caller_of(database: Database, organizer: str) -> Caller:
    """The organizer itself: whoever may run commands here acts for it."""
    async with database.transaction() as session:
        everyone = await organizers.all_of(session, await seasons.latest(session))
    if organizer not in {one.code for one in everyone}:
        raise Failed(f"There is no organizer {organizer}: see `pemudik organizer list`.")
    return Caller(None, organizer, frozenset(one.code for one in everyone if one.coordinator == organizer))


async def to_its_end(database: Database, vault: Vault, caller: Caller, job: Job) -> Job:
    """Work the job off here, unless a server was faster. A job that has to wait until tomorrow is left to servers."""
    with bar("Importing") as progress:
        while not job.finished and job.waits_until is None:
            work = asyncio.create_task(some_work(database, vault, job.id))
            while not work.done():
                await asyncio.wait({work}, timeout=LOOK_EVERY_SECONDS)
                async with database.transaction() as session:
                    job = accepted(await jobs.get(session, caller, job.id))
                progress(job.rows_done, max(job.rows_read, job.rows_done))
            await work
    return job


async def some_work(database: Database, vault: Vault, job_id: UUID) -> None:
    runner = uuid7()
    mine = await database.attempt(lambda session: job_runs.claim(session, runner, clock.now(), job_id))
    if mine is None:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    else:
        await importing.work_off(database, vault, mine, runner)


async def write(database: Database, vault: Vault, job: Job, to: Path) -> None:
    encoder = results.ENCODERS[to.suffix.lower()[1:]]()
    with to.open("wb") as file:
        async for part in results.result(database, vault, OPERATOR, job, encoder):
            file.write(part)


def end(job: Job, *, as_json: bool) -> None:
    if as_json:
        print_json(shown(job, "en"))
    else:
        typer.echo(f"Job {job.id}: {job.rows_done} rows{', changed nothing (dry run)' if job.dry_run else ''}.")
        print_table(("result", "code", "rows"), [row for row in results.summary(job) if row[2]])
    if job.waits_until is not None:
        waits = instant(job.waits_until, "en")
        raise Failed(f"The organizer's allowance of NIKs is used up: the job goes on by itself after {waits}.")
    if job.failure is not None:
        raise Failed(f"{job.failure.english} ({job.failure.code})")
    if job.codes:
        raise typer.Exit(1)


# --- absentees, and the day's summary ---------------------------------------------------------------------------------


def run_cancelling(job_id: UUID, *, even_though: bool) -> tuple[Job, int]:
    async def work(database: Database, _: Settings) -> tuple[Job, int]:
        async with database.transaction() as session:
            everyone = await organizers.all_of(session, await seasons.latest(session))
        anybody = Caller(None, HUBDAT, frozenset(one.code for one in everyone))
        job = accepted(await absentees.cancel(database.attempt, anybody, job_id, clock.now(), even_though=even_though))
        async with database.transaction() as session:
            return job, await absentees.cancelled(session, job.id)

    return run(work)


def tell_cancelled(job: Job, cancelled: int, *, as_json: bool) -> None:
    found = job.missing or 0
    if as_json:
        print_json({"job": job.id, "missing": found, "cancelled": cancelled})
    else:
        typer.echo(f"{cancelled} of {found} missing are cancelled; the others are not as they were found.")


def run_summary(organizer: str, day: date, season: int | None) -> Summary:
    async def work(database: Database, settings: Settings) -> Summary:
        caller = await caller_of(database, organizer)
        async with database.transaction() as session:
            found = await consolidation.summary(session, open_vault(settings), caller, organizer, day, season=season)
            return accepted(found)

    return run(work)


def tell_summary(found: Summary, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_table(("status", "registrants"), [(status, count) for status, count in found.counts.items()])
    typer.echo(f"{found.standing} standing, checksum {found.checksum}")


def template(
    file: Annotated[Path, typer.Argument(help="An .xlsx; `-` for standard output.")], force: Force = False
) -> None:
    """Write the empty 12-column file that organizers fill in."""
    from app.intake.files.template import workbook  # noqa: PLC0415 - an import that no other command needs

    kind_of(file, ["xlsx"])
    put(workbook(), file, force=force)
