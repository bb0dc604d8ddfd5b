"""Rute: which are full, seats that are released now, later and daily, routes from a form and a file, and a manifest."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import openpyxl
from playwright.sync_api import Locator, Page

from app import clock
from tests.web.browser.losing import held, sent_without_an_answer
from tests.web.browsing import ORGANIZER, VIEWER, Visit, expect

FILE = """rute_perjalanan;tipe_keberangkatan;layanan;moda;terminal_asal;terminal_tujuan;waktu_keberangkatan;kuota
Jakarta - Solo;Arus mudik;penumpang;Bus;pulo-gebang;tirtonadi;2026-03-16 09:00;40
"Rute berkas; satu";Arus mudik;penumpang;Bus;{places};{day} 09:00;40
Rute berkas dua;mudik;;;{places};{day} 10:00;
Rute berkas tiga;pulang;;;{places};;
Rute berkas empat;Arus mudik;;;tidak-ada;tirtonadi;;
"""


def remaining(page: Page) -> list[float]:
    """Of each row that is shown: full is 0, and what is not limited is more than all."""
    words = page.locator("#routes td[data-h] strong").all_inner_texts()
    return [float({"penuh": "0", "∞": "inf"}.get(word, word.replace(".", ""))) for word in words]


def asked(page: Page) -> Locator:
    return page.locator("dialog[open]")


def day_after(days: int) -> str:
    return (clock.now().astimezone(clock.WIB) + timedelta(days=days)).date().isoformat()


def opened(visit: Visit, page: Page) -> None:
    visit.open("/rute")
    page.wait_for_url("**/rute?organizer=dishub-dki")
    expect(page.locator("#routes tr").first).to_be_visible()


def test_the_fullest_come_first_and_seats_are_released(
    visit: Visit, signed_in: Callable[[str], Page], servers_url: str
) -> None:
    page = signed_in(ORGANIZER)
    opened(visit, page)
    left = remaining(page)
    assert left == sorted(left)
    assert visit.faults() == []
    row = page.locator("#routes tr").first
    path = row.locator("a.go").get_attribute("href") or ""
    quota = int((row.locator(".fillcell .line2").inner_text().rpartition(" ")[2]).replace(".", ""))
    row.get_by_role("button", name=re.compile("^Lepas kursi")).click()
    asked(page).get_by_label("Tambah berapa kursi").fill("7")
    expect(asked(page)).to_contain_text(f"Kuota sesudah pelepasan ini: {quota + 7} kursi.")
    assert visit.violations() == []
    once_more = "tidak ada yang dilakukan dua kali"
    with sent_without_an_answer(page), held(servers_url, "SELECT FROM route FOR UPDATE") as asked_for:
        asked(page).get_by_role("button", name="Lepas 7 kursi").click()
        expect(asked(page).locator(".said")).to_contain_text(once_more)
        # Else the second press could be the one that has the key.
        asked_for()
        asked(page).get_by_role("button", name="Lepas 7 kursi").click()
        expect(asked(page).locator(".said")).to_contain_text("masih diproses")
        expect(asked(page).locator(".said")).to_contain_text(once_more)
    asked(page).get_by_role("button", name="Lepas 7 kursi").click()
    expect(asked(page)).to_have_count(0)
    released = page.locator(f'#routes tr:has(a[href="{path}"])')
    expect(released.locator(".fillcell .line2")).to_have_text(re.compile(f"dari {quota + 7}$"))

    visit.open(path)
    expect(page.locator("#releases li").first).to_be_visible()
    waiting = page.locator("#releases li.wait")
    before = waiting.count()
    page.get_by_role("button", name="Lepas kursi").click()
    asked(page).get_by_label("Kapan").select_option("daily")
    asked(page).get_by_label("Dari hari").fill(day_after(1))
    asked(page).get_by_label("Sampai hari").fill(day_after(2))
    asked(page).get_by_label("Jam").fill("07:30")
    assert visit.violations() == []
    asked(page).get_by_role("button", name="Lepas 40 kursi").click()
    expect(waiting).to_have_count(before + 2)
    expect(waiting.filter(has_text="setiap hari")).to_have_count(2)
    page.get_by_role("button", name="Lepas kursi").click()
    asked(page).get_by_label("Kapan").select_option("at")
    asked(page).get_by_label("Waktu pelepasan").fill(f"{day_after(1)}T23:45")
    asked(page).get_by_role("button", name="Lepas 40 kursi").click()
    later = waiting.filter(has_text="23.45 WIB")
    expect(later).to_have_count(1)
    later.get_by_role("button").click()
    asked(page).get_by_role("button", name="Batalkan", exact=True).click()
    expect(later).to_have_count(0)
    assert visit.violations() == []
    page.get_by_role("button", name="Lepas kursi").click()
    asked(page).get_by_label("Tambah berapa kursi").fill("-99999")
    asked(page).get_by_role("button", name="Turunkan 99.999 kursi").click()
    expect(asked(page).locator(".said")).to_contain_text("Kuota tidak dapat diturunkan")
    assert [line for line in visit.said if "ERR_FAILED" not in line and "409" not in line] == []
    visit.said.clear()


def test_routes_come_by_a_form_and_by_a_file(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(ORGANIZER)
    opened(visit, page)
    page.get_by_role("button", name="Tambah rute").click()
    assert visit.violations() == []
    asked(page).get_by_label("Nama rute").fill("Rute uji halaman")
    asked(page).get_by_label("Terminal asal").select_option("pulo-gebang")
    asked(page).get_by_label("Terminal tujuan").select_option("tirtonadi")
    asked(page).get_by_label("Berangkat (WIB)").fill(f"{day_after(9)}T08:15")
    asked(page).get_by_label("Kuota").fill("1")
    asked(page).get_by_role("button", name="Simpan rute").click()
    added = page.locator("#routes tr", has_text="Rute uji halaman")
    expect(added).to_contain_text("08.15 WIB")
    expect(added).to_contain_text("0 dari 1")
    added.locator("a.go").click()
    page.get_by_role("button", name="Ubah").click()
    asked(page).get_by_label("Berangkat (WIB)").fill(f"{day_after(9)}T09:45")
    asked(page).get_by_role("button", name="Simpan rute").click()
    expect(page.locator("#about")).to_contain_text("09.45 WIB")
    expect(page.get_by_text("Belum ada yang terdaftar di rute ini.")).to_be_visible()

    opened(visit, page)
    content = FILE.format(places="pulo-gebang;tirtonadi", day=day_after(8)).encode()
    page.locator("#csv").set_input_files({"name": "rute.csv", "mimeType": "text/csv", "buffer": content})
    said = page.locator("#note")
    expect(said).to_contain_text("2 rute tersimpan seperti di berkas. 2 baris ditolak.")
    expect(said).to_contain_text("Baris 5: tipe_keberangkatan: tulis Arus mudik atau Arus balik.")
    expect(said).to_contain_text("Baris 6: ")
    page.locator("#f-order").select_option("departure")
    page.wait_for_url("**/rute?organizer=dishub-dki&order=departure")
    expect(page.locator("#routes tr", has_text="Rute berkas; satu")).to_contain_text("09.00 WIB")
    assert visit.violations() == []
    page.locator("#csv").set_input_files({"name": "x.csv", "mimeType": "text/csv", "buffer": b"a;b\n1;2\n"})
    expect(said).to_contain_text("kolom rute_perjalanan, tipe_keberangkatan, terminal_asal, terminal_tujuan tidak ada")
    with page.expect_download() as download:
        said.get_by_role("button", name="Templat rute").click()
    assert download.value.suggested_filename == "templat-rute.csv"


def workbook() -> bytes:
    """As Excel saves one: texts stand apart, and a time is a number that is shown as a date."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Daftar rute 2026"])
    names = "rute_perjalanan tipe_keberangkatan layanan terminal_asal terminal_tujuan waktu_keberangkatan kuota"
    sheet.append(names.split())
    leaves = datetime.fromisoformat(f"{day_after(7)}T13:30:00")
    sheet.append(["Rute <buku> & satu", "Arus mudik", None, "pulo-gebang", "tirtonadi", leaves, 40])
    sheet.append(["Rute buku dua", "Entah", "penumpang", "pulo-gebang", "tirtonadi", f"{day_after(7)} 14:00", 40])
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def test_routes_come_by_a_workbook_too(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(ORGANIZER)
    opened(visit, page)
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    page.locator("#csv").set_input_files({"name": "rute.xlsx", "mimeType": media, "buffer": workbook()})
    said = page.locator("#note")
    expect(said).to_contain_text("1 rute tersimpan seperti di berkas. 1 baris ditolak.")
    expect(said).to_contain_text("Baris 4: tipe_keberangkatan: tulis Arus mudik atau Arus balik.")
    page.locator("#f-order").select_option("departure")
    expect(page.locator("#routes tr", has_text="Rute <buku> & satu")).to_contain_text("13.30 WIB")
    expect(page.locator("#routes tr", has_text="Rute <buku> & satu")).to_contain_text("0 dari 40")
    # What begins as a workbook and is none.
    page.locator("#csv").set_input_files({"name": "x.xlsx", "mimeType": media, "buffer": workbook()[:900]})
    expect(said).to_contain_text("Berkas ini bukan daftar rute: kolom rute_perjalanan")
    assert visit.violations() == []


def test_a_manifest_is_printed_by_name(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(ORGANIZER)
    opened(visit, page)
    empty = page.locator(".fillcell .line2", has_text=re.compile("^0 dari "))
    with_people = page.locator("#routes tr").filter(has_not=empty)
    with_people.locator("a.go").first.click()
    page.wait_for_url("**/rute/*-*")
    expect(page.locator("#people tr").first).to_be_visible()
    names = page.locator("#people a.go").all_inner_texts()
    assert "Disamarkan" not in names
    assert names == page.evaluate("(names) => [...names].sort((a, b) => a.localeCompare(b))", names)
    assert page.locator("#people td.n").first.inner_text() == "1"
    expect(page.locator("#aboard-sub")).to_contain_text(f"{len(names)} orang:")
    assert visit.violations() == []
    for width in (320, 820):
        page.set_viewport_size({"width": width, "height": 900})
        assert not visit.scrolls_sideways(), width
    page.set_viewport_size({"width": 1024, "height": 900})
    page.emulate_media(media="print")
    expect(page.locator("#people .tick span").first).to_be_visible()
    expect(page.get_by_role("button", name="Cetak manifes")).to_be_hidden()
    expect(page.locator(".side")).to_be_hidden()


def test_a_viewer_sees_routes_and_masked_people_and_does_nothing(
    visit: Visit, signed_in: Callable[[str], Page]
) -> None:
    page = signed_in(VIEWER)
    visit.open("/rute")
    expect(page.locator("#page-said")).to_contain_text("1 sampai 25 dari ")
    expect(page.get_by_role("button", name=re.compile("^(Lepas|Tambah|Muat)"))).to_have_count(0)
    first = page.locator("#routes a.go").first.get_attribute("href")
    page.get_by_role("link", name="Berikutnya").click()
    expect(page.locator("#page-said")).to_contain_text("26 sampai ")
    expect(page.locator("#routes a.go").first).not_to_have_attribute("href", first or "")
    page.get_by_text("Penuh", exact=True).click()
    page.wait_for_url("**/rute?seats=full")
    expect(page.locator("#routes tr").first).to_contain_text("penuh")
    page.locator("#routes a.go").first.click()
    expect(page.locator("#people a.go").first).to_have_text("Disamarkan")
    visit.open("/rute/00000000-0000-7000-8000-000000000000")
    expect(page.get_by_text("Tidak ada rute dengan id ini.")).to_be_visible()
    assert visit.violations() == []
