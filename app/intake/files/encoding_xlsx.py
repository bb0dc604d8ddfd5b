"""Writing .xlsx as a stream, in constant memory: sheet after sheet, each with a frozen header and a filter.

Each cell of text has the type of text, and so has its column: no text that begins like a formula becomes a formula.
xlsxwriter, which makes the template, needs five times as long for the same rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from app.intake.files.cells import LONGEST_CELL
from app.intake.files.encoding import Cell

COMPRESSION_LEVEL = 3
"""A higher level costs much time and saves few bytes."""
COLUMN_WIDTH = 22
"""In characters, as Excel measures it."""
MOST_ROWS_OF_A_SHEET = 1_048_576
"""Excel's limit."""

TEXT_STYLE, HEADING_STYLE = 1, 2
"""The places of the two formats in `cellXfs` of the styles."""

_FORBIDDEN = r"\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff"
_SPECIAL = re.compile(rf"[&<>{_FORBIDDEN}]|_(?=x[0-9A-Fa-f]{{4}}_)")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Xlsx:
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def __init__(self) -> None:
        self._out = _ArchiveOut()
        self._archive = ZipFile(self._out, "w", ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL)
        self._titles: list[str] = []
        self._hidden: list[bool] = []
        self._columns: Sequence[str] | None = None
        self._letters: list[str] = []
        self._part: IO[bytes] | None = None
        self._row = 0
        for name, content in _FIXED.items():
            self._archive.writestr(name, content)

    def sheet(self, title: str, columns: Sequence[str]) -> bytes:
        self._begin(title, len(columns), _FROZEN, hidden=False)
        self._columns = columns
        self._write([columns], HEADING_STYLE)
        return self._out.taken()

    def copy(self, title: str, width: int, *, hidden: bool = False) -> bytes:
        self._begin(title, width, "", hidden=hidden)
        self._columns = None
        return self._out.taken()

    def _begin(self, title: str, width: int, view: str, *, hidden: bool) -> None:
        self._end_sheet()
        self._titles.append(title)
        self._hidden.append(hidden)
        self._letters = [letters(place) for place in range(width)]
        self._row = 0
        self._part = self._archive.open(f"xl/worksheets/sheet{len(self._titles)}.xml", "w")
        columns = max(width, 1)
        self._part.write(_SHEET.format(view=view, columns=columns, width=COLUMN_WIDTH, style=TEXT_STYLE).encode())

    def rows(self, rows: Sequence[Sequence[Cell]]) -> bytes:
        # A sheet that is copied has no more rows than it had when it was read.
        if self._columns is not None and self._row + len(rows) > MOST_ROWS_OF_A_SHEET:
            return self.sheet(f"{self._titles[0]} {len(self._titles) + 1}", self._columns) + self.rows(rows)
        self._write(rows, TEXT_STYLE)
        return self._out.taken()

    def end(self) -> bytes:
        self._end_sheet()
        for name, template in _OF_SHEETS.items():
            lines = [
                template[1].format(
                    place=place, title=quoted(title), state=' state="hidden"' if self._hidden[place - 1] else ""
                )
                for place, title in enumerate(self._titles, 1)
            ]
            self._archive.writestr(name, template[0].format(sheets="".join(lines)))
        self._archive.close()
        return self._out.taken()

    def _write(self, rows: Sequence[Sequence[Cell]], style: int) -> None:
        assert self._part is not None  # noqa: S101 - rows are of a sheet
        lines = []
        for row in rows:
            self._row += 1
            cells = [
                cell_of(f"{letter}{self._row}", cell, style)
                for letter, cell in zip(self._letters, row, strict=True)
                if cell is not None
            ]
            lines.append(f'<row r="{self._row}">{"".join(cells)}</row>')
        self._part.write("".join(lines).encode())

    def _end_sheet(self) -> None:
        if self._part is not None:
            last = "" if self._columns is None else f"{self._letters[-1]}{self._row}"
            self._part.write((_FILTERED.format(last=last) if last else _SHEET_END).encode())
            self._part.close()
            self._part = None


class _ArchiveOut:
    """What the archive has written and nobody has taken yet. Without `seek`, zipfile writes sizes behind contents."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, content: bytes) -> int:
        self._written += content
        return len(content)

    def flush(self) -> None:
        """zipfile calls it. Nothing is buffered elsewhere."""

    def close(self) -> None:
        """zipfile calls it. There is no file to close."""

    def taken(self) -> bytes:
        content = bytes(self._written)
        self._written.clear()
        return content


def cell_of(address: str, cell: str | int, style: int) -> str:
    if isinstance(cell, int):
        return f'<c r="{address}"><v>{cell}</v></c>'
    text = escaped(cell[:LONGEST_CELL]) if _SPECIAL.search(cell) else cell[:LONGEST_CELL]
    # Excel drops blanks around a text, unless it is told to keep them.
    space = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
    return f'<c r="{address}" s="{style}" t="inlineStr"><is><t{space}>{text}</t></is></c>'


def escaped(text: str) -> str:
    """A sign that XML cannot hold is written as Excel does, `_x001F_`. A text that looks like that is escaped, too."""
    return _SPECIAL.sub(lambda sign: _ENTITIES.get(sign[0]) or f"_x{ord(sign[0]):04X}_", text)


def quoted(text: str) -> str:
    """The text as the value of an attribute."""
    return escaped(text).replace('"', "&quot;")


def letters(place: int) -> str:
    """The name of a column, counted from 0: A, Z, AA."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


# --- the parts of the archive -----------------------------------------------------------------------------------------

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_RELATED = f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'

_FIXED = {
    "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Default Extension="xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f"{_RELATED}"
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/styles.xml": f'{_XML}<styleSheet xmlns="{_MAIN}">'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFDCE6F1"/></patternFill></fill></fills>'
    "<borders><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
    '<cellStyleXfs><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="3">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="2" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"'
    ' applyFill="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>",
}
_OF_SHEETS = {
    "xl/workbook.xml": (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{{sheets}}</sheets></workbook>',
        '<sheet name="{title}" sheetId="{place}"{state} r:id="rId{place}"/>',
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{_RELATED}{{sheets}}<Relationship Id="styles" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        f'<Relationship Id="rId{{place}}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{{place}}.xml"/>',
    ),
}
_FROZEN = (
    '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft"'
    ' state="frozen"/></sheetView></sheetViews>'
)
_SHEET = (
    f'{_XML}<worksheet xmlns="{_MAIN}">{{view}}'
    '<cols><col min="1" max="{columns}" width="{width}" style="{style}" customWidth="1"/></cols><sheetData>'
)
_SHEET_END = "</sheetData></worksheet>"
_FILTERED = '</sheetData><autoFilter ref="A1:{last}"/></worksheet>'
