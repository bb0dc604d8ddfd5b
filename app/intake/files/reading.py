"""The process that reads a file which anybody may have sent: `python -I -m app.intake.files.reading [--whole] COLUMN…`.

The file is its standard input; frames of JSON are its standard output. It has limits on memory and time, and can open
nothing. It looks through the whole file before it sends the first row: a file is refused as a whole, or comes as a
whole.
"""

from __future__ import annotations

import codecs
import resource
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import BinaryIO

import orjson

from app.intake.files import columns, delimited, excel
from app.intake.files.archives import LOCAL_HEADER, MOST_COLUMNS, MOST_ROWS
from app.intake.files.cells import LONGEST_CELL
from app.intake.files.file_refusals import (
    FileEncrypted,
    FileNotASpreadsheet,
    FileRefusedError,
    FileTooComplex,
    FileTooManyRows,
    HeaderNotFound,
)
from app.intake.files.tables import WHOLE, FileTable, NumberedCells

MEMORY_BYTES = 300 * 1024 * 1024
"""Of address space, of which a process uses only a part."""
CPU_SECONDS = 30
MOST_ROWS_OF_A_FRAME = 500
FRAME_CHARACTERS = 256 * 1024
"""A frame with more than this is sent, however few rows it has."""
LONGEST_ROW_CHARACTERS = 1024 * 1024

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OTHERS = (
    b"%PDF",
    b"{\\rtf",
    b"\x1f\x8b",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"\x7fELF",
    b"MZ",
)


def main(arguments: Sequence[str]) -> None:
    shut_in()
    known = frozenset(arguments) - {WHOLE}
    try:
        for frame in frames(sys.stdin.buffer, known, whole=WHOLE in arguments):
            send(frame)
    except FileRefusedError as error:
        facts = {name: fact for name, fact in asdict(error.refusal).items() if name != "field"}
        send({"refused": error.refusal.code, "facts": facts})
    except MemoryError:
        send({"refused": FileTooComplex.code, "facts": {}})


def shut_in() -> None:
    """From here on the process opens no file and no socket, and leaves no core dump with people's data."""
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp437"):
        # Loaded now: later the module of an encoding could not be opened.
        codecs.lookup(encoding)
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        most = resource.getrlimit(what)[1]
        least = limit if most == resource.RLIM_INFINITY else min(limit, most)
        try:
            resource.setrlimit(what, (least, least))
        except ValueError:
            # On macOS nobody can set the limit of address space.
            if sys.platform == "linux":
                raise


def send(frame: object) -> None:
    content = orjson.dumps(frame)
    sys.stdout.buffer.write(len(content).to_bytes(4, "big") + content)
    sys.stdout.buffer.flush()


def frames(file: BinaryIO, known: frozenset[str], *, whole: bool = False) -> Iterator[dict[str, object]]:
    """The sheets, then rows in batches, then the end. Raises `FileRefusedError`.

    `whole`: every row of every sheet comes, and not only the rows of people.
    """
    sheets = [looked_at(table, known) for table in lists(file, known, whole=whole)]
    if sum(sheet.count for sheet in sheets) > MOST_ROWS:
        raise FileRefusedError(FileTooManyRows(rows=MOST_ROWS))
    people = sum(sheet.count for sheet in sheets if sheet.columns is not None)
    yield {"sheets": [sheet.told() for sheet in sheets], "rows": people}
    for place, sheet in enumerate(sheets):
        if whole or sheet.columns is not None:
            for batch in batches(sheet.all_rows() if whole else sheet.people(), sheet.width):
                yield {"sheet": place, "batch": batch}
    yield {"end": people}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table that was looked through."""

    table: FileTable
    header: int
    columns: list[str] | None
    """As they are written. None: the table has no header of ours, or is hidden."""
    names: list[str | None]
    count: int
    """Rows with something in them; behind the header, if there is one."""
    width: int
    last: int
    """The last row with something in it."""

    def told(self) -> dict[str, object]:
        return {
            "name": self.table.sheet,
            "header": self.header,
            "columns": self.columns and self.columns + [""] * (self.width - len(self.columns)),
            "rows": self.count,
            "width": self.width,
            "hidden": self.table.hidden,
            "own": is_own(self.table),
        }

    def people(self) -> Iterator[NumberedCells]:
        for number, cells in islice(self.table.rows(), self.header, None):
            if is_somebody(self.names, cells):
                yield number, cells

    def all_rows(self) -> Iterator[NumberedCells]:
        return islice(self.table.rows(), self.last)


def lists(file: BinaryIO, known: frozenset[str], *, whole: bool) -> list[FileTable]:
    """Every sheet of a workbook; of a CSV file, the table under the delimiter by which it has a header."""
    sheets = []
    found = False
    for table in tables(file, whole=whole):
        found = found or header_of(table, known) is not None
        if table.sheet is not None:
            sheets.append(table)
        elif found:
            return [table]
    if not found:
        raise FileRefusedError(HeaderNotFound())
    return sheets


def header_of(table: FileTable, known: frozenset[str]) -> tuple[int, list[str]] | None:
    if table.hidden or is_own(table):
        return None
    return columns.find(islice(table.rows(), columns.HEADER_WITHIN_ROWS), known)


def is_own(table: FileTable) -> bool:
    """Whether it is a sheet that our result or our template has beside the rows."""
    first = columns.OWN_SHEETS.get(table.sheet or "")
    return first is not None and any(tuple(cells[: len(first)]) == first for _, cells in islice(table.rows(), 1))


def looked_at(table: FileTable, known: frozenset[str]) -> Sheet:
    row, written = header_of(table, known) or (0, None)
    names = [columns.name_of(column, known) for column in written or ()]
    count, width, last = looked_through(table.rows(), names, row)
    return Sheet(
        table=table,
        header=row,
        columns=written,
        names=names,
        count=count,
        width=max(width, len(written or ())),
        last=max(last, row),
    )


def tables(file: BinaryIO, *, whole: bool = False) -> Iterator[FileTable]:
    """What the content is decides, not the name of the file."""
    file.seek(0)
    start = file.read(1024)
    file.seek(0)
    if start.startswith(LOCAL_HEADER):
        return excel.tables(file, whole=whole)
    if start.startswith(_OLE):
        raise FileRefusedError(FileEncrypted() if _ENCRYPTED in file.read() else FileNotASpreadsheet())
    if not start.strip() or start.startswith(_OTHERS) or start.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"<"):
        raise FileRefusedError(FileNotASpreadsheet())
    return delimited.tables(file.read())


def looked_through(rows: Iterable[NumberedCells], names: Sequence[str | None], header: int) -> tuple[int, int, int]:
    """The number of rows behind the header, the width of the widest row, the last row. Raises `FileRefusedError`."""
    count = width = last = 0
    for number, cells in rows:
        sizes = [0 if cell is None else len(cell) for cell in cells]
        used = len(sizes)
        while used and not sizes[used - 1]:
            used -= 1
        if not used:
            continue
        if used > MOST_COLUMNS or max(sizes) > LONGEST_CELL or sum(sizes) > LONGEST_ROW_CHARACTERS:
            raise FileRefusedError(FileTooComplex())
        width, last = max(width, used), number
        # Without a header nobody knows what adds up others.
        count += number > header and (not header or is_somebody(names, cells))
        if count > MOST_ROWS:
            raise FileRefusedError(FileTooManyRows(rows=MOST_ROWS))
    return count, width, last


def is_somebody(names: Sequence[str | None], cells: Sequence[str | None]) -> bool:
    return any(cells) and not columns.is_example(cells) and not columns.is_totals(names, cells)


def batches(rows: Iterable[NumberedCells], width: int) -> Iterator[list[NumberedCells]]:
    """The rows, each as wide as the widest."""
    batch: list[NumberedCells] = []
    size = 0
    for number, cells in rows:
        batch.append((number, cells[:width] + [None] * (width - len(cells))))
        size += sum(map(len, filter(None, cells)))
        if len(batch) == MOST_ROWS_OF_A_FRAME or size > FRAME_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


if __name__ == "__main__":
    main(sys.argv[1:])
