"""`pemudik routes load` and `pemudik routes template`: a year's departures from a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from app import clock
from app.cli.command import AsJson, Failed, content_of, example, print_json, run
from app.cli.imports import Organizer, caller_of
from app.config import Settings
from app.db import Database
from app.intake.files import route_file
from app.intake.files.file_refusals import FileRefusedError
from app.intake.files.route_file import LoadedRoutes, RowFault
from app.intake.files.workbooks import MOST_BYTES

routes = typer.Typer(help="Declare a season's routes from a file.", no_args_is_help=True)


@routes.command(epilog=example("pemudik routes load rute-2026.xlsx --organizer dishub-dki"))
def load(
    file: Annotated[Path, typer.Argument(help=".xlsx or .csv with a row for each departure.")],
    organizer: Organizer,
    as_json: AsJson = False,
) -> None:
    """Declare or change the routes of an organizer, a row for each departure.

    Good rows are saved even if other rows are not good. The same file again changes nothing. Exit code 1 if any row is
    not good.
    """
    content = content_of(file, MOST_BYTES)

    async def work(database: Database, _: Settings) -> LoadedRoutes:
        caller = await caller_of(database, organizer)
        return await database.attempt(lambda session: route_file.load(session, caller, content, clock.now()))

    try:
        loaded = run(work)
    except FileRefusedError as refused:
        raise Failed(f"{refused.refusal.message('en')} ({refused.refusal.code})") from None
    if as_json:
        print_json({"saved": loaded.saved, "faults": [told(fault) for fault in loaded.faults]})
    else:
        typer.echo(f"{loaded.saved} routes are as the file says.")
        for fault in loaded.faults:
            typer.echo(f"pemudik: {file.name} {fault.message('en')}", err=True)
    if loaded.faults:
        raise typer.Exit(1)


def told(fault: RowFault) -> dict[str, object]:
    place = fault.place
    return {"sheet": place.sheet, "row": place.row, "column": fault.column, "message": fault.message("en")}


@routes.command(epilog=example("pemudik routes template templat-rute.xlsx"))
def template(file: Annotated[Path, typer.Argument(help="Where to; `-` for standard output.")]) -> None:
    """Write the empty table of routes, with an example that is left out when it comes back."""
    if str(file) == "-":
        sys.stdout.buffer.write(route_file.template())
        return
    try:
        file.write_bytes(route_file.template())
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}.") from None
