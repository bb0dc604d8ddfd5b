"""What a server process runs first: it imports little, so that its supervisor hears from it while the rest comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.config import Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette


def asgi(settings: Settings) -> Starlette:
    from app import main  # noqa: PLC0415 - see above

    return main.asgi(settings)
