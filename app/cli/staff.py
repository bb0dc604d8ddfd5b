"""`pemudik staff …`, `pemudik sign-in-link`: who may sign in to the pages, and a link to do so."""

from __future__ import annotations

from typing import Annotated

import typer

from app import clock
from app.cli.command import OPERATOR, AsJson, example, print_json, print_table, run, run_in_transaction
from app.config import Settings
from app.db import Database, Session
from app.errors import accepted
from app.models.enums import StaffRole
from app.registry.clients import sign_in
from app.registry.clients import staff as people
from app.registry.clients.sign_in import Token
from app.registry.clients.staff import StaffPerson
from app.registry.terms.policy import HUBDAT

staff = typer.Typer(help="Who may sign in to the pages.", no_args_is_help=True)

HEADS = ("email", "organizer", "role", "added", "last signed in", "removed", "name in the log")
LINK_PATH = "/masuk"
Email = Annotated[str, typer.Argument(help="The person's e-mail address.")]


@staff.command("list", epilog=example("pemudik staff list"))
def list_staff(
    everybody: Annotated[
        bool, typer.Option("--all", help="Those who were removed as well: their names stay in the log.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print everybody who may sign in."""

    found = run_in_transaction(lambda session: people.all_of(session, removed=everybody))
    if as_json:
        print_json(found)
    else:
        print_table(HEADS, [row_of(one) for one in found])


def row_of(one: StaffPerson) -> tuple[object, ...]:
    """What the columns of `HEADS` show."""
    return one.email, one.organizer, one.role, one.added_at, one.last_signed_in_at, one.removed_at, one.id


@staff.command(epilog=example("pemudik staff add sari@dishub.example --organizer dishub-dki --role posko"))
def add(
    email: Email,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(StaffRole)}.")],
    organizer: Annotated[str, typer.Option(help="Its code, as in `pemudik organizer list`.")] = HUBDAT,
    as_json: AsJson = False,
) -> None:
    """Let somebody sign in."""

    async def work(database: Database, _: Settings) -> StaffPerson:
        async def adding(session: Session) -> StaffPerson:
            return accepted(await people.add(session, OPERATOR, email, organizer, role, clock.now()))

        return await database.attempt(adding)

    added = run(work)
    if as_json:
        print_json(added)
    else:
        typer.echo(f"{added.email} may sign in as {added.role} of {added.organizer}.")
        typer.echo(f"A link: pemudik sign-in-link {added.email}", err=True)


@staff.command(epilog=example("pemudik staff remove sari@dishub.example"))
def remove(email: Email, as_json: AsJson = False) -> None:
    """Let somebody sign in no more.

    Open sessions end within a second.
    """

    removed = run_in_transaction(lambda session: people.remove(session, OPERATOR, email, clock.now()))
    if as_json:
        print_json(removed)
    else:
        typer.echo(f"{removed.email} may not sign in any more.")


def sign_in_link(email: Email, as_json: AsJson = False) -> None:
    """Print a link that signs somebody of the staff in.

    It is good once, for 15 minutes. Send it to nobody else.
    """

    async def work(database: Database, settings: Settings) -> tuple[str, Token]:
        async with database.transaction() as session:
            token = accepted(await sign_in.make_link(session, email, clock.now()))
        return link_of(settings.issuer, token), token

    link, token = run(work)
    if as_json:
        print_json({"link": link, "ends_at": token.ends_at})
    else:
        typer.echo(link)
        typer.echo("It is good once, for 15 minutes.", err=True)


def link_of(issuer: str, token: Token) -> str:
    """The token is in the fragment: a browser does not send that, so no log and no preview has it."""
    return f"{issuer}{LINK_PATH}#{token.text}"
