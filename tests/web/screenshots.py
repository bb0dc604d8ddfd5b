"""`make screenshots`: every page with its tabs and one of its items, for each role, light, dark and on a phone, into a
folder of its own. `ARGS=--states` takes the states that the demo has not (`tests/web/hard.py`), and `ARGS=--readme`
makes the three pictures of the README.

Look at each as a designer would: alignment, rhythm, hierarchy, long names, nothing cut off.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, sync_playwright

from app.config import CHECKOUT
from tests.servers import Server, place_in
from tests.web import hard
from tests.web.browser.clients import asked
from tests.web.browser.families import family
from tests.web.browsing import CHROMIUM, SCHEMES, Visit, launched, sign_in, visiting

FOLDER = CHECKOUT / "screenshots"
README = CHECKOUT / "docs" / "pictures"
BOTH = {"desk": (1440, 900), "phone": (360, 780)}
SIZES = {"wall": (2560, 1440), "desk": (1440, 900), "tablet": (820, 1180), "phone": (360, 780)}
CODE = "MG24-7KQ4-118"
UNDONE_MS = 11_000
"""An act cannot be undone any more."""
MINUTE_MS = 70_000
SETTLED_MS = 3000
"""Figures have come by then, and the charts are drawn."""


def main() -> None:
    if CHROMIUM is None:
        sys.exit("Chromium is not on this machine: apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    if "--states" in sys.argv:
        in_hard_states()
        return
    with TemporaryDirectory() as home, place_in(Path(home) / "home") as place, sync_playwright() as playwright:
        server = place.serve()
        browser = launched(playwright)
        family(partial(asked, place, server, "dishub-dki"), CODE, 12, returns=True)
        if "--readme" in sys.argv:
            for_the_readme(browser, server, links(server))
        else:
            for role, link in links(server).items():
                pictured(browser, server, role, link)
        browser.close()


def in_hard_states() -> None:
    """Each as the operator sees it: large, empty, and while the registry does not answer."""
    with sync_playwright() as playwright:
        browser = launched(playwright)
        with hard.large() as (server, link), hard.opened(browser, server, link) as visit:
            each_page(visit, "large", hard.PATHS, SIZES)
        with hard.empty() as (server, link), hard.opened(browser, server, link, fails=True) as visit:
            each_page(visit, "error", hrefs(visit, ".side a"), BOTH)
            visit.page.unroute("**/graphql")
            each_page(visit, "empty", hrefs(visit, ".side a"), BOTH)
        browser.close()


def each_page(visit: Visit, state: str, paths: Sequence[str], sizes: Mapping[str, tuple[int, int]]) -> None:
    for path in paths:
        visit.open(f"/{path.strip('/')}")
        visit.page.wait_for_timeout(SETTLED_MS)
        shot(visit, state, path.partition("?")[0], sizes)


def links(server: Server) -> dict[str, str]:
    """What a first start prints: a link for each role."""
    lines = [line.split() for line in server.said.splitlines() if "/masuk#" in line]
    return {line[0]: line[-1] for line in lines}


def pictured(browser: Browser, server: Server, role: str, link: str) -> None:
    with visiting(browser, server) as visit:
        sign_in(visit, link)
        for path in hrefs(visit, ".side a"):
            visit.open(path)
            visit.page.wait_for_timeout(SETTLED_MS)
            below = [*hrefs(visit, ".tabs a:not([aria-current])"), *hrefs(visit, "main tr a.go")[:1]]
            shot(visit, role, path, SIZES)
            for one in below:
                visit.open(f"{path}{one}" if one.startswith("?") else one)
                visit.page.wait_for_timeout(SETTLED_MS)
                shot(visit, role, named(path, one), BOTH)
        if role == "posko":
            at_the_gate(visit)


def hrefs(visit: Visit, places: str) -> list[str]:
    found: list[str] = visit.page.locator(places).evaluate_all("all => all.map((a) => a.getAttribute('href'))")
    return found


def named(path: str, below: str) -> str:
    """A tab by its name, a single item as one of its page."""
    tab = parse_qs(urlsplit(below).query).get("view")
    return f"{path}-{tab[0]}" if tab else f"{path}-one"


def shot(visit: Visit, role: str, path: str, sizes: Mapping[str, tuple[int, int]]) -> None:
    name = path.strip("/")
    for scheme in SCHEMES:
        visit.page.emulate_media(color_scheme=scheme)
        for size, (width, height) in sizes.items():
            visit.page.set_viewport_size({"width": width, "height": height})
            visit.page.wait_for_timeout(300)
            visit.page.screenshot(path=FOLDER / f"{name}-{role}-{size}-{scheme}.png", full_page=True)
    visit.page.set_viewport_size({"width": 1024, "height": 1440})
    visit.page.emulate_media(media="print", color_scheme="light")
    visit.page.screenshot(path=FOLDER / f"{name}-{role}-print.png", full_page=True)
    visit.page.emulate_media(media="screen")


def for_the_readme(browser: Browser, server: Server, links: Mapping[str, str]) -> None:
    """The three pictures of the README. Whoever stands in them was made up by the demo."""
    README.mkdir(exist_ok=True)
    with visiting(browser, server) as visit:
        sign_in(visit, links["viewer"])
        # What was answered is told when its minute is over.
        visit.page.wait_for_timeout(MINUTE_MS)
        for path, (width, height) in {"ringkasan": (1440, 900), "laporan": (1000, 1180)}.items():
            visit.page.set_viewport_size({"width": width, "height": height})
            visit.open(f"/{path}")
            visit.page.wait_for_timeout(SETTLED_MS)
            visit.page.screenshot(path=README / f"{path}.png")
    with visiting(browser, server) as visit:
        sign_in(visit, links["posko"])
        visit.page.set_viewport_size({"width": 360, "height": 640})
        visit.page.locator("#code").fill(CODE)
        visit.page.keyboard.press("Enter")
        visit.page.locator("#booking-title").wait_for()
        visit.page.wait_for_timeout(500)
        visit.page.screenshot(path=README / "posko.png")


def at_the_gate(visit: Visit) -> None:
    """A family of twelve on a phone: opened, asked, done, and without a network."""
    page = visit.page

    def shot(name: str) -> None:
        page.wait_for_timeout(500)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=FOLDER / f"posko-{name}-{scheme}.png")

    page.set_viewport_size({"width": 360, "height": 780})
    visit.open("/posko")
    page.locator("#code").fill(CODE)
    page.keyboard.press("Enter")
    shot("booking")
    page.locator("#tap-verify").click()
    shot("sure")
    page.context.set_offline(True)
    page.locator("#sure-yes").click()
    shot("done")
    page.wait_for_timeout(UNDONE_MS)
    page.locator("#queue").scroll_into_view_if_needed()
    shot("offline")


if __name__ == "__main__":
    main()
