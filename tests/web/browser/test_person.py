"""One person's page: found by NIK for a purpose, put right, moved, handed over, cancelled and reopened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from playwright.sync_api import Page

from tests.servers import Place, Server
from tests.web.browser.clients import asked
from tests.web.browser.families import Asked, family, rider, route
from tests.web.browser.losing import lose_the_answer
from tests.web.browsing import OPERATOR, ORGANIZER, Visit, expect

ONE = (
    """query ($id: ID!) { registrant(ref: {id: $id}) { nik name status route { name } motorcycle { handedOverAt } } }"""
)
SignIn = Callable[[str], Page]


@pytest.fixture
def dki(place: Place, server: Server) -> Asked:
    return partial(asked, place, server, "dishub-dki")


def opened(page: Page, act: str) -> None:
    page.locator("#actions").get_by_role("button", name=act, exact=True).click()


def sent(page: Page, dialog: str) -> None:
    page.locator(f"#{dialog}-form button[type=submit]").click()


def test_somebody_is_found_by_nik_for_a_purpose(visit: Visit, signed_in: SignIn, dki: Asked) -> None:
    [one] = family(dki, "ORG-NIK", 1)
    nik = dki(ONE, id=one["id"])["registrant"]["nik"]
    page = signed_in(ORGANIZER)
    visit.open("/pendaftar")
    page.get_by_label("Kode booking, NIK atau id").fill(nik)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Pencarian ini tercatat dengan nama Anda.")
    assert visit.violations() == []
    page.get_by_label("Keperluan").fill("Peserta lupa kode bookingnya")
    page.get_by_role("button", name="Cari NIK ini").click()
    page.wait_for_url(f"**/pendaftar/{one['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(one["name"])
    assert nik not in page.url + page.title()
    visit.open("/pendaftar")
    page.get_by_label("Kode booking, NIK atau id").fill("3172050101908999")
    page.keyboard.press("Enter")
    page.get_by_label("Keperluan").fill("Peserta lupa kode bookingnya")
    page.get_by_role("button", name="Cari NIK ini").click()
    expect(dialog).to_contain_text("Tidak ada pendaftar dengan NIK ini")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Kode booking, NIK atau id")).to_have_value("")


def test_data_is_put_right_and_a_refusal_changes_nothing(visit: Visit, signed_in: SignIn, dki: Asked) -> None:
    one, other = family(dki, "ORG-SALAH", 2)
    taken = dki(ONE, id=other["id"])["registrant"]["nik"]
    before = dki(ONE, id=one["id"])
    page = signed_in(ORGANIZER)
    visit.open(f"/pendaftar/{one['id']}")
    opened(page, "Perbaiki data")
    assert visit.violations() == []
    page.get_by_role("dialog").get_by_label("Alasan").fill("Salah ketik di formulir")
    sent(page, "correct")
    expect(page.get_by_role("dialog")).to_contain_text("Isi nama atau NIK yang benar.")
    page.get_by_label("NIK yang benar").fill(taken)
    sent(page, "correct")
    expect(page.get_by_role("dialog")).to_contain_text("Tidak ada yang berubah.")
    assert visit.violations() == []
    assert dki(ONE, id=one["id"]) == before
    page.get_by_label("NIK yang benar").fill("")
    page.get_by_label("Nama yang benar").fill("Siti Rahayu Kusumaningtyas")
    sent(page, "correct")
    expect(page.get_by_role("heading", level=1)).to_have_text("Siti Rahayu Kusumaningtyas")
    expect(page.locator("#timeline li strong").first).to_have_text("Batas verifikasi")
    expect(page.locator("#timeline")).to_contain_text("Data diperbaiki")
    page.set_viewport_size({"width": 320, "height": 800})
    assert not visit.scrolls_sideways()


def test_somebody_is_moved_cancelled_and_reopened(visit: Visit, signed_in: SignIn, dki: Asked) -> None:
    [one] = family(dki, "ORG-PINDAH", 1)
    leaves = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    there = route(dki, "Rute tambahan", leaves)
    page = signed_in(ORGANIZER)
    visit.open(f"/pendaftar/{one['id']}")
    opened(page, "Pindahkan")
    expect(page.locator(f"#move-route option[value='{there}']")).to_have_count(1)
    assert visit.violations() == []
    page.get_by_label("Rute baru").select_option(there)
    lose_the_answer(page)
    sent(page, "move")
    expect(page.get_by_role("dialog")).to_contain_text("tidak ada yang dilakukan dua kali")
    assert [line for line in visit.said if "ERR_FAILED" not in line] == []
    visit.said.clear()
    sent(page, "move")
    expect(page.locator("#timeline li").filter(has_text="Dipindahkan ke rute lain")).to_have_count(1)
    assert dki(ONE, id=one["id"])["registrant"]["route"]["name"] == "Rute tambahan"
    opened(page, "Batalkan")
    page.get_by_role("dialog").get_by_label("Alasan").fill("Sakit mendadak")
    sent(page, "cancel")
    expect(page.locator("#sub .chip")).to_have_text("Batal")
    expect(page.locator("#actions button")).to_have_text(["Perbaiki data"])
    page.context.clear_cookies()
    page.goto("about:blank")
    signed_in(OPERATOR)
    visit.open(f"/pendaftar/{one['id']}")
    # Another organizer's person is masked, and Hubdat alone takes ends back.
    expect(page.get_by_role("heading", level=1)).to_have_text("Disamarkan")
    expect(page.locator("#actions button")).to_have_text(["Buka kembali"])
    opened(page, "Buka kembali")
    expect(page.get_by_role("dialog")).to_contain_text("Kembali ke status sebelum dibatalkan")
    assert visit.violations() == []
    page.get_by_role("dialog").get_by_label("Alasan").fill("Dibatalkan keliru")
    sent(page, "reopen")
    expect(page.locator("#sub .chip")).to_have_text("Terdaftar")
    assert dki(ONE, id=one["id"])["registrant"]["status"] == "REGISTERED"


def test_a_motorcycle_is_handed_over(visit: Visit, signed_in: SignIn, dki: Asked) -> None:
    one = rider(dki, "ORG-MOTOR")
    page = signed_in(ORGANIZER)
    visit.open(f"/pendaftar/{one['id']}")
    opened(page, "Catat motor diserahkan")
    assert visit.violations() == []
    sent(page, "handover")
    expect(page.locator("#timeline")).to_contain_text("Motor diserahkan")
    assert dki(ONE, id=one["id"])["registrant"]["motorcycle"]["handedOverAt"]
    expect(page.get_by_role("button", name="Catat motor diserahkan")).to_have_count(0)
