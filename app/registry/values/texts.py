"""What people write down with a registration or a decision: a line of text, a reason, a posko, a booking code, the type
of an identity document, and an instant. Each function gives the tidied value, or says why the value is refused.

The change log never holds a NIK. So no reason, posko or booking code may contain one.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from app.errors import InvalidValue, refuses
from app.models.enums import IdentityDocument
from app.registry.values import nik

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

LONGEST_LINE = 120
LONGEST_REASON = 500
LONGEST_REFERENCE = 64
CLOCKS_DIFFER_BY = timedelta(minutes=5)
_DOCUMENTS = frozenset(IdentityDocument)
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:#-]*", re.ASCII)


@refuses(InvalidValue)
def line(field: str, value: str, *, most: int = LONGEST_LINE) -> str | InvalidValue:
    """One line of text as people type it: blanks are made single, and no character is invisible."""
    tidy = " ".join(value.split())
    if not tidy:
        return InvalidValue(field, "Tidak boleh kosong.", "It must not be empty.")
    if len(tidy) > most:
        return InvalidValue(field, f"Paling banyak {most} karakter.", f"At most {most} characters.")
    if not tidy.isprintable():
        return InvalidValue(
            field,
            "Ada karakter yang tidak terlihat; ketik ulang.",
            "It has an invisible character in it; type it anew.",
        )
    return tidy


@refuses(InvalidValue)
def reason_given(text: str, field: str = "reason") -> str | InvalidValue:
    """The reason for a decision about a person: required, short, and kept in the change log."""
    reason = " ".join(text.split())
    if not 1 <= len(reason) <= LONGEST_REASON or not reason.isprintable():
        return InvalidValue(
            field,
            f"Alasan wajib diisi, paling banyak {LONGEST_REASON} huruf.",
            f"A reason of 1 to {LONGEST_REASON} characters.",
        )
    if nik.is_written_in(reason):
        return InvalidValue(field, "Alasan tidak boleh memuat NIK.", "A reason must not contain a NIK.")
    return reason


@refuses(InvalidValue)
def posko_given(text: str | None) -> str | InvalidValue | None:
    """The posko where somebody was verified."""
    if text is None or not text.strip():
        return None
    posko = line("posko", text)
    if isinstance(posko, str) and nik.is_written_in(posko):
        return InvalidValue("posko", "Nama posko tidak boleh memuat NIK.", "A posko's name must not contain a NIK.")
    return posko


@refuses(InvalidValue)
def reference_given(text: str | None) -> str | InvalidValue | None:
    """An organizer's own booking code. That organizer can look a registrant up by it."""
    if text is None or not text.strip():
        return None
    reference = text.strip()
    if len(reference) > LONGEST_REFERENCE or not _REFERENCE.fullmatch(reference):
        return InvalidValue(
            "reference",
            f"Kode booking: paling banyak {LONGEST_REFERENCE} huruf, angka dan . _ / : # -.",
            f"A booking code has at most {LONGEST_REFERENCE} letters, digits and . _ / : # -.",
        )
    if nik.is_written_in(reference):
        return InvalidValue("reference", "Kode booking tidak boleh memuat NIK.", "A booking code must not be a NIK.")
    return reference


@refuses(InvalidValue)
def document_given(text: str | None) -> str | InvalidValue | None:
    """The type of the identity document that was shown (S2.1): the type only, never an image."""
    if text is None or not text.strip():
        return None
    document = text.strip().upper()
    if document not in _DOCUMENTS:
        return InvalidValue(
            "identityDocument", "Jenis dokumen: KTP, SIM, KK atau KIA.", "The document: KTP, SIM, KK or KIA."
        )
    return document


@refuses(InvalidValue)
def not_in_the_future(instant: datetime | None, now: datetime, field: str) -> datetime | InvalidValue:
    """`instant`, or `now` when nobody told one. Clocks may differ by five minutes."""
    if instant is None:
        return now
    if instant > now + CLOCKS_DIFFER_BY:
        return InvalidValue(
            field,
            "Waktu ini masih akan datang; periksa tanggal dan jamnya.",
            "This time is in the future; check date and hour.",
        )
    return instant


def is_code(text: str, most: int) -> bool:
    """Whether an organizer or a terminal may be called so: lower-case letters, digits and single hyphens."""
    return len(text) <= most and _CODE.fullmatch(text) is not None
