"""Webhooks: where organizers have events sent, and the log of what was sent, without a payload."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import ID, UNSET

from app.errors import Refusal
from app.graphql import paging
from app.graphql.context import DeliveryPageKey, Info
from app.graphql.fields import PAGED, loaded, sized
from app.graphql.paging import After, Connection, First
from app.graphql.scalars import given, identifier
from app.graphql.topics.catalogue import Organizer, get_organizer
from app.graphql.topics.problems import Problem
from app.graphql.vocabulary import DeliveryError, DeliveryState, DisabledBecause, WebhookEvent
from app.registry.webhooks import deliveries
from app.registry.webhooks import webhooks as registry_webhooks

WebhookId = Annotated[ID, strawberry.argument(description="A webhook of yours, or of a member that you coordinate.")]


@strawberry.type(description="One POST, and what came of it. What was answered below its status is not kept.")
class WebhookAttempt:
    at: datetime = strawberry.field(description="When it began.")
    duration_ms: int = strawberry.field(description="Milliseconds until its end.")
    status: int | None = strawberry.field(description="The HTTP status that was answered; 200 to 299 is success.")
    error: DeliveryError | None = strawberry.field(description="Why there is no status.")

    @classmethod
    def from_record(cls, attempt: deliveries.DeliveryAttempt) -> WebhookAttempt:
        error = None if attempt.error is None else DeliveryError(attempt.error)
        return cls(at=attempt.at, duration_ms=attempt.duration_ms, status=attempt.status, error=error)


@strawberry.type(
    description=(
        "An event that is sent to a webhook: at once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h"
        " until it is answered with 200 to 299. Kept for at least 30 days after its end."
    )
)
class WebhookDelivery:
    id: ID = strawberry.field(
        description="The `webhook-id` of all its attempts: what you have seen under it you need not do again."
    )
    event: WebhookEvent = strawberry.field(description="What it tells of.")
    state: DeliveryState = strawberry.field(description="How far it is.")
    occurred_at: datetime = strawberry.field(description="When it happened: the payload's `timestamp`.")
    next_attempt_at: datetime | None = strawberry.field(
        description="Of a PENDING one. Null: it waits for an earlier event of the same registrant, route or case."
    )
    attempts: list[WebhookAttempt] = strawberry.federation.field(
        description="The earliest first.", directives=[sized(3)]
    )

    @classmethod
    def from_record(cls, delivery: deliveries.Delivery) -> WebhookDelivery:
        return cls(
            id=ID(str(delivery.id)),
            event=WebhookEvent(delivery.event),
            state=DeliveryState(delivery.state),
            occurred_at=delivery.occurred_at,
            next_attempt_at=delivery.next_attempt_at,
            attempts=[WebhookAttempt.from_record(attempt) for attempt in delivery.attempts],
        )


@strawberry.type(
    description=(
        "Where events are sent: `POST` with `{type, timestamp, data}`, ids and codes only, signed as Standard Webhooks"
        " says. At least once; the events of one registrant, route or case in order."
    )
)
class Webhook:
    id: ID = strawberry.field(description="A UUID.")
    url: str = strawberry.field(description="Where to.")
    events: list[WebhookEvent] = strawberry.federation.field(
        description="Of what it is told. A coordinator's is told of its members' events as well.", directives=[sized(8)]
    )
    created_at: datetime = strawberry.field(description="When it was saved first.")
    enabled: bool = strawberry.field(description="Whether anything is sent to it. Saving it again enables it.")
    disabled_at: datetime | None = strawberry.field(description="Since when nothing is.")
    disabled_because: DisabledBecause | None = strawberry.field(description="And why.")
    failing_since: datetime | None = strawberry.field(
        description="The first failure after the last success. After five days of it the webhook is disabled."
    )
    paused_until: datetime | None = strawberry.field(description="Its receiver asked for that by `Retry-After`.")
    old_secret_until: datetime | None = strawberry.field(
        description="After a rotation: until then the secret before it signs as well."
    )
    organizer_code: strawberry.Private[str]

    @classmethod
    def from_record(cls, webhook: registry_webhooks.Webhook) -> Webhook:
        because = webhook.disabled_because
        return cls(
            id=ID(str(webhook.id)),
            url=webhook.url,
            events=[WebhookEvent(event) for event in webhook.events],
            created_at=webhook.created_at,
            enabled=webhook.disabled_at is None,
            disabled_at=webhook.disabled_at,
            disabled_because=None if because is None else DisabledBecause(because),
            failing_since=webhook.failing_since,
            paused_until=webhook.paused_until,
            old_secret_until=webhook.old_secret_until,
            organizer_code=webhook.organizer,
        )

    @loaded("Whose it is.")
    async def organizer(self, info: Info) -> Organizer:
        return await get_organizer(info, self.organizer_code)

    @loaded("What was sent to it and is to be sent, the newest first.", PAGED)
    async def deliveries(
        self,
        info: Info,
        state: Annotated[DeliveryState | None, strawberry.argument(description="In this state.")] = UNSET,
        first: First = 50,
        after: After = UNSET,
    ) -> Connection[WebhookDelivery]:
        page = DeliveryPageKey(UUID(self.id), given(state), paging.position(given(after)), paging.size(first))
        records = await info.context.deliveries.load(page)
        nodes = [WebhookDelivery.from_record(record) for record in records]
        return paging.connection([record.id for record in records], nodes, first=first, after=given(after))


@strawberry.type(description="A webhook and, if it is new, its secret.")
class SavedWebhook:
    webhook: Webhook = strawberry.field(description="As it is now.")
    secret: str | None = strawberry.field(
        description="`whsec_…`, shown this once: it signs what is sent. Null: it has one already."
    )

    @classmethod
    def from_saved(cls, saved: registry_webhooks.Saved) -> SavedWebhook:
        return cls(webhook=Webhook.from_record(saved.webhook), secret=saved.secret)


@strawberry.type(description="What is sent again.")
class Redelivery:
    deliveries: int = strawberry.field(description="How many.")


@strawberry.input(description="A webhook, new or changed.")
class WebhookInput:
    id: ID | None = strawberry.field(
        default=UNSET, description="The one to change. Left out: the one with this URL, or a new one."
    )
    url: str = strawberry.field(
        description=(
            "`https://name/path`, at most 2,000 characters: a DNS name that leads to public addresses only, port 443"
            " or 1024 and above. Redirects are not followed."
        )
    )
    events: list[WebhookEvent] = strawberry.field(description="At least one; not WEBHOOK_TEST.")
    organizer: ID | None = strawberry.field(
        default=UNSET,
        description="The member that you, its coordinator, save it for; with `hubdat:admin` anyone. Left out: you.",
    )

    def to_input(self) -> registry_webhooks.WebhookInput:
        webhook_id = given(self.id)
        return registry_webhooks.WebhookInput(
            id=None if webhook_id is None else identifier(webhook_id),
            url=self.url,
            events=self.events,
            organizer=given(self.organizer),
        )


SavedWebhookResult = Annotated[
    SavedWebhook | Problem, strawberry.union("SavedWebhookResult", description="The webhook, or why not.")
]
WebhookResult = Annotated[
    Webhook | Problem, strawberry.union("WebhookResult", description="The webhook as it was, or why not.")
]
WebhookDeliveryResult = Annotated[
    WebhookDelivery | Problem, strawberry.union("WebhookDeliveryResult", description="What is sent, or why not.")
]
RedeliveryResult = Annotated[
    Redelivery | Problem, strawberry.union("RedeliveryResult", description="What is sent again, or why not.")
]


async def find_webhooks(
    info: Info,
    organizer: Annotated[ID | None, strawberry.argument(description="Of this organizer only.")] = UNSET,
) -> list[Webhook] | None:
    context, wanted = info.context, given(organizer)
    visible = None if context.admin else context.caller.organizers
    if wanted is not None:
        visible = frozenset({wanted}) if visible is None else visible & {wanted}
    async with context.transaction() as session:
        return [Webhook.from_record(record) for record in await registry_webhooks.of(session, visible)]


async def save_webhook(
    info: Info, input: Annotated[WebhookInput, strawberry.argument(description="The webhook.")]
) -> SavedWebhookResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: registry_webhooks.save(
            session,
            context.process.vault,
            context.caller,
            input.to_input(),
            context.now,
            admin=context.admin,
            private=context.process.webhooks_to_private,
        )
    )
    return Problem.from_refusal(verdict, context) if isinstance(verdict, Refusal) else SavedWebhook.from_saved(verdict)


async def rotate_webhook_secret(info: Info, id: WebhookId) -> SavedWebhookResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: registry_webhooks.rotate(
            session, context.process.vault, context.caller, identifier(id), context.now, admin=context.admin
        )
    )
    return Problem.from_refusal(verdict, context) if isinstance(verdict, Refusal) else SavedWebhook.from_saved(verdict)


async def delete_webhook(info: Info, id: WebhookId) -> WebhookResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: registry_webhooks.delete(
            session, context.caller, identifier(id), context.now, admin=context.admin
        )
    )
    return Problem.from_refusal(verdict, context) if isinstance(verdict, Refusal) else Webhook.from_record(verdict)


async def test_webhook(info: Info, id: WebhookId) -> WebhookDeliveryResult:
    context = info.context
    verdict = await context.attempt(
        lambda session: deliveries.send_test(session, context.caller, identifier(id), context.now, admin=context.admin)
    )
    if isinstance(verdict, Refusal):
        return Problem.from_refusal(verdict, context)
    return WebhookDelivery.from_record(verdict)


async def redeliver_webhook(
    info: Info,
    id: WebhookId,
    delivery: Annotated[ID | None, strawberry.argument(description="This one, whatever became of it.")] = UNSET,
    since: Annotated[
        datetime | None, strawberry.argument(description="All from then on that were not delivered.")
    ] = UNSET,
) -> RedeliveryResult:
    context, delivery_id = info.context, given(delivery)
    verdict = await context.attempt(
        lambda session: deliveries.redeliver(
            session,
            context.caller,
            identifier(id),
            context.now,
            delivery_id=None if delivery_id is None else identifier(delivery_id),
            since=given(since),
            admin=context.admin,
        )
    )
    return Problem.from_refusal(verdict, context) if isinstance(verdict, Refusal) else Redelivery(deliveries=verdict)
