"""Penyelenggara: the ministry's table, what Hubdat changes in place, clients with a secret shown once, and merging."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import Locator, Page

from app import clock
from tests.servers import Place, Server
from tests.web.browser.clients import asked, credentials
from tests.web.browser.losing import kept_back, lose_the_answer
from tests.web.browsing import OPERATOR, ORGANIZER, VIEWER, Visit, expect

ROUTE = """{ routes(where: {organizer: "dishub-dki", direction: MUDIK, service: PASSENGER}, first: 1) { nodes {
    name origin { name city } destination { name city } } } }"""
Asked = Callable[..., Any]


def dialog(page: Page) -> Locator:
    return page.locator("dialog[open]")


def press(page: Page, button: str) -> None:
    dialog(page).get_by_role("button", name=button, exact=True).click()


def opened(visit: Visit, code: str) -> None:
    visit.open(f"/penyelenggara/{code}")
    expect(visit.page.locator("#parts")).to_be_visible()


def test_the_table_leads_to_each_organizer(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(OPERATOR)
    page.locator(".side").get_by_role("link", name="Penyelenggara").click()
    # Other tests add organizers of their own.
    expect(
        page.locator("#organizers tr").filter(has_not_text=re.compile("(Induk|Anggota) Uji|Dishub Baru"))
    ).to_have_count(11)
    # Another test may have added one already.
    expect(page.locator("#sub")).to_have_text(re.compile(r"^1\d penyelenggara, 1\d sedang membuka pendaftaran$"))
    expect(page.locator("#organizers tr", has_text="BUMN Contoh 1")).to_contain_text("dikoordinasi Jasa Raharja")
    assert visit.faults() == []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/penyelenggara/ahm")
    expect(page.get_by_role("heading", level=1)).to_have_text("AHM (Honda)")
    opened(visit, "jasa-raharja")
    expect(page.locator("#facts .members li")).to_have_text(["BUMN Contoh 1", "BUMN Contoh 2"])
    visit.open("/penyelenggara/tidak-ada")
    expect(page.locator("#trouble")).to_contain_text("Tidak ada penyelenggara dengan kode ini.")


def test_a_coordinator_takes_a_member_on_its_page(
    visit: Visit, signed_in: Callable[[str], Page], place: Place, server: Server
) -> None:
    save = "mutation ($input: OrganizerInput!) { saveOrganizer(input: $input) { ... on Organizer { code } } }"
    for code, name in (("induk-uji", "Induk Uji"), ("anggota-uji", "Anggota Uji")):
        given = {"code": code, "name": name}
        assert asked(place, server, "hubdat", save, input=given)["saveOrganizer"] == {"code": code}
    page = signed_in(OPERATOR)
    opened(visit, "induk-uji")
    page.get_by_role("button", name="Tambah anggota").click()
    offered = dialog(page).locator("select option").all_inner_texts()
    # Nobody who is coordinated or coordinates already.
    assert "Anggota Uji" in offered
    assert not {"Induk Uji", "Jasa Raharja", "BUMN Contoh 1"}.intersection(offered)
    assert visit.violations() == []
    dialog(page).locator("select").select_option("anggota-uji")
    press(page, "Jadikan anggota")
    expect(page.locator("#facts .members li")).to_have_text(["Anggota Uji"])
    expect(page.locator("#history tr", has_text="Penyelenggara")).not_to_have_count(0)
    opened(visit, "anggota-uji")
    expect(page.locator("#facts")).to_contain_text("Induk Uji")
    expect(page.get_by_role("button", name="Tambah anggota")).to_have_count(0)


def test_hubdat_adds_one_and_changes_policy_and_waves_in_place(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(OPERATOR)
    visit.open("/penyelenggara")
    page.get_by_role("button", name="Tambah penyelenggara").click()
    dialog(page).get_by_label("Kode", exact=True).fill("dishub-baru")
    dialog(page).get_by_label("Nama", exact=True).fill("AHM (Honda)")
    assert visit.violations() == []
    press(page, "Tambah penyelenggara")
    expect(dialog(page).locator(".said")).to_contain_text("Nama itu sudah dipakai penyelenggara lain")
    dialog(page).get_by_label("Nama", exact=True).fill("Dishub Baru")
    press(page, "Tambah penyelenggara")
    page.wait_for_url("**/penyelenggara/dishub-baru")
    expect(page.locator("#no-waves")).to_contain_text("Belum ada jadwal")

    page.get_by_role("button", name="Ubah ketentuan").click()
    dialog(page).get_by_label("Batas verifikasi").fill("5")
    dialog(page).get_by_label("Verifikasi sebelum masanya ditolak").check()
    assert visit.violations() == []
    press(page, "Simpan ketentuan")
    expect(dialog(page)).to_have_count(0)
    expect(page.locator("#policy dd").first).to_have_text("5 hari (H+5)")
    expect(page.locator("#history tr", has_text="Ketentuan diubah")).to_contain_text(
        re.compile(r"Batas verifikasi: .*5 hari.*Verifikasi sebelum masanya ditolak: tidak → ya.*operator@", re.DOTALL)
    )

    year = clock.now().astimezone(clock.WIB).year
    page.get_by_role("button", name="Tambah gelombang").click()
    dialog(page).get_by_label("Dibuka (WIB)").fill(f"{year}-12-30T08:00")
    dialog(page).get_by_label("Ditutup (WIB)").fill(f"{year}-12-30T07:00")
    press(page, "Simpan gelombang")
    expect(dialog(page).locator(".said")).to_contain_text("Waktu tutup harus sesudah waktu buka")
    dialog(page).get_by_label("Ditutup (WIB)").fill("")
    press(page, "Simpan gelombang")
    expect(page.locator("#waves tr")).to_contain_text("belum mulai")
    page.locator("#waves").get_by_role("button", name="Ubah").click()
    expect(dialog(page).get_by_label("Dibuka (WIB)")).to_have_value(f"{year}-12-30T08:00")
    dialog(page).get_by_label("Catatan").fill("Diundur sehari")
    dialog(page).get_by_label("Dibuka (WIB)").fill(f"{year}-12-31T08:00")
    press(page, "Simpan gelombang")
    expect(page.locator("#waves tr")).to_contain_text("31 Des, 08.00")
    expect(page.locator("#waves tr")).to_contain_text("Diundur sehari")
    page.locator("#waves").get_by_role("button", name="Tarik").click()
    dialog(page).get_by_label("Alasan").fill("Batal dibuka")
    press(page, "Tarik")
    expect(page.locator("#waves tr")).to_have_count(0)
    expect(page.locator("#waves-before summary")).to_have_text("2 yang diubah atau ditarik")
    page.locator("#waves-before summary").click()
    expect(page.locator("#waves-before li").first).to_contain_text("Diubah")
    expect(page.locator("#waves-before li").last).to_contain_text("Ditarik")

    page.get_by_role("button", name="Atur jatah").click()
    dialog(page).get_by_label("NIK sehari").fill("500")
    dialog(page).get_by_label("Alasan").fill("Aplikasi baru")
    press(page, "Simpan jatah")
    expect(page.locator("#facts")).to_contain_text("0 dari 500 dipakai")
    page.locator("#acts").get_by_role("button", name="Ubah").click()
    dialog(page).get_by_label("Koordinator").select_option("jasa-raharja")
    dialog(page).get_by_label("Berkas Excel").check()
    press(page, "Simpan penyelenggara")
    expect(page.locator("#about")).to_have_text("GraphQL, Berkas Excel")
    expect(page.locator("#facts").get_by_role("link", name="Jasa Raharja")).to_be_visible()
    assert visit.faults() == []


def test_two_tabs_take_nothing_of_each_other_back(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(OPERATOR)
    opened(visit, "bumn-contoh-2")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("#parts")).to_be_visible()
    page.get_by_role("button", name="Ubah penyelenggara").first.click()
    dialog(page).get_by_label("Nama", exact=True).fill("BUMN Contoh Dua")
    press(page, "Simpan penyelenggara")
    expect(page.get_by_role("heading", level=1)).to_have_text("BUMN Contoh Dua")
    page.get_by_role("button", name="Ubah ketentuan").click()
    dialog(page).get_by_label("Batas verifikasi").fill("9")
    press(page, "Simpan ketentuan")
    expect(page.locator("#policy dd").first).to_have_text("9 hari (H+9)")
    other.get_by_role("button", name="Ubah ketentuan").click()
    dialog(other).get_by_label("Tidak hadir sesudah").fill("45")
    press(other, "Simpan ketentuan")
    expect(other.locator("#policy")).to_contain_text("45 menit")
    expect(other.locator("#policy dd").first).to_have_text("9 hari (H+9)")
    expect(other.get_by_role("heading", level=1)).to_have_text("BUMN Contoh Dua")
    other.locator("#acts").get_by_role("button", name="Ubah").click()
    dialog(other).get_by_label("Nama", exact=True).fill("BUMN Contoh 2")
    press(other, "Simpan penyelenggara")
    expect(other.get_by_role("heading", level=1)).to_have_text("BUMN Contoh 2")


def test_a_secret_is_shown_once(visit: Visit, signed_in: Callable[[str], Page], server: Server) -> None:
    page = signed_in(OPERATOR)
    opened(visit, "ahm")
    expect(page.locator("#clients tr").first).to_be_visible()
    before = page.locator("#clients tr").count()
    page.get_by_role("button", name="Terbitkan klien").click()
    press(page, "Terbitkan klien")
    expect(dialog(page).locator(".said")).to_contain_text("Sebutkan sedikitnya satu scope")
    dialog(page).get_by_label("cek NIK").check()
    lose_the_answer(page)
    with kept_back(page):
        press(page, "Terbitkan klien")
        page.keyboard.press("Escape")
        expect(dialog(page).get_by_role("button", name="Tidak jadi")).to_be_disabled()
    expect(dialog(page).locator(".said")).to_contain_text("tidak ada yang dilakukan dua kali")
    assert [line for line in visit.said if "ERR_FAILED" not in line] == []
    visit.said.clear()
    press(page, "Terbitkan klien")
    expect(page.get_by_role("heading", name="Simpan rahasia ini sekarang")).to_be_visible()
    expect(dialog(page)).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert visit.violations() == []
    client, secret = dialog(page).locator("dd").first.inner_text(), dialog(page).locator(".secret").inner_text()
    press(page, "Sudah saya simpan")
    expect(page.locator("#clients tr")).to_have_count(before + 1)
    expect(page.locator(".secret")).to_have_count(0)
    assert secret not in page.content()
    row = page.locator("#clients tr", has_text=client)
    expect(row).to_contain_text("cek NIK")
    expect(row).to_contain_text("belum pernah")

    def token(secret: str) -> int:
        with httpx.Client(base_url=server.url, timeout=60) as http:
            grant = {"grant_type": "client_credentials"}
            return http.post("/oauth/token", data=grant, auth=(client, secret)).status_code

    assert token(secret) == 200
    row.get_by_role("button", name="Ganti rahasia").click()
    press(page, "Ganti rahasia")
    newer = dialog(page).locator(".secret").inner_text()
    press(page, "Sudah saya simpan")
    assert (token(secret), token(newer)) == (200, 200)
    row.get_by_role("button", name="Cabut").click()
    press(page, "Cabut")
    expect(row).to_contain_text("Dicabut")
    expect(row.get_by_role("button")).to_have_count(0)
    assert token(newer) == 401
    expect(page.locator("#history tr", has_text="Klien dicabut").first).to_be_visible()
    assert visit.faults() == []


def test_what_rows_have_made_is_compared_and_merged(
    visit: Visit, signed_in: Callable[[str], Page], place: Place, server: Server
) -> None:
    [known] = asked(place, server, "dishub-dki", ROUTE)["routes"]["nodes"]
    client = credentials(place, "dishub-dki")
    with httpx.Client(base_url=server.url, timeout=60) as http:
        auth, grant = (client["client_id"], client["secret"]), {"grant_type": "client_credentials"}
        bearer = http.post("/oauth/token", data=grant, auth=auth).json()["access_token"]
        answer = http.post("/webhook/pemudik", json=[row(known)], headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status_code == 200, answer.text
    page = signed_in(OPERATOR)
    visit.open("/penyelenggara")
    expect(page.locator("#waiting")).to_have_text("1")
    page.get_by_role("link", name="Perlu ditinjau").click()
    expect(page.locator("#one-title")).to_contain_text("Jakarta ke Kota Salah Eja")
    expect(page.locator("#sides")).to_contain_text("tanpa batas")
    page.get_by_label("Yang sudah dikenal").select_option(index=1)
    expect(page.locator("#sides .facts")).to_have_count(2)
    assert visit.faults() == []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Gabungkan").click()
    expect(dialog(page)).to_contain_text("1 orang pindah bersama kursinya, atau tidak seorang pun.")
    assert visit.violations() == []
    press(page, "Gabungkan")
    expect(page.locator("#no-review")).to_contain_text("Tidak ada yang perlu ditinjau")
    provisional = '{ routes(where: {organizer: "dishub-dki", provisional: true}) { nodes { id } } }'
    assert asked(place, server, "dishub-dki", provisional)["routes"]["nodes"] == []


def row(known: dict[str, Any]) -> dict[str, str]:
    return {
        "data_nik": "3171030101909477",
        "data_pemesan": "Peserta Salah Eja",
        "rute_perjalanan": "Jakarta ke Kota Salah Eja",
        "keberangkatan_terminal": known["origin"]["name"],
        "tujuan_terminal": known["destination"]["name"],
        "kota_keberangkatan": known["origin"]["city"],
        "kota_tujuan": known["destination"]["city"],
        "tipe_keberangkatan": "Arus mudik",
        "tanggal_pendaftaran": clock.now().astimezone(clock.WIB).strftime("%Y-%m-%d 00:01"),
        "status_pemesanan_tittle": "Terdaftar",
        "status_pemesanan_code": "1",
        "source": "DISHUB-DKI",
    }


def test_others_look_on(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    # Another test may have sent something of AHM's already.
    for email, ahm in ((ORGANIZER, "–"), (VIEWER, re.compile("lalu|belum ada"))):
        page = signed_in(email)
        visit.open("/penyelenggara")
        expect(page.locator("#organizers tr", has_text="AHM (Honda)").locator("td").last).to_have_text(ahm)
        opened(visit, "dishub-dki")
        expect(page.locator("#waves tr")).to_have_count(2)
        expect(page.locator("#parts").get_by_role("button")).to_have_count(0)
        expect(page.locator("#history-panel")).to_be_hidden()
        assert visit.faults() == []
        page.set_viewport_size({"width": 1440, "height": 900})
        page.context.clear_cookies()
