"""The guide for organizers: the same in both languages, safe HTML, and a search that stays in the browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLNamedType, get_named_type
from markdown_it import MarkdownIt

from app.changes.webhooks import events
from app.changes.webhooks.events import LoggedChange
from app.cli.command import Failed
from app.cli.guide import tables as guide
from app.config import CHECKOUT
from app.errors import KINDS, Language
from app.graphql.schema import EXECUTABLE
from app.models.enums import ChangeKind, RegistrantStatus
from app.registry.clients.scopes import SCOPES
from app.web import client_files, guide_pages, sequences
from app.web.guide_pages import FOLDER, ORDER
from app.web.words import LANGUAGES

BLOCK = re.compile(r"^```(\w+(?: \w+)?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"^<!-- dibuat: .* -->$", re.MULTILINE)
TABLE = re.compile(r"^<!-- dibuat: (.*) -->$", re.MULTILINE)
VARIABLE = re.compile(r"\$\w+: \[?(\w+)")
"""The type of a variable, in a document or in one within a command."""
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
STATUS = re.compile(r"\b(REGISTERED|VERIFIED|DEPARTED|FORFEITED|CANCELLED|NO_SHOW)\b")


def text(language: Language, name: str) -> str:
    return (FOLDER / language / f"{name}.md").read_text(encoding="utf-8")


def blocks(language: Language, name: str) -> list[tuple[str, object]]:
    """The words of a diagram are of its language; who speaks to whom is not."""
    return [
        (kind, [(line.sender == "", line.is_answer) for line in sequences.read(block)] if kind == "urutan" else block)
        for kind, block in BLOCK.findall(text(language, name))
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_there_and_no_other(language: Language) -> None:
    assert {file.stem for file in (FOLDER / language).iterdir()} == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_both_languages_have_the_same_blocks_tables_headings_and_links(name: str) -> None:
    indonesian, english = text("id", name), text("en", name)
    assert blocks("id", name) == blocks("en", name)
    assert MARK.findall(indonesian) == MARK.findall(english)
    assert LINK.findall(indonesian) == LINK.findall(english)
    levels = [re.findall(r"^#+", BLOCK.sub("", one), re.MULTILINE) for one in (indonesian, english)]
    assert levels[0] == levels[1]
    items = [len(re.findall(r"^(?:\d+\.|-) ", one, re.MULTILINE)) for one in (indonesian, english)]
    assert items[0] == items[1]


@pytest.mark.parametrize("name", ORDER)
def test_in_indonesian_a_status_has_its_title(name: str) -> None:
    prose = CODE.sub("", text("id", name))
    assert STATUS.findall(prose) == []
    assert not re.search(r"\bmusim\b", prose, re.IGNORECASE)


def test_there_is_an_example_of_every_kind() -> None:
    kinds = [kind for name in ORDER for kind, _ in blocks("id", name)]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "sh": 19,
        "sh uji": 4,
        "sh klien": 1,
        "json": 39,
        "graphql": 18,
        "graphql uji": 2,
        "php": 3,
        "php uji": 1,
        "urutan": 5,
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_block_of_code_has_its_kind(language: Language) -> None:
    """One that is indented would be executed and compared by nobody."""
    for name in ORDER:
        tokens = MarkdownIt("commonmark").parse(text(language, name))
        assert [token.content for token in tokens if token.type == "code_block"] == [], name
        assert [token.content for token in tokens if token.type == "fence" and not token.info] == [], name


def test_the_delivery_that_is_shown_is_one_of_ours() -> None:
    [shown] = [orjson.loads(block) for _, block in BLOCK.findall(text("id", "webhook")) if block.startswith('{"type"')]
    now, data = datetime.now(UTC), shown["data"]
    forfeited = LoggedChange(
        id=1,
        at=now,
        kind=ChangeKind.REGISTRANT_MOVED,
        season=data["season"],
        organizer=data["organizer"],
        registrant_id=uuid4(),
        route_id=uuid4(),
        from_status=RegistrantStatus.REGISTERED,
        to_status=RegistrantStatus.FORFEITED,
        facts={},
    )
    assert shown["type"] == events.event_of(forfeited)
    made = orjson.loads(events.payload(shown["type"], forfeited, now, own=True))
    assert (list(shown), list(data)) == (list(made), list(made["data"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_tables_are_those_of_the_program(language: Language) -> None:
    written = {file.stem: (file.read_text(encoding="utf-8"), made) for file, made in guide.pages(FOLDER)}
    assert [name for name, (now, made) in written.items() if now != made] == []
    told = text(language, "penolakan"), text(language, "prasyarat"), text(language, "elemen-data")
    assert all(f"| `{kind.code}` |" in told[0] for kind in KINDS)
    assert all(f"| `{scope}` |" in told[1] for scope in SCOPES)
    assert all(f"| `{field}` |" in told[2] for field in EXECUTABLE.type_map["SubmitRegistrant"].fields)  # type: ignore[attr-defined]


def test_whatever_the_documents_of_the_guide_take_has_a_table() -> None:
    taken = {name for page in ORDER for name in VARIABLE.findall(text("id", page))}
    assert taken >= {"SubmitRegistrant", "Correction", "RegistrantRef", "RouteFilter", "WebhookInput"}
    named = {mark for page in ORDER for mark in TABLE.findall(text("id", page))}
    assert {table for name in taken for table in tables_of(EXECUTABLE.type_map[name])} - named == set()


def tables_of(type_: GraphQLNamedType) -> set[str]:
    """Of an input and of all that stands in it."""
    if isinstance(type_, GraphQLEnumType):
        return {"peristiwa" if type_.name == "WebhookEvent" else f"nilai {type_.name}"}
    if not isinstance(type_, GraphQLInputObjectType):
        return set()
    inner = (tables_of(get_named_type(field.type)) for field in type_.fields.values())
    return {f"elemen {type_.name}"}.union(*inner)


def test_a_table_that_nobody_makes_and_words_of_nothing_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError, match="nothing"):
        guide.page("<!-- dibuat: nothing -->\n<!-- akhir -->", "id")
    monkeypatch.setattr("app.cli.guide.words.SCOPES", {**SCOPES, "gone": "…"})
    with pytest.raises(Failed, match=r"SCOPES in .*words\.py: gone"):
        guide.page("<!-- dibuat: izin -->\n<!-- akhir -->", "id")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_linked_and_found_is_there(language: Language) -> None:
    pages = guide_pages.pages(language)
    anchors = {page.path: set(re.findall(r' id="([^"]+)"', page.main)) for page in pages.values()}
    for page in pages.values():
        for href in re.findall(r'href="(/[^"]*)"', page.main):
            path, _, anchor = href.partition("#")
            if path.startswith(client_files.PATH):
                assert path.removeprefix(f"{client_files.PATH}/") in client_files.FILES, (page.name, href)
                continue
            assert path in anchors, (page.name, href)
            assert not anchor or anchor in anchors[path], (page.name, href)
        assert {anchor for _, anchor in page.entries} <= anchors[page.path], page.name
        assert len(re.findall("<h1", page.main)) == 1


def test_html_in_a_page_stays_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "id").mkdir()
    (tmp_path / "id" / "x.md").write_text('# Judul\n\n<script>x</script> [a](javascript:x)\n\n```sh\n<b>"\n```\n')
    monkeypatch.setattr(guide_pages, "FOLDER", tmp_path)
    page = guide_pages.read("id", "x")
    assert "<script>" not in page.main
    assert "&lt;script&gt;" in page.main
    assert 'href="javascript' not in page.main
    assert "<pre>&lt;b&gt;&quot;\n</pre>" in page.main


def test_a_diagram_is_drawn_and_said() -> None:
    drawn = sequences.drawn("A & C -> B: <b>satu\nB --> A & C: dua\n== antara ==\n")
    assert 'aria-label="A &amp; C → B: &lt;b&gt;satu. B → A &amp; C: dua. antara."' in drawn
    assert (drawn.count('class="call"'), drawn.count('class="answer"'), drawn.count('class="between"')) == (1, 1, 1)
    assert "style=" not in drawn
    with pytest.raises(ValueError, match="no message: A to B"):
        sequences.read("A to B")


@pytest.mark.anyio
@pytest.mark.parametrize(("language", "title"), [("id", "Panduan integrasi"), ("en", "Integration guide")])
async def test_anybody_reads_it_in_the_language_of_the_pages(
    browser: httpx.AsyncClient, language: Language, title: str
) -> None:
    headers = {"Cookie": f"bahasa={language}"}
    for name, page in guide_pages.pages(language).items():
        answer = await browser.get(page.path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8"), name
        assert page.main in answer.text
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert not re.search(r"<script>|<style|style=|onclick=", answer.text), name
        assert f'<a href="{page.path}" aria-current=page>' in answer.text
    assert title in (await browser.get("/panduan", headers=headers)).text
    assert (await browser.get("/panduan/nothing", headers=headers)).status_code == 404


@pytest.mark.anyio
async def test_headings_and_names_of_fields_are_found(browser: httpx.AsyncClient) -> None:
    found = (await browser.get("/panduan/cari.json", headers={"Cookie": "bahasa=id"})).json()
    assert ["returnRouteId", "Elemen data", "/panduan/elemen-data#mengirim-pendaftar-submitregistrant"] in found
    assert ["Batas verifikasi", "Proses bisnis", "/panduan/proses#batas-verifikasi"] in found
    assert len(found) > 300


@pytest.mark.anyio
async def test_anybody_downloads_the_clients_and_nothing_else(browser: httpx.AsyncClient) -> None:
    for name in (
        "php/Pemudik.php",
        "php/examples/webhook.php",
        "js/pemudik.js",
        "js/pemudik.d.ts",
        "python/pyproject.toml",
    ):
        answer = await browser.get(f"/panduan/klien/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8"), name
        assert answer.content == (CHECKOUT / "sdk" / name).read_bytes()
        assert answer.headers["x-content-type-options"] == "nosniff"
    for name in ("", "php", "php/..%2f..%2fREADME.md", "../id/tujuan.md", "python/src/pemudik_client/py.typed"):
        assert (await browser.get(f"/panduan/klien/{name}")).status_code == 404, name
