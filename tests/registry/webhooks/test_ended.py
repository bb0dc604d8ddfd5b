"""Deliveries that have ended: moved out of the queue, shown and sent again as before, dropped by the month."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.changes.webhooks.outbox import Leased
from app.changes.webhooks.posting import AttemptOutcome
from app.errors import NotFound
from app.models.enums import DeliveryError, DeliveryState
from app.registry import sweep
from app.registry.webhooks import deliveries, ended
from app.registry.webhooks.deliveries import Delivery, DeliveryAttempt
from app.registry.webhooks.webhooks import Webhook
from tests.changes.sending import DELIVERED, FAILED, Post, after, failure, filled, forfeited, no_show
from tests.world import DKI, NOW, World

pytestmark = pytest.mark.anyio

MOVED = "SELECT state FROM webhook_delivery_ended ORDER BY place"
WHERE = "SELECT CAST(CAST(tableoid AS regclass) AS text) FROM webhook_delivery_ended ORDER BY place"


@pytest.fixture
def post(world: World) -> Post:
    return Post(world)


async def move(post: Post, now: datetime, most: int = 100) -> int:
    return await post.world.database.attempt(lambda session: ended.move(session, now, most=most))


async def turn(post: Post, now: datetime) -> list[str]:
    return await post.world.database.attempt(lambda session: ended.turn_months(session, now))


async def page(post: Post, hook: Webhook, state: DeliveryState | None = None, **which: Any) -> list[Delivery]:
    values = {"after": None, "first": 100} | which
    async with post.world.database.transaction() as session:
        return await deliveries.page(session, hook.id, state, **values)


async def sent(post: Post, *outcomes: AttemptOutcome) -> list[Leased]:
    """One delivery for each, in their order. What has failed is given up."""
    await post.told(*(forfeited(number) for number, _ in enumerate(outcomes, 1)))
    leased = await post.lease()
    await post.record(*zip(leased, outcomes, strict=True))
    await post.world.run(
        "UPDATE webhook_delivery SET state = 'FAILED', finished_at = :now, due_at = NULL WHERE state = 'PENDING'",
        now=NOW,
    )
    return leased


# --- moved ------------------------------------------------------------------------------------------------------------


async def test_what_ended_more_than_an_hour_ago_is_moved_and_shown_as_before(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1), filled(1), no_show(1))
    one, two = await post.lease()
    await post.record((one, failure(DeliveryError.TIMEOUT)), (two, AttemptOutcome(31, 200)))
    [again] = await post.lease(after(seconds=5))
    await post.record((again, DELIVERED), now=after(seconds=5))
    before = await page(post, hook)

    assert await move(post, after(hours=1)) == 0
    assert await move(post, after(hours=1, seconds=6)) == 2
    assert await post.rows("event, state") == [("registrant.no_show", "PENDING")]
    assert await post.attempts() == []
    assert await page(post, hook) == before
    assert before[2].attempts == (
        DeliveryAttempt(NOW, 5, None, "TIMEOUT"),
        DeliveryAttempt(after(seconds=5), 5, 204, None),
    )


async def test_pages_go_on_from_the_queue_to_what_was_moved(post: Post) -> None:
    hook, other = await post.hook(), await post.hook(DKI)
    await sent(post, DELIVERED, FAILED, DELIVERED, FAILED)
    assert await move(post, after(hours=2), most=3) == 3
    await post.told(no_show(1))
    whole = await page(post, hook)
    assert [one.state for one in whole] == ["PENDING", "FAILED", "DELIVERED", "FAILED", "DELIVERED"]
    assert [one.id for one in await page(post, hook, first=2)] == [one.id for one in whole[:3]]
    for place in range(5):
        assert await page(post, hook, after=whole[place].id) == whole[place + 1 :]
    for state in DeliveryState:
        assert await page(post, hook, state) == [one for one in whole if one.state == state]
    assert await page(post, other) == []


async def test_the_sweep_moves_some_at_a_time_and_no_more_than_a_few_seconds_of_work(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST_SWEPT_TOGETHER", 2)
    monkeypatch.setattr(sweep, "BATCHES_MOVED", 2)
    await post.hook()
    await sent(post, DELIVERED, FAILED)
    await sent(post, *[DELIVERED] * 3)
    await post.world.sweep(after(hours=2))
    assert len(await post.rows()) == 1
    await post.world.sweep(after(hours=2))
    assert await post.rows() == []
    assert [row.state for row in await post.world.run(MOVED)] == ["DELIVERED", "FAILED", *["DELIVERED"] * 3]


async def test_a_change_is_told_of_once_also_when_the_log_is_gone_through_again(post: Post) -> None:
    await post.hook()
    await sent(post, DELIVERED, FAILED, DELIVERED)
    assert await move(post, after(hours=2), most=2) == 2
    await post.told(forfeited(9))
    async with post.world.unchanged("webhook_delivery", "webhook_delivery_ended"):
        await post.world.run("UPDATE projection SET xact_id = '0', change_id = 0 WHERE name = 'webhooks'")
        await post.announce()
    await post.told(forfeited(10))
    assert len(await post.rows()) == 3


# --- sent again -------------------------------------------------------------------------------------------------------


async def test_one_that_was_moved_is_sent_again_under_its_id_in_its_place_with_its_attempts(post: Post) -> None:
    hook = await post.hook()
    first, _ = await sent(post, DELIVERED, DELIVERED)
    await move(post, after(hours=2))
    await post.told(no_show(1), now=after(days=1))
    await post.try_all(DELIVERED, after(days=1))
    assert await post.redeliver(hook, delivery_id=first.id, now=after(days=1)) == 1
    assert len(await post.world.run(MOVED)) == 1
    [again] = await post.try_all(FAILED, after(days=1))
    assert (again.id, again.tries, again.change) == (first.id, 0, first.change)
    assert await post.rows("event, state, tries") == [
        ("registrant.forfeited", "PENDING", 1),
        ("registrant.no_show", "DELIVERED", 1),
    ]
    attempts = (DeliveryAttempt(NOW, 5, 204, None), DeliveryAttempt(after(days=1), 5, 500, None))
    assert (await page(post, hook))[2].attempts == attempts
    await post.try_all(DELIVERED, after(days=1, seconds=5))
    await move(post, after(days=2))
    found = (await page(post, hook, DeliveryState.DELIVERED))[2]
    assert (found.id, found.attempts) == (
        first.id,
        (*attempts, DeliveryAttempt(after(days=1, seconds=5), 5, 204, None)),
    )


async def test_all_since_that_were_not_delivered_come_back(post: Post) -> None:
    hook = await post.hook()
    await sent(post, DELIVERED, FAILED, FAILED)
    await move(post, after(hours=2), most=2)
    assert await post.redeliver(hook, since=after(seconds=1), now=after(hours=2)) == 0
    assert await post.redeliver(hook, since=NOW, now=after(hours=2)) == 2
    assert await post.rows("state, due_at") == [("PENDING", after(hours=2))] * 2
    assert [row.state for row in await post.world.run(MOVED)] == ["DELIVERED"]


async def test_one_of_another_webhook_is_not_found(post: Post) -> None:
    await post.hook()
    [theirs] = await sent(post, DELIVERED)
    other = await post.hook(url="https://other.example/")
    await move(post, after(hours=2))
    async with post.world.unchanged("webhook_delivery", "webhook_delivery_ended"):
        assert isinstance(await post.redeliver(other, delivery_id=theirs.id), NotFound)


async def test_one_is_found_also_while_it_is_moved(post: Post) -> None:
    hook = await post.hook()
    for number in range(1, 11):
        await post.told(forfeited(number))
        [one] = await post.try_all(DELIVERED)
        _, again = await asyncio.gather(move(post, after(hours=2)), post.redeliver(hook, delivery_id=one.id))
        assert again == 1
        await post.try_all(DELIVERED)
    assert len({one.id for one in await page(post, hook)}) == 10


# --- months -----------------------------------------------------------------------------------------------------------


async def test_a_month_is_dropped_when_the_last_of_it_was_kept_for_30_days(post: Post) -> None:
    hook = await post.hook()
    await sent(post, DELIVERED, FAILED)
    await post.told(no_show(3), now=after(days=40))
    await post.try_all(DELIVERED, after(days=40))
    await move(post, after(hours=2))
    assert await turn(post, NOW) == []
    await move(post, after(days=41))
    month = NOW.strftime("webhook_delivery_ended_%Y_%m")
    assert [row[0] for row in await post.world.run(WHERE)][:2] == [month] * 2
    first = (NOW.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    assert month not in await turn(post, first + ended.KEPT_FOR - timedelta(seconds=1))
    assert month in await turn(post, first + ended.KEPT_FOR)
    assert [one.event for one in await page(post, hook)] == ["registrant.no_show"]
    assert await turn(post, first + ended.KEPT_FOR) == []


async def test_what_is_too_old_when_it_would_be_moved_is_not_kept(post: Post) -> None:
    """No server has run for long."""
    hook = await post.hook()
    await sent(post, DELIVERED)
    assert await move(post, after(days=30, seconds=1)) == 1
    assert await page(post, hook) == []


async def test_nothing_but_a_month_of_deliveries_is_dropped(post: Post) -> None:
    for name in ("webhook_delivery_ended_default", "webhook_delivery", "change_default", "nothing"):
        with pytest.raises(asyncpg.PostgresError, match="is no month of deliveries"):
            await post.world.run("SELECT delivery_drop_month(:name)", name=name)


def test_they_are_kept_for_as_long_as_is_promised() -> None:
    assert timedelta(days=30) == ended.KEPT_FOR
