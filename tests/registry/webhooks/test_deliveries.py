"""The log of deliveries: read, tested, sent again by hand, forgotten with their webhook."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.changes.webhooks.posting import AttemptOutcome
from app.errors import InvalidValue, NotFound
from app.models.enums import DeliveryError
from app.registry.webhooks import deliveries, webhooks
from app.registry.webhooks.deliveries import Delivery, DeliveryAttempt
from app.registry.webhooks.webhooks import Webhook
from tests.changes.sending import DELIVERED, FAILED, Post, after, failure, filled, forfeited, no_show, returned
from tests.world import DJKA, DKI, HUBDAT, NOW, World

pytestmark = pytest.mark.anyio

NOBODY = UUID(int=0)


@pytest.fixture
def post(world: World) -> Post:
    return Post(world)


async def page(post: Post, hook: Webhook, **which: Any) -> list[Delivery]:
    values = {"state": None, "after": None, "first": 100} | which
    state = values.pop("state")
    async with post.world.database.transaction() as session:
        return await deliveries.page(session, hook.id, state, **values)


async def forget(post: Post, now: Any, most: int = 100) -> int:
    async with post.world.database.transaction() as session:
        return await deliveries.forget(session, now, most=most)


async def disable(post: Post) -> None:
    await post.world.run("UPDATE webhook SET disabled_at = :now, disabled_because = 'GONE'", now=NOW)


# --- reading ----------------------------------------------------------------------------------------------------------


async def test_the_newest_first_with_every_attempt(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1), filled(1))
    one, two = await post.lease()
    await post.record((one, failure(DeliveryError.TIMEOUT)), (two, AttemptOutcome(31, 200)))
    [again] = await post.lease(after(seconds=5))
    await post.record((again, DELIVERED), now=after(seconds=5))
    found = [
        (each.id, each.event, each.state, each.occurred_at, each.next_attempt_at, each.attempts)
        for each in await page(post, hook)
    ]
    assert found == [
        (two.id, "quota.filled", "DELIVERED", NOW, None, (DeliveryAttempt(NOW, 31, 200, None),)),
        (
            one.id,
            "registrant.forfeited",
            "DELIVERED",
            NOW,
            None,
            (DeliveryAttempt(NOW, 5, None, "TIMEOUT"), DeliveryAttempt(after(seconds=5), 5, 204, None)),
        ),
    ]


async def test_pages_and_states(post: Post) -> None:
    hook = await post.hook()
    other = await post.hook(DKI)
    await post.told(*(forfeited(number) for number in range(1, 6)), no_show(1))
    whole = await page(post, hook)
    assert [one.event for one in whole] == ["registrant.no_show"] + ["registrant.forfeited"] * 5
    assert [one.next_attempt_at for one in whole] == [None] + [NOW] * 5
    assert [one.id for one in await page(post, hook, first=2)] == [one.id for one in whole[:3]]
    assert [one.id for one in await page(post, hook, after=whole[1].id)] == [one.id for one in whole[2:]]
    [leased, *_] = await post.lease()
    await post.record((leased, DELIVERED))
    assert [one.id for one in await page(post, hook, state="DELIVERED")] == [leased.id]
    assert len(await page(post, hook, state="PENDING")) == 5
    assert await page(post, hook, state="FAILED") == []
    assert await page(post, other) == []


# --- tests ------------------------------------------------------------------------------------------------------------


async def test_a_second_test_while_one_is_on_its_way_is_that_one(post: Post) -> None:
    hook = await post.hook()
    made = await asyncio.gather(*(post.test(hook) for _ in range(4)))
    assert len({one.id for one in made}) == 1
    await post.try_all(DELIVERED)
    again = await post.test(hook, now=after(seconds=9))
    assert again.id != made[0].id
    assert (again.occurred_at, again.next_attempt_at) == (after(seconds=9), after(seconds=9))
    assert [row[0] for row in await post.rows("state")] == ["DELIVERED", "PENDING"]


async def test_a_test_does_not_wait_for_what_its_receiver_asked_for(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1))
    await post.try_all(AttemptOutcome(5, 503, retry_after="3600"))
    await post.test(hook, now=after(seconds=1))
    assert [one.event for one in await post.lease(after(seconds=1))] == ["webhook.test"]


async def test_nothing_is_tested_or_sent_again_that_is_somebody_elses_or_disabled(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1))
    await post.try_all(DELIVERED)
    [delivery] = await page(post, hook)
    async with post.world.unchanged("webhook", "webhook_delivery"):
        for verdict in (
            post.test(hook, DKI),
            post.test(hook, HUBDAT),
            post.redeliver(hook, DKI, delivery_id=delivery.id),
            post.redeliver(hook, DKI, since=NOW),
            post.redeliver(hook, delivery_id=NOBODY),
        ):
            assert isinstance(await verdict, NotFound)
    await disable(post)
    async with post.world.unchanged("webhook", "webhook_delivery"):
        for verdict in (post.test(hook), post.redeliver(hook, delivery_id=delivery.id)):
            refused = await verdict
            assert isinstance(refused, InvalidValue)
            assert refused.field == "id"
            assert refused.message("en") == "This webhook is disabled; saving it again (saveWebhook) enables it."


async def test_the_ministry_may_test_anyones(post: Post) -> None:
    hook = await post.hook()
    assert isinstance(await post.test(hook, HUBDAT, admin=True), Delivery)
    assert await post.redeliver(hook, HUBDAT, since=NOW, admin=True) == 1


# --- sending again ----------------------------------------------------------------------------------------------------


async def test_one_that_was_delivered_is_sent_again_under_its_id(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1))
    [first] = await post.try_all(DELIVERED)
    assert await post.redeliver(hook, delivery_id=first.id, now=after(days=1)) == 1
    [again] = await post.try_all(FAILED, after(days=1))
    assert (again.id, again.tries, again.change) == (first.id, 0, first.change)
    # It begins the schedule anew.
    assert await post.rows("state, tries, due_at") == [("PENDING", 1, after(days=1, seconds=5))]


async def test_one_of_another_webhook_is_not_found(post: Post) -> None:
    hook = await post.hook()
    other = await post.hook(url="https://other.example/")
    await post.told(forfeited(1))
    [theirs] = await page(post, other)
    async with post.world.unchanged("webhook_delivery"):
        refused = await post.redeliver(hook, delivery_id=theirs.id)
    assert isinstance(refused, NotFound)
    assert refused.field == "delivery"


async def test_all_since_that_were_not_delivered(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1))
    await post.try_all(FAILED)
    await post.told(forfeited(2), no_show(2), forfeited(3), now=after(hours=1))
    await post.world.run("UPDATE webhook SET failing_since = NULL")
    leased = {UUID(one.subject).int: one for one in await post.lease(after(hours=1))}
    assert sorted(leased) == [1, 2, 3]
    await post.record((leased[1], FAILED), (leased[2], FAILED), (leased[3], DELIVERED), now=after(hours=1))
    await post.world.run(
        "UPDATE webhook_delivery SET state = 'FAILED', finished_at = made_at, due_at = NULL WHERE state = 'PENDING'"
    )
    assert await post.redeliver(hook, since=after(minutes=30), now=after(hours=2)) == 2
    two = str(UUID(int=2))
    assert await post.rows("event, subject, state, tries, due_at") == [
        ("registrant.forfeited", str(UUID(int=1)), "FAILED", 2, None),
        ("registrant.forfeited", two, "PENDING", 0, after(hours=2)),
        ("registrant.no_show", two, "PENDING", 0, None),
        ("registrant.forfeited", str(UUID(int=3)), "DELIVERED", 1, None),
    ]
    assert await post.redeliver(hook, since=after(hours=3), now=after(hours=3)) == 0


async def test_what_waits_for_its_next_attempt_is_sent_now_and_what_is_in_flight_is_left(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1), forfeited(2))
    one, two = await post.lease()
    await post.record((one, FAILED))
    assert await post.redeliver(hook, since=NOW, now=after(seconds=1)) == 2
    assert await post.rows("due_at, leased_until") == [(after(seconds=1), None), (NOW, after(seconds=60))]
    await post.record((two, DELIVERED), now=after(seconds=1))
    assert [again.id for again in await post.lease(after(seconds=1))] == [one.id]


async def test_one_sent_again_waits_for_what_is_on_its_way_of_its_subject(post: Post) -> None:
    hook = await post.hook()
    await post.told(filled(1), returned(1))
    [first] = await post.try_all(DELIVERED)
    [second] = await post.lease()
    assert second.event == "quota.returned"
    assert await post.redeliver(hook, delivery_id=first.id) == 1
    assert await post.rows("state, due_at") == [("PENDING", None), ("PENDING", NOW)]
    await post.record((second, DELIVERED))
    assert await post.rows("state, due_at") == [("PENDING", NOW), ("DELIVERED", None)]


async def test_which_one_must_be_said(post: Post) -> None:
    hook = await post.hook()
    neither_nor_both: tuple[dict[str, Any], ...] = ({}, {"delivery_id": NOBODY, "since": NOW})
    for which in neither_nor_both:
        refused = await post.redeliver(hook, **which)
        assert isinstance(refused, InvalidValue)
        assert (refused.field, refused.message("en")) == ("delivery", "Give one of delivery and since.")


# --- forgetting -------------------------------------------------------------------------------------------------------


async def test_a_deleted_webhook_goes_with_all_it_was_sent_when_nothing_is_on_its_way(post: Post) -> None:
    hook = await post.hook()
    await post.told(*(forfeited(number) for number in range(1, 5)))
    await post.try_all(DELIVERED)
    await post.told(forfeited(5))
    async with post.world.database.transaction() as session:
        await webhooks.delete(session, DJKA, hook.id, NOW)
    assert await forget(post, after(hours=1)) == 0
    assert await forget(post, after(hours=1, seconds=1), most=4) == 4
    assert await post.world.count("webhook") == 1
    assert await forget(post, after(hours=1, seconds=1), most=4) == 1
    assert await post.world.count("webhook") == 0
    assert await post.world.one("SELECT count(*) FROM change WHERE kind = 'REGISTRANT_MOVED'") == 5
