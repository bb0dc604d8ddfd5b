"""`pemudik keys …`: the keys that NIKs and names are sealed under, and that access tokens are signed with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.command import Failed, example, run
from app.cli.progress import bar
from app.config import Settings
from app.db import Database
from app.registry import key_rotation
from app.vault.keys import as_variables, create_key_file, new_keys
from app.vault.vault import open_vault

keys = typer.Typer(help="Make keys, and rotate them while servers serve.", no_args_is_help=True)


@keys.command(epilog=example("pemudik keys create --env"))
def create(
    file: Annotated[Path | None, typer.Option("--file", help="Where. Left out: keys.json in PEMUDIK_HOME.")] = None,
    env: Annotated[bool, typer.Option("--env", help="Print the variables instead, for a store of secrets.")] = False,
) -> None:
    """Make the three keys of a new registry.

    A key file that is there stays: without its index key, nobody knows any more who is registered. Keep a copy of the
    keys apart from the database.
    """
    if env:
        typer.echo("\n".join(f"{name}='{value}'" for name, value in as_variables(new_keys()).items()))
        return
    path = file or Settings().key_file
    if not create_key_file(path):
        raise Failed(f"{path} is there already and stays. `pemudik keys rotate` puts new keys beside the old ones.")
    typer.echo(f"{path} has the keys, for its owner alone. Keep a copy apart from the database.")


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
