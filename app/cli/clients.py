"""`pemudik client …`: an organizer's credentials. A secret is shown once; only its digest is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
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
from app.registry.clients import clients, signing_keys, webhook_secrets
from app.registry.clients.clients import Issued
from app.registry.clients.scopes import SCOPES
from app.registry.clients.signing_keys import Keys
from app.registry.clients.webhook_secrets import IssuedSecret
from app.testmode import clients as test_clients
from app.testmode import control
from app.vault.vault import open_vault

client = typer.Typer(help="Issue, rotate and revoke OAuth clients of organizers.", no_args_is_help=True)

keys = typer.Typer(help="Add, withdraw and list the public keys of a client.", no_args_is_help=True)
client.add_typer(keys, name="keys")

HEADS = ("id", "organizer", "scopes", "issued", "revoked")
KEY_HEADS = ("kid", "kty", "alg")


@client.command("list", epilog=example("pemudik client list"))
def list_clients(as_json: AsJson = False) -> None:
    """Print every client, the revoked ones too."""

    found = run_in_transaction(clients.all_of)
    if as_json:
        print_json(found)
    else:
        print_table(HEADS, [(one.id, one.organizer, one.scopes, one.issued_at, one.revoked_at) for one in found])


@client.command(epilog=example("pemudik client issue dishub-dki --scope nik:check --scope registrants:write"))
def issue(
    organizer: Annotated[str, typer.Argument(help="Its code, as in `pemudik organizer list`.")],
    scope: Annotated[
        list[str], typer.Option(default_factory=list, help=f"May be given several times: {', '.join(SCOPES)}.")
    ],
    public_keys: Annotated[
        Path | None, typer.Option(help="A JWK Set: the client signs assertions instead of sending a secret.")
    ] = None,
    checks: Annotated[int, typer.Option(help="NIK checks in one burst.")] = clients.CHECK_CAPACITY,
    checks_per_second: Annotated[int, typer.Option(help="How fast the burst grows again.")] = clients.CHECK_REFILL,
    test: Annotated[
        bool, typer.Option("--test", help="For its test registry, which is made if there is none.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a client for an organizer.

    Its secret is printed now and never again. A test client without --scope may do all that its organizer may.
    """
    if test:
        typer.echo(
            f"At /uji/{organizer} of the server. If there is none yet, it is made: up to half a minute.", err=True
        )
        print_issued(run(partial(issue_test, organizer, scope)), as_json=as_json)
        return
    if not scope:
        raise typer.BadParameter("Name at least one.", param_hint="--scope")
    jwks = None if public_keys is None else public_keys.read_text()

    issued = run_in_transaction(
        lambda session: clients.issue(
            session, OPERATOR, organizer, scope, jwks, clock.now(), capacity=checks, refill=checks_per_second, own=None
        )
    )
    print_issued(issued, as_json=as_json)


async def issue_test(organizer: str, scopes: list[str], database: Database, settings: Settings) -> Issued:
    url = control.url_of(settings, database.url)
    if url is None:
        raise Failed("Set PEMUDIK_UJI_DATABASE_URL, as for the servers with test mode.")
    try:
        return accepted(await test_clients.issue(url, database, organizer, scopes))
    except control.LiveDatabase:
        raise Failed("PEMUDIK_UJI_DATABASE_URL names the database of a live registry: name another one.") from None


@client.command(epilog=example("pemudik client rotate dishub-dki-abcd2345"))
def rotate(client_id: str, as_json: AsJson = False) -> None:
    """Make a new secret for a client.

    The secret before it stays good until the next rotation.
    """

    issued = run_in_transaction(lambda session: clients.rotate(session, OPERATOR, client_id, clock.now(), own=None))
    print_issued(issued, as_json=as_json)


@client.command(epilog=example("pemudik client revoke dishub-dki-abcd2345"))
def revoke(client_id: str, as_json: AsJson = False) -> None:
    """End a client for good.

    Its tokens are refused within a second.
    """

    revoked = run_in_transaction(lambda session: clients.revoke(session, OPERATOR, client_id, clock.now(), own=None))
    if as_json:
        print_json(revoked)
    else:
        typer.echo(f"{revoked.id} is revoked.")


@client.command("webhook-secret", epilog=example("pemudik client webhook-secret dishub-dki-abcd2345"))
def webhook_secret(
    client_id: str,
    drop: Annotated[bool, typer.Option("--drop", help="Take its secrets away: it need not sign any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a secret with which a client must sign its webhooks.

    The secret before it stays good until the next one is made.
    """

    async def issue(database: Database, settings: Settings) -> IssuedSecret:
        vault = open_vault(settings)
        async with database.transaction() as session:
            return accepted(await webhook_secrets.issue(session, vault, OPERATOR, client_id, clock.now(), own=None))

    if drop:
        dropped = run_in_transaction(lambda session: webhook_secrets.drop(session, OPERATOR, client_id, clock.now()))
        if as_json:
            print_json(dropped)
        else:
            typer.echo(f"{dropped.id} need not sign its webhooks any more.")
        return
    issued = run(issue)
    if as_json:
        print_json({"client": issued.client, "secret": issued.secret})
        return
    typer.echo(f"webhook_secret  {issued.secret}")
    typer.echo("It is sealed here and cannot be shown again.", err=True)


def print_issued(issued: Issued, *, as_json: bool) -> None:
    if as_json:
        print_json({"client": issued.client, "secret": issued.secret})
        return
    typer.echo(f"client_id      {issued.client.id}")
    if issued.secret is not None:
        typer.echo(f"client_secret  {issued.secret}")
        typer.echo("The secret is not kept here and cannot be shown again.", err=True)


# --- keys of a client that signs --------------------------------------------------------------------------------------


@keys.command("add", epilog=example("pemudik client keys add djka-abcd2345 jwks.json"))
def add_keys(
    client_id: str,
    file: Annotated[Path, typer.Argument(help="A JWK Set of public keys.")],
    as_json: AsJson = False,
) -> None:
    """Add public keys to a client. Those that it has stay good."""
    jwks = file.read_text()
    show_keys(lambda session: signing_keys.add(session, OPERATOR, client_id, jwks, clock.now()), as_json=as_json)


@keys.command("withdraw", epilog=example("pemudik client keys withdraw djka-abcd2345 2026-01"))
def withdraw_key(
    client_id: str,
    kid: Annotated[str, typer.Argument(help="As `pemudik client keys list` prints it.")],
    as_json: AsJson = False,
) -> None:
    """Take a key away: what it signs is refused at once. Tokens that were given before end within 15 minutes."""
    show_keys(lambda session: signing_keys.withdraw(session, OPERATOR, client_id, kid, clock.now()), as_json=as_json)


@keys.command("list", epilog=example("pemudik client keys list djka-abcd2345"))
def list_keys(client_id: str, as_json: AsJson = False) -> None:
    """Print the keys of a client."""
    show_keys(lambda session: signing_keys.of(session, client_id), as_json=as_json)


def show_keys(of: Callable[[Session], Awaitable[Keys | Refusal]], *, as_json: bool) -> None:
    """The client's keys, as they are after what was done."""

    found = run_in_transaction(of)
    if as_json:
        print_json({"keys": found})
    else:
        print_table(KEY_HEADS, [tuple(one.get(name) for name in KEY_HEADS) for one in found])
