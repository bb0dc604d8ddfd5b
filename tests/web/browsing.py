"""A real browser (Debian's Chromium, driven by Playwright) on a real server, and what no page of ours may ever do.

A page writes no line to the console, breaks no rule of its Content Security Policy, asks no other server for anything,
and has no violation that axe finds. `Visit` fails where one does.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, Playwright, StorageState, expect

from app import clock
from app.cli.staff import link_of
from app.db import Database
from app.registry.clients.sign_in import Token, make_link
from tests.servers import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NPM = Path(__file__).parent / "npm"
AXE = NPM / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPERATOR, VIEWER = "operator@hubdat.example", "viewer@hubdat.example"
ORGANIZER, POSKO = "organizer@dishub-dki.example", "posko@dishub-dki.example"
"""Staff of the demo."""
WITHIN_MS = 60_000
"""What a page shows is waited for as long as this."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (320, 360, 768, 1024, 1440)
"""From a small phone to a desk."""

expect.set_options(timeout=WITHIN_MS)


def launched(playwright: Playwright) -> Browser:
    # As root, Chromium has no sandbox.
    return playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--use-fake-device-for-media-stream"]
    )


@dataclass
class Visit:
    """One person's browser, with nothing in it."""

    page: Page
    server: Server
    said: list[str] = field(default_factory=list)
    """Lines of the console, errors, and requests to others."""

    def listen(self) -> None:
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if not url.startswith((self.server.url, f"blob:{self.server.url}", self.server.url.replace("http", "ws", 1))):
            self.said.append(f"foreign: {url}")

    def open(self, path: str) -> None:
        self.page.goto(f"{self.server.url}{path}")

    def violations(self) -> list[str]:
        """What axe finds: rule and place."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            "async (tags) => (await axe.run(document, {runOnly: tags})).violations"
            ".map((one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`)",
            RULES,
        )
        return list(found)

    def faults(self) -> list[str]:
        """What axe finds, light and dark; and at which widths the page scrolls sideways. The last width stays."""
        found: list[str] = []
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            found += self.violations()
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            found += [f"scrolls sideways at {width}"] if self.scrolls_sideways() else []
        return found

    def scrolls_sideways(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@contextmanager
def visiting(browser: Browser, server: Server, state: StorageState | None = None) -> Iterator[Visit]:
    """`state`: the cookies of somebody who has signed in."""
    # Colours change at once, so that axe does not measure one halfway.
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce", storage_state=state)
    context.set_default_timeout(WITHIN_MS)
    visit = Visit(context.new_page(), server)
    visit.listen()
    try:
        yield visit
    finally:
        context.close()


def link_for(server: Server, database_url: str, email: str) -> str:
    """A new sign-in link. In a thread of its own: Playwright has the loop of this one."""

    async def made() -> Token:
        database = Database(database_url)
        try:
            async with database.transaction() as session:
                link = await make_link(session, email, clock.now())
        finally:
            await database.dispose()
        assert isinstance(link, Token)
        return link

    with ThreadPoolExecutor(1) as thread:
        return link_of(server.url, thread.submit(lambda: asyncio.run(made())).result())


def sign_in(visit: Visit, link: str) -> None:
    visit.page.goto(link)
    visit.page.locator("#sign-in button").click()
    visit.page.wait_for_url(lambda url: not url.endswith("/masuk"))


__all__ = ["expect"]
