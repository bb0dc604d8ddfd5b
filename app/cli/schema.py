"""`pemudik schema export`: the contract as a file, for gateways and code generators."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.command import Failed
from app.config import CHECKOUT

schema = typer.Typer(help="The GraphQL schema.", no_args_is_help=True)


@schema.callback()
def group() -> None:
    """So that `export` stays a word of its own."""


@schema.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to; `-` for standard output.")] = CHECKOUT / "schema.graphql",
    check: Annotated[bool, typer.Option("--check", help="Only tell whether the file is current.")] = False,
) -> None:
    """Write the schema in its own language, with the federation's directives."""
    from app.graphql.schema import sdl  # noqa: PLC0415 - a second of imports that no other command needs

    text = sdl()
    if str(file) == "-":
        typer.echo(text, nl=False)
    elif not check:
        file.write_text(text)
    elif not file.exists() or file.read_text() != text:
        raise Failed(f"{file.name} is not the schema of this program: run `pemudik schema export`.")
