"""`pemudik schema`: the contract, as it is and as it was released; every refusal, for people; personal columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from app.cli.command import Failed, example
from app.config import CHECKOUT
from app.version import VERSION

_PERSONAL = '''\
"""The personal columns of each table. Written by `pemudik schema personal`; do not edit."""

PERSONAL_COLUMNS: dict[str, list[str]] = {{
{}}}
'''

RELEASED = "schema.released.graphql"
_RELEASED_HEAD = """\
# The schema of pemudik {0} as it was released, without federation. Written by `pemudik schema release`; do not edit.

"""

Check = Annotated[bool, typer.Option("--check", help="Only tell whether the file is current.")]

schema = typer.Typer(help="Export what the code says: schema, refusals, personal columns.", no_args_is_help=True)


@schema.command(epilog=example("pemudik schema export --api api.graphql"))
def export(
    file: Annotated[Path, typer.Argument(help="Where to; `-` for standard output.")] = CHECKOUT / "schema.graphql",
    check: Check = False,
    api: Annotated[
        bool, typer.Option("--api", help="Without federation: for code generators, linters and other strict tools.")
    ] = False,
) -> None:
    """Write the GraphQL schema, with the federation's directives.

    With --api it goes to standard output, unless FILE is given.
    """
    from app.graphql.schema import api_sdl, sdl  # noqa: PLC0415 - a second of imports that no other command needs

    if api:
        file = Path("-") if file == CHECKOUT / "schema.graphql" else file
        _write(api_sdl(), file, check, "the plain schema of this program: run `pemudik schema export --api`")
    else:
        _write(sdl(), file, check, "the schema of this program: run `pemudik schema export`")


@schema.command(epilog=example("pemudik schema release"))
def release(
    file: Annotated[Path, typer.Argument(help="Where to; `-` for standard output.")] = CHECKOUT / RELEASED,
) -> None:
    """Keep the schema as it is released now.

    Every later schema is held against it: whatever breaks a client is named by a test. Run it at a release alone.
    """
    from app.graphql.schema import api_sdl  # noqa: PLC0415 - as above

    _write(f"{_RELEASED_HEAD.format(VERSION)}{api_sdl()}", file, check=False, what="")


@schema.command(epilog=example("pemudik schema refusals --check"))
def refusals(
    file: Annotated[Path, typer.Argument(help="Where to; `-` for standard output.")] = CHECKOUT / "docs/refusals.md",
    check: Check = False,
) -> None:
    """Write the table of refusals and what they mean.

    The table also says which use case refuses so, and what to do.
    """
    from app.cli.refusals import page  # noqa: PLC0415 - as above

    _write(page(), file, check, "what this program refuses: run `pemudik schema refusals`")


@schema.command(epilog=example("pemudik schema personal --check"))
def personal(check: Check = False) -> None:
    """Write down which columns the tables mark as personal.

    Whoever is erased is wiped from these.
    """
    from app.models.tables.columns import marked  # noqa: PLC0415 - as above

    tables = "".join(f'    "{table}": [\n{_listed(columns)}    ],\n' for table, columns in marked().items())
    _write(
        _PERSONAL.format(tables),
        CHECKOUT / "app/models/personal_columns.py",
        check,
        "what the tables mark as personal: run `pemudik schema personal`",
    )


@schema.command(epilog=example("pemudik schema guide --check"))
def guide(check: Check = False) -> None:
    """Write the tables of the guide for organizers into its pages.

    Its fields, refusals, scopes and events are those of this program.
    """
    from app.cli.guide.tables import pages  # noqa: PLC0415 - as above

    for file, text in pages(CHECKOUT / "docs/panduan"):
        _write(text, file, check, "what this program takes and refuses: run `pemudik schema guide`")


def _listed(columns: Sequence[str]) -> str:
    return "".join(f'        "{column}",\n' for column in columns)


def _write(text: str, file: Path, check: bool, what: str) -> None:
    if str(file) == "-":
        typer.echo(text, nl=False)
    elif not check:
        file.write_text(text)
    elif not file.exists() or file.read_text() != text:
        raise Failed(f"{file.name} is not {what}.")
