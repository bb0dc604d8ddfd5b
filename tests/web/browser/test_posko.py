"""The posko: a booking found, two taps to verify and two to depart, and a queue that outlives a bad network."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Locator, Page

from tests.servers import Place, Server
from tests.web.browser.clients import asked
from tests.web.browser.families import Asked, family
from tests.web.browsing import ORGANIZER, POSKO, Visit, expect, link_for, sign_in

BY_CODE = "query ($code: String!) { booking(reference: $code) { registrants { status verifiedAt history { to } } } }"
CANCEL = 'mutation ($id: ID!) { cancelRegistrant(ref: {id: $id}, reason: "Sakit") { __typename } }'
KEPT = """async () => { const open = indexedDB.open('pemudik'); await new Promise((done) => { open.onsuccess = done; });
    const all = open.result.transaction('acts').objectStore('acts').getAll();
    await new Promise((done) => { all.onsuccess = done; });
    return JSON.stringify(all.result); }"""
READER = """window.BarcodeDetector = class { looks = 0;
    async detect(video) { this.looks += 1;
        return this.looks > 2 && video.videoWidth > 0 ? [{ rawValue: 'POS-PINDAI' }] : []; } };"""
"""Debian's Chromium reads no codes. This one sees a code when the camera has shown something."""
SignIn = Callable[[str], Page]


@pytest.fixture
def dki(place: Place, server: Server) -> Asked:
    return partial(asked, place, server, "dishub-dki")


def opened(page: Page, code: str) -> None:
    page.get_by_label("Kode booking atau NIK").fill(code)
    page.keyboard.press("Enter")
    expect(page.locator("#booking-title")).to_be_focused()


def chips(page: Page) -> list[str]:
    found: list[str] = page.locator(".person .chip").evaluate_all("all => all.map((one) => one.dataset.s)")
    return found


def statuses(dki: Asked, code: str) -> list[str]:
    return [one["status"] for one in dki(BY_CODE, code=code)["booking"]["registrants"]]


def tapped(page: Page, first: str, second: str) -> None:
    """Two taps."""
    page.get_by_role("button", name=first).click()
    page.get_by_role("button", name=second).click()


def held_still(page: Page, ahead: timedelta = timedelta(0)) -> None:
    """The page's clock stands: what can be undone stays so, however slow this machine is."""
    page.clock.pause_at(datetime.now(UTC) + ahead + timedelta(minutes=1))


def seconds_later(page: Page) -> None:
    """The time to undo is over."""
    page.clock.fast_forward(11_000)


def said_nothing_but(visit: Visit, *expected: str) -> None:
    """A call that fails is a line which the browser itself writes."""
    assert [line for line in visit.said if not any(one in line for one in expected)] == []
    visit.said.clear()


def test_a_family_is_verified_and_departs_in_two_taps_each(visit: Visit, signed_in: SignIn, dki: Asked) -> None:
    family(dki, "POS-12", 12, returns=True)
    # This phone's clock is three hours ahead.
    visit.page.clock.install(time=datetime.now(UTC) + timedelta(hours=3))
    page = signed_in(POSKO)
    assert page.url.endswith("/posko")
    assert visit.violations() == []
    page.set_viewport_size({"width": 360, "height": 780})
    page.get_by_label("Nama posko ini").fill("Pulo Gebang")
    opened(page, "pos-12")
    expect(page.locator("#booking-title")).to_have_text("POS-12")
    assert chips(page) == ["REGISTERED"] * 12
    expect(page.locator(".ways label")).to_have_count(2)
    page.locator(".person").nth(11).click()
    assert visit.violations() == []
    for width in (320, 360, 820):
        page.set_viewport_size({"width": width, "height": 780})
        assert not visit.scrolls_sideways(), width
    page.get_by_role("button", name="Verifikasi 11 orang").click()
    expect(page.get_by_role("dialog")).to_contain_text("Dokumen asli 11 orang sudah dilihat?")
    assert visit.violations() == []
    held_still(page, timedelta(hours=3))
    page.get_by_role("button", name="Ya, sudah dilihat. Verifikasi").click()
    expect(page.locator(".person .unsent")).to_have_count(11)
    assert chips(page) == ["VERIFIED"] * 11 + ["REGISTERED"]
    assert statuses(dki, "POS-12") == ["REGISTERED"] * 24
    page.clock.resume()
    page.emulate_media(color_scheme="dark")
    assert visit.violations() == []
    seconds_later(page)
    expect(page.locator("#queue-said")).to_have_text("11 terkirim")
    expect(page.locator(".person .unsent")).to_have_count(0)
    # The ways back were verified with the ways home.
    assert statuses(dki, "POS-12").count("VERIFIED") == 22
    verified = datetime.fromisoformat(dki(BY_CODE, code="POS-12")["booking"]["registrants"][0]["verifiedAt"])
    assert abs(verified - datetime.now(UTC)) < timedelta(minutes=5)
    tapped(page, "Berangkatkan 11 orang", "Ya, sehat. Berangkatkan")
    seconds_later(page)
    expect(page.locator("#queue-said")).to_have_text("22 terkirim")
    assert statuses(dki, "POS-12").count("DEPARTED") == 11
    expect(page.locator(".go2 button")).to_have_text("Pilih yang hadir")


def test_an_act_can_be_undone_before_it_is_sent(visit: Visit, signed_in: SignIn, dki: Asked) -> None:
    family(dki, "POS-UNDO")
    visit.page.clock.install()
    page = signed_in(ORGANIZER)
    visit.open("/posko")
    opened(page, "POS-UNDO")
    held_still(page)
    tapped(page, "Verifikasi 3 orang", "Ya, sudah dilihat. Verifikasi")
    tapped(page, "Berangkatkan 3 orang", "Ya, sehat. Berangkatkan")
    expect(page.locator("#queue li")).to_have_count(2)
    # Whoever is not verified did not depart.
    page.locator("#queue li").nth(1).get_by_role("button", name="Urungkan").click()
    expect(page.locator("#queue li")).to_have_count(0)
    seconds_later(page)
    tapped(page, "Verifikasi 3 orang", "Ya, sudah dilihat. Verifikasi")
    page.locator(".toast button").click()
    expect(page.locator("#queue-empty")).to_be_visible()
    seconds_later(page)
    assert chips(page) == ["REGISTERED"] * 3
    assert statuses(dki, "POS-UNDO") == ["REGISTERED"] * 3


def held_while(button: Locator, happens: Callable[[], None]) -> None:
    """A button is pressed, something happens while the finger is on it, and the finger is lifted."""
    page, place = button.page, button.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.mouse.down()
    happens()
    page.mouse.up()


def test_a_press_counts_whatever_is_drawn_meanwhile(visit: Visit, signed_in: SignIn, dki: Asked) -> None:
    family(dki, "POS-TEKAN")
    visit.page.clock.install()
    page = signed_in(POSKO)
    opened(page, "POS-TEKAN")
    tapped(page, "Verifikasi 3 orang", "Ya, sudah dilihat. Verifikasi")
    expect(page.locator("#queue li")).to_have_count(1)

    def sent() -> None:
        seconds_later(page)
        expect(page.locator("#queue-said")).to_have_text("3 terkirim")
        expect(page.locator(".person .unsent")).to_have_count(0)

    held_while(page.get_by_role("button", name="Berangkatkan 3 orang"), sent)
    held_still(page)
    page.get_by_role("button", name="Ya, sehat. Berangkatkan").click()
    line = page.locator("#queue li").first
    undo = line.get_by_role("button", name="Urungkan")
    undo.scroll_into_view_if_needed()
    undo.focus()
    left = line.locator(".n").inner_text()

    def a_second_later() -> None:
        page.clock.run_for(1000)
        expect(line.locator(".n")).not_to_have_text(left)
        expect(undo).to_be_focused()

    held_while(undo, a_second_later)
    expect(page.locator("#queue li")).to_have_count(1)
    assert chips(page) == ["VERIFIED"] * 3


def test_acts_outlive_the_network_the_tab_and_the_session(
    visit: Visit, signed_in: SignIn, dki: Asked, server: Server, servers_url: str
) -> None:
    people = family(dki, "POS-OFF")
    family(dki, "POS-LAIN")
    visit.page.clock.install()
    page = signed_in(POSKO)
    opened(page, "POS-LAIN")
    opened(page, "POS-OFF")
    page.context.set_offline(True)
    tapped(page, "Verifikasi 3 orang", "Ya, sudah dilihat. Verifikasi")
    page.locator(".person").nth(2).click()
    tapped(page, "Berangkatkan 2 orang", "Ya, sehat. Berangkatkan")
    expect(page.locator("#queue-said")).to_have_text("5 menunggu")
    opened(page, "pos-lain")
    expect(page.locator("#trouble")).to_contain_text("Tanpa jaringan. Data ini dibuka pukul")
    page.get_by_label("Kode booking atau NIK").fill("POS-BELUM")
    page.keyboard.press("Enter")
    expect(page.locator("#trouble")).to_contain_text("hanya booking yang sudah dibuka di halaman ini")
    assert visit.violations() == []
    kept = page.evaluate(KEPT)
    for secret in ("POS-OFF", "Siti", "Ayu", "317205010190", "@"):
        assert secret not in kept, secret
    assert kept.count(people[0]["id"]) == 2
    page.goto("about:blank")
    page.context.clear_cookies()
    page.context.set_offline(False)
    visit.open("/posko")
    assert page.url.endswith("/masuk")
    assert statuses(dki, "POS-OFF") == ["REGISTERED"] * 3
    sign_in(visit, link_for(server, servers_url, POSKO))
    expect(page.locator("#queue li")).to_have_count(2)
    seconds_later(page)
    expect(page.locator("#queue-said")).to_have_text("5 terkirim")
    steps = [
        [change["to"] for change in one["history"]] for one in dki(BY_CODE, code="POS-OFF")["booking"]["registrants"]
    ]
    assert steps == [["REGISTERED", "VERIFIED", "DEPARTED"]] * 2 + [["REGISTERED", "VERIFIED"]]
    said_nothing_but(visit, "ERR_INTERNET_DISCONNECTED")


def test_what_the_registry_refuses_is_said_with_its_reason(visit: Visit, signed_in: SignIn, dki: Asked) -> None:
    [gone, *_] = family(dki, "POS-BATAL")
    visit.page.clock.install()
    page = signed_in(POSKO)
    opened(page, "POS-BATAL")
    dki(CANCEL, id=gone["id"])
    tapped(page, "Verifikasi 3 orang", "Ya, sudah dilihat. Verifikasi")
    seconds_later(page)
    expect(page.locator("#queue-said")).to_have_text("1 perlu dilihat · 2 terkirim")
    line = page.locator("#queue li")
    expect(line).to_contain_text("1 orang gagal: ")
    why = line.locator(".why").inner_text()
    assert "Batal" in why
    assert visit.violations() == []
    # What the registry said is not kept: the same key brings the same answer.
    page.reload()
    expect(line.locator(".why")).to_have_text(why)
    line.get_by_role("button", name="Lihat").click()
    expect(page.locator("#booking-title")).to_have_text("POS-BATAL")
    assert chips(page) == ["CANCELLED", "VERIFIED", "VERIFIED"]
    line.get_by_role("button", name="Selesai").click()
    expect(page.locator("#queue-empty")).to_be_visible()
    assert [len(one["history"]) for one in dki(BY_CODE, code="POS-BATAL")["booking"]["registrants"]] == [2, 2, 2]


def test_somebody_elses_acts_are_sent_in_whose_name_one_says(
    visit: Visit, signed_in: SignIn, dki: Asked, server: Server, servers_url: str
) -> None:
    family(dki, "POS-GANTI", 1)
    page = signed_in(POSKO)
    opened(page, "POS-GANTI")
    # Without a network nothing is sent, however long the other one takes to sign in.
    page.context.set_offline(True)
    tapped(page, "Verifikasi 1 orang", "Ya, sudah dilihat. Verifikasi")
    expect(page.locator("#queue li")).to_have_count(1)
    page.goto("about:blank")
    page.context.clear_cookies()
    page.context.set_offline(False)
    sign_in(visit, link_for(server, servers_url, ORGANIZER))
    visit.page.clock.install()
    visit.open("/posko")
    seconds_later(page)
    expect(page.locator("#queue li")).to_contain_text("dari petugas lain")
    assert statuses(dki, "POS-GANTI") == ["REGISTERED"]
    page.get_by_role("button", name="Kirim atas nama saya").click()
    expect(page.locator("#queue-said")).to_have_text("1 terkirim")
    assert statuses(dki, "POS-GANTI") == ["VERIFIED"]
    said_nothing_but(visit, "ERR_INTERNET_DISCONNECTED")


def test_a_booking_is_found_by_a_nik_that_stands_nowhere(visit: Visit, signed_in: SignIn, dki: Asked) -> None:
    family(dki, "POS-NIK", 2)
    nik: Any = dki('{ booking(reference: "POS-NIK") { registrants { nik } } }')["booking"]["registrants"][1]["nik"]
    page = signed_in(POSKO)
    opened(page, nik)
    expect(page.locator("#booking-title")).to_have_text("POS-NIK")
    assert page.get_by_label("Kode booking atau NIK").input_value() == ""
    assert nik not in page.url + page.title() + page.content()
    expect(page.locator(".person .mask").nth(1)).to_contain_text(nik[-4:])
    page.get_by_label("Kode booking atau NIK").fill("TIDAK-ADA")
    page.keyboard.press("Enter")
    expect(page.locator("#trouble")).to_contain_text("Kode tidak dikenal.")
    assert visit.violations() == []
    page.get_by_role("button", name="English").click()
    expect(page.get_by_text("Type a booking code or a NIK.")).to_be_visible()


def test_a_code_is_scanned_where_the_browser_reads_codes(visit: Visit, signed_in: SignIn, dki: Asked) -> None:
    family(dki, "POS-PINDAI", 1)
    page = signed_in(POSKO)
    expect(page.locator("#scan")).to_be_hidden()
    page.add_init_script(READER)
    page.reload()
    page.get_by_role("button", name="Pindai kode booking").click()
    expect(page.locator("#scan-said")).to_contain_text("Kamera tidak dapat dipakai.")
    assert visit.violations() == []
    page.get_by_role("button", name="Tutup").click()
    page.context.grant_permissions(["camera"])
    page.set_viewport_size({"width": 320, "height": 640})
    assert not visit.scrolls_sideways()
    page.get_by_role("button", name="Pindai kode booking").click()
    expect(page.locator("#booking-title")).to_have_text("POS-PINDAI")
    # The camera's light is out.
    assert page.evaluate("document.querySelector('#scanned').srcObject") is None
