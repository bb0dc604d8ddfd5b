"""A reason that somebody gives for a decision about a person: required, short, kept in the log.

A NIK does not belong in it, since the log never holds one.
"""

import re

from app.errors import InvalidValue

LONGEST = 500
_NIK_LIKE = re.compile(r"\d(?:[ .\-]?\d){15}")


def reason_given(text: str, field: str = "reason") -> str | InvalidValue:
    reason = " ".join(text.split())
    if not 1 <= len(reason) <= LONGEST:
        return InvalidValue(
            field, f"Alasan wajib diisi, paling banyak {LONGEST} huruf.", f"A reason of 1 to {LONGEST} characters."
        )
    if _NIK_LIKE.search(reason):
        return InvalidValue(field, "Alasan tidak boleh memuat NIK.", "A reason must not contain a NIK.")
    return reason
