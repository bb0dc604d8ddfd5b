"""Kasus: both sides of a refused duplicate, and a decision that leads to the next one."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page

from tests.web.browsing import OPERATOR, ORGANIZER, VIEWER, Visit, expect


def first_case(page: Page) -> str:
    return page.locator("#cases a.go").first.get_attribute("href") or ""


def test_the_oldest_case_is_decided_by_keys_and_the_next_one_comes(
    visit: Visit, signed_in: Callable[[str], Page]
) -> None:
    page = signed_in(OPERATOR)
    visit.open("/kasus")
    expect(page.locator("#sides article")).to_have_count(2)
    expect(page.locator("#sides")).to_contain_text(re.compile(r"\*{12}\d{4}"))
    assert visit.faults() == []
    page.get_by_role("button", name="Tampilkan nama dan NIK").click()
    assert visit.violations() == []
    page.get_by_label("Tujuan").fill("Banding keluarga")
    page.locator("dialog[open]").get_by_role("button", name="Tampilkan", exact=True).click()
    expect(page.locator("#sides .code").first).to_have_text(re.compile(r"^\d{16}$"))
    assert not re.search(r"\d{16}|Banding", page.url)

    oldest = first_case(page)
    page.keyboard.press("1")
    expect(page.locator("dialog[open] h2")).to_have_text("Terbukti ganda?")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_be_visible()
    page.get_by_label("Alasan").fill("Orang yang sama, dua pendaftaran")
    assert visit.violations() == []
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_have_count(2)
    expect(page.locator("#cases a.go").first).not_to_have_attribute("href", oldest)
    expect(page.locator("#cases a[aria-current]")).to_have_count(1)
    expect(page.locator("#one-title")).to_be_focused()
    mistaken = page.locator("#one-title").inner_text()
    page.keyboard.press("2")
    page.get_by_label("Siapa yang salah menulis NIK").select_option(index=1)
    page.get_by_label("Alasan").fill("Dua orang berbeda")
    page.locator("dialog[open]").get_by_role("button", name="Bukan ganda").click()
    expect(page.locator("dialog[open]")).to_have_count(0)

    page.locator("#f-state").select_option("ASKED")
    page.wait_for_url("**/kasus?state=ASKED")
    expect(page.locator("#cases tr")).to_have_count(1)
    expect(page.locator("#one-title")).to_have_text(mistaken)
    expect(page.locator("#one-note")).to_contain_text("Dua orang berbeda")
    page.get_by_role("link", name="Lihat pendaftar").click()
    page.wait_for_url("**/pendaftar/*-*")


def test_keys_that_are_switched_off_decide_nothing(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(OPERATOR)
    visit.open("/kasus")
    expect(page.locator("#sides article")).to_have_count(2)
    page.keyboard.press("?")
    page.get_by_label("Pakai pintasan satu tombol").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_an_organizer_sees_who_and_how_often_and_decides_nothing(
    visit: Visit, signed_in: Callable[[str], Page]
) -> None:
    page = signed_in(ORGANIZER)
    visit.open("/kasus")
    expect(page.locator("#sides article").first).to_contain_text("memegang NIK ini")
    expect(page.locator("#decide button")).to_have_count(0)
    assert "****" not in page.locator("#sides").inner_text()
    assert visit.violations() == []
    page.keyboard.press("1")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_viewer_has_no_cases(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(VIEWER)
    expect(page.locator(".side").get_by_role("link", name="Kasus")).to_have_count(0)
    visit.open("/kasus")
    expect(page.get_by_role("heading", level=1)).to_have_text("Peran Anda tidak dapat membuka halaman ini.")
    assert [line for line in visit.said if "403" not in line] == []
    visit.said.clear()
