"""`pemudik routes load` and `pemudik routes template`: a year's departures from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app import clock
from app.cli.command import AsJson, Failed, Force, content_of, example, kind_of, print_json, put, run
from app.cli.imports import Organizer, caller_of
from app.config import Settings
from app.db import Database
from app.intake.files import route_file
from app.intake.files.file_refusals import FileRefusedError
from app.intake.files.route_file import LoadedRoutes, RowFault
from app.intake.files.workbooks import MOST_BYTES

MOST_FAULTS_TOLD = 200
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
        reasons = [f"{one.message('en')} ({one.code})" for one in (refused.refusal, *refused.others)]
        raise Failed("\npemudik: ".join(reasons)) from None
    tell(loaded, file.name, as_json=as_json)
    if loaded.faults:
        raise typer.Exit(1)


def tell(loaded: LoadedRoutes, name: str, *, as_json: bool) -> None:
    faults, left = loaded.faults[:MOST_FAULTS_TOLD], max(0, len(loaded.faults) - MOST_FAULTS_TOLD)
    if as_json:
        print_json({"saved": loaded.saved, "faults": [told(fault) for fault in faults], "notTold": left})
        return
    typer.echo(f"{loaded.saved} routes are as the file says.")
    for fault in faults:
        typer.echo(f"pemudik: {name} {fault.message('en')}", err=True)
    if left:
        typer.echo(f"pemudik: {name} and {left} more.", err=True)


def told(fault: RowFault) -> dict[str, object]:
    place = fault.place
    return {"sheet": place.sheet, "row": place.row, "column": fault.column, "message": fault.message("en")}


@routes.command(epilog=example("pemudik routes template templat-rute.xlsx"))
def template(
    file: Annotated[Path, typer.Argument(help="An .xlsx or .csv; `-` for standard output, as .xlsx.")],
    force: Force = False,
) -> None:
    """Write the empty table of routes, with an example that is left out when it comes back."""
    put(route_file.template(kind_of(file, list(route_file.KINDS_OF_FILES))), file, force=force)
