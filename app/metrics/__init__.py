"""What the registry counts of itself. Every label is of a closed vocabulary of ours, and nothing in one is personal.

A metric is added here, counted where it happens, and shown in `docs/monitoring`. Anything may count, from the event
loop's thread.
"""

from __future__ import annotations

from pathlib import Path

from app.metrics.kinds import COUNTS, OTHER, Counter, Gauge, Histogram

__all__ = ["COUNTS", "OTHER", "count_in"]

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)

REQUESTS = Counter(
    "pemudik_requests_total",
    "Requests, by route, operation (its root field, `several`, or `-`), status, and outcome (`ok` or a code).",
    "route",
    "operation",
    "status",
    "outcome",
)
REQUEST_SECONDS = Histogram(
    "pemudik_request_seconds", "How long requests took, by route and operation.", _QUICK, "route", "operation"
)
VERDICTS = Counter(
    "pemudik_verdicts_total",
    "Verdicts on single items: NIK checks, submissions, records of the feeds, changes to a registrant.",
    "of",
    "code",
    "organizer",
)
BATCH_SIZE = Histogram("pemudik_batch_size", "Single calls that were merged into one batch.", _SIZES, "of")
BATCH_SECONDS = Histogram("pemudik_batch_seconds", "How long merged batches took.", _QUICK, "of")
WAITING = Gauge("pemudik_batch_waiting", "Single calls that wait for the next batch.", "of")
OPEN = Gauge("pemudik_open", "Sockets and subscriptions that are open.", "kind")
SOCKET_OPERATIONS = Counter(
    "pemudik_socket_operations_total", "Operations that came over sockets, by their root field.", "operation"
)
SOCKET_FAILURES = Counter("pemudik_socket_failures_total", "Operations over sockets that failed, by code.", "code")
SOCKETS_ENDED = Counter("pemudik_sockets_ended_total", "Sockets that have ended, by close code.", "code")
WEBHOOK_ATTEMPTS = Counter(
    "pemudik_webhook_attempts_total",
    "Attempts to deliver a webhook, by the class of the answer's status or what failed.",
    "outcome",
)

POOL_SIZE = Gauge("pemudik_pool_connections_max", "Database connections that the pools may hold.", "pool")
POOL_IN_USE = Gauge("pemudik_pool_connections_in_use", "Database connections that are being used.", "pool")
TRANSACTION_SECONDS = Histogram("pemudik_transaction_seconds", "How long database transactions took.", _QUICK)
RETRIES = Counter(
    "pemudik_transaction_retries_total", "Transactions that lost a race and were run again, by why.", "reason"
)
UNAVAILABLE = Counter(
    "pemudik_database_unavailable_total",
    "Times that the database could not be used: it was away, or no connection of the pool got free.",
    "reason",
)

DUTY_FAILURES = Counter("pemudik_duty_failures_total", "Bugs in what a process does by itself.")
ENUMERATION_ALARMS = Counter(
    "pemudik_enumeration_alarms_total",
    "Alarms about a client whose NIK checks look like somebody walking through NIKs, by what they look like.",
    "client",
    "organizer",
    "kind",
)


def count_in(folder: Path | None) -> None:
    """Count from here on in `folder`, where the other processes of this server count too; None: in memory.

    What should never happen stands at 0 before it does: a counter that is born with its first event shows no increase.
    """
    COUNTS.count_in(folder)
    DUTY_FAILURES.add(by=0)
    for reason in ("away", "pool"):
        UNAVAILABLE.add(reason, by=0)
