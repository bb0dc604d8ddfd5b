"""What a server process runs first: it imports little, so that its supervisor hears from it while the rest comes."""

from __future__ import annotations

import asyncio
import gc
import signal
from typing import TYPE_CHECKING

from app.config import Settings
from app.server import watchdog

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def asgi(settings: Settings) -> ASGIApp:
    """The application, made in the loop that is going to serve it."""
    # Looking for garbage among modules that all stay takes a seventh of the time that they take to import.
    gc.disable()
    from app import main  # noqa: PLC0415 - see above

    # A terminal that is closed tells the whole group. The supervisor ends its workers by SIGTERM, which is gentle.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    application = main.asgi(settings)
    gc.enable()
    watchdog.watch(asyncio.get_running_loop())
    return application
