"""Keeps the embedded PostgreSQL alive while somebody serves: a server that died is started again, on the same port.

It may have been killed by the kernel for memory, by a person, or by a disk that was full. PostgreSQL recovers from its
log then: whatever was committed is there. The workers hold connections by URL, so the port must stay.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded.postgres import EmbeddedFailed, find_postmaster, launch, locked
from app.embedded.run_as import who_runs

LOOK_EVERY_SECONDS = 1.0
GIVE_UP_AFTER_SECONDS = 60.0
"""Children of a server that was killed may hold its memory for some seconds."""

logger = logging.getLogger(__name__)


@contextmanager
def kept(folder: Path, give_up: Callable[[str], None]) -> Iterator[None]:
    """`give_up` is called once, from another thread, with the reason why the server cannot be started again."""
    postmaster = find_postmaster(folder / "data")
    assert postmaster is not None  # noqa: S101 - the caller holds it `running`
    stop = threading.Event()
    keeper = threading.Thread(target=_keep, args=(folder, postmaster.port, give_up, stop), name="embedded-keeper")
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep(folder: Path, port: int, give_up: Callable[[str], None], stop: threading.Event) -> None:
    missed_since: float | None = None
    while not stop.wait(LOOK_EVERY_SECONDS):
        postmaster = find_postmaster(folder / "data")
        if postmaster is not None and postmaster.port != port:
            give_up("Another process has started the embedded PostgreSQL again, on another port.")
            return
        if postmaster is not None:
            missed_since = None
            continue
        missed_since = missed_since or time.monotonic()
        try:
            _start_again(folder, port)
        except (EmbeddedFailed, OSError) as error:
            logger.warning("The embedded PostgreSQL died and does not start again yet: %s", error)
            if time.monotonic() - missed_since > GIVE_UP_AFTER_SECONDS:
                give_up(str(error))
                return


def _start_again(folder: Path, port: int) -> None:
    """Of several processes that serve from one folder, one starts the server."""
    with locked(folder):
        if find_postmaster(folder / "data") is None:
            launch(folder, who_runs(folder / "data"), durable=True, port=port)
            logger.warning("The embedded PostgreSQL had died and was started again.")
