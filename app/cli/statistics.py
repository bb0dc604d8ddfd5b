"""`pemudik statistics …`: the figures of a season, and counting them anew."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from app import clock
from app.changes.log import tallies
from app.cli.command import AsJson, Failed, example, print_json, print_table, run
from app.cli.progress import bar
from app.config import Settings
from app.db import Database
from app.registry.statistics import counting
from app.registry.statistics import statistics as reading
from app.registry.statistics.counting import Cell, Counts, Head
from app.registry.statistics.questions import Part, Question, Selection

statistics = typer.Typer(help="Show the figures of a season, or count them anew.", no_args_is_help=True)

CUT_OFF = "A purge has dropped months of the change log: what was counted from them cannot be counted again."
COLUMNS = ("registered", "verified", "departed", "forfeited", "cancelled", "no_show", "quota", "remaining")


@statistics.command(epilog=example("pemudik statistics show --season 2026"))
def show(
    season: Annotated[int | None, typer.Option(help="The programme year; left out: the current one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print people by status, and the seats left, by organizer."""
    selection = Selection(season=season)

    questions = [Question(selection, Part.HEAD), Question(selection, Part.CELLS)]

    async def work(database: Database, _: Settings) -> tuple[Head, list[Cell]]:
        async with database.transaction() as session:
            head, cells = await reading.read(session, questions, clock.now())
        return head, cells

    head, cells = run(work)
    parts = counting.by(lambda cell: cell.organizer, cells)
    whole = counting.total(cell.counts for cell in cells)
    if as_json:
        organizers = {code: _plain(counts) for code, counts in parts.items()}
        print_json({**asdict(head), "total": _plain(whole), "organizers": organizers})
        return
    rows = [*parts.items(), ("all", whole)]
    print_table(["organizer", *COLUMNS], [[code, *(getattr(counts, one) for one in COLUMNS)] for code, counts in rows])
    typer.echo(f"Season {head.season} as of {head.as_of.isoformat(timespec='seconds')}.")


@statistics.command(epilog=example("pemudik statistics rebuild"))
def rebuild() -> None:
    """Forget the figures and count the whole change log again.

    Servers may go on. Until the count is done the figures say of which time they are. When a purge has dropped months
    of the log, it refuses, and the figures stay.
    """

    async def work(database: Database, _: Settings) -> int:
        with bar("Counting") as progress:
            try:
                return await tallies.rebuild(database, clock.now, progress)
            except tallies.LogCutOff:
                raise Failed(CUT_OFF) from None

    typer.echo(f"Counted anew, up to change {run(work)}.")


def _plain(counts: Counts) -> dict[str, Any]:
    return {one: getattr(counts, one) for one in (*COLUMNS, "taken", "fill")}
