"""The header: which of a file's columns is which of the standard's, wherever and however it is written.

Imports nothing of the registry's, as the process that reads files starts with it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.intake.files.file_refusals import ColumnMissing, ColumnRepeated, FileRefused

ALIASES = {"status_pemesanan_title": "status_pemesanan_tittle"}
"""The misspelling is the standard; the right spelling is a mistake that many will make."""
STATUS = ("status_pemesanan_tittle", "status_pemesanan_code")
"""Either is enough."""
NOT_REQUIRED = frozenset({*STATUS, "source"})
"""Without `source`, a record is of whoever sends the file."""

HEADER_WITHIN = 10
"""Rows."""
ALIKE = 3
"""So many columns of ours make a row the header, whatever else is missing."""
EXAMPLE_NIK, EXAMPLE_NAME = "3201010101900000", "CONTOH – hapus baris ini"
"""Of the template."""

_GAPS = re.compile(r"[\s_\-]+")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")


@dataclass(frozen=True, slots=True)
class Header:
    """`columns` as they stand in the file, `names` what they are to us: None for an extra one, which is kept aside."""

    row: int
    columns: tuple[str, ...]
    names: tuple[str | None, ...]
    sheet: str | None = None
    """None: a CSV file has none."""

    def values(self, cells: Sequence[str | None]) -> dict[str, str | None]:
        """By the names that we know."""
        return {name: cell for name, cell in zip(self.names, cells, strict=True) if name is not None}


def written(cell: str | None) -> str:
    """A heading without what nobody sees: letter case, blanks of any kind around it, and how its words are joined."""
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFKC", cell or ""))
    return _GAPS.sub("_", visible.strip().casefold()).strip("_")


def name_of(cell: str | None, known: Iterable[str]) -> str | None:
    name = written(cell)
    name = ALIASES.get(name, name)
    return name if name in known else None


def find(rows: Iterable[tuple[int, Sequence[str | None]]], known: frozenset[str]) -> tuple[int, list[str]] | None:
    """The first of `rows` that is a header: its number and its columns as they are written, without empty last ones."""
    for number, cells in rows:
        if len({name_of(cell, known) for cell in cells} - {None}) >= ALIKE:
            columns = [cell or "" for cell in cells]
            while not columns[-1].strip():
                columns.pop()
            return number, columns
    return None


def header_of(
    row: int, columns: Sequence[str], sheet: str | None, standard: Sequence[str], extensions: Sequence[str]
) -> Header | FileRefused:
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


def is_example(cells: Sequence[str | None]) -> bool:
    """Whether it is the row that the template shows how to fill in."""
    return EXAMPLE_NIK in cells and EXAMPLE_NAME in cells
