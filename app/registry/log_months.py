"""The months of a log: partitions of its table, which are made ahead and dropped as a whole when their time is over.

A row that comes before its month is made waits in the partition `…_default`, so no row is ever refused. What was
written before there were months is one partition, `…_before_YYYY_MM`. Months are those of UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from app.db import Session
from app.models.enums import Log
from app.sql import Statement, statement

TABLES = {Log.CHANGES: "change", Log.ACCESS: "nik_access", Log.READS: "people_read"}
DELIVERIES = "webhook_delivery_ended"
"""No log, and not sealed, but in months as well."""
MONTHS_AHEAD = 2
"""As many are made behind the month that runs."""

_NAME = re.compile(r"(?P<before>_before)?_(?P<year>\d{4})_(?P<month>\d\d)$")
_MAKE = statement("SELECT log_make_months(:log, :now, :ahead)", int)
_DROP_DELIVERIES = statement("SELECT delivery_drop_month(:month)")
_PARTITIONS: dict[str, Statement[str]] = {
    table: statement(
        f"""
        SELECT CAST(c.relname AS text) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
        WHERE inhparent = CAST('{table}' AS regclass) AND c.relname <> '{table}_default'
        """,
        str,
    )
    for table in (*TABLES.values(), DELIVERIES)
}


class Month(NamedTuple):
    name: str
    """The name of the partition."""
    first: int
    """202612 for December 2026. 0: everything before `end`."""
    end: int
    """The first month that is not in it."""

    @property
    def until(self) -> datetime:
        """Every row in it is older than this."""
        return datetime(self.end // 100, self.end % 100, 1, tzinfo=UTC)

    def has(self, month: int) -> bool:
        return self.first <= month < self.end


async def make(session: Session, table: str, now: datetime) -> int:
    """Make the months that are missing, from that of `now` on. Answers how many."""
    return await session.one(_MAKE, log=table, now=now, ahead=MONTHS_AHEAD)


async def of(session: Session, table: str) -> list[Month]:
    """The months that are there, the oldest first."""
    months = [month_of(name) for name in await session.rows(_PARTITIONS[table])]
    return sorted(months, key=lambda month: month.first)


def month_of(name: str) -> Month:
    found = _NAME.search(name)
    assert found is not None, name  # noqa: S101 - nobody else makes partitions
    year, month = int(found["year"]), int(found["month"])
    number = year * 100 + month
    if found["before"]:
        return Month(name, 0, number)
    return Month(name, number, number + 1 if month < 12 else (year + 1) * 100 + 1)


async def whole_before(session: Session, table: str, until: datetime) -> list[Month]:
    """The months of which every row is older than `until`."""
    return [month for month in await of(session, table) if month.until <= until]


async def drop_deliveries(session: Session, month: Month) -> None:
    """A month of a log is dropped together with the record of it in the seals: see `app.changes.seals.sealing`."""
    await session.run(_DROP_DELIVERIES, month=month.name)
