"""What an .xlsx file may be: a zip archive of XML parts. Whatever is dangerous in it is found here, before it is read.

Every XML part is inflated once, in small pieces that are counted, searched and thrown away. What the archive says of
itself is not believed.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from app.intake.files.file_refusals import (
    FileDamaged,
    FileEncrypted,
    FileHasMacros,
    FileNotASpreadsheet,
    FileRefusedError,
    FileTooComplex,
    FileTooManyRows,
)
from app.intake.files.text_formulas import RELATIONS, WORKBOOK, Texts, by_title, found_in

MOST_ROWS = 150_000
MOST_COLUMNS = 200
MOST_PARTS = 1_000
MOST_INFLATED_BYTES = 200_000_000
"""All parts together are at most this long when they are unpacked."""
MOST_TAGS = 13_000_000
"""All parts together have at most so many tags. A cell that holds its own text has six tags, so this is two million
cells.
"""
END_OF_DIRECTORY = b"PK\x05\x06"
LOCAL_HEADER = b"PK\x03\x04"
_LONGEST_COMMENT_BYTES = 65_535
_CHUNK_BYTES = 256 * 1024
_OVERLAP_BYTES = 1024
"""Two pieces share so many bytes. This is longer than anything that is searched for, so nothing hides between two
pieces.
"""
_ENCRYPTED = 0x1
_SHEETS = "xl/worksheets/"
_CONTENT_TYPES = "[content_types].xml"

_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
# The address of a cell with something in it: `<c r="GS1" t="n">`. An empty cell with a format ends in `/>`. A far cell
# that is written in another way is not found here; the process that reads it ends at its memory limit.
_FAR_RIGHT = re.compile(rb'r="(?:[A-Z]{3,}|[H-Z][A-Z]|G[S-Z])\d+"[^<>]*+(?<!/)>')
_FAR_DOWN = re.compile(rb'r="[A-Z]+(?:\d{7,}|[2-9]\d{5}|1[6-9]\d{4})"[^<>]*+(?<!/)>')


def inspect(file: BinaryIO) -> dict[str, Texts]:
    """The texts that are formulas, by the title of their sheet. Raises `FileRefusedError`."""
    refuse_large_directory(file)
    texts: dict[str, Texts] = {}
    try:
        with ZipFile(file) as archive:
            parts = archive.infolist()
            refuse_by_directory(parts)
            markup = 0
            for part in parts:
                if part.filename.casefold().endswith((".xml", ".rels")):
                    markup += look_through(file, part, MOST_TAGS - markup, texts)
            return texts and by_title(texts, whole(file, parts, WORKBOOK), whole(file, parts, RELATIONS))
    except (BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, EOFError, OSError):
        raise FileRefusedError(FileDamaged()) from None


def refuse_large_directory(file: BinaryIO) -> None:
    """Refuse a directory that is too large, before an object is made of each of its entries."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _LONGEST_COMMENT_BYTES - 22))
    tail = file.read()
    place = tail.rfind(END_OF_DIRECTORY)
    if place < 0 or len(tail) - place < 22:
        raise FileRefusedError(FileDamaged())
    count, length = struct.unpack("<HI", tail[place + 10 : place + 16])
    if count > MOST_PARTS or length > MOST_PARTS * 512:
        raise FileRefusedError(FileTooComplex())


def refuse_by_directory(parts: list[ZipInfo]) -> None:
    names = [part.filename.casefold() for part in parts]
    if any(name.endswith("vbaproject.bin") or name.startswith("xl/macrosheets/") for name in names):
        raise FileRefusedError(FileHasMacros())
    if WORKBOOK not in names or _CONTENT_TYPES not in names:
        raise FileRefusedError(FileNotASpreadsheet())
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise FileRefusedError(FileEncrypted())
    if len(set(names)) < len(names) or any(part.compress_type not in {ZIP_STORED, ZIP_DEFLATED} for part in parts):
        raise FileRefusedError(FileDamaged())
    if sum(part.file_size for part in parts) > MOST_INFLATED_BYTES:
        raise FileRefusedError(FileTooComplex())
    ordered = sorted(parts, key=lambda part: part.header_offset)
    for part, following in pairwise(ordered):
        if part.header_offset + 30 + part.compress_size > following.header_offset:
            raise FileRefusedError(FileDamaged())


def look_through(file: BinaryIO, part: ZipInfo, most: int, texts: dict[str, Texts]) -> int:
    """How many tags the part has; of a sheet, `texts` gets the texts that are formulas. Raises `FileRefusedError`."""
    name = part.filename.casefold()
    before, markup = b"", 0
    for piece in inflated(file, part):
        seen = before + piece
        markup += piece.count(b"<")
        # A NUL: the part is not in UTF-8, and a search for bytes of UTF-8 would find nothing in it.
        if markup > most or b"\0" in piece or _DTD.search(seen):
            raise FileRefusedError(FileTooComplex())
        if name == _CONTENT_TYPES and b"macroenabled" in seen.lower():
            raise FileRefusedError(FileHasMacros())
        if name.startswith(_SHEETS):
            refuse_far_cells(seen)
            if found := dict(found_in(seen)):
                texts.setdefault(name, {}).update(found)
        before = piece[-_OVERLAP_BYTES:]
    return markup


def refuse_far_cells(seen: bytes) -> None:
    if _FAR_DOWN.search(seen):
        raise FileRefusedError(FileTooManyRows(rows=MOST_ROWS))
    if _FAR_RIGHT.search(seen):
        raise FileRefusedError(FileTooComplex())


def whole(file: BinaryIO, parts: list[ZipInfo], name: str) -> bytes:
    """A part that has been looked through. Raises `FileDamaged` without it."""
    for part in parts:
        if part.filename.casefold() == name:
            return b"".join(inflated(file, part))
    raise FileRefusedError(FileDamaged())


def inflated(file: BinaryIO, part: ZipInfo) -> Iterator[bytes]:
    """The part's bytes, exactly as many as its entry says. Raises `FileDamaged`, and zlib's and struct's errors."""
    file.seek(part.header_offset)
    head = file.read(30)
    if head[:4] != LOCAL_HEADER:
        raise FileRefusedError(FileDamaged())
    name_length, extra_length = struct.unpack("<HH", head[26:30])
    file.seek(name_length + extra_length, 1)
    stream = zlib.decompressobj(-zlib.MAX_WBITS) if part.compress_type == ZIP_DEFLATED else None
    left, size = part.compress_size, 0
    while left:
        packed = file.read(min(_CHUNK_BYTES, left))
        left -= len(packed)
        if not packed:
            raise FileRefusedError(FileDamaged())
        for piece in pieces(stream, packed):
            size += len(piece)
            if size > part.file_size:
                raise FileRefusedError(FileDamaged())
            yield piece
    if size != part.file_size:
        raise FileRefusedError(FileDamaged())


def pieces(stream: zlib._Decompress | None, packed: bytes) -> Iterator[bytes]:
    while packed and stream is not None:
        yield stream.decompress(packed, _CHUNK_BYTES)
        packed = stream.unconsumed_tail
    if stream is None:
        yield packed
