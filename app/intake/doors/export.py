"""`GET /export.xlsx`, `.csv`, `.jsonl`: an organizer's own registrants, a coordinator's members' too, in the columns of
the standard. Sent back as an import, it changes nothing.

It is sent as it is read, a slice at a time, each in a short transaction.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.auth.bearer import Bearer
from app.clock import wib_day
from app.errors import NotYours
from app.intake import http
from app.intake.files.encoding import Csv, Encoder, JsonLines, encoded
from app.intake.files.encoding_xlsx import Xlsx
from app.intake.http import Asked, Door
from app.models.enums import Direction
from app.process import Registry
from app.registry.caller import Caller
from app.registry.rows import extract
from app.registry.rows.extract import Wanted
from app.registry.terms import seasons

PATH = "/export"
SCOPE = "registrants:read"
SHEET = "Data Pemudik"
SLICE = 250
"""Rows of a transaction."""
ENCODERS: dict[str, Callable[[], Encoder]] = {"xlsx": Xlsx, "csv": Csv, "jsonl": JsonLines}
PARAMETERS = ("season", "direction", "day", "organizer", "all")


def routes(registry: Registry, bearer: Bearer) -> list[Route]:
    def door(extension: str) -> Door:
        async def export(asked: Asked) -> Response:
            wanted, organizers = await asked_for(registry, asked)
            encoder = ENCODERS[extension]()
            name = f"pemudik-{asked.caller.organizer}-{wanted.season}-{wib_day(asked.now)}.{extension}"
            return StreamingResponse(
                file(registry, asked.caller, organizers, wanted, encoder),
                headers={"Content-Disposition": f'attachment; filename="{name}"'},
                media_type=encoder.media,
            )

        return Door(bearer, f"export {extension}", export, scopes=(SCOPE,), method="GET")

    return [http.route(f"{PATH}.{extension}", door(extension)) for extension in ENCODERS]


async def asked_for(registry: Registry, asked: Asked) -> tuple[Wanted, list[str]]:
    """What is wanted, and of which organizers. Raises `Refused`, `NotYours`, `NotFound`, `Unavailable`."""
    given = asked.request.query_params
    http.only(given, PARAMETERS)
    organizer = given.get("organizer")
    if organizer is not None and not asked.caller.owns(organizer):
        raise NotYours("organizer")
    season = http.value(given, "season", year)
    if season is None:
        async with registry.database.transaction() as session:
            season = await seasons.latest(session)
    wanted = Wanted(
        season,
        http.value(given, "direction", lambda text: Direction(text.upper())),
        http.value(given, "day", day),
        http.value(given, "all", {"true": True, "false": False}.__getitem__) or False,
    )
    return wanted, sorted(asked.caller.organizers) if organizer is None else [organizer]


def year(text: str) -> int:
    """Raises ValueError."""
    found = int(text)
    if not seasons.FIRST_YEAR <= found <= seasons.LAST_YEAR:
        raise ValueError
    return found


def day(text: str) -> date:
    """Raises ValueError."""
    found = date.fromisoformat(text)
    year(str(found.year))
    return found


async def file(
    registry: Registry, caller: Caller, organizers: Sequence[str], wanted: Wanted, encoder: Encoder
) -> AsyncIterator[bytes]:
    yield encoder.sheet(SHEET, extract.COLUMNS)
    for organizer in organizers:
        async for rows in slices(registry, organizer, wanted):
            async for piece in encoded(encoder, rows, lambda row: extract.cells(row, registry.vault, caller)):
                yield piece
    yield encoder.end()


async def slices(registry: Registry, organizer: str, wanted: Wanted) -> AsyncIterator[Sequence[Row[Any]]]:
    rows: Sequence[Row[Any]] = ()
    while True:
        after = rows[-1].id if rows else None
        async with registry.database.transaction() as session:
            rows = await extract.page(session, organizer, wanted, after=after, most=SLICE)
        if rows:
            yield rows
        if len(rows) < SLICE:
            return
