"""Webhooks as they are kept: whose, how many, with which secrets; and that a refusal changes nothing."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.errors import InvalidValue, NotFound, NotYours
from app.registry.caller import Caller
from app.registry.webhooks import webhooks
from app.registry.webhooks.webhooks import Saved, Webhook, WebhookInput
from tests.world import BUMN, DJKA, DKI, HUBDAT, JASA_RAHARJA, NOW, World

pytestmark = pytest.mark.anyio

URL = "https://hook.example/pemudik"
EVENTS = ("registrant.forfeited", "quota.filled")
LATER = NOW + timedelta(hours=1)
NOBODY = UUID(int=0)


async def save(world: World, caller: Caller = DJKA, url: str = URL, events: Any = EVENTS, **given: Any) -> Any:
    how = {name: given.pop(name) for name in ("admin", "private") if name in given}
    now = given.pop("now", NOW)
    asked = WebhookInput(url, events, **given)
    return await world.database.attempt(lambda session: webhooks.save(session, world.vault, caller, asked, now, **how))


async def saved(world: World, caller: Caller = DJKA, **given: Any) -> Webhook:
    verdict = await save(world, caller, **given)
    assert isinstance(verdict, Saved), verdict
    return verdict.webhook


async def rotate(world: World, webhook_id: UUID, caller: Caller = DJKA, **how: Any) -> Any:
    now = how.pop("now", LATER)
    return await world.database.attempt(
        lambda session: webhooks.rotate(session, world.vault, caller, webhook_id, now, **how)
    )


async def delete(world: World, webhook_id: UUID, caller: Caller = DJKA, **how: Any) -> Any:
    return await world.database.attempt(lambda session: webhooks.delete(session, caller, webhook_id, LATER, **how))


async def of(world: World, *organizers: str) -> list[Webhook]:
    async with world.database.transaction() as session:
        return await webhooks.of(session, organizers or None)


async def secrets(world: World) -> list[tuple[str | None, ...]]:
    rows = await world.run("SELECT secret_sealed, old_secret_sealed FROM webhook ORDER BY id")
    return [tuple(sealed and world.vault.open_secret(sealed) for sealed in row) for row in rows]


def why(refusal: object) -> tuple[str | None, str]:
    assert isinstance(refusal, InvalidValue)
    assert refusal.message("id") != refusal.message("en")
    return refusal.field, refusal.message("en")


async def test_a_new_one_has_a_secret_that_is_shown_once_and_kept_sealed(world: World) -> None:
    first = await save(world, events=("quota.filled", "registrant.forfeited", "quota.filled"))
    assert first.webhook == Webhook(
        id=first.webhook.id,
        organizer="djka",
        url=URL,
        events=["quota.filled", "registrant.forfeited"],
        created_at=NOW,
        disabled_at=None,
        disabled_because=None,
        failing_since=None,
        paused_until=None,
        old_secret_until=None,
    )
    assert first.secret.startswith("whsec_")
    assert len(b64decode(first.secret.removeprefix("whsec_"))) == 32
    assert first.secret not in repr(first)
    assert await secrets(world) == [(first.secret, None)]
    [(*logged, facts)] = await world.changes("kind, organizer_code, client_id, at, facts::text")
    assert logged == ["WEBHOOK_SAVED", "djka", "djka-test", NOW]
    assert orjson.loads(facts) == {"webhook": str(first.webhook.id), "events": ["quota.filled", "registrant.forfeited"]}


async def test_the_same_again_changes_nothing(world: World) -> None:
    first = await save(world)
    async with world.unchanged("webhook", "change"):
        again = await save(world, url="HTTPS://HOOK.example:443/pemudik", now=LATER)
        by_id = await save(world, id=first.webhook.id, now=LATER)
    assert again == by_id == Saved(first.webhook, None)


async def test_saving_at_once_makes_one(world: World) -> None:
    verdicts = await asyncio.gather(*(save(world) for _ in range(6)))
    assert len({verdict.webhook.id for verdict in verdicts}) == 1
    assert [verdict.secret is not None for verdict in verdicts].count(True) == 1


async def test_a_change_of_url_and_events(world: World) -> None:
    first = await save(world)
    moved = await save(world, url="https://other.example/", events=("case.decided",), id=first.webhook.id, now=LATER)
    assert moved == Saved(replace(first.webhook, url="https://other.example/", events=["case.decided"]), None)
    assert await secrets(world) == [(first.secret, None)]
    narrowed = await saved(world, url="https://other.example/", now=LATER)
    assert (narrowed.id, narrowed.events) == (first.webhook.id, sorted(EVENTS))
    assert [kind for (kind,) in await world.changes("kind")] == ["WEBHOOK_SAVED"] * 3


async def test_saving_a_disabled_one_enables_it_from_then_on(world: World) -> None:
    first = await saved(world)
    disabled = "disabled_at = :now, disabled_because = 'FAILING', failing_since = :now"
    await world.run(f"UPDATE webhook SET {disabled}", now=NOW)
    assert [one.disabled_because for one in await of(world)] == ["FAILING"]
    assert await saved(world, now=LATER) == first
    assert await world.one("SELECT enabled_at FROM webhook") == LATER
    assert [kind for (kind,) in await world.changes("kind")] == ["WEBHOOK_SAVED"] * 2


async def test_a_change_leaves_alone_since_when_it_fails(world: World) -> None:
    await saved(world)
    await world.run("UPDATE webhook SET failing_since = :now", now=NOW)
    changed = await saved(world, events=("case.decided",), now=LATER)
    assert changed.failing_since == NOW
    assert await world.one("SELECT enabled_at FROM webhook") == NOW


async def test_events_are_at_least_one_and_never_a_test(world: World) -> None:
    async with world.unchanged("webhook", "change"):
        assert why(await save(world, events=())) == ("events", "Choose at least one event.")
        refused = await save(world, events=("quota.filled", "webhook.test"))
        assert why(refused) == ("events", "A test is sent by testWebhook, and by nothing else.")


async def test_a_url_that_may_not_be(world: World) -> None:
    async with world.unchanged("webhook", "change"):
        assert why(await save(world, url="http://hook.example/")) == ("url", "It must be https.")
        assert why(await save(world, url="https://127.0.0.1/"))[0] == "url"
    assert (await saved(world, url="http://127.0.0.1:8080/", private=True)).url == "http://127.0.0.1:8080/"


async def test_ten_are_the_most(world: World) -> None:
    verdicts = await asyncio.gather(*(save(world, url=f"https://hook.example/{place}") for place in range(12)))
    refused = [verdict for verdict in verdicts if not isinstance(verdict, Saved)]
    assert [why(verdict) for verdict in refused] == [("url", "At most 10 webhooks.")] * 2
    assert await world.count("webhook") == 10
    kept = next(verdict.webhook for verdict in verdicts if isinstance(verdict, Saved))
    # A change is not one more; another organizer has its own ten; a deleted one makes room.
    assert (await saved(world, url=kept.url, events=("case.decided",))).events == ["case.decided"]
    await saved(world, DKI)
    await delete(world, kept.id)
    await saved(world, url="https://hook.example/new")


async def test_two_may_not_have_one_url(world: World) -> None:
    first = await saved(world)
    second = await saved(world, url="https://other.example/")
    async with world.unchanged("webhook", "change"):
        refused = await save(world, url=first.url, id=second.id)
    assert why(refused) == ("url", "Another webhook has this URL already; change that one.")
    # Another organizer's is its own affair.
    assert (await saved(world, DKI)).id != first.id


async def test_somebody_elses_is_not_there(world: World) -> None:
    theirs = await saved(world)
    for verdict in (
        save(world, DKI, id=theirs.id),
        rotate(world, theirs.id, DKI),
        delete(world, theirs.id, DKI),
        save(world, id=NOBODY),
        rotate(world, NOBODY),
        delete(world, NOBODY),
        save(world, HUBDAT, id=theirs.id),
    ):
        async with world.unchanged("webhook", "change"):
            refused = await verdict
        assert isinstance(refused, NotFound)
        assert refused.field == "id"
    async with world.unchanged("webhook", "change"):
        refused = await save(world, DKI, organizer="djka")
        assert isinstance(refused, NotYours)
        assert refused.field == "organizer"
        assert isinstance(await save(world, DKI, organizer="djka", id=theirs.id), NotYours)
    assert await of(world, "dishub-dki") == []


async def test_a_coordinator_saves_for_its_member_and_its_member_not_for_it(world: World) -> None:
    members = await saved(world, JASA_RAHARJA, organizer="bumn-satu")
    assert members.organizer == "bumn-satu"
    assert (await saved(world, BUMN)).id == members.id
    assert isinstance(await save(world, BUMN, organizer="jasa-raharja"), NotYours)
    assert isinstance((await rotate(world, members.id, JASA_RAHARJA)), Saved)
    own = await saved(world, JASA_RAHARJA)
    assert own.organizer == "jasa-raharja"
    refused = await save(world, JASA_RAHARJA, organizer="jasa-raharja", id=members.id)
    assert why(refused) == ("organizer", "This webhook is another organizer's.")


async def test_the_ministry_may_do_it_for_anyone(world: World) -> None:
    theirs = await saved(world, HUBDAT, organizer="djka", admin=True)
    assert theirs.organizer == "djka"
    assert (await saved(world, HUBDAT, id=theirs.id, events=("case.decided",), admin=True)).organizer == "djka"
    assert isinstance(await save(world, HUBDAT, organizer="nobody", admin=True), NotFound)
    own = await saved(world, HUBDAT, admin=True)
    assert own.organizer == "hubdat"
    assert [one.organizer for one in await of(world)] == ["djka", "hubdat"]
    assert isinstance(await rotate(world, theirs.id, HUBDAT, admin=True), Saved)
    assert isinstance(await delete(world, theirs.id, HUBDAT, admin=True), Webhook)


async def test_a_rotation_keeps_the_secret_before_for_a_day(world: World) -> None:
    first = await save(world)
    second = await rotate(world, first.webhook.id)
    assert second.webhook == replace(first.webhook, old_secret_until=LATER + timedelta(hours=24))
    assert await secrets(world) == [(second.secret, first.secret)]
    third = await rotate(world, first.webhook.id)
    assert await secrets(world) == [(third.secret, second.secret)]
    assert len({first.secret, second.secret, third.secret}) == 3
    told = await world.changes("kind, facts->>'secret'")
    assert told == [("WEBHOOK_SAVED", None), ("WEBHOOK_SAVED", "rotated"), ("WEBHOOK_SAVED", "rotated")]


async def test_a_deleted_one_is_gone_with_its_secrets(world: World) -> None:
    first = await saved(world)
    await rotate(world, first.id)
    gone = await delete(world, first.id)
    assert gone.id == first.id
    assert await secrets(world) == [(None, None)]
    assert await of(world) == []
    assert (await world.changes("kind"))[-1] == ("WEBHOOK_DELETED",)
    async with world.unchanged("webhook", "change"):
        for again in (delete(world, first.id), rotate(world, first.id), save(world, id=first.id)):
            assert isinstance(await again, NotFound)
    assert (await saved(world)).id != first.id


async def test_no_url_and_no_secret_in_the_log(world: World) -> None:
    first = await save(world, url="https://hook.example/key-of-the-receiver")
    second = await rotate(world, first.webhook.id)
    await delete(world, first.webhook.id)
    told = str(await world.rows("change"))
    assert "WEBHOOK_DELETED" in told
    assert not any(word in told for word in ("hook.example", "key-of-the-receiver", first.secret, second.secret))
