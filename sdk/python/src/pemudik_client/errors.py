"""What can go wrong, by what to do about it. No error holds a NIK: neither in its text, nor in its `repr`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_NIK = re.compile(r"(?<!\d)(?:\d{12}|\d{6}[ .-]\d{6}[ .-]|\d{4}([ .-])\d{4}\1\d{4}\1)(\d{4})(?!\d)")


def masked(text: str) -> str:
    """The text with each NIK as the registry shows a foreign one: the last four digits alone."""
    return _NIK.sub(lambda found: "*" * 12 + found[2], text)


class PemudikError(Exception):
    """`code` is what to branch on; the text is the registry's own, in the language of the client."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = masked(message)
        super().__init__(self.message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {self.message!r})"


class Refused(PemudikError):
    """The registry said no, and changed nothing. The same again is refused again: docs/refusals.md says what to do."""

    def __init__(self, code: str, message: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, message)
        told = problem or {}
        self.field: str | None = told.get("field")
        self.standing: Mapping[str, Any] | None = told.get("standing")
        self.allowed: Sequence[str] | None = told.get("allowed")
        self.retry_after: int | None = told.get("retryAfter")

    @classmethod
    def of(cls, problem: Mapping[str, Any]) -> Refused:
        return cls(problem["code"], problem["message"], problem)


class BookingRefused(Refused):
    """Nobody of the booking is registered. `problems` has one for each person, in order; None: alone, accepted."""

    def __init__(self, problems: Sequence[Mapping[str, Any] | None]) -> None:
        first = next(problem for problem in problems if problem is not None)
        super().__init__(first["code"], first["message"], first)
        self.problems = problems


class CursorLost(Refused):
    """A failover lost the change at which the cursor stood. `after` is the last place that is still there."""

    def __init__(self, code: str, message: str, after: str | None) -> None:
        super().__init__(code, message)
        self.after = after


class Unauthorized(PemudikError):
    """Client or secret are wrong, or a scope is missing. Nothing is to be gained by trying again."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(code, message)
        self.status = status


class TryLater(PemudikError):
    """The registry is busy or away, for longer than the client's patience. `retry_after` is in seconds, if told."""

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class Unreachable(TryLater):
    """Nobody answered. What was sent may have been done: send it again under the same key."""

    def __init__(self) -> None:
        super().__init__("UNREACHABLE", "The registry did not answer.")


class RegistryFailed(PemudikError):
    """The registry failed; `error_id` is what to name to those who run it. Or somebody else answered in its place."""

    def __init__(self, code: str, message: str, error_id: str | None = None) -> None:
        super().__init__(code, message)
        self.error_id = error_id


class BadSignature(PemudikError):
    """A webhook that the registry did not send, or sent too long ago. Answer it with 400, and do nothing."""

    def __init__(self, message: str) -> None:
        super().__init__("BAD_SIGNATURE", message)
