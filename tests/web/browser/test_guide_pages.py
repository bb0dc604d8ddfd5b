"""The guide in a browser, for whoever is not signed in: it reads well, fits a phone, and is searched in the browser."""

from __future__ import annotations

import pytest

from app.web.guide_pages import ORDER, pages
from tests.web.browsing import Visit, expect


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
