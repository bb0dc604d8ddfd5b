"""Lap infants: who is under two on the day of departure (WIB), by the birth date of the NIK, travels on a lap: without
a seat, counted apart, with KIA or KK as the document. Who is moved to another route is judged again. A new time of the
route itself changes nothing.
"""

from __future__ import annotations

from datetime import date, datetime

from app.clock import wib_day
from app.errors import InvalidValue, refuses
from app.models.enums import IdentityDocument, Service

UNDER_YEARS = 2
DOCUMENTS = (IdentityDocument.KIA, IdentityDocument.KK)


@refuses(InvalidValue)
def judge(born_on: date, document: str | None, service: str, departs_at: datetime | None) -> InvalidValue | None:
    """Whether somebody may travel as a lap infant on a route of this service and departure."""
    if service != Service.PASSENGER:
        return InvalidValue("lapInfant", "Bayi hanya pada rute penumpang.", "An infant travels on a passenger route.")
    refused = judge_age(born_on, departs_at)
    if refused is not None:
        return refused
    if document not in DOCUMENTS:
        return InvalidValue("identityDocument", "Dokumen bayi: KIA atau KK.", "The document of an infant is KIA or KK.")
    return None


@refuses(InvalidValue)
def judge_age(born_on: date, departs_at: datetime | None) -> InvalidValue | None:
    """Also of a NIK that is corrected: nobody becomes a passenger without a seat by a correction."""
    if departs_at is None:
        return InvalidValue(
            "lapInfant",
            "Rute ini belum punya waktu keberangkatan, jadi umur bayi pada hari itu belum dapat dinilai.",
            "The route has no departure time yet, so the age of an infant on that day cannot be told.",
        )
    if not is_under_age(born_on, wib_day(departs_at)):
        return InvalidValue(
            "lapInfant",
            "Bayi tanpa kursi harus berumur di bawah 2 tahun pada hari keberangkatan, menurut tanggal lahir pada NIK.",
            "A lap infant is under 2 on the day of departure, by the birth date of the NIK.",
        )
    return None


def is_under_age(born_on: date, day: date) -> bool:
    """Who was born on 29 February turns two on 1 March."""
    years = day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))
    return years < UNDER_YEARS
