"""An organizer's own booking code: stored, and looked up by that organizer. It must not be a NIK in disguise."""

import re

from app.errors import InvalidValue
from app.registry import nik

LONGEST = 64
_WRITTEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:#-]*", re.ASCII)


def reference_given(text: str | None) -> str | InvalidValue | None:
    if text is None or not text.strip():
        return None
    reference = text.strip()
    if len(reference) > LONGEST or not _WRITTEN.fullmatch(reference):
        return InvalidValue(
            "reference",
            f"Kode booking: paling banyak {LONGEST} huruf, angka dan . _ / : # -.",
            f"A booking code has at most {LONGEST} letters, digits and . _ / : # -.",
        )
    if nik.is_written_in(reference):
        return InvalidValue("reference", "Kode booking tidak boleh memuat NIK.", "A booking code must not be a NIK.")
    return reference
