"""The guide for organizers (docs/panduan) at `/panduan`, in the language that somebody has chosen, for everybody.

Plain Markdown, which GitHub shows as well; HTML in it stays text. A block called `urutan` is a sequence diagram. What
can be searched are headings and the names of fields; the browser searches, so nobody learns what was looked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.errors import Language
from app.intake import http
from app.web import client_files, sequences, shells, words
from app.web.shells import Markup, Reader

_BESIDE = Path(__file__).resolve().parent.parent
FOLDER = next(path for path in (_BESIDE / "_panduan", _BESIDE.parent / "docs" / "panduan") if path.exists())
"""In an installed wheel, or in a checkout."""
PATH = "/panduan"
INDEX = f"{PATH}/cari.json"
ORDER = (
    "tujuan",
    "prasyarat",
    "lingkungan",
    "proses",
    "teknis",
    "elemen-data",
    "penolakan",
    "contoh",
    "rest-ke-graphql",
    "webhook",
    "excel",
    "konsolidasi",
    "antrean",
    "daftar-periksa",
    "perubahan",
    "data-pribadi",
)
"""The pages as they are read, by the names of their files. The first one is at `/panduan`."""
_MARKS = re.compile(r"^<!-- .*? -->\n", re.MULTILINE)
_FIELD_NAME = re.compile(r"`([\w.:]{3,40})`")
_LINK = re.compile(r"([\w-]+)\.md(#.*)?")
_CLIENT = "../../../sdk"
"""Where a page of the checkout finds the clients."""


@dataclass(frozen=True, slots=True)
class GuidePage:
    name: str
    title: str
    main: Markup
    entries: tuple[tuple[str, str], ...]
    """What can be found: the text, and the heading's anchor."""

    @property
    def path(self) -> str:
        return PATH if self.name == ORDER[0] else f"{PATH}/{self.name}"


def routes() -> list[Route]:
    return [
        Route(PATH, show, methods=["GET"]),
        Route(INDEX, index, methods=["GET"]),
        Route(f"{PATH}/{{page}}", show, methods=["GET"]),
    ]


async def show(request: Request) -> Response:
    language = words.chosen(request.headers.get)
    page = pages(language).get(request.path_params.get("page", ORDER[0]))
    if page is None:
        return await http.no_such_address(request, Exception())
    main = shells.filled(
        "panduan",
        language,
        contents=contents(language, page),
        page=page.main,
        index=INDEX,
        following=following(language, page),
    )
    title = f"{page.title} · {words.WORDS[language]['panduan.title']}"
    return shells.answer(shells.opened(Reader(language), title, main, "panduan"))


async def index(request: Request) -> Response:
    """Every heading and every name of a field, with where it stands."""
    found = [
        [text, page.title, f"{page.path}#{anchor}"]
        for page in pages(words.chosen(request.headers.get)).values()
        for text, anchor in page.entries
    ]
    return http.answered(found, headers={"Cache-Control": "no-store"})


@cache
def pages(language: Language) -> Mapping[str, GuidePage]:
    return {name: read(language, name) for name in ORDER}


def contents(language: Language, current: GuidePage) -> Markup:
    links = (
        f'<li><a href="{page.path}"{" aria-current=page" if page is current else ""}>{escape(page.title)}</a></li>'
        for page in pages(language).values()
    )
    return Markup("".join(links))


def following(language: Language, current: GuidePage) -> Markup:
    """A link to the page that is read next."""
    rest = ORDER[ORDER.index(current.name) + 1 :]
    if not rest:
        return Markup("")
    page = pages(language)[rest[0]]
    return Markup(
        f'<p>{escape(words.WORDS[language]["panduan.next"])}: <a href="{page.path}">{escape(page.title)}</a></p>'
    )


def read(language: Language, name: str) -> GuidePage:
    text = _MARKS.sub("", (FOLDER / language / f"{name}.md").read_text(encoding="utf-8"))
    tokens = _MARKDOWN.parse(text)
    entries = _prepared(tokens)
    return GuidePage(name, entries[0][0], Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})), entries)


def _prepared(tokens: Sequence[Token]) -> tuple[tuple[str, str], ...]:
    """Headings get anchors, links to pages their addresses here. Answers what can be found."""
    entries: dict[str, str] = {}
    anchor = ""
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            title = tokens[place + 1].content.replace("`", "")
            anchor = anchor_of(title)
            token.attrSet("id", anchor)
            entries.setdefault(title, anchor)
        elif token.type == "inline":
            for name in _FIELD_NAME.findall(token.content):
                entries.setdefault(name, anchor)
            for child in token.children or ():
                _lead_here(child)
    return tuple(entries.items())


def anchor_of(heading: str) -> str:
    """As GitHub writes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _lead_here(token: Token) -> None:
    href = str(token.attrGet("href") or "")
    found = _LINK.fullmatch(href)
    if href.startswith(_CLIENT):
        token.attrSet("href", f"{client_files.PATH}{href.removeprefix(_CLIENT)}")
    elif token.type == "link_open" and found:
        here = PATH if found[1] == ORDER[0] else f"{PATH}/{found[1]}"
        token.attrSet("href", f"{here}{found[2] or ''}")


def _fence(_: object, tokens: Sequence[Token], place: int, *__: object) -> str:
    """A diagram, or a block of code that scrolls by itself."""
    token = tokens[place]
    if token.info == "urutan":
        return f'<div class="scroll" tabindex="0">{sequences.drawn(token.content)}</div>'
    return f'<div class="scroll code-block" tabindex="0"><pre>{escape(token.content)}</pre></div>'


def _table_open(*_: object) -> str:
    return '<div class="scroll" tabindex="0"><table>'


def _table_close(*_: object) -> str:
    return "</table></div>"


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
for _rule, _how in (("fence", _fence), ("table_open", _table_open), ("table_close", _table_close)):
    _MARKDOWN.add_render_rule(_rule, _how)
