"""When two names are one route's or one place's: letter case, accents, blanks, dashes and "ke" don't count, and a city
has many names (`cities`).

Routes and terminals are stored with their keys: whoever changes a rule of this file makes the stored keys anew.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from app.models.enums import PlaceKind
from app.registry.values import cities

BETWEEN = frozenset({"ke", "menuju", "tujuan"})
"""Words that stand between the two ends of a route instead of a dash."""
KINDS = {
    "terminal": PlaceKind.TERMINAL,
    "term": PlaceKind.TERMINAL,
    "stasiun": PlaceKind.STATION,
    "sta": PlaceKind.STATION,
    "st": PlaceKind.STATION,
    "pelabuhan": PlaceKind.PORT,
    "dermaga": PlaceKind.PORT,
}
"""What a place's name may begin with."""
_WORDS = re.compile(r"[^\W_]+")
_TYPE = re.compile(r"\btip[ei]\s+[abc]\b")


@lru_cache(maxsize=8192)
def of_route(name: str) -> str:
    """Empty for a name without a letter or a digit."""
    return "".join(_word(word) for word in _words(name) if word not in BETWEEN)


@lru_cache(maxsize=8192)
def of_place(name: str) -> tuple[PlaceKind | None, str]:
    """The kind that the name tells, if it does, and its key. A terminal's type (A, B, C) does not count."""
    words = _words(_TYPE.sub(" ", name.casefold()))
    kind = KINDS.get(words[0]) if len(words) > 1 else None
    return kind, "".join(_word(word) for word in (words if kind is None else words[1:]))


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORDS.findall("".join(sign for sign in plain if not unicodedata.combining(sign)))


def _word(word: str) -> str:
    """Solo and Surakarta are one word."""
    return cities.key(word).rpartition(" ")[2] if word in cities.ALIASES else word
