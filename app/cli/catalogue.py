"""`pemudik season …` and `pemudik organizer …`: who takes part, when they register, and what they decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from app import clock
from app.cli.command import (
    OPERATOR,
    AsJson,
    Failed,
    example,
    print_json,
    print_table,
    run,
    run_in_transaction,
)
from app.config import Settings
from app.db import Database, Session
from app.errors import Refusal, accepted
from app.registry.terms import organizers, season_file, seasons
from app.registry.terms.organizers import Organizer, OrganizerInput
from app.registry.terms.policy import KEEP, PolicyInput
from app.registry.terms.season_file import Loaded
from app.registry.terms.seasons import Season

season = typer.Typer(help="Load and close seasons (programme years).", no_args_is_help=True)
organizer = typer.Typer(help="List and save organizers and their policies.", no_args_is_help=True)

INSTANT = timedelta(microseconds=1)
Year = Annotated[int | None, typer.Option("--season", help="The season; the newest open one if left out.")]


@season.command(epilog=example("pemudik season load penyelenggara.csv --season 2026"))
def load(
    file: Annotated[Path, typer.Argument(help="CSV of the ministry's table of organizers and dates.")],
    year: Annotated[int | None, typer.Option("--season", help="The year of its first date if left out.")] = None,
    ends_on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The season's last day.")] = None,
    as_json: AsJson = False,
) -> None:
    """Load organizers and their windows from the ministry's table.

    Good rows are loaded even if other rows are not good. Exit code 1 if any row is not good.
    """
    content = read_utf8(file)
    last_day = None if ends_on is None else ends_on.date()

    async def work(database: Database, _: Settings) -> Loaded:
        async with database.transaction() as session:
            return await season_file.load(session, OPERATOR, content, clock.now(), season=year, ends_on=last_day)

    loaded = run(work)
    if as_json:
        errors = [{"line": one.line, "column": one.column, "message": one.message("en")} for one in loaded.errors]
        print_json({"season": loaded.season, "organizers": loaded.organizers, "errors": errors})
    else:
        typer.echo(f"Season {loaded.season or '-'}: {len(loaded.organizers)} organizers.")
        for error in loaded.errors:
            typer.echo(f"pemudik: {file.name} {error.message('en')}", err=True)
    if loaded.errors:
        raise typer.Exit(1)


@season.command(epilog=example("pemudik season close 2025"))
def close(
    year: Annotated[int, typer.Argument(help="The season.")],
    as_json: AsJson = False,
) -> None:
    """Make a season read only, for good.

    Nothing is registered, moved or forfeited in it any more. It cannot be opened again.
    """

    async def work(database: Database, _: Settings) -> Season:
        async with database.transaction() as session:
            return accepted(await seasons.close(session, OPERATOR, year, clock.now()))

    closed = run(work)
    if as_json:
        print_json(closed)
    else:
        typer.echo(f"Season {closed.year} is closed.")


def read_utf8(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Failed(f"{file.name} is not UTF-8: save it as “CSV UTF-8”.") from None
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}.") from None


@organizer.command("list", epilog=example("pemudik organizer list --season 2026"))
def list_organizers(year: Year = None, as_json: AsJson = False) -> None:
    """Print every organizer, with its windows and policy in a season."""

    async def work(database: Database, _: Settings) -> list[Organizer]:
        async with database.transaction() as session:
            return await organizers.all_of(session, year or await seasons.latest(session))

    print_organizers(run(work), as_json=as_json)


@organizer.command(epilog=example("pemudik organizer save dishub-dki --verify-within 3 --no-block"))
def save(
    code: str,
    name: Annotated[str | None, typer.Option(help="As it stands in `source`. Needed for a new one.")] = None,
    coordinator: Annotated[str | None, typer.Option(help="The code of its coordinator; '' for none.")] = None,
    scheme: Annotated[list[str] | None, typer.Option(help="GRAPHQL, WEBHOOK, EXCEL, …; may be repeated.")] = None,
    verify_within: Annotated[int | None, typer.Option(help="Days until forfeiture; 0 for no deadline.")] = None,
    block: Annotated[bool | None, typer.Option(help="Whether forfeiture blocks the NIK.")] = None,
    block_seasons: int | None = None,
    enforce_window: bool | None = None,
    return_requires_outbound: bool | None = None,
    return_same_day: bool | None = None,
    no_show_after: Annotated[int | None, typer.Option(help="Minutes after departure.")] = None,
    news_grace: Annotated[
        int | None, typer.Option(min=-1, help="Hours after midnight (WIB) to wait for lists; -1: as its schemes say.")
    ] = None,
    late_arrival: Annotated[int | None, typer.Option(help="Days after a window's end.")] = None,
    forfeit_at_period_end: bool | None = None,
    refuse_early_verification: bool | None = None,
    hold_percent: Annotated[int | None, typer.Option(help="Of a route's seats, that may be held at a time.")] = None,
    year: Year = None,
    as_json: AsJson = False,
) -> None:
    """Add an organizer, or change the options that you name."""
    policy = PolicyInput(
        verify_within_days=KEEP if verify_within is None else verify_within or None,
        block_when_forfeited=block,
        block_seasons=block_seasons,
        enforce_window=enforce_window,
        return_requires_outbound=return_requires_outbound,
        return_same_day=return_same_day,
        no_show_after_minutes=no_show_after,
        news_grace_hours=KEEP if news_grace is None else None if news_grace < 0 else news_grace,
        late_arrival_days=late_arrival,
        forfeit_at_period_end=forfeit_at_period_end,
        refuse_early_verification=refuse_early_verification,
        hold_percent=hold_percent,
    )

    given = OrganizerInput(
        code=code,
        name=name or "",
        coordinator=KEEP if coordinator is None else coordinator or None,
        schemes=scheme or None,
        policy=None if policy == PolicyInput() else policy,
    )
    print_organizers([run_in_transaction(lambda session: save_named(session, given, year))], as_json=as_json)


async def save_named(session: Session, given: OrganizerInput, year: int | None) -> Organizer | Refusal:
    """Save an organizer; one that is there keeps its name unless another is given."""
    current = year or await seasons.current(session)
    (before,) = await organizers.by_codes(session, [given.code], current)
    if before is None and not given.name:
        raise Failed(f"There is no organizer {given.code} yet: give its --name.")
    named = given if before is None or given.name else replace(given, name=before.name)
    return await organizers.save(session, OPERATOR, named, current, clock.now())


def print_organizers(found: list[Organizer], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        (one.code, one.name, one.coordinator, one.schemes, one.policy.verify_within_days, windows_of(one))
        for one in found
    ]
    print_table(("code", "name", "coordinator", "schemes", "days", "windows"), rows)


def windows_of(one: Organizer) -> tuple[str, ...]:
    """First and last day of each window. A window closes at the first instant of the day after its last day."""
    return tuple(
        f"{clock.wib_day(window.opens_at)}..{clock.wib_day(window.closes_at - INSTANT) if window.closes_at else ''}"
        for window in one.windows
    )
