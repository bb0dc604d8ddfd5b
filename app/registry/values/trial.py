"""What a test registry does otherwise than the live one: with NIKs, and with cursors. The live registry's trial does
nothing.

A test registry (`app.testmode`) is the same program. It gives a trial of its own to whatever runs in it.
"""

from __future__ import annotations

from contextvars import ContextVar

from app.errors import NikInvalid, Refusal


class Trial:
    """The live registry's."""

    cursor_mark = b""
    """Stands in front of a cursor, so that no registry takes the cursor of another."""

    def refuse(self, nik: str) -> NikInvalid | None:
        """Judge a well-formed NIK, wherever it is named."""

    def refuse_to_register(self, nik: str) -> Refusal | None:
        """Judge a NIK with which somebody is to be registered."""


LIVE = Trial()
trial: ContextVar[Trial] = ContextVar("trial", default=LIVE)
"""Of this context: a request, a duty, and all that they start."""


def cursor_mark() -> bytes:
    return trial.get().cursor_mark
