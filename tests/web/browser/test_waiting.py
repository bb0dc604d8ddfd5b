"""What waits for somebody stands on the overview, and leads to where something is done about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import Page
from uuid_utils.compat import uuid7

from tests import databases
from tests.web.browsing import OPERATOR, ORGANIZER, VIEWER, Visit, expect

SignIn = Callable[[str], Page]
WEBHOOK = """INSERT INTO webhook (id, organizer_code, url, events, created_at, enabled_at, secret_sealed, failing_since)
    VALUES ('{id}', 'dishub-dki', 'https://dki.example/{id}', '{{case.decided}}', now(), now(), 'x', now())"""
IMPORT = """INSERT INTO import_job (id, organizer_code, season, mode, dry_run, covers, extension, state, rows_read,
    rows_done, created_at, started_at, runner, lease_until)
    SELECT '{id}', 'dishub-dki', max(year), 'UPSERT', true, '{{}}', 'csv', 'RUNNING', 10475, 1200, now(), now(), '{id}',
    now() + interval '1 day' FROM season"""
ALLOWANCE = """UPDATE nik_allowance SET day = (now() AT TIME ZONE 'Asia/Jakarta')::date, set_per_day = 100,
    named = {used}, alarmed_at = {alarmed} WHERE organizer_code = '{code}'"""
MENDED = (
    "DELETE FROM webhook WHERE id = '{id}'",
    "DELETE FROM import_job WHERE id = '{id}'",
    "UPDATE nik_allowance SET set_per_day = NULL, named = 0, alarmed_at = NULL",
)


def run(url: str, *statements: str) -> None:
    """In a thread of its own: Playwright has the loop of this one."""

    async def each() -> None:
        for one in statements:
            await databases.execute(url, one)

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(each())).result()


def texts(page: Page, which: str) -> list[str]:
    return [" ".join(one.inner_text().split()) for one in page.locator(f"#{which}-list li").all()]


def test_the_overview_says_what_waits_and_where_it_is_done(visit: Visit, signed_in: SignIn, servers_url: str) -> None:
    made = uuid7()
    trouble = [one.format(id=made) for one in (WEBHOOK, IMPORT)]
    alarm = ALLOWANCE.format(code="ahm", used=3, alarmed="now()")
    run(servers_url, *trouble, alarm, ALLOWANCE.format(code="dishub-dki", used=82, alarmed="NULL"))
    try:
        page = signed_in(OPERATOR)
        expect(page.locator("#webhooks-list li")).to_have_count(1)
        assert texts(page, "webhooks")[0].startswith("Dishub Prov. DKI Jakarta gagal sejak ")
        assert texts(page, "imports")[0].endswith("1.200 / 10.475")
        [walked, used] = texts(page, "allowances")
        assert walked.startswith("AHM (Honda) alarm penelusuran NIK ")
        assert used == "Dishub Prov. DKI Jakarta 82 dari 100 dipakai 82 %"
        open_cases = int(page.locator("#cases-n").inner_text())
        expect(page.locator("#cases-list li")).to_have_count(6)
        expect(page.locator("#cases-list li").last).to_have_text(f"dan {open_cases - 5} lagi")
        assert visit.faults() == []
        page.set_viewport_size({"width": 1440, "height": 900})
        # Each leads to where something is done about it.
        page.locator("#webhooks-list a").click()
        expect(page.locator("#hook-title")).to_have_text(f"https://dki.example/{made}")
        page.go_back()
        page.locator("#cases-list a").first.click()
        expect(page.locator("#one-title")).to_contain_text("NIK yang dipegang")
        page.go_back()
        page.locator("#allowances-list li").filter(has_text="AHM").locator("a").click()
        expect(page.locator("#name")).to_have_text("AHM (Honda)")
        visit.page.context.clear_cookies()
        page = signed_in(ORGANIZER)
        expect(page.locator("#imports-list a")).to_have_attribute("href", f"/unggah?job={made}")
        expect(page.locator("#cases")).to_be_hidden()
        assert len(texts(page, "allowances")) == 1
    finally:
        run(servers_url, *(one.format(id=made) for one in MENDED))


def test_a_viewer_is_led_to_no_page_that_it_may_not_open(visit: Visit, signed_in: SignIn, servers_url: str) -> None:
    run(servers_url, ALLOWANCE.format(code="ahm", used=3, alarmed="now()"))
    page = signed_in(VIEWER)
    expect(page.locator("#cases-list li").first).to_be_visible()
    expect(page.locator("#cases-list a")).to_have_count(0)
    expect(page.locator("#webhooks-none")).to_have_text("Semua webhook menerima kirimannya.")
    expect(page.locator("#imports-none")).to_be_visible()
    assert visit.violations() == []
    page.locator("#allowances-list li").filter(has_text="AHM").locator("a").click()
    expect(page.locator("#name")).to_have_text("AHM (Honda)")
    run(servers_url, MENDED[-1])
