"""`make screenshots`: every page, for each role that may open it, light, dark and on a phone, into a folder of its own.

Look at each as a designer would: alignment, rhythm, hierarchy, long names, nothing cut off.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from app.config import CHECKOUT
from tests.servers import Server, place_in
from tests.web.browser.clients import asked
from tests.web.browser.families import family
from tests.web.browsing import CHROMIUM, Visit, launched, sign_in, visiting

FOLDER = CHECKOUT / "screenshots"
SIZES = {"wall": (2560, 1440), "desk": (1440, 900), "tablet": (820, 1180), "phone": (360, 780)}
CODE = "MG24-7KQ4-118"
UNDONE_MS = 11_000
"""An act cannot be undone any more."""
SETTLED_MS = 3000
"""Figures have come by then, and the charts are drawn."""


def main() -> None:
    if CHROMIUM is None:
        sys.exit("Chromium is not on this machine: apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as home, place_in(Path(home) / "home") as place, sync_playwright() as playwright:
        server = place.serve()
        browser = launched(playwright)
        family(partial(asked, place, server, "dishub-dki"), CODE, 12, returns=True)
        for role, link in links(server).items():
            pictured(browser, server, role, link)
        browser.close()


def links(server: Server) -> dict[str, str]:
    """What a first start prints: a link for each role."""
    lines = [line.split() for line in server.said.splitlines() if "/masuk#" in line]
    return {line[0]: line[-1] for line in lines}


def pictured(browser: Browser, server: Server, role: str, link: str) -> None:
    with visiting(browser, server) as visit:
        sign_in(visit, link)
        for path in visit.page.locator(".side a").evaluate_all("all => all.map((a) => a.getAttribute('href'))"):
            visit.open(path)
            visit.page.wait_for_timeout(SETTLED_MS)
            for scheme in ("light", "dark"):
                visit.page.emulate_media(color_scheme=scheme)
                for name, (width, height) in SIZES.items():
                    visit.page.set_viewport_size({"width": width, "height": height})
                    visit.page.wait_for_timeout(300)
                    file = FOLDER / f"{path.strip('/')}-{role}-{name}-{scheme}.png"
                    visit.page.screenshot(path=file, full_page=True)
            visit.page.set_viewport_size({"width": 1024, "height": 1440})
            visit.page.emulate_media(media="print", color_scheme="light")
            visit.page.screenshot(path=FOLDER / f"{path.strip('/')}-{role}-print.png", full_page=True)
            visit.page.emulate_media(media="screen")
        if role == "posko":
            at_the_gate(visit)


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
