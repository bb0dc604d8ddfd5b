"""Signing in with an account of an OpenID provider, in a real browser: there and back."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import npm
from tests.servers import Place, Server
from tests.web.browsing import POSKO, expect, visiting

PROVIDER = Path(__file__).parent.parent / "oidc"
SECRET = "a secret of the tests"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def led_to_a_provider(browser: Browser, place: Place) -> Iterator[Server]:
    """Another server on the same database. The provider knows its address before it is there."""
    npm.install(PROVIDER)
    port = free_port()
    words = ["node", "provider.mjs", f"http://127.0.0.1:{port}/masuk/oidc", SECRET]
    with subprocess.Popen(words, cwd=PROVIDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            issuer = json.loads(process.stdout.readline())["issuer"]
            named = {"PEMUDIK_OIDC_ISSUER": issuer, "PEMUDIK_OIDC_CLIENT_ID": "pemudik"}
            server = place.serve(PORT=str(port), PEMUDIK_OIDC_CLIENT_SECRET=SECRET, **named)
            yield server
            server.end()
        finally:
            process.terminate()


def test_the_way_there_and_back(browser: Browser, led_to_a_provider: Server) -> None:
    server = led_to_a_provider
    with visiting(browser, server) as visit:
        page = visit.page
        visit.open("/masuk")
        assert visit.violations() == []
        page.get_by_role("button", name="Masuk dengan akun instansi").click()
        page.wait_for_url("**/interaction/*")
        page.locator("[name=login]").fill("orang.lain@contoh.example")
        page.locator("[name=password]").fill("x")
        page.locator("[type=submit]").click()
        page.locator("[type=submit]").click()
        page.wait_for_url(f"{server.url}/masuk")
        expect(page.get_by_role("alert").or_(page.locator("#failed"))).to_contain_text("tidak ada dalam daftar petugas")
        assert visit.violations() == []
    with visiting(browser, server) as visit:
        page = visit.page
        visit.open("/masuk")
        page.get_by_role("button", name="Masuk dengan akun instansi").click()
        page.locator("[name=login]").fill(POSKO)
        page.locator("[name=password]").fill("x")
        page.locator("[type=submit]").click()
        page.locator("[type=submit]").click()
        page.wait_for_url(f"{server.url}/posko")
        page.go_back()
        assert "code=" not in page.url
