"""Reading a spreadsheet that anybody may have sent, in a process of its own (`reading`) with limits on memory and time.

Rows come in batches, when they are asked for. So neither process ever holds all rows.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from app.intake.files import columns, file_refusals
from app.intake.files.columns import Header
from app.intake.files.file_refusals import ColumnMissing, ColumnRepeated, FileRefusedError, FileTooComplex, FileTooLarge
from app.intake.files.tables import WHOLE
from app.registry.values import standard

MOST_BYTES = 20 * 1024 * 1024
MEGABYTE = 1024 * 1024
SILENT_FOR_SECONDS = 60.0
"""The process that reads is given up after so long without a frame. It may use half as much CPU time."""
LONGEST_FRAME_BYTES = 16 * MEGABYTE

AT_A_LIMIT = frozenset({signal.SIGKILL, signal.SIGXCPU, signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS})
"""A process that wants more memory or time than its limit ends by one of these."""

COMMAND = ("-I", "-m", "app.intake.files.reading")
"""`-I`: neither the environment nor the current folder can change what it imports."""


@dataclass(frozen=True, slots=True)
class FileRow:
    number: int
    """As the spreadsheet shows it, from 1."""
    cells: list[str | None]
    """As many as the widest row of the sheet has."""
    sheet: int = 0
    """The place of its sheet among `FileReading.sheets`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSheet:
    name: str | None
    """None: a CSV file has none."""
    header: Header | None
    """None: nobody is read from it."""
    rows: int
    """Rows with something in them; of a sheet with a header, those behind it."""
    width: int
    hidden: bool = False
    own: bool = False
    """It came with our result or our template, and is nobody's list."""

    @property
    def is_unread(self) -> bool:
        return self.header is None and not self.own and self.rows > 0


class FileReading:
    """A file that has been looked through and taken. Its rows can be read once."""

    def __init__(self, sheets: Sequence[FileSheet], count: int, process: Process) -> None:
        self.sheets = sheets
        self.count = count
        """Rows of people."""
        self._process = process

    @property
    def header(self) -> Header:
        """The first one."""
        return next(sheet.header for sheet in self.sheets if sheet.header is not None)

    async def batches(self) -> AsyncIterator[list[FileRow]]:
        """Batches of rows, in the order of the file. Each batch is of one sheet. Rows of no person are left out."""
        while True:
            frame = await next_frame(self._process)
            if "end" in frame:
                return
            yield [FileRow(number, cells, frame["sheet"]) for number, cells in frame["batch"]]

    def values(self, row: FileRow) -> dict[str, str | None]:
        """The values of a row, by the names of the standard and of our extensions."""
        header = self.sheets[row.sheet].header
        assert header is not None  # noqa: S101 - rows of people are behind a header
        return header.values(row.cells)


@asynccontextmanager
async def read(source: Path | BinaryIO, *, whole: bool = False) -> AsyncIterator[FileReading]:
    """Every sheet of the file that has the standard's columns. Raises `FileRefusedError`, as for a missing column.

    `whole`: every row of every sheet comes, whatever stands in it.

    An open file is read from its start, and by nobody else meanwhile.
    """
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        if file.seek(0, 2) > MOST_BYTES:
            raise FileRefusedError(FileTooLarge(megabytes=MOST_BYTES // MEGABYTE))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *COMMAND,
            *([WHOLE] if whole else []),
            *standard.COLUMNS,
            *standard.EXTENSIONS,
            stdin=file,
            stdout=PIPE,
            stderr=DEVNULL,
            env={},
            # Ctrl-C in a terminal is meant for us. It must not end this process, and so refuse the file.
            start_new_session=True,
        )
    try:
        first = await next_frame(process)
        yield FileReading(sheets_of(first), first["rows"], process)
    finally:
        await end(process)


def sheets_of(frame: dict[str, Any]) -> list[FileSheet]:
    """Raises `FileRefusedError`."""
    return [sheet_of(told, place) for place, told in enumerate(frame["sheets"], start=1)]


def sheet_of(told: dict[str, Any], place: int) -> FileSheet:
    """Raises `FileRefusedError`."""
    header = None
    if told["columns"] is not None:
        header = columns.header_of(told["header"], told["columns"], told["name"], standard.COLUMNS, standard.EXTENSIONS)
    if isinstance(header, (ColumnMissing, ColumnRepeated)):
        raise FileRefusedError(header if told["name"] is None else replace(header, sheet=place))
    return FileSheet(
        name=told["name"], header=header, rows=told["rows"], width=told["width"], hidden=told["hidden"], own=told["own"]
    )


async def next_frame(process: Process) -> dict[str, Any]:
    """Raises `FileRefusedError`."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    try:
        async with asyncio.timeout(SILENT_FOR_SECONDS):
            length = int.from_bytes(await process.stdout.readexactly(4), "big")
            if length > LONGEST_FRAME_BYTES:
                raise FileRefusedError(FileTooComplex())
            frame: dict[str, Any] = orjson.loads(await process.stdout.readexactly(length))
    except TimeoutError:
        raise FileRefusedError(FileTooComplex()) from None
    except asyncio.IncompleteReadError:
        if -await process.wait() in AT_A_LIMIT:
            raise FileRefusedError(FileTooComplex()) from None
        raise RuntimeError(f"the process that reads files ended with {process.returncode}") from None
    if "refused" in frame:
        raise FileRefusedError(file_refusals.BY_CODE[frame["refused"]](**frame["facts"]))
    return frame


async def end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    # Read what is still in the pipe: only then is the pipe closed.
    await process.communicate()
