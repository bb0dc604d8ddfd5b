"""What is refused before anything runs is told in Indonesian, or in English to whoever asks for it."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import app
from app import language
from app.errors import KINDS
from tests.graphql.conftest import Api
from tests.graphql.doors.test_repeats import KEY
from tests.world import World

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}
MALFORMED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no JSON": ({"content": b"{", "headers": JSON}, "Isi permintaan bukan JSON", "The body is not JSON"),
    "a batch": ({"content": b"[]", "headers": JSON}, "Satu operasi dalam satu permintaan", "One operation per request"),
    "no query": ({"content": b"{}", "headers": JSON}, "`query` tidak ada atau bukan teks", "`query` is missing"),
    "XML": ({"content": b"<a/>", "headers": {"Content-Type": "text/xml"}}, "Content-Type harus", "Content-Type is"),
    "no GraphQL": (
        {"query": "{"},
        "Dokumen GraphQL tidak dapat dibaca: seharusnya nama, tetapi yang ada akhir dokumen (baris 1, kolom 2)",
        "Syntax Error",
    ),
    "no such field": (
        {"query": "{ x }"},
        "Dokumen GraphQL tidak sesuai skema: tipe `Query` tidak mempunyai bidang `x`",
        "Cannot query field",
    ),
    "no such page": ({"query": "{ routes(first: 0) { nodes { id } } }"}, "`first` harus antara", "`first` must be"),
    "no such value": ({"query": "{ routes(first: true) { nodes { id } } }"}, "Nilai tidak sesuai", "Invalid value"),
    "no such cursor": ({"query": '{ routes(after: "x") { nodes { id } } }'}, "`after` bukan penanda", "`after` is no"),
    "a scope": (
        {"query": "{ blocks { nodes { id } } }", "organizer": "djka"},
        "Token akses ini tidak memiliki izin (scope) yang diperlukan",
        "The access token lacks a scope",
    ),
    "a bad key": (
        {"query": "mutation { a: __typename b: __typename }", "headers": {"Idempotency-Key": KEY}},
        "Permintaan dengan Idempotency-Key memuat tepat satu mutasi",
        "A request with an Idempotency-Key holds exactly one mutation",
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_request_is_told_in_both_languages(api: Api, case: str) -> None:
    given, indonesian, english = MALFORMED[case]
    headers = given.get("headers", {})
    for wanted, words in (("id", indonesian), ("en", english), ("de", indonesian)):
        answer = await api.post(**given | {"headers": {**headers, "Accept-Language": wanted}})
        assert answer.json()["errors"][0]["message"].startswith(words), answer.json()


async def test_without_a_token(api: Api) -> None:
    for wanted, words in (("id", "Token akses diperlukan"), ("en", "A bearer token is needed")):
        answer = await api.http.post("/graphql", json={"query": "{ me { id } }"}, headers={"Accept-Language": wanted})
        assert (answer.status_code, answer.json()["errors"][0]["message"].startswith(words)) == (401, True)


async def test_a_bug_is_masked_in_both_languages(api: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.registry.routes.terminals.all_of", lambda *_, **__: 1 / 0)
    for wanted, words in (("id", "Terjadi kesalahan di registri"), ("en", "Internal error")):
        answer = await api.post("{ terminals { code } }", headers={"Accept-Language": wanted})
        assert answer.json()["errors"][0]["message"] == words


OF_PROGRAMS = re.compile(
    r"\b(query|mutation|musim|[a-z]+[A-Z]\w*|[A-Z]{2,}_[A-Z]+|REGISTERED|VERIFIED|DEPARTED|FORFEITED|CANCELLED|NO_SHOW"
    r"|CONFIRMED|OPEN|CLOSED|SNAPSHOT|APPLY|REPORT|DONE)\b"
)
"""A status in English, a name of the schema, and a season that is no periode."""
TO_DEVELOPERS = ("graphql/engine", "testmode", "registry/statistics/public_files.py")
"""Of requests that a program has made wrongly, of test NIKs, and of the values in the columns of public files."""


def words_of(node: ast.AST | None) -> str | None:
    """A text of the program. What is put in is left out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "" for one in node.values)
    return None


def indonesian_of(node: ast.AST) -> Iterator[str]:
    """Everywhere the Indonesian text stands before the English one, or under the key `id`, or is called so."""
    if isinstance(node, ast.Call | ast.Tuple):
        told = [words_of(one) for one in (node.args if isinstance(node, ast.Call) else node.elts)]
        pairs = itertools.pairwise(told)
        yield from [one for one, other in pairs if one and other and " " in one and " " in other][:1]
    elif isinstance(node, ast.Dict):
        yield from (
            text
            for key, one in zip(node.keys, node.values, strict=True)
            if words_of(key) == "id" and (text := words_of(one))
        )
    elif isinstance(node, ast.Assign) and "indonesian" in {getattr(one, "id", None) for one in node.targets}:
        yield from filter(None, [words_of(node.value)])


def indonesian_texts() -> Iterator[tuple[str, str]]:
    root = Path(app.__file__).parent
    for file in sorted(root.rglob("*.py")):
        place = file.relative_to(root).as_posix()
        if not place.startswith(TO_DEVELOPERS):
            for node in ast.walk(ast.parse(file.read_text())):
                yield from ((f"{place}:{getattr(node, 'lineno', 0)}", text) for text in indonesian_of(node))


def test_no_indonesian_text_speaks_of_the_schema() -> None:
    """An official reads it: no name of a status, of a field or of a mutation, and a season is a periode."""
    texts = list(indonesian_texts())
    assert len(texts) > 200
    assert {kind.indonesian for kind in KINDS} <= {text for _, text in texts}
    found = {place: (OF_PROGRAMS.findall(text), text) for place, text in texts if OF_PROGRAMS.search(text)}
    assert found == {}


def test_days_and_instants_are_written_out() -> None:
    from tests.world import NOW

    assert language.instant(NOW, "id") == "2 Maret 2026 pukul 09.00 WIB"
    assert language.instant(NOW, "en") == "2 March 2026 at 09:00 WIB"
    assert language.day(NOW.date(), "id") == "2 Maret 2026"
