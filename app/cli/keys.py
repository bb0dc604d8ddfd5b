"""`pemudik keys …`: the keys that NIKs and names are sealed under, and that access tokens are signed with."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.command import example, run
from app.cli.progress import bar
from app.config import Settings
from app.db import Database
from app.registry import key_rotation
from app.vault.vault import open_vault

keys = typer.Typer(help="Rotate keys while servers serve.", no_args_is_help=True)


@keys.callback()
def group() -> None:
    """So that `rotate` stays a word of its own."""


@keys.command(epilog=example("pemudik keys rotate"))
def rotate(
    signing: Annotated[
        bool, typer.Option("--signing", help="The key of access tokens, not of NIKs and names.")
    ] = False,
) -> None:
    """Seal every NIK and name under a new key.

    A run that is cut off is finished by the next run.
    """

    async def rotate_data(database: Database, settings: Settings) -> str:
        with bar("Sealing anew") as progress:
            rotated = await key_rotation.rotate(database, open_vault(settings), progress)
        return f"{rotated.rewritten} records were sealed anew; everything is under data key {rotated.key_id}."

    async def rotate_signing(_: Database, settings: Settings) -> str:
        return f"Access tokens are signed by key {await key_rotation.rotate_signing(open_vault(settings))}."

    typer.echo(run(rotate_signing if signing else rotate_data))
