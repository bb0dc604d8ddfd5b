"""What the pages are made of: words in both languages, files under an address of their content, nothing unsafe."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from app.errors import KINDS, NotATestNik, refused_by
from app.graphql import vocabulary
from app.registry.clients.scopes import SCOPES
from app.registry.rows import reception
from app.registry.rows.verdicts import INTERNAL_ERROR
from app.web import assets, charts, shells, words
from app.web.menu import PAGES

SCRIPTS = sorted(assets.FOLDER.glob("*.js"))
TEMPLATES = sorted(shells.TEMPLATES.glob("*.html"))
LONGEST_SCRIPT = 300
SAME_IN_BOTH = {"status", "posko.title", "posko.menu"}
MADE = re.compile(r"\bt\(`(\w+)\.\$\{")
"""`t(`status.${…}`)`: every word that begins so."""
NAMED = re.compile(r"\bt\('([\w.]+)'")
SignedIn = Callable[[str], Awaitable[httpx.AsyncClient]]
DATA = {f"data.{what}" for what in ("until", "final", "column", "meaning")}
PLACED = re.compile(r"\{\{([\w.]+)\}\}")


def used() -> set[str]:
    """The keys that a template, a script or the frame names."""
    scripts = "\n".join(file.read_text(encoding="utf-8") for file in SCRIPTS)
    templates = "\n".join(file.read_text(encoding="utf-8") for file in TEMPLATES)
    beginnings = {*MADE.findall(scripts), "role"}
    made = {key for key in words.WORDS["id"] if key.partition(".")[0] in beginnings}
    # Scripts keep some keys in tables of their own.
    quoted = {key for key in words.WORDS["id"] if f"'{key}'" in scripts}
    drawn = {
        key
        for page in charts.CHARTS.values()
        for chart in page
        for key in (chart.first, chart.unit, f"{chart.id}.caption")
    }
    pages = {f"{page.name}.{what}" for page in PAGES for what in ("title", "menu", "guide")}
    groups = {f"menu.{page.group}" for page in PAGES}
    doors = {"masuk.title", "forbidden.title", "menu.more", *DATA, "panduan.next"}
    return {*NAMED.findall(scripts), *PLACED.findall(templates), *made, *quoted, *drawn, *pages, *groups, *doors}


def test_every_word_is_there_in_both_languages_and_used() -> None:
    indonesian, english = words.WORDS["id"], words.WORDS["en"]
    assert list(indonesian) == list(english)
    assert sorted(used() - indonesian.keys()) == []
    assert sorted(indonesian.keys() - used()) == []


def test_no_word_stands_twice_in_a_file() -> None:
    for language in words.LANGUAGES:
        pairs = json.loads((words.FOLDER / f"{language}.json").read_text(encoding="utf-8"), object_pairs_hook=list)
        assert [key for key, times in Counter(key for key, _ in pairs).items() if times > 1] == [], language


def test_every_word_is_translated() -> None:
    indonesian, english = words.WORDS["id"], words.WORDS["en"]
    assert {key for key, word in indonesian.items() if word == english[key]} == SAME_IN_BOTH
    for key, word in indonesian.items():
        assert sorted(re.findall(r"\{\w+\}", word)) == sorted(re.findall(r"\{\w+\}", english[key])), key
        assert word.strip(), key
        assert "!" not in word + english[key], key


def test_every_reason_for_which_a_row_is_refused_is_told_with_what_to_do() -> None:
    codes = {*(kind.code for kind in refused_by(reception.push)), NotATestNik.code, INTERNAL_ERROR}
    remedies = {key.removeprefix("remedy.") for key in words.WORDS["id"] if key.startswith("remedy.")}
    assert remedies == codes


def test_every_refusal_has_its_title() -> None:
    titles = {key.removeprefix("reason.") for key in words.WORDS["id"] if key.startswith("reason.")} - {"help"}
    assert titles == {*(kind.code for kind in KINDS), "TOO_MANY_CHECKS", INTERNAL_ERROR}


SPOKEN: dict[str, Any] = {
    "admin": vocabulary.AdminChangeKind,
    "attempt": vocabulary.DeliveryError,
    "delivery": vocabulary.DeliveryState,
    "event": vocabulary.WebhookEvent,
    "look": vocabulary.Purpose,
    "nik": vocabulary.NikOutcome,
    "off": vocabulary.DisabledBecause,
    "place": vocabulary.PlaceKind,
    "scheme": vocabulary.IntegrationScheme,
    "scope": SCOPES,
    "status": vocabulary.RegistrantStatus,
    "wave": vocabulary.WindowKind,
}
"""Beginnings of words, and the values that the registry may tell a page under each of them."""


@pytest.mark.parametrize("beginning", SPOKEN)
def test_a_page_has_a_word_for_each_value_that_it_may_be_told(beginning: str) -> None:
    values = SPOKEN[beginning]
    names = {*values} if isinstance(values, Mapping) else {one.name for one in values}
    assert sorted(name for name in names if f"{beginning}.{name}" not in words.WORDS["id"]) == []


def test_a_webhook_can_be_told_of_every_event_on_the_page_too() -> None:
    script = (assets.FOLDER / "webhooks.js").read_text(encoding="utf-8")
    offered = set(re.findall(r"'([A-Z_0-9]+)'", script))
    assert {event.name for event in vocabulary.WebhookEvent} - {"WEBHOOK_TEST"} <= offered


def test_no_script_is_long_or_reads_html() -> None:
    for file in SCRIPTS:
        text = file.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= LONGEST_SCRIPT, file.name
        assert "// @ts-check" in text, file.name
        for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
            assert unsafe not in text, (file.name, unsafe)


def test_no_template_has_a_script_or_a_style_in_it() -> None:
    for file in TEMPLATES:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=)", text), file.name
        assert "http:" not in text, file.name
        assert "https:" not in text, file.name


def test_what_is_put_into_a_template_is_text() -> None:
    assert (
        shells.filled(
            "document", "id", code="id", base="", title="<b>&", body="", body_class='"', modules="", script=""
        ).count("<b>")
        == 0
    )


@pytest.mark.parametrize("script", ["masuk", *(name for page in PAGES for name in (page.name, page.one) if name)])
def test_the_whole_first_view_is_small(script: str) -> None:
    """Far less than 150 kB: the page itself, under 10 kB, and what its figures weigh come on top."""
    modules = assets.modules_of(script, "id")
    assert {f"{script}.js", "frame.js", "words.js", "words.id.js"} <= {*modules}
    loaded = {*modules, *(name for name in assets.ASSETS if not name.endswith(".js"))}
    assert sum(len(assets.ASSETS[name].gzipped) for name in loaded) < 100_000


def test_a_page_names_every_module_that_it_needs() -> None:
    imported = re.compile(r"from '\./([\w.-]+)'|import '\./([\w.-]+)'|import\('\./([\w.-]+)'\)")
    for name in assets.modules_of("ringkasan", "en"):
        for found in imported.finditer(assets.FILES[name].decode()):
            assert {one for one in found.groups() if one} <= {*assets.modules_of("ringkasan", "en")}
    assert "words.en.js" in assets.modules_of("ringkasan", "en")
    assert "words.id.js" not in assets.modules_of("ringkasan", "en")


@pytest.mark.anyio
async def test_an_asset_is_kept_for_a_year_under_the_address_of_its_content(browser: httpx.AsyncClient) -> None:
    answer = await browser.get(f"{assets.BASE}/chart.js", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.text == (assets.FOLDER / "chart.js").read_text(encoding="utf-8")
    plain = await browser.get(f"{assets.BASE}/chart.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(assets.ASSETS["chart.js"].gzipped) == plain.content
    for path in ("/assets/0000000000000000/chart.js", f"{assets.BASE}/nothing.js", f"{assets.BASE}/..%2fwords.py"):
        assert (await browser.get(path)).status_code == 404, path


@pytest.mark.anyio
async def test_a_page_may_load_nothing_but_our_own(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/masuk")
    assert answer.status_code == 200
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert 'lang="id"' in answer.text
    english = await browser.get("/masuk", headers={"Cookie": "bahasa=en"})
    assert 'lang="en"' in english.text


@pytest.mark.anyio
async def test_the_front_leads_a_browser_to_the_pages(browser: httpx.AsyncClient, signed_in: SignedIn) -> None:
    html = {"Accept": "text/html,application/xhtml+xml"}
    stranger = await browser.get("/", headers=html)
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/masuk")
    program = await browser.get("/", headers={"Accept": "application/json"})
    assert program.json() == {"name": "Pemudik"}
    # Else a cache would give one of them what the other one asked for.
    assert (stranger.headers["vary"], program.headers["vary"]) == ("Accept", "Accept")
    await signed_in("viewer")
    known = await browser.get("/", headers=html)
    assert (known.status_code, known.headers["location"]) == (303, "/ringkasan")
    page = await browser.get("/ringkasan", headers=html)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "viewer@contoh.example" in page.text


@pytest.mark.anyio
async def test_a_page_is_for_those_who_may_see_what_it_shows(browser: httpx.AsyncClient, signed_in: SignedIn) -> None:
    assert (await browser.get("/ringkasan")).headers["location"] == "/masuk"
    await signed_in("posko")
    page = await browser.get("/ringkasan")
    assert page.status_code == 403
    assert "Peran Anda tidak dapat membuka halaman ini." in page.text
