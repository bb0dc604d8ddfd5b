"""Files that mean harm, each read by the process that is there for it: refused with the right code, or read exactly,
within two seconds of a processor and 300 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from app.intake.files.archives import MOST_PARTS
from app.intake.files.file_refusals import BY_CODE, FileRefusedError
from tests.intake.sheets import (
    GOOD,
    MAIN,
    PARTS,
    SHEET,
    Entry,
    archive_of,
    csv_of,
    entries,
    header_row,
    inline,
    package,
    person,
    person_row,
    read,
    sheet,
    table,
    take,
    xlsx,
    zeros,
)

MEGABYTES = 300
SECONDS = 2.0
LINES = table(person(1), person(2))
CSV = csv_of(LINES).encode()
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
ROWS = 1_048_576
"""Of a sheet, in Excel."""


def strings(content: str) -> str:
    return f'<sst xmlns="{MAIN}">{content}</sst>'


def shared(rows: int) -> str:
    """Rows of one cell each, all with the first of the shared strings."""
    return sheet("".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, rows)))


def lying(size: int, packed: bytes) -> bytes:
    """Its sheet says that it has `size` bytes."""
    return archive_of(*[Entry(SHEET, packed, size) if one.name == SHEET else one for one in entries()])


def overlapping() -> bytes:
    """Two parts of the same bytes."""
    good = entries()
    return archive_of(*good, replace(Entry.of("xl/worksheets/sheet2.xml", GOOD), offset=0))


def flagged(flags: int = 0, method: int = 8) -> bytes:
    return archive_of(*[replace(one, flags=flags, method=method) for one in entries()])


REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    # Bombs.
    "a sheet of 250 MB": ("FILE_TOO_COMPLEX", lambda: lying(250 * 1024 * 1024, zeros(250))),
    "a sheet of 250 MB that says it is small": ("FILE_DAMAGED", lambda: lying(1000, zeros(250))),
    "a sheet that is longer than it says": ("FILE_DAMAGED", lambda: lying(10, Entry.of("", GOOD).packed)),
    "a sheet that is shorter than it says": ("FILE_DAMAGED", lambda: lying(1_000_000, Entry.of("", GOOD).packed)),
    "a picture of 250 MB": (
        "FILE_TOO_COMPLEX",
        lambda: archive_of(*entries(), Entry("xl/media/image1.png", zeros(250), 250 * 1024 * 1024)),
    ),
    "many parts": (
        "FILE_TOO_COMPLEX",
        lambda: archive_of(*entries(), *[Entry.of(f"xl/media/{n}", "") for n in range(MOST_PARTS)]),
    ),
    "parts that overlap": ("FILE_DAMAGED", overlapping),
    "a part twice": ("FILE_DAMAGED", lambda: archive_of(*entries(), Entry.of(SHEET.upper(), GOOD))),
    "an archive in an archive": ("FILE_NOT_A_SPREADSHEET", lambda: archive_of(Entry.of("a.xlsx", package()))),
    "a long shared string in every cell": (
        "FILE_TOO_COMPLEX",
        lambda: package(sheet=shared(140_000), strings=strings(f"<si><t>{'x' * 32_000}</t></si>")),
    ),
    "five million shared strings": ("FILE_TOO_COMPLEX", lambda: package(strings=strings("<si><t/></si>" * 5_000_000))),
    "more shared strings than there can be": (
        "FILE_TOO_COMPLEX",
        lambda: package(strings='<sst count="4294967295" uniqueCount="4294967295"><si><t>x</t></si></sst>'),
    ),
    "six million cells": (
        "FILE_TOO_COMPLEX",
        lambda: package(sheet=sheet("<row>" + "<c><v>1</v></c>" * 6_000_000 + "</row>")),
    ),
    "a tower of tags": ("FILE_TOO_COMPLEX", lambda: package(sheet="<a>" * 14_000_000)),
    "many comments": ("FILE_TOO_COMPLEX", lambda: package(sheet=sheet("<!---->" * 14_000_000))),
    # Addresses.
    "a cell at XFD1048576": (
        "FILE_TOO_MANY_ROWS",
        lambda: package(sheet=sheet(header_row() + '<row><c r="XFD1048576"><v>1</v></c></row>')),
    ),
    "a cell at XFD1048576, written otherwise": (
        "FILE_TOO_COMPLEX",
        lambda: package(sheet=sheet(header_row() + "<row><c r='XFD1048576'><v>1</v></c></row>")),
    ),
    "a cell in column XFD": (
        "FILE_TOO_COMPLEX",
        lambda: package(sheet=sheet(header_row() + '<row r="2"><c r="XFD2"><v>1</v></c></row>')),
    ),
    "a cell in column 201": ("FILE_TOO_COMPLEX", lambda: xlsx([LINES[0], [*LINES[1], *[None] * 188, "x"]])),
    "a cell below the last row": (
        "FILE_TOO_MANY_ROWS",
        lambda: package(sheet=sheet(header_row() + f'<row r="160000">{inline("A160000", "x")}</row>')),
    ),
    "a row too many": (
        "FILE_TOO_MANY_ROWS",
        lambda: package(
            sheet=sheet(header_row() + "".join(f'<row r="{r}"><c><v>1</v></c></row>' for r in range(2, 150_003)))
        ),
    ),
    # XML.
    "an entity bomb in the sheet": ("FILE_TOO_COMPLEX", lambda: package(sheet=BOMB + GOOD)),
    "an entity bomb in the shared strings": (
        "FILE_TOO_COMPLEX",
        lambda: package(strings=BOMB + strings("<si><t>&b;</t></si>")),
    ),
    "an entity bomb in the workbook": (
        "FILE_TOO_COMPLEX",
        lambda: package(**{"xl/workbook.xml": BOMB + PARTS["xl/workbook.xml"]}),
    ),
    "an entity bomb where nobody looks": ("FILE_TOO_COMPLEX", lambda: package(**{"docProps/core.xml": BOMB + "<x/>"})),
    "an entity bomb in relations": ("FILE_TOO_COMPLEX", lambda: package(**{"xl/x.rels": BOMB + "<x/>"})),
    "an external entity": (
        "FILE_TOO_COMPLEX",
        lambda: package(strings=EXTERNAL + strings("<si><t>&x;</t></si>")),
    ),
    "a DTD behind a long comment": (
        "FILE_TOO_COMPLEX",
        lambda: package(sheet=f"<!--{'x' * (256 * 1024 - 10)}-->{EXTERNAL}{GOOD}"),
    ),
    "a DTD in UTF-16": ("FILE_TOO_COMPLEX", lambda: package(sheet=(EXTERNAL + GOOD).encode("utf-16"))),
    # What somebody locked, or put to work.
    "a workbook with a password": ("FILE_ENCRYPTED", lambda: OLE + "EncryptedPackage".encode("utf-16-le") + bytes(500)),
    "parts with a password": ("FILE_ENCRYPTED", lambda: flagged(flags=1)),
    "macros": ("FILE_HAS_MACROS", lambda: package(**{"xl/vbaProject.bin": b"\xd0\xcf"})),
    "macros in capitals": ("FILE_HAS_MACROS", lambda: package(**{"XL/VBAPROJECT.BIN": b"\xd0\xcf"})),
    "macros of Excel 4": ("FILE_HAS_MACROS", lambda: package(**{"xl/macrosheets/sheet1.xml": "<x/>"})),
    "a workbook that says it has macros": (
        "FILE_HAS_MACROS",
        lambda: package(
            **{
                "[Content_Types].xml": PARTS["[Content_Types].xml"].replace(
                    "openxmlformats-officedocument.spreadsheetml.sheet.main", "ms-excel.sheet.macroEnabled.main"
                )
            }
        ),
    ),
    # Something else under this name.
    "an .xls": ("FILE_NOT_A_SPREADSHEET", lambda: OLE + "Workbook".encode("utf-16-le") + bytes(500)),
    "an .ods": (
        "FILE_NOT_A_SPREADSHEET",
        lambda: archive_of(Entry.of("mimetype", "application/vnd.oasis"), Entry.of("content.xml", "<x/>")),
    ),
    "an .xlsb": (
        "FILE_NOT_A_SPREADSHEET",
        lambda: archive_of(
            *[one for one in entries() if one.name != "xl/workbook.xml"], Entry.of("xl/workbook.bin", "")
        ),
    ),
    "a .docx": (
        "FILE_NOT_A_SPREADSHEET",
        lambda: archive_of(Entry.of("[Content_Types].xml", "<x/>"), Entry.of("word/document.xml", "<x/>")),
    ),
    "a .zip": ("FILE_NOT_A_SPREADSHEET", lambda: archive_of(Entry.of("data.csv", CSV))),
    "a page": (
        "FILE_NOT_A_SPREADSHEET",
        lambda: b"<html><body><table><tr><td>data_nik</td></tr></table></body></html>",
    ),
    "a .pdf": ("FILE_NOT_A_SPREADSHEET", lambda: b"%PDF-1.7\n" + bytes(1000)),
    "a program": ("FILE_NOT_A_SPREADSHEET", lambda: b"\x7fELF" + bytes(1000)),
    "nothing": ("FILE_NOT_A_SPREADSHEET", lambda: b""),
    # Broken ones.
    "a method that nobody knows": ("FILE_DAMAGED", lambda: flagged(method=12)),
    "an archive without its end": ("FILE_DAMAGED", lambda: package()[:-30]),
    "half an archive": ("FILE_DAMAGED", lambda: package()[: len(package()) // 2]),
    "the head of an archive": ("FILE_DAMAGED", lambda: package()[:100]),
    "an archive with a hole": ("FILE_DAMAGED", lambda: b"PK\x03\x04" + bytes(400) + package()[404:]),
    "a part beyond the end": (
        "FILE_DAMAGED",
        lambda: archive_of(*entries(), replace(Entry.of("xl/x.xml", "<x/>"), offset=10_000_000)),
    ),
    # Text.
    "a line of 5 MB": ("FILE_TOO_COMPLEX", lambda: CSV + b"x" * 5_000_000),
    "five million columns": ("FILE_TOO_COMPLEX", lambda: CSV + b";" * 5_000_000),
    "a cell of 2 MB in lines": ("FILE_TOO_COMPLEX", lambda: CSV + b'"' + b"Warga\r\n" * 300_000),
    "text with NULs": ("FILE_NOT_A_SPREADSHEET", lambda: CSV + bytes(1_000_000)),
    "a row of text too many": ("FILE_TOO_MANY_ROWS", lambda: CSV + b"1;2;3\r\n" * 150_000),
    "a wall of text": ("HEADER_NOT_FOUND", lambda: b"Lorem ipsum dolor sit amet\r\n" * 700_000),
}


AT_THE_LIMIT = {
    "a cell at XFD1048576, written otherwise",
    "a long shared string in every cell",
    "more shared strings than there can be",
}
"""Of memory, and by nothing else."""


HONEST = {"a row too many", "a row of text too many"}
"""Whoever sends these may wait."""
LARGE = {
    "a row of text too many",
    "a row too many",
    "a wall of text",
    "five million shared strings",
    "many comments",
    "six million cells",
    "text with NULs",
    "a tower of tags",
}


@pytest.mark.parametrize("name", sorted(REFUSED.keys() - AT_THE_LIMIT - LARGE))
def test_refused_by_what_it_is(name: str) -> None:
    code, make = REFUSED[name]
    with pytest.raises(FileRefusedError) as refused:
        read(make())
    assert refused.value.refusal.code == code


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_time(name: str, tmp_path: Path) -> None:
    code, make = REFUSED[name]
    (tmp_path / "file.xlsx").write_bytes(make())
    taken = take(tmp_path / "file.xlsx")
    assert taken.refused == code
    # Nothing of it was passed on.
    assert [list(frame) for frame in taken.frames] in ([], [["refused", "facts"]])
    assert taken.seconds < (2 * SECONDS if name in HONEST else SECONDS)
    assert taken.megabytes < MEGABYTES


TWO: list[list[object]] = [[2, list(person(1).values())], [3, list(person(2).values())]]
ONE: list[list[object]] = [[2, list(person(1).values())]]
READ: dict[str, tuple[list[list[object]], Callable[[], bytes]]] = {
    "a million empty rows": (
        ONE,
        lambda: package(
            sheet=sheet(header_row() + person_row() + "".join(f'<row r="{r}"/>' for r in range(3, ROWS + 1)))
        ),
    ),
    "two million empty cells with a format": (
        ONE,
        lambda: package(
            sheet=sheet(
                header_row()
                + person_row()
                + "".join(f'<row r="{r}"><c r="A{r}" s="1"/><c r="B{r}" s="1"/></row>' for r in range(3, ROWS + 1))
            )
        ),
    ),
    "an empty cell with a format at XFD1048576": (
        ONE,
        lambda: package(sheet=sheet(header_row() + person_row() + '<row r="1048576"><c r="XFD1048576" s="0"/></row>')),
    ),
    "a dimension up to XFD1048576": (
        ONE,
        lambda: package(sheet=sheet(header_row() + person_row(), before='<dimension ref="A1:XFD1048576"/>')),
    ),
    "fifty thousand merged columns": (
        ONE,
        lambda: package(
            sheet=sheet(
                header_row() + person_row(),
                after="<mergeCells>" + '<mergeCell ref="A3:A1048576"/>' * 50_000 + "</mergeCells>",
            )
        ),
    ),
    "a hundred thousand formulas that are texts, behind as many addresses that are none": (
        ONE,
        lambda: package(
            sheet=sheet(
                header_row()
                + person_row()
                + "".join(f'<row r="{r}"><c r="A{r}"><f>"x"</f></c></row>' for r in range(3, 100_003)),
                before="<!-- " + 'r="A1" ' * 100_000 + "-->",
            )
        ),
    ),
    "a link to another workbook": (ONE, lambda: package(**{"xl/externalLinks/externalLink1.xml": "<x/>"})),
    "text under the name of a workbook": (TWO, lambda: CSV),
}


@pytest.mark.parametrize("name", READ)
def test_read_exactly(name: str, tmp_path: Path) -> None:
    rows, make = READ[name]
    (tmp_path / "file.xlsx").write_bytes(make())
    taken = take(tmp_path / "file.xlsx")
    assert taken.status == 0
    assert [row for frame in taken.frames for row in frame.get("batch", [])] == rows
    assert taken.frames[-1] == {"end": len(rows)}
    assert taken.megabytes < MEGABYTES
    assert taken.seconds < SECONDS * 2


@pytest.mark.parametrize("seed", range(12))
def test_bytes_that_fell_over_are_never_a_bug(seed: int, tmp_path: Path) -> None:
    dice = Random(seed)  # noqa: S311 - dice
    content = bytearray(archive_of(*entries()) if seed % 2 else CSV)
    for _ in range(dice.randint(1, 10)):
        content[dice.randrange(len(content))] = dice.randrange(256)
    (tmp_path / "file.xlsx").write_bytes(content)
    taken = take(tmp_path / "file.xlsx")
    if taken.refused is None:
        assert taken.frames[-1] == {"end": taken.frames[0]["rows"]}
    else:
        assert taken.refused in BY_CODE
