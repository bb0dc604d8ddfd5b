"""The pages in a real browser, on a server with the demo season: one server and one browser for the whole folder.

One process of the suite runs all of them but the longest file (`tests/order.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import npm
from tests.databases import list_of_test_registries, migrated_database
from tests.servers import Place, Server, place_in
from tests.web.browsing import CHROMIUM, NPM, Visit, launched, link_for, sign_in, visiting


@pytest.fixture(scope="package")
def servers_url(database_url: str) -> Iterator[str]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not on this machine: the pages are not tried")
    with migrated_database(database_url) as url:
        yield url


@pytest.fixture(scope="package")
def place(servers_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place_in(tmp_path_factory.mktemp("pages") / "home", servers_url) as place:
        yield place


@pytest.fixture(scope="package")
def server(place: Place, servers_url: str) -> Iterator[Server]:
    """With test mode, as a demo has it on the embedded server."""
    with list_of_test_registries(servers_url) as url:
        yield place.serve(PEMUDIK_UJI_DATABASE_URL=url)


@pytest.fixture(scope="package")
def browser(server: Server) -> Iterator[Browser]:
    """After the server: while Playwright drives, no loop of asyncio runs in this thread."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not on this machine: the rules of axe are not there")
    npm.install(NPM)
    with sync_playwright() as playwright:
        browser = launched(playwright)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Visit]:
    """A page that says nothing to the console, and asks nobody else for anything."""
    with visiting(browser, server) as visit:
        yield visit
    assert visit.said == []


@pytest.fixture
def signed_in(visit: Visit, servers_url: str, server: Server) -> Callable[[str], Page]:
    def sign(email: str) -> Page:
        sign_in(visit, link_for(server, servers_url, email))
        return visit.page

    return sign
