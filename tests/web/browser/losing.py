"""Answers that do not come back, and acts that take long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import asyncpg
import httpx
from playwright.sync_api import Page, Route

from tests.patience import patience


def lose_the_answer(page: Page) -> None:
    """The next mutation reaches the registry, and its answer does not come back."""

    def lose(route: Route) -> None:
        assert "mutation" in (route.request.post_data or "")
        route.fetch()
        route.abort()

    page.route("**/graphql", lose, times=1)


@contextmanager
def kept_back(page: Page) -> Iterator[None]:
    """What the page asks meanwhile is not sent before the end; then it goes on to what was routed before."""
    asked: list[Route] = []

    def keep(route: Route) -> None:
        asked.append(route)

    page.route("**/graphql", keep)
    yield
    page.unroute("**/graphql", keep)
    for route in asked:
        route.fallback()


@contextmanager
def sent_without_an_answer(page: Page) -> Iterator[None]:
    """The next mutation reaches the registry and is done in the end; the browser has lost it at once."""
    with ThreadPoolExecutor(1) as thread:
        sent: list[Future[httpx.Response]] = []

        def send(route: Route) -> None:
            asked = route.request
            headers = {name: value for name, value in asked.all_headers().items() if not name.startswith(":")}
            sent.append(thread.submit(httpx.post, asked.url, content=asked.post_data, headers=headers, timeout=60))
            route.abort()

        page.route("**/graphql", send, times=1)
        yield
    [answer] = sent
    assert "errors" not in answer.result().json()


@contextmanager
def held(url: str, sql: str) -> Iterator[Callable[[], None]]:
    """What `sql` locks is locked meanwhile. In a thread of its own: Playwright has the loop of this one.

    The function that it gives waits until somebody waits for the lock.
    """
    locked, let_go = Event(), Event()

    async def hold() -> None:
        connection = await asyncpg.connect(url)
        async with connection.transaction():
            await connection.execute(sql)
            locked.set()
            await asyncio.to_thread(let_go.wait)
        await connection.close()

    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(lambda: asyncio.run(hold()))
        try:
            assert locked.wait(60)
            yield lambda: asked_for(url)
        finally:
            let_go.set()
        done.result()


def asked_for(url: str) -> None:
    """Somebody waits for a lock of this database."""

    async def look() -> None:
        connection = await asyncpg.connect(url)
        async with patience():
            while not await connection.fetchval(_WAITS):  # noqa: ASYNC110 - another process waits
                await asyncio.sleep(0.05)
        await connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(look())).result()


_WAITS = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
"""
