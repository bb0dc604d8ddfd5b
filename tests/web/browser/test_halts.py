"""Ringkasan: a sweep that waits for Hubdat's word, and the word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import asyncpg
from playwright.sync_api import Page

from tests.web.browsing import OPERATOR, VIEWER, Visit, expect

DUE = """
    WITH crowd AS (
        SELECT id FROM registrant WHERE organizer_code = 'ahm' AND status = 'REGISTERED' ORDER BY id LIMIT 150
    )
    UPDATE registrant SET verify_by = now() - INTERVAL '1 minute' WHERE id IN (SELECT id FROM crowd) RETURNING id
"""
FORFEITED = "SELECT id FROM registrant WHERE organizer_code = 'ahm' AND status = 'FORFEITED'"


def rows(url: str, sql: str) -> int:
    """In a thread of its own: Playwright has the loop of this one."""

    async def read() -> int:
        connection = await asyncpg.connect(url)
        try:
            return len(await connection.fetch(sql))
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(read())).result()


def test_hubdat_gives_its_word_where_too_many_would_end_at_once(
    visit: Visit, signed_in: Callable[[str], Page], servers_url: str
) -> None:
    before = rows(servers_url, FORFEITED)
    crowd = rows(servers_url, DUE)
    assert crowd > 100
    page = signed_in(OPERATOR)
    halt = page.locator("#halts .note")
    expect(halt).to_contain_text("akan gugur sekaligus. Registri menahannya.")
    expect(halt).to_contain_text("AHM (Honda)")
    assert visit.faults() == []
    page.set_viewport_size({"width": 1440, "height": 900})
    halt.get_by_role("button", name="Periksa dan putuskan").click()
    dialog = page.locator("dialog[open]")
    assert visit.violations() == []
    dialog.get_by_label("Alasan").fill("Benar tidak datang ke posko")
    dialog.get_by_label("Batas waktu dan jadwalnya sudah saya periksa.").check()
    assert rows(servers_url, FORFEITED) == before
    dialog.get_by_role("button", name=f"Gugurkan {crowd} orang").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("#halts .btn")).to_have_count(0)
    expect(page.locator("#halts .note")).to_have_count(0)
    assert rows(servers_url, FORFEITED) == before + crowd


def test_whoever_only_looks_on_is_not_asked(signed_in: Callable[[str], Page]) -> None:
    page = signed_in(VIEWER)
    expect(page.locator("#fresh")).to_contain_text("lalu")
    expect(page.locator("#halts")).to_be_empty()
