"""The posko where somebody was verified: a short line of text, kept as it is, so it must not be a NIK in disguise."""

from app.errors import InvalidValue
from app.registry import nik
from app.registry.line import line


def posko_given(text: str | None) -> str | InvalidValue | None:
    if text is None or not text.strip():
        return None
    posko = line("posko", text)
    if isinstance(posko, str) and nik.is_written_in(posko):
        return InvalidValue("posko", "Nama posko tidak boleh memuat NIK.", "A posko's name must not contain a NIK.")
    return posko
