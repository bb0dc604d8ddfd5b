"""A refusal: an expected outcome, which is told to whoever asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, ClassVar, TypeVar

from app import language as words

Language = words.Language
Verdict = TypeVar("Verdict")
UseCase = TypeVar("UseCase", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One registration that stands against a NIK, as much of it as any organizer may know."""

    organizer: str
    organizer_name: str
    direction: str
    service: str
    status: str
    registered_on: date
    own: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """An expected outcome. Facts that a kind adds are named when it is made; `dataclasses.replace` makes another."""

    code: ClassVar[str]
    indonesian: ClassVar[str]
    english: ClassVar[str]

    field: str | None = None
    """The input field that it is about."""

    def message(self, language: Language = "id") -> str:
        template = self.english if language == "en" else self.indonesian
        return template.format(**self.facts(language))

    def facts(self, language: Language) -> dict[str, object]:
        """The values of the names in the template of the message."""
        return {fact.name: words.told(getattr(self, fact.name), language) for fact in fields(self)}

    def retry_after(self, now: datetime) -> int | None:
        """Seconds until the same call may succeed: until `opens_at`. None: no instant is known, or it has passed."""
        opens_at: datetime | None = getattr(self, "opens_at", None)
        return None if opens_at is None or opens_at <= now else int((opens_at - now).total_seconds()) + 1


class RefusalError(Exception):
    """Carries a refusal past callers that have no use for it, to whoever answers it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def accepted(verdict: Verdict | Refusal) -> Verdict:
    """The verdict, unless it is a refusal: that is raised, and a transaction is rolled back."""
    if isinstance(verdict, Refusal):
        raise RefusalError(verdict)
    return verdict


def refuses(*kinds: type[Refusal]) -> Callable[[UseCase], UseCase]:
    """Declares what a use case may refuse, whether it returns or raises that. Calls cost nothing more."""

    def declare(use_case: UseCase) -> UseCase:
        use_case.refuses = kinds  # type: ignore[attr-defined]
        return use_case

    return declare
