"""Spreadsheets as tests need them: written by openpyxl like anybody's, or put together part by part to be hostile."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import orjson

from app.intake.files import reading, workbooks
from app.registry.values import standard
from tests.world import nik_of

KNOWN = frozenset((*standard.COLUMNS, *standard.EXTENSIONS))
NAMES = (*standard.COLUMNS, *standard.EXTENSIONS)
LIVE = [f"{start}1+1" for start in ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u00a0@")]
"""What is a formula to some program or other."""


def person(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of the standard about nobody."""
    return {
        "data_nik": nik_of(number),
        "data_pemesan": f"Warga Contoh {number}",
        "rute_perjalanan": "Jakarta - Solo",
        "keberangkatan_terminal": "Pulo Gebang",
        "tujuan_terminal": "Tirtonadi",
        "kota_keberangkatan": "Kota Jakarta Timur",
        "kota_tujuan": "Kota Surakarta",
        "tipe_keberangkatan": "Arus mudik",
        "tanggal_pendaftaran": "2026-03-01 10:00:00",
        "status_pemesanan_tittle": "Terdaftar",
        "status_pemesanan_code": "1",
        "source": "hubdat",
    } | changes


def table(*people: Mapping[str, Any]) -> list[list[Any]]:
    """A header and its rows."""
    return [list(people[0]), *(list(one.values()) for one in people)]


def xlsx(*sheets: Sequence[Sequence[Any]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Lembar {number}")
        for row in rows:
            sheet.append(list(row))
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def csv_of(rows: Sequence[Sequence[Any]], delimiter: str = ";", newline: str = "\r\n") -> str:
    return newline.join(delimiter.join("" if cell is None else str(cell) for cell in row) for row in rows) + newline


# --- read in this process ---------------------------------------------------------------------------------------------


@dataclass
class Read:
    header: int
    columns: list[str]
    sheet: str | None
    rows: list[tuple[int, list[str | None]]]

    def column(self, name: str) -> list[str | None]:
        return [cells[self.columns.index(name)] for _, cells in self.rows]


def read(content: bytes) -> Read:
    """By the code of the process that reads, without its limits."""
    first, *frames = reading.frames(BytesIO(content), KNOWN)
    rows: list[Any] = [row for frame in frames[:-1] for row in frame["batch"]]  # type: ignore[attr-defined]
    assert frames[-1] == {"end": len(rows)}
    assert first["rows"] == len(rows)
    [sheet] = [one for one in first["sheets"] if one["columns"] is not None][:1]  # type: ignore[attr-defined]
    return Read(sheet["header"], sheet["columns"], sheet["name"], rows)


# --- read for real ----------------------------------------------------------------------------------------------------


@dataclass
class Taken:
    """What a file took of the process that reads."""

    frames: list[dict[str, Any]]
    status: int
    seconds: float
    """Of CPU time."""
    megabytes: float
    """At its peak."""

    @property
    def refused(self) -> str | None:
        """What a caller is told."""
        if self.status:
            return "FILE_TOO_COMPLEX"
        return self.frames[0].get("refused")


# A process counts the memory of the one that it was forked from as its own: the one between is small.
MEASURE = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL, env={}).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(status, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)
"""


def take(path: Path) -> Taken:
    with path.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", MEASURE, sys.executable, *workbooks.COMMAND, *NAMES],
            stdin=file,
            capture_output=True,
            check=True,
        )
    status, seconds, megabytes = done.stderr.split()
    assert int(status) <= 0, "a bug"
    return Taken(list(frames_of(done.stdout)), int(status), float(seconds), float(megabytes))


def frames_of(sent: bytes) -> Iterator[dict[str, Any]]:
    while sent:
        end = 4 + int.from_bytes(sent[:4], "big")
        yield orjson.loads(sent[4:end])
        sent = sent[end:]


# --- put together part by part ----------------------------------------------------------------------------------------

XML = '<?xml version="1.0" encoding="UTF-8"?>'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"

PARTS = {
    "[Content_Types].xml": f'{XML}<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Default Extension="xml" ContentType="{TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/></Types>',
    "_rels/.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
    '<sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def inline(address: str, text: str) -> str:
    return f'<c r="{address}" t="inlineStr"><is><t>{text}</t></is></c>'


def header_row(row: int = 1) -> str:
    cells = "".join(inline(f"{chr(ord('A') + place)}{row}", name) for place, name in enumerate(standard.COLUMNS))
    return f'<row r="{row}">{cells}</row>'


def person_row(row: int = 2) -> str:
    cells = "".join(
        inline(f"{chr(ord('A') + place)}{row}", str(value)) for place, value in enumerate(person().values())
    )
    return f'<row r="{row}">{cells}</row>'


def sheet(rows: str, before: str = "", after: str = "") -> str:
    return f'{XML}<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


GOOD = sheet(header_row() + person_row())


def package(**parts: str | bytes) -> bytes:
    """A workbook with these parts in the place of its own or more; `sheet` and `strings` are short for theirs."""
    named = {{"sheet": SHEET, "strings": STRINGS}.get(name, name): content for name, content in parts.items()}
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in (PARTS | {SHEET: GOOD} | named).items():
            archive.writestr(name, part)
    return content.getvalue()


@dataclass
class Entry:
    """Of a zip archive, with whatever it says of itself."""

    name: str
    packed: bytes
    size: int
    """That it says it has, unpacked."""
    method: int = ZIP_DEFLATED
    flags: int = 0
    offset: int | None = None
    """That the directory says it is at."""

    @classmethod
    def of(cls, name: str, content: str | bytes) -> Entry:
        plain = content.encode() if isinstance(content, str) else content
        return cls(name, deflated(plain), len(plain))


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def archive_of(*entries: Entry) -> bytes:
    body, directory = b"", b""
    for one in entries:
        name = one.name.encode()
        # Version, flags, method, time, date, checksum, sizes, length of the name and of nothing.
        fields = struct.pack("<5H3I2H", 20, one.flags, one.method, 0, 33, 0, len(one.packed), one.size, len(name), 0)
        offset = len(body) if one.offset is None else one.offset
        directory += b"PK\x01\x02\x14\x00" + fields + struct.pack("<3H2I", 0, 0, 0, 0, offset) + name
        body += b"PK\x03\x04" + fields + name + one.packed
    end = struct.pack("<4H2IH", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def entries(**changes: str | bytes) -> list[Entry]:
    """Of a good workbook."""
    return [Entry.of(name, part) for name, part in (PARTS | {SHEET: GOOD} | changes).items()]


def zeros(megabytes: int) -> bytes:
    """Deflated, a thousandth of that."""
    packer = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    million = bytes(1024 * 1024)
    return b"".join(packer.compress(million) for _ in range(megabytes)) + packer.flush()
