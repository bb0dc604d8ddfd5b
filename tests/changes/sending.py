"""Webhooks in a test: saved for an organizer, announced from the log, leased and recorded at instants of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.changes.log import projection
from app.changes.webhooks import announcing, outbox
from app.changes.webhooks.outbox import Landed, Leased
from app.changes.webhooks.posting import AttemptOutcome
from app.models.enums import ChangeKind, DeliveryError, WebhookEvent
from app.registry import change_log
from app.registry.caller import Caller
from app.registry.change_log import Entry
from app.registry.webhooks import deliveries, webhooks
from app.registry.webhooks.webhooks import Saved, Webhook, WebhookInput
from tests.patience import patience
from tests.world import DJKA, NOW, World

DONE_BY_ITSELF = {
    WebhookEvent.REGISTRANT_VERIFIED,
    WebhookEvent.REGISTRANT_DEPARTED,
    WebhookEvent.REGISTRANT_CANCELLED,
    WebhookEvent.NIK_BLOCKED,
    WebhookEvent.NIK_BLOCK_LIFTED,
    WebhookEvent.CORRECTION_ASKED,
}
EVERYTHING = tuple(event for event in WebhookEvent if event not in {*DONE_BY_ITSELF, WebhookEvent.WEBHOOK_TEST})
"""But for what an organizer does itself, and what comes along with another event."""
BEHIND = """
SELECT EXISTS (
    SELECT FROM change c, projection p WHERE p.name = 'webhooks' AND (c.xact_id, c.id) > (p.xact_id, p.change_id)
)
"""
DELIVERED = AttemptOutcome(5, 204)
FAILED = AttemptOutcome(5, 500)


def silent() -> float:
    """No jitter."""
    return 0.0


@dataclass(frozen=True, slots=True)
class Post:
    """Deliveries of one world."""

    world: World

    async def hook(
        self,
        caller: Caller = DJKA,
        url: str = "https://hook.example/",
        events: Sequence[str] = EVERYTHING,
        now: datetime = NOW,
    ) -> Webhook:
        async with self.world.database.transaction() as session:
            given = WebhookInput(url, events)
            saved = await webhooks.save(session, self.world.vault, caller, given, now, private=True)
        assert isinstance(saved, Saved)
        return saved.webhook

    async def told(self, *entries: Entry, now: datetime = NOW) -> None:
        """Written to the log in one transaction, and announced."""
        async with self.world.database.transaction() as session:
            await change_log.append(session, entries, now)
        await self.announce(now)

    async def announce(self, now: datetime = NOW) -> None:
        """All of the log. What runs in other databases of this cluster holds it back as well."""
        await self.world.run("INSERT INTO projection (name) VALUES ('webhooks') ON CONFLICT DO NOTHING")
        async with patience():
            while await self.world.one(BEHIND):
                if not await projection.advance(self.world.database, announcing.PROJECTION, now):
                    await asyncio.sleep(0.01)

    async def lease(self, now: datetime = NOW, most: int = 100) -> list[Leased]:
        return await self.world.database.attempt(lambda session: outbox.lease(session, now, most=most))

    async def record(self, *ends: tuple[Leased, AttemptOutcome], now: datetime = NOW) -> None:
        landed = [Landed(leased, now, outcome) for leased, outcome in ends]
        await self.world.database.attempt(lambda session: outbox.write_outcomes(session, landed, now, silent))

    async def try_all(self, outcome: AttemptOutcome, now: datetime = NOW) -> list[Leased]:
        """One attempt of everything that may be sent at once, all with this outcome."""
        leased = await self.lease(now)
        await self.record(*((one, outcome) for one in leased), now=now)
        return leased

    async def test(self, webhook: Webhook, caller: Caller = DJKA, now: datetime = NOW, **how: Any) -> Any:
        return await self.world.database.attempt(
            lambda session: deliveries.send_test(session, caller, webhook.id, now, **how)
        )

    async def redeliver(self, webhook: Webhook, caller: Caller = DJKA, now: datetime = NOW, **which: Any) -> Any:
        return await self.world.database.attempt(
            lambda session: deliveries.redeliver(session, caller, webhook.id, now, **which)
        )

    async def rows(self, columns: str = "event, subject, state, tries, due_at") -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.world.run(f"SELECT {columns} FROM webhook_delivery ORDER BY place")]

    async def attempts(self) -> list[tuple[int | None, str | None]]:
        return [tuple(row) for row in await self.world.run("SELECT status, error FROM webhook_attempt ORDER BY id")]


def route_id(number: int) -> UUID:
    """No registrant's."""
    return UUID(int=10**6 + number)


def forfeited(registrant: int, organizer: str = "djka", route: int = 1) -> Entry:
    return _moved(registrant, organizer, route, "REGISTERED", "FORFEITED")


def no_show(registrant: int, organizer: str = "djka", route: int = 1) -> Entry:
    return _moved(registrant, organizer, route, "VERIFIED", "NO_SHOW")


def _moved(registrant: int, organizer: str, route: int, before: str, after: str) -> Entry:
    return Entry(
        kind=ChangeKind.REGISTRANT_MOVED,
        season=2026,
        organizer=organizer,
        registrant_id=UUID(int=registrant),
        route_id=route_id(route),
        from_status=before,
        to_status=after,
        client_id="djka-test",
        reason="Permintaan keluarga Slamet",
    )


def filled(route: int = 1, organizer: str = "djka") -> Entry:
    return Entry(kind=ChangeKind.QUOTA_FILLED, season=2026, organizer=organizer, route_id=route_id(route))


def returned(route: int = 1, organizer: str = "djka", seats: int = 1) -> Entry:
    return Entry(
        kind=ChangeKind.QUOTA_RETURNED,
        season=2026,
        organizer=organizer,
        route_id=route_id(route),
        facts={"seats": seats},
    )


def failure(error: DeliveryError) -> AttemptOutcome:
    return AttemptOutcome(5, error=error)


def after(**span: float) -> datetime:
    return NOW + timedelta(**span)
