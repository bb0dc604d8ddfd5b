"""How events become payloads, without a transport."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.auth.bearer import Principal
from app.changes.log.tail import SlowReader
from app.config import Settings
from app.graphql.doors.connections import Connections
from app.graphql.doors.payloads import Payloads, errors_of
from app.graphql.doors.repeats import Asked
from app.graphql.engine.documents import OperationRefused
from app.graphql.engine.operations import Operations
from app.graphql.engine.requests import NotUnderstood, OperationRequest
from app.graphql.engine.subscriptions import Subscriptions
from app.graphql.failures import RequestError
from app.server.turns import Turns
from tests.graphql.live.serving import SCHEMA, Tick
from tests.world import DJKA, DKI, NOW

pytestmark = pytest.mark.anyio

WHO = Principal(DJKA, frozenset({"nik:check"}), NOW + timedelta(minutes=15))
PLAIN = "subscription { ticks { number } }"
TICKS: Any = SCHEMA.subscription_type.fields["ticks"]  # type: ignore[union-attr]


class Source:
    """The same events for everyone who asks."""

    def __init__(self, events: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self.events = events
        self.operations = Operations(SCHEMA, Settings(), Turns())
        self.subscriptions = Subscriptions(SCHEMA, self.operations)
        nothing: Any = SimpleNamespace()
        self.payloads = Payloads(
            nothing,
            self.operations,
            self.subscriptions,
            Connections(asyncio.Event()),
        )
        monkeypatch.setattr(TICKS, "subscribe", lambda *_, **__: self.follow())

    async def follow(self) -> AsyncGenerator[Any, None]:
        for event in self.events:
            yield event

    async def heard(self, query: str, who: Principal = WHO, **variables: Any) -> list[str]:
        found = self.operations.find(OperationRequest(query, variables, None))
        return [payload async for payload in self.payloads.of(Asked(found, who, "en"))]


@pytest.mark.usefixtures("with_plans")
async def test_an_event_is_written_once_for_all_who_ask_for_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source([Tick(number=1), Tick(number=2)], monkeypatch)
    first, second = await source.heard(PLAIN), await source.heard(PLAIN, replace(WHO, caller=DKI))
    assert first == ['{"data":{"ticks":{"number":1}}}', '{"data":{"ticks":{"number":2}}}']
    assert [id(payload) for payload in first] == [id(payload) for payload in second]
    assert await source.heard("subscription { ticks { n: number } }") == [
        '{"data":{"ticks":{"n":1}}}',
        '{"data":{"ticks":{"n":2}}}',
    ]


async def test_what_depends_on_who_asks_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source([Tick(number=1)], monkeypatch)
    query = "subscription { ticks { mine } }"
    assert await source.heard(query) == ['{"data":{"ticks":{"mine":"djka:1"}}}']
    assert await source.heard(query, replace(WHO, caller=DKI)) == ['{"data":{"ticks":{"mine":"dishub-dki:1"}}}']


@pytest.mark.parametrize(
    "query",
    [
        "subscription { ticks { number } ticks { padding } }",
        "subscription { ...all } fragment all on Subscription { ticks { number padding } }",
        "subscription ($yes: Boolean! = true) { ticks { number padding @include(if: $yes) } }",
    ],
    ids=["merged", "fragment", "directive"],
)
async def test_whatever_is_not_plain_is_for_graphql_core(monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    source = Source([Tick(number=1, padding="a")], monkeypatch)
    [one], [other] = await source.heard(query), await source.heard(query)
    assert one == other == '{"data":{"ticks":{"number":1,"padding":"a"}}}'
    # Written for each of them.
    assert one is not other


async def test_the_root_has_no_directives(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OperationRefused):
        await Source([], monkeypatch).heard(
            "subscription ($no: Boolean!) { ticks @skip(if: $no) { number } }", no=False
        )


async def test_an_event_that_is_not_what_its_type_says_is_an_error_of_that_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = Source([Tick(number=None), Tick(number=2)], monkeypatch)  # type: ignore[arg-type]
    bad, good = await source.heard(PLAIN)
    assert bad.startswith('{"data":null,"errors":[')
    assert good == '{"data":{"ticks":{"number":2}}}'


@pytest.mark.usefixtures("with_plans")
async def test_payloads_go_with_their_event(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source([Tick(number=number) for number in range(10)], monkeypatch)
    payloads = await source.heard(PLAIN)
    assert len(payloads) == 10
    kept = [sys.getrefcount(payload) for payload in payloads]
    source.events.clear()
    assert [sys.getrefcount(payload) for payload in payloads] == [count - 1 for count in kept]


async def test_a_resolver_that_refuses_at_once_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RequestError("No such job", "NOT_FOUND")

    source = Source([], monkeypatch)
    monkeypatch.setattr(TICKS, "subscribe", refuse)
    with pytest.raises(OperationRefused) as refused:
        await source.heard(PLAIN)
    assert [error["extensions"]["code"] for error in errors_of(refused.value, "en")] == ["NOT_FOUND"]


async def test_a_resolver_may_take_its_time_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source([Tick(number=1)], monkeypatch)

    async def later(*_: object, **__: object) -> AsyncGenerator[Any, None]:
        await asyncio.sleep(0)
        return source.follow()

    monkeypatch.setattr(TICKS, "subscribe", later)
    assert await source.heard(PLAIN) == ['{"data":{"ticks":{"number":1}}}']


@pytest.mark.parametrize(
    ("error", "code"),
    [(SlowReader(), "SLOW_READER"), (NotUnderstood(504, "TIMEOUT", "Terlalu lama", "Too long"), "TIMEOUT")],
    ids=["slow", "late"],
)
def test_what_ends_an_operation_is_told_by_its_code(error: Exception, code: str) -> None:
    [one] = errors_of(error, "en")
    assert one["extensions"] == {"code": code}
