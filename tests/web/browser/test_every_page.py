"""Every page of the menu, for each role that may open it: in an empty season, in English, by keyboard, and on paper.

The pages come from `app.web.menu`: the next page is in here by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache

import pytest
from playwright.sync_api import Browser, Page, StorageState, ViewportSize

from app import clock
from app.config import Settings
from app.db import Database
from app.models.enums import StaffRole
from app.registry.caller import Caller
from app.registry.clients import staff
from app.registry.clients.staff import SCOPES_OF, StaffPerson
from app.registry.terms import organizers, seasons
from app.registry.terms.organizers import OrganizerInput
from app.vault.vault import open_vault
from app.web.menu import PAGES
from tests.databases import migrated_database
from tests.servers import Server, place_in
from tests.web import walking
from tests.web.browsing import OPERATOR, ORGANIZER, POSKO, VIEWER, Visit, expect, link_for, sign_in, visiting

OF_DEMO = {"operator": OPERATOR, "viewer": VIEWER, "organizer": ORGANIZER, "posko": POSKO}
ORGANIZER_OF = {"operator": "hubdat", "viewer": "hubdat", "organizer": "djka", "posko": "djka"}
OPENED = [
    pytest.param(role.value, page.path, id=f"{page.name}-{role.value}")
    for page in PAGES
    for role in StaffRole
    if page.scopes.intersection(SCOPES_OF[role])
]
PAPER, PHONE = ViewportSize(width=794, height=1123), ViewportSize(width=360, height=780)
NOT_PRINTED = (".top", ".side", ".bottom", ".filters", ".seek", "main .btn")
BELOW = ".tabs a:not([aria-current]), main tr:first-child a.go"
"""What a page leads to: its other tabs, and one of its items."""
States = Callable[[str], StorageState]
BLOCKED = "#trouble .note"
"""Where a page says that something failed."""


def settled(page: Page) -> None:
    """Nothing is asked any more: what the page shows is there."""
    page.wait_for_load_state("networkidle")
    expect(page.locator("h1")).not_to_have_text("Memuat…")


def states_of(browser: Browser, server: Server, url: str) -> States:
    """The cookies of a person by e-mail. Each signs in once."""

    @cache
    def state(email: str) -> StorageState:
        with visiting(browser, server) as visit:
            sign_in(visit, link_for(server, url, email))
            return visit.page.context.storage_state()

    return state


@pytest.fixture(scope="module")
def states(browser: Browser, server: Server, servers_url: str) -> States:
    return states_of(browser, server, servers_url)


@pytest.fixture(scope="module")
def empty(
    browser: Browser, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, States]]:
    """A season in which nobody has registered anybody, and a person for each role."""
    home = tmp_path_factory.mktemp("empty") / "home"
    # In a thread of its own: Playwright has the loop of this one.
    with ThreadPoolExecutor(1) as thread:
        made = migrated_database(database_url)
        url = thread.submit(made.__enter__).result()
        try:
            thread.submit(lambda: asyncio.run(began(url))).result()
            open_vault(Settings(home=home), create=True)
            with place_in(home, url, demo=False) as place:
                server = place.serve()
                yield server, states_of(browser, server, url)
        finally:
            thread.submit(made.__exit__, None, None, None).result()


async def began(url: str) -> None:
    database, now = Database(url), clock.now()
    hubdat = Caller(None, "hubdat")
    try:
        async with database.transaction() as session:
            year = now.astimezone(clock.WIB).year
            await seasons.save(session, hubdat, year, datetime(year, 12, 31, tzinfo=UTC).date(), now)
            for code, name in (("hubdat", "Ditjen Hubdat"), ("djka", "Ditjen KA")):
                saved = await organizers.save(session, hubdat, OrganizerInput(code=code, name=name), year, now)
                assert isinstance(saved, organizers.Organizer), saved
            for role, organizer in ORGANIZER_OF.items():
                person = await staff.add(session, hubdat, f"{role}@kosong.example", organizer, role, now)
                assert isinstance(person, StaffPerson), person
    finally:
        await database.dispose()


@pytest.mark.parametrize(("role", "path"), OPENED)
def test_an_empty_season_says_what_comes_next(
    browser: Browser, empty: tuple[Server, States], role: str, path: str
) -> None:
    server, states = empty
    with visiting(browser, server, states(f"{role}@kosong.example")) as visit:
        visit.open(path)
        settled(visit.page)
        assert visit.page.locator(BLOCKED).all_inner_texts() == []
        assert visit.faults() == []
        visit.page.locator("[data-language=en]").click()
        expect(visit.page.locator("html")).to_have_attribute("lang", "en")
        settled(visit.page)
        assert visit.violations() == []
        assert visit.said == []


@pytest.mark.parametrize(("role", "path"), OPENED)
def test_a_page_is_walked_by_keyboard_alone_and_printed_without_what_is_to_be_pressed(
    browser: Browser, server: Server, states: States, role: str, path: str
) -> None:
    with visiting(browser, server, states(OF_DEMO[role])) as visit:
        page = visit.page
        walking.watch(page.context)
        visit.open(path)
        settled(page)
        below = hrefs(page, BELOW)
        assert walking.skip_faults(page) == []
        assert walking.faults(page, back=True) == []
        page.set_viewport_size(PHONE)
        assert walking.faults(page) == []
        assert walking.dialog_faults(page) == []
        printed(visit, role)
        page.emulate_media(media="screen")
        for one in below:
            visit.open(f"{path}{one}" if one.startswith("?") else one)
            settled(page)
            assert [one, *walking.faults(page), *walking.dialog_faults(page)] == [one]
        assert visit.said == []


def hrefs(page: Page, places: str) -> list[str]:
    """Of each tab, and of one item."""
    found: list[str] = page.locator(places).evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    return found


def printed(visit: Visit, role: str) -> None:
    page = visit.page
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    for place in NOT_PRINTED:
        expect(page.locator(place).locator("visible=true")).to_have_count(0)
    expect(page.locator("#printed")).to_contain_text(OF_DEMO[role])
    expect(page.locator("h1")).to_be_visible()
    assert not visit.scrolls_sideways()
    assert page.pdf(format="A4").startswith(b"%PDF")
