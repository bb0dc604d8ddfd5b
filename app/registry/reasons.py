"""A reason that somebody gives for a decision about a person: required, short, kept in the log.

A NIK does not belong in it, since the log never holds one.
"""

from app.errors import InvalidValue
from app.registry import nik

LONGEST = 500


def reason_given(text: str, field: str = "reason") -> str | InvalidValue:
    reason = " ".join(text.split())
    if not 1 <= len(reason) <= LONGEST or not reason.isprintable():
        return InvalidValue(
            field, f"Alasan wajib diisi, paling banyak {LONGEST} huruf.", f"A reason of 1 to {LONGEST} characters."
        )
    if nik.is_written_in(reason):
        return InvalidValue(field, "Alasan tidak boleh memuat NIK.", "A reason must not contain a NIK.")
    return reason
