"""Names of people: how one is stored, and when two of them are clearly not one person's (typo suspicion).

The threshold: two names differ clearly when a whole word of the one with fewer words is neither written, abbreviated,
cut off nor mistyped by one letter in the other. Titles, initials, order, case, accents and the old spelling don't
count. A suspicion is a claim about a person, so doubt means no suspicion.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

from app.errors import InvalidValue, refuses

LONGEST_NAME = 120
"""Characters."""
SHORTEST_CUT_OFF_WORD = 3
"""Letters. A single letter is an initial."""

_TITLES = """
    h hj hjh kh nyai ust ustad ustadz ustaz ustadzah tgk tuan tn nyonya ny nona nn sdr sdri bapak bpk pak ibu alm almh
    ir dr dra drs drg drh prof raden rd rr
    amd amdkeb amdkep ba bsc lc sab sag sap sarj se sei sfarm sh shi sikom sip skeb sked skep skom skm sos spd spdi psi
    spt ss ssi ssn ssos ssy st stp strkeb strkep str ners ns apt ak cpa
    ma mag mba mh mhum mkes mkom mm mpd mpdi msc msi mt phd pd pdi kom
"""
_MUHAMMADS = """
    md mhd moch mochamad mochammad moh mohamad mohammad mohamed mohd much muchamad muchammad muh muhamad muhammad muhd
    mukhammad
"""
TITLES = frozenset(_TITLES.split())
ABBREVIATIONS = {**dict.fromkeys(_MUHAMMADS.split(), "muhammad"), "abd": "abdul", "abdl": "abdul"}
PATRONYMICS = frozenset({"bin", "binti", "bt", "bte"})
OLD_SPELLING = (("oe", "u"), ("dj", "j"), ("tj", "c"), ("sj", "sy"), ("nj", "ny"))

_CHUNKS = re.compile(r"[^\s,;/()&-]+")
_NO_LETTERS = re.compile(r"[^a-z]+")
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@refuses(InvalidValue)
def normalise(name: str) -> str | InvalidValue:
    """The name as it is stored: composed, trimmed, with single blanks, as long as people's names are."""
    folded = " ".join(unicodedata.normalize("NFC", name).split())
    if not folded:
        return InvalidValue("name", "Nama wajib diisi.", "A name is required.")
    if len(folded) > LONGEST_NAME:
        return InvalidValue(
            "name", f"Nama paling panjang {LONGEST_NAME} huruf.", f"A name has at most {LONGEST_NAME} characters."
        )
    if not folded.isprintable() and any(unicodedata.category(sign) in _UNPRINTABLE for sign in folded):
        return InvalidValue(
            "name", "Nama berisi tanda kendali; ketik ulang.", "The name has control characters; type it anew."
        )
    if not any(sign.isalpha() for sign in folded):
        return InvalidValue("name", "Nama harus berisi huruf.", "A name must have a letter.")
    return folded


def clearly_differ(a: str, b: str) -> bool:
    fewer, more = sorted((words(a), words(b)), key=lambda found: (len(found), found))
    if not fewer or written_together_alike("".join(fewer), "".join(more)):
        return False
    return not covered(fewer, more)


def likeness(a: str, b: str) -> int:
    """How much of the letters of two names is the same, in percent, whatever the order of their words."""
    one, other = (" ".join(sorted(words(name))) for name in (a, b))
    return round(100 * SequenceMatcher(None, one, other, autojunk=False).ratio())


def key(name: str) -> tuple[str, ...]:
    """Equal for two spellings of one name: the words, and the name as it is written if it has no plain letter."""
    return tuple(words(name)) or (name.casefold(),)


def words(name: str) -> list[str]:
    """Small plain letters, without titles; with them if there is nothing else."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    found = [word for chunk in _CHUNKS.findall(plain) for word in chunk_words(chunk)]
    kept = [word for word in found if word not in TITLES and word not in PATRONYMICS] or found
    return [ABBREVIATIONS.get(word, word) for word in kept]


def chunk_words(chunk: str) -> list[str]:
    """`S.Pd` is one word, a title; `H.Ahmad` is two."""
    whole = _NO_LETTERS.sub("", chunk)
    parts = [_NO_LETTERS.sub("", part) for part in chunk.split(".")]
    return [whole] if whole in TITLES else [part for part in parts if part]


def written_together_alike(a: str, b: str) -> bool:
    """`Nur Hayati` and `Nurhayati`."""
    return alike(a, b) if min(len(a), len(b)) > SHORTEST_CUT_OFF_WORD else within_one_edit(a, b)


def covered(fewer: list[str], more: list[str]) -> bool:
    """Whether each of `fewer` has a word of its own in `more`. Beside a whole word, an initial may have none."""
    left, missing = list(more), []
    for word in fewer:
        if word in left:
            left.remove(word)
        else:
            missing.append(word)
    for word in sorted(missing, key=len, reverse=True):
        found = next((other for other in left if alike(word, other)), None)
        if found is not None:
            left.remove(found)
        elif len(word) > 1 or all(len(other) == 1 for other in fewer):
            return False
    return True


def alike(a: str, b: str) -> bool:
    """As written, or as it would be written today: each has typing errors that the other spelling makes worse."""
    return close(a, b) or close(modern(a), modern(b))


def close(a: str, b: str) -> bool:
    shorter, longer = sorted((a, b), key=len)
    cut_off = len(shorter) == 1 or len(shorter) >= SHORTEST_CUT_OFF_WORD
    return (cut_off and longer.startswith(shorter)) or (len(shorter) > 1 and within_one_edit(a, b))


def modern(word: str) -> str:
    for old, new in OLD_SPELLING:
        word = word.replace(old, new)
    return word


def within_one_edit(a: str, b: str) -> bool:
    """One letter changed, added or left out, or two neighbours swapped."""
    shorter, longer = sorted((a, b), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    same = next((i for i, pair in enumerate(zip(shorter, longer, strict=False)) if pair[0] != pair[1]), len(shorter))
    if len(shorter) < len(longer):
        return shorter[same:] == longer[same + 1 :]
    swapped = shorter[same : same + 2] == longer[same : same + 2][::-1]
    return shorter[same + 1 :] == longer[same + 1 :] or (swapped and shorter[same + 2 :] == longer[same + 2 :])
