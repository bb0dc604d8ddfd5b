"""`make bench ARGS=pages`: the overview in a browser with an empty cache, and what 100 open dashboards cost a server.

On the demo season, at a `pemudik serve` with one worker and a PostgreSQL of its own. What the statement of the overview
takes at many registrants is measured by `python -m bench.statistics` ("overview").
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import orjson
import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from app.embedded import postgres
from app.web import assets
from tests.servers import Server, place_in
from tests.web.browsing import CHROMIUM, VIEWER, launched, link_for, sign_in, visiting

ROUNDS = 7
DASHBOARDS = 100
AGAIN_SECONDS = 10.0
MEASURED_SECONDS = 60.0
CHARTS = "#fullest, #emptiest, #pairs, #organizers, #days, #funnel, #deadlines, #forecast"


def overview() -> str:
    """The document with which the page asks for its figures, as the dashboard's readers send it."""
    parts = {
        "ringkasan": "FIGURES = `(.*?)`;",
        "ringkasan-pulse": r"PULSE = sees \? '(.*?)'",
        "ringkasan-waiting": "WAITING = `(.*?)`;",
    }
    figures, pulse, waiting = (
        re.findall(part, (assets.FOLDER / f"{name}.js").read_text(encoding="utf-8"), re.DOTALL)[0]
        for name, part in parts.items()
    )
    return str(figures).replace("${HALTS}", "").replace("${PULSE}", pulse).replace("${WAITING}", waiting)


def run() -> None:
    if CHROMIUM is None:
        sys.exit("Chromium is not on this machine: apt-get install chromium")
    with tempfile.TemporaryDirectory(prefix="pemudik-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres.running(folder / "database") as url, place_in(folder / "home", url) as place:
            server = place.serve()
            with sync_playwright() as playwright:
                browser = launched(playwright)
                cookies = signed_in(browser, server, url)
                first_views(browser, server, cookies)
                browser.close()
            asyncio.run(dashboards(server, cookies))


def signed_in(browser: Browser, server: Server, url: str) -> list[Any]:
    with visiting(browser, server) as visit:
        sign_in(visit, link_for(server, url, VIEWER))
        return list(visit.page.context.cookies())


def first_views(browser: Browser, server: Server, cookies: list[Any]) -> None:
    seconds, sizes, calls = zip(*(first_view(browser, server, cookies) for _ in range(ROUNDS)), strict=True)
    print(
        f"first view of the overview, empty cache, demo season: {statistics.median(seconds):.2f} s (median of {ROUNDS},"
    )
    print(
        f"  {min(seconds):.2f} to {max(seconds):.2f}), {max(sizes) / 1000:.0f} kB sent, {max(calls)} call(s) of the API"
    )


def first_view(browser: Browser, server: Server, cookies: list[Any]) -> tuple[float, int, int]:
    """Seconds until every chart is drawn, bytes that came, and how often the API was asked."""
    with visiting(browser, server) as visit:
        page = visit.page
        page.context.add_cookies(cookies)
        came, calls = counted(page)
        began = time.perf_counter()
        visit.open("/ringkasan")
        wanted = len(CHARTS.split(", "))
        while page.locator(CHARTS).locator("svg.plot").count() < wanted:
            pass
        return time.perf_counter() - began, sum(came), len(calls)


def counted(page: Page) -> tuple[list[int], list[str]]:
    came: list[int] = []
    calls: list[str] = []
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", lambda event: came.append(int(event["encodedDataLength"])))
    page.on("request", lambda request: calls.append(request.url) if request.url.endswith("/graphql") else None)
    return came, calls


# --- a hundred dashboards ---------------------------------------------------------------------------------------------


async def dashboards(server: Server, cookies: list[Any]) -> None:
    headers = {"Origin": server.url, "Cookie": "; ".join(f"{one['name']}={one['value']}" for one in cookies)}
    body = orjson.dumps({"query": overview(), "variables": {"where": {}}})
    processes = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    limits = httpx.Limits(max_connections=DASHBOARDS)
    async with httpx.AsyncClient(base_url=server.url, headers=headers, limits=limits, timeout=60) as client:
        alone = await timed(client, body)
        print(f"the overview's figures, asked anew each time: {alone * 1000:.0f} ms over HTTP (median of 30)")
        idle = await used(processes, asyncio.sleep(MEASURED_SECONDS / 2), MEASURED_SECONDS / 2)
        looked = asyncio.gather(*(look_on(client, body, place) for place in range(DASHBOARDS)))
        busy = await used(processes, looked, MEASURED_SECONDS)
    print(
        f"{DASHBOARDS} open dashboards, each asking every {AGAIN_SECONDS:.0f} s: {busy:.1%} of a CPU;"
        f" without them {idle:.1%}"
    )


async def timed(client: httpx.AsyncClient, body: bytes) -> float:
    seconds = []
    for _ in range(30):
        began = time.perf_counter()
        await asked(client, body, {"Cache-Control": "no-cache"})
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


async def used(processes: list[psutil.Process], work: Any, seconds: float) -> float:
    """The share of one CPU that the processes take while `work` is done."""
    before = sum(sum(one.cpu_times()[:2]) for one in processes)
    began = time.perf_counter()
    await work
    passed = max(seconds, time.perf_counter() - began)
    return (sum(sum(one.cpu_times()[:2]) for one in processes) - before) / passed


async def look_on(client: httpx.AsyncClient, body: bytes, place: int) -> None:
    """A page that was opened at some time: it asks every ten seconds from then on."""
    await asyncio.sleep(AGAIN_SECONDS * place / DASHBOARDS)
    for _ in range(int(MEASURED_SECONDS / AGAIN_SECONDS)):
        began = time.perf_counter()
        await asked(client, body)
        await asyncio.sleep(max(0.0, AGAIN_SECONDS - (time.perf_counter() - began)))


async def asked(client: httpx.AsyncClient, body: bytes, headers: dict[str, str] | None = None) -> None:
    answer = await client.post(
        "/graphql",
        content=body,
        headers={"Content-Type": "application/json", "Accept": "application/json"} | (headers or {}),
    )
    assert answer.status_code == 200, answer.text[:500]
    assert "errors" not in answer.json(), answer.text[:500]
