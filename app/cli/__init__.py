"""`pemudik …`: each command opens a transaction, calls one use case, prints."""

from __future__ import annotations

import typer

from app.cli import catalogue, clients, database, doctor, imports, keys, privacy, schema, serve, statistics, template
from app.cli.command import Commands

app = typer.Typer(
    cls=Commands,
    name="pemudik",
    help="The shared registry of mudik gratis registrants.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(serve.serve)
app.command()(database.migrate)
app.command()(database.sweep)
app.command()(database.demo)
app.command()(doctor.doctor)
app.command()(template.template)
app.command("import")(imports.import_file)
app.command()(imports.consolidate)
app.add_typer(catalogue.season, name="season")
app.add_typer(catalogue.organizer, name="organizer")
app.add_typer(clients.client, name="client")
app.add_typer(keys.keys, name="keys")
app.add_typer(privacy.privacy, name="privacy")
app.add_typer(schema.schema, name="schema")
app.add_typer(statistics.statistics, name="statistics")
