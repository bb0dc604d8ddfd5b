"""`GET /export.xlsx`, `.csv`, `.jsonl`: the registrants of an organizer and of those that it coordinates.

The file has the columns of the standard; imported again, it changes nothing. It is sent while it is read, slice by
slice, and each slice is a short transaction.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import datetime

from starlette.responses import Response
from starlette.routing import Route

from app.auth.callers import Callers
from app.clock import wib_day
from app.errors import NotYours, RefusalError, refused_by, refuses
from app.intake import downloads, http
from app.intake.files.encoding import Csv, Encoder, JsonLines, encoded
from app.intake.files.encoding_xlsx import Xlsx
from app.intake.http import AdmittedRequest, RestDoor
from app.models.enums import Direction
from app.process import Process
from app.registry.caller import Caller
from app.registry.clients.scopes import REGISTRANTS_READ
from app.registry.niks import reads
from app.registry.niks.reads import Read
from app.registry.rows import extract
from app.registry.rows.extract import ExtractFilter, ExtractRow
from app.registry.terms import seasons
from app.registry.values import calendar, standard

PATH = "/export"
SHEET = f"Data Pemudik (standar {standard.VERSION})"
VERSION_HEADER = "Data-Standard"
"""An answer in this header says which version of the standard its rows have."""
ROWS_OF_A_SLICE = 250
"""Read in one transaction."""
ENCODERS: dict[str, Callable[[], Encoder]] = {"xlsx": Xlsx, "csv": Csv, "jsonl": JsonLines}
PARAMETERS = ("season", "direction", "day", "organizer", "all")


def routes(process: Process, callers: Callers) -> list[Route]:
    def door(extension: str) -> RestDoor:
        async def export(asked: AdmittedRequest) -> Response:
            wanted, organizers = await asked_for(process, asked)
            await downloads.first_turn(process.turns, asked.client)
            encoder = ENCODERS[extension]()
            name = file_name(asked, wanted.season, extension)
            return downloads.Download(
                downloads.in_turns(process.turns, asked.client, file(process, asked, organizers, wanted, encoder)),
                headers={
                    "Content-Disposition": f'attachment; filename="{name}"',
                    VERSION_HEADER: standard.VERSION,
                },
                media_type=encoder.media,
            )

        return RestDoor(
            callers, f"export {extension}", export, scopes=[REGISTRANTS_READ], method="GET", parameters=PARAMETERS
        )

    return [http.route(f"{PATH}.{extension}", door(extension)) for extension in ENCODERS]


def file_name(asked: AdmittedRequest, season: int, extension: str) -> str:
    return f"pemudik-{asked.caller.organizer}-{season}-{wib_day(asked.now)}-standar-{standard.VERSION}.{extension}"


@refuses(*refused_by(seasons.shown), NotYours)
async def asked_for(process: Process, asked: AdmittedRequest) -> tuple[ExtractFilter, list[str]]:
    """What is wanted, and of which organizers. Raises `RequestRefused`, `RefusalError`, `Unavailable`."""
    given = asked.request.query_params
    organizer = given.get("organizer")
    if organizer is not None and not asked.caller.owns(organizer):
        raise RefusalError(NotYours("organizer"))
    year = http.value(given, "season", calendar.season, http.A_SEASON)
    async with process.database.transaction() as session:
        season = await seasons.shown(session, year)
    wanted = ExtractFilter(
        season,
        http.value(given, "direction", lambda text: Direction(text.upper()), "MUDIK / BALIK"),
        http.value(given, "day", calendar.day, http.A_DAY),
        http.value(given, "all", {"true": True, "false": False}.__getitem__, http.YES_OR_NO) or False,
    )
    return wanted, sorted(asked.caller.organizers) if organizer is None else [organizer]


async def file(
    process: Process, asked: AdmittedRequest, organizers: Sequence[str], wanted: ExtractFilter, encoder: Encoder
) -> AsyncGenerator[bytes, None]:
    yield encoder.sheet(SHEET, extract.COLUMNS)
    for organizer in organizers:
        async for rows in slices(process, asked.caller, organizer, wanted, asked.now):
            async for piece in encoded(encoder, rows, lambda row: extract.cells(row, process.vault, asked.caller)):
                yield piece
    yield encoder.end()


async def slices(
    process: Process, caller: Caller, organizer: str, wanted: ExtractFilter, now: datetime
) -> AsyncIterator[Sequence[ExtractRow]]:
    """Each slice is written down before it leaves: an export may be broken off."""
    rows: Sequence[ExtractRow] = ()
    while True:
        after = rows[-1].id if rows else None
        async with process.database.statements() as session:
            rows = await extract.page(session, organizer, wanted, after=after, most=ROWS_OF_A_SLICE)
            if rows:
                await reads.record(session, read(caller, rows, wanted), now)
        if rows:
            yield rows
        if len(rows) < ROWS_OF_A_SLICE:
            return


def read(caller: Caller, rows: Sequence[ExtractRow], wanted: ExtractFilter) -> Read:
    people = {row.id: row.organizer for row in rows}
    return Read(caller=caller, what=PATH, people=people, asked=wanted.told(), is_slice=True)
