"""The tables of the guide (docs/panduan), made from the schema and from what the program declares.

They stand in the pages between two marks, and are written there by `pemudik schema guide`. Whatever is written by hand
around them stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, is_required_input_field

from app.cli.command import Failed
from app.cli.guide import words as guide_words
from app.errors import KINDS, Language
from app.errors import WORDS as REFUSALS
from app.graphql.schema import EXECUTABLE
from app.intake.files import file_refusals, template
from app.models.enums import WebhookEvent
from app.registry.clients.scopes import SCOPES
from app.registry.values.standard import COLUMNS, EXTENSIONS
from app.testmode import niks
from app.web.words import LANGUAGES, WORDS

_MARKED = re.compile(r"(<!-- dibuat: ([\w-]+)(?: (\w+))? -->\n).*?(<!-- akhir -->)", re.DOTALL)

Rows = Iterable[Sequence[str]]


def page(text: str, language: Language) -> str:
    """The page with its tables made anew. Raises `KeyError`: a mark names a table that is not there."""

    def made(found: re.Match[str]) -> str:
        return f"{found[1]}\n{_TABLES[found[2]](language, found[3] or '')}\n{found[4]}"

    return _MARKED.sub(made, text)


def pages(folder: Path) -> Iterable[tuple[Path, str]]:
    """Each page that has tables, and what it has to say."""
    for language in LANGUAGES:
        for file in sorted((folder / language).glob("*.md")):
            yield file, page(file.read_text(encoding="utf-8"), language)


def _fields(language: Language, name: str) -> str:
    type_ = EXECUTABLE.type_map[name]
    assert isinstance(type_, GraphQLInputObjectType | GraphQLObjectType)  # noqa: S101 - only these have fields
    words = guide_words.FIELDS[name]
    _agree(name, words, type_.fields)
    rows = []
    for field, told in type_.fields.items():
        indonesian, example = words[field]
        meaning = indonesian if language == "id" else " ".join((told.description or "").split())
        required = isinstance(type_, GraphQLInputObjectType) and is_required_input_field(told)
        rows.append((f"`{field}`", f"`{told.type}`", _required(language, yes=required), meaning, f"`{example}`"))
    heads = {
        "id": ("Elemen", "Tipe", "Wajib", "Keterangan", "Contoh"),
        "en": ("Field", "Type", "Required", "Meaning", "Example"),
    }
    return _table(heads[language], rows)


def _values(language: Language, name: str) -> str:
    type_ = EXECUTABLE.type_map[name]
    assert isinstance(type_, GraphQLEnumType)  # noqa: S101 - only these have values
    words = guide_words.VALUES[name]
    _agree(name, words, type_.values)
    heads = {"id": ("Nilai", "Arti"), "en": ("Value", "Meaning")}
    meanings = {one: words[one] if language == "id" else told.description or "" for one, told in type_.values.items()}
    return _table(heads[language], ((f"`{one}`", meaning) for one, meaning in meanings.items()))


def _standard(language: Language, _: str) -> str:
    every = (*COLUMNS, *EXTENSIONS)
    _agree("COLUMNS", guide_words.COLUMNS, every)
    rows = []
    for column in every:
        required = template.MEANINGS[column].startswith("Wajib")
        bare = re.sub(r"^(Wajib|Opsional, kolom tambahan)\. ", "", template.MEANINGS[column])
        meaning = bare if language == "id" else guide_words.COLUMNS[column]
        example = guide_words.EXAMPLES.get(column, template.EXAMPLE.get(column))
        rows.append((f"`{column}`", _required(language, yes=required), meaning, f"`{example}`" if example else "–"))
    heads = {
        "id": ("Kolom", "Wajib", "Keterangan", "Contoh"),
        "en": ("Column", "Required", "Meaning", "Example"),
    }
    return _table(heads[language], rows)


def _refusals(language: Language, _: str) -> str:
    heads = {
        "id": ("Kode", "Pesan", "Yang harus dilakukan"),
        "en": ("Code", "Message", "What to do"),
    }
    rows = (
        (f"`{kind.code}`", kind.indonesian if language == "id" else kind.english, REFUSALS[kind.code].remedy[language])
        for kind in KINDS
    )
    return _table(heads[language], rows)


def _files(language: Language, _: str) -> str:
    heads = {"id": ("Kode", "Pesan"), "en": ("Code", "Message")}
    rows = ((f"`{kind.code}`", kind.indonesian if language == "id" else kind.english) for kind in file_refusals.KINDS)
    return _table(heads[language], rows)


def _scopes(language: Language, _: str) -> str:
    _agree("SCOPES", guide_words.SCOPES, SCOPES)
    heads = {"id": ("Izin (scope)", "Yang boleh dilakukan"), "en": ("Scope", "What it may do")}
    told = guide_words.SCOPES if language == "id" else SCOPES
    return _table(heads[language], ((f"`{scope}`", told[scope]) for scope in SCOPES))


def _test_niks(language: Language, _: str) -> str:
    heads = {"id": ("NIK", "Contoh", "Jawaban", "Arti"), "en": ("NIK", "Example", "Answer", "Meaning")}
    accepted = {"id": "diterima", "en": "accepted"}[language]
    rows = (
        (
            f"`{row.written}`",
            f"`{row.example}`",
            accepted if row.outcome == niks.ACCEPTED else f"`{row.outcome}`",
            row.indonesian if language == "id" else row.english,
        )
        for row in niks.TABLE
    )
    return _table(heads[language], rows)


def _events(language: Language, _: str) -> str:
    heads = {"id": ("Nama dalam `events`", "`type` kiriman", "Arti"), "en": ("In `events`", "`type` sent", "Meaning")}
    words = WORDS[language]
    names = {one: f"`{one.name}`" for one in WebhookEvent}
    # Nobody chooses it: `testWebhook` sends it.
    names[WebhookEvent.WEBHOOK_TEST] = "–"
    return _table(heads[language], ((names[one], f"`{one}`", words[f"event.{one.name}"]) for one in WebhookEvent))


_TABLES: Mapping[str, Callable[[Language, str], str]] = MappingProxyType(
    {
        "elemen": _fields,
        "nilai": _values,
        "standar": _standard,
        "nik-uji": _test_niks,
        "penolakan": _refusals,
        "penolakan-berkas": _files,
        "izin": _scopes,
        "peristiwa": _events,
    }
)


def _agree(what: str, told: Iterable[str], there: Iterable[str]) -> None:
    """Raises `Failed`: words are missing, or are of nothing any more."""
    different = set(told) ^ set(there)
    if different:
        raise Failed(f"Put right {what} in app/cli/guide/words.py: {', '.join(sorted(different))}.")


def _required(language: Language, *, yes: bool) -> str:
    return {"id": ("tidak", "**WAJIB**"), "en": ("no", "**REQUIRED**")}[language][yes]


def _table(heads: Sequence[str], rows: Rows) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
