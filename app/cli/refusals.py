"""docs/refusals.md: every refusal, who gives it and what to do about it, made from what the program declares."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from graphql import GraphQLObjectType

from app.errors import KINDS, WORDS, NikInvalid, Refusal
from app.graphql.schema import EXECUTABLE
from app.intake import http
from app.intake.doors import doors, legacy
from app.intake.files import file_refusals
from app.intake.files.file_refusals import FileRefused
from app.testmode import clients

_HEAD = """\
# Refusals

Written by `pemudik schema refusals`; do not edit.

A refusal is an expected answer with a code that never changes; its message may. The GraphQL fields answer most of them
as a `Problem`, the others as an error with `extensions.code`: the description of each field in `schema.graphql` says
which. The other doors answer `{"error": {"code", "message", "field"}}` with the status below. A refused row (`ditolak`,
HTTP 200) has its code and its message in its own verdict, and the rows beside it are taken in.
"""
_FILES = f"""\
## Files that are not taken

The code stands in `failure` of the import. A file that is too large to be received at all is answered with HTTP 413.
What to do: {FileRefused.remedy[0].lower()}{FileRefused.remedy[1:]}
"""


def page() -> str:
    return "\n".join([_HEAD, *_meanings(), *_places(), _FILES, *_files()])


def _meanings() -> Iterable[str]:
    return _table(
        "What they mean and what to do",
        ("Code", "Meaning", "Indonesian", "English", "What to do"),
        (
            (_code(kind), WORDS[kind.code].meaning, kind.indonesian, kind.english, WORDS[kind.code].remedy["en"])
            for kind in KINDS
        ),
    )


def _places() -> Iterable[str]:
    return _table(
        "Who refuses so",
        ("Code", "GraphQL fields", "Other doors"),
        ((_code(kind), ", ".join(_fields(kind)) or "none", ", ".join(_doors(kind)) or "none") for kind in KINDS),
    )


def _files() -> Iterable[str]:
    rows = [(_code(kind), kind.indonesian, kind.english) for kind in file_refusals.KINDS]
    return _rows(("Code", "Indonesian", "English"), rows)


def _code(kind: type[Refusal]) -> str:
    return f"`{kind.code}`"


def _fields(kind: type[Refusal]) -> Iterable[str]:
    for root in (EXECUTABLE.query_type, EXECUTABLE.mutation_type, EXECUTABLE.subscription_type):
        assert isinstance(root, GraphQLObjectType)  # noqa: S101 - the schema has all three
        for name, field in root.fields.items():
            if re.search(rf"\b{kind.code}\b", field.description or ""):
                yield f"`{name}`"


def _doors(kind: type[Refusal]) -> Iterable[str]:
    yield from (f"`{door}` {_status(door, kind)}" for door in _among({**doors.REFUSED, **clients.REFUSED}, kind))
    yield from (f"`{door}` row" for door in _among(doors.REFUSED_ROWS, kind))


def _among(doors_: Mapping[str, Collection[type[Refusal]]], kind: type[Refusal]) -> list[str]:
    return [door for door, kinds in doors_.items() if kind in kinds]


def _status(door: str, kind: type[Refusal]) -> str:
    if door.endswith(legacy.PATH) and kind is NikInvalid:
        return f"200 with `status_code` {legacy.INVALID}"
    return str(http.status_of(kind))


def _table(title: str, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [f"## {title}", "", *_rows(heads, rows)]


def _rows(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]
