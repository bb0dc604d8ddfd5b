"""Where a follower of the feed stands: kept in a file, or wherever a follower of its own keeps it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Protocol

from pemudik_client.errors import CursorLost

logger = logging.getLogger("pemudik_client")
LOST = "The registry has lost the change of our cursor: going on from the last one that is there; some may come again"


class Cursor(Protocol):
    """`load` answers what was saved last, or None. `save` returns when it is safe."""

    def load(self) -> str | None: ...

    def save(self, cursor: str) -> None: ...


class FileCursor:
    """A file that is replaced as a whole: after a crash it holds the cursor before, or the one after."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def load(self) -> str | None:
        try:
            return self._path.read_text(encoding="ascii").strip() or None
        except FileNotFoundError:
            return None

    def save(self, cursor: str) -> None:
        beside = self._path.with_name(self._path.name + ".new")
        with beside.open("w", encoding="ascii") as file:
            file.write(cursor)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)


def cursor_of(given: str | os.PathLike[str] | Cursor) -> Cursor:
    return FileCursor(given) if isinstance(given, (str, os.PathLike)) else given


def go_on_after(kept: Cursor, lost: CursorLost) -> None:
    if lost.after is None:
        raise lost
    logger.warning(LOST)
    kept.save(lost.after)
