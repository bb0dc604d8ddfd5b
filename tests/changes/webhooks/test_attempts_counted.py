"""Attempts are counted by what the receiver said, in classes: its statuses are its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app import clock
from app.changes.webhooks.sender import Sender
from tests.changes.sending import Post, forfeited
from tests.changes.webhooks.test_sender import posting
from tests.metrics.conftest import fresh
from tests.metrics.test_page import value
from tests.receivers import OK, answer, receiving

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    fresh()
    yield
    fresh()


async def test_attempts(post: Post) -> None:
    now = clock.now()
    answers = iter([OK, answer(418), answer(503), answer(599)])
    async with receiving() as receiver, posting() as poster:
        receiver.says = lambda _: next(answers)
        await post.hook(url=receiver.url())
        await post.told(*(forfeited(number) for number in range(1, 5)), now=now)
        one = Sender(post.world.database, post.world.vault, poster.post, now=lambda: now)
        for _ in range(4):
            await one.turn()
            await one.landed()
    found = {outcome: value("pemudik_webhook_attempts_total", outcome=outcome) for outcome in ("2xx", "4xx", "5xx")}
    assert found == {"2xx": 1, "4xx": 1, "5xx": 2}
