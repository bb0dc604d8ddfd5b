"""Every attribute of every span, and nothing else: no document, argument or value, and no word of a client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from app import tracing
from app.tracing.spans import Spans
from tests.graphql.conftest import Api
from tests.patience import patience
from tests.world import World, nik_of

pytestmark = pytest.mark.anyio

NIK = nik_of(7)
NAME = "Wiraguna"
CHECK = f"query {NAME} ($nik: NIK!) {{ {NAME}: checkNik(nik: $nik) {{ outcome }} }}"
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracing.use(Spans(SimpleSpanProcessor(exporter)))
    yield exporter
    tracing.use(None)


async def spans_of(exporter: InMemorySpanExporter, coroutine: Any, last: str) -> dict[str, ReadableSpan]:
    """By name, as soon as `last` is there: a batch ends after its callers have been answered."""
    exporter.clear()
    await coroutine
    async with patience():
        while last not in (spans := {span.name: span for span in exporter.get_finished_spans()}):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    return spans


def batches_in(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == "batch of submissions"]


def attributes(spans: dict[str, ReadableSpan]) -> dict[str, dict[str, Any]]:
    return {name: dict(span.attributes or {}) for name, span in spans.items()}


async def test_a_check_from_the_door_to_the_database(api: Api, exporter: InMemorySpanExporter) -> None:
    await api.token("djka")
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": f"x={NIK}", "baggage": f"nik={NIK},name={NAME}"}
    asking = api.data(CHECK, {"nik": NIK}, organizer="djka", headers=headers)
    await api.data("{ me { id } }", organizer="djka")
    spans = await spans_of(exporter, asking, "batch of checks")
    assert attributes(spans) == {
        "POST /graphql": {"http.request.method": "POST", "http.route": "/graphql", "http.response.status_code": 200},
        "operation": {"graphql.fields": "checkNik"},
        "batch of checks": {"pemudik.batch.size": 1},
    }
    request, operation, batch = (spans[name] for name in ("POST /graphql", "operation", "batch of checks"))
    assert request.parent is not None
    assert (f"{request.parent.trace_id:032x}", f"{request.parent.span_id:016x}") == (TRACE, PARENT)
    assert operation.parent == request.context
    # A batch is nobody's own: it is linked to all whose calls it merged.
    assert batch.parent is None
    assert [link.context for link in batch.links] == [operation.context]
    for span in spans.values():
        assert list(span.events) == []
        assert span.status.description is None
        assert f"{NIK}{NAME}" not in span.to_json()
        for word in (NIK, NIK[:12], NAME, "djka", "tracestate"):
            assert word not in span.to_json().replace('"trace_state": "[]"', "")


async def test_many_calls_one_batch_and_its_transaction(api: Api, world: World, exporter: InMemorySpanExporter) -> None:
    route_id = await world.route(organizer="djka")
    submit = "mutation ($input: SubmitRegistrant!) { submitRegistrant(input: $input) { __typename } }"
    person = {"name": NAME, "routeId": str(route_id), "identityDocument": "KTP"}
    inputs = [{"input": {**person, "nik": nik_of(number)}} for number in range(6)]
    await api.token("djka")
    exporter.clear()
    await asyncio.gather(*(api.data(submit, one, organizer="djka") for one in inputs))
    async with patience():
        while sum(len(span.links) for span in batches_in(exporter)) < 6:  # noqa: ASYNC110 - nothing tells of a span
            await asyncio.sleep(0.001)
    spans, batches = exporter.get_finished_spans(), batches_in(exporter)
    transactions = [span for span in spans if span.name == "transaction" and span.parent is not None]
    assert sum((span.attributes or {})["pemudik.batch.size"] for span in batches) == 6  # type: ignore[misc]
    assert sum(len(span.links) for span in batches) == 6
    parents = {span.parent.span_id for span in transactions if span.parent}
    assert parents >= {span.context.span_id for span in batches}
    assert {key for span in spans for key in span.attributes or {}} == {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "graphql.fields",
        "pemudik.batch.size",
    }


@pytest.mark.parametrize(
    "traceparent",
    [
        NIK,
        NAME,
        f"00-{NIK}{NIK}-{PARENT}-01",
        f"00-{TRACE}-{NIK}-01",
        f"00-{TRACE}-{PARENT}-01-{NAME}",
        "00-" + "0" * 32 + f"-{PARENT}-01",
    ],
)
async def test_a_trace_that_might_name_somebody_is_not_taken_over(
    api: Api, exporter: InMemorySpanExporter, traceparent: str
) -> None:
    asking = api.http.get("/oauth/jwks.json", headers={"traceparent": traceparent})
    spans = await spans_of(exporter, asking, "GET /oauth/jwks.json")
    [span] = spans.values()
    assert span.parent is None
    assert f"{span.context.trace_id:032x}" not in traceparent


async def test_what_no_route_answers_is_not_named(api: Api, exporter: InMemorySpanExporter) -> None:
    spans = await spans_of(exporter, api.http.request(NAME.upper(), f"/{NIK}?name={NAME}"), "- -")
    assert attributes(spans) == {
        "- -": {"http.request.method": "-", "http.route": "-", "http.response.status_code": 404}
    }


async def test_a_bug_is_its_type(api: Api, world: World, exporter: InMemorySpanExporter) -> None:
    await api.token("hubdat")
    await world.run("ALTER TABLE organizer RENAME COLUMN name TO gone")
    try:
        spans = await spans_of(exporter, api.post("{ organizers { code } }"), "transaction")
    finally:
        await world.run("ALTER TABLE organizer RENAME COLUMN gone TO name")
    transaction = spans["transaction"]
    assert transaction.status.status_code is StatusCode.ERROR
    assert transaction.status.description is None
    assert dict(transaction.attributes or {}) == {"error.type": "UndefinedColumnError"}
    assert list(transaction.events) == []
