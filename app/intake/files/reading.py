"""The process that reads files which nobody vouches for: `python -I -m app.intake.files.reading COLUMN…`, the file on
its standard input, frames on its standard output. It has limits on memory and time, and can open nothing.

A file is looked through before its first row is sent: it is refused as a whole, or comes as a whole.
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
from app.intake.files.archives import LOCAL, MOST_COLUMNS, MOST_ROWS
from app.intake.files.cells import LONGEST
from app.intake.files.file_refusals import (
    FileEncrypted,
    FileNotASpreadsheet,
    FileRefusedError,
    FileTooComplex,
    FileTooManyRows,
    HeaderNotFound,
)
from app.intake.files.tables import Row, Table

MEMORY = 300 * 1024 * 1024
"""Bytes of addresses, which is more than it can ever use."""
SECONDS = 30
"""Of CPU time."""
BATCH = 500
"""Rows in a frame at most."""
FRAME = 256 * 1024
"""Characters after which a frame is sent, however few its rows."""
LONGEST_ROW = 1024 * 1024
"""Characters."""

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
        send({"refused": error.refusal.code, "facts": asdict(error.refusal)})
    except MemoryError:
        send({"refused": FileTooComplex.code, "facts": {}})


def shut_in() -> None:
    """No file, socket or process beside those there are, and no core dump with people in it."""
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp437"):
        # Its module could not be opened any more.
        codecs.lookup(encoding)
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        most = resource.getrlimit(what)[1]
        least = limit if most == resource.RLIM_INFINITY else min(limit, most)
        try:
            resource.setrlimit(what, (least, least))
        except ValueError:
            # macOS has a limit of addresses that nobody can set.
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


def first_table(file: BinaryIO, known: frozenset[str]) -> tuple[Table, int, list[str]]:
    """The first table that has a header, the header's row, and its columns as they are written."""
    for table in tables(file):
        header = columns.find(islice(table.rows(), columns.HEADER_WITHIN), known)
        if header is not None:
            return table, *header
    raise FileRefusedError(HeaderNotFound())


def tables(file: BinaryIO) -> Iterator[Table]:
    """What the content is decides, not the name of the file."""
    file.seek(0)
    start = file.read(1024)
    file.seek(0)
    if start.startswith(LOCAL):
        return excel.tables(file)
    if start.startswith(_OLE):
        raise FileRefusedError(FileEncrypted() if _ENCRYPTED in file.read() else FileNotASpreadsheet())
    if not start.strip() or start.startswith(_OTHERS) or start.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"<"):
        raise FileRefusedError(FileNotASpreadsheet())
    return delimited.tables(file.read())


def looked_through(rows: Iterable[Row]) -> tuple[int, int]:
    """How many rows there are and how wide they are. Raises `FileRefusedError`."""
    count = width = 0
    for _, cells in rows:
        sizes = [0 if cell is None else len(cell) for cell in cells]
        used = len(sizes)
        while used and not sizes[used - 1]:
            used -= 1
        if not used or columns.is_example(cells):
            continue
        if used > MOST_COLUMNS or max(sizes) > LONGEST or sum(sizes) > LONGEST_ROW:
            raise FileRefusedError(FileTooComplex())
        count += 1
        if count > MOST_ROWS:
            raise FileRefusedError(FileTooManyRows(rows=MOST_ROWS))
        width = max(width, used)
    return count, width


def batches(rows: Iterable[Row], width: int) -> Iterator[list[Row]]:
    """Of rows that have something in them, each as wide as the header."""
    batch: list[Row] = []
    size = 0
    for number, cells in rows:
        if not any(cells) or columns.is_example(cells):
            continue
        batch.append((number, cells[:width] + [None] * (width - len(cells))))
        size += sum(map(len, filter(None, cells)))
        if len(batch) == BATCH or size > FRAME:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


if __name__ == "__main__":
    main(sys.argv[1:])
