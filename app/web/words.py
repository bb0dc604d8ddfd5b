"""The words of the pages, one file for each language; those of refusals are in
`app/errors/refusals.toml`. A template names a word as `{{key}}`, a script as `t('key')`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from app.auth.callers import Header, cookies_of
from app.errors import WORDS as REFUSALS
from app.errors import Language

FOLDER = Path(__file__).parent / "strings"
LANGUAGES: tuple[Language, ...] = ("id", "en")
COOKIE = "bahasa"
"""Which language somebody chose on the pages. Indonesian, until somebody chooses."""


def _of_refusals(language: Language) -> dict[str, str]:
    titles = {f"reason.{code}": words.title[language] for code, words in REFUSALS.items()}
    remedies = {f"remedy.{code}": words.row_remedy[language] for code, words in REFUSALS.items() if words.row_remedy}
    return titles | remedies


WORDS: Mapping[Language, Mapping[str, str]] = {
    language: orjson.loads((FOLDER / f"{language}.json").read_bytes()) | _of_refusals(language)
    for language in LANGUAGES
}


def chosen(header: Header) -> Language:
    return "en" if "en" in cookies_of(header, COOKIE) else "id"


def module(language: Language) -> str:
    return f"export default {orjson.dumps(WORDS[language]).decode()};\n"
