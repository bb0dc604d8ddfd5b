"""`pemudik migrate`, `pemudik sweep`, `pemudik demo`."""

from __future__ import annotations

import asyncio

import typer

from app import clock, migration
from app.cli.command import AsJson, accepted, database_url, opened, print_json, run
from app.cli.progress import bar
from app.config import Settings
from app.db import Database
from app.demo import demo as demo_season
from app.demo.demo import Demo
from app.registry import sweep as sweeping
from app.registry.sweep import Swept
from app.vault.vault import open_vault


def migrate() -> None:
    """Bring the database to the newest migration.

    Run it before new servers start. A second run changes nothing.
    """

    async def upgrade(url: str) -> None:
        async with opened(url, migrate=True):
            pass

    with database_url(Settings()) as url:
        asyncio.run(upgrade(url))
    typer.echo(f"The database is at {migration.newest()}, the newest migration.")


def sweep(as_json: AsJson = False) -> None:
    """Forfeit, mark no-shows and purge whatever is due now.

    Servers do this by themselves every 20 seconds.
    """

    async def work(database: Database, _: Settings) -> Swept:
        return await sweeping.sweep(database, clock.now())

    swept = run(work)
    if as_json:
        print_json(swept)
    else:
        typer.echo(
            f"{swept.forfeited} forfeited, {swept.no_shows} marked as no-show, {swept.seasons_purged} seasons purged."
        )


def demo(as_json: AsJson = False) -> None:
    """Make a demo season with invented routes and people.

    Its windows are open today. A second run changes nothing.
    """

    async def work(database: Database, settings: Settings) -> Demo:
        with bar("Making the demo season") as progress:
            return accepted(await demo_season.create(database, open_vault(settings), clock.now(), progress))

    made = run(work)
    if as_json:
        print_json(made)
    elif made.registrants:
        typer.echo(
            f"Season {made.season}: {made.routes} routes, {made.registrants} registrants, {made.refused} refused."
        )
    else:
        typer.echo(f"The demo season {made.season} is there already; its windows are open.")
