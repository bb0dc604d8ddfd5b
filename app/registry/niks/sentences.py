"""The one sentence of a check, for the clerk's screen: what stands against the NIK, and what is still open to it.

A claim that is not available is told in the words of the refusal that a submission would get.
"""

from __future__ import annotations

from collections.abc import Sequence

from app import language as language_words
from app.errors import Language, NikInvalid, Refusal, ReturnWithoutOutbound, Standing
from app.language import DIRECTIONS, SERVICES
from app.models.enums import NikOutcome
from app.registry.niks import claims, telling
from app.registry.niks.check import Answer
from app.registry.niks.claims import JudgedClaim

_FREE: dict[Language, str] = {
    "id": "NIK ini belum terdaftar di penyelenggara mana pun dan dapat didaftarkan.",
    "en": "This NIK is not registered with any organizer and can be registered.",
}
_FREE_FOR: dict[Language, str] = {
    "id": "NIK ini dapat didaftarkan untuk {claims}.",
    "en": "This NIK can be registered for: {claims}.",
}
_REGISTERED: dict[Language, str] = {
    "id": "NIK ini sudah terdaftar di {standing}",
    "en": "This NIK is already registered with {standing}",
}
_STILL: dict[Language, str] = {
    "id": "; masih dapat didaftarkan untuk {claims}",
    "en": "; it can still be registered for: {claims}",
}
_NO_MORE: dict[Language, str] = {
    "id": "; selebihnya tidak diperiksa, karena jatah pemeriksaan NIK penyelenggara hari ini sudah habis",
    "en": "; nothing else was checked, since the organizer's allowance of NIKs for today is used up",
}
_UNDECIDED: dict[Language, str] = {
    "id": "NIK ini tidak diperiksa: jatah pemeriksaan NIK penyelenggara hari ini sudah habis. Kirim pendaftarannya;"
    " keputusannya diberikan saat itu.",
    "en": "This NIK was not checked: the organizer's allowance of NIKs for today is used up. Submit the registration;"
    " it is decided then.",
}
_AND: dict[Language, str] = {"id": " dan ", "en": " and "}


def sentence(answer: Answer | NikInvalid, language: Language) -> str:
    if isinstance(answer, NikInvalid):
        return answer.message(language)
    if answer.outcome is NikOutcome.AVAILABLE:
        return _free(answer, language)
    if answer.outcome is NikOutcome.REGISTERED:
        return _registered(answer, language)
    return of_claim(answer.claims[0], language)


def of_claim(claim: JudgedClaim, language: Language) -> str:
    """The same for one direction and service."""
    if claim.outcome is NikOutcome.UNDECIDED:
        return _UNDECIDED[language]
    refusal = _refusal(claim)
    if refusal is not None:
        return refusal.message(language)
    return _FREE_FOR[language].format(claims=_named(claim, language))


def _free(answer: Answer, language: Language) -> str:
    if len(answer.claims) == len(claims.ALL):
        return _FREE[language]
    return _FREE_FOR[language].format(claims=_listed(_available(answer), language))


def _registered(answer: Answer, language: Language) -> str:
    standing = _AND[language].join(_stands(one, language) for one in answer.standing)
    free = _available(answer)
    still = _STILL[language].format(claims=_listed(free, language)) if free else ""
    no_more = _NO_MORE[language] if any(one.outcome is NikOutcome.UNDECIDED for one in answer.claims) else ""
    return f"{_REGISTERED[language].format(standing=standing)}{still}{no_more}."


def _available(answer: Answer) -> list[JudgedClaim]:
    return [one for one in answer.claims if one.outcome is NikOutcome.AVAILABLE]


def _refusal(claim: JudgedClaim) -> Refusal | None:
    if claim.outcome is NikOutcome.OUTBOUND_MISSING:
        return ReturnWithoutOutbound(same_day=claim.same_day)
    return telling.refusal(claim.blocked_until, claim.holder)


def _listed(free: Sequence[JudgedClaim], language: Language) -> str:
    return ", ".join(_named(one, language) for one in free)


def _named(claim: JudgedClaim, language: Language) -> str:
    return f"{DIRECTIONS[language][claim.claimed.direction]} ({SERVICES[language][claim.claimed.service]})"


def _stands(one: Standing, language: Language) -> str:
    direction, service = DIRECTIONS[language][one.direction], SERVICES[language][one.service]
    return f"{one.organizer_name} ({direction}, {service}, {language_words.day(one.registered_on, language)})"
