"""Blokir: who is blocked why, and a block that is lifted with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page

from tests.web.browsing import OPERATOR, ORGANIZER, Visit, expect

NIK = "3171030101908123"


def asked(page: Page, button: str, **fields: str) -> None:
    for label, value in fields.items():
        page.locator("dialog[open]").get_by_label(label.replace("_", " "), exact=True).fill(value)
    page.locator("dialog[open]").get_by_role("button", name=button, exact=True).click()


def test_a_nik_is_blocked_and_lifted_again_with_a_reason(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(OPERATOR)
    page.locator(".side").get_by_role("link", name="Blokir").click()
    expect(page.locator("#page-said, #no-blocks h2").first).to_be_attached()
    page.get_by_role("button", name="Blokir NIK").click()
    assert visit.violations() == []
    asked(page, "Blokir NIK", NIK="3171033101000000", Alasan="Pelanggaran berat")
    expect(page.locator("dialog[open] .said")).to_contain_text("Tidak ada yang berubah.")
    asked(page, "Blokir NIK", NIK=NIK, Berapa_periode="2")
    expect(page.locator("dialog[open]")).to_have_count(0)
    # The oldest stand first, so the newest is on the last page.
    row = page.locator("#blocks tr", has_text="Pelanggaran berat")
    expect(page.locator("#next")).to_be_visible()
    while page.locator("#next").is_visible():
        before = page.url
        page.locator("#next").click()
        page.wait_for_url(lambda url: url != before)  # noqa: B023 - waited for here
        expect(page.locator("#first")).to_be_visible()
    expect(row).to_contain_text(OPERATOR)
    assert NIK not in page.content() + page.url
    assert visit.faults() == []

    row.get_by_role("button", name="Angkat blokir").click()
    asked(page, "Angkat blokir", Alasan="Banding diterima")
    expect(row).to_have_count(0)
    page.get_by_text("Diangkat", exact=True).click()
    page.wait_for_url("**/blokir?lifted=yes")
    expect(row).to_contain_text(re.compile(r"Diangkat: Banding diterima.*Diangkat \d", re.DOTALL))
    assert visit.violations() == []
    page.get_by_role("button", name="Angkat menurut NIK").click()
    asked(page, "Angkat blokir", NIK=NIK, Alasan="Banding diterima")
    expect(page.locator("dialog[open] .said")).to_contain_text("tidak ditemukan")


def test_an_organizer_blocks_nobody(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(ORGANIZER)
    visit.open("/blokir")
    expect(page.get_by_role("heading", level=1)).to_have_text("Peran Anda tidak dapat membuka halaman ini.")
    assert [line for line in visit.said if "403" not in line] == []
    visit.said.clear()
