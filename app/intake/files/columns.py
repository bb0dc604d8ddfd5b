"""The header of a file: which of its columns is which column of the standard, in any place and in any spelling.

This file imports nothing of the registry: the process that reads files starts with it, and starts fast.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.errors import refuses
from app.intake.files.file_refusals import ColumnMissing, ColumnRepeated

ALIASES = {"status_pemesanan_title": "status_pemesanan_tittle"}
"""The standard has the misspelling. Many people will write the right spelling by mistake."""
STATUS = ("status_pemesanan_tittle", "status_pemesanan_code")
"""Either is enough."""
NOT_REQUIRED = frozenset({*STATUS, "source"})
"""Without `source`, a row belongs to the organizer that sends the file."""

HEADER_WITHIN_ROWS = 10
"""The header is looked for in the first rows of a table."""
LEAST_KNOWN_COLUMNS = 3
"""A row with so many of our columns is the header. Then the others are named as missing."""
EXAMPLE_NIK, EXAMPLE_NAME = "3201010101900000", "CONTOH – hapus baris ini"
"""The example row of the template."""

FEWEST_DIGITS_OF_A_NIK = 10
"""A cell with so many digits is meant to be a NIK, if a bad one."""
MOST_FILLED_OF_TOTALS = 3
"""Of our columns."""
OWN_SHEETS = {
    "Ringkasan": ("hasil", "kode", "jumlah"),
    "Tidak ada di berkas": ("id", "kode_booking", "source"),
    "Penjelasan": ("kolom", "penjelasan", "contoh"),
}
"""What our result and our template have beside the rows, by their first cells: nobody's list. See `results` and
`template`.
"""

_TOTALS = re.compile(r"\s*(?:grand |sub[ -]?)?(?:total|jumlah)\b", re.IGNORECASE)
_GAPS = re.compile(r"[\s_\-]+")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")


@dataclass(frozen=True, slots=True)
class Header:
    """`columns` are as they stand in the file, `names` as we call them: None for an extra column."""

    row: int
    columns: tuple[str, ...]
    names: tuple[str | None, ...]
    sheet: str | None = None
    """None: a CSV file has none."""

    def values(self, cells: Sequence[str | None]) -> dict[str, str | None]:
        """The cells of a row by our names. Cells of extra columns are left out."""
        return {name: cell for name, cell in zip(self.names, cells, strict=True) if name is not None}


def written(cell: str | None) -> str:
    """A heading in one spelling: no letter case, no blanks around it, no invisible signs, words joined by `_`."""
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", cell or ""))
    return _GAPS.sub("_", visible.strip().casefold()).strip("_")


def name_of(cell: str | None, known: Iterable[str]) -> str | None:
    name = written(cell)
    name = ALIASES.get(name, name)
    return name if name in known else None


def find(rows: Iterable[tuple[int, Sequence[str | None]]], known: frozenset[str]) -> tuple[int, list[str]] | None:
    """The first of `rows` that is a header: its number, and its columns as written, without empty ones at the end."""
    for number, cells in rows:
        if len({name_of(cell, known) for cell in cells} - {None}) >= LEAST_KNOWN_COLUMNS:
            columns = [cell or "" for cell in cells]
            while not columns[-1].strip():
                columns.pop()
            return number, columns
    return None


@refuses(ColumnMissing, ColumnRepeated)
def header_of(
    row: int, columns: Sequence[str], sheet: str | None, standard: Sequence[str], extensions: Sequence[str]
) -> Header | ColumnMissing | ColumnRepeated:
    known = frozenset((*standard, *extensions))
    names = tuple(name_of(column, known) for column in columns)
    repeated = tuple(name for name, times in Counter(names).items() if name is not None and times > 1)
    if repeated:
        return ColumnRepeated(columns=repeated)
    missing = tuple(name for name in standard if name not in names and name not in NOT_REQUIRED)
    if not set(STATUS).intersection(names):
        missing += STATUS
    if missing:
        return ColumnMissing(columns=missing)
    return Header(row, tuple(columns), names, sheet)


def is_totals(names: Sequence[str | None], cells: Sequence[str | None]) -> bool:
    """Whether the row adds up other rows, such as `JUMLAH 40`. Such a row has no NIK, and next to nothing else."""
    filled = {name: cell for name, cell in zip(names, cells, strict=False) if name is not None and cell}
    digits = sum(map(str.isdigit, filled.get("data_nik") or ""))
    said = any(cell is not None and _TOTALS.match(cell) for cell in cells)
    return said and digits < FEWEST_DIGITS_OF_A_NIK and len(filled) <= MOST_FILLED_OF_TOTALS


def is_example(cells: Sequence[str | None]) -> bool:
    """Whether the row is the template's example, which shows how to fill in the other rows."""
    return EXAMPLE_NIK in cells and EXAMPLE_NAME in cells
