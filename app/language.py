"""In which language an answer is worded: the one that its client prefers (RFC 9110 §12.5.4)."""

from __future__ import annotations

from functools import lru_cache
from typing import get_args

from app.errors import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)


@lru_cache(maxsize=256)
def language_of(accept_language: str) -> Language:
    """The language that the header wants most, of those that we have. Without one of ours it is Indonesian."""
    best: tuple[float, Language] = (0.0, "id")
    for choice in accept_language.split(","):
        tag, _, weight = choice.strip().lower().partition(";")
        quality = _quality(weight)
        for language in LANGUAGES:
            if tag.partition("-")[0].strip() == language and quality > best[0]:
                best = (quality, language)
    return best[1]


def _quality(weight: str) -> float:
    name, _, value = weight.partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
