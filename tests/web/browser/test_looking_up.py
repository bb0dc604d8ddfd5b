"""Telusuri NIK: a purpose first, then all that is held on a NIK, as JSON and on paper."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from playwright.sync_api import Page

from app import clock
from tests.servers import Place, Server
from tests.web.browser.clients import asked
from tests.web.browser.families import nik, route
from tests.web.browser.losing import kept_back
from tests.web.browsing import OPERATOR, ORGANIZER, Visit, expect

SUBMIT = """mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) {
    ... on Submission { registrant { id } } ... on Problem { message } } }"""
PURPOSE = "Permintaan pemilik data"


def looked_up(page: Page, number: str) -> None:
    page.get_by_label("NIK", exact=True).fill(number)
    page.get_by_role("button", name="Telusuri NIK ini").click()


def test_all_that_is_held_is_told_for_a_purpose(
    visit: Visit, signed_in: Callable[[str], Page], place: Place, server: Server, tmp_path: Path
) -> None:
    ask = partial(asked, place, server, "dishub-dki")
    number, bus = nik(), route(ask, "Bus Telusuri", clock.now() + timedelta(days=5))
    person = {"nik": number, "name": "Rahmat Telusuri", "routeId": bus, "identityDocument": "KTP"}
    assert ask(SUBMIT, input=person)["submitRegistrant"]["registrant"]
    page = signed_in(OPERATOR)
    page.locator(".side").get_by_role("link", name="Telusuri NIK").click()
    assert visit.faults() == []
    page.set_viewport_size({"width": 1440, "height": 900})
    looked_up(page, number)
    # Without a purpose nothing is asked.
    expect(page.locator("#found")).to_be_hidden()
    page.get_by_label("Keperluan").fill(PURPOSE)
    looked_up(page, number[:4] + " " + number[4:])
    expect(page.locator("#registrants tr")).to_have_count(1)
    expect(page.locator("#registrants tr")).to_contain_text("Rahmat Telusuri")
    expect(page.locator("#blocks-sub")).to_have_text("NIK ini tidak diblokir.")
    expect(page.locator("#looks tr")).to_contain_text("Pendaftaran")
    assert number not in page.url + page.title()
    assert visit.faults() == []
    page.set_viewport_size({"width": 1440, "height": 900})
    # Each look is written down: two presses are one look.
    with kept_back(page):
        looked_up(page, number)
        expect(page.get_by_role("button", name="Telusuri NIK ini")).to_be_disabled()
        page.get_by_label("NIK", exact=True).press("Enter")
    expect(page.locator("#looks tr")).to_have_count(3)
    expect(page.locator("#looks tr", has_text=PURPOSE)).to_have_count(1)
    expect(page.locator("#looks tr").first).to_contain_text(OPERATOR)
    with page.expect_download() as download:
        page.get_by_role("button", name="Unduh JSON").click()
    assert re.fullmatch(r"pemudik-data-pribadi-\d{4}-\d\d-\d\d\.json", download.value.suggested_filename)
    download.value.save_as(tmp_path / "held.json")
    held = json.loads((tmp_path / "held.json").read_text())
    assert [(one["nik"], one["name"]) for one in held["registrants"]] == [(number, "Rahmat Telusuri")]
    page.emulate_media(media="print")
    expect(page.locator("#ask")).to_be_hidden()
    expect(page.locator("#registrants")).to_be_visible()
    page.emulate_media(media="screen")
    looked_up(page, nik())
    expect(page.locator("#no-registrants")).to_contain_text("Tidak ada pendaftaran")
    expect(page.locator("#registrants tr")).to_have_count(0)
    assert visit.violations() == []
    looked_up(page, "3171033101000000")
    expect(page.locator("#trouble")).to_contain_text("Tidak ada yang berubah.")
    expect(page.locator("#found")).to_be_hidden()


def test_it_is_for_hubdat_alone(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(ORGANIZER)
    visit.open("/telusuri")
    expect(page.get_by_role("heading", level=1)).to_have_text("Peran Anda tidak dapat membuka halaman ini.")
    assert [line for line in visit.said if "403" not in line] == []
    visit.said.clear()
