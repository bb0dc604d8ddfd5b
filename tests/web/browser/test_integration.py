"""Integrasi: an organizer's own clients, webhooks with what was sent to them, and documents that run in the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page

from tests.servers import Place, Server
from tests.web.browser.clients import credentials
from tests.web.browsing import ORGANIZER, POSKO, VIEWER, Visit, expect

URL = "https://mudik.contoh.go.id/webhook"
DOCUMENTS = ("me", "windows", "routes", "check", "submit", "verify", "cancel", "registrants", "changes", "figures")
RUN = {"me", "windows", "routes", "registrants", "changes", "figures"}


def dialog(page: Page) -> Locator:
    return page.locator("dialog[open]")


def press(page: Page, button: str) -> None:
    dialog(page).get_by_role("button", name=button, exact=True).click()


def test_an_organizer_issues_and_rotates_its_own_clients(
    visit: Visit, signed_in: Callable[[str], Page], server: Server
) -> None:
    page = signed_in(ORGANIZER)
    page.locator(".side").get_by_role("link", name="Integrasi").click()
    expect(page.locator("#clients tr").first).to_be_visible()
    expect(page.locator("#allowance .figure")).to_have_text(re.compile(r"^\d+\.\d{3}$"))
    assert visit.faults() == []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Terbitkan klien").click()
    expect(dialog(page).get_by_label("cek NIK")).to_be_visible()
    # Nobody hands on what is not its own.
    expect(dialog(page).get_by_label("verifikasi di posko")).to_have_count(0)
    dialog(page).get_by_label("cek NIK").check()
    press(page, "Terbitkan klien")
    client, secret = dialog(page).locator("dd").first.inner_text(), dialog(page).locator(".secret").inner_text()
    press(page, "Sudah saya simpan")
    row = page.locator("#clients tr", has_text=client)
    row.get_by_role("button", name="Ganti rahasia").click()
    press(page, "Ganti rahasia")
    newer = dialog(page).locator(".secret").inner_text()
    press(page, "Sudah saya simpan")
    for one in (secret, newer):
        grant = {"grant_type": "client_credentials"}
        token = httpx.post(f"{server.url}/oauth/token", data=grant, auth=(client, one), timeout=60)
        assert token.status_code == 200
    row.get_by_role("button", name="Cabut").click()
    press(page, "Cabut")
    expect(row).to_contain_text("Dicabut")


def test_a_webhook_is_added_tested_rotated_and_ended(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    page = signed_in(ORGANIZER)
    visit.open("/integrasi?view=webhooks")
    expect(page.locator("#no-hooks")).to_contain_text("Belum ada webhook")
    page.get_by_role("button", name="Tambah webhook").click()
    dialog(page).get_by_label("Alamat").fill(URL)
    assert visit.violations() == []
    press(page, "Simpan webhook")
    expect(dialog(page).locator(".said")).to_contain_text("Tidak ada yang berubah.")
    dialog(page).get_by_label("Kuota penuh").check()
    press(page, "Simpan webhook")
    expect(dialog(page).locator(".secret")).to_have_text(re.compile("^whsec_"))
    press(page, "Sudah saya simpan")
    expect(page.locator("#hook-title")).to_have_text(URL)
    expect(page.locator("#hook-sub")).to_contain_text("Kuota penuh")
    page.locator("#hook-acts").get_by_role("button", name="Kirim uji").click()
    press(page, "Kirim uji")
    expect(page.locator("#deliveries tr")).to_contain_text("Uji")
    assert visit.faults() == []
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#hook-acts").get_by_role("button", name="Ganti rahasia").click()
    press(page, "Ganti rahasia")
    press(page, "Sudah saya simpan")
    expect(page.locator("#hook-sub")).to_contain_text("rahasia lama berlaku sampai")
    page.locator("#hook-acts").get_by_role("button", name="Kirim ulang").click()
    dialog(page).get_by_label("Sejak (WIB)").fill("2026-01-01T00:00")
    press(page, "Kirim ulang")
    expect(dialog(page)).to_have_count(0)
    page.locator("#hook-acts").get_by_role("button", name="Akhiri").click()
    press(page, "Akhiri")
    expect(page.locator("#no-hooks")).to_contain_text("Belum ada webhook")


def test_ten_documents_are_there_and_run_in_the_page_or_in_test_mode(
    visit: Visit, signed_in: Callable[[str], Page]
) -> None:
    page = signed_in(ORGANIZER)
    visit.open("/integrasi?view=documents")
    expect(page.locator("#list li")).to_have_count(len(DOCUMENTS))
    assert visit.faults() == []
    page.set_viewport_size({"width": 1440, "height": 900})
    for name in DOCUMENTS:
        visit.open(f"/integrasi?view=documents&one={name}")
        expect(page.locator("#text")).to_contain_text("{")
        here, there = page.locator("#run"), page.locator("#run-test")
        expect(here).to_be_visible(visible=name in RUN)
        expect(there).to_be_visible(visible=name not in RUN)
        (here if name in RUN else there).click()
        expect(page.locator("#answer")).to_contain_text('"data"')
        answer = page.locator("#answer").inner_text()
        assert "errors" not in json.loads(answer), name
        assert name in RUN or '"code"' not in answer, answer
        expect(page.locator("#test-band")).to_be_visible(visible=name not in RUN)
    assert visit.violations() == []


@pytest.mark.parametrize("language", ["curl", "PHP", "Python", "JavaScript"])
def test_a_document_is_a_program_that_works(
    visit: Visit,
    signed_in: Callable[[str], Page],
    place: Place,
    tmp_path: Path,
    language: str,
) -> None:
    run = {"curl": ["sh"], "PHP": ["php"], "Python": ["python3"], "JavaScript": ["node", "--input-type=module"]}[
        language
    ]
    if shutil.which(run[0]) is None:
        pytest.skip(f"{run[0]} is not on this machine")
    page = signed_in(ORGANIZER)
    visit.open("/integrasi?view=documents&one=me")
    page.locator("#languages").get_by_text(language, exact=True).click()
    expect(page.locator("#text")).to_contain_text("oauth/token")
    client = credentials(place, "dishub-dki")
    secrets = {
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["secret"],
        "PATH": "/usr/bin:/bin:/usr/local/bin",
    }
    said = subprocess.run(
        [shutil.which(run[0]) or run[0], *run[1:]],
        input=page.locator("#text").inner_text(),
        env=secrets,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "dishub-dki" in said.stdout, said.stderr


def test_it_is_for_those_who_manage_clients(visit: Visit, signed_in: Callable[[str], Page]) -> None:
    for email in (VIEWER, POSKO):
        page = signed_in(email)
        visit.open("/integrasi")
        expect(page.get_by_role("heading", level=1)).to_have_text("Peran Anda tidak dapat membuka halaman ini.")
        page.context.clear_cookies()
    assert [line for line in visit.said if "403" not in line] == []
    visit.said.clear()
