"""The guide in a browser, for whoever is not signed in: it reads well, fits a phone, and is searched in the browser."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.clock import of_this_machine as now
from app.db import Database
from app.registry.statistics import publishing
from app.registry.statistics.shelf import Shelf
from app.registry.terms import seasons
from app.web.guide_pages import ORDER, pages
from tests.web.browsing import Visit, expect
from tests.world import HUBDAT


@pytest.mark.parametrize("name", ["tujuan", "proses", "elemen-data", "rest-ke-graphql"])
def test_a_page_reads_well_on_a_wall_and_on_a_phone(visit: Visit, name: str) -> None:
    page = visit.page
    visit.open(pages("id")[name].path)
    expect(page.locator("h1")).to_have_text(pages("id")[name].title)
    expect(page.locator(".contents li")).to_have_count(len(ORDER))
    assert visit.faults() == []


def test_a_field_is_found_and_what_is_looked_for_is_sent_to_nobody(visit: Visit) -> None:
    page, asked = visit.page, list[str]()
    visit.open("/panduan")
    page.on("request", lambda request: asked.append(f"{request.url} {request.post_data}"))
    page.locator("#wanted").fill("returnRouteId")
    page.locator("#found li", has_text="Elemen data").get_by_role("link").click()
    page.wait_for_url("**/panduan/elemen-data#mengirim-pendaftar-submitregistrant")
    assert not any("returnRouteId" in one for one in asked)
    page.locator("#wanted").fill("xyzzy")
    expect(page.locator("#found")).to_have_text("Tidak ditemukan. Coba kata lain.")


def test_another_language_is_the_same_page(visit: Visit) -> None:
    page = visit.page
    visit.open("/panduan/proses")
    page.locator('[data-language="en"]').click()
    expect(page.locator("h1")).to_have_text("Business process")
    visit.open("/panduan")
    expect(page.locator("h1")).to_have_text("Integration guide")


def test_open_data_read_well(visit: Visit, servers_url: str) -> None:
    """In a thread of its own: Playwright has the loop of this one."""

    async def published() -> int:
        database = Database(servers_url, pool_size=1)
        try:
            async with database.transaction() as session:
                season = await seasons.current(session)
                await seasons.publish_figures(session, HUBDAT, season, "Uji", now(), on=True)
            # The server's own duty may be the one that publishes.
            while not await Shelf(database=database).of_season(season):
                await publishing.publish_due(database, now())
                await asyncio.sleep(0.05)
        finally:
            await database.dispose()
        return season

    with ThreadPoolExecutor(1) as thread:
        season = thread.submit(lambda: asyncio.run(published())).result()
    visit.open(f"/data/{season}/")
    expect(visit.page.locator("h1")).to_have_text(f"Data terbuka mudik gratis {season}")
    assert visit.faults() == []
