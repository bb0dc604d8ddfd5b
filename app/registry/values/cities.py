"""When two cities are the same: equal spellings, the names that people use, and regency against city of one name.

"Kota Semarang" and "Kab. Semarang" are different places. A bare "Semarang" means the city where both exist, since that
is where terminals and stations of the name are; a bare "Banyumas" means the one there is.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from app.registry.values.regions import regions

CITY = "kota"
REGENCY = "kabupaten"

ALIASES = {
    "solo": "Kota Surakarta",
    "jogja": "Kota Yogyakarta",
    "jogjakarta": "Kota Yogyakarta",
    "yogya": "Kota Yogyakarta",
    "purwokerto": "Kab. Banyumas",
    "wonosari": "Kab. Gunungkidul",
    "tangsel": "Kota Tangerang Selatan",
    "jakbar": "Kota Jakarta Barat",
    "jakpus": "Kota Jakarta Pusat",
    "jaksel": "Kota Jakarta Selatan",
    "jaktim": "Kota Jakarta Timur",
    "jakut": "Kota Jakarta Utara",
}
"""Names that people use for a place, without blanks and without its kind."""

_KINDS = {"kota": CITY, "kodya": CITY, "kotamadya": CITY, "kab": REGENCY, "kabupaten": REGENCY}
_ADMINISTRATIVE = {"adm", "administrasi"}
_WORDS = re.compile(r"[^\W_]+")
_OLD_NAME = re.compile(r"\((?!\s*(?:kota|kab))[^)]*\)")


@lru_cache(maxsize=4096)
def key(city: str) -> str:
    """Equal for two spellings of one city. Terminals are stored with their keys: whoever changes a table of this file
    makes the stored keys anew.
    """
    kind, name = _split(city)
    if name in ALIASES:
        kind, name = _split(ALIASES[name])
    return f"{kind or _known_kind(name)} {name}".strip()


def is_known(city: str) -> bool:
    """Whether there is such a city or regency. If not, `city` is a spelling that may be put right."""
    kind, _, name = key(city).partition(" ")
    return kind in {CITY, REGENCY} and name in _names(kind)


def official(city_key: str) -> str | None:
    """The name of the city or regency as Kemendagri writes it. None: there is no such place, whoever typed it."""
    return _by_key().get(city_key)


@cache
def _by_key() -> dict[str, str]:
    return {key(name): name for name in regions().regencies.values()}


def _split(city: str) -> tuple[str, str]:
    """Kind and name. The kind may stand behind the name (`SURAKARTA, KOTA`). Blanks and dashes are left out."""
    words = [word for word in _WORDS.findall(_OLD_NAME.sub(" ", city.casefold())) if word not in _ADMINISTRATIVE]
    if len(words) > 1 and words[0] in _KINDS:
        return _KINDS[words[0]], "".join(words[1:])
    if len(words) > 1 and words[-1] in _KINDS:
        return _KINDS[words[-1]], "".join(words[:-1])
    return "", "".join(words)


def _known_kind(name: str) -> str:
    if name in _names(CITY):
        return CITY
    return REGENCY if name in _names(REGENCY) else ""


@cache
def _names(kind: str) -> frozenset[str]:
    return frozenset(name for its_kind, name in map(_split, regions().regencies.values()) if its_kind == kind)
