"""Answers that do not come back, and acts that take long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import asyncpg
import httpx
from playwright.sync_api import Page, Route


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
def held(url: str, sql: str) -> Iterator[None]:
    """What `sql` locks is locked meanwhile. In a thread of its own: Playwright has the loop of this one."""
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
            yield
        finally:
            let_go.set()
        done.result()
