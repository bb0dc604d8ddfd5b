"""A formula that is nothing but a text, `="3171…"`: it is written to keep all digits of a NIK, and it says the text.

calamine knows the stored value of a formula alone. Programs that write files leave the value out, or write 0. So the
markup of each sheet is searched for such formulas while it is looked through (`archives`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from html import unescape
from xml.etree import ElementTree as ET

from app.intake.files.cells import text_in_formula

WORKBOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
Texts = dict[tuple[int, int], str]
"""By row and column, both from 1."""

# Each part of it is bounded, so that no markup takes long. A whole formula is shorter than the overlap of two pieces,
# so no formula is lost at a border.
_FORMULA = re.compile(
    rb'\br="([A-Z]{1,3})(\d{1,7})"[^<>]{0,100}+><f[^<>]{0,100}+>((?:"|&quot;)[^<]{1,500}(?:"|&quot;))</f>'
)


def found_in(markup: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    """The texts of formulas in some markup of a sheet, by their cells."""
    if b"</f>" not in markup:
        return
    for letters, row, formula in _FORMULA.findall(markup):
        text = text_in_formula("=" + unescape(formula.decode(errors="replace")))
        if text is not None:
            yield (int(row), column_of(letters)), text


def column_of(letters: bytes) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + letter - ord("A") + 1
    return column


def by_title(texts: Mapping[str, Texts], workbook: bytes, relations: bytes) -> dict[str, Texts]:
    """What was found in each part, by the title of its sheet. Raises `ValueError`."""
    try:
        parts = _parts(relations)
        # No DTD has come so far (`archives`), so nothing in it expands.
        sheets = list(ET.fromstring(workbook).iterfind(".//{*}sheet"))  # noqa: S314
    except ET.ParseError as error:
        raise ValueError from error
    found = {}
    for sheet in sheets:
        relation = next((value for name, value in sheet.attrib.items() if name.endswith("}id")), "")
        found[sheet.get("name", "")] = texts.get(parts.get(relation, ""), {})
    return found


def _parts(relations: bytes) -> dict[str, str]:
    """The name of the part of each relation; names of parts know no letter case."""
    return {
        one.get("Id", ""): posixpath.join("/xl", one.get("Target", "")).lstrip("/").casefold()
        for one in ET.fromstring(relations).iterfind("{*}Relationship")  # noqa: S314
    }
