"""The queue: leased once, in order, few to each webhook; and what every outcome leads to, down to the last attempt."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from app.changes.webhooks import outbox, retries
from app.changes.webhooks.posting import AttemptOutcome
from app.models.enums import DeliveryError
from app.registry.webhooks import webhooks
from tests.changes.sending import (
    DELIVERED,
    FAILED,
    Post,
    after,
    failure,
    filled,
    forfeited,
    no_show,
    returned,
)
from tests.world import DJKA, DKI, NOW

pytestmark = pytest.mark.anyio

GONE = AttemptOutcome(5, 410)


def subjects(leased: list[outbox.Leased]) -> list[int]:
    return [UUID(one.subject).int for one in leased]


# --- leases -----------------------------------------------------------------------------------------------------------


async def test_what_is_leased_is_nobody_elses_until_the_lease_runs_out(post: Post) -> None:
    await post.hook()
    await post.told(forfeited(1))
    [first] = await post.lease()
    assert await post.lease(after(seconds=59)) == []
    [second] = await post.lease(after(seconds=60))
    assert (second.id, second.until) == (first.id, after(seconds=120))
    # Who had it first has nothing to say any more, neither good nor bad.
    await post.record((first, FAILED), now=after(seconds=61))
    assert await post.attempts() == []
    assert await post.rows() == [("registrant.forfeited", str(UUID(int=1)), "PENDING", 0, NOW)]
    await post.record((second, DELIVERED), now=after(seconds=62))
    await post.record((first, DELIVERED), now=after(seconds=63))
    assert await post.rows("state, tries, due_at, finished_at") == [("DELIVERED", 1, None, after(seconds=62))]
    assert await post.attempts() == [(204, None)]


async def test_four_at_a_time_to_one_webhook_whoever_sends(post: Post) -> None:
    await post.hook()
    await post.hook(DKI)
    await post.told(*(forfeited(number) for number in range(1, 9)), *(forfeited(20 + n, "dishub-dki") for n in (1, 2)))
    first = await post.lease()
    assert sorted(subjects(first)) == [1, 2, 3, 4, 21, 22]
    assert await post.lease() == []
    await post.record((first[0], DELIVERED))
    assert subjects(await post.lease()) == [5]


async def test_processes_that_ask_at_once_get_different_ones(post: Post) -> None:
    for place in range(6):
        await post.hook(url=f"https://hook.example/{place}", events=["registrant.forfeited"])
    await post.told(*(forfeited(number) for number in range(1, 6)))
    leased = [one for some in await asyncio.gather(*(post.lease() for _ in range(8))) for one in some]
    leased += await post.lease()
    assert len({one.id for one in leased}) == len(leased) == 24


async def test_no_more_than_there_is_room_for_and_what_was_due_first(post: Post) -> None:
    for place in range(3):
        await post.hook(url=f"https://hook.example/{place}", events=["registrant.forfeited"])
    await post.told(forfeited(1))
    await post.told(forfeited(2), now=after(seconds=1))
    assert subjects(await post.lease(after(seconds=2), most=4)) == [1, 1, 1, 2]
    assert subjects(await post.lease(after(seconds=2), most=4)) == [2, 2]


async def test_what_is_leased_has_all_that_sending_needs(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1))
    [leased] = await post.lease()
    assert (leased.webhook_id, leased.url, leased.event, leased.tries, leased.own) == (
        hook.id, "https://hook.example/", "registrant.forfeited", 0, True,
    )  # fmt: skip
    assert leased.at == NOW
    assert leased.change is not None
    assert (leased.change.registrant_id, leased.change.to_status) == (UUID(int=1), "FORFEITED")
    [secret] = leased.secrets
    assert post.world.vault.open_secret(secret).startswith("whsec_")


async def test_while_changing_over_both_secrets_sign_and_then_the_new_one(post: Post) -> None:
    hook = await post.hook()
    async with post.world.database.transaction() as session:
        await webhooks.rotate(session, post.world.vault, DJKA, hook.id, NOW)
    await post.told(forfeited(1))
    [leased] = await post.lease()
    new, old = (post.world.vault.open_secret(secret) for secret in leased.secrets)
    row = await post.world.run("SELECT secret_sealed, old_secret_sealed FROM webhook")
    assert [new, old] == [post.world.vault.open_secret(secret) for secret in row[0]]
    await post.record((leased, FAILED))
    [later] = await post.lease(after(hours=24))
    assert [post.world.vault.open_secret(secret) for secret in later.secrets] == [new]


async def test_what_is_given_back_is_anybodys_at_once(post: Post) -> None:
    await post.hook()
    await post.told(forfeited(1), forfeited(2))
    one, two = await post.lease()
    async with post.world.database.transaction() as session:
        await outbox.release(session, [one])
    [again] = await post.lease(after(seconds=1))
    assert (again.id, again.tries) == (one.id, 0)
    # Another's lease is not given back by whoever had it before.
    async with post.world.database.transaction() as session:
        await outbox.release(session, [one])
    assert await post.lease(after(seconds=2)) == []
    assert two.id != one.id


# --- order ------------------------------------------------------------------------------------------------------------


async def test_a_later_event_waits_for_the_earlier_one_of_its_registrant(post: Post) -> None:
    await post.hook()
    await post.told(forfeited(1), no_show(1), forfeited(2))
    first = await post.lease()
    assert [(one.event, one.subject) for one in first] == [
        ("registrant.forfeited", str(UUID(int=1))),
        ("registrant.forfeited", str(UUID(int=2))),
    ]
    await post.record((first[0], FAILED), (first[1], DELIVERED))
    assert await post.lease(after(seconds=4)) == []
    [again] = await post.lease(after(seconds=5))
    assert (again.id, again.tries) == (first[0].id, 1)
    await post.record((again, DELIVERED), now=after(seconds=5))
    [next_one] = await post.lease(after(seconds=5))
    assert (next_one.event, next_one.subject) == ("registrant.no_show", str(UUID(int=1)))


async def test_what_is_announced_while_the_one_before_lands_is_not_forgotten(post: Post) -> None:
    """Whichever of the two is first, one of them lets it go."""
    await post.hook(events=["quota.filled", "quota.returned"])
    for round_ in range(12):
        await post.told(filled(1))
        [leased] = await post.lease()
        await asyncio.gather(post.told(returned(1)), post.record((leased, DELIVERED)))
        [second] = await post.lease()
        assert second.event == "quota.returned"
        await post.record((second, DELIVERED))
        assert len(await post.rows()) == 2 * (round_ + 1)


async def test_after_the_last_attempt_the_next_one_goes_on(post: Post) -> None:
    await post.hook()
    await post.told(forfeited(1), no_show(1))
    now = NOW
    for tries in range(1, 11):
        [leased] = await post.lease(now)
        assert (leased.event, leased.tries) == ("registrant.forfeited", tries - 1)
        assert await post.lease(now) == []
        await post.record((leased, failure(DeliveryError.CONNECT_FAILED)), now=now)
        if tries < 10:
            assert await post.lease(now + retries.SCHEDULE[tries] - timedelta(microseconds=1)) == []
            now += retries.SCHEDULE[tries]
    assert now == NOW + timedelta(hours=75, minutes=35, seconds=5)
    assert await post.rows() == [
        ("registrant.forfeited", str(UUID(int=1)), "FAILED", 10, None),
        ("registrant.no_show", str(UUID(int=1)), "PENDING", 0, now),
    ]
    assert await post.attempts() == [(None, "CONNECT_FAILED")] * 10
    [next_one] = await post.lease(now)
    assert next_one.event == "registrant.no_show"


# --- how a webhook is -------------------------------------------------------------------------------------------------


async def health(post: Post) -> list[tuple[datetime | None, datetime | None, datetime | None, str | None]]:
    columns = "failing_since, paused_until, disabled_at, disabled_because"
    return [tuple(row) for row in await post.world.run(f"SELECT {columns} FROM webhook ORDER BY id")]


async def test_one_that_fails_gets_one_at_a_time_until_it_succeeds(post: Post) -> None:
    await post.hook()
    await post.told(*(forfeited(number) for number in range(1, 9)))
    first = await post.lease()
    await post.record((first[0], FAILED), now=after(seconds=1))
    assert await health(post) == [(after(seconds=1), None, None, None)]
    assert await post.lease(after(seconds=1)) == []
    await post.record(*((one, FAILED) for one in first[1:]), now=after(seconds=2))
    [only] = await post.lease(after(seconds=2))
    assert subjects([only]) == [5]
    assert await health(post) == [(after(seconds=1), None, None, None)]
    await post.record((only, DELIVERED), now=after(seconds=3))
    assert await health(post) == [(None, None, None, None)]
    assert len(await post.lease(after(seconds=3))) == 3


async def test_retry_after_holds_back_the_whole_webhook(post: Post) -> None:
    await post.hook()
    await post.hook(DKI)
    await post.told(*(forfeited(number) for number in range(1, 7)), forfeited(20, "dishub-dki"))
    leased = {UUID(one.subject).int: one for one in await post.lease()}
    assert sorted(leased) == [1, 2, 3, 4, 20]
    await post.record(
        (leased[1], AttemptOutcome(5, 429, retry_after="120")),
        (leased[2], AttemptOutcome(5, 503, retry_after="60")),
        (leased[3], DELIVERED),
        (leased[20], AttemptOutcome(5, 200, retry_after="600")),
    )
    paused = after(seconds=120)
    assert await health(post) == [(None, paused, None, None), (None, None, None, None)]
    assert (await post.rows("due_at"))[:3] == [(paused,), (after(seconds=60),), (None,)]
    assert await post.lease(after(seconds=119)) == []
    assert sorted(subjects(await post.lease(paused))) == [2, 4, 5, 6]


async def test_a_shorter_wish_does_not_undo_a_longer_one(post: Post) -> None:
    await post.hook()
    await post.told(forfeited(1), forfeited(2))
    one, two = await post.lease()
    await post.record((one, AttemptOutcome(5, 503, retry_after="600")))
    await post.record((two, AttemptOutcome(5, 503, retry_after="6")))
    assert (await health(post))[0][1] == after(seconds=600)


async def test_410_disables_it_and_what_waits_has_failed(post: Post) -> None:
    hook = await post.hook()
    await post.hook(DKI)
    await post.told(*(forfeited(number) for number in range(1, 7)), no_show(1), forfeited(20, "dishub-dki"))
    leased = await post.lease()
    await post.record((leased[0], GONE))
    assert await health(post) == [(NOW, None, NOW, "GONE"), (None, None, None, None)]
    # What is in flight may still arrive.
    states = await post.rows("subject, state")
    assert [UUID(subject).int for subject, state in states if state == "FAILED"] == [1, 5, 6, 1]
    assert [UUID(subject).int for subject, state in states if state == "PENDING"] == [2, 3, 4, 20]
    await post.record((leased[1], DELIVERED), (leased[2], FAILED), now=after(seconds=1))
    assert [state for _, state in await post.rows("subject, state")][1:3] == ["DELIVERED", "FAILED"]
    assert subjects(await post.lease(after(days=1))) == [20]
    told = await post.world.run(
        "SELECT organizer_code, client_id, facts->>'webhook' AS webhook, facts->>'because' AS because FROM change"
        " WHERE kind = 'WEBHOOK_DISABLED'"
    )
    assert [tuple(row) for row in told] == [("djka", None, str(hook.id), "GONE")]


async def test_410_twice_is_told_once(post: Post) -> None:
    await post.hook()
    await post.told(forfeited(1), forfeited(2))
    one, two = await post.lease()
    await post.record((one, GONE))
    await post.record((two, GONE), now=after(seconds=1))
    assert await post.world.one("SELECT count(*) FROM change WHERE kind = 'WEBHOOK_DISABLED'") == 1
    assert await post.world.one("SELECT disabled_at FROM webhook") == NOW
    assert [row[0] for row in await post.rows("state")] == ["FAILED", "FAILED"]


async def test_five_days_without_a_success_disable_it(post: Post) -> None:
    await post.hook()
    await post.told(forfeited(1))
    await post.try_all(FAILED)
    for hours in range(1, 120):
        await post.try_all(FAILED, after(hours=hours))
        await post.told(forfeited(100 + hours), now=after(hours=hours))
    assert (await health(post))[0][2:] == (None, None)
    await post.try_all(FAILED, after(days=5))
    assert await health(post) == [(NOW, None, after(days=5), "FAILING")]
    assert {row[0] for row in await post.rows("state")} == {"FAILED"}
    await post.told(forfeited(2), now=after(days=6))
    assert await post.world.one("SELECT count(*) FROM webhook_delivery WHERE state <> 'FAILED'") == 0


async def test_a_test_that_fails_after_five_days_does_not_disable_it(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1))
    now = NOW
    for span in retries.SCHEDULE:
        now += span
        await post.try_all(FAILED, now)
    assert [row[0] for row in await post.rows("state")] == ["FAILED"]
    await post.test(hook, now=after(days=9))
    await post.try_all(FAILED, after(days=9))
    assert await health(post) == [(NOW, None, None, None)]


async def test_a_deleted_one_is_sent_nothing_and_what_lands_ends(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1), forfeited(2))
    one, two = await post.lease()
    async with post.world.database.transaction() as session:
        await webhooks.delete(session, DJKA, hook.id, NOW)
    await post.record((one, FAILED), (two, DELIVERED))
    assert await post.rows("state, due_at") == [("FAILED", None), ("DELIVERED", None)]
    assert await post.lease(after(days=1)) == []


async def test_one_that_is_forgotten_is_nothing_to_anybody(post: Post) -> None:
    await post.hook()
    await post.told(forfeited(1))
    leased = await post.lease()
    await post.world.run("DELETE FROM webhook_delivery")
    await post.world.run("DELETE FROM webhook")
    await post.record((leased[0], FAILED))
    assert await post.attempts() == []


# --- tests ------------------------------------------------------------------------------------------------------------


async def test_a_test_is_tried_once_and_says_nothing_of_the_webhook(post: Post) -> None:
    hook = await post.hook()
    made = await post.test(hook)
    assert (made.event, made.state, made.next_attempt_at, made.attempts) == ("webhook.test", "PENDING", NOW, ())
    [leased] = await post.lease()
    assert (leased.id, leased.change, leased.own) == (made.id, None, False)
    await post.record((leased, FAILED))
    assert await post.rows("state, tries") == [("FAILED", 1)]
    assert await health(post) == [(None, None, None, None)]


async def test_a_test_that_arrives_shows_that_it_does_not_fail_any_more(post: Post) -> None:
    hook = await post.hook()
    await post.told(forfeited(1))
    await post.try_all(FAILED)
    assert (await health(post))[0][0] == NOW
    await post.test(hook)
    await post.try_all(DELIVERED, after(seconds=1))
    assert await health(post) == [(None, None, None, None)]


async def test_the_number_of_statements_does_not_depend_on_how_many_land(post: Post) -> None:
    for place in range(5):
        await post.hook(url=f"https://hook.example/{place}", events=["registrant.forfeited"])
    await post.told(*(forfeited(number) for number in range(1, 5)))
    counts = []
    leased = await post.lease()
    assert len(leased) == 20
    for some in (leased[:1], leased[1:]):
        with post.world.statements() as issued:
            await post.record(*((one, DELIVERED) for one in some))
        counts.append(len(issued))
    assert counts[0] == counts[1]
