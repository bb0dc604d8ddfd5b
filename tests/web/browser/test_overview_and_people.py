"""Signing in, the overview and the registrants."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import openpyxl
from playwright.sync_api import Page
from uuid_utils.compat import uuid7

from app import clock
from app.db import Database
from app.metrics.minute import Counted
from app.registry.statistics import pulse
from app.registry.statistics.pulse import PulsePart
from tests.servers import Place, Server
from tests.web.browser.clients import asked
from tests.web.browsing import OPERATOR, ORGANIZER, POSKO, VIEWER, Visit, expect, link_for

TILES_IN_LINE = """() => { const rows = new Map();
    for (const tile of document.querySelectorAll('.tile')) {
        const top = Math.round(tile.getBoundingClientRect().top), figure = tile.querySelector('.figure');
        rows.set(top, (rows.get(top) ?? new Set()).add(Math.round(figure.getBoundingClientRect().top))); }
    return [...rows.values()].every((tops) => tops.size === 1); }"""
FILTERS_INSIDE = """() => {
    const form = document.querySelector('form.filters'), edge = form.getBoundingClientRect().right;
    return [...form.children].every((one) => one.getBoundingClientRect().right <= edge + 1); }"""
WRITTEN_AND_SAVED = """(chart, how) => { chart.querySelector('tbody th').textContent = '=1+1';
    chart.querySelector(`[data-save=${how}]`).click(); }"""


def figure(page: Page, name: str) -> str:
    return page.locator(f"[data-figure={name}]").inner_text()


def loaded(page: Page) -> None:
    expect(page.locator("#fresh")).to_contain_text("lalu")
    expect(page.locator("#fullest svg.plot")).to_be_visible()


def test_make_run_prints_a_link_for_each_role(server: Server) -> None:
    links = re.findall(r"^  (\w+) \([\w-]+\) +(\S+)/masuk#[\w-]{43}$", server.said, re.MULTILINE)
    assert links == [(role, server.url) for role in ("operator", "viewer", "organizer", "posko")]


def test_whoever_is_a_stranger_is_led_to_the_door(visit: Visit) -> None:
    visit.open("/")
    assert visit.page.url.endswith("/masuk")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Masuk ke Pemudik")
    assert visit.violations() == []
    visit.open("/ringkasan")
    assert visit.page.url.endswith("/masuk")


def test_a_link_is_used_by_a_click_and_only_once(visit: Visit, servers_url: str, server: Server) -> None:
    link = link_for(server, servers_url, VIEWER)
    visit.page.goto(link)
    expect(visit.page.locator("[data-fact=email]")).to_have_text(VIEWER)
    assert visit.page.url == f"{server.url}/masuk"
    assert visit.violations() == []
    visit.page.goto("about:blank")
    visit.page.goto(link)
    visit.page.locator("[data-fact=email]", has_text=VIEWER).wait_for()
    for language in ("en", "id"):
        # Who changes the language still has the link.
        visit.page.locator(f"[data-language={language}]").click()
        expect(visit.page.locator("html")).to_have_attribute("lang", language)
        expect(visit.page.locator("[data-fact=email]")).to_have_text(VIEWER)
        assert visit.page.url == f"{server.url}/masuk"
    visit.page.locator("#sign-in button").click()
    visit.page.wait_for_url("**/ringkasan")
    visit.page.goto("about:blank")
    visit.page.goto(link)
    expect(visit.page.get_by_text("Tautan ini sudah dipakai atau lewat 15 menit.")).to_be_visible()
    assert visit.violations() == []
    # A refused call is a line that the browser itself writes.
    assert [line for line in visit.said if "410" not in line] == []
    visit.said.clear()


def test_signing_out_leaves_nothing_open(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(VIEWER)
    loaded(page)
    page.locator("#who").click()
    expect(page.locator("#account")).to_contain_text("Pemantau")
    assert visit.violations() == []
    page.locator("#sign-out").click()
    page.wait_for_url("**/masuk")
    visit.open("/ringkasan")
    assert page.url.endswith("/masuk")


def test_a_posko_has_no_overview(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    signed_in(POSKO)
    visit.open("/ringkasan")
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Peran Anda tidak dapat membuka halaman ini.")
    assert visit.violations() == []
    assert [line for line in visit.said if "403" not in line] == []
    visit.said.clear()


def test_the_overview_tells_the_season(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(OPERATOR)
    loaded(page)
    assert int(figure(page, "everybody").replace(".", "")) > 1000
    assert page.locator("#opened tr").count() == 11
    for name in ("fullest", "emptiest", "pairs", "organizers", "days", "funnel", "deadlines", "forecast"):
        expect(page.locator(f"#{name} svg.plot")).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert visit.violations() == []
    for width in (320, 360, 768, 1024, 1200, 1280, 1440, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        assert not visit.scrolls_sideways(), width
        if width >= 768:
            # Whatever the labels above them, figures of one row stand at one height, and no filter leaves its row.
            assert page.evaluate(TILES_IN_LINE), width
            assert page.evaluate(FILTERS_INSIDE), width
    page.set_viewport_size({"width": 360, "height": 800})
    assert visit.violations() == []


def answered(url: str, *minutes: tuple[int, Counted]) -> None:
    """So many minutes ago a process answered what it counted. In a thread of its own: Playwright has the loop of this
    one.
    """

    async def write() -> None:
        database, now = Database(url), clock.now()
        try:
            async with database.transaction() as session:
                parts = [PulsePart(uuid7(), now - timedelta(minutes=ago), counted) for ago, counted in minutes]
                await pulse.write(session, parts, now)
        finally:
            await database.dispose()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(write())).result()


def test_the_dashboard_sees_what_was_refused_lately_and_by_whom(
    visit: Visit, signed_in: Callable[[str], Page], servers_url: str
) -> None:
    late = Counted(answers=6000, errors=7, refusals=Counter({("ahm", "REGISTRATION_CLOSED"): 4711}))
    late.refusals["ahm", "QUOTA_FULL"] = late.refusals["djka", "QUOTA_FULL"] = 30
    early = Counted(answers=1, refusals=Counter({("djka", "QUOTA_FULL"): 12}))
    # Two minutes, so that the five of the page hold one of them whenever the page asks.
    answered(servers_url, (2, late), (7, early))
    page = signed_in(VIEWER)
    lines = page.locator("#refused tbody tr")
    expect(lines.first).to_have_text("Di luar masa pendaftaran · AHM (Honda)4.7110")
    expect(lines.nth(1)).to_have_text("Kuota penuh6012")
    expect(page.locator("#refused svg.plot")).to_be_visible()
    expect(page.locator("#pulse-errors")).to_have_text("7")
    expect(page.locator("#pulse-answers")).to_have_text(re.compile(r"^\d+(,\d)?$"))
    expect(page.locator("#pulse-p95")).to_have_text(re.compile(r"^[\d.]+ md$"))
    page.locator("#f-organizer").select_option("djka")
    expect(lines.first).to_have_text("Kuota penuh · Ditjen KA3012")
    assert visit.faults() == []


def test_an_organizer_sees_its_own_figures(signed_in: Callable[[str], Page]) -> None:
    page = signed_in(ORGANIZER)
    loaded(page)
    # How much the registry answers is for the dashboard.
    expect(page.locator("[data-pulse]").locator("visible=true")).to_have_count(0)
    assert page.locator("#opened tr").count() == 1
    expect(page.locator("#opened")).to_contain_text("Dishub Prov. DKI Jakarta")


def test_filters_live_in_the_address(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(VIEWER)
    loaded(page)
    everybody = figure(page, "everybody")
    page.get_by_label("Mudik", exact=True).check(force=True)
    page.wait_for_url("**/ringkasan?direction=MUDIK")
    expect(page.locator("[data-figure=everybody]")).not_to_have_text(everybody)
    homeward = figure(page, "everybody")
    page.locator("#f-organizer").select_option("ahm")
    page.wait_for_url("**/ringkasan?organizer=ahm&direction=MUDIK")
    expect(page.locator("#opened tr")).to_have_count(1)
    page.reload()
    loaded(page)
    assert page.locator("#f-organizer").input_value() == "ahm"
    assert page.get_by_label("Mudik", exact=True).is_checked()
    page.go_back()
    expect(page.locator("[data-figure=everybody]")).to_have_text(homeward)
    page.go_back()
    expect(page.locator("[data-figure=everybody]")).to_have_text(everybody)


def test_a_figure_leads_to_its_list_with_the_same_filters(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(VIEWER)
    visit.open("/ringkasan?organizer=ahm&direction=MUDIK")
    loaded(page)
    page.get_by_text("Menunggu verifikasi").first.click()
    page.wait_for_url("**/pendaftar?organizer=ahm&direction=MUDIK&status=REGISTERED")
    expect(page.locator("#people tr").first).to_contain_text("Disamarkan")
    assert page.locator("#people .chip").evaluate_all("all => [...new Set(all.map((a) => a.dataset.s))]") == [
        "REGISTERED"
    ]
    assert visit.violations() == []


def test_registrants_are_paged_and_one_is_found_by_its_code(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(ORGANIZER)
    visit.open("/pendaftar")
    expect(page.locator("#people tr")).to_have_count(25)
    assert visit.violations() == []
    first = page.locator("#people a.go").first.get_attribute("href")
    page.get_by_role("link", name="Berikutnya").click()
    expect(page.locator("#people a.go").first).not_to_have_attribute("href", first or "")
    assert "after=" in page.url
    page.reload()
    expect(page.locator("#first")).to_be_visible()
    page.go_back()
    expect(page.locator("#people a.go").first).to_have_attribute("href", first or "")
    page.keyboard.press("j")
    expect(page.locator("#people a.go").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Kode booking, NIK atau id")).to_be_focused()
    page.keyboard.type("TIDAK-ADA")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Tidak ada pendaftar dengan kode ini di penyelenggara Anda.")).to_be_visible()
    assert "TIDAK-ADA" not in page.url
    for width in (320, 360, 820):
        page.set_viewport_size({"width": width, "height": 900})
        assert not visit.scrolls_sideways(), width


def test_somebody_is_verified_and_cancelled_with_a_reason(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(ORGANIZER)
    visit.open("/pendaftar?status=REGISTERED&direction=MUDIK")
    page.locator("#people a.go").first.click()
    page.wait_for_url("**/pendaftar/*-*")
    expect(page.locator("#sub .chip")).to_have_text("Terdaftar")
    assert visit.violations() == []
    page.set_viewport_size({"width": 320, "height": 800})
    assert not visit.scrolls_sideways()
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.locator("#facts .mask")).to_be_visible()
    page.get_by_role("button", name="Tampilkan").click()
    expect(page.locator("#facts .code")).to_have_text(re.compile(r"^\d{16}$"))
    page.get_by_role("button", name="Verifikasi").click()
    assert visit.violations() == []
    page.get_by_label("Dokumen asli sudah saya lihat dan namanya cocok.").check()
    page.locator("#verify-form button[type=submit]").click()
    expect(page.locator("#sub .chip")).to_have_text("Terverifikasi")
    expect(page.locator("#timeline li").first).to_contain_text("Terverifikasi")
    page.get_by_role("button", name="Batalkan").click()
    page.get_by_role("dialog").get_by_label("Alasan").fill("Sakit")
    assert visit.violations() == []
    page.locator("#cancel-form button[type=submit]").click()
    expect(page.locator("#sub .chip")).to_have_text("Batal")
    expect(page.locator("#timeline li").first).to_contain_text("Sakit")
    expect(page.locator("#actions button")).to_have_text(["Perbaiki data"])


def test_nobody_acts_on_another_organizers_registrant(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(OPERATOR)
    visit.open("/pendaftar?organizer=ahm&status=REGISTERED")
    page.locator("#people a.go").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Disamarkan")
    expect(page.locator("#actions button")).to_have_count(0)
    expect(page.get_by_role("button", name="Tampilkan")).to_have_count(0)
    visit.open("/pendaftar/00000000-0000-7000-8000-000000000000")
    expect(page.get_by_text("Tidak ada pendaftar dengan id ini di penyelenggara Anda.")).to_be_visible()
    assert visit.violations() == []


def test_the_language_is_chosen_and_kept(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(VIEWER)
    loaded(page)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page.locator("#fresh")).to_contain_text("ago")
    assert page.locator("html").get_attribute("lang") == "en"
    visit.open("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert visit.violations() == []


def test_a_chart_is_walked_by_keys_read_as_a_table_and_saved(
    visit: Visit, signed_in: Callable[[str], Page], tmp_path: Path
) -> None:
    page = signed_in(VIEWER)
    loaded(page)
    chart = page.locator("#funnel")
    chart.locator(".v[tabindex='0']").focus()
    reading = chart.locator(".reading")
    expect(reading).to_contain_text("Terdaftar: ")
    page.keyboard.press("End")
    expect(reading).to_contain_text("Berangkat: ")
    page.keyboard.press("ArrowLeft")
    expect(reading).to_contain_text("Gugur: ")
    chart.get_by_text("Lihat sebagai tabel").click()
    expect(chart.locator("tbody tr")).to_have_count(5)
    assert visit.violations() == []
    with page.expect_download() as csv:
        chart.locator("[data-save=csv]").click()
    csv.value.save_as(tmp_path / "funnel.csv")
    lines = (tmp_path / "funnel.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == '"Langkah";"Orang";"Dari semua"'
    assert len(lines) == 6
    # A name is what its organizer wrote. Figures come anew at any time, so this one is written and saved at once.
    with page.expect_download() as csv:
        chart.evaluate(WRITTEN_AND_SAVED, "csv")
    csv.value.save_as(tmp_path / "inert.csv")
    assert (tmp_path / "inert.csv").read_text(encoding="utf-8-sig").splitlines()[1].startswith('"\'=1+1";')
    with page.expect_download() as xlsx:
        chart.evaluate(WRITTEN_AND_SAVED, "xlsx")
    xlsx.value.save_as(tmp_path / "funnel.xlsx")
    book = openpyxl.load_workbook(tmp_path / "funnel.xlsx")
    assert book.sheetnames == ["Dari mendaftar sampai berangkat"]
    rows = [[(cell.data_type, cell.value) for cell in row] for row in book.worksheets[0].iter_rows()]
    assert rows[0] == [("s", "Langkah"), ("s", "Orang"), ("s", "Dari semua")]
    assert rows[1][0] == ("s", "=1+1")
    assert rows[1][1:] == [("n", float(value)) for value in lines[1].replace('"', "").split(";")[1:]]
    with page.expect_download() as png:
        chart.locator("[data-save=png]").click()
    png.value.save_as(tmp_path / "funnel.png")
    assert (tmp_path / "funnel.png").read_bytes().startswith(b"\x89PNG")


def test_the_ticker_moves_when_another_client_submits(
    visit: Visit, signed_in: Callable[[str], Page], place: Place, server: Server
) -> None:
    page = signed_in(OPERATOR)
    expect(page.locator("#ticker-state")).to_have_text("Langsung, begitu tercatat")
    submit(place, server)
    expect(page.locator("#ticker li").first).to_contain_text("AHM (Honda)")
    assert page.locator("#ticker li").first.inner_text().endswith("+1")


def test_a_lost_connection_is_shown_and_heals(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(VIEWER)
    loaded(page)
    before = figure(page, "everybody")
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    page.locator("#f-organizer").select_option("ahm")
    expect(page.locator("#trouble")).to_contain_text("Tidak terhubung ke registri.")
    assert figure(page, "everybody") == before
    assert visit.violations() == []
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator("#opened tr")).to_have_count(1)
    expect(page.locator("#trouble")).to_be_empty()
    assert [line for line in visit.said if "ERR_INTERNET_DISCONNECTED" not in line] == []
    visit.said.clear()


def submit(place: Place, server: Server) -> None:
    """Somebody registers with AHM, by the organizer's own client."""
    where = '{organizer: "ahm", direction: MUDIK, service: PASSENGER, withSeats: true}'
    routes = asked(place, server, "ahm", f"{{ routes(where: {where}, first: 1) {{ nodes {{ id }} }} }}")["routes"]
    given = {
        "nik": "3171030101909777",
        "name": "Warga Contoh",
        "routeId": routes["nodes"][0]["id"],
        "identityDocument": "KTP",
    }
    mutation = "mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) { __typename } }"
    assert asked(place, server, "ahm", mutation, input=given) == {"submitRegistrant": {"__typename": "Submission"}}
