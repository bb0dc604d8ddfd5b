"""Where the figures of a process stand: in memory, or in a folder that the processes of one server share.

There a process takes the first free slot, under a lock that the kernel releases however the process ends, and goes on
counting where the one before it stopped. So no count is lost and none is there twice, whoever is killed; there are as
many slots as processes; and what was true only of a live process is left out once its lock is free.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO, TypeAlias

import orjson

CELLS = 1 << 16
"""Of one process. The pages of those that are not used take no room."""
BYTES = 8 * CELLS
Figures: TypeAlias = "memoryview[float] | array[float]"

WIDEST = 30
PID, SPILT, FIRST = 0, 1, 1 + WIDEST
"""First the process's number, then a block for what finds no room, then the blocks that have names."""


@dataclass(frozen=True, slots=True)
class Name:
    """Of a block of cells, one or (a histogram's) several."""

    metric: str
    labels: tuple[str, ...]
    width: int = 1
    live: bool = False
    """True only of a process that lives, such as how much it holds."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The figures of one process, as somebody else reads them."""

    number: str
    alive: bool
    names: list[Name]
    values: Figures

    @property
    def spilt(self) -> float:
        return sum(self.values[SPILT:FIRST])

    def blocks(self) -> Iterator[tuple[Name, list[float]]]:
        place = FIRST
        for name in self.names:
            yield name, list(self.values[place : place + name.width])
            place += name.width


class Cells:
    """Of one process; written by one thread, that of the event loop."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._places: dict[Name, int] = {}
        self._end = FIRST
        self._names: BinaryIO | None = None
        self.values: Figures = array("d", bytes(BYTES))
        if folder is not None:
            self._take_a_slot(folder)
        self.values[PID] = os.getpid()

    def place(self, name: Name) -> int:
        """Where the block of that name begins."""
        if name not in self._places:
            if self._end + name.width > CELLS:
                return SPILT
            # Its name is there before its first figure.
            if self._names is not None:
                self._names.write(orjson.dumps([name.metric, name.labels, name.width, name.live]) + b"\n")
                self._names.flush()
            self._add(name)
        return self._places[name]

    def slots(self) -> list[Slot]:
        """Of every process that counts, or counted, in the folder."""
        if self._folder is None:
            return [Slot("0", alive=True, names=list(self._places), values=self.values)]
        return [_read(file) for file in sorted(self._folder.glob("*.names"))]

    def close(self) -> None:
        """Leave the slot to the next process."""
        if self._names is not None:
            self._names.close()

    def _add(self, name: Name) -> None:
        self._places[name] = self._end
        self._end += name.width

    def _take_a_slot(self, folder: Path) -> None:
        self._names = _first_free(folder)
        names, whole = _names_in(self._names)
        # What was cut off in the middle of a line has no figures.
        self._names.truncate(whole)
        self.values = _mapped(Path(self._names.name).with_suffix(".values"))
        for name in names:
            self._add(name)
            if name.live:
                self.values[self._places[name]] = 0.0


def _first_free(folder: Path) -> BinaryIO:
    for number in count():
        names = (folder / f"{number}.names").open("a+b")
        if _locked(names, fcntl.LOCK_EX):
            return names
        names.close()
    raise AssertionError  # pragma: no cover - there is always another number


def _locked(names: BinaryIO, kind: int) -> bool:
    try:
        fcntl.flock(names, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _names_in(file: BinaryIO) -> tuple[list[Name], int]:
    """The names, and how many bytes of whole lines they take."""
    file.seek(0)
    whole, _, _ = file.read().rpartition(b"\n")
    lines = whole.splitlines()
    names = [Name(metric, tuple(labels), width, live) for metric, labels, width, live in map(orjson.loads, lines)]
    return names, len(whole) + 1 if whole else 0


def _mapped(path: Path) -> Figures:
    with path.open("a+b") as file:
        if file.seek(0, os.SEEK_END) < BYTES:
            file.truncate(BYTES)
        return memoryview(mmap.mmap(file.fileno(), BYTES)).cast("d")


def _read(names_file: Path) -> Slot:
    with names_file.open("rb") as file:
        alive = not _locked(file, fcntl.LOCK_SH)
        names, _ = _names_in(file)
    values_file = names_file.with_suffix(".values")
    # A process that has just begun has a lock before it has figures.
    figures = values_file.read_bytes() if values_file.exists() else b""
    return Slot(names_file.stem, alive, names, array("d", figures[:BYTES].ljust(BYTES, b"\0")))
