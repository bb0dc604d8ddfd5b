"""The HTML of a page: a shell with the frame, the words and the empty places, which the page's script fills.

A template has three kinds of places: `{{key}}` is a word of the reader's language, `{{icon name}}` an icon, and
`{{=name}}` what the page puts there. Whatever is put there is escaped, unless it is `Markup` of ours.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.errors import Language, Unavailable
from app.intake import http
from app.language import language_of
from app.registry.clients.sign_in import SignedIn
from app.web import assets
from app.web.menu import GROUPS, Page, pages_of
from app.web.words import WORDS

TEMPLATES = Path(__file__).parent / "templates"
MOST_BELOW = 5
"""Places in the bar at the foot of a phone."""
_PLACE = re.compile(r"\{\{(icon |=)?([\w.-]+)\}\}")

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}
"""What a page may load and do: its own files, its own API, and pictures of its own charts."""
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{what} {where}" for what, where in POLICY.items()),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class Markup(str):
    """HTML that was made here."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a page is for."""

    language: Language
    person: SignedIn | None = None


@cache
def template(name: str) -> str:
    return (TEMPLATES / f"{name}.html").read_text(encoding="utf-8")


def filled(name: str, language: Language, **values: str) -> Markup:
    """A template with its places filled. An unknown place is a bug."""

    def place(found: re.Match[str]) -> str:
        kind, key = found[1], found[2]
        if kind == "icon ":
            return icon(key)
        value = values[key] if kind else WORDS[language][key]
        return value if isinstance(value, Markup) else escape(value)

    return Markup(_PLACE.sub(place, template(name)))


def icon(name: str) -> Markup:
    return Markup(f'<svg class="i" aria-hidden="true"><use href="{assets.BASE}/icons.svg#{name}"/></svg>')


def answer(body: Markup, status: int = 200) -> HTMLResponse:
    return HTMLResponse(body, status, HEADERS)


async def guarded(request: Request, show: Callable[[], Awaitable[Response]]) -> Response:
    """A page, or why the registry cannot answer."""
    try:
        return await show()
    except Unavailable as error:
        request.state.outcome, response = http.failed(error, language_of(request.headers.get("accept-language", "")))
        response.headers["cache-control"] = "no-store"
        return response


def document(reader: Reader, title: str, body: Markup, script: str, body_class: str = "") -> Markup:
    return titled(reader, WORDS[reader.language][title], body, script, body_class)


def titled(reader: Reader, title: str, body: Markup, script: str, body_class: str) -> Markup:
    return filled(
        "document",
        reader.language,
        code=reader.language,
        base=assets.BASE,
        title=title,
        body=body,
        body_class=body_class,
        script=f"{assets.BASE}/{script}.js",
        modules=joined(
            Markup(f'<link rel="modulepreload" href="{assets.BASE}/{name}">')
            for name in assets.modules_of(script, reader.language)
        ),
    )


def door(reader: Reader, name: str, main: Markup) -> Markup:
    """A page for whoever is not signed in: no menu. `name` is that of its script."""
    body = filled("door", reader.language, main=main, languages=languages(reader.language))
    return document(reader, f"{name}.title", body, name, "door")


def opened(reader: Reader, title: str, main: Markup, script: str = "frame") -> Markup:
    """A page for everybody, signed in or not: no menu. `title` is its title, as it stands in the list of tabs."""
    body = filled("open", reader.language, main=main, languages=languages(reader.language))
    return titled(reader, title, body, script, "open")


def framed(reader: Reader, page: Page | None, main: Markup, script: str) -> Markup:
    """A page with the menu of its reader. None: a place that is no page of the menu."""
    assert reader.person is not None  # noqa: S101 - the door has looked
    words, person = WORDS[reader.language], reader.person
    body = filled(
        "frame",
        reader.language,
        main=main,
        guide=guide(page, reader.language),
        side=side(person, page, reader.language),
        bottom=bottom(person, page, reader.language),
        every=joined(links(pages_of(person), page, reader.language)),
        languages=languages(reader.language),
        id=person.id,
        email=person.email,
        role=words[f"role.{person.role}"],
        organizer=person.organizer_name,
        code=person.organizer,
        scopes=" ".join(person.scopes),
        ends=person.ends_at.isoformat(),
    )
    return document(reader, f"{page.name if page else 'forbidden'}.title", body, script)


def guide(page: Page | None, language: Language) -> Markup:
    """Help in short, at the foot of each page."""
    return Markup("") if page is None else filled("guide", language, text=WORDS[language][f"{page.name}.guide"])


def side(person: SignedIn, current: Page | None, language: Language) -> Markup:
    words = WORDS[language]
    parts = []
    for group in GROUPS:
        below = links([page for page in pages_of(person) if page.group == group], current, language)
        parts += [f"<p>{escape(words[f'menu.{group}'])}</p>", *below] if below else []
    return Markup("".join(parts))


def bottom(person: SignedIn, current: Page | None, language: Language) -> Markup:
    """On a phone: all pages where they fit, else the first ones and a button that shows all."""
    pages = pages_of(person)
    more = Markup(f'<button type="button" id="more">{icon("menu")}{escape(WORDS[language]["menu.more"])}</button>')
    shown, rest = (pages, Markup("")) if len(pages) <= MOST_BELOW else (pages[: MOST_BELOW - 1], more)
    return joined([*links(shown, current, language), rest])


def links(pages: Iterable[Page], current: Page | None, language: Language) -> list[Markup]:
    return [link(page, current, WORDS[language]) for page in pages]


def link(page: Page, current: Page | None, words: Mapping[str, str]) -> Markup:
    here = ' aria-current="page"' if page is current else ""
    return Markup(f'<a href="{page.path}"{here}>{icon(page.icon)}{escape(words[f"{page.name}.menu"])}</a>')


def languages(chosen: Language) -> Markup:
    names = {"id": "Bahasa Indonesia", "en": "English"}
    return joined(
        Markup(
            f'<button type="button" data-language="{code}" lang="{code}" aria-pressed="{str(code == chosen).lower()}">'
            f'<span aria-hidden="true">{code.upper()}</span><span class="vh">{name}</span></button>'
        )
        for code, name in names.items()
    )


def joined(parts: Iterable[Markup]) -> Markup:
    return Markup("".join(parts))
