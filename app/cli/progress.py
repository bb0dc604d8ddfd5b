"""A progress bar: for work that takes longer than two seconds, and only on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

SHOWN_AFTER_SECONDS = 2.0


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a function that is told how much is done, and of how much."""
    if not (sys.stderr.isatty() and sys.stdout.isatty()):
        yield lambda _done, _total: None
        return
    started = time.monotonic()
    progress = Progress(console=Console(stderr=True), transient=True)
    task = progress.add_task(label, total=None)

    def tell(done: int, total: int) -> None:
        if time.monotonic() - started > SHOWN_AFTER_SECONDS:
            progress.start()
        progress.update(task, completed=done, total=total)

    try:
        yield tell
    finally:
        progress.stop()
