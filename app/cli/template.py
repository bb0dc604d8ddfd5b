"""`pemudik template FILE`: the empty standard as .xlsx, as `GET /template.xlsx` gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.command import Force, kind_of, put


def template(
    file: Annotated[Path, typer.Argument(help="An .xlsx; `-` for standard output.")], force: Force = False
) -> None:
    """Write the empty 12-column file that organizers fill in."""
    from app.intake.files.template import workbook  # noqa: PLC0415 - an import that no other command needs

    kind_of(file, ["xlsx"])
    put(workbook(), file, force=force)
