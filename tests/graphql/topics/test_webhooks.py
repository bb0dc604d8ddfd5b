"""Webhooks through the door: saved, tested, read, rotated, sent again, deleted; and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook as Verifier
from starlette.applications import Starlette

from app.changes.webhooks.posting import Poster
from app.changes.webhooks.sender import Sender
from app.config import Settings
from app.db import Database
from tests.changes.sending import Post, forfeited
from tests.graphql.conftest import ISSUER, Api
from tests.receivers import answer, receiving
from tests.world import NOW, World

pytestmark = pytest.mark.anyio

URL = "https://hook.example/pemudik"
PROBLEM = "... on Problem { code field message }"
WEBHOOK = """id url events enabled disabledAt disabledBecause failingSince pausedUntil oldSecretUntil createdAt
    organizer { code }"""
DELIVERY = "id event state occurredAt nextAttemptAt attempts { at durationMs status error }"
SAVE = f"""mutation ($input: WebhookInput!) {{ saveWebhook(input: $input) {{
    ... on SavedWebhook {{ secret webhook {{ {WEBHOOK} }} }} {PROBLEM} }} }}"""
ROTATE = f"""mutation ($id: ID!) {{ rotateWebhookSecret(id: $id) {{
    ... on SavedWebhook {{ secret webhook {{ {WEBHOOK} }} }} {PROBLEM} }} }}"""
DELETE = f"mutation ($id: ID!) {{ deleteWebhook(id: $id) {{ ... on Webhook {{ {WEBHOOK} }} {PROBLEM} }} }}"
TEST = f"mutation ($id: ID!) {{ testWebhook(id: $id) {{ ... on WebhookDelivery {{ {DELIVERY} }} {PROBLEM} }} }}"
AGAIN = f"""mutation ($id: ID!, $delivery: ID, $since: DateTime) {{
    redeliverWebhook(id: $id, delivery: $delivery, since: $since) {{
        ... on Redelivery {{ deliveries }} {PROBLEM} }} }}"""
LIST = f"""query ($organizer: ID, $state: DeliveryState, $first: Int!, $after: String) {{
    webhooks(organizer: $organizer) {{ {WEBHOOK} deliveries(state: $state, first: $first, after: $after) {{
        nodes {{ {DELIVERY} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"""


@pytest.fixture
async def private(build: Callable[[Settings], Starlette], settings: Settings, database: Database) -> AsyncIterator[Api]:
    """The door of a server that sends to this machine."""
    transport = httpx.ASGITransport(build(settings.model_copy(update={"webhooks_to_private": True})))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        yield Api(http, database)


async def saved(api: Api, caller: str = "djka", **given: Any) -> dict[str, Any]:
    values = {"url": URL, "events": ["REGISTRANT_FORFEITED"]} | given
    answered = (await api.data(SAVE, {"input": values}, organizer=caller))["saveWebhook"]
    assert "webhook" in answered, answered
    result: dict[str, Any] = answered
    return result


async def listed(api: Api, caller: str = "djka", **which: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await api.data(LIST, {"first": 10} | which, organizer=caller)
    )["webhooks"]  # fmt: skip
    return found


async def send(world: World, *, turns: int = 2) -> None:
    """What is due now, by a clock that stands."""

    async def here(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    poster = Poster(here, connections=4, private=True)
    sender = Sender(world.database, world.vault, poster.post, now=lambda: NOW, chance=lambda: 0.0)
    for _ in range(turns):
        await sender.turn()
        await sender.landed()
    await poster.close()


async def test_a_webhook_from_its_first_secret_to_its_end(api: Api) -> None:
    new = await saved(api, events=["QUOTA_FILLED", "REGISTRANT_FORFEITED"])
    assert new["secret"].startswith("whsec_")
    webhook = new["webhook"]
    assert webhook == {
        "id": webhook["id"],
        "url": URL,
        "events": ["QUOTA_FILLED", "REGISTRANT_FORFEITED"],
        "enabled": True,
        "disabledAt": None,
        "disabledBecause": None,
        "failingSince": None,
        "pausedUntil": None,
        "oldSecretUntil": None,
        "createdAt": "2026-03-02T02:00:00Z",
        "organizer": {"code": "djka"},
    }
    again = await saved(api, events=["QUOTA_FILLED", "REGISTRANT_FORFEITED"])
    assert again == {"secret": None, "webhook": webhook}
    rotated = (await api.data(ROTATE, {"id": webhook["id"]}, organizer="djka"))["rotateWebhookSecret"]
    assert rotated["webhook"] == webhook | {"oldSecretUntil": "2026-03-03T02:00:00Z"}
    assert rotated["secret"] not in {None, new["secret"]}
    assert [one["id"] for one in await listed(api)] == [webhook["id"]]
    deleted = (await api.data(DELETE, {"id": webhook["id"]}, organizer="djka"))["deleteWebhook"]
    assert deleted["id"] == webhook["id"]
    assert await listed(api) == []


async def test_a_test_and_what_the_log_says_of_it(private: Api, world: World) -> None:
    async with receiving() as receiver:
        new = await saved(private, url=receiver.url())
        made = (await private.data(TEST, {"id": new["webhook"]["id"]}, organizer="djka"))["testWebhook"]
        assert made == {
            "id": made["id"],
            "event": "WEBHOOK_TEST",
            "state": "PENDING",
            "occurredAt": "2026-03-02T02:00:00Z",
            "nextAttemptAt": "2026-03-02T02:00:00Z",
            "attempts": [],
        }
        await send(world)
        [request] = receiver.requests
    signature = Verifier(new["secret"]).sign(made["id"], NOW, request.body.decode())
    assert (request.headers["webhook-signature"], request.content) == (
        signature,
        {"type": "webhook.test", "timestamp": "2026-03-02T02:00:00Z", "data": {}},
    )
    [webhook] = await listed(private)
    [delivery] = webhook["deliveries"]["nodes"]
    [attempt] = delivery.pop("attempts")
    assert delivery == {
        "id": request.id,
        "event": "WEBHOOK_TEST",
        "state": "DELIVERED",
        "occurredAt": "2026-03-02T02:00:00Z",
        "nextAttemptAt": None,
    }
    assert attempt.pop("durationMs") >= 0
    assert attempt == {"at": "2026-03-02T02:00:00Z", "status": 204, "error": None}


async def test_the_log_page_by_page_and_sending_again(private: Api, world: World) -> None:
    async with receiving() as receiver:
        receiver.says = lambda request: answer(503 if len(receiver.requests) < 3 else 200)
        hook = (await saved(private, url=receiver.url()))["webhook"]["id"]
        await Post(world).told(*(forfeited(number) for number in range(1, 5)))
        await send(world, turns=6)
        [webhook] = await listed(private, first=3)
        assert webhook["failingSince"] is None
        page = webhook["deliveries"]
        assert page["pageInfo"]["hasNextPage"] is True
        assert {node["event"] for node in page["nodes"]} == {"REGISTRANT_FORFEITED"}
        [rest] = await listed(private, first=3, after=page["pageInfo"]["endCursor"])
        assert len(rest["deliveries"]["nodes"]) == 1
        [pending] = await listed(private, state="PENDING")
        failed = pending["deliveries"]["nodes"]
        assert len(failed) == 2
        assert {node["nextAttemptAt"] for node in failed} == {"2026-03-02T02:00:05Z"}
        assert [[attempt["status"] for attempt in node["attempts"]] for node in failed] == [[503], [503]]

        variables = {"id": hook, "since": "2026-03-02T00:00:00Z"}
        assert await private.data(AGAIN, variables, organizer="djka") == {"redeliverWebhook": {"deliveries": 2}}
        await send(world, turns=3)
        one = {"id": hook, "delivery": failed[0]["id"]}
        assert await private.data(AGAIN, one, organizer="djka") == {"redeliverWebhook": {"deliveries": 1}}
        await send(world)
        assert [request.id for request in receiver.requests].count(failed[0]["id"]) == 3
        [delivered] = await listed(private, state="DELIVERED")
        assert len(delivered["deliveries"]["nodes"]) == 4


async def test_why_it_was_disabled_is_seen_and_saving_enables(api: Api, world: World) -> None:
    hook = (await saved(api))["webhook"]["id"]
    await world.run("UPDATE webhook SET disabled_at = :now, disabled_because = 'GONE', failing_since = :now", now=NOW)
    [webhook] = await listed(api)
    assert (webhook["enabled"], webhook["disabledAt"], webhook["disabledBecause"], webhook["failingSince"]) == (
        False, "2026-03-02T02:00:00Z", "GONE", "2026-03-02T02:00:00Z",
    )  # fmt: skip
    for query, variables in ((TEST, {"id": hook}), (AGAIN, {"id": hook, "since": "2026-03-02T00:00:00Z"})):
        answered = await api.data(query, variables, organizer="djka", headers={"Accept-Language": "en"})
        [problem] = answered.values()
        assert problem == {
            "code": "INVALID_VALUE",
            "field": "id",
            "message": "This webhook is disabled; saving it again (saveWebhook) enables it.",
        }
    assert (await saved(api))["webhook"]["enabled"] is True


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"url": "http://hook.example/"}, ("INVALID_VALUE", "url", "Harus https.")),
        ({"events": []}, ("INVALID_VALUE", "events", "Pilih paling sedikit satu peristiwa.")),
        (
            {"events": ["WEBHOOK_TEST"]},
            ("INVALID_VALUE", "events", "Kejadian uji hanya dikirim atas permintaan, bukan dipilih."),
        ),
        (
            {"organizer": "hubdat"},
            (
                "NOT_YOURS",
                "organizer",
                "Penyelenggara itu bukan Anda dan bukan anggota yang Anda koordinasi; sebutkan salah satunya.",
            ),
        ),
        ({"id": "no id at all"}, ("NOT_FOUND", "id", "Webhook tidak ditemukan; periksa kembali.")),
    ],
)
async def test_refusals_are_data(api: Api, world: World, given: dict[str, Any], problem: tuple[str, ...]) -> None:
    values = {"url": URL, "events": ["QUOTA_FILLED"]} | given
    await api.token("djka")
    async with world.unchanged("webhook", "change"):
        answered = (await api.data(SAVE, {"input": values}, organizer="djka"))["saveWebhook"]
    assert tuple(answered[name] for name in ("code", "field", "message")) == problem


async def test_another_organizers_is_nowhere(api: Api, world: World) -> None:
    hook = (await saved(api, url="https://secret-of-djka.example/key"))["webhook"]["id"]
    delivery = (await api.data(TEST, {"id": hook}, organizer="djka"))["testWebhook"]["id"]
    calls: list[tuple[str, dict[str, Any]]] = [
        (SAVE, {"input": {"id": hook, "url": URL, "events": ["QUOTA_FILLED"]}}),
        (ROTATE, {"id": hook}),
        (TEST, {"id": hook}),
        (DELETE, {"id": hook}),
        (AGAIN, {"id": hook, "delivery": delivery}),
        (AGAIN, {"id": hook, "since": "2026-03-02T00:00:00Z"}),
    ]
    await api.token("dishub-dki")
    async with world.unchanged("webhook", "webhook_delivery", "change"):
        for query, variables in calls:
            response = await api.post(query, variables, organizer="dishub-dki")
            [answered] = response.json()["data"].values()
            assert answered["code"] == "NOT_FOUND"
            assert "secret-of-djka" not in response.text
    assert await listed(api, "dishub-dki") == []
    assert await listed(api, "dishub-dki", organizer="djka") == []


async def test_a_coordinator_sees_its_members_and_the_ministry_all(api: Api) -> None:
    await saved(api)
    await saved(api, "jasa-raharja", organizer="bumn-satu", url="https://bumn.example/")
    await saved(api, "jasa-raharja")

    async def owners(caller: str, **which: Any) -> list[str]:
        return [one["organizer"]["code"] for one in await listed(api, caller, **which)]

    assert await owners("jasa-raharja") == ["bumn-satu", "jasa-raharja"]
    assert await owners("jasa-raharja", organizer="bumn-satu") == ["bumn-satu"]
    assert await owners("bumn-satu") == ["bumn-satu"]
    assert await owners("hubdat") == ["bumn-satu", "djka", "jasa-raharja"]
    assert await owners("hubdat", organizer="djka") == ["djka"]
    everyday = ("registrants:write",)
    found = await api.data(LIST, {"first": 1}, scopes=everyday)
    assert found == {"webhooks": []}


async def test_the_ministry_may_end_anyones(api: Api) -> None:
    hook = (await saved(api))["webhook"]["id"]
    assert (await api.data(ROTATE, {"id": hook}))["rotateWebhookSecret"]["secret"].startswith("whsec_")
    assert (await api.data(DELETE, {"id": hook}))["deleteWebhook"]["id"] == hook


@pytest.mark.parametrize("scopes", [("registrants:read",), ("dashboard:read",), ("routes:write",), ("nik:check",)])
async def test_who_may_not_write_registrants_may_not_listen(api: Api, scopes: tuple[str, ...]) -> None:
    response = await api.post(LIST, {"first": 1}, scopes=scopes)
    assert response.status_code == 403
    assert response.headers["www-authenticate"].endswith('scope="registrants:write"')
