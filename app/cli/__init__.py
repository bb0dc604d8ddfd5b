"""`pemudik …`: each command opens a transaction, calls one use case, prints."""

from __future__ import annotations

import gc

# Looking for garbage among modules that all stay takes a quarter of the time that they take to import.
gc.disable()

from typing import Annotated

import typer

from app.cli import (
    catalogue,
    clients,
    database,
    doctor,
    imports,
    keys,
    logs,
    privacy,
    routes,
    schema,
    serve,
    staff,
)
from app.cli.command import Commands, example
from app.version import VERSION

gc.freeze()
gc.enable()

app = typer.Typer(
    cls=Commands,
    name="pemudik",
    help="The shared registry of mudik gratis registrants.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"pemudik {VERSION}")
        raise typer.Exit


@app.callback()
def pemudik(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The shared registry of mudik gratis registrants."""


app.command(epilog=example("pemudik serve --workers 2 --port 8000"))(serve.serve)
app.command(epilog=example("DATABASE_URL=postgresql://pemudik@localhost/pemudik pemudik migrate"))(database.migrate)
app.command(epilog=example("pemudik backup /var/backups/pemudik/today.dump"))(database.backup)
app.command(epilog=example("pemudik sweep --json"))(database.sweep)
app.command(epilog=example('pemudik allow-sweep dishub-dki "Memang gugur" --ends FORFEITED --until 2026-03-10T00:00'))(
    database.allow_sweep
)
app.command(epilog=example('pemudik reopen "Gangguan sistem" --organizer dishub-dki --booking BK-1 --dry-run'))(
    database.reopen
)
app.command(epilog=example("pemudik demo"))(database.demo)
app.command(epilog=example("pemudik doctor"))(doctor.doctor)
app.command(epilog=example("pemudik template templat-pemudik.xlsx"))(imports.template)
app.command("import", epilog=example("pemudik import peserta.xlsx --organizer dishub-dki --result hasil.xlsx"))(
    imports.import_file
)
app.command(epilog=example("pemudik consolidate daftar.xlsx --organizer jasa-raharja --day 2026-03-05"))(
    imports.consolidate
)
app.add_typer(database.database, name="database")
app.add_typer(catalogue.season, name="season")
app.add_typer(catalogue.organizer, name="organizer")
app.add_typer(routes.routes, name="routes")
app.add_typer(clients.client, name="client")
app.add_typer(staff.staff, name="staff")
app.command("sign-in-link", epilog=example("pemudik sign-in-link sari@dishub.example"))(staff.sign_in_link)
app.add_typer(keys.keys, name="keys")
app.add_typer(logs.log, name="log")
app.add_typer(privacy.privacy, name="privacy")
app.add_typer(schema.schema, name="schema")
app.add_typer(logs.statistics, name="statistics")
