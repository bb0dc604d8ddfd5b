"""Laporan: one day on one page, with the day in the address; a picture of it, and one sheet of paper."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page

from app import clock
from tests.web.browsing import ORGANIZER, VIEWER, Visit, expect

SignIn = Callable[[str], Page]
A_PAGE = re.compile(rb"/Type\s*/Page\b")


def drawn(page: Page) -> None:
    expect(page.locator("#sheet-foot")).to_contain_text("Pemudik, registri mudik gratis")
    expect(page.locator("#fortnight svg.plot")).to_be_visible()


def counted(page: Page) -> int:
    return int(page.locator("[data-figure=day]").inner_text().replace(".", ""))


def test_a_day_is_told_on_one_page_with_the_day_in_the_address(visit: Visit, signed_in: SignIn) -> None:
    page = signed_in(VIEWER)
    page.locator("#report").click()
    page.wait_for_url("**/laporan")
    drawn(page)
    today = clock.now().astimezone(clock.WIB).date()
    expect(page.locator("#f-day")).to_have_value(today.isoformat())
    expect(page.locator("#after")).to_be_hidden()
    page.locator("#before").click()
    yesterday = today - timedelta(days=1)
    page.wait_for_url(f"**/laporan?day={yesterday}")
    drawn(page)
    expect(page.locator("#after")).to_be_visible()
    everybody = counted(page)
    assert everybody > 0
    rows = page.locator("#by tr")
    shown = [int(text.replace(".", "")) for text in rows.locator("td:nth-child(2)").all_inner_texts()]
    assert sum(shown) == everybody
    assert shown[:-1] == sorted(shown[:-1], reverse=True)
    page.locator("#f-organizer").select_option("ahm")
    page.wait_for_url(f"**/laporan?day={yesterday}&organizer=ahm")
    expect(page.locator("#sheet-sub")).to_contain_text("AHM (Honda)")
    assert counted(page) <= everybody
    page.reload()
    drawn(page)
    expect(page.locator("#sheet-sub")).to_contain_text("AHM (Honda)")
    assert visit.faults() == []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#after").click()
    drawn(page)
    assert parse_qs(urlsplit(page.url).query) == {"day": [today.isoformat()], "organizer": ["ahm"]}


def test_the_report_is_a_picture_and_one_sheet(visit: Visit, signed_in: SignIn, tmp_path: Path) -> None:
    page = signed_in(ORGANIZER)
    visit.open("/laporan")
    drawn(page)
    expect(page.locator("#by tr")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("button", name="Simpan gambar").click()
    assert re.fullmatch(r"laporan-\d{4}-\d\d-\d\d\.png", download.value.suggested_filename)
    download.value.save_as(tmp_path / "laporan.png")
    picture = (tmp_path / "laporan.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    # Twice as wide as the sheet, with its margins: 720 and 48 pixels.
    assert struct.unpack(">I", picture[16:20]) == (1536,)
    assert len(picture) > 50_000
    visit.page.emulate_media(media="print")
    assert len(A_PAGE.findall(page.pdf(format="A4"))) == 1


def test_a_report_of_all_organizers_fits_on_one_sheet(visit: Visit, signed_in: SignIn) -> None:
    page = signed_in(VIEWER)
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        visit.open("/laporan")
        drawn(page)
        page.emulate_media(media="print")
        assert len(A_PAGE.findall(page.pdf(format="A4"))) == 1, width
        page.emulate_media(media="screen")
