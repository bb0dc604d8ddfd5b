"""CSV files as people send them: with `;`, `,` or TAB, in UTF-8 (also with a BOM), UTF-16 or Windows-1252."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import partial
from io import StringIO

from app.intake.files.cells import LONGEST_CELL, text_of, unquoted
from app.intake.files.file_refusals import FileNotASpreadsheet, FileRefusedError, FileTooComplex
from app.intake.files.tables import FileTable, NumberedCells

DELIMITERS = (";", ",", "\t")
LONGEST_LINE_CHARACTERS = 1024 * 1024

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)

csv.field_size_limit(LONGEST_CELL)


def tables(raw: bytes) -> Iterator[FileTable]:
    """The file as a table, once for each delimiter that it may have. Raises `FileRefusedError`."""
    text = decoded(raw)
    if longest_line(text) > LONGEST_LINE_CHARACTERS:
        raise FileRefusedError(FileTooComplex())
    said = _SEPARATOR_LINE.match(text)
    for delimiter in said[1] if said else DELIMITERS:
        yield FileTable(None, partial(rows, text, delimiter))


def decoded(raw: bytes) -> str:
    """Raises `FileNotASpreadsheet`."""
    try:
        text = raw.decode(encoding_of(raw))
    except UnicodeDecodeError:
        raise FileRefusedError(FileNotASpreadsheet()) from None
    if "\0" in text:
        raise FileRefusedError(FileNotASpreadsheet())
    return text


def encoding_of(raw: bytes) -> str:
    for bom, encoding in _BOMS:
        if raw.startswith(bom):
            return encoding
    # Without a BOM: every second byte of Latin text in UTF-16 is zero.
    if raw[1:2] == b"\0":
        return "utf-16-le"
    if raw[:1] == b"\0":
        return "utf-16-be"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def longest_line(text: str) -> int:
    longest = start = 0
    while (end := text.find("\n", start)) >= 0:
        longest, start = max(longest, end - start), end + 1
    return max(longest, len(text) - start)


def rows(text: str, delimiter: str) -> Iterator[NumberedCells]:
    """Numbered as a spreadsheet numbers them: a line break within quotes begins no row. Raises `FileTooComplex`."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, [text_of(unquoted(cell)) for cell in cells]
    except csv.Error:
        raise FileRefusedError(FileTooComplex()) from None
