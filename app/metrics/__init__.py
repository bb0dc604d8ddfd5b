"""What the live registry counts of itself. Every label is a word of our closed vocabularies, and no label is personal.

A metric is added here, counted where it happens, and shown in `docs/monitoring`. prometheus_client counts in memory. If
PROMETHEUS_MULTIPROC_DIR is set before this is imported, it counts in files that the processes of one server share.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache, partial
from typing import Any, Self

import prometheus_client
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from app.metrics import minute

OTHER = "other"
MOST_LABELS_KEPT = 4_096
"""All metrics together keep so many labels. To count with a label that is not kept takes a microsecond longer."""
_WORD = re.compile(r"(?!.*\d{10})[A-Za-z0-9_./{}:+-]{1,64}")

# prometheus_client would add a series for the time at which each counter was made.
prometheus_client.disable_created_metrics()


class _InOurWords(MetricWrapperBase):
    """A label that is no word of ours, from a client or by a bug, becomes `other`.

    What is done for a test registry is not counted: figures and alarms are about the live one.
    """

    def labels(self, *words: object, **_: object) -> Self:
        child: Self = _child(self, words) if _is_live() else _NOWHERE
        return child

    def _counts(self) -> bool:
        """A metric with labels was asked when it was labelled."""
        return bool(self._labelnames) or _is_live()


def _is_live() -> bool:
    return minute.minute.get() is minute.LIVE


class _Nowhere:
    """Counts nothing."""

    def inc(self, amount: float = 1) -> None: ...

    def dec(self, amount: float = 1) -> None: ...

    def set(self, value: float) -> None: ...

    def observe(self, amount: float) -> None: ...


_NOWHERE: Any = _Nowhere()


@lru_cache(MOST_LABELS_KEPT)
def _child(metric: MetricWrapperBase, words: tuple[str, ...]) -> Any:
    return MetricWrapperBase.labels(metric, *(word if _WORD.fullmatch(word) else OTHER for word in words))


class Counter(_InOurWords, prometheus_client.Counter):
    def inc(self, amount: float = 1, exemplar: dict[str, str] | None = None) -> None:
        if self._counts():
            super().inc(amount, exemplar)


class Gauge(_InOurWords, prometheus_client.Gauge):
    def inc(self, amount: float = 1) -> None:
        if self._counts():
            super().inc(amount)

    def dec(self, amount: float = 1) -> None:
        if self._counts():
            super().dec(amount)

    def set(self, value: float) -> None:
        if self._counts():
            super().set(value)


class Histogram(_InOurWords, prometheus_client.Histogram):
    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        if self._counts():
            super().observe(amount, exemplar)


REGISTRY = CollectorRegistry()
_counter = partial(Counter, registry=REGISTRY)
_seconds = partial(
    Histogram,
    registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_sizes = partial(Histogram, registry=REGISTRY, buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000))
_gauge = partial(Gauge, registry=REGISTRY, multiprocess_mode="livesum")
"""How much there is now, in all live processes together."""

REQUESTS = _counter(
    "pemudik_requests_total",
    "Requests, by route, operation (its root field, `several`, or `-`), status, and outcome (`ok` or a code).",
    ["route", "operation", "status", "outcome"],
)
REQUEST_SECONDS = _seconds(
    "pemudik_request_seconds", "How long requests took, by route and operation.", ["route", "operation"]
)
VERDICTS = _counter(
    "pemudik_verdicts_total",
    "Verdicts on single items: NIK checks, submissions, rows of the 12 columns, changes to a registrant.",
    ["of", "code", "organizer"],
)
BATCH_SIZE = _sizes("pemudik_batch_size", "Single calls that were merged into one batch.", ["of"])
BATCH_SECONDS = _seconds("pemudik_batch_seconds", "How long merged batches took.", ["of"])
WAITING = _gauge("pemudik_batch_waiting", "Single calls that wait for the next batch.", ["of"])
TURNS_WAITING = _gauge("pemudik_turns_waiting", "Operations that wait for the turn of their client.")
OPEN = _gauge("pemudik_open", "Sockets and subscriptions that are open.", ["kind"])
SOCKET_OPERATIONS = _counter(
    "pemudik_socket_operations_total", "Operations that came over sockets, by their root field.", ["operation"]
)
SOCKET_FAILURES = _counter("pemudik_socket_failures_total", "Operations over sockets that failed, by code.", ["code"])
SOCKETS_ENDED = _counter("pemudik_sockets_ended_total", "Sockets that have ended, by close code.", ["code"])
WEBHOOK_ATTEMPTS = _counter(
    "pemudik_webhook_attempts_total",
    "Attempts to deliver a webhook, by the class of the answer's status or what failed.",
    ["outcome"],
)

POOL_SIZE = _gauge("pemudik_pool_connections_max", "Database connections that the pools may hold.", ["pool"])
POOL_IN_USE = _gauge("pemudik_pool_connections_in_use", "Database connections that are being used.", ["pool"])
TRANSACTION_SECONDS = _seconds("pemudik_transaction_seconds", "How long database transactions took.")
RETRIES = _counter(
    "pemudik_transaction_retries_total", "Transactions that lost a race and were run again, by why.", ["reason"]
)
UNAVAILABLE = _counter(
    "pemudik_database_unavailable_total",
    "Times that the database could not be used: it was away, or no connection of the pool got free.",
    ["reason"],
)

WORKERS = _gauge("pemudik_workers", "Processes that serve.")
STARTED = Gauge(
    "pemudik_started_seconds",
    "When the youngest of the processes began, in Unix time.",
    registry=REGISTRY,
    multiprocess_mode="max",
)
CLOCK_APART = Gauge(
    "pemudik_clock_apart_seconds",
    "How far the clock of this machine and the database's are apart.",
    registry=REGISTRY,
    multiprocess_mode="livemax",
)
DUTY_FAILURES = _counter("pemudik_duty_failures_total", "Bugs in what a process does by itself.")
LOST = _counter(
    "pemudik_log_lost_total",
    "Times that a process found changes gone that a projection had taken in: a failover or a restore has lost them.",
    ["projection"],
)
ENUMERATION_ALARMS = _counter(
    "pemudik_enumeration_alarms_total",
    "Alarms about an organizer that names NIKs like somebody who walks through them, by the sign.",
    ["organizer", "sign"],
)


def count_verdict(of: str, organizer: str, code: str, *, refused: bool, times: int = 1) -> None:
    VERDICTS.labels(of, code, organizer).inc(times)
    if refused:
        minute.count_refusal(organizer, code, times)


def start() -> None:
    """This process serves from here on. Processes that it starts itself count for themselves.

    Counters of events that should never happen begin at 0: a counter that appears with its first event shows no
    increase.
    """
    os.unsetenv("PROMETHEUS_MULTIPROC_DIR")
    WORKERS.set(1)
    STARTED.set_to_current_time()
    for reason in ("away", "pool"):
        UNAVAILABLE.labels(reason)
