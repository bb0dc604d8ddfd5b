"""`pemudik template FILE`: the empty standard as .xlsx, as `GET /template.xlsx` gives it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from app.cli.command import Failed


def template(file: Annotated[Path, typer.Argument(help="Where to; `-` for standard output.")]) -> None:
    """Write the empty 12-column file that organizers fill in."""
    from app.intake.files.template import workbook  # noqa: PLC0415 - an import that no other command needs

    if str(file) == "-":
        sys.stdout.buffer.write(workbook())
        return
    try:
        file.write_bytes(workbook())
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}.") from None
