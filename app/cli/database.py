"""`pemudik migrate`, `database grant`, `backup`, `sweep`, `allow-sweep`, `reopen`, `demo`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app import clock, migration
from app.cli.command import (
    OPERATOR,
    AsJson,
    Failed,
    database_url,
    example,
    opened,
    print_json,
    print_table,
    run,
    run_in_transaction,
)
from app.cli.progress import bar
from app.clock import WIB
from app.config import Settings
from app.db import Database, Session
from app.demo import demo as demo_season
from app.demo.demo import Demo
from app.errors import Refusal, accepted
from app.migration import Level
from app.models.enums import RegistrantStatus
from app.operating import backup as backups
from app.operating import grants
from app.registry import halts, host_clock
from app.registry import sweep as sweeping
from app.registry.halts import Halt
from app.registry.sweep import Swept
from app.registry.undo import bulk
from app.registry.undo.bulk import Cause, Where
from app.vault.vault import Vault, open_vault

database = typer.Typer(help="Roles of the database.", no_args_is_help=True)

INSTANTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
EXACT = ["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S%z", *INSTANTS]
"""Also the forms in which `sweep` and PostgreSQL print an instant: it can be copied from there."""
Verdicts = dict[UUID, Refusal | None]
"""None: the end is taken back."""


def migrate() -> None:
    """Bring the database to the newest migration.

    Run it before new servers start. A second run changes nothing.
    """

    async def upgrade(url: str) -> Level:
        async with opened(url, migrate=True) as database:
            return await migration.level(database)

    with database_url(Settings()) as url:
        level = asyncio.run(upgrade(url))
    if level.is_ahead:
        typer.echo(f"The database is at {level.current}, of a newer version: there is nothing to do.")
    else:
        typer.echo(f"The database is at {level.current}, the newest migration.")


@database.command(
    epilog=example("DATABASE_URL=postgresql://owner@localhost/pemudik pemudik database grant pemudik_server")
)
def grant(role: Annotated[str, typer.Argument(help="The role that servers connect as; it is there already.")]) -> None:
    """Let a role do what a server does, and nothing to the tables or to the rows of the logs.

    Run it as the owner, who migrates. A migration renews it.
    """

    async def work(database: Database, _: Settings) -> bool:
        try:
            async with database.transaction() as session:
                return await grants.grant(session, role)
        except grants.RoleUnusable as unusable:
            raise Failed(str(unusable)) from None

    sees = run(work)
    typer.echo(f"{role} may read and write rows, and append to the logs. It cannot change tables or rows of the logs.")
    if not sees:
        typer.echo(f"It cannot see who holds the feed back: a superuser lets it by GRANT pg_read_all_stats TO {role}.")


def backup(
    file: Annotated[Path | None, typer.Argument(help="Left out: a new file in PEMUDIK_BACKUPS.")] = None,
) -> None:
    """Dump the whole database into a file, by PostgreSQL's pg_dump. Servers go on meanwhile.

    Restore it by pg_restore. The keys are not in it: keep a copy of them, apart from the backups.
    """
    settings = Settings()
    if file is None and settings.backups is None:
        raise Failed("Name a FILE, or set PEMUDIK_BACKUPS to a folder.")
    into = file or (settings.backups or Path()) / backups.name_of(clock.now())
    try:
        with database_url(settings) as url:
            size = backups.make(url, into)
    except backups.BackupFailed as error:
        raise Failed(str(error)) from None
    typer.echo(f"{into}: {size:,} bytes. The keys are not in it.")


def sweep(as_json: AsJson = False) -> None:
    """Forfeit, mark no-shows and purge whatever is due now.

    Servers do this by themselves every 20 seconds. Where too many people of an organizer are due at once, none of them
    ends before `pemudik allow-sweep`: then the exit code is 1.
    """

    async def work(database: Database, _: Settings) -> tuple[Swept, list[Halt]]:
        if (await host_clock.read(database)).is_wrong:
            raise Failed("The clocks of this machine and of the database differ: see `pemudik doctor`.")
        swept = await sweeping.sweep(database, clock.now())
        async with database.transaction() as session:
            return swept, await halts.every(session)

    swept, halted = run(work)
    if as_json:
        print_json(asdict(swept) | {"halted": halted})
    else:
        print_swept(swept, halted)
    if halted:
        raise typer.Exit(1)


def print_swept(swept: Swept, halted: list[Halt]) -> None:
    typer.echo(
        f"{swept.forfeited} forfeited, {swept.no_shows} marked as no-show, {swept.seasons_purged} seasons purged."
    )
    if halted:
        typer.echo("Too many are due at once, and wait for `pemudik allow-sweep`:")
        heads = ("organizer", "ends", "people", "holders", "until", "since")
        print_table(heads, [[getattr(one, head) for head in heads] for one in halted])


def allow_sweep(
    organizer: Annotated[str, typer.Argument(help="Whose people: a code.")],
    reason: Annotated[str, typer.Argument(help="Why. It stands in the log.")],
    ends: Annotated[RegistrantStatus, typer.Option(help="FORFEITED or NO_SHOW.")],
    until: Annotated[datetime, typer.Option(formats=EXACT, help="For those due until then, as `sweep` tells (WIB).")],
) -> None:
    """Give Hubdat's word that people of an organizer may end although they are many.

    The next sweep ends those who were due until that instant. The word is then used up.
    """
    last = until if until.tzinfo else until.replace(tzinfo=WIB)

    async def work(session: Session) -> Halt | Refusal:
        return await halts.allow(session, OPERATOR, organizer, ends, last, reason, clock.now())

    halt = run_in_transaction(work)
    typer.echo(f"The next sweep ends up to {halt.people} of {organizer}: {halt.ends}.")


def reopen(
    reason: Annotated[str, typer.Argument(help="Why. It stands in the log.")],
    organizer: Annotated[str | None, typer.Option(help="Whose registrants.")] = None,
    route: Annotated[UUID | None, typer.Option(help="The id of their route.")] = None,
    booking: Annotated[str | None, typer.Option(help="Their booking code; it needs --organizer.")] = None,
    status: Annotated[RegistrantStatus | None, typer.Option(help="Their end; it needs --since and --until.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=INSTANTS, help="Ended then or later (WIB).")] = None,
    until: Annotated[datetime | None, typer.Option(formats=INSTANTS, help="Ended before then (WIB).")] = None,
    client: Annotated[str | None, typer.Option(help="Ended by this client; it needs --status.")] = None,
    by_registry: Annotated[
        bool, typer.Option("--by-registry", help="Ended by the registry itself; it needs --status.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take back the ends of registrants: those of a route, of a booking, or of a cause.

    Who is refused is named with the reason; the others are reopened all the same. Exit code 1 if anybody is refused.

    It goes in pages of 500. The pages of a dry run know nothing of the seats and NIKs that another page would take: two
    may both promise the last seat.
    """
    cause = _cause(status, since, until, client, by_registry=by_registry)
    where = Where(organizer=organizer, route_id=route, reference=booking, cause=cause)

    async def work(database: Database, settings: Settings) -> Verdicts:
        return await _reopen_all(database, open_vault(settings), where, reason, dry_run=dry_run)

    if print_reopened(run(work), dry_run=dry_run, as_json=as_json):
        raise typer.Exit(1)


def print_reopened(verdicts: Verdicts, *, dry_run: bool, as_json: bool) -> bool:
    """Whether anybody is refused."""
    refused = {one: refusal for one, refusal in verdicts.items() if refusal is not None}
    rows = [[str(one), refusal.code, refusal.message("en")] for one, refusal in refused.items()]
    if as_json:
        kept = [dict(zip(("registrant", "code", "message"), row, strict=True)) for row in rows]
        print_json({"dryRun": dry_run, "reopened": len(verdicts) - len(refused), "refused": kept})
    else:
        would = "would be " if dry_run else ""
        typer.echo(f"{len(verdicts) - len(refused)} {would}reopened, {len(refused)} {would}refused.")
        if rows:
            print_table(["registrant", "code", "message"], rows)
    return bool(refused)


def _cause(
    status: RegistrantStatus | None,
    since: datetime | None,
    until: datetime | None,
    client: str | None,
    *,
    by_registry: bool,
) -> Cause | None:
    if status is None and since is None and until is None and client is None and not by_registry:
        return None
    if status is None or since is None or until is None:
        raise Failed("A cause is --status, --since and --until together.")
    first, last = (one if one.tzinfo else one.replace(tzinfo=WIB) for one in (since, until))
    return Cause(status=status, since=first, until=last, client=client, by_itself=by_registry)


async def _reopen_all(database: Database, vault: Vault, where: Where, reason: str, *, dry_run: bool) -> Verdicts:
    """Page by page, each in a transaction of its own."""
    found: Verdicts = {}
    after: UUID | None = None
    while True:
        page = accepted(await _page(database, vault, where, reason, after, dry_run=dry_run))
        told = (one if isinstance(one, Refusal) else None for one in page.verdicts)
        found |= dict(zip(page.ids, told, strict=True))
        after = page.next
        if after is None:
            return found


async def _page(
    database: Database, vault: Vault, where: Where, reason: str, after: UUID | None, *, dry_run: bool
) -> bulk.ReopenedPage | Refusal:
    return await database.attempt(
        lambda session: bulk.reopen_all(
            session, vault, OPERATOR, where, reason, clock.now(), after=after, dry_run=dry_run
        )
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
