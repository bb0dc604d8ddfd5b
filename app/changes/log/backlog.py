"""What waits to be done, as the database has it: the same for any number of processes, read when somebody asks.

The figures say how far the followers of the log are behind, how many deliveries and imports wait, which deadlines have
passed, and how old the oldest transaction is. A count stops at 10,000: more is as bad.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from app.changes.log.feed import SETTLED
from app.changes.log.holding import HOLDING
from app.clock import wib_day
from app.db import Session
from app.models.statuses import AWAITS_VERIFICATION
from app.registry.log_months import TABLES
from app.registry.niks.allowance import sql_is_shut
from app.sql import statement

MOST_COUNTED = 10_000

_BEHIND = "SELECT c.at FROM change c WHERE (c.xact_id, c.id) > (p.xact_id, p.change_id)"
# The row behind the last seal. Without a seal it is the first row.
_UNSEALED = """
    SELECT c.at FROM {table} c WHERE (c.xact_id, c.id) > (
        coalesce((SELECT xact_id FROM log_seal WHERE log = '{log}' ORDER BY number DESC LIMIT 1), '0'),
        coalesce((SELECT row_id FROM log_seal WHERE log = '{log}' ORDER BY number DESC LIMIT 1), 0)
    ) ORDER BY c.xact_id, c.id LIMIT 1
"""
_ENABLED = "w.disabled_at IS NULL AND w.deleted_at IS NULL"


@dataclass(frozen=True, slots=True)
class Figure:
    """A gauge of the metrics page. `sql` yields rows of two columns: the label's value (or NULL), and a number."""

    name: str
    description: str
    sql: str
    label: str | None = None
    """The name of the label. None: the figure is one number."""


@dataclass(frozen=True, slots=True)
class FigureReading:
    figure: Figure
    values: dict[str | None, float] = field(default_factory=dict)
    """By the label's value. Under None is the number of a figure without a label."""


def _seconds_since(instant: str) -> str:
    return f"coalesce(greatest(0, extract(epoch FROM CAST(:now AS timestamptz) - {instant})), 0)"


def _up_to_most(rows: str) -> str:
    """`rows` of the log must be in the order of the log. Else the planner expects many, and reads the whole log."""
    return f"(SELECT count(*) FROM ({rows} LIMIT {MOST_COUNTED}) counted)"


FIGURES = (
    Figure(
        "pemudik_log_unsettled_changes",
        "Changes that are committed and wait for an older transaction to end before anybody is told of them.",
        f"SELECT NULL, {_up_to_most(f'SELECT FROM change c WHERE NOT {SETTLED} ORDER BY c.xact_id')}",
    ),
    Figure(
        "pemudik_oldest_transaction_seconds",
        "Age of the oldest transaction that writes, by database and role: what follows the log waits for it.",
        f"SELECT coalesce(database, '?') || ' / ' || coalesce(role, '?'), {_seconds_since('since')}"
        f" FROM ({HOLDING}) holding WHERE since IS NOT NULL ORDER BY age DESC LIMIT 1",
        "holder",
    ),
    Figure(
        "pemudik_projection_lag_changes",
        "Changes that a projection of the log has not taken in yet.",
        f"SELECT p.name, {_up_to_most(f'{_BEHIND} ORDER BY c.xact_id, c.id')} FROM projection p",
        "projection",
    ),
    Figure(
        "pemudik_projection_lag_seconds",
        "Age of the oldest change that a projection has not taken in yet.",
        f"SELECT p.name, {_seconds_since(f'({_BEHIND} ORDER BY c.xact_id, c.id LIMIT 1)')} FROM projection p",
        "projection",
    ),
    Figure(
        "pemudik_log_unsealed_seconds",
        "Age of the oldest row of a log that is not sealed yet: until then nobody could prove that it was changed.",
        " UNION ALL ".join(
            f"SELECT '{log}', {_seconds_since(f'({_UNSEALED.format(table=table, log=log)})')}"
            for log, table in TABLES.items()
        ),
        "log",
    ),
    Figure(
        "pemudik_log_seals",
        "The number of the last seal of a log. A lower one than before: the end of the log was taken away.",
        f"SELECT one.log, coalesce(max(s.number), 0) FROM unnest(ARRAY{[str(log) for log in TABLES]}) AS one (log)"
        " LEFT JOIN LATERAL (SELECT number FROM log_seal WHERE log = one.log ORDER BY number DESC LIMIT 1) s ON true"
        " GROUP BY one.log",
        "log",
    ),
    Figure(
        "pemudik_webhook_deliveries_pending",
        "Deliveries of outgoing webhooks that have not arrived and are not given up.",
        "SELECT NULL, "
        + _up_to_most(
            f"SELECT FROM webhook_delivery d JOIN webhook w ON w.id = d.webhook_id"
            f" WHERE d.state = 'PENDING' AND {_ENABLED}"
        ),
    ),
    Figure(
        "pemudik_webhook_oldest_due_seconds",
        "For how long the delivery that was due first has waited to be sent: the senders do not keep up.",
        f"SELECT NULL, {_seconds_since('min(greatest(d.due_at, w.paused_until))')} FROM webhook w"
        f" JOIN webhook_delivery d ON d.webhook_id = w.id AND d.due_at IS NOT NULL WHERE {_ENABLED}",
    ),
    Figure(
        "pemudik_webhooks_failing_seconds",
        "For how long an organizer's webhooks have failed without a success between.",
        f"SELECT organizer_code, {_seconds_since('min(w.failing_since)')} FROM webhook w WHERE {_ENABLED}"
        " AND w.failing_since IS NOT NULL GROUP BY organizer_code",
        "organizer",
    ),
    Figure(
        "pemudik_import_jobs",
        "Imports that are not finished, by state.",
        "SELECT s.state, count(j.id) FROM (VALUES ('QUEUED'), ('RUNNING')) AS s (state)"
        " LEFT JOIN import_job j ON j.state = s.state GROUP BY s.state",
        "state",
    ),
    Figure(
        "pemudik_import_rows",
        "Rows of all imports so far, dry runs left out, by what became of them: a result, or why not.",
        "SELECT k.code, sum(k.times) FROM import_job j CROSS JOIN LATERAL ("
        " SELECT key AS code, CAST(value AS bigint) AS times FROM jsonb_each_text(j.results)"
        " WHERE key IN ('NEW', 'UPDATED', 'UNCHANGED') UNION ALL"
        " SELECT key, CAST(value AS bigint) FROM jsonb_each_text(j.codes)) k WHERE NOT j.dry_run GROUP BY k.code",
        "code",
    ),
    Figure(
        "pemudik_import_kept_bytes",
        "Bytes of import files that are kept, by organizer: of those who have some.",
        "SELECT organizer_code, sum(bytes) FROM import_job WHERE wiped_at IS NULL AND bytes > 0"
        " GROUP BY organizer_code",
        "organizer",
    ),
    Figure(
        "pemudik_import_oldest_queued_seconds",
        "For how long the import that came first has waited to be begun.",
        f"SELECT NULL, {_seconds_since('min(created_at)')} FROM import_job WHERE state = 'QUEUED'",
    ),
    Figure(
        "pemudik_verification_overdue_seconds",
        "For how long the verification deadline of somebody who is still registered has passed: at most a minute.",
        f"SELECT NULL, {_seconds_since('min(r.verify_by)')} FROM registrant r JOIN season ON season.year = r.season"
        f" WHERE r.{AWAITS_VERIFICATION} AND r.verify_by < :now AND season.closed_at IS NULL",
    ),
    Figure(
        "pemudik_sweep_halted_people",
        "People of an organizer whom the sweep would end, too many at once: they wait for Hubdat's word.",
        "SELECT organizer_code, sum(people) FROM sweep_halt WHERE halted_at IS NOT NULL"
        " AND allowed_until = '-infinity' GROUP BY organizer_code",
        "organizer",
    ),
    Figure(
        "pemudik_nik_allowance_shut_out",
        "1: the organizer used up its allowance of NIKs and was refused as often again. Its submissions are 503 today.",
        f"SELECT a.organizer_code, 1 FROM nik_allowance a WHERE {sql_is_shut('a')}",
        "organizer",
    ),
    Figure(
        "pemudik_database_connections",
        "Connections to the database server, of everybody.",
        "SELECT NULL, count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'",
    ),
    Figure(
        "pemudik_database_connections_max",
        "Connections that the database server takes.",
        "SELECT NULL, CAST(current_setting('max_connections') AS int)",
    ),
)


class _FigureRow(NamedTuple):
    place: int
    """The place of the figure in `FIGURES`."""
    label: str | None
    value: float


_ALL = statement(
    " UNION ALL ".join(
        f"SELECT {place} AS place, CAST(label AS text) AS label, CAST(value AS float8) AS value"
        f" FROM ({figure.sql}) AS f{place} (label, value)"
        for place, figure in enumerate(FIGURES)
    ),
    _FigureRow,
)


async def read(session: Session, now: datetime) -> list[FigureReading]:
    """All figures, by one statement."""
    readings = [FigureReading(figure) for figure in FIGURES]
    for row in await session.rows(_ALL, now=now, today=wib_day(now)):
        readings[row.place].values[row.label] = row.value
    return readings
