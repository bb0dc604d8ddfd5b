"""People whose NIKs and names are known, and where these stand in a text, however they are written."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.privacy.people import surname
from tests.world import nik_of

_BETWEEN_DIGITS = re.compile(r"(?<=\d)(?:[\s.,_/:'\u2010-\u2015-]|%20|\+)+(?=\d)")
SEEN_OF_A_MASKED_NIK = 4


@dataclass(frozen=True, slots=True)
class Known:
    """One person; `of` tells in which failure its data was."""

    of: str
    nik: str
    name: str
    family: str

    @property
    def spaced(self) -> str:
        return " ".join((self.nik[:6], self.nik[6:12], self.nik[12:]))

    @property
    def dashed(self) -> str:
        return self.spaced.replace(" ", "-")

    @property
    def encoded(self) -> str:
        return b64encode(f"{self.nik}:{self.name}".encode()).decode()

    def writings(self) -> frozenset[str]:
        """What must not stand in a text from which the separators between digits were taken, all in small letters."""
        # Twelve digits are a person as well: the last four are all that a masked NIK shows.
        plain = {self.nik[:-SEEN_OF_A_MASKED_NIK], self.family.lower()}
        coded = {form for word in (self.nik, self.family) for form in (*_base64(word), word.encode().hex())}
        return frozenset(plain | {form.lower() for form in coded})


@dataclass(slots=True)
class Everybody:
    """All who were made known so far."""

    known: list[Known] = field(default_factory=list)

    def another(self, of: str) -> Known:
        number = 500_000 + 1_031 * len(self.known) % 300_000
        family = surname(number)
        one = Known(of, nik_of(number), f"Slamet {family}", family)
        self.known.append(one)
        return one

    def told_by(self, text: str) -> list[tuple[str, str]]:
        """Of which failures somebody is told of in `text`, and the line."""
        flat = _BETWEEN_DIGITS.sub("", text.lower())
        return [
            (one.of, _line_of(flat, writing))
            for one in self.known
            for writing in sorted(one.writings())
            if writing in flat
        ]


def _base64(word: str) -> Iterator[str]:
    """What of `word` is the same in base64 whatever stands around it, for each place where it may begin."""
    for before in range(3):
        coded = b64encode(b"\0" * before + word.encode()).decode().rstrip("=")
        yield coded[(before * 8 + 5) // 6 : -1]


def _line_of(text: str, writing: str) -> str:
    place = text.index(writing)
    return text[max(0, text.rfind("\n", 0, place)) : place + 200]
