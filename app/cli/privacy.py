"""`pemudik privacy …`: what the law on personal data (UU 27/2022) asks of whoever keeps some.

A NIK is read from standard input, never from the command line, where every user of the machine could see it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from app import clock
from app.cli.command import OPERATOR, AsJson, example, print_json, print_table, run
from app.clock import WIB
from app.config import Settings
from app.db import Database
from app.errors import accepted
from app.registry import breach, subject_access
from app.registry.breach import LookOfClient
from app.registry.subject_access import Holding
from app.vault.vault import open_vault

privacy = typer.Typer(help="Answer the requests of a person (UU 27/2022).", no_args_is_help=True)

DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]


@privacy.command(epilog=example("pemudik privacy export < nik.txt"))
def export() -> None:
    """Print all that is held about one NIK, as JSON.

    It asks for the NIK. The access log of the NIK is included (art. 7 and 32).
    """
    nik = typer.prompt("NIK", hide_input=True, err=True)

    async def work(database: Database, settings: Settings) -> Holding:
        vault = open_vault(settings)
        async with database.transaction() as session:
            return accepted(await subject_access.export(session, vault, OPERATOR, nik, clock.now()))

    print_json(run(work))


@privacy.command(epilog=example("pemudik privacy reads djka-abcd2345 --since 2026-03-05 --until 2026-03-06"))
def reads(
    client: Annotated[str, typer.Argument(help="The id of a client.")],
    since: Annotated[datetime, typer.Option(formats=DAYS, help="From this instant on; WIB unless it has a zone.")],
    until: Annotated[datetime, typer.Option(formats=DAYS, help="Before this instant.")],
    as_json: AsJson = False,
) -> None:
    """Print whom a client read, by masked NIKs: single NIKs, lists, files and streams, and whom it changed.

    A notice of a breach must tell this (art. 46). Of a long list, "at most" says that nobody else was read.
    """
    first, last = (one if one.tzinfo else one.replace(tzinfo=WIB) for one in (since, until))

    async def work(database: Database, settings: Settings) -> list[LookOfClient]:
        vault = open_vault(settings)
        async with database.transaction() as session:
            return await breach.looks_of(session, vault, client, first, last)

    found = run(work)
    if as_json:
        print_json(found)
    else:
        print_table(["at", "what", "people", "nik"], [line(one) for one in found])


def line(look: LookOfClient) -> list[object]:
    """A list is printed by its number of people; `--json` names each of them."""
    people = str(look.count) if look.exact else f"{look.count} of at most {len(look.people)}"
    return [look.at.isoformat(), look.what, people, look.people[0] if look.count == 1 and look.exact else "…"]
