"""The process that reads a file which anybody may have sent: `python -I -m app.intake.files.reading COLUMN…`.

The file is its standard input; frames of JSON are its standard output. It has limits on memory and time, and can open
nothing. It looks through the whole file before it sends the first row: a file is refused as a whole, or comes as a
whole.
"""

from __future__ import annotations

import codecs
import resource
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
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
from app.intake.files.tables import FileTable, NumberedCells

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


def main(known: Sequence[str]) -> None:
    shut_in()
    try:
        for frame in frames(sys.stdin.buffer, frozenset(known)):
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


def frames(file: BinaryIO, known: frozenset[str]) -> Iterator[dict[str, object]]:
    """The header, then rows in batches, then the end. Raises `FileRefusedError`."""
    table, header, found = first_table(file, known)
    count, width = looked_through(islice(table.rows(), header, None))
    width = max(width, len(found))
    found += [""] * (width - len(found))
    yield {"header": header, "columns": found, "sheet": table.sheet, "rows": count}
    for batch in batches(islice(table.rows(), header, None), width):
        yield {"batch": batch}
    yield {"end": count}


def first_table(file: BinaryIO, known: frozenset[str]) -> tuple[FileTable, int, list[str]]:
    """The first table that has a header, the header's row, and its columns as they are written."""
    for table in tables(file):
        header = columns.find(islice(table.rows(), columns.HEADER_WITHIN_ROWS), known)
        if header is not None:
            return table, *header
    raise FileRefusedError(HeaderNotFound())


def tables(file: BinaryIO) -> Iterator[FileTable]:
    """What the content is decides, not the name of the file."""
    file.seek(0)
    start = file.read(1024)
    file.seek(0)
    if start.startswith(LOCAL_HEADER):
        return excel.tables(file)
    if start.startswith(_OLE):
        raise FileRefusedError(FileEncrypted() if _ENCRYPTED in file.read() else FileNotASpreadsheet())
    if not start.strip() or start.startswith(_OTHERS) or start.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"<"):
        raise FileRefusedError(FileNotASpreadsheet())
    return delimited.tables(file.read())


def looked_through(rows: Iterable[NumberedCells]) -> tuple[int, int]:
    """The number of rows, and the width of the widest. Raises `FileRefusedError`."""
    count = width = 0
    for _, cells in rows:
        sizes = [0 if cell is None else len(cell) for cell in cells]
        used = len(sizes)
        while used and not sizes[used - 1]:
            used -= 1
        if not used or columns.is_example(cells):
            continue
        if used > MOST_COLUMNS or max(sizes) > LONGEST_CELL or sum(sizes) > LONGEST_ROW_CHARACTERS:
            raise FileRefusedError(FileTooComplex())
        count += 1
        if count > MOST_ROWS:
            raise FileRefusedError(FileTooManyRows(rows=MOST_ROWS))
        width = max(width, used)
    return count, width


def batches(rows: Iterable[NumberedCells], width: int) -> Iterator[list[NumberedCells]]:
    """Rows that have something in them, each as wide as the header."""
    batch: list[NumberedCells] = []
    size = 0
    for number, cells in rows:
        if not any(cells) or columns.is_example(cells):
            continue
        batch.append((number, cells[:width] + [None] * (width - len(cells))))
        size += sum(map(len, filter(None, cells)))
        if len(batch) == MOST_ROWS_OF_A_FRAME or size > FRAME_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


if __name__ == "__main__":
    main(sys.argv[1:])
