"""Sending for real: over HTTP to receivers that refuse, dawdle or fall over, by senders that stop and start."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest
import structlog
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from app import clock
from app.changes.log import projection
from app.changes.log.wake import Wake
from app.changes.webhooks import announcing, sender
from app.changes.webhooks.posting import Poster
from app.changes.webhooks.sender import Sender
from app.db import Followers
from app.errors import Unavailable
from app.registry import change_log
from app.registry.webhooks import webhooks
from tests.changes.sending import Post, filled, forfeited, no_show
from tests.patience import NO_CERTIFICATES, PATIENCE_SECONDS, patience
from tests.receivers import OK, Receiver, Request, answer, receiving
from tests.world import DJKA, DKI, HUBDAT, World

pytestmark = pytest.mark.anyio

PENDING = "SELECT EXISTS (SELECT FROM webhook_delivery WHERE state = 'PENDING')"
EACH = 10
"""Registrants of an organizer in the random run."""


@asynccontextmanager
async def posting() -> AsyncIterator[Poster]:
    async def here(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    poster = Poster(here, connections=20, private=True, within=5, tls=NO_CERTIFICATES)
    try:
        yield poster
    finally:
        await poster.close()


@asynccontextmanager
async def sending(post: Post) -> AsyncIterator[Followers]:
    """A process that follows the log and sends, as `app.main` wires it."""
    world, stop = post.world, asyncio.Event()
    followers = world.database.followers
    duties = [
        Wake(world.database).run(stop),
        projection.keep(world.database, announcing.PROJECTION, stop),
        sender.run(world.database, world.vault, stop, private=True),
    ]
    running = [asyncio.create_task(duty) for duty in duties]
    try:
        yield followers
    finally:
        stop.set()
        followers.tell()
        await asyncio.gather(*running)


async def append(post: Post, *entries: change_log.Entry) -> None:
    async with post.world.database.transaction() as session:
        await change_log.append(session, entries, clock.now())


async def until_ended(post: Post) -> None:
    """Nothing waits and nothing is in flight."""
    async with patience():
        while await post.world.one(PENDING):  # noqa: ASYNC110 - the database is looked at from outside
            await asyncio.sleep(0.02)


async def secret_of(post: Post) -> str:
    [(sealed,)] = await post.world.run("SELECT secret_sealed FROM webhook")
    return post.world.vault.open_secret(sealed)


async def test_an_event_arrives_signed_within_moments(post: Post) -> None:
    async with receiving() as receiver, sending(post):
        await post.hook(url=receiver.url())
        await append(post, forfeited(1))
        [request] = await receiver.until(1)
        await until_ended(post)
    body = Verifier(await secret_of(post)).verify(request.body, request.headers)
    assert body["type"] == "registrant.forfeited"
    assert body["data"]["registrantId"] == str(UUID(int=1))
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "Pemudik"
    assert request.target == "/hook"
    [(id_, state, tries)] = await post.rows("id, state, tries")
    assert (request.id, state, tries) == (str(id_), "DELIVERED", 1)
    with pytest.raises(WebhookVerificationError):
        Verifier("whsec_" + "A" * 43 + "=").verify(request.body, request.headers)


async def test_a_server_that_may_send_anywhere_says_so(post: Post) -> None:
    with structlog.testing.capture_logs() as logs:
        async with sending(post):
            await asyncio.sleep(0)
    assert [entry["log_level"] for entry in logs if entry["event"] == "webhooks.to_private"] == ["warning"]


async def test_while_changing_over_either_secret_verifies(post: Post) -> None:
    async with receiving() as receiver, sending(post):
        hook = await post.hook(url=receiver.url(), now=clock.now())
        old = await secret_of(post)
        async with post.world.database.transaction() as session:
            await webhooks.rotate(session, post.world.vault, DJKA, hook.id, clock.now())
        await post.test(hook, now=clock.now())
        [request] = await receiver.until(1)
        await until_ended(post)
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for secret in (old, await secret_of(post)):
        assert Verifier(secret).verify(request.body, request.headers)["type"] == "webhook.test"


async def test_every_attempt_has_the_same_id_and_body_and_its_own_time(post: Post) -> None:
    """Retried by a clock of the test's own."""
    now = clock.now()
    async with receiving() as receiver, posting() as poster:
        receiver.says = lambda _: answer(500) if len(receiver.requests) < 4 else OK
        await post.hook(url=receiver.url())
        await post.told(forfeited(1), now=now)
        one = Sender(post.world.database, post.world.vault, poster.post, now=lambda: now, chance=lambda: 0.0)
        for span in (5, 300, 1800, 0):
            await one.turn()
            await one.landed()
            await one.turn()
            now += timedelta(seconds=span)
    assert len({(request.id, request.body) for request in receiver.requests}) == 1
    times = [int(request.headers["webhook-timestamp"]) for request in receiver.requests]
    assert [later - times[0] for later in times] == [0, 5, 305, 2105]
    assert len({request.headers["webhook-signature"] for request in receiver.requests}) == 4
    assert await post.attempts() == [(500, None), (500, None), (500, None), (204, None)]
    assert await post.rows("state, tries") == [("DELIVERED", 4)]


async def test_a_slow_receiver_delays_nobody_else(post: Post) -> None:
    release = asyncio.Event()

    async def slow(_: Request) -> bytes:
        await release.wait()
        return OK

    async with receiving() as dawdler, receiving() as receiver, sending(post):
        dawdler.says = slow
        await post.hook(url=dawdler.url(), events=["registrant.forfeited"])
        await post.hook(DKI, url=receiver.url(), events=["registrant.forfeited"])
        await append(post, *(forfeited(number) for number in range(1, 31)))
        await dawdler.until(4)
        await append(post, *(forfeited(100 + number, "dishub-dki") for number in range(30)))
        await receiver.until(30)
        assert len(dawdler.requests) == 4
        release.set()
        await dawdler.until(30)
        await until_ended(post)
    assert len({request.id for request in dawdler.requests}) == 30


async def test_no_more_is_in_flight_than_one_process_may_have(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "MOST_IN_FLIGHT", 3)
    release = asyncio.Event()

    async def slow(_: Request) -> bytes:
        await release.wait()
        return OK

    async with receiving() as receiver, posting() as poster:
        receiver.says = slow
        await post.hook(url=receiver.url())
        await post.told(*(forfeited(number) for number in range(1, 6)), now=clock.now())
        one = Sender(post.world.database, post.world.vault, poster.post)
        for _ in range(3):
            await one.turn()
        await receiver.until(3)
        assert await post.world.one("SELECT count(*) FROM webhook_delivery WHERE leased_until IS NOT NULL") == 3
        release.set()
        for _ in range(3):
            await one.landed()
            await one.turn()
    assert [row[0] for row in await post.rows("state")] == ["DELIVERED"] * 5


async def test_order_is_kept_for_each_registrant_while_others_overtake(post: Post) -> None:
    stuck = str(UUID(int=1))
    release = asyncio.Event()

    async def waits_for_one(request: Request) -> bytes:
        if request.content["data"].get("registrantId") == stuck:
            await release.wait()
        return OK

    async with receiving() as receiver, sending(post):
        receiver.says = waits_for_one
        await post.hook(url=receiver.url(), events=["registrant.forfeited", "registrant.no_show"])
        await append(post, forfeited(1), no_show(1), forfeited(2), no_show(2))
        await receiver.until(3)
        release.set()
        await receiver.until(4)
        await until_ended(post)
    told = [(request.content["data"]["registrantId"], request.content["type"]) for request in receiver.requests]
    assert told[-1] == (stuck, "registrant.no_show")
    assert [event for whose, event in told if whose == str(UUID(int=2))] == [
        "registrant.forfeited",
        "registrant.no_show",
    ]


async def test_what_is_sent_when_it_stops_is_recorded(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "END_WITHIN_SECONDS", PATIENCE_SECONDS)
    stopping = asyncio.Event()

    async def when_it_stops(_: Request) -> bytes:
        await stopping.wait()
        return OK

    async with receiving() as receiver:
        receiver.says = when_it_stops
        await post.hook(url=receiver.url())
        async with sending(post):
            await append(post, forfeited(1))
            await receiver.until(1)
            # The sender is told to stop before the receiver's turn comes.
            asyncio.get_running_loop().call_soon(stopping.set)
        assert await post.rows("state, tries, leased_until") == [("DELIVERED", 1, None)]


async def test_what_is_not_answered_when_it_stops_is_given_back(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "END_WITHIN_SECONDS", 0.05)

    async def never(_: Request) -> bytes:
        await asyncio.sleep(PATIENCE_SECONDS)
        return OK

    async with receiving() as receiver:
        receiver.says = never
        await post.hook(url=receiver.url())
        async with sending(post):
            await append(post, forfeited(1))
            await receiver.until(1)
        assert await post.rows("state, tries, leased_until") == [("PENDING", 0, None)]
        receiver.says = lambda _: OK
        async with sending(post):
            await receiver.until(2)
            await until_ended(post)
    assert receiver.requests[0].id == receiver.requests[1].id


async def test_a_database_that_is_away_costs_nothing_that_was_sent(post: Post) -> None:
    away = False
    attempt = post.world.database.attempt

    async def sometimes(work: object) -> object:
        if away:
            raise Unavailable
        return await attempt(work)  # type: ignore[arg-type]

    async with receiving() as receiver, posting() as poster:
        await post.hook(url=receiver.url())
        await post.told(forfeited(1), now=clock.now())
        one = Sender(post.world.database, post.world.vault, poster.post)
        post.world.database.attempt = sometimes  # type: ignore[method-assign,assignment]
        await one.turn()
        await receiver.until(1)
        await one.landed()
        away = True
        with structlog.testing.capture_logs() as logs:
            await one.turn()
        assert [entry["event"] for entry in logs] == ["webhooks.unavailable"]
        away = False
        await one.turn()
    assert len(receiver.requests) == 1
    assert await post.rows("state") == [("DELIVERED",)]


async def test_what_cannot_be_sent_at_all_is_logged_and_tried_when_its_lease_has_run_out(post: Post) -> None:
    """A secret that no key opens: somebody has to bring the key, and nothing is lost until then."""
    now = clock.now()
    async with receiving() as receiver, posting() as poster:
        await post.hook(url=receiver.url())
        await post.told(forfeited(1), now=now)
        good = await post.world.one("SELECT secret_sealed FROM webhook")
        await post.world.run("UPDATE webhook SET secret_sealed = :bad", bad=b"\x63" + good[1:])
        one = Sender(post.world.database, post.world.vault, poster.post, now=lambda: now)
        with structlog.testing.capture_logs() as logs:
            await one.turn()
            await one.landed()
        assert [entry["event"] for entry in logs] == ["webhook failed"]
        await one.turn()
        assert (await post.rows("state, tries"), receiver.requests) == ([("PENDING", 0)], [])
        await post.world.run("UPDATE webhook SET secret_sealed = :good", good=good)
        now += timedelta(seconds=61)
        await one.turn()
        await receiver.until(1)
        await one.landed()
        await one.turn()
    assert await post.rows("state, tries") == [("DELIVERED", 1)]


# --- many events, many senders, receivers that fail -------------------------------------------------------------------


def unreliable(chance: random.Random, share: float) -> Callable[[Request], Awaitable[bytes]]:
    """Fails now and then, after it may have taken in what came."""

    async def say(_: Request) -> bytes:
        await asyncio.sleep(chance.random() * 0.003)
        if chance.random() < share:
            return answer(chance.choice((400, 429, 500, 503)))
        return OK

    return say


async def test_everything_arrives_in_order_whatever_fails(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """30 registrants, 3 organizers, 4 webhooks; one answer in four is a failure, and senders are stopped at random."""
    monkeypatch.setattr("app.changes.webhooks.retries.SCHEDULE", (timedelta(0),) * 40)
    monkeypatch.setattr(sender, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(sender, "END_WITHIN_SECONDS", 0.0)
    chance = random.Random(20260302)  # noqa: S311 - a test's dice
    callers = {"djka": DJKA, "dishub-dki": DKI, "hubdat": HUBDAT}
    async with receiving() as first, receiving() as second, receiving() as third, receiving() as fourth:
        receivers = {"djka": [first, second], "dishub-dki": [third], "hubdat": [fourth]}
        for organizer, its in receivers.items():
            for receiver in its:
                receiver.says = unreliable(chance, 0.25)
                await post.hook(callers[organizer], receiver.url())
        await _live(post, chance, list(callers))
        await until_ended(post)

        expected = await expected_of(post.world)
        for organizer, its in receivers.items():
            for receiver in its:
                check_against_the_log(receiver, expected[organizer])
    states = Counter(row[0] for row in await post.rows("state"))
    assert states == {"DELIVERED": sum(len(expected[organizer]) * len(its) for organizer, its in receivers.items())}
    assert states["DELIVERED"] == 4 * (2 * EACH + EACH // 10)


async def expected_of(world: World) -> Mapping[str, list[tuple[str, str]]]:
    """What the log says happened with each organizer, in its order: of whom, and which event."""
    expected: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in await world.run(
        "SELECT organizer_code, registrant_id, kind, to_status, route_id FROM change"
        " WHERE kind IN ('REGISTRANT_MOVED', 'QUOTA_FILLED') ORDER BY xact_id, id"
    ):
        event = "quota.filled" if row.kind == "QUOTA_FILLED" else f"registrant.{row.to_status.lower()}"
        expected[row.organizer_code].append((str(row.registrant_id or row.route_id), event))
    return expected


async def _live(post: Post, chance: random.Random, organizers: list[str]) -> None:
    """Events come while one sender after the other is started and stopped, two at a time."""
    done = asyncio.Event()

    async def happen() -> None:
        for number in range(EACH):
            for place, organizer in enumerate(organizers):
                registrant = 1000 * place + number + 1
                await append(post, forfeited(registrant, organizer))
                if number % 10 == 0:
                    await append(post, filled(1000 * place + number, organizer))
                await append(post, no_show(registrant, organizer))
        done.set()

    async def send() -> None:
        while not done.is_set():
            async with sending(post):
                await asyncio.sleep(chance.uniform(0.05, 0.4))

    await asyncio.gather(happen(), send(), send())
    async with sending(post):
        await post.announce(clock.now())
        await until_ended(post)


def check_against_the_log(receiver: Receiver, expected: list[tuple[str, str]]) -> None:
    """Row by row: each event at least once, none that did not happen, each subject's in the order of the log."""
    first_seen: dict[str, tuple[str, str]] = {}
    for request in receiver.requests:
        data = request.content["data"]
        told = (data.get("registrantId") or data["routeId"], request.content["type"])
        assert first_seen.setdefault(request.id, told) == told
    assert sorted(first_seen.values()) == sorted(expected)
    by_subject: defaultdict[str, list[str]] = defaultdict(list)
    for subject, event in first_seen.values():
        by_subject[subject].append(event)
    for subject, event in expected:
        assert by_subject[subject].pop(0) == event
