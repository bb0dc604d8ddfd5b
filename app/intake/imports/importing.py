"""Doing one import: its file is read in a process with limits, and its rows are pushed in chunks of a thousand.

Each chunk is one transaction, with its verdicts. A process that goes on with an import reads the file again, and leaves
out the chunks that are done.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from tempfile import TemporaryFile
from typing import BinaryIO, TypeVar
from uuid import UUID

import orjson

from app import clock
from app.db import Database, Session
from app.errors import AllowanceUsedUp, EverybodysError, Unavailable
from app.intake import pushing
from app.intake.files import workbooks
from app.intake.files.file_refusals import FileRefusedError
from app.intake.files.workbooks import FileReading
from app.intake.imports import failures, moves
from app.intake.imports.moves import TooManyMoves
from app.intake.pushing import Take
from app.models.enums import Direction, ImportChanges, ImportMode
from app.registry.caller import Caller
from app.registry.imports import absentees, job_runs, jobs
from app.registry.imports.job_runs import MOST_ATTEMPTS, Chunk, RowVerdict
from app.registry.imports.jobs import Failure, Job, UnreadSheet
from app.registry.niks import allowance, telling
from app.registry.niks.telling import TooManyNamed
from app.registry.rows import reception
from app.registry.rows.batch import Applying
from app.registry.rows.dry_run import DryRun, SeatsTaken
from app.registry.rows.reception import Push, Result, Verdict
from app.registry.values import nik, standard
from app.vault.vault import Vault

ROWS_OF_A_CHUNK = 1_000
"""One transaction takes them in."""
RENEW_EVERY_SECONDS = 2.0
"""The lease of the job."""
RETRY_AFTER_SECONDS = 0.5
GIVE_UP_AFTER_SECONDS = 600.0
"""A database that is away has so long to come back."""

Item = TypeVar("Item")
RowValues = dict[str, str | None]
Place = Sequence[int]
"""The place of a row's sheet among those of the file, from 0, and the row's number in the sheet."""
NumberedRow = tuple[Place, RowValues]
"""A row's place in the file, and its values by column."""


class Revoked(EverybodysError):  # noqa: N818 - an outcome
    """The client that sent the file was revoked: nothing more may be done in its name."""


class Run:
    """One process that does one job. It holds the lease of the job as `runner`."""

    def __init__(self, database: Database, vault: Vault, job: Job, runner: UUID, caller: Caller) -> None:
        self.database = database
        self.vault = vault
        self.job = job
        self.runner = runner
        self.caller = caller
        self.rows_read = 0

    async def attempt(self, work: Callable[[Session], Awaitable[Item]]) -> Item:
        return await patiently(lambda: self.database.attempt(work))

    async def keep_lease(self) -> None:
        """Raises `LeaseLost`, `Revoked`."""
        while True:
            if not await self.attempt(
                lambda session: job_runs.renew(session, self.job, self.runner, self.rows_read, clock.now())
            ):
                raise Revoked
            await asyncio.sleep(RENEW_EVERY_SECONDS)

    async def rows(self) -> None:
        """Raises `FileRefusedError`, `LeaseLost`."""
        async with file_of(self.database, self.vault, self.job) as file, workbooks.read(file) as reading:
            unread = [UnreadSheet(sheet.name or "", sheet.rows) for sheet in reading.sheets if sheet.is_unread]
            await self.attempt(lambda session: job_runs.note_unread(session, self.job, self.runner, unread))
            if self.job.dry_run:
                await self.rehearse(reading)
            elif self.job.changes == ImportChanges.APPLY:
                await self.apply_rows(reading)
            else:
                await self.push_rows(reading)

    async def push_rows(self, reading: FileReading) -> None:
        """Two chunks are under way: while one is written, the next one does what needs no database."""
        done = await self.attempt(lambda session: job_runs.done(session, self.job))
        before: asyncio.Task[None] | None = None
        last: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as group:
            async for number, rows in one_ahead(self.chunks(reading)):
                if number in done:
                    continue
                await ended(before)
                before, last = last, group.create_task(self.push(number, rows, last))

    async def apply_rows(self, reading: FileReading) -> None:
        """A file that would move too many is judged as a whole before it changes anything. Raises `TooManyMoves`.

        Rows of one NIK are in one part: a trip that goes to another city goes as a whole.
        """
        packed = [orjson.dumps(row) async for _, rows in self.chunks(reading) for row in rows]
        done = await self.attempt(lambda session: job_runs.done(session, self.job))
        if not done and not self.job.even_though:
            await self.count_moves(packed)
        for number, part in enumerate(parts(packed)):
            if number not in done:
                await self.push(number, part, None)

    async def count_moves(self, packed: Sequence[bytes]) -> None:
        seats: SeatsTaken = {}
        moved = 0
        for part in parts(packed):
            judged = await self.judged(part, seats)
            seats, moved = judged.seats, moved + judged.moved
        self.judge_moves(moved, len(packed))

    def judge_moves(self, moved: int, rows: int) -> None:
        """Raises `TooManyMoves`."""
        if moved > rows * moves.MOST_MOVED and not self.job.even_though:
            raise TooManyMoves(moved, rows)

    async def chunks(self, reading: FileReading) -> AsyncIterator[tuple[int, list[NumberedRow]]]:
        """The rows by the thousand. They are the same chunks each time the file is read."""
        number = 0
        rows: list[NumberedRow] = []
        async for row in self.in_turn(reading):
            rows.append(row)
            if len(rows) == ROWS_OF_A_CHUNK:
                yield number, rows
                number, rows = number + 1, []
        if rows:
            yield number, rows

    async def in_turn(self, reading: FileReading) -> AsyncIterator[NumberedRow]:
        """All trips home, then all trips back: a trip back needs its trip home, wherever the two stand in the file."""
        back: list[bytes] = []
        async for batch in reading.batches():
            self.rows_read += len(batch)
            for row in batch:
                values = reading.values(row)
                if standard.direction_of(values.get("tipe_keberangkatan")) == Direction.BALIK:
                    back.append(orjson.dumps(((row.sheet, row.number), values)))
                else:
                    yield (row.sheet, row.number), values
        for packed in back:
            yield orjson.loads(packed)

    async def push(self, number: int, rows: Sequence[NumberedRow], behind: asyncio.Task[None] | None) -> None:
        pushes = self.pushes(rows)

        async def work(session: Session, take: Take) -> None:
            verdicts = await take()
            if any(isinstance(one.refusal, AllowanceUsedUp) for one in verdicts):
                raise TooManyNamed
            chunk = self.chunk(number, rows, verdicts)
            await job_runs.advance(session, self.job, self.runner, chunk, clock.now())

        await patiently(
            lambda: pushing.push_with(
                self.database, self.vault, pushes, clock.now(), work, in_turn=lambda: ended(behind)
            )
        )

    async def rehearse(self, reading: FileReading) -> None:
        """A dry run that was put off, or that another process began, goes on behind the chunks that are done.

        Raises `TooManyNamed`, and `TooManyMoves` where the import would. By then the verdicts are stored.
        """
        packed = [orjson.dumps(row) async for _, rows in self.chunks(reading) for row in rows]
        done = await self.attempt(lambda session: job_runs.done(session, self.job))
        seats, moved = self.job.rehearsed_seats, self.job.rehearsed_moves
        for number, part in enumerate(parts(packed)):
            if number not in done:
                judged = await self.rehearse_part(number, part, seats)
                seats, moved = judged.seats, moved + judged.moved
        self.judge_moves(moved, len(packed))

    async def rehearse_part(self, number: int, rows: Sequence[NumberedRow], seats: SeatsTaken) -> DryRun:
        judged = await self.judged(rows, seats)
        chunk = replace(self.chunk(number, rows, judged.verdicts), seats=judged.seats, moved=judged.moved)

        async def work(session: Session) -> None:
            await job_runs.advance(session, self.job, self.runner, chunk, clock.now())
            await telling.tell_rehearsed(session, judged.named, clock.now())

        await self.attempt(work)
        return judged

    async def judged(self, rows: Sequence[NumberedRow], seats: SeatsTaken) -> DryRun:
        pushes = self.pushes(rows)
        return await patiently(
            lambda: pushing.rehearse(self.database, self.vault, self.caller, pushes, seats, clock.now())
        )

    def pushes(self, rows: Sequence[NumberedRow]) -> list[Push]:
        applies = self.job.changes == ImportChanges.APPLY
        applying = Applying(self.job.as_of or self.job.created_at) if applies else None
        return [Push(self.caller, reception.row_of(values), applying) for _, values in rows]

    def chunk(self, number: int, rows: Sequence[NumberedRow], verdicts: Sequence[Verdict]) -> Chunk:
        known = {
            one.registrant_id
            for one in verdicts
            if one.registrant_id is not None and not (self.job.dry_run and one.result is Result.NEW)
        }
        refused = [values for (_, values), one in zip(rows, verdicts, strict=True) if one.result is Result.REFUSED]
        return Chunk(
            number=number,
            verdicts=[row_verdict(row, one) for (row, _), one in zip(rows, verdicts, strict=True)],
            registrants=frozenset(known),
            refused=frozenset(self.indexes(refused)) if self.job.mode == ImportMode.SNAPSHOT else frozenset(),
            named=jobs.named(self.indexes(values for _, values in rows)),
            differences=job_runs.sealed_differences(self.vault, list(differing(verdicts))),
            unread=sum(nik_written(values) is None for values in refused),
            organizers=frozenset(one.organizer for one in verdicts if one.organizer is not None),
        )

    def indexes(self, rows: Iterable[RowValues]) -> Iterable[bytes]:
        for values in rows:
            parsed = nik.parse(values.get("data_nik") or "")
            if isinstance(parsed, nik.Nik):
                yield self.vault.blind_index(parsed.digits)

    async def put_off(self, niks: int) -> Job:
        """Until the organizer's next allowance, if `niks` at once are not too many for that. Raises `LeaseLost`."""
        until = allowance.ends_at(clock.now())
        tomorrow = await self.attempt(lambda session: allowance.of_organizers(session, [self.job.organizer], until))
        per_day = tomorrow[self.job.organizer].per_day
        if niks > per_day:
            return await self.finish(failures.of_allowance(niks, per_day))
        return await self.attempt(lambda session: job_runs.put_off(session, self.job, self.runner, until))

    async def finish(self, failure: Failure | None) -> Job:
        """Raises `LeaseLost`."""

        async def work(session: Session) -> Job:
            whole = failure is None and self.job.mode == ImportMode.SNAPSHOT
            absent = await absentees.find(session, self.caller, self.job) if whole else None
            return await job_runs.finish(session, self.job, self.runner, clock.now(), failure=failure, missing=absent)

        return await self.attempt(work)


async def work_off(database: Database, vault: Vault, job: Job, runner: UUID) -> Job:
    """Do the job to its end, or as far as the organizer's allowance of NIKs lasts today.

    Raises `LeaseLost`, alone or in a group.
    """
    async with database.transaction() as session:
        caller = await job_runs.caller_of(session, job)
    run = Run(database, vault, job, runner, caller)
    ended: list[BaseException] = []
    try:
        if job.attempts > MOST_ATTEMPTS:
            return await run.finish(failures.GIVEN_UP)
        async with asyncio.TaskGroup() as group:
            beat = group.create_task(run.keep_lease())
            await run.rows()
            beat.cancel()
    except* (FileRefusedError, Revoked, TooManyMoves, TooManyNamed) as why:
        ended.append(failures.first_of(why))
    match ended:
        case [TooManyNamed(niks=niks)]:
            return await run.put_off(niks)
        case [FileRefusedError() as refused]:
            return await run.finish(failures.of_file(refused))
        case [TooManyMoves() as many]:
            return await run.finish(failures.of_moves(many, dry_run=job.dry_run))
        case [Revoked()]:
            return await run.finish(failures.REVOKED)
    return await run.finish(None)


def differing(verdicts: Sequence[Verdict]) -> Iterable[tuple[int, str]]:
    """For each row that differs from what is stored: its place in the chunk, and the differences in words."""
    for place, one in enumerate(verdicts):
        if one.differences:
            yield place, " ".join(difference.message("id") for difference in one.differences)


def row_verdict(place: Place, verdict: Verdict) -> RowVerdict:
    sheet, row = place
    code = verdict.code if verdict.result is Result.REFUSED else None
    return RowVerdict(row=row, result=str(verdict.result), code=code, explanation=verdict.message("id"), sheet=sheet)


def parts(packed: Sequence[bytes]) -> Iterable[list[NumberedRow]]:
    """Rows by the thousand. Those of one NIK are in one part, since they are judged by each other."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(packed):
        places.setdefault(nik_written(orjson.loads(row)[1]) or f"row {place}", []).append(place)
    part: list[NumberedRow] = []
    for group in places.values():
        for start in range(0, len(group), ROWS_OF_A_CHUNK):
            together = group[start : start + ROWS_OF_A_CHUNK]
            if len(part) + len(together) > ROWS_OF_A_CHUNK:
                yield part
                part = []
            part += [orjson.loads(packed[place]) for place in together]
    if part:
        yield part


def nik_written(values: RowValues) -> str | None:
    """The digits of the row's NIK. None: it is no NIK."""
    parsed = nik.parse(values.get("data_nik") or "")
    return parsed.digits if isinstance(parsed, nik.Nik) else None


@asynccontextmanager
async def file_of(database: Database, vault: Vault, job: Job) -> AsyncIterator[BinaryIO]:
    """The file as it was sent. It has no name on disk, so nothing of it stays, however this process ends."""
    with TemporaryFile(buffering=0) as file:
        number = 0
        while piece := await patiently(lambda: one_piece(database, vault, job, number)):  # noqa: B023 - awaited here
            file.write(piece)
            number += 1
        yield file


async def one_piece(database: Database, vault: Vault, job: Job, number: int) -> bytes | None:
    async with database.transaction() as session:
        return await jobs.piece(session, vault, job.id, number)


async def ended(task: asyncio.Task[None] | None) -> None:
    """Wait until it has ended, well or not. If it failed, its group raises the failure."""
    if task is not None:
        await asyncio.wait({task})


async def patiently(work: Callable[[], Awaitable[Item]]) -> Item:
    """Do `work` again while the database is away, or while it loses races. Raises `Unavailable` at last."""
    loop = asyncio.get_running_loop()
    until = loop.time() + GIVE_UP_AFTER_SECONDS
    while True:
        try:
            return await work()
        except Unavailable:
            if loop.time() > until:
                raise
        await asyncio.sleep(RETRY_AFTER_SECONDS)


async def one_ahead(source: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """The same items. While the caller works on one, the next one is read."""
    coming = asyncio.ensure_future(anext(source, None))
    try:
        while (item := await coming) is not None:
            coming = asyncio.ensure_future(anext(source, None))
            yield item
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError):
            await coming
