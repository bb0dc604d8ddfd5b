"""Unggah: from the drop of a file to the file with its verdicts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import openpyxl
import pytest
from playwright.sync_api import Page

from app import clock
from tests.intake.lists import Row, as_csv, as_xlsx
from tests.servers import Place, Server
from tests.web.browser.clients import asked, pushed
from tests.web.browsing import ORGANIZER, Visit, expect

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FREE = '{organizer: "dishub-dki", direction: MUDIK, service: PASSENGER, withSeats: true}'
ROUTES = f"""{{ routes(where: {FREE}, first: 10) {{ nodes {{
    name departsAt origin {{ name city }} destination {{ name city }} }} }} }}"""
DROP = """(size) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([new Uint8Array(size)], 'besar.xlsx'));
    document.getElementById('drop').dispatchEvent(new DragEvent('drop', {dataTransfer, cancelable: true})); }"""
"""A file of so many bytes is dropped."""
Routes = list[dict[str, Any]]


@pytest.fixture(scope="module")
def routes(place: Place, server: Server) -> Routes:
    """Routes of the organizer that have seats."""
    found: Routes = asked(place, server, "dishub-dki", ROUTES)["routes"]["nodes"]
    assert len(found) > 1
    return found


def listed(number: int, route: Mapping[str, Any], **changes: str) -> Row:
    values = {
        "data_nik": f"317103010190{9500 + number}",
        "data_pemesan": f"Peserta {number}",
        "rute_perjalanan": route["name"],
        "keberangkatan_terminal": route["origin"]["name"],
        "tujuan_terminal": route["destination"]["name"],
        "kota_keberangkatan": route["origin"]["city"],
        "kota_tujuan": route["destination"]["city"],
        "tipe_keberangkatan": "Arus mudik",
        "tanggal_pendaftaran": today().strftime("%Y-%m-%d 00:01"),
        "status_pemesanan_tittle": "Terdaftar",
        "status_pemesanan_code": "1",
        "source": "DISHUB-DKI",
    }
    return values | changes


def today() -> datetime:
    return clock.now().astimezone(clock.WIB)


def changed(url: str, sql: str) -> None:
    """In a thread of its own: Playwright has the loop of this one."""

    async def change() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(sql)
        await connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(change())).result()


def count(page: Page, of: str) -> str:
    return page.locator(f"[data-count={of}]").inner_text()


def choose(page: Page, content: bytes, name: str = "peserta.xlsx", media: str = XLSX) -> None:
    page.locator("#file").set_input_files({"name": name, "mimeType": media, "buffer": content})


def checked(page: Page) -> None:
    expect(page.locator("#steps [aria-current]")).to_have_text(re.compile("Periksa"))
    expect(page.locator("#result")).to_be_visible()


def test_a_file_goes_from_the_drop_to_its_verdicts(
    visit: Visit, signed_in: Callable[[str], Page], routes: Routes, servers_url: str, tmp_path: Path
) -> None:
    page = signed_in(ORGANIZER)
    page.locator(".side").get_by_role("link", name="Unggah").click()
    expect(page.get_by_role("heading", name="Pilih berkas untuk diperiksa")).to_be_visible()
    assert visit.violations() == []
    good = [listed(number, routes[0]) for number in (1, 2)]
    bad = [listed(3, routes[0], data_nik="317103010190"), listed(4, routes[0], data_pemesan=" ")]
    choose(page, as_xlsx([*good, *bad]))
    checked(page)
    assert [count(page, of) for of in ("new", "updated", "unchanged", "stale", "refused")] == ["2", "0", "0", "0", "2"]
    expect(page.locator("#rows-title")).to_have_text("2 dari 4 baris ditolak")
    expect(page.locator("#rows tr")).to_have_count(2)
    page.locator("#pills").get_by_text("NIK tidak sah").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator("#rows tr")).to_contain_text("data_nik: NIK tidak sah")
    expect(page.locator("#rows-sub")).to_contain_text("Salin lagi dari KTP")
    assert re.search(r"\?job=[0-9a-f-]{36}&reason=NIK_INVALID$", page.url)
    assert visit.faults() == []
    page.reload()
    expect(page.locator("#rows tr")).to_have_count(1)
    page.locator("[data-result=NEW]").click()
    expect(page.locator("#rows-title")).to_have_text("2 dari 4 baris baru")

    page.get_by_role("button", name="Kirim 2 baris").click()
    expect(page.locator("dialog[open]")).to_contain_text("2 baris yang ditolak tidak dikirim.")
    assert visit.violations() == []
    page.locator("dialog[open]").get_by_role("button", name="Kirim", exact=True).click()
    expect(page.locator("#job-title")).to_have_text("Hasil pengiriman")
    expect(page.locator("#steps [aria-current]")).to_have_text(re.compile("Hasil"))
    assert (count(page, "new"), count(page, "refused")) == ("2", "2")
    expect(page.get_by_role("button", name=re.compile("^Kirim"))).to_have_count(0)
    with page.expect_download() as download:
        page.locator("#result").click()
    assert re.fullmatch(r"hasil-[0-9a-f-]{36}\.xlsx", download.value.suggested_filename)
    download.value.save_as(tmp_path / "hasil.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "hasil.xlsx").worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][-2:] == ("hasil", "keterangan")
    assert [row[-2] for row in rows[1:]] == ["diterima", "diterima", "ditolak", "ditolak"]

    page.get_by_role("link", name="Riwayat unggahan").click()
    expect(page.locator("#jobs tr").first).to_contain_text("Pengiriman")
    assert visit.violations() == []
    page.locator("#jobs a.go").nth(1).click()
    expect(page.locator("#job-title")).to_have_text("Hasil pemeriksaan")
    changed(servers_url, "UPDATE import_job SET wiped_at = now() WHERE dry_run")
    page.get_by_role("button", name="Kirim 2 baris").click()
    page.locator("dialog[open]").get_by_role("button", name="Kirim", exact=True).click()
    expect(page.locator("dialog[open] .said")).to_contain_text("Unggah berkasnya lagi.")
    assert visit.violations() == []
    visit.open("/unggah?job=00000000-0000-7000-8000-000000000000")
    expect(page.get_by_role("heading", name="Unggahan ini tidak ada")).to_be_visible()


def test_a_file_that_is_no_list_is_refused_and_a_large_one_is_not_sent(
    visit: Visit, signed_in: Callable[[str], Page], routes: Routes
) -> None:
    page = signed_in(ORGANIZER)
    visit.open("/unggah")
    columns = [name for name in listed(1, routes[0]) if name != "data_nik"]
    lacking = [{name: value for name, value in listed(1, routes[0]).items() if name in columns}]
    choose(page, as_csv(lacking, columns), "tanpa-nik.csv", "text/csv")
    expect(page.locator("#job .note.bad")).to_contain_text("data_nik")
    expect(page.locator("#job .note.bad").get_by_role("link", name="Templat")).to_have_attribute(
        "href", "/template.xlsx"
    )
    expect(page.locator("#rows-panel")).to_be_hidden()
    assert visit.violations() == []
    page.evaluate(DROP, 21 * 1024 * 1024)
    expect(page.locator("#trouble")).to_contain_text("Berkas ini 21 MB, lebih dari 20 MB.")
    assert page.locator("#file-name").inner_text() == "besar.xlsx"


def test_a_broken_upload_is_tried_again_and_many_moves_are_confirmed(
    visit: Visit, signed_in: Callable[[str], Page], routes: Routes, place: Place
) -> None:
    pushed(place, visit.server, "dishub-dki", [listed(number, routes[0]) for number in (11, 12)])
    page = signed_in(ORGANIZER)
    visit.open("/unggah")
    page.get_by_text("Pindahkan dan perbaiki").click()
    page.route("**/import?*", lambda route: route.abort())
    choose(page, as_csv([listed(number, routes[1]) for number in (11, 12)]), "pindah.csv", "text/csv")
    expect(page.locator("#trouble")).to_contain_text("Terputus di")
    expect(page.locator("#trouble")).to_contain_text("tidak ada yang digandakan")
    page.unroute("**/import?*")
    page.get_by_role("button", name="Coba lagi").click()
    checked(page)
    expect(page.locator("#job .note")).to_contain_text("lebih dari seperlima")
    expect(page.locator("#trouble")).to_be_empty()
    assert count(page, "updated") == "2"
    page.get_by_role("link", name="Lihat yang berbeda dari yang tersimpan").click()
    expect(page.locator("#rows-title")).to_have_text("Baris yang berbeda dari yang tersimpan")
    expect(page.locator("#rows tr").first).to_contain_text("rute_perjalanan: tersimpan")
    assert visit.violations() == []
    page.get_by_role("button", name="Kirim 2 baris").click()
    page.get_by_label("Barisnya sudah saya periksa").check()
    page.locator("dialog[open]").get_by_role("button", name="Kirim", exact=True).click()
    expect(page.locator("#job-title")).to_have_text("Hasil pengiriman")
    assert count(page, "updated") == "2"
    assert [line for line in visit.said if "ERR_FAILED" not in line] == []
    visit.said.clear()


def test_a_whole_list_names_who_is_missing_and_a_day_is_compared(
    visit: Visit, signed_in: Callable[[str], Page], routes: Routes, place: Place
) -> None:
    pushed(place, visit.server, "dishub-dki", [listed(number, routes[1]) for number in (21, 22)])
    page = signed_in(ORGANIZER)
    visit.open("/unggah?view=match")
    page.get_by_label("Satu hari pendaftaran").check()
    choose(page, as_csv([listed(21, routes[1])]), "hari-ini.csv", "text/csv")
    expect(page.locator("#trouble")).to_contain_text("Pilih harinya dulu.")
    page.locator("#match-day").fill(today().date().isoformat())
    checked(page)
    missing = re.compile(r"^\d+ orang ada di registri dan tidak di daftar ini$")
    expect(page.locator("#missing-title")).to_have_text(missing)
    expect(page.locator("#missing tr").first).to_contain_text("tetap")
    page.get_by_role("link", name="Lihat yang berbeda dari yang tersimpan").click()
    expect(page.locator("#rows-said")).to_have_text("Tidak ada yang berbeda.")
    expect(page.locator("#cancel-missing")).to_have_count(0)
    assert visit.violations() == []
    page.get_by_role("button", name="Kirim daftar ini").click()
    page.locator("dialog[open]").get_by_role("button", name="Kirim", exact=True).click()
    page.get_by_role("button", name="Batalkan yang tidak ada di daftar").click()
    assert visit.violations() == []
    page.get_by_role("button", name="Batalkan mereka").click()
    expect(page.locator("#missing tr").first).to_contain_text("dibatalkan")
    expect(page.locator("#cancel-missing")).to_have_count(0)

    visit.open(f"/unggah?view=day&date={today().date().isoformat()}")
    expect(page.locator("#sum")).to_have_text(re.compile(r"^[0-9a-f]{64}$"))
    expect(page.locator("#counts tr")).to_have_count(7)
    page.locator("#f-checksum").fill(page.locator("#sum").inner_text())
    expect(page.locator("#compared")).to_contain_text("Sidiknya sama.")
    page.locator("#f-checksum").fill("0" * 64)
    expect(page.locator("#compared")).to_contain_text("Sidiknya berbeda.")
    assert visit.violations() == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert not visit.scrolls_sideways()
